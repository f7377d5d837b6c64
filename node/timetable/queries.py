"""Reading the timetable: weekly slots as they hold on a day, and the real lessons that come of them in a span."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import roster
from node.calendar import queries as calendar
from node.people.queries import names as names
from node.schooldays import YEARS
from shared.dates import FOREVER

WEEKDAYS = 6
LAST_PERIOD = 15

_SLOTS = f"""SELECT t.id, t.subject_group AS "group", t.weekday, t.period, t.room, r.name AS room_name,
    ifnull(t.start, 0) AS first, min(ifnull(t."end", {FOREVER}), ifnull(cg.closed_on, {FOREVER})) AS last,
    sg.teacher, sg.name AS part, sg.class_group, sg.subject,
    sg.hours_week, cg.grade, cg.letter, cg.shift, cg.year, ifnull(cg.week_days, 5) AS week_days,
    ifnull(cg.combined, cg.id) AS together,
    s.code, s.name_ky, s.name_ru, s.name_en
  FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group JOIN class_group cg ON cg.id = sg.class_group
  LEFT JOIN subject s ON s.id = sg.subject LEFT JOIN room r ON r.id = t.room
  WHERE t.retired_at IS NULL AND sg.retired_at IS NULL AND cg.retired_at IS NULL
    AND t.weekday IS NOT NULL AND t.period IS NOT NULL AND {{where}}
  ORDER BY t.weekday, t.period, cg.grade, cg.letter, sg.name, t.id"""


ONCE = 't."end" = t.start + 1'
"""A slot that holds on one day alone: a lesson outside the weekly timetable, in place of one that is dropped or beside
the others. Lessons of days have it, the week's editor and its warnings have not.
"""


def slots(db: Database, year: int, day: int) -> list[Mapping[str, Any]]:
    """The weekly slots of a year's classes as they hold on a day."""
    where = f"""cg.year = :year AND ifnull(t.start, 0) <= :day AND (t."end" IS NULL OR t."end" > :day)
      AND (cg.closed_on IS NULL OR cg.closed_on > :day) AND ifnull({ONCE}, 0) = 0"""
    return list(db.query(_SLOTS.format(where=where), {"year": year, "day": day}))


def slot(db: Database, slot_id: int) -> Mapping[str, Any] | None:
    """One slot."""
    return next(iter(db.query(_SLOTS.format(where="t.id = :id"), {"id": slot_id})), None)


def groups(db: Database, year: int) -> list[Mapping[str, Any]]:
    """The subject groups of a year by class and subject, each with its teacher and weekly hours."""
    sql = """SELECT sg.id, sg.class_group, sg.teacher, sg.hours_week, sg.name AS part, sg.subject, cg.grade, cg.letter,
        cg.shift, ifnull(cg.combined, cg.id) AS together, s.code, s.name_ky, s.name_ru, s.name_en
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group LEFT JOIN subject s ON s.id = sg.subject
      WHERE cg.year = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL
      ORDER BY cg.grade, cg.letter, s.sort, s.id, sg.name"""
    return list(db.query(sql, (year,)))


def rooms(db: Database) -> list[Mapping[str, Any]]:
    """The rooms by name."""
    return list(
        db.query("SELECT id, name, seats FROM room WHERE retired_at IS NULL ORDER BY length(name), name")
    )


def school_year(db: Database, day: int) -> tuple[int, int, int] | None:
    """Row, first and last day of lessons of the school year of a day."""
    year = calendar.year_of_day(db, day)
    found = calendar.bounds(db, year) if year is not None else None
    return (year, *found) if found and year is not None else None


def present_day(db: Database, today: int) -> int:
    """The day that is meant where none is named: today; after a year's last lessons the first day of the next one,
    once that has classes."""
    year = school_year(db, today)
    if year is not None and today <= year[2]:
        return today
    coming = db.execute(
        f"""SELECT min(y.start) FROM {YEARS} y JOIN class_group cg ON cg.year = y.id
           WHERE y.start > ? AND cg.retired_at IS NULL""",
        (today,),
    ).fetchone()[0]
    return today if coming is None else int(coming)


# ---- the real lessons


@dataclass(frozen=True)
class Lesson:
    """A lesson that the timetable asks for on a day. ``teacher`` is who holds it: the substitute where there is one."""

    day: int
    period: int
    slot: Mapping[str, Any]
    start: int | None
    end: int | None
    substitute: int | None = None
    reason: str = ""
    dropped: bool = False

    @property
    def group(self) -> int:
        return int(self.slot["group"])

    @property
    def is_once(self) -> bool:
        """Is it outside the weekly timetable, on this day alone?"""
        return bool(self.slot["last"] == self.slot["first"] + 1)

    @property
    def teacher(self) -> int | None:
        own: int | None = self.slot["teacher"]
        return self.substitute if self.substitute is not None else own


