"""What the tables of the books are made of: one metadata, and columns of the few kinds that there are.

Amounts are integers in minor units, times Unix milliseconds. Knows no table.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID_LENGTH = 64
RowNumber = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up INTEGER keys alone


def identity(name: str, **options: Any) -> Column[str]:
    return Column(name, String(ID_LENGTH), **options)


def reference(name: str, target: str, *, nullable: bool = False, **options: Any) -> Column[str]:
    return Column(name, String(ID_LENGTH), ForeignKey(target), nullable=nullable, **options)


def integer(name: str, *, nullable: bool = False, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, **options)


def text(name: str, length: int, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(length), nullable=nullable)
