"""The page on which one pays: plain HTML and CSS, no script, light and dark, three languages."""

from __future__ import annotations

from html import escape
from typing import Final

from commerce.books.money import written
from commerce.payments.sandbox.till import MANNERS, Entry
from commerce.payments.sandbox.words import LANGUAGES, say

STYLE: Final = """
:root{color-scheme:light dark;--ground:#faf7f2;--raised:#fff;--ink:#1c1a17;--quiet:#6b655c;--line:#e6dfd4;
--accent:#b4540f;--on-accent:#fff;--good:#2f7d5b;--stop:#b3261e}
@media(prefers-color-scheme:dark){:root{--ground:#14161a;--raised:#1d2026;--ink:#f2eee7;--quiet:#a39c90;
--line:#2c3038;--accent:#f0a252;--on-accent:#1c1a17;--good:#7fc9a5;--stop:#f2a49d}}
*{box-sizing:border-box}
body{margin:0;min-height:100dvh;display:grid;place-items:center;padding:24px 16px;background:var(--ground);
color:var(--ink);font:17px/1.5 -apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC",
"Microsoft YaHei","Noto Sans CJK SC",system-ui,"DejaVu Sans",sans-serif}
main{width:100%;max-width:420px;background:var(--raised);border:1px solid var(--line);border-radius:10px;
padding:32px 24px 24px;box-shadow:0 8px 32px rgb(28 26 23/.08)}
header{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:16px;font-size:15px;color:var(--quiet)}
header strong{color:var(--ink)}
nav{display:flex;gap:12px;white-space:nowrap}nav a{color:inherit;padding:4px 2px;text-underline-offset:4px}
nav a:not([aria-current]){text-decoration:none}
h1{margin:32px 0 4px;font-size:40px;line-height:1.1;font-weight:650;font-variant-numeric:tabular-nums;
letter-spacing:-.02em;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;margin:16px 0 24px;font-size:15px}
dt{color:var(--quiet)}dd{margin:0;text-align:end;overflow-wrap:anywhere}
button,.button{display:block;width:100%;min-height:48px;padding:12px 16px;border-radius:999px;cursor:pointer;
border:1px solid var(--quiet);background:transparent;color:var(--ink);font:inherit;text-align:center;
text-decoration:none;transition:transform .12s ease-out,opacity .12s ease-out}
button:active{transform:scale(.98)}
.first{background:var(--accent);border-color:var(--accent);color:var(--on-accent);font-weight:600}
button+button,details{margin-top:12px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
summary{cursor:pointer;padding:12px 4px;font-size:15px;color:var(--quiet)}
fieldset{border:0;margin:0 0 16px;padding:0;display:grid;grid-template-columns:1fr 1fr;gap:4px 16px;
font-size:15px}
legend{padding:0 0 4px;color:var(--quiet)}
label{display:flex;gap:8px;align-items:center;min-height:44px}
input{accent-color:var(--accent);width:20px;height:20px;margin:0}
.hint{margin:4px 12px 12px;font-size:13px;color:var(--quiet)}
.state{margin:0 0 24px;font-size:20px;font-weight:600}.succeeded{color:var(--good)}.failed{color:var(--stop)}
footer{margin-top:24px;padding-top:16px;border-top:1px solid var(--line);font-size:13px;color:var(--quiet)}
@media(prefers-reduced-motion:reduce){*{transition:none!important}}
"""


def pay_page(entry: Entry, language: str, late_seconds: int, nonce: str) -> str:
    """The page of a payment: to choose on while it is open, else what became of it."""
    total = written(entry.asked["amount"], entry.asked["currency"], language)
    payee, order = escape(entry.asked["payee"]), escape(entry.asked["order"])
    inside = _choices(language, total, late_seconds) if entry.state == "open" else _outcome(entry, language)
    return _frame(
        f"""<h1>{escape(total)}</h1>
<dl><dt>{say("to", language)}</dt><dd>{payee}</dd><dt>{say("order", language)}</dt><dd>{order}</dd></dl>
{inside}""",
        language,
        nonce,
    )


def unknown_page(language: str, nonce: str) -> str:
    """There is no such payment."""
    return _frame(f'<p class="state">{say("unknown", language)}</p>', language, nonce)


def _choices(language: str, total: str, late_seconds: int) -> str:
    def button(choice: str, kind: str = "") -> str:
        words = escape(say(choice, language, sum=total))
        return f'<button name="choice" value="{choice}"{kind}>{words}</button>'

    def hint(choice: str) -> str:
        return f'<p class="hint">{say(choice + "_hint", language, seconds=late_seconds)}</p>'

    def manner(name: str) -> str:
        checked = " checked" if name == MANNERS[0] else ""
        words = say(name, language, seconds=late_seconds)
        return f'<label><input type="radio" name="manner" value="{name}"{checked}>{words}</label>'

    return f"""<form method="post">
{button("pay", ' class="first"')}{button("decline")}
<details><summary>{say("trouble", language)}</summary>
<fieldset><legend>{say("manner", language)}</legend>{"".join(map(manner, MANNERS))}</fieldset>
{button("later")}{hint("later")}{button("never")}{hint("never")}</details></form>"""


def _outcome(entry: Entry, language: str) -> str:
    state = f'<p class="state {entry.state}" role="status">{say(entry.state, language)}</p>'
    back = f'<a class="button first" href="{escape(entry.asked["return_url"])}">{say("back", language)}</a>'
    return state + back


def _frame(inside: str, language: str, nonce: str) -> str:
    def link(other: str) -> str:
        current = ' aria-current="true"' if other == language else ""
        name = {"en": "English", "zh": "中文", "ru": "Русский"}[other]
        return f'<a href="?lang={other}" lang="{other}" hreflang="{other}"{current}>{name}</a>'

    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{say("title", language)} · {say("bank", language)}</title>
<style nonce="{nonce}">{STYLE}</style></head>
<body><main><header><strong>{say("bank", language)}</strong>
<nav>{"".join(map(link, LANGUAGES))}</nav></header>
{inside}
<footer>{say("pretended", language)}</footer></main></body></html>"""
