"""Frozen reports: what was reported stays as it was; what changes it afterwards becomes a numbered correction.


A snapshot holds every figure of a report under the name of its row and column. Number 0 is the report as it was frozen;
each later act that changes a figure writes the next number, with the act that caused it, in the act's own transaction.
An act that another machine wrote without knowing of the snapshot is followed when it has arrived, by the machine that
froze the report, so that no two write the same correction; where that machine is no more, it shows as a difference on
the report's page, from where a correction is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node.counting import quarter, school_return
from shared.dates import day_at
from shared.problems import NotFound
from sync.writer import Writer

Figures = Mapping[str, int]
"""`row|column` -> the figure; nothing stands for 0."""
Count = Callable[[Database, int, int | None], Figures]


@dataclass(frozen=True)
class Snapshot:
    """A report as it was on a day: number 0 as frozen, later ones as corrected. `movement`: the act that caused it."""

    id: int
    number: int
    day: int
    movement: int | None
    figures: Figures


@dataclass(frozen=True)
class Changed:
    """A figure that differs between two snapshots."""

    key: str
    before: int
    after: int


def _counts() -> dict[str, Count]:
    """Report -> what counts it anew for a year and, if it has one, a term."""
    return {quarter.CODE: quarter.figures, school_return.CODE: school_return.figures}


def history(db: Database, report: str, year: int, term: int | None) -> list[Snapshot]:
    """The snapshots of a report, the frozen one first."""
    rows = db.execute(
        """SELECT id, number, day, movement, content FROM report_snapshot WHERE report = ? AND year = ?
           AND term IS ? AND retired_at IS NULL ORDER BY number, id""",
        (report, year, term),
    ).fetchall()
    return [
        Snapshot(row, number, day, movement, json.loads(content or "{}"))
        for row, number, day, movement, content in rows
    ]


def differences(before: Figures, after: Figures) -> list[Changed]:
    """The figures that differ, in the order of their names."""
    keys = sorted({*before, *after})
    pairs = ((key, before.get(key, 0), after.get(key, 0)) for key in keys)
    return [Changed(*pair) for pair in pairs if pair[1] != pair[2]]


def count(db: Database, report: str, year: int, term: int | None) -> Figures:
    """The figures of a report as the rows have them now. NotFound for an unknown report, year or term."""
    counted = _counts().get(report)
    if counted is None:
        raise NotFound()
    return {key: figure for key, figure in counted(db, year, term).items() if figure}


def freeze(w: Writer, report: str, year: int, term: int | None) -> int | None:
    """Freeze a report; one that is frozen gets a correction if it differs, else nothing is written. NotFound."""
    standing = history(w.db, report, year, term)
    now = count(w.db, report, year, term)
    if standing and not differences(standing[-1].figures, now):
        return None
    return _write(w, report, year, term, len(standing), now, None)


def follow(w: Writer, line: int | None, frozen_by: int | None = None) -> list[int]:
    """Write the corrections that an act of the movement book brings to frozen reports; returns them.

    ``line``: the act, None for several; ``frozen_by``: only for reports that this origin froze.
    """
    written = []
    for report, year, term in w.db.execute(
        "SELECT DISTINCT report, year, term FROM report_snapshot WHERE retired_at IS NULL ORDER BY 1, 2, 3"
    ).fetchall():
        if report not in _counts():
            continue
        standing = history(w.db, report, year, term)
        if frozen_by not in (None, standing[0].id >> 32):
            continue
        now = count(w.db, report, year, term)
        if differences(standing[-1].figures, now):
            written.append(_write(w, report, year, term, standing[-1].number + 1, now, line))
    return written


def _write(
    w: Writer, report: str, year: int, term: int | None, number: int, figures: Figures, line: int | None
) -> int:
    return w.insert(
        "report_snapshot",
        report=report,
        year=year,
        term=term,
        number=number,
        day=day_at(w.now),
        movement=line,
        content=json.dumps(figures, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
    )
