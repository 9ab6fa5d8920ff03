"""The law of words on paper: what the documents name is there, and what is there is named."""

import ast
import re
from pathlib import Path

from tests.laws.sources import ROOT, named, python_files, tracked, tree

READING = ("setting", "get", "address", "_address", "_number", "_flag")
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|PROXIES|HTTPS|SOURCE")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
# read by libraries or by development alone
ELSEWHERE = {"SSL_CERT_FILE"}


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def settings_in_code() -> set[str]:
    """Names read from the environment by the processes' settings."""
    homes = [
        path
        for path in python_files("streaming", "commerce", "studio_agent", "demo")
        if path.name in ("settings.py", "server.py", "keys.py")
    ]
    return {
        argument.value
        for path in homes
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in READING
        for argument in node.args
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and NAME.fullmatch(argument.value)
    }


def test_every_setting_stands_in_the_handbook_and_every_named_one_exists() -> None:
    text = (ROOT / "docs/running.md").read_text()
    table = text[text.index("## Settings") : text.index("## Redis")]
    documented = {
        name for cell in re.findall(r"`([^`]+)`", table) for name in NAME.findall(cell.split("/")[0])
    }
    missing = settings_in_code() - documented
    invented = documented - settings_in_code() - {"DESK_HTTP", "EFFECTS_HTTP", "STUDIO_HTTP"}
    assert (missing, invented) == (set(), set())


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = [
        f"{named(page)}: {target}"
        for page in pages()
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_make_command_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = {
        f"{named(page)}: make {target}"
        for page in pages()
        for target in re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)", page.read_text())
        if target not in targets
    }
    assert wrong == set()


def test_every_command_says_what_it_does() -> None:
    silent = re.findall(r"^([a-z-]+):(?!.*##)(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert silent == []


def test_every_page_of_the_handbook_is_in_its_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    lost = [path.name for path in (ROOT / "docs").glob("*.md") if f"({path.name})" not in index]
    assert [name for name in lost if name != "README.md"] == []
