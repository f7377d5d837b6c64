"""Reading what a OneRoster file tells of a school year.

By name it tells of those alone who agreed to the core record and to the transfer of data; contacts ask for messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from node import roster, schooldays
from node.classes.queries import Year
from node.journal import queries as journal
from node.people.queries import NAME_COLUMNS, NAMED
from node.purposes import agreed
from shared.dates import FOREVER
from sync.gate import VALID
from sync.state import State

Row = Mapping[str, Any]
_CONSENT = f"""FROM consent c WHERE c.person = n.id AND c.purpose = 'core' AND {VALID}
  ORDER BY c.valid_from DESC, c.id LIMIT 1"""
LEAVING = f"""{NAMED}, {agreed("passed_on", "transfer")}, {agreed("told", "messages")},
  leaving (id, surname, given_name, patronymic, told) AS (
    SELECT n.*, n.id IN told FROM named n WHERE n.id IN passed_on)"""
"""Common table expressions: who leaves the school by name, and whose contacts go with it (told)."""
_OF_PERSON = f"""p.id, p.sex, {NAME_COLUMNS}, CASE WHEN n.id IS NOT NULL THEN p.birth_date END AS birth_date,
  CASE WHEN n.told THEN p.phone END AS phone, CASE WHEN n.told THEN p.email END AS email,
  (SELECT c.valid_from {_CONSENT}) AS consent_from, (SELECT c.valid_to {_CONSENT}) AS consent_to"""
_SPAN = """e.retired_at IS NULL AND e.start IS NOT NULL AND (e."end" IS NULL OR e."end" > e.start)
  AND cg.retired_at IS NULL AND pu.retired_at IS NULL AND p.retired_at IS NULL"""
_ROLL = """FROM enrolment e JOIN class_group cg ON cg.id = e.class_group JOIN pupil pu ON pu.person = e.pupil
  JOIN person p ON p.id = e.pupil"""
"""Enrolments in a class of those who are still on record; to be narrowed by `_SPAN`."""


def school(db: Database) -> tuple[int, str, int | None]:
    """The school's row id (0 before it is registered), its name and its number."""
    state = State(db)
    row = db.execute(
        "SELECT number FROM school WHERE id = ? AND retired_at IS NULL", (state.school,)
    ).fetchone()
    return int(state.school), str(state.school_name), row[0] if row else None


def terms(db: Database, year: Year, grade: int | None) -> list[Row]:
    """The terms of a year in which marks are given, with the school's own dates for a grade (both days included)."""
    return list(schooldays.terms(db, year.id, grade))


def bounds(db: Database, year: Year) -> tuple[int, int]:
    """First and last day of a year, wherever the school moved its terms."""
    return schooldays.bounds(db, year.id) or (year.start, year.end)


def classes(db: Database, year: Year) -> list[Row]:
    """The classes of a year, those closed within it too."""
    sql = """SELECT cg.id, cg.grade, cg.letter, cg.teacher, cg.language, cg.shift, cg.week_days, r.name AS room
      FROM class_group cg
      LEFT JOIN room r ON r.id = cg.room AND r.retired_at IS NULL
      WHERE cg.year = ? AND cg.retired_at IS NULL ORDER BY cg.grade, cg.letter, cg.id"""
    return list(db.query(sql, (year.id,)))


def groups(db: Database, year: Year) -> list[Row]:
    """The subject groups of a year's classes, each with its class and subject; ``listed``: it has a list of its own."""
    sql = """SELECT sg.id, sg.class_group, sg.teacher, sg.name AS part, cg.grade, cg.letter, sg.subject,
        s.code, s.name_ky, s.name_ru, s.name_en, sg.hours_week, sc.code AS scale,
        EXISTS (SELECT 1 FROM subject_group_pupil gp WHERE gp.subject_group = sg.id AND gp.retired_at IS NULL) AS listed
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group JOIN subject s ON s.id = sg.subject
      LEFT JOIN grading_scale sc ON sc.id = sg.scale
      WHERE cg.year = ? AND cg.retired_at IS NULL AND sg.retired_at IS NULL
      ORDER BY cg.grade, cg.letter, cg.id, s.sort, s.id, sg.name, sg.id"""
    return list(db.query(sql, (year.id,)))


def enrolments(db: Database, year: Year) -> list[Row]:
    """Who was on the roll of which class of a year, from when until the day before ``end``."""
    sql = f"""SELECT e.id, e.pupil, e.class_group, cg.grade, e.start, e."end" {_ROLL}
      WHERE cg.year = ? AND {_SPAN} ORDER BY e.class_group, e.start, e.id"""
    return list(db.query(sql, (year.id,)))


def memberships(db: Database, year: Year) -> dict[int, dict[int, list[roster.Span]]]:
    """Subject group with a list -> pupil -> the spans on it, from the first day to the day after the last one.

    Who left and came back has two; 0 and `FOREVER` stand for no day.
    """
    sql = """SELECT gp.subject_group, gp.pupil, gp.start, gp."end" FROM subject_group_pupil gp
      JOIN subject_group sg ON sg.id = gp.subject_group JOIN class_group cg ON cg.id = sg.class_group
      WHERE cg.year = ? AND gp.retired_at IS NULL"""
    gaps = roster.gaps(db)
    found: dict[int, dict[int, list[roster.Span]]] = {}
    for group, pupil, start, end in db.execute(sql, (year.id,)).fetchall():
        span = (start or 0, FOREVER if end is None else end)
        found.setdefault(group, {})[pupil] = roster.cut(span, gaps.get((group, pupil), ()))
    return found


