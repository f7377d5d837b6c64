"""One definition of what is measured: a school of 30 classes of 30 pupils, a pile of marks, a school day.

Only numbers, so that any system can write the same rows its own way. A lesson is one of a class on a day and in a
period; a mark, an absence or an edit names its lesson and its pupil.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

CLASSES, PUPILS = 30, 30
FIRST_DAY = 20_700
_PILE_DAYS_LATER = 400
REASONS = ("ill", "excused", "unknown")


@dataclass(frozen=True)
class Lesson:
    """``day`` in days since 1970."""

    number: int
    day: int
    period: int


@dataclass(frozen=True)
class Mark:
    """A mark of a pupil (numbered within the class) at a lesson."""

    lesson: Lesson
    pupil: int
    value: int


@dataclass(frozen=True)
class SchoolDay:
    """30 lessons, 900 marks, 150 absences, 50 edits of marks: 1,130 changes."""

    lessons: list[Lesson]
    marks: list[Mark]
    absences: list[tuple[Lesson, int, str]]
    edits: list[Mark]


def lesson(day: int, number: int) -> Lesson:
    """The lesson of a class on a day."""
    return Lesson(number, day, 1 + number % 6)


def pile(count: int, first_day: int = FIRST_DAY + _PILE_DAYS_LATER, seed: int = 1) -> Iterator[list[Mark]]:
    """A pile of marks, one lesson's 30 at a time."""
    rnd = random.Random(f"{seed} {first_day}")
    for at in range(count // PUPILS):
        one = lesson(first_day + at // CLASSES, at % CLASSES)
        yield [Mark(one, pupil, _value(rnd)) for pupil in range(PUPILS)]


def school_day(day: int, seed: int = 1) -> SchoolDay:
    """The school day of this date."""
    rnd = random.Random(f"{seed} {day}")
    lessons = [lesson(day, number) for number in range(CLASSES)]
    marks = [Mark(one, pupil, _value(rnd)) for one in lessons for pupil in range(PUPILS)]
    absences = [
        (one, pupil, rnd.choice(REASONS)) for one in lessons for pupil in rnd.sample(range(PUPILS), 5)
    ]
    edits = [
        Mark(one.lesson, one.pupil, rnd.choice([v for v in (2, 3, 4, 5) if v != one.value]))
        for one in rnd.sample(marks, 50)
    ]
    return SchoolDay(lessons, marks, absences, edits)


def _value(rnd: random.Random) -> int:
    return rnd.choices((2, 3, 4, 5), (1, 4, 6, 4))[0]
