"""Expressions and predicates: precedence climbing.

Binding, loosest first: OR, AND, NOT, comparison and its kin, `+ - & ^ |`, `* / %`, the unary signs, COLLATE and
AT TIME ZONE.
"""

from __future__ import annotations

from typing import Final

from .. import tree as t
from ..errors import SqlError, sql_error
from ..lexer import RESERVED, Kind
from .core import Core

_BINDING: Final = {"+": 1, "-": 1, "&": 1, "^": 1, "|": 1, "*": 2, "/": 2, "%": 2}
_COMPARISONS: Final = frozenset({"=", "<>", "<", "<=", ">", ">=", "!=", "!<", "!>", "!"})
_SPELLINGS: Final = {"!=": "<>", "!<": ">=", "!>": "<="}
_PREDICATE_WORDS: Final = frozenset({"BETWEEN", "IN", "LIKE", "IS", "NOT"})
_NILADIC: Final = frozenset({"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER"})
_RESERVED_FUNCTIONS: Final = frozenset({"COALESCE", "NULLIF", "LEFT", "RIGHT"})
_DATE_FUNCTIONS: Final = frozenset({"DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATENAME", "DATEPART"})
_FIRST_BOUND: Final = "UNBOUNDED PRECEDING"
_LAST_BOUND: Final = "UNBOUNDED FOLLOWING"
_FRAME_ORDER: Final = {_FIRST_BOUND: 0, "PRECEDING": 1, "CURRENT ROW": 2, "FOLLOWING": 3, _LAST_BOUND: 4}
_FULL_TEXT: Final = frozenset({"CONTAINS", "FREETEXT"})


