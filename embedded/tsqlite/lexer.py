"""Tokens of T-SQL, and the splitting of a script into batches.

tokenize("SELECT a FROM t") -> [Token(WORD 'SELECT'), ..., Token(END)]
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, NamedTuple

from .errors import SqlError, sql_error


class Kind(IntEnum):
    """What a token is."""

    END = 0
    WORD = 1  # an unquoted identifier or keyword
    QUOTED = 2  # [x] or "x"
    VARIABLE = 3  # @x
    GLOBAL = 4  # @@x
    INT = 5
    DECIMAL = 6
    FLOAT = 7
    MONEY = 8
    STRING = 9
    NSTRING = 10
    BINARY = 11
    OP = 12
    DOLLAR = 13  # $action, $identity, $rowguid, $partition


class Token(NamedTuple):
    """One token.

    `word` is what the grammar compares with: the upper-case text of a WORD, the text of an OP, '' for all others.
    `value` is the content: an identifier without its quotes, a string without its own, digits of a number.
    `start` and `end` are offsets in the text; `line` counts from 1.
    """

    kind: Kind
    word: str
    value: str
    line: int
    start: int
    end: int


RESERVED: Final[frozenset[str]] = frozenset(
    """
    ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE CONTINUE
    CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC
    DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISTINCT DISTRIBUTED DOUBLE DROP ELSE END ERRLVL ESCAPE EXCEPT
    EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FREETEXTTABLE FROM FULL
    FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITYCOL IDENTITY_INSERT IF IN INDEX INNER INSERT
    INTERSECT INTO IS JOIN KEY KILL LEFT LIKE LINENO MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF
    OFFSETS ON OPEN OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN
    PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ READTEXT RECONFIGURE REFERENCES REPLICATION RESTORE
    RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SELECT
    SEMANTICKEYPHRASETABLE SEMANTICSIMILARITYDETAILSTABLE SEMANTICSIMILARITYTABLE SESSION_USER SET SETUSER
    SHUTDOWN SOME STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER
    TRUNCATE TRY_CONVERT TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR
    WHEN WHERE WHILE WITH WRITETEXT
    """.split()
)
"""Words that are identifiers only when quoted."""

_WORD = r"[^\W\d][\w@$#]*|\#[\w@$#]*"
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>[\s\x00\ufeff]+|--[^\n]*)
    | (?P<string>[Nn]?'(?:[^']|'')*'(?!'))
    | (?P<word>{_WORD})
    | (?P<op><>|<=|>=|!=|!<|!>|\+=|-=|\*=|%=|&=|\|=|\^=|::|/=|/(?!\*)|[-+*%&|^~=<>!(),;:{{}}]|\.(?!\d))
    | (?P<variable>@[\w@$\#]*)
    | (?P<quoted>\[(?:[^\]]|\]\])*\](?!\]))
    | (?P<binary>0[xX](?:[0-9A-Fa-f]|\\\r?\n)*)
    | (?P<float>(?:\d+\.?\d*|\.\d+)[eE](?:[-+]?\d+|[-+]?))
    | (?P<decimal>\d+\.\d*|\.\d+)
    | (?P<int>\d+)
    | (?P<dollar>\$[A-Za-z_]\w*)
    | (?P<money>[$¢£¤¥৲৳฿៛₠₡₢₣₤₥₦₧₨₩₪₫€₭₮₯₰₱﷼﹩＄￠￡￥￦]\s*[-+]?\s*(?:\d+\.?\d*|\.\d+)?)
    | (?P<double>"(?:[^"]|"")*"(?!"))
    | (?P<comment>/\*)
    """,
    re.VERBOSE,
)
_NESTING: Final = re.compile(r"/\*|\*/")
_CONTINUATION: Final = re.compile(r"\\\r?\n")
_NUMBERS: Final = {"int": Kind.INT, "decimal": Kind.DECIMAL, "float": Kind.FLOAT, "money": Kind.MONEY}


def _comment_end(text: str, start: int, line: int) -> int:
    """The offset behind the block comment that starts at `start`; comments nest."""
    depth = 0
    for m in _NESTING.finditer(text, start):
        depth += 1 if m.group() == "/*" else -1
        if depth == 0:
            return m.end()
    raise SqlError(113, "Missing end comment mark '*/'.", 15, 1, line)


def _unquote(raw: str, quote: str) -> str:
    """The content of a string literal: doubled quotes are one, a backslash before a line's end joins the lines."""
    value = raw.replace(quote + quote, quote)
    return _CONTINUATION.sub("", value) if "\\" in value else value


_SETS_QUOTING: Final = re.compile(r"\bquoted_identifier\b", re.IGNORECASE)
_MODULE: Final = re.compile(r"(CREATE|ALTER|CREATE OR ALTER) (PROC|PROCEDURE|FUNCTION|VIEW|TRIGGER)\b")


