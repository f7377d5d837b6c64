"""The day as of which a template is filled."""

from __future__ import annotations

from sqlite_utils import Database

from node.schooldays import YEARS


def as_of(db: Database, today: int) -> int:
    """Today, or the last day of the latest school year that has classes, where the new one has none yet."""
    row = db.execute(
        f"""SELECT max(y."end") FROM {YEARS} y WHERE y.start <= ? AND EXISTS
           (SELECT 1 FROM class_group g WHERE g.year = y.id AND g.retired_at IS NULL)""",
        (today,),
    ).fetchone()
    return min(today, row[0]) if row[0] is not None else today
