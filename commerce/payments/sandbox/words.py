"""What the sandbox bank's page says, in English, Chinese and Russian."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "zh", "ru")

WORDS: Final[dict[str, dict[str, str]]] = {
    "title": {"en": "Pay", "zh": "付款", "ru": "Оплата"},
    "bank": {"en": "Sandbox bank", "zh": "沙盒银行", "ru": "Учебный банк"},
    "pretended": {
        "en": "A rehearsal: no money moves.",
        "zh": "这是演练,不会动用真实资金。",
        "ru": "Это репетиция: деньги не списываются.",
    },
    "to": {"en": "To", "zh": "收款方", "ru": "Получатель"},
    "order": {"en": "Order", "zh": "订单", "ru": "Заказ"},
    "pay": {"en": "Pay {sum}", "zh": "支付 {sum}", "ru": "Оплатить {sum}"},
    "decline": {"en": "Decline", "zh": "拒绝付款", "ru": "Отклонить"},
    "later": {"en": "Pay later", "zh": "稍后付款", "ru": "Оплатить позже"},
    "never": {"en": "Never answer", "zh": "不再回复", "ru": "Не отвечать"},
    "later_hint": {
        "en": "The bank says “not yet known” now and “paid” in {seconds} s.",
        "zh": "银行先回复“结果未知”,{seconds} 秒后回复“已付款”。",
        "ru": "Банк сейчас ответит «пока неизвестно», а через {seconds} с — «оплачено».",
    },
    "never_hint": {
        "en": "The bank takes the money and tells the shop nothing.",
        "zh": "银行收款,但不通知商店。",
        "ru": "Банк примет деньги и ничего не сообщит магазину.",
    },
    "manner": {
        "en": "How the bank tells the shop",
        "zh": "银行如何通知商店",
        "ru": "Как банк сообщит магазину",
    },
    "once": {"en": "at once", "zh": "立即", "ru": "сразу"},
    "twice": {"en": "twice", "zh": "两次", "ru": "дважды"},
    "late": {"en": "{seconds} s late", "zh": "延迟 {seconds} 秒", "ru": "на {seconds} с позже"},
    "unordered": {"en": "out of order", "zh": "乱序", "ru": "не по порядку"},
    "trouble": {"en": "Rehearse trouble", "zh": "演练异常情况", "ru": "Отрепетировать сбой"},
    "succeeded": {"en": "Paid.", "zh": "已付款。", "ru": "Оплачено."},
    "failed": {"en": "Declined.", "zh": "付款已拒绝。", "ru": "Отклонено."},
    "pending": {
        "en": "The bank is still working on it.",
        "zh": "银行正在处理。",
        "ru": "Банк ещё обрабатывает платёж.",
    },
    "back": {"en": "Back to the shop", "zh": "返回商店", "ru": "Вернуться в магазин"},
    "unknown": {
        "en": "There is no such payment. Go back to the shop and start again.",
        "zh": "没有这笔付款。请返回商店重新发起。",
        "ru": "Такого платежа нет. Вернитесь в магазин и начните заново.",
    },
}


def say(word: str, language: str, **values: object) -> str:
    """The word in a language of ours, with its values filled in."""
    return WORDS[word][language].format(**values)


def choose_language(asked: str | None, accept: str) -> str:
    """`?lang=` if it is one of ours, else the browser's first that is, else English (RFC 9110 §12.5.4)."""
    if asked in LANGUAGES:
        return str(asked)
    wishes = []
    for place, part in enumerate(accept[:400].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        wishes.append((-_weight(weight), place, tag.lower().partition("-")[0]))
    return next((tag for refused, _, tag in sorted(wishes) if tag in LANGUAGES and refused < 0), "en")


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
