"""Typed tree → SQLite text. It has no rules of its own: types, conversions and names were decided by the binder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .binder import typed
from .collation import alike, ordered
from .types import SqlType
from .values import sqlite_literal


class Emitter:
    """Writes one statement; ``parameters`` are the variables in the order of their numbers."""

    def __init__(self, first: int = 1) -> None:
        self.parameters: list[str] = []
        self.first = first
        """The number of the first parameter: lower ones belong to whoever runs the text."""

    # --- expressions ---

    def expr(self, node: typed.Expr) -> str:
        """Text of an expression, safe as an operand."""
        match node:
            case typed.ColumnValue():
                return self.column(node)
            case typed.Literal():
                return _literal(node)
            case typed.Variable():
                if node.name not in self.parameters:
                    self.parameters.append(node.name)
                return f"?{self.parameters.index(node.name) + self.first}"
            case typed.Placeholder():
                return f"?{node.number}"
            case typed.OutputPosition():
                return str(node.position + 1)
            case typed.Operation():
                return node.emit([self.expr(o) for o in node.operands])
            case typed.Case():
                whens = " ".join(f"WHEN {self.predicate(p)} THEN {self.expr(e)}" for p, e in node.whens)
                otherwise = f" ELSE {self.expr(node.otherwise)}" if node.otherwise is not None else ""
                return f"(CASE {whens}{otherwise} END)"
            case typed.Aggregate():
                over = f"OVER ({self.window(node.over)})" if node.over is not None else ""
                return node.emit([self.expr(o) for o in node.operands], self.order_by(node.order_by), over)
            case typed.ScalarSubquery():
                if not node.guard:
                    return f"({self.query(node.query)})"
                name = quote(names(node.query)[0])
                return (
                    f"(SELECT CASE WHEN count(*) > 1 THEN ts_raise(512) ELSE min({name}) END"
                    f" FROM (SELECT {name} FROM ({self.query(node.query)}) LIMIT 2))"
                )
            case typed.Truth():
                return f"({self.predicate(node.predicate)})"
        raise AssertionError(type(node).__name__)

    def column(self, node: typed.ColumnValue) -> str:
        source = node.source
        if isinstance(source, typed.PackedRows):
            position = names(source.query).index(node.column)
            text = f"({quote(source.alias)}.value ->> {position})"
            storage = node.type.storage_class
            if storage == "BLOB":
                return f"unhex({text})"
            return f"CAST({text} AS REAL)" if storage == "REAL" else text
        if not source.alias:
            return quote(node.column)
        return f"{quote(source.alias)}.{quote(node.column)}"

    def collated(self, node: typed.Expr) -> str:
        """An expression with its order and equality, for ORDER BY, GROUP BY, DISTINCT, UNION."""
        return ordered(self.expr(node), node.type)

    def alike(self, node: typed.Expr) -> str:
        """An expression with its equality, for IN."""
        return alike(self.expr(node), node.type)

    def key(self, node: typed.Expr) -> str:
        """An expression with its equality, for GROUP BY and PARTITION BY."""
        return f"ts_trim_zeros({self.expr(node)})" if node.type.name == "varbinary" else self.collated(node)

    def order_by(self, terms: Sequence[typed.OrderTerm]) -> str:
        return ", ".join(self.collated(t.expr) + (" DESC" if t.descending else "") for t in terms)

    def window(self, node: typed.Window) -> str:
        parts = []
        if node.partition_by:
            parts.append("PARTITION BY " + ", ".join(self.key(e) for e in node.partition_by))
        if node.order_by:
            parts.append("ORDER BY " + self.order_by(node.order_by))
        if node.frame:
            parts.append(node.frame)
        return " ".join(parts)

    # --- predicates ---

    def predicate(self, node: typed.Predicate) -> str:
        """Text of a condition, safe as an operand of AND, OR, NOT."""
        match node:
            case typed.Test():
                return f"({node.emit([self.expr(o) for o in node.operands])})"
            case typed.Logic():
                chain = [node]
                while isinstance(chain[-1].left, typed.Logic) and chain[-1].left.op == node.op:
                    chain.append(chain[-1].left)
                texts = [self.predicate(chain[-1].left), *(self.predicate(c.right) for c in reversed(chain))]
                return _balanced(texts, f" {node.op} ")
            case typed.Not():
                return f"(NOT {self.predicate(node.operand)})"
            case typed.IsNull():
                return f"({self.expr(node.operand)} IS {'NOT ' if node.negated else ''}NULL)"
            case typed.InList():
                items = ", ".join(self.expr(i) for i in node.items)
                return f"({self.alike(node.operand)} {'NOT ' if node.negated else ''}IN ({items}))"
            case typed.InQuery():
                return f"({self.alike(node.operand)} {'NOT ' if node.negated else ''}IN ({self.query(node.query)}))"
            case typed.Exists():
                return f"EXISTS ({self.query(node.query)})"
            case typed.Quantified():
                test = self.predicate(node.comparison)
                rows = self.source(node.source)
                unknown = f"count({test}) < count(*) THEN NULL"
                if node.all:
                    return f"(SELECT CASE WHEN min({test}) = 0 THEN 0 WHEN {unknown} ELSE 1 END FROM {rows})"
                return f"(SELECT CASE WHEN max({test}) = 1 THEN 1 WHEN {unknown} ELSE 0 END FROM {rows})"
            case typed.Constant():
                return "1" if node.value else "0"
        raise AssertionError(type(node).__name__)

    # --- sources ---

    def source(self, node: typed.From) -> str:
        """Text of what stands after FROM."""
        match node:
            case typed.Join():
                left, right = self.source(node.left), self.source(node.right)
                if isinstance(node.right, typed.Join):
                    right = f"({right})"
                kind = {"INNER": "JOIN", "CROSS": "JOIN"}.get(node.kind, f"{node.kind} JOIN")
                on = f" ON {self.predicate(node.on)}" if node.on is not None else ""
                return f"{left} {kind} {right}{on or (' ON 1' if kind != 'JOIN' else '')}"
            case typed.TableRows():
                schema = f"{quote(node.schema)}." if node.schema else ""
                return f"{schema}{quote(node.table)} AS {quote(node.alias)}"
            case typed.CteRows():
                return f"{quote(node.cte)} AS {quote(node.alias)}"
            case typed.QueryRows():
                return f"({self.query(node.query)}) AS {quote(node.alias)}"
            case typed.FunctionRows():
                rows = node.emit([self.expr(o) for o in node.operands])
                if not node.is_lateral:
                    # Kept by SQLite, with an index where a join asks for one: within a loop a function would run anew
                    # for each outer row. (Without its limit the subquery would be dissolved.)
                    rows = f"(SELECT {', '.join(map(quote, node.columns))} FROM {rows} LIMIT -1)"
                return f"{rows} AS {quote(node.alias)}"
            case typed.PackedRows():
                items = ", ".join(_packed(n, t) for n, t in zip(names(node.query), types(node.query), strict=True))
                rows = f"SELECT json_group_array(json_array({items})) FROM ({self.query(node.query)} LIMIT -1)"
                if _limited(node.query):
                    rows = f"SELECT json_group_array(json_array({items})) FROM ({self.query(node.query)})"
                return f"json_each(({rows})) AS {quote(node.alias)}"
        raise AssertionError(type(node).__name__)

    # --- queries ---

    def query(self, node: typed.Query) -> str:
        """Text of a query."""
        match node:
            case typed.Select():
                return self.select(node)
            case typed.Compound():
                return self.compound(node)
            case typed.Values():
                outputs = ", ".join(f"column{i + 1} AS {quote(n)}" for i, n in enumerate(node.names))
                rows = ", ".join("(" + ", ".join(self.expr(e) for e in row) + ")" for row in node.rows)
                return f"SELECT {outputs} FROM (VALUES {rows})"
            case typed.With():
                ctes = ", ".join(
                    f"{quote(c.name)}({', '.join(quote(n) for n in c.columns)}) AS ({self.query(c.query)})"
                    for c in node.ctes
                )
                return f"WITH RECURSIVE {ctes} {self.query(node.query)}"
            case typed.JsonText():
                name = quote(names(node.query)[0])
                limit = "" if _limited(node.query) else " LIMIT -1"
                return (
                    f"SELECT {sqlite_literal(node.before)} || group_concat({name}, ',') || {sqlite_literal(node.after)}"
                    f" AS c1 FROM ({self.query(node.query)}{limit}){' HAVING count(*) > 0' if node.top else ''}"
                )
        raise AssertionError(type(node).__name__)

    def select(self, node: typed.Select) -> str:
        limit = node.limit
        if limit is not None and (limit.percent or limit.with_ties):
            return self.ranked(node, limit)
        if node.distinct and any(e.type.name == "varbinary" for e in node.outputs):
            return self.distinct(node)
        outputs = ", ".join(
            f"{self.collated(e) if node.distinct else self.expr(e)} AS {quote(n)}"
            for e, n in zip(node.outputs, node.names, strict=True)
        )
        text = f"SELECT {'DISTINCT ' if node.distinct else ''}{outputs}{self.block(node)}"
        return text + self.tail(node)

    def distinct(self, node: typed.Select) -> str:
        """DISTINCT by grouping, where equal values may be stored differently. Its ORDER BY has positions only."""
        rows = replace(node, distinct=False, order_by=[], limit=None)
        text = f"SELECT {', '.join(map(quote, node.names))} FROM ({self.select(rows)})"
        return self.grouped(text, node.names, types(node)) + self.tail(node)

    def grouped(self, text: str, columns: Sequence[str], of: Sequence[SqlType]) -> str:
        keys = (
            f"ts_trim_zeros({quote(n)})" if t.name == "varbinary" else ordered(quote(n), t)
            for n, t in zip(columns, of, strict=True)
        )
        return f"{text} GROUP BY {', '.join(keys)}"

    def tail(self, node: typed.Select | typed.Compound) -> str:
        """ORDER BY and LIMIT."""
        order = f" ORDER BY {self.order_by(node.order_by)}" if node.order_by else ""
        return order + self.limit(node.limit)

    def block(self, node: typed.Select) -> str:
        """FROM to HAVING."""
        text = f" FROM {self.source(node.source)}" if node.source is not None else ""
        if node.where is not None:
            text += f" WHERE {self.predicate(node.where)}"
        if node.group_by:
            # A bare integer would be read as a column's position.
            text += " GROUP BY " + ", ".join(f"({self.key(e)})" for e in node.group_by)
        if node.having is not None:
            text += f" HAVING {self.predicate(node.having)}"
        return text

    def limit(self, limit: typed.Limit | None) -> str:
        if limit is None:
            return ""
        count = self.expr(limit.count) if limit.count is not None else "-1"
        return f" LIMIT {count}" + (f" OFFSET {self.expr(limit.offset)}" if limit.offset is not None else "")

    def ranked(self, node: typed.Select, limit: typed.Limit) -> str:
        """TOP ... PERCENT, TOP ... WITH TIES: by the row's number or rank in the query's order."""
        assert limit.count is not None
        terms = [
            typed.OrderTerm(node.outputs[t.expr.position], t.descending)
            if isinstance(t.expr, typed.OutputPosition)
            else t
            for t in node.order_by
        ]
        order = f"ORDER BY {self.order_by(terms)}" if terms else ""
        columns = ", ".join(quote(n) for n in node.names)
        outputs = ", ".join(f"{self.expr(e)} AS {quote(n)}" for e, n in zip(node.outputs, node.names, strict=True))
        rank = "rank()" if limit.with_ties else "row_number()"
        count = self.expr(limit.count)
        bound = f"ts_percent({count}, _all)" if limit.percent else count
        return (
            f"SELECT {columns} FROM (SELECT {outputs}, {rank} OVER ({order}) AS _rank,"
            f" row_number() OVER ({order}) AS _number, count(*) OVER () AS _all{self.block(node)})"
            f" WHERE _rank <= {bound} ORDER BY _number"
        )

    def compound(self, node: typed.Compound) -> str:
        if node.op == "UNION" and any(t.name == "varbinary" for t in node.outputs):
            rows = self.compound(replace(node, op="UNION ALL", order_by=[], limit=None))
            text = f"SELECT {', '.join(map(quote, node.names))} FROM ({rows})"
            return self.grouped(text, node.names, node.outputs) + self.tail(node)
        left = self.arm(node.left, first=True, exact=node.op == "UNION ALL")
        right = self.arm(node.right, first=False, exact=node.op == "UNION ALL")
        text = f"{left} {node.op} {right}"
        return text + self.tail(node)

    def arm(self, node: typed.Query, *, first: bool, exact: bool) -> str:
        plain = isinstance(node, typed.Select) and not node.order_by and node.limit is None
        if plain and (exact or not first):
            return self.query(node)
        if isinstance(node, typed.Compound) and first and exact and node.op == "UNION ALL" and not node.limit:
            return self.query(node)
        # SQLite reads a chain of set operations from the left, whatever they are: every arm that is one is enclosed.
        # The first arm's collations decide what is equal.
        outputs = ", ".join(
            f"{quote(n) if exact else ordered(quote(n), t)} AS {quote(n)}"
            for n, t in zip(names(node), types(node), strict=True)
        )
        return f"SELECT {outputs} FROM ({self.query(node)})"


def _balanced(texts: Sequence[str], op: str) -> str:
    """A chain of one operator; SQLite limits how deep an expression is, not how wide."""
    if len(texts) <= 200:
        return f"({op.join(texts)})"
    middle = len(texts) // 2
    return f"({_balanced(texts[:middle], op)}{op}{_balanced(texts[middle:], op)})"


def _literal(node: typed.Literal) -> str:
    value = node.value
    if isinstance(value, str) and "\0" in value:
        return f"CAST(x'{value.encode().hex()}' AS TEXT)"
    if isinstance(value, int | float) and value < 0:
        return f"({sqlite_literal(value)})"
    return sqlite_literal(value)


def _packed(name: str, type_: SqlType) -> str:
    storage = type_.storage_class
    if storage == "BLOB":
        return f"iif({quote(name)} IS NULL, NULL, hex({quote(name)}))"
    return f"ts_exact_real({quote(name)})" if storage == "REAL" else quote(name)


def _limited(node: typed.Query) -> bool:
    if isinstance(node, typed.With):
        return _limited(node.query)
    return isinstance(node, typed.JsonText) or (
        isinstance(node, typed.Select | typed.Compound) and node.limit is not None
    )


def names(node: typed.Query) -> list[str]:
    """SQLite names of a query's columns."""
    match node:
        case typed.Select() | typed.Compound() | typed.Values():
            return node.names
        case typed.With():
            return names(node.query)
        case typed.JsonText():
            return ["c1"]
    raise AssertionError(type(node).__name__)


def types(node: typed.Query) -> list[SqlType]:
    """Types of a query's columns."""
    match node:
        case typed.Select():
            return [e.type for e in node.outputs]
        case typed.Compound() | typed.Values():
            return node.outputs
        case typed.With():
            return types(node.query)
        case typed.JsonText():
            return [node.type]
    raise AssertionError(type(node).__name__)


def text_of(node: typed.Expr) -> str:
    """A text that is equal for equal expressions over the same sources."""
    return _Comparer().expr(node)


class _Comparer(Emitter):
    """Variables by their names, so that texts of different expressions can be compared."""

    def expr(self, node: typed.Expr) -> str:
        if isinstance(node, typed.Variable):
            return node.name
        return super().expr(node)


def quote(name: str) -> str:
    """A SQLite identifier in its quotes."""
    return '"' + name.replace('"', '""') + '"'
