"""WeChat Pay's counterpart on this machine: checks the merchant's signature, signs answers, seals notices.

Written against the protocol with `cryptography` alone, so that it does not share a mistake with the adapter.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commerce.payments.adapters.wechatpay import WechatAccount, WechatPay
from tests.commerce.payments.houses import Firm, ear_at_work

MCHID, APPID, SERIAL, KEY_ID = "1900000109", "wxd678efh567hg6787", "444F4864EA9B34415", "PUB_KEY_ID_0119"
APIV3_KEY = "0123456789abcdef0123456789abcdef"
AUTHORIZATION = re.compile(
    r'WECHATPAY2-SHA256-RSA2048 mchid="(.+?)",nonce_str="(.+?)",'
    r'signature="(.+?)",timestamp="(.+?)",serial_no="(.+?)"'
)


@functools.cache
def key_of(name: str) -> rsa.RSAPrivateKey:
    """The key pair of the merchant or of WeChat; made once for all tests."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@dataclass
class WechatHouse:
    """Payments and refunds of one merchant."""

    hook: str
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v3/pay/transactions/h5", self.open),
                web.get("/v3/pay/transactions/out-trade-no/{number}", self.tell),
                web.post("/v3/refund/domestic/refunds", self.refund),
            ]
        )
        return app

    async def open(self, request: web.Request) -> web.Response:
        asked = await self._signed(request)
        number = asked["out_trade_no"]
        self.payments.setdefault(
            number,
            {
                "mchid": asked["mchid"], "appid": asked["appid"], "out_trade_no": number,
                "attach": asked["attach"], "trade_state": "NOTPAY", "amount": asked["amount"],
            },
        )  # fmt: skip
        return self._answer({"h5_url": f"https://wx.test/pay?prepay_id={number}"})

    async def tell(self, request: web.Request) -> web.Response:
        await self._signed(request)
        payment = self.payments.get(request.match_info["number"])
        return self._answer(payment) if payment else self._answer({"code": "ORDER_NOT_EXIST"}, 404)

    async def refund(self, request: web.Request) -> web.Response:
        asked = await self._signed(request)
        number, key, amount = asked["out_trade_no"], asked["out_refund_no"], asked["amount"]["refund"]
        back = sum(made["amount"] for made in self.refunds.values() if made["out_trade_no"] == number)
        if key not in self.refunds:
            if back + amount > self.payments[number]["amount"]["total"]:
                return self._answer({"code": "INVALID_REQUEST"}, 400)
            made = {"refund_id": f"503{len(self.refunds)}", "status": "PROCESSING", "out_trade_no": number}
            self.refunds[key] = {**made, "amount": amount}
        return self._answer(self.refunds[key])

    async def settle(self, url: str, *, paid: bool) -> None:
        """The payer pays, which is told; or the payment is closed, which WeChat tells nobody."""
        number = url.partition("prepay_id=")[2].partition("&")[0]
        payment = self.payments[number]
        if not paid:
            payment["trade_state"] = "CLOSED"
            return
        payment |= {"trade_state": "SUCCESS", "transaction_id": "4200001"}
        nonce = secrets.token_hex(6)
        plain = json.dumps(payment).encode()
        sealed = AESGCM(APIV3_KEY.encode()).encrypt(nonce.encode(), plain, b"transaction")
        resource = {
            "algorithm": "AEAD_AES_256_GCM", "ciphertext": base64.b64encode(sealed).decode(), "nonce": nonce,
            "associated_data": "transaction", "original_type": "transaction",
        }  # fmt: skip
        notice = {
            "id": "EV-1", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource",
            "resource": resource, "summary": "支付成功",
        }  # fmt: skip
        body = json.dumps(notice, ensure_ascii=False).encode()
        headers = self._marks(body)
        async with (
            aiohttp.ClientSession() as wire,
            wire.post(self.hook, data=body, headers=headers) as answer,
        ):
            assert answer.status == 204

    async def _signed(self, request: web.Request) -> dict[str, Any]:
        shaped = AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        assert shaped is not None
        mchid, nonce, signature, stamp, serial = shaped.groups()
        body = await request.text()
        said = f"{request.method}\n{request.path_qs}\n{stamp}\n{nonce}\n{body}\n".encode()
        key_of("merchant").public_key().verify(
            base64.b64decode(signature), said, padding.PKCS1v15(), hashes.SHA256()
        )
        assert (mchid, serial) == (MCHID, SERIAL)
        asked: dict[str, Any] = json.loads(body) if body else {}
        return asked

    def _answer(self, said: dict[str, Any], status: int = 200) -> web.Response:
        body = json.dumps(said, ensure_ascii=False).encode()
        return web.Response(
            body=body, status=status, headers=self._marks(body), content_type="application/json"
        )

    def _marks(self, body: bytes) -> dict[str, str]:
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        said = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = key_of("wechat").sign(said, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }


def account(origin: str, hook: str) -> WechatAccount:
    return WechatAccount(
        MCHID, APPID, SERIAL, private_pem(key_of("merchant")), APIV3_KEY, KEY_ID,
        public_pem(key_of("wechat")), hook, origin,
    )  # fmt: skip


@asynccontextmanager
async def wechat_firm(folder: Path) -> AsyncIterator[Firm]:
    """Our adapter before WeChat's counterpart."""
    async with ear_at_work() as (ear, hook):
        house = WechatHouse(hook)
        async with TestServer(house.app()) as server:
            adapter = WechatPay(account(str(server.make_url("/")).rstrip("/"), hook))
            yield Firm(
                adapter,
                ear,
                lambda url: house.settle(url, paid=True),
                lambda url: house.settle(url, paid=False),
                tells_failures=False,
            )
            await adapter.close()
