"""Backups age out: this node knows which it wrote, removes those older than the school wants, never the newest.


What was erased is still in the backups made before; `holding` names them, so that a person can destroy those that are
kept elsewhere.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from node.storage import Node
from shared.dates import DAY_MS
from shared.db import transaction
from sync import clock
from sync.undo import marked_acts


@dataclass(frozen=True)
class Backup:
    """A backup this node wrote: where, and when (milliseconds). ``path`` is empty for one saved through a browser."""

    path: str
    at: int


def known(db: Database) -> list[Backup]:
    """The backups this node wrote that may still be there, the latest first."""
    rows = db.execute("SELECT path, at FROM backup_made ORDER BY at DESC").fetchall()
    return [Backup(_place(path), at) for path, at in rows if not _place(path) or Path(path).exists()]


def holding(db: Database, before: int) -> list[Backup]:
    """The backups made before an instant: whatever was erased at that instant is still in them."""
    return [backup for backup in known(db) if backup.at < before]


def last_erasure(db: Database) -> int:
    """When something was last erased in this school (milliseconds since 1970); 0 for never."""
    acts = marked_acts(db, "erasure", 1)
    return acts[0].at if acts else 0


def still_holding(db: Database) -> list[Backup]:
    """The backups that still hold what was erased since they were made."""
    erased = last_erasure(db)
    return holding(db, erased) if erased else []


def forget(db: Database, at: int) -> bool:
    """Someone destroyed the copy that was saved through a browser at that instant; False if there is none.

    Of those whose file this node can see it judges by itself.
    """
    with transaction(db):
        rows = db.conn.execute("SELECT path FROM backup_made WHERE at = ?", (at,)).fetchall()
        gone = [(path,) for (path,) in rows if not _place(path)]
        db.conn.executemany("DELETE FROM backup_made WHERE path = ?", gone)
    return bool(gone)


def age_out(node: Node, now: int | None = None) -> list[Path]:
    """Remove the backups older than the setting ``backup_days`` (0 keeps all), but the newest; returns which."""
    # The pages of the settings stand on the agent, and the agent on this.
    from node.settings import queries as settings

    with closing(node.connect()) as db:
        days = settings.number(db, "backup_days")
        oldest = (clock.now_ms() if now is None else now) - days * DAY_MS
        there = [backup for backup in known(db) if backup.path]
        due = [Path(backup.path) for backup in there[1:] if days and backup.at < oldest]
        for path in due:
            path.unlink(missing_ok=True)
        if due:
            with transaction(db):
                db.conn.executemany("DELETE FROM backup_made WHERE path = ?", [(str(path),) for path in due])
    return due


def _place(path: str) -> str:
    """Where a backup lies, as far as this node can know."""
    return path if Path(path).is_absolute() else ""
