"""One sync at a time across processes; a killed process leaves no lock behind."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from shared.problems import SyncRunning

_PATIENCE_SECONDS = 0.2
"""Longer than a look at the lock takes, so that looking never keeps a sync from starting."""


@contextlib.contextmanager
def sync_lock(home: Path) -> Iterator[None]:
    """Hold the home's sync lock; SyncRunning when another process or thread holds it.

    An exclusive transaction on an empty SQLite file: the one file lock that behaves alike on Linux and Windows.
    """
    connection = _file(home, _PATIENCE_SECONDS)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise SyncRunning() from error
        yield
    finally:
        connection.close()


def sync_locked(home: Path) -> bool:
    """Does some process or thread hold the home's sync lock just now?"""
    connection = _file(home, 0)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


def _file(home: Path, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(home / "sync.lock", timeout=patience, isolation_level=None)
