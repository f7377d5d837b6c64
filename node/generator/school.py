"""Writes a generated school through the writer, each part under the account of the one who would enter it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sqlite_utils import Database

from node.generator import organisation, rolls, staffing, telling, timetable
from node.generator.books import Progress, Reference, School
from node.generator.cast import assemble
from node.generator.year import moves
from shared.problems import InvalidValue
from sync.writer import writing

SPARE = 0.02
"""Newcomers during the year as a share of the pupils on 1 September."""


@dataclass(frozen=True)
class GeneratedSchool:
    """What was written: counts, and one login for each duty (all with the password given)."""

    pupils: int
    classes: int
    staff: int
    lessons: int
    marks: int
    changes: int
    logins: dict[str, str]


def generate(
    db: Database,
    actor: int,
    *,
    seed: int,
    pupils: int,
    password_hash: str,
    year: int = 2025,
    until: int | None = None,
    progress: Progress | None = None,
) -> GeneratedSchool:
    """Write a school with so many pupils on the first day of the school year that starts in `year`.

    `actor` is the administrator who enters the staff; everyone else then acts under an account of their own, all with
    the password that was hashed to `password_hash`. The year is told up to the day `until` (days since 1970), else to
    its end. The same seed writes the same school. InvalidValue: the school year is not known, or fewer than 22 pupils.
    """
    if pupils < 22:
        raise InvalidValue(table="pupil", column="person", value=pupils)
    rng = Random(seed)
    reference = Reference(db, year, until)
    cast = assemble(rng, pupils, max(1, int(pupils * SPARE)), year)
    school = School(db, rng, reference, cast, password_hash, progress or _silent)
    before = school.changes()
    events = moves(rng, cast, pupils, school.year)
    slots = timetable.build(rng, cast.loads)
    with writing(db, actor) as w:
        staffing.write_staff(school, w)
    with school.as_("deputy") as w:
        organisation.write_classes(school, w)
        organisation.write_timetable(school, w, slots)
    organisation.write_plans(school)
    rolls.write_first_pupils(school)
    staffing.write_office_work(school)
    telling.tell(school, events, slots)
    return GeneratedSchool(
        pupils=len(school.ids.pupils),
        classes=len(school.ids.classes),
        staff=len(school.ids.staff),
        lessons=school.lessons,
        marks=school.marks,
        changes=school.changes() - before,
        logins=school.logins,
    )


def _silent(what: str, done: int, of: int) -> None:
    pass
