"""Logs once written are read for ever, and what people saw of them stays what they see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commerce.show.evolve import BrokenLog, fold
from commerce.show.freeze import freeze, thaw
from commerce.show.state import State, fresh
from commerce.show.view import Projection, patched, view
from tests.commerce.show.golden import EYES, FOLDER, LOGS, commit_of, plain, seen


@pytest.fixture(params=sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> dict[str, Any]:
    path: Path = request.param
    log: dict[str, Any] = json.loads(path.read_text())
    return log


def folded(golden: dict[str, Any]) -> State:
    state = fresh(golden["show"])
    for wire in golden["commits"]:
        fold(state, commit_of(wire))
    return state


def test_people_see_of_an_old_log_what_they_always_saw(golden: dict[str, Any]) -> None:
    assert seen(golden["show"], [commit_of(wire) for wire in golden["commits"]]) == golden["eyes"]


@pytest.mark.parametrize("eye", EYES)
def test_a_view_and_a_patch_make_the_later_view(golden: dict[str, Any], eye: str) -> None:
    commits = [commit_of(wire) for wire in golden["commits"]]
    for begin in range(len(commits)):
        projection = Projection(fresh(golden["show"], remembers=False))
        for commit in commits[:begin]:
            fold(projection.state, commit)
            projection.commit_folded(commit.events)
        before = json.loads(json.dumps(view(projection.state, EYES[eye])))
        for commit in commits[begin:]:
            fold(projection.state, commit)
            projection.commit_folded(commit.events)
        patch = projection.since(begin, EYES[eye])
        assert patch is not None
        assert json.loads(json.dumps(patched(before, patch))) == golden["eyes"][eye]["views"][-1]


def test_a_snapshot_anywhere_in_the_log_changes_nothing(golden: dict[str, Any]) -> None:
    whole = freeze(folded(golden))
    state = fresh(golden["show"])
    for wire in golden["commits"]:
        fold(state, commit_of(wire))
        state = thaw(json.loads(json.dumps(freeze(state))))
    assert freeze(state) == whole


@pytest.mark.parametrize("name", LOGS)
def test_the_same_evening_writes_the_same_log(name: str) -> None:
    """Whoever changes a decision on purpose adds a golden log; the old one must still be read."""
    golden = json.loads((FOLDER / f"{name}.json").read_text())
    assert json.loads(json.dumps([plain(commit) for commit in LOGS[name]().commits])) == golden["commits"]


def test_a_commit_that_does_not_name_its_predecessor_raises_the_alarm(golden: dict[str, Any]) -> None:
    state = fresh(golden["show"])
    fold(state, commit_of(golden["commits"][0]))
    with pytest.raises(BrokenLog, match="follows"):
        fold(state, commit_of(golden["commits"][1])._replace(prev_by="0000000000000bad"))


def test_a_gap_raises_the_alarm(golden: dict[str, Any]) -> None:
    state = fresh(golden["show"])
    with pytest.raises(BrokenLog, match="version 2 after 0"):
        fold(state, commit_of(golden["commits"][1])._replace(prev_by=""))
