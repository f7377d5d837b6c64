"""Reading classes: the school's years, its classes, who is on their rolls, what is taught in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import roster
from node.people.queries import NAME_COLUMNS, NAMED, full_name
from node.schooldays import YEARS
from shared.dates import FOREVER, school_year_name, year_on
from shared.i18n import in_order
from shared.problems import ClassHadPupils, ClassInUse
from shared.schema import TABLES

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
    sql = f"""SELECT id, start, "end" FROM {YEARS} y WHERE start IS NOT NULL AND "end" IS NOT NULL AND EXISTS
      (SELECT 1 FROM class_group cg WHERE cg.year = y.id AND cg.retired_at IS NULL) ORDER BY start DESC"""
    return [Year(*row) for row in db.execute(sql).fetchall()]


def all_years(db: Database) -> list[Year]:
    """The school years that are known, with classes or without, the newest first."""
    sql = f"""SELECT id, start, "end" FROM {YEARS}
      WHERE start IS NOT NULL AND "end" IS NOT NULL ORDER BY start DESC"""
    return [Year(*row) for row in db.execute(sql).fetchall()]


def following(db: Database, year: Year) -> Year | None:
    """The school year after one."""
    later = [one for one in all_years(db) if one.start > year.start]
    return min(later, key=lambda one: one.start, default=None)


def present_year(found: Sequence[Year], today: int) -> Year | None:
    """The year of today, or the last one known."""
    return year_on(found, today) or (found[0] if found else None)


def coming_year(found: Sequence[Year], today: int) -> Year | None:
    """The year that classes are made and pupils admitted for: after the last lessons of one it is the next."""
    left = [one for one in found if one.end >= today]
    return min(left, key=lambda one: one.start) if left else present_year(found, today)


def classes(db: Database, year: Year, today: int) -> list[Mapping[str, Any]]:
    """The classes of a year by grade and letter, each with its class teacher, pupils and girls."""
    sql = f"""WITH {NAMED}
      SELECT cg.id, cg.grade, cg.letter, cg.language, cg.shift, cg.week_days, cg.teacher, cg.closed_on,
        cg.combined, {NAME_COLUMNS},
        (SELECT count(*) FROM enrolment e WHERE e.class_group = cg.id AND {ON_ROLL}) AS pupils,
        (SELECT count(*) FROM enrolment e JOIN person p ON p.id = e.pupil
         WHERE e.class_group = cg.id AND p.sex = 'f' AND {ON_ROLL}) AS girls
      FROM class_group cg LEFT JOIN named n ON n.id = cg.teacher
      WHERE cg.year = :year AND cg.retired_at IS NULL ORDER BY cg.grade, cg.letter, cg.id"""
    return list(db.query(sql, {"year": year.id, "day": year.roll_day(today), "today": today}))


def class_group(db: Database, class_id: int, today: int) -> Mapping[str, Any] | None:
    """One class with its year and class teacher."""
    sql = f"""WITH {NAMED}
      SELECT cg.*, {NAME_COLUMNS}, y.start AS year_start, y."end" AS year_end, r.name AS room_name,
        other.grade AS other_grade, other.letter AS other_letter
      FROM class_group cg LEFT JOIN named n ON n.id = cg.teacher LEFT JOIN academic_year y ON y.id = cg.year
      LEFT JOIN room r ON r.id = cg.room LEFT JOIN class_group other ON other.id = cg.combined
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


