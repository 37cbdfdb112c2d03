"""What the engine supports, as Markdown with links to Microsoft's pages: `python -m tsqlite support`.

Functions, catalog views, data types and system procedures come from the registries that the engine itself uses.
"""

from __future__ import annotations

from typing import Final

from . import types
from .functions import functions
from .system_procedures import PROCEDURES
from .system_views import VIEWS

_T: Final = "https://learn.microsoft.com/sql/t-sql/"
_P: Final = "https://learn.microsoft.com/sql/relational-databases/system-stored-procedures/"

STATEMENTS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "Queries and DML": (
        (
            "SELECT",
            "queries/select-transact-sql",
            "CTEs (recursive too), joins, APPLY, subqueries, GROUP BY with ROLLUP, CUBE and GROUPING SETS, windows, set"
            " operations, TOP, OFFSET/FETCH, FOR JSON, SELECT INTO, OPTION hints (no effect but MAXRECURSION)",
        ),
        (
            "Table hints",
            "queries/hints-transact-sql-table",
            "UPDLOCK, XLOCK, HOLDLOCK, SERIALIZABLE, TABLOCKX take the write lock; the others change no answer here",
        ),
        ("INSERT", "statements/insert-transact-sql", "VALUES, SELECT, EXECUTE, DEFAULT VALUES, TOP, OUTPUT [INTO]"),
        ("UPDATE", "queries/update-transact-sql", "FROM, CTEs, TOP, OUTPUT [INTO], variables in SET"),
        ("DELETE", "statements/delete-transact-sql", "FROM, CTEs, TOP, OUTPUT [INTO]"),
        ("TRUNCATE TABLE", "statements/truncate-table-transact-sql", ""),
    ),
    "Variables and control of flow": (
        ("DECLARE", "language-elements/declare-local-variable-transact-sql", "scalars and table variables"),
        ("SET @variable", "language-elements/set-local-variable-transact-sql", "compound operators too"),
        (
            "IF, WHILE, BREAK, CONTINUE, GOTO, RETURN, BEGIN ... END",
            "language-elements/control-of-flow",
            "",
        ),
        ("TRY ... CATCH", "language-elements/try-catch-transact-sql", "doomed transactions, late names"),
        ("THROW", "language-elements/throw-transact-sql", ""),
        ("RAISERROR", "language-elements/raiserror-transact-sql", "texts with arguments; WITH NOWAIT"),
        ("PRINT", "language-elements/print-transact-sql", ""),
        ("WAITFOR DELAY", "language-elements/waitfor-transact-sql", ""),
        (
            "EXECUTE",
            "language-elements/execute-transact-sql",
            "procedures with default and OUTPUT parameters and return codes, names in variables, strings",
        ),
    ),
    "Transactions and settings": (
        (
            "BEGIN, COMMIT, ROLLBACK, SAVE TRANSACTION",
            "language-elements/transactions-transact-sql",
            "one writer at a time in a file; BEGIN TRANSACTION takes no lock",
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL",
            "statements/set-transaction-isolation-level-transact-sql",
            "readers see the last committed state; REPEATABLE READ and SERIALIZABLE take the write lock; under"
            " SNAPSHOT (and"
            " on a replica) the first read fixes the state, and a write after another's commit is refused",
        ),
        (
            "SET options",
            "statements/set-statements-transact-sql",
            "NOCOUNT, XACT_ABORT, LOCK_TIMEOUT, DEADLOCK_PRIORITY, DATEFORMAT, DATEFIRST, IDENTITY_INSERT,"
            " IMPLICIT_TRANSACTIONS, QUOTED_IDENTIFIER, ARITHABORT, CONTEXT_INFO; the ANSI options may only be ON",
        ),
    ),
    "Tables and indexes": (
        (
            "CREATE TABLE",
            "statements/create-table-transact-sql",
            "identity, rowversion, DEFAULT, CHECK, keys, foreign keys with their actions, computed columns"
            " (computed when"
            " read), inline indexes, #temp tables",
        ),
        (
            "ALTER TABLE",
            "statements/alter-table-transact-sql",
            "ADD, DROP, ALTER COLUMN, WITH CHECK | NOCHECK, CHECK | NOCHECK CONSTRAINT",
        ),
        (
            "CREATE INDEX",
            "statements/create-index-transact-sql",
            "unique, filtered, included columns, descending keys; clustered is recorded",
        ),
        ("ALTER INDEX", "statements/alter-index-transact-sql", "REBUILD and REORGANIZE: no effect"),
        ("DROP INDEX, DROP TABLE", "statements/drop-table-transact-sql", ""),
    ),
    "Modules and other objects": (
        (
            "CREATE | ALTER | CREATE OR ALTER PROCEDURE",
            "statements/create-procedure-transact-sql",
            "tables are looked up when it runs",
        ),
        ("CREATE FUNCTION", "statements/create-function-transact-sql", "scalar and inline table-valued"),
        ("CREATE VIEW", "statements/create-view-transact-sql", ""),
        ("CREATE SCHEMA", "statements/create-schema-transact-sql", ""),
        ("CREATE TYPE ... FROM", "statements/create-type-transact-sql", "alias types"),
        ("ALTER DATABASE ... SET", "statements/alter-database-transact-sql-set-options", ""),
        ("DBCC CHECKIDENT (..., RESEED, n)", "database-console-commands/dbcc-checkident-transact-sql", ""),
        ("DBCC TRACEON (460)", "database-console-commands/dbcc-traceon-transact-sql", "error 2628 instead of 8152"),
    ),
    "Recorded, not enforced": (
        ("GRANT, DENY, REVOKE", "statements/grant-transact-sql", "rows of sys.database_permissions"),
        ("CREATE ROLE, ALTER ROLE, CREATE USER", "statements/create-role-transact-sql", ""),
        ("WITH EXECUTE AS", "statements/execute-as-clause-transact-sql", "shown by sys.sql_modules"),
        ("CREATE STATISTICS", "statements/create-statistics-transact-sql", ""),
        ("UPDATE STATISTICS", "statements/update-statistics-transact-sql", ""),
        ("CREATE CERTIFICATE, ADD SIGNATURE", "statements/add-signature-transact-sql", "accepted, kept nowhere"),
    ),
}
REFUSED: Final = (
    "triggers", "MERGE", "cursors", "multi-statement table-valued functions", "table types and table-valued parameters",
    "synonyms", "global temporary tables (##)", "ALTER TABLE of a #temp table", "FOR XML and the xml type",
    "sql_variant", "EXECUTE AS and REVERT as statements", "ANSI options OFF", "WITH RESULT SETS",
    "WAITFOR TIME", "RAISERROR with a message number or WITH LOG", "other databases and linked servers",
    "CREATE and DROP DATABASE", "indexes on computed columns or views", "WITH CHECK OPTION", "IGNORE_DUP_KEY",
    "application locks other than Shared and Exclusive",
)  # fmt: skip


