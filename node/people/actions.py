"""Writing down who read what."""

from __future__ import annotations

from sync.writer import Writer


def note_reading(w: Writer, account: int, person: int) -> None:
    """A line in the reading log: the account saw the person's card."""
    w.insert("reading_log", at=w.now, account=account, person=person, act="read", what="card")
