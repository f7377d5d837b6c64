"""The rows of `tests.bench.rows` in a Mektep school, written through the paths that users write through."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from node.derived import derive
from sync import session
from sync.log import NodeLog
from sync.writer import Writer, writing
from tests.bench.rows import CLASSES, FIRST_DAY, PUPILS, Lesson, Mark, lesson, pile, school_day
from tests.world import School, a_hub, a_school

__all__ = ["FIRST_DAY", "Cast", "Register", "a_day", "cast", "found", "history", "marks", "sync", "topics"]


@dataclass
class Register:
    """The school's row ids: a subject group for each class, and its pupils."""

    groups: list[int]
    pupils: list[list[int]]

    def at(self, one: Lesson) -> dict[str, int]:
        """The key of a lesson's row."""
        return {"subject_group": self.groups[one.number], "day": one.day, "period": one.period}

    def mark(self, one: Mark) -> dict[str, int]:
        """The key of a mark's row."""
        return {**self.at(one.lesson), "pupil": self.pupils[one.lesson.number][one.pupil], "slot": 0}


@dataclass
class Cast:
    """A school of 30 classes of 30 pupils with one subject group each, registered at a hub in memory."""

    school: School
    db: Database
    register: Register


@contextmanager
def cast(database: str | None = None) -> Iterator[Cast]:
    """A hub, on SQLCipher or the PostgreSQL at an address, and the school."""
    with tempfile.TemporaryDirectory(prefix="mektep-bench-") as place:
        hub = a_hub(Path(place) / "hub", database)
        school = a_school(Path(place) / "node", hub)
        school.derive = derive
        with closing(school.node.connect()) as db:
            yield Cast(school, db, found(db, school.actor))
        hub.close()


def found(db: Database, actor: int) -> Register:
    """Write classes and pupils."""
    groups, pupils = [], []
    with writing(db, actor) as w:
        for at in range(CLASSES):
            class_group = w.insert("class_group", grade=1 + at % 11, letter="АБВ"[at % 3])
            groups.append(w.insert("subject_group", class_group=class_group, subject=1, scale=1))
            members = []
            for _ in range(PUPILS):
                person = w.insert("person", sex="fm"[at % 2], birth_year=2010)
                w.put("pupil", person=person, language="ky")
                members.append(person)
            pupils.append(members)
    return Register(groups, pupils)


def a_day(db: Database, actor: int, register: Register, day: int) -> int:
    """Write a school day, a lesson at a time; returns the number of changes."""
    before = NodeLog(db).uncut()
    rows = school_day(day)
    for one in rows.lessons:
        with writing(db, actor) as w:
            w.put("lesson", **register.at(one), attendance_taken=1)
            for mark in (m for m in rows.marks if m.lesson == one):
                _give(w, register, mark)
            for _, pupil, reason in (a for a in rows.absences if a[0] == one):
                key = {**register.at(one), "pupil": register.pupils[one.number][pupil]}
                w.put("attendance", **key, status="absent", reason=reason)
    for mark in rows.edits:
        with writing(db, actor) as w:
            w.put("mark", **register.mark(mark), value=mark.value)
    return NodeLog(db).uncut() - before


def marks(db: Database, actor: int, register: Register, count: int, first_day: int | None = None) -> int:
    """Write a pile of marks, each lesson and its 30 marks in one transaction; returns the number of changes."""
    before = NodeLog(db).uncut()
    for lesson_marks in pile(count) if first_day is None else pile(count, first_day):
        with writing(db, actor) as w:
            w.put("lesson", **register.at(lesson_marks[0].lesson))
            for mark in lesson_marks:
                _give(w, register, mark)
    return NodeLog(db).uncut() - before


def history(db: Database, actor: int, register: Register, count: int, first_day: int) -> None:
    """The same marks by the statement behind the writer, a school day in one transaction: a past, made quickly."""
    days: dict[int, list[Mark]] = {}
    for lesson_marks in pile(count, first_day):
        days.setdefault(lesson_marks[0].lesson.day, []).extend(lesson_marks)
    for of_day in days.values():
        with writing(db, actor):
            db.conn.executemany(
                "INSERT INTO mark (subject_group, day, period, pupil, slot, value, kind, scale) "
                "VALUES (:subject_group, :day, :period, :pupil, :slot, :value, 1, 1)",
                [{**register.mark(m), "value": m.value} for m in of_day],
            )


def _give(w: Writer, register: Register, mark: Mark) -> None:
    w.put("mark", **register.mark(mark), value=mark.value, kind=1, scale=1)


def topics(cast: Cast, day: int) -> int:
    """A topic and homework for each of the day's lessons; returns the number of changes."""
    rnd = random.Random(day)
    for number in range(CLASSES):
        with writing(cast.db, cast.school.actor) as w:
            topic = f"Тема {rnd.randrange(10**6)}: " + " ".join(rnd.choices(_WORDS, k=5))
            homework = f"№ {rnd.randrange(1, 900)}, " + " ".join(rnd.choices(_WORDS, k=3))
            w.put("lesson", **cast.register.at(lesson(day, number)), topic=topic, homework=homework)
    return CLASSES


def sync(cast: Cast) -> tuple[int, int]:
    """Sync; returns bytes both ways and requests."""
    progress = session.sync(cast.db, cast.school.transport, cast.school.derive)
    assert progress.outcome == "done"
    return progress.sent + progress.received, progress.rounds


def gzipped_json(cast: Cast) -> int:
    """The uncut changes as the plainest of JSON, gzipped."""
    rows = [list(row) for row in _uncut(cast.db)]
    return len(gzip.compress(json.dumps(rows).encode(), 9))


def xz_csv(cast: Cast) -> int:
    """The uncut changes as the barest of CSV under ``xz -9``."""
    text = io.StringIO()
    csv.writer(text).writerows(_uncut(cast.db))
    return len(lzma.compress(text.getvalue().encode(), preset=9))


def _uncut(db: Database) -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT clock, actor, tbl, key, vals FROM change WHERE n > ? ORDER BY n", (NodeLog(db).last_cut(),)
    ).fetchall()


_WORDS = (
    "сан", "жазуу", "окуу", "бөлүк", "көбөйтүү", "кошуу", "маселе", "чыгаруу", "үтүр", "сүйлөм", "этиш", "зат", "карта"
)  # fmt: skip
