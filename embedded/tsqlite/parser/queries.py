"""Queries: SELECT, set operations, table sources, CTEs, FOR JSON, hints."""

from __future__ import annotations

from typing import Final

from .. import tree as t
from ..errors import SqlError, Unsupported, sql_error
from ..lexer import Kind
from .core import ASSIGNMENT_OPS
from .expressions import Expressions

TABLE_HINTS: Final = frozenset(
    """
    NOEXPAND INDEX FORCESEEK FORCESCAN HOLDLOCK NOLOCK NOWAIT PAGLOCK READCOMMITTED READCOMMITTEDLOCK READPAST
    READUNCOMMITTED REPEATABLEREAD ROWLOCK SERIALIZABLE SNAPSHOT TABLOCK TABLOCKX UPDLOCK XLOCK KEEPIDENTITY
    KEEPDEFAULTS IGNORE_CONSTRAINTS IGNORE_TRIGGERS
    """.split()
)
# those that may stand in parentheses without WITH, and then alone
_OLD_HINTS: Final = TABLE_HINTS - frozenset(
    """
    INDEX READCOMMITTEDLOCK SNAPSHOT KEEPIDENTITY KEEPDEFAULTS IGNORE_CONSTRAINTS IGNORE_TRIGGERS FORCESEEK FORCESCAN
    """.split()
)
_UNKNOWN_HINT: Final = (
    '"%s" is not a recognized table hints option. If it is intended as a parameter to a table-valued function or to '
    "the CHANGETABLE function, ensure that your database compatibility mode is set to 90."
)
_ROWSET_FUNCTIONS: Final = frozenset(
    {"OPENQUERY", "OPENROWSET", "OPENXML", "OPENDATASOURCE", "CONTAINSTABLE", "FREETEXTTABLE", "SEMANTICKEYPHRASETABLE"}
)
_JOIN_HINTS: Final = ("LOOP", "HASH", "MERGE", "REMOTE")
_HINTS_WITHOUT_VALUE: Final = frozenset(
    {
        "RECOMPILE", "FORCE ORDER", "HASH JOIN", "LOOP JOIN", "MERGE JOIN", "HASH GROUP", "ORDER GROUP", "CONCAT UNION",
        "HASH UNION", "MERGE UNION", "KEEP PLAN", "KEEPFIXED PLAN", "EXPAND VIEWS", "ROBUST PLAN",
        "PARAMETERIZATION SIMPLE", "PARAMETERIZATION FORCED", "IGNORE_NONCLUSTERED_COLUMNSTORE_INDEX",
        "NO_PERFORMANCE_SPOOL", "BYPASS OPTIMIZER_QUEUE",
    }
)  # fmt: skip


