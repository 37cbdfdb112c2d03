"""Which names a clause can see, and the state of one compilation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import Unsupported, sql_error
from ..types import SqlType
from . import typed
from .environment import Environment

if TYPE_CHECKING:
    from .queries import Bound


@dataclass(eq=False, slots=True)
class ScopeColumn:
    """A column that a source shows. ``base``: the catalog's column, if it is a stored one; ``range``: its table."""

    name: str
    expr: typed.Expr
    base: Any = None
    range: Range | None = None
    origin: ScopeColumn | None = None
    """In a derived table: the column of the query's own source that is shown here."""


@dataclass(eq=False, slots=True)
class Range:
    """A source under the name it is known by in its FROM clause.

    ``parts``: the multipart name by which columns may be qualified. ``table``: the catalog's table, where it is one;
    ``bound``: the query, where it is one (derived table, view, common table expression).
    """

    name: str
    parts: tuple[str, ...]
    columns: list[ScopeColumn]
    source: typed.Source | None = None
    table: Any = None
    bound: Bound | None = None
    aliased: bool = False
    strict: bool = False
    """Its computed columns are NULL where its source has no row."""

    def matches(self, prefix: Sequence[str]) -> bool:
        """Whether a column may be qualified by ``prefix``."""
        if len(prefix) > len(self.parts):
            return False
        tail = self.parts[len(self.parts) - len(prefix) :]
        return all(not p or p.lower() == t.lower() for p, t in zip(prefix, tail, strict=True))

    def find(self, name: str) -> list[ScopeColumn]:
        """The columns of that name: more than one only in a query that has duplicates."""
        lower = name.lower()
        return [c for c in self.columns if c.name.lower() == lower]


@dataclass(eq=False, slots=True)
class Scope:
    """The names of one query block; ``parent`` is the block around a subquery.

    ``clause`` says where an expression stands: select, where, on, group, having, order, values, default, set.
    ``aggregates`` collects the aggregates of this block.
    """

    context: Context
    parent: Scope | None = None
    ranges: list[Range] = field(default_factory=list)
    clause: str = "select"
    aggregates: list[typed.Aggregate] = field(default_factory=list)
    in_aggregate: bool = False
    windowed: bool = False
    grouped: bool = False
    grouping: dict[str, bool] | None = None
    """With ROLLUP, CUBE, GROUPING SETS: text of each grouping expression -> whether this set leaves it out."""
    _aliases: tuple[int, set[str]] | None = None

    def column(self, parts: tuple[str, ...]) -> typed.Expr:
        """The column that a name means here or further out. Errors: 207, 4104, 209."""
        scope: Scope | None = self
        while scope is not None:
            found = scope._local(parts)
            if found is not None:
                return found.expr
            scope = scope.parent
        self._check_withheld(parts[-1])
        if len(parts) > 1:
            raise sql_error(4104, ".".join(parts))
        raise sql_error(207, parts[-1])

    def _check_withheld(self, name: str) -> None:
        # A column that SQL Server's catalog view has and the engine's has not.
        scope: Scope | None = self
        while scope is not None:
            for range_ in scope.ranges:
                if name.lower() in getattr(range_.table, "withheld", ()):
                    raise Unsupported(f"Column {name} of {range_.name}")
            scope = scope.parent

    def _local(self, parts: tuple[str, ...]) -> ScopeColumn | None:
        *prefix, name = parts
        found: list[ScopeColumn] = []
        matched = False
        for range_ in self.ranges:
            if not prefix or range_.matches(prefix):
                matched = True
                found += range_.find(name)
        if len(found) > 1:
            raise sql_error(209, name)
        if found:
            return found[0]
        if matched and prefix:
            self._check_withheld(name)
            raise sql_error(207, name)
        return None

    def lookup(self, parts: tuple[str, ...]) -> ScopeColumn | None:
        """The column that a name means in this very block, or None. Error 209."""
        return self._local(parts)

    def owns(self, source: typed.Source) -> bool:
        """Whether a source stands in this block's FROM clause."""
        return source.alias in self.aliases()

    def aliases(self) -> set[str]:
        """SQLite aliases of the sources in this block's FROM clause."""
        if self._aliases is None or self._aliases[0] != len(self.ranges):
            found = {r.source.alias for r in self.ranges if r.source is not None}
            for range_ in self.ranges:
                if range_.source is None:
                    for column in range_.columns:
                        found |= {n.source.alias for n in typed.walk(column.expr) if isinstance(n, typed.ColumnValue)}
            self._aliases = len(self.ranges), found
        return self._aliases[1]

    def inner(self, ranges: Iterable[Range], clause: str) -> Scope:
        """A scope of part of this block's sources, as ON has."""
        return Scope(self.context, self.parent, list(ranges), clause)


@dataclass(eq=False, slots=True)
class CteEntry:
    """A common table expression in sight. While a recursive one is bound, ``bound`` is None."""

    name: str
    sqlite_name: str
    names: list[str]
    types: list[SqlType]
    columns: list[str]
    """SQLite names of the columns."""
    bound: Bound | None = None
    depth: bool = False


class Context:
    """One compilation: counters, what was touched, the variables and common table expressions in sight."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.tables: dict[str, None] = {}
        self.locking = False
        self.substitutions: Mapping[str, typed.Expr] | None = None
        """Inside an inline function: its parameters' values; None elsewhere."""
        self.overrides: Mapping[str, typed.Expr] = {}
        """Variables that the statement itself has assigned before."""
        self.ctes: dict[str, CteEntry] = {}
        self.max_recursion = 100
        self.nesting = 0
        self.pseudo: dict[str, Any] = {}
        """Pseudo tables by lower-case name: inserted and deleted in a trigger."""
        self._aliases = 0

    def alias(self, prefix: str = "t") -> str:
        """A name that is new in this statement."""
        self._aliases += 1
        return f"{prefix}{self._aliases}"

    def variable(self, name: str) -> typed.Expr:
        """The value of a variable. Error 137."""
        key = name.lower()
        if self.substitutions is not None:
            value = self.substitutions.get(key)
            if value is None:
                raise sql_error(137, name)
            return value
        if key in self.overrides:
            return self.overrides[key]
        type_ = self.environment.variable_type(key)
        if type_ is None:
            unknown = getattr(self.environment, "unknown", None)
            if unknown is None:
                raise sql_error(137, name)
            made: typed.Expr = unknown(key)
            return made
        return typed.Variable(type_.with_nullable(True), key)
