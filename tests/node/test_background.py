"""The background agent: notices by itself that the hub can be reached again, and outlives whatever goes wrong."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from node import background
from node.background import Agent
from shared.db import transaction
from shared.problems import DigestsDiffer, HubUnreachable
from sync.state import State
from tests.world import a_node


class Tried(Agent):
    """Counts its tries; the hub is away until ``present`` is set."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.tried = threading.Semaphore(0)

    def try_once(self) -> None:
        super().try_once()
        self.tried.release()


def test_the_agent_tries_at_once_when_the_link_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*args: object) -> None:
        raise HubUnreachable()

    monkeypatch.setattr(background, "run_sync", unreachable)
    monkeypatch.setattr(background, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(background, "FIRST_RETRY_SECONDS", 1_000_000.0)
    monkeypatch.setattr(background, "MOST_SECONDS", 1_000_000.0)
    node = a_node(tmp_path / "node")
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        with closing(node.connect()) as db, transaction(db):
            State(db).hub_url = f"http://127.0.0.1:{door.getsockname()[1]}"
        agent = Tried(node, seed=1)
        agent.start()
        assert agent.tried.acquire(timeout=30)
        assert not agent.tried.acquire(timeout=0.3)
        door.listen()
        assert agent.tried.acquire(timeout=30)
        agent.stop()


@pytest.fixture
def agent(tmp_path: Path) -> Tried:
    return Tried(a_node(tmp_path / "node"), seed=1)


def test_whatever_goes_wrong_the_agent_goes_on(
    agent: Tried, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter(
        [DigestsDiffer(), ZeroDivisionError("Осмонова"), OSError("Осмонова"), KeyError("Осмонова")]
    )

    def fail(*args: object) -> None:
        for failure in failures:
            raise failure

    monkeypatch.setattr(background, "run_sync", fail)
    agent.start()
    for _ in range(5):
        assert agent.tried.acquire(timeout=30)
        agent.wake()
    agent.stop()
    assert agent.failures == 0, "the last try went well"
    assert [r.getMessage() for r in caplog.records] == [
        "sync: digests_differ",
        *["sync failed unexpectedly"] * 3,
    ]
    assert "Осмонова" not in caplog.text, "nothing of what was being read or written gets into a log"


@pytest.mark.parametrize("address", ["", "http://", "http://[::1", "http://127.0.0.1:99999"])
def test_an_address_that_leads_nowhere_ends_nothing(agent: Tried, address: str) -> None:
    with closing(agent.node.connect()) as db, transaction(db):
        State(db).hub_url = address
    assert agent._link_is_back() is False


def test_looking_for_the_hub_while_the_database_cannot_be_read_ends_nothing(agent: Tried) -> None:
    (agent.node.home / "node.db").write_bytes(b"")
    assert agent._link_is_back() is False
    (agent.node.home / "node.db").unlink()
    assert agent._link_is_back() is False


def test_an_agent_that_never_started_can_be_stopped(agent: Tried) -> None:
    agent.stop()
    agent.stop()
    assert not agent.tried.acquire(timeout=0)
