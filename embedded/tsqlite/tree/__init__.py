"""The syntax tree of T-SQL: what the parser builds and the binder, interpreter and printer read.

Frozen dataclasses; sequences are tuples, so nodes are hashable and compare by structure. Positions (`line`, `span`) and
source texts take no part in comparison: two trees are equal when they mean the same syntax. Parentheses have no node.

Conventions
- Identifiers are plain strings without their quotes, in the case they were written in.
- Variables keep their `@` (`"@id"`), global variables their `@@` (`"@@ROWCOUNT"`).
- Keywords stored in fields are upper case (`Join.kind == "LEFT"`).
"""

from .definitions import *  # noqa: F403
from .expressions import *  # noqa: F403
from .nodes import *  # noqa: F403
from .queries import *  # noqa: F403
from .statements import *  # noqa: F403
