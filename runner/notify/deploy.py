"""Deployment: what a DBA reviews (`script`), what differs (`drift`), and doing it (`migrate`).

Tables and data belong to the Alembic histories of processor and queue. Functions, views, procedures and roles are files
that can be run again: each is deployed when its text differs from sys.sql_modules, with CREATE OR ALTER, so that GRANTs
survive. Source has no history at all: a heartbeat table and procedures, which reach the replica by redo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from notify import __version__, assets, revisions
from notify.databases import Connection, Database, Role
from notify.errors import ConfigError, NotifyError

__all__ = ["SCRIPT_ROLES", "Migrated", "Module", "drift", "migrate", "script", "split_batches"]

SCRIPT_ROLES: Final = ("processor", "queue", "replica")

SIGNATURE: Final = "sql/roles/replica_signature.sql"
"""Names the shop's tables, so a DBA edits it and runs it after each deployment on source."""

FOLDERS: Final[dict[Role, tuple[str, ...]]] = {
    Role.PROCESSOR: ("functions/processor", "views/processor", "procedures/processor"),
    Role.QUEUE: ("functions/queue", "views/queue", "procedures/queue"),
    Role.SOURCE: ("functions/replica", "views/replica", "procedures/source", "procedures/replica"),
}

DIFFERENT: Final = ("new", "changed", "unseen")
"""What `migrate` deploys: text that cannot be compared is written again."""

GO_LINE: Final = re.compile(r"^[ \t]*GO[ \t]*;?[ \t]*$", re.I)
NAMED: Final = re.compile(
    r"CREATE\s+(?:OR\s+ALTER\s+)?(?:PROCEDURE|PROC|FUNCTION|VIEW|TRIGGER)\s+(\[?\w+\]?\.\[?\w+\]?)", re.I
)
CREATE: Final = re.compile(r"CREATE\s+(?:OR\s+ALTER\s+)?(?=PROCEDURE\b|PROC\b|FUNCTION\b|VIEW\b|TRIGGER\b)", re.I)


@dataclass(frozen=True)
class Module:
    """A function, view or procedure: `status` is new, changed, same, unseen (this login may not see its text), or extra
    (there, but no file of it).
    """

    name: str
    status: str
    file: Path | None = None


@dataclass(frozen=True)
class Migrated:
    """What `migrate` did on one role."""

    role: Role
    from_revision: str | None
    to_revision: str | None
    modules: tuple[Module, ...]
    is_embedded: bool

    @property
    def deployed(self) -> list[str]:
        """Names of the modules that were created or altered."""
        return [module.name for module in self.modules if module.status in DIFFERENT]

    @property
    def extra(self) -> list[str]:
        """Names of modules in schema notify that no file describes."""
        return [module.name for module in self.modules if module.status == "extra"]

    def sentence(self) -> str:
        """One line for a log."""
        text = f"{self.role}: {len(self.deployed)} modules deployed, {self._unchanged} unchanged"
        if self.from_revision != self.to_revision:
            text += f", tables from revision {self.from_revision or 'none'} to {self.to_revision}"
        elif self.to_revision is not None:
            text += f", tables at revision {self.to_revision}"
        if self.role is Role.SOURCE and self.deployed and not self.is_embedded:
            text += f"; signatures are dropped by this: run {SIGNATURE} now"
        return text + (f"; not ours: {', '.join(self.extra)}" if self.extra else "")

    def to_json(self) -> dict[str, Any]:
        """As documented for `migrate --json`."""
        return {
            "role": self.role.value,
            "from_revision": self.from_revision,
            "to_revision": self.to_revision,
            "deployed": self.deployed,
            "unchanged": self._unchanged,
            "extra": self.extra,
        }

    @property
    def _unchanged(self) -> int:
        return sum(1 for module in self.modules if module.status == "same")


def split_batches(text: str) -> list[str]:
    """T-SQL at its GO lines, as sqlcmd splits it: not inside a comment or a string that runs over lines."""
    batches: list[str] = []
    lines: list[str] = []
    inside = ""
    for line in text.lstrip("\ufeff").splitlines(keepends=True):
        if not inside and GO_LINE.match(line.rstrip("\r\n")):
            batches.append("".join(lines))
            lines = []
            continue
        lines.append(line)
        inside = _scan_line(line, inside)
    batches.append("".join(lines))
    return [batch for batch in batches if batch.strip()]


