"""Types of arguments: what functions turn them to before they are called."""

from __future__ import annotations

from typing import Any

from ..chart import check_implicit
from ..errors import sql_error
from ..types import INT, SqlType, nvarchar, varchar
from .registry import Call

# Characters that a number, date or GUID needs at most when it becomes a string by itself.
_DISPLAY = {
    "bit": 1, "tinyint": 4, "smallint": 6, "int": 12, "bigint": 20, "money": 40, "smallmoney": 40, "float": 40,
    "real": 40,
    "date": 40, "time": 40, "datetime": 40, "smalldatetime": 40, "datetime2": 40, "datetimeoffset": 40,
    "uniqueidentifier": 36,
    "null": 1, "decimal": 41, "numeric": 41,
}  # fmt: skip


def text(call: Call, index: int, *, binary: bool = False) -> SqlType:
    """A string argument: strings stay, all else that turns into a string by itself becomes varchar. Error 8116."""
    type_ = call.arguments[index].type
    if type_.is_string:
        return type_
    if type_.is_binary:
        if binary:
            return type_
        raise sql_error(8116, type_.display_name, index + 1, call.name.lower())
    length = _DISPLAY.get(type_.name)
    if length is None:
        raise sql_error(8116, type_.display_name, index + 1, call.name.lower())
    return varchar(length, nullable=type_.nullable)


def integer(call: Call, index: int, type_: SqlType = INT) -> SqlType:
    """An integer argument. Error 8116 for what is never one."""
    given = call.arguments[index].type
    if given.is_temporal or given.name == "uniqueidentifier":
        raise sql_error(8116, given.display_name, index + 1, call.name.lower())
    check_implicit(given, type_)
    return type_.with_nullable(given.nullable)


def whole(call: Call, index: int, type_: SqlType = INT) -> SqlType:
    """An integer argument that no other number and no string may stand for. Error 8116."""
    given = call.arguments[index].type
    if not (given.is_integer or given.is_null):
        raise sql_error(8116, given.display_name, index + 1, call.name.lower())
    return type_.with_nullable(given.nullable)


def like_text(source: SqlType, length: int, *, nullable: bool = True, variable: bool = True) -> SqlType:
    """A string result in the family and collation of ``source``; ``length`` beyond the family's limit is cut to it,
    -1 is max.
    """
    unicode = source.is_unicode
    most = 4000 if unicode else 8000
    made = (nvarchar if unicode else varchar)(length if length == -1 else min(length, most), nullable=nullable)
    return made.with_collation(source.collation, source.collation_label)


def length_of(type_: SqlType) -> int:
    """Length of a string or binary type, -1 for max."""
    return 8 if type_.length is None else type_.length


def constant(call: Call, index: int) -> Any:
    """The literal at ``index``, or None."""
    if index >= len(call.arguments) or not call.arguments[index].is_literal:
        return None
    return call.arguments[index].literal
