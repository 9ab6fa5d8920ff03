"""After the payment, over HTTP: each change once, by its version, by whom it belongs to."""

from __future__ import annotations

import asyncio
import csv
import io
import json

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from commerce.books import persons
from commerce.books.checks import differences
from commerce.books.papers import FACES
from commerce.books.tables import audit, contact_reads, products
from tests.commerce.api.booking import paid_order
from tests.commerce.api.street import CONTACT, Street, new_key

FONTS = all(file.is_file() for faces in FACES.values() for file, _ in faces.values())
needs_fonts = pytest.mark.skipif(
    not FONTS, reason="the fonts of papers are absent: make system installs them"
)


async def test_a_merchant_sends_an_order_on_its_way_and_takes_goods_back(street: Street) -> None:
    order, buyer, seller = await paid_order(street, 3)
    path = f"/api/merchant/orders/{order}"
    early = await buyer.post(f"/api/orders/{order}/return", wish(1))
    assert (early.status, early.body["code"], early.body["state"]) == (409, "WrongState", "paid")
    for version, state in enumerate(("shipped", "delivered"), 1):
        answer = await seller.post(f"{path}/advance", {"version": version, "state": state})
        assert answer.body["order"]["state"] == state
    asked = await buyer.post(f"/api/orders/{order}/return", wish(3, pieces=2))
    assert asked.body["returns"][0]["state"] == "asked"
    again = await buyer.post(f"/api/orders/{order}/return", wish(4))
    assert (again.status, again.body["code"]) == (409, "ReturnOpen")
    stale = await seller.post(f"{path}/refund", {"version": 3, "amount": 1})
    assert (stale.status, stale.body["code"], stale.body["version"]) == (409, "VersionDiffers", 4)
    back = await seller.post(f"{path}/return", {"version": 4, "lines": [{"line": 0, "pieces": 2}]})
    assert [one["state"] for one in back.body["returns"]] == ["received"]
    assert [one["amount"] for one in back.body["refunds"]] == [2_000]
    assert [one["state"] for one in back.body["changes"]] == ["paid", "shipped", *["delivered"] * 3]
    seen = (await buyer.get(f"/api/orders/{order}")).body
    assert (seen["state"], seen["refunded"], seen["refunds"][0]["state"]) == ("delivered", 2_000, "due")
    assert [line["returned"] for line in seen["lines"]] == [2]
    async with street.house.books.read() as tx:
        assert await differences(tx) == []
        acts = [row.act for row in await tx.execute(select(audit).where(audit.c.subject == order))]
    assert acts == ["OrderAdvance", "OrderAdvance", "OrderReturn"]


def wish(version: int, pieces: int = 1) -> dict[str, object]:
    return {"version": version, "lines": [{"line": 0, "pieces": pieces}], "reason": "damaged"}


async def test_a_declined_return_leaves_the_order_as_it_was_and_may_be_asked_again(street: Street) -> None:
    order, buyer, seller = await paid_order(street)
    path = f"/api/merchant/orders/{order}"
    none = await seller.post(f"{path}/decline-return", {"version": 1})
    assert (none.status, none.body["code"]) == (409, "NoReturnAsked")
    await seller.post(f"{path}/advance", {"version": 1, "state": "shipped"})
    await buyer.post(f"/api/orders/{order}/return", wish(2))
    declined = await seller.post(f"{path}/decline-return", {"version": 3, "reason": "worn"})
    assert [one["state"] for one in declined.body["returns"]] == ["declined"]
    again = await buyer.post(f"/api/orders/{order}/return", wish(4))
    assert [one["state"] for one in again.body["returns"]] == ["declined", "asked"]
    assert again.body["refunded"] == 0


async def test_the_same_key_gives_money_back_once_and_nothing_else(street: Street) -> None:
    order, _, seller = await paid_order(street)
    path, key, body = f"/api/merchant/orders/{order}/refund", new_key(), {"version": 1, "amount": 300}
    answers = [await seller.post(path, body, key=key) for _ in range(3)]
    assert {answer.status for answer in answers} == {200}
    assert [one["amount"] for one in answers[-1].body["refunds"]] == [300]
    other = await seller.post(path, {**body, "amount": 400}, key=key)
    assert (other.status, other.body["code"]) == (422, "KeyReused")
    elsewhere = await seller.post(f"/api/merchant/orders/{order}/cancel", {"version": 1}, key=key)
    assert (elsewhere.status, elsewhere.body["code"]) == (422, "KeyReused")
    much = await seller.post(path, {"version": 2, "amount": 701})
    assert (much.status, much.body["code"], much.body["most"]) == (409, "TooMuch", 700)


async def test_of_many_who_cancel_at_once_one_does(street: Street) -> None:
    order, _, seller = await paid_order(street)
    path = f"/api/merchant/orders/{order}/cancel"
    answers = await asyncio.gather(*[seller.post(path, {"version": 1}) for _ in range(6)])
    assert sorted(answer.status for answer in answers) == [200, *[409] * 5]
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"VersionDiffers"}
    seen = (await seller.get(f"/api/merchant/orders/{order}")).body
    assert (seen["order"]["state"], [one["amount"] for one in seen["refunds"]]) == ("refunded", [1_000])


