"""Reading how much the system is used."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True)
class Line:
    """Counts of one duty or of one day."""

    key: str | int
    sign_ins: int
    pages: int
    writes: int


_ALL = """(SELECT day, duty, sign_ins, pages, writes FROM usage_day WHERE retired_at IS NULL
  UNION ALL SELECT day, duty, sign_ins, pages, writes FROM usage_count)"""


def by_duty(db: Database, start: int, end: int) -> list[Line]:
    """Counts of all nodes by duty, from a day to a day, both included; this node's of today too."""
    return _lines(db, "duty", start, end)


def by_day(db: Database, start: int, end: int) -> list[Line]:
    """Counts of all nodes by day, the newest first."""
    return _lines(db, "day", start, end)[::-1]


def _lines(db: Database, key: str, start: int, end: int) -> list[Line]:
    rows = db.execute(
        f"""SELECT {key}, sum(ifnull(sign_ins, 0)), sum(ifnull(pages, 0)), sum(ifnull(writes, 0)) FROM {_ALL}
            WHERE day BETWEEN ? AND ? AND {key} IS NOT NULL GROUP BY {key} ORDER BY {key}""",
        (start, end),
    )
    return [Line(*row) for row in rows.fetchall()]
