"""Persons over HTTP: erased at their wish, and every reading of them seen by the operator."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from commerce.books.payments import Message, keep_message
from commerce.books.tables import audit, mails, payments
from tests.commerce.api.booking import archiving, booked, paid_order
from tests.commerce.api.street import CONTACT, Street


async def test_a_buyer_is_erased_at_their_own_wish_once_nothing_is_under_way(street: Street) -> None:
    order, buyer, seller = await paid_order(street)
    early = await buyer.post(f"/api/orders/{order}/erasure")
    assert (early.status, early.body["code"], early.body["orders"]) == (409, "OrdersUnderWay", [order])
    forced = await buyer.post(f"/api/orders/{order}/erasure", {"even_under_way": True})
    assert forced.status == 409
    for version, state in enumerate(("shipped", "delivered"), 1):
        await seller.post(f"/api/merchant/orders/{order}/advance", {"version": version, "state": state})
    done = await buyer.post(f"/api/orders/{order}/erasure")
    assert done.body == {"person": buyer.id, "erased": True}
    assert (await buyer.post(f"/api/orders/{order}/erasure")).body["erased"] is False
    for caller, path in ((buyer, f"/api/orders/{order}"), (seller, f"/api/orders/{order}")):
        seen = (await caller.get(path)).body
        assert (seen["contact"], seen["amounts"]["total"]) == (None, 1_000)
    async with street.house.books.read() as tx:
        acts = [row.act for row in await tx.execute(select(audit).where(audit.c.subject == buyer.id))]
    assert acts == ["ErasePerson"] * 2


async def test_an_operator_may_erase_in_any_state_and_a_merchant_nobody(street: Street) -> None:
    order, _, seller = await paid_order(street)
    operator = await street.signed_in("operator")
    path = f"/api/orders/{order}/erasure"
    assert (await seller.post(path)).body["code"] == "Forbidden"
    assert (await operator.post(path)).body["code"] == "OrdersUnderWay"
    assert (await operator.post(path, {"even_under_way": True})).body["erased"] is True


async def test_an_order_that_awaits_payment_keeps_its_contact(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    order = (await street.order(show, offer, buyer)).body["id"]
    assert (await buyer.post(f"/api/orders/{order}/erasure")).body["code"] == "OrdersUnderWay"
    await buyer.post(f"/api/orders/{order}/cancel")
    assert (await buyer.post(f"/api/orders/{order}/erasure")).body["erased"] is True
    again = await street.order(show, offer, buyer)  # who comes back is sealed anew
    assert again.body["contact"] == CONTACT
    assert (await buyer.get(f"/api/orders/{again.body['id']}")).body["contact"] == CONTACT


async def test_the_operator_sees_who_read_what_of_whom(street: Street) -> None:
    order, buyer, seller = await paid_order(street)
    for purpose in ("parcel_label", "customs"):
        await seller.post(f"/api/merchant/orders/{order}/contact", {"purpose": purpose})
    operator = await street.signed_in("operator")
    seen = (await operator.get("/api/operator/reads")).body
    assert [(one["purpose"], one["person"]) for one in seen["reads"]] == [
        ("customs", buyer.id),
        ("parcel_label", buyer.id),
    ]
    assert seen["next"] is None
    older = (await operator.get(f"/api/operator/reads?before={seen['reads'][0]['id']}")).body
    assert [one["purpose"] for one in older["reads"]] == ["parcel_label"]
    assert (await seller.get("/api/operator/reads")).body["code"] == "Forbidden"


async def test_the_operator_reads_what_was_said_to_the_firm_byte_for_byte(street: Street) -> None:
    order, _, seller = await paid_order(street)
    operator = await street.signed_in("operator")
    async with street.house.books.begin() as tx:
        payment = await tx.scalar(select(payments.c.id).where(payments.c.order_id == order))
        odd = Message("odd", str(payment), "query", b"\xff\x00", b"")
        await keep_message(tx, street.house.books.keyring, odd, 1)
    path = f"/api/operator/orders/{order}/messages"
    said = (await operator.get(path)).body["messages"]
    assert [(one["kind"], one["encoding"]) for one in said] == [
        ("session", "utf-8"), ("webhook", "utf-8"), ("query", "base64"),
    ]  # fmt: skip
    assert f'"order": "{order}"' in said[1]["request"]
    assert said[2]["request"] == "/wA="
    assert (await seller.get(path)).body["code"] == "Forbidden"
    assert (await operator.get("/api/operator/orders/or-none.sh-x/messages")).status == 404
    async with street.house.books.read() as tx:
        acts = [row.act for row in await tx.execute(select(audit).where(audit.c.subject == order))]
    assert acts == ["ReadPaymentMessages"]


async def test_an_address_for_mail_is_kept_sealed_and_shown_to_its_owner_alone(street: Street) -> None:
    show, offer = await street.open_show()
    buyer, seller = await street.buyer(), await street.signed_in("seller")
    contact = {**CONTACT, "email": "aizhan@example.kz", "language": "ru"}
    placed = await street.order(show, offer, buyer, contact=contact)
    assert placed.body["contact"] == {**CONTACT, "email": "aizhan@example.kz"}
    order = placed.body["id"]
    async with archiving(street, show):
        await street.pay(order)
        await booked(street, order)
    assert (await buyer.get(f"/api/orders/{order}")).body["contact"]["email"] == "aizhan@example.kz"
    assert (await seller.get(f"/api/orders/{order}")).body["contact"]["email"] == "a…@…"
    async with street.house.books.read() as tx:
        assert (await tx.execute(select(mails))).all() == []  # no mail server is named


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@b",
        "a@b.c\nBcc: x@y.zz",
        "a b@c.dd",
        "<a@b.cc>",
        "a@b.cc, d@e.ff",
        "я@почта.рф",
        "a@" + "b" * 260,
    ],
)
async def test_an_address_that_is_none_is_refused(street: Street, email: str) -> None:
    buyer = await street.buyer()
    answer = await street.order("sh-x", "of-x", buyer, contact={**CONTACT, "email": email})
    assert (answer.status, answer.body["code"]) == (400, "Malformed")
