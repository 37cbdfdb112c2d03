"""SQLAlchemy: `mssql+tsqlite:///path`, its inspector, and Alembic through it."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.dialects import registry

registry.register("mssql.tsqlite", "tsqlite.dialect", "TsqliteDialect")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = sa.create_engine(f"mssql+tsqlite:///{tmp_path / 'x.db'}?synchronous=OFF")
    yield made
    made.dispose()


@pytest.fixture
def tables(engine: sa.Engine) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "parent",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Unicode(30), nullable=False, unique=True),
        sa.Column("at", sa.DateTime),
        sa.CheckConstraint("id > 0", name="ck_parent"),
    )
    sa.Table(
        "child",
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("parent_id", sa.ForeignKey("parent.id", name="fk_child", ondelete="CASCADE")),
        sa.Column("amount", sa.Numeric(10, 2), server_default="0"),
        sa.Index("ix_amount", "amount"),
    )
    metadata.create_all(engine)
    return metadata


def test_insert_select_and_identity(engine: sa.Engine, tables: sa.MetaData) -> None:
    parent, child = tables.tables["parent"], tables.tables["child"]
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    with engine.begin() as connection:
        key = connection.execute(parent.insert().values(name="ünï", at=moment)).inserted_primary_key
        assert key == (1,)
        connection.execute(
            child.insert(), [{"parent_id": 1, "amount": 1}, {"parent_id": 1, "amount": decimal.Decimal("2.5")}]
        )
        joined = sa.select(parent.c.name, parent.c.at, child.c.amount).join(child).order_by(child.c.id.desc()).limit(1)
        assert connection.execute(joined).all() == [("ünï", moment, decimal.Decimal("2.50"))]


def test_rollback_and_errors(engine: sa.Engine, tables: sa.MetaData) -> None:
    parent = tables.tables["parent"]
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(parent.insert(), [{"name": "a"}, {"name": "A"}])
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(parent)).scalar() == 0


def test_inspector(engine: sa.Engine, tables: sa.MetaData) -> None:
    inspector = sa.inspect(engine)
    assert sorted(inspector.get_table_names()) == ["child", "parent"]
    columns = inspector.get_columns("child")
    assert [(c["name"], str(c["type"]), c["nullable"]) for c in columns] == [
        ("id", "BIGINT", False),
        ("parent_id", "INTEGER", True),
        ("amount", "NUMERIC(10, 2)", True),
    ]
    assert inspector.get_pk_constraint("parent")["constrained_columns"] == ["id"]
    (key,) = inspector.get_foreign_keys("child")
    assert (key["name"], key["referred_table"], key["options"]) == ("fk_child", "parent", {"ondelete": "CASCADE"})
    assert [i["name"] for i in inspector.get_indexes("child")] == ["ix_amount"]
    reflected = sa.MetaData()
    reflected.reflect(engine)
    assert set(reflected.tables) == {"parent", "child"}


def test_isolation_levels_and_autocommit(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.exec_driver_sql("SELECT @@TRANCOUNT").scalar() == 0
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        assert connection.get_isolation_level() == "SERIALIZABLE"
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"


def test_alembic_operations(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        op.create_table("t", sa.Column("id", sa.Integer, primary_key=True), sa.Column("a", sa.String(10)))
        op.add_column("t", sa.Column("b", sa.Integer, nullable=False, server_default="3"))
        op.create_index("ix", "t", ["a", "b"], unique=True)
        op.alter_column("t", "a", existing_type=sa.String(10), type_=sa.String(20), existing_nullable=True)
        op.create_check_constraint("ck", "t", "id > 0")
        op.execute("INSERT INTO t (a) VALUES ('x')")
        op.drop_index("ix", "t")
        op.drop_column("t", "b", mssql_drop_default=True)
        op.rename_table("t", "u")
    assert [c["name"] for c in sa.inspect(engine).get_columns("u")] == ["id", "a"]
