"""One sync at a time across processes; a killed process leaves no lock behind."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from shared.problems import SyncRunning


@contextlib.contextmanager
def sync_lock(home: Path) -> Iterator[None]:
    """Hold the home's sync lock; SyncRunning when another process or thread holds it.

    An exclusive transaction on an empty SQLite file: the one file lock that behaves alike on Linux and Windows.
    """
    connection = sqlite3.connect(home / "sync.lock", timeout=0, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise SyncRunning() from error
        yield
    finally:
        connection.close()
