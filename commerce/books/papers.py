"""Invoice and packing list of an order as PDF, in English, Chinese and Russian. Blocks: call in a thread.

The same order gives the same bytes, whenever it is asked: the paper is dated by its payment. A packing list
says what is in the parcel and nothing of money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import Align
from fpdf.fonts import TTFFont

from commerce.books.catalogue import Merchant, Product
from commerce.books.money import SIGNS, written
from commerce.books.orders import BookedOrder
from commerce.books.paper_words import say
from commerce.books.persons import Contact

# Debian's fonts-dejavu-core for Latin and Cyrillic, fonts-noto-cjk (third face: simplified Chinese) for a
# paper with one Chinese character. One family for a paper: falling back in a line loses track of the face.
LATIN: Final = "/usr/share/fonts/truetype/dejavu/DejaVuSans{}.ttf"
CJK: Final = "/usr/share/fonts/opentype/noto/NotoSansCJK-{}.ttc"
FACES: Final[dict[bool, dict[str, tuple[Path, int]]]] = {
    False: {"plain": (Path(LATIN.format("")), 0), "bold": (Path(LATIN.format("-Bold")), 0)},
    True: {"plain": (Path(CJK.format("Regular")), 2), "bold": (Path(CJK.format("Bold")), 2)},
}
FIRST_CJK: Final = "\u2e80"
MARGIN_MM: Final = 20
ROW_MM: Final = 8
QUIET: Final = (107, 101, 92)
INK: Final = (28, 26, 23)
LINE: Final = (230, 223, 212)


class NoFonts(Exception):
    """A font that papers are set in is absent; `make system` installs it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order with all that its papers tell. `contact` is None once the buyer was erased."""

    order: BookedOrder
    merchant: Merchant
    contact: Contact | None
    goods: Mapping[str, Product]  # by SKU


def invoice(parcel: Parcel, language: str) -> bytes:
    """What was bought, for how much, from whom, paid how."""
    order, amounts = parcel.order, parcel.order.amounts
    paper = _begin(parcel, language, "invoice")
    rows = [
        (
            _in(line.title, language),
            str(line.quantity),
            _price(paper, line.price, amounts.currency, language),
            _price(paper, line.quantity * line.price, amounts.currency, language),
        )
        for line in order.lines
    ]
    heads = tuple(say(word, language) for word in ("goods_head", "quantity", "price", "sum"))
    _table(paper, heads, rows, (86, 20, 32, 32))
    for word in ("goods", "freight", "tax", "discount"):
        amount = -amounts.discount if word == "discount" else getattr(amounts, word)
        if amount or word == "goods":
            _total(
                paper, say(word, language), _price(paper, amount, amounts.currency, language), strong=False
            )
    _total(
        paper, say("total", language), _price(paper, amounts.total, amounts.currency, language), strong=True
    )
    if order.refunded:
        _total(
            paper,
            say("refunded", language),
            _price(paper, order.refunded, amounts.currency, language),
            strong=False,
        )
    paid = say("paid", language, date=_day(order.paid_at), firm=order.provider, payment=order.payment)
    _note(paper, paid)
    return bytes(paper.output())


def packing_list(parcel: Parcel, language: str) -> bytes:
    """What is in the parcel: units of each SKU, where they are from, what they weigh or measure."""
    paper = _begin(parcel, language, "packing")
    units: dict[str, int] = {}
    for line in parcel.order.lines:
        for sku, count in line.goods:
            units[sku] = units.get(sku, 0) + count * (line.quantity - line.returned)
    rows = []
    for sku, count in units.items():
        product = parcel.goods.get(sku)
        title = _in(product.title, language) if product else sku
        about = (product.hs_code, product.origin) if product else ("", "")
        net = f"{product.net_quantity} {product.net_unit}" if product else ""
        rows.append((f"{title} · {sku}", *about, net, str(count)))
    heads = tuple(say(word, language) for word in ("goods_head", "hs_code", "origin", "net", "units"))
    _table(paper, heads, rows, (82, 28, 16, 26, 18))
    _total(paper, say("pieces", language), str(sum(units.values())), strong=True)
    return bytes(paper.output())


# -- setting ------------------------------------------------------------------------------------------


def _begin(parcel: Parcel, language: str, kind: str) -> FPDF:
    order = parcel.order
    paper = FPDF(format="A4")
    paper.set_creation_date(datetime.fromtimestamp(order.paid_at / 1000, UTC))
    paper.set_margin(MARGIN_MM)
    paper.set_title(f"{say(kind, language)} {order.id}")
    paper.set_lang(language)
    _load_faces(paper, parcel, language)
    paper.add_page()
    paper.set_text_color(*INK)
    paper.set_font("bold", size=20)
    paper.cell(0, 12, say(kind, language), new_x="LMARGIN", new_y="NEXT")
    paper.set_font("plain", size=9)
    paper.set_text_color(*QUIET)
    number = say("number", language, order=order.id, date=_day(order.paid_at), show=order.show)
    paper.cell(0, 6, number, new_x="LMARGIN", new_y="NEXT")
    paper.ln(6)
    seller = [_in(parcel.merchant.name, language), *parcel.merchant.details.values()]
    buyer = parcel.contact
    erased = [say("erased", language)]
    _party(paper, say("seller", language), seller)
    _party(
        paper,
        say("buyer", language),
        [buyer.name, buyer.phone, *buyer.address.split("\n")] if buyer else erased,
    )
    return paper


def _load_faces(paper: FPDF, parcel: Parcel, language: str) -> None:
    """The large CJK faces only when a character needs them."""
    asks_cjk = language == "zh" or max(_all_text(parcel), default="") >= FIRST_CJK
    for name, (file, face) in FACES[asks_cjk].items():
        if not file.is_file():
            raise NoFonts(str(file))
        paper.add_font(name, "", file, collection_font_number=face)


def _price(paper: FPDF, amount: int, currency: str, language: str) -> str:
    """An amount in signs that the face has: the CJK one knows no ₽."""
    text = written(amount, currency, language)
    sign, face = SIGNS.get(currency, ""), paper.fonts["plain"]
    if not sign or not isinstance(face, TTFFont) or ord(sign) in face.cmap:
        return text
    return text.replace(sign, currency if language == "ru" else f"{currency}\N{NO-BREAK SPACE}")


def _all_text(parcel: Parcel) -> str:
    titles = [text for line in parcel.order.lines for text in line.title.values()]
    titles += [text for product in parcel.goods.values() for text in product.title.values()]
    party = [*parcel.merchant.name.values(), *parcel.merchant.details.values()]
    buyer = [parcel.contact.name, parcel.contact.address] if parcel.contact else []
    return "".join((*titles, *party, *buyer))


def _party(paper: FPDF, head: str, lines: Sequence[str]) -> None:
    paper.set_font("plain", size=9)
    paper.set_text_color(*QUIET)
    paper.cell(0, 5, head, new_x="LMARGIN", new_y="NEXT")
    paper.set_font("plain", size=11)
    paper.set_text_color(*INK)
    for line in lines:
        paper.multi_cell(0, 6, line, new_x="LMARGIN", new_y="NEXT")
    paper.ln(4)


def _table(
    paper: FPDF, heads: Sequence[str], rows: Sequence[Sequence[str]], widths_mm: Sequence[int]
) -> None:
    paper.set_draw_color(*LINE)
    paper.set_font("plain", size=10)
    aligns = ("LEFT", *("RIGHT" for _ in heads[1:]))
    with paper.table(
        col_widths=tuple(widths_mm), text_align=aligns, line_height=6, padding=(1.5, 0),
        borders_layout="HORIZONTAL_LINES", width=sum(widths_mm), align="LEFT", first_row_as_headings=False,
    ) as table:  # fmt: skip
        for number, row in enumerate((heads, *rows)):
            paper.set_text_color(*(QUIET if number == 0 else INK))
            paper.set_font("plain", size=9 if number == 0 else 10)
            table.row(row)
    paper.ln(4)


def _total(paper: FPDF, word: str, amount: str, *, strong: bool) -> None:
    paper.set_font("bold" if strong else "plain", size=12 if strong else 10)
    paper.set_text_color(*(INK if strong else QUIET))
    paper.cell(120, ROW_MM, word, align=Align.R)
    paper.cell(0, ROW_MM, amount, align=Align.R, new_x="LMARGIN", new_y="NEXT")


def _note(paper: FPDF, text: str) -> None:
    paper.ln(6)
    paper.set_font("plain", size=9)
    paper.set_text_color(*QUIET)
    paper.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
