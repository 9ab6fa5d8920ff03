"""Papers and exports of an order, read back as their readers would."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from commerce.books.catalogue import Merchant, Product
from commerce.books.export import FORMULA_STARTS, to_csv, to_json_lines
from commerce.books.money import Amounts, exact, written
from commerce.books.orders import BookedOrder, OrderLine
from commerce.books.paper_words import WORDS
from commerce.books.papers import FACES, Parcel, invoice, packing_list
from commerce.books.persons import Contact

SCARF = {"en": "Silk scarf", "zh": "真丝方巾", "ru": "Шёлковый платок"}
AMOUNTS = Amounts(380_000, 700, 346, 500, 380_546, "CNY")
LINES = (
    OrderLine("single", SCARF, None, 2, 100_000, (("scarf", 1),)),
    OrderLine("set", {"en": "Gift set"}, None, 1, 180_000, (("scarf", 2), ("box", 1)), returned=0),
)
ORDER = BookedOrder(
    "or-1", "sh-1", "mr-1", "by-1", "ct-1", "paid", 1, LINES, AMOUNTS, 0, "pa-1", "sandbox",
    1_800_000_000_000, 1_800_000_060_000,
)  # fmt: skip
MERCHANT = Merchant("mr-1", {"en": "Silk House", "zh": "丝绸之家", "ru": "Дом шёлка"}, {"tax": "TIN 301"})
LI = Contact("李小红", "+86 138 0000 0000", "连云港\n222000")
GOODS = {"scarf": Product("scarf", "mr-1", SCARF, None, 1, "CNY", 1, "6214100000", "UZ", "1", "piece")}
PARCEL = Parcel(ORDER, MERCHANT, LI, GOODS)

if not all(file.is_file() for faces in FACES.values() for file, _ in faces.values()):
    pytest.skip("the fonts of papers are absent: make system installs them", allow_module_level=True)


def text_of(paper: bytes) -> str:
    pages = PdfReader(io.BytesIO(paper)).pages
    text = "\n".join(page.extract_text() for page in pages)
    return text.replace("\0", "").replace(
        "\N{NO-BREAK SPACE}", " "
    )  # pypdf reads the two-byte codes bytewise


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Invoice", "Silk House", "李小红", "Silk scarf", "¥2,000.00", "−¥5.00", "¥3,805.46", "pa-1"]),
        ("zh", ["商业发票", "丝绸之家", "+86 138 0000 0000", "真丝方巾", "¥3,805.46", "TIN 301"]),
        ("ru", ["Счёт", "Дом шёлка", "Шёлковый платок", "3 805,46 ¥", "or-1"]),
    ],
)
def test_an_invoice_says_who_what_and_how_much(language: str, words: list[str]) -> None:
    said = text_of(invoice(PARCEL, language))
    assert [word for word in words if word not in said] == []


def test_a_packing_list_counts_units_and_says_nothing_of_money() -> None:
    said = text_of(packing_list(PARCEL, "en"))
    assert "6214100000" in said
    assert "Units in all" in said
    assert said.split("Units in all")[1].strip() == "5"
    assert "¥" not in said
    fewer = replace(ORDER, lines=(replace(LINES[0], returned=1), LINES[1]))
    said = text_of(packing_list(replace(PARCEL, order=fewer), "en"))
    assert said.split("Units in all")[1].strip() == "4"


def test_papers_of_an_erased_buyer_name_nobody() -> None:
    said = text_of(invoice(replace(PARCEL, contact=None), "en"))
    assert "Erased" in said
    assert "李" not in said


def test_the_same_order_gives_the_same_bytes() -> None:
    latin = replace(PARCEL, contact=Contact("Ann", "1", "Almaty"), merchant=Merchant("m", {"en": "M"}))
    latin = replace(latin, goods={}, order=replace(ORDER, lines=(replace(LINES[1]),)))
    assert invoice(latin, "en") == invoice(latin, "en")


def test_a_sign_that_the_chinese_face_lacks_is_written_as_its_code() -> None:
    roubles = replace(ORDER, amounts=replace(AMOUNTS, currency="RUB"))
    assert "3 805,46 RUB" in text_of(invoice(replace(PARCEL, order=roubles), "ru"))


def test_many_lines_go_on_to_further_pages() -> None:
    long = replace(ORDER, lines=LINES[1:] * 60)
    plain = replace(PARCEL, order=long, contact=None, merchant=Merchant("m", {"en": "M"}), goods={})
    assert len(PdfReader(io.BytesIO(invoice(plain, "en"))).pages) > 1


def test_every_word_is_said_in_every_language() -> None:
    assert {frozenset(said) for said in WORDS.values()} == {frozenset({"en", "zh", "ru"})}


@pytest.mark.parametrize(
    ("amount", "currency", "plain"),
    [
        (9_960, "CNY", "99.60"),
        (-5, "CNY", "-0.05"),
        (120, "JPY", "120"),
        (1_234, "KWD", "1.234"),
        (0, "CNY", "0.00"),
    ],
)
def test_amounts_for_machines_are_plain_decimals(amount: int, currency: str, plain: str) -> None:
    assert exact(amount, currency) == plain


def test_a_negative_amount_keeps_its_sign() -> None:
    assert written(-50, "CNY", "en") == "−¥0.50"


def rows_of(sheet: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"))))


def test_an_export_has_a_row_a_line_and_sums_that_add_up() -> None:
    head, *rows = rows_of(to_csv([ORDER], "zh"))
    assert [row[head.index("title")] for row in rows] == ["真丝方巾", "Gift set"]
    assert [row[head.index("total")] for row in rows] == ["3805.46", ""]
    assert [row[head.index("price")] for row in rows] == ["1000.00", "1800.00"]


@given(st.text(min_size=1), st.sampled_from(["", *FORMULA_STARTS, " =", "  @"]))
def test_no_cell_of_text_can_be_taken_for_a_formula(title: str, start: str) -> None:
    named = replace(ORDER, lines=(replace(LINES[0], title={"en": start + title}),), provider=f"{start}x")
    head, *rows = rows_of(to_csv([named], "en"))
    assert len(rows) == 1
    assert len(rows[0]) == len(head)
    for name in ("order", "title", "provider", "payment", "offer", "show"):
        assert not rows[0][head.index(name)].lstrip(" ").startswith(FORMULA_STARTS)


def test_json_lines_carry_minor_units_and_no_person() -> None:
    (line,) = to_json_lines([ORDER]).splitlines()
    said = json.loads(line)
    assert (said["id"], said["amounts"]["total"], said["contact"]) == ("or-1", 380_546, "ct-1")
