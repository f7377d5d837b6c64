"""One definition of a school day and of a pile of marks, written through the paths users write through."""

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
from sync.writer import writing
from tests.world import School, a_hub, a_school

LESSONS, PUPILS = 30, 30
FIRST_DAY = 20_700


@dataclass
class Cast:
    """A school of 30 classes of 30 pupils with one subject group each, registered at a hub in memory."""

    school: School
    db: Database
    groups: list[int]
    pupils: list[list[int]]
    random: random.Random


@contextmanager
def cast(seed: int = 1, database: str | None = None) -> Iterator[Cast]:
    with tempfile.TemporaryDirectory(prefix="mektep-bench-") as place:
        hub = a_hub(Path(place) / "hub", database)
        school = a_school(Path(place) / "node", hub)
        school.derive = derive
        with closing(school.node.connect()) as db:
            groups, pupils = _people(db, school.actor)
            yield Cast(school, db, groups, pupils, random.Random(seed))
        hub.close()


def _people(db: Database, actor: int) -> tuple[list[int], list[list[int]]]:
    groups, pupils = [], []
    with writing(db, actor) as w:
        for at in range(LESSONS):
            class_group = w.insert("class_group", grade=1 + at % 11, letter="АБВ"[at % 3])
            groups.append(w.insert("subject_group", class_group=class_group, subject=1, scale=1))
            members = []
            for _ in range(PUPILS):
                person = w.insert("person", sex="fm"[at % 2], birth_year=2010)
                w.put("pupil", person=person, language="ky")
                members.append(person)
            pupils.append(members)
    return groups, pupils


def a_day(cast: Cast, day: int) -> int:
    """30 lessons, 900 marks, 150 absences, 50 edits of marks; returns the number of changes."""
    before = NodeLog(cast.db).uncut()
    rnd = cast.random
    for at, group in enumerate(cast.groups):
        with writing(cast.db, cast.school.actor) as w:
            w.put("lesson", subject_group=group, day=day, period=1 + at % 6, attendance_taken=1)
            for pupil in cast.pupils[at]:
                w.put("mark", **_mark(group, day, at, pupil), value=_value(rnd), kind=1, scale=1)
            for pupil in rnd.sample(cast.pupils[at], 5):
                key = {"subject_group": group, "day": day, "period": 1 + at % 6, "pupil": pupil}
                w.put("attendance", **key, status="absent", reason=rnd.choice(("ill", "excused", "unknown")))
    for _ in range(50):
        at = rnd.randrange(LESSONS)
        with writing(cast.db, cast.school.actor) as w:
            key = _mark(cast.groups[at], day, at, rnd.choice(cast.pupils[at]))
            w.put("mark", **key, value=rnd.choice((2, 3, 4, 5)))
    return NodeLog(cast.db).uncut() - before


def topics(cast: Cast, day: int) -> int:
    """A topic and homework for each of the day's lessons."""
    for at, group in enumerate(cast.groups):
        with writing(cast.db, cast.school.actor) as w:
            topic = f"Тема {cast.random.randrange(10**6)}: " + " ".join(cast.random.choices(_WORDS, k=5))
            homework = f"№ {cast.random.randrange(1, 900)}, " + " ".join(cast.random.choices(_WORDS, k=3))
            w.put("lesson", subject_group=group, day=day, period=1 + at % 6, topic=topic, homework=homework)
    return len(cast.groups)


def marks(cast: Cast, count: int, first_day: int = FIRST_DAY + 400) -> int:
    """A pile of marks, 30 a lesson."""
    for number in range(count // PUPILS):
        at = number % LESSONS
        with writing(cast.db, cast.school.actor) as w:
            for pupil in cast.pupils[at]:
                key = _mark(cast.groups[at], first_day + number // LESSONS, at, pupil)
                w.put("mark", **key, value=_value(cast.random), kind=1, scale=1)
    return count // PUPILS * PUPILS


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


def _mark(group: int, day: int, at: int, pupil: int) -> dict[str, int]:
    return {"subject_group": group, "day": day, "period": 1 + at % 6, "pupil": pupil, "slot": 0}


def _value(rnd: random.Random) -> int:
    return rnd.choices((2, 3, 4, 5), (1, 4, 6, 4))[0]


_WORDS = (
    "сан", "жазуу", "окуу", "бөлүк", "көбөйтүү", "кошуу", "маселе", "чыгаруу", "үтүр", "сүйлөм", "этиш", "зат", "карта"
)  # fmt: skip