def subject_groups(db: Database, class_id: int, day: int, today: int) -> list[Mapping[str, Any]]:
    """What is taught in a class: subject, part of the class, teacher, hours, pupils on a day.

    A group without a list of its own is the whole class.
    """
    sql = f"""WITH {NAMED}
      SELECT sg.id, sg.name AS part, sg.hours_week, sg.teacher, {NAME_COLUMNS}, s.code, s.name_ky, s.name_ru, s.name_en,
        CASE WHEN EXISTS (SELECT 1 FROM subject_group_pupil gp WHERE gp.subject_group = sg.id AND gp.retired_at IS NULL)
        THEN (SELECT count(*) FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.retired_at IS NULL
          AND ifnull(g.start, :day) <= :day AND ifnull(g."end", :day + 1) > :day
          AND NOT {roster.AWAY.format(first=":day", last=":day")})
        ELSE (SELECT count(DISTINCT e.pupil) FROM enrolment e WHERE e.class_group = sg.class_group AND {ON_ROLL})
        END AS pupils
      FROM subject_group sg LEFT JOIN subject s ON s.id = sg.subject LEFT JOIN named n ON n.id = sg.teacher
      WHERE sg.class_group = :id AND sg.retired_at IS NULL ORDER BY s.sort, s.id, sg.name"""
    return list(db.query(sql, {"id": class_id, "day": day, "today": today}))


# ---- what a class is made from


def partners(db: Database, year: int, class_id: int = 0) -> list[Mapping[str, Any]]:
    """The other open classes of a year that a class can share lessons with: those that share nobody else's."""
    sql = """SELECT id, grade, letter, language FROM class_group WHERE year = :year AND id <> :id
      AND retired_at IS NULL AND closed_on IS NULL AND combined IS NULL
      AND NOT EXISTS (SELECT 1 FROM class_group c WHERE c.combined = :id AND c.retired_at IS NULL)
      ORDER BY grade, letter, id"""
    return list(db.query(sql, {"year": year, "id": class_id}))


def teachers(db: Database, today: int) -> list[tuple[int, str]]:
    """Who can be given a class or lessons: the staff of today in alphabetical order, with the names that may show."""
    sql = f"""WITH {NAMED} SELECT s.person, {NAME_COLUMNS} FROM staff s JOIN person p ON p.id = s.person
      LEFT JOIN named n ON n.id = s.person WHERE s.retired_at IS NULL AND p.retired_at IS NULL
      AND (s."end" IS NULL OR s."end" > :today) ORDER BY s.person"""
    rows = [(row["person"], full_name(row)) for row in db.query(sql, {"today": today})]
    return in_order(rows, lambda row: row[1])


def leads_by_order(db: Database, person: int, today: int) -> bool:
    """Does the person hold the duty of a class teacher today? Without it the class is theirs in name alone."""
    sql = """SELECT 1 FROM appointment WHERE person = ? AND duty = 'class_teacher' AND retired_at IS NULL
      AND start <= ? AND ("end" IS NULL OR "end" > ?) LIMIT 1"""
    return db.execute(sql, (person, today, today)).fetchone() is not None


def rooms(db: Database) -> list[tuple[int, str]]:
    """The rooms of the school by name."""
    sql = "SELECT id, name FROM room WHERE retired_at IS NULL ORDER BY length(name), name"
    return [(row[0], row[1] or "") for row in db.execute(sql).fetchall()]


def subjects(db: Database) -> list[Mapping[str, Any]]:
    """Every subject in the usual order."""
    return list(db.query("SELECT * FROM subject WHERE retired_at IS NULL ORDER BY sort, id"))


def scales(db: Database) -> list[Mapping[str, Any]]:
    """Every grading scale."""
    return list(db.query("SELECT * FROM grading_scale WHERE retired_at IS NULL ORDER BY id"))


def subject_group(db: Database, group: int) -> Mapping[str, Any] | None:
    """One subject group with the names of its subject and what its class is called."""
    sql = """SELECT sg.*, s.code, s.name_ky, s.name_ru, s.name_en, cg.grade, cg.letter, cg.year FROM subject_group sg
      JOIN class_group cg ON cg.id = sg.class_group LEFT JOIN subject s ON s.id = sg.subject
      WHERE sg.id = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL"""
    return next(iter(db.query(sql, (group,))), None)


