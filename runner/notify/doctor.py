"""`notify doctor`: what could stand in the way, each with its remedy."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from notify import deploy, revisions
from notify.config import Config, GatewayConfig
from notify.databases import EMBEDDED, Connection, Databases, Role
from notify.errors import DatabaseError, NotifyError, OtherVersion
from notify.indexes import index_statement
from notify.procedures import call, processor, replica

__all__ = ["Check", "examine", "is_own_mailbox", "mailbox_remedy", "other_version", "told_drift"]

CONNECT_SECONDS: Final = 5.0
LEAST_COMPATIBILITY: Final = 140


class Check(NamedTuple):
    """One check: `result` is ok, warning or failed; `remedy` what to do, None when nothing."""

    role: str
    check: str
    result: str
    detail: str
    remedy: str | None = None


def examine(config: Config) -> Iterator[Check]:
    """Every check, one after the other; a server that is down fails its own checks only."""
    where = str(config.path) if config.path else "no notify.toml; environment alone"
    yield Check("config", "configuration", "ok", where)
    for hint in config.hints:
        yield Check("config", "environment", "warning", hint)
    databases = config.databases()
    for role in Role:
        if role not in databases:
            if role is Role.SOURCE:
                yield Check(
                    role, "connection", "warning", "no URL; no cycle needs it, only `notify migrate source` does"
                )
            else:
                yield Check(
                    role, "connection", "failed", "no URL", f"set NOTIFY_{role.upper()}_URL or databases.{role}"
                )
            continue
        try:
            with databases.connection(role) as connection:
                yield Check(role, "connection", "ok", databases[role].shown)
                yield from _role_checks(role, connection)
        except NotifyError as error:
            yield Check(role, "connection", "failed", str(error), "check URL, network, login; then run doctor again")
    yield from _definitions(config, databases)
    for gateway in config.gateways:
        yield _gateway(gateway, mailbox_remedy(config, gateway))
    databases.dispose()


def other_version(config: Config) -> OtherVersion | None:
    """Why this version of notify cannot work on the configured processor or queue; None when it can, or nobody answers.

    For errors that may come of it: it costs a comparison of every procedure.
    """
    databases = config.databases()
    found: OtherVersion | None = None
    for role in (Role.PROCESSOR, Role.QUEUE):
        if role not in databases or found is not None:
            continue
        try:
            with databases.connection(role) as connection:
                revisions.check(connection, role)
                differ = [item.name for item in deploy.drift(connection, role) if item.status in ("new", "changed")]
            if differ:
                found = OtherVersion(f"{role}: {len(differ)} of its procedures are not this version's: {differ[0]} ...")
                found.add_note("notify migrate brings them up to date; notify doctor names them all.")
        except OtherVersion as error:
            found = error
        except NotifyError:
            continue
    databases.dispose()
    return found


def _role_checks(role: Role, connection: Connection) -> Iterator[Check]:
    # The embedded engine is for trying and testing; it has no settings that a shop could get wrong.
    first = (_drift,) if connection.is_embedded else (_drift, _server)
    tables = (_tables,) if role in (Role.PROCESSOR, Role.QUEUE) else ()
    for check in (*tables, *first, *({Role.REPLICA: (_replica,), Role.QUEUE: (_queue,)}.get(role, ()))):
        try:
            yield from check(role, connection)
        except DatabaseError as error:
            yield Check(role, check.__name__.strip("_"), "failed", str(error))


def _tables(role: Role, connection: Connection) -> Iterator[Check]:
    """The tables against the revisions of this version."""
    try:
        revision = revisions.check(connection, role)
    except OtherVersion as error:
        remedy = "\n".join(getattr(error, "__notes__", ()))
        yield Check(role, "tables", "failed", str(error).removeprefix(f"{role}: "), remedy)
        return
    if revision is None:
        detail = f"this login sees no dbo.{revisions.VERSION_TABLE}"
        remedy = f"notify migrate {role}; where that was done, run doctor with the login that did it"
        yield Check(role, "tables", "warning", detail, remedy)
    else:
        yield Check(role, "tables", "ok", f"at revision {revision}, as this version has it")


def _drift(role: Role, connection: Connection) -> Iterator[Check]:
    """Deployed modules against the files."""
    yield from told_drift(role, deploy.drift(connection, Role.SOURCE if role is Role.REPLICA else role))


def told_drift(role: Role, modules: list[deploy.Module]) -> Iterator[Check]:
    """What the comparison of a role's modules means."""
    names: dict[str, list[str]] = {}
    for module in modules:
        names.setdefault(module.status, []).append(module.name)
    new, changed, unseen = names.get("new", []), names.get("changed", []), names.get("unseen", [])
    if new or changed:
        told = ", ".join([*(f"{name} (missing)" for name in new), *changed])
        remedy = f"notify migrate {Role.SOURCE if role is Role.REPLICA else role}" + (
            ", then wait until redo has brought it here" if role is Role.REPLICA else ""
        )
        yield Check(role, "objects", "failed", f"differ from this version's: {told}", remedy)
    elif not unseen:
        yield Check(role, "objects", "ok", f"{len(names.get('same', ()))} modules as this version has them")
    if unseen:
        # Roles hold EXECUTE alone: their members see the names, not the texts.
        remedy = "run doctor with the login that deploys, or GRANT VIEW DEFINITION ON SCHEMA::notify TO its role"
        yield Check(role, "objects", "warning", f"this login may not see the text of {len(unseen)} modules", remedy)
    if extra := names.get("extra"):
        yield Check(role, "objects", "warning", f"in schema notify, but not of this version: {', '.join(extra)}")


