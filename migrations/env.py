"""Alembic's entry for both histories: `alembic -n processor ...` and `alembic -n queue ...`, or `notify migrate`.

`notify migrate` hands over its connection; by hand, the URL comes from notify.toml or NOTIFY_<ROLE>_URL as everywhere.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection

from notify.config import load_config
from notify.databases import Role
from notify.revisions import VERSION_TABLE, keep_fingerprint


def run(connection: Connection, role: Role) -> None:
    """Runs the revisions, each in one transaction with its stamp and its fingerprint."""

    def keep(*, ctx: Any, step: Any, **_: Any) -> None:
        for revision in step.up_revision_ids:
            keep_fingerprint(ctx.connection, role, revision)

    context.configure(
        connection=connection,
        version_table=VERSION_TABLE,
        transactional_ddl=True,
        transaction_per_migration=True,
        on_version_apply=keep,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("for T-SQL to review, use: notify script processor | queue")

attributes = context.config.attributes
if "connection" in attributes:
    run(attributes["connection"], attributes["role"])
else:
    chosen = Role(context.config.config_ini_section)
    engine = load_config().databases()[chosen].engine
    with engine.execution_options(isolation_level="READ COMMITTED").connect() as opened:
        run(opened, chosen)
