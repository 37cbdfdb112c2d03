"""Collations: which string sorts before which, which are equal, and whose collation wins.

Equality is SQL Server's: case by CI or CS, accents always count (AI is refused), width and kana do not, trailing
spaces do not, and for the Windows rules 'ß' = 'ss', 'æ' = 'ae', control characters and (before version 100)
supplementary characters count for nothing. varchar under an SQL_* collation has the code page's rules, all else the
Windows rules.

The order is that of the Latin alphabet with accents as a tie-break, digits before letters, punctuation before digits,
hyphen and apostrophe light under the Windows rules. Its limit: scripts other than Latin sort by code point, and so do
symbols beyond ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import product

import apsw

from .caching import LONGEST, kept
from .errors import Unsupported, sql_error
from .types import DEFAULT_COLLATION, Label, SqlType

_BUILT = re.compile(
    r"(SQL_Latin1_General_CP1|Latin1_General(?:_100)?)_(?:(CI|CS)_AS(_KS)?(_WS)?(_SC)?|(BIN2?))", re.IGNORECASE
)
_SHAPE = re.compile(
    r"[A-Z][A-Za-z0-9_]*_(?:(?:CI|CS)_(?:AI|AS)(?:_KS)?(?:_WS)?(?:_SC|_VSS)*(?:_UTF8)?|BIN2?(?:_UTF8)?)", re.IGNORECASE
)
_NONE = re.compile(r"SQL_Latin1_General_CP1_(?!CI_AI$).*", re.IGNORECASE)
"""Shaped as collations, but the server has none beside CI_AS, CS_AS and CI_AI."""
BINARY_COLLATIONS = frozenset({"RTRIM", "ts_bin", "ts_bin2_varchar"})
"""SQLite names of those under which only equal characters are equal."""
_FAMILIES = {"sql_latin1_general_cp1": "SQL_Latin1_General_CP1", "latin1_general": "Latin1_General",
             "latin1_general_100": "Latin1_General_100"}  # fmt: skip


@lru_cache(maxsize=256)
def check(name: str) -> str:
    """The canonical spelling of a collation; ``database_default`` is the default's.

    Errors: 448 when there is none of that name; ``Unsupported`` when SQL Server has it and the engine has not.
    """
    if name.lower() in ("database_default", "catalog_default"):
        return DEFAULT_COLLATION
    match = _BUILT.fullmatch(name)
    family = match[1].lower() if match else ""
    if match is None or (family == "sql_latin1_general_cp1" and any(match.group(3, 4, 5, 6))):
        if _SHAPE.fullmatch(name) and not _NONE.fullmatch(name):
            raise Unsupported(f"Collation {name}")
        raise sql_error(448, name)
    if match[5] and family == "latin1_general":
        raise sql_error(448, name)
    if match[6]:
        return f"{_FAMILIES[family]}_{match[6].upper()}"
    return f"{_FAMILIES[family]}_{match[2].upper()}_AS{''.join(p.upper() for p in match.group(3, 4, 5) if p)}"


def combine(a: SqlType, b: SqlType) -> tuple[str | None, Label | None]:
    """Collation and label of an expression made of two strings (collation precedence).

    Errors: 468 when both are explicit and differ. Two columns that differ give the label 'no-collation'.
    """
    la = _label(a)
    lb = _label(b)
    ca, cb = a.collation or DEFAULT_COLLATION, b.collation or DEFAULT_COLLATION
    if la == lb == "explicit" and ca != cb:
        raise sql_error(468, cb, ca, "equal to")
    if la == "explicit":
        return a.collation, la
    if lb == "explicit":
        return b.collation, lb
    if "no-collation" in (la, lb):
        return None, "no-collation"
    if la == lb == "implicit" and ca != cb:
        return None, "no-collation"
    if la == "implicit":
        return a.collation, la
    if lb == "implicit":
        return b.collation, lb
    return a.collation or b.collation, "coercible-default"


def _label(type_: SqlType) -> Label:
    return type_.collation_label or ("implicit" if type_.collation else "coercible-default")


def comparison_type(a: SqlType, b: SqlType, common: SqlType, operation: str) -> SqlType:
    """``common`` when the two strings have a collation to be compared under. Error 468."""
    if common.collation_label == "no-collation":
        raise sql_error(468, b.collation or DEFAULT_COLLATION, a.collation or DEFAULT_COLLATION, operation)
    return common


def require(type_: SqlType, operation: str = "equal to") -> None:
    """Refuse a comparison, sort or grouping whose collation is unresolved. Error 468."""
    if type_.collation_label == "no-collation":
        raise sql_error(468, type_.collation or DEFAULT_COLLATION, DEFAULT_COLLATION, operation)


def sqlite_collation(type_: SqlType) -> str | None:
    """The SQLite collation of a string type (or datetimeoffset): for CREATE TABLE, CREATE INDEX and COLLATE. None:
    BINARY does.
    """
    if type_.name == "datetimeoffset":
        return "ts_dto"
    if not type_.is_string:
        return None
    return collation_of(type_.collation or DEFAULT_COLLATION, type_.is_unicode)


@lru_cache(maxsize=64)
def collation_of(name: str, unicode: bool) -> str:
    """The SQLite name of a collation for nchar/nvarchar (``unicode``) or char/varchar."""
    canonical = check(name)
    if canonical.endswith("_BIN2"):
        return "RTRIM" if unicode else "ts_bin2_varchar"
    if canonical.endswith("_BIN"):
        return "ts_bin" if unicode else "ts_bin2_varchar"
    case = "cs" if "_CS_" in canonical else "ci"
    if canonical.startswith("SQL_") and not unicode:
        return f"ts_sql_{case}"
    version = "win100" if "_100_" in canonical else "win"
    return f"ts_{version}_{case}" + ("_ks" if "_KS" in canonical else "") + ("_ws" if "_WS" in canonical else "")


def equality_collation(type_: SqlType) -> str | None:
    """The SQLite collation under which strings of a type are equal; their order may be another one.

    It is that of stored columns and of their indexes; whoever sorts or compares by size names `sqlite_collation`. For
    equality SQLite's own RTRIM will do under all binary collations, whose orders are those of code pages and UTF-16.
    """
    name = sqlite_collation(type_)
    return "RTRIM" if name in BINARY_COLLATIONS else name


def alike(sql: str, type_: SqlType) -> str:
    """``sql`` as the left side of IN."""
    name = equality_collation(type_)
    return sql if name is None else f"{sql} COLLATE {name}"


def ordered(sql: str, type_: SqlType) -> str:
    """``sql`` as a term of ORDER BY, GROUP BY, PARTITION BY, DISTINCT, UNION, or as an argument of MIN and MAX."""
    name = sqlite_collation(type_)
    return sql if name is None else f"{sql} COLLATE {name}"


def is_case_sensitive(type_: SqlType) -> bool:
    name = check(type_.collation or DEFAULT_COLLATION)
    return "_CS_" in name or "_BIN" in name


def sort_key(value: str, type_: SqlType) -> object:
    """A hashable, ordered key: two strings of ``type_`` are equal, or sort, as their keys do."""
    name = sqlite_collation(type_)
    return value if name is None else _KEYS[name](value)


def key_function(sqlite_name: str) -> Callable[[str], str | bytes]:
    """The key function behind a registered collation."""
    return _KEYS[sqlite_name]


# Weights are code points, so that a key is a string and compares as one: 0 parts the levels, below 0x100 stand
# separators and ASCII punctuation, then other symbols, digits, Latin letters, other letters.
_WINDOWS_ORDER = "\t\n\v\f\r\x85\u2028\u2029 \xa0" + '!"#$%&()*,./:;?@[\\]^_`{|}~' + "+<=>"
_SQL_ORDER = "".join(map(chr, range(48))) + ":;<=>?@[\\]^_`{|}~\x7f"
_IGNORED = frozenset(
    chr(c)
    for c in (
        *range(9),
        *range(14, 32),
        *range(127, 133),
        *range(134, 160),
        0xAD,
        *range(0x200B, 0x2010),
        0x2060,
        0xFEFF,
    )
)
_EXPANSIONS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ǆ": "dž",
    "ĳ": "ij",
    "ŉ": "ʼn",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "ﬀ": "ff",
}
_STROKED = {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "ð": "d"}


_DIGRAPHS = (("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"))


def check_searchable(needle: str, text: str, name: str) -> None:
    """Refuse a search, character by character, where one string has a letter that the other writes as two, a combining
    mark, or a character without weight. ``Unsupported``.
    """
    if not name.startswith("ts_win"):
        return
    if any(c in _IGNORED for c in needle):
        raise Unsupported("Searching for a character that has no weight in its collation: use COLLATE ..._BIN2")
    if needle.isascii() and text.isascii():
        return
    a, b = needle.lower(), text.lower()
    if any((letter in a and pair in b) or (letter in b and pair in a) for letter, pair in _DIGRAPHS):
        raise Unsupported("Searching where one letter equals two (ß and ss): use COLLATE ..._BIN2")
    if any(map(unicodedata.combining, a)) or any(map(unicodedata.combining, b)):
        raise Unsupported("Searching in a string with combining marks: use COLLATE ..._BIN2")


class _Weights(dict[int, str]):
    """Primary weights by code point, filled when first asked for."""

    def __init__(self, order: str, supplementary: bool) -> None:
        super().__init__({ord(c): chr(0x10 + i) for i, c in enumerate(order)})
        self.supplementary = supplementary

    def __missing__(self, point: int) -> str:
        char = chr(point)
        if char.isdigit() and point < 0x10000:
            # Superscripts and foreign digits stay symbols: only 0-9 are the same number everywhere.
            weight = 0x20000 + point - 48 if "0" <= char <= "9" else 0x20100 + point
        elif "a" <= char <= "z":
            weight = 0x31000 + point
        elif point >= 0x10000:
            weight = min(0x50000 + point, 0x10FFFF) if self.supplementary else 0
        elif char.isalpha():
            weight = 0x32000 + point
        else:
            weight = 0x100 + point
        if 0xD800 <= weight <= 0xDFFF:
            weight += 0x10000
        result = chr(weight) if weight else ""
        self[point] = result
        return result


def _place(index: int) -> str:
    return chr(min(0x100 + index, 0x10FFFF))


def _levels(text: str, windows: bool, kana: bool, width: bool) -> tuple[str, str, str]:
    """Base letters in lower case, accents with their places, and capitals with theirs."""
    base: list[str] = []
    accents: list[str] = []
    capitals: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.combining(char):
            accents.append(_place(len(base)) + char)
            continue
        if windows:
            if char in _IGNORED:
                continue
            if not width and "\uff01" <= char <= "\uffee":
                char = unicodedata.normalize("NFKC", char)
            elif not kana and "\u3041" <= char <= "\u3096":
                char = chr(ord(char) + 0x60)
        lower = char.lower()
        if len(lower) != len(char):
            lower = char
        if lower != char:
            capitals.append(_place(len(base)))
        if windows and lower in _EXPANSIONS:
            base.extend(_EXPANSIONS[lower])
            if lower not in "ßæœþ":
                accents.append(_place(len(base)) + lower)
            continue
        stroked = _STROKED.get(lower)
        if stroked is not None:
            accents.append(_place(len(base) + 1) + lower)
            lower = stroked
        base.append(lower)
    return "".join(base), "".join(accents), "".join(capitals)


def _linguistic(
    order: str, windows: bool, case: bool, supplementary: bool = False, kana: bool = False, width: bool = False
) -> Callable[[str], str]:
    weights = _Weights(order, supplementary)
    light = {ord("-"): None, ord("'"): None}

    def made(text: str) -> str:
        text = text.rstrip(" ")
        if text.isascii() and text.isprintable():
            base, accents = text.lower(), ""
            capitals = "".join([_place(i) for i, c in enumerate(text) if c != base[i]]) if case else ""
        else:
            base, accents, capitals = _levels(text, windows, kana, width)
        if windows and ("-" in base or "'" in base):
            minor = "".join([_place(i) + c for i, c in enumerate(base) if c in "-'"])
            base = base.translate(light)
        else:
            minor = ""
        weighed = base.translate(weights)
        if accents or minor or capitals:
            weighed = f"{weighed}\0{accents}\0{capitals if case else ''}\0{minor}".rstrip("\0")
        return weighed

    cached = lru_cache(maxsize=65_536)(made)

    def key(text: str) -> str:
        # As caching.kept does it; written out, since every comparison comes by.
        return cached(text) if len(text) <= LONGEST else made(text)

    return key


@kept(16_384)
def _code_page_key(text: str) -> bytes:
    return text.rstrip(" ").encode("cp1252", "replace")


def _bin_key(text: str) -> bytes:
    """The older binary order: the first character by its code, the others by the bytes of UTF-16LE."""
    data = text.rstrip(" ").encode("utf-16-le")
    return data[1::-1] + data[2:]


_KEYS: dict[str, Callable[[str], str | bytes]] = {
    "ts_sql_ci": _linguistic(_SQL_ORDER, False, False),
    "ts_sql_cs": _linguistic(_SQL_ORDER, False, True),
    "ts_bin2_varchar": _code_page_key,
    "ts_bin": _bin_key,
    "RTRIM": lambda text: text.rstrip(" "),
    "ts_dto": lambda text: text[:19],
}


def _windows_collations() -> None:
    for version, case, kana, width in product(("win", "win100"), ("ci", "cs"), ("", "_ks"), ("", "_ws")):
        _KEYS[f"ts_{version}_{case}{kana}{width}"] = _linguistic(
            _WINDOWS_ORDER, True, case == "cs", version == "win100", bool(kana), bool(width)
        )


_windows_collations()


def _comparator(key: Callable[[str], str | bytes]) -> Callable[[str, str], int]:
    def compare(a: str, b: str) -> int:
        if a == b:
            return 0
        ka = key(a)
        kb = key(b)
        return 0 if ka == kb else -1 if ka < kb else 1  # type: ignore[operator]

    return compare


def register(connection: apsw.Connection) -> None:
    """Register the collations on a connection."""
    for name, key in _KEYS.items():
        if name != "RTRIM":
            connection.create_collation(name, _comparator(key))