def tokenize(text: str, *, quoted_identifiers: bool = True) -> list[Token]:
    """The tokens of `text`, closed by an END token; comments and white space leave none.

    With `quoted_identifiers` False, `"x"` is a string; SET QUOTED_IDENTIFIER changes it from where it stands, except in
    a module's body. Raises SqlError 105 (unclosed string or quoted identifier), 113
    (unclosed comment), 102 (a character that T-SQL does not know).
    """
    tokens: list[Token] = []
    append = tokens.append
    match = _TOKEN.match
    pos, line, size = 0, 1, len(text)
    settable = '"' in text and _SETS_QUOTING.search(text) is not None
    while pos < size:
        m = match(text, pos)
        if m is None:
            raise _lexical_error(text, pos, line)
        group = m.lastgroup
        end = m.end()
        if group == "space":
            line += text.count("\n", pos, end)
        elif group == "word":
            raw = m.group()
            append(Token(Kind.WORD, raw.upper(), raw, line, pos, end))
            if settable and len(tokens) > 2 and tokens[-1].word in ("ON", "OFF") and _sets_quoting(tokens):
                quoted_identifiers = tokens[-1].word == "ON"
        elif group == "op":
            append(Token(Kind.OP, m.group(), "", line, pos, end))
        elif group == "variable":
            raw = m.group()
            append(Token(Kind.GLOBAL if raw.startswith("@@") else Kind.VARIABLE, "", raw, line, pos, end))
        elif group == "string":
            if text[pos] == "'":
                append(Token(Kind.STRING, "", _unquote(text[pos + 1 : end - 1], "'"), line, pos, end))
            else:
                append(Token(Kind.NSTRING, "", _unquote(text[pos + 2 : end - 1], "'"), line, pos, end))
            line += text.count("\n", pos, end)
        elif group == "quoted":
            append(Token(Kind.QUOTED, "", text[pos + 1 : end - 1].replace("]]", "]"), line, pos, end))
            line += text.count("\n", pos, end)
        elif group == "double":
            if quoted_identifiers:
                append(Token(Kind.QUOTED, "", text[pos + 1 : end - 1].replace('""', '"'), line, pos, end))
            else:
                append(Token(Kind.STRING, "", _unquote(text[pos + 1 : end - 1], '"'), line, pos, end))
            line += text.count("\n", pos, end)
        elif group == "binary":
            append(Token(Kind.BINARY, "", _CONTINUATION.sub("", text[pos + 2 : end]), line, pos, end))
            line += text.count("\n", pos, end)
        elif group == "comment":
            end = _comment_end(text, pos, line)
            line += text.count("\n", pos, end)
        elif group == "dollar":
            append(Token(Kind.DOLLAR, m.group().upper(), m.group(), line, pos, end))
        elif group == "money":
            end = pos + len(m.group().rstrip())
            append(Token(Kind.MONEY, "", re.sub(r"\s", "", text[pos + 1 : end]), line, pos, end))
            line += text.count("\n", pos, end)
        else:
            assert group is not None
            append(Token(_NUMBERS[group], "", m.group(), line, pos, end))
        pos = end
    append(Token(Kind.END, "", "", line, size, size))
    return tokens


def _sets_quoting(tokens: list[Token]) -> bool:
    """Whether the last token ends SET QUOTED_IDENTIFIER ON or OFF (with other options or not) of a batch itself."""
    i, found = len(tokens) - 2, False
    while i > 0 and tokens[i].kind is Kind.WORD:
        found = found or tokens[i].word == "QUOTED_IDENTIFIER"
        if tokens[i - 1].word != ",":
            break
        i -= 2
    return found and tokens[i - 1].word == "SET" and not _MODULE.match(" ".join(t.word for t in tokens[:4]))


def _lexical_error(text: str, pos: int, line: int) -> Exception:
    char = text[pos]
    if char in "'\"[" or text[pos : pos + 2].lower() == "n'":
        start = pos + (2 if char in "nN" else 1)
        return sql_error(105, text[start:], line=line)
    return sql_error(102, char, line=line)


class ScriptBatch(NamedTuple):
    """A batch of a script: its text, the script's line on which it starts (1-based), how often GO asks to run it."""

    text: str
    first_line: int
    repeat_count: int


_SCRIPT: Final = re.compile(
    r"""
      (?P<go>^[ \t]*GO(?:[ \t]+(?P<count>\d+))?[ \t]*;?[ \t]*(?:--[^\n]*)?\r?(?:\n|\Z))
    | '(?:[^']|'')*(?:'|\Z) | \[(?:[^\]]|\]\])*(?:\]|\Z) | "(?:[^"]|"")*(?:"|\Z) | --[^\n]* | (?P<comment>/\*)
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def split_batches(text: str) -> list[ScriptBatch]:
    """The batches of a script; a line with GO alone (or `GO n`) ends one, not inside a comment, string or quoted name.

    Batches of white space alone are left out.
    """
    batches: list[ScriptBatch] = []
    start, pos, first_line = 0, 0, 1
    while (m := _SCRIPT.search(text, pos)) is not None:
        if m.group("comment"):
            pos = _skip_comment(text, m.start())
        elif m.group("go") is not None:
            _add(batches, text[start : m.start()], first_line, int(m.group("count") or 1))
            first_line += text.count("\n", start, m.end())
            start = pos = m.end()
        else:
            pos = m.end()
    _add(batches, text[start:], first_line, 1)
    return batches


def _add(batches: list[ScriptBatch], text: str, first_line: int, count: int) -> None:
    if text.strip():
        batches.append(ScriptBatch(text, first_line, count))


def _skip_comment(text: str, start: int) -> int:
    depth = 0
    for m in _NESTING.finditer(text, start):
        depth += 1 if m.group() == "/*" else -1
        if depth == 0:
            return m.end()
    return len(text)
