"""Saves log and books into one file and lays them back: `python -m commerce.backup save|restore [FILE]`.

The books are read first and the logs after, so the logs are never behind the books: what the books lack
after a restore, the archivist books again. The file also holds the keys of the shop and of persons:
it is written for its owner alone, and whoever has it can read everything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import msgpack
from sqlalchemy.exc import SQLAlchemyError

from commerce.books import Books, open_books
from commerce.books import copy as books_copy
from commerce.live import copy as live_copy
from commerce.live.valkey import open_redis
from commerce.settings import ShopSettings, load

FORMAT: Final = 1
BOOKS, LIVE, MANIFEST, KEYS = "books.msgpack", "live.msgpack", "manifest.json", "keys/"
PERSONS_KEY: Final = "persons.key"
TRIES: Final = 3
MOST_RECORD_BYTES: Final = 1 << 31  # a show's whole log is one record


class Refusal(Exception):
    """Why nothing was saved or laid back: one plain sentence."""


def save(shop: ShopSettings, target: Path) -> dict[str, Any]:
    """Write the backup file whole or not at all; gives its manifest. Raises Refusal."""
    if not (shop.keys_dir / PERSONS_KEY).exists():
        raise Refusal(f"There is no {shop.keys_dir / PERSONS_KEY}: nothing to save, or another KEYS_DIR.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as name:
        folder = Path(name)
        with (folder / BOOKS).open("wb") as books, (folder / LIVE).open("wb") as live:
            counts = asyncio.run(_copy_out(shop, books, live))
        manifest = {"format": FORMAT, "at_ms": time.time_ns() // 1_000_000, **counts}
        (folder / MANIFEST).write_text(json.dumps(manifest))
        draft = folder / "backup.tar"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _pack(file, folder, shop.keys_dir)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    return manifest


def restore(shop: ShopSettings, source: Path) -> dict[str, Any]:
    """Lay a backup back into an empty shop; gives its manifest. Raises Refusal, then nothing has changed."""
    if shop.keys_dir.exists() and any(shop.keys_dir.iterdir()):
        raise Refusal(f"{shop.keys_dir} has keys already; a backup is laid back into an empty shop.")
    shop.var_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shop.var_dir, prefix=".restore-") as name:
        folder = Path(name)
        manifest = _unpack(source, folder)
        with (folder / BOOKS).open("rb") as books, (folder / LIVE).open("rb") as live:
            asyncio.run(_copy_in(shop, folder / KEYS, books, live))
    return manifest


async def _copy_out(shop: ShopSettings, books: IO[bytes], live: IO[bytes]) -> dict[str, int]:
    opened = await open_books(shop.database_url, shop.keys_dir / PERSONS_KEY)
    redis = open_redis(shop.redis_url)
    try:
        for _ in range(TRIES):
            for file in (books, live):
                file.seek(0)
                file.truncate()
            rows, archived = await _copy_books(opened, books)
            keys, first_kept = await _copy_live(redis, live)
            # between the two a log may have been trimmed past what the books knew when they were read
            if all(first_kept.get(show, 1) <= version + 1 for show, version in archived.items()):
                return {"rows": rows, "keys": keys}
    finally:
        await redis.aclose()
        await opened.close()
    raise Refusal("The logs were trimmed while the books were read, each time; try again when less happens.")


async def _copy_books(opened: Books, file: IO[bytes]) -> tuple[int, dict[str, int]]:
    """Writes the rows; gives their number, and how far each show was archived."""
    count, archived = 0, {}
    async with opened.read() as tx:
        async for table, row in books_copy.save(tx):
            file.write(msgpack.packb([table, row]))
            count += 1
            if table == "archived":
                archived[row["show_id"]] = row["version"]
    return count, archived


async def _copy_live(redis: live_copy.Server, file: IO[bytes]) -> tuple[int, dict[str, int]]:
    """Writes the keys; gives their number, and the first version that each show's log still has."""
    count, first_kept = 0, {}
    async for record in live_copy.save(redis):
        file.write(msgpack.packb(list(record)))
        count += 1
        if (show := live_copy.show_of_log(record)) is not None:
            first_kept[show] = live_copy.first_version(record)
    return count, first_kept


