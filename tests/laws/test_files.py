"""The law of files: no stray host, no path of a machine, lock files without addresses."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = {
    ".py",
    ".c",
    ".pyi",
    ".md",
    ".toml",
    ".js",
    ".css",
    ".html",
    ".json",
    ".lock",
    ".cfg",
    ".yaml",
    ".yml",
    "",
}


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


def test_lock_files_hold_no_registry_address() -> None:
    for path in tracked():
        if path.name in ("requirements.lock", "package-lock.json"):
            assert "://" not in re.sub(r'"(funding|url)": *"[^"]*"', "", path.read_text()), path


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    homes = re.compile(r"/(?:home|Users|work|root)/[a-z.]")
    guilty = [
        path for path in tracked() if path.suffix in TEXT and homes.search(path.read_text(errors="ignore"))
    ]
    assert not guilty


def test_initialisers_hand_names_on_and_do_nothing() -> None:
    import ast

    for path in tracked():
        if path.name == "__init__.py":
            for node in ast.parse(path.read_text()).body:
                quiet = isinstance(node, ast.Import | ast.ImportFrom | ast.Assign) or (
                    isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
                )
                assert quiet, f"{path.relative_to(ROOT)}:{node.lineno}"
