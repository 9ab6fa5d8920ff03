"""The second factor: codes of RFC 6238, each counted once; secrets that the books alone do not tell."""

from __future__ import annotations

import base64

import pyotp
import pytest
from sqlalchemy import select

from commerce.books import Books
from commerce.books.accounts import NameTaken, add_account
from commerce.books.persons import erase_person
from commerce.books.second_factor import (
    CODES,
    ENROLMENT_MS,
    Factor,
    FactorStands,
    NothingEnrolled,
    WrongCode,
    confirm,
    enrol,
    factor_of,
    matching_step,
    otpauth,
    renew_codes,
    take_code,
    take_off,
)
from commerce.books.tables import recovery_codes, second_factors

NOW_MS = 1_800_000_000_000  # a multiple of 30 s
STEP_MS = 30_000
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


def code_at(secret: str, now_ms: int) -> str:
    return pyotp.TOTP(secret).at(now_ms // 1000)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    """RFC 6238 appendix B, the last six digits."""
    assert matching_step(RFC_SECRET, code, seconds * 1000) == seconds // 30


def test_a_clock_may_be_one_step_off() -> None:
    found = [
        matching_step(RFC_SECRET, code_at(RFC_SECRET, NOW_MS), NOW_MS + n * STEP_MS) for n in range(-2, 3)
    ]
    step = NOW_MS // STEP_MS
    assert found == [None, step, step, step, None]


def test_the_uri_names_issuer_and_account() -> None:
    assert otpauth(RFC_SECRET, "mei lin").startswith("otpauth://totp/Silkcast:mei%20lin?secret=GEZD")


async def account_in(books: Books) -> str:
    async with books.begin() as tx:
        made = await add_account(tx, "mei", "correct horse", role="operator", merchant=None, now_ms=NOW_MS)
    assert not isinstance(made, NameTaken)
    return made.id


async def switched_on(books: Books) -> tuple[str, str, list[str]]:
    """Account, secret, recovery codes; the code of the step before now is used."""
    account = await account_in(books)
    async with books.begin() as tx:
        secret = await enrol(tx, books.keyring, account, NOW_MS)
        assert isinstance(secret, str)
        before = NOW_MS - STEP_MS
        codes = await confirm(tx, books.keyring, account, code_at(secret, before), NOW_MS)
    assert isinstance(codes, list)
    return account, secret, codes


async def test_an_enrolment_counts_once_it_is_confirmed(books: Books) -> None:
    account = await account_in(books)
    async with books.begin() as tx:
        assert await confirm(tx, books.keyring, account, "000000", NOW_MS) == NothingEnrolled()
        secret = await enrol(tx, books.keyring, account, NOW_MS)
        assert isinstance(secret, str)
        assert await factor_of(tx, account) is None
        code = code_at(secret, NOW_MS)
        assert await take_code(tx, books.keyring, account, code, NOW_MS) is None
        wrong = code_at(secret, NOW_MS + 10 * STEP_MS)
        assert await confirm(tx, books.keyring, account, wrong, NOW_MS) == WrongCode()
        assert len(await confirm(tx, books.keyring, account, code, NOW_MS)) == CODES  # type: ignore[arg-type]  # or the test fails
        assert await factor_of(tx, account) == Factor(NOW_MS, CODES)
        assert await enrol(tx, books.keyring, account, NOW_MS) == FactorStands()


async def test_an_enrolment_left_alone_is_void(sqlite_books: Books) -> None:
    account, late = await account_in(sqlite_books), NOW_MS + ENROLMENT_MS
    async with sqlite_books.begin() as tx:
        secret = await enrol(tx, sqlite_books.keyring, account, NOW_MS)
        assert isinstance(secret, str)
        found = await confirm(tx, sqlite_books.keyring, account, code_at(secret, late), late)
    assert found == NothingEnrolled()


async def test_a_code_counts_once_and_none_before_it_counts_after(books: Books) -> None:
    account, secret, _ = await switched_on(books)
    before, now, after = (code_at(secret, NOW_MS + n * STEP_MS) for n in (-1, 0, 1))
    async with books.begin() as tx:
        assert await take_code(tx, books.keyring, account, before, NOW_MS) is None  # used when confirming
        assert await take_code(tx, books.keyring, account, after, NOW_MS) == "code"
        assert await take_code(tx, books.keyring, account, after, NOW_MS) is None
        assert await take_code(tx, books.keyring, account, now, NOW_MS) is None


async def test_a_recovery_code_counts_once_however_it_is_typed(books: Books) -> None:
    account, _, codes = await switched_on(books)
    typed = codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "L")
    async with books.begin() as tx:
        assert await take_code(tx, books.keyring, account, typed, NOW_MS) == "recovery"
        assert await take_code(tx, books.keyring, account, codes[0], NOW_MS) is None
        assert await factor_of(tx, account) == Factor(NOW_MS, CODES - 1)
        fresh = await renew_codes(tx, books.keyring, account)
        assert await take_code(tx, books.keyring, account, codes[1], NOW_MS) is None
        assert await take_code(tx, books.keyring, account, fresh[0], NOW_MS) == "recovery"


async def test_codes_of_one_account_open_no_other(sqlite_books: Books) -> None:
    _, secret, codes = await switched_on(sqlite_books)
    async with sqlite_books.begin() as tx:
        for code in (codes[0], code_at(secret, NOW_MS)):
            assert await take_code(tx, sqlite_books.keyring, "ac-other", code, NOW_MS) is None


async def test_the_books_alone_tell_neither_secret_nor_codes(sqlite_books: Books) -> None:
    _, secret, codes = await switched_on(sqlite_books)
    async with sqlite_books.read() as tx:
        kept = [
            tuple(row)
            for table in (second_factors, recovery_codes)
            for row in await tx.execute(select(table))
        ]
    text = repr(kept).lower()
    assert secret.lower() not in text
    assert not [code for code in codes if code.replace("-", "") in text]


async def test_an_erased_person_has_no_code_that_counts(sqlite_books: Books) -> None:
    account, secret, _ = await switched_on(sqlite_books)
    await erase_person(sqlite_books, account, NOW_MS)
    async with sqlite_books.begin() as tx:
        assert await take_code(tx, sqlite_books.keyring, account, code_at(secret, NOW_MS), NOW_MS) is None


async def test_what_is_taken_off_leaves_nothing(books: Books) -> None:
    account, _, codes = await switched_on(books)
    async with books.begin() as tx:
        await take_off(tx, account)
        assert await factor_of(tx, account) is None
        assert await take_code(tx, books.keyring, account, codes[0], NOW_MS) is None
        assert isinstance(await enrol(tx, books.keyring, account, NOW_MS), str)
