"""SQLAlchemy's inspector and Alembic on `mssql+pyodbc`: Microsoft's driver in front of the engine."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from tests import driver
from tests.tds.conftest import PASSWORD

import tsqlite
from notify import assets
from notify.cli import main
from notify.databases import EMBEDDED, ODBC, Role
from notify.deploy import split_batches
from tsqlite.tds.server import Server

pytestmark = pytest.mark.skipif(driver.reason() is not None, reason=str(driver.reason()))

ROLES = (Role.PROCESSOR, Role.QUEUE)


def url(port: int, database: str, **options: str) -> sa.URL:
    options = {"driver": driver.NAME, "TrustServerCertificate": "yes"} | options
    return sa.URL.create(
        ODBC, username="sa", password=PASSWORD, host="127.0.0.1", port=port, database=database, query=options
    )


@pytest.fixture
def engine(server: Server) -> Iterator[sa.Engine]:
    made = sa.create_engine(url(server.port, "Sales"))
    yield made
    made.dispose()


def described(engine: sa.Engine) -> dict[Any, Any]:
    """Everything that the inspector says of a database, and what it does not ask for: checks and computed columns."""
    inspector, found = sa.inspect(engine), {}
    for schema in ("dbo", "notify"):
        found[schema] = inspector.get_table_names(schema), inspector.get_view_names(schema)
        for name in (*found[schema][0], *found[schema][1]):
            columns = inspector.get_columns(name, schema)
            found[schema, name] = [{**column, "type": repr(column["type"])} for column in columns]
        for table in found[schema][0]:
            found[schema, table, "keys"] = (
                inspector.get_pk_constraint(table, schema),
                inspector.get_foreign_keys(table, schema),
                inspector.get_indexes(table, schema),
            )
        for view in found[schema][1]:
            found[schema, view, "text"] = inspector.get_view_definition(view, schema)
    with engine.connect() as connection:
        for query in (
            "SELECT OBJECT_NAME(parent_object_id), name, definition FROM sys.check_constraints ORDER BY 1, 2",
            "SELECT OBJECT_NAME(parent_object_id), name, definition FROM sys.default_constraints ORDER BY 1, 2",
            "SELECT OBJECT_NAME(object_id), name, definition, is_persisted FROM sys.computed_columns ORDER BY 1, 2",
        ):
            found[query] = connection.exec_driver_sql(query).all()
    return found


# --- notify's databases -----------------------------------------------------------------------------------------------


def migrate(config: Path) -> str:
    output = StringIO()
    with redirect_stdout(output), pytest.raises(SystemExit) as ended:
        main(["migrate", "processor", "queue", "--config", str(config)])
    assert ended.value.code in (0, None), output.getvalue()
    return output.getvalue()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """Processor and queue, made by `notify migrate` through Microsoft's driver, and in process."""
    folder = tmp_path_factory.mktemp("migrated")
    over, within = folder / "over", folder / "within"
    files = {}
    for role in ROLES:
        for side in (over, within):
            side.mkdir(exist_ok=True)
            files[side, role] = side / f"{role}.db"
            tsqlite.connect(files[side, role], autocommit=True, synchronous="OFF", name=role.value).close()
    with Server({role.value: files[over, role] for role in ROLES}, password=PASSWORD, synchronous="OFF") as server:
        urls = {role: url(server.port, role.value).render_as_string(hide_password=False) for role in ROLES}
        (over / "notify.toml").write_text("[databases]\n" + "".join(f'{r} = "{urls[r]}"\n' for r in ROLES))
        (within / "notify.toml").write_text(
            "[databases]\n" + "".join(f'{r} = "{EMBEDDED}:///{files[within, r]}?synchronous=OFF"\n' for r in ROLES)
        )
        said = migrate(over / "notify.toml"), migrate(over / "notify.toml")
        migrate(within / "notify.toml")
        engines = {
            f"{side} {role}": sa.create_engine(found)
            for role in ROLES
            for side, found in (
                ("over", urls[role]),
                ("beside", f"{EMBEDDED}:///{files[over, role]}"),
                ("within", f"{EMBEDDED}:///{files[within, role]}"),
            )
        }
        yield {"said": said, "described": {name: described(engine) for name, engine in engines.items()}}
        for engine in engines.values():
            engine.dispose()


