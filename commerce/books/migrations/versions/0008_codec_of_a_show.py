"""Keep in which codec a show's picture is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("shows", sa.Column("codec", sa.String(length=8), nullable=False, server_default="H264"))
