"""An order from the click to the books' door, over HTTP, with a real desk behind."""

from __future__ import annotations

import asyncio

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
    assert placed.body["contact"] == CONTACT
    order = placed.body["id"]
    await street.to_the_bank(order)
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


async def test_the_link_to_pay_goes_to_the_bank_and_later_to_the_order(street: Street) -> None:
    show, offer = await street.open_show()
    placed = (await street.order(show, offer, await street.buyer())).body
    assert placed["pay_url"].endswith(f"/pay/{placed['id']}")
    first = await street.to_the_bank(placed["id"])
    assert first.headers["Location"].startswith("http://bank.test/")
    again = await street.to_the_bank(placed["id"])
    assert again.headers["Location"] == first.headers["Location"]
    await street.pay(placed["id"])
    after = await street.to_the_bank(placed["id"])
    assert after.headers["Location"].endswith(f"/orders/{placed['id']}")
    assert (await street.to_the_bank(f"or-none.{show}")).status == 404
    for person in (f"or-none.{show}", "or-none.sh-none", "nothing"):
        page = await street.nobody.get(
            f"/pay/{person}", headers={"Accept": "text/html"}, allow_redirects=False
        )
        assert (page.status, page.headers["Location"]) == (
            303,
            f"{street.house.settings.origin}/orders/{person}",
        )


async def test_orders_of_one_moment_share_a_commit_of_the_books(street: Street) -> None:
    show, offer = await street.open_show(units=100)
    buyers = [await street.buyer() for _ in range(40)]
    answers = await asyncio.gather(*[street.order(show, offer, buyer) for buyer in buyers])
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 40
    for buyer, answer in zip(buyers, answers, strict=True):
        assert (await buyer.get(f"/api/orders/{answer.body['id']}")).body["contact"] == CONTACT
