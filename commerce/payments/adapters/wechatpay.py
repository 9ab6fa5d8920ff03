"""WeChat Pay API v3 (H5 page, notices, refunds); signatures and sealed notices by `wechatpayv3`.

WeChat counts in fen of CNY, knows a payment by our own number (`out_trade_no`), signs every answer and every
notice (RSA-SHA256 over `timestamp\\nnonce\\nbody\\n`), seals what a notice says (AES-256-GCM), and tells of
success alone: that nobody paid is learnt by asking.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from wechatpayv3.utils import aes_decrypt, build_authorization, load_private_key, load_public_key, rsa_verify

from commerce.payments.adapters.http import Told, exchange, new_session
from commerce.payments.provider import (
    Bill,
    FirmRefused,
    FirmSilent,
    Forged,
    Looked,
    Notice,
    Outcome,
    PaymentPage,
    RefundMade,
    RefundWish,
)

TOLERANCE_SECONDS: Final = 300
SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
OUTCOMES: Final[dict[str, Outcome | None]] = {
    "SUCCESS": "succeeded",
    "REFUND": "succeeded",  # it was paid; what of it went back is ours to know
    "NOTPAY": None,
    "USERPAYING": "unknown",
    "CLOSED": "failed",
    "REVOKED": "failed",
    "PAYERROR": "failed",
}


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """A merchant at WeChat Pay: its numbers, its key, WeChat's public key, and where notices go."""

    mchid: str
    appid: str
    serial: str  # of the merchant's certificate
    private_key: str = field(repr=False)  # PEM
    apiv3_key: str = field(repr=False)  # 32 characters
    platform_key_id: str
    platform_key: str = field(repr=False)  # PEM, public
    notify_url: str
    origin: str = "https://api.mch.weixin.qq.com"


class WechatPay:
    """One merchant at WeChat Pay; make it inside a running loop, and close it."""

    def __init__(self, account: WechatAccount) -> None:
        self._account = account
        self._private = load_private_key(account.private_key)
        self._platform = load_public_key(account.platform_key)
        self._session = new_session()

    @property
    def name(self) -> str:
        return "wechatpay"

    async def open_page(self, bill: Bill) -> PaymentPage | FirmRefused | FirmSilent:
        asked = {
            "mchid": self._account.mchid,
            "appid": self._account.appid,
            "description": f"{bill.payee} {bill.order}"[:127],
            "out_trade_no": bill.payment,
            "attach": bill.order,
            "notify_url": self._account.notify_url,
            "amount": {"total": bill.amount, "currency": bill.currency},
            "scene_info": {"payer_client_ip": bill.payer_ip, "h5_info": {"type": "Wap"}},
        }
        told = await self._ask("POST", "/v3/pay/transactions/h5", asked)
        if not isinstance(told, Told):
            return told
        url = told.body.get("h5_url")
        if not isinstance(url, str):
            return FirmSilent("an answer without a page", told.transcript)
        leads_to = f"{url}&redirect_url={quote(bill.return_url, safe='')}"
        return PaymentPage(bill.payment, leads_to, told.transcript)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notice | Forged | None:
        wrong = self._why_wrong(headers, body, now_s)
        if wrong is not None:
            return Forged(wrong)
        try:
            said = json.loads(body)
            if said["event_type"] != "TRANSACTION.SUCCESS":
                return None
            sealed = said["resource"]
            plain = aes_decrypt(
                sealed["nonce"],
                sealed["ciphertext"],
                sealed.get("associated_data") or "",
                self._account.apiv3_key,
            )
            if plain is None:
                return Forged("signed, but sealed with another key")
            return self._notice(json.loads(plain))
        except (ValueError, KeyError, TypeError):
            return Forged("signed, but not a notice of ours")

    async def look_up(self, ref: str) -> Looked | FirmRefused | FirmSilent:
        number = quote(ref, safe="")
        path = f"/v3/pay/transactions/out-trade-no/{number}?mchid={self._account.mchid}"
        told = await self._ask("GET", path, None)
        if not isinstance(told, Told):
            return told
        try:
            return Looked(self._notice(told.body), told.transcript)
        except (ValueError, KeyError, TypeError):
            return FirmSilent("an answer that is no payment of ours", told.transcript)

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        amount = {"refund": wish.amount, "total": wish.paid, "currency": wish.currency}
        asked = {"out_trade_no": wish.ref, "out_refund_no": wish.key, "amount": amount}
        told = await self._ask("POST", "/v3/refund/domestic/refunds", asked)
        if not isinstance(told, Told):
            return told
        if told.body.get("status") in ("CLOSED", "ABNORMAL"):
            return FirmRefused(f"refund_{told.body['status'].lower()}", told.transcript)
        return RefundMade(str(told.body.get("refund_id", "")), told.transcript)

    async def close(self) -> None:
        await self._session.close()

    async def _ask(
        self, method: str, path: str, asked: dict[str, Any] | None
    ) -> Told | FirmRefused | FirmSilent:
        body = "" if asked is None else json.dumps(asked, ensure_ascii=False)
        account = self._account
        headers = {
            "Authorization": build_authorization(
                path, method, account.mchid, account.serial, self._private, data=body
            ),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Wechatpay-Serial": account.platform_key_id,
        }
        told = await exchange(self._session, method, account.origin + path, body.encode(), headers)
        if isinstance(told, Told):
            wrong = self._why_wrong(told.headers, told.transcript.response, None)
            if wrong is not None:
                return FirmSilent(f"the answer has a {wrong}", told.transcript)
            if not isinstance(told.body, dict):
                return FirmSilent("an answer of another shape", told.transcript)
        return told

    def _why_wrong(self, headers: Mapping[str, str], body: bytes, now_s: float | None) -> str | None:
        """None when WeChat signed these bytes, now if `now_s` is given; else the reason."""
        given = {name.lower(): value for name, value in headers.items()}
        said = {
            mark: given.get(f"wechatpay-{mark}", "") for mark in ("timestamp", "nonce", "serial", "signature")
        }
        if given.get("wechatpay-signature-type", SCHEME) != SCHEME:
            return "signature of another kind"
        if said["serial"] != self._account.platform_key_id or not said["timestamp"].isdecimal():
            return "signature of another key"
        try:
            text = body.decode()
            right = rsa_verify(said["timestamp"], said["nonce"], text, said["signature"], self._platform)
        except ValueError:
            right = False
        if not right:
            return "wrong signature"
        if now_s is not None and abs(now_s - int(said["timestamp"])) > TOLERANCE_SECONDS:
            return "time outside the tolerance"
        return None

    def _notice(self, said: Mapping[str, Any]) -> Notice | None:
        """A payment as WeChat tells it; None while nobody paid. Raises KeyError, TypeError, ValueError."""
        if said["mchid"] != self._account.mchid:
            raise ValueError("of another merchant")
        outcome = OUTCOMES[said["trade_state"]]
        if outcome is None:
            return None
        number, order, amount = said["out_trade_no"], said["attach"], said["amount"]
        total, currency = amount["total"], amount["currency"]
        if not all(isinstance(text, str) for text in (number, order, currency)) or type(total) is not int:
            raise TypeError("a field is of another kind")
        return Notice(number, number, order, total, currency, outcome)
