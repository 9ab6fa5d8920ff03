"""Count the pieces that came back on each line, and know each change of an order by its key."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("returned", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("order_changes", sa.Column("key", sa.String(length=64), nullable=True))
    op.create_index("ix_order_changes_order_id_key", "order_changes", ["order_id", "key"], unique=True)