class Queries(Expressions):
    """Query expressions and what FROM may name."""

    # --- statements of queries

    def ctes(self) -> tuple[t.Cte, ...]:
        """`WITH name (columns) AS (query), ...`; () without WITH."""
        if not self.accept("WITH"):
            return ()
        if self.tok.word in ("XMLNAMESPACES", "CHANGE_TRACKING_CONTEXT"):
            self.refuse(f"WITH {self.tok.word}")
        return self.comma_list(self._cte)

    def _cte(self) -> t.Cte:
        line = self.tok.line
        name = self.identifier()
        columns = self.column_names()
        self.expect("AS")
        return t.Cte(name, columns, self.subquery(), line=line)

    def select_statement(self, ctes: tuple[t.Cte, ...] = (), *, into: bool = False) -> t.SelectStatement:
        """A query with OPTION; the CTEs have been read, or stand first. `into` allows SELECT ... INTO."""
        line = self.tok.line
        ctes = ctes or self.ctes()
        query = self.query(into=into)
        return t.SelectStatement(query, ctes, self.query_hints(), line=line)

    def query(self, *, into: bool = False) -> t.Query:
        line = self.tok.line
        body = self._query_body()
        self._check_into(body, into)
        order_by = self.order_by() if self.tok.word == "ORDER" else ()
        offset: t.Expr | None = None
        fetch: t.Expr | None = None
        if order_by and self.accept("OFFSET"):
            offset = self.value()
            self.expect_any("ROW", "ROWS")
            if self.accept("FETCH"):
                self.expect_any("NEXT", "FIRST")
                fetch = self.value()
                self.expect_any("ROW", "ROWS")
                self.expect("ONLY")
        for_json: t.ForJson | None = None
        for_xml: t.ForXml | None = None
        if self.at("FOR", "JSON"):
            for_json = self._for_json()
        elif self.at("FOR", "XML"):
            for_xml = self._for_xml()
        elif self.at("FOR", "BROWSE"):
            self.refuse("FOR BROWSE")
        return t.Query(body, order_by, offset, fetch, for_json, for_xml, line=line)

    def _check_into(self, body: t.QueryBody, allowed: bool) -> None:
        """156: INTO stands in the first SELECT of a statement, nowhere else."""
        while isinstance(body, t.SetOperation):
            self._check_into(body.right, False)
            body = body.left
        if isinstance(body, t.QuerySpec) and body.into is not None and not allowed:
            raise sql_error(156, "INTO", line=body.into.line)

    def _query_body(self) -> t.QueryBody:
        left = self._intersection()
        while self.tok.word in ("UNION", "EXCEPT"):
            tok = self.advance()
            all_ = tok.word == "UNION" and self.accept("ALL")
            left = t.SetOperation(tok.word, all_, left, self._intersection(), line=tok.line)
        return left

    def _intersection(self) -> t.QueryBody:
        left = self._query_primary()
        while self.tok.word == "INTERSECT":
            tok = self.advance()
            left = t.SetOperation("INTERSECT", False, left, self._query_primary(), line=tok.line)
        return left

    def _query_primary(self) -> t.QueryBody:
        if self.tok.word == "(":
            self.advance()
            body = self._query_body()
            if self.tok.word in ("ORDER", "FOR"):
                self.refuse("ORDER BY or FOR inside the parentheses of a query expression")
            self.expect(")")
            return body
        return self._query_spec()

    def _query_spec(self) -> t.QuerySpec:
        line = self.expect("SELECT").line
        distinct = False
        if self.tok.word in ("DISTINCT", "ALL"):
            distinct = self.advance().word == "DISTINCT"
        top = self.top(ties=True) if self.tok.word == "TOP" else None
        items = self.comma_list(self.select_item)
        into: t.Name | None = None
        if self.accept("INTO"):
            into = self.name()
            if self.tok.word == "ON":
                self.refuse("SELECT INTO ... ON filegroup")
        sources = self.from_clause() if self.accept("FROM") else ()
        where = self.condition() if self.accept("WHERE") else None
        group_by = self._group_by() if self.tok.word == "GROUP" else ()
        having = self.condition() if self.accept("HAVING") else None
        return t.QuerySpec(items, sources, where, group_by, having, distinct, top, into, line=line)

    def top(self, *, ties: bool) -> t.Top:
        """`TOP (n) [PERCENT] [WITH TIES]`; the parentheses may be missing around a number in SELECT only."""
        line = self.expect("TOP").line
        if self.tok.word == "(" and self.peek().word == "SELECT":
            count: t.Expr = t.ScalarSubquery(self.subquery(), line=line)
        elif self.accept("("):
            count = self.value()
            self.expect(")")
        else:
            literal = self.literal() if ties and self.tok.kind in (Kind.INT, Kind.DECIMAL, Kind.FLOAT) else None
            if literal is None:
                if self.tok.kind is not Kind.VARIABLE:
                    self.fail()
                self.fail()
            count = literal
        percent = self.accept("PERCENT")
        with_ties = ties and self.accept("WITH", "TIES")
        return t.Top(count, percent, with_ties, line=line)

    def select_item(self) -> t.SelectItem:
        """An element of a select list."""
        tok = self.tok
        line = tok.line
        if tok.kind is Kind.VARIABLE and self.peek().word in ASSIGNMENT_OPS:
            self.advance()
            op = self.advance().word
            return t.AssignItem(tok.value, op, self.value(), line=line)
        if tok.word == "*":
            self.advance()
            return t.StarItem(line=line)
        if self.peek().word == "=" and (self.at_identifier() or tok.kind in (Kind.STRING, Kind.NSTRING)):
            self.advance()
            self.advance()
            return t.ExprItem(self.value(), self.not_empty(tok), line=line)
        qualifier = self._star_qualifier()
        if qualifier is not None:
            return t.StarItem(qualifier, line=line)
        expr = self.value()
        return t.ExprItem(expr, self._item_alias(), line=line)

    def _item_alias(self) -> str | None:
        if self.accept("AS"):
            if self.tok.kind in (Kind.STRING, Kind.NSTRING):
                return self.not_empty(self.advance())
            return self.identifier()
        if self.tok.kind in (Kind.STRING, Kind.NSTRING) or (self.at_identifier() and not self.at_label()):
            return self.not_empty(self.advance())
        return None

    def _star_qualifier(self) -> t.Name | None:
        """The `s.t` of `s.t.*`, consumed with its star; None, with nothing consumed, for any other item."""
        if not self.at_identifier() or self.peek().word != ".":
            return None
        ahead = 1
        while self.peek(ahead).word == "." and self.peek(ahead + 1).kind in (Kind.WORD, Kind.QUOTED):
            ahead += 2
        if not (self.peek(ahead).word == "." and self.peek(ahead + 1).word == "*"):
            return None
        line = self.tok.line
        parts = [self.advance().value]
        while self.accept("."):
            if self.accept("*"):
                break
            parts.append(self.advance().value)
        return t.Name(tuple(parts), line=line)

    def order_by(self) -> tuple[t.OrderItem, ...]:
        self.expect("ORDER", "BY")
        return self.comma_list(self._order_item)

    def _order_item(self) -> t.OrderItem:
        line = self.tok.line
        expr = self.value()
        descending = False
        if self.tok.word in ("ASC", "DESC"):
            descending = self.advance().word == "DESC"
        return t.OrderItem(expr, descending, line=line)

    # --- GROUP BY

    def _group_by(self) -> tuple[t.GroupingElement, ...]:
        line = self.tok.line
        self.expect("GROUP", "BY")
        if self.tok.word == "ALL":
            self.refuse("GROUP BY ALL")
        elements = self.comma_list(self._grouping)
        if self.tok.word == "WITH" and self.peek().word in ("ROLLUP", "CUBE"):
            self.advance()
            kind = self.advance().word
            return ((t.GroupRollup if kind == "ROLLUP" else t.GroupCube)(elements, line=line),)
        return elements

    def _grouping(self) -> t.GroupingElement:
        tok = self.tok
        line = tok.line
        if tok.word in ("ROLLUP", "CUBE") and self.peek().word == "(":
            self.advance()
            items = self.parenthesized(self._composite)
            return (t.GroupRollup if tok.word == "ROLLUP" else t.GroupCube)(items, line=line)
        if tok.word == "GROUPING" and self.peek().word == "SETS":
            self.expect("GROUPING", "SETS")
            return t.GroupingSets(self.parenthesized(self._grouping_set), line=line)
        if self.at("(", ")"):
            self.expect("(", ")")
            return t.GroupComposite((), line=line)
        return t.GroupExpr(self.value(), line=line)

    def _composite(self) -> t.GroupingElement:
        line = self.tok.line
        if self.tok.word == "(":
            start = self.pos
            self.advance()
            items = self.values()
            if self.accept(")") and self.tok.word in (",", ")"):
                return t.GroupComposite(items, line=line) if len(items) > 1 else t.GroupExpr(items[0], line=line)
            self.back_to(start)
        return t.GroupExpr(self.value(), line=line)

    def _grouping_set(self) -> t.GroupingElement:
        if self.tok.word in ("ROLLUP", "CUBE", "GROUPING"):
            return self._grouping()
        if self.at("(", ")"):
            return self._grouping()
        return self._composite()

    # --- FROM

    def from_clause(self) -> tuple[t.TableSource, ...]:
        return self.comma_list(self.table_source)

    def table_source(self) -> t.TableSource:
        """A table with the joins, applies and pivots behind it."""
        left = self._table_primary()
        while True:
            tok = self.tok
            word = tok.word
            if word == "CROSS":
                self.advance()
                if self.accept("APPLY"):
                    left = t.Apply("CROSS", left, self._table_primary(), line=tok.line)
                else:
                    self.expect("JOIN")
                    left = t.Join("CROSS", left, self._table_primary(), line=tok.line)
            elif word == "OUTER":
                self.expect("OUTER", "APPLY")
                left = t.Apply("OUTER", left, self._table_primary(), line=tok.line)
            elif word in ("JOIN", "INNER", "LEFT", "RIGHT", "FULL"):
                left = self._qualified_join(left)
            elif word == "PIVOT":
                left = self._pivot(left)
            elif word == "UNPIVOT":
                left = self._unpivot(left)
            else:
                return left

    def _qualified_join(self, left: t.TableSource) -> t.TableSource:
        line = self.tok.line
        kind = "INNER"
        hint: str | None = None
        if self.tok.word != "JOIN":
            kind = self.advance().word
            if kind != "INNER":
                self.accept("OUTER")
            if self.tok.word in _JOIN_HINTS:
                hint = self.advance().word
        self.expect("JOIN")
        right = self.table_source()
        self.expect("ON")
        return t.Join(kind, left, right, self.condition(), hint, line=line)

    def _table_primary(self) -> t.TableSource:
        tok = self.tok
        line = tok.line
        if tok.word == "(":
            return self._parenthesized_source()
        if tok.kind is Kind.VARIABLE:
            self.advance()
            if self.tok.word == ".":
                self.refuse("a method of a variable")
            return t.TableVariable(tok.value, self.table_alias(), line=line)
        if tok.word in _ROWSET_FUNCTIONS:
            self.refuse(tok.word)
        if tok.word == "::":
            self.refuse("a system function with ::")
        if tok.word == "{":
            self.refuse("an ODBC escape")
        if tok.word == "OPENJSON" and self.peek().word == "(":
            return self._open_json()
        if tok.word == "CHANGETABLE" and self.peek().word == "(":
            self.refuse("CHANGETABLE")
        name = self.name()
        if self.tok.word == "(":
            if not self._at_old_hints():
                return self._table_function(name)
            hints = self._old_hints()
            return t.NamedTable(name, self.table_alias(), hints, line=line)
        if self.tok.word == "FOR" and self.peek().word in ("SYSTEM_TIME", "PATH"):
            self.refuse(f"FOR {self.peek().word}")
        return self._named_table(name)

    def _named_table(self, name: t.Name) -> t.NamedTable:
        """A table's alias and hints, in the order that T-SQL wants."""
        alias = self.table_alias()
        if self.tok.word == "TABLESAMPLE":
            self.refuse("TABLESAMPLE")
        hints: tuple[t.TableHint, ...] = ()
        if self.tok.word == "WITH" and self.peek().word == "(":
            hints = self.table_hints()
        elif alias is not None and self.tok.word == "(":
            self.expect("(")
            hints = (self._table_hint(),)
            self.expect(")")
        elif self.tok.word == "WITH" and self.peek().kind in (Kind.WORD, Kind.QUOTED) and self.peek().word not in (
            "ROLLUP", "CUBE", "TIES", "CHECK"
        ):  # fmt: skip
            raise self.cte_error(self.peek())
        return t.NamedTable(name, alias, hints, line=name.line)

    def table_alias(self) -> str | None:
        if self.accept("AS"):
            return self.identifier()
        if self.at_identifier() and not self.at_label():
            return self.identifier()
        return None

    def _required_alias(self) -> tuple[str, tuple[str, ...]]:
        self.accept("AS")
        return self.identifier(), self.column_names()

    def _parenthesized_source(self) -> t.TableSource:
        line = self.tok.line
        inner = self.peek().word
        if inner == "VALUES":
            self.expect("(", "VALUES")
            rows = self.comma_list(self.row)
            self.expect(")")
            alias, columns = self._required_alias()
            return t.ValuesTable(rows, alias, columns, line=line)
        if inner in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            self.refuse(f"a table source of {inner} ... OUTPUT")
        if self.at_query():
            start = self.pos
            try:
                query = self.subquery()
                alias, columns = self._required_alias()
                return t.DerivedTable(query, alias, columns, line=line)
            except SqlError:
                if inner != "(":
                    raise
                self.back_to(start)
        self.expect("(")
        source = self.table_source()
        self.expect(")")
        if not isinstance(source, t.Join | t.Apply | t.Pivot | t.Unpivot):
            self.fail(self.prev)
        return source

    def row(self) -> tuple[t.Expr, ...]:
        """`(a, DEFAULT, ...)` of VALUES."""
        return self.parenthesized(self._argument)

    def _table_function(self, name: t.Name) -> t.TableSource:
        self.expect("(")
        args = () if self.tok.word == ")" else self.comma_list(self._argument)
        self.expect(")")
        alias = self.table_alias()
        built_in = len(name.parts) == 1 and name.name.upper() == "STRING_SPLIT"
        columns = self.column_names() if alias is not None and not built_in else ()
        return t.TableFunction(name, args, alias, columns, line=name.line)

    def _open_json(self) -> t.OpenJson:
        line = self.expect("OPENJSON").line
        self.expect("(")
        expr = self.value()
        path = self.value() if self.accept(",") else None
        self.expect(")")
        columns: tuple[t.OpenJsonColumn, ...] | None = None
        if self.accept("WITH"):
            columns = self.parenthesized(self._open_json_column)
        return t.OpenJson(expr, path, columns, self.table_alias(), line=line)

    def _open_json_column(self) -> t.OpenJsonColumn:
        line = self.tok.line
        name = self.identifier()
        type_ = self.type_name()
        path = self.string() if self.tok.kind in (Kind.STRING, Kind.NSTRING) else None
        as_json = self.accept("AS", "JSON")
        return t.OpenJsonColumn(name, type_, path, as_json, line=line)

    def _pivot(self, source: t.TableSource) -> t.Pivot:
        line = self.expect("PIVOT").line
        self.expect("(")
        aggregate = self.name()
        arguments = self.parenthesized(self.column_ref)
        self.expect("FOR")
        column = self.column_ref()
        self.expect("IN")
        values = self.parenthesized(self.identifier)
        self.expect(")")
        self.accept("AS")
        return t.Pivot(source, aggregate, arguments, column, values, self.identifier(), line=line)

    def _unpivot(self, source: t.TableSource) -> t.Unpivot:
        line = self.expect("UNPIVOT").line
        self.expect("(")
        value_column = self.identifier()
        self.expect("FOR")
        name_column = self.identifier()
        self.expect("IN")
        columns = self.parenthesized(self.column_ref)
        self.expect(")")
        self.accept("AS")
        return t.Unpivot(source, value_column, name_column, columns, self.identifier(), line=line)

    # --- table hints

    def table_hints(self) -> tuple[t.TableHint, ...]:
        """`WITH (hint, hint)`; the commas may be missing."""
        self.expect("WITH")
        return self._hint_list()

    def _hint_list(self) -> tuple[t.TableHint, ...]:
        self.expect("(")
        hints = [self._table_hint()]
        while not self.accept(")"):
            self.accept(",")
            hints.append(self._table_hint())
        return tuple(hints)

    def _table_hint(self) -> t.TableHint:
        tok = self.tok
        if tok.kind is not Kind.WORD:
            self.fail()
        if tok.word not in TABLE_HINTS:
            if tok.word == "SPATIAL_WINDOW_MAX_CELLS":
                self.refuse(tok.word)
            raise SqlError(321, _UNKNOWN_HINT % tok.value, 15, 1, tok.line)
        self.advance()
        args: tuple[str | int, ...] = ()
        if tok.word == "INDEX":
            if self.accept("="):
                args = self.parenthesized(self._index_value) if self.tok.word == "(" else (self._index_value(),)
            else:
                args = self.parenthesized(self._index_value)
        elif tok.word == "FORCESEEK" and self.tok.word == "(":
            self.advance()
            index = self._index_value()
            args = (index, *self.parenthesized(self.identifier))
            self.expect(")")
        return t.TableHint(tok.word, args, line=tok.line)

    def _index_value(self) -> str | int:
        if self.tok.kind is Kind.INT:
            return int(self.advance().value)
        return self.identifier()

    def _at_old_hints(self) -> bool:
        """Whether `(NOLOCK)` or its like follows a table's name, without WITH."""
        return self.tok.word == "(" and self.peek().word in _OLD_HINTS and self.peek(2).word == ")"

    def _old_hints(self) -> tuple[t.TableHint, ...]:
        return self.parenthesized(self._table_hint)

    # --- FOR, OPTION

    def _for_json(self) -> t.ForJson:
        line = self.tok.line
        self.expect("FOR", "JSON")
        mode = self.expect_any("PATH", "AUTO")
        root: str | None = None
        include_nulls = without_wrapper = False
        while self.accept(","):
            option = self.expect_any("ROOT", "INCLUDE_NULL_VALUES", "WITHOUT_ARRAY_WRAPPER")
            if option == "ROOT":
                if root is not None:
                    self.fail(self.prev)
                root = ""
                if self.accept("("):
                    root = self.string()
                    self.expect(")")
            elif option == "INCLUDE_NULL_VALUES":
                include_nulls = True
            else:
                without_wrapper = True
        if root is not None and without_wrapper:
            raise SqlError(
                13620, "ROOT option and WITHOUT_ARRAY_WRAPPER option cannot be used together in FOR JSON. "
                "Remove one of these options.", 16, 1, line,
            )  # fmt: skip
        return t.ForJson(mode, root, include_nulls, without_wrapper, line=line)

    def _for_xml(self) -> t.ForXml:
        line = self.tok.line
        self.expect("FOR", "XML")
        mode = self.expect_any("PATH", "AUTO", "RAW", "EXPLICIT")
        element: str | None = None
        root: str | None = None
        options: list[str] = []
        if mode in ("PATH", "RAW") and self.accept("("):
            element = self.string()
            self.expect(")")
        while self.accept(","):
            option = self.expect_any("TYPE", "ROOT", "ELEMENTS", "BINARY", "XMLDATA", "XMLSCHEMA")
            if option == "ROOT":
                root = ""
                if self.accept("("):
                    root = self.string()
                    self.expect(")")
                continue
            if option == "ELEMENTS" and self.tok.word in ("XSINIL", "ABSENT"):
                option += " " + self.advance().word
            elif option == "BINARY":
                option += " " + self.expect_any("BASE64")
            elif option == "XMLSCHEMA" and self.tok.word == "(":
                self.refuse("FOR XML ... XMLSCHEMA (uri)")
            options.append(option)
        return t.ForXml(mode, element, tuple(options), root, line=line)

    def query_hints(self) -> tuple[t.QueryHint, ...]:
        """`OPTION (...)`; () when there is none."""
        if not self.accept("OPTION"):
            return ()
        return self.parenthesized(self._query_hint)

    def _query_hint(self) -> t.QueryHint:
        line = self.tok.line
        word = self.tok.word
        if not word or self.tok.kind is not Kind.WORD:
            self.fail()
        pair = f"{word} {self.peek().word}"
        if word in _HINTS_WITHOUT_VALUE:
            self.advance()
            return t.QueryHint(word, line=line)
        if pair in _HINTS_WITHOUT_VALUE:
            self.advance()
            self.advance()
            return t.QueryHint(pair, line=line)
        if word in ("MAXDOP", "MAXRECURSION", "FAST", "QUERYTRACEON"):
            self.advance()
            if self.at_any(("-", "+")):
                self.fail()
            return t.QueryHint(word, str(self.integer()), line=line)
        if word in ("MIN_GRANT_PERCENT", "MAX_GRANT_PERCENT"):
            self.advance()
            self.expect("=")
            return t.QueryHint(word, str(self.integer()), line=line)
        if pair == "OPTIMIZE FOR":
            self.expect("OPTIMIZE", "FOR")
            start = self.tok
            if not self.accept("UNKNOWN"):
                self.parenthesized(self._optimize_for)
            return t.QueryHint(pair, self.source(start), line=line)
        if pair == "USE HINT":
            self.expect("USE", "HINT")
            start = self.tok
            self.parenthesized(self.string)
            return t.QueryHint(pair, self.source(start), line=line)
        if pair in ("USE PLAN", "TABLE HINT"):
            raise Unsupported(f"OPTION ({pair})", line)
        raise self.syntax_error()

    def _optimize_for(self) -> None:
        self.variable()
        if self.accept("="):
            self.accept("-")
            if self.literal() is None:
                self.fail()
        else:
            self.expect("UNKNOWN")
