"""The desk's compiled twin under sanitizers: what it does to the state's memory is what it may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sanitizers import ROOT, needs_compiler, passed_under_sanitizers

pytestmark = needs_compiler


@pytest.mark.timeout(300)
def test_the_desks_twin_under_address_and_undefined_behaviour_sanitizers(tmp_path: Path) -> None:
    desk = ROOT / "commerce/desk"
    twin = [desk / "_native.c", *desk.glob("c/*.c")]
    suite = [Path(__file__).with_name("test_twins.py")]
    assert passed_under_sanitizers("commerce.desk._native", twin, tmp_path, suite) >= 10
