"""${message}: the reviewed text is the .sql file beside this one."""

import re
from pathlib import Path

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    for batch in re.split(r"(?im)^\s*GO\s*$", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")):
        if batch.strip():
            op.get_bind().exec_driver_sql(batch)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