@pytest.mark.parametrize(
    ("deed", "body"),
    [
        ("refund", {"version": 1, "amount": 0}),
        ("refund", {"version": 1, "amount": 10**11}),
        ("refund", {"version": 0, "amount": 1}),
        ("refund", {"version": 1, "amount": 1, "currency": "USD"}),
        ("refund", {"version": 1, "amount": 1, "reason": "x\u202ey"}),
        ("advance", {"version": 1, "state": "refunded"}),
        ("return", {"version": 1, "lines": []}),
        ("return", {"version": 1, "lines": [{"line": 0, "pieces": 1}, {"line": 0, "pieces": 1}]}),
        ("return", {"version": 1, "lines": [{"line": -1, "pieces": 1}]}),
        ("contact", {"purpose": "curiosity"}),
    ],
)
async def test_what_makes_no_sense_is_refused_before_it_is_looked_at(
    street: Street, deed: str, body: dict[str, object]
) -> None:
    seller = await street.signed_in("seller")
    answer = await seller.post(f"/api/merchant/orders/or-x.sh-x/{deed}", body)
    assert (answer.status, answer.body["code"]) == (400, "Malformed")


async def test_another_merchants_order_is_not_there(street: Street) -> None:
    order, _, _ = await paid_order(street)
    rival = await street.signed_in("rival")
    for path in ("", "/invoice", "/packing-list"):
        answer = await rival.get(f"/api/merchant/orders/{order}{path}")
        assert (answer.status, answer.body["code"]) == (404, "UnknownOrder")
    sheet = (await rival.get("/api/merchant/exports/orders.csv")).raw.decode()
    assert order not in sheet


async def test_who_reads_a_contact_in_full_is_written_down(street: Street) -> None:
    order, buyer, seller = await paid_order(street)
    path = f"/api/merchant/orders/{order}/contact"
    assert (await seller.post(path, {"purpose": "parcel_label"})).body == CONTACT
    async with street.house.books.read() as tx:
        (read,) = (await tx.execute(select(contact_reads))).all()
    assert (read.purpose, read.reader.startswith("staff:")) == ("parcel_label", True)
    await persons.erase_person(street.house.books, buyer.id, 1)
    gone = await seller.post(path, {"purpose": "parcel_label"})
    assert (gone.status, gone.body["code"]) == (410, "ContactErased")


@needs_fonts
async def test_papers_are_set_in_three_scripts_by_a_process_of_their_own(street: Street) -> None:
    order, buyer, seller = await paid_order(street, 2)
    own = await buyer.get(f"/api/orders/{order}/invoice?language=zh")
    assert own.headers["Content-Type"] == "application/pdf"
    assert "丝巾" in read(own.raw)
    invoice = read((await seller.get(f"/api/merchant/orders/{order}/invoice?language=ru")).raw)
    assert "Шёлковый шарф" in invoice
    assert "Aizhan Bek" in invoice
    packing = read((await seller.get(f"/api/merchant/orders/{order}/packing-list")).raw)
    assert "6214100010" in packing
    async with street.house.books.read() as tx:
        reads = [row.purpose for row in await tx.execute(select(contact_reads))]
    assert reads == ["invoice", "packing_list"]
    press = street.house.press
    assert press._process is not None
    press._process.kill()  # whatever happens to the press, the next paper comes
    await press._process.wait()
    assert (await buyer.get(f"/api/orders/{order}/invoice")).status == 200


def read(pdf: bytes) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return text.replace("\0", "").replace("\N{NO-BREAK SPACE}", " ")


async def test_an_export_is_read_by_a_spreadsheet_and_runs_nothing(street: Street) -> None:
    async with street.house.books.begin() as tx:
        await tx.execute(products.update().values(title={"en": "x"}))
    evil = {"en": "=HYPERLINK(A1)", "zh": "@SUM(1)"}
    show, offer = await street.open_show(title=evil)
    await pay_for(street, show, offer)
    seller = await street.signed_in("seller")
    for language, shown in (("en", "'=HYPERLINK(A1)"), ("zh", "'@SUM(1)")):
        answer = await seller.get(f"/api/merchant/exports/orders.csv?language={language}")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
        (row,) = csv.DictReader(io.StringIO(answer.raw.decode("utf-8-sig")))
        assert (row["title"], row["total"], row["state"]) == (shown, "10.00", "paid")
    lines = (await seller.get(f"/api/merchant/exports/orders.jsonl?show={show}")).raw.decode().splitlines()
    assert [json.loads(line)["amounts"]["total"] for line in lines] == [1_000]
    empty = await seller.get("/api/merchant/exports/orders.jsonl?state=shipped")
    assert (empty.status, empty.raw) == (200, b"")


async def pay_for(street: Street, show: str, offer: str) -> None:
    from tests.commerce.api.booking import archiving, booked

    order = (await street.order(show, offer, await street.buyer())).body["id"]
    async with archiving(street, show):
        await street.pay(order)
        await booked(street, order)
