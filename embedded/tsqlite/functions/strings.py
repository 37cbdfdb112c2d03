"""String functions. Lengths and positions count UTF-16 code units, as SQL Server does without an _SC collation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import apsw

from .. import collation, like, numbers
from ..caching import kept
from ..collation import BINARY_COLLATIONS, check_searchable
from ..convert import cut
from ..errors import SqlError, Unsupported, sql_error
from ..runtime import TableFunction, scalar, table
from ..types import BIGINT, BIT, FLOAT, INT, SqlType, common_type, common_type_of, nchar, nvarchar, varchar
from .arguments import constant, integer, length_of, like_text, text, whole
from .registry import Call, Resolved, add, need, nullable_from, simple, udf
from .session_protocol import SessionProtocol

_DOCS = "{}-transact-sql"


def units(value: str) -> int:
    """Length in UTF-16 code units."""
    if value.isascii() or max(value) <= "\uffff":
        return len(value)
    return len(value.encode("utf-16-le")) // 2


def part(value: str, start: int, end: int) -> str:
    """Characters ``start`` to ``end`` (0-based, end excluded) in UTF-16 code units."""
    if value.isascii() or not value or max(value) <= "\uffff":
        return value[start:end]
    try:
        return value.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")
    except UnicodeDecodeError:
        raise Unsupported("Cutting a string within a surrogate pair") from None


def _counts_whole(type_: SqlType) -> bool:
    """Whether the collation (_SC) counts a surrogate pair as one character."""
    return type_.is_unicode and (type_.collation or "").upper().endswith("_SC")


def _whole(type_: SqlType, function: str) -> str:
    """The variant of a function that counts a surrogate pair as one character, where the collation says so."""
    return f"{function}_sc" if _counts_whole(type_) else function


def _unit_index(value: str, index: int) -> int:
    """Position in code units of a position in characters."""
    return index if value.isascii() else units(value[:index])


def _add(name: str, resolve: Any, page: str | None = None, **options: Any) -> None:
    add(name, page or _DOCS.format(name.lower().replace("_", "-")), resolve, **options)


def _fixed(name: str, type_: SqlType, kinds: str) -> None:
    """A function of one result type: ``kinds`` has a letter for each argument, t for text, i for an integer."""

    def resolve(call: Call) -> Resolved:
        need(call, len(kinds))
        types = [text(call, i) if kind == "t" else integer(call, i) for i, kind in enumerate(kinds)]
        return simple(type_, types, f"ts_{name.lower()}")

    _add(name, resolve)


# -- length


@scalar("ts_len", 1)
def _len(value: Any) -> int | None:
    if value is None:
        return None
    if value.__class__ is bytes:
        return len(value)
    stripped = value.rstrip(" ")
    return units(stripped)


def _resolve_len(call: Call) -> Resolved:
    need(call, 1)
    type_ = text(call, 0, binary=True)
    return Resolved(
        (BIGINT if type_.is_max else INT).with_nullable(type_.nullable), (type_,), udf(_whole(type_, "ts_len"))
    )


@scalar("ts_len_sc", 1)
def _len_sc(value: str | None) -> int | None:
    return None if value is None else len(value.rstrip(" "))


_add("LEN", _resolve_len)


@scalar("ts_datalength_n", 1)
def _datalength_unicode(value: str | None) -> int | None:
    return None if value is None else 2 * units(value)


@scalar("ts_datalength", 1)
def _datalength(value: Any) -> int | None:
    return None if value is None else len(value)


def _resolve_datalength(call: Call) -> Resolved:
    need(call, 1)
    type_ = call.types[0]
    result = (BIGINT if type_.is_max else INT).with_nullable(type_.nullable)
    if type_.is_string:
        return Resolved(result, (None,), udf("ts_datalength_n" if type_.is_unicode else "ts_datalength"))
    if type_.is_binary:
        return Resolved(result, (None,), udf("ts_datalength"))
    size = 0 if type_.is_null else type_.max_bytes
    return Resolved(result, (None,), lambda args, order_by="", over="": f"iif({args[0]} IS NULL, NULL, {size})")


_add("DATALENGTH", _resolve_datalength)


# -- parts


@scalar("ts_left", 2)
def _left(value: str | None, count: int | None) -> str | None:
    if count is not None and count < 0:
        raise sql_error(537)
    if value is None or count is None:
        return None
    return part(value, 0, count)


@scalar("ts_right", 2)
def _right(value: str | None, count: int | None) -> str | None:
    if count is not None and count < 0:
        raise sql_error(536, "RIGHT")
    if value is None or count is None:
        return None
    length = units(value)
    return part(value, max(0, length - count), length)


def _resolve_left_right(call: Call) -> Resolved:
    need(call, 2)
    type_ = text(call, 0)
    number = constant(call, 1)
    length = length_of(type_)
    if isinstance(number, int):
        most = 4000 if type_.is_unicode else 8000
        length = max(1, min(number, most if length == -1 else length))
    return Resolved(
        like_text(type_, length, nullable=nullable_from(call)),
        (type_, integer(call, 1)),
        udf(_whole(type_, f"ts_{call.name.lower()}")),
    )


@scalar("ts_left_sc", 2)
def _left_sc(value: str | None, count: int | None) -> str | None:
    if value is None or count is None:
        return None
    if count < 0:
        raise sql_error(537)
    return value[:count]


@scalar("ts_right_sc", 2)
def _right_sc(value: str | None, count: int | None) -> str | None:
    if value is None or count is None:
        return None
    if count < 0:
        raise sql_error(536, "RIGHT")
    return value[max(0, len(value) - count) :]


_add("LEFT", _resolve_left_right)
_add("RIGHT", _resolve_left_right)


@scalar("ts_substring", 3)
def _substring(value: Any, start: int | None, count: int | None) -> Any:
    if value is None or start is None or count is None:
        return None
    first, end = _bounds(start, count)
    if end <= first:
        return value[:0]
    return value[first:end] if value.__class__ is bytes else part(value, first, end)


@scalar("ts_substring_sc", 3)
def _substring_sc(value: str | None, start: int | None, count: int | None) -> str | None:
    if value is None or start is None or count is None:
        return None
    first, end = _bounds(start, count)
    return value[first : max(first, end)]


def _bounds(start: int, count: int) -> tuple[int, int]:
    if count < 0:
        raise sql_error(537)
    return max(start - 1, 0), start - 1 + count


def _resolve_substring(call: Call) -> Resolved:
    need(call, 3)
    given = call.types[0]
    if not (given.is_string or given.is_binary):
        raise sql_error(8116, "NULL" if given.is_null else given.display_name, 1, "substring")
    type_ = text(call, 0, binary=True)
    length = length_of(type_)
    number = constant(call, 2)
    if isinstance(number, int) and number >= 0:
        start = constant(call, 1)
        limit = length - (start - 1 if isinstance(start, int) and start > 1 else 0) if length != -1 else -1
        most = 4000 if type_.is_unicode else 8000
        length = max(1, min(number, most if length == -1 else max(1, limit)))
    if type_.is_binary:
        result = SqlType("varbinary", length=length, nullable=nullable_from(call))
    else:
        result = like_text(type_, length, nullable=nullable_from(call))
    long_ = [whole(call, i, BIGINT) for i in (1, 2)]
    return Resolved(result, (type_, *long_), udf(_whole(type_, "ts_substring")))


_add("SUBSTRING", _resolve_substring)


@scalar("ts_stuff", 4)
def _stuff(value: str | None, start: int | None, count: int | None, new: str | None) -> str | None:
    if value is None or start is None or count is None:
        return None
    length = units(value)
    if start < 1 or start > length or count < 0:
        return None
    return part(value, 0, start - 1) + (new or "") + part(value, start - 1 + count, length)


@scalar("ts_stuff_sc", 4)
def _stuff_sc(value: str | None, start: int | None, count: int | None, new: str | None) -> str | None:
    if value is None or start is None or count is None or start < 1 or start > len(value) or count < 0:
        return None
    return value[: start - 1] + (new or "") + value[start - 1 + count :]


def _resolve_stuff(call: Call) -> Resolved:
    need(call, 4)
    type_, new = text(call, 0), text(call, 3)
    common = common_type(type_, new)
    lengths = (length_of(type_), length_of(new))
    length = -1 if -1 in lengths else sum(lengths)
    return Resolved(
        like_text(common, length),
        (_as(type_, common), whole(call, 1), whole(call, 2), _as(new, common)),
        udf(_whole(common, "ts_stuff")),
    )


def _as(type_: SqlType, common: SqlType) -> SqlType:
    """``type_`` in the family (Unicode or not) of ``common``."""
    if type_.is_unicode == common.is_unicode or not type_.is_string:
        return type_
    length = length_of(type_)
    return replace(nvarchar(length), collation=common.collation, collation_label=common.collation_label)


_add("STUFF", _resolve_stuff)


# -- case and space


def _same_text(name: str) -> Callable[[Call], Resolved]:
    def resolve(call: Call) -> Resolved:
        need(call, 1)
        type_ = text(call, 0)
        result = like_text(type_, length_of(type_), nullable=type_.nullable)
        if call.name.upper() in ("UPPER", "LOWER") and type_.name in ("char", "nchar"):
            result = type_
        return Resolved(result, (type_,), udf(name))

    return resolve


def _capital(char: str) -> str:
    upper = char.upper()
    # Neither has a capital of its own: Python gives them another letter's.
    return upper if len(upper) == 1 and char not in "µıſ" else char


def _small(char: str) -> str:
    lower = char.lower()
    return lower if len(lower) == 1 else char


@scalar("ts_upper", 1)
def _upper(value: str | None) -> str | None:
    if value is None or value.isascii():
        return value and value.upper()
    # One character for one: 'ß' has no capital.
    return "".join(map(_capital, value))


@scalar("ts_lower", 1)
def _lower(value: str | None) -> str | None:
    if value is None or value.isascii():
        return value and value.lower()
    return "".join(map(_small, value))


@scalar("ts_ltrim", 1)
def _ltrim(value: str | None) -> str | None:
    return None if value is None else value.lstrip(" ")


@scalar("ts_rtrim", 1)
def _rtrim(value: str | None) -> str | None:
    return None if value is None else value.rstrip(" ")


@scalar("ts_trim", 1)
def _trim(value: str | None) -> str | None:
    return None if value is None else value.strip(" ")


@scalar("ts_trim_set", 3)
def _trim_set(characters: str | None, value: str | None, name: str) -> str | None:
    if value is None or characters is None:
        return None
    if "_ci" in name:
        characters += "".join(map(_small, characters)) + "".join(map(_capital, characters))
    return value.strip(characters)


@scalar("ts_reverse", 1)
def _reverse(value: str | None) -> str | None:
    if value is None:
        return None
    if not value.isascii() and max(value, default="") > "\uffff":
        raise Unsupported("REVERSE of supplementary characters")
    return value[::-1]


@scalar("ts_reverse_sc", 1)
def _reverse_sc(value: str | None) -> str | None:
    return None if value is None else value[::-1]


def _resolve_reverse(call: Call) -> Resolved:
    need(call, 1)
    return _same_text(_whole(text(call, 0), "ts_reverse"))(call)


def _resolve_trim(call: Call) -> Resolved:
    """One argument, or two for ``TRIM(characters FROM value)``: the characters first."""
    need(call, 1, 2)
    if len(call.arguments) == 1:
        return _same_text("ts_trim")(call)
    characters, type_ = text(call, 0), text(call, 1)
    common = common_type(characters, type_)
    name = _search_collation(common)
    return Resolved(
        like_text(common, length_of(type_), nullable=nullable_from(call)),
        (_as(characters, common), _as(type_, common)),
        lambda args, order_by="", over="": f"ts_trim_set({args[0]}, {args[1]}, {name})",
    )


_add("UPPER", _same_text("ts_upper"))
_add("LOWER", _same_text("ts_lower"))
_add("LTRIM", _same_text("ts_ltrim"))
_add("RTRIM", _same_text("ts_rtrim"))
_add("REVERSE", _resolve_reverse)
_add("TRIM", _resolve_trim)


# -- search: the collation decides what equals what


@kept(1024)
def _finder(needle: str, name: str) -> re.Pattern[str]:
    """The expression that finds ``needle`` under the SQLite collation ``name``."""
    return re.compile(re.escape(needle), re.IGNORECASE if "_ci" in name else 0)


def _foldable(value: str) -> str:
    """Case folding that keeps positions: re.IGNORECASE alone takes 'ſ' for 's' and the Kelvin sign for 'k'."""
    return value.replace("ſ", "\ue000").replace("\u212a", "\ue001") if not value.isascii() else value


@scalar("ts_charindex", 5)
def _charindex(needle: str | None, value: str | None, start: int | None, name: str, whole: int) -> int | None:
    if needle is None or value is None or start is None:
        return None
    if needle == "":
        return 0
    first = max(0, start - 1)
    if first and not whole and not value.isascii() and max(value) > "\uffff":
        raise Unsupported("CHARINDEX from a position in a string with supplementary characters")
    if name in BINARY_COLLATIONS:
        found = value.find(needle, first)
    else:
        check_searchable(needle, value, name)
        match = _finder(_foldable(needle), name).search(_foldable(value), first)
        found = match.start() if match else -1
    if found < 0:
        return 0
    return (found if whole else _unit_index(value, found)) + 1


def _search_collation(common: SqlType) -> str:
    collation.require(common)
    return f"'{collation.sqlite_collation(common)}'"


def _resolve_charindex(call: Call) -> Resolved:
    need(call, 2, 3)
    needle, value = text(call, 0), text(call, 1)
    common = common_type(needle, value)
    name = _search_collation(common)
    result = (BIGINT if value.is_max else INT).with_nullable(nullable_from(call))
    types: list[SqlType | None] = [_as(needle, common), _as(value, common)]
    if len(call.arguments) == 3:
        types.append(integer(call, 2, BIGINT))

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        start = args[2] if len(args) == 3 else "1"
        return f"ts_charindex({args[0]}, {args[1]}, {start}, {name}, {int(_counts_whole(common))})"

    return Resolved(result, tuple(types), emit)


_add("CHARINDEX", _resolve_charindex)


@scalar("ts_patindex", 5)
def _patindex(pattern: str | None, value: str | None, name: str, unicode: int, whole: int) -> int | None:
    if pattern is None or value is None:
        return None
    if not whole:
        # Half a pair is a character: the expression sees the halves, and so do the positions.
        pattern, value = like.halved(pattern), like.halved(value)
    open_start, open_end = pattern.startswith("%"), pattern.endswith("%")
    core = pattern[1 if open_start else 0 : -1 if open_end and len(pattern) > 1 else None]
    if not open_start:
        return int(like.matches(value, pattern, name, bool(unicode), None, whole=bool(whole)))
    expression = like.compiled(core, name, None, anywhere=True, open_end=open_end)
    if expression is None:
        return 0
    folded = like.fold(value, name)
    if len(folded) != len(value):
        raise Unsupported("PATINDEX in a string with combining characters")
    match = expression.match(folded) if open_end else expression.fullmatch(folded)
    return 0 if match is None else match.end(1) + 1


def _resolve_patindex(call: Call) -> Resolved:
    need(call, 2)
    pattern, value = text(call, 0), text(call, 1)
    common = common_type(pattern, value)
    name = _search_collation(common)
    result = (BIGINT if value.is_max else INT).with_nullable(nullable_from(call))
    return Resolved(
        result,
        (_as(pattern, common), _as(value, common)),
        lambda args, order_by="", over="": (
            f"ts_patindex({args[0]}, {args[1]}, {name}, {int(common.is_unicode)}, {int(_counts_whole(common))})"
        ),
    )


_add("PATINDEX", _resolve_patindex)


@scalar("ts_replace", 4)
def _replace(value: str | None, old: str | None, new: str | None, name: str) -> str | None:
    if value is None or old is None or new is None:
        return None
    if not old or not value:
        return value
    if name in BINARY_COLLATIONS:
        return value.replace(old, new)
    check_searchable(old, value, name)
    folded = _foldable(value)
    finder = _finder(_foldable(old), name)
    parts: list[str] = []
    last = 0
    for match in finder.finditer(folded):
        parts += (value[last : match.start()], new)
        last = match.end()
    return "".join((*parts, value[last:])) if parts else value


def _resolve_replace(call: Call) -> Resolved:
    need(call, 3)
    types = [text(call, i) for i in range(3)]
    common = common_type_of(types)
    name = _search_collation(common)
    lengths = [length_of(t) for t in types]
    if -1 in lengths:
        length = -1
    else:
        length = lengths[0] if constant(call, 2) == "" else (4000 if common.is_unicode else 8000)

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        made = f"ts_replace({args[0]}, {args[1]}, {args[2]}, {name})"
        return made if length == -1 else f"ts_cut({made}, {length}, {int(common.is_unicode)})"

    return Resolved(like_text(common, length, nullable=nullable_from(call)), tuple(_as(t, common) for t in types), emit)


_add("REPLACE", _resolve_replace)


@scalar("ts_translate", 4)
def _translate(value: str | None, old: str | None, new: str | None, name: str) -> str | None:
    if value is None or old is None or new is None:
        return None
    if units(old) != units(new):
        raise SqlError(
            9828,
            "The second and third arguments of the TRANSLATE built-in function must contain an equal number of "
            "characters.",
        )
    if len(old) != len(new):
        raise Unsupported("TRANSLATE of characters that take two places of UTF-16")
    if "_ci" in name:
        mapping: dict[str, str] = {}
        for a, b in zip(old, new, strict=True):
            mapping.setdefault(_small(a), b)
        return "".join([mapping.get(_small(c), c) for c in value])
    table_: dict[str, str] = {}
    for a, b in zip(old, new, strict=True):
        table_.setdefault(a, b)
    return "".join([table_.get(c, c) for c in value])


def _resolve_translate(call: Call) -> Resolved:
    need(call, 3)
    types = [text(call, i) for i in range(3)]
    common = common_type_of(types)
    name = _search_collation(common)
    return Resolved(
        like_text(common, length_of(types[0]), nullable=nullable_from(call)),
        tuple(_as(t, common) for t in types),
        lambda args, order_by="", over="": f"ts_translate({', '.join(args)}, {name})",
    )


_add("TRANSLATE", _resolve_translate)


# -- repetition


@scalar("ts_replicate", 3)
def _replicate(value: str | None, count: int | None, limit: int) -> str | None:
    if value is None or count is None or count < 0:
        return None
    if limit == -1:
        return value * count
    return cut(value * min(count, limit), limit, limit == 4000)


def _resolve_replicate(call: Call) -> Resolved:
    need(call, 2)
    type_ = text(call, 0)
    length = length_of(type_)
    limit = -1 if length == -1 else 4000 if type_.is_unicode else 8000
    number = constant(call, 1)
    if limit != -1 and isinstance(number, int):
        shown = max(1, min(limit, length * max(number, 0)))
    else:
        shown = limit
    return Resolved(
        like_text(type_, shown),
        (type_, integer(call, 1, BIGINT)),
        lambda args, order_by="", over="": f"ts_replicate({args[0]}, {args[1]}, {limit})",
    )


_add("REPLICATE", _resolve_replicate)


@scalar("ts_space", 1)
def _space(count: int | None) -> str | None:
    return None if count is None or count < 0 else " " * min(count, 8000)


def _resolve_space(call: Call) -> Resolved:
    need(call, 1)
    number = constant(call, 0)
    length = max(1, min(number, 8000)) if isinstance(number, int) else 8000
    return simple(varchar(length), [integer(call, 0)], "ts_space")


_add("SPACE", _resolve_space)


# -- characters


@scalar("ts_ascii", 1)
def _ascii(value: str | None) -> int | None:
    return None if not value else numbers.code_page_bytes(value[0])[0]


@scalar("ts_unicode", 1)
def _unicode(value: str | None) -> int | None:
    return None if not value else int.from_bytes(value[0].encode("utf-16-le")[:2], "little")


@scalar("ts_unicode_sc", 1)
def _unicode_sc(value: str | None) -> int | None:
    return None if not value else ord(value[0])


@scalar("ts_char", 1)
def _char(code: int | None) -> str | None:
    return None if code is None or not 0 <= code <= 255 else numbers.code_page_text(bytes([code]))


@scalar("ts_nchar", 1)
def _nchar(code: int | None) -> str | None:
    if code is None or not 0 <= code <= 0xFFFF:
        return None
    if 0xD800 <= code <= 0xDFFF:
        raise Unsupported("NCHAR of half a surrogate pair")
    return chr(code)


def _resolve_code(name: str) -> Any:
    def resolve(call: Call) -> Resolved:
        need(call, 1)
        type_ = text(call, 0)
        return simple(INT, [type_], _whole(type_, name) if name == "ts_unicode" else name)

    return resolve


_add("ASCII", _resolve_code("ts_ascii"))
_add("UNICODE", _resolve_code("ts_unicode"))
_fixed("CHAR", SqlType("char", length=1), "i")
_fixed("NCHAR", nchar(1), "i")


# -- joining


def _resolve_concat(call: Call) -> Resolved:
    need(call, 2, -1)
    return _concat(call, 0)


def _concat(call: Call, first: int) -> Resolved:
    types = [text(call, i) if not call.types[i].is_binary else _no_binary(call, i) for i in range(len(call.arguments))]
    common = common_type_of(types)
    lengths = [length_of(t) if not t.is_null else 0 for t in types[first:]]
    if not first and all(t.is_null for t in call.types):
        lengths = []
    unicode = common.is_unicode
    most = 4000 if unicode else 8000
    total = sum(lengths) + (length_of(types[0]) * max(0, len(lengths) - 1) if first else 0)
    unlimited = any(length_of(t) == -1 for t in types)
    length = -1 if unlimited else max(1, min(most, total))
    converted = [_as(t, common) for t in types]

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        if first:
            made = f"ts_concat_ws({', '.join(args)})"
        else:
            made = " || ".join(f"ifnull({a}, '')" for a in args)
        return f"({made})" if unlimited or total <= most else f"ts_cut({made}, {most}, {int(unicode)})"

    return Resolved(like_text(common, length, nullable=False), tuple(converted), emit)


def _no_binary(call: Call, index: int) -> SqlType:
    raise Unsupported(f"{call.name.upper()} of {call.types[index].display_name}")


@scalar("ts_concat_ws")
def _concat_ws(separator: str | None, *values: str | None) -> str:
    return (separator or "").join([v for v in values if v is not None])


def _resolve_concat_ws(call: Call) -> Resolved:
    need(call, 3, -1)
    return _concat(call, 1)


_add("CONCAT", _resolve_concat)
_add("CONCAT_WS", _resolve_concat_ws)


# -- names


@scalar("ts_quotename")
def _quotename(value: str | None, quote: str | None = "[") -> str | None:
    if value is None or quote is None or units(value) > 128:
        return None
    mark = quote[:1] or "["
    pairs = {"[": "[]", "]": "[]", "'": "''", '"': '""', "(": "()", ")": "()", "<": "<>", ">": "<>", "{": "{}",
    "}": "{}",
             "`": "``"}  # fmt: skip
    pair = pairs.get(mark)
    if pair is None:
        return None
    return pair[0] + value.replace(pair[1], pair[1] * 2) + pair[1]


def _resolve_quotename(call: Call) -> Resolved:
    need(call, 1, 2)
    types: list[SqlType | None] = [nvarchar(258)]
    if len(call.arguments) == 2:
        types.append(nvarchar(1))
    text(call, 0)
    return Resolved(nvarchar(258), tuple(types), udf("ts_quotename"))


_add("QUOTENAME", _resolve_quotename)


def name_parts(name: str) -> list[str] | None:
    """The parts of a multipart name, quotes resolved; None when it is no name."""
    parts: list[str] = []
    i, end = 0, len(name)
    while True:
        if i < end and name[i] in '["':
            close = "]" if name[i] == "[" else '"'
            j, made = i + 1, ""
            while True:
                k = name.find(close, j)
                if k < 0:
                    return None
                made += name[j:k]
                if name[k + 1 : k + 2] != close:
                    break
                made += close
                j = k + 2
            parts.append(made)
            i = k + 1
            if i < end and name[i] != ".":
                return None
        else:
            k = name.find(".", i)
            k = end if k < 0 else k
            if "[" in name[i:k] or "]" in name[i:k] or '"' in name[i:k]:
                return None
            parts.append(name[i:k])
            i = k
        if i >= end:
            return parts
        i += 1


@scalar("ts_parsename", 2)
def _parsename(value: str | None, index: int | None) -> str | None:
    if value is None or index is None or not 1 <= index <= 4:
        return None
    parts = name_parts(value)
    if parts is None or not 1 <= len(parts) <= 4 or index > len(parts):
        return None
    found = parts[-index]
    return None if found == "" or any(units(p) > 128 for p in parts) else found


_fixed("PARSENAME", nvarchar(128), "ti")


# -- sounds

_SOUNDEX = {
    c: d
    for d, letters in {"1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R"}.items()
    for c in letters
}


@scalar("ts_soundex", 1)
def _soundex(value: str | None) -> str | None:
    if value is None:
        return None
    letters = value.upper()
    if not letters or not ("A" <= letters[0] <= "Z"):
        return "0000"
    code = letters[0]
    last = _SOUNDEX.get(letters[0], "")
    for char in letters[1:]:
        if not "A" <= char <= "Z":
            break
        digit = _SOUNDEX.get(char, "")
        if digit and digit != last:
            code += digit
        # H and W do not part equal codes.
        if char not in "HW":
            last = digit
        if len(code) == 4:
            break
    return code.ljust(4, "0")


@scalar("ts_difference", 2)
def _difference(a: str | None, b: str | None) -> int | None:
    if a is None or b is None:
        return None
    first, second = str(_soundex(a)), str(_soundex(b))
    return sum(x == y for x, y in zip(first, second, strict=True))


_fixed("SOUNDEX", varchar(4), "t")
_fixed("DIFFERENCE", INT, "tt")


# -- numbers as text


@scalar("ts_str", 3)
def _str(value: float | None, length: int | None, decimals: int | None) -> str | None:
    decimals = decimals or 0
    if value is None or length is None or length < 0 or decimals < 0:
        return None
    if length > 8000:
        return None
    places = min(decimals, 16)
    exact = Decimal(f"{value:.16e}")  # seventeen digits of it, zeros behind them
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=400))
    shown = format(rounded, "f")
    if rounded == 0:
        shown = shown.lstrip("-")
    whole = shown.split(".")[0]
    if len(whole) > length:
        return "*" * length
    if len(shown) > length:
        if len(whole) > len(f"{int(exact):d}") + (exact < 0 and int(exact) == 0):
            raise Unsupported("STR of a number that grows beyond its length when it is rounded")
        room = max(0, length - len(whole) - 1)
        rounded = exact.quantize(Decimal(1).scaleb(-room), ROUND_HALF_UP, Context(prec=400))
        shown = format(rounded, "f")
        if len(shown) > length:
            return "*" * length
    return shown.rjust(length)


def _resolve_str(call: Call) -> Resolved:
    need(call, 1, 3)
    types: list[SqlType | None] = [FLOAT, *(integer(call, i) for i in range(1, len(call.arguments)))]
    number = constant(call, 1) if len(call.arguments) > 1 else 10
    length = max(1, min(number, 8000)) if isinstance(number, int) else 8000

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        return f"ts_str({args[0]}, {args[1] if len(args) > 1 else 10}, {args[2] if len(args) > 2 else 0})"

    return Resolved(varchar(length), tuple(types), emit)


_add("STR", _resolve_str)


# -- escapes

_JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JSON_TABLE = {ord(k): v for k, v in _JSON_ESCAPES.items()} | {
    c: f"\\u{c:04x}" for c in range(32) if chr(c) not in _JSON_ESCAPES
}


def json_escape(value: str) -> str:
    """A string as FOR JSON and STRING_ESCAPE write it: the solidus is escaped too."""
    return value.translate(_JSON_TABLE)


@scalar("ts_string_escape", 2)
def _string_escape(value: str | None, kind: str | None) -> str | None:
    if value is None:
        return None
    if kind is None or kind.lower() != "json":
        raise SqlError(13574, "An invalid value was specified for argument 2.")
    return json_escape(value)


_fixed("STRING_ESCAPE", nvarchar(), "tt")


# -- STRING_SPLIT


def _split(value: str | None, separator: str | None) -> list[tuple[str]]:
    if value is None:
        return []
    if separator is None or len(separator) != 1:
        raise SqlError(214, "Procedure expects parameter 'separator' of type 'nchar(1)/nvarchar(1)'.")
    return [(p,) for p in value.split(separator)]


@table
def _string_split(connection: apsw.Connection, session: SessionProtocol) -> None:
    TableFunction(("value",), ("text", "separator"), _split).register(connection, "ts_string_split")


def _resolve_string_split(call: Call) -> Resolved:
    if len(call.arguments) == 3:
        raise SqlError(8144, "Procedure or function string_split has too many arguments specified.")
    need(call, 2)
    type_ = text(call, 0)
    result = like_text(type_, length_of(type_))
    return Resolved(
        result,
        (type_, text(call, 1)),
        udf("ts_string_split"),
        columns=(("value", result.with_nullable(True)),),
    )


_add("STRING_SPLIT", _resolve_string_split, kind="table")

__all__ = ["BIT", "json_escape", "name_parts", "part", "units"]
