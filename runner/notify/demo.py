"""`notify demo`: a brokerage with four embedded databases, a morning at its office, and the mail that comes of it.

Nothing is pretended: the procedures, the runner and the sender are those that run in production, the mails go through a
real SMTP server on the loopback interface. Only the clocks of the four databases are set back a little, so that a
morning fits into a minute; at its end they have caught up.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from notify import assets, deploy, revisions
from notify.databases import EMBEDDED, Database, Role, role_url
from notify.errors import ConfigError, NotifyError, OtherVersion
from notify.reports import reason_words

if TYPE_CHECKING:
    from notify.stage import Stage

__all__ = ["main"]

MARKER: Final = "demo.json"
MORNING: Final = dt.timedelta(minutes=40)
"""How far the clocks are set back when the morning begins."""


def main(directory: Path, *, seed: int = 7, fresh: bool = False, as_json: bool = False) -> int:
    """Builds the demo in `directory` and plays its morning; or, where it has been played, says what is there.

    Args:
        fresh: what a demo built there goes first: databases, mails, its definitions and templates.

    Raises:
        ConfigError: the folder holds files that no demo wrote.
        OtherVersion: another version built what is there; nothing was changed.

    Returns:
        0 when the audit finds nothing missing and nothing doubled, else 1; 3 when the cycle over a town that was
        there met failures, which are shown.
    """
    from notify.stage import Stage

    played = _marker(directory)
    if played is None and directory.is_dir() and any(directory.iterdir()) and not (directory / MARKER).is_file():
        raise ConfigError(f"{directory} holds files that no demo wrote: choose another --directory, or empty it")
    if fresh:
        played = None
    screen = _Screen(quiet=as_json)
    rested = True
    with Stage(
        directory,
        templates=[Path("templates")],
        mail_folder=directory / "mail",
        workers=2,
        sender=("hello@brokerage.example.com", "The brokerage"),
    ) as stage:
        if played is None:
            (directory / MARKER).write_text(json.dumps({"seed": seed}) + "\n", encoding="utf-8")
            _clear(directory)
            played = _play(stage, seed, screen)
            (directory / MARKER).write_text(json.dumps(played, indent=2) + "\n", encoding="utf-8")
            again = False
        else:
            try:
                rested = _once_more(stage, played, screen)
            except OtherVersion as error:
                told = OtherVersion(f"{directory} was made by another version of notify; nothing in it was changed")
                for note in (*_anew(directory, played), f"({error})"):
                    told.add_note(note)
                raise told from error
            except NotifyError as error:
                error.add_note(f"Where another version of notify has made {directory}:")
                for note in _anew(directory, played):
                    error.add_note(note)
                raise
            again = True
        report = _report(stage, directory, played, again=again)
    if as_json:
        from notify.cli.output import print_json

        print_json(report)
    else:
        _print(report, directory, seed)
    if report["audit"]["missing"] or report["audit"]["doubled"]:
        return 1
    return 0 if rested else 3


def _marker(directory: Path) -> dict[str, Any] | None:
    file = directory / MARKER
    if not file.is_file():
        return None
    played = dict(json.loads(file.read_text(encoding="utf-8")))
    # It says what was played only when all of it was.
    return played if "town" in played else None


def _clear(directory: Path) -> None:
    """Removes what a demo that did not come to its end left behind; nothing else."""
    for role in Role:
        for file in directory.glob(f"{role.value}.db*"):
            file.unlink()
    shutil.rmtree(directory / "mail", ignore_errors=True)
    (directory / "mail").mkdir(parents=True)


def _anew(directory: Path, played: dict[str, Any]) -> list[str]:
    """How a town that another version built is replaced."""
    seed = "" if played["seed"] == 7 else f" --seed {played['seed']}"
    return [
        f"Build it anew, its databases and mails go: {_command()} demo --directory {directory}{seed} --fresh",
        f"To keep it: move {directory} away, or choose another --directory (make demo TOWN=folder).",
    ]


def _once_more(stage: Stage, played: dict[str, Any], screen: _Screen) -> bool:
    """One cycle over a town that is there, which an older version may have built. False when it met failures."""
    _check_tables(stage)
    stage.renew_port()
    for role in (Role.SOURCE, Role.PROCESSOR, Role.QUEUE):
        deploy.migrate(stage.databases[role])
    stage.beat()
    stage.redo()
    screen.say(f"{played['town']} is already there (seed {played['seed']}): one more cycle, to see that it rests.")
    report = stage.cycle()
    for where, reason in report.failures:
        screen.warn(f"{where}: {reason}")
    if report.failures:
        screen.warn(f"Where another version of notify has made {stage.folder}: {_anew(stage.folder, played)[0]}")
    stage.send()
    return not report.failures


def _check_tables(stage: Stage) -> None:
    """Before anything is written, and whatever notify.toml says by now."""
    for role in (Role.PROCESSOR, Role.QUEUE):
        database = Database(role, role_url(role, f"{EMBEDDED}:///{stage.path(role).name}", stage.folder.resolve()))
        with database.connection() as connection:
            revisions.check(connection, role)
        database.dispose()


# --- the morning -----------------------------------------------------------------------------------------------------


def _play(stage: Stage, seed: int, screen: _Screen) -> dict[str, Any]:
    brokerage = assets.examples() / "brokerage"
    town_module, morning = _module(brokerage / "town.py"), _module(brokerage / "morning.py")
    for name in ("templates", "procedures"):
        shutil.copytree(brokerage / name, stage.folder / name, dirs_exist_ok=True)
    shutil.copy(brokerage / "notifications.toml", stage.folder)
    import tsqlite

    for role in Role:
        tsqlite.clock.advance(stage.path(role), -MORNING)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None) - MORNING
    town = town_module.build(seed, now)
    rows = sum(len(table) for table in town.rows.values())
    screen.say(f"{town.name}, {town.state}: a brokerage with {rows:,} rows")
    screen.say(f"the databases' clocks are set back by {MORNING.seconds // 60} minutes, and run fast from then on")

    def fill(stage: Stage) -> None:
        for table in screen.track(town_module.TABLES, "filling the application's tables"):
            stage.load(f"dbo.{table}", town.rows[table])

    with screen.step("building source, processor, queue and a replica"):
        stage.build(
            schema=[brokerage / "schema.sql"], procedures=sorted((brokerage / "procedures").glob("*.sql")), fill=fill
        )
    with screen.step("saving and activating the notifications"):
        applied = stage.apply(stage.folder / "notifications.toml")
    screen.say(f"{len(applied)} notifications are active; no historic row will be mailed")

    seen = _detected(stage)
    first, second, third = morning.acts(town, now, town_module.listing)
    acts = ((first, 3), (second, 2), (third, 0), ((), 0))
    pause = MORNING / (len(acts) - 1)
    for number, (act, lag) in enumerate(acts, 1):
        for deed in act:
            stage.do(*deed.statements)
            screen.deed(deed.words)
        stage.beat()
        behind = stage.replica.behind
        stage.redo(stage.replica.position + max(behind - lag, 0))
        where = f"the replica lags {lag} transactions behind" if lag else "the replica has caught up"
        report = stage.cycle(screen.progress)
        with screen.sending() as on_progress:
            sent = stage.send(on_progress)
        before, seen = seen, _detected(stage)
        screen.say(f"cycle {number} ({where}): {_words(report, before, seen)}; {_counted(sent.accepted, 'mail')} sent")
        for role in Role:
            tsqlite.clock.advance(stage.path(role), pause if number < len(acts) else dt.timedelta())
    return {"seed": seed, "town": town.name, "rows": rows}


def _detected(stage: Stage) -> tuple[int, int]:
    """Changes that a notification is for: recorded so far, and of them left out when they were recorded."""
    rows = stage.processor(
        "SELECT c.change_id, h.to_state FROM notify.change AS c INNER JOIN notify.change_history AS h "
        "ON h.change_id = c.change_id WHERE h.from_state IS NULL AND (c.reason IS NULL OR "
        "c.reason NOT IN (N'baseline', N'operation'));"
    )
    return len(rows), sum(1 for _, state in rows if state in ("skipped", "superseded"))


def _words(report: Any, before: tuple[int, int], seen: tuple[int, int]) -> str:
    """A cycle in a line, in the words of the table at the end, so that its lines sum up to it."""
    detected, passed_over = seen[0] - before[0], seen[1] - before[1]
    parts = [f"{_counted(detected, 'change')} detected"]
    counts = (
        (passed_over + report.skipped, "skipped"),
        (report.enqueued, "generated"),
        (report.waiting, "waiting"),
        (report.failed, "failed"),
    )
    parts += [f"{count} {word}" for count, word in counts if count]
    return ", ".join(parts) + (f": {_counted(report.messages, 'message')}" if report.messages else "")


def _counted(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


# --- the end ---------------------------------------------------------------------------------------------------------


def _report(stage: Stage, directory: Path, played: dict[str, Any], *, again: bool) -> dict[str, Any]:
    """detected, generated and sent by notification; the audit; where the mails lie."""
    changes = stage.processor(
        "SELECT n.name, c.operation, c.state, c.reason, COUNT(*) AS rows_found FROM notify.change AS c "
        "INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id "
        "WHERE c.reason IS NULL OR c.reason NOT IN (N'baseline', N'operation') "
        "GROUP BY n.name, c.operation, c.state, c.reason;"
    )
    messages = stage.queue(
        "SELECT d.notification_name, m.channel, m.state, COUNT(*) AS messages, m.reason FROM notify.message AS m "
        "INNER JOIN notify.decision AS d ON d.change_key = m.change_key "
        "GROUP BY d.notification_name, m.channel, m.state, m.reason;"
    )
    names = sorted({row[0] for row in changes} | {row[0] for row in messages})
    table = [
        {
            "notification": name,
            "detected": sum(row[4] for row in changes if row[0] == name),
            "skipped": sum(row[4] for row in changes if row[0] == name and row[2] in ("skipped", "superseded")),
            "generated": sum(row[4] for row in changes if row[0] == name and row[2] == "enqueued"),
            "messages": sum(row[3] for row in messages if row[0] == name),
            "sent": sum(row[3] for row in messages if row[0] == name and row[2] == "sent"),
            "waiting_sms": sum(row[3] for row in messages if row[0] == name and row[1] == "sms" and row[2] == "queued"),
            "not_sent": sum(row[3] for row in messages if row[0] == name and row[2] not in ("sent", "queued")),
        }
        for name in names
    ]
    skipped: Counter[tuple[str, str]] = Counter()
    for name, operation, state, reason, count in changes:
        if state in ("skipped", "superseded"):
            skipped[name, reason_words(reason or state, operation)] += count
    not_sent: Counter[tuple[str, str, str]] = Counter()
    for name, channel, state, count, reason in messages:
        if state not in ("sent", "queued"):
            not_sent[name, channel, reason_words(reason or state)] += count
    mails = sorted((directory / "mail").glob("*.eml"))
    key = stage.processor(
        "SELECT TOP (1) c.record_key FROM notify.change AS c INNER JOIN notify.notification AS n "
        "ON n.notification_id = c.notification_id WHERE n.name = N'showing_booked' "
        "GROUP BY c.record_key ORDER BY COUNT(*) DESC, c.record_key;"
    )
    return {
        **played,
        "already_there": again,
        "notifications": table,
        "skipped": [
            {"notification": name, "changes": count, "reason": reason}
            for (name, reason), count in sorted(skipped.items())
        ],
        "not_sent": [
            {"notification": name, "channel": channel, "messages": count, "reason": reason}
            for (name, channel, reason), count in sorted(not_sent.items())
        ],
        "audit": stage.audit(),
        "received_now": len(stage.mails),
        "mails": len(mails),
        "mail_folder": str(directory / "mail"),
        "example_key": json.loads(key[0][0])[0] if key else "1",
    }


def _print(report: dict[str, Any], directory: Path, seed: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from notify.cli.output import print_lines, print_stripped, report_width
    from notify.cli.serve import PORT

    console = Console(highlight=False, width=report_width())
    console.print()
    title = f"What became of the morning in {report['town']}"
    console.print(f"[bold]{title}[/bold]")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="dim", border_style="dim")
    columns = {
        "notification": "notification",
        "detected": "detected",
        "skipped": "skipped",
        "generated": "generated",
        "messages": "messages",
        "sent": "sent",
        "waiting_sms": "SMS wait",
        "not_sent": "not sent",
    }
    for key, words in columns.items():
        heading = words if console.width > 84 else words.replace(" ", "\n")
        table.add_column(heading, justify="left" if key == "notification" else "right", no_wrap=True)
    for row in report["notifications"]:
        table.add_row(*(str(row[key]) for key in columns))
    table.add_section()
    sums = [sum(row[key] for row in report["notifications"]) for key in list(columns)[1:]]
    table.add_row("[bold]all[/bold]", *(f"[bold]{value}[/bold]" for value in sums))
    print_stripped(console, table)
    console.print()
    waiting = sum(row["waiting_sms"] for row in report["notifications"])
    notes = [
        *((f"{item['changes']} skipped, {item['notification']}", item["reason"]) for item in report["skipped"]),
        *(
            (f"{item['messages']} {item['channel']} not sent, {item['notification']}", item["reason"])
            for item in report["not_sent"]
        ),
        *([(f"{waiting} SMS wait", "written and queued; gateways for SMS come later")] if waiting else []),
    ]
    wide = max((len(head) for head, _ in notes), default=0)
    if notes:
        print_lines(((f"{head:{wide}}  ", words) for head, words in notes), dim=True)
        console.print()
    audit = report["audit"]
    good = audit["missing"] == audit["doubled"] == 0
    console.print(
        "[bold]Audit, recomputed from the replica[/bold]\n"
        f"{audit['expected']} expected = {audit['sent']} sent + {audit['in_doubt']} in doubt + "
        f"{audit['pending']} pending + {audit['explained']} explained + "
        f"[bold {'green' if good else 'red'}]{audit['missing']} missing[/];\n"
        f"[bold {'green' if good else 'red'}]{audit['doubled']} doubled[/]\n"
    )
    if report["already_there"]:
        words = _sent_now(report["received_now"])
        console.print(f"Run again: {words}. Another town: --fresh in its place, or another --directory beside it.")
        if seed != report["seed"]:
            console.print(f"This is the town of seed {report['seed']}, not {seed}.", style="yellow")
    console.print(f"{report['mails']} mails lie in [bold]{report['mail_folder']}[/bold] as .eml and .html")
    console.print("[dim]A mail's Date is the real time; notify why tells the time of the clocks set back.[/dim]")
    config = directory / "notify.toml"
    console.print("\n[bold]Three commands to try next[/bold]")
    for command in (
        f"notify why {report['example_key']} --config {config}",
        f"notify preview sale_closed --config {config}",
        f"notify status --config {config}",
    ):
        console.print(f"  [cyan]{_command()}{command.removeprefix('notify')}[/cyan]", soft_wrap=True)
    console.print(
        "\n[bold]To look around with sqlcmd or SSMS[/bold], as in any SQL Server; serve-sql shows the password"
    )
    for line in (f"{_command()} serve-sql --config {config}", f"sqlcmd -S 127.0.0.1,{PORT} -U sa -C -d queue"):
        console.print(f"  [cyan]{line}[/cyan]", soft_wrap=True)


def _sent_now(mails: int) -> str:
    if mails == 0:
        return "nothing was sent twice"
    return "1 mail was sent" if mails == 1 else f"{mails} mails were sent"


def _command() -> str:
    """How this very command is called: in a virtual environment that is not activated it needs its path."""
    here = Path(sys.argv[0])
    found = shutil.which("notify")
    if here.name != "notify" or (found is not None and Path(found).resolve() == here.resolve()):
        return "notify"
    try:
        return str(here.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(here)


class _Screen:
    """What is shown while the morning is played: bars on a terminal, lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console

        from notify.cycle import Quiet

        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self.progress = Quiet()

    def say(self, words: str) -> None:
        """One line."""
        self._print("• ", "green", words)

    def warn(self, words: str) -> None:
        """One line that is not as it should be."""
        self._print("• ", "bold red", words)

    def deed(self, words: str) -> None:
        """What the office did."""
        if not words.startswith("("):
            self._print("    ", "", words, "dim")

    def _print(self, head: str, colour: str, words: str, style: str = "") -> None:
        """Words wrapped beside a head."""
        from rich.text import Text

        from notify.cli.output import LOG_WIDTH

        width = self.console.width if self.console.is_terminal else LOG_WIDTH
        lines = textwrap.wrap(words, width - len(head), break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines):
            first = (head, colour) if number == 0 else (" " * len(head), "")
            self.console.print(Text.assemble(first, (line, style)), soft_wrap=True)

    def step(self, words: str) -> Any:
        """A spinner on a terminal."""
        return self.console.status(words)

    def track(self, items: Any, words: str) -> Any:
        """The items, with a bar."""
        from rich.progress import track

        return track(items, words, console=self.console, transient=True, disable=not self.console.is_terminal)

    def sending(self) -> Any:
        """A bar of mails accepted."""
        return _SendingBar(self.console)


class _SendingBar:
    """A bar without a known end: the queue is drained until nothing is due."""

    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("  sending"), BarColumn(), TextColumn("{task.completed} mails"),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> Callable[[Any], None]:
        self._bar.start()
        task = self._bar.add_task("sending", total=None)

        def show(summary: Any) -> None:
            self._bar.update(task, completed=summary.accepted, total=summary.claimed)

        return show

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
