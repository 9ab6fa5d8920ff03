"""Keys: made once, private, rotated without breaking tokens in use."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt

from commerce.keys import SIGNING_FILE, load_signer, make_keys, public_keys, rotate


def check(token: str, folder: Path) -> dict[str, Any]:
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(public_keys(folder)).keys}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key, algorithms=["EdDSA"], audience="relay"))


def test_a_token_is_checked_with_the_published_keys(tmp_path: Path) -> None:
    token = load_signer(tmp_path).sign({"aud": "relay", "sub": "me"})
    assert check(token, tmp_path)["sub"] == "me"


def test_the_private_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    make_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / SIGNING_FILE).stat().st_mode) == 0o600
    assert "d" not in public_keys(tmp_path)["keys"][0]


def test_many_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        kids = set(pool.map(lambda _: load_signer(tmp_path).kid, range(16)))
    assert len(kids) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["public.json", "signing.pem"]


def test_a_token_outlives_the_rotation_of_its_key(tmp_path: Path) -> None:
    old = load_signer(tmp_path).sign({"aud": "relay", "sub": "old"})
    rotate(tmp_path)
    new = load_signer(tmp_path).sign({"aud": "relay", "sub": "new"})
    assert [check(token, tmp_path)["sub"] for token in (old, new)] == ["old", "new"]


def test_a_key_that_was_never_ours_is_unknown(tmp_path: Path) -> None:
    make_keys(tmp_path / "ours")
    stranger = load_signer(tmp_path / "theirs")
    assert stranger.kid not in {key["kid"] for key in public_keys(tmp_path / "ours")["keys"]}
