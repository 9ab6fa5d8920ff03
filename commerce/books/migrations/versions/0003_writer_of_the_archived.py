"""Remember which desk wrote the last archived commit, so that another log cannot be taken for its sequel."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column(
        "archived", sa.Column("written_by", sa.String(length=32), nullable=False, server_default="")
    )
