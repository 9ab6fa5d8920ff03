"""Orders once they are paid: the archivist books them, and the front reads them from the books."""

from __future__ import annotations

from commerce.books import persons
from tests.commerce.api.booking import archiving, booked
from tests.commerce.api.street import CONTACT, Street, new_key


async def test_a_paid_order_is_the_books(street: Street) -> None:
    show, offer = await street.open_show()
    buyer, seller = await street.buyer(), await street.signed_in("seller")
    order = (await street.order(show, offer, buyer, 2)).body["id"]
    async with archiving(street, show):
        await street.pay(order)
        await booked(street, order)
        own = (await buyer.get(f"/api/orders/{order}")).body
        assert (own["state"], own["held_until"], own["contact"]) == ("paid", None, CONTACT)
        assert own["lines"][0]["title"]["en"] == "Silk scarf"
        listed = (await seller.get("/api/merchant/orders")).body["orders"]
        assert [one["id"] for one in listed] == [order]
        assert listed[0]["contact"]["name"] == "A·"
        assert CONTACT["phone"] not in str(listed)
        answer = await buyer.post(f"/api/orders/{order}/cancel")
        assert (answer.status, answer.body["code"]) == (409, "OrderPaid")
        rival = await street.signed_in("rival")
        assert (await rival.get("/api/merchant/orders")).body["orders"] == []
        assert (await rival.get(f"/api/orders/{order}")).status == 404
        operator = await street.signed_in("operator")
        assert (await operator.get(f"/api/orders/{order}")).body["contact"]["name"] == "A·"


async def test_an_erased_person_leaves_an_order_without_a_contact(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    order = (await street.order(show, offer, buyer)).body["id"]
    assert await persons.erase_person(street.house.books, buyer.id, street.house.now_ms())
    seen = (await buyer.get(f"/api/orders/{order}")).body
    assert seen["contact"] is None
    assert seen["amounts"]["total"] == 1_000


async def test_a_rundown_put_while_the_show_is_open_goes_to_the_log(street: Street) -> None:
    show, offer = await street.open_show(units=5)
    seller = await street.signed_in("seller")
    path = f"/api/merchant/shows/{show}/rundown"
    (known,) = (await seller.get(path)).body["offers"]
    fresh = {
        "title": {"en": "A pair"},
        "lines": [{"sku": "scarf", "units": 2}],
        "price": 1_800,
        "allot": {"scarf": 3},
    }
    body = {"offers": [fresh, {**known, "price": 900}]}
    key = new_key()
    stored = await seller.ask("PUT", path, body, key=key)
    assert stored.status == 200, stored.body
    made = stored.body["offers"][0]["offer"]
    state = (await street.house.feed(show)).state
    await street.comes_true(lambda: state.rundown == [made, offer])
    assert state.offers[offer].price == 900
    assert state.pools["scarf"].allotted == 8
    emptied = await seller.ask("PUT", path, {"offers": [{**known, "price": 900}]}, key=new_key())
    assert emptied.status == 200
    await street.comes_true(lambda: state.offers[made].withdrawn)


async def test_a_show_is_opened_again_without_doing_anything_twice(street: Street) -> None:
    show, _ = await street.open_show(units=5)
    host = await street.signed_in("host")
    operator = await street.signed_in("operator")
    for caller in (host, operator):
        assert (await caller.post(f"/api/host/shows/{show}/open")).status == 200
    state = (await street.house.feed(show)).state
    assert state.pools["scarf"].allotted == 5
    assert len(state.offers) == 1


async def test_a_show_cannot_have_more_than_the_shelf(street: Street) -> None:
    show = await street.scheduled_show(units=10_001)
    host = await street.signed_in("host")
    answer = await host.post(f"/api/host/shows/{show}/open")
    assert (answer.status, answer.body["code"]) == (409, "NotEnoughStock")
    assert (answer.body["sku"], answer.body["there"]) == ("scarf", 10_000)
    assert (await host.get(f"/api/shows/{show}")).body["state"] == "scheduled"
