"""The catalog: what a database holds, as dataclasses, and as rows of `_ts_*` tables in the database's own file.

Object ids are SQL Server's: schemas and objects are numbered, principals too. Names compare without case. Every change
of the catalog raises a version number in the same transaction, so that caches of other connections and processes notice
it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from .types import DEFAULT_COLLATION, SqlType

FORMAT_VERSION: Final = 1
FIRST_OBJECT_ID: Final = 245575913
"""Where user objects' ids start; each further one is a step of 16000057 on, as SQL Server's are."""

MAIN, TEMP = "main", "temp"
CREATION_TYPES: Final = {
    "U": "USER_TABLE",
    "V": "VIEW",
    "P": "SQL_STORED_PROCEDURE",
    "FN": "SQL_SCALAR_FUNCTION",
    "IF": "SQL_INLINE_TABLE_VALUED_FUNCTION",
    "TF": "SQL_TABLE_VALUED_FUNCTION",
    "PK": "PRIMARY_KEY_CONSTRAINT",
    "UQ": "UNIQUE_CONSTRAINT",
    "C": "CHECK_CONSTRAINT",
    "D": "DEFAULT_CONSTRAINT",
    "F": "FOREIGN_KEY_CONSTRAINT",
    "SO": "SEQUENCE_OBJECT",
    "TT": "TYPE_TABLE",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """IDENTITY(seed, increment)."""

    seed: int
    increment: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `default` is T-SQL text as sys.default_constraints shows it, in parentheses."""

    name: str
    type: SqlType
    nullable: bool = True
    column_id: int = 0
    identity: Identity | None = None
    default: str | None = None
    default_name: str | None = None
    default_id: int = 0
    computed: Any | None = None
    rowguidcol: bool = False
    persisted: bool = False
    """PERSISTED, which changes nothing here but what the catalog says."""
    user_type: int = 0
    """The id of the alias type (sysname is one) it was declared with, 0 without one."""

    @property
    def is_rowversion(self) -> bool:
        """Whether the engine gives the value at each insert and update."""
        return self.type.name == "rowversion"


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of an index; `included` ones are no part of the key."""

    name: str
    descending: bool = False
    included: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index, also one behind a PRIMARY KEY or UNIQUE constraint. `filter` is T-SQL text in parentheses.

    `guard` is the SQLite name of a second unique index in which NULLs are equal (None where `sqlite_name` does alone).
    """

    name: str
    index_id: int
    unique: bool
    clustered: bool
    columns: tuple[KeyColumn, ...]
    filter: str | None = None
    primary: bool = False
    constraint: bool = False
    object_id: int = 0
    sqlite_name: str = ""
    guard: str | None = None
    disabled: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return tuple(c.name for c in self.columns if not c.included)


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint; `text` is T-SQL in parentheses."""

    name: str
    object_id: int
    text: str
    column: str | None = None
    disabled: bool = False
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A FOREIGN KEY constraint; actions are NO ACTION, CASCADE, SET NULL, SET DEFAULT."""

    name: str
    object_id: int
    columns: tuple[str, ...]
    referenced_id: int
    referenced_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    disabled: bool = False
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A stored table: a user table, a #temp table, a @table variable, or a catalog view (`kind` says which).

    `kind` is 'user', 'temp', 'variable' or 'system'. The SQLite columns bear the T-SQL names; the hidden key is
    `_rowid`.
    """

    name: str
    schema: str
    columns: tuple[Column, ...]
    sqlite_schema: str | None = MAIN
    sqlite_name: str = ""
    object_id: int = 0
    kind: str = "user"
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    signature: int = 0
    """Of a temp object: a number that changes whenever a plan that names it must be made again."""
    withheld: frozenset[str] = frozenset()
    """Of a catalog view: columns that SQL Server's has beyond these, in small letters."""
    by_name: dict[str, Column] = field(default_factory=dict, compare=False, repr=False)
    identity: Column | None = field(init=False, compare=False, repr=False)
    """The identity column."""
    rowversion: Column | None = field(init=False, compare=False, repr=False)
    """The rowversion column."""

    def __post_init__(self) -> None:
        self.by_name.update((c.name.lower(), c) for c in self.columns)
        object.__setattr__(self, "identity", next((c for c in self.columns if c.identity), None))
        object.__setattr__(self, "rowversion", next((c for c in self.columns if c.is_rowversion), None))

    def column(self, name: str) -> Column | None:
        """A column by its name, in any case."""
        return self.by_name.get(name.lower())

    @property
    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """Column names of the primary key, of unique constraints and of unfiltered unique indexes."""
        return tuple(i.key for i in self.indexes if i.unique and i.filter is None and not i.disabled)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that SQLite keeps: not the computed ones."""
        return tuple(c for c in self.columns if c.computed is None)

    @property
    def display(self) -> str:
        """As messages name it: `dbo.t`, `#t`, `@t`."""
        return f"{self.schema}.{self.name}" if self.kind in ("user", "system") else self.name

    @property
    def sql(self) -> str:
        """Quoted SQLite name."""
        return f"{self.sqlite_schema}.{quote(self.sqlite_name)}" if self.sqlite_schema else quote(self.sqlite_name)


@dataclass(frozen=True, slots=True)
class View:
    """A view: `query` is the tree of its SELECT, `column_names` what its column list gives, () without one."""

    name: str
    schema: str
    query: Any
    column_names: tuple[str, ...]
    object_id: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a module. `default` is a tree node, None where there is none; `table_type` names a table type."""

    name: str
    type: SqlType
    default: Any | None = None
    output: bool = False
    readonly: bool = False
    table_type: int = 0


