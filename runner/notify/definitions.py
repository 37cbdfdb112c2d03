"""Definitions as TOML files: `apply`, `export`, activation. The processor checks and stores; files are its client.

A file has one [[notification]] table per notification, whose keys are those of save_notification's JSON, plus
``state = "active"`` (activated when applied) or ``"draft"``.
"""

from __future__ import annotations

import datetime
import difflib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from notify.databases import Connection, Databases, Role
from notify.errors import ConfigError, ProcedureError
from notify.procedures import from_json, processor, replica, to_json
from notify.procedures.processor import Problem
from notify.render import Renderer

__all__ = ["Applied", "Definition", "activate", "apply_definitions", "read_definitions", "refresh_catalog", "to_toml"]

STATES: Final = ("draft", "active")
PAGES_LIMIT: Final = 10_000
SCANS_NEEDED: Final = range(50006, 50010)
"""Errors of a resumption on a table that got a stamp column or another time zone meanwhile."""


@dataclass(frozen=True)
class Definition:
    """One notification of a file. `document` is save_notification's JSON as Python values."""

    name: str
    file: Path
    state: str
    document: dict[str, Any]


@dataclass
class Applied:
    """What became of one definition: `action` is created, changed, unchanged or refused."""

    name: str
    file: str
    action: str
    problems: list[Problem] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    activated: bool = False
    baseline: int = 0
    """Rows above the first low, recorded as history: no mail for them."""

    def to_json(self) -> dict[str, Any]:
        """As documented for `apply --json`."""
        return {**self.__dict__, "problems": [problem._asdict() for problem in self.problems]}


def read_definitions(files: Sequence[Path]) -> list[Definition]:
    """The notifications of TOML files.

    Raises:
        ConfigError: a file that cannot be read as definitions; the message names file, line or key.
    """
    found: dict[str, Definition] = {}
    wrong: list[str] = []
    for file in files:
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: not readable as TOML: {error}") from error
        entries = document.pop("notification", None)
        if not isinstance(entries, list) or not entries or document:
            raise ConfigError(
                f"{file}: write one [[notification]] table per notification"
                + (f"; unknown: {', '.join(document)}" if document else "")
            )
        for number, entry in enumerate(entries, 1):
            name = entry.get("name")
            if not isinstance(name, str) or not name.strip():
                wrong.append(f"{file}: notification {number} has no name")
                continue
            if name in found:
                wrong.append(f"{file}: notification {name!r} is defined twice (also in {found[name].file})")
                continue
            values = {key: _plain(value) for key, value in entry.items()}
            state = values.pop("state", "draft")
            if state not in STATES:
                wrong.append(f"{file}: {name}: state = {state!r}: write one of {', '.join(STATES)}")
            found[name] = Definition(name, file, state, values)
    if wrong:
        raise ConfigError("\n  ".join(wrong))
    return list(found.values())


