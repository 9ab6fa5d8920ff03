"""The law of loops: async code never sleeps the loop, never forgets a task, and waits with a limit."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.laws.sources import PACKAGES, named, python_files, tree


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def own_nodes(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes that run in the coroutine itself: functions defined inside may go to a thread."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def calls_in_coroutines(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.AsyncFunctionDef):
            for inner in own_nodes(node):
                if isinstance(inner, ast.Call):
                    yield f"{named(path)}:{inner.lineno}", inner


def test_no_coroutine_sleeps_the_loop() -> None:
    stopping = ("time.sleep", "subprocess.run", "subprocess.check_output", "os.system", "input")
    guilty = [
        place
        for path in python_files(*PACKAGES)
        for place, call in calls_in_coroutines(path)
        if dotted(call.func) in stopping
    ]
    assert guilty == []


def test_no_task_is_started_and_forgotten() -> None:
    """A task without an owner may be collected while it runs, and its error is never seen."""
    guilty = [
        f"{named(path)}:{node.lineno}"
        for path in python_files(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and dotted(node.value.func) in ("asyncio.create_task", "asyncio.ensure_future", "loop.create_task")
    ]
    assert guilty == []


def test_every_queue_has_a_limit() -> None:
    guilty = [
        f"{named(path)}:{node.lineno}"
        for path in python_files(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and dotted(node.func)
        in ("asyncio.Queue", "queue.Queue", "asyncio.LifoQueue", "asyncio.PriorityQueue")
        and not node.args
        and not any(keyword.arg == "maxsize" for keyword in node.keywords)
    ]
    assert guilty == []
