"""What a list may say of a roll: nobody is in two classes on one day, or twice in the same one."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from node.importing.finding import Row
from node.importing.values import Unreadable
from node.people.queries import class_name
from node.roster import spells
from shared.dates import school_year_name
from shared.problems import N_

ON_ROLL = N_("The pupil is in the class from {day}; that day stays.")
IN_ANOTHER = N_(
    "The pupil is in {present}, the line says {told}: a change of class is written in the movement book."
)
IN_A_YEAR = N_(
    "The pupil is still in {present} of the school year {year}, the line says {told}: close that year first."
)


def on_roll(db: Database, values: Row) -> dict[str, Any] | None:
    """The enrolment in the same class that shares days with one to be made; None where it may be made.

    Unreadable: the pupil is in another class on these days.
    """
    pupil, group, start, end = (values.get(name) for name in ("pupil", "class_group", "start", "end"))
    if not (isinstance(pupil, int) and isinstance(group, int) and isinstance(start, int)):
        return None
    found = spells(db, pupil, start, end if isinstance(end, int) else None)
    own = next((one for one in found if one["class_group"] == group), None)
    if own is not None or not found:
        return own
    present, told = _called(db, found[-1]["class_group"]), _called(db, group)
    template = IN_ANOTHER if present[1] == told[1] else IN_A_YEAR
    raise Unreadable(template, present=present[0], told=told[0], year=present[1])


def _called(db: Database, class_group: int) -> tuple[str, str]:
    """Name and school year of a class."""
    grade, letter, start = db.execute(
        """SELECT g.grade, g.letter, y.start FROM class_group g LEFT JOIN academic_year y ON y.id = g.year
           WHERE g.id = ?""",
        (class_group,),
    ).fetchone()
    return class_name(grade, letter), "" if start is None else school_year_name(start)
