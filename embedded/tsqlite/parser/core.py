"""What every part of the parser builds on: the token stream, names, types, syntax errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from .. import tree as t
from ..errors import SqlError, Unsupported, sql_error
from ..lexer import RESERVED, Kind, Token, tokenize

T = TypeVar("T")

ASSIGNMENT_OPS: Final = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="})

_WITHOUT_LENGTH: Final = frozenset(
    """
    bit tinyint smallint int integer bigint money smallmoney real date datetime smalldatetime text ntext image xml
    uniqueidentifier sql_variant rowversion timestamp hierarchyid
    """.split()
)
_WITH_MAX: Final = frozenset(
    {
        "varchar",
        "nvarchar",
        "varbinary",
        "char varying",
        "character varying",
        "binary varying",
        "nchar varying",
        "national char varying",
        "national character varying",
    }
)
_WITH_NEEDS_SEMICOLON: Final = (
    "Incorrect syntax near the keyword 'with'. If this statement is a common table expression, an xmlnamespaces clause "
    "or a change tracking context clause, the previous statement must be terminated with a semicolon."
)
_CTE_NEEDS_SEMICOLON: Final = (
    "Incorrect syntax near '%s'. If this is intended to be a common table expression, you need to explicitly terminate "
    "the previous statement with a semi-colon."
)


class Core:
    """The token stream and its primitives. `tok` is the current token, `prev` the one before."""

    def __init__(self, text: str, *, quoted_identifiers: bool = True) -> None:
        self.text = text
        self.tokens = tokenize(text, quoted_identifiers=quoted_identifiers)
        self.pos = 0
        self.tok = self.tokens[0]
        self.query_parentheses: dict[int, bool] = {}

    # --- the stream

    @property
    def prev(self) -> Token:
        return self.tokens[self.pos - 1] if self.pos else self.tokens[0]

    def peek(self, ahead: int = 1) -> Token:
        at = self.pos + ahead
        return self.tokens[at] if at < len(self.tokens) else self.tokens[-1]

    def advance(self) -> Token:
        tok = self.tok
        if tok.kind is not Kind.END:
            self.pos += 1
            self.tok = self.tokens[self.pos]
        return tok

    def back_to(self, pos: int) -> None:
        self.pos = pos
        self.tok = self.tokens[pos]

    def at(self, *words: str) -> bool:
        """Whether the next tokens are these words or operators."""
        if self.tok.word != words[0]:
            return False
        return all(self.peek(i).word == word for i, word in enumerate(words) if i)

    def at_any(self, words: frozenset[str] | tuple[str, ...]) -> bool:
        return self.tok.word in words if self.tok.word else False

    def accept(self, *words: str) -> bool:
        """Consumes these words when they are next."""
        if not self.at(*words):
            return False
        for _ in words:
            self.advance()
        return True

    def expect(self, *words: str) -> Token:
        for word in words:
            if self.tok.word != word:
                self.fail()
            self.advance()
        return self.prev

    def expect_any(self, *words: str) -> str:
        """Consumes one of these words and says which."""
        if self.tok.word not in words or not self.tok.word:
            self.fail()
        return self.advance().word

    def source(self, start: Token) -> str:
        """The text from `start` to the last consumed token."""
        return self.text[start.start : self.prev.end]

    # --- errors

    def fail(self, tok: Token | None = None) -> NoReturn:
        """Raises 102 or, at a reserved word, 156."""
        raise self.syntax_error(tok)

    def syntax_error(self, tok: Token | None = None) -> SqlError:
        tok = tok or self.tok
        if tok.kind is Kind.END and self.pos:
            tok = self.prev
        if tok.kind is Kind.WORD and tok.word in RESERVED:
            return sql_error(156, tok.value, line=tok.line)
        return sql_error(102, tok.value or tok.word or self.text[tok.start : tok.end], line=tok.line)

    def with_error(self, tok: Token) -> SqlError:
        """319: a WITH where the statement before it has no semicolon."""
        return SqlError(319, _WITH_NEEDS_SEMICOLON, 15, 1, tok.line)

    def cte_error(self, tok: Token) -> SqlError:
        """336: the name behind a WITH that was taken for a table hint."""
        return SqlError(336, _CTE_NEEDS_SEMICOLON % (tok.value or tok.word), 15, 1, tok.line)

    def refuse(self, construct: str, line: int | None = None) -> NoReturn:
        raise self.refusal(construct, line)

    def refusal(self, construct: str, line: int | None = None) -> Unsupported:
        return Unsupported(construct, line or self.tok.line)

    # --- names

    def at_identifier(self) -> bool:
        kind = self.tok.kind
        return kind is Kind.QUOTED or (kind is Kind.WORD and self.tok.word not in RESERVED)

    def identifier(self) -> str:
        if not self.at_identifier():
            self.fail()
        return self.not_empty(self.advance())

    def not_empty(self, tok: Token) -> str:
        """The token's value as a name."""
        if not tok.value:
            raise sql_error(1038, line=tok.line)
        return tok.value

    def at_label(self) -> bool:
        """Whether `label:` is next; nothing may stand before its colon."""
        if self.tok.kind is not Kind.WORD or self.tok.word in RESERVED:
            return False
        colon = self.peek()
        return colon.word == ":" and colon.start == self.tok.end

    def variable(self) -> str:
        if self.tok.kind is not Kind.VARIABLE:
            self.fail()
        return self.advance().value

    def name(self, most: int = 4, *, leading_dots: bool = False) -> t.Name:
        """A name of at most `most` parts; `a..b` leaves its middle part empty, `..b` those in front of it."""
        line = self.tok.line
        parts: list[str] = []
        while leading_dots and self.accept("."):
            parts.append("")
        parts.append(self.identifier())
        while self.tok.word == ".":
            self.advance()
            while self.tok.word == ".":
                parts.append("")
                self.advance()
            parts.append(self.identifier())
        if len(parts) > most:
            raise SqlError(
                117,
                f"The object name '{'.'.join(parts)}' contains more than the maximum number of prefixes. "
                f"The maximum is {most - 1}.",
                15,
                1,
                line,
            )
        return t.Name(tuple(parts), line=line)

    def comma_list(self, element: Callable[[], T]) -> tuple[T, ...]:
        items = [element()]
        while self.tok.word == ",":
            self.advance()
            items.append(element())
        return tuple(items)

    def parenthesized(self, element: Callable[[], T]) -> tuple[T, ...]:
        """`(element, ...)`, at least one."""
        self.expect("(")
        items = self.comma_list(element)
        self.expect(")")
        return items

    def column_names(self) -> tuple[str, ...]:
        """`(a, b)` when there, else ()."""
        return self.parenthesized(self.identifier) if self.tok.word == "(" else ()

    # --- small literals

    def integer(self) -> int:
        """Digits with an optional sign."""
        sign = -1 if self.accept("-") else 1
        if sign > 0:
            self.accept("+")
        if self.tok.kind is not Kind.INT:
            self.fail()
        return sign * int(self.advance().value)

    def string(self) -> str:
        if self.tok.kind not in (Kind.STRING, Kind.NSTRING):
            self.fail()
        return self.advance().value

    def on_off(self) -> bool:
        return self.expect_any("ON", "OFF") == "ON"

    # --- types

    def type_name(self) -> t.TypeName:
        """A data type with its arguments."""
        line = self.tok.line
        words = self._type_words()
        if words is not None:
            name = t.Name((words,), line=line)
        elif self.tok.word == "CURSOR":
            name = t.Name((self.advance().value,), line=line)
        else:
            name = self.name(3)
            if "" in name.parts:
                self.fail(self.tokens[self.pos - 2])
        args: tuple[int | str, ...] = ()
        if self.tok.word == "(":
            args = self.parenthesized(self._type_argument)
            self._check_type_arguments(name, args)
        return t.TypeName(name, args, line=line)

    def _check_type_arguments(self, name: t.Name, args: tuple[int | str, ...]) -> None:
        if len(name.parts) > 1:
            return
        word = name.name.lower()
        if word in _WITHOUT_LENGTH:
            text = f"Column, parameter, or variable #1: Cannot specify a column width on data type {word}."
            raise SqlError(2716, text, 16, 1, name.line)
        most = 2 if word in ("decimal", "numeric", "dec") else 1
        if len(args) > most or ("max" in args and word not in _WITH_MAX):
            self.fail(self.prev)

    def _type_argument(self) -> int | str:
        if self.tok.word == "MAX":
            self.advance()
            return "max"
        if self.tok.kind is not Kind.INT:
            if self.at_identifier():
                self.refuse("a typed xml")
            self.fail()
        return int(self.advance().value)

    def _type_words(self) -> str | None:
        """The types of several words, in lower case; None for all others."""
        if self.accept("DOUBLE"):
            self.expect_any("PRECISION")
            return "double precision"
        word = self.tok.word
        if word == "NATIONAL":
            self.advance()
            base = self.expect_any("CHAR", "CHARACTER", "TEXT")
            return f"national {base.lower()}{self._varying() if base != 'TEXT' else ''}"
        if word in ("CHAR", "CHARACTER", "NCHAR", "BINARY") and self.peek().word == "VARYING":
            self.advance()
            return f"{word.lower()}{self._varying()}"
        return None

    def _varying(self) -> str:
        return " varying" if self.accept("VARYING") else ""

    # --- what later parts define

    def value(self, min_binding: int = 0) -> t.Expr:
        raise NotImplementedError

    def condition(self) -> t.Predicate:
        raise NotImplementedError

    def query(self, *, into: bool = False) -> t.Query:
        raise NotImplementedError

    def order_by(self) -> tuple[t.OrderItem, ...]:
        raise NotImplementedError

    def statement(self) -> t.Statement:
        raise NotImplementedError
