"""The lasting SQL records: catalogue, schedule, accounts, persons, stock, orders from *paid* on, postings."""

from commerce.books.database import Books, open_books

__all__ = ["Books", "open_books"]
