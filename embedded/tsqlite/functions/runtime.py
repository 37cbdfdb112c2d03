"""The same as ``tsqlite.runtime``, where it lives."""

from ..runtime import TableFunction, aggregate, register, scalar, table

__all__ = ["TableFunction", "aggregate", "register", "scalar", "table"]
