"""The one registry of functions: name → signature, result type, SQLite text, documentation.

``lookup(name).resolve(call)`` says what a call means: the type of its result, the types to which the binder converts
its arguments (implicitly), and the SQLite text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..errors import Unsupported, sql_error
from ..types import NULL, SqlType

Kind = Literal["scalar", "aggregate", "window", "table"]
DOCS = "https://learn.microsoft.com/sql/t-sql/functions/"


class _NoLiteral:
    def __repr__(self) -> str:
        return "NO_LITERAL"


NO_LITERAL: Any = _NoLiteral()


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument as bound, before conversion.

    ``literal`` is the Python value of a constant (int, Decimal, float, str, bytes, None for NULL; a sign is folded
    in), else ``NO_LITERAL``. ``date_part`` is the keyword of a ``DatePart`` argument, ``star`` the * of COUNT(*).
    """

    type: SqlType
    literal: Any = NO_LITERAL
    date_part: str | None = None
    star: bool = False
    json: bool = False
    """Its text is JSON already (JSON_QUERY, JSON_MODIFY, FOR JSON): FOR JSON and JSON_MODIFY do not escape it."""

    @property
    def is_literal(self) -> bool:
        return self.literal is not NO_LITERAL


@dataclass(frozen=True, slots=True)
class Call:
    """A call to be resolved. ``over``: it has an OVER clause; ``ordered``: that clause has ORDER BY; ``framed``: ROWS
    or RANGE.

    ``within_group``: it has WITHIN GROUP (ORDER BY ...).
    """

    name: str
    arguments: tuple[Argument, ...]
    distinct: bool = False
    over: bool = False
    ordered: bool = False
    framed: bool = False
    within_group: bool = False

    @property
    def types(self) -> tuple[SqlType, ...]:
        return tuple(a.type for a in self.arguments)