def _server(role: Role, connection: Connection) -> Iterator[Check]:
    """Version and the database's settings that the guarantees lean on."""
    (result,) = connection.execute(
        "SELECT d.name, d.compatibility_level, d.recovery_model_desc, d.delayed_durability_desc,"
        " d.is_read_committed_snapshot_on, d.page_verify_option_desc"
        " FROM sys.databases AS d WHERE d.database_id = DB_ID();"
    )
    row = result.one()
    level = row["compatibility_level"]
    if level is not None and level < LEAST_COMPATIBILITY:
        yield Check(
            role,
            "compatibility level",
            "failed",
            f"{row['name']} is at {level}; {LEAST_COMPATIBILITY} (SQL Server 2017) is the least",
            f"ALTER DATABASE {replica.quote_name(row['name'])} SET COMPATIBILITY_LEVEL = {LEAST_COMPATIBILITY};",
        )
    if role not in (Role.PROCESSOR, Role.QUEUE):
        return
    problems = []
    if row["delayed_durability_desc"] not in (None, "DISABLED"):
        problems.append(
            ("delayed durability", row["delayed_durability_desc"], "SET DELAYED_DURABILITY = DISABLED", "failed")
        )
    if row["recovery_model_desc"] == "SIMPLE":
        problems.append(
            (
                "recovery model",
                "SIMPLE: a restore loses what came after the last backup",
                "SET RECOVERY FULL",
                "warning",
            )
        )
    for name, detail, setting, result_word in problems:
        remedy = f"ALTER DATABASE {replica.quote_name(row['name'])} {setting};"
        yield Check(role, name, result_word, str(detail), remedy)
    if not problems:
        yield Check(role, "durability", "ok", "commits are durable, and logged for restores to a point in time")


def _replica(role: Role, connection: Connection) -> Iterator[Check]:
    position = replica.read_position(connection)
    if not position["is_read_only"]:
        yield Check(
            role,
            "read only",
            "failed",
            f"{position['database_name']} can be written to",
            "point the replica's URL at a readable secondary, with ApplicationIntent=ReadOnly",
        )
    else:
        yield Check(role, "read only", "ok", f"the database {position['database_name']} there is read only")
    if position["beat"] is None:
        yield Check(role, "heartbeat", "failed", "there is none", "schedule notify.beat_heartbeat on source: sql/jobs")
    else:
        yield Check(
            role,
            "heartbeat",
            "ok",
            f"beat {position['beat']}, of {position['beat_at']:%Y-%m-%d %H:%M:%S} on source's clock",
        )


RECOVER: Final = "stop the lost queue's senders for good, then: notify recover-queue --lost-at TIME"


def _queue(role: Role, connection: Connection) -> Iterator[Check]:
    row = call(connection, "notify.queue_status")[0].one()
    if row.get("is_trusted"):
        yield Check(role, "identity", "ok", "the queue is the one that it was")
    else:
        yield Check(role, "identity", "failed", "the queue was restored or moved", RECOVER)


