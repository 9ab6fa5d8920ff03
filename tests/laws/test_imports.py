"""The law of imports: who may know whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ["streaming/contract.py", "streaming/domain", "commerce/show", "commerce/trade"]
QUIET_STDLIB = {
    "__future__", "abc", "base64", "bisect", "collections", "dataclasses", "decimal", "enum", "fractions",
    "functools",
    "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "string", "struct", "types", "typing",
}  # fmt: skip
# The contract is pure itself, so what is built on it stays pure.
PURE_NEIGHBOURS = {"streaming/domain": "streaming.contract."}
PURE_LIBRARIES = {"commerce/trade": {"babel", "stdnum"}}
REDIS_ROOMS = ("streaming/bulletin.py", "commerce/live/")
CONTRACT_ROOMS = ("commerce/live/stage.py", "commerce/api/seat.py")


def modules(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


def imports(path: Path) -> list[str]:
    """Absolute dotted names that a module imports; relative ones are resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names += [f"{stem}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("place", PURE)
def test_pure_folders_import_only_themselves_and_quiet_stdlib(place: str) -> None:
    home = place.removesuffix(".py").replace("/", ".")
    allowed = QUIET_STDLIB | PURE_LIBRARIES.get(place, set())
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(place)
        for name in imports(path)
        if not name.startswith((home, PURE_NEIGHBOURS.get(place, home))) and name.split(".")[0] not in allowed
    }
    assert not strangers


def strangers_of(package: str, forbidden: tuple[str, ...], rooms: tuple[str, ...] = ()) -> set[str]:
    return {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(package)
        for name in imports(path)
        if name.split(".")[0] in forbidden and not str(path.relative_to(ROOT)).startswith(rooms or ("\0",))
    }


@pytest.mark.parametrize("package", ["streaming", "commerce", "studio_agent"])
def test_redis_is_known_in_its_rooms_alone(package: str) -> None:
    assert not strangers_of(package, ("redis", "hiredis"), REDIS_ROOMS)


def test_streaming_knows_no_shop() -> None:
    assert not strangers_of("streaming", ("commerce", "studio_agent", "sqlalchemy"))


def test_the_agent_knows_neither_neighbour() -> None:
    assert not strangers_of("studio_agent", ("commerce", "streaming", "redis", "sqlalchemy"))


def test_the_shop_sees_of_streaming_only_the_contract() -> None:
    seen = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("commerce")
        for name in imports(path)
        if name.split(".")[0] == "streaming"
        and not (
            (name.startswith("streaming.contract") or name == "streaming.contract")
            and str(path.relative_to(ROOT)) in CONTRACT_ROOMS
        )
    }
    assert not seen
