"""`python -m commerce.reset NAME`: on the machine, take the second factor of somebody off who lost it.

For the last operator, whom no other can help. Ends the account's sessions and writes a line of the trail
whose actor is the machine. Exit code 0, or 1 with one sentence.
Whoever may run this may read the books anyway.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from commerce.books import audit, second_factor
from commerce.books.accounts import account_named
from commerce.books.database import Books, make_engine
from commerce.books.keyring import Keyring
from commerce.live.sessions import STORE_ERRORS, Sessions
from commerce.live.valkey import open_redis
from commerce.settings import database_url, load, redis_url, setting

ACTOR: Final = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSettings:
    """Where books and sessions are."""

    redis_url: str = setting("REDIS_URL", redis_url, "unix://{var}/valkey/s")
    database_url: str = setting("DATABASE_URL", database_url, "sqlite+aiosqlite:///{var}/books.sqlite")


class Refusal(Exception):
    """Nothing was changed; the text says why."""


async def reset(wanted: ResetSettings, name: str, now_ms: int) -> int:
    """Take the factor off and end the sessions, or neither; how many sessions ended. Raises Refusal."""
    books, redis = Books(make_engine(wanted.database_url), Keyring(b"")), open_redis(wanted.redis_url)
    try:
        async with books.begin() as tx:
            account = await account_named(tx, name)
            if account is None:
                raise Refusal(f"Nobody of the staff is called {name}.")
            if not await second_factor.reset(tx, account.id):
                raise Refusal(f"{name} has no second factor.")
            await audit.note_act(tx, ACTOR, "ResetSecondFactor", account.id, details={}, now_ms=now_ms)
            return await Sessions(redis).end_all(account.id)
    finally:
        await redis.aclose()
        await books.close()


def main(arguments: Sequence[str], wanted: ResetSettings) -> int:
    """Exit code: 0, or 1 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m commerce.reset", description=__doc__)
    parser.add_argument("name", help="by which the account signs in")
    name = parser.parse_args(arguments).name
    try:
        ended = asyncio.run(reset(wanted, name, time.time_ns() // 1_000_000))
    except Refusal as why:
        print(why, file=sys.stderr)  # noqa: T201  one sentence for the person who asked
        return 1
    except (SQLAlchemyError, *STORE_ERRORS) as why:
        said = str(why).partition("\n")[0]
        print(f"Books or Redis did not answer: {said}", file=sys.stderr)  # noqa: T201  as above
        return 1
    print(f"{name} signs in by password alone now; {ended} sessions ended.")  # noqa: T201  as above
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], load(ResetSettings, os.environ)))
