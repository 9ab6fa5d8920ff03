"""The law of sizes: rooms that one finds one's way in. The exceptions only go down.

Felt sizes are smaller (a function of 10 lines, a file of 150); these are the walls.
"""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.laws.sources import named, python_files, tracked, tree

FILE_LINES, FUNCTION_LINES = 400, 50
# name → its ceiling today; lower it when the file shrinks, never raise it
LARGE_FILES: dict[str, int] = {}
LARGE_FUNCTIONS: dict[str, int] = {}


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions() -> dict[str, int]:
    return {
        f"{named(path)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def files() -> dict[str, int]:
    return {
        named(path): lines_of(path) for path in tracked() if path.suffix in (".py", ".js", ".css", ".mjs")
    }


@pytest.mark.parametrize(
    ("sizes", "limit", "exceptions"),
    [(files, FILE_LINES, LARGE_FILES), (functions, FUNCTION_LINES, LARGE_FUNCTIONS)],
    ids=["files", "functions"],
)
def test_nothing_grows_past_its_wall(
    sizes: Callable[[], dict[str, int]], limit: int, exceptions: dict[str, int]
) -> None:
    found = sizes()
    assert {name: size for name, size in found.items() if size > exceptions.get(name, limit)} == {}
    slack = {name: found.get(name, 0) for name, ceiling in exceptions.items() if found.get(name, 0) < ceiling}
    assert slack == {}, "these shrank: lower their ceilings"
