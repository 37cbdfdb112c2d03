"""The revisions of processor and queue, and whether a database's tables were made by those of this version.

Alembic knows a revision by its number alone. What its file said when it was applied is kept beside Alembic's own table
as a fingerprint: a revision that was edited afterwards, as happens before a release, is told instead of met as
an unknown column later on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from notify import assets
from notify.errors import NotifyError, OtherVersion

if TYPE_CHECKING:
    from notify.databases import Connection, Role

__all__ = [
    "FINGERPRINT_TABLE",
    "VERSION_TABLE",
    "check",
    "fingerprint",
    "keep_fingerprint",
    "revisions",
    "script_check",
    "script_fingerprint",
]

VERSION_TABLE: Final = "notify_alembic_version"
"""In schema dbo, since the first revision creates schema notify."""

FINGERPRINT_TABLE: Final = "notify_alembic_fingerprint"
"""One row per revision that was applied, beside the version table, which holds the last one's number alone."""

REVISION: Final = re.compile(r"""^(down_)?revision\s*(?::[^=]*)?=\s*(?:["']([^"']+)["']|None)""", re.M)
LEXEME: Final = re.compile(r"('(?:[^']|'')*')|(?:/\*.*?\*/|--[^\n]*|\s)+", re.S)
"""A string, which counts as it is; or comments and white space."""

CREATE_TABLE: Final = (
    f"IF OBJECT_ID(N'dbo.{FINGERPRINT_TABLE}', N'U') IS NULL\n"
    f"    CREATE TABLE dbo.{FINGERPRINT_TABLE} (\n"
    "        version_num varchar(32) NOT NULL,\n"
    "        fingerprint char(64) COLLATE Latin1_General_BIN2 NOT NULL,\n"
    f"        CONSTRAINT {FINGERPRINT_TABLE}_pkc PRIMARY KEY CLUSTERED (version_num)\n"
    "    );\n"
)


def revisions(role: Role) -> list[tuple[str, Path]]:
    """(revision, its .sql file), oldest first. Alembic runs them; a DBA reads them."""
    found: dict[str | None, tuple[str, Path]] = {}
    for file in (assets.migrations() / role / "versions").glob("*.py"):
        values = {bool(down): name or None for down, name in REVISION.findall(file.read_text(encoding="utf-8"))}
        revision = values.get(False)
        if revision is None:
            raise NotifyError(f"{file}: no revision")
        found[values.get(True)] = (revision, file.with_suffix(".sql"))
    chain: list[tuple[str, Path]] = []
    after: str | None = None
    while after in found:
        chain.append(found[after])
        after = found[after][0]
    return chain


def fingerprint(text: str) -> str:
    """SHA-256 of a script's statements, in hex digits: comments, line ends and indentation do not count."""
    bare = LEXEME.sub(lambda match: match[1] or " ", text.lstrip("\ufeff"))
    return hashlib.sha256(bare.strip().encode()).hexdigest()


def keep_fingerprint(connection: Any, role: Role, revision: str) -> None:
    """Keeps what a revision's file says, in the transaction that applies it.

    Args:
        connection: SQLAlchemy's, as Alembic has it.
    """
    for known, file in revisions(role):
        if known == revision:
            connection.exec_driver_sql(CREATE_TABLE)
            connection.exec_driver_sql(_keep(revision, fingerprint(file.read_text(encoding="utf-8"))))


def _keep(revision: str, print_: str) -> str:
    return (
        f"DELETE f FROM dbo.{FINGERPRINT_TABLE} AS f WHERE f.version_num = '{revision}';\n"
        f"INSERT INTO dbo.{FINGERPRINT_TABLE} (version_num, fingerprint)\nVALUES ('{revision}', '{print_}');\n"
    )


