"""The same as ``tsqlite.runtime``, where it lives."""

from ..runtime import aggregate, register, scalar, table

__all__ = ["aggregate", "register", "scalar", "table"]
