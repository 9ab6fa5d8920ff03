"""Fixtures that any test may use: servers, ports, and the watch over blocked loops."""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings

from demo.free import free_port as find_port
from tests.servers import KINDS, Server, binary_of

# Folders and files whose tests live with real processes, real time or many seeds: not in `make check`.
SLOW = (
    "tests/commerce/api/test_front_process.py",
    "tests/commerce/api/test_fuzz.py",
    "tests/commerce/desk/test_compiled.py",
    "tests/commerce/desk/test_kills.py",
    "tests/end_to_end/",
    "tests/interop/",
    "tests/simulation/",
    "tests/streaming/fanout/test_compiled.py",
    "tests/streaming/relay/",
)
# What is decided by a seed or by arithmetic alone fails for a reason: it is not tried a second time.
NEVER_AGAIN = (
    "tests/commerce/show/",
    "tests/contract/",
    "tests/laws/",
    "tests/simulation/",
    "tests/streaming/domain/",
)
MOST_TOLD = 4_000  # characters of what a failed try said
settings.register_profile("tests", deadline=None)  # a busy machine is no failure
settings.register_profile("fuzz", max_examples=int(os.environ.get("FUZZ_EXAMPLES", "0")) or 1, deadline=None)
settings.load_profile("fuzz" if "FUZZ_EXAMPLES" in os.environ else "tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker("slow")
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=2))  # a starved browser drops frames and times out
        elif not item.nodeid.startswith(NEVER_AGAIN):
            item.add_marker(pytest.mark.flaky(reruns=1))  # and its first failure is told in full
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("fuzz")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why a test had to be tried again: a fault in one run of fifty is a fault, too."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed at first: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
        for title, text in report.sections:
            terminalreporter.section(title, "-")
            terminalreporter.line(text[-MOST_TOLD:])


@pytest.fixture(autouse=True)
def no_blocked_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """In async tests the packages' own code may not block the loop (the test's own lines may)."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    with blockbuster_ctx(["streaming", "commerce", "studio_agent"]) as guard:
        for harmless in ("os.path.abspath", "os.getcwd"):  # no disk is waited for
            guard.functions[harmless].deactivate()
        yield


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that names a port which is free for TCP and UDP on 127.0.0.1 (see demo/free.py)."""
    return find_port


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket (108 bytes)."""
    folder = Path(tempfile.mkdtemp(prefix="sc-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def running_servers() -> Iterator[dict[str, Server]]:
    """The servers of this session, by kind; started when first asked for, by `server_of_kind`."""
    servers: dict[str, Server] = {}
    yield servers
    for server in servers.values():
        server.stop()
        shutil.rmtree(server.directory, ignore_errors=True)


def server_of_kind(kind: str, running: dict[str, Server]) -> Server:
    if kind not in running:
        if binary_of(kind) is None:
            pytest.skip(f"no {kind}-server on this machine: make system installs it")
        running[kind] = Server(kind, Path(tempfile.mkdtemp(prefix=f"sc-{kind}-"))).start()
    running[kind].empty()
    return running[kind]


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.server) for kind in KINDS])
def server(request: pytest.FixtureRequest, running_servers: dict[str, Server]) -> Server:
    """An empty, durable server; the test runs once on embedded Valkey and once on Debian's Redis."""
    return server_of_kind(request.param, running_servers)


@pytest.fixture
def valkey(running_servers: dict[str, Server]) -> Server:
    """An empty, durable embedded Valkey, for tests to which the kind of server is nothing."""
    return server_of_kind("valkey", running_servers)


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.server) for kind in KINDS])
def own_server(request: pytest.FixtureRequest, short_dir: Path) -> Iterator[Server]:
    """A server for this test alone, to be killed and started again; of each kind in turn."""
    if binary_of(request.param) is None:
        pytest.skip(f"no {request.param}-server on this machine: make system installs it")
    server = Server(request.param, short_dir).start()
    yield server
    server.stop()
