"""Signing in with a second step, switching it on and off, letting a studio in and shutting it out."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import Visit, in_one_loop, needs_chromium
from tests.web.fake_access import CODE, RECOVERY, SECRET

pytestmark = [pytest.mark.browser, needs_chromium, in_one_loop]


async def enter(visit: Visit, path: str, name: str = "merchant") -> Page:
    page = await visit.go(path)
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=password]").fill("pavilion")
    await page.keyboard.press("Enter")
    return page


async def kept(page: Page) -> Any:
    return await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")


async def test_a_code_is_asked_for_after_the_password(visit: Visit) -> None:
    visit.shop.access.is_guarded = True
    page = await enter(visit, "/merchant")
    code = page.locator("#sign-in-code")
    await expect(code).to_be_focused()
    await code.fill("000000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("wrong or was used")
    assert "pavilion" not in await kept(page)
    await code.fill(CODE)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("show-row").first).to_be_visible()
    assert "pavilion" not in await kept(page)


async def test_who_cannot_tell_a_code_begins_anew(visit: Visit) -> None:
    visit.shop.access.is_guarded = True
    page = await enter(visit, "/merchant")
    await page.get_by_role("button", name="Use another account").click()
    await expect(page.locator("[name=password]")).to_have_value("")


async def test_a_second_step_is_switched_on_and_off(visit: Visit) -> None:
    page = await enter(visit, "/merchant?view=account")
    await page.get_by_test_id("factor-password").click()
    await page.locator("#factor-password").fill("guess")
    await page.get_by_test_id("factor-answer").click()
    await expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    await page.locator("#factor-password").fill("pavilion")
    await page.get_by_test_id("factor-answer").click()
    qr = page.locator(".qr")
    await expect(qr).to_be_visible()
    assert await qr.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    assert await page.locator(".open-app").get_attribute("href") == (
        f"otpauth://totp/Silkcast:merchant?secret={SECRET}&issuer=Silkcast"
    )
    await page.locator("#enrol-code").fill(CODE)
    await page.get_by_test_id("confirm-factor").click()
    await expect(page.get_by_test_id("codes").locator("li")).to_have_text(RECOVERY)
    assert "staff-after-confirm" in await kept(page)  # the session goes on by its new token
    await page.get_by_test_id("codes-kept").click()
    await page.get_by_test_id("factor-off").click()
    await page.locator("#factor-answer").fill(CODE)
    await page.get_by_test_id("factor-answer").click()
    await expect(page.get_by_test_id("factor-password")).to_be_visible()
    assert SECRET not in await kept(page) + page.url


async def test_a_password_is_changed(visit: Visit) -> None:
    page = await enter(visit, "/merchant?view=account")
    await page.locator("#password-now").fill("pavilion")
    await page.locator("#password-next").fill("a longer password")
    await page.get_by_test_id("change-password").click()
    await expect(page.get_by_test_id("password").get_by_role("status")).to_contain_text("is changed")
    assert visit.shop.access.password == "a longer password"
    assert "staff-after-password" in await kept(page)


async def test_a_studio_is_let_in_by_the_code_that_it_shows(visit: Visit) -> None:
    page = await enter(visit, "/pair")
    await page.locator("#pair-code").fill("xxxxxxxx")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("No studio shows this code")
    await page.locator("#pair-code").fill("bcdf ghjk")
    await expect(page.locator("#pair-code")).to_have_value("BCDF-GHJK")
    await page.keyboard.press("Enter")
    waiting = page.get_by_test_id("waiting")
    await expect(waiting).to_contain_text("LOFT-PC-02 wants to broadcast for you")
    await expect(waiting).to_contain_text("203.0.113.7")
    await page.locator("#pair-studio").select_option(label="A new studio…")
    await page.get_by_test_id("allow").click()
    await expect(page.get_by_role("alert")).to_contain_text("Write a name")
    await page.locator("#pair-name").fill("Attic")
    await page.get_by_test_id("allow").click()
    await expect(page.get_by_test_id("paired")).to_contain_text("Attic is paired")
    assert visit.shop.access.let_in == {"user_code": "BCDF-GHJK", "name": "Attic"}


async def test_a_studio_is_revoked_after_asking(visit: Visit) -> None:
    page = await enter(visit, "/merchant?view=studios")
    await expect(page.get_by_test_id("agent")).to_contain_text("LOFT-PC-02")
    await page.get_by_test_id("revoke").first.click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("agent")).to_be_visible()
    await page.get_by_test_id("revoke").first.click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("agent")).to_have_count(0)


async def test_an_operator_reads_the_trail(visit: Visit) -> None:
    page = await enter(visit, "/operator", "operator")
    await expect(page.get_by_test_id("act")).to_have_count(6)
    await page.get_by_role("link", name="merchant").first.click()
    await expect(page.get_by_test_id("act")).to_have_count(3)
    assert page.url.endswith("/operator?name=merchant")
    await page.go_back()
    await expect(page.get_by_test_id("act")).to_have_count(6)


async def test_an_operator_lets_somebody_in_again_who_lost_the_phone(visit: Visit) -> None:
    page = await enter(visit, "/operator?view=staff", "operator")
    await expect(page.locator("#reset-name")).to_be_visible()  # signed in: else the code is asked for at once
    visit.shop.access.is_guarded = True
    await page.reload()
    for name, password, word in (
        ("nobody", "pavilion", "Nobody of the staff"),
        ("operator", "pavilion", "another operator"),
        ("host", "guess", "password is wrong"),
    ):
        await page.locator("#reset-name").fill(name)
        await page.locator("#reset-password").fill(password)
        await page.locator("#reset-code").fill(CODE)
        await page.get_by_test_id("reset-factor").click()
        await expect(page.get_by_role("alert")).to_contain_text(word)
    await page.locator("#reset-password").fill("pavilion")
    await page.keyboard.press("Enter")
    done = page.get_by_test_id("reset").get_by_role("status")
    await expect(done).to_have_text("host signs in by the password alone now; 2 sessions have ended.")
    await expect(page.locator("#reset-password")).to_have_value("")
    assert "pavilion" not in await kept(page)
