"""A mail to a buyer as it goes over the wire. Pure: the same mail gives the same bytes, whenever it is sent.

Its Message-ID is made of the effect's key, so that a mailbox that gets it twice shows it once (RFC 5322
section 3.6.4). Headers are made of our words and ids alone, and the library refuses a line end in any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from commerce.books.mails import Mail
from commerce.books.money import written
from commerce.books.persons import Contact
from commerce.effects.letter_words import say


def letter(mail: Mail, contact: Contact, sender: str, origin: str) -> EmailMessage:
    """The message. Raises ValueError or MessageError when an address cannot stand in a header."""
    language, number = contact.language, mail.order.partition(".")[0].upper()
    made = EmailMessage(SMTP)
    made["Message-ID"] = message_id(mail.key, sender)
    made["Date"] = datetime.fromtimestamp(mail.created_at / 1000, UTC)
    made["From"] = Address("Silkcast", addr_spec=sender)
    made["To"] = Address(addr_spec=contact.email)
    made["Subject"] = say(mail.kind, language, number=number)
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    made.set_content("\n".join(_text(mail, language, origin)) + "\n", cte="base64")
    made["Content-Language"] = language
    return made


def message_id(key: str, sender: str) -> str:
    """One id for each key."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"


def _text(mail: Mail, language: str, origin: str) -> list[str]:
    said = mail.details
    values: dict[str, object] = {}
    if "held_until" in said:
        values["until"] = datetime.fromtimestamp(said["held_until"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    if "amount" in said:
        values["amount"] = written(said["amount"], said["currency"], language)
    text = say(f"{mail.kind}_text", language, **values)
    return [text, "", f"{origin}/orders/{mail.order}", *_goods(said, language), "", say("where", language)]


def _goods(said: Mapping[str, Any], language: str) -> list[str]:
    if "lines" not in said:
        return []
    rows = [""]
    for line in said["lines"]:
        title = (
            line["title"].get(language) or line["title"].get("en") or next(iter(line["title"].values()), "")
        )
        price = written(line["price"] * line["quantity"], said["currency"], language)
        rows.append(f"{line['quantity']} × {title} — {price}")
    return [*rows, f"{say('total', language)}: {written(said['total'], said['currency'], language)}"]
