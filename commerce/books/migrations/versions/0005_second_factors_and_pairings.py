"""How staff and studios prove who they are, and what was answered to requests with a key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_second_factors()
    create_recovery_codes()
    create_studio_pairings()
    create_kept_answers()


def create_second_factors() -> None:
    op.create_table(
        "second_factors",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_second_factors_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factors")),
    )


def create_recovery_codes() -> None:
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recovery_codes_account_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_account_id"), "recovery_codes", ["account_id"], unique=False)


def create_studio_pairings() -> None:
    op.create_table(
        "studio_pairings",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("former", sa.String(length=64), nullable=True),
        sa.Column("paired_by", sa.String(length=160), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["studio_id"], ["studios.id"], name=op.f("fk_studio_pairings_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_pairings")),
        sa.UniqueConstraint("digest", name=op.f("uq_studio_pairings_digest")),
        sa.UniqueConstraint("former", name=op.f("uq_studio_pairings_former")),
    )
    op.create_index(op.f("ix_studio_pairings_studio_id"), "studio_pairings", ["studio_id"], unique=False)


def create_kept_answers() -> None:
    op.create_table(
        "kept_answers",
        sa.Column("actor", sa.String(length=160), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_at"), "kept_answers", ["at"], unique=False)
