"""The background agent notices by itself that the hub can be reached again."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from node import background
from node.background import Agent
from shared.db import transaction
from shared.problems import HubUnreachable
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