async def _copy_in(shop: ShopSettings, keys: Path, books: IO[bytes], live: IO[bytes]) -> None:
    opened = await open_books(shop.database_url, keys / PERSONS_KEY)
    redis = open_redis(shop.redis_url)
    try:
        async with opened.begin() as tx:  # whatever fails below leaves the books empty
            await books_copy.lay_back(tx, (tuple(row) for row in _records(books)))
            await live_copy.lay_back(redis, (live_copy.Record(*row) for row in _records(live)))
            await asyncio.to_thread(shutil.copytree, keys, shop.keys_dir, dirs_exist_ok=True)
    except books_copy.NotEmpty:
        raise Refusal("There are books here already; a backup is laid back into empty ones.") from None
    except live_copy.NotEmpty:
        raise Refusal("There are shows in this Redis; a backup is laid back into an empty one.") from None
    finally:
        await redis.aclose()
        await opened.close()


def _records(file: IO[bytes]) -> Iterator[Any]:
    yield from msgpack.Unpacker(file, strict_map_key=False, max_buffer_size=MOST_RECORD_BYTES)


def _pack(file: IO[bytes], folder: Path, keys_dir: Path) -> None:
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in (MANIFEST, BOOKS, LIVE):
            tar.add(folder / name, name)
        for path in sorted(keys_dir.iterdir()):
            tar.add(path, KEYS + path.name)


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(source) as tar:
            for member in tar:
                _lay_file(tar, member, folder)
        manifest = dict(json.loads((folder / MANIFEST).read_text()))
    except (OSError, tarfile.TarError, ValueError) as wrong:
        raise Refusal(f"{source} is no backup that can be read: {wrong}.") from None
    if manifest.get("format") != FORMAT:
        raise Refusal(f"{source} has format {manifest.get('format')}; this version reads format {FORMAT}.")
    return manifest


def _lay_file(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Only plain files under names of our own making: a tar from elsewhere may name any place."""
    inside = member.name.removeprefix(KEYS)
    content = tar.extractfile(member) if member.isfile() else None
    if content is None or "/" in inside or inside.startswith("."):
        raise ValueError(f"{member.name!r} does not belong into a backup")
    target = folder / member.name
    target.parent.mkdir(exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode & 0o644), "wb") as file:
        shutil.copyfileobj(content, file)


def first_line(wrong: Exception) -> str:
    return (str(wrong).splitlines() or [type(wrong).__name__])[0]


def main(arguments: Sequence[str], shop: ShopSettings) -> int:
    """Exit code: 0, or 1 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m commerce.backup", description=__doc__)
    parser.add_argument("act", choices=("save", "restore"))
    parser.add_argument("file", nargs="?", type=Path, help="default when saving: VAR_DIR/backups/<time>.tar")
    asked = parser.parse_args(arguments)
    if asked.act == "restore" and asked.file is None:
        parser.error("restore needs the FILE")
    file = asked.file or shop.var_dir / "backups" / time.strftime("%Y%m%dT%H%M%SZ.tar", time.gmtime())
    try:
        manifest = save(shop, file) if asked.act == "save" else restore(shop, file)
    except Refusal as wrong:
        print(f"backup: {wrong}", file=sys.stderr)  # noqa: T201  # one sentence for the person who asked
        return 1
    except (SQLAlchemyError, *live_copy.UNREACHABLE) as wrong:
        print(f"backup: books or Redis did not answer: {first_line(wrong)}", file=sys.stderr)  # noqa: T201  # as above
        return 1
    done = "saved to" if asked.act == "save" else "laid back from"
    print(f"{manifest['rows']} rows and {manifest['keys']} keys {done} {file}")  # noqa: T201  # as above
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], load(ShopSettings, os.environ)))
