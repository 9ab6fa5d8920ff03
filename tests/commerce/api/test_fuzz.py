"""The OpenAPI document walked by schemathesis: whatever comes in, no answer is a mistake of the shop.

Real processes: front, desk, Valkey. `make fuzz` walks longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from commerce.api.routes import Access
from commerce.api.table import ROUTES
from demo.free import free_port
from tests.commerce.api.conforming import DOCUMENT
from tests.commerce.api.street import PASSWORD, TITLE, lay_folder
from tests.servers import Server

ACCESS = {(route.method, route.path): route.access for route in ROUTES}
NO_RELAY = {
    "/api/shows/{show}/seat",
    "/api/merchant/studios/{studio}/token",
    "/api/pairings/renewal",
}
schema = schemathesis.openapi.from_dict(DOCUMENT)


@dataclass
class Door:
    """A running shop: its address, an open show, and a token for each kind of caller."""

    origin: str
    show: str = ""
    tokens: dict[Access, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"k{time.monotonic_ns()}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps({} if body is None else body).encode()
        request = urllib.request.Request(self.origin + path, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def furnish(self) -> None:
        """Sign everybody in and open a show with an offer."""
        signed = {
            name: self.ask("POST", "/api/sessions", {"name": name, "password": PASSWORD})["token"]
            for name in ("seller", "host", "operator")
        }
        self.tokens = {
            Access.BUYER: self.ask("POST", "/api/buyers")["token"],
            Access.STAFF: signed["host"],
            Access.MERCHANT: signed["seller"],
            Access.OPERATOR: signed["operator"],
        }
        self.tokens[Access.SOMEONE] = self.tokens[Access.BUYER]
        plan = {"title": TITLE, "starts_at": 1, "time_zone": "UTC", "currency": "CNY", "studio": "st-one"}
        self.show = self.ask("POST", "/api/merchant/shows", plan, signed["seller"])["id"]
        self.ask("POST", f"/api/host/shows/{self.show}/open", {}, signed["host"])


def answers(door: Door, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{door.origin}/healthz").close()
            return
        except OSError:
            assert process.poll() is None
            time.sleep(0.05)
    raise TimeoutError(door.origin)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("fuzz")
    lay_folder(folder)
    store_folder = Path(folder / "s")
    store_folder.mkdir()
    store = Server("valkey", store_folder).start()
    port = free_port()
    environment = {
        **os.environ,
        "VAR_DIR": str(folder),
        "REDIS_URL": store.url,
        "SHOP_HTTP": f"127.0.0.1:{port}",
        "DESK_HTTP": f"127.0.0.1:{free_port()}",
        "RATE_LIMITS": "0",
    }
    processes = [
        subprocess.Popen([sys.executable, "-m", module], env=environment, stderr=subprocess.DEVNULL)
        for module in ("commerce.desk", "commerce")
    ]
    made = Door(f"http://127.0.0.1:{port}")
    try:
        answers(made, processes[1])
        made.furnish()
        yield made
    finally:
        for process in processes:
            process.kill()
            process.wait()
        store.stop()


@schema.exclude(path_regex="/events$|^/api/sessions").parametrize()
@settings(
    max_examples=min(500, int(os.environ.get("FUZZ_EXAMPLES", "8"))),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_input_makes_the_shop_answer_5xx(case: Case, door: Door) -> None:
    if "show" in (case.path_parameters or {}) and len(str(case.body)) % 2:
        case.path_parameters["show"] = door.show
    access = ACCESS.get((case.method.upper(), case.path), Access.ANYONE)  # other methods are tried too
    headers = {"Authorization": f"Bearer {door.tokens[access]}"} if access in door.tokens else {}
    response = case.call(base_url=door.origin, headers=headers, allow_redirects=False, timeout=60)
    if case.path in NO_RELAY and response.status_code == 503:
        assert response.json()["code"] == "NoRelay"
        return
    assert response.status_code < 500, response.text
