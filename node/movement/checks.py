"""What has to be so before an act of the movement book is written: rows, days and what else the book says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from node import schooldays
from node.movement.moving_on import Step
from shared.problems import (
    ArrivedThatDay,
    InvalidValue,
    LaterActs,
    NotFound,
    NotMovedOn,
    NotOnRoll,
    OnRoll,
    OutsideYear,
)


def check_reason(reason: str, allowed: tuple[str, ...]) -> None:
    """InvalidValue."""
    if reason not in allowed:
        raise InvalidValue(table="movement", column="reason", value=reason)


def known(db: Database, pupil: int) -> int:
    """The pupil is on record. NotFound."""
    sql = "SELECT 1 FROM pupil WHERE person = ? AND retired_at IS NULL"
    if db.execute(sql, (pupil,)).fetchone() is None:
        raise NotFound()
    return pupil


def require_open(db: Database, class_group: int, day: int) -> None:
    """The class takes pupils on that day: it is of the year that holds the day (its summer too), and not closed.

    Where the school moved its first term before the year's own start, the year begins with it.
    """
    if not class_group:
        raise InvalidValue(table="movement", column="to_class", value=None)
    start, following, closed = _span(db, class_group)
    if start is not None and (day < start or (following is not None and day >= following)):
        raise OutsideYear()
    if closed is not None and day >= closed:
        raise InvalidValue(table="movement", column="to_class", value=class_group)


def require_within(db: Database, class_group: int, day: int) -> None:
    """A pupil may leave a class on that day: in its year, or on the first day of the next. NotFound, OutsideYear."""
    start, following, _ = _span(db, class_group)
    if start is not None and (day <= start or (following is not None and day > following)):
        raise OutsideYear()


def _span(db: Database, class_group: int) -> tuple[int | None, int | None, int | None]:
    """First day of the year of a class, first day of the next, and the day from which the class is closed. NotFound."""
    row = db.execute(
        f"""SELECT y.id, cg.closed_on, (SELECT min(z.start) FROM {schooldays.YEARS} z WHERE z.start > y.start)
           FROM class_group cg LEFT JOIN {schooldays.YEARS} y ON y.id = cg.year
           WHERE cg.id = ? AND cg.retired_at IS NULL""",
        (class_group,),
    ).fetchone()
    if row is None:
        raise NotFound()
    year, closed, following = row
    return (schooldays.bounds(db, year) or (None,))[0] if year is not None else None, following, closed


def require_off_roll(db: Database, pupil: int, day: int) -> None:
    """OnRoll when the pupil is enrolled on that day; LaterActs when an enrolment begins after it, or ends on it."""
    for _, start, end in _enrolments(db, pupil):
        if end is None or end >= day:
            raise OnRoll() if start <= day and end != day else LaterActs()
    require_latest(db, pupil, day)


def require_on_roll(db: Database, pupil: int, day: int, step: Step | None) -> list[int]:
    """The classes whose roll the pupil leaves. NotOnRoll; ArrivedThatDay; LaterActs when something happens later.

    ``step``: of a closing, which the act changes, so that it is not in the way.
    """
    stays = _enrolments(db, pupil, step)
    for _, start, end in stays:
        if start == day and end is None:
            raise ArrivedThatDay()
        if start >= day or (end is not None and end > day):
            raise LaterActs()
    require_latest(db, pupil, day, step=step)
    classes = [class_group for class_group, _, end in stays if end is None and class_group is not None]
    if not classes:
        raise NotOnRoll()
    return classes


def require_place(db: Database, pupil: int, step: Step, to_class: int, day: int) -> None:
    """A pupil may be put into a class in which to begin the year.

    InvalidValue, NotFound; OutsideYear: before the closing; ArrivedThatDay: put into one that day already; LaterActs.
    """
    require_open(db, to_class, step.day)
    if to_class == step.new:
        raise InvalidValue(table="movement", column="to_class", value=to_class)
    if day < step.line["date"]:
        raise OutsideYear()
    require_latest(db, pupil, day, step=step)
    sql = "SELECT 1 FROM movement WHERE pupil = ? AND date = ? AND kind = 'transfer' AND retired_at IS NULL"
    if db.execute(sql, (pupil, day)).fetchone() is not None:
        raise ArrivedThatDay()


def require_latest(db: Database, pupil: int, day: int, but: int = 0, step: Step | None = None) -> None:
    """Nothing happens to a pupil after a day but the line `but`, and what a closing does. LaterActs."""
    sql = """SELECT 1 FROM movement WHERE pupil = ? AND date > ? AND id <> ? AND retired_at IS NULL
             AND kind IN ('arrived', 'departed', 'transfer', 'graduated')"""
    if db.execute(sql, (pupil, day, but)).fetchone() is not None:
        raise LaterActs()
    if any(start > day for _, start, _ in _enrolments(db, pupil, step)):
        raise LaterActs()


def _enrolments(db: Database, pupil: int, step: Step | None = None) -> list[tuple[int, int, int | None]]:
    """Class, first day, and day after the last of each stay of a pupil; as it would be without the step."""
    rows: list[tuple[int, int, int | None]] = db.execute(
        """SELECT class_group, start, "end" FROM enrolment WHERE pupil = ? AND retired_at IS NULL
           AND start IS NOT NULL ORDER BY start, id""",
        (pupil,),
    ).fetchall()
    if step is None:
        return rows
    return [
        (class_group, start, None if (class_group, end) == (step.old, step.day) else end)
        for class_group, start, end in rows
        if (class_group, start) != (step.new, step.day)
    ]


def require_same_year(db: Database, old: int, new: int) -> None:
    """NotMovedOn: a pupil goes from year to year by a closing."""
    years = {year_of(db, old), year_of(db, new)} - {None}
    if len(years) > 1:
        raise NotMovedOn()


def year_of(db: Database, class_group: int) -> int | None:
    """The school year of a class."""
    row = db.execute("SELECT year FROM class_group WHERE id = ?", (class_group,)).fetchone()
    return row[0] if row is not None else None


def repeats(db: Database, pupil: int, class_group: int) -> bool:
    """Does the pupil repeat the year in a class?"""
    row = db.execute(
        """SELECT repeating FROM enrolment WHERE pupil = ? AND class_group = ? AND retired_at IS NULL
           ORDER BY start DESC LIMIT 1""",
        (pupil, class_group),
    ).fetchone()
    return bool(row and row[0])


def line_of(db: Database, line: int) -> Mapping[str, Any]:
    """A line of the book. NotFound."""
    row = next(iter(db.query("SELECT * FROM movement WHERE id = ? AND retired_at IS NULL", (line,))), None)
    if row is None:
        raise NotFound()
    return row
