"""No accepted command of staff is without its line in the trail: the archivist writes it from the log."""

from __future__ import annotations

from typing import get_args

from commerce.books import Books
from commerce.books.audit import list_acts
from commerce.effects.acts import ABOUT, WITH_THE_BOOKS, lines_of
from commerce.show import commands as c
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import order
from tests.commerce.stocked import SHOW, Clerk, open_shop, stock_books

MEI = "staff:mei"


def busy_evening(desk: DeskInHand) -> list[tuple[str, str, dict[str, object]]]:
    """What staff did after the opening: act, subject, details without the version."""
    desk.ask(c.PinOffer("single", 90_000), MEI)
    desk.ask(c.RepriceOffer("single", 900), MEI)
    desk.ask(c.RepriceOffer("single", 900), MEI)  # so already: accepted, and of no effect
    assert not desk.ask(c.RepriceOffer("none", 1), MEI).accepted
    desk.ask(order("or-1", price=900), "buyer:ann")
    desk.ask(c.CancelOrder("or-1"), MEI, "cancel")
    desk.ask(c.CancelOrder("or-1"), MEI, "cancel")  # the same request once more
    desk.ask(c.PutOnAir("st-1"), MEI)
    desk.ask(c.WithdrawOffer("single"), MEI)
    desk.ask(c.CloseShow(), MEI)
    return [
        ("PinOffer", SHOW, {"offer": "single"}),
        ("RepriceOffer", SHOW, {"offer": "single", "price": 900}),
        ("RepriceOffer", SHOW, {}),
        ("CancelOrder", "or-1", {}),
        ("PutOnAir", SHOW, {"studio": "st-1"}),
        ("WithdrawOffer", SHOW, {"offer": "single"}),
        ("CloseShow", SHOW, {}),
    ]


async def test_every_accepted_command_of_staff_has_its_line_once(books: Books) -> None:
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books, 10))
    done = busy_evening(desk)
    clerk = await Clerk.at_work(books)
    await clerk.book(desk.commits[:6])
    await (await Clerk.at_work(books)).book(desk.commits)  # another one, that begins where the books are
    async with books.read() as tx:
        lines = (await list_acts(tx))[::-1]
    versions = [line.details["version"] for line in lines]
    assert [(line.act, line.subject, {**line.details, "version": 0}) for line in lines] == [
        (act, subject, {**about, "version": 0}) for act, subject, about in done
    ]
    assert {line.actor for line in lines} == {MEI}
    assert versions == sorted(set(versions))


def test_what_the_books_did_first_has_its_line_there() -> None:
    desk = DeskInHand(SHOW)
    desk.ask(c.OpenShow({"en": "Silk"}, "CNY", 300, "merchant-1"), MEI)
    desk.ask(c.AllotStock("grant-1", "scarf", 1), MEI)
    assert lines_of(SHOW, desk.commits) == []
    known = {command.__name__ for command in get_args(c.Command)}
    assert known >= WITH_THE_BOOKS | ABOUT.keys()
