"""Steps to pictures of signing in, the account, pairing and the trail."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.web.fake_shop import FakeShop


async def signed_in(page: Page, name: str) -> None:
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=password]").fill("pavilion")
    await page.get_by_test_id("sign-in").locator("button").click()


async def account(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "merchant")
    await expect(page.get_by_test_id("factor")).to_be_visible()
    await page.wait_for_timeout(300)


async def guarded(page: Page, shop: FakeShop) -> None:
    await account(page, shop)
    shop.access.is_guarded, shop.access.since, shop.access.left = True, 1_790_000_000_000, 8
    await page.reload()
    await page.get_by_test_id("factor-off").click()
    await page.wait_for_timeout(300)


async def enrolling(page: Page, shop: FakeShop) -> None:
    await account(page, shop)
    await page.get_by_test_id("factor-password").click()
    await page.locator("#factor-password").fill("pavilion")
    await page.get_by_test_id("factor-answer").click()
    await expect(page.get_by_test_id("enrolment")).to_be_visible()
    await page.wait_for_timeout(300)


async def recovering(page: Page, shop: FakeShop) -> None:
    await enrolling(page, shop)
    await page.locator("#enrol-code").fill("123456")
    await page.get_by_test_id("confirm-factor").click()
    await expect(page.get_by_test_id("codes")).to_be_visible()
    await page.wait_for_timeout(300)


async def resetting(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "operator")
    shop.access.is_guarded = True
    await page.reload()
    await expect(page.locator("#reset-code")).to_be_visible()
    await page.wait_for_timeout(300)


async def second_step(page: Page, shop: FakeShop) -> None:
    shop.access.is_guarded = True
    await signed_in(page, "merchant")
    await expect(page.locator("#sign-in-code")).to_be_visible()
    await page.wait_for_timeout(300)


async def typing_code(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "merchant")
    await page.locator("#pair-code").fill("bcdfghj")
    await page.wait_for_timeout(300)


async def letting_in(page: Page, shop: FakeShop) -> None:
    await typing_code(page, shop)
    await page.locator("#pair-code").fill("bcdfghjk")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("waiting")).to_be_visible()
    await page.wait_for_timeout(300)


async def let_in(page: Page, shop: FakeShop) -> None:
    await letting_in(page, shop)
    await page.get_by_test_id("allow").click()
    await expect(page.get_by_test_id("paired")).to_be_visible()
    await page.wait_for_timeout(300)


async def revoking(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "merchant")
    await page.get_by_test_id("revoke").first.click()
    await page.wait_for_timeout(300)


async def operating(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "operator")
    await expect(page.get_by_test_id("act").first).to_be_visible()
    await page.wait_for_timeout(300)
