"""Reading attendance: a pupil's days, notes, alerts, lessons not taken.

A day is missed when every lesson of it was. A lesson whose attendance nobody took says nothing, and never that all
were there: a day with such a lesson of the pupil's is not known to be missed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlite_utils import Database

from node.attendance.notes import EXPECT as EXPECT
from node.attendance.notes import Absence as Absence
from node.attendance.notes import Reason as Reason
from node.attendance.notes import absences as absences
from node.attendance.notes import announced as announced
from node.attendance.notes import classes_of as classes_of
from node.attendance.notes import declined as declined
from node.attendance.notes import handed_in as handed_in
from node.attendance.notes import hands_in as hands_in
from node.attendance.notes import note as note
from node.attendance.notes import noted_away as noted_away
from node.attendance.notes import notes as notes
from node.attendance.notes import reason_of as reason_of
from node.attendance.notes import reason_with as reason_with
from node.attendance.notes import waiting as waiting
from node.calendar import queries as calendar
from node.journal import queries as journal
from node.letters import LETTERS
from node.roster import KNOWN, MEMBER
from node.settings import queries as settings
from node.timetable import queries as timetable
from shared.dates import FOREVER
from shared.i18n import current_language

REASONS = ("ill", "excused", "unexcused", "unknown")
RECENT_DAYS = 28
"""Days back in which absences in a row are looked for."""
A_WEEK = 7
Lesson = tuple[int, int, int]
"""Day, period, subject group."""


def letters(db: Database) -> dict[str, str]:
    """The letters of the school's choosing, else those usual in the reader's language."""
    usual = LETTERS[current_language()]
    chosen = settings.values(db)
    return {name: str(chosen[f"letter_{name}"]) or letter for name, letter in usual.items()}


@dataclass(frozen=True)
class Day:
    """A pupil's day. ``expected``: lessons whose attendance was taken; ``reasons``: of the missed ones, by reason.

    ``is_open``: of all those the pupil was away, and there are lessons that day whose attendance nobody took.
    """

    pupil: int
    day: int
    expected: int
    late: int
    reasons: Mapping[str, int]
    is_open: bool = False

    @property
    def absent(self) -> int:
        """Lessons missed."""
        return sum(self.reasons.values())

    @property
    def missed(self) -> bool:
        """Was the day missed: every lesson of it?"""
        return 0 < self.expected == self.absent and not self.is_open

    @property
    def reason(self) -> str:
        """The reason of a day: the weightiest that any lesson has."""
        return next((one for one in REASONS if self.reasons.get(one)), "unknown")

    @property
    def given(self) -> str:
        """The one reason that was given that day, whether every lesson has it or not; empty where several were."""
        known = [one for one in self.reasons if one != "unknown"]
        return "" if len(known) > 1 else next(iter(known), "unknown")

    @property
    def without_reason(self) -> int:
        """Lessons missed without a reason on a day on which others have one."""
        return self.reasons.get("unknown", 0) if len(self.reasons) > 1 else 0


# CROSS JOIN keeps the order: from a class to its groups to their lessons of some days.
_DAYS = f"""SELECT e.pupil, l.day, sg.class_group, count(DISTINCT l.rid),
    count(CASE WHEN a.status = 'late' THEN 1 END),
    count(CASE WHEN a.status = 'absent' AND a.reason = 'ill' THEN 1 END),
    count(CASE WHEN a.status = 'absent' AND a.reason = 'excused' THEN 1 END),
    count(CASE WHEN a.status = 'absent' AND a.reason = 'unexcused' THEN 1 END),
    count(CASE WHEN a.status = 'absent' AND ifnull(a.reason, 'unknown') = 'unknown' THEN 1 END)
  FROM {{asked}} p JOIN enrolment e ON e.pupil = p.value AND e.retired_at IS NULL
  JOIN subject_group sg ON sg.class_group = e.class_group
  CROSS JOIN lesson l ON l.subject_group = sg.id AND l.day BETWEEN {{first}} AND {{last}} AND {KNOWN}
  LEFT JOIN attendance a ON a.subject_group = l.subject_group AND a.day = l.day AND a.period = l.period
    AND a.pupil = e.pupil AND a.retired_at IS NULL
  WHERE {MEMBER} GROUP BY e.pupil, l.day ORDER BY e.pupil, l.day"""
_SPAN_OF_PUPILS = _DAYS.format(asked="json_each(:pupils)", first=":first", last=":last")
_MISSED_WITHOUT_REASON = _DAYS.format(
    asked=f"""(SELECT x.pupil AS value, x.day FROM (SELECT DISTINCT y.pupil, y.day FROM json_each(:pupils) j
          JOIN attendance y ON y.pupil = j.value AND y.status = 'absent' AND y.reason = 'unexcused'
            AND y.retired_at IS NULL AND y.day BETWEEN :first AND :last) x
        WHERE NOT EXISTS (
          SELECT 1 FROM enrolment e JOIN subject_group sg ON sg.class_group = e.class_group
          CROSS JOIN lesson l ON l.subject_group = sg.id AND l.day = x.day AND {KNOWN}
          WHERE e.pupil = x.pupil AND e.retired_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM attendance a WHERE a.subject_group = l.subject_group AND a.day = l.day
              AND a.period = l.period AND a.pupil = e.pupil AND a.status = 'absent' AND a.retired_at IS NULL)
          AND {MEMBER}))""",
    first="p.day",
    last="p.day",
)


_AWAY_OR_LATE = _DAYS.format(
    asked="""(SELECT DISTINCT x.pupil AS value, x.day FROM json_each(:pupils) j JOIN attendance x ON x.pupil = j.value
      WHERE x.status IN ('absent', 'late') AND x.retired_at IS NULL AND x.day BETWEEN :first AND :last)""",
    first="p.day",
    last="p.day",
)
_SQL = {
    "all": _SPAN_OF_PUPILS,
    "away or late": _AWAY_OR_LATE,
    "missed without reason": _MISSED_WITHOUT_REASON,
}


def days(
    db: Database,
    pupils: Collection[int],
    first: int,
    last: int,
    which: Literal["all", "away or late", "missed without reason"] = "all",
) -> dict[tuple[int, int], Day]:
    """(pupil, day) -> the day, where attendance of any lesson was taken; days the calendar calls free left out.

    ``which``: every day; those with a lesson that was missed or come to late, which are few; of the missed days only
    those with an unexcused lesson.
    """
    calendar_days = calendar.calendar(db, first, last)
    whom: dict[int, calendar.Whom] = {}
    found: dict[tuple[int, int], Day] = {}
    maybe: dict[int, list[Day]] = {}
    for pupil, day, class_group, expected, late, *missed in db.execute(
        _SQL[which],
        {"pupils": json.dumps(sorted(pupils)), "first": first, "last": last},
    ).fetchall():
        if class_group not in whom:
            whom[class_group] = calendar.whom(db, class_group)
        if not calendar_days.is_closed(day, whom[class_group]):
            reasons = {reason: count for reason, count in zip(REASONS, missed, strict=True) if count}
            one = found[pupil, day] = Day(pupil, day, expected, late, reasons)
            if one.missed:
                maybe.setdefault(class_group, []).append(one)
    if maybe:
        off = timetable.dropped(db, first, last)
        for class_group, some in maybe.items():
            held = _lessons(db, class_group, {one.day for one in some}, calendar_days, off)
            for one in _still_open(db, held, some):
                found[one.pupil, one.day] = replace(one, is_open=True)
    return found


def _still_open(db: Database, held: Mapping[Lesson, bool], some: Iterable[Day]) -> list[Day]:
    """Those of some days of a class's pupils that have a lesson of theirs whose attendance nobody took."""
    untaken: dict[int, set[int]] = {}
    for (day, _, group), taken in held.items():
        if not taken:
            untaken.setdefault(day, set()).update(journal.members(db, group, day, day))
    return [one for one in some if one.pupil in untaken.get(one.day, ())]


