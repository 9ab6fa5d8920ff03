"""An order from the click to the books' door, over HTTP, with a real desk behind."""

from __future__ import annotations

from tests.commerce.api.street import CONTACT, Street, new_key


async def test_an_order_is_placed_and_paid(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    placed = await street.order(show, offer, buyer, 2)
    assert placed.status == 201, placed.body
    assert placed.body["state"] == "awaiting_payment"
    assert placed.body["amounts"] == {
        "goods": 2_000, "freight": 0, "tax": 0, "discount": 0, "total": 2_000, "currency": "CNY",
    }  # fmt: skip
    assert placed.body["pay_url"].startswith("http://bank.test/")
    assert placed.body["contact"] == CONTACT
    order = placed.body["id"]
    assert (await street.pay(order)).status == 204
    seen = await buyer.get(f"/api/orders/{order}")
    assert seen.body["state"] == "paid"


async def test_the_same_key_is_the_same_order(street: Street) -> None:
    show, offer = await street.open_show()
    buyer, key = await street.buyer(), new_key()
    first = await street.order(show, offer, buyer, key=key)
    second = await street.order(show, offer, buyer, key=key)
    assert first.body["id"] == second.body["id"]
    assert len((await street.house.feed(show)).state.orders) == 1


async def test_the_same_key_with_another_body_is_refused(street: Street) -> None:
    show, offer = await street.open_show()
    buyer, key = await street.buyer(), new_key()
    await street.order(show, offer, buyer, 1, key=key)
    other = await street.order(show, offer, buyer, 2, key=key)
    assert (other.status, other.body["code"]) == (422, "KeyReused")
    another_contact = {**CONTACT, "name": "Somebody Else"}
    third = await street.order(show, offer, buyer, 1, key=key, contact=another_contact)
    assert (third.status, third.body["code"]) == (422, "KeyReused")