def _plain(value: Any) -> Any:
    """TOML's values as the JSON that T-SQL compares with a column: 1 and 0 for a bit, ISO 8601 for a date."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dict):
        return {key: item if isinstance(item, bool) and key in FLAGS else _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value


FLAGS: Final = frozenset({"allow_unindexed"})


def refresh_catalog(source: Connection, target: Connection) -> replica.Catalog:
    """Brings the processor's copy of the replica's catalog up to date."""
    catalog = replica.read_catalog(source)
    processor.refresh_catalog(target, catalog.columns, catalog.procedures)
    return catalog


def apply_definitions(
    databases: Databases, definitions: Iterable[Definition], renderer: Renderer, *, dry_run: bool
) -> Iterator[Applied]:
    """Checks, saves and activates; one that is refused does not stop the others.

    Args:
        dry_run: only checks, and says what would change.
    """
    with databases.connection(Role.PROCESSOR) as target, databases.connection(Role.REPLICA) as source:
        refresh_catalog(source, target)
        known = {item["name"]: item for item in processor.get_definitions(target)}
        for definition in definitions:
            yield _apply(target, source, definition, known.get(definition.name), renderer, dry_run)


def _apply(
    target: Connection,
    source: Connection,
    definition: Definition,
    known: dict[str, Any] | None,
    renderer: Renderer,
    dry_run: bool,
) -> Applied:
    problems = _template_problems(definition.document, renderer)
    saved = processor.save_notification(target, definition.document, dry_run=dry_run or bool(problems))
    problems = [*saved.problems, *problems]
    applied = Applied(definition.name, str(definition.file), saved.action or "refused", problems)
    if problems:
        applied.action = "refused"
        return applied
    if saved.before is not None and saved.after is not None:
        applied.differences = differences(saved.before, saved.after)
    wanted = definition.state == "active"
    if wanted and (known is None or known["state"] == "draft"):
        try:
            applied.baseline = 0 if dry_run else activate(target, source, definition.name)
            applied.activated = True
        except ProcedureError as error:
            # Saved, and not active: the message says what is missing (an index, a heartbeat); applying again goes on.
            applied.problems.append(Problem("state", "active", str(error), None))
    return applied


def _template_problems(document: dict[str, Any], renderer: Renderer) -> list[Problem]:
    """Templates are files, which only the runner sees."""
    problems: list[Problem] = []
    channels = document.get("channels")
    for channel, value in channels.items() if isinstance(channels, dict) else ():
        template = value.get("template") if isinstance(value, dict) else None
        if channel not in ("email", "sms", "push") or not isinstance(template, str):
            continue
        problem = renderer.problem(channel, template)
        if problem is not None:
            near = difflib.get_close_matches(template, renderer.names(channel), 1)
            suggestion = near[0] if near and near[0] != template else None
            problems.append(Problem(f"channels.{channel}.template", template, problem, suggestion))
    return problems


def activate(target: Connection, source: Connection, name: str) -> int:
    """Activates a notification: low is one snapshot's safe point, and what is above it is recorded as history.

    Returns:
        rows recorded as baseline.
    """
    activation = processor.get_activation(target, name)
    scans = [read_scan(source, item) for item in activation.scans]
    keys = read_key_snapshot(target, source, activation)
    result = processor.activate_notification(target, name, to_json(scans), keys)
    return int(result["baseline_count"])


def resume(target: Connection, source: Connection, name: str, *, skip: bool) -> None:
    """Goes on after a pause; with `skip` from a new baseline, as an activation makes it."""
    if not skip:
        try:
            processor.resume_notification(target, name, "catch_up", None, None)
            return
        except ProcedureError as error:
            if error.number not in SCANS_NEEDED:
                raise
    activation = processor.get_activation(target, name)
    scans = to_json([read_scan(source, item) for item in activation.scans])
    keys = read_key_snapshot(target, source, activation)
    processor.resume_notification(target, name, "skip" if skip else "catch_up", scans, keys)


def read_scan(source: Connection, item: dict[str, Any]) -> dict[str, Any]:
    """Every page of one stamp column's first scan, as activate_notification takes it.

    `beat` is the greatest of the pages': each comes from a snapshot of its own, and a row recorded with too small a
    beat could be overtaken by an older state that a lagging replica shows.
    """
    request = replica.parse_request(item["request"])
    rows: list[dict[str, Any]] = []
    first = page = replica.detect_changes(source, to_json(request))
    beat = first.beat
    rows += page.rows
    for _ in range(PAGES_LIMIT):
        if page.is_last_page:
            break
        last = page.rows[-1]
        request |= {
            "low": first.safe_stamp,
            "cursor_stamp": last["stamp"],
            "cursor_key": from_json(last["record_key"]),
        }
        page = replica.detect_changes(source, to_json(request))
        beat = max(beat, page.beat)
        rows += page.rows
    return {
        "column_name": item["column_name"],
        "beat": beat,
        "safe_stamp": first.safe_stamp,
        "is_last_page": True,
        "rows": rows,
    }


def read_key_snapshot(target: Connection, source: Connection, activation: processor.Activation) -> str | None:
    """Reads all keys and records them in pieces: what activate_notification takes of it; None where none is needed."""
    if activation.key_request is None or activation.key_scan_id is None:
        return None
    beat: int | None = None
    for at, piece in replica.read_keys(source, activation.key_request):
        if at is not None:
            beat = at
        else:
            processor.record_keys(target, activation.key_scan_id, piece)
    return to_json({"beat": beat, "key_scan_id": activation.key_scan_id})


# --- differences and TOML --------------------------------------------------------------------------------------------


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs between two stored definitions, a line each: ``path: old → new``."""
    before, after = _flat(old), _flat(new)
    return [
        f"{path}: {_shown(before.get(path))} → {_shown(after.get(path))}"
        for path in dict.fromkeys([*after, *before])
        if before.get(path) != after.get(path)
    ]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {
            key: item
            for name, part in value.items()
            for key, item in _flat(part, f"{path}.{name}" if path else name).items()
        }
    if isinstance(value, list):
        return {path: to_json([_flat(item) if isinstance(item, dict) else str(item) for item in value])}
    return {path: value}


def _shown(value: Any) -> str:
    return "(none)" if value is None else str(value)


def to_toml(documents: Iterable[dict[str, Any]]) -> str:
    """Definitions as the file that `apply` reads back."""
    return "\n".join(_table_lines(document) for document in documents)


def _table_lines(document: dict[str, Any]) -> str:
    lines = ["[[notification]]"]
    tables: list[tuple[str, dict[str, Any]]] = []
    for key, value in document.items():
        if value is None or value == []:
            continue
        if isinstance(value, dict) and key in ("table", "channels"):
            tables.append((key, value))
        else:
            lines.append(f"{key} = {_toml(value)}")
    for key, value in tables:
        if key == "channels":
            for channel, content in value.items():
                lines += ["", f"[notification.channels.{channel}]"]
                lines += [f"{name} = {_toml(item)}" for name, item in content.items() if item is not None]
        else:
            lines += ["", f"[notification.{key}]"]
            lines += [f"{name} = {_toml(item)}" for name, item in value.items() if item is not None and item != []]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items() if item is not None)
        return "{ " + inner + " }"
    # A TOML basic string is a JSON string, but for DEL.
    return to_json(str(value)).replace("\x7f", "\\u007F")