def divided(db: Database, class_id: int, subject: int, day: int, today: int) -> list[dict[str, Any]]:
    """The subgroups of a subject in a class: name, teacher, and the pupils of each on a day."""
    sql = f"""WITH {NAMED} SELECT sg.id, sg.name AS part, sg.teacher, {NAME_COLUMNS} FROM subject_group sg
      LEFT JOIN named n ON n.id = sg.teacher WHERE sg.class_group = :id AND sg.subject = :subject
      AND sg.retired_at IS NULL ORDER BY ifnull(sg.name, ''), sg.id"""
    rows: list[dict[str, Any]] = [
        dict(row) for row in db.query(sql, {"id": class_id, "subject": subject, "today": today})
    ]
    for row in rows:
        row["pupils"] = listed(db, row["id"], day)
    return rows


def listed(db: Database, group: int, day: int) -> frozenset[int]:
    """Who stands on a subject group's list on a day."""
    sql = f"""SELECT pupil FROM subject_group_pupil g WHERE subject_group = :group AND retired_at IS NULL
      AND ifnull(start, :day) <= :day AND ("end" IS NULL OR "end" > :day)
      AND NOT {roster.AWAY.format(first=":day", last=":day")}"""
    return frozenset(row[0] for row in db.execute(sql, {"group": group, "day": day}).fetchall())


def stays(db: Database, class_id: int, subject: int, today: int) -> list[Mapping[str, Any]]:
    """Who was in which subgroup of a subject from when to when (the end not included), by day."""
    sql = f"""WITH {NAMED} SELECT gp.subject_group, gp.pupil AS id, gp.start, gp."end", sg.name AS part, {NAME_COLUMNS}
      FROM subject_group_pupil gp JOIN subject_group sg ON sg.id = gp.subject_group LEFT JOIN named n ON n.id = gp.pupil
      WHERE sg.class_group = :id AND sg.subject = :subject AND gp.retired_at IS NULL AND sg.retired_at IS NULL
        AND (gp."end" IS NULL OR gp."end" > gp.start) ORDER BY gp.start"""
    gaps = roster.gaps(db)
    row: Mapping[str, Any]
    found: list[Mapping[str, Any]] = []
    for row in db.query(sql, {"id": class_id, "subject": subject, "today": today}):
        span = (row["start"] or 0, FOREVER if row["end"] is None else row["end"])
        for start, end in roster.cut(span, gaps.get((row["subject_group"], row["id"]), ())):
            found.append({**row, "start": start, "end": None if end == FOREVER else end})
    return sorted(found, key=lambda one: one["start"])


def in_alphabetical_order(db: Database, class_id: int, day: int) -> list[int]:
    """The pupils on a class's roll on a day, as they stand in its list."""
    return [row["id"] for row in in_order(roll(db, class_id, day, day), full_name)]


# ---- may a class be taken back?


_GO_ALONG = {
    "class_group", "subject_group", "subject_group_pupil", "subject_group_gap", "external_key", "reading_log",
}  # fmt: skip
"""Tables whose rows of a class keep it from nothing: they go with it, or name what is gone."""
_REFERENCES = {
    of: [
        (table.name, column.name)
        for table in TABLES
        if not table.derived and table.name not in _GO_ALONG
        for column in table.columns
        if column.references == of
    ]
    for of in ("class_group", "subject_group")
}
"""Of a class and of its subject groups: (table, column) that names one."""


def holds_class(db: Database, class_id: int) -> ClassHadPupils | ClassInUse | None:
    """What keeps a class in the books: pupils who were on its roll, or any record of it or of its subjects."""
    itself = "SELECT ?"
    if _is_named(db, "enrolment", "class_group", itself, class_id):
        return ClassHadPupils()
    groups = "SELECT id FROM subject_group WHERE class_group = ? AND retired_at IS NULL"
    for of, named in (("class_group", itself), ("subject_group", groups)):
        if any(_is_named(db, table, column, named, class_id) for table, column in _REFERENCES[of]):
            return ClassInUse()
    return None


def _is_named(db: Database, table: str, column: str, named: str, class_id: int) -> bool:
    sql = f'SELECT 1 FROM "{table}" WHERE "{column}" IN ({named}) AND retired_at IS NULL LIMIT 1'
    return db.execute(sql, (class_id,)).fetchone() is not None
