"""One suite, three modes: what stands behind the databases of a test.

    tsqlite  the engine, in the test's own process
    pyodbc   Microsoft's ODBC driver 18 over TDS to the same engine on the same files
    server   SQL Server: NOTIFY_TEST_MSSQL_URL, or a container

A test that asks for the fixture `mode`, itself or through another fixture, runs in every mode that `--mode` names; all others
run once and count as tsqlite. What cannot be had in a mode is said where it is needed: `@pytest.mark.only_in("tsqlite",
because="...")`. After the run each mode has its line. docs/test-modes.md tells people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import pytest
from tests import driver, hosts, sql_server
from tests.hosts import Host

MODES: Final = ("tsqlite", "pyodbc", "server")
DEFAULT: Final = "tsqlite,pyodbc"
IN_PROCESS: Final = {
    "faults": "they kill the process, and step in between its statements",
    "oracle": "they are about what is decided, at thousands of steps a second",
}
"""Folders whose tests run in the mode tsqlite alone, and why."""
HOSTS: Final[dict[str, Callable[[], Host]]] = {
    "tsqlite": hosts.InProcess,
    "pyodbc": hosts.OverTds,
    "server": sql_server.SqlServer,
}


@cache
def reason(mode: str) -> str | None:
    """Why a mode cannot run here; None when it can."""
    if mode == "pyodbc":
        return driver.reason() or hosts.tds_reason()
    return sql_server.reason() or driver.reason() if mode == "server" else None


def chosen(config: pytest.Config) -> list[str]:
    """The modes of this run, in the order of MODES."""
    named = [name.strip() for name in config.getoption("--mode").split(",")]
    if unknown := sorted(set(named) - set(MODES)):
        raise pytest.UsageError(f"--mode {', '.join(unknown)}: choose of {', '.join(MODES)}")
    return [mode for mode in MODES if mode in named]


def mode_of(item: Any) -> str | None:
    """The mode that an item was made for; None when there is only one."""
    callspec = getattr(item, "callspec", None)
    if item.path.parent.name in IN_PROCESS:
        return None
    found = callspec.params.get("mode") if callspec is not None else None
    return str(found) if found is not None else None


# --- hooks, which tests/conftest.py takes over -------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """--mode."""
    parser.addoption(
        "--mode", default=DEFAULT, metavar="MODES", help=f"{', '.join(MODES)}; several with commas (default: {DEFAULT})"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", "only_in(*modes, because): skipped in the other modes, for this reason")
    chosen(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of databases, once a mode."""
    if "mode" not in metafunc.fixturenames:
        return
    cases = []
    modes = chosen(metafunc.config)
    if metafunc.definition.path.parent.name in IN_PROCESS:
        modes = ["tsqlite"]
    for mode in modes:
        why = _exempt(metafunc.definition, mode)
        cases.append(pytest.param(mode, id=mode, marks=[pytest.mark.skip(reason=f"mode {mode}: {why}")] if why else []))
    metafunc.parametrize("mode", cases, indirect=True)


def _exempt(definition: Any, mode: str) -> str | None:
    for mark in definition.iter_markers("only_in"):
        if mode not in mark.args:
            return str(mark.kwargs["because"])
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that run once belong to tsqlite; each report carries its mode. A mode that cannot run has no tests."""
    modes = [mode for mode in chosen(config) if reason(mode) is None]
    for item in items:
        item.user_properties.append(("mode", mode_of(item) or "tsqlite"))
    deselected = [item for item in items if dict(item.user_properties)["mode"] not in modes]
    if deselected:
        items[:] = [item for item in items if dict(item.user_properties)["mode"] in modes]
        config.hook.pytest_deselected(items=deselected)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing to run for want of a mode is no failure: its line says why."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and all(reason(mode) for mode in chosen(session.config)):
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """A line a mode."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            mode = dict(getattr(report, "user_properties", ())).get("mode", "tsqlite")
            counts[str(mode), "failed" if outcome == "error" else outcome] += 1
    for mode in MODES:
        why = reason(mode) if mode in chosen(config) else f"not asked for; --mode {mode}"
        told = ", ".join(f"{counts[mode, outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
        terminalreporter.write_line(f"mode {mode}: " + (f"skipped ({why})" if why else told))


# --- fixtures ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def running_hosts() -> Iterator[dict[str, Host]]:
    """The modes' hosts, as far as a test has asked for them."""
    running: dict[str, Host] = {}
    yield running
    for host in running.values():
        host.close()


@pytest.fixture(scope="session")
def mode(request: pytest.FixtureRequest, running_hosts: dict[str, Host]) -> Host:
    """What the test's databases run on.

    Fixtures of a session that depend on it are made again when the mode changes, which is twice a file: what is dear is
    kept by mode instead (`Host.keep`).
    """
    name = request.param
    if name not in running_hosts:
        running_hosts[name] = HOSTS[name]()
    return running_hosts[name]
