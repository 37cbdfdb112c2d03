"""The tree as T-SQL again: `parse(print_batch(tree)) == tree`.

Every identifier is bracketed, parentheses stand only where the tree needs them, every statement ends with a semicolon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from . import tree as t
from .lexer import RESERVED

__all__ = ["print_batch", "print_node", "quote", "quote_string"]

_REGULAR: Final = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_RESERVED_FUNCTIONS: Final = frozenset({"COALESCE", "NULLIF", "LEFT", "RIGHT"})
_BINDING: Final = {"+": 1, "-": 1, "&": 1, "^": 1, "|": 1, "*": 2, "/": 2, "%": 2}


def quote(name: str) -> str:
    """`name` in brackets."""
    return f"[{name.replace(']', ']]')}]"


def quote_string(value: str, *, national: bool = False) -> str:
    """`value` as a string literal."""
    return f"{'N' if national else ''}'{value.replace(chr(39), chr(39) * 2)}'"


def print_node(node: t.Node) -> str:
    """Any node as T-SQL."""
    return _Printer().node(node)


def print_batch(batch: t.Batch) -> str:
    """A batch, one statement a line."""
    return _Printer().statements(batch.statements)


def _name(name: t.Name) -> str:
    return ".".join(quote(p) if p else "" for p in name.parts)


def _names(names: Iterable[str]) -> str:
    return ", ".join(quote(n) for n in names)


def _columns(names: tuple[str, ...]) -> str:
    return f" ({_names(names)})" if names else ""


def _function(name: t.Name) -> str:
    if len(name.parts) > 1:
        return _name(name)
    word = name.name
    if _REGULAR.match(word) and (word.upper() not in RESERVED or word.upper() in _RESERVED_FUNCTIONS):
        return word
    return quote(word)


def _type(type_: t.TypeName) -> str:
    name = type_.name
    if len(name.parts) == 1 and ("double" in name.name or " " in name.name or _REGULAR.match(name.name)):
        text = name.name
    else:
        text = _name(name)
    return text + (f"({', '.join(str(a) for a in type_.args)})" if type_.args else "")


def _words(*parts: str | None) -> str:
    return " ".join(p for p in parts if p)


def _options(options: tuple[t.Option, ...]) -> str:
    return f"WITH ({', '.join(f'{o.name} = {o.value}' for o in options)})" if options else ""


def _filegroup(name: str | None) -> str:
    return f"ON {quote(name)}" if name is not None else ""


@cache
def _method(class_name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", class_name).lower()


class _Printer:
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
        return _words("CASE", whens, self.optional("ELSE", n.otherwise), "END")

    def _simple_case(self, n: t.SimpleCase) -> str:
        whens = " ".join(self.node(w) for w in n.whens)
        return _words("CASE", self.node(n.operand), whens, self.optional("ELSE", n.otherwise), "END")

    def _iif(self, n: t.Iif) -> str:
        return f"IIF({self.node(n.condition)}, {self.node(n.then)}, {self.node(n.otherwise)})"

    def _cast(self, n: t.Cast) -> str:
        return f"{'TRY_' if n.attempt else ''}CAST({self.node(n.operand)} AS {_type(n.type)})"

    def _convert(self, n: t.Convert) -> str:
        style = f", {self.node(n.style)}" if n.style is not None else ""
        return f"{'TRY_' if n.attempt else ''}CONVERT({_type(n.type)}, {self.node(n.operand)}{style})"

    def _parse(self, n: t.Parse) -> str:
        culture = f" USING {self.node(n.culture)}" if n.culture is not None else ""
        return f"{'TRY_' if n.attempt else ''}PARSE({self.node(n.operand)} AS {_type(n.type)}{culture})"

    def _trim(self, n: t.Trim) -> str:
        return f"TRIM({self.node(n.characters)} FROM {self.node(n.operand)})"

    def _date_part(self, n: t.DatePart) -> str:
        return n.name

    def _star(self, n: t.Star) -> str:
        return "*"

    def _frame_bound(self, n: t.FrameBound) -> str:
        return _words(self.node(n.offset) if n.offset is not None else None, n.kind)

    def _frame(self, n: t.Frame) -> str:
        if n.end is None:
            return f"{n.unit} {self.node(n.start)}"
        return f"{n.unit} BETWEEN {self.node(n.start)} AND {self.node(n.end)}"

    def _over(self, n: t.Over) -> str:
        partition = f"PARTITION BY {self.list(n.partition_by)}" if n.partition_by else ""
        inside = _words(partition, self.order_by(n.order_by), self.node(n.frame) if n.frame else "")
        return f"OVER ({inside})"

    def _function_call(self, n: t.FunctionCall) -> str:
        call = f"{_function(n.name)}({'DISTINCT ' if n.distinct else ''}{self.list(n.args)})"
        within = f"WITHIN GROUP ({self.order_by(n.within_group)})" if n.within_group else ""
        return _words(call, within, self.node(n.over) if n.over else "")

    def _niladic_function(self, n: t.NiladicFunction) -> str:
        return n.name

    def _next_value_for(self, n: t.NextValueFor) -> str:
        return _words(f"NEXT VALUE FOR {_name(n.sequence)}", self.node(n.over) if n.over else "")

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
        return _words(text, self.optional("ESCAPE", n.escape))

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
        return f"{_name(n.qualifier)}.*" if n.qualifier is not None else "*"

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
        return _words(
            "SELECT",
            "DISTINCT" if n.distinct else "",
            self.node(n.top) if n.top else "",
            self.list(n.items),
            f"INTO {_name(n.into)}" if n.into else "",
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
        return _words(self.node(n.body), self.order_by(n.order_by), offset, fetch, for_)

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
        return f"{quote(n.name)}{_columns(n.columns)} AS ({self.node(n.query)})"

    def _query_hint(self, n: t.QueryHint) -> str:
        if n.name in ("MIN_GRANT_PERCENT", "MAX_GRANT_PERCENT"):
            return f"{n.name} = {n.value}"
        return _words(n.name, n.value)

    def ctes(self, ctes: tuple[t.Cte, ...]) -> str:
        return f"WITH {self.list(ctes)}" if ctes else ""

    def hints(self, hints: tuple[t.QueryHint, ...]) -> str:
        return f"OPTION ({self.list(hints)})" if hints else ""

    # --- table sources

    def alias(self, alias: str | None, columns: tuple[str, ...] = ()) -> str:
        return f"AS {quote(alias)}{_columns(columns)}" if alias is not None else ""

    def _table_hint(self, n: t.TableHint) -> str:
        args = [a if isinstance(a, int) else quote(a) for a in n.args]
        if n.name == "FORCESEEK" and args:
            return f"FORCESEEK ({args[0]} ({', '.join(str(a) for a in args[1:])}))"
        return n.name + (f" ({', '.join(str(a) for a in args)})" if args else "")

    def table_hints(self, hints: tuple[t.TableHint, ...]) -> str:
        return f"WITH ({self.list(hints)})" if hints else ""

    def _named_table(self, n: t.NamedTable) -> str:
        return _words(_name(n.name), self.alias(n.alias), self.table_hints(n.hints))

    def _table_variable(self, n: t.TableVariable) -> str:
        return _words(n.name, self.alias(n.alias))

    def _derived_table(self, n: t.DerivedTable) -> str:
        return f"({self.node(n.query)}) {self.alias(n.alias, n.columns)}"

    def rows(self, rows: tuple[tuple[t.Expr, ...], ...]) -> str:
        return "VALUES " + ", ".join(f"({self.list(row)})" for row in rows)

    def _values_table(self, n: t.ValuesTable) -> str:
        return f"({self.rows(n.rows)}) {self.alias(n.alias, n.columns)}"

    def _table_function(self, n: t.TableFunction) -> str:
        return _words(f"{_function(n.name)}({self.list(n.args)})", self.alias(n.alias, n.columns))

    def _open_json_column(self, n: t.OpenJsonColumn) -> str:
        path = quote_string(n.path) if n.path is not None else ""
        return _words(quote(n.name), _type(n.type), path, "AS JSON" if n.as_json else "")

    def _open_json(self, n: t.OpenJson) -> str:
        path = f", {self.node(n.path)}" if n.path is not None else ""
        columns = f"WITH ({self.list(n.columns)})" if n.columns is not None else ""
        return _words(f"OPENJSON({self.node(n.expr)}{path})", columns, self.alias(n.alias))

    def _join(self, n: t.Join) -> str:
        right = self.node(n.right)
        if isinstance(n.right, t.Join | t.Apply | t.Pivot | t.Unpivot):
            right = f"({right})"
        words = _words(n.kind, n.hint, "JOIN")
        return _words(self.node(n.left), words, right, self.optional("ON", n.on))

    def _apply(self, n: t.Apply) -> str:
        right = self.node(n.right)
        if isinstance(n.right, t.Join | t.Apply | t.Pivot | t.Unpivot):
            right = f"({right})"
        return f"{self.node(n.left)} {n.kind} APPLY {right}"

    def _pivot(self, n: t.Pivot) -> str:
        inside = f"{_function(n.aggregate)}({self.list(n.arguments)}) FOR {self.node(n.column)} IN ({_names(n.values)})"
        return f"{self.node(n.source)} PIVOT ({inside}) {self.alias(n.alias)}"

    def _unpivot(self, n: t.Unpivot) -> str:
        inside = f"{quote(n.value_column)} FOR {quote(n.name_column)} IN ({self.list(n.columns)})"
        return f"{self.node(n.source)} UNPIVOT ({inside}) {self.alias(n.alias)}"

    # --- DML

    def _select_statement(self, n: t.SelectStatement) -> str:
        return _words(self.ctes(n.ctes), self.node(n.query), self.hints(n.options))

    def _output(self, n: t.Output) -> str:
        into = f"INTO {self.node(n.into)}{_columns(n.columns)}" if n.into is not None else ""
        return _words(f"OUTPUT {self.list(n.items)}", into)

    def outputs(self, outputs: tuple[t.Output, ...]) -> str:
        return " ".join(self.node(o) for o in outputs)

    def _insert_values(self, n: t.InsertValues) -> str:
        return self.rows(n.rows)

    def _insert_query(self, n: t.InsertQuery) -> str:
        return self.node(n.query)

    def _insert_execute(self, n: t.InsertExecute) -> str:
        return self.node(n.execute)

    def _insert_defaults(self, n: t.InsertDefaults) -> str:
        return "DEFAULT VALUES"

    def _insert(self, n: t.Insert) -> str:
        columns = ", ".join(c if c.startswith("$") else quote(c) for c in n.columns)
        return _words(
            self.ctes(n.ctes),
            "INSERT",
            self.node(n.top) if n.top else "",
            "INTO",
            self.node(n.target),
            f"({columns})" if columns else "",
            self.outputs(n.outputs),
            self.node(n.source),
            self.hints(n.options),
        )

    def _assignment(self, n: t.Assignment) -> str:
        column = self._column_ref(t.ColumnRef(n.column)) if n.column is not None else None
        target = f"{n.variable} = {column}" if n.variable and column else n.variable or column
        return f"{target} {n.op} {self.node(n.value)}"

    def _update(self, n: t.Update) -> str:
        return _words(
            self.ctes(n.ctes),
            "UPDATE",
            self.node(n.top) if n.top else "",
            self.node(n.target),
            f"SET {self.list(n.assignments)}",
            self.outputs(n.outputs),
            f"FROM {self.list(n.from_)}" if n.from_ else "",
            self.optional("WHERE", n.where),
            self.hints(n.options),
        )

    def _delete(self, n: t.Delete) -> str:
        return _words(
            self.ctes(n.ctes),
            "DELETE",
            self.node(n.top) if n.top else "",
            self.node(n.target),
            self.outputs(n.outputs),
            f"FROM {self.list(n.from_)}" if n.from_ else "",
            self.optional("WHERE", n.where),
            self.hints(n.options),
        )

    def _truncate(self, n: t.Truncate) -> str:
        return f"TRUNCATE TABLE {_name(n.table)}"

    # --- variables and control of flow

    def _variable_declaration(self, n: t.VariableDeclaration) -> str:
        return _words(
            n.name, _type(n.type) if n.type.name.name.upper() != "CURSOR" else "CURSOR", self.optional("=", n.value)
        )

    def _declare(self, n: t.Declare) -> str:
        return f"DECLARE {self.list(n.variables)}"

    def _declare_table(self, n: t.DeclareTable) -> str:
        return f"DECLARE {n.name} TABLE {self.node(n.definition)}"

    def _declare_cursor(self, n: t.DeclareCursor) -> str:
        update = ""
        if n.for_update is not None:
            update = "FOR UPDATE" + (f" OF {_names(n.for_update)}" if n.for_update else "")
        options = " ".join(o for o in n.options if o != "INSENSITIVE")
        before = "INSENSITIVE" if "INSENSITIVE" in n.options else ""
        head = (
            f"SET {n.name} = CURSOR" if n.name.startswith("@") else _words("DECLARE", quote(n.name), before, "CURSOR")
        )
        if before:
            head, options = _words("DECLARE", quote(n.name), *n.options, "CURSOR"), ""
        return _words(head, options, "FOR", self.node(n.query), update)

    def _set_variable(self, n: t.SetVariable) -> str:
        return f"SET {n.variable} {n.op} {self.node(n.value)}"

    def _set_option(self, n: t.SetOption) -> str:
        options = ", ".join(n.options)
        if n.options[0].startswith("STATISTICS "):
            options = "STATISTICS " + ", ".join(o.removeprefix("STATISTICS ") for o in n.options)
        return f"SET {options} {'ON' if n.on else 'OFF'}"

    def _set_value(self, n: t.SetValue) -> str:
        value = n.value.value if isinstance(n.value, t.Bareword) and n.option != "LANGUAGE" else self.node(n.value)
        return f"SET {n.option} {value}"

    def _set_isolation(self, n: t.SetIsolation) -> str:
        return f"SET TRANSACTION ISOLATION LEVEL {n.level}"

    def _set_identity_insert(self, n: t.SetIdentityInsert) -> str:
        return f"SET IDENTITY_INSERT {_name(n.table)} {'ON' if n.on else 'OFF'}"

    def _block(self, n: t.Block) -> str:
        return f"BEGIN\n{self.statements(n.statements)}\nEND"

    def _if(self, n: t.If) -> str:
        then = self.node(n.then)
        if n.otherwise is None:
            return f"IF {self.node(n.condition)}\n{then}"
        return f"IF {self.node(n.condition)}\n{then}\nELSE\n{self.node(n.otherwise)}"

    def _while(self, n: t.While) -> str:
        return f"WHILE {self.node(n.condition)}\n{self.node(n.body)}"

    def _break(self, n: t.Break) -> str:
        return "BREAK"

    def _continue(self, n: t.Continue) -> str:
        return "CONTINUE"

    def _try_catch(self, n: t.TryCatch) -> str:
        return f"BEGIN TRY\n{self.statements(n.body)}\nEND TRY\nBEGIN CATCH\n{self.statements(n.handler)}\nEND CATCH"

    def _throw(self, n: t.Throw) -> str:
        if n.number is None or n.message is None or n.state is None:
            return "THROW"
        return f"THROW {self.node(n.number)}, {self.node(n.message)}, {self.node(n.state)}"

    def _raiserror(self, n: t.Raiserror) -> str:
        options = f"WITH {', '.join(n.options)}" if n.options else ""
        return _words(f"RAISERROR ({self.list((n.message, n.severity, n.state, *n.args))})", options)

    def _print(self, n: t.Print) -> str:
        return f"PRINT {self.node(n.value)}"

    def _return(self, n: t.Return) -> str:
        return _words("RETURN", self.node(n.value) if n.value is not None else "")

    def _goto(self, n: t.Goto) -> str:
        return f"GOTO {n.label}"

    def _label(self, n: t.Label) -> str:
        return f"{n.name}:"

    def _wait_for(self, n: t.WaitFor) -> str:
        return f"WAITFOR {n.kind} {self.node(n.value)}"

    def _use(self, n: t.Use) -> str:
        return f"USE {quote(n.database)}"

    def transaction_name(self, name: str | None) -> str:
        return "" if name is None else name if name.startswith("@") else quote(name)

    def _begin_transaction(self, n: t.BeginTransaction) -> str:
        mark = "" if n.mark is None else f"WITH MARK {quote_string(n.mark, national=True)}" if n.mark else "WITH MARK"
        return _words("BEGIN TRANSACTION", self.transaction_name(n.name), mark)

    def _commit(self, n: t.Commit) -> str:
        return _words("COMMIT TRANSACTION", self.transaction_name(n.name))

    def _rollback(self, n: t.Rollback) -> str:
        return _words("ROLLBACK TRANSACTION", self.transaction_name(n.name))

    def _save_transaction(self, n: t.SaveTransaction) -> str:
        return f"SAVE TRANSACTION {self.transaction_name(n.name)}"

    def _exec_argument(self, n: t.ExecArgument) -> str:
        return _words(f"{n.name} =" if n.name else "", self.node(n.value), "OUTPUT" if n.output else "")

    def _execute(self, n: t.Execute) -> str:
        procedure = _name(n.procedure) if isinstance(n.procedure, t.Name) else n.procedure.name
        options = ["RECOMPILE"] if n.recompile else []
        if n.result_sets is not None:
            options.append(f"RESULT SETS {n.result_sets}")
        return _words(
            "EXECUTE",
            f"{n.return_variable} =" if n.return_variable else "",
            procedure,
            self.list(n.args),
            f"WITH {', '.join(options)}" if options else "",
        )

    def _execute_string(self, n: t.ExecuteString) -> str:
        return f"EXECUTE ({' + '.join(self.node(p) for p in n.parts)})"

    def cursor(self, name: str) -> str:
        return name if name.startswith("@") else quote(name)

    def _open_cursor(self, n: t.OpenCursor) -> str:
        return f"OPEN {self.cursor(n.cursor)}"

    def _fetch_cursor(self, n: t.FetchCursor) -> str:
        offset = self.node(n.offset) if n.offset is not None else ""
        into = f"INTO {', '.join(n.into)}" if n.into else ""
        return _words("FETCH", n.direction, offset, "FROM", self.cursor(n.cursor), into)

    def _close_cursor(self, n: t.CloseCursor) -> str:
        return f"CLOSE {self.cursor(n.cursor)}"

    def _deallocate_cursor(self, n: t.DeallocateCursor) -> str:
        return f"DEALLOCATE {self.cursor(n.cursor)}"

    # --- tables and indexes

    def _index_column(self, n: t.IndexColumn) -> str:
        return quote(n.name) + (" DESC" if n.descending else "")

    def constraint_name(self, n: t.Constraint) -> str:
        return f"CONSTRAINT {quote(n.name)}" if n.name is not None else ""

    def _key_constraint(self, n: t.KeyConstraint) -> str:
        return _words(
            self.constraint_name(n),
            "PRIMARY KEY" if n.primary else "UNIQUE",
            self.clustered(n.clustered),
            f"({self.list(n.columns)})" if n.columns else "",
            _options(n.options),
            _filegroup(n.filegroup),
        )

    def clustered(self, clustered: bool | None) -> str:
        return "" if clustered is None else "CLUSTERED" if clustered else "NONCLUSTERED"

    def _foreign_key(self, n: t.ForeignKey) -> str:
        return _words(
            self.constraint_name(n),
            f"FOREIGN KEY ({_names(n.columns)})" if n.columns else "",
            f"REFERENCES {_name(n.table)}{_columns(n.ref_columns)}",
            f"ON DELETE {n.on_delete}" if n.on_delete else "",
            f"ON UPDATE {n.on_update}" if n.on_update else "",
        )

    def _check_constraint(self, n: t.CheckConstraint) -> str:
        return _words(self.constraint_name(n), f"CHECK ({self.node(n.condition)})")

    def _default_constraint(self, n: t.DefaultConstraint) -> str:
        value = self.node(n.value)
        return _words(
            self.constraint_name(n),
            f"DEFAULT ({value})" if isinstance(n.value, t.Binary) else f"DEFAULT {value}",
            f"FOR {quote(n.column)}" if n.column is not None else "",
            "WITH VALUES" if n.with_values else "",
        )

    def _identity(self, n: t.Identity) -> str:
        return f"IDENTITY({n.seed}, {n.increment})"

    def _column_def(self, n: t.ColumnDef) -> str:
        type_ = "" if n.type is None else _type(n.type)
        if n.type is not None and n.type.name.parts == (n.name,) and n.name.lower() == "timestamp":
            return _words(n.name, self.nullable(n.nullable), *(self.node(c) for c in n.constraints))
        return _words(
            quote(n.name),
            type_,
            f"AS ({self.node(n.computed)})" if n.computed is not None else "",
            "PERSISTED" if n.persisted else "",
            f"COLLATE {n.collation}" if n.collation else "",
            "SPARSE" if n.sparse else "",
            self.node(n.identity) if n.identity else "",
            "ROWGUIDCOL" if n.rowguidcol else "",
            self.nullable(n.nullable),
            *(self.node(c) for c in n.constraints),
            self.node(n.index) if n.index else "",
        )

    def nullable(self, nullable: bool | None) -> str:
        return "" if nullable is None else "NULL" if nullable else "NOT NULL"

    def _index_def(self, n: t.IndexDef) -> str:
        return _words(
            f"INDEX {quote(n.name)}",
            "UNIQUE" if n.unique else "",
            self.clustered(n.clustered),
            self.index_tail(n),
        )

    def index_tail(self, n: t.IndexDef) -> str:
        return _words(
            f"({self.list(n.columns)})" if n.columns else "",
            f"INCLUDE ({_names(n.include)})" if n.include else "",
            self.optional("WHERE", n.where),
            _options(n.options),
            _filegroup(n.filegroup),
        )

    def elements(self, n: t.TableDefinition) -> str:
        return ", ".join(self.node(e) for e in (*n.columns, *n.constraints, *n.indexes))

    def _table_definition(self, n: t.TableDefinition) -> str:
        return f"({self.elements(n)})"

    def _create_table(self, n: t.CreateTable) -> str:
        textimage = f"TEXTIMAGE_ON {quote(n.textimage_filegroup)}" if n.textimage_filegroup else ""
        head = f"CREATE TABLE {_name(n.name)} {self.node(n.definition)}"
        return _words(head, _filegroup(n.filegroup), textimage, _options(n.options))

    def check(self, check: bool | None) -> str:
        return "" if check is None else "WITH CHECK" if check else "WITH NOCHECK"

    def _add_elements(self, n: t.AddElements) -> str:
        return _words(self.check(n.check), "ADD", self.elements(n.definition))

    def _drop_element(self, n: t.DropElement) -> str:
        return _words(n.kind, "IF EXISTS" if n.if_exists else "", quote(n.name))

    def _drop_elements(self, n: t.DropElements) -> str:
        return f"DROP {self.list(n.elements)}"

    def _alter_column(self, n: t.AlterColumn) -> str:
        head = f"ALTER COLUMN {quote(n.name)}"
        if n.type is None:
            return _words(head, n.change)
        collation = f"COLLATE {n.collation}" if n.collation else ""
        return _words(head, _type(n.type), collation, self.nullable(n.nullable))

    def _check_existing(self, n: t.CheckExisting) -> str:
        names = _names(n.names) or "ALL"
        return _words(self.check(n.check), "CHECK" if n.enable else "NOCHECK", "CONSTRAINT", names)

    def _enable_trigger(self, n: t.EnableTrigger) -> str:
        return f"{'ENABLE' if n.enable else 'DISABLE'} TRIGGER {_names(n.names) or 'ALL'}"

    def _set_table_options(self, n: t.SetTableOptions) -> str:
        if n.rebuild:
            return _words("REBUILD", _options(n.options))
        return f"SET {_options(n.options).removeprefix('WITH ')}"

    def _alter_table(self, n: t.AlterTable) -> str:
        return f"ALTER TABLE {_name(n.name)} {self.node(n.action)}"

    def _create_index(self, n: t.CreateIndex) -> str:
        index = n.index
        return _words(
            "CREATE",
            "UNIQUE" if index.unique else "",
            self.clustered(index.clustered),
            f"INDEX {quote(index.name)} ON {_name(n.table)}",
            self.index_tail(index),
        )

    def _alter_index(self, n: t.AlterIndex) -> str:
        options = _options(n.options)
        if n.action == "SET":
            options = options.removeprefix("WITH ")
        name = "ALL" if n.name is None else quote(n.name)
        return _words(f"ALTER INDEX {name} ON {_name(n.table)} {n.action}", options)

    def _dropped_index(self, n: t.DroppedIndex) -> str:
        return f"{quote(n.name)} ON {_name(n.table)}"

    def _drop_index(self, n: t.DropIndex) -> str:
        return _words("DROP INDEX", "IF EXISTS" if n.if_exists else "", self.list(n.indexes))

    def _drop(self, n: t.Drop) -> str:
        names = ", ".join(_name(name) for name in n.names)
        return _words(f"DROP {n.kind}", "IF EXISTS" if n.if_exists else "", names)

    def statistics_options(self, options: tuple[t.Option, ...]) -> str:
        texts = [
            f"{o.name} = {o.value}" if o.name in ("INCREMENTAL", "MAXDOP") else _words(o.name, o.value) for o in options
        ]
        return f"WITH {', '.join(texts)}" if texts else ""

    def _create_statistics(self, n: t.CreateStatistics) -> str:
        head = f"CREATE STATISTICS {quote(n.name)} ON {_name(n.table)} ({_names(n.columns)})"
        return _words(head, self.optional("WHERE", n.where), self.statistics_options(n.options))

    def _update_statistics(self, n: t.UpdateStatistics) -> str:
        names = f"({_names(n.names)})" if n.names else ""
        return _words(f"UPDATE STATISTICS {_name(n.table)}", names, self.statistics_options(n.options))

    # --- modules

    def _parameter(self, n: t.Parameter) -> str:
        return _words(
            n.name,
            _type(n.type),
            self.optional("=", n.default),
            "OUTPUT" if n.output else "",
            "READONLY" if n.readonly else "",
        )

    def module_options(self, options: tuple[t.Option, ...]) -> str:
        texts = [f"{o.name} {o.value}" if o.value is not None else o.name for o in options]
        return f"WITH {', '.join(texts)}" if texts else ""

    def _create_procedure(self, n: t.CreateProcedure) -> str:
        head = _words(
            f"{n.action} PROCEDURE {_name(n.name)}", self.list(n.parameters), self.module_options(n.options), "AS"
        )
        return f"{head}\n{self.statements(n.body)}"

    def function(self, n: t.Module, parameters: tuple[t.Parameter, ...], returns: str, body: str) -> str:
        head = f"{n.action} FUNCTION {_name(n.name)} ({self.list(parameters)}) RETURNS {returns}"
        return _words(head, self.module_options(n.options), "AS") + f"\n{body}"

    def block(self, statements: tuple[t.Statement, ...]) -> str:
        return f"BEGIN\n{self.statements(statements)}\nEND"

    def _create_scalar_function(self, n: t.CreateScalarFunction) -> str:
        return self.function(n, n.parameters, _type(n.returns), self.block(n.body))

    def _create_inline_function(self, n: t.CreateInlineFunction) -> str:
        return self.function(n, n.parameters, "TABLE", f"RETURN ({self.node(n.query)})")

    def _create_table_function(self, n: t.CreateTableFunction) -> str:
        return self.function(n, n.parameters, f"{n.variable} TABLE {self.node(n.definition)}", self.block(n.body))

    def _create_view(self, n: t.CreateView) -> str:
        head = _words(f"{n.action} VIEW {_name(n.name)}{_columns(n.columns)}", self.module_options(n.options), "AS")
        return _words(f"{head}\n{self.node(n.query)}", "WITH CHECK OPTION" if n.check_option else "")

    def _create_trigger(self, n: t.CreateTrigger) -> str:
        head = f"{n.action} TRIGGER {_name(n.name)} ON {_name(n.table)}"
        events = ", ".join(n.events)
        return f"{_words(head, self.module_options(n.options), n.timing, events, 'AS')}\n{self.statements(n.body)}"

    # --- other objects, permissions

    def _create_schema(self, n: t.CreateSchema) -> str:
        return f"CREATE SCHEMA {quote(n.name)}" + (f" AUTHORIZATION {quote(n.owner)}" if n.owner else "")

    def _create_type(self, n: t.CreateType) -> str:
        if n.definition is not None:
            return f"CREATE TYPE {_name(n.name)} AS TABLE {self.node(n.definition)}"
        assert n.base is not None
        return _words(f"CREATE TYPE {_name(n.name)} FROM {_type(n.base)}", self.nullable(n.nullable))

    def _create_sequence(self, n: t.CreateSequence) -> str:
        def number(words: str, value: int | None) -> str:
            return f"{words} {value}" if value is not None else ""

        return _words(
            f"{'ALTER' if n.alter else 'CREATE'} SEQUENCE {_name(n.name)}",
            f"AS {_type(n.type)}" if n.type else "",
            ("RESTART" + number(" WITH", n.restart_value)) if n.restart else "",
            number("START WITH", n.start),
            number("INCREMENT BY", n.increment),
            number("MINVALUE", n.minimum),
            number("MAXVALUE", n.maximum),
            "" if n.cycle is None else "CYCLE" if n.cycle else "NO CYCLE",
            "CACHE" if n.cache == 0 else number("CACHE", n.cache) or ("NO CACHE" if n.no_cache else ""),
        )

    def _create_synonym(self, n: t.CreateSynonym) -> str:
        return f"CREATE SYNONYM {_name(n.name)} FOR {_name(n.target)}"

    def _create_role(self, n: t.CreateRole) -> str:
        return f"CREATE ROLE {quote(n.name)}" + (f" AUTHORIZATION {quote(n.owner)}" if n.owner else "")

    def _alter_role(self, n: t.AlterRole) -> str:
        if n.change == "NAME":
            return f"ALTER ROLE {quote(n.role)} WITH NAME = {quote(n.member)}"
        return f"ALTER ROLE {quote(n.role)} {n.change} MEMBER {quote(n.member)}"

    def _create_user(self, n: t.CreateUser) -> str:
        source = n.source
        if source is not None and source != "WITHOUT LOGIN":
            source = _words(
                f"FOR {source}" if n.source_name else f"FROM {source}", n.source_name and quote(n.source_name)
            )
        options = ", ".join(f"{o.name} = {quote(o.value or '')}" for o in n.options)
        return _words(f"CREATE USER {quote(n.name)}", source, f"WITH {options}" if options else "")

    def _granted_permission(self, n: t.GrantedPermission) -> str:
        return n.name + _columns(n.columns)

    def _change_permission(self, n: t.ChangePermission) -> str:
        on = ""
        if n.securable is not None:
            on = f"ON {n.securable_class + '::' if n.securable_class else ''}{_name(n.securable)}"
        revoke = n.action == "REVOKE"
        return _words(
            n.action,
            "GRANT OPTION FOR" if revoke and n.grant_option else "",
            self.list(n.permissions),
            on,
            "FROM" if revoke else "TO",
            ", ".join(p if p.upper() in ("PUBLIC", "NULL") else quote(p) for p in n.principals),
            "WITH GRANT OPTION" if n.grant_option and not revoke else "",
            "CASCADE" if n.cascade else "",
            f"AS {quote(n.grantor)}" if n.grantor else "",
        )

    def _execute_as(self, n: t.ExecuteAs) -> str:
        return _words(f"EXECUTE AS {n.kind}", self.optional("=", n.principal))

    def _revert(self, n: t.Revert) -> str:
        return "REVERT"

    def _alter_database_set(self, n: t.AlterDatabaseSet) -> str:
        database = "CURRENT" if n.database is None else quote(n.database)
        options = ", ".join(_words(o.name, o.value) for o in n.options)
        return _words(f"ALTER DATABASE {database} SET {options}", f"WITH {n.termination}" if n.termination else "")

    def _dbcc(self, n: t.Dbcc) -> str:
        args = f"({self.list(n.args)})" if n.args else ""
        return _words(f"DBCC {n.command}", args, f"WITH {', '.join(n.options)}" if n.options else "")

    def _opaque(self, n: t.Opaque) -> str:
        return n.text
