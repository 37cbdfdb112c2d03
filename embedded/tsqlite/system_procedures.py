"""stub"""
from typing import Any
PROCEDURES: dict[str, Any] = {}
