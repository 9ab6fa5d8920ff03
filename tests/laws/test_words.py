"""The law of words: ignores carry reasons, names carry meanings, keys have one home."""

import ast
import re
import tomllib

import pytest

from tests.laws.sources import PACKAGES, ROOT, named, python_files, tree

# After the codes comes the reason: "# why", "(why)" or "— why"
IGNORE = re.compile(
    r"#\s*(?:noqa|type:\s*ignore)(?P<codes>(?::\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|\[[a-z, -]+\])?)"
)
SAID = re.compile(r"\s*[#:(—-]*\s*\w+ ?\w")


def ignores() -> list[tuple[str, str, str]]:
    found = []
    for path in python_files():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := IGNORE.search(line):
                found.append((f"{named(path)}:{number}", match["codes"], line[match.end() :]))
    return found


def test_every_ignore_in_the_code_names_its_rule_and_its_reason() -> None:
    silent = [place for place, codes, rest in ignores() if not codes or not SAID.match(rest)]
    assert silent == []


def test_every_ignore_in_the_settings_carries_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    rules = [*lint["ignore"], *lint.get("per-file-ignores", {})]
    silent = [rule for rule in rules if not re.search(rf'"{re.escape(rule)}"[^#\n]*#\s*\w', text)]
    assert silent == []


def test_every_dependency_is_known_by_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[><=;! ]", item)[0].lower() for item in wanted}
    locked = set(re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names <= locked


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_called_manager_service_or_utils(package: str) -> None:
    hollow = re.compile(r"(Manager|Service|Helper|Util|Utils)$")
    guilty = [
        f"{named(path)}:{node.name}"
        for path in python_files(package)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and hollow.search(node.name)
    ]
    guilty += [
        named(path) for path in python_files(package) if path.stem in ("utils", "helpers", "misc", "common")
    ]
    assert guilty == []


def test_every_module_says_what_it_knows() -> None:
    silent = [
        named(path)
        for path in python_files(*PACKAGES)
        if path.name != "__init__.py" and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_redis_keys_are_spelt_in_one_file() -> None:
    """A key of a show is `{show}:…`: any text with `}:` outside the key file spells one."""
    homes = ("commerce/live/keys.py", "streaming/contract.py")
    spelt = {
        f"{named(path)}:{node.lineno}"
        for path in python_files("commerce", "streaming")
        if named(path) not in homes
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"\}:[a-z]", node.value)
    } - docstrings()
    assert spelt == set()


def docstrings() -> set[str]:
    """Where docstrings stand: prose may name a key."""
    places = set()
    for path in python_files("commerce", "streaming"):
        for node in ast.walk(tree(path)):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                places.add(f"{named(path)}:{body[0].lineno}")
    return places