@dataclass(frozen=True)
class Total:
    """What a pupil missed in a span: whole days and lessons, each by reason, and how often late."""

    days: Mapping[str, int]
    lessons: Mapping[str, int]
    late: int

    @property
    def all_days(self) -> int:
        return sum(self.days.values())

    @property
    def all_lessons(self) -> int:
        return sum(self.lessons.values())


def total(found: Collection[Day]) -> Total:
    """The sum of a pupil's days."""
    whole, lessons, late = dict.fromkeys(REASONS, 0), dict.fromkeys(REASONS, 0), 0
    for one in found:
        late += one.late
        for reason, count in one.reasons.items():
            lessons[reason] += count
        if one.missed:
            whole[one.reason] += 1
    return Total(whole, lessons, late)


def enrolled(db: Database, class_group: int, first: int, last: int) -> frozenset[int]:
    """The pupils of a class on some day of a span."""
    rows = db.execute(
        """SELECT pupil FROM enrolment WHERE class_group = ? AND retired_at IS NULL AND pupil IS NOT NULL
           AND start <= ? AND ("end" IS NULL OR "end" > ?)""",
        (class_group, last, first),
    )
    return frozenset(row[0] for row in rows.fetchall())


# ---- lessons


def lessons(db: Database, class_group: int, first: int, last: int) -> dict[Lesson, bool]:
    """Every lesson of a class in a span, by timetable or journal -> was attendance taken?"""
    return lessons_on(db, class_group, range(first, last + 1), calendar.calendar(db, first, last))


