"""What the sandbox bank remembers: payments, refunds, and words still to be said to the shop, in a file.

Synchronous and used from one thread; every change and the words about it are one transaction, so a killed
bank says after its return what it had to say before.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS payments (
    ref TEXT PRIMARY KEY, payment TEXT NOT NULL UNIQUE, asked TEXT NOT NULL, state TEXT NOT NULL,
    settles_at INTEGER, refunded INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS words (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, due_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting');
CREATE INDEX IF NOT EXISTS words_due ON words (state, due_at);
CREATE TABLE IF NOT EXISTS refunds (key TEXT PRIMARY KEY, id TEXT NOT NULL, ref TEXT NOT NULL, amount INTEGER NOT NULL);
"""  # noqa: E501  a table a line reads better
CHOICES: Final = ("pay", "decline", "later", "never")
MANNERS: Final = ("once", "twice", "late", "unordered")
MOST_TRIES: Final = 15
FIRST_WAIT_MS: Final = 1_000
LONGEST_WAIT_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment as the bank has it. `asked` is the shop's request; `state`: open pending succeeded failed."""

    ref: str
    payment: str
    asked: dict[str, Any]
    state: str
    refunded: int


@dataclass(frozen=True, slots=True)
class Word:
    """One webhook to be delivered."""

    id: str
    body: str
    tries: int


class Conflict(Exception):
    """The same key was used with another body, or the sum is more than there is."""


class Till:
    """The bank's file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.execute("PRAGMA busy_timeout=5000")
        self._sql.executescript(SCHEMA)

    def close(self) -> None:
        self._sql.close()

    def open(self, asked: dict[str, Any]) -> Entry:
        """A payment for the shop's request; the same payment id again gives the same. Raises Conflict."""
        text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        with self._sql:
            self._sql.execute("BEGIN IMMEDIATE")
            self._sql.execute(
                "INSERT INTO payments (ref, payment, asked, state) VALUES (?, ?, ?, 'open')"
                " ON CONFLICT (payment) DO NOTHING",
                (f"sb_{secrets.token_urlsafe(18)}", asked["payment"], text),
            )
            row = self._sql.execute(
                "SELECT ref, asked FROM payments WHERE payment = ?", (asked["payment"],)
            ).fetchone()
        if row[1] != text:
            raise Conflict("this payment id was used with another request")
        entry = self.find(row[0], 0)
        assert entry is not None  # noqa: S101  inserted above, and nothing is ever deleted
        return entry

    def find(self, ref: str, now_ms: int) -> Entry | None:
        """The payment; one that settles later has settled when its time came."""
        row = self._sql.execute(
            "SELECT ref, payment, asked, state, settles_at, refunded FROM payments WHERE ref = ?", (ref,)
        ).fetchone()
        if row is None:
            return None
        ref, payment, asked, state, settles_at, refunded = row
        if state == "pending" and now_ms >= settles_at:
            state = "succeeded"
        return Entry(ref, payment, json.loads(asked), state, refunded)

    def choose(self, ref: str, choice: str, manner: str, *, now_ms: int, late_ms: int) -> Entry | None:
        """What the payer chose; only the first choice counts. Puts the words about it in the queue."""
        state = {"pay": "succeeded", "decline": "failed", "later": "pending", "never": "succeeded"}[choice]
        with self._sql:
            self._sql.execute("BEGIN IMMEDIATE")
            changed = self._sql.execute(
                "UPDATE payments SET state = ?, settles_at = ? WHERE ref = ? AND state = 'open'",
                (state, now_ms + late_ms, ref),
            )
            entry = self.find(ref, now_ms)
            if changed.rowcount and entry is not None:
                for outcome, wait_ms in _words(choice, manner, late_ms):
                    self._say(entry, outcome, said_at=now_ms, due_at=now_ms + wait_ms)
        return entry

    def refund(self, key: str, ref: str, amount: int, now_ms: int) -> str | None:
        """The id of the refund; None for an unknown payment. The same key is one refund. Raises Conflict."""
        with self._sql:
            self._sql.execute("BEGIN IMMEDIATE")
            known = self._sql.execute("SELECT id, ref, amount FROM refunds WHERE key = ?", (key,)).fetchone()
            if known is not None:
                if known[1:] != (ref, amount):
                    raise Conflict("this key was used with another refund")
                return str(known[0])
            entry = self.find(ref, now_ms)
            if entry is None:
                return None
            if entry.state != "succeeded" or entry.refunded + amount > entry.asked["amount"]:
                raise Conflict("more than was paid")
            made = f"sr_{secrets.token_urlsafe(12)}"
            self._sql.execute("INSERT INTO refunds VALUES (?, ?, ?, ?)", (key, made, ref, amount))
            self._sql.execute("UPDATE payments SET refunded = refunded + ? WHERE ref = ?", (amount, ref))
            return made

    # -- words to the shop ---------------------------------------------------------------------------

    def due(self, now_ms: int, most: int) -> list[Word]:
        """Words to be said now, the oldest first."""
        rows = self._sql.execute(
            "SELECT id, body, tries FROM words WHERE state = 'waiting' AND due_at <= ?"
            " ORDER BY due_at LIMIT ?",
            (now_ms, most),
        )
        return [Word(*row) for row in rows]

    def heard(self, word: Word) -> None:
        """The shop said 2xx."""
        self._sql.execute(
            "UPDATE words SET state = 'delivered', tries = ? WHERE id = ?", (word.tries + 1, word.id)
        )

    def unheard(self, word: Word, now_ms: int) -> bool:
        """The shop did not say 2xx: say it again later, or give it up; True when given up."""
        tries = word.tries + 1
        wait_ms = min(FIRST_WAIT_MS << word.tries, LONGEST_WAIT_MS)
        state = "given_up" if tries >= MOST_TRIES else "waiting"
        self._sql.execute(
            "UPDATE words SET tries = ?, due_at = ?, state = ? WHERE id = ?",
            (tries, now_ms + wait_ms, state, word.id),
        )
        return state == "given_up"

    def next_due(self) -> int | None:
        """When the next word is due, Unix ms."""
        row = self._sql.execute("SELECT min(due_at) FROM words WHERE state = 'waiting'").fetchone()
        return None if row[0] is None else int(row[0])

    def _say(self, entry: Entry, outcome: str, *, said_at: int, due_at: int) -> None:
        word = f"ev_{secrets.token_urlsafe(12)}"
        named = {name: entry.asked[name] for name in ("payment", "order", "amount", "currency")}
        body = {"id": word, "said_at": said_at, "ref": entry.ref, **named, "outcome": outcome}
        self._sql.execute(
            "INSERT INTO words (id, body, due_at) VALUES (?, ?, ?)",
            (word, json.dumps(body, sort_keys=True), due_at),
        )


def _words(choice: str, manner: str, late_ms: int) -> list[tuple[str, int]]:
    """What the bank says, and how many ms from now."""
    if choice == "never":
        return []
    if choice == "later":
        return [("unknown", 0), ("succeeded", late_ms)]
    outcome = "succeeded" if choice == "pay" else "failed"
    return {
        "once": [(outcome, 0)],
        "twice": [(outcome, 0), (outcome, 0)],
        "late": [(outcome, late_ms)],
        "unordered": [(outcome, 0), ("unknown", 1_000)],
    }[manner]
