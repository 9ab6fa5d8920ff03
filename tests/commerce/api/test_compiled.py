"""The crowd's compiled twin under sanitizers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sanitizers import ROOT, needs_compiler, passed_under_sanitizers

pytestmark = needs_compiler


@pytest.mark.timeout(300)
def test_the_crowds_twin_under_address_and_undefined_behaviour_sanitizers(tmp_path: Path) -> None:
    twin = ROOT / "commerce/api/_crowd.c"
    suite = [Path(__file__).with_name("test_crowd.py")]
    assert passed_under_sanitizers("commerce.api._crowd", [twin], tmp_path, suite) >= 15
