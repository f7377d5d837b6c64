"""Who is signed in on this machine: a table of this node alone, never synced."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from sqlite_utils import Database

from node.storage import Node
from sync.clock import now_ms

IDLE_MS = 4 * 3_600_000
"""A session that nobody used for so long is over."""
LONGEST_MS = 14 * 3_600_000
NOTED_EVERY_MS = 300_000
"""The last use of a session is written down at most this often."""

_TABLE = """CREATE TABLE IF NOT EXISTS session (token BLOB PRIMARY KEY, account INTEGER NOT NULL,
    started INTEGER NOT NULL, used INTEGER NOT NULL) STRICT"""


class Sessions:
    """A session store (`shared.web.SessionStore`) over the node's database; ``connection`` is the request's."""

    def __init__(self, connection: Callable[[], Database]) -> None:
        self._connection = connection

    def start(self, token: bytes, account: int) -> None:
        now = now_ms()
        db = self._connection()
        db.conn.execute(
            "DELETE FROM session WHERE used < :idle OR started < :old",
            {"idle": now - IDLE_MS, "old": now - LONGEST_MS},
        )
        db.conn.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (token, account, now, now))

    def find(self, token: bytes) -> int | None:
        now = now_ms()
        db = self._connection()
        row = db.conn.execute(
            """SELECT s.account, s.used FROM session s JOIN account a ON a.id = s.account
               WHERE s.token = :token AND s.used >= :idle AND s.started >= :old
                 AND s.started >= ifnull(a.signed_out_at, 0)""",
            {"token": token, "idle": now - IDLE_MS, "old": now - LONGEST_MS},
        ).fetchone()
        if row is None:
            return None
        if now - row[1] > NOTED_EVERY_MS:
            db.conn.execute("UPDATE session SET used = ? WHERE token = ?", (now, token))
        return int(row[0])

    def end(self, token: bytes) -> None:
        self._connection().conn.execute("DELETE FROM session WHERE token = ?", (token,))

    def end_others(self, token: bytes, account: int) -> None:
        self._connection().conn.execute(
            "DELETE FROM session WHERE account = ? AND token <> ?", (account, token)
        )


def prepare(node: Node) -> None:
    """Make the table if it is not there yet."""
    with closing(node.connect()) as db:
        db.conn.execute(_TABLE)