def _scan_line(line: str, inside: str) -> str:
    """What a line leaves open: "'" a string, '"' or "]" a name, "/*"... nested comments; "" nothing."""
    index = 0
    while index < len(line):
        pair = line[index : index + 2]
        if inside.startswith("/*"):
            if pair == "/*":
                inside, index = inside + "/*", index + 1
            elif pair == "*/":
                inside, index = inside[2:], index + 1
        elif inside:
            if line[index] == inside:
                inside = ""
        elif pair == "--":
            return inside
        elif pair == "/*":
            inside, index = "/*", index + 1
        elif line[index] in "'\"":
            inside = line[index]
        elif line[index] == "[":
            inside = "]"
        index += 1
    return inside


# --- files -----------------------------------------------------------------------------------------------------------


def module_files(role: Role) -> list[Path]:
    """A role's functions and views, those that others need first, then its procedures."""
    needed: list[Path] = []
    procedures: list[Path] = []
    for folder in FOLDERS[role]:
        files = sorted((assets.sql() / folder).glob("*.sql"))
        (procedures if folder.startswith("procedures") else needed).extend(files)
    return _in_order(needed) + procedures


def _in_order(files: list[Path]) -> list[Path]:
    """Each file after those whose objects its text names."""
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    by_name = {file.stem.lower(): file for file in files}
    ordered: list[Path] = []
    visiting: set[Path] = set()

    def visit(file: Path) -> None:
        if file in ordered or file in visiting:
            return
        visiting.add(file)
        for name in re.findall(r"\bnotify\.(\w+)", _without_comments(texts[file])):
            other = by_name.get(name.lower())
            if other is not None and other is not file:
                visit(other)
        ordered.append(file)

    for file in files:
        visit(file)
    return ordered


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|--[^\n]*", " ", text, flags=re.S)


def _shell_files(role: Role) -> tuple[list[Path], list[Path]]:
    """Scripts that can be repeated, to run before and after the modules."""
    before = [assets.sql() / "source" / "heartbeat.sql"] if role is Role.SOURCE else []
    name = "replica" if role is Role.SOURCE else role.value
    return before, [assets.sql() / "roles" / f"{name}.sql"]


# --- the script that a DBA reviews -----------------------------------------------------------------------------------


def script(role_name: str) -> Iterator[str]:
    """A role's whole deployment as T-SQL for sqlcmd, in pieces. It may be run again: revisions applied are passed over.

    Raises:
        ConfigError: no such role.
    """
    if role_name not in (*SCRIPT_ROLES, "source"):
        raise ConfigError(f"no script for the role {role_name!r}: choose {', '.join(SCRIPT_ROLES)}")
    role = Role.SOURCE if role_name in ("replica", "source") else Role(role_name)
    where = "the application's primary; redo takes it to the replica" if role is Role.SOURCE else f"the {role} server"
    yield (
        f"/*\nnotify {__version__}, role {role_name}: run it on {where}, in its database.\n"
        "    sqlcmd -b -I -d DATABASE -i FILE\n"
        "It can be run again: tables are created once, all else is CREATE OR ALTER, and GRANTs survive.\n*/\n"
        "SET ANSI_NULLS ON;\nSET QUOTED_IDENTIFIER ON;\nSET XACT_ABORT ON;\nGO\n"
    )
    if role is not Role.SOURCE:
        yield from _script_revisions(role)
    before, after = _shell_files(role)
    for file in (*before, *module_files(role), *after):
        if file.is_file():
            yield f"/* {file.relative_to(assets.root()).as_posix()} */\n{_ended(file.read_text(encoding='utf-8'))}"
    if role is Role.SOURCE:
        yield f"/* Next, by hand: {SIGNATURE}, with your tables in it. Replacing a procedure drops its signature. */\n"


def _script_revisions(role: Role) -> Iterator[str]:
    yield from revisions.script_check(role)
    chain = revisions.revisions(role)
    for number, (revision, file) in enumerate(chain):
        later = ", ".join(f"'{name}'" for name, _ in chain[number:])
        yield (
            f"/* Revision {revision}. Where it is applied, the batches up to SET NOEXEC OFF are passed over. */\n"
            f"IF EXISTS (SELECT 1 FROM dbo.{revisions.VERSION_TABLE} AS v WHERE v.version_num IN ({later}))\n"
            "    SET NOEXEC ON;\nGO\nBEGIN TRANSACTION;\nGO\n"
        )
        yield _ended(file.read_text(encoding="utf-8"))
        if number == 0:
            yield f"INSERT INTO dbo.{revisions.VERSION_TABLE} (version_num) VALUES ('{revision}');\n"
        else:
            yield f"UPDATE v SET v.version_num = '{revision}' FROM dbo.{revisions.VERSION_TABLE} AS v;\n"
        yield revisions.script_fingerprint(revision, file)
        yield "COMMIT TRANSACTION;\nGO\nSET NOEXEC OFF;\nGO\n"


