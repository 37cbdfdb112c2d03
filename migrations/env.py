"""Alembic's entry for both histories: `alembic -n processor ...` and `alembic -n queue ...`, or `notify migrate`.

`notify migrate` hands over its connection; by hand, the URL comes from notify.toml or NOTIFY_<ROLE>_URL as everywhere.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from notify.config import load_config
from notify.databases import Role
from notify.deploy import VERSION_TABLE


def run(connection: Connection) -> None:
    """Runs the revisions, each in one transaction with its stamp."""
    context.configure(
        connection=connection, version_table=VERSION_TABLE, transactional_ddl=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("for T-SQL to review, use: notify script processor | queue")

given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    databases = load_config().databases()
    engine = databases[Role(context.config.config_ini_section)].engine
    with engine.execution_options(isolation_level="READ COMMITTED").connect() as opened:
        run(opened)
