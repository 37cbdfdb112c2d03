"""Types and values on the wire: SQL Server's type tokens and what follows them, to and from storage values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..types import SqlType
from ..values import Storage
from .reader import Reader


@dataclass(frozen=True, slots=True)
class WireType:
    """A type as a client declared it: the engine's type, and how to read a value of it."""

    type: SqlType
    read: Callable[[Reader], Storage]


def type_info(type: SqlType) -> bytes:
    """TYPE_INFO: the token of a type and its length, precision, scale, collation. A type that may not be NULL has the
    fixed token where there is one (INT4), else the nullable one (INTN).
    """
    raise NotImplementedError


def collation_bytes(name: str | None) -> bytes:
    """The five bytes of a collation; None is the default's."""
    raise NotImplementedError


def encoder(type: SqlType) -> Callable[[Storage], bytes]:
    """A function from a storage value to its bytes with their length; NULL included.

    Errors of the function: ``Unsupported`` for a value that its type cannot hold.
    """
    raise NotImplementedError


def column_encoder(type: SqlType) -> Callable[[Sequence[Storage]], Iterable[bytes]]:
    """``encoder`` for many values at once, none of them NULL."""
    raise NotImplementedError


def read_type_info(reader: Reader) -> WireType:
    """The type of a parameter. Errors: ``Malformed``; ``Unsupported`` for XML, CLR types, table-valued parameters and
    sql_variant.
    """
    raise NotImplementedError


def read_value(reader: Reader, type: WireType) -> Storage:
    """A value of a type that was read before. Errors: ``Malformed``."""
    return type.read(reader)