class Emit(Protocol):
    """SQLite text of a call.

    ``args``: text of each argument after conversion. ``order_by``: text of WITHIN GROUP's items ('' without).
    ``over``: the whole ``OVER (...)`` text with its keyword ('' without). A table function's text stands after FROM.
    """

    def __call__(self, args: Sequence[str], order_by: str = "", over: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a call means.

    ``arguments``: the type to convert each argument to, None: leave it as it is. ``columns``: a table function's, by
    name. ``default_frame``: the frame to write when the call has ORDER BY but none (None: SQL Server's and SQLite's
    agree).
    """

    type: SqlType
    arguments: tuple[SqlType | None, ...]
    emit: Emit
    columns: tuple[tuple[str, SqlType], ...] = ()
    default_frame: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the engine has.

    ``deterministic``: equal arguments give equal results, as a computed column or index needs. ``needs_session``: its
    text calls the session. ``aggregate`` functions may take OVER; ``window`` functions must.
    """

    name: str
    kind: Kind
    link: str
    resolve: Callable[[Call], Resolved] = field(repr=False)
    deterministic: bool = True
    needs_session: bool = False


FUNCTIONS: dict[str, Function] = {}
"""By upper-case name; @@variables with their signs. Filled by the modules of this package."""

# Built into SQL Server 2017, not here: refused by name. Later ones are unknown to level 140's server: error 195.
REFUSED = frozenset(
    """APPROX_COUNT_DISTINCT ASYMKEY_ID ASYMKEYPROPERTY BINARY_CHECKSUM CERTENCODED CERTPRIVATEKEY CERT_ID
    CERTPROPERTY CHECKSUM CHECKSUM_AGG COLLATIONPROPERTY COLUMNS_UPDATED CURRENT_REQUEST_ID
    CURRENT_TRANSACTION_ID CURSOR_STATUS DECRYPTBYASYMKEY DECRYPTBYCERT DECRYPTBYKEY
    DECRYPTBYKEYAUTOASYMKEY DECRYPTBYKEYAUTOCERT DECRYPTBYPASSPHRASE ENCRYPTBYASYMKEY ENCRYPTBYCERT ENCRYPTBYKEY
    ENCRYPTBYPASSPHRASE EVENTDATA FILE_ID FILE_IDEX FILE_NAME FILEGROUP_ID FILEGROUP_NAME FILEGROUPPROPERTY
    FILEPROPERTY FULLTEXTCATALOGPROPERTY FULLTEXTSERVICEPROPERTY GET_FILESTREAM_TRANSACTION_CONTEXT GETANSINULL
    GROUPING GROUPING_ID HOST_ID INDEXKEY_PROPERTY IS_OBJECTSIGNED KEY_GUID KEY_ID KEY_NAME LOGINPROPERTY
    OBJECTPROPERTYEX PARSE PERCENTILE_CONT PERCENTILE_DISC PERMISSIONS
    PUBLISHINGSERVERNAME PWDCOMPARE PWDENCRYPT ROWCOUNT_BIG SIGNBYASYMKEY SIGNBYCERT SQL_VARIANT_PROPERTY
    STATS_DATE SYMKEYPROPERTY TERTIARY_WEIGHTS TEXTPTR TEXTVALID TRIGGER_NESTLEVEL TRY_PARSE TYPEPROPERTY
    VERIFYSIGNEDBYASYMKEY VERIFYSIGNEDBYCERT OPENXML OPENROWSET OPENQUERY OPENDATASOURCE CONTAINSTABLE
    FREETEXTTABLE @@CONNECTIONS @@CPU_BUSY @@CURSOR_ROWS @@IDLE @@IO_BUSY @@MAX_CONNECTIONS
    @@PACK_RECEIVED @@PACK_SENT @@PACKET_ERRORS @@REMSERVER @@SERVICENAME @@TIMETICKS
    @@TOTAL_ERRORS @@TOTAL_READ @@TOTAL_WRITE @@MICROSOFTVERSION APPLOCK_TEST ASSEMBLYPROPERTY
    DATABASEPROPERTY GET_TRANSMISSION_STATUS IDENTITY SUSER_ID SUSER_SID""".split()
)

# What came after SQL Server 2017: level 140 does not know it either, and says 195.
LATER = frozenset(
    """ANY_VALUE CURRENT_DATE CURRENT_TIMEZONE CURRENT_TIMEZONE_ID APPROX_PERCENTILE_CONT APPROX_PERCENTILE_DISC
    BASE64_DECODE BASE64_ENCODE BIT_COUNT DATE_BUCKET DATETRUNC EDIT_DISTANCE GENERATE_SERIES GET_BIT GREATEST
    JSON_ARRAY JSON_ARRAYAGG JSON_CONTAINS JSON_OBJECT JSON_OBJECTAGG JSON_PATH_EXISTS LEAST LEFT_SHIFT PRODUCT
    REGEXP_COUNT REGEXP_INSTR REGEXP_LIKE REGEXP_REPLACE REGEXP_SUBSTR RIGHT_SHIFT SET_BIT UNISTR""".split()
)


def add(
    name: str,
    page: str,
    resolve: Callable[[Call], Resolved],
    *,
    kind: Kind = "scalar",
    deterministic: bool = True,
    needs_session: bool = False,
) -> None:
    """Enter a function; ``page`` is the last part of its page's address, or a whole address."""
    link = page if page.startswith("https:") else f"{DOCS}{page}"
    FUNCTIONS[name.upper()] = Function(name.upper(), kind, link, resolve, deterministic, needs_session)


def lookup(name: str) -> Function:
    """The function of that name (a @@variable with its signs).

    Errors: 195 when T-SQL has none (137 for a @@variable); ``Unsupported`` when T-SQL has it and the engine has not.
    """
    found = FUNCTIONS.get(name.upper())
    if found is not None:
        return found
    if name.upper() in REFUSED:
        raise Unsupported(name.upper())
    if name.upper() in LATER:
        raise Unsupported(f"{name.upper()}, which is later than SQL Server 2017,", number=195)
    if name.startswith("@@"):
        raise sql_error(137, name)
    raise sql_error(195, name, "built-in function name")


def need(call: Call, low: int, high: int | None = None) -> None:
    """Check the number of arguments: errors 174 (one number) and 189 (a range); ``high`` -1 is any number."""
    count = len(call.arguments)
    name = call.name.lower()
    if high is None and count != low:
        raise sql_error(174, name, low)
    if high is not None and (count < low or (high >= 0 and count > high)):
        raise sql_error(189, name, low, high if high >= 0 else 254)


def udf(name: str, *constants: str) -> Emit:
    """Text of a call of the SQLite function ``name``, the constants (SQLite text) first."""

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        return f"{name}({', '.join((*constants, *args))})"

    return emit


def simple(type_: SqlType, arguments: Sequence[SqlType | None], name: str, *constants: str) -> Resolved:
    """A call that is one SQLite function."""
    return Resolved(type_, tuple(arguments), udf(name, *constants))


def nullable_from(call: Call) -> bool:
    """Whether any argument may be NULL."""
    return any(a.type.nullable for a in call.arguments)


def null_as(type_: SqlType, default: SqlType) -> SqlType:
    """``type_``, or ``default`` for a bare NULL."""
    return default if type_ is NULL or type_.is_null else type_
