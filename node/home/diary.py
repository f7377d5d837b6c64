"""A pupil's diary, as the family reads it: lessons with homework, new marks and absences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from node.timetable import queries as timetable
from node.timetable.queries import Lesson

NEWS_DAYS = 14
"""Days back that count as new."""
AHEAD_DAYS = 10
"""Days ahead in which the next lessons are looked for: a weekend and a long holiday."""
_HOMEWORK_DAYS = 28

Key = tuple[int, int, int]
"""Subject group, day, period."""


@dataclass(frozen=True)
class Entry:
    """A lesson of a pupil's day. ``due``: what was to be done for it; ``given``: what was given in it for the next."""

    lesson: Lesson
    topic: str
    due: str
    given: str


@dataclass
class News:
    """What a pupil got in a lesson: marks with the row that names the kind of work, an absence or a late arrival.

    Lessons of a day missed for one reason are one piece of news; its subjects are in the order of the day.
    """

    day: int
    subjects: list[Mapping[str, Any]]
    status: str = "present"
    reason: str = "unknown"
    marks: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Diary:
    """Today, the next day with lessons, and what is new, the latest first; ``sex`` is the pupil's."""

    today: list[Entry]
    next_day: int | None
    next: list[Entry]
    news: list[News]
    sex: str | None


def diary(db: Database, pupil: int, today: int) -> Diary:
    """The diary of a pupil as of a day."""
    ahead = timetable.agenda(db, today, today + AHEAD_DAYS, pupil=pupil)
    next_day = next((one.day for one in ahead if one.day > today), None)
    shown = [one for one in ahead if one.day in (today, next_day)]
    written = _written(db, {one.group for one in shown}, today)
    known = {(one.group, one.day, one.period): ("", "") for one in shown} | written

    def entry(one: Lesson) -> Entry:
        key = (one.group, one.day, one.period)
        before = max((at for at in known if at[0] == one.group and at < key), default=None)
        topic, given = known[key]
        return Entry(one, topic, known[before][1] if before else "", given)

    entries = [entry(one) for one in shown]
    return Diary(
        [one for one in entries if one.lesson.day == today],
        next_day,
        [one for one in entries if one.lesson.day != today],
        news(db, pupil, today),
        db.execute("SELECT sex FROM person WHERE id = ?", (pupil,)).fetchone()[0],
    )


def _written(db: Database, groups: Iterable[int], today: int) -> dict[Key, tuple[str, str]]:
    """Topic and homework of the lessons of late that the journal holds."""
    rows = db.execute(
        """SELECT subject_group, day, period, ifnull(topic, ''), ifnull(homework, '') FROM lesson
           WHERE subject_group IN (SELECT value FROM json_each(?)) AND day BETWEEN ? AND ? AND retired_at IS NULL""",
        (json.dumps(sorted(groups)), today - _HOMEWORK_DAYS, today),
    )
    return {
        (group, day, period): (topic, homework) for group, day, period, topic, homework in rows.fetchall()
    }


def news(db: Database, pupil: int, today: int) -> list[News]:
    """Marks, absences and late arrivals of late, the latest first."""
    asked = (pupil, today - NEWS_DAYS, today)
    found: dict[Key, News] = {}
    for row in db.query(
        """SELECT m.subject_group, m.day, m.period, m.value, s.code, s.name_ky, s.name_ru, s.name_en,
             k.code AS kind_code, k.name_ky AS kind_name_ky, k.name_ru AS kind_name_ru, k.name_en AS kind_name_en
           FROM mark m JOIN subject_group sg ON sg.id = m.subject_group LEFT JOIN subject s ON s.id = sg.subject
           LEFT JOIN work_kind k ON k.id = m.kind
           WHERE m.pupil = ? AND m.day BETWEEN ? AND ? AND m.value IS NOT NULL AND m.retired_at IS NULL
           ORDER BY m.slot""",
        asked,
    ):
        _at(found, row).marks.append((row["value"], row))
    for row in db.query(
        """SELECT a.subject_group, a.day, a.period, a.status, a.reason, s.code, s.name_ky, s.name_ru, s.name_en
           FROM attendance a JOIN subject_group sg ON sg.id = a.subject_group LEFT JOIN subject s ON s.id = sg.subject
           WHERE a.pupil = ? AND a.day BETWEEN ? AND ? AND a.status IN ('absent', 'late') AND a.retired_at IS NULL""",
        asked,
    ):
        one = _at(found, row)
        one.status, one.reason = row["status"], row["reason"] or "unknown"
    merged: list[News] = []
    for _, one in sorted(found.items(), key=lambda item: (-item[0][1], item[0][2])):
        before = next((two for two in merged if _alike(one, two)), None)
        if before is None:
            merged.append(one)
        else:
            before.subjects += one.subjects
    return merged


def _alike(one: News, two: News) -> bool:
    away = one.status != "present" and not one.marks and not two.marks
    return away and (one.day, one.status, one.reason) == (two.day, two.status, two.reason)


def _at(found: dict[Key, News], row: Mapping[str, Any]) -> News:
    return found.setdefault((row["subject_group"], row["day"], row["period"]), News(row["day"], [row]))