@dataclass(frozen=True, slots=True)
class Module:
    """A procedure or function. `kind` is P, FN, IF or TF; `text` is the exact source of its batch."""

    name: str
    schema: str
    kind: str
    object_id: int
    text: str
    ansi_nulls: bool = True
    quoted_identifier: bool = True


@dataclass(frozen=True, slots=True)
class UserType:
    """An alias type (`base`) or a table type (`table`)."""

    name: str
    schema: str
    user_type_id: int
    base: SqlType | None = None
    nullable: bool = True
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence object; its last value is a counter."""

    name: str
    schema: str
    object_id: int
    type: SqlType
    start: int
    increment: int
    minimum: int
    maximum: int
    cycle: bool


def _expression(text: str) -> Any:
    from .parser import parse_expression

    return parse_expression(text)


def quote(name: str) -> str:
    """A SQLite identifier in its quotes."""
    return '"' + name.replace('"', '""') + '"'


def type_text(type_: SqlType) -> str:
    """A type as the `_ts_` tables keep it."""
    return "|".join(
        "" if v is None else str(v) for v in (type_.name, type_.length, type_.precision, type_.scale, type_.collation)
    )


def type_from_text(text: str) -> SqlType:
    """Back from `type_text`."""
    name, length, precision, scale, collation = text.split("|")
    made = SqlType(
        name,
        int(length) if length else None,
        int(precision) if precision else None,
        int(scale) if scale else None,
    )
    if made.is_string:
        return made.with_collation(collation or None, "implicit")
    return made


METADATA: Final = """
CREATE TABLE _ts_database (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE _ts_counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE _ts_schemas (schema_id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, principal_id INTEGER);
CREATE TABLE _ts_objects (
    object_id INTEGER PRIMARY KEY, schema_id INTEGER, name TEXT COLLATE NOCASE, type TEXT, parent_object_id INTEGER,
    create_date INTEGER, modify_date INTEGER);
CREATE UNIQUE INDEX _ts_objects_name ON _ts_objects (schema_id, name);
CREATE INDEX _ts_objects_parent ON _ts_objects (parent_object_id);
CREATE TABLE _ts_columns (
    object_id INTEGER, column_id INTEGER, name TEXT COLLATE NOCASE, type TEXT, system_type_id INTEGER,
    user_type_id INTEGER, max_length INTEGER, precision INTEGER, scale INTEGER, collation_name TEXT, is_nullable
    INTEGER,
    is_rowguidcol INTEGER, seed INTEGER, increment INTEGER, computed TEXT, is_persisted INTEGER,
    default_object_id INTEGER, PRIMARY KEY (object_id, column_id)) WITHOUT ROWID;
CREATE TABLE _ts_defaults (
    object_id INTEGER PRIMARY KEY, parent_object_id INTEGER, parent_column_id INTEGER, definition TEXT,
    is_system_named INTEGER);
CREATE TABLE _ts_indexes (
    object_id INTEGER, index_id INTEGER, name TEXT COLLATE NOCASE, type INTEGER, is_unique INTEGER,
    is_primary_key INTEGER, is_unique_constraint INTEGER, constraint_id INTEGER, filter_definition TEXT,
    is_disabled INTEGER, sqlite_name TEXT, guard TEXT, is_system_named INTEGER,
    PRIMARY KEY (object_id, index_id)) WITHOUT ROWID;
CREATE TABLE _ts_index_columns (
    object_id INTEGER, index_id INTEGER, index_column_id INTEGER, column_id INTEGER, key_ordinal INTEGER,
    is_descending_key INTEGER, is_included_column INTEGER,
    PRIMARY KEY (object_id, index_id, index_column_id)) WITHOUT ROWID;
CREATE TABLE _ts_checks (
    object_id INTEGER PRIMARY KEY, parent_object_id INTEGER, parent_column_id INTEGER, definition TEXT,
    is_disabled INTEGER, is_not_trusted INTEGER, is_system_named INTEGER);
CREATE TABLE _ts_foreign_keys (
    object_id INTEGER PRIMARY KEY, parent_object_id INTEGER, referenced_object_id INTEGER, key_index_id INTEGER,
    delete_action TEXT, update_action TEXT, is_disabled INTEGER, is_not_trusted INTEGER, is_system_named INTEGER);
CREATE TABLE _ts_foreign_key_columns (
    object_id INTEGER, constraint_column_id INTEGER, parent_column_id INTEGER, referenced_column_id INTEGER,
    PRIMARY KEY (object_id, constraint_column_id)) WITHOUT ROWID;
CREATE TABLE _ts_modules (
    object_id INTEGER PRIMARY KEY, definition TEXT, uses_ansi_nulls INTEGER, uses_quoted_identifier INTEGER,
    is_schema_bound INTEGER, is_recompiled INTEGER, execute_as TEXT);
CREATE TABLE _ts_parameters (
    object_id INTEGER, parameter_id INTEGER, name TEXT COLLATE NOCASE, type TEXT, system_type_id INTEGER,
    user_type_id INTEGER, max_length INTEGER, precision INTEGER, scale INTEGER, is_output INTEGER,
    has_default INTEGER, is_readonly INTEGER, PRIMARY KEY (object_id, parameter_id)) WITHOUT ROWID;
CREATE TABLE _ts_types (
    user_type_id INTEGER PRIMARY KEY, schema_id INTEGER, name TEXT COLLATE NOCASE, type TEXT, is_nullable INTEGER,
    table_object_id INTEGER);
CREATE TABLE _ts_sequences (
    object_id INTEGER PRIMARY KEY, type TEXT, start INTEGER, increment INTEGER, minimum INTEGER, maximum INTEGER,
    cycle INTEGER);
CREATE TABLE _ts_principals (
    principal_id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, type TEXT, owning_principal_id INTEGER,
    is_fixed_role INTEGER, create_date INTEGER);
CREATE TABLE _ts_role_members (
    role_principal_id INTEGER, member_principal_id INTEGER,
    PRIMARY KEY (role_principal_id, member_principal_id)) WITHOUT ROWID;
CREATE TABLE _ts_permissions (
    class INTEGER, major_id INTEGER, minor_id INTEGER, grantee_principal_id INTEGER, grantor_principal_id INTEGER,
    permission_name TEXT, state TEXT,
    PRIMARY KEY (class, major_id, minor_id, grantee_principal_id, permission_name)) WITHOUT ROWID;
CREATE TABLE _ts_properties (
    class INTEGER, major_id INTEGER, minor_id INTEGER, name TEXT COLLATE NOCASE, value TEXT,
    PRIMARY KEY (class, major_id, minor_id, name)) WITHOUT ROWID;
CREATE TABLE _ts_statistics (
    object_id INTEGER, name TEXT COLLATE NOCASE, columns TEXT, PRIMARY KEY (object_id, name)) WITHOUT ROWID;
"""

FIXED_SCHEMAS: Final = {1: "dbo", 2: "guest", 3: "INFORMATION_SCHEMA", 4: "sys"}
FIXED_PRINCIPALS: Final = {
    0: ("public", "R"),
    1: ("dbo", "S"),
    2: ("guest", "S"),
    3: ("INFORMATION_SCHEMA", "S"),
    4: ("sys", "S"),
    16384: ("db_owner", "R"),
    16385: ("db_accessadmin", "R"),
    16386: ("db_securityadmin", "R"),
    16387: ("db_ddladmin", "R"),
    16389: ("db_backupoperator", "R"),
    16390: ("db_datareader", "R"),
    16391: ("db_datawriter", "R"),
    16392: ("db_denydatareader", "R"),
    16393: ("db_denydatawriter", "R"),
}

SYSTEM_TYPES: Final[dict[str, tuple[int, int, int, int, int]]] = {
    "uniqueidentifier": (36, 36, 16, 0, 0),
    "date": (40, 40, 3, 10, 0),
    "time": (41, 41, 5, 16, 7),
    "datetime2": (42, 42, 8, 27, 7),
    "datetimeoffset": (43, 43, 10, 34, 7),
    "tinyint": (48, 48, 1, 3, 0),
    "smallint": (52, 52, 2, 5, 0),
    "int": (56, 56, 4, 10, 0),
    "smalldatetime": (58, 58, 4, 16, 0),
    "real": (59, 59, 4, 24, 0),
    "money": (60, 60, 8, 19, 4),
    "datetime": (61, 61, 8, 23, 3),
    "float": (62, 62, 8, 53, 0),
    "bit": (104, 104, 1, 1, 0),
    "decimal": (106, 106, 17, 38, 38),
    "numeric": (108, 108, 17, 38, 38),
    "smallmoney": (122, 122, 4, 10, 4),
    "bigint": (127, 127, 8, 19, 0),
    "varbinary": (165, 165, 8000, 0, 0),
    "varchar": (167, 167, 8000, 0, 0),
    "binary": (173, 173, 8000, 0, 0),
    "char": (175, 175, 8000, 0, 0),
    "rowversion": (189, 189, 8, 0, 0),
    "nvarchar": (231, 231, 8000, 0, 0),
    "sysname": (231, 256, 256, 0, 0),
    "nchar": (239, 239, 8000, 0, 0),
}
"""name -> (system_type_id, user_type_id, max_length, precision, scale) of sys.types. rowversion is shown as timestamp.
"""


def type_ids(type_: SqlType) -> tuple[int, int, int, int, int]:
    """(system_type_id, user_type_id, max_length, precision, scale) of a column of this type."""
    system, user, *_ = SYSTEM_TYPES[type_.name]
    return system, user, type_.max_bytes, type_.system_precision, type_.system_scale


def create_database(db: Any, name: str, now: int) -> None:
    """Write the metadata of a new database; `now` in 1/300 s since 1900, as datetime is stored. Needs a write
    transaction.
    """
    db.execute(METADATA)
    db.executemany(
        "INSERT INTO _ts_database VALUES (?, ?)",
        [
            ("format", FORMAT_VERSION),
            ("name", name),
            ("compatibility_level", 140),
            ("collation_name", DEFAULT_COLLATION),
            ("create_date", now),
            ("recovery_fork_guid", uuid.uuid4().bytes),
            ("family_guid", uuid.uuid4().bytes),
            ("read_only", 0),
            ("allow_snapshot", 0),
            ("read_committed_snapshot", 0),
        ],
    )
    db.executemany(
        "INSERT INTO _ts_counters VALUES (?, ?)",
        [("catalog", 1), ("object_id", FIRST_OBJECT_ID), ("rowversion", 2000), ("user_type", 257)],
    )
    db.executemany("INSERT INTO _ts_schemas VALUES (?, ?, ?)", [(i, n, i) for i, n in FIXED_SCHEMAS.items()])
    fixed = [(i, n, "R", 1) for i, (n, _) in FIXED_PRINCIPALS.items() if i >= 16384]
    db.executemany("INSERT INTO _ts_schemas VALUES (?, ?, ?)", [(i, n, i) for i, n, *_ in fixed])
    db.executemany(
        "INSERT INTO _ts_principals VALUES (?, ?, ?, ?, ?, ?)",
        [(i, n, t, 1 if t == "R" else None, int(i >= 16384), now) for i, (n, t) in FIXED_PRINCIPALS.items()],
    )


class Catalog:
    """The objects of one database file as of one version; made anew when the version moves.

    Lookups are by lower-case (schema, name) and load what they need once.
    """

    def __init__(self, db: Any, version: int) -> None:
        self.db = db
        self.version = version
        self.schemas: dict[str, int] = {}
        self.schema_names: dict[int, str] = {}
        for id_, name in db.execute("SELECT schema_id, name FROM main._ts_schemas"):
            self.schemas[name.lower()] = id_
            self.schema_names[id_] = name
        self.properties: dict[str, Any] = dict(db.execute("SELECT name, value FROM main._ts_database").fetchall())
        self.logged = bool(self.properties.get("log"))
        self.writers: dict[int, Any] = {}
        """What DML needs to know of a table, by its id; filled and read by `dml`."""
        self._objects: dict[tuple[str, str], Any] = {}
        self._by_id: dict[int, Any] = {}
        self._types: dict[tuple[str, str], UserType | None] = {}
        self._referencing: dict[int, tuple[tuple[Table, ForeignKey], ...]] = {}

    # -- objects

    def find(self, schema: str, name: str) -> Table | View | Module | Sequence | None:
        """The table, view, procedure, function or sequence `schema.name`; None if there is none."""
        key = (schema.lower(), name.lower())
        if key not in self._objects:
            schema_id = self.schemas.get(key[0])
            row = None
            if schema_id is not None:
                row = self.db.execute(
                    "SELECT object_id, name, type FROM main._ts_objects WHERE schema_id = ? AND name = ?",
                    (schema_id, name),
                ).fetchone()
            self._objects[key] = (
                self._load(row[0], row[1], row[2], schema_id) if row and schema_id is not None else None
            )
        return self._objects[key]  # type: ignore[no-any-return]

    def by_id(self, object_id: int) -> Table | View | Module | Sequence | None:
        """An object by its id."""
        if object_id not in self._by_id:
            row = self.db.execute(
                "SELECT schema_id, name FROM main._ts_objects WHERE object_id = ?", (object_id,)
            ).fetchone()
            if row is None:
                return None
            self.find(self.schema_names[row[0]], row[1])
        return self._by_id.get(object_id)

    def tables(self) -> Iterator[Table]:
        """Every user table."""
        for (object_id,) in self.db.execute("SELECT object_id FROM main._ts_objects WHERE type = 'U'").fetchall():
            found = self.by_id(object_id)
            assert isinstance(found, Table)
            yield found

    def referencing(self, object_id: int) -> tuple[tuple[Table, ForeignKey], ...]:
        """The foreign keys that refer to a table, each with the table it belongs to."""
        if object_id not in self._referencing:
            rows = self.db.execute(
                "SELECT object_id, parent_object_id FROM main._ts_foreign_keys WHERE referenced_object_id = ?",
                (object_id,),
            ).fetchall()
            found = []
            for fk_id, parent_id in rows:
                table = self.by_id(parent_id)
                assert isinstance(table, Table)
                found.append((table, next(f for f in table.foreign_keys if f.object_id == fk_id)))
            self._referencing[object_id] = tuple(found)
        return self._referencing[object_id]

    def user_type(self, schema: str | None, name: str) -> UserType | None:
        """A user-defined type; without a schema dbo's."""
        key = ((schema or "dbo").lower(), name.lower())
        if key not in self._types:
            row = self.db.execute(
                "SELECT user_type_id, name, type, is_nullable, table_object_id FROM main._ts_types"
                " WHERE schema_id = ? AND name = ?",
                (self.schemas.get(key[0], -1), name),
            ).fetchone()
            made = None
            if row:
                base = type_from_text(row[2]) if row[2] else None
                table = self._table(row[4], row[1], self.schema_names[self.schemas[key[0]]]) if row[4] else None
                made = UserType(row[1], key[0], row[0], base, bool(row[3]), table)
            self._types[key] = made
        return self._types[key]

    def _load(self, object_id: int, name: str, type_: str, schema_id: int) -> Table | View | Module | Sequence | None:
        schema = self.schema_names[schema_id]
        made: Table | View | Module | Sequence | None = None
        if type_ == "U":
            made = self._table(object_id, name, schema)
        elif type_ in ("V", "P", "FN", "IF", "TF"):
            text, nulls, quoted = self.db.execute(
                "SELECT definition, uses_ansi_nulls, uses_quoted_identifier FROM main._ts_modules WHERE object_id = ?",
                (object_id,),
            ).fetchone()
            if type_ == "V":
                made = self._view(object_id, name, schema, text)
            else:
                made = Module(name, schema, type_, object_id, text, bool(nulls), bool(quoted))
        elif type_ == "SO":
            row = self.db.execute("SELECT * FROM main._ts_sequences WHERE object_id = ?", (object_id,)).fetchone()
            made = Sequence(
                name, schema, object_id, type_from_text(row[1]), row[2], row[3], row[4], row[5], bool(row[6])
            )
        if made is not None:
            self._by_id[object_id] = made
        return made

    def _view(self, object_id: int, name: str, schema: str, text: str) -> View:
        from . import tree
        from .parser import parse

        node = next(s for s in parse(text).statements if isinstance(s, tree.CreateView))
        return View(name, schema, node.query, node.columns, object_id, text)

    def _table(self, object_id: int, name: str, schema: str) -> Table:
        rows = self.db.execute
        defaults = {
            column_id: (id_, definition, default_name)
            for id_, column_id, definition, default_name in rows(
                "SELECT d.object_id, d.parent_column_id, d.definition, o.name FROM main._ts_defaults AS d"
                " JOIN main._ts_objects AS o ON o.object_id = d.object_id WHERE d.parent_object_id = ?",
                (object_id,),
            )
        }
        columns = []
        names: dict[int, str] = {}
        for column_id, column, type_, nullable, guid, seed, increment, computed, user_type in rows(
            "SELECT column_id, name, type, is_nullable, is_rowguidcol, seed, increment, computed, user_type_id"
            " FROM main._ts_columns WHERE object_id = ? ORDER BY column_id",
            (object_id,),
        ):
            default_id, default, default_name = defaults.get(column_id, (0, None, None))
            names[column_id] = column
            columns.append(
                Column(
                    column,
                    type_from_text(type_).with_nullable(bool(nullable)),
                    bool(nullable),
                    column_id,
                    Identity(seed, increment) if seed is not None else None,
                    default,
                    default_name,
                    default_id,
                    _expression(computed) if computed else None,
                    bool(guid),
                    user_type=user_type if user_type >= SYSTEM_TYPES["sysname"][1] else 0,
                )
            )
        return Table(
            name,
            schema,
            tuple(columns),
            MAIN,
            f"{schema}.{name}".lower(),
            object_id,
            indexes=tuple(self._indexes(object_id, names)),
            checks=tuple(
                Check(n, i, text, names.get(c), bool(off), not untrusted)
                for i, n, text, c, off, untrusted in rows(
                    "SELECT c.object_id, o.name, c.definition, c.parent_column_id, c.is_disabled, c.is_not_trusted"
                    " FROM main._ts_checks AS c JOIN main._ts_objects AS o ON o.object_id = c.object_id"
                    " WHERE c.parent_object_id = ? ORDER BY c.object_id",
                    (object_id,),
                )
            ),
            foreign_keys=tuple(self._foreign_keys(object_id)),
        )

    def _indexes(self, object_id: int, names: dict[int, str]) -> Iterator[Index]:
        columns: dict[int, list[KeyColumn]] = {}
        for index_id, column_id, descending, included in self.db.execute(
            "SELECT index_id, column_id, is_descending_key, is_included_column FROM main._ts_index_columns"
            " WHERE object_id = ? ORDER BY index_id, index_column_id",
            (object_id,),
        ):
            columns.setdefault(index_id, []).append(KeyColumn(names[column_id], bool(descending), bool(included)))
        for row in self.db.execute(
            "SELECT index_id, name, type, is_unique, filter_definition, is_primary_key, is_unique_constraint,"
            " constraint_id, sqlite_name, guard, is_disabled FROM main._ts_indexes WHERE object_id = ? ORDER BY"
            " index_id",
            (object_id,),
        ).fetchall():
            index_id, name, type_, unique, where, primary, constraint, constraint_id, sqlite_name, guard, off = row
            yield Index(
                name,
                index_id,
                bool(unique),
                type_ == 1,
                tuple(columns.get(index_id, ())),
                where,
                bool(primary),
                bool(constraint),
                constraint_id,
                sqlite_name,
                guard,
                bool(off),
            )

    def _foreign_keys(self, object_id: int) -> Iterator[ForeignKey]:
        for fk_id, name, referenced, on_delete, on_update, off, untrusted in self.db.execute(
            "SELECT f.object_id, o.name, f.referenced_object_id, f.delete_action, f.update_action, f.is_disabled,"
            " f.is_not_trusted FROM main._ts_foreign_keys AS f JOIN main._ts_objects AS o ON o.object_id = f.object_id"
            " WHERE f.parent_object_id = ? ORDER BY f.object_id",
            (object_id,),
        ).fetchall():
            pairs = self.db.execute(
                "SELECT p.name, r.name FROM main._ts_foreign_key_columns AS c"
                " JOIN main._ts_columns AS p ON p.object_id = ? AND p.column_id = c.parent_column_id"
                " JOIN main._ts_columns AS r ON r.object_id = ? AND r.column_id = c.referenced_column_id"
                " WHERE c.object_id = ? ORDER BY c.constraint_column_id",
                (object_id, referenced, fk_id),
            ).fetchall()
            yield ForeignKey(
                name,
                fk_id,
                tuple(p for p, _ in pairs),
                referenced,
                tuple(r for _, r in pairs),
                on_delete,
                on_update,
                bool(off),
                not untrusted,
            )
