"""Every table of the queue: the reviewed text is 0001_initial.sql."""

import re
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    for batch in re.split(r"(?im)^\s*GO\s*$", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")):
        if batch.strip():
            op.get_bind().exec_driver_sql(batch)


def downgrade() -> None:
    raise NotImplementedError("The first revision is not undone: drop the database instead.")