def test_notify_migrate_through_the_driver(migrated: Mapping[str, Any]) -> None:
    first, again = migrated["said"]
    assert re.search(r"processor: [1-9]\d* modules deployed, 0 unchanged, tables from revision none to \d+", first)
    assert re.search(r"queue: [1-9]\d* modules deployed, 0 unchanged, tables from revision none to \d+", first)
    assert len(re.findall(r": 0 modules deployed, [1-9]\d* unchanged, tables at revision", again)) == len(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_the_inspector_sees_through_the_driver_what_it_sees_in_process(migrated: Mapping[str, Any], role: Role) -> None:
    found = migrated["described"]
    assert found[f"over {role}"] == found[f"beside {role}"]
    assert found[f"over {role}"] == found[f"within {role}"], "migrated through the driver, and in process"


@pytest.mark.parametrize("role", ROLES)
def test_the_inspector_sees_what_the_migration_says(migrated: Mapping[str, Any], role: Role) -> None:
    found = migrated["described"][f"over {role}"]
    text = "\n".join(
        re.sub(r"/\*.*?\*/|--[^\n]*", " ", file.read_text(encoding="utf-8"), flags=re.S)
        for file in sorted((assets.migrations() / role / "versions").glob("*.sql"))
    )
    tables, views = found["notify"]
    assert sorted(tables) == sorted(re.findall(r"CREATE TABLE notify\.(\w+)", text))
    assert sorted(views) == sorted(file.stem for file in (assets.sql() / "views" / role).glob("*.sql"))

    keys = {table: found["notify", table, "keys"] for table in tables}
    named = {
        kind: set(re.findall(rf"CONSTRAINT (\w+) {kind}", text)) for kind in ("PRIMARY KEY", "FOREIGN KEY", "UNIQUE")
    }
    assert {key["name"] for key, _, _ in keys.values()} == named["PRIMARY KEY"]
    assert {key["name"] for _, found_keys, _ in keys.values() for key in found_keys} == named["FOREIGN KEY"]

    indexes = {index["name"]: index for _, _, found_indexes in keys.values() for index in found_indexes}
    unique = {name for name, index in indexes.items() if index["unique"]}
    assert unique == named["UNIQUE"] | set(re.findall(r"CREATE UNIQUE (?:NONCLUSTERED )?INDEX (\w+)", text))
    written = re.findall(r"CREATE (?:UNIQUE )?(?:NONCLUSTERED )?INDEX (\w+)\s+ON [\w.]+\s*\(([^)]*)\)([^;]*);", text)
    assert set(indexes) == named["UNIQUE"] | {name for name, _, _ in written}
    for name, columns, rest in written:
        index = indexes[name]
        assert index["column_names"] == [column.split()[0] for column in columns.split(",")], name
        include = re.search(r"INCLUDE \(([^)]*)\)", rest)
        told = [column.strip() for column in include[1].split(",")] if include else []
        assert index["dialect_options"]["mssql_include"] == told, name
        assert ("mssql_where" in index["dialect_options"]) == ("WHERE" in rest), name

    for kind, catalog in (("CHECK", "check_constraints"), ("DEFAULT", "default_constraints")):
        (rows,) = (rows for query, rows in found.items() if catalog in query)
        assert {name for _, name, _ in rows} == set(re.findall(rf"CONSTRAINT (\w+)\s+{kind}\b", text))

    identities = {c["name"] for table in tables for c in found["notify", table] if c.get("identity")}
    assert identities == set(re.findall(r"(\w+) \w+ (?:NOT NULL )?IDENTITY", text))
    for table in tables:
        body = re.search(rf"CREATE TABLE notify\.{table} \((.*?)\n\);", text, re.S)
        assert body, table
        declared = re.findall(r"(?m)^    (\w+) (?!\w* ?AS\b)([A-Z0-9]+|sysname)(?:\(([\w, ]+)\))?(.*)$", body[1])
        declared = [column for column in declared if column[0] not in ("CONSTRAINT", "PRIMARY", "INDEX")]
        columns = {column["name"]: column for column in found["notify", table]}
        assert [c for c in columns if not columns[c].get("computed")] == [name for name, _, _, _ in declared], table
        for name, type_, arguments, rest in declared:
            shown = columns[name]["type"].split("(")[0]
            assert shown == {"INT": "INTEGER", "ROWVERSION": "TIMESTAMP", "sysname": "NVARCHAR"}.get(type_, type_), (
                f"{table}.{name}"
            )
            if arguments.isdigit() and "CHAR" in type_:
                assert f"length={arguments}" in columns[name]["type"], f"{table}.{name}"
            assert columns[name]["nullable"] == ("NOT NULL" not in rest), f"{table}.{name}"


def test_the_script_that_a_dba_runs_makes_what_migrate_makes(
    migrated: Mapping[str, Any], server: Server, engine: sa.Engine
) -> None:
    output = StringIO()
    with redirect_stdout(output), pytest.raises(SystemExit):
        main(["script", "queue"])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for batch in split_batches(output.getvalue()):
            connection.exec_driver_sql(batch)
    made = described(engine)
    assert made == migrated["described"]["over queue"]


# --- a schema of every kind of thing ----------------------------------------------------------------------------------


@pytest.fixture
def metadata() -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "customer",
        metadata,
        sa.Column("customer_id", sa.BigInteger, sa.Identity(start=100, increment=5), primary_key=True),
        sa.Column("name", sa.Unicode(30), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("born", sa.Date),
        sa.Column("balance", sa.Numeric(19, 4), nullable=False, server_default="0"),
        sa.Column("doubled", sa.Numeric(21, 4), sa.Computed("balance * 2", persisted=True)),
        sa.Column("seen_at", sa.DateTime, server_default=sa.func.getdate()),
        sa.Column("notes", sa.UnicodeText),
        sa.Column("picture", sa.LargeBinary),
        sa.Column("guid", sa.Uuid),
        sa.Column("ratio", sa.Float),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default="1"),
        sa.UniqueConstraint("code", name="uq_customer_code"),
        sa.CheckConstraint("balance >= -100", name="ck_customer_balance"),
    )
    sa.Table(
        "purchase",
        metadata,
        sa.Column("purchase_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "customer_id", sa.ForeignKey("customer.customer_id", name="fk_purchase_customer", ondelete="CASCADE")
        ),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False),
        sa.Column("state", sa.String(10)),
        sa.Index(
            "ix_purchase_open",
            "customer_id",
            mssql_include=["amount", "state"],
            mssql_where=sa.text("state IS NOT NULL"),
        ),
        sa.Index("ix_purchase_amount", "amount", "state"),
    )
    return metadata


