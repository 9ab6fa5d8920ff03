"""What people do with the pages, step by step: watch, sign in, pin, buy, pay. Real keys and presses.

`NOTEBOOK` runs in every page and notes when (Unix ms) something was pressed or came on screen.
"""

from __future__ import annotations

import json
from typing import Any, Final

from playwright.sync_api import Page, expect

NOTEBOOK: Final = """
(() => {
  const noted = {};
  const now = () => performance.timeOrigin + performance.now();
  const note = (what) => { noted[what] ??= now(); };
  Object.defineProperty(window, "noted", { value: noted });
  addEventListener("keydown", (event) => note(`key ${event.key}`), true);
  addEventListener("click", (event) => {
    const pressed = event.target.closest?.("[data-testid]");
    if (pressed) note(`press ${pressed.dataset.testid}`);
  }, true);
  const look = () => requestAnimationFrame(() => {
    for (const card of document.querySelectorAll("[data-testid=pinned-card]")) {
      if (card.checkVisibility()) note(`pinned ${card.dataset.offer}`);
    }
    for (const row of document.querySelectorAll("[data-testid=order]")) note(`order ${row.dataset.order}`);
  });
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
})();
"""
CONTACT: Final = {"name": "Aigerim Serikova", "phone": "+7 701 123 45 67", "address": "Abai 12, Almaty"}


def noted(page: Page, what: str) -> float:
    """When the page's notebook first noted it; raises KeyError when it never did."""
    book: dict[str, float] = page.evaluate("({ ...window.noted })")
    return book[what]


def test_id(name: str) -> str:
    return f"[data-testid={name}]"


def measured(page: Page) -> dict[str, Any]:
    """The figures that the page keeps of itself."""
    figures: dict[str, Any] = json.loads(page.evaluate("JSON.stringify({ ...window.silkcast })"))
    return figures


def watch(page: Page, url: str) -> None:
    """Open a show and wait for its first frame."""
    page.add_init_script(NOTEBOOK)
    page.goto(url)
    page.wait_for_function("() => window.silkcast?.first_frame_at > 0")


def turn_sound_on(page: Page) -> None:
    """The player starts without sound; a press of the visible button lets it be heard."""
    page.locator(test_id("sound-on")).click()
    page.wait_for_function("() => window.silkcast.audio_energy > 0")


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Sign in where the page asks for it."""
    page.add_init_script(NOTEBOOK)
    page.goto(url)
    form = page.locator(test_id("sign-in"))
    form.locator("[name=name]").fill(name)
    form.locator("[name=password]").fill(password)
    form.locator("[name=password]").press("Enter")
    expect(form).to_have_count(0)


def pin_first(host: Page) -> str:
    """Pin the first offer of the rundown with its key; gives the offer."""
    first = host.locator(test_id("rundown")).locator(test_id("pin")).first
    offer = first.get_attribute("data-offer") or ""
    host.keyboard.press("1")
    expect(host.locator(test_id("on-screen"))).to_have_attribute("data-offer", offer)
    return offer


def see_pin(page: Page, offer: str) -> None:
    expect(page.locator(f"{test_id('pinned-card')}[data-offer={offer!r}]")).to_be_visible()


def buy(page: Page) -> str:
    """Put the pinned offer into the cart and order it; gives the order."""
    page.locator(test_id("pinned-card")).locator(test_id("add")).click()
    page.locator(test_id("cart")).click()
    page.locator(test_id("checkout")).click()
    for field, text in CONTACT.items():
        page.locator(f"{test_id('checkout-form')} [name={field}]").fill(text)
    page.locator(test_id("place-order")).click()
    link = page.locator(test_id("order-link")).first.get_attribute("href") or ""
    return link.rpartition("/")[2]


def see_order(host: Page, order: str, state: str | None = None) -> None:
    """Wait until the host's screen shows the order (in that state)."""
    row = host.locator(f"{test_id('order')}[data-order={order!r}]")
    expect(row).to_be_visible()
    if state is not None:
        expect(row).to_have_attribute("data-state", state)


def pay(page: Page) -> None:
    """Pay at the bank, in a tab of its own that leads back to the order; both pages learn of it."""
    with page.expect_popup() as opened:
        page.locator(test_id("pay")).first.click()
    bank = opened.value
    bank.locator("button[name=choice][value=pay]").click()
    for tab in (bank, page):
        expect(tab.locator(f"{test_id('order-state')}[data-state=paid]").first).to_be_visible()
    bank.close()
