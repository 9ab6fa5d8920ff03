"""A shop whose archivist and mailer are called by hand: one buyer gave an address, one did not."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from commerce.books import Books
from commerce.books.persons import Contact, store_contact
from commerce.books.tables import mails
from commerce.effects.bookings import book_commits
from commerce.effects.mailing import Mailer
from commerce.effects.settings import MailServer, MailSettings
from commerce.show import commands as c
from commerce.show.evolve import fold
from commerce.show.state import fresh
from tests.commerce.desk_in_hand import MIDNIGHT_MS, DeskInHand
from tests.commerce.effects.post_office import PostOffice
from tests.commerce.shop import order
from tests.commerce.stocked import SHOW, open_shop, stock_books

ANN = Contact("Анна", "+7 701 000 00 00", "Алматы, Абая 1", "ann@example.org", "ru")
BOB = Contact("Bob", "+7 701 000 00 01", "Almaty")  # gave no address
SENDER, ORIGIN = "shop@silk.example", "https://silk.example"


@dataclass
class Round:
    """A shop whose archivist and mailer are called by hand."""

    books: Books
    office: PostOffice
    mailer: Mailer
    desk: DeskInHand
    contacts: dict[str, str]
    booked: int = 0

    async def book(self) -> None:
        """What the archivist does with the commits that are new."""
        state = fresh(SHOW)
        for commit in self.desk.commits:
            fold(state, commit)
        async with self.books.begin() as tx:
            await book_commits(tx, state, self.desk.commits[self.booked :], mails=True)
        self.booked = len(self.desk.commits)

    def buy(self, name: str, buyer: str) -> None:
        wish = order(name, buyer)
        assert self.desk.ask(
            c.PlaceOrder(name, buyer, self.contacts[buyer], wish.lines, 0, 0, 0, wish.total)
        ).accepted

    async def states(self) -> list[tuple[str, str]]:
        async with self.books.read() as tx:
            return [(row.kind, row.state) for row in await tx.execute(select(mails).order_by(mails.c.id))]


async def begin_round(books: Books, office: PostOffice) -> Round:
    where = MailServer("127.0.0.1", office.port, "none")
    wanted = MailSettings(
        server=where, sender=SENDER, user="", password_file=None, ca_file=None, public_url=ORIGIN
    )
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books, 10))
    async with books.begin() as tx:
        contacts = {
            name: await store_contact(tx, books.keyring, name, contact, MIDNIGHT_MS)
            for name, contact in (("ann", ANN), ("bob", BOB))
        }
    return Round(books, office, Mailer(books, wanted), desk, contacts)
