"""Expressions, predicates, queries and table sources as T-SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from .. import tree as t
from .text import columns_text, function_text, name_text, names_text, quote, quote_string, type_text, words

_BINDING: Final = {"+": 1, "-": 1, "&": 1, "^": 1, "|": 1, "*": 2, "/": 2, "%": 2}


@cache
def _method(class_name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", class_name).lower()


class QueryPrinter:
    """One method per node class, named after it: `SetOption` is printed by `_set_option`."""

    def node(self, node: t.Node) -> str:
        method: Callable[[Any], str] = getattr(self, _method(type(node).__name__))
        return method(node)

    def list(self, nodes: Iterable[t.Node]) -> str:
        return ", ".join(self.node(n) for n in nodes)

    def statements(self, statements: Iterable[t.Statement]) -> str:
        return "\n".join(self.node(s) + ("" if isinstance(s, t.Label) else ";") for s in statements)

    def optional(self, keyword: str, node: t.Node | None) -> str:
        return f"{keyword} {self.node(node)}" if node is not None else ""

    # --- expressions

    def operand(self, node: t.Expr) -> str:
        """An operand of COLLATE and its kin: in parentheses unless it is primary."""
        text = self.node(node)
        return f"({text})" if isinstance(node, t.Binary | t.Unary) else text

    def primary(self, node: t.Expr) -> str:
        text = self.node(node)
        return f"({text})" if isinstance(node, t.Binary | t.Unary | t.Collate | t.AtTimeZone) else text

    def _int_literal(self, n: t.IntLiteral) -> str:
        return str(n.value)

    def _decimal_literal(self, n: t.DecimalLiteral) -> str:
        return n.text

    def _float_literal(self, n: t.FloatLiteral) -> str:
        return n.text

    def _money_literal(self, n: t.MoneyLiteral) -> str:
        return f"${n.text}"

    def _string_literal(self, n: t.StringLiteral) -> str:
        return quote_string(n.value, national=n.national)

    def _binary_literal(self, n: t.BinaryLiteral) -> str:
        return f"0x{n.value.hex().upper()}"

    def _null_literal(self, n: t.NullLiteral) -> str:
        return "NULL"

    def _default_value(self, n: t.DefaultValue) -> str:
        return "DEFAULT"

    def _bareword(self, n: t.Bareword) -> str:
        return quote(n.value)

    def _variable(self, n: t.Variable) -> str:
        return n.name

    def _global_variable(self, n: t.GlobalVariable) -> str:
        return n.name

    def _column_ref(self, n: t.ColumnRef) -> str:
        return ".".join((p if p.startswith("$") else quote(p)) if p else "" for p in n.name.parts)

    def _unary(self, n: t.Unary) -> str:
        text = self.node(n.operand)
        return f"{n.op}({text})" if isinstance(n.operand, t.Binary) else f"{n.op} {text}"

    def _binary(self, n: t.Binary) -> str:
        binding = _BINDING[n.op]
        left, right = self.node(n.left), self.node(n.right)
        if isinstance(n.left, t.Binary) and _BINDING[n.left.op] < binding:
            left = f"({left})"
        if isinstance(n.right, t.Binary) and _BINDING[n.right.op] <= binding:
            right = f"({right})"
        return f"{left} {n.op} {right}"

    def _collate(self, n: t.Collate) -> str:
        return f"{self.operand(n.operand)} COLLATE {n.collation}"

    def _at_time_zone(self, n: t.AtTimeZone) -> str:
        return f"{self.operand(n.operand)} AT TIME ZONE {self.primary(n.zone)}"

    def _when(self, n: t.When) -> str:
        return f"WHEN {self.node(n.condition)} THEN {self.node(n.result)}"

    def _simple_when(self, n: t.SimpleWhen) -> str:
        return f"WHEN {self.node(n.value)} THEN {self.node(n.result)}"

    def _searched_case(self, n: t.SearchedCase) -> str:
        whens = " ".join(self.node(w) for w in n.whens)
        return words("CASE", whens, self.optional("ELSE", n.otherwise), "END")

    def _simple_case(self, n: t.SimpleCase) -> str:
        whens = " ".join(self.node(w) for w in n.whens)
        return words("CASE", self.node(n.operand), whens, self.optional("ELSE", n.otherwise), "END")

    def _iif(self, n: t.Iif) -> str:
        return f"IIF({self.node(n.condition)}, {self.node(n.then)}, {self.node(n.otherwise)})"

    def _cast(self, n: t.Cast) -> str:
        return f"{'TRY_' if n.attempt else ''}CAST({self.node(n.operand)} AS {type_text(n.type)})"

    def _convert(self, n: t.Convert) -> str:
        style = f", {self.node(n.style)}" if n.style is not None else ""
        return f"{'TRY_' if n.attempt else ''}CONVERT({type_text(n.type)}, {self.node(n.operand)}{style})"

    def _parse(self, n: t.Parse) -> str:
        culture = f" USING {self.node(n.culture)}" if n.culture is not None else ""
        return f"{'TRY_' if n.attempt else ''}PARSE({self.node(n.operand)} AS {type_text(n.type)}{culture})"

    def _trim(self, n: t.Trim) -> str:
        return f"TRIM({self.node(n.characters)} FROM {self.node(n.operand)})"

    def _date_part(self, n: t.DatePart) -> str:
        return n.name

    def _star(self, n: t.Star) -> str:
        return "*"

    def _frame_bound(self, n: t.FrameBound) -> str:
        return words(self.node(n.offset) if n.offset is not None else None, n.kind)

    def _frame(self, n: t.Frame) -> str:
        if n.end is None:
            return f"{n.unit} {self.node(n.start)}"
        return f"{n.unit} BETWEEN {self.node(n.start)} AND {self.node(n.end)}"

    def _over(self, n: t.Over) -> str:
        partition = f"PARTITION BY {self.list(n.partition_by)}" if n.partition_by else ""
        inside = words(partition, self.order_by(n.order_by), self.node(n.frame) if n.frame else "")
        return f"OVER ({inside})"

    def _function_call(self, n: t.FunctionCall) -> str:
        call = f"{function_text(n.name)}({'DISTINCT ' if n.distinct else ''}{self.list(n.args)})"
        within = f"WITHIN GROUP ({self.order_by(n.within_group)})" if n.within_group else ""
        return words(call, within, self.node(n.over) if n.over else "")

    def _niladic_function(self, n: t.NiladicFunction) -> str:
        return n.name

    def _next_value_for(self, n: t.NextValueFor) -> str:
        return words(f"NEXT VALUE FOR {name_text(n.sequence)}", self.node(n.over) if n.over else "")

    def _scalar_subquery(self, n: t.ScalarSubquery) -> str:
        return f"({self.node(n.query)})"

    # --- predicates

    def _and(self, n: t.And) -> str:
        left, right = self.node(n.left), self.node(n.right)
        left = f"({left})" if isinstance(n.left, t.Or) else left
        right = f"({right})" if isinstance(n.right, t.Or | t.And) else right
        return f"{left} AND {right}"

    def _or(self, n: t.Or) -> str:
        right = self.node(n.right)
        right = f"({right})" if isinstance(n.right, t.Or) else right
        return f"{self.node(n.left)} OR {right}"

    def _not(self, n: t.Not) -> str:
        text = self.node(n.operand)
        return f"NOT ({text})" if isinstance(n.operand, t.And | t.Or) else f"NOT {text}"

    def _comparison(self, n: t.Comparison) -> str:
        return f"{self.node(n.left)} {n.op} {self.node(n.right)}"

    def _quantified(self, n: t.Quantified) -> str:
        return f"{self.node(n.left)} {n.op} {n.quantifier} ({self.node(n.query)})"

    def _between(self, n: t.Between) -> str:
        word = "NOT BETWEEN" if n.negated else "BETWEEN"
        return f"{self.node(n.operand)} {word} {self.node(n.low)} AND {self.node(n.high)}"

    def _in_list(self, n: t.InList) -> str:
        return f"{self.node(n.operand)} {'NOT IN' if n.negated else 'IN'} ({self.list(n.items)})"

    def _in_query(self, n: t.InQuery) -> str:
        return f"{self.node(n.operand)} {'NOT IN' if n.negated else 'IN'} ({self.node(n.query)})"

    def _like(self, n: t.Like) -> str:
        text = f"{self.node(n.operand)} {'NOT LIKE' if n.negated else 'LIKE'} {self.node(n.pattern)}"
        return words(text, self.optional("ESCAPE", n.escape))

    def _is_null(self, n: t.IsNull) -> str:
        return f"{self.node(n.operand)} IS {'NOT NULL' if n.negated else 'NULL'}"

    def _exists(self, n: t.Exists) -> str:
        return f"EXISTS ({self.node(n.query)})"

    def _trigger_update(self, n: t.TriggerUpdate) -> str:
        return f"UPDATE({quote(n.column)})"

    # --- queries

    def order_by(self, items: tuple[t.OrderItem, ...]) -> str:
        return f"ORDER BY {self.list(items)}" if items else ""

    def _order_item(self, n: t.OrderItem) -> str:
        return self.node(n.expr) + (" DESC" if n.descending else "")

    def _top(self, n: t.Top) -> str:
        return f"TOP ({self.node(n.count)})" + (" PERCENT" if n.percent else "") + (" WITH TIES" if n.with_ties else "")

    def _expr_item(self, n: t.ExprItem) -> str:
        return self.node(n.expr) + (f" AS {quote(n.alias)}" if n.alias is not None else "")

    def _star_item(self, n: t.StarItem) -> str:
        return f"{name_text(n.qualifier)}.*" if n.qualifier is not None else "*"

    def _assign_item(self, n: t.AssignItem) -> str:
        return f"{n.variable} {n.op} {self.node(n.expr)}"

    def _group_expr(self, n: t.GroupExpr) -> str:
        return self.node(n.expr)

    def _group_composite(self, n: t.GroupComposite) -> str:
        return f"({self.list(n.items)})"

    def _group_rollup(self, n: t.GroupRollup) -> str:
        return f"ROLLUP ({self.list(n.items)})"

    def _group_cube(self, n: t.GroupCube) -> str:
        return f"CUBE ({self.list(n.items)})"

    def _grouping_sets(self, n: t.GroupingSets) -> str:
        return f"GROUPING SETS ({self.list(n.items)})"

    def _query_spec(self, n: t.QuerySpec) -> str:
        return words(
            "SELECT",
            "DISTINCT" if n.distinct else "",
            self.node(n.top) if n.top else "",
            self.list(n.items),
            f"INTO {name_text(n.into)}" if n.into else "",
            f"FROM {self.list(n.from_)}" if n.from_ else "",
            self.optional("WHERE", n.where),
            f"GROUP BY {self.list(n.group_by)}" if n.group_by else "",
            self.optional("HAVING", n.having),
        )

    def _set_operation(self, n: t.SetOperation) -> str:
        left, right = self.node(n.left), self.node(n.right)
        if isinstance(n.left, t.SetOperation) and n.op == "INTERSECT" and n.left.op != "INTERSECT":
            left = f"({left})"
        if isinstance(n.right, t.SetOperation) and (n.op == "INTERSECT" or n.right.op != "INTERSECT"):
            right = f"({right})"
        return f"{left} {n.op}{' ALL' if n.all else ''} {right}"

    def _query(self, n: t.Query) -> str:
        offset = f"OFFSET {self.node(n.offset)} ROWS" if n.offset is not None else ""
        fetch = f"FETCH NEXT {self.node(n.fetch)} ROWS ONLY" if n.fetch is not None else ""
        for_ = self.node(n.for_json) if n.for_json else self.node(n.for_xml) if n.for_xml else ""
        return words(self.node(n.body), self.order_by(n.order_by), offset, fetch, for_)

    def _for_json(self, n: t.ForJson) -> str:
        options = [n.mode]
        if n.root is not None:
            options.append(f"ROOT({quote_string(n.root)})" if n.root else "ROOT")
        if n.include_null_values:
            options.append("INCLUDE_NULL_VALUES")
        if n.without_array_wrapper:
            options.append("WITHOUT_ARRAY_WRAPPER")
        return f"FOR JSON {', '.join(options)}"

    def _for_xml(self, n: t.ForXml) -> str:
        options = [n.mode + (f"({quote_string(n.element)})" if n.element is not None else ""), *n.options]
        if n.root is not None:
            options.append(f"ROOT({quote_string(n.root)})" if n.root else "ROOT")
        return f"FOR XML {', '.join(options)}"

    def _cte(self, n: t.Cte) -> str:
        return f"{quote(n.name)}{columns_text(n.columns)} AS ({self.node(n.query)})"

    def _query_hint(self, n: t.QueryHint) -> str:
        if n.name in ("MIN_GRANT_PERCENT", "MAX_GRANT_PERCENT"):
            return f"{n.name} = {n.value}"
        return words(n.name, n.value)

    def ctes(self, ctes: tuple[t.Cte, ...]) -> str:
        return f"WITH {self.list(ctes)}" if ctes else ""

    def hints(self, hints: tuple[t.QueryHint, ...]) -> str:
        return f"OPTION ({self.list(hints)})" if hints else ""

    # --- table sources

    def alias(self, alias: str | None, columns: tuple[str, ...] = ()) -> str:
        return f"AS {quote(alias)}{columns_text(columns)}" if alias is not None else ""

    def _table_hint(self, n: t.TableHint) -> str:
        args = [a if isinstance(a, int) else quote(a) for a in n.args]
        if n.name == "FORCESEEK" and args:
            return f"FORCESEEK ({args[0]} ({', '.join(str(a) for a in args[1:])}))"
        return n.name + (f" ({', '.join(str(a) for a in args)})" if args else "")

    def table_hints(self, hints: tuple[t.TableHint, ...]) -> str:
        return f"WITH ({self.list(hints)})" if hints else ""

    def _named_table(self, n: t.NamedTable) -> str:
        return words(name_text(n.name), self.alias(n.alias), self.table_hints(n.hints))

    def _table_variable(self, n: t.TableVariable) -> str:
        return words(n.name, self.alias(n.alias))

    def _derived_table(self, n: t.DerivedTable) -> str:
        return f"({self.node(n.query)}) {self.alias(n.alias, n.columns)}"

    def rows(self, rows: tuple[tuple[t.Expr, ...], ...]) -> str:
        return "VALUES " + ", ".join(f"({self.list(row)})" for row in rows)

    def _values_table(self, n: t.ValuesTable) -> str:
        return f"({self.rows(n.rows)}) {self.alias(n.alias, n.columns)}"

    def _table_function(self, n: t.TableFunction) -> str:
        return words(f"{function_text(n.name)}({self.list(n.args)})", self.alias(n.alias, n.columns))

    def _open_json_column(self, n: t.OpenJsonColumn) -> str:
        path = quote_string(n.path) if n.path is not None else ""
        return words(quote(n.name), type_text(n.type), path, "AS JSON" if n.as_json else "")

    def _open_json(self, n: t.OpenJson) -> str:
        path = f", {self.node(n.path)}" if n.path is not None else ""
        columns = f"WITH ({self.list(n.columns)})" if n.columns is not None else ""
        return words(f"OPENJSON({self.node(n.expr)}{path})", columns, self.alias(n.alias))

    def _join(self, n: t.Join) -> str:
        right = self.node(n.right)
        if isinstance(n.right, t.Join | t.Apply | t.Pivot | t.Unpivot):
            right = f"({right})"
        return words(self.node(n.left), n.kind, n.hint, "JOIN", right, self.optional("ON", n.on))

    def _apply(self, n: t.Apply) -> str:
        right = self.node(n.right)
        if isinstance(n.right, t.Join | t.Apply | t.Pivot | t.Unpivot):
            right = f"({right})"
        return f"{self.node(n.left)} {n.kind} APPLY {right}"

    def _pivot(self, n: t.Pivot) -> str:
        call = f"{function_text(n.aggregate)}({self.list(n.arguments)})"
        inside = f"{call} FOR {self.node(n.column)} IN ({names_text(n.values)})"
        return f"{self.node(n.source)} PIVOT ({inside}) {self.alias(n.alias)}"

    def _unpivot(self, n: t.Unpivot) -> str:
        inside = f"{quote(n.value_column)} FOR {quote(n.name_column)} IN ({self.list(n.columns)})"
        return f"{self.node(n.source)} UNPIVOT ({inside}) {self.alias(n.alias)}"