def _definitions(config: Config, databases: Databases) -> Iterator[Check]:
    """Indexes, templates and gateways of what is active."""
    from notify.cycle import make_renderer

    if Role.PROCESSOR not in databases:
        return
    try:
        with databases.connection(Role.PROCESSOR) as connection:
            stored = [item for item in processor.get_definitions(connection) if item["state"] in ("active", "paused")]
        catalog = None
        if Role.REPLICA in databases:
            with databases.connection(Role.REPLICA) as connection:
                catalog = replica.read_catalog(connection)
    except NotifyError as error:
        yield Check(Role.PROCESSOR, "definitions", "failed", str(error))
        return
    yield Check(Role.PROCESSOR, "definitions", "ok", f"{len(stored)} notifications active or paused")
    if catalog is not None:
        yield from _indexes(stored, catalog)
    renderer = make_renderer(config)
    served = {gateway.channel for gateway in config.gateways}
    for item in stored:
        for channel, value in item["definition"]["channels"].items():
            problem = renderer.problem(channel, value["template"])
            if problem is not None:
                yield Check(Role.PROCESSOR, f"template of {item['name']}", "failed", problem)
    for channel in sorted({channel for item in stored for channel in item["definition"]["channels"]} - served):
        remedy = f"gateways for {channel} come later" if channel != "email" else "add a [[gateway]] to notify.toml"
        yield Check(
            Role.QUEUE, f"gateway for {channel}", "warning", "there is none: its messages are queued and wait", remedy
        )


def _indexes(stored: list[dict[str, Any]], catalog: replica.Catalog) -> Iterator[Check]:
    leads = {
        (column["schema_name"], column["table_name"], column["column_name"]): bool(column["leads_index"])
        for column in catalog.columns
    }
    seen: set[tuple[str, str, str]] = set()
    for item in stored:
        table = item["definition"]["table"]
        names = [table.get("created"), *(table.get("modified") or ()), table.get("rowversion")]
        for name in names:
            key = (table["schema"], table["name"], name)
            if name is None or key in seen:
                continue
            seen.add(key)
            if key not in leads:
                yield Check(Role.REPLICA, "columns", "failed", f"{'.'.join(key)} is not there any more")
            elif not leads[key]:
                yield Check(
                    Role.REPLICA,
                    "indexes",
                    "warning",
                    f"no usable index leads on {'.'.join(key)}: a scan refuses, unless allow_unindexed",
                    f"on source: {index_statement(*key, table['keys'])}",
                )
    if seen and all(leads.get(key) for key in seen):
        yield Check(Role.REPLICA, "indexes", "ok", f"an index leads on each of {len(seen)} stamp columns")


def _gateway(gateway: GatewayConfig, own: str | None) -> Check:
    """Whether it answers. `own`: how it is started, where it is notify's own mail server and nobody's production."""
    name = f"gateway {gateway.name}"
    redirected = f"; every message goes to {gateway.redirect_to}" if gateway.redirect_to else ""
    if gateway.kind != "smtp":
        return Check("queue", name, "ok", f"{gateway.kind}, for {gateway.channel}{redirected}")
    address = f"{gateway.host}:{gateway.port}"
    try:
        with socket.create_connection((gateway.host, gateway.port), timeout=CONNECT_SECONDS):
            pass
    except OSError as error:
        if own is not None:
            return Check("queue", name, "warning", f"no mail server listens on {address}", own)
        detail = f"{address} cannot be reached: {error.strerror or error}"
        return Check("queue", name, "failed", detail, "check host, port and firewall")
    safe = "TLS" if gateway.tls else "STARTTLS" if gateway.starttls else "no TLS"
    return Check("queue", name, "ok", f"{address} answers ({safe}){redirected}")


def is_own_mailbox(gateway: GatewayConfig) -> bool:
    """Whether `notify serve-mail` can be the mail server that a gateway names."""
    is_plain = not (gateway.tls or gateway.starttls or gateway.username)
    return gateway.kind == "smtp" and is_plain and _is_loopback(gateway.host)


def mailbox_remedy(config: Config, gateway: GatewayConfig) -> str | None:
    """How to start the mail server of a configuration that is there to try; None where it is somebody's own server."""
    is_tried = {url.drivername for url in config.urls.values()} == {EMBEDDED}
    if not is_tried or not is_own_mailbox(gateway):
        return None
    option = f" --config {config.path}" if config.path is not None else ""
    return f"the demo's mail server ends with the demo; start it again, in another terminal:\nnotify serve-mail{option}"


def _is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
