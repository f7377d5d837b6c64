"""Writing down certificates of education as they are given out. Nothing here knows of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from node.certificates import queries
from shared.problems import BlankTaken, InvalidValue
from sync.writer import Writer


@dataclass(frozen=True)
class Issued:
    """What was given out: the number of the blank, and the day. An empty number: nothing was."""

    blank: str
    day: int | None


def issue(w: Writer, class_group: int, given: Mapping[int, Issued], today: int) -> int:
    """Write down what was given to pupils of a class that ends a stage; returns how many entries changed.

    InvalidValue: not of the class, a number without a day or a day to come; BlankTaken.
    """
    row = w.db.execute(
        "SELECT year FROM class_group WHERE id = ? AND retired_at IS NULL", (class_group,)
    ).fetchone()
    year = row[0] if row and row[0] is not None else 0
    known = {one.pupil: one for one in queries.lines(w.db, year, today, classes={class_group})}
    changed = 0
    for pupil, one in sorted(given.items()):
        line = known.get(pupil)
        if line is None:
            raise InvalidValue(table="leaving_certificate", column="pupil", value=pupil)
        if not one.blank:
            changed += bool(line.blank) and w.retire("leaving_certificate", pupil, year)
            continue
        if one.day is None or one.day > today:
            raise InvalidValue(table="leaving_certificate", column="issued_on", value=one.day)
        if queries.is_taken(w.db, line.kind, one.blank, pupil):
            raise BlankTaken(number=one.blank)
        changed += w.put(
            "leaving_certificate", pupil=pupil, kind=line.kind, year=year, number=one.blank, issued_on=one.day
        )
    return changed
