"""Files that wait for their import: in the encrypted database of this node alone, for an hour, for one account."""

from __future__ import annotations

from sqlite_utils import Database

from shared import crypto
from shared.problems import NotFound
from sync.clock import now_ms

KEPT_MS = 3_600_000
MOST = 3
"""Files of one account that may wait; an older one goes."""
_TABLE = """CREATE TABLE IF NOT EXISTS upload (token TEXT PRIMARY KEY, account INTEGER NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, at INTEGER NOT NULL, content BLOB NOT NULL) STRICT"""


def keep(db: Database, account: int, kind: str, name: str, content: bytes) -> str:
    """Keep a file; returns the token by which it is found. What waited too long goes, and so does an older file."""
    token = crypto.random_bytes(16).hex()
    db.conn.execute(_TABLE)
    db.conn.execute("DELETE FROM upload WHERE at < ?", (now_ms() - KEPT_MS,))
    db.conn.execute(
        "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?)", (token, account, kind, name[:120], now_ms(), content)
    )
    db.conn.execute(
        """DELETE FROM upload WHERE account = ?1 AND token NOT IN
           (SELECT token FROM upload WHERE account = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2)""",
        (account, MOST),
    )
    return token


def drop(db: Database, token: str) -> None:
    """Forget a file whose import is done."""
    db.conn.execute("DELETE FROM upload WHERE token = ?", (token,))


def find(db: Database, account: int, kind: str, token: str) -> tuple[str, bytes]:
    """Name and content of a waiting file. NotFound: none of this account's waits under that token."""
    db.conn.execute(_TABLE)
    row = db.conn.execute(
        "SELECT name, content FROM upload WHERE token = ? AND account = ? AND kind = ? AND at >= ?",
        (token, account, kind, now_ms() - KEPT_MS),
    ).fetchone()
    if row is None:
        raise NotFound()
    return str(row[0]), bytes(row[1])
