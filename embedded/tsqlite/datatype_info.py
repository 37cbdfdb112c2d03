"""sp_datatype_info_100: the data types as ODBC sees them. pyodbc asks for the longest varchar with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import tree
from .catalog import Parameter
from .compiled import Column
from .errors import Unsupported
from .results import ResultSet
from .types import INT, SMALLINT, TINYINT, nvarchar, varchar
from .values import Storage

if TYPE_CHECKING:
    from .frames import Frame
    from .interpreter import Interpreter

_SYSNAME: Final = nvarchar(128)
_WORDS: Final = varchar(32)
COLUMNS: Final = tuple(
    Column(name, type_)
    for name, type_ in (
        ("TYPE_NAME", _SYSNAME), ("DATA_TYPE", SMALLINT), ("PRECISION", INT), ("LITERAL_PREFIX", _WORDS),
        ("LITERAL_SUFFIX", _WORDS), ("CREATE_PARAMS", _WORDS), ("NULLABLE", SMALLINT), ("CASE_SENSITIVE", SMALLINT),
        ("SEARCHABLE", SMALLINT), ("UNSIGNED_ATTRIBUTE", SMALLINT), ("MONEY", SMALLINT), ("AUTO_INCREMENT", SMALLINT),
        ("LOCAL_TYPE_NAME", _SYSNAME), ("MINIMUM_SCALE", SMALLINT), ("MAXIMUM_SCALE", SMALLINT),
        ("SQL_DATA_TYPE", SMALLINT), ("SQL_DATETIME_SUB", SMALLINT), ("NUM_PREC_RADIX", INT),
        ("INTERVAL_PRECISION", SMALLINT), ("USERTYPE", SMALLINT),
    )
)  # fmt: skip

_Row = tuple[Storage, ...]


def _row(
    name: str,
    code: int,
    precision: int,
    quotes: tuple[str | None, str | None],
    parameters: str | None,
    user_type: int,
    *,
    searchable: int = 2,
    unsigned: int | None = None,
    money: int = 0,
    identity: int | None = None,
    scales: tuple[int | None, int | None] = (None, None),
    verbose: tuple[int, int] | None = None,
    radix: int | None = None,
    nullable: int = 1,
) -> _Row:
    sql, sub = verbose or (code, None)
    return (
        name, code, precision, *quotes, parameters, nullable, 0, searchable, unsigned, money, identity, name, *scales,
        sql, sub, radix, None, user_type,
    )  # fmt: skip


_N: Final = "N'", "'"
_Q: Final = "'", "'"
_HEX: Final = "0x", None
_NONE: Final = None, None
_MONEY: Final = "$", None


def _number(name: str, code: int, precision: int, user_type: int, unsigned: int = 0) -> tuple[_Row, _Row]:
    plain = _row(name, code, precision, _NONE, None, user_type, unsigned=unsigned, identity=0, scales=(0, 0), radix=10)
    counted = _row(
        f"{name} identity", code, precision, _NONE, None, user_type, unsigned=unsigned, identity=1, scales=(0, 0),
        radix=10, nullable=0,
    )  # fmt: skip
    return plain, counted


def _exact(name: str, code: int, user_type: int) -> tuple[_Row, _Row]:
    plain = _row(name, code, 38, _NONE, "precision,scale", user_type, unsigned=0, identity=0, scales=(0, 38), radix=10)
    counted = _row(
        f"{name}() identity", code, 38, _NONE, "precision", user_type, unsigned=0, identity=1, scales=(0, 0), radix=10,
        nullable=0,
    )  # fmt: skip
    return plain, counted


_DECIMAL, _NUMERIC = _exact("decimal", 3, 24), _exact("numeric", 2, 10)
ROWS: Final[tuple[_Row, ...]] = (
    _row("datetimeoffset", -155, 34, _Q, "scale", 0, searchable=3, scales=(0, 7), verbose=(-155, 0)),
    _row("time", -154, 16, _Q, "scale", 0, searchable=3, scales=(0, 7), verbose=(-154, 0)),
    _row("uniqueidentifier", -11, 36, _Q, None, 37),
    _row("nvarchar", -9, 4000, _N, "max length", 0, searchable=3),
    _row("sysname", -9, 128, _N, None, 18, searchable=3, nullable=0),
    _row("nchar", -8, 4000, _N, "length", 0, searchable=3),
    _row("bit", -7, 1, _NONE, None, 16, scales=(0, 0)),
    *_number("tinyint", -6, 3, 5, unsigned=1),
    *_number("bigint", -5, 19, 0),
    _row("varbinary", -3, 8000, _HEX, "max length", 4),
    _row("binary", -2, 8000, _HEX, "length", 3),
    _row("timestamp", -2, 8, _HEX, None, 80, nullable=0),
    _row("char", 1, 8000, _Q, "length", 1, searchable=3),
    *_NUMERIC,
    _row("money", 3, 19, _MONEY, None, 11, unsigned=0, money=1, identity=0, scales=(4, 4), radix=10),
    _row("smallmoney", 3, 10, _MONEY, None, 21, unsigned=0, money=1, identity=0, scales=(4, 4), radix=10),
    *_DECIMAL,
    *_number("int", 4, 10, 7),
    *_number("smallint", 5, 5, 6),
    _row("float", 6, 53, _NONE, None, 8, unsigned=0, identity=0, radix=2),
    _row("real", 7, 24, _NONE, None, 23, unsigned=0, identity=0, radix=2),
    _row("varchar", 12, 8000, _Q, "max length", 2, searchable=3),
    _row("date", 91, 10, _Q, None, 0, searchable=3, scales=(None, 0), verbose=(9, 1)),
    _row("datetime2", 93, 27, _Q, "scale", 0, searchable=3, scales=(0, 7), verbose=(9, 3)),
    _row("datetime", 93, 23, _Q, None, 12, searchable=3, scales=(3, 3), verbose=(9, 3)),
    _row("smalldatetime", 93, 16, _Q, None, 22, searchable=3, scales=(0, 0), verbose=(9, 3)),
)
"""In the order of their ODBC codes. The types that the engine does not have are not among them."""


def datatype_info(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_datatype_info_100 @data_type, @ODBCVer: all types, or those of one ODBC code."""
    zero, two = tree.IntLiteral(0), tree.IntLiteral(2)
    parameters = Parameter("@data_type", INT, zero), Parameter("@ODBCVer", TINYINT, two)
    values, _ = interpreter._arguments("sp_datatype_info_100", parameters, node.args, frame)
    wanted, version = values["@data_type"] or 0, values["@odbcver"] or 2
    assert isinstance(version, int)
    if version < 3:
        raise Unsupported("sp_datatype_info_100 for ODBC 2", node.line)
    interpreter.sink.put(ResultSet(COLUMNS, [row for row in ROWS if wanted in (0, row[1])]))
    return 0
