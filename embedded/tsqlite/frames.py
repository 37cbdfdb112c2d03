"""A level of execution and the ways in which control leaves it."""

from __future__ import annotations

from . import tree
from .errors import SqlError
from .session import Scope, Session
from .types import INT, SqlType, literal_type, nvarchar
from .units import Names, Shape, Unit
from .values import Storage, encode


class Break(Exception):
    """BREAK."""


class Continue(Exception):
    """CONTINUE."""


class Returned(Exception):
    """RETURN."""

    def __init__(self, value: int | None) -> None:
        super().__init__(value)
        self.value = value


class Jump(Exception):
    """GOTO."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


class ToCatch(Exception):
    """On its way to a CATCH block; not one of `passing`, the level whose own compilation failed."""

    def __init__(self, error: SqlError, passing: Frame | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.passing = passing


class BatchEnd(Exception):
    """The batch is over; its error has been sent."""


class LevelEnd(Exception):
    """The procedure or dynamic batch is over; its error has been sent and the caller goes on."""


class Frame:
    """A level of execution: a batch, a procedure call, a dynamic text."""

    __slots__ = ("names", "scope", "severity", "shape", "try_depth", "unit", "values")

    def __init__(self, unit: Unit, scope: Scope, session: Session, types: dict[str, SqlType] | None = None) -> None:
        self.unit = unit
        self.scope = scope
        self.shape: Shape = unit.shape(session)
        self.names = Names(session, self.shape.types, unit.schema)
        self.values: dict[str, Storage] = dict.fromkeys(self.shape.types)
        self.severity = 0
        self.try_depth = session.try_depth

    def rebind(self, session: Session) -> None:
        """The session is in another database now: the same statements over other objects."""
        self.shape = self.unit.shape(session)
        self.names = Names(session, self.shape.types, self.unit.schema)

    @property
    def procedure(self) -> str | None:
        """The module's name in messages."""
        return self.scope.name


def literal(expr: tree.Expr) -> tuple[Storage, SqlType] | None:
    """Value and type of a literal that needs no binder."""
    if isinstance(expr, tree.IntLiteral) and expr.value <= 2147483647:
        return expr.value, INT
    if isinstance(expr, tree.Unary) and expr.op == "-" and isinstance(expr.operand, tree.IntLiteral):
        if expr.operand.value <= 2147483648:
            return -expr.operand.value, INT
        return None
    if isinstance(expr, tree.StringLiteral):
        type_ = literal_type(expr.value, unicode=expr.national)
        return encode(expr.value, type_), type_
    if isinstance(expr, tree.NullLiteral):
        return None, INT
    if isinstance(expr, tree.Bareword):
        return expr.value, nvarchar(max(1, len(expr.value)))
    return None


def split_name(text: str) -> tuple[str, ...]:
    """The parts of a multipart name in a string."""
    parts: list[str] = []
    rest = text.strip()
    while True:
        rest = rest.lstrip()
        if rest[:1] in ("[", '"'):
            close = "]" if rest[0] == "[" else '"'
            part, index = "", 1
            while index < len(rest):
                if rest[index] == close:
                    if rest[index + 1 : index + 2] == close:
                        index += 1
                    else:
                        break
                part += rest[index]
                index += 1
            parts.append(part)
            rest = rest[index + 1 :].lstrip()
        else:
            part, _, _ = rest.partition(".")
            parts.append(part.strip())
            rest = rest[len(part) :]
        if not rest.startswith("."):
            return tuple(parts)
        rest = rest[1:]
