"""The first books, part one: who sells, what there is, when it is shown."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_contact_reads()
    create_merchants()
    create_persons()
    create_accounts()
    create_contacts()
    create_products()
    create_studios()
    create_shows()
    create_stock()
    create_stock_moves()
    create_allotments()
    create_show_offers()


def create_contact_reads() -> None:
    op.create_table(
        "contact_reads",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("reader", sa.String(length=160), nullable=False),
        sa.Column("purpose", sa.String(length=160), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_reads")),
    )
    op.create_index(op.f("ix_contact_reads_contact_id"), "contact_reads", ["contact_id"], unique=False)


def create_merchants() -> None:
    op.create_table(
        "merchants",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchants")),
    )


def create_persons() -> None:
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )


def create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role = 'operator' OR merchant_id IS NOT NULL", name=op.f("ck_accounts_tenant")),
        sa.CheckConstraint("role IN ('host', 'merchant', 'operator')", name=op.f("ck_accounts_role")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_accounts_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
    )


def create_contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_contacts_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_person_id"), "contacts", ["person_id"], unique=False)


def create_products() -> None:
    op.create_table(
        "products",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("image", sa.String(length=400), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("hs_code", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=2), nullable=False),
        sa.Column("net_quantity", sa.String(length=24), nullable=False),
        sa.Column("net_unit", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("price >= 0", name=op.f("ck_products_price")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_products_merchant_id")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_products")),
    )
    op.create_index(op.f("ix_products_merchant_id"), "products", ["merchant_id"], unique=False)


def create_studios() -> None:
    op.create_table(
        "studios",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_studios_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studios")),
    )
    op.create_index(op.f("ix_studios_merchant_id"), "studios", ["merchant_id"], unique=False)


def create_shows() -> None:
    op.create_table(
        "shows",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=True),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("on_air", sa.Boolean(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("hold_seconds", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('scheduled', 'opened', 'closing', 'closed')", name=op.f("ck_shows_state")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_shows_merchant_id")),
        sa.ForeignKeyConstraint(["studio_id"], ["studios.id"], name=op.f("fk_shows_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shows")),
    )
    op.create_index(op.f("ix_shows_merchant_id"), "shows", ["merchant_id"], unique=False)
    op.create_index("ix_shows_state_starts_at", "shows", ["state", "starts_at"], unique=False)


def create_stock() -> None:
    op.create_table(
        "stock",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("units >= 0 OR place = 'outside'", name=op.f("ck_stock_units")),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_stock_sku")),
        sa.PrimaryKeyConstraint("sku", "place", name=op.f("pk_stock")),
    )


def create_stock_moves() -> None:
    op.create_table(
        "stock_moves",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("source <> target", name=op.f("ck_stock_moves_places")),
        sa.CheckConstraint("units > 0", name=op.f("ck_stock_moves_units")),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_stock_moves_sku")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_moves")),
        sa.UniqueConstraint("key", name=op.f("uq_stock_moves_key")),
    )
    op.create_index(op.f("ix_stock_moves_sku"), "stock_moves", ["sku"], unique=False)


def create_allotments() -> None:
    op.create_table(
        "allotments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("show_id", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('granted', 'archived', 'withdrawn')", name=op.f("ck_allotments_state")),
        sa.CheckConstraint("units > 0 AND returned BETWEEN 0 AND units", name=op.f("ck_allotments_units")),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_allotments_show_id")),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_allotments_sku")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotments")),
        sa.UniqueConstraint("key", name=op.f("uq_allotments_key")),
    )
    op.create_index(op.f("ix_allotments_show_id"), "allotments", ["show_id"], unique=False)


def create_show_offers() -> None:
    op.create_table(
        "show_offers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("show_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("image", sa.String(length=400), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("buyer_limit", sa.BigInteger(), nullable=True),
        sa.Column("allot", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_show_offers_show_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_show_offers")),
    )
    op.create_index("ix_show_offers_show_id_position", "show_offers", ["show_id", "position"], unique=False)
