"""The tables of people and of what they may: merchants, staff, studios, persons.

A part of `tables.py`, which hands all of them on; never imported alone, or the metadata would be half of it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
)

from commerce.books.columns import ID_LENGTH, RowNumber, identity, integer, metadata, reference, text

# -- who ------------------------------------------------------------------------------------------

merchants = Table(
    "merchants",
    metadata,
    identity("id", primary_key=True),
    Column("name", JSON, nullable=False),  # language -> text
    Column("details", JSON, nullable=False),  # what an invoice says of the merchant: address, tax number
    integer("created_at"),
)

accounts = Table(
    "accounts",
    metadata,
    identity("id", primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),  # argon2id, PHC form
    text("role", 16),
    reference("merchant_id", "merchants.id", nullable=True),
    integer("created_at"),
    integer("disabled_at", nullable=True),
    CheckConstraint("role IN ('host', 'merchant', 'operator')", name="role"),
    CheckConstraint("role = 'operator' OR merchant_id IS NOT NULL", name="tenant"),
)

studios = Table(
    "studios",
    metadata,
    identity("id", primary_key=True),
    reference("merchant_id", "merchants.id", index=True),
    text("name", 120),
    Column("generation", Integer, nullable=False),  # of the pairing; raised to revoke its tokens
    integer("created_at"),
)

# -- persons: everything that names one is sealed under a key of that person's own -------------------

persons = Table(
    "persons",
    metadata,
    identity("id", primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=True),  # null: erased, and no one can read them again
    integer("created_at"),
    integer("erased_at", nullable=True),
)

contacts = Table(
    "contacts",
    metadata,
    identity("id", primary_key=True),
    reference("person_id", "persons.id", index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("reachable", Boolean, nullable=False, server_default=false()),  # an e-mail address is among it
    integer("created_at"),
)

contact_reads = Table(
    "contact_reads",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    identity("contact_id", nullable=False, index=True),
    text("reader", 160),
    text("purpose", 160),
    integer("at"),
)

# -- how staff and studios prove who they are ----------------------------------------------------------

second_factors = Table(
    "second_factors",
    metadata,
    reference("account_id", "accounts.id", primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # the shared secret, under the key of the account's person
    Column("last_step", BigInteger, nullable=False),  # of the last code taken (RFC 6238): none is taken twice
    integer("created_at"),
    integer("confirmed_at", nullable=True),  # null: enrolled, and not asked for yet
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", String(64), primary_key=True),  # keyed: the code cannot be guessed from the books
    reference("account_id", "accounts.id", index=True),
    integer("used_at", nullable=True),
)

studio_pairings = Table(  # agents that may publish for a studio, each with a credential that it renews
    "studio_pairings",
    metadata,
    identity("id", primary_key=True),
    reference("studio_id", "studios.id", index=True),
    text("agent", 120),  # what it called itself
    Column("digest", String(64), nullable=False, unique=True),  # of the credential that it holds
    Column("former", String(64), nullable=True, unique=True),  # of the one before, until this one is used
    text("paired_by", 160),
    integer("created_at"),
    integer("renewed_at"),
    integer("revoked_at", nullable=True),
)

kept_answers = Table(  # what was answered to a request with a key, for whoever repeats it
    "kept_answers",
    metadata,
    Column("actor", String(160), primary_key=True),
    Column("key", String(ID_LENGTH), primary_key=True),
    text("fingerprint", 64),
    Column("body", Text, nullable=False),
    integer("at"),
    Index("ix_kept_answers_at", "at"),
)
