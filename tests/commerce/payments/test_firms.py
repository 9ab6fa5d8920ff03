"""Which firms a shop works with is said by its environment, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from commerce.payments.firms import open_firms
from commerce.payments.settings import FirmSettings
from commerce.settings import WrongSetting, read
from tests.commerce.payments.wechat_house import key_of, private_pem, public_pem


def environment(folder: Path, **more: str) -> dict[str, str]:
    for name, text in {
        "stripe.key": "sk_test_1\n",
        "stripe.hook": "whsec_1\n",
        "wechat.key": private_pem(key_of("merchant")),
        "wechat.v3": "x" * 32,
        "wechat.pub": public_pem(key_of("wechat")),
    }.items():
        (folder / name).write_text(text)
    return {"VAR_DIR": str(folder), **more}


def stripe(folder: Path) -> dict[str, str]:
    return {
        "STRIPE_KEY_FILE": str(folder / "stripe.key"),
        "STRIPE_WEBHOOK_SECRET_FILE": str(folder / "stripe.hook"),
    }


def wechat(folder: Path) -> dict[str, str]:
    return {
        "WECHATPAY_MCHID": "1900000109",
        "WECHATPAY_APPID": "wx1",
        "WECHATPAY_SERIAL": "44",
        "WECHATPAY_KEY_FILE": str(folder / "wechat.key"),
        "WECHATPAY_APIV3_KEY_FILE": str(folder / "wechat.v3"),
        "WECHATPAY_PLATFORM_KEY_ID": "PUB_1",
        "WECHATPAY_PLATFORM_KEY_FILE": str(folder / "wechat.pub"),
        "WECHATPAY_NOTIFY_URL": "https://shop.example/api/webhooks/wechatpay",
    }


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("sandbox", ["sandbox", "stripe", "wechatpay"]),
        ("wechatpay", ["wechatpay", "stripe"]),
        ("stripe", ["stripe", "wechatpay"]),
    ],
)
async def test_the_chosen_firm_comes_first_and_a_real_shop_has_no_sandbox(
    tmp_path: Path, chosen: str, names: list[str]
) -> None:
    told = environment(tmp_path, PAYMENT_FIRM=chosen) | stripe(tmp_path) | wechat(tmp_path)
    firms = await open_firms(read(FirmSettings, told))
    assert list(firms) == names
    for firm in firms.values():
        await firm.close()


async def test_with_nothing_said_there_is_the_sandbox_alone(tmp_path: Path) -> None:
    firms = await open_firms(read(FirmSettings, environment(tmp_path)))
    assert list(firms) == ["sandbox"]
    assert (tmp_path / "keys" / "bank.secret").stat().st_mode & 0o777 == 0o600
    await firms["sandbox"].close()


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"PAYMENT_FIRM": "paypal"}, "PAYMENT_FIRM"),
        ({"PAYMENT_FIRM": "stripe"}, "STRIPE_"),
        ({"STRIPE_KEY_FILE": "/k"}, "STRIPE_"),
        ({"WECHATPAY_MCHID": "1"}, "WECHATPAY_"),
        ({"BANK_URL": "bank"}, "BANK_URL"),
    ],
)
def test_half_a_firm_names_itself(tmp_path: Path, told: dict[str, str], named: str) -> None:
    with pytest.raises(WrongSetting, match=named):
        read(FirmSettings, environment(tmp_path, **told))
