"""Settings: read once, typed, and a wrong one names itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from commerce.settings import Address, ShopSettings, WrongSetting, read


def test_defaults_need_no_environment() -> None:
    settings = read(ShopSettings, {})
    assert settings.http == Address("127.0.0.1", 8080)
    assert settings.redis_url == f"unix://{Path('var').absolute()}/valkey/s"
    assert settings.origin == "http://127.0.0.1:8080"
    assert not settings.accept_data_loss


def test_the_folder_of_the_state_moves_everything_in_it(tmp_path: Path) -> None:
    settings = read(ShopSettings, {"VAR_DIR": str(tmp_path)})
    assert settings.keys_dir == tmp_path / "keys"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/books.sqlite"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_HTTP", "8080"),
        ("SHOP_HTTP", "host:99999"),
        ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "mysql://x"),
        ("BANK_URL", "bank.example/path"),
        ("RELAY_ORIGINS", "https://a.example ftp://b.example"),
        ("ACCEPT_DATA_LOSS", "yes"),
        ("PROXIES", "-1"),
        ("HTTPS", "1"),
        ("TLS_IN_FRONT", "1"),
    ],
)
def test_a_wrong_value_names_itself(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=name):
        read(ShopSettings, {name: value})


def test_tls_in_front_needs_proxies_and_an_address_with_tls() -> None:
    right = {"TLS_IN_FRONT": "1", "PROXIES": "1", "SHOP_URL": "https://shop.example"}
    assert read(ShopSettings, right).origin == "https://shop.example"
    for wrong in ({"PROXIES": "0"}, {"SHOP_URL": "http://shop.example"}, {"SHOP_URL": ""}):
        with pytest.raises(WrongSetting, match="TLS_IN_FRONT"):
            read(ShopSettings, {**right, **wrong})


def test_a_wrong_value_stops_the_start_with_one_sentence() -> None:
    code = "import os; from commerce.settings import *; load(ShopSettings, os.environ)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env={"PROXIES": "many"}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == ["PROXIES must be a whole number from 0 to 8."]