class Expressions(Core):
    """Scalar expressions (`value`) and predicates (`condition`)."""

    # --- scalar expressions

    def value(self, min_binding: int = 0) -> t.Expr:
        """A scalar expression whose operators bind more than `min_binding`."""
        return self._binary(self._unary(), min_binding)

    def values(self) -> tuple[t.Expr, ...]:
        return self.comma_list(self.value)

    def _binary(self, left: t.Expr, min_binding: int) -> t.Expr:
        while True:
            tok = self.tok
            binding = _BINDING.get(tok.word, 0)
            if binding <= min_binding:
                return left
            self.advance()
            left = t.Binary(tok.word, left, self._binary(self._unary(), binding), line=tok.line)

    def _unary(self) -> t.Expr:
        tok = self.tok
        if tok.word in ("-", "+", "~") and tok.kind is Kind.OP:
            self.advance()
            return t.Unary(tok.word, self._unary(), line=tok.line)
        return self._postfix(self._primary())

    def _postfix(self, operand: t.Expr) -> t.Expr:
        while True:
            word = self.tok.word
            if word == "COLLATE":
                line = self.advance().line
                operand = t.Collate(operand, self.identifier(), line=line)
            elif word == "AT" and self.at("AT", "TIME", "ZONE"):
                line = self.tok.line
                self.expect("AT", "TIME", "ZONE")
                operand = t.AtTimeZone(operand, self._primary(), line=line)
            else:
                return operand

    def _primary(self) -> t.Expr:
        tok = self.tok
        kind = tok.kind
        line = tok.line
        if kind is Kind.WORD:
            return self._word_primary()
        if kind is Kind.VARIABLE:
            self.advance()
            if self.tok.word == "." and self.peek().kind is Kind.WORD:
                self.refuse("a method of a variable")
            return t.Variable(tok.value, line=line)
        if kind is Kind.OP:
            if tok.word == "(":
                return self._parenthesized_value()
            if tok.word == "{":
                self.refuse("an ODBC escape")
            self.fail()
        if kind is Kind.QUOTED:
            return self._named()
        if kind is Kind.DOLLAR:
            if tok.word not in ("$IDENTITY", "$ROWGUID"):
                self.refuse(tok.value)
            self.advance()
            return t.ColumnRef(t.Name((tok.value,), line=line), line=line)
        literal = self.literal()
        if literal is None:
            self.fail()
        return literal

    def literal(self) -> t.Expr | None:
        """A literal, NULL, or @@variable when one is next."""
        tok = self.tok
        kind = tok.kind
        line = tok.line
        node: t.Expr
        if kind is Kind.INT:
            node = t.IntLiteral(int(tok.value), line=line)
        elif kind is Kind.STRING:
            node = t.StringLiteral(tok.value, line=line)
        elif kind is Kind.NSTRING:
            node = t.StringLiteral(tok.value, True, line=line)
        elif kind is Kind.DECIMAL:
            node = t.DecimalLiteral(tok.value, line=line)
        elif kind is Kind.FLOAT:
            node = t.FloatLiteral(tok.value, line=line)
        elif kind is Kind.MONEY:
            node = t.MoneyLiteral(tok.value, line=line)
        elif kind is Kind.BINARY:
            node = t.BinaryLiteral(bytes.fromhex(tok.value if len(tok.value) % 2 == 0 else "0" + tok.value), line=line)
        elif kind is Kind.GLOBAL:
            node = t.GlobalVariable(tok.value, line=line)
        elif tok.word == "NULL":
            node = t.NullLiteral(line=line)
        else:
            return None
        self.advance()
        return node

    def at_query(self) -> bool:
        """Whether the parenthesis at the current token holds a query, looking through further parentheses."""
        if self.tok.word != "(":
            return False
        known = self.query_parentheses.get(self.pos)
        if known is None:
            ahead = 1
            while self.peek(ahead).word == "(":
                ahead += 1
            known = self.peek(ahead).word == "SELECT"
            # every parenthesis of the run has the same answer
            self.query_parentheses.update(dict.fromkeys(range(self.pos, self.pos + ahead), known))
        return known

    def _parenthesized_value(self) -> t.Expr:
        line = self.tok.line
        if self.at_query():
            if self.peek().word != "(":
                return t.ScalarSubquery(self.subquery(), line=line)
            subquery = self._subquery_or_none()
            if subquery is not None:
                return t.ScalarSubquery(subquery, line=line)
        self.expect("(")
        inner = self.value()
        self.expect(")")
        return inner

    def _subquery_or_none(self) -> t.Query | None:
        """The query of `((SELECT ...) ...)`, None when the inner parentheses are those of an expression."""
        start = self.pos
        try:
            return self.subquery()
        except SqlError:
            self.back_to(start)
            return None

    def subquery(self) -> t.Query:
        """`(query)`."""
        self.expect("(")
        query = self.query()
        self.expect(")")
        self.check_subquery_order(query)
        return query

    def check_subquery_order(self, query: t.Query) -> None:
        """1033: a subquery has no order of its own, unless it limits its rows."""
        limited = isinstance(query.body, t.QuerySpec) and query.body.top is not None
        if query.order_by and not (limited or query.offset or query.for_json or query.for_xml):
            raise sql_error(1033, line=query.order_by[0].line)

    def _word_primary(self) -> t.Expr:
        tok = self.tok
        word, line = tok.word, tok.line
        called = self.peek().word == "("
        if word not in RESERVED:
            if called:
                special = self._special_call(word)
                if special is not None:
                    return special
            elif word == "NEXT" and self.at("NEXT", "VALUE", "FOR"):
                return self._next_value()
            return self._named()
        if word == "NULL":
            self.advance()
            return t.NullLiteral(line=line)
        if word == "CASE":
            return self._case()
        if word in _NILADIC:
            self.advance()
            return t.NiladicFunction(word, line=line)
        if called:
            if word in ("CONVERT", "TRY_CONVERT"):
                return self._convert(word == "TRY_CONVERT")
            if word in _RESERVED_FUNCTIONS:
                self.advance()
                return self._call(t.Name((tok.value,), line=line))
            if word == "IDENTITY":
                self.refuse("the IDENTITY function")
        raise self.syntax_error()

    def _named(self) -> t.Expr:
        """A column, or a call of a function."""
        line = self.tok.line
        name = self._column_name()
        if self.tok.word == "(":
            return self._call(name)
        if self.tok.word == "::":
            self.refuse("a static method of a CLR type")
        return t.ColumnRef(name, line=line)

    def _column_name(self) -> t.Name:
        line = self.tok.line
        parts = [self.not_empty(self.advance())]
        while self.tok.word == ".":
            self.advance()
            while self.tok.word == ".":
                parts.append("")
                self.advance()
            if self.tok.kind is Kind.DOLLAR:
                parts.append(self.advance().value)
                break
            parts.append(self.identifier())
        if len(parts) > 2 and not parts[-2] and self.tok.word != "(":
            self.fail(self.tokens[self.pos - 2])
        if len(parts) > 4:
            self.refuse("a name of more than four parts", line)
        return t.Name(tuple(parts), line=line)

    def column_ref(self) -> t.ColumnRef:
        line = self.tok.line
        if not self.at_identifier():
            self.fail()
        return t.ColumnRef(self._column_name(), line=line)

    def _special_call(self, word: str) -> t.Expr | None:
        line = self.tok.line
        if word in ("CAST", "TRY_CAST"):
            self.advance()
            self.expect("(")
            operand = self.value()
            self.expect("AS")
            node: t.Expr = t.Cast(operand, self.type_name(), word == "TRY_CAST", line=line)
            self.expect(")")
            return node
        if word == "IIF":
            self.advance()
            self.expect("(")
            condition = self.condition()
            self.expect(",")
            then = self.value()
            self.expect(",")
            node = t.Iif(condition, then, self.value(), line=line)
            self.expect(")")
            return node
        if word in ("PARSE", "TRY_PARSE"):
            self.advance()
            self.expect("(")
            operand = self.value()
            self.expect("AS")
            type_ = self.type_name()
            culture = self.value() if self.accept("USING") else None
            self.expect(")")
            return t.Parse(operand, type_, culture, word == "TRY_PARSE", line=line)
        if word == "TRIM":
            return self._trim()
        return None

    def _trim(self) -> t.Expr:
        tok = self.advance()
        self.expect("(")
        first = self.value()
        if self.accept("FROM"):
            node: t.Expr = t.Trim(first, self.value(), line=tok.line)
        else:
            node = t.FunctionCall(t.Name((tok.value,), line=tok.line), (first,), line=tok.line)
        self.expect(")")
        return node

    def _convert(self, attempt: bool) -> t.Expr:
        line = self.advance().line
        self.expect("(")
        type_ = self.type_name()
        self.expect(",")
        operand = self.value()
        style = self.value() if self.accept(",") else None
        self.expect(")")
        return t.Convert(type_, operand, style, attempt, line=line)

    def _case(self) -> t.Expr:
        line = self.expect("CASE").line
        if self.tok.word == "WHEN":
            searched: list[t.When] = []
            while self.tok.word == "WHEN":
                at = self.advance().line
                condition = self.condition()
                self.expect("THEN")
                searched.append(t.When(condition, self.value(), line=at))
            otherwise = self._else_end()
            return t.SearchedCase(tuple(searched), otherwise, line=line)
        operand = self.value()
        simple: list[t.SimpleWhen] = []
        while self.tok.word == "WHEN":
            at = self.advance().line
            value = self.value()
            self.expect("THEN")
            simple.append(t.SimpleWhen(value, self.value(), line=at))
        if not simple:
            self.fail()
        return t.SimpleCase(operand, tuple(simple), self._else_end(), line=line)

    def _else_end(self) -> t.Expr | None:
        otherwise = self.value() if self.accept("ELSE") else None
        self.expect("END")
        return otherwise

    def _next_value(self) -> t.Expr:
        line = self.tok.line
        self.expect("NEXT", "VALUE", "FOR")
        name = self.name(3)
        over = self._over() if self.tok.word == "OVER" else None
        return t.NextValueFor(name, over, line=line)

    def _call(self, name: t.Name) -> t.Expr:
        """The rest of a function call, from its parenthesis on."""
        line = name.line
        self.expect("(")
        distinct = False
        args: tuple[t.Expr, ...] = ()
        function = name.parts[0].upper() if len(name.parts) == 1 else ""
        if self.tok.word != ")":
            if self.tok.word in ("DISTINCT", "ALL"):
                distinct = self.advance().word == "DISTINCT"
            if self.tok.word == "*" and not distinct:
                if function not in ("COUNT", "COUNT_BIG", "CHECKSUM", "BINARY_CHECKSUM"):
                    self.fail()
                args = (t.Star(line=self.advance().line),)
            elif function in _DATE_FUNCTIONS and self.at_identifier():
                part = t.DatePart(self.tok.value, line=self.tok.line)
                self.advance()
                args = (part,)
                if self.accept(","):
                    args += self.comma_list(self._argument)
            else:
                args = self.comma_list(self._argument if len(name.parts) > 1 else self.value)
        self.expect(")")
        within: tuple[t.OrderItem, ...] = ()
        if self.tok.word == "WITHIN" and self.peek().word == "GROUP":
            self.expect("WITHIN", "GROUP", "(")
            within = self.order_by()
            self.expect(")")
        over = self._over() if self.tok.word == "OVER" else None
        if over is not None and distinct:
            raise SqlError(10759, "Use of DISTINCT is not allowed with the OVER clause.", 15, 1, over.line)
        if self.tok.word == "." and self.peek().kind is Kind.WORD:
            self.refuse("a method call")
        return t.FunctionCall(name, args, distinct, within, over, line=line)

    def _argument(self) -> t.Expr:
        if self.tok.word == "DEFAULT":
            return t.DefaultValue(line=self.advance().line)
        return self.value()

    def _over(self) -> t.Over:
        line = self.expect("OVER").line
        self.expect("(")
        partition: tuple[t.Expr, ...] = ()
        order: tuple[t.OrderItem, ...] = ()
        frame: t.Frame | None = None
        if self.accept("PARTITION"):
            self.expect("BY")
            partition = self.values()
        if self.tok.word == "ORDER":
            order = self.order_by()
            if self.tok.word in ("ROWS", "RANGE"):
                frame = self._frame()
        self.expect(")")
        return t.Over(partition, order, frame, line=line)

    def _frame(self) -> t.Frame:
        tok = self.advance()
        end: t.FrameBound | None = None
        if self.accept("BETWEEN"):
            start = self._frame_bound()
            self.expect("AND")
            end = self._frame_bound()
        else:
            start = self._frame_bound()
        last = end.kind if end is not None else "CURRENT ROW"
        if _FRAME_ORDER[start.kind] > _FRAME_ORDER[last] or start.kind == _LAST_BOUND or last == _FIRST_BOUND:
            frame = f"BETWEEN {start.kind} AND {last}"
            text = f"'{frame}' is not a valid window frame and cannot be used with the OVER clause."
            raise SqlError(4193, text, 16, 1, tok.line)
        if tok.word == "RANGE" and (start.offset is not None or (end is not None and end.offset is not None)):
            text = "RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters."
            raise SqlError(4194, text, 16, 1, tok.line)
        return t.Frame(tok.word, start, end, line=tok.line)

    def _frame_bound(self) -> t.FrameBound:
        line = self.tok.line
        if self.accept("CURRENT"):
            self.expect("ROW")
            return t.FrameBound("CURRENT ROW", line=line)
        if self.accept("UNBOUNDED"):
            return t.FrameBound(f"UNBOUNDED {self.expect_any('PRECEDING', 'FOLLOWING')}", line=line)
        if self.tok.kind is not Kind.INT:
            self.fail()
        offset = self.literal()
        return t.FrameBound(self.expect_any("PRECEDING", "FOLLOWING"), offset, line=line)

    # --- predicates

    def condition(self) -> t.Predicate:
        """A predicate, as WHERE, ON, HAVING, IF, WHILE, CHECK and WHEN want it."""
        return self._need_predicate(self._or())

    def _need_predicate(self, node: t.Expr | t.Predicate) -> t.Predicate:
        if isinstance(node, t.Predicate):
            return node
        tok = self.tok if self.tok.kind is not Kind.END else self.prev
        raise sql_error(4145, tok.value or tok.word, line=tok.line)

    # These give an expression back when it stands alone, for `(a + b) * 2 > c`; only the parenthesis accepts that.

    def _or(self) -> t.Expr | t.Predicate:
        left = self._and()
        while self.tok.word == "OR":
            left = self._need_predicate(left)
            line = self.advance().line
            left = t.Or(left, self._need_predicate(self._and()), line=line)
        return left

    def _and(self) -> t.Expr | t.Predicate:
        left = self._not()
        while self.tok.word == "AND":
            left = self._need_predicate(left)
            line = self.advance().line
            left = t.And(left, self._need_predicate(self._not()), line=line)
        return left

    def _not(self) -> t.Expr | t.Predicate:
        if self.tok.word == "NOT":
            line = self.advance().line
            return t.Not(self._need_predicate(self._not()), line=line)
        return self._predicate()

    def _predicate(self) -> t.Expr | t.Predicate:
        tok = self.tok
        word = tok.word
        if word == "(" and not self.at_query():
            self.advance()
            inner = self._or()
            self.expect(")")
            if isinstance(inner, t.Predicate):
                return inner
            return self._tail(self._binary(self._postfix(inner), 0))
        if word == "(" and self.peek().word == "(":
            return self._predicate_with_query_inside()
        if word == "EXISTS":
            self.advance()
            return t.Exists(self.subquery(), line=tok.line)
        if word == "UPDATE" and self.peek().word == "(":
            self.expect("UPDATE", "(")
            node = t.TriggerUpdate(self.identifier(), line=tok.line)
            self.expect(")")
            return node
        if word in _FULL_TEXT:
            self.refuse(word)
        return self._tail(self.value())

    def _predicate_with_query_inside(self) -> t.Expr | t.Predicate:
        """`((SELECT ...) ...`: a value as long as it reads as one, else a predicate in parentheses."""
        start = self.pos
        try:
            return self._tail(self.value())
        except SqlError:
            self.back_to(start)
        self.expect("(")
        inner = self._need_predicate(self._or())
        self.expect(")")
        return inner

    def _tail(self, left: t.Expr) -> t.Expr | t.Predicate:
        """What makes a predicate of `left`; `left` itself when nothing follows."""
        tok = self.tok
        word = tok.word
        if word in _COMPARISONS:
            return self._comparison(left)
        if word not in _PREDICATE_WORDS:
            return left
        line = tok.line
        if word == "IS":
            self.advance()
            negated = self.accept("NOT")
            self.expect("NULL")
            return t.IsNull(left, negated, line=line)
        negated = self.accept("NOT")
        word = self.expect_any("BETWEEN", "IN", "LIKE")
        if word == "BETWEEN":
            low = self.value()
            self.expect("AND")
            return t.Between(left, low, self.value(), negated, line=line)
        if word == "LIKE":
            pattern = self.value()
            escape = self.value() if self.accept("ESCAPE") else None
            return t.Like(left, pattern, escape, negated, line=line)
        if self.at_query():
            if self.peek().word != "(":
                return t.InQuery(left, self.subquery(), negated, line=line)
            # `IN ((SELECT ...))` is a list of one scalar, `IN ((SELECT ...) UNION ...)` a query
            start = self.pos
            try:
                return t.InList(left, self.parenthesized(self.value), negated, line=line)
            except SqlError:
                self.back_to(start)
            return t.InQuery(left, self.subquery(), negated, line=line)
        return t.InList(left, self.parenthesized(self.value), negated, line=line)

    def _comparison(self, left: t.Expr) -> t.Predicate:
        tok = self.advance()
        op = tok.word
        if op in ("<", ">", "!") and self.tok.word in ("=", ">", "<"):
            op += self.advance().word  # T-SQL lets white space into an operator
        op = _SPELLINGS.get(op, op)
        if op not in ("=", "<>", "<", "<=", ">", ">="):
            self.fail(tok)
        if self.tok.word in ("ALL", "ANY", "SOME"):
            quantifier = "ALL" if self.advance().word == "ALL" else "ANY"
            return t.Quantified(op, left, quantifier, self.subquery(), line=tok.line)
        return t.Comparison(op, left, self.value(), line=tok.line)
