"""What keeps the demo from running is one plain sentence."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from demo import ports
from demo.settings import Address, Refusal, read


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SHOP_HTTP", "8080"),
        ("RELAY_UDP", "127.0.0.1:99999"),
        ("DEMO_SECONDS", "soon"),
        ("HTTPS", "yes"),
        ("SOURCE", "/no/such/clip.mp4"),
    ],
)
def test_a_wrong_setting_names_itself(setting: str, value: str) -> None:
    with pytest.raises(Refusal, match=setting):
        read({setting: value})


def test_the_defaults_are_those_of_the_processes() -> None:
    settings = read({})
    assert settings.shop.reachable == "127.0.0.1:8080"
    assert settings.relay_udp.reachable == "127.0.0.1:8443"
    assert (settings.seconds, settings.https, settings.source) == (None, False, "scene")


def test_a_wildcard_address_is_reached_on_loopback() -> None:
    assert read({"SHOP_HTTP": "0.0.0.0:8080"}).shop.target == ("127.0.0.1", 8080)


def test_a_port_taken_by_another_is_named_with_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Address("SHOP_HTTP", "127.0.0.1", other.getsockname()[1])
        with pytest.raises(Refusal, match=rf"TCP port {taken.port} .*SHOP_HTTP="):
            ports.refuse_taken([taken])


def test_a_udp_port_taken_by_another_is_named() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = Address("RELAY_UDP", "127.0.0.1", other.getsockname()[1])
        with pytest.raises(Refusal, match=rf"UDP port {taken.port} "):
            ports.refuse_deaf_udp(taken)


def test_udp_that_comes_through_is_no_reason_to_refuse(free_port: Callable[[], int]) -> None:
    ports.refuse_deaf_udp(Address("RELAY_UDP", "127.0.0.1", free_port()))


def test_udp_into_a_network_that_is_not_there_is_refused(free_port: Callable[[], int]) -> None:
    with pytest.raises(Refusal, match="UDP"):
        ports.refuse_deaf_udp(Address("RELAY_UDP", "203.0.113.7", free_port()))


def test_a_camera_that_is_not_there_is_refused_with_a_way_out() -> None:
    with pytest.raises(Refusal, match="no camera at /dev/video99"):
        ports.refuse_missing_camera("camera:/dev/video99")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="VAR_DIR"):
        ports.refuse_unwritable(tmp_path / "file" / "var")
