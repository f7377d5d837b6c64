"""What the node knows of its exchange with the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from sync.log import NodeLog
from sync.state import State


@dataclass(frozen=True)
class Status:
    """Where the node stands; instants in milliseconds since 1970, 0 for never."""

    school_name: str
    school: int
    origin: int
    registered: bool
    hub_url: str
    waiting: int
    position: int
    last_done: int
    last_checked: int
    last_backup: int
    hub_clock_ahead: int
    conflicts: int
    quarantined: int
    last_run: Mapping[str, Any] | None


def status(db: Database) -> Status:
    state, log = State(db), NodeLog(db)
    return Status(
        school_name=str(state.school_name),
        school=int(state.school),
        origin=int(state.origin),
        registered=bool(state.registered),
        hub_url=str(state.hub_url),
        waiting=log.waiting(),
        position=int(state.position),
        last_done=int(state.last_done),
        last_checked=int(state.last_checked),
        last_backup=int(state.last_backup),
        hub_clock_ahead=int(state.hub_clock_ahead),
        conflicts=_count(db, "conflict"),
        quarantined=_count(db, "quarantine"),
        last_run=last_run(db),
    )


def last_run(db: Database) -> Mapping[str, Any] | None:
    """The newest run, running (``ended`` is None) or over."""
    return next(iter(db.query("SELECT * FROM sync_run ORDER BY id DESC LIMIT 1")), None)


def runs(db: Database, limit: int = 20) -> list[Mapping[str, Any]]:
    """Past runs, newest first."""
    return list(db.query("SELECT * FROM sync_run ORDER BY id DESC LIMIT ?", [limit]))


def _count(db: Database, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
