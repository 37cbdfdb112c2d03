"""What the binder asks of the session: variables, objects by name, options. ``session.py`` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..types import SqlType


class TableColumn(Protocol):
    """A column of a stored table, as the catalog describes it."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> SqlType:
        """With its nullability, and for a string its collation labelled 'implicit'."""

    @property
    def identity(self) -> Any | None:
        """Seed and increment, or None; truthy means IDENTITY."""

    @property
    def computed(self) -> Any | None:
        """The syntax tree of a computed column's expression, or None."""


class Table(Protocol):
    """A stored table: user table, #temp table, @table variable or catalog view kept as rows.

    Its SQLite columns bear the T-SQL names; ``sqlite_name`` is written into the text quoted, schema and name apart.
    """

    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> Sequence[TableColumn]: ...
    @property
    def sqlite_schema(self) -> str | None:
        """``main``, ``temp`` or the name of an attached file; None where SQLite finds the table by itself."""

    @property
    def sqlite_name(self) -> str: ...
    @property
    def unique_keys(self) -> Sequence[Sequence[str]]:
        """Column names of the primary key, of unique constraints and unfiltered unique indexes."""


class View(Protocol):
    """A view: ``query`` is the syntax tree of its SELECT, ``column_names`` the names given to its columns, if any."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def query(self) -> Any: ...
    @property
    def column_names(self) -> Sequence[str]: ...


class TableFunction(Protocol):
    """An inline table-valued function: RETURNS TABLE AS RETURN (query)."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def query(self) -> Any: ...
    @property
    def parameters(self) -> Sequence[Any]:
        """Each with ``name`` (lower case, with @), ``type: SqlType`` and ``default`` (a tree node or None)."""


class Environment(Protocol):
    """Where a statement is compiled: the names it can see."""

    default_schema: str
    """Where a name without a schema is sought first; then in dbo."""

    @property
    def serializable(self) -> bool:
        """REPEATABLE READ or SERIALIZABLE inside a transaction: every read takes the lock."""

    def variable_type(self, name: str) -> SqlType | None:
        """Type of a scalar variable (name in lower case with its @); None: not declared (error 137)."""

    def find_table(self, parts: tuple[str, ...]) -> Table | View | None:
        """Table or view: (schema, name), (name,), ('#name',), ('@name',); None: error 208 or 1087."""

    def find_function(self, parts: tuple[str, ...]) -> TableFunction | None:
        """A user's inline table-valued function by its multipart name."""

    def option(self, name: str) -> bool:
        """A SET option of the session (upper case: ANSI_NULLS, ROWCOUNT ...)."""
