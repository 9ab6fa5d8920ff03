"""What the fake shop knows of accounts, second steps, pairings and the trail."""

from __future__ import annotations

import time
from typing import Any, Final

from aiohttp import web

from commerce.api.account import qr_of
from tests.web.fake_answers import problem

CODE: Final = "123456"
USER_CODE: Final = "BCDFGHJK"
SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RECOVERY: Final = [f"{n:05d}-abcde" for n in range(10)]
HOUR_MS: Final = 3_600_000


def now_ms() -> int:
    return int(time.time() * 1000)


class Access:
    """One account's second step, the studios and their computers, one device that waits."""

    def __init__(self) -> None:
        self.is_guarded = False
        self.since: int | None = None
        self.left = 0
        self.password = "pavilion"
        now = now_ms()
        seen = {"paired_at": now - 500 * HOUR_MS, "renewed_at": now - HOUR_MS // 4}
        self.studios: list[dict[str, Any]] = [
            {"id": "s1", "name": "Pavilion A", "pairings": [{"id": "pg-1", "agent": "LOFT-PC-02", **seen}]},
            {"id": "s2", "name": "Kitchen", "pairings": []},
        ]
        self.let_in: dict[str, Any] | None = None

    async def sign_in(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["password"] != self.password:
            return problem(401, "WrongPassword")
        if self.is_guarded and "code" not in body:
            return problem(401, "CodeNeeded")
        if self.is_guarded and body["code"] != CODE:
            return problem(401, "WrongCode")
        account = {"id": "a1", "name": body["name"], "role": body["name"], "merchant": "m1"}
        return web.json_response({"token": "staff-1", "account": account}, status=201)

    async def security(self, _: web.Request) -> web.Response:
        facts = {"second_factor": self.is_guarded, "since": self.since, "recovery_codes": self.left}
        return web.json_response(facts)

    async def enrol(self, request: web.Request) -> web.Response:
        if (await request.json())["password"] != self.password:
            return problem(401, "WrongPassword")
        uri = f"otpauth://totp/Silkcast:merchant?secret={SECRET}&issuer=Silkcast"
        made = {"secret": SECRET, "otpauth": uri, "qr": qr_of(uri), "expires_at": now_ms() + HOUR_MS // 4}
        return web.json_response(made, status=201)

    async def factor(self, request: web.Request) -> web.Response:
        if (await request.json())["code"] != CODE:
            return problem(401, "WrongCode")
        act = request.match_info["act"]
        self.is_guarded = act != "off"
        self.since, self.left = (now_ms(), 10) if self.is_guarded else (None, 0)
        token = {"token": f"staff-after-{act}", "expires_at": now_ms()}
        return web.json_response({"recovery_codes": RECOVERY, **token} if self.is_guarded else token)

    async def change_password(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["password"] != self.password:
            return problem(401, "WrongPassword")
        self.password = body["new_password"]
        return web.json_response({"token": "staff-after-password", "expires_at": now_ms()})

    async def list_studios(self, _: web.Request) -> web.Response:
        return web.json_response({"studios": self.studios})

    async def revoke(self, request: web.Request) -> web.Response:
        studio = next(one for one in self.studios if one["id"] == request.match_info["studio"])
        studio["pairings"] = []
        return web.json_response({"id": studio["id"], "name": studio["name"]})

    async def pairing(self, request: web.Request) -> web.Response:
        body, act = await request.json(), request.match_info["act"]
        if body["user_code"].replace("-", "") != USER_CODE:
            return problem(404, "UnknownPairing")
        if act == "look":
            waits = {"agent": "LOFT-PC-02", "source": "203.0.113.7", "asked_at": now_ms() - 40_000}
            return web.json_response({**waits, "expires_at": now_ms() + HOUR_MS // 7})
        if act == "deny":
            return web.Response(status=204)
        self.let_in = body
        known = {one["id"]: one["name"] for one in self.studios}
        studio = body.get("studio", "s3")
        return web.json_response({"id": studio, "name": known.get(studio, body.get("name"))})

    async def reset(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["password"] != self.password:
            return problem(401, "WrongPassword")
        if self.is_guarded and body.get("code") != CODE:
            return problem(401, "WrongCode")
        if body["name"] == "operator":
            return problem(403, "Forbidden")
        if body["name"] != "host":
            return problem(404, "UnknownAccount")
        return web.json_response({"account": "ac-2", "sessions": 2})

    async def trail(self, request: web.Request) -> web.Response:
        acts = [act for act in self.acts() if all(act[k] == v for k, v in request.query.items() if k in act)]
        return web.json_response({"acts": acts, "next": None})

    def acts(self) -> list[dict[str, Any]]:
        told = (
            ("merchant", "mr-steppe", "ScheduleShow", "sh-7k2m9xq4t8w3", {}),
            ("merchant", "mr-steppe", "ApprovePairing", "st-loft", {"agent": "LOFT-PC-02"}),
            ("host", "mr-steppe", "RepriceOffer", "sh-7k2m9xq4t8w3", {"offer": "of-1", "price": 8800}),
            (None, None, "PairStudio", "st-loft", {"agent": "LOFT-PC-02", "by": "staff:ac-1"}),
            ("merchant", "mr-steppe", "SwitchSecondFactorOn", "ac-1", {}),
            ("operator", None, "SignedIn", "ac-9", {"proof": "code"}),
        )
        return [
            {
                "number": 60 - n, "actor": "studio:st-loft", "name": name, "merchant": merchant, "act": act,
                "subject": subject, "details": {**details, "trace": "t"}, "at": now_ms() - n * HOUR_MS,
            }
            for n, (name, merchant, act, subject, details) in enumerate(told)
        ]  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/sessions", self.sign_in),
            web.get("/api/account/security", self.security),
            web.post("/api/account/second-factor", self.enrol),
            web.post("/api/account/second-factor/{act}", self.factor),
            web.post("/api/account/password", self.change_password),
            web.get("/api/merchant/studios", self.list_studios),
            web.post("/api/merchant/studios/{studio}/revoke", self.revoke),
            web.post("/api/merchant/pairings/{act}", self.pairing),
            web.get("/api/operator/trail", self.trail),
            web.post("/api/operator/second-factor-resets", self.reset),
        ]
