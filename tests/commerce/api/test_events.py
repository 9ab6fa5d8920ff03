"""Events to browsers: snapshot, patches, resume, projections, and nobody waits for the slow."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from commerce.api import crowd
from commerce.show.view import HOST, PUBLIC
from tests.commerce.api.listening import listening
from tests.commerce.api.street import Street


async def test_a_listener_begins_with_everything(street: Street) -> None:
    show, offer = await street.open_show()
    async with listening(street.nobody, show) as ear:
        first = await ear.next()
    assert first.kind == "snapshot"
    assert first.entities["show"]["state"] == "opened"
    assert first.entities["show"]["merchant"] == {"id": "mr-one", "name": {"en": "One"}}
    assert first.entities[f"offer:{offer}"]["available"] == 5
    assert first.entities["rundown"] == [offer]
    assert "pin" not in first.entities
    assert first.entities["audience"] == {"viewers": 0}
    assert first.entities["server_time"]["at"] > 0


async def test_a_scheduled_show_is_seen_before_its_log_begins(street: Street) -> None:
    show = await street.scheduled_show()
    async with listening(street.nobody, show) as ear:
        await ear.next()
        assert ear.seen["show"]["state"] == "scheduled"
        assert ear.seen["show"]["title"]["en"] == "Silk scarf"
        host = await street.signed_in("host")
        await host.post(f"/api/host/shows/{show}/open")
        await ear.until("show", state="opened")


async def test_a_pin_is_told_at_once(street: Street) -> None:
    show, offer = await street.open_show()
    host = await street.signed_in("host")
    async with listening(street.nobody, show) as ear:
        await ear.next()
        body = {"offer": offer, "pts_90khz": 123_456}
        pinned = await host.post(f"/api/host/shows/{show}/pin", body)
        pin = await ear.until("pin", offer=offer)
    assert pin["pts_90khz"] == 123_456
    assert ear.heard[-1].version == pinned.body["version"]


async def test_ones_own_order_is_told_to_nobody_else(street: Street) -> None:
    show, offer = await street.open_show()
    buyer, other = await street.buyer(), await street.buyer()
    async with listening(buyer, show) as mine, listening(other, show) as theirs:
        await mine.next()
        await theirs.next()
        order = (await street.order(show, offer, buyer)).body["id"]
        own = await mine.until(f"order:{order}", state="awaiting_payment")
        assert own["amounts"]["total"] == 1_000
        await theirs.until(f"offer:{offer}", available=4)
        await street.pay(order)
        await mine.until(f"order:{order}", state="paid")
        assert not any(key.startswith("order:") for event in theirs.heard for key in event.entities)


async def test_the_host_sees_orders_pools_and_tally(street: Street) -> None:
    show, offer = await street.open_show()
    host = await street.signed_in("host")
    async with listening(host, show, host=True) as ear:
        await ear.next()
        assert ear.seen["show"]["warnings"] == []
        order = (await street.order(show, offer, await street.buyer())).body["id"]
        await ear.until(f"order:{order}", state="awaiting_payment")
        await ear.until("tally", orders=1, awaiting=1)
        pool = await ear.until("pool:scarf", held=1)
        assert pool["free"] == 4


async def test_the_hosts_projection_is_for_staff_of_the_merchant(street: Street) -> None:
    show, _ = await street.open_show()
    path = f"/api/shows/{show}/events?as=host"
    assert (await street.nobody.get(path)).body["code"] == "NotSignedIn"
    assert (await (await street.buyer()).get(path)).body["code"] == "Forbidden"
    assert (await (await street.signed_in("rival")).get(path)).body["code"] == "Forbidden"


async def test_who_comes_back_is_told_only_what_it_missed(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    async with listening(buyer, show) as ear:
        await ear.next()
        last = ear.heard[-1].id
        seen = dict(ear.seen)
    order = (await street.order(show, offer, buyer)).body["id"]
    async with listening(buyer, show, after=last) as ear:
        missed = await ear.next()
        assert missed.kind == "patch"
        assert set(missed.entities) == {f"offer:{offer}", f"order:{order}", "audience", "hearts"}
        folded = {**seen, **missed.entities}
    async with listening(buyer, show) as ear:
        fresh = await ear.next()
    fresh.entities.pop("server_time")
    folded.pop("server_time")
    assert folded == fresh.entities


@pytest.mark.parametrize(
    "absurd",
    [
        "x",
        "0.0.0.0.0",
        "ffff.1.1",
        "-1.-1.-1",
        "9" * 500,
        "a.99999999999999999999.0",
        "\xff\xfe.1.2",
        "..",
        "%00",
    ],
)
async def test_an_absurd_last_event_id_gets_a_snapshot(street: Street, absurd: str) -> None:
    show, _ = await street.open_show()
    async with listening(street.nobody, show, after=absurd) as ear:
        assert (await ear.next()).kind == "snapshot"


async def test_a_version_of_the_future_gets_a_snapshot(street: Street) -> None:
    show, _ = await street.open_show()
    feed = await street.house.feed(show)
    ahead = f"{feed.epoch}.{feed.state.version + 1000}.0"
    async with listening(street.nobody, show, after=ahead) as ear:
        assert (await ear.next()).kind == "snapshot"


async def test_patches_make_of_every_old_view_the_new_one(street: Street) -> None:
    """view(M) + patch = view(N), for listeners that join at every step."""
    show, offer = await street.open_show(units=3)
    host = await street.signed_in("host")
    async with listening(street.nobody, show) as early, listening(host, show, host=True) as staff:
        await early.next()
        await staff.next()
        for number in range(3):
            placed = await street.order(show, offer, await street.buyer())
            assert placed.status == 201
            if number % 2:
                await street.pay(placed.body["id"])
        await host.post(f"/api/host/shows/{show}/pin", {"offer": offer})
        await early.until("pin", offer=offer)
        await staff.until("pin", offer=offer)
        feed = await street.house.feed(show)
        await early.until(f"offer:{offer}", sold_out=True)
        await staff.until("tally", paid=1)
        for ear, eye in ((early, PUBLIC), (staff, HOST)):
            ear.seen.pop("server_time")
            assert ear.seen == feed.everything(eye)


async def test_stock_is_told_ten_times_a_second_at_most(street: Street) -> None:
    show, offer = await street.open_show(units=500)
    buyers = [await street.buyer() for _ in range(20)]
    async with listening(street.nobody, show) as ear:
        await ear.next()
        began = asyncio.get_running_loop().time()
        placed = await asyncio.gather(*[street.order(show, offer, buyer) for buyer in buyers])
        assert {answer.status for answer in placed} == {201}
        await ear.until(f"offer:{offer}", available=480)
        took = asyncio.get_running_loop().time() - began
        assert len(ear.heard) - 1 <= took * 10 + 2


async def test_hearts_are_summed_and_told(street: Street) -> None:
    show, _ = await street.open_show()
    buyer = await street.buyer()
    async with listening(buyer, show) as ear:
        await ear.next()
        for _ in range(3):
            assert (await buyer.post(f"/api/shows/{show}/hearts", {"count": 5})).status == 202
        await ear.until("hearts", count=15)


async def test_a_listener_that_does_not_read_is_cut_off(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, offer = await street.open_show()
    feed = await street.house.feed(show)
    parts = urlsplit(street.origin)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, (parts.hostname, parts.port))
        await loop.sock_sendall(slow, f"GET /api/shows/{show}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with listening(street.nobody, show) as ear:
            await ear.next()
            await street.comes_true(lambda: len(feed.crowd) == 2)
            noise = crowd.chunk(b": " + b"n" * 65_536 + b"\n\n")
            for _ in range(400):
                await feed.crowd.tell_public(noise)
                await asyncio.sleep(0)
                if len(feed.crowd) == 1:
                    break
            assert feed.crowd.dropped == 1
            assert len(feed.crowd) == 1
            host = await street.signed_in("host")
            await host.post(f"/api/host/shows/{show}/pin", {"offer": offer})
            await ear.until("pin", offer=offer)


async def test_an_unknown_show_has_no_events(street: Street) -> None:
    answer = await street.nobody.get("/api/shows/sh-none/events")
    assert (answer.status, answer.body["code"]) == (404, "UnknownShow")