def _ended(text: str) -> str:
    text = text.lstrip("\ufeff").rstrip() + "\n"
    return text if GO_LINE.match(text.splitlines()[-1]) else text + "GO\n"


# --- comparing and doing ---------------------------------------------------------------------------------------------


def drift(connection: Connection, role: Role) -> list[Module]:
    """The role's modules, compared with what its database holds.

    Args:
        connection: to the role's database; for Role.SOURCE, a replica's serves too.
    """
    there = {
        name.lower(): (name, definition)
        for name, definition in connection.execute(
            "SELECT CONCAT(s.name, N'.', o.name), m.definition"
            " FROM sys.sql_modules AS m"
            " INNER JOIN sys.objects AS o ON o.object_id = m.object_id"
            " INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
            " WHERE s.name = N'notify';"
        )[0].rows
    }
    found: list[Module] = []
    for file in module_files(role):
        name, batch = _module(file)
        stored = there.pop(name.lower(), None)
        found.append(Module(name, "new" if stored is None else compared(stored[1], batch), file))
    return found + [Module(name, "extra") for name, _ in sorted(there.values())]


def compared(stored: str | None, batch: str) -> str:
    """A module's text as stored against its file's: same, changed, or unseen (NULL, without VIEW DEFINITION)."""
    if stored is None:
        return "unseen"
    return "same" if _normal(stored) == _normal(batch) else "changed"


def _module(file: Path) -> tuple[str, str]:
    """Name and CREATE batch of a module's file."""
    for batch in split_batches(file.read_text(encoding="utf-8")):
        match = NAMED.search(_without_comments(batch))
        if match is not None:
            return match.group(1).replace("[", "").replace("]", ""), batch
    raise NotifyError(f"{file}: no CREATE OR ALTER of a procedure, function or view")


def _normal(text: str) -> str:
    """A module's text as both sides have it: SQL Server stores CREATE OR ALTER as CREATE; white space ends differ."""
    return CREATE.sub("CREATE ", "\n".join(line.rstrip() for line in text.strip().splitlines()), count=1)


def run_file(connection: Connection, file: Path) -> None:
    """Runs a script's batches."""
    for batch in split_batches(file.read_text(encoding="utf-8")):
        try:
            connection.execute(batch)
        except NotifyError as error:
            error.add_note(f"in {file}")
            raise


def check(database: Database) -> str | None:
    """The revision of a role's tables, None where there are none; an embedded database comes into being.

    Raises:
        OtherVersion: its tables were made by other revisions than those of this version.
    """
    database.create()
    if database.role not in (Role.PROCESSOR, Role.QUEUE):
        return None
    with database.connection() as connection:
        return revisions.check(connection, database.role)


def migrate(database: Database) -> Migrated:
    """Brings one role up to date: its Alembic history first, then every module whose text differs, then its roles.

    Raises:
        OtherVersion: its tables were made by other revisions than those of this version; nothing was changed.
    """
    role = database.role
    after_revision = None
    before_revision = check(database)
    if role in (Role.PROCESSOR, Role.QUEUE):
        after_revision = _upgrade(database)
    before, after = _shell_files(role)
    with database.connection() as connection:
        for file in before:
            run_file(connection, file)
        modules = drift(connection, role)
        for module in modules:
            if module.status in DIFFERENT and module.file is not None:
                run_file(connection, module.file)
        for file in after:
            if file.is_file():
                run_file(connection, file)
        is_embedded = connection.is_embedded
    return Migrated(role, before_revision, after_revision, tuple(modules), is_embedded)


def alembic_config(role: Role) -> Any:
    """Alembic's configuration of one role's history, without an .ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(assets.migrations()).replace("%", "%%"))
    config.set_main_option("version_locations", str(assets.migrations() / role / "versions").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def _upgrade(database: Database) -> str | None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    config = alembic_config(database.role)
    # One transaction for a revision and its stamp: not autocommit, as everywhere else.
    engine = database.engine.execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        config.attributes["role"] = database.role
        command.upgrade(config, "head")
        options = {"version_table": revisions.VERSION_TABLE}
        after = MigrationContext.configure(connection, opts=options).get_current_revision()
        connection.rollback()
    return after
