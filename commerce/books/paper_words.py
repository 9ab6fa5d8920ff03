"""What invoices and packing lists say, in English, Chinese and Russian."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "invoice": {"en": "Invoice", "zh": "商业发票", "ru": "Счёт"},
    "packing": {"en": "Packing list", "zh": "装箱单", "ru": "Упаковочный лист"},
    "number": {
        "en": "Order {order} · {date} · show {show}",
        "zh": "订单 {order} · {date} · 直播 {show}",
        "ru": "Заказ {order} · {date} · эфир {show}",
    },
    "seller": {"en": "Seller", "zh": "卖方", "ru": "Продавец"},
    "buyer": {"en": "Buyer", "zh": "买方", "ru": "Покупатель"},
    "erased": {
        "en": "Erased at the buyer's wish",
        "zh": "已按买方要求删除",
        "ru": "Удалено по просьбе покупателя",
    },
    "goods_head": {"en": "Goods", "zh": "货物", "ru": "Товар"},
    "quantity": {"en": "Pieces", "zh": "数量", "ru": "Кол-во"},
    "price": {"en": "Price", "zh": "单价", "ru": "Цена"},
    "sum": {"en": "Sum", "zh": "金额", "ru": "Сумма"},
    "goods": {"en": "Goods", "zh": "货款", "ru": "Товары"},
    "freight": {"en": "Freight", "zh": "运费", "ru": "Доставка"},
    "tax": {"en": "Tax", "zh": "税费", "ru": "Налог"},
    "discount": {"en": "Discount", "zh": "优惠", "ru": "Скидка"},
    "total": {"en": "Total", "zh": "合计", "ru": "Итого"},
    "refunded": {"en": "Given back", "zh": "已退款", "ru": "Возвращено"},
    "paid": {
        "en": "Paid on {date} through {firm}, payment {payment}.",
        "zh": "已于 {date} 通过 {firm} 付款,付款号 {payment}。",
        "ru": "Оплачено {date} через {firm}, платёж {payment}.",
    },
    "hs_code": {"en": "HS code", "zh": "税号", "ru": "Код ТН ВЭД"},
    "origin": {"en": "Origin", "zh": "产地", "ru": "Страна"},
    "net": {"en": "Net, each", "zh": "单件净含量", "ru": "Нетто, шт."},
    "units": {"en": "Units", "zh": "件数", "ru": "Штук"},
    "pieces": {"en": "Units in all", "zh": "总件数", "ru": "Всего штук"},
}


def say(word: str, language: str, **values: object) -> str:
    """The word in a language of ours, else in English."""
    said = WORDS[word]
    return said.get(language, said["en"]).format(**values)
