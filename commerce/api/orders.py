"""Placing, reading, cancelling and paying an order.

An order's id ends in its show (`or-….sh-…`), so that it is found in a log before the books have it.
The contact is sealed in the books first; the log gets its id alone.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from commerce.api import answered
from commerce.api.ask import Ask
from commerce.api.asked import NewOrder, Nothing
from commerce.api.feed import Feed
from commerce.api.pages import is_for_a_person
from commerce.api.problems import Problem
from commerce.books import persons
from commerce.books.ids import new_id
from commerce.books.orders import BookedOrder, find_order, find_order_of, find_order_of_buyer
from commerce.books.refunds import Refund, refunds_of_order
from commerce.books.returns import ReturnWish, wishes_of
from commerce.payments.checkout import Payable, pay_page
from commerce.payments.provider import FirmRefused, FirmSilent
from commerce.show.commands import CancelOrder, PlaceOrder
from commerce.show.language import OrderLine
from commerce.show.state import Order

FOLD_SECONDS: Final = 2.0  # how long an answer waits for this process to fold what the desk committed


def show_of_order(order: str) -> str:
    """The show in an order's id. Raises UnknownOrder."""
    _, dot, show = order.partition(".")
    if not dot or not show:
        raise Problem("UnknownOrder")
    return show


async def place_order(ask: Ask, body: NewOrder) -> Struct:
    """Promise to buy: stock is kept until `held_until`. The same key gives the same order."""
    house, show = ask.house, ask.path("show")
    feed = await house.feed(show)
    if feed.state.stage != "opened":
        raise Problem("ShowNotOpen", extra={"state": feed.state.stage})
    told = body.contact
    contact = persons.Contact(told.name, told.phone, told.address, told.email or "", told.language)
    sealed = await house.contacts.store(ask.who.id, contact)
    lines = tuple([OrderLine(line.offer, line.quantity, line.price) for line in body.lines])
    total = sum([line.quantity * line.price for line in lines])
    wish = PlaceOrder(f"{new_id('or')}.{show}", ask.who.id, sealed, lines, 0, 0, 0, total)
    accepted = await house.decide(ask, show, wish, body=ask.raw)
    await feed.reached(accepted.version, FOLD_SECONDS)
    order = feed.state.orders.get(accepted.result["order"])
    if order is None:
        raise Problem("NoAnswer", "The order stands; its page shows it")
    own = shown_contact(contact) if order.contact == sealed else None
    return await _order(ask, feed, order, own)


async def read_order(ask: Ask) -> Struct:
    """An order, for its buyer or the staff of its merchant."""
    name = ask.path("order")
    booked = await booked_of(ask, name)
    if booked is not None:
        return await booked_order(ask, booked, after_sales=True)
    feed, order = await logged_of(ask, name)
    return await _order(ask, feed, order)


async def cancel_order(ask: Ask, _: Nothing) -> Struct:
    """Take an unpaid order back."""
    name = ask.path("order")
    if await booked_of(ask, name) is not None:
        raise Problem("OrderPaid", extra={"order": name})
    feed, _order_now = await logged_of(ask, name)
    buyer = ask.who.id if ask.who.kind == "buyer" else None
    accepted = await ask.house.decide(ask, feed.state.show, CancelOrder(name, buyer))
    await feed.reached(accepted.version, FOLD_SECONDS)
    return await _order(ask, feed, feed.state.orders[name])


async def pay_order(ask: Ask, _: Nothing) -> Struct:
    """A page of the payment firm for an order that awaits payment."""
    name = ask.path("order")
    if await booked_of(ask, name) is not None:
        raise Problem("OrderPaid", extra={"order": name})
    feed, order = await logged_of(ask, name)
    if order.state != "awaiting_payment":
        code = "OrderPaid" if order.state == "paid" else "OrderOver"
        raise Problem(code, extra={"order": name, "state": order.state})
    url = await _firm_page(ask, feed, order)
    if url is None:
        raise Problem("BankSilent")
    return answered.Payment(pay_url=url)


async def go_and_pay(ask: Ask) -> web.Response:
    """On to the payment firm's page, or back to the order where there is nothing to pay.

    The link in an order (`pay_url`). It needs no token: whoever knows an order's id may pay for it,
    and learns no more than the sum. So placing an order never waits for a firm. A person is shown a page
    whatever happens: that of the order says what is the matter.
    """
    try:
        target = await _way_to_pay(ask, ask.path("order"))
    except Problem:
        if not is_for_a_person(ask.request):
            raise
        target = f"{ask.house.settings.origin}/orders/{quote(ask.path('order'), safe='')}"
    headers = {"Location": target, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)


async def _way_to_pay(ask: Ask, name: str) -> str:
    try:
        feed = await ask.house.feed(show_of_order(name))
    except Problem as problem:
        raise Problem("UnknownOrder") if problem.code == "UnknownShow" else problem from None
    order = feed.state.orders.get(name)
    if order is None:
        raise Problem("UnknownOrder")
    page = f"{ask.house.settings.origin}/orders/{name}"
    if order.state != "awaiting_payment":
        return page
    return await _firm_page(ask, feed, order) or f"{page}?bank=silent"


