"""Who is signed in on this machine: a table of this node alone, never synced.

A session on a shared computer (one on which somebody keeps a PIN) is over as soon as nobody has touched it for the
minutes of the setting `pin_lock_minutes`; elsewhere after hours. ``full`` tells a sign-in by password from one by PIN.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from sqlite_utils import Database

from node.storage import Node
from sync.clock import now_ms

IDLE_MS = 4 * 3_600_000
"""A session that nobody used for so long is over."""
LONGEST_MS = 14 * 3_600_000
NOTED_EVERY_MS = 300_000
"""The last use of a session is written down at most this often; on a shared computer more often."""
NOTED_SHARED_MS = 15_000

_TABLE = """CREATE TABLE IF NOT EXISTS session (token BLOB PRIMARY KEY, account INTEGER NOT NULL,
    started INTEGER NOT NULL, used INTEGER NOT NULL, shared INTEGER NOT NULL, full INTEGER NOT NULL) STRICT"""
_COLUMNS = ["token", "account", "started", "used", "shared", "full"]


@dataclass(frozen=True)
class Origin:
    """Where a session begins: on a shared computer or not, by password or by PIN."""

    shared: bool = False
    full: bool = True


def _elsewhere() -> Origin:
    return Origin()


def _idle_minutes() -> int:
    return IDLE_MS // 60_000


class Sessions:
    """A session store (`shared.web.SessionStore`) over the node's database; ``connection`` is the request's.

    ``origin`` tells about the request at hand, ``lock_minutes`` how long a shared computer stays open.
    """

    def __init__(
        self,
        connection: Callable[[], Database],
        origin: Callable[[], Origin] = _elsewhere,
        lock_minutes: Callable[[], int] = _idle_minutes,
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._lock_minutes = lock_minutes

    def start(self, token: bytes, account: int) -> None:
        now, origin = now_ms(), self._origin()
        db = self._connection()
        db.conn.execute(
            "DELETE FROM session WHERE used < :idle OR started < :old",
            {"idle": now - IDLE_MS, "old": now - LONGEST_MS},
        )
        db.conn.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
            (token, account, now, now, int(origin.shared), int(origin.full)),
        )

    def find(self, token: bytes) -> int | None:
        now = now_ms()
        db = self._connection()
        row = db.conn.execute(
            """SELECT s.account, s.used, s.shared FROM session s JOIN account a ON a.id = s.account
               WHERE s.token = :token AND s.used >= :idle AND s.started >= :old
                 AND s.started >= ifnull(a.signed_out_at, 0)""",
            {"token": token, "idle": now - IDLE_MS, "old": now - LONGEST_MS},
        ).fetchone()
        if row is None:
            return None
        account, used, shared = row
        if shared and now - used > self._lock_minutes() * 60_000:
            self.end(token)
            return None
        if now - used > (NOTED_SHARED_MS if shared else NOTED_EVERY_MS):
            db.conn.execute("UPDATE session SET used = ? WHERE token = ?", (now, token))
        return int(account)

    def begun(self, token: bytes) -> Origin:
        """Where the session began."""
        row = (
            self._connection()
            .conn.execute("SELECT shared, full FROM session WHERE token = ?", (token,))
            .fetchone()
        )
        return Origin() if row is None else Origin(bool(row[0]), bool(row[1]))

    def share(self, token: bytes) -> None:
        """From now on the session counts as one on a shared computer."""
        self._connection().conn.execute("UPDATE session SET shared = 1 WHERE token = ?", (token,))

    def end(self, token: bytes) -> None:
        self._connection().conn.execute("DELETE FROM session WHERE token = ?", (token,))

    def end_others(self, token: bytes, account: int) -> None:
        self._connection().conn.execute(
            "DELETE FROM session WHERE account = ? AND token <> ?", (account, token)
        )


def prepare(node: Node) -> None:
    """Make the table if it is not there yet, or is that of an older release; whoever was signed in signs in again."""
    with closing(node.connect()) as db:
        present = [row[1] for row in db.conn.execute("PRAGMA table_info(session)").fetchall()]
        if present and present != _COLUMNS:
            db.conn.execute("DROP TABLE session")
        db.conn.execute(_TABLE)