def lessons_on(
    db: Database, class_group: int, days: Collection[int], calendar_days: calendar.Calendar
) -> dict[Lesson, bool]:
    """The same of some days."""
    off = timetable.dropped(db, min(days), max(days))
    return _lessons(db, class_group, days, calendar_days, off)


def _lessons(
    db: Database,
    class_group: int,
    days: Collection[int],
    calendar_days: calendar.Calendar,
    off: Collection[tuple[int, int, int]],
) -> dict[Lesson, bool]:
    slots = db.execute(
        f"""SELECT t.weekday, t.period, t.subject_group, ifnull(t.start, 0), ifnull(t."end", {FOREVER})
           FROM timetable_slot t
           JOIN subject_group sg ON sg.id = t.subject_group
           WHERE sg.class_group = ? AND sg.retired_at IS NULL AND t.retired_at IS NULL""",
        (class_group,),
    ).fetchall()
    whom, found = calendar.whom(db, class_group), {}
    for day in days:
        taught_as = calendar_days.taught_as(day, whom)
        for weekday, period, group, start, end in slots:
            if taught_as == weekday and start <= day < end and (group, day, period) not in off:
                found[day, period, group] = False
    for day, period, group, taken in db.execute(
        """SELECT l.day, l.period, l.subject_group, ifnull(l.attendance_taken, 0) FROM subject_group sg
           CROSS JOIN lesson l ON l.subject_group = sg.id
           WHERE sg.class_group = ? AND l.day IN (SELECT value FROM json_each(?)) AND l.retired_at IS NULL""",
        (class_group, json.dumps(sorted(days))),
    ).fetchall():
        if not calendar_days.is_closed(day, whom):
            found[day, period, group] = bool(taken)
    return found


@dataclass(frozen=True)
class Sheet:
    """A day of a class: its lessons, and (pupil, period, subject group) -> status and reason of who was not there."""

    lessons: list[Mapping[str, Any]]
    members: Mapping[int, frozenset[int]]
    away: Mapping[tuple[int, int, int], tuple[str, str]]

    def missed(self, pupil: int) -> list[tuple[Mapping[str, Any], str]]:
        """The lessons that a pupil missed, each with its reason."""
        found = ((one, self.away.get((pupil, one["period"], one["group"]))) for one in self.lessons)
        return [(one, why[1]) for one, why in found if why is not None and why[0] == "absent"]


def sheet(db: Database, class_group: int, day: int) -> Sheet:
    """The day of a class, lesson by lesson."""
    found = journal.lessons(db, day, classes=(class_group,))
    away = {
        (pupil, period, group): (status, reason or "unknown")
        for pupil, period, group, status, reason in db.execute(
            """SELECT a.pupil, a.period, a.subject_group, a.status, a.reason FROM attendance a
               JOIN subject_group sg ON sg.id = a.subject_group
               WHERE sg.class_group = ? AND a.day = ? AND a.status <> 'present' AND a.retired_at IS NULL""",
            (class_group, day),
        ).fetchall()
    }
    groups = {one["group"] for one in found}
    return Sheet(found, {group: journal.members(db, group, day, day) for group in groups}, away)


def not_taken(
    db: Database, first: int, last: int, classes: Collection[int] | None = None
) -> list[Mapping[str, Any]]:
    """Lessons of some days whose attendance nobody has taken, the latest day first; none on a day called free since."""
    return [one for one in due(db, first, last, classes) if not one["taken"]]


def due(
    db: Database, first: int, last: int, classes: Collection[int] | None = None
) -> Iterator[Mapping[str, Any]]:
    """The lessons of some days by timetable and journal, the latest day first; none on a day called free since."""
    calendar_days, whom = calendar.calendar(db, first, last), dict[int, calendar.Whom]()
    for day in range(last, first - 1, -1):
        for one in journal.lessons(db, day, classes=classes):
            class_group = one["class_group"]
            if class_group not in whom:
                whom[class_group] = calendar.whom(db, class_group)
            if not calendar_days.is_closed(day, whom[class_group]):
                yield one


def is_over(lesson: Mapping[str, Any], today: int, minute: int) -> bool:
    """Has the lesson ended at that minute of today, so that its attendance is due? Without a bell: yes."""
    return bool(lesson["day"] < today or (lesson["end"] or lesson["start"] or 0) <= minute)


# ---- alerts


@dataclass(frozen=True)
class Alert:
    """A pupil who misses too much: days in a row up to now, and days of the year without a valid reason."""

    pupil: int
    class_group: int
    grade: int | None
    letter: str | None
    running: int
    unexcused: int


