"""The base of every node, names and types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Base of every node. `line` counts from 1 within the batch."""

    line: int = field(default=0, compare=False, kw_only=True)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in field order."""
    for f in fields(node):
        yield from _nodes(getattr(node, f.name))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A possibly qualified object name: 1 to 4 parts, the last being the object; an omitted middle part is ''."""

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part."""
        return self.parts[-1]

    @property
    def schema(self) -> str | None:
        """The schema, None where not written."""
        return (self.parts[-2] or None) if len(self.parts) > 1 else None

    @property
    def database(self) -> str | None:
        """The database, None where not written."""
        return (self.parts[-3] or None) if len(self.parts) > 2 else None

    @property
    def server(self) -> str | None:
        """The linked server, None where not written."""
        return (self.parts[-4] or None) if len(self.parts) > 3 else None

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A data type as written: `decimal(10, 2)` has args (10, 2), `nvarchar(max)` has ("max",), `int` has ().

    Types of several words are one part in lower case: `double precision`, `national character varying`.
    """

    name: Name
    args: tuple[int | str, ...] = ()