async def _firm_page(ask: Ask, feed: Feed, order: Order) -> str | None:
    """The firm's page for the order; None when the firm does not answer: the buyer tries again."""
    house, state = ask.house, feed.state
    payable = Payable(order.id, state.show, state.merchant, order.amounts.total, state.currency)
    language = ask.request.headers.get("Accept-Language", "en")[:2].lower()
    page = await pay_page(
        house.books,
        next(iter(house.providers.values())),  # the one chosen for new payments
        payable,
        return_url=f"{house.settings.origin}/orders/{order.id}",
        language=language,
        payer_ip=house.source_of(ask.request),
        now_ms=ask.now_ms,
    )
    return None if isinstance(page, FirmRefused | FirmSilent) else page


async def booked_of(ask: Ask, name: str) -> BookedOrder | None:
    """The order in the books, if the caller may see it."""
    who = ask.who
    async with ask.house.books.read() as tx:
        if who.kind == "buyer":
            return await find_order_of_buyer(tx, who.id, name)
        if who.merchant is not None:
            return await find_order_of(tx, who.merchant, name)
        return await find_order(tx, name) if who.role == "operator" else None


async def logged_of(ask: Ask, name: str) -> tuple[Feed, Order]:
    """An order in a show's log, if the caller may see it. Raises UnknownOrder."""
    try:
        feed = await ask.house.feed(show_of_order(name))
    except Problem as problem:
        raise Problem("UnknownOrder") if problem.code == "UnknownShow" else problem from None
    order = feed.state.orders.get(name)
    own = order is not None and ask.who.kind == "buyer" and order.buyer == ask.who.id
    if order is None or not (own or ask.may_act_for(feed.state.merchant)):
        raise Problem("UnknownOrder")
    return feed, order


async def _contact(ask: Ask, contact: str, buyer: str) -> answered.Contact | None:
    house = ask.house
    async with house.books.read() as tx:
        if ask.who.kind == "buyer":
            found = await persons.own_contact(tx, house.books.keyring, contact, buyer)
        else:
            found = await persons.masked_contact(tx, house.books.keyring, contact)
    return None if found is None else shown_contact(found)


def shown_contact(contact: persons.Contact) -> answered.Contact:
    """A contact as it is told to whoever may see it."""
    email = contact.email or UNSET
    return answered.Contact(name=contact.name, phone=contact.phone, address=contact.address, email=email)


async def _order(
    ask: Ask, feed: Feed, order: Order, contact: answered.Contact | None = None
) -> answered.Order:
    contact = contact or await _contact(ask, order.contact, order.buyer)
    pay_url = f"{ask.house.settings.origin}/pay/{order.id}" if order.state == "awaiting_payment" else UNSET
    return logged_order(feed, order, contact, pay_url)


def logged_order(
    feed: Feed, order: Order, contact: answered.Contact | None, pay_url: str | UnsetType = UNSET
) -> answered.Order:
    """An order as the log has it."""
    offers, amounts = feed.state.offers, order.amounts
    return answered.Order(
        id=order.id,
        show=feed.state.show,
        state=order.state,
        lines=[
            answered.OrderLine(
                offer=line.offer,
                title=offers[line.offer].title,
                image=offers[line.offer].image,
                quantity=line.quantity,
                price=line.price,
            )
            for line in order.lines
        ],
        amounts=answered.Amounts(
            goods=amounts.goods,
            freight=amounts.freight,
            tax=amounts.tax,
            discount=amounts.discount,
            total=amounts.total,
            currency=feed.state.currency,
        ),
        held_until=order.held_until,
        placed_at=order.placed_at,
        version=order.version,
        contact=contact,
        pay_url=pay_url,
    )


def refund_of(one: Refund) -> answered.Refund:
    """A refund as its buyer and merchant see it."""
    state: Any = one.state
    return answered.Refund(
        amount=one.amount, currency=one.currency, state=state, created_at=one.created_at,
        changed_at=one.changed_at,
    )  # fmt: skip


def return_of(one: ReturnWish) -> answered.Return:
    """A wish to return goods, as its buyer and merchant see it."""
    state: Any = one.state
    lines = [answered.ReturnLine(line=line, pieces=pieces) for line, pieces in one.pieces.items()]
    return answered.Return(
        lines=lines, reason=one.reason, state=state, asked_at=one.asked_at, changed_at=one.changed_at
    )


async def booked_order(ask: Ask, order: BookedOrder, *, after_sales: bool = False) -> answered.Order:
    """An order as the books have it; with its refunds and returns where somebody looks at it alone."""
    shown = await _booked_order(ask, order)
    if after_sales:
        async with ask.house.books.read() as tx:
            shown.refunds = [refund_of(one) for one in await refunds_of_order(tx, order.id)]
            shown.returns = [return_of(one) for one in await wishes_of(tx, order.id)]
    return shown


async def _booked_order(ask: Ask, order: BookedOrder) -> answered.Order:
    amounts: Any = order.amounts
    return answered.Order(
        refunded=order.refunded,
        id=order.id,
        show=order.show,
        state=order.state,
        lines=[
            answered.OrderLine(
                offer=line.offer,
                title=dict(line.title),
                image=line.image,
                quantity=line.quantity,
                price=line.price,
                returned=line.returned,
            )
            for line in order.lines
        ],
        amounts=answered.Amounts(
            goods=amounts.goods,
            freight=amounts.freight,
            tax=amounts.tax,
            discount=amounts.discount,
            total=amounts.total,
            currency=amounts.currency,
        ),
        held_until=None,
        placed_at=order.placed_at,
        version=order.version,
        contact=await _contact(ask, order.contact, order.buyer),
    )
