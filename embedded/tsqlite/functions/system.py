"""NULL and choice functions, identity and state of the session, metadata, hashes and compression.

https://learn.microsoft.com/sql/t-sql/functions/system-functions-transact-sql
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import uuid
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import apsw

from ..chart import check_implicit
from ..convert import emit_convert
from ..errors import SqlError, Unsupported, sql_error
from ..numbers import code_page_bytes
from ..operators import resolve_binary
from ..runtime import TableFunction, scalar, table
from ..types import (
    INT,
    SMALLINT,
    TINYINT,
    UNIQUEIDENTIFIER,
    SqlType,
    binary,
    common_type_of,
    numeric,
    nvarchar,
    varbinary,
)
from ..values import guid_to_storage, store_decimal
from .arguments import integer
from .registry import Call, Resolved, add, need, nullable_from, udf
from .session_protocol import SessionProtocol

_ELEMENTS = "https://learn.microsoft.com/sql/t-sql/language-elements/"


# -- NULL and choice


def _resolve_isnull(call: Call) -> Resolved:
    need(call, 2)
    first, second = call.types
    type_ = second if first.is_null else first
    if type_.is_null:
        type_ = INT
    check_implicit(second, type_)
    result = type_.with_nullable(first.nullable and second.nullable)
    return Resolved(result, (type_, type_), lambda args, order_by="", over="": f"ifnull({args[0]}, {args[1]})")


def _resolve_coalesce(call: Call) -> Resolved:
    if len(call.arguments) < 2:
        raise sql_error(102, ")")
    common = common_type_of(call.types)
    if common.is_null:
        raise SqlError(
            4127, "At least one of the arguments to COALESCE must be an expression that is not the NULL constant."
        )
    return Resolved(
        # Nullable even where no argument is, unlike ISNULL: so its page says.
        common.with_nullable(True),
        (common,) * len(call.arguments),
        lambda args, order_by="", over="": f"coalesce({', '.join(args)})",
    )


def _resolve_nullif(call: Call) -> Resolved:
    need(call, 2)
    first, second = call.types
    if first.is_null:
        raise SqlError(
            4151,
            "The type of the first argument to NULLIF cannot be the NULL constant because the type of the first "
            "argument has "
            "to be known.",
        )
    comparison = resolve_binary("=", first, second)

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        a = emit_convert(args[0], first, comparison.left, implicit=True)
        b = emit_convert(args[1], second, comparison.right, implicit=True)
        return f"CASE WHEN {comparison.emit(a, b)} THEN NULL ELSE {args[0]} END"

    return Resolved(first.with_nullable(True), (None, None), emit)


def _resolve_choose(call: Call) -> Resolved:
    need(call, 2, -1)
    common = common_type_of(call.types[1:])
    if common.is_null:
        common = INT

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        branches = " ".join(f"WHEN {i} THEN {a}" for i, a in enumerate(args[1:], 1))
        return f"CASE {args[0]} {branches} END"

    return Resolved(common.with_nullable(True), (integer(call, 0), *(common,) * (len(call.arguments) - 1)), emit)


add("ISNULL", "isnull-transact-sql", _resolve_isnull)
add("COALESCE", _ELEMENTS + "coalesce-transact-sql", _resolve_coalesce)
add("NULLIF", _ELEMENTS + "nullif-transact-sql", _resolve_nullif)
add("CHOOSE", "logical-functions-choose-transact-sql", _resolve_choose)


# -- what the session knows


@scalar("ts_session", session=True)
def _session(session: SessionProtocol, method: str, *arguments: Any) -> Any:
    return getattr(session, method)(*arguments)


@scalar("ts_session_setting", 1, session=True)
def _session_setting(session: SessionProtocol, name: str) -> Any:
    return getattr(session, name)


@scalar("ts_session_numeric", session=True)
def _session_numeric(session: SessionProtocol, method: str, *arguments: Any) -> Any:
    value = getattr(session, method)(*arguments)
    return None if value is None else store_decimal(value, 38)


@scalar("ts_session_text", session=True)
def _session_text(session: SessionProtocol, method: str, *arguments: Any) -> str | None:
    value = getattr(session, method)(*arguments)
    return None if value is None else str(value)


_NAME = nvarchar(128)
_TEXT = nvarchar(4000)
_IDENTITY = numeric(38, 0)
# A property's sql_variant is given as the string it prints as.
_VARIANT = nvarchar(4000)


_MORE = {"SUSER_NAME": 1, "SUSER_SNAME": 1, "IS_SRVROLEMEMBER": 1, "IS_ROLEMEMBER": 1, "HAS_PERMS_BY_NAME": 2}
"""Arguments that these functions have beyond those known here."""


def _from_session(
    name: str,
    method: str,
    result: SqlType,
    page: str,
    arguments: Sequence[SqlType] = (),
    optional: int = 0,
    *,
    strict: bool = False,
) -> None:
    """A function that the session answers. ``optional``: how many of the last arguments may be left out (they are
    NULL then).

    ``strict``: NULL for a NULL argument, without asking.
    """
    function = (
        "ts_session_numeric" if result is _IDENTITY else "ts_session_text" if result is _VARIANT else "ts_session"
    )

    def resolve(call: Call) -> Resolved:
        count = len(arguments)
        if count < len(call.arguments) <= count + _MORE.get(name, 0):
            raise Unsupported(f"{name} with {len(call.arguments)} argument{'s' * (count > 0)}")
        if optional:
            need(call, count - optional, count)
        else:
            need(call, count)

        def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
            padded = [*args, *["NULL"] * (count - len(args))]
            made = f"{function}('{method}'{''.join(', ' + a for a in padded)})"
            if strict and args:
                return f"CASE WHEN {' OR '.join(f'{a} IS NULL' for a in args)} THEN NULL ELSE {made} END"
            return made

        return Resolved(result, tuple(arguments[: len(call.arguments)]), emit)

    add(name, page, resolve, deterministic=False, needs_session=True)


def _variables() -> None:
    for name, method, type_ in (
        ("@@ROWCOUNT", "rowcount", INT), ("@@ERROR", "last_error", INT), ("@@TRANCOUNT", "trancount", INT),
        ("@@IDENTITY", "identity", _IDENTITY), ("@@SPID", "spid", SMALLINT), ("@@SERVERNAME", "server_name", _NAME),
        ("@@DBTS", "dbts", varbinary(8)), ("@@NESTLEVEL", "nest_level", INT), ("@@PROCID", "proc_id", INT),
        ("@@FETCH_STATUS", "fetch_status", INT), ("@@OPTIONS", "options", INT), ("@@LOCK_TIMEOUT", "lock_timeout", INT),
        ("@@TEXTSIZE", "text_size", INT),
    ):  # fmt: skip
        not_null = type_ if type_ is _IDENTITY else type_.with_nullable(False)
        _from_session(name, method, not_null, name.lstrip("@").lower().replace("_", "-") + "-transact-sql")


_variables()


def _constant(name: str, type_: SqlType, sql: str, page: str) -> None:
    def resolve(call: Call) -> Resolved:
        need(call, 0)
        return Resolved(type_.with_nullable(False), (), lambda args, order_by="", over="": sql)

    add(name, page, resolve)


_constant("@@MAX_PRECISION", TINYINT, "38", "max-precision-transact-sql")
_constant("@@LANGUAGE", _NAME, "'us_english'", "language-transact-sql")
_constant("@@LANGID", SMALLINT, "0", "langid-transact-sql")
_constant(
    "@@VERSION",
    nvarchar(300),
    "'Microsoft SQL Server 2017 (compatibility level 140), as read by tsqlite on SQLite ' || sqlite_version()",
    "version-transact-sql-configuration-functions",
)


def _resolve_datefirst(call: Call) -> Resolved:
    need(call, 0)
    return Resolved(TINYINT.with_nullable(False), (), udf("ts_session_setting", "'date_first'"))


add("@@DATEFIRST", "datefirst-transact-sql", _resolve_datefirst, deterministic=False, needs_session=True)

for _name, _method, _type, _arguments, _optional in (
    ("XACT_STATE", "xact_state", SMALLINT.with_nullable(False), (), 0), ("SCOPE_IDENTITY", "scope_identity",
    _IDENTITY, (), 0),
    ("IDENT_CURRENT", "ident_current", _IDENTITY, (_TEXT,), 0), ("IDENT_SEED", "ident_seed", _IDENTITY, (_TEXT,), 0),
    ("IDENT_INCR", "ident_incr", _IDENTITY, (_TEXT,), 0), ("ERROR_NUMBER", "error_number", INT, (), 0),
    ("ERROR_MESSAGE", "error_message", _TEXT, (), 0), ("ERROR_SEVERITY", "error_severity", INT, (), 0),
    ("ERROR_STATE", "error_state", INT, (), 0), ("ERROR_LINE", "error_line", INT, (), 0),
    ("ERROR_PROCEDURE", "error_procedure", _NAME, (), 0), ("MIN_ACTIVE_ROWVERSION", "min_active_rowversion",
    binary(8), (), 0),
    ("CONTEXT_INFO", "context_info", varbinary(128), (), 0), ("SESSION_CONTEXT", "session_context", _VARIANT,
    (_NAME,), 0),
    ("SESSIONPROPERTY", "session_property", _VARIANT, (_NAME,), 0), ("ORIGINAL_LOGIN", "login_name", _NAME, (), 0),
    ("CURRENT_USER", "user_name", _NAME, (INT,), 1), ("SESSION_USER", "user_name", _NAME, (INT,), 1),
    ("USER", "user_name", _NAME, (INT,), 1), ("SYSTEM_USER", "login_name", _NAME, (), 0),
    ("SUSER_NAME", "login_name", _NAME, (), 0), ("SUSER_SNAME", "login_name", _NAME, (), 0),
    ("USER_NAME", "user_name", _NAME, (INT,), 1), ("USER_ID", "user_id", INT, (_NAME,), 1),
    ("DATABASE_PRINCIPAL_ID", "user_id", INT, (_NAME,), 1), ("HOST_NAME", "host_name", _NAME, (), 0),
    ("APP_NAME", "app_name", _NAME, (), 0), ("SERVERPROPERTY", "server_property", _VARIANT, (_NAME,), 0),
    ("DATABASEPROPERTYEX", "database_property", _VARIANT, (_NAME, _NAME), 0), ("DB_NAME", "db_name", _NAME, (INT,), 1),
    ("ORIGINAL_DB_NAME", "original_db_name", _NAME, (), 0), ("HAS_DBACCESS", "has_dbaccess", INT, (_NAME,), 0),
    ("IS_SRVROLEMEMBER", "is_srvrolemember", INT, (_NAME,), 0),
    ("CONNECTIONPROPERTY", "connection_property", _VARIANT, (_NAME,), 0),
    ("DB_ID", "db_id", SMALLINT, (_NAME,), 1), ("OBJECT_ID", "object_id", INT, (_TEXT, _NAME), 1),
    ("OBJECT_NAME", "object_name", _NAME, (INT, INT), 1), ("OBJECT_SCHEMA_NAME", "object_schema_name", _NAME, (INT,
    INT), 1),
    ("OBJECT_DEFINITION", "object_definition", nvarchar(), (INT,), 0), ("SCHEMA_ID", "schema_id", INT, (_NAME,), 1),
    ("SCHEMA_NAME", "schema_name", _NAME, (INT,), 1), ("TYPE_ID", "type_id", INT, (_TEXT,), 0),
    ("TYPE_NAME", "type_name", _NAME, (INT,), 0), ("COL_NAME", "col_name", _NAME, (INT, INT), 0),
    ("COL_LENGTH", "col_length", SMALLINT, (_TEXT, _NAME), 0),
    ("COLUMNPROPERTY", "column_property", INT, (INT, _NAME, _NAME), 0),
    ("OBJECTPROPERTY", "object_property", INT, (INT, _NAME), 0),
    ("INDEXPROPERTY", "index_property", INT, (INT, _NAME, _NAME), 0), ("INDEX_COL", "index_col", _NAME, (_TEXT, INT,
    INT), 0),
    ("HAS_PERMS_BY_NAME", "has_perms_by_name", INT, (_TEXT, _NAME, _NAME), 0), ("IS_MEMBER", "is_member", INT,
    (_NAME,), 0),
    ("IS_ROLEMEMBER", "is_member", INT, (_NAME,), 0),
    ("APPLOCK_MODE", "applock_mode", nvarchar(32), (_NAME, nvarchar(255), nvarchar(32)), 0),
    ("APPLOCK_TEST", "applock_test", SMALLINT, (_NAME, nvarchar(255), nvarchar(32), nvarchar(32)), 0),
):  # fmt: skip
    _strict = bool(_arguments) and _name != "HAS_PERMS_BY_NAME"
    _from_session(
        _name, _method, _type, f"{_name.lower().replace('_', '-')}-transact-sql", _arguments, _optional, strict=_strict
    )


# -- NEWID and randomness


@scalar("ts_newid", 0, volatile=True)
def _newid() -> bytes:
    return guid_to_storage(uuid.uuid4())


@scalar("ts_newsequentialid", 0, session=True, volatile=True)
def _newsequentialid(session: SessionProtocol) -> bytes:
    return session.next_sequential_id()


@scalar("ts_crypt_gen_random", 1, volatile=True)
def _crypt_gen_random(length: int | None) -> bytes | None:
    return None if length is None or not 0 < length <= 8000 else secrets.token_bytes(length)


def _resolve_newid(call: Call) -> Resolved:
    need(call, 0)
    return Resolved(UNIQUEIDENTIFIER.with_nullable(False), (), udf(f"ts_{call.name.lower()}"))


def _resolve_random(call: Call) -> Resolved:
    if len(call.arguments) == 2:
        raise Unsupported("CRYPT_GEN_RANDOM with a seed")
    need(call, 1)
    return Resolved(varbinary(8000), (integer(call, 0),), udf("ts_crypt_gen_random"))


add("NEWID", "newid-transact-sql", _resolve_newid, deterministic=False)
add("NEWSEQUENTIALID", "newsequentialid-transact-sql", _resolve_newid, deterministic=False, needs_session=True)
add("CRYPT_GEN_RANDOM", "crypt-gen-random-transact-sql", _resolve_random, deterministic=False)


# -- hashes and compression

_ALGORITHMS: dict[str, Callable[[bytes], Any]] = {
    "md5": hashlib.md5, "sha": hashlib.sha1, "sha1": hashlib.sha1, "sha2_256": hashlib.sha256,
    "sha2_512": hashlib.sha512,
}  # fmt: skip


def _bytes(value: Any, unicode: int) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-16-le") if unicode else code_page_bytes(value)
    return bytes(value)


@scalar("ts_hashbytes", 3)
def _hashbytes(unicode: int, algorithm: str | None, value: Any) -> bytes | None:
    if algorithm is None or value is None:
        return None
    name = algorithm.strip().lower()
    if name in ("md2", "md4"):
        raise Unsupported(f"HASHBYTES with {name.upper()}")
    make = _ALGORITHMS.get(name)
    return None if make is None else make(_bytes(value, unicode)).digest()


def _resolve_hashbytes(call: Call) -> Resolved:
    need(call, 2)
    given = call.types[1]
    if not (given.is_string or given.is_binary or given.is_null):
        raise sql_error(8116, given.display_name, 2, "hashbytes")
    return Resolved(varbinary(8000), (nvarchar(32), None), udf("ts_hashbytes", str(int(given.is_unicode))))


@scalar("ts_compress", 2)
def _compress(unicode: int, value: Any) -> bytes | None:
    # The time stamp is left out, so that equal input gives equal bytes.
    return None if value is None else gzip.compress(_bytes(value, unicode), 6, mtime=0)


@scalar("ts_decompress", 1)
def _decompress(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    try:
        member = zlib.decompressobj(wbits=31)
        data = member.decompress(value)
        # Usually there is one member, and its checksum has been compared; the module knows all the rest.
        return data if member.eof and not member.unused_data else gzip.decompress(value)
    except (OSError, EOFError, zlib.error):
        raise SqlError(9422, "Decompression failed: the value is not in GZIP format.") from None


def _resolve_compress(call: Call) -> Resolved:
    need(call, 1)
    given = call.types[0]
    if not (given.is_string or given.is_binary or given.is_null):
        raise sql_error(8116, given.display_name, 1, "Compress")
    return Resolved(varbinary(), (None,), udf("ts_compress", str(int(given.is_unicode))))


def _resolve_decompress(call: Call) -> Resolved:
    need(call, 1)
    given = call.types[0]
    if not (given.is_binary or given.is_null):
        raise sql_error(8116, given.display_name, 1, "Decompress")
    return Resolved(varbinary(), (None,), udf("ts_decompress"))


add("HASHBYTES", "hashbytes-transact-sql", _resolve_hashbytes)
add("COMPRESS", "compress-transact-sql", _resolve_compress)
add("DECOMPRESS", "decompress-transact-sql", _resolve_decompress)


# -- FORMATMESSAGE

_PLACE = re.compile(r"%(%|([-+0# ]*)(\*|\d+)?(?:\.(\*|\d+))?(?:h|l|I64)?([diouxXs])|)")


def format_message(text: str, arguments: Sequence[Any]) -> str:
    """RAISERROR's and FORMATMESSAGE's printf: ``%s %d %i %u %o %x %X %%`` with flags, width and precision.

    Arguments are storage values of strings and integers; a NULL is ``(null)``. Error 2786 for an argument of another
    kind.
    """
    rest = list(arguments)
    count = len(rest)

    def one(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        flags, width, precision, kind = match[2], match[3], match[4], match[5]
        if not kind:
            raise Unsupported("FORMATMESSAGE with a format that is none")
        if width == "*":
            width = str(rest.pop(0)) if rest else ""
        if precision == "*":
            precision = str(rest.pop(0)) if rest else None
        value = rest.pop(0) if rest else None
        if value is None:
            shown = "(null)"
        elif kind == "s":
            if not isinstance(value, str):
                raise _mismatch(count - len(rest))
            shown = value if precision is None else value[: int(precision)]
        else:
            if not isinstance(value, int):
                raise _mismatch(count - len(rest))
            if kind in "ouxX" and value < 0:
                value += 2**32
            format_ = f"%{flags}{width or ''}{'.' + precision if precision else ''}{'d' if kind in 'iu' else kind}"
            return format_ % value
        wide = int(width or 0)
        return shown.ljust(wide) if "-" in flags else shown.rjust(wide)

    return _PLACE.sub(one, text)


def _mismatch(number: int) -> SqlError:
    return SqlError(
        2786,
        f"The data type of substitution parameter {number} does not match the expected type of the format "
        f"specification.",
    )


@scalar("ts_formatmessage")
def _formatmessage(text: str | None, *arguments: Any) -> str | None:
    made = None if text is None else format_message(text, arguments)
    return made if made is None or len(made) <= 2047 else made[:2044] + "..."


def _resolve_formatmessage(call: Call) -> Resolved:
    need(call, 1, 21)
    if not call.types[0].is_string:
        raise Unsupported("FORMATMESSAGE with a message number")
    for type_ in call.types[1:]:
        if not (type_.is_string or type_.is_integer or type_.is_null):
            raise SqlError(
                2748, f"Cannot specify {type_.display_name} data type (parameter 1) as a substitution parameter."
            )
    return Resolved(nvarchar(2048), (None,) * len(call.arguments), udf("ts_formatmessage"))


add("FORMATMESSAGE", "formatmessage-transact-sql", _resolve_formatmessage)


# -- extended properties


@table
def _extended_properties(connection: apsw.Connection, session: SessionProtocol) -> None:
    arguments = ("property", "type0", "name0", "type1", "name1", "type2", "name2")
    shown = ("objtype", "objname", "name", "value")
    # Looked up when called: behind a redo there is no session that has it.
    TableFunction(shown, arguments, lambda *given: session.extended_properties(*given)).register(
        connection, "ts_extended_properties"
    )


def _resolve_listextendedproperty(call: Call) -> Resolved:
    if len(call.arguments) != 7:
        number = 313 if len(call.arguments) < 7 else 8144
        raise sql_error(number, "sys.fn_listextendedproperty")
    return Resolved(
        _NAME,
        (_NAME,) * 7,
        udf("ts_extended_properties"),
        columns=(
            ("objtype", _NAME),
            ("objname", _NAME),
            ("name", _NAME.with_nullable(False)),
            ("value", nvarchar(4000)),
        ),
    )


add(
    "FN_LISTEXTENDEDPROPERTY",
    "https://learn.microsoft.com/sql/relational-databases/system-functions/sys-fn-listextendedproperty-transact-sql",
    _resolve_listextendedproperty,
    kind="table",
    needs_session=True,
)

__all__ = ["format_message", "nullable_from"]
