"""What the agent is told; what cannot be is named."""

from pathlib import Path

import pytest

from studio_agent.settings import SettingsError, read_settings


def test_a_flag_goes_before_the_environment() -> None:
    environment = {"STUDIO_SOURCE": "camera", "STUDIO_WHIP": "https://relay.example/whip/a"}
    settings = read_settings(["--source", "scene"], environment)
    assert (settings.source, settings.whip_url) == ("scene", "https://relay.example/whip/a")


def test_the_number_of_encodings_follows_the_flag_the_environment_the_cores() -> None:
    assert read_settings(["--layers", "1"], {"STUDIO_LAYERS": "2"}).layers == 1
    assert read_settings([], {"STUDIO_LAYERS": "2"}).layers == 2
    assert read_settings([], {}).layers in (1, 3)


def test_the_token_is_read_anew_from_its_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    settings = read_settings([], {"STUDIO_TOKEN_FILE": str(token), "STUDIO_TOKEN": "ignored"})
    assert settings.read_token() == "one"
    token.write_text("two\n")
    assert settings.read_token() == "two"


def test_no_flag_takes_a_token() -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(["--token", "secret"], {})
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STUDIO_WHIP", "ftp://relay/whip/main"),
        ("STUDIO_WHIP", "http://user:secret@relay/whip/main"),
        ("STUDIO_HTTP", "8083"),
        ("STUDIO_BITRATE_KBPS", "much"),
        ("STUDIO_BITRATE_KBPS", "100"),
        ("STUDIO_PRESET", "placebo"),
        ("STUDIO_LAYERS", "4"),
        ("STUDIO_LAYERS", "all"),
        ("STUDIO_TOKEN_FILE", "/absent/token"),
        ("STUDIO_SHOP", "shop.example"),
        ("STUDIO_SHOP", "https://me:secret@shop.example"),
    ],
)
def test_a_wrong_value_names_itself_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}[^.].*\.$") as error:
        read_settings([], {name: value})
    assert "secret" not in str(error.value)


def test_pairing_wants_a_shop() -> None:
    with pytest.raises(SettingsError, match="STUDIO_SHOP"):
        read_settings(["pair"], {})
    settings = read_settings(["pair", "--shop", "https://shop.example/"], {"STUDIO_NAME": "Loft\n"})
    assert (settings.act, settings.shop, settings.name) == ("pair", "https://shop.example", "Loft")


def test_what_is_given_by_hand_goes_before_a_pairing() -> None:
    assert not read_settings([], {"VAR_DIR": "/srv"}).is_by_hand
    assert read_settings([], {"VAR_DIR": "/srv"}).pairing_file == Path("/srv/studio/pairing.json")
    assert read_settings([], {"STUDIO_TOKEN": "t"}).is_by_hand
    assert read_settings(["--whip", "http://relay.example/whip/a"], {}).is_by_hand
