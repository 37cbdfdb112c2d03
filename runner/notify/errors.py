"""Every error a caller can meet, and the one place where database errors become Python exceptions.

A message is written for the person who must act on it: what was wrong, which value, what to do. Exit codes of the
command line hang on the class: 1 failed, 2 usage or configuration, 3 partly.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

__all__ = [
    "CONVERSION_ERRORS",
    "DEADLOCK",
    "BeatMissing",
    "ConfigError",
    "DatabaseError",
    "DatabaseUnreachable",
    "DefinitionRefused",
    "LeaseLost",
    "NotReadOnly",
    "NotifyError",
    "OtherVersion",
    "ProcedureError",
    "QueueRestored",
    "RenderError",
    "ScanMoved",
    "UnknownName",
    "database_error",
    "error_number",
    "printed_number",
    "without_prefix",
]


DEADLOCK: Final = 1205
"""SQL Server's number: the victim's transaction is rolled back, and the call may be repeated."""


class NotifyError(Exception):
    """A failure with a message for a person. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class ConfigError(NotifyError):
    """notify.toml, an environment variable or a command's arguments are not usable."""

    exit_code: ClassVar[int] = 2


class OtherVersion(NotifyError):
    """A database's tables were made by another version of notify. Nothing was changed; the notes have the remedy."""


class RenderError(NotifyError):
    """A template cannot be rendered with the fields of one record. The message is the change's reason."""


class DatabaseError(NotifyError):
    """A statement failed on a role's server. `number` is SQL Server's (0 when there is none)."""

    def __init__(self, message: str, *, role: str = "", number: int = 0, procedure: str = "") -> None:
        super().__init__(message)
        self.role = role
        self.number = number
        self.procedure = procedure

    def __str__(self) -> str:
        where = " ".join(part for part in (self.role, self.procedure) if part)
        number = f" (error {self.number})" if self.number else ""
        text = super().__str__()
        return f"{where}: {text}{number}" if where else f"{text}{number}"


class DatabaseUnreachable(DatabaseError):
    """A server cannot be reached, or a connection broke. No work is lost: leases expire and the next cycle goes on."""


class ProcedureError(DatabaseError):
    """A procedure refused, with one of the numbers listed in sql/errors.md."""

    def __str__(self) -> str:
        # Its text is written for a person and may begin with the procedure's name: where it comes from stands behind.
        text = str(self.args[0]).removeprefix(f"{self.procedure.rpartition('.')[2]}: ")
        where = ", ".join(part for part in (str(self.role), f"error {self.number}" if self.number else "") if part)
        return f"{text} ({where})" if where else text


class ScanMoved(ProcedureError):
    """Another cycle recorded this scan, or a definition changed. Nothing was recorded; read the scans again."""


class LeaseLost(ProcedureError):
    """The batch's lease expired or was taken over. Another worker has its changes; this one drops them."""


class NotReadOnly(ProcedureError):
    """The replica's URL points at a database that can be written to."""


class BeatMissing(ProcedureError):
    """The replica shows no heartbeat: the job on source does not run, or is not deployed."""


class QueueRestored(ProcedureError):
    """The queue is not the server, or not the life of the server, that it was: recover-queue first (rule 10)."""


class UnknownName(ProcedureError):
    """No notification, batch, or message with this name."""


class DefinitionRefused(ProcedureError):
    """A definition cannot be used as it stands."""


# The one mapping from error numbers (sql/errors.md) to exceptions; 50001-50199 not listed here are ProcedureError.
PROCEDURE_ERRORS: Final[dict[int, type[ProcedureError]]] = {
    50020: ScanMoved,
    50032: QueueRestored,
    50101: QueueRestored,
    50150: NotReadOnly,
}

# SQLSTATEs of a login or a link that failed, and SQL Server's numbers that say the same: the server is going down
# (6005), the database is not there or not open (4060, 911, 913, 942), the login failed (18456), transport (10053...).
LOST_STATES: Final = ("08", "HYT", "IM002", "01002")
LOST_NUMBERS: Final = frozenset({233, 911, 913, 942, 983, 4060, 6005, 10053, 10054, 10060, 10061, 18456})

# ODBC puts the number behind the text: "[42000] [Microsoft][...][SQL Server]The text. (50020) (SQLExecDirectW)".
ODBC_NUMBER: Final = re.compile(r"\((\d{1,6})\) \(SQL\w+\)")
CONVERSION_ERRORS: Final = frozenset({241, 242, 244, 245, 248, 295, 8114, 8115, 8169})
"""A text is no value of the type that it is compared with."""

ODBC_PREFIX: Final = re.compile(r"^(?:\[[^\]]*\] ?)+")


def error_number(error: BaseException) -> int:
    """SQL Server's number of a driver's exception: a `number` attribute, or in pyodbc's text. 0 when there is none."""
    number = getattr(error, "number", None)
    if isinstance(number, int):
        return number
    match = ODBC_NUMBER.search(" ".join(str(part) for part in error.args))
    return int(match.group(1)) if match else 0


def error_text(error: BaseException) -> str:
    """The server's words, without the driver's brackets."""
    text = getattr(error, "message", None)
    if not isinstance(text, str):
        text = str(error.args[-1]) if error.args else str(error)
        text = ODBC_PREFIX.sub("", text.split("; [", 1)[0])
        text = ODBC_NUMBER.sub("", text)
    return text.strip()


def printed_number(state: str) -> int:
    """The message number in pyodbc's state of a message, as '[01000] (50000)'; 0 for PRINT."""
    match = re.search(r"\((\d+)\)", state)
    return int(match.group(1)) if match else 0


def without_prefix(text: str) -> str:
    """A driver's text without its brackets."""
    return ODBC_PREFIX.sub("", text)


def database_error(error: BaseException, role: str, procedure: str = "", *, lost: bool = False) -> DatabaseError:
    """The exception for a driver's error.

    Args:
        error: what the driver raised.
        role: the database role's name.
        procedure: the procedure called, with its schema.
        lost: the driver says that the connection is gone.
    """
    number, text = error_number(error), error_text(error)
    state = str(error.args[0]) if error.args else ""
    details: dict[str, Any] = {"role": role, "number": number, "procedure": procedure}
    if 50001 <= number <= 50199:
        return PROCEDURE_ERRORS.get(number, ProcedureError)(text, **details)
    if lost or number in LOST_NUMBERS or state.startswith(LOST_STATES):
        return DatabaseUnreachable(f"the server cannot be reached or the connection was lost: {text}", **details)
    return DatabaseError(text, **details)