def agenda(
    db: Database,
    first: int,
    last: int,
    *,
    teacher: int | None = None,
    classes: Collection[int] | None = None,
    groups: Collection[int] | None = None,
    pupil: int | None = None,
    room: int | None = None,
    dropped: bool = False,
) -> list[Lesson]:
    """The lessons from first to last, both included, by timetable, calendar, bells and substitutions.

    A lesson that was dropped is not among them unless it is asked for.

    Of a teacher (own lessons that another holds are among them, and others' that this one holds), of classes, of
    subject groups, of a room, or of a pupil with the subgroups of the day.
    """
    substitutes = _substitutes(db, first, last)
    held = {key[0] for key, (who, *_) in substitutes.items() if who == teacher}
    there = membership(db, pupil) if pupil is not None else None
    if teacher is not None:
        where = f"(sg.teacher = {int(teacher)} OR sg.id IN ({_ids(held)}))"
    elif classes is not None:
        where = f"sg.class_group IN ({_ids(classes)})"
    elif groups is not None:
        where = f"sg.id IN ({_ids(groups)})"
    elif room is not None:
        where = f"t.room = {int(room)}"
    else:
        where = f"sg.class_group IN (SELECT class_group FROM enrolment WHERE pupil = {int(pupil or 0)})"
    span = {"first": first, "last": last}
    bounds = 'ifnull(t.start, 0) <= :last AND (t."end" IS NULL OR t."end" > :first)'
    rows = list(db.query(_SLOTS.format(where=f"{where} AND {bounds}"), span))
    days, bells = calendar.calendar(db, first, last), calendar.bells(db)
    taught: dict[calendar.Whom, dict[int, list[int]]] = {}
    found = []
    for row in rows:
        whom = _whom(row)
        rung = bells.get((row["shift"] or 0, None), {}) | bells.get((row["shift"] or 0, row["grade"]), {})
        bell = rung.get(row["period"], {})
        if whom not in taught:
            taught[whom] = _by_weekday(days, whom, first, last)
        for day in taught[whom].get(row["weekday"], ()):
            if not row["first"] <= day < row["last"]:
                continue
            who, why, off = substitutes.get((row["group"], day, row["period"]), (None, "", False))
            if off and not dropped:
                continue
            if teacher is not None and teacher not in (row["teacher"], who):
                continue
            if there is None or there(row["class_group"], row["group"], day):
                found.append(
                    Lesson(day, row["period"], row, bell.get("start"), bell.get("end"), who, why, off)
                )
    return sorted(
        found, key=lambda one: (one.day, one.start or 0, one.period, one.slot["grade"] or 0, one.group)
    )


def _by_weekday(days: calendar.Calendar, whom: calendar.Whom, first: int, last: int) -> dict[int, list[int]]:
    """Weekday -> the days on which its timetable holds for a class."""
    found: dict[int, list[int]] = {}
    for day in range(first, last + 1):
        found.setdefault(days.taught_as(day, whom), []).append(day)
    return found


def _whom(row: Mapping[str, Any]) -> calendar.Whom:
    return calendar.Whom(row["class_group"], row["year"], row["grade"], row["shift"], row["week_days"])


def _ids(values: Iterable[int]) -> str:
    return ", ".join(str(int(value)) for value in values)


def _substitutes(
    db: Database, first: int, last: int
) -> dict[tuple[int, int, int], tuple[int | None, str, bool]]:
    rows = db.execute(
        "SELECT subject_group, day, period, teacher, ifnull(reason, ''), ifnull(dropped, 0) FROM substitution "
        "WHERE day BETWEEN ? AND ? AND (teacher IS NOT NULL OR dropped = 1) AND retired_at IS NULL",
        (first, last),
    )
    return {
        (group, day, period): (None if off else teacher, reason, bool(off))
        for group, day, period, teacher, reason, off in rows.fetchall()
    }


def dropped(db: Database, first: int, last: int) -> set[tuple[int, int, int]]:
    """(subject group, day, period) of the lessons that do not take place though the timetable asks for them."""
    rows = db.execute(
        "SELECT subject_group, day, period FROM substitution WHERE day BETWEEN ? AND ? AND dropped = 1 "
        "AND retired_at IS NULL",
        (first, last),
    )
    return set(rows.fetchall())