def markdown() -> str:
    """The whole list."""
    lines = [
        "# What tsqlite supports",
        "",
        "Printed by `python -m tsqlite support`. SQL Server 2017, compatibility level 140. What is not listed is"
        " refused with",
        "its name and line (`NotSupportedError`), never answered by guess.",
    ]
    for title, entries in STATEMENTS.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- [{name}]({_T}{page}){f': {note}' if note else ''}" for name, page, note in entries]
    lines += ["", "## Data types", "", f"[All of them]({_T}data-types/data-types-transact-sql) but those refused:", ""]
    known = sorted(set(types.PRECEDENCE) - {"null", "sql_variant"})
    lines.append("- " + ", ".join(known) + ", sysname")
    lines += ["", "## System procedures", ""]
    for name in sorted(PROCEDURES):
        lines.append(f"- [{name}]({_P}{name.replace('_', '-')}-transact-sql)")
    for kind, title in (
        ("scalar", "Functions"),
        ("aggregate", "Aggregate functions"),
        ("window", "Window functions"),
        ("table", "Table functions"),
    ):
        lines += ["", f"## {title}", ""]
        lines += [f"- [{f.name}]({f.link})" for f in functions() if f.kind == kind]
    lines += ["", "## Catalog views", ""]
    lines += [f"- [{name}]({view.link})" for name, view in sorted(VIEWS.items())]
    lines += ["", "## Refused", "", "SQL Server has these and the engine does not:", ""]
    lines += [f"- {what}" for what in REFUSED]
    return "\n".join(lines) + "\n"
