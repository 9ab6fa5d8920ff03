"""What the shop writes to buyers, in English, Chinese and Russian."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "placed": {
        "en": "Your order {number}",
        "zh": "您的订单 {number}",
        "ru": "Ваш заказ {number}",
    },
    "placed_text": {
        "en": "Thank you for your order. The goods are kept for you until {until} (UTC). Pay until then:",
        "zh": "感谢您的订单。商品为您保留至 {until}(UTC)。请在此之前付款:",
        "ru": "Спасибо за заказ. Товары отложены для вас до {until} (UTC). Оплатите до этого времени:",
    },
    "paid": {
        "en": "Paid: order {number}",
        "zh": "已付款:订单 {number}",
        "ru": "Оплачено: заказ {number}",
    },
    "paid_text": {
        "en": "Your payment has come. We prepare the papers and the parcel; every step is written here:",
        "zh": "我们已收到您的付款,正在准备单证和包裹。每一步都会写在这里:",
        "ru": "Оплата получена. Мы готовим документы и посылку; каждый шаг записан здесь:",
    },
    "lapsed": {
        "en": "Not paid in time: order {number}",
        "zh": "未及时付款:订单 {number}",
        "ru": "Не оплачено вовремя: заказ {number}",
    },
    "lapsed_text": {
        "en": "Time ran out, and the goods went back on the table. Nothing was charged. The order:",
        "zh": "订单未在规定时间内付款,商品已重新上架,未收取任何费用。订单:",
        "ru": "Заказ не был оплачен вовремя, товары вернулись на прилавок. Деньги не списаны. Заказ:",
    },
    "refund_due": {
        "en": "Your money comes back: order {number}",
        "zh": "款项将退回:订单 {number}",
        "ru": "Деньги вернутся: заказ {number}",
    },
    "refund_due_text": {
        "en": "Your payment came after the goods had gone. {amount} goes back the way it came. The order:",
        "zh": "您的付款到达时商品已无法保留。{amount} 将原路退回。订单:",
        "ru": "Оплата пришла, когда товары уже нельзя было отложить. {amount} вернётся тем же путём. Заказ:",
    },
    "refunded": {
        "en": "Money given back: order {number}",
        "zh": "已退款:订单 {number}",
        "ru": "Возврат денег: заказ {number}",
    },
    "refunded_text": {
        "en": "{amount} is on its way back, the way it came. The order:",
        "zh": "{amount} 正在原路退回。订单:",
        "ru": "{amount} возвращается тем же путём. Заказ:",
    },
    "total": {"en": "Total", "zh": "合计", "ru": "Итого"},
    "where": {
        "en": "The order is seen in the browser that placed it.",
        "zh": "请在下单时使用的浏览器中查看订单。",
        "ru": "Заказ виден в том браузере, в котором он сделан.",
    },
}  # fmt: skip


def say(word: str, language: str, **values: object) -> str:
    """The word in a language of ours, else in English."""
    said = WORDS[word]
    return said.get(language, said["en"]).format(**values)