def check(connection: Connection, role: Role) -> str | None:
    """The revision that a database's tables are at; None when there is none.

    Raises:
        OtherVersion: the files of the revisions applied said something else than they do now, or are not of this
            version. Its notes have the remedy.
    """
    (known,) = connection.execute(
        f"SELECT OBJECT_ID(N'dbo.{VERSION_TABLE}', N'U') AS version_table,"
        f" OBJECT_ID(N'dbo.{FINGERPRINT_TABLE}', N'U') AS fingerprint_table;"
    )
    has = known.one()
    if has["version_table"] is None:
        return None
    (found,) = connection.execute(f"SELECT v.version_num FROM dbo.{VERSION_TABLE} AS v;")
    if not found.rows:
        return None
    at = str(found.rows[0][0])
    kept: dict[str, str] = {}
    if has["fingerprint_table"] is not None:
        (rows,) = connection.execute(f"SELECT f.version_num, f.fingerprint FROM dbo.{FINGERPRINT_TABLE} AS f;")
        kept = {str(revision): str(print_) for revision, print_ in rows.rows}
    there = revisions(role)
    if at not in [revision for revision, _ in there]:
        error = OtherVersion(f"{role}: its tables are at revision {at}, which this version of notify does not have")
        error.add_note("A later version has migrated it: use that one, or a later one still.")
        raise error
    for revision, file in there:
        now = fingerprint(file.read_text(encoding="utf-8"))
        if kept.get(revision) != now:
            error = OtherVersion(
                f"{role}: its tables were made by another state of revision {revision} than this version has"
            )
            if connection.is_embedded:
                error.add_note(
                    "A database that is there to try is made anew: `notify demo --fresh` for a demo, else move its "
                    "file away and migrate again."
                )
            else:
                error.add_note(
                    f"Compare its tables with `notify script {role}`; once they agree, say so in its database:\n  "
                    + _keep(revision, now).replace("\n", "\n  ").rstrip()
                )
            raise error
        if revision == at:
            break
    return at


# --- the same in the script that a DBA runs --------------------------------------------------------------------------


def script_check(role: Role) -> Iterator[str]:
    """T-SQL that makes both tables, and ends the script where others' revisions made the database's tables."""
    there = revisions(role)
    names = ", ".join(f"'{name}'" for name, _ in there)
    values = ",\n        ".join(
        f"('{name}', '{fingerprint(file.read_text(encoding='utf-8'))}')" for name, file in there
    )
    yield (
        f"IF OBJECT_ID(N'dbo.{VERSION_TABLE}', N'U') IS NULL\n"
        f"    CREATE TABLE dbo.{VERSION_TABLE} (\n"
        "        version_num varchar(32) NOT NULL,\n"
        f"        CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY CLUSTERED (version_num)\n"
        "    );\nGO\n"
        f"{CREATE_TABLE}GO\n"
        "/* The revisions applied, each with its file's fingerprint, against this script's. */\n"
        "IF EXISTS (\n"
        "    SELECT 1\n"
        "    FROM (VALUES\n"
        f"        {values}\n"
        "    ) AS ours (version_num, fingerprint)\n"
        f"    INNER JOIN dbo.{VERSION_TABLE} AS v ON v.version_num >= ours.version_num\n"
        f"    LEFT OUTER JOIN dbo.{FINGERPRINT_TABLE} AS f ON f.version_num = ours.version_num\n"
        "    WHERE f.fingerprint IS NULL OR f.fingerprint <> ours.fingerprint COLLATE Latin1_General_BIN2\n"
        ")\n"
        f"OR EXISTS (SELECT 1 FROM dbo.{VERSION_TABLE} AS v WHERE v.version_num NOT IN ({names}))\n"
        "    THROW 50190, N'The tables were made by another version of these revisions. Nothing was changed; "
        "notify doctor has the remedy.', 1;\n"
        "GO\n"
    )


def script_fingerprint(revision: str, file: Path) -> str:
    """T-SQL that keeps a revision's fingerprint, in the transaction that applies it."""
    return _keep(revision, fingerprint(file.read_text(encoding="utf-8")))