_ABSENCES = (
    "a.status = 'absent' AND a.retired_at IS NULL AND (:pupils IS NULL OR a.pupil IN (SELECT value FROM one))"
)
# The whole table is read in its order (+a.pupil): along the index of pupils each row would be looked up by itself.
_STILL_AWAY = f"""WITH one AS (SELECT value FROM json_each(:pupils)), away AS MATERIALIZED (
    SELECT a.pupil, max(a.day) AS last FROM attendance a WHERE {_ABSENCES} AND a.day BETWEEN :recent AND :today
    GROUP BY +a.pupil HAVING count(DISTINCT a.day) >= :running)
  SELECT pupil FROM away WHERE NOT EXISTS (
    SELECT 1 FROM enrolment e JOIN subject_group sg ON sg.class_group = e.class_group
    CROSS JOIN lesson l ON l.subject_group = sg.id AND l.day > away.last AND l.day <= :today AND {KNOWN}
    WHERE e.pupil = away.pupil AND e.retired_at IS NULL AND {MEMBER}
      AND l.day NOT IN (SELECT value FROM json_each(:free)))"""
"""Pupils absent on some days of late who were at no lesson since the last of them."""
_WITHOUT_REASON = f"""WITH one AS (SELECT value FROM json_each(:pupils))
  SELECT a.pupil FROM attendance a WHERE {_ABSENCES} AND a.reason = 'unexcused' AND a.day BETWEEN :start AND :today
  GROUP BY +a.pupil HAVING count(DISTINCT a.day) >= :unexcused"""


def alerts(db: Database, year_start: int, today: int, classes: Collection[int] | None = None) -> list[Alert]:
    """Who has missed as many days running, or without a valid reason, as the settings name; by class."""
    running_from = settings.number(db, "alert_days_running")
    unexcused_from = settings.number(db, "alert_unexcused")
    recent = today - RECENT_DAYS - running_from
    of_classes = None if classes is None else sorted(_pupils_of(db, classes, today))
    asked = {
        "pupils": None if of_classes is None else json.dumps(of_classes),
        "free": json.dumps(sorted(calendar.calendar(db, recent, today).free_for_some())),
        "recent": recent, "today": today, "start": year_start,
        "running": running_from, "unexcused": unexcused_from,
    }  # fmt: skip
    # A pupil's days are looked at only for those few who may have missed that many.
    away = {pupil for (pupil,) in db.execute(_STILL_AWAY, asked).fetchall()}
    often = {pupil for (pupil,) in db.execute(_WITHOUT_REASON, asked).fetchall()}
    unexcused = Counter(
        pupil
        for (pupil, _), one in days(db, away | often, year_start, today, "missed without reason").items()
        if one.reason == "unexcused"
    )
    away |= {pupil for pupil in often if unexcused[pupil] >= unexcused_from}
    # Days running are counted back from today: whoever was there within a week or two needs no longer look.
    spent = _by_pupil(days(db, away, today - A_WEEK - running_from, today))
    spent |= _by_pupil(days(db, _throughout(spent, away), recent, today))
    spent |= _by_pupil(days(db, _throughout(spent, spent), min(year_start, recent), today))
    running = {pupil: _running(spent.get(pupil, [])) for pupil in away}
    found = [
        Alert(pupil, class_group, grade, letter, running[pupil], unexcused[pupil])
        for pupil, class_group, grade, letter in _present_classes(db, away, today)
        if (classes is None or class_group in classes)
        and (running[pupil] >= running_from or unexcused[pupil] >= unexcused_from)
    ]
    return sorted(found, key=lambda one: (one.grade or 0, one.letter or "", one.pupil))


def _throughout(spent: Mapping[int, list[Day]], pupils: Iterable[int]) -> set[int]:
    """Those who were at no lesson on any of the days looked at."""
    return {pupil for pupil in pupils if all(one.missed or one.is_open for one in spent.get(pupil, ()))}


def _by_pupil(found: Mapping[tuple[int, int], Day]) -> dict[int, list[Day]]:
    by_pupil: dict[int, list[Day]] = {}
    for (pupil, _), one in found.items():
        by_pupil.setdefault(pupil, []).append(one)
    return by_pupil


def _pupils_of(db: Database, classes: Collection[int], day: int) -> set[int]:
    return {pupil for one in classes for pupil in enrolled(db, one, day, day)}


def _present_classes(
    db: Database, pupils: Collection[int], day: int
) -> list[tuple[int, int, int | None, str | None]]:
    return list(
        db.execute(
            """SELECT e.pupil, cg.id, cg.grade, cg.letter FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
               WHERE e.pupil IN (SELECT value FROM json_each(?1)) AND e.retired_at IS NULL AND e.start <= ?2
                 AND (e."end" IS NULL OR e."end" > ?2)""",
            (json.dumps(sorted(pupils)), day),
        ).fetchall()
    )


def _running(spent: list[Day]) -> int:
    """Days missed one after another up to the latest day that is known; a day still open neither counts nor breaks."""
    count = 0
    for one in reversed(spent):
        if one.is_open:
            continue
        if not one.missed:
            break
        count += 1
    return count