def pupils(db: Database, year: Year, today: int) -> list[Row]:
    """Everyone who was on a roll in a year."""
    sql = f"""WITH {LEAVING}, rolled (pupil) AS (SELECT DISTINCT e.pupil {_ROLL} WHERE cg.year = :year AND {_SPAN})
      SELECT {_OF_PERSON}, pu.personal_file, pu.language, pu.residence FROM rolled
      JOIN person p ON p.id = rolled.pupil JOIN pupil pu ON pu.person = p.id
      LEFT JOIN leaving n ON n.id = p.id ORDER BY p.id"""
    return list(db.query(sql, {"year": year.id, "today": today}))


def staff(db: Database, year: Year, today: int) -> list[Row]:
    """Everyone who works here or has left since the year began."""
    sql = f"""WITH {LEAVING} SELECT {_OF_PERSON}, s.position, s.start, s."end"
      FROM staff s JOIN person p ON p.id = s.person LEFT JOIN leaving n ON n.id = p.id
      WHERE s.retired_at IS NULL AND p.retired_at IS NULL AND (s."end" IS NULL OR s."end" > :start) ORDER BY p.id"""
    return list(db.query(sql, {"start": year.start, "today": today}))


def guardians(db: Database, year: Year, today: int) -> list[Row]:
    """Guardians of a year's pupils who leave by name: a line for each pupil and guardian."""
    sql = f"""WITH {LEAVING}, rolled (pupil) AS (SELECT DISTINCT e.pupil {_ROLL} WHERE cg.year = :year AND {_SPAN})
      SELECT {_OF_PERSON}, g.pupil, g.relation FROM guardian g JOIN rolled ON rolled.pupil = g.pupil
      JOIN person p ON p.id = g.person JOIN leaving n ON n.id = p.id
      WHERE g.retired_at IS NULL ORDER BY p.id, g.pupil"""
    return list(db.query(sql, {"year": year.id, "today": today}))


def numbered(db: Database, year: Year, today: int) -> tuple[int, int]:
    """Of the pupils and staff of a year's file: how many go as a number, and of how many."""
    everyone = {
        one["id"]: one["surname"] is None for one in (*pupils(db, year, today), *staff(db, year, today))
    }
    return sum(everyone.values()), len(everyone)


def people(db: Database, persons: Sequence[int], today: int) -> list[Row]:
    """Who these people are, named where a consent allows it: with class and personal file, or the position."""
    sql = f"""WITH {NAMED} SELECT p.id, {NAME_COLUMNS}, pu.personal_file, s.position, cg.grade, cg.letter
      FROM person p LEFT JOIN named n ON n.id = p.id LEFT JOIN pupil pu ON pu.person = p.id
      LEFT JOIN staff s ON s.person = p.id AND s.retired_at IS NULL
      LEFT JOIN enrolment e ON e.pupil = p.id AND e.retired_at IS NULL AND e.start <= :today
        AND (e."end" IS NULL OR e."end" > :today)
      LEFT JOIN class_group cg ON cg.id = e.class_group WHERE p.id IN (SELECT value FROM json_each(:persons))
      GROUP BY p.id ORDER BY cg.grade, cg.letter, n.surname, n.given_name, p.id"""
    return list(db.query(sql, {"today": today, "persons": json.dumps(list(persons))}))


# ---- marks

_MARKS = """FROM mark k WHERE k.subject_group = ? AND k.day BETWEEN ? AND ? AND k.retired_at IS NULL
  AND k.value IS NOT NULL"""


def work_kinds(db: Database) -> list[Row]:
    """Kinds of work with their weights, those that are used no more too."""
    weights = journal.rule(db).weights
    rows = db.query("SELECT id, name_ky, name_ru, name_en, code FROM work_kind ORDER BY id")
    return [dict(row) | {"weight": weights[row["id"]]} for row in rows]


def works(db: Database, group: int, first: int, last: int) -> list[Row]:
    """What was marked in the lessons of a group: each kind of work in each place of the cells of each lesson."""
    sql = f"""SELECT w.*, l.topic, n.name_ky, n.name_ru, n.name_en, n.code
      FROM (SELECT DISTINCT k.subject_group, k.day, k.period, k.slot, k.kind {_MARKS}) w
      LEFT JOIN work_kind n ON n.id = w.kind LEFT JOIN lesson l ON l.subject_group = w.subject_group AND l.day = w.day
        AND l.period = w.period AND l.retired_at IS NULL
      ORDER BY w.day, w.period, w.slot, w.kind"""
    return list(db.query(sql, (group, first, last)))


def marks(db: Database, group: int, first: int, last: int) -> list[Row]:
    """The marks of the lessons of a group."""
    sql = f"""SELECT k.day, k.period, k.slot, k.kind, k.pupil, k.value, k.comment {_MARKS}
      ORDER BY k.day, k.period, k.slot, k.pupil"""
    return list(db.query(sql, (group, first, last)))


def term_marks(db: Database, group: int, term: int) -> list[Row]:
    """The marks that a group was given for a term, each with the reason of one that differs from the proposal.

    Without those of a former school, whose lessons are no work of the group.
    """
    sql = """SELECT pupil, value, reason AS comment FROM term_result WHERE subject_group = ? AND term = ?
      AND retired_at IS NULL AND value IS NOT NULL AND ifnull(former, 0) = 0 ORDER BY pupil"""
    return list(db.query(sql, (group, term)))
