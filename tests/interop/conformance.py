"""What RFC 9725 (WHIP) and draft-ietf-wish-whep demand of a server, as checks that run against any URL.

`python -m tests.interop.conformance --whip URL --whep URL`, tokens in WHIP_TOKEN and WHEP_TOKEN,
prints a line a check and one JSON line last. Every check opens sessions of its own and deletes
them; two of them connect. WHEP needs a program on air; `--idle URL` names a show that is not, `--moved URL`
an endpoint that sends on to another place, `--full URL` one without room, `--flood N` how many requests may
be wasted on the rate limit. A `{}` in a URL is another number for each check, where a server takes
one publisher an endpoint. Exit code 1 when a MUST is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import aiohttp

import tests.interop.demands  # enlists them
import tests.interop.demands_of_answers  # noqa: F401  # the same
from tests.interop.endpoint import DEMANDS, Broken, Demand, Endpoint


@dataclass
class Report:
    met: int = 0
    broken: dict[str, str] = field(default_factory=dict)


async def run(kind: str, url: str, token: str, demands: list[Demand], **known: Any) -> Report:
    """All demands of one protocol against one URL; prints a line for each."""
    report = Report()
    async with aiohttp.ClientSession() as http:
        ordered = sorted(demands, key=lambda each: each.needs == "flood")  # after it nobody is heard
        for number, each in enumerate(ordered):
            endpoint = Endpoint(kind, url.replace("{}", str(number)), token, http, **known)
            if not each.concerns(endpoint):
                continue
            try:
                await each.check(endpoint)
            except aiohttp.ClientConnectorError as nobody:
                raise SystemExit(f"{url} cannot be reached: {nobody.os_error.strerror}.") from None
            except (Broken, aiohttp.ClientError, TimeoutError, IndexError) as seen:
                report.broken[each.name] = str(seen) or type(seen).__name__
                print(f"{kind}  broken  {each.name} ({each.where}): {report.broken[each.name]}")
            else:
                report.met += 1
                print(f"{kind}  met     {each.name} ({each.where})")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.conformance", description=__doc__)
    parser.add_argument("--whip", metavar="URL", help="a WHIP endpoint; its token in WHIP_TOKEN")
    parser.add_argument("--whep", metavar="URL", help="a WHEP endpoint on air; its token in WHEP_TOKEN")
    parser.add_argument("--idle", metavar="URL", default="", help="a WHEP endpoint off air")
    parser.add_argument("--moved", metavar="URL", default="", help="an endpoint that sends on")
    parser.add_argument("--full", metavar="URL", default="", help="an endpoint without room")
    parser.add_argument("--flood", metavar="N", type=int, default=0, help="requests for the rate limit")
    parser.add_argument("--house", action="store_true", help="ask also for what our relay alone promises")
    wanted = parser.parse_args()
    known = {
        "idle_url": wanted.idle,
        "moved_url": wanted.moved,
        "full_url": wanted.full,
        "flood": wanted.flood,
        "house": wanted.house,
    }
    summary = {}
    for kind in ("whip", "whep"):
        url = getattr(wanted, kind)
        if url:
            token = os.environ.get(f"{kind.upper()}_TOKEN", "")
            report = asyncio.run(run(kind, url, token, DEMANDS, **known))
            summary[kind] = {"met": report.met, "broken": report.broken}
    print(json.dumps({"conformance": summary}))
    return 1 if any(result["broken"] for result in summary.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
