"""What T-SQL's functions ask of a session: its state, the error being handled, and the catalog by name and id.

The protocol is `functions.session_protocol.SessionProtocol`; `Session` inherits it from here.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import uuid
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .catalog import CREATION_TYPES, SYSTEM_TYPES, Catalog, Column, Index, Module, Sequence, Table, View, quote
from .errors import SqlError, Unsupported, sql_error
from .presence import FIRST_SESSION
from .types import SqlType
from .values import Storage

if TYPE_CHECKING:
    from .catalog import Parameter
    from .databases import Databases
    from .interpreter import Interpreter
    from .presence import Presence
    from .session_state import Scope, Settings, Transaction

_PART = r'\s*(?:\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*"|[^\s\[".][^.]*)?\s*'
_NAME = re.compile(rf"{_PART}(?:\.{_PART})*")
"""A multipart name; what is none, such as one with an open bracket, names nothing."""
PRODUCT_VERSION: Final = "14.0.3465.1"
ISOLATION: Final = {
    "READ UNCOMMITTED": 1,
    "READ COMMITTED": 2,
    "REPEATABLE READ": 3,
    "SERIALIZABLE": 4,
    "SNAPSHOT": 5,
}
ON_OFF: Final = {
    "NOCOUNT": "nocount",
    "XACT_ABORT": "xact_abort",
    "ANSI_NULLS": "ansi_nulls",
    "QUOTED_IDENTIFIER": "quoted_identifier",
    "ANSI_PADDING": "ansi_padding",
    "ANSI_WARNINGS": "ansi_warnings",
    "ARITHABORT": "arithabort",
    "CONCAT_NULL_YIELDS_NULL": "concat_null_yields_null",
    "NUMERIC_ROUNDABORT": "numeric_roundabort",
    "ANSI_NULL_DFLT_ON": "ansi_null_dflt_on",
    "IMPLICIT_TRANSACTIONS": "implicit_transactions",
    "CURSOR_CLOSE_ON_COMMIT": "cursor_close_on_commit",
    "NOEXEC": "noexec",
    "FMTONLY": "fmtonly",
}
ONLY: Final = {
    "ANSI_NULLS": True,
    "ANSI_PADDING": True,
    "ANSI_WARNINGS": True,
    "CONCAT_NULL_YIELDS_NULL": True,
    "ANSI_NULL_DFLT_ON": True,
    "NUMERIC_ROUNDABORT": False,
    "ANSI_NULL_DFLT_OFF": False,
    "PARSEONLY": False,
    "SHOWPLAN_ALL": False,
    "SHOWPLAN_TEXT": False,
    "SHOWPLAN_XML": False,
    "REMOTE_PROC_TRANSACTIONS": False,
}
"""Options that may only be set to the value they have already."""
IGNORED: Final = frozenset(
    {"STATISTICS IO", "STATISTICS TIME", "STATISTICS PROFILE", "STATISTICS XML", "FORCEPLAN", "ARITHIGNORE"}
)


class SessionFunctions:
    """The part of `Session` that functions see."""

    if TYPE_CHECKING:
        db: Any
        path: str
        database: str
        login: str
        host: str | None
        application: str
        readonly: bool
        settings: Settings
        transaction: Transaction | None
        scopes: list[Scope]
        row_count: int
        error: int
        last_identity: int | None
        caught: list[SqlError]
        status: int
        slot: int
        presence: Presence
        context: dict[str, tuple[str | None, bool]]
        _first_rowversion: int | None
        interpreter: Interpreter | None
        databases: Databases | None
        _id: int | None
        home: tuple[str, str, bool]
        wire: dict[str, Any]
        function_depth: int
        interruptible: bool

        @property
        def catalog(self) -> Catalog: ...
        @property
        def scope(self) -> Scope: ...
        def counter(self, name: str) -> int | None: ...
        def identity_value(self, table: Table) -> int | None: ...
        def temp_table(self, name: str) -> Table | None: ...

    # -- settings

    @property
    def date_format(self) -> str:
        return self.settings.date_format

    @date_format.setter
    def date_format(self, value: str) -> None:
        self.settings.date_format = value

    @property
    def date_first(self) -> int:
        return self.settings.date_first

    @date_first.setter
    def date_first(self, value: int) -> None:
        self.settings.date_first = value

    def set_option(self, option: str, on: bool, line: int) -> None:
        """SET option ON | OFF; what would change answers and is not built is refused."""
        if option in ONLY and on != ONLY[option]:
            raise Unsupported(f"SET {option} {'ON' if on else 'OFF'}", line)
        if option in ON_OFF:
            setattr(self.settings, ON_OFF[option], on)
        elif option == "ANSI_DEFAULTS":
            if not on:
                raise Unsupported("SET ANSI_DEFAULTS OFF", line)
            settings = self.settings
            settings.quoted_identifier = settings.implicit_transactions = settings.cursor_close_on_commit = True
        elif option not in IGNORED and option not in ONLY:
            raise Unsupported(f"SET {option}", line)

    def set_value(self, option: str, value: Any, line: int) -> None:
        """SET option value."""
        settings = self.settings
        if isinstance(value, int) and not -(2**31) <= value < 2**31:
            raise sql_error(1080, str(value))
        if option == "LOCK_TIMEOUT":
            settings.lock_timeout = int(value)
        elif option == "DEADLOCK_PRIORITY":
            settings.deadlock_priority = {"LOW": -5, "NORMAL": 0, "HIGH": 5}.get(str(value).upper(), 0)
        elif option == "DATEFORMAT":
            if str(value).lower() not in ("mdy", "dmy", "ymd", "ydm", "myd", "dym"):
                raise SqlError(2741, f"SET DATEFORMAT date order '{value}' is invalid.")
            settings.date_format = str(value).lower()
        elif option == "DATEFIRST":
            if not isinstance(value, int) or not 1 <= value <= 7:
                raise SqlError(2744, f"Date first {value} is invalid.")
            settings.date_first = value
        elif option == "LANGUAGE":
            if str(value).lower() not in ("us_english", "english"):
                raise Unsupported(f"SET LANGUAGE {value}", line)
            settings.date_format, settings.date_first, settings.language = "mdy", 7, "us_english"
        elif option == "ROWCOUNT":
            if not isinstance(value, int) or value < 0:
                raise Unsupported(f"SET ROWCOUNT {value}", line)
            settings.rowcount = value
        elif option == "CONTEXT_INFO":
            settings.context_info = None if value is None else bytes(value)[:128].ljust(128, b"\0")
        elif option == "TEXTSIZE":
            settings.textsize = int(value) or 4096
        elif option not in ("QUERY_GOVERNOR_COST_LIMIT",):
            raise Unsupported(f"SET {option}", line)

    def set_isolation(self, level: str) -> None:
        """SET TRANSACTION ISOLATION LEVEL. Error 3952 for SNAPSHOT where the database does not allow it."""
        if level == "SNAPSHOT" and not self.readonly and not self.catalog.properties.get("allow_snapshot"):
            raise sql_error(3952, self.database)
        self.settings.isolation = level

    @property
    def every_read_locks(self) -> bool:
        """REPEATABLE READ or SERIALIZABLE inside a transaction."""
        return self.transaction is not None and self.settings.isolation in ("REPEATABLE READ", "SERIALIZABLE")

    def option(self, name: str) -> bool:
        """A SET option."""
        if name == "ROWCOUNT":
            return self.settings.rowcount > 0
        if name in ON_OFF:
            return bool(getattr(self.settings, ON_OFF[name]))
        return ONLY.get(name, False)

    # -- clock

    def utc_offset(self) -> int:
        """A server here lives in UTC."""
        return 0

    # -- @@variables

    def rowcount(self) -> int:
        return self.row_count

    def last_error(self) -> int:
        return self.error

    def trancount(self) -> int:
        return self.transaction.count if self.transaction else 0

    def xact_state(self) -> int:
        return 0 if self.transaction is None else -1 if self.transaction.doomed else 1

    def nest_level(self) -> int:
        return self.scope.level

    def proc_id(self) -> int:
        return self.scope.module.object_id if self.scope.module is not None else 0

    def spid(self) -> int:
        return self._id if self._id is not None else FIRST_SESSION + self.slot

    def identity(self) -> int | None:
        return self.last_identity

    def scope_identity(self) -> int | None:
        return self.scope.identity

    def _identity_of(self, table: str) -> tuple[Table, Column] | None:
        found = self._table_named(table)
        if found is None or found.identity is None:
            return None
        return found, found.identity

    def ident_current(self, table: str) -> int | None:
        found = self._identity_of(table)
        if found is None or found[1].identity is None:
            return None
        value = self.identity_value(found[0])
        return found[1].identity.seed if value is None else value

    def ident_seed(self, table: str) -> int | None:
        found = self._identity_of(table)
        return found[1].identity.seed if found and found[1].identity else None

    def ident_incr(self, table: str) -> int | None:
        found = self._identity_of(table)
        return found[1].identity.increment if found and found[1].identity else None

    def dbts(self) -> bytes:
        return (self.counter("rowversion") or 0).to_bytes(8, "big")

    def min_active_rowversion(self) -> bytes:
        """There is one writer at a time, and what it has drawn lies above the last committed value."""
        if self._first_rowversion is not None and self.transaction is not None and self.transaction.writing:
            return self._first_rowversion.to_bytes(8, "big")
        return ((self.counter("rowversion") or 0) + 1).to_bytes(8, "big")

    def fetch_status(self) -> int:
        return self.status

    def options(self) -> int:
        s = self.settings
        bits = (
            (2, s.implicit_transactions), (4, s.cursor_close_on_commit),
            (8, s.ansi_warnings), (16, s.ansi_padding), (32, s.ansi_nulls),
            (64, s.arithabort), (256, s.quoted_identifier), (512, s.nocount), (1024, s.ansi_null_dflt_on),
            (4096, s.concat_null_yields_null), (8192, s.numeric_roundabort), (16384, s.xact_abort),
        )  # fmt: skip
        return sum(bit for bit, on in bits if on)

    def lock_timeout(self) -> int:
        return self.settings.lock_timeout

    def text_size(self) -> int:
        return self.settings.textsize

    def context_info(self) -> bytes | None:
        return self.settings.context_info

    def session_context(self, key: str) -> str | None:
        return self.context.get(key.lower(), (None, False))[0]

    def session_property(self, name: str) -> str | None:
        name = name.upper()
        if name in ON_OFF:
            return str(int(self.option(name)))
        return None

    _sequential = 0

    def next_sequential_id(self) -> bytes:
        if not self._sequential:
            self._sequential = int.from_bytes(uuid.uuid4().bytes[:10], "big") << 48
        self._sequential += 1
        return self._sequential.to_bytes(16, "big")

    # -- the error being handled

    def _caught(self, attribute: str) -> Any:
        return getattr(self.caught[-1], attribute) if self.caught else None

    def error_number(self) -> int | None:
        return self._caught("number")  # type: ignore[no-any-return]

    def error_message(self) -> str | None:
        return self._caught("message")  # type: ignore[no-any-return]

    def error_severity(self) -> int | None:
        return self._caught("severity")  # type: ignore[no-any-return]

    def error_state(self) -> int | None:
        return self._caught("state")  # type: ignore[no-any-return]

    def error_line(self) -> int | None:
        return self._caught("line")  # type: ignore[no-any-return]

    def error_procedure(self) -> str | None:
        return self._caught("procedure") or None

    # -- who and where

    def login_name(self) -> str:
        return self.login

    def user_name(self, id_: int | None) -> str | None:
        if id_ is None:
            return "dbo"
        row = self.db.execute("SELECT name FROM main._ts_principals WHERE principal_id = ?", (id_,)).fetchone()
        return row[0] if row else None

    def user_id(self, name: str | None) -> int | None:
        if name is None:
            return 1
        row = self.db.execute("SELECT principal_id FROM main._ts_principals WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def host_name(self) -> str | None:
        return self.host or platform.node() or None

    def app_name(self) -> str | None:
        return self.application

    def server_name(self) -> str:
        return "TSQLITE"

    def server_property(self, name: str) -> str | int | None:
        properties: dict[str, str | int | None] = {
            "productversion": PRODUCT_VERSION,
            "productmajorversion": "14",
            "productminorversion": "0",
            "productbuild": "3465",
            "productlevel": "RTM",
            "productupdatelevel": None,
            "edition": "Developer Edition (64-bit)",
            "engineedition": 3,
            "editionid": -2117995310,
            "servername": self.server_name(),
            "machinename": self.server_name(),
            "instancename": None,
            "collation": "SQL_Latin1_General_CP1_CI_AS",
            "isclustered": 0,
            "ishadrenabled": 0,
            "isfulltextinstalled": 0,
            "isintegratedsecurityonly": 0,
            "issingleuser": 0,
            "processid": os.getpid(),
            "computernamephysicalnetbios": platform.node(),
            "lcid": 1033,
            "sqlcharsetname": "iso_1",
            "sqlsortordername": "nocase_iso",
        }
        return properties.get(name.lower())

    def database_property(self, database: str, name: str) -> str | int | None:
        if database.lower() == self.database.lower():
            p, readonly = self.catalog.properties, self.readonly
        else:
            other = self.databases.find(database) if self.databases else None
            if other is None or self.databases is None:
                return None
            p = self.databases.properties(other)
            readonly = other.read_only or bool(p.get("read_only"))
        if database.lower() == "master":
            readonly = False
        values: dict[str, str | int | None] = {
            "updateability": "READ_ONLY" if readonly else "READ_WRITE",
            "status": "ONLINE",
            "useraccess": "MULTI_USER",
            "recovery": str(p.get("recovery") or "FULL"),
            "isinstandby": 0,
            "isautocreatestatistics": 1,
            "isautoupdatestatistics": 1,
            "isansinulldefault": 0,
            "isansinullsenabled": 0,
            "isansipaddingenabled": 0,
            "isansiwarningsenabled": 0,
            "isarithmeticabortenabled": 0,
            "isquotedidentifiersenabled": 0,
            "isnumericroundabortenabled": 0,
            "isrecursivetriggersenabled": 0,
            "isclosecursorsoncommitenabled": 0,
            "islocalcursorsdefault": 0,
            "ispublished": 0,
            "issubscribed": 0,
            "ismergepublished": 0,
            "issyncwithbackup": 0,
            "collation": str(p.get("collation_name")),
            "version": 869,
            "isnulconcat": 0,
            "isautoclose": 0,
            "isautoshrink": 0,
            "isparameterizationforced": 0,
            "comparisonstyle": 196609,
            "lcid": 1033,
            "sqlsortorder": 52,
        }
        return values.get(name.lower())

    def db_name(self, id_: int | None) -> str | None:
        if id_ is None or id_ == self.database_id:
            return self.database
        other = self.databases.by_id(id_) if self.databases else None
        return other.name if other else {1: "master", 2: "tempdb"}.get(id_)

    @property
    def database_id(self) -> int:
        """The id of the session's database; a file that no server serves is the first user database."""
        own = self.databases.find(self.database) if self.databases else None
        return own.id if own else 5

    def db_id(self, name: str | None) -> int | None:
        if name is None or name.lower() == self.database.lower():
            return self.database_id
        other = self.databases.find(name) if self.databases else None
        return other.id if other else {"master": 1, "tempdb": 2}.get(name.lower())

    def original_db_name(self) -> str:
        return self.home[1]

    def has_dbaccess(self, name: str) -> int | None:
        return None if self.db_id(name) is None else 1

    def is_srvrolemember(self, role: str) -> int | None:
        """Permissions are not enforced: a session is what sa is."""
        others = "securityadmin serveradmin setupadmin processadmin diskadmin dbcreator bulkadmin".split()
        role = role.rstrip(" ").lower()
        return 1 if role in ("sysadmin", "public") else 0 if role in others else None

    def connection_property(self, name: str) -> str | int | None:
        wire = self.wire
        values: dict[str, str | int | None] = {
            "net_transport": wire.get("transport", "Shared memory"),
            "physical_net_transport": wire.get("transport", "Shared memory"),
            "protocol_type": "TSQL",
            "auth_scheme": "SQL",
            "local_net_address": wire.get("local_address"),
            "local_tcp_port": wire.get("local_port"),
            "client_net_address": wire.get("client_address", "<local machine>"),
        }
        return values.get(name.lower())

    def extended_properties(
        self, name: str | None, *levels: str | None
    ) -> Iterable[tuple[str | None, str | None, str, str | None]]:
        """The rows of sys.fn_listextendedproperty; an absent name means all names of its level."""
        (type0, name0), (type1, name1), (type2, name2) = levels[:2], levels[2:4], levels[4:6]
        where, arguments = ["(?1 IS NULL OR p.name = ?1)"], [name]
        if type0 is None:
            return self._properties("NULL, NULL", "", "p.class = 0", arguments)
        if type0.upper() != "SCHEMA":
            raise Unsupported(f"fn_listextendedproperty of {type0}")
        where.append("(?2 IS NULL OR s.name = ?2 COLLATE NOCASE)")
        arguments.append(name0)
        schemas = " JOIN main._ts_schemas AS s ON s.schema_id = "
        if type1 is None:
            where.append("p.class = 3")
            return self._properties("'SCHEMA', s.name", f"{schemas}p.major_id", " AND ".join(where), arguments)
        kinds = {
            "TABLE": "('U')", "VIEW": "('V')", "PROCEDURE": "('P')", "FUNCTION": "('FN', 'IF', 'TF')",
            "SEQUENCE": "('SO')",
        }  # fmt: skip
        kind = kinds.get(type1.upper())
        if kind is None:
            raise Unsupported(f"fn_listextendedproperty of {type1}")
        arguments.append(name1)
        where.append(f"p.class = 1 AND o.type IN {kind} AND (?3 IS NULL OR o.name = ?3)")
        objects = f" JOIN main._ts_objects AS o ON o.object_id = p.major_id{schemas}o.schema_id"
        if type2 is None:
            where.append("p.minor_id = 0")
            return self._properties(f"'{type1.upper()}', o.name", objects, " AND ".join(where), arguments)
        if type2.upper() != "COLUMN":
            raise Unsupported(f"fn_listextendedproperty of {type2}")
        arguments.append(name2)
        where.append("(?4 IS NULL OR c.name = ?4)")
        columns = f"{objects} JOIN main._ts_columns AS c ON c.object_id = p.major_id AND c.column_id = p.minor_id"
        return self._properties("'COLUMN', c.name", columns, " AND ".join(where), arguments)

    def _properties(
        self, shown: str, joins: str, where: str, arguments: list[str | None]
    ) -> list[tuple[str | None, str | None, str, str | None]]:
        found: list[tuple[str | None, str | None, str, str | None]] = self.db.execute(
            f"SELECT {shown}, p.name, p.value FROM main._ts_properties AS p{joins} WHERE {where}"
            " AND (?1 IS NULL OR p.name = ?1) ORDER BY 2, 3",
            tuple(arguments),
        ).fetchall()
        return found

    # -- the catalog

    def find_relation(self, parts: tuple[str, ...], first: str = "dbo") -> Table | View | None:
        """A table, view or catalog view by its multipart name; databases other than the session's are refused.

        A name without a schema is sought in `first`, then in dbo.
        """
        from . import system_views

        name = parts[-1]
        schema = parts[-2] if len(parts) > 1 and parts[-2] else None
        if len(parts) > 3:
            raise Unsupported(f"Linked server {parts[0]}")
        if len(parts) == 3 and parts[0] and parts[0].lower() != self.database.lower():
            if parts[0].lower() in ("master", "msdb", "tempdb", "model") or self.db_id(parts[0]) is None:
                if (
                    schema is not None
                    and schema.lower() == "sys"
                    and parts[0].lower() == "master"
                    and (name.lower() in system_views.SERVER_WIDE or name.lower().startswith("dm_"))
                ):
                    return system_views.find(self, "sys", name)
                raise Unsupported(f"Database {parts[0]} (a statement reads one database)")
            if self.databases is not None and parts[0] in self.databases:
                raise Unsupported(f"Database {parts[0]} (a statement reads one database)")
        if schema is not None and schema.lower() in ("sys", "information_schema"):
            return system_views.find(self, schema, name)
        found = self.catalog.find(schema or first, name)
        if found is None and schema is None and first != "dbo":
            found = self.catalog.find("dbo", name)
        if found is None and schema is None:
            return system_views.find_bare(self, name)
        if isinstance(found, Table | View):
            return found
        return None

    def find_object(self, parts: tuple[str, ...], first: str = "dbo") -> View | Module | Sequence | None:
        """A module, view or sequence by its multipart name; one without a schema is sought in `first`, then in dbo."""
        if len(parts) > 3 and parts[0]:
            raise Unsupported(f"Linked server {parts[0]}")
        if len(parts) > 2 and parts[-3] and parts[-3].lower() != self.database.lower():
            raise Unsupported(f"Database {parts[-3]} (a connection has one database)")
        schema = parts[-2] if len(parts) > 1 and parts[-2] else None
        found = self.catalog.find(schema or first, parts[-1])
        if found is None and schema is None and first != "dbo":
            found = self.catalog.find("dbo", parts[-1])
        return None if isinstance(found, Table) else found

    def _split(self, name: str) -> tuple[str, ...]:
        from .interpreter import split_name

        return split_name(name) if _NAME.fullmatch(name) else ("",)

    def _table_named(self, name: str) -> Table | None:
        parts = self._split(name)
        if parts[-1].startswith("#"):
            return self.temp_table(parts[-1])
        found = self.catalog.find(parts[-2] if len(parts) > 1 and parts[-2] else "dbo", parts[-1])
        return found if isinstance(found, Table) else None

    def object_id(self, name: str, type_: str | None) -> int | None:
        parts = self._split(name)
        if parts[-1].startswith("#"):
            table = self.temp_table(parts[-1])
            if table is None or (type_ or "U").strip().upper() != "U":
                return None
            return -(abs(hash(table.sqlite_name)) % 2**30) - 1
        if len(parts) == 3 and parts[0] and parts[0].lower() != self.database.lower():
            if self.databases is not None and parts[0].lower() in self.databases:
                raise Unsupported(f"OBJECT_ID in database {parts[0]}")
            return None
        schema = parts[-2] if len(parts) > 1 and parts[-2] else "dbo"
        schema_id = self.catalog.schemas.get(schema.lower())
        if schema.lower() == "sys":
            from . import system_views

            return system_views.object_id(parts[-1])
        row = self.db.execute(
            "SELECT object_id, type FROM main._ts_objects WHERE schema_id = ? AND name = ?", (schema_id, parts[-1])
        ).fetchone()
        if row is None or (type_ is not None and row[1] != type_.strip().upper()):
            return None
        return int(row[0])

    def _object_row(self, id_: int) -> tuple[str, int, str] | None:
        row: tuple[str, int, str] | None = self.db.execute(
            "SELECT name, schema_id, type FROM main._ts_objects WHERE object_id = ?", (id_,)
        ).fetchone()
        return row

    def object_name(self, id_: int, database_id: int | None) -> str | None:
        if database_id not in (None, self.database_id):
            return None
        row = self._object_row(id_)
        return row[0] if row else None

    def object_schema_name(self, id_: int, database_id: int | None) -> str | None:
        row = self._object_row(id_)
        return self.catalog.schema_names.get(row[1]) if row else None

    def object_definition(self, id_: int) -> str | None:
        row = self.db.execute(
            "SELECT definition FROM main._ts_modules WHERE object_id = ?1 UNION ALL"
            " SELECT definition FROM main._ts_checks WHERE object_id = ?1 UNION ALL"
            " SELECT definition FROM main._ts_defaults WHERE object_id = ?1",
            (id_,),
        ).fetchone()
        return row[0] if row else None

    def schema_id(self, name: str | None) -> int | None:
        return 1 if name is None else self.catalog.schemas.get(name.lower())

    def schema_name(self, id_: int | None) -> str | None:
        return "dbo" if id_ is None else self.catalog.schema_names.get(id_)

    def type_id(self, name: str) -> int | None:
        parts = self._split(name)
        key = {"timestamp": "rowversion", "integer": "int"}.get(parts[-1].lower(), parts[-1].lower())
        if key in SYSTEM_TYPES:
            return SYSTEM_TYPES[key][1]
        found = self.catalog.user_type(parts[-2] if len(parts) > 1 else None, parts[-1])
        return found.user_type_id if found else None

    def type_name(self, id_: int) -> str | None:
        for name, row in SYSTEM_TYPES.items():
            if row[1] == id_:
                return "timestamp" if name == "rowversion" else name
        found = self.db.execute("SELECT name FROM main._ts_types WHERE user_type_id = ?", (id_,)).fetchone()
        return found[0] if found else None

    def col_name(self, table_id: int, column_id: int) -> str | None:
        row = self.db.execute(
            "SELECT name FROM main._ts_columns WHERE object_id = ? AND column_id = ?", (table_id, column_id)
        ).fetchone()
        return row[0] if row else None

    def col_length(self, table: str, column: str) -> int | None:
        found = self._table_named(table)
        of = found.column(column) if found else None
        return of.type.max_bytes if of else None

    def column_property(self, id_: int, column: str, property_: str) -> int | None:
        found = self.catalog.by_id(id_)
        of = found.column(column) if isinstance(found, Table) else None
        if of is None or not isinstance(found, Table):
            return None
        answers: dict[str, Callable[[Column], int | None]] = {
            "allowsnull": lambda c: int(c.nullable),
            "columnid": lambda c: c.column_id,
            "iscomputed": lambda c: int(c.computed is not None),
            "isidentity": lambda c: int(c.identity is not None),
            "isrowguidcol": lambda c: int(c.rowguidcol),
            "isidnotforrepl": lambda c: 0,
            "precision": lambda c: c.type.system_precision or c.type.max_bytes,
            "scale": lambda c: c.type.system_scale,
            "charmaxlen": lambda c: c.type.length if c.type.is_string else None,
        }
        answer = answers.get(property_.lower())
        if answer is None:
            raise Unsupported(f"COLUMNPROPERTY {property_}")
        return answer(of)

    def object_property(self, id_: int, property_: str) -> int | None:
        row = self._object_row(id_)
        if row is None:
            return None
        kind = row[2]
        table = self.catalog.by_id(id_)
        is_table = isinstance(table, Table)
        answers: dict[str, int] = {
            "isusertable": int(kind == "U"),
            "istable": int(kind == "U"),
            "isview": int(kind == "V"),
            "isprocedure": int(kind == "P"),
            "isscalarfunction": int(kind == "FN"),
            "isinlinefunction": int(kind == "IF"),
            "istablefunction": int(kind in ("IF", "TF")),
            "isprimarykey": int(kind == "PK"),
            "isforeignkey": int(kind == "F"),
            "ischeckcnst": int(kind == "C"),
            "isdefaultcnst": int(kind == "D"),
            "isuniquecnst": int(kind == "UQ"),
            "isconstraint": int(kind in ("PK", "UQ", "C", "D", "F")),
            "ismsshipped": 0,
            "isexecuted": int(kind in ("P", "FN", "IF", "TF", "V")),
            "schemaid": row[1],
            "ownerid": 1,
        }
        if isinstance(table, Table):
            answers |= {
                "tablehasidentity": int(table.identity is not None),
                "tablehasprimarykey": int(any(i.primary for i in table.indexes)),
                "tablehasclustindex": int(any(i.clustered for i in table.indexes)),
                "tablehasindex": int(bool(table.indexes)),
                "tablehasforeignkey": int(bool(table.foreign_keys)),
                "tablehascheckcnst": int(bool(table.checks)),
                "tablehastimestamp": int(table.rowversion is not None),
            }
        if property_.lower() not in answers:
            if is_table or not property_.lower().startswith("tablehas"):
                raise Unsupported(f"OBJECTPROPERTY {property_}")
            return None
        return answers[property_.lower()]

    def _index(self, table: Table | None, name: str) -> Index | None:
        return next((i for i in table.indexes if i.name.lower() == name.lower()), None) if table else None

    def index_property(self, table_id: int, index: str, property_: str) -> int | None:
        table = self.catalog.by_id(table_id)
        found = self._index(table, index) if isinstance(table, Table) else None
        if found is None:
            return None
        answers = {
            "indexid": found.index_id,
            "isclustered": int(found.clustered),
            "isunique": int(found.unique),
            "isdisabled": int(found.disabled),
            "ishypothetical": 0,
            "indexfillfactor": 0,
            "ispadindex": 0,
        }
        if property_.lower() not in answers:
            raise Unsupported(f"INDEXPROPERTY {property_}")
        return answers[property_.lower()]

    def index_col(self, table: str, index_id: int, key_id: int) -> str | None:
        found = self._table_named(table)
        index = next((i for i in found.indexes if i.index_id == index_id), None) if found else None
        return index.key[key_id - 1] if index and 0 < key_id <= len(index.key) else None

    def has_perms_by_name(self, securable: str | None, class_: str | None, permission: str) -> int | None:
        """Permissions are recorded, not enforced: the session may do everything with what is there."""
        if securable is None:
            return 1
        kind = (class_ or "OBJECT").upper()
        if kind == "OBJECT":
            return 1 if self.object_id(securable, None) is not None else None
        if kind == "SCHEMA":
            return 1 if self.schema_id(securable) is not None else None
        return 1

    def is_member(self, role: str) -> int | None:
        row = self.db.execute("SELECT type FROM main._ts_principals WHERE name = ?", (role,)).fetchone()
        return None if row is None or row[0] != "R" else int(role.lower() in ("public", "db_owner"))

    def applock_mode(self, principal: str, resource: str, owner: str) -> str:
        return self.presence.mode((self.slot, owner.capitalize()), f"{principal.lower()}\0{resource}")

    def applock_test(self, principal: str, resource: str, mode: str, owner: str) -> int:
        mode, owner = mode.capitalize(), owner.capitalize()
        if mode not in ("Shared", "Exclusive") or owner not in ("Session", "Transaction"):
            raise Unsupported(f"APPLOCK_TEST of {mode} by {owner}")
        if owner == "Transaction" and self.transaction is None:
            raise SqlError(3918, "The statement or function must be executed in the context of a user transaction.", 16)
        return int(self.presence.grants((self.slot, owner), f"{principal.lower()}\0{resource}", mode))

    # -- user-defined scalar functions

    _registered: dict[tuple[int, str], str]

    def scalar_function(self, module: Module, parameters: tuple[Parameter, ...], type_: SqlType) -> str:
        """The SQLite function that runs a user's scalar function; registered at its first use."""
        name = _function_name(module.text)
        if (module.object_id, name) not in self._registered:
            from . import units

            unit = units.module_unit(module)

            def call(*values: Storage) -> Storage:
                assert self.interpreter is not None
                named = {p.name.lower(): v for p, v in zip(parameters, values, strict=True)}
                kept = self.row_count, self.error
                self.function_depth += 1
                # It may write to its own tables, and interrupted writes would end SQLite's transaction.
                interruptible, self.interruptible = self.interruptible, False
                try:
                    return self.interpreter.call(module, unit, named).values.get("@@return")
                finally:
                    self.function_depth -= 1
                    self.interruptible = interruptible
                    self.row_count, self.error = kept

            self.db.create_scalar_function(name, call, len(parameters))
            self._registered[(module.object_id, name)] = name
        return name


@lru_cache(maxsize=4096)
def _function_name(text: str) -> str:
    return "ts_user_" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def object_kinds() -> dict[str, str]:
    """Type codes of sys.objects and their descriptions."""
    return dict(CREATION_TYPES)


def default_login() -> str:
    """The operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "sa"


_ = quote
