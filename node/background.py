"""The background agent: syncs at an interval, sooner when the link comes back, ever less often while it stays away."""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

from node import backups
from node.exchange.actions import run_sync
from node.storage import Node
from shared.db import DriverError
from shared.problems import HubUnreachable, NotRegistered, Problem, SyncRunning
from sync import erasure
from sync.state import State

INTERVAL_SECONDS = 300.0
FIRST_RETRY_SECONDS = 5.0
MOST_SECONDS = 3_600.0
PROBE_SECONDS = 15.0
"""While the hub cannot be reached, how often to look whether its door opens again; a look costs one packet or two."""
_log = logging.getLogger("mektep.agent")


class Agent:
    """One thread; `wake` makes it try at once, `stop` ends it."""

    def __init__(self, node: Node, interval: float = INTERVAL_SECONDS, seed: int | None = None) -> None:
        self.node = node
        self.interval = interval
        self._random = random.Random(seed)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="mektep-agent", daemon=True)
        self.failures = 0
        self.unreachable = False

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Try at once: someone asked, or the link came back."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=30)

    def next_pause(self) -> float:
        """Seconds until the next try: the interval, or after failures a doubling pause; a quarter of it is chance."""
        if not self.failures:
            pause = self.interval
        else:
            pause = min(MOST_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(self.failures - 1, 12))
        return pause * self._random.uniform(0.75, 1.25)

    def try_once(self) -> None:
        """Sync once; what goes wrong is noted for the pages and otherwise waits for the next time."""
        self.unreachable = False
        try:
            run_sync(self.node, "agent")
            self.failures = 0
        except (NotRegistered, SyncRunning):
            pass
        except HubUnreachable:
            self.failures += 1
            self.unreachable = True
        except Problem as problem:
            self.failures += 1
            _log.warning("sync: %s", problem.code)
        except Exception:
            self.failures += 1
            _log.error("sync failed unexpectedly", exc_info=False)

    def keep_house(self) -> None:
        """Rewrite the file after an erasure, let old backups go; what cannot be done now waits for the next time."""
        try:
            with closing(self.node.connect()) as db:
                erasure.tidy(db)
            backups.age_out(self.node)
        except (Problem, OSError) as problem:
            _log.warning("keeping house: %s", type(problem).__name__)

    def _run(self) -> None:
        while not self._stopping:
            self.try_once()
            self.keep_house()
            self._pause(self.next_pause())

    def _pause(self, seconds: float) -> None:
        """Wait until it is time, someone wakes us, or a hub that could not be reached answers again."""
        end = time.monotonic() + seconds
        away = self.unreachable
        while not self._stopping and (left := end - time.monotonic()) > 0:
            if self._wake.wait(min(left, PROBE_SECONDS) if away else left):
                break
            if away and self._link_is_back():
                break
        self._wake.clear()

    def _link_is_back(self) -> bool:
        """Does the hub's port take a connection? No, too, while this machine cannot tell."""
        try:
            with closing(self.node.connect()) as db:
                address = urlsplit(str(State(db).hub_url))
            if not address.hostname:
                return False
            port = address.port or (443 if address.scheme == "https" else 80)
            socket.create_connection((address.hostname, port), timeout=5).close()
        except (OSError, ValueError, Problem, DriverError):
            return False
        return True
