"""Reading classes: the school's years, its classes, who is on their rolls, what is taught in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED
from shared.dates import school_year_name, year_on

ON_ROLL = 'e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)'
"""The roll rule: start inclusive, end exclusive."""


@dataclass(frozen=True)
class Year:
    """A school year in which this school has classes."""

    id: int
    start: int
    end: int

    @property
    def name(self) -> str:
        return school_year_name(self.start)

    def roll_day(self, today: int) -> int:
        """The day whose roll tells about the year: today, or its nearest day."""
        return max(self.start, min(today, self.end))


def years(db: Database) -> list[Year]:
    """The school years with classes, the newest first."""
    sql = """SELECT id, start, "end" FROM academic_year y WHERE start IS NOT NULL AND "end" IS NOT NULL AND EXISTS
      (SELECT 1 FROM class_group cg WHERE cg.year = y.id AND cg.retired_at IS NULL) ORDER BY start DESC"""
    return [Year(*row) for row in db.execute(sql).fetchall()]


def present_year(found: Sequence[Year], today: int) -> Year | None:
    """The year of today, or the last one known."""
    return year_on(found, today) or (found[0] if found else None)


def classes(db: Database, year: Year, today: int) -> list[Mapping[str, Any]]:
    """The classes of a year by grade and letter, each with its class teacher, pupils and girls."""
    sql = f"""WITH {NAMED}
      SELECT cg.id, cg.grade, cg.letter, cg.language, cg.shift, cg.teacher, {NAME_COLUMNS},
        (SELECT count(*) FROM enrolment e WHERE e.class_group = cg.id AND {ON_ROLL}) AS pupils,
        (SELECT count(*) FROM enrolment e JOIN person p ON p.id = e.pupil
         WHERE e.class_group = cg.id AND p.sex = 'f' AND {ON_ROLL}) AS girls
      FROM class_group cg LEFT JOIN named n ON n.id = cg.teacher
      WHERE cg.year = :year AND cg.retired_at IS NULL ORDER BY cg.grade, cg.letter, cg.id"""
    return list(db.query(sql, {"year": year.id, "day": year.roll_day(today), "today": today}))


def class_group(db: Database, class_id: int, today: int) -> Mapping[str, Any] | None:
    """One class with its year and class teacher."""
    sql = f"""WITH {NAMED}
      SELECT cg.*, {NAME_COLUMNS}, y.start AS year_start, y."end" AS year_end
      FROM class_group cg LEFT JOIN named n ON n.id = cg.teacher LEFT JOIN academic_year y ON y.id = cg.year
      WHERE cg.id = :id AND cg.retired_at IS NULL"""
    return next(iter(db.query(sql, {"id": class_id, "today": today})), None)


def year_of(row: Mapping[str, Any]) -> Year:
    """The school year of a class that `class_group` returned."""
    return Year(row["year"] or 0, row["year_start"] or 0, row["year_end"] or 0)


def roll(db: Database, class_id: int, day: int, today: int) -> list[Mapping[str, Any]]:
    """The pupils on a class's roll on a day, unsorted; names as may be shown today."""
    sql = f"""WITH {NAMED}
      SELECT p.id, p.sex, p.birth_year, e.age, e.start, e.repeating, {NAME_COLUMNS}
      FROM enrolment e JOIN person p ON p.id = e.pupil LEFT JOIN named n ON n.id = p.id
      WHERE e.class_group = :id AND p.retired_at IS NULL AND {ON_ROLL} GROUP BY p.id"""
    return list(db.query(sql, {"id": class_id, "day": day, "today": today}))


def left(db: Database, class_id: int, day: int, today: int) -> list[Mapping[str, Any]]:
    """Pupils whose enrolment in the class has ended by a day, the latest first."""
    sql = f"""WITH {NAMED}
      SELECT p.id, e."end", {NAME_COLUMNS}
      FROM enrolment e JOIN person p ON p.id = e.pupil LEFT JOIN named n ON n.id = p.id
      WHERE e.class_group = :id AND e.retired_at IS NULL AND e."end" <= :day ORDER BY e."end" DESC"""
    return list(db.query(sql, {"id": class_id, "day": day, "today": today}))


def subject_groups(db: Database, class_id: int, today: int) -> list[Mapping[str, Any]]:
    """What is taught in a class: subject, part of the class, teacher, hours, pupils."""
    sql = f"""WITH {NAMED}
      SELECT sg.id, sg.name AS part, sg.hours_week, sg.teacher, {NAME_COLUMNS}, s.code, s.name_ky, s.name_ru, s.name_en,
        (SELECT count(*) FROM subject_group_pupil gp WHERE gp.subject_group = sg.id AND gp.retired_at IS NULL
          AND ifnull(gp.start, :today) <= :today AND ifnull(gp."end", :today + 1) > :today) AS pupils
      FROM subject_group sg LEFT JOIN subject s ON s.id = sg.subject LEFT JOIN named n ON n.id = sg.teacher
      WHERE sg.class_group = :id AND sg.retired_at IS NULL ORDER BY s.sort, s.id, sg.name"""
    return list(db.query(sql, {"id": class_id, "today": today}))
