"""Books with a merchant, scarves on the shelf and a show to sell them in; and evenings to be booked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from commerce.books import Books
from commerce.books.archive import Archived, archived_to, note_archived
from commerce.books.catalogue import Merchant, Product, add_merchant, add_product
from commerce.books.payments import Payment, open_payment
from commerce.books.schedule import Plan, add_studio, schedule_show
from commerce.books.stock import Allotment, grant
from commerce.effects.bookings import book_commits
from commerce.show import commands as c
from commerce.show.commit import Commit
from commerce.show.evolve import fold
from commerce.show.state import State, fresh
from tests.commerce.desk_in_hand import MIDNIGHT_MS, DeskInHand
from tests.commerce.shop import HOLD_SECONDS, TITLE, opening, order, payment

SHOW = "show-1"
MERCHANT = "merchant-1"
SHELF_UNITS = 100


async def stock_books(books: Books, units: int, *, show: str = SHOW, merchant: str = MERCHANT) -> Allotment:
    """A merchant with 100 scarves, a planned show, and `units` of them granted to it."""
    async with books.begin() as tx:
        await add_merchant(tx, Merchant(merchant, {"en": "Silk House", "zh": "丝绸之家"}), MIDNIGHT_MS)
        sku = "scarf" if merchant == MERCHANT else f"scarf-of-{merchant}"
        scarf = Product(
            sku, merchant, TITLE, "scarf.svg", 1_000, "CNY", SHELF_UNITS, "6214100000", "UZ", "1", "piece"
        )
        assert await add_product(tx, scarf, MIDNIGHT_MS) is None
        studio = await add_studio(tx, merchant, "Studio", MIDNIGHT_MS)
        plan = Plan(TITLE, MIDNIGHT_MS, "Asia/Shanghai", "CNY", HOLD_SECONDS, studio.id, show=show)
        await schedule_show(tx, merchant, plan, MIDNIGHT_MS)
        granted = await grant(tx, show, {sku: units}, "opening", MIDNIGHT_MS)
        assert isinstance(granted, list)
    return granted[0]


def open_shop(desk: DeskInHand, allotment: Allotment) -> None:
    """Open the show with the granted stock."""
    granted = c.AllotStock(allotment.id, allotment.sku, allotment.units)
    for command in opening(allotment.units):
        assert desk.ask(granted if isinstance(command, c.AllotStock) else command).accepted


async def open_try(books: Books, order_id: str, name: str, amount: int, ref: str | None = None) -> None:
    """A try to pay, as a checkout would have written it down."""
    async with books.begin() as tx:
        await open_payment(
            tx,
            Payment(name, "sandbox", ref, order_id, SHOW, MERCHANT, amount, "CNY", "open", None, MIDNIGHT_MS),
        )


@dataclass
class Clerk:
    """Books commits as the archivist does, without a server: fold, book, note how far."""

    books: Books
    state: State
    at: Archived

    @classmethod
    async def at_work(cls, books: Books, show: str = SHOW) -> Clerk:
        async with books.read() as tx:
            return cls(books, fresh(show), await archived_to(tx, show))

    async def book(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            if commit.version > self.state.version:
                fold(self.state, commit)
        new = [commit for commit in commits if commit.version > self.at.version]
        if new:
            after = Archived(new[-1].version, new[-1].by)
            async with self.books.begin() as tx:
                await book_commits(tx, self.state, new)
                await note_archived(tx, self.state.show, self.at, after, new[-1].at)
            self.at = after


def an_evening(desk: DeskInHand, rng: random.Random, steps: int = 40) -> None:
    """Random buyers order, pay, pay late, pay twice, cancel and let lapse; then the show closes."""
    orders: list[tuple[str, int]] = []
    for step in range(steps):
        name = f"or-{step}"
        match rng.choice(("order", "order", "pay", "pay", "fail", "unknown", "cancel", "wait", "reprice")):
            case "order":
                offer, price = rng.choice((("single", None), ("pair", 1_800)))
                price = price or desk.state.offers["single"].price
                quantity = rng.randint(1, 3)
                ask = order(name, rng.choice("abc"), offer, quantity, price)
                if desk.ask(ask).accepted:
                    orders.append((name, ask.total))
            case "pay" | "fail" | "unknown" as what if orders:
                outcome = {"pay": "succeeded", "fail": "failed"}.get(what, what)
                to_pay, total = rng.choice(orders)
                payment_id = f"pa-{to_pay}-{rng.randint(1, 2)}"
                desk.ask(payment(to_pay, payment_id, total, outcome))  # type: ignore[arg-type]  # one of three words
            case "cancel" if orders:
                desk.ask(c.CancelOrder(rng.choice(orders)[0]))
            case "wait":
                desk.wait(rng.choice((1, HOLD_SECONDS + 1)))
            case "reprice":
                desk.ask(c.RepriceOffer("single", rng.randint(500, 1_500)))
    desk.ask(c.CloseShow())
    desk.wait(HOLD_SECONDS + 1)
    desk.wait(1)
    for to_pay, total in orders[:2]:
        desk.ask(payment(to_pay, f"pa-{to_pay}-late", total))  # after the end, while the desk still runs
