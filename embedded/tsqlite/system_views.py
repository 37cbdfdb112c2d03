"""stub"""
from __future__ import annotations
from typing import Any
def find(session: Any, schema: str, name: str) -> Any: return None
def find_bare(session: Any, name: str) -> Any: return None
def object_id(name: str) -> int | None: return None
