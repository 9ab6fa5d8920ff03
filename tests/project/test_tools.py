"""What a bare or broken machine is told: one plain sentence, never a trace."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASICS = (
    "bash",
    "env",
    "python3",
    "id",
    "sort",
    "tr",
    "rm",
    "mktemp",
    "tail",
    "cat",
    "dirname",
    "sha256sum",
    "cut",
)


def a_machine_with(folder: Path, *programs: str) -> dict[str, str]:
    """An environment whose PATH knows the basics and these programs alone."""
    for name in (*BASICS, *programs):
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return {"PATH": str(folder), "HOME": str(folder)}


def pretended(folder: Path, name: str, script: str) -> None:
    """A program of this name that does no more than the script."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
    (folder / name).chmod(0o755)


def run(script: str, environ: dict[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(cwd / script)], env=environ, cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )


def test_without_apt_the_packages_are_named(tmp_path: Path) -> None:
    ran = run("tools/system.sh", a_machine_with(tmp_path))
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("make system: there is no apt-get here")
    assert {"chromium", "redis-server", "nodejs"} <= set(ran.stderr.split())
    assert ran.stderr.count("\n") == 1


def test_without_rights_the_packages_are_named(tmp_path: Path) -> None:
    environ = a_machine_with(tmp_path)
    pretended(tmp_path, "apt-get", "exit 0")
    pretended(tmp_path, "id", "echo 1000")
    ran = run("tools/system.sh", environ)
    assert ran.returncode == 1
    assert "only root may install packages" in ran.stderr
    assert "chromium" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_without_a_network_the_last_words_of_apt_and_a_sentence(tmp_path: Path) -> None:
    environ = a_machine_with(tmp_path, "tee", "chmod")
    pretended(tmp_path, "apt-get", "echo E: no route to host; exit 100")
    for name in ("tee", "chmod"):  # nothing of this machine is to be changed
        pretended(tmp_path, name, "exit 0")
    ran = run("tools/system.sh", environ)
    if os.getuid() != 0:
        pytest.skip("only root gets so far")
    assert ran.returncode == 1
    assert "E: no route to host" in ran.stderr
    assert "is the network there?" in ran.stderr


@pytest.mark.slow  # `make test` has installed everything, `make check` installs nothing
def test_a_machine_that_has_everything_is_left_alone() -> None:
    ran = run("tools/system.sh", dict(os.environ))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def a_checkout(folder: Path) -> Path:
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools/setup.sh", folder / "tools")
    (folder / "requirements.lock").write_text("pytest==0 --hash=sha256:00\n")
    return folder


def test_an_old_python_is_refused_by_its_version(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path)
    pretended(tmp_path, "python3.9", 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    ran = run("tools/setup.sh", {"PATH": os.environ["PATH"], "PYTHON3": f"{tmp_path}/python3.9"}, checkout)
    assert ran.returncode == 1
    assert ran.stderr == (
        "make setup: Python 3.9.2 is too old; Python 3.11 or newer is needed (name it with PYTHON3=…).\n"
    )


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = run("tools/setup.sh", {"PATH": os.environ["PATH"], "PYTHON3": "python9"}, a_checkout(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr == "make setup: there is no python9 here; Python 3.11 or newer is needed.\n"


@pytest.mark.slow
def test_packages_that_do_not_come_are_a_sentence_and_the_next_try_begins_anew(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path)
    environ = {**os.environ, "PIP_NO_INDEX": "1"}
    for _ in range(2):
        ran = run("tools/setup.sh", environ, checkout)
        assert ran.returncode == 1
        assert "could not be installed (is the network there?)" in ran.stderr
        assert not (checkout / ".venv/.ready").exists()
