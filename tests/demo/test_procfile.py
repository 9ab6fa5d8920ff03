"""The Procfile and what is made from it."""

import configparser
import importlib.util

import pytest

from demo.procfile import ROOT, Process, main, read, supervisor_config, systemd_units

TEXT = "valkey: python -m one\n# a remark\n\nshop: python -m two --greeting 'good 100%'\n"


def test_the_procfile_is_read_in_its_order() -> None:
    assert read(TEXT) == [
        Process("valkey", "python -m one", 0),
        Process("shop", "python -m two --greeting 'good 100%'", 1),
    ]


@pytest.mark.parametrize("broken", ["no colon here", "a: x\na: y", ": python", "a:"])
def test_a_line_that_is_none_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="Procfile"):
        read(broken)


def parsed(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser


def test_supervisor_restarts_each_and_stops_in_reverse_order() -> None:
    config = parsed(supervisor_config(read(TEXT), "var", "/usr/bin/python3", held_back={"shop"}))
    assert config["program:valkey"]["autorestart"] == config["program:shop"]["autorestart"] == "true"
    assert int(config["program:valkey"]["priority"]) < int(config["program:shop"]["priority"])
    assert config["program:valkey"]["autostart"] == "true"
    assert config["program:shop"]["autostart"] == "false"


def test_a_per_cent_sign_survives_both_formats() -> None:
    config = parsed(supervisor_config(read(TEXT), "var", "/usr/bin/python3"))
    assert config["program:shop"]["command"] == "/usr/bin/python3 -m two --greeting 'good 100%%'"
    unit = parsed(systemd_units(read(TEXT), ROOT, "silkcast")["silkcast-shop.service"])
    assert unit["Service"]["ExecStart"].endswith("'good 100%%'")


def test_a_unit_for_each_process_and_a_target_that_wants_them(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's own path
    assert main(["systemd", str(tmp_path)]) == 0
    names = {process.name for process in read((ROOT / "Procfile").read_text())}
    assert {path.name for path in tmp_path.iterdir()} == {
        "silkcast.target",
        *(f"silkcast-{name}.service" for name in names),
    }
    target = (tmp_path / "silkcast.target").read_text()
    assert all(f"silkcast-{name}.service" in target for name in names)


def test_units_without_a_folder_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_process_of_our_procfile_is_a_module_of_ours() -> None:
    for process in read((ROOT / "Procfile").read_text()):
        python, dash_m, module = process.argv("python")[:3]
        assert (python, dash_m) == ("python", "-m")
        assert importlib.util.find_spec(module) is not None
