"""Backup and restore: logs, books and keys come back as they were, on either server."""

import asyncio
import io
import os
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from commerce import backup, keys
from commerce.books import open_books, persons
from commerce.settings import ShopSettings, read
from demo import seed
from tests.servers import Server

SHOW = "sh-1"
ADA = persons.Contact("Ada Lovelace", "+7 701 123 45 67", "Almaty, Dostyk 1")


def shop_on(server: Server, folder: Path) -> ShopSettings:
    return read(ShopSettings, {"VAR_DIR": str(folder), "REDIS_URL": server.url})


def an_evening(server: Server, folder: Path) -> tuple[ShopSettings, str]:
    """A shop with goods, a person, a log, an inbox that was worked off, and things that do not last."""
    shop = shop_on(server, folder)
    keys.make_keys(shop.keys_dir)
    contact = asyncio.run(_books_of(shop))
    with Redis.from_url(server.url) as redis:
        for version in range(1, 8):
            redis.xadd(f"{{{SHOW}}}:log", {"events": bytes([version]), "by": "d1"}, id=f"{version}-0")
        redis.xtrim(f"{{{SHOW}}}:log", minid="3-0")
        redis.xadd(f"{{{SHOW}}}:inbox", {"command": "x"}, id="1700000000000-4")
        redis.xtrim(f"{{{SHOW}}}:inbox", maxlen=0, approximate=False)
        redis.hset(f"{{{SHOW}}}:snapshot", mapping={"version": "5", "state": b"\x00\xff"})
        redis.set(f"{{{SHOW}}}:cart:by-1", b"\x82", ex=1000)
        redis.sadd("shows:open", SHOW)
        redis.zadd("scores", {"one": 1.5})
        redis.rpush("queue", "a", "b")
        redis.set(f"{{{SHOW}}}:lease", "d1")
        redis.xadd(f"{{{SHOW}}}:answers:f1", {"answers": "x"})
        redis.hset("relay:registry", "r1", "x")
    return shop, contact


async def _books_of(shop: ShopSettings) -> str:
    await seed.lay_books(shop, seed.new_logins())
    books = await open_books(shop.database_url, shop.keys_dir / "persons.key")
    async with books.begin() as tx:
        contact = await persons.store_contact(tx, books.keyring, "by-1", ADA, 1_700_000_000_000)
    await books.close()
    return contact


async def contact_in(shop: ShopSettings, contact: str) -> persons.Contact | None:
    books = await open_books(shop.database_url, shop.keys_dir / "persons.key")
    try:
        async with books.read() as tx:
            return await persons.own_contact(tx, books.keyring, contact, "by-1")
    finally:
        await books.close()


def everything(server: Server) -> dict[bytes, object]:
    with Redis.from_url(server.url) as redis:
        return {
            key: {
                b"string": redis.get,
                b"hash": redis.hgetall,
                b"set": redis.smembers,
                b"stream": redis.xrange,
                b"zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
                b"list": lambda name: redis.lrange(name, 0, -1),
            }[redis.type(key)](key)
            for key in redis.scan_iter()
        }


def test_all_that_lasts_comes_back_in_one_command_each_way(server: Server, tmp_path: Path) -> None:
    shop, contact = an_evening(server, tmp_path / "old")
    file = tmp_path / "b.tar"
    assert backup.main(["save", str(file)], shop) == 0
    before = everything(server)
    server.empty()
    new = shop_on(server, tmp_path / "new")
    assert backup.main(["restore", str(file)], new) == 0
    fleeting = {b"{sh-1}:lease", b"{sh-1}:answers:f1", b"relay:registry"}
    assert everything(server) == {key: value for key, value in before.items() if key not in fleeting}
    assert asyncio.run(contact_in(new, contact)) == ADA
    signing = keys.load_signer(new.keys_dir)
    assert signing.kid == keys.load_signer(shop.keys_dir).kid


def test_the_fence_of_a_log_and_of_an_empty_inbox_stand_again(server: Server, tmp_path: Path) -> None:
    """A desk that was stale before the backup is refused after the restore too."""
    shop, _ = an_evening(server, tmp_path / "old")
    backup.save(shop, tmp_path / "b.tar")
    server.empty()
    backup.restore(shop_on(server, tmp_path / "new"), tmp_path / "b.tar")
    with Redis.from_url(server.url) as redis:
        for key, stale in ((f"{{{SHOW}}}:log", "7-0"), (f"{{{SHOW}}}:inbox", "1700000000000-4")):
            with pytest.raises(Exception, match="equal or smaller"):
                redis.xadd(key, {"k": "v"}, id=stale)
        assert 0 < redis.ttl(f"{{{SHOW}}}:cart:by-1") <= 1000


def test_a_backup_is_for_its_owner_alone(valkey: Server, tmp_path: Path) -> None:
    shop, _ = an_evening(valkey, tmp_path / "old")
    backup.save(shop, tmp_path / "b.tar")
    assert stat.S_IMODE(os.stat(tmp_path / "b.tar").st_mode) == 0o600
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert b"Lovelace" not in b"".join(tar.extractfile(m).read() for m in tar if m.isfile())  # type: ignore[union-attr]  # only files are asked


@pytest.mark.parametrize("left", ["keys", "books", "live"])
def test_a_restore_over_something_changes_nothing(
    valkey: Server, tmp_path: Path, left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, _ = an_evening(valkey, tmp_path / "old")
    backup.save(shop, tmp_path / "b.tar")
    before = everything(valkey)
    new = shop_on(valkey, tmp_path / "new")
    if left == "keys":
        new = replace(new, keys_dir=shop.keys_dir)
    elif left == "books":
        valkey.empty()
        new = replace(new, database_url=shop.database_url)
        before = {}
    assert backup.main(["restore", str(tmp_path / "b.tar")], new) == 1
    assert everything(valkey) == before
    said = capsys.readouterr().err
    assert said.startswith("backup: There are" if left != "keys" else "backup: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_a_file_that_is_no_backup_is_refused_in_a_sentence(
    valkey: Server, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.tar").write_bytes(content)
    assert backup.main(["restore", str(tmp_path / "b.tar")], shop_on(valkey, tmp_path / "new")) == 1
    assert "is no backup" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../outside", "/outside", "keys/../../outside", ".hidden"])
def test_a_backup_that_reaches_outside_is_refused(
    valkey: Server, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    assert backup.main(["restore", str(tmp_path / "b.tar")], shop_on(valkey, tmp_path / "new")) == 1
    assert "does not belong" in capsys.readouterr().err


def test_a_server_that_is_gone_is_a_sentence(
    own_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, _ = an_evening(own_server, tmp_path / "old")
    own_server.stop()
    assert backup.main(["save", str(tmp_path / "b.tar")], shop) == 1
    assert "did not answer" in capsys.readouterr().err
    assert not (tmp_path / "b.tar").exists()
    assert not list(tmp_path.glob(".backup-*"))
