"""Followers of the logs that act on the outside: books, stage, refunds, reconciliation."""
