"""Which payment firms this shop works with, by the name in their webhook's address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from commerce.books.keyfile import read_or_make
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.provider import Provider
from commerce.payments.settings import FirmSettings

BANK_SECRET_FILE: Final = "bank.secret"
BANK_SECRET_BYTES: Final = 32


async def open_firms(wanted: FirmSettings) -> dict[str, Provider]:
    """The firms by name, the one for new payments first. Close each at the end.

    A firm that is no longer chosen but still set up takes webhooks and refunds of its old payments. The
    sandbox bank is there only when chosen; its secret is `bank.secret` among the keys, made when absent.
    """
    firms: list[Provider] = []
    if wanted.chosen == "sandbox":
        secret = await asyncio.to_thread(read_or_make, wanted.keys_dir / BANK_SECRET_FILE, BANK_SECRET_BYTES)
        firms.append(SandboxBank(wanted.bank_url, secret))
    if wanted.stripe_key_file and wanted.stripe_webhook_secret_file:
        firms.append(await _stripe(wanted.stripe_key_file, wanted.stripe_webhook_secret_file))
    if wanted.wechat_key_file:
        firms.append(await _wechat(wanted))
    firms.sort(key=lambda firm: firm.name != wanted.chosen)
    return {firm.name: firm for firm in firms}


async def _stripe(key_file: Path, secret_file: Path) -> Provider:
    from commerce.payments.adapters.stripe import Stripe, StripeAccount  # noqa: PLC0415  who has it, waits for it

    return Stripe(StripeAccount(await _text(key_file), await _text(secret_file)))


async def _wechat(wanted: FirmSettings) -> Provider:
    from commerce.payments.adapters.wechatpay import (  # noqa: PLC0415  who has it, waits for it
        WechatAccount,
        WechatPay,
    )

    account = WechatAccount(
        mchid=wanted.wechat_mchid,
        appid=wanted.wechat_appid,
        serial=wanted.wechat_serial,
        private_key=await _text(wanted.wechat_key_file),
        apiv3_key=await _text(wanted.wechat_apiv3_key_file),
        platform_key_id=wanted.wechat_platform_key_id,
        platform_key=await _text(wanted.wechat_platform_key_file),
        notify_url=wanted.wechat_notify_url,
    )
    return WechatPay(account)


async def _text(file: Path | None) -> str:
    return "" if file is None else (await asyncio.to_thread(file.read_text)).strip()
