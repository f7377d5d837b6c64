"""Backups age out: old ones go, the newest stays, and those that still hold what was erased are named."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from node import backups
from node.background import Agent
from node.settings.actions import change
from node.storage import Node, backup
from sync import clock, erasure
from sync.state import State
from sync.writer import writing
from tests.world import a_node

DAY = 86_400_000


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return a_node(tmp_path / "node")


def made(node: Node, path: Path, days_ago: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_ms()
    with monkeypatch.context() as at:
        at.setattr(clock, "now_ms", lambda: now - days_ago * DAY)
        backup(node, path)


def test_old_backups_go_and_the_newest_stays(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, days in (("a", 300), ("b", 200), ("c", 100)):
        made(node, tmp_path / name, days, monkeypatch)
    assert backups.age_out(node) == [tmp_path / "b", tmp_path / "a"]
    assert [(tmp_path / name).exists() for name in "abc"] == [False, False, True]
    with closing(node.connect()) as db:
        assert [backup.path for backup in backups.known(db)] == [str(tmp_path / "c")]


def test_a_school_may_keep_them_all(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        change(w, "backup_days", "0", {"administrator"})
    for name, days in (("a", 3_000), ("b", 1)):
        made(node, tmp_path / name, days, monkeypatch)
    assert backups.age_out(node) == []


def test_those_made_before_an_erasure_are_named(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(node, tmp_path / "before", 2, monkeypatch)
    made(node, node.home / "download", 1, monkeypatch)
    backup(node, tmp_path / "gone")
    (tmp_path / "gone").unlink()
    now = clock.now_ms() + 1
    backup(node, tmp_path / "after")
    with closing(node.connect()) as db:
        held = backups.holding(db, now)
        assert [b.path for b in held] == ["", str(tmp_path / "before")]
        assert backups.still_holding(db) == []
        assert [backups.forget(db, one.at) for one in held] == [True, False]
        assert [b.path for b in backups.holding(db, now)] == [str(tmp_path / "before")]


def test_the_agent_keeps_house(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(node.connect()) as db:
        actor = int(State(db).administrator)
        with writing(db, actor) as w:
            person = w.insert("person")
            w.insert("consent", person=person, purpose="core")
            w.update("person", person, surname="Жаркынайым")
        with writing(db, actor) as w:
            erasure.erase(w, person, ["core"])
    for name, days in (("a", 300), ("b", 1)):
        made(node, tmp_path / name, days, monkeypatch)
    Agent(node).keep_house()
    assert not (tmp_path / "a").exists()
    with closing(node.connect()) as db:
        assert State(db).untidy == 0
