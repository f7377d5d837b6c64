"""Counting sign-ins, pages and writes by day and duty, cheaply.

Counts gather in memory, go every few minutes into a table of this node alone, and when a day is over into the synced
table `usage_day`: a row a day and duty. A power cut loses the last minutes of counting. Who holds several duties counts
under the first of them, so that nobody counts twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, Response, current_app, g, request
from sqlite_utils import Database

from node.access import ORDER
from node.storage import Node
from shared.access import Visitor
from shared.db import transaction
from shared.web import today
from sync.state import State
from sync.writer import SYSTEM, writing

FLUSH_SECONDS = 300.0
SIGN_INS = frozenset({"signin.enter", "signin.enter_code", "signin.enter_pin"})
_TABLE = """CREATE TABLE IF NOT EXISTS usage_count (day INTEGER NOT NULL, duty TEXT NOT NULL, sign_ins INTEGER NOT NULL,
    pages INTEGER NOT NULL, writes INTEGER NOT NULL, PRIMARY KEY (day, duty)) STRICT"""

Counts = tuple[int, int, int]
"""Sign-ins, pages, writes."""


@dataclass
class Counter:
    """The counts of one app since they were last written down."""

    clock: Callable[[], float] = time.monotonic
    counts: dict[tuple[int, str], Counts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._flushed = self.clock()

    def add(self, day: int, duty: str, more: Counts) -> None:
        """Count."""
        with self._lock:
            old = self.counts.get((day, duty), (0, 0, 0))
            self.counts[day, duty] = (old[0] + more[0], old[1] + more[1], old[2] + more[2])

    def is_due(self, day: int) -> bool:
        """Is it time to write down: some minutes have passed, or a day is over?"""
        with self._lock:
            past = any(counted < day for counted, _ in self.counts)
            return bool(self.counts) and (past or self.clock() - self._flushed >= FLUSH_SECONDS)

    def flush(self, db: Database, day: int) -> None:
        """Write down what was counted; finished days go into the synced table."""
        with self._lock:
            counts, self.counts = self.counts, {}
            self._flushed = self.clock()
        with transaction(db):
            for (counted, duty), values in counts.items():
                db.conn.execute(
                    """INSERT INTO usage_count VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, duty) DO UPDATE SET
                       sign_ins = sign_ins + excluded.sign_ins, pages = pages + excluded.pages,
                       writes = writes + excluded.writes""",
                    (counted, duty, *values),
                )
        settle(db, day)


def settle(db: Database, day: int) -> None:
    """Move the counts of finished days into `usage_day`; a day that is there already is added to."""
    finished = db.conn.execute("SELECT * FROM usage_count WHERE day < ?", (day,)).fetchall()
    if not finished:
        return
    with writing(db, SYSTEM) as w:
        origin = int(State(db).origin)
        for counted, duty, sign_ins, pages, writes in finished:
            found = db.conn.execute(
                "SELECT id, sign_ins, pages, writes FROM usage_day WHERE origin = ? AND day = ? AND duty = ? "
                "AND retired_at IS NULL ORDER BY id LIMIT 1",
                (origin, counted, duty),
            ).fetchone()
            if found is None:
                w.insert(
                    "usage_day",
                    origin=origin,
                    day=counted,
                    duty=duty,
                    sign_ins=sign_ins,
                    pages=pages,
                    writes=writes,
                )
            else:
                row, *old = found
                w.update(
                    "usage_day",
                    row,
                    sign_ins=old[0] + sign_ins,
                    pages=old[1] + pages,
                    writes=old[2] + writes,
                )
        db.conn.execute("DELETE FROM usage_count WHERE day < ?", (day,))


def prepare(node: Node) -> None:
    """Make the table if it is not there yet, and settle what a stopped server left."""
    with closing(node.connect()) as db:
        db.conn.execute(_TABLE)
        settle(db, today())


def write_down(app: Flask, node: Node) -> None:
    """Keep what a server that stops has counted."""
    with closing(node.connect()) as db:
        cast(Counter, app.extensions["mektep_usage"]).flush(db, today())


def counter() -> Counter:
    """What the app of this request has counted."""
    return cast(Counter, current_app.extensions["mektep_usage"])


def count(counter: Counter, connection: Callable[[], Database], response: Response) -> Response:
    """Count one answer to someone who has signed in."""
    visitor: Visitor | None = g.get("visitor")
    duty = None if visitor is None else next((one for one in ORDER if one in visitor.roles), None)
    if duty is None or response.status_code >= 400 or request.headers.get("HX-Request"):
        return response
    sign_in = request.endpoint in SIGN_INS
    page = request.method == "GET" and response.mimetype == "text/html" and response.status_code == 200
    write = request.method == "POST" and not sign_in
    if sign_in or page or write:
        day = today()
        counter.add(day, duty, (int(sign_in), int(page), int(write)))
        if counter.is_due(day):
            counter.flush(connection(), day)
    return response