def membership(db: Database, pupil: int) -> Callable[[int, int, int], bool]:
    """Does a pupil belong to a class and to a group of it on a day?"""
    rolls: dict[int, list[tuple[int, int]]] = {}
    for class_group, start, end in db.execute(
        f"""SELECT class_group, start, ifnull("end", {FOREVER}) FROM enrolment WHERE pupil = ? AND retired_at IS NULL
            AND start IS NOT NULL""",
        (pupil,),
    ).fetchall():
        rolls.setdefault(class_group, []).append((start, end))
    gaps = roster.gaps(db, pupil=pupil)
    lists = {
        group: roster.cut((start, end), gaps.get((group, pupil), ()))
        for group, start, end in db.execute(
            f"""SELECT subject_group, ifnull(start, 0), ifnull("end", {FOREVER}) FROM subject_group_pupil
                WHERE pupil = ? AND retired_at IS NULL""",
            (pupil,),
        ).fetchall()
    }
    listed = {
        row[0]
        for row in db.execute(
            f"""SELECT DISTINCT gp.subject_group FROM subject_group_pupil gp JOIN subject_group sg
                ON sg.id = gp.subject_group WHERE gp.retired_at IS NULL AND sg.class_group IN ({_ids(rolls)})"""
        ).fetchall()
    }

    def there(class_group: int, group: int, day: int) -> bool:
        if not any(start <= day < end for start, end in rolls.get(class_group, ())):
            return False
        return group not in listed or any(start <= day < end for start, end in lists.get(group, ()))

    return there


def dates(db: Database, group: int, first: int, last: int) -> list[tuple[int, int]]:
    """Day and period of every lesson that the timetable asks for of a group, in order."""
    return [(one.day, one.period) for one in agenda(db, first, last, groups=[group])]


# ---- events


def events(db: Database, first: int, last: int) -> list[Mapping[str, Any]]:
    """The events that touch a span; both are instants (milliseconds since 1970)."""
    sql = """SELECT id, start, "end", title, place FROM event WHERE retired_at IS NULL AND start IS NOT NULL
      AND start <= ? AND ifnull("end", start) >= ? ORDER BY start, id"""
    return list(db.query(sql, (last, first)))


def event(db: Database, event_id: int) -> Mapping[str, Any] | None:
    """One event."""
    return next(iter(db.query("SELECT * FROM event WHERE id = ? AND retired_at IS NULL", (event_id,))), None)


# ---- substitutions


@dataclass(frozen=True)
class Substitute:
    """Someone who is free at a lesson: ``same_subject`` teaches it too, ``same_class`` teaches the class."""

    person: int
    same_subject: bool
    same_class: bool
    lessons: int


def free_teachers(db: Database, year: int, lesson: Lesson) -> list[Substitute]:
    """Teachers without a lesson at that time, the fittest first: by subject, class, lessons that day.

    Whoever is replaced that day is away, and holds nobody else's lesson.
    """
    of_day = agenda_of_day(db, year, lesson.day)
    busy = {one.teacher for one in of_day if one.group != lesson.group and _overlap(one, lesson)}
    busy |= {one.slot["teacher"] for one in of_day if one.substitute is not None}
    counts: dict[int | None, int] = {}
    for one in of_day:
        counts[one.teacher] = counts.get(one.teacher, 0) + 1
    found: dict[int, Substitute] = {}
    for group in groups(db, year):
        person = group["teacher"]
        if person is None or person in busy or person == lesson.slot["teacher"]:
            continue
        before = found.get(person, Substitute(person, False, False, counts.get(person, 0)))
        found[person] = Substitute(
            person,
            before.same_subject or group["subject"] == lesson.slot["subject"],
            before.same_class or group["class_group"] == lesson.slot["class_group"],
            before.lessons,
        )
    return sorted(
        found.values(), key=lambda one: (not one.same_subject, not one.same_class, one.lessons, one.person)
    )


def agenda_of_day(db: Database, year: int, day: int, *, dropped: bool = False) -> list[Lesson]:
    """Every lesson of a day, also those that were dropped if they are asked for."""
    classes = [one["id"] for one in calendar.classes(db, year)]
    return agenda(db, day, day, classes=classes, dropped=dropped)


def _overlap(one: Lesson, other: Lesson) -> bool:
    if None not in (one.start, one.end, other.start, other.end):
        return one.start < other.end and other.start < one.end  # type: ignore[operator]
    return (one.slot["shift"], one.period) == (other.slot["shift"], other.period)


# ---- addresses of calendars


def feed_owner(db: Database, secret: bytes) -> Mapping[str, Any] | None:
    """Whose calendar a secret's digest opens."""
    sql = "SELECT id, account, person FROM calendar_address WHERE secret = ? AND retired_at IS NULL"
    return next(iter(db.query(sql, (secret,))), None)


def addresses(db: Database, account: int) -> list[Mapping[str, Any]]:
    """The addresses an account has made, the newest first."""
    sql = """SELECT id, person, made_at FROM calendar_address WHERE account = ? AND retired_at IS NULL
      ORDER BY id DESC"""
    return list(db.query(sql, (account,)))
