"""Derived rows: cases with their meaning, and after any history the same as counted by hand from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from sqlite_utils import Database

from hub.log import HubLog
from hub.schools import write_reference
from node.derived import derive
from shared.dates import weekday
from shared.grading import count_standings, standing
from shared.schema import BY_NAME, PUPIL_CATEGORIES, TABLES, Value
from sync.log import NodeLog, dump
from sync.writer import Writer, writing
from tests.properties.machines import copy_of
from tests.stores import ACTOR, a_store, last_change
from tests.world import a_hub, a_school

Row = dict[str, int]
COUNTED = ("quarter", "half", "period")


class Class:
    """A class with its pupils, the lessons of a subject for all, and of one for a part of them."""

    def __init__(self, w: Writer, pupils: int = 4) -> None:
        year = w.insert("academic_year", start=0, end=99)
        self.term = w.insert("term", year=year, kind="quarter", number=1, start=10, end=19)
        self.later = w.insert("term", year=year, kind="quarter", number=2, start=20, end=29)
        self.id = w.insert("class_group", grade=5)
        self.group = w.insert("subject_group", class_group=self.id)
        self.part = w.insert("subject_group", class_group=self.id)
        self.pupils = [self.enrol(w) for _ in range(pupils)]
        for pupil in self.pupils[:2]:
            w.put("subject_group_pupil", subject_group=self.part, pupil=pupil)

    def enrol(self, w: Writer, **dates: int) -> int:
        person = w.insert("person")
        w.put("pupil", person=person)
        w.insert("enrolment", pupil=person, class_group=self.id, **dates)
        return person

    def lesson(self, w: Writer, day: int, period: int, group: int | None = None, taken: int = 1) -> None:
        w.put("lesson", subject_group=group or self.group, day=day, period=period, attendance_taken=taken)

    def absent(
        self,
        w: Writer,
        pupil: int,
        day: int,
        period: int,
        reason: str | None = None,
        group: int | None = None,
    ) -> None:
        self.attended(w, pupil, day, period, "absent", reason, group)

    def attended(
        self,
        w: Writer,
        pupil: int,
        day: int,
        period: int,
        status: str,
        reason: str | None = None,
        group: int | None = None,
    ) -> None:
        w.put(
            "attendance",
            subject_group=group or self.group,
            day=day,
            period=period,
            pupil=pupil,
            status=status,
            reason=reason,
        )

    def result(
        self, w: Writer, pupil: int, band: int | None, status: str = "assessed", group: int | None = None
    ) -> None:
        w.put(
            "term_result",
            subject_group=group or self.group,
            pupil=pupil,
            term=self.term,
            value=band,
            band=band,
            status=status,
        )


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_store()) as db:
        yield db


@pytest.fixture
def seven(db: Database) -> Class:
    with writing(db, ACTOR) as w:
        return Class(w)


def alive(db: Database, table: str) -> list[Row]:
    """The derived rows without what every row has, counts of nothing left out."""
    rows = list(db.query(f"SELECT * FROM {table} WHERE retired_at IS NULL ORDER BY 2, 3"))
    return [{k: v for k, v in row.items() if k not in ("rid", "retired_at") and v} for row in rows]


def day_of(db: Database, seven: Class, day: int) -> Row:
    derive(db)
    (row,) = (r for r in alive(db, "attendance_day") if (r["class_group"], r["day"]) == (seven.id, day))
    return {k: v for k, v in row.items() if k not in ("class_group", "day")}


# -- a day -------------------------------------------------------------------------------------------------------


def test_a_day_is_missed_when_every_lesson_of_it_was(db: Database, seven: Class) -> None:
    one, two, three, _ = seven.pupils
    with writing(db, ACTOR) as w:
        for period in (1, 2):
            seven.lesson(w, 12, period)
            seven.absent(w, one, 12, period, "ill")
        seven.absent(w, two, 12, 1, "excused")
        seven.attended(w, three, 12, 2, "late")
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1, "ill": 1, "late": 1}


def test_while_attendance_of_a_lesson_is_not_taken_nobody_is_known_to_have_missed_the_day(
    db: Database, seven: Class
) -> None:
    one, two, *_ = seven.pupils
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
        seven.lesson(w, 12, 2, taken=0)
        seven.absent(w, one, 12, 1)
        seven.absent(w, two, 12, 2)
        seven.lesson(w, 13, 1, taken=0)
        seven.absent(w, one, 13, 1)
    assert day_of(db, seven, 12) == {"enrolled": 4}
    assert [row["day"] for row in alive(db, "attendance_day")] == [12]
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 2)
        seven.absent(w, one, 12, 2)
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1}


def test_a_lesson_of_the_timetable_that_nobody_opened_keeps_the_day_open(db: Database, seven: Class) -> None:
    one, *_ = seven.pupils
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
        seven.absent(w, one, 12, 1, "ill")
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1, "ill": 1}
    with writing(db, ACTOR) as w:
        w.insert("timetable_slot", subject_group=seven.part, weekday=weekday(12), period=2)
    assert day_of(db, seven, 12) == {"enrolled": 4}
    with writing(db, ACTOR) as w:
        w.put("substitution", subject_group=seven.part, day=12, period=2, dropped=1)
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1, "ill": 1}


def test_lessons_of_a_part_of_the_class_count_for_that_part(db: Database, seven: Class) -> None:
    member, _, other, absentee = seven.pupils
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
        seven.lesson(w, 12, 2, group=seven.part)
        for pupil in (member, other):
            seven.absent(w, pupil, 12, 1, "ill")
        # Noted where he is not expected: not a second lesson that he missed.
        seven.absent(w, absentee, 12, 2, group=seven.part)
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1, "ill": 1}
    with writing(db, ACTOR) as w:
        seven.absent(w, member, 12, 2, "unexcused", group=seven.part)
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 2, "ill": 2}


def test_an_absence_elsewhere_does_not_stand_for_one_at_an_own_lesson(db: Database, seven: Class) -> None:
    other = seven.pupils[2]
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
        seven.lesson(w, 12, 2)
        seven.lesson(w, 12, 3, group=seven.part)
        seven.absent(w, other, 12, 1)
        seven.absent(w, other, 12, 3, group=seven.part)
    assert day_of(db, seven, 12) == {"enrolled": 4}


def test_a_membership_has_a_beginning_and_an_end(db: Database, seven: Class) -> None:
    member = seven.pupils[0]
    with writing(db, ACTOR) as w:
        w.put("subject_group_pupil", subject_group=seven.part, pupil=member, start=12, end=13)
        for day in (11, 12, 13):
            seven.lesson(w, day, 1)
            seven.lesson(w, day, 2, group=seven.part)
            seven.absent(w, member, day, 1)
    assert day_of(db, seven, 11) == {"enrolled": 4, "missed": 1}
    assert day_of(db, seven, 12) == {"enrolled": 4}
    assert day_of(db, seven, 13) == {"enrolled": 4, "missed": 1}


def test_leavers_and_newcomers_count_while_they_are_enrolled(db: Database, seven: Class) -> None:
    with writing(db, ACTOR) as w:
        leaver, newcomer = seven.enrol(w, start=1, end=12), seven.enrol(w, start=12)
        for day in (11, 12):
            seven.lesson(w, day, 1)
            for pupil in (leaver, newcomer):
                seven.absent(w, pupil, day, 1, "unexcused")
    for day in (11, 12):
        assert day_of(db, seven, day) == {"enrolled": 5, "missed": 1, "unexcused": 1}


@pytest.mark.parametrize(
    ("reasons", "counted"),
    [
        (("ill", "unexcused"), {"ill": 1}),
        (("unexcused", "excused"), {"excused": 1}),
        (("unknown", "unexcused"), {"unexcused": 1}),
        ((None, "unknown"), {}),
    ],
)
def test_a_day_missed_for_several_reasons_counts_once(
    db: Database, seven: Class, reasons: tuple[str | None, ...], counted: Row
) -> None:
    with writing(db, ACTOR) as w:
        for period, reason in enumerate(reasons, 1):
            seven.lesson(w, 12, period)
            seven.absent(w, seven.pupils[0], 12, period, reason)
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1, **counted}


def test_a_day_whose_last_lesson_goes_is_retired_and_comes_back(db: Database, seven: Class) -> None:
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
    assert day_of(db, seven, 12) == {"enrolled": 4}
    with writing(db, ACTOR) as w:
        w.retire("lesson", seven.group, 12, 1)
    derive(db)
    assert alive(db, "attendance_day") == []
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
    assert day_of(db, seven, 12) == {"enrolled": 4}


def test_a_pupil_who_moves_to_another_class_leaves_the_counts_of_the_first(
    db: Database, seven: Class
) -> None:
    with writing(db, ACTOR) as w:
        other = w.insert("class_group", grade=6)
        seven.lesson(w, 12, 1)
        seven.absent(w, seven.pupils[0], 12, 1)
        seven.result(w, seven.pupils[0], 5)
    assert day_of(db, seven, 12) == {"enrolled": 4, "missed": 1}
    with writing(db, ACTOR) as w:
        (row,) = db.execute("SELECT id FROM enrolment WHERE pupil = ?", (seven.pupils[0],))
        w.update("enrolment", row[0], class_group=other)
    assert day_of(db, seven, 12) == {"enrolled": 3}
    assert [row for row in alive(db, "class_category_count") if "excellent" in row] == []


def test_a_group_that_moves_to_another_class_takes_its_lessons_along(db: Database, seven: Class) -> None:
    with writing(db, ACTOR) as w:
        other = w.insert("class_group", grade=6)
        seven.lesson(w, 12, 1)
        seven.result(w, seven.pupils[0], 5)
    derive(db)
    with writing(db, ACTOR) as w:
        w.update("subject_group", seven.group, class_group=other)
    derive(db)
    assert alive(db, "attendance_day") == [{"class_group": other, "day": 12}]
    assert [row for row in alive(db, "class_category_count") if "excellent" in row] == []


# -- lessons of a term -------------------------------------------------------------------------------------------


def summaries(db: Database) -> list[tuple[int, int, int, int, int]]:
    derive(db)
    rows = alive(db, "lesson_summary")
    return [
        tuple(row.get(n, 0) for n in ("subject_group", "term", "lessons", "marks", "missed"))  # type: ignore[misc]
        for row in rows
    ]


def test_lessons_marks_and_absences_of_a_term_are_counted(db: Database, seven: Class) -> None:
    one, two, *_ = seven.pupils
    with writing(db, ACTOR) as w:
        for day in (10, 19, 20):
            seven.lesson(w, day, 1)
            seven.absent(w, one, day, 1)
        for slot, value in ((0, 5), (1, None), (2, 0)):
            w.put("mark", subject_group=seven.group, day=10, period=1, pupil=two, slot=slot, value=value)
        seven.lesson(w, 30, 1)
    assert summaries(db) == [(seven.group, seven.term, 2, 2, 2), (seven.group, seven.later, 1, 0, 1)]
    with writing(db, ACTOR) as w:
        w.retire("lesson", seven.group, 10, 1)
        w.retire("attendance", seven.group, 10, 1, one)
        w.retire("mark", seven.group, 10, 1, two, 0)
    assert summaries(db)[0] == (seven.group, seven.term, 1, 1, 1)


def test_a_term_that_is_moved_counts_anew(db: Database, seven: Class) -> None:
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
        seven.result(w, seven.pupils[0], 5)
        w.put("mark", subject_group=seven.part, day=13, period=1, pupil=seven.pupils[0], slot=0, value=5)
        leaver = seven.enrol(w, end=18)
        seven.result(w, leaver, 4)
    assert summaries(db) == [(seven.group, seven.term, 1, 0, 0), (seven.part, seven.term, 0, 1, 0)]
    assert alive(db, "class_category_count")[0]["excellent"] == 1
    assert "good" not in alive(db, "class_category_count")[0]
    with writing(db, ACTOR) as w:
        w.update("term", seven.term, start=13, end=17)
    assert summaries(db) == [(seven.group, seven.term, 0, 0, 0), (seven.part, seven.term, 0, 1, 0)]
    assert alive(db, "class_category_count")[0]["good"] == 1
    with writing(db, ACTOR) as w:
        w.update("term", seven.term, kind="year")
    assert summaries(db) == []
    with writing(db, ACTOR) as w:
        w.update("term", seven.term, kind="half", start=10)
    assert summaries(db)[0] == (seven.group, seven.term, 1, 0, 0)
    with writing(db, ACTOR) as w:
        w.retire("term", seven.term)
    assert summaries(db) == []


# -- categories --------------------------------------------------------------------------------------------------


def test_categories_of_a_class_at_the_end_of_a_term(db: Database, seven: Class) -> None:
    one, two, three, four = seven.pupils
    with writing(db, ACTOR) as w:
        w.put("subject_group_pupil", subject_group=seven.part, pupil=three)
        for pupil, bands in ((one, (5, 5)), (two, (5, 4)), (three, (3, 3))):
            for group, band in zip((seven.group, seven.part), bands, strict=True):
                seven.result(w, pupil, band, group=group)
        seven.result(w, four, None, "na")
        leaver = seven.enrol(w, end=15)
        seven.result(w, leaver, 2)
    derive(db)
    assert alive(db, "class_category_count") == [
        {
            "class_group": seven.id,
            "term": seven.term,
            "excellent": 1,
            "good": 1,
            "one_four": 1,
            "satisfactory": 1,
            "not_assessed": 1,
        }
    ]
    with writing(db, ACTOR) as w:
        w.retire("term_result", seven.part, two, seven.term)
    derive(db)
    assert alive(db, "class_category_count")[0]["excellent"] == 2


# -- any history -------------------------------------------------------------------------------------------------


def days_by_hand(db: Database) -> dict[tuple[int, int], Row]:
    """From the rows alone, lesson by lesson and pupil by pupil."""
    groups = {g["id"]: g["class_group"] for g in db.query("SELECT * FROM subject_group")}
    lessons = [r for r in rows_of(db, "lesson") if r["attendance_taken"] and groups[r["subject_group"]]]
    status = {(r["subject_group"], r["day"], r["period"], r["pupil"]): r for r in rows_of(db, "attendance")}
    found: dict[tuple[int, int], Row] = {}
    for class_group, day in {(groups[r["subject_group"]], r["day"]) for r in lessons}:
        count = Counter[str]()
        for pupil in on_roll(db, class_group, day):
            mine = [
                status.get(
                    (r["subject_group"], day, r["period"], pupil), {"status": "present", "reason": None}
                )
                for r in lessons
                if r["day"] == day
                and groups[r["subject_group"]] == class_group
                and is_member(db, r["subject_group"], pupil, day)
            ]
            count["enrolled"] += 1
            count["late"] += any(r["status"] == "late" for r in mine)
            untaken = any(
                not r["attendance_taken"]
                and r["day"] == day
                and groups[r["subject_group"]] == class_group
                and is_member(db, r["subject_group"], pupil, day)
                for r in rows_of(db, "lesson")
            )
            if mine and all(r["status"] == "absent" for r in mine) and not untaken:
                count["missed"] += 1
                given = {r["reason"] for r in mine}
                count[next((r for r in ("ill", "excused", "unexcused") if r in given), "")] += 1
        found[class_group, day] = {k: v for k, v in count.items() if v and k}
    return found


def rows_of(db: Database, table: str) -> list[dict[str, int]]:
    return list(db.query(f"SELECT * FROM {table} WHERE retired_at IS NULL"))


def within(row: dict[str, int | None], day: int) -> bool:
    start, end = row["start"], row["end"]
    return (start is None or start <= day) and (end is None or day < end)


def on_roll(db: Database, class_group: int, day: int) -> set[int]:
    return {
        r["pupil"] for r in rows_of(db, "enrolment") if r["class_group"] == class_group and within(r, day)
    }


def is_member(db: Database, group: int, pupil: int, day: int) -> bool:
    listed = [r for r in rows_of(db, "subject_group_pupil") if r["subject_group"] == group]
    return not listed or any(r["pupil"] == pupil and within(r, day) for r in listed)


def is_missed(db: Database, row: dict[str, int]) -> bool:
    """An absence counts at a lesson whose attendance was taken, of who was in class and group that day."""
    group, day = row["subject_group"], row["day"]
    taken = any(
        r["attendance_taken"] and (r["subject_group"], r["day"], r["period"]) == (group, day, row["period"])
        for r in rows_of(db, "lesson")
    )
    class_group = db.execute("SELECT class_group FROM subject_group WHERE id = ?", (group,)).fetchone()[0]
    there = row["pupil"] in on_roll(db, class_group, day) and is_member(db, group, row["pupil"], day)
    return row["status"] == "absent" and taken and there  # type: ignore[comparison-overlap]


def lessons_by_hand(db: Database) -> dict[tuple[int, int], Row]:
    found: dict[tuple[int, int], Counter[str]] = {}
    for term in rows_of(db, "term"):
        for table, name in (("lesson", "lessons"), ("mark", "marks"), ("attendance", "missed")):
            for row in rows_of(db, table):
                counts = {
                    "lesson": True,
                    "mark": row.get("value") is not None,
                    "attendance": table == "attendance" and is_missed(db, row),
                }
                if term["kind"] in COUNTED and term["start"] <= row["day"] <= term["end"] and counts[table]:
                    found.setdefault((row["subject_group"], term["id"]), Counter())[name] += 1
    return {place: dict(count) for place, count in found.items()}


def categories_by_hand(db: Database) -> dict[tuple[int, int], Row]:
    groups = {g["id"]: g["class_group"] for g in db.query("SELECT * FROM subject_group")}
    ends = dict(db.execute("SELECT id, end FROM term").fetchall())
    results: dict[tuple[int, int], dict[int, list[tuple[str, int | None]]]] = {}
    for r in rows_of(db, "term_result"):
        class_group = groups[r["subject_group"]]
        there = class_group and r["pupil"] in on_roll(db, class_group, ends[r["term"]])
        if there and is_member(db, r["subject_group"], r["pupil"], ends[r["term"]]):
            place = results.setdefault((class_group, r["term"]), {})
            place.setdefault(r["pupil"], []).append((r["status"], r["band"]))  # type: ignore[arg-type]
    counts = {place: count_standings(map(standing, of.values())) for place, of in results.items()}
    return {p: {k: v for k, v in count.items() if v} for p, count in counts.items() if any(count.values())}


def derived(db: Database, table: str, *key: str) -> dict[tuple[int, ...], Row]:
    return {
        tuple(row[k] for k in key): {n: v for n, v in row.items() if n not in key} for row in alive(db, table)
    }


def filled(rows: dict[tuple[int, ...], Row]) -> dict[tuple[int, ...], Row]:
    return {place: row for place, row in rows.items() if row}


class History:
    """Random writes of everything that derived rows follow from."""

    def __init__(self, db: Database, random: Random) -> None:
        self.random = random
        with writing(db, ACTOR) as w:
            self.classes = [Class(w, 3), Class(w, 2)]
        self.groups = [g for c in self.classes for g in (c.group, c.part)]
        self.pupils = [p for c in self.classes for p in c.pupils]
        self.terms = [self.classes[0].term, self.classes[0].later]

    def write(self, w: Writer) -> None:
        often = (self.lesson, self.attendance, self.attendance, self.mark, self.result) * 2
        seldom = (self.enrolment, self.membership, self.term, self.group)
        act = self.random.choice((*often, *seldom))
        act(w)

    def one(self, *values: Value) -> Value:
        return self.random.choice(values)

    def place(self) -> dict[str, int]:
        return {
            "subject_group": self.random.choice(self.groups),
            "day": self.random.randrange(10, 14),
            "period": self.random.randrange(1, 3),
        }

    def put_or_retire(self, w: Writer, table: str, key: dict[str, int], **values: Value) -> None:
        if self.random.random() < 0.15:
            w.retire(table, *key.values())
        else:
            w.put(table, **key, **values)

    def lesson(self, w: Writer) -> None:
        self.put_or_retire(w, "lesson", self.place(), attendance_taken=self.one(1, 1, 1, 0))

    def attendance(self, w: Writer) -> None:
        key = self.place() | {"pupil": self.random.choice(self.pupils)}
        status = self.one("absent", "absent", "absent", "late", "present")
        self.put_or_retire(
            w, "attendance", key, status=status, reason=self.one("ill", "excused", "unexcused", None)
        )

    def mark(self, w: Writer) -> None:
        key = self.place() | {"pupil": self.random.choice(self.pupils), "slot": self.random.randrange(2)}
        self.put_or_retire(w, "mark", key, value=self.one(5, 4, 0, None))

    def result(self, w: Writer) -> None:
        group, pupil = self.random.choice(self.groups), self.random.choice(self.pupils)
        key = {"subject_group": group, "pupil": pupil, "term": self.random.choice(self.terms)}
        status = self.one("assessed", "assessed", "assessed", "na", "exempt")
        self.put_or_retire(w, "term_result", key, band=self.one(5, 4, 3, 2, None), status=status)

    def enrolment(self, w: Writer) -> None:
        rows = [r for (r,) in w.db.execute("SELECT id FROM enrolment")]
        row = self.random.choice(rows)
        if self.random.random() < 0.1:
            w.retire("enrolment", row)
        else:
            dates = {"start": self.one(None, 10, 11), "end": self.one(None, None, 12, 19, 30)}
            w.update(
                "enrolment", row, class_group=self.random.choice(self.classes).id, retired_at=None, **dates
            )

    def membership(self, w: Writer) -> None:
        key = {"subject_group": self.random.choice(self.groups), "pupil": self.random.choice(self.pupils)}
        self.put_or_retire(
            w, "subject_group_pupil", key, start=self.one(None, 11), end=self.one(None, None, 13)
        )

    def term(self, w: Writer) -> None:
        term = self.random.choice(self.terms)
        start = self.random.randrange(8, 14)
        kind = self.one(*COUNTED, "year")
        retired = self.one(None, None, None, 5)
        w.update(
            "term", term, kind=kind, start=start, end=start + self.random.randrange(9), retired_at=retired
        )

    def group(self, w: Writer) -> None:
        classes: list[Value] = [None, *(c.id for c in self.classes)]
        w.update("subject_group", self.random.choice(self.groups), class_group=self.one(*classes))


EMPTY = a_store()


@pytest.mark.parametrize("seed", range(12))
def test_after_any_history_the_counts_are_those_made_by_hand(seed: int) -> None:
    random = Random(seed)
    with closing(copy_of(EMPTY)) as db:
        history = History(db, random)
        for _ in range(12):
            with writing(db, ACTOR) as w:
                for _ in range(random.choice((1, 2, 20))):
                    history.write(w)
            derive(db)
            assert derived(db, "attendance_day", "class_group", "day") == days_by_hand(db)
            assert filled(derived(db, "lesson_summary", "subject_group", "term")) == lessons_by_hand(db)
            assert filled(derived(db, "class_category_count", "class_group", "term")) == categories_by_hand(
                db
            )
            before = last_change(db)
            assert derive(db) is False
            assert last_change(db) == before


def test_what_changes_no_count_writes_nothing(db: Database, seven: Class) -> None:
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
    assert derive(db) is True
    before = last_change(db)
    with writing(db, ACTOR) as w:
        w.put("lesson", subject_group=seven.group, day=12, period=1, topic="Бөлчөктөр")
        w.insert("room", name="12")
    assert derive(db) is False
    assert last_change(db) == before + 2


def test_derived_rows_are_mekteps_own_and_named_as_derived_in_the_schema(db: Database, seven: Class) -> None:
    with writing(db, ACTOR) as w:
        seven.lesson(w, 12, 1)
        seven.result(w, seven.pupils[0], 5)
    before = last_change(db)
    derive(db)
    written = db.execute(
        "SELECT DISTINCT tbl, actor FROM change WHERE n > ? ORDER BY tbl", (before,)
    ).fetchall()
    assert written == [(t.number, 0) for t in sorted(TABLES, key=lambda t: t.number) if t.derived]
    assert tuple(c.name for c in BY_NAME["class_category_count"].columns if c.number >= 4) == PUPIL_CATEGORIES


# -- with the hub ------------------------------------------------------------------------------------------------


def test_a_term_that_the_hub_moves_counts_anew_and_reaches_the_hub_in_the_same_sync(tmp_path: Path) -> None:
    hub = a_hub(tmp_path / "hub")
    school = a_school(tmp_path / "node", hub)
    school.derive = derive
    with closing(school.node.connect()) as db:
        term, start = db.execute(
            "SELECT id, start FROM term WHERE kind = 'quarter' ORDER BY start LIMIT 1"
        ).fetchone()
        with writing(db, school.actor) as w:
            seven = Class(w)
            seven.lesson(w, start, 1)
            seven.lesson(w, start + 7, 1)
    assert school.sync().outcome == "done"

    def lessons() -> list[int]:
        with closing(school.node.connect()) as db:
            return [r["lessons"] for r in alive(db, "lesson_summary") if r["term"] == term and "lessons" in r]

    assert lessons() == [2]
    write_reference(hub, [("term", {"id": term, "start": start + 7})])
    assert school.sync().outcome == "done"
    assert lessons() == [1]
    with hub.read() as connection, closing(school.node.connect()) as db:
        held = list(HubLog(connection, school.id, hub.signer).dump())
        assert held == list(dump(db, district_only=True))
        assert NodeLog(db).waiting() == 0
    hub.close()