def test_reflection(engine: sa.Engine, metadata: sa.MetaData) -> None:
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW debtor AS SELECT customer_id, name FROM customer WHERE balance < 0")
    inspector = sa.inspect(engine)
    assert (inspector.get_table_names(), inspector.get_view_names()) == (["customer", "purchase"], ["debtor"])
    assert inspector.has_table("customer") and inspector.has_table("debtor") and not inspector.has_table("nobody")

    columns = {column["name"]: column for column in inspector.get_columns("customer")}
    assert {
        name: (str(column["type"].compile(engine.dialect)), column["nullable"]) for name, column in columns.items()
    } == {
        "customer_id": ("BIGINT", False),
        "name": ("NVARCHAR(30) COLLATE SQL_Latin1_General_CP1_CI_AS", False),
        "code": ("VARCHAR(8) COLLATE SQL_Latin1_General_CP1_CI_AS", False),
        "born": ("DATE", True),
        "balance": ("NUMERIC(19, 4)", False),
        "doubled": ("NUMERIC(21, 4)", True),
        "seen_at": ("DATETIME", True),
        "notes": ("NVARCHAR(max) COLLATE SQL_Latin1_General_CP1_CI_AS", True),
        "picture": ("VARBINARY(max)", True),
        "guid": ("UNIQUEIDENTIFIER", True),
        "ratio": ("FLOAT(53)", True),
        "is_active": ("BIT", False),
    }
    assert columns["customer_id"]["identity"] == {"start": 100, "increment": 5}
    assert columns["doubled"]["computed"]["persisted"] is True
    assert columns["balance"]["default"] == "('0')"

    assert inspector.get_pk_constraint("purchase")["constrained_columns"] == ["purchase_id", "line"]
    (key,) = inspector.get_foreign_keys("purchase")
    assert (key["name"], key["constrained_columns"]) == ("fk_purchase_customer", ["customer_id"])
    assert (key["referred_table"], key["referred_columns"]) == ("customer", ["customer_id"])
    assert key["options"] == {"ondelete": "CASCADE"}
    indexes = {index["name"]: index for index in inspector.get_indexes("purchase")}
    assert indexes["ix_purchase_open"]["dialect_options"] == {
        "mssql_clustered": False, "mssql_include": ["amount", "state"], "mssql_where": "([state] IS NOT NULL)",
    }  # fmt: skip
    assert indexes["ix_purchase_amount"]["column_names"] == ["amount", "state"]
    assert [index["name"] for index in inspector.get_indexes("customer") if index["unique"]] == ["uq_customer_code"]
    assert "balance < 0" in inspector.get_view_definition("debtor")

    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []


