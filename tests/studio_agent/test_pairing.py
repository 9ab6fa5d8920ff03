"""An agent is let in by a short code, keeps what it is given to itself, and renews it in time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from studio_agent.credential import Credential, read_credential, write_credential
from studio_agent.pair import MOST_CODES, NotPaired, pair
from studio_agent.paired import PairedWay
from studio_agent.settings import SettingsError
from studio_agent.shop import Shop, ShopSilent
from studio_agent.way import NoWay, WayClosed, WayIn
from tests.studio_agent.fake_shop import TOKEN_MS, FakeShop, no, opened, yes


class Person:
    """Who reads the screen and waits; `waits` are the seconds between two questions."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.waits: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


async def paired(fake: FakeShop, person: Person, file: Path) -> Credential:
    async with opened(fake) as shop:
        return await pair(shop, "studio-pc", file, person.shown.append, person.wait)


async def test_a_code_is_shown_until_somebody_types_it_in(tmp_path: Path) -> None:
    fake, person, file = FakeShop(), Person(), tmp_path / "studio" / "pairing.json"
    fake.polls = [no(409, "PairingPending", interval=5), no(429, "SlowDown", interval=10), yes()]
    credential = await paired(fake, person, file)
    assert person.shown == ["Open   http://shop.test/pair\nEnter  BCDF-GHJK\n"]
    assert person.waits == [5, 5, 10]
    assert fake.agents == ["studio-pc"]
    assert (credential.studio, credential.studio_name) == ("st-1", "Loft")
    assert await asyncio.to_thread(read_credential, file) == credential
    modes = [(await asyncio.to_thread(path.stat)).st_mode & 0o777 for path in (file, file.parent)]
    assert modes == [0o600, 0o700]


async def test_a_code_whose_time_is_over_is_followed_by_another(tmp_path: Path) -> None:
    fake, person = FakeShop(), Person()
    fake.polls = [no(404, "UnknownPairing"), yes()]
    await paired(fake, person, tmp_path / "pairing.json")
    assert len(fake.agents) == 2


async def test_codes_have_an_end(tmp_path: Path) -> None:
    fake, person = FakeShop(), Person()
    fake.polls = [no(404, "UnknownPairing") for _ in range(MOST_CODES)]
    with pytest.raises(NotPaired):
        await paired(fake, person, tmp_path / "pairing.json")


async def test_who_is_sent_away_does_not_ask_again(tmp_path: Path) -> None:
    fake, person = FakeShop(), Person()
    fake.polls = [no(403, "PairingDenied")]
    with pytest.raises(NotPaired, match="sent this device away"):
        await paired(fake, person, tmp_path / "pairing.json")
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_shop_that_stumbles_is_asked_again(tmp_path: Path) -> None:
    fake, person = FakeShop(), Person()
    fake.polls = [web.Response(status=502, text="<html>"), web.json_response([]), yes()]
    await paired(fake, person, tmp_path / "pairing.json")
    assert len(person.waits) == 3


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_credential_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "pairing.json"
    write_credential(file, Credential("http://shop.test", "st-1", "Loft", "secret"))
    file.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_credential(file)


@pytest.mark.parametrize("text", ["", "[]", '{"shop": "x"}', "no json"])
def test_a_file_without_a_pairing_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pairing.json"
    file.touch(0o600)
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"pairing\.json"):
        read_credential(file)


def test_nothing_shows_a_secret() -> None:
    shown = repr(Credential("http://shop.test", "st-1", "Loft", "s3cret")) + repr(WayIn("w", "s3cret"))
    assert "s3cret" not in shown


# -- renewing --------------------------------------------------------------------------------------


def way_of(shop: Shop, fake: FakeShop, file: Path) -> PairedWay:
    credential = Credential(shop.origin, "st-1", "Loft", fake.credential)
    return PairedWay(shop, credential, file, lambda: fake.now_ms)


async def test_a_token_is_renewed_at_half_of_its_life(tmp_path: Path) -> None:
    fake, file = FakeShop(), tmp_path / "pairing.json"
    async with opened(fake) as shop:
        way = way_of(shop, fake, file)
        first = await way.find()
        assert first == WayIn("http://relay.test/whip/st-1", "token-1")
        fake.now_ms += TOKEN_MS // 2 - 1
        assert await way.find() == first
        fake.now_ms += 1
        assert (await way.find()).token == "token-2"
    kept = await asyncio.to_thread(read_credential, file)
    assert kept is not None
    assert kept.secret == fake.credential


async def test_what_was_kept_opens_the_way_after_a_restart(tmp_path: Path) -> None:
    fake, file = FakeShop(), tmp_path / "pairing.json"
    async with opened(fake) as shop:
        await way_of(shop, fake, file).find()
        kept = await asyncio.to_thread(read_credential, file)
        assert kept is not None
        again = PairedWay(shop, kept, file, lambda: fake.now_ms)
        assert (await again.find()).token == "token-2"


async def test_a_silent_shop_spends_the_rest_of_a_token(tmp_path: Path) -> None:
    fake = FakeShop()
    async with opened(fake) as shop:
        way = way_of(shop, fake, tmp_path / "pairing.json")
        fake.status = 503
        with pytest.raises(NoWay, match="NoRelay"):
            await way.find()
        fake.status = 200
        first = await way.find()
        fake.status = 503
        fake.now_ms += TOKEN_MS - 1
        assert await way.find() == first
        fake.now_ms += 1
        with pytest.raises(NoWay):
            await way.find()


async def test_a_revoked_pairing_closes_the_way(tmp_path: Path) -> None:
    fake = FakeShop()
    async with opened(fake) as shop:
        way = way_of(shop, fake, tmp_path / "pairing.json")
        used = await way.find()
        assert await way.find_other(used)  # the relay refused it: of an older generation
        fake.status = 401
        with pytest.raises(WayClosed, match="pair the studio again"):
            await way.find_other(await way.find())


async def test_a_disk_that_is_full_does_not_take_the_studio_off_air(tmp_path: Path) -> None:
    fake, blocked = FakeShop(), tmp_path / "file"
    blocked.touch()
    async with opened(fake) as shop:
        assert (await way_of(shop, fake, blocked / "pairing.json").find()).token == "token-1"


async def test_a_redirection_gets_no_credential() -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/other"})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", elsewhere)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        with pytest.raises(ShopSilent):
            await Shop(http, str(server.make_url("/"))).renew("secret")
    assert seen == ["/api/pairings/renewal"]
