"""The tables of the books. Amounts are integers in minor units, times Unix milliseconds.

Knows columns and the rules a database can keep by itself; never how or when a row is written. The schema of
a running database is made by `migrations/` alone; a test holds both to be the same.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from commerce.books.columns import ID_LENGTH, RowNumber, identity, integer, metadata, reference, text
from commerce.books.people_tables import (
    accounts,
    contact_reads,
    contacts,
    kept_answers,
    merchants,
    persons,
    recovery_codes,
    second_factors,
    studio_pairings,
    studios,
)
from commerce.show.language import USUAL_CODEC

__all__ = [  # handed on, so that whoever imports a table has the whole metadata
    "accounts",
    "contact_reads",
    "contacts",
    "kept_answers",
    "merchants",
    "metadata",
    "persons",
    "recovery_codes",
    "second_factors",
    "studio_pairings",
    "studios",
]

# -- goods ------------------------------------------------------------------------------------------

products = Table(
    "products",
    metadata,
    identity("sku", primary_key=True),
    reference("merchant_id", "merchants.id", index=True),
    Column("title", JSON, nullable=False),  # language -> text
    Column("description", JSON, nullable=False),
    Column("image", String(400), nullable=True),
    integer("price"),
    text("currency", 3),
    text("hs_code", 16),
    text("origin", 2),  # ISO 3166-1
    text("net_quantity", 24),  # a decimal as written on the label
    text("net_unit", 16),
    integer("created_at"),
    integer("withdrawn_at", nullable=True),
    CheckConstraint("price >= 0", name="price"),
)

stock = Table(  # the sum of stock_moves, kept in the same transaction
    "stock",
    metadata,
    reference("sku", "products.sku", primary_key=True),
    Column("place", String(80), primary_key=True),
    integer("units"),
    CheckConstraint("units >= 0 OR place = 'outside'", name="units"),
)

stock_moves = Table(
    "stock_moves",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),  # a move is made once for each key
    reference("sku", "products.sku", index=True),
    text("source", 80),
    text("target", 80),
    integer("units"),
    integer("at"),
    CheckConstraint("units > 0", name="units"),
    CheckConstraint("source <> target", name="places"),
)

# -- the schedule -----------------------------------------------------------------------------------

shows = Table(
    "shows",
    metadata,
    identity("id", primary_key=True),
    reference("merchant_id", "merchants.id", index=True),
    reference("studio_id", "studios.id", nullable=True),
    Column("title", JSON, nullable=False),
    text("state", 16),
    Column("on_air", Boolean, nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("codec", String(8), nullable=False, server_default=USUAL_CODEC),  # of the picture
    integer("starts_at"),
    text("time_zone", 64),
    text("currency", 3),
    Column("hold_seconds", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    integer("created_at"),
    integer("closed_at", nullable=True),
    CheckConstraint("state IN ('scheduled', 'opened', 'closing', 'closed')", name="state"),
    Index("ix_shows_state_starts_at", "state", "starts_at"),
)

show_offers = Table(
    "show_offers",
    metadata,
    identity("id", primary_key=True),
    reference("show_id", "shows.id"),
    Column("position", Integer, nullable=False),
    Column("title", JSON, nullable=False),
    Column("image", String(400), nullable=True),
    Column("lines", JSON, nullable=False),  # [{"sku", "units"}]
    integer("price"),
    integer("before", nullable=True),
    integer("cap", nullable=True),
    integer("buyer_limit", nullable=True),
    Column("allot", JSON, nullable=False),  # sku -> units to be granted at the opening
    Index("ix_show_offers_show_id_position", "show_id", "position"),
)

allotments = Table(
    "allotments",
    metadata,
    identity("id", primary_key=True),
    reference("show_id", "shows.id", index=True),
    reference("sku", "products.sku"),
    Column("key", String(200), nullable=False, unique=True),
    integer("units"),
    integer("returned"),
    text("state", 16),  # granted: left the shelf · archived: the log has it · withdrawn: it never arrived
    integer("granted_at"),
    CheckConstraint("state IN ('granted', 'archived', 'withdrawn')", name="state"),
    CheckConstraint("units > 0 AND returned BETWEEN 0 AND units", name="units"),
)

# -- orders, from paid on ----------------------------------------------------------------------------

orders = Table(
    "orders",
    metadata,
    identity("id", primary_key=True),
    reference("show_id", "shows.id", index=True),
    reference("merchant_id", "merchants.id"),
    identity("buyer_id", nullable=False, index=True),
    identity("contact_id", nullable=False),
    text("state", 16),
    Column("version", Integer, nullable=False),
    text("currency", 3),
    integer("goods"),
    integer("freight"),
    integer("tax"),
    integer("discount"),
    integer("total"),
    integer("refunded"),
    identity("payment_id", nullable=False),
    text("provider", 32),
    integer("placed_at"),
    integer("paid_at"),
    integer("changed_at"),
    CheckConstraint(
        "state IN ('paid', 'declared', 'cleared', 'shipped', 'delivered', 'returned', 'refunded')",
        name="state",
    ),
    CheckConstraint("goods + freight + tax - discount = total", name="total"),
    CheckConstraint("refunded BETWEEN 0 AND total", name="refunded"),
    Index("ix_orders_merchant_id_paid_at_id", "merchant_id", "paid_at", "id"),
)

order_lines = Table(
    "order_lines",
    metadata,
    reference("order_id", "orders.id", primary_key=True),
    Column("number", Integer, primary_key=True),
    identity("offer_id", nullable=False),
    Column("title", JSON, nullable=False),
    Column("image", String(400), nullable=True),
    integer("quantity"),
    integer("price"),
    Column("goods", JSON, nullable=False),  # [{"sku", "units"}] of one piece of the offer
    integer("returned", server_default="0"),  # pieces that came back
    CheckConstraint("quantity > 0 AND price >= 0", name="amounts"),
)

order_changes = Table(
    "order_changes",
    metadata,
    reference("order_id", "orders.id", primary_key=True),
    Column("version", Integer, primary_key=True),
    text("state", 16),
    text("actor", 160),
    text("reason", 400),
    Column("key", String(ID_LENGTH), nullable=True),  # of whoever asked for the change
    Column("print", String(32), nullable=True),  # of what was asked under that key
    integer("at"),
    Index("ix_order_changes_order_id_key", "order_id", "key", unique=True),
)

returns = Table(  # goods that a buyer wants to send back
    "returns",
    metadata,
    identity("id", primary_key=True),
    reference("order_id", "orders.id", index=True),
    Column("lines", JSON, nullable=False),  # [{"line", "pieces"}]
    text("reason", 32),  # one of a few words: free text would be about a person
    text("state", 16),
    integer("asked_at"),
    integer("changed_at"),
    CheckConstraint("state IN ('asked', 'received', 'declined')", name="state"),
)

# -- money --------------------------------------------------------------------------------------------

postings = Table(
    "postings",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),  # a posting is made once for each key
    text("kind", 32),
    identity("order_id", nullable=True, index=True),
    identity("show_id", nullable=True, index=True),
    integer("at"),
)

posting_lines = Table(
    "posting_lines",
    metadata,
    Column("posting_id", RowNumber, ForeignKey("postings.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account", String(120), nullable=False, index=True),
    integer("amount"),  # debit above zero, credit below; a posting sums to zero in each currency
    text("currency", 3),
    CheckConstraint("amount <> 0", name="amount"),
)

payments = Table(  # one try to pay one order
    "payments",
    metadata,
    identity("id", primary_key=True),
    text("provider", 32),
    Column("provider_ref", String(200), nullable=True),  # the firm's own id, once it told us
    identity("order_id", nullable=False, index=True),
    reference("show_id", "shows.id"),
    reference("merchant_id", "merchants.id"),
    integer("amount"),
    text("currency", 3),
    text("state", 16),
    Column("pay_url", Text, nullable=True),
    integer("created_at"),
    integer("changed_at"),
    CheckConstraint("state IN ('open', 'succeeded', 'failed', 'unknown')", name="state"),
    CheckConstraint("amount > 0", name="amount"),
    UniqueConstraint("provider", "provider_ref"),
    Index("ix_payments_state_created_at", "state", "created_at"),
)

payment_messages = Table(  # what was said to the firm and what it said, byte for byte
    "payment_messages",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),
    reference("payment_id", "payments.id", index=True),
    text("kind", 16),  # session · webhook · refund · query
    Column("request", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("verdict", String(32), nullable=True),  # what became of a webhook
    integer("at"),
)

refunds = Table(
    "refunds",
    metadata,
    identity("id", primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    reference("payment_id", "payments.id", index=True),
    identity("order_id", nullable=False, index=True),
    reference("show_id", "shows.id"),
    integer("amount"),
    text("currency", 3),
    text("reason", 64),
    text("state", 16),
    Column("provider_ref", String(200), nullable=True),
    Column("tries", Integer, nullable=False),
    integer("next_try_at"),
    integer("created_at"),
    integer("changed_at"),
    CheckConstraint("state IN ('due', 'made', 'refused')", name="state"),
    CheckConstraint("amount > 0", name="amount"),
    Index("ix_refunds_state_next_try_at", "state", "next_try_at"),
)

mails = Table(  # what buyers are told; names the contact, never what is in it
    "mails",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),  # of the effect: its Message-ID is made of it
    text("kind", 16),
    identity("order_id", nullable=False),
    reference("contact_id", "contacts.id"),
    Column("details", JSON, nullable=False),
    text("state", 16),
    Column("tries", Integer, nullable=False),
    integer("next_try_at"),
    integer("created_at"),
    integer("changed_at"),
    CheckConstraint("state IN ('due', 'sent', 'dropped')", name="state"),
    Index("ix_mails_state_next_try_at", "state", "next_try_at"),
)

# -- the archive ---------------------------------------------------------------------------------------

archived = Table(  # how far the log of a show is in the books; moves in the transaction of the bookings
    "archived",
    metadata,
    identity("show_id", primary_key=True),
    integer("version"),
    Column("written_by", String(32), nullable=False, server_default=""),  # the desk of that commit
    integer("at"),
)

records = Table(  # what has to be kept three years, chained so that a change shows
    "records",
    metadata,
    Column("chain", String(80), primary_key=True),
    integer("number", primary_key=True),
    text("kind", 32),
    Column("body", Text, nullable=False),  # canonical JSON: hashed as it stands
    integer("at"),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit = Table(  # privileged acts of staff
    "audit",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    text("actor", 160),
    text("act", 80),
    text("subject", 160),
    Column("details", JSON, nullable=False),
    integer("at"),
)
