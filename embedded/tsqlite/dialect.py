"""SQLAlchemy: `mssql+tsqlite:///path`. Microsoft's dialect on this engine, with pyodbc's manners.

Query arguments of the URL are those of `tsqlite.connect`: `mssql+tsqlite:///x.db?readonly=1&timeout=5`. Three slashes
begin a relative path, four an absolute one, as SQLite's own URLs do.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import ModuleType
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects.mssql.base import DATETIMEOFFSET, MSDialect
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ConnectArgsType
from sqlalchemy.pool import NullPool, Pool, QueuePool, StaticPool


class _Moment(sqltypes.DateTime):
    """datetime parameters as they are: the engine types them as datetime2 or datetimeoffset, as ODBC does."""

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any]:
        def process(value: Any) -> Any:
            if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
                return datetime.datetime(value.year, value.month, value.day)
            return value

        return process


class _Offset(DATETIMEOFFSET):
    def bind_processor(self, dialect: Any) -> None:
        return None


class TsqliteDialect(MSDialect):
    """The dialect."""

    driver = "tsqlite"
    supports_statement_cache = True
    supports_sane_rowcount = True
    supports_sane_rowcount_returning = False
    supports_sane_multi_rowcount = False
    use_scope_identity = True
    scope_identity_must_be_embedded = True
    default_paramstyle = "qmark"
    colspecs = {**MSDialect.colspecs, sqltypes.DateTime: _Moment, DATETIMEOFFSET: _Offset}

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The DB-API module."""
        import tsqlite

        return tsqlite

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """One connection for a database in memory, a pool for files."""
        if url.database in (None, "", ":memory:"):
            return StaticPool
        return NullPool if url.query.get("pool") == "null" else QueuePool

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """Path and options of `tsqlite.connect`."""
        options: dict[str, Any] = {}
        for key, value in url.query.items():
            text = value if isinstance(value, str) else value[-1]
            if key == "pool":
                continue
            if key in ("readonly", "autocommit"):
                options[key] = text.lower() in ("1", "true", "yes", "on")
            elif key == "timeout":
                options[key] = float(text)
            elif key in ("synchronous", "name", "login", "application"):
                options[key] = text
            else:
                raise ValueError(f"mssql+tsqlite: unknown option {key}")
        if url.username:
            options.setdefault("login", url.username)
        return [url.database or ":memory:"], options

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        text = connection.exec_driver_sql("SELECT CAST(SERVERPROPERTY('ProductVersion') AS VARCHAR(30))").scalar()
        return tuple(int(part) for part in text.split("."))

    def is_disconnect(self, e: Exception, connection: Any, cursor: Any) -> bool:
        """A closed connection."""
        return isinstance(e, self.loaded_dbapi.Error) and bool(e.args) and e.args[0] == "08003"

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:
        """Those of SQL Server, and AUTOCOMMIT."""
        return [*super().get_isolation_level_values(dbapi_conn), "AUTOCOMMIT"]  # type: ignore[no-untyped-call]

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """AUTOCOMMIT is the driver's; the others are SET TRANSACTION ISOLATION LEVEL."""
        if level == "AUTOCOMMIT":
            dbapi_connection.autocommit = True
            return
        dbapi_connection.autocommit = False
        super().set_isolation_level(dbapi_connection, level)  # type: ignore[no-untyped-call]

    def reset_isolation_level(self, dbapi_conn: Any) -> None:
        """Back to what the engine was made with."""
        level = self._on_connect_isolation_level or "READ COMMITTED"
        self.set_isolation_level(dbapi_conn, level)

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Whether the driver commits by itself."""
        return bool(dbapi_conn.autocommit)


dialect = TsqliteDialect
