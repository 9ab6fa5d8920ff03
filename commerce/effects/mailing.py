"""Sends the mails that are due, through the mail server of the settings; each claimed before, noted after.

A crash after the server took a mail and before that was noted sends it again a minute later, byte for byte
the same: more than that SMTP does not offer. Addresses are read here alone, and every read is written down.
"""

from __future__ import annotations

import contextlib
import ssl
from email.errors import MessageError
from typing import Final, Literal

import aiosmtplib
import structlog
from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from prometheus_client import Counter

from commerce.books import Books
from commerce.books.mails import NEWS_MS, Mail, claim_mail, close_mail, due_mails, put_mail_off
from commerce.books.persons import Contact, full_contact
from commerce.effects.letters import letter
from commerce.effects.settings import MailSettings

AT_ONCE: Final = 50
READER: Final = "effects:mail"
PATIENCE_SECONDS: Final = 15.0
MAILS: Final = Counter("effects_mails", "Mails to buyers, by what came of them", ["result"])
Result = Literal["sent", "refused", "later", "unreachable"]

log = structlog.get_logger("mail")


class Mailer:
    """Sends for one shop."""

    def __init__(self, books: Books, wanted: MailSettings, password: str = "") -> None:
        self._books, self._wanted, self._password = books, wanted, password
        self._trust = ssl.create_default_context()
        if wanted.ca_file is not None:
            self._trust.load_verify_locations(wanted.ca_file)

    async def send_due(self, now_ms: int) -> int:
        """Send what is due now; how many the server took. One connection for all of them."""
        async with self._books.read() as tx:
            due = await due_mails(tx, now_ms, AT_ONCE)
        if not due:
            return 0
        server = self._server()
        try:
            await server.connect()
            if self._wanted.user:
                await server.login(self._wanted.user, self._password)
        except (SMTPException, OSError) as error:
            log.warning("the mail server cannot be used", why=type(error).__name__, waiting=len(due))
            return 0
        try:
            return sum([await self._send(server, mail, now_ms) == "sent" for mail in due])
        finally:
            with contextlib.suppress(SMTPException, OSError):
                await server.quit()

    def _server(self) -> SMTP:
        where = self._wanted.server
        assert where is not None  # noqa: S101  without a server there is no mailer
        return SMTP(
            hostname=where.host, port=where.port, timeout=PATIENCE_SECONDS, use_tls=where.tls == "tls",
            start_tls=where.tls == "starttls", tls_context=None if where.tls == "none" else self._trust,
        )  # fmt: skip

    async def _send(self, server: SMTP, mail: Mail, now_ms: int) -> Result:
        contact = await self._claim(mail, now_ms)
        if contact is None:
            return "unreachable"
        result = await self._hand_over(server, mail, contact)
        async with self._books.begin() as tx:
            if result == "later" and now_ms - mail.created_at < NEWS_MS:
                await put_mail_off(tx, mail, now_ms)
            else:
                await close_mail(tx, mail, "sent" if result == "sent" else "dropped", now_ms)
        MAILS.labels(result).inc()
        log.info("mail", key=mail.key, kind=mail.kind, result=result, tries=mail.tries + 1)
        return result

    async def _claim(self, mail: Mail, now_ms: int) -> Contact | None:
        """The address, once the mail is ours; None when it is another's, or the person was erased."""
        async with self._books.begin() as tx:
            if not await claim_mail(tx, mail, now_ms):
                return None
            found = await full_contact(
                tx, self._books.keyring, mail.contact, reader=READER, purpose=mail.kind, now_ms=now_ms
            )
            if isinstance(found, Contact) and found.email:
                return found
            await close_mail(tx, mail, "dropped", now_ms)
            return None

    async def _hand_over(self, server: SMTP, mail: Mail, contact: Contact) -> Result:
        try:
            made = letter(mail, contact, self._wanted.sender, self._wanted.origin)
        except (ValueError, MessageError):
            return "refused"  # an address that no header takes
        try:
            await server.send_message(made)
        except SMTPRecipientsRefused as refused:
            return "refused" if all(one.code >= 500 for one in refused.recipients) else "later"
        except aiosmtplib.SMTPSenderRefused:
            return "later"  # ours to mend
        except SMTPResponseException as error:
            return "refused" if error.code >= 500 else "later"
        except (SMTPException, OSError):
            return "later"
        return "sent"
