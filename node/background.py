"""The background agent: syncs at an interval, sooner when the link comes back, ever less often while it stays away."""

from __future__ import annotations

import logging
import random
import threading

from node.exchange.actions import run_sync
from node.storage import Node
from shared.problems import HubUnreachable, NotRegistered, Problem, SyncRunning

INTERVAL_SECONDS = 300.0
FIRST_RETRY_SECONDS = 5.0
MOST_SECONDS = 3_600.0
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

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Try at once: someone asked, or the link came back."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
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
        try:
            run_sync(self.node, "agent")
            self.failures = 0
        except (NotRegistered, SyncRunning):
            pass
        except HubUnreachable:
            self.failures += 1
        except Problem as problem:
            self.failures += 1
            _log.warning("sync: %s", problem.code)
        except Exception:
            self.failures += 1
            _log.error("sync failed unexpectedly", exc_info=False)

    def _run(self) -> None:
        while not self._stopping:
            self.try_once()
            self._wake.wait(self.next_pause())
            self._wake.clear()