def test_values_and_keys_that_the_server_gives(engine: sa.Engine, metadata: sa.MetaData) -> None:
    metadata.create_all(engine)
    customer, purchase = metadata.tables["customer"], metadata.tables["purchase"]
    with engine.begin() as connection:
        inserted = connection.execute(
            customer.insert().returning(customer.c.customer_id, customer.c.doubled),
            [{"name": f"ünï {n}", "code": f"c{n}", "balance": decimal.Decimal(n)} for n in range(5)],
        ).all()
        assert inserted == [(100 + 5 * n, decimal.Decimal(2 * n)) for n in range(5)]
        one = connection.execute(
            customer.insert().values(name="x", code="x", born=datetime.date(1970, 1, 2), picture=b"\x00\x01", ratio=0.5)
        )
        assert one.inserted_primary_key == (125,)
        connection.execute(
            purchase.insert(), [{"purchase_id": 1, "line": n, "customer_id": 125, "amount": n} for n in range(3)]
        )
        joined = sa.select(customer.c.name, sa.func.sum(purchase.c.amount)).join(purchase).group_by(customer.c.name)
        assert connection.execute(joined).all() == [("x", decimal.Decimal("3.00"))]
        assert connection.execute(purchase.update().values(state="open").where(purchase.c.line > 0)).rowcount == 2
        page = sa.select(customer.c.code).order_by(customer.c.customer_id).offset(1).limit(2)
        assert connection.scalars(page).all() == ["c1", "c2"]
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(customer.insert().values(name="y", code="X"))
    with engine.begin() as connection:
        with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
            connection.execute(customer.insert().values(name="y", code="y", balance=-1000))
        connection.execute(customer.insert().values(name="y", code="y"))
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(customer)) == 7


@pytest.mark.parametrize(
    "level", ["AUTOCOMMIT", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
)
def test_isolation_levels(engine: sa.Engine, level: Any) -> None:
    with engine.connect().execution_options(isolation_level=level) as connection:
        connection.exec_driver_sql("SELECT 1").all()
        assert level in ("AUTOCOMMIT", connection.get_isolation_level())
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED", "the pool's next client starts afresh"


def test_an_upgraded_schema_equals_a_fresh_one(server: Server, engine: sa.Engine, metadata: sa.MetaData) -> None:
    fresh = sa.create_engine(url(server.port, "Stock"))
    metadata.create_all(fresh)
    with engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        op.create_table(
            "client",
            sa.Column("customer_id", sa.BigInteger, sa.Identity(start=100, increment=5), primary_key=True),
            sa.Column("name", sa.String(10)),
            sa.Column("code", sa.String(8), nullable=False),
            sa.Column("old", sa.Integer, nullable=False, server_default="3"),
        )
        op.create_index("ix_old", "client", ["old"])
        op.bulk_insert(sa.table("client", sa.column("name"), sa.column("code")), [{"name": "a", "code": "b"}])
    with engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        op.rename_table("client", "customer")
        op.alter_column("customer", "name", existing_type=sa.String(10), type_=sa.Unicode(30), nullable=False)
        op.drop_index("ix_old", "customer")
        op.drop_column("customer", "old", mssql_drop_default=True)
        for column in list(metadata.tables["customer"].columns)[3:]:
            op.add_column("customer", column._copy())
        op.create_unique_constraint("uq_customer_code", "customer", ["code"])
        op.create_check_constraint("ck_customer_balance", "customer", "balance >= -100")
        metadata.tables["purchase"].create(connection)
        op.drop_constraint("fk_purchase_customer", "purchase", type_="foreignkey")
        op.create_foreign_key(
            "fk_purchase_customer", "purchase", "customer", ["customer_id"], ["customer_id"], ondelete="CASCADE"
        )

    def told(database: sa.Engine) -> dict[Any, Any]:
        # The names of keys and defaults that nobody named are the server's, and differ.
        def plain(value: Any) -> Any:
            return re.sub(r"\b(PK|DF)__\w+", r"\1", repr(value))

        return {key: plain(value) for key, value in described(database).items()}

    assert told(engine) == told(fresh)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
        assert connection.exec_driver_sql("SELECT name, balance, doubled, is_active FROM customer").all() == [
            ("a", 0, 0, True)
        ]
    fresh.dispose()
