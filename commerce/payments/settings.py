"""Which payment firms a shop works with, as its environment tells. Secrets come from files alone."""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from commerce.settings import WrongSetting, absolute, maybe_path, origin, setting

FIRMS: Final = ("sandbox", "stripe", "wechatpay")


def firm(value: str) -> str:
    """One of the firms."""
    if value not in FIRMS:
        raise ValueError(f"must be one of {', '.join(FIRMS)}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmSettings:
    """Settings of every process that speaks to payment firms. `PAYMENT_FIRM` gets the new payments."""

    chosen: str = setting("PAYMENT_FIRM", firm, "sandbox")
    keys_dir: Path = setting("KEYS_DIR", absolute, "{var}/keys")
    bank_url: str = setting("BANK_URL", origin, "http://127.0.0.1:8082")
    stripe_key_file: Path | None = setting("STRIPE_KEY_FILE", maybe_path)
    stripe_webhook_secret_file: Path | None = setting("STRIPE_WEBHOOK_SECRET_FILE", maybe_path)
    wechat_mchid: str = setting("WECHATPAY_MCHID", str)
    wechat_appid: str = setting("WECHATPAY_APPID", str)
    wechat_serial: str = setting("WECHATPAY_SERIAL", str)
    wechat_key_file: Path | None = setting("WECHATPAY_KEY_FILE", maybe_path)
    wechat_apiv3_key_file: Path | None = setting("WECHATPAY_APIV3_KEY_FILE", maybe_path)
    wechat_platform_key_id: str = setting("WECHATPAY_PLATFORM_KEY_ID", str)
    wechat_platform_key_file: Path | None = setting("WECHATPAY_PLATFORM_KEY_FILE", maybe_path)
    wechat_notify_url: str = setting("WECHATPAY_NOTIFY_URL", str)

    def __post_init__(self) -> None:
        for name, parts in (("stripe", self._stripe), ("wechatpay", self._wechat)):
            if any(parts) and not all(parts):
                raise WrongSetting(f"{name.upper()}_*: some are set and some are not")
            if self.chosen == name and not all(parts):
                raise WrongSetting(f"PAYMENT_FIRM is {name}, but {name.upper()}_* are not set")

    @property
    def _stripe(self) -> tuple[object, ...]:
        return self.stripe_key_file, self.stripe_webhook_secret_file

    @property
    def _wechat(self) -> tuple[object, ...]:
        return (
            self.wechat_mchid, self.wechat_appid, self.wechat_serial, self.wechat_key_file,
            self.wechat_apiv3_key_file, self.wechat_platform_key_id, self.wechat_platform_key_file,
            self.wechat_notify_url,
        )  # fmt: skip
