"""Checks of what the hub holds, one school after another beside the pages: when asked, and of each school daily."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

import sqlalchemy as sa

from hub import checks, tables
from hub.statistics.queries import places
from hub.storage import Hub
from shared.problems import Problem
from sync.clock import now_ms

DAILY_MS = 24 * 3_600_000
LOOK_EVERY_SECONDS = 900.0
_log = logging.getLogger("mektep.hub")


class Checker:
    """Verifies schools in a thread of its own, each of those asked for once."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._queue: list[int] = []
        self._thread: threading.Thread | None = None

    def ask(self, schools: Iterable[int]) -> None:
        """Check these schools soon."""
        with self._lock:
            self._queue += [school for school in schools if school not in self._queue]
            if self._queue and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="checker", daemon=True)
                self._thread.start()

    def left(self) -> frozenset[int]:
        """The schools not checked yet."""
        with self._lock:
            return frozenset(self._queue)

    def wait(self) -> None:
        """Return when everything asked for is checked."""
        while (thread := self._thread) is not None:
            thread.join()

    def watch(self) -> None:
        """From now on ask for every school whose last check is a day old."""
        threading.Thread(target=self._watch, name="daily check", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    return
                school = self._queue[0]
            try:
                checks.verify(self._hub, school)
            except Problem as problem:
                _log.error("check of school %s: %s", school, problem)
            except Exception as error:
                _log.error("check of school %s: %s", school, type(error).__name__)
            with self._lock:
                self._queue.remove(school)

    def _watch(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.ask(due(self._hub, now_ms()))
            except Problem as problem:
                _log.error("daily check: %s", problem)
            pause.wait(LOOK_EVERY_SECONDS)


def due(hub: Hub, now: int) -> list[int]:
    """The schools whose last check is a day old, and the hub's own stream (0)."""
    v = tables.verification.c
    with hub.read() as connection:
        checked = dict(connection.execute(sa.select(v.school, v.at)).all())
        every = [0, *(place.school for place in places(connection))]
    return [school for school in every if now - checked.get(school, 0) >= DAILY_MS]
