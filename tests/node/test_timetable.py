"""The timetable: clashes, slots with history, real lessons, substitutions, the calendar file, and its pages."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from node.attendance import queries as attendance
from node.calendar import actions as calendar_actions
from node.calendar import queries as calendar
from node.control import queries as control
from node.journal import actions as journal_actions
from node.journal import queries as journal
from node.journal.queries import Place
from node.timetable import actions, copying, ical, queries
from node.timetable.clashes import Entry, clashes, reasons
from node.timetable.warnings import warnings_of
from shared.dates import DAY_MS, date_of, parse_day, weekday
from shared.problems import InvalidValue, LessonHeld, NoLesson, NotFound, WrongOrder
from shared.web import today
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.icalendar import Component, occurrences, parse
from tests.node.test_importing_pages import own as own
from tests.node.test_journal import TODAY, a_school

YEAR = 3
FIRST, LAST = parse_day("2025-09-01"), parse_day("2026-05-29")

# ---- clashes

few = st.integers(1, 3)
entries = st.builds(
    Entry,
    slot=st.integers(1, 9),
    group=few,
    class_group=few,
    weekday=st.integers(1, 2),
    period=st.integers(1, 3),
    shift=st.integers(1, 2),
    minutes=st.sampled_from([None, (480, 525), (500, 540), (530, 575)]),
    teacher=st.none() | few,
    room=st.none() | few,
    pupils=st.none() | st.frozensets(st.integers(1, 4), max_size=3),
    first=st.integers(0, 5),
    last=st.integers(3, 9),
)


@given(one=entries, other=entries)
def test_it_does_not_matter_who_is_asked_first(one: Entry, other: Entry) -> None:
    assert reasons(one, other) == reasons(other, one)


@given(found=st.lists(entries, max_size=8, unique_by=lambda entry: entry.slot))
def test_every_clash_is_found_once(found: list[Entry]) -> None:
    by_hand = {
        (why, frozenset((one.slot, other.slot)))
        for one, other in combinations(found, 2)
        for why in reasons(one, other)
        if why != "class" or one.class_group == other.class_group
    }
    listed = [(clash.reason, frozenset((clash.one.slot, clash.other.slot))) for clash in clashes(found)]
    assert len(listed) == len(set(listed))
    assert by_hand <= set(listed)


ENTRY = Entry(slot=1, group=1, class_group=1, weekday=1, period=1, shift=1, teacher=5, room=7)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (replace(ENTRY, slot=2, group=2), ["teacher", "room", "class"]),
        (replace(ENTRY, slot=2, class_group=2), ["teacher", "room"]),
        (replace(ENTRY, slot=2, weekday=2), []),
        (replace(ENTRY, slot=2, period=2), []),
        (replace(ENTRY, slot=2, shift=2), []),
        (replace(ENTRY, slot=2, first=10, last=20), ["teacher", "room", "class"]),
        (ENTRY, []),
    ],
)
def test_when_two_lessons_cannot_both_be(other: Entry, found: list[str]) -> None:
    assert reasons(ENTRY, other) == found


def test_a_change_in_the_middle_of_the_year_is_no_clash_and_shifts_clash_by_the_clock() -> None:
    before, after = replace(ENTRY, last=50), replace(ENTRY, slot=2, first=50)
    assert reasons(before, after) == []
    late, early = (
        replace(ENTRY, minutes=(780, 825)),
        replace(ENTRY, slot=2, shift=2, period=4, minutes=(800, 845)),
    )
    assert "teacher" in reasons(late, early)


def test_parts_of_a_class_meet_at_once_unless_they_share_a_pupil() -> None:
    one = replace(ENTRY, pupils=frozenset({1, 2}), teacher=1, room=1)
    other = replace(ENTRY, slot=2, group=2, pupils=frozenset({3, 4}), teacher=2, room=2)
    assert reasons(one, other) == []
    assert reasons(one, replace(other, pupils=frozenset({2, 3}))) == ["class"]


# ---- a school


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("timetable"))


class Office:
    """The deputy over the school's timetable."""

    def __init__(self, school: SchoolPages) -> None:
        self.db: Database = school.node.connect()
        self.account = self.one("SELECT id FROM account WHERE login = ?", school.logins["deputy"])
        self.lesson = self.a_lesson()

    def one(self, sql: str, *values: object) -> int:
        found: int = self.db.execute(sql, values).fetchone()[0]
        return found

    def a_lesson(self) -> queries.Lesson:
        """A lesson of today that its own teacher holds."""
        found = queries.agenda_of_day(self.db, YEAR, TODAY)
        return next(one for one in found if one.substitute is None and one.slot["hours_week"])

    def substitute(self, lesson: queries.Lesson, teacher: int) -> bool:
        with writing(self.db, self.account) as w:
            return actions.substitute(w, lesson.group, lesson.day, lesson.period, teacher, "оору")


@pytest.fixture
def office(school: SchoolPages) -> Iterator[Office]:
    made = Office(school)
    yield made
    with writing(made.db, made.account) as w:
        for group, day, period in made.db.execute(
            "SELECT subject_group, day, period FROM substitution WHERE day >= ? AND retired_at IS NULL",
            (TODAY,),
        ).fetchall():
            w.retire("substitution", group, day, period)
        for (row,) in made.db.execute("SELECT id FROM own_day WHERE retired_at IS NULL").fetchall():
            w.retire("own_day", row)
    made.db.close()


def cell_of(db: Database, slot: object, day: int) -> set[int]:
    assert isinstance(slot, dict)
    key = (slot["class_group"], slot["weekday"], slot["period"])
    found = queries.slots(db, YEAR, day)
    return {one["group"] for one in found if (one["class_group"], one["weekday"], one["period"]) == key}


def test_the_generated_timetable_has_no_clash(office: Office) -> None:
    found = warnings_of(office.db, YEAR, TODAY)
    assert (found.clashes, found.without_bell, found.hours, found.seventh_day) == ([], [], [], [])


def test_a_change_holds_from_its_day_on_and_what_was_before_stays(office: Office) -> None:
    slot = dict(office.lesson.slot)
    group, place = slot["group"], (slot["class_group"], slot["weekday"], slot["period"])
    before = cell_of(office.db, slot, TODAY)
    with writing(office.db, office.account) as w:
        assert actions.set_cell(w, *place, dict.fromkeys(before - {group}, slot["room"]), TODAY + 7) >= 1
    assert group in cell_of(office.db, slot, TODAY + 6) and group not in cell_of(office.db, slot, TODAY + 7)
    assert (TODAY, slot["period"]) in queries.dates(office.db, group, FIRST, TODAY + 60)
    assert all(day < TODAY + 7 for day, period in queries.dates(office.db, group, FIRST, LAST)
               if weekday(day) == slot["weekday"] and period == slot["period"])  # fmt: skip
    hours = [wanted for one, placed, wanted in warnings_of(office.db, YEAR, TODAY + 7).hours if one == group]
    assert hours == [slot["hours_week"]]
    with writing(office.db, office.account) as w:
        actions.set_cell(w, *place, dict.fromkeys(before, slot["room"]), TODAY + 7)
        assert actions.set_cell(w, *place, dict.fromkeys(before, slot["room"]), TODAY + 7) == 0
    assert cell_of(office.db, slot, TODAY + 7) == before


def test_a_lesson_put_on_another_warns_of_teacher_and_class(office: Office) -> None:
    one = dict(office.lesson.slot)
    other = next(
        slot for slot in queries.slots(office.db, YEAR, TODAY)
        if slot["class_group"] == one["class_group"] and slot["weekday"] != one["weekday"]
        and slot["subject"] != one["subject"]
    )  # fmt: skip
    before = cell_of(office.db, one, TODAY)
    wanted = dict.fromkeys(before | {other["group"]})
    place = (one["class_group"], one["weekday"], one["period"])
    with writing(office.db, office.account) as w:
        actions.set_cell(w, *place, wanted, TODAY)
    found = warnings_of(office.db, YEAR, TODAY)
    assert "class" in {clash.reason for clash in found.clashes}
    assert (other["group"], other["hours_week"] + 1, other["hours_week"]) in found.hours
    with writing(office.db, office.account) as w:
        actions.set_cell(w, *place, dict.fromkeys(before, one["room"]), TODAY)


def test_groups_of_others_are_refused(office: Office) -> None:
    slot = office.lesson.slot
    strange = office.one("SELECT id FROM subject_group WHERE class_group <> ? LIMIT 1", slot["class_group"])
    with pytest.raises(NotFound), writing(office.db, office.account) as w:
        actions.set_cell(w, slot["class_group"], 1, 1, {strange: None}, TODAY)
    alien = office.one("SELECT id FROM subject_group WHERE teacher <> ? LIMIT 1", slot["teacher"])
    with pytest.raises(NotFound), writing(office.db, office.account) as w:
        actions.set_teachers_cell(w, slot["teacher"], 1, 1, {alien: None}, TODAY)
    with pytest.raises(InvalidValue), writing(office.db, office.account) as w:
        actions.set_cell(w, slot["class_group"], 1, 16, {slot["group"]: None}, TODAY)


def test_last_years_timetable_is_taken_over(school: SchoolPages, office: Office) -> None:
    db, old = office.db, office.lesson.slot
    held = [slot for slot in queries.slots(db, YEAR, LAST) if slot["class_group"] == old["class_group"]]
    letter = office.one("SELECT letter FROM class_group WHERE id = ?", old["class_group"])
    year = office.one("SELECT id FROM academic_year WHERE start > ? ORDER BY start LIMIT 1", LAST)
    first = calendar.bounds(db, year)
    assert first is not None
    dropped_subject = held[0]["subject"]
    with writing(db, office.account) as w:
        fresh = w.insert("class_group", year=year, grade=old["grade"], letter=letter, week_days=5, shift=1)
        twin = w.insert("class_group", year=year, grade=old["grade"], letter="Ы", week_days=5, shift=1)
        answers = {}
        for subject, part in sorted({(slot["subject"], slot["part"] or "") for slot in held}):
            if subject != dropped_subject:
                answers[subject, part] = w.insert(
                    "subject_group", class_group=fresh, subject=subject, name=part or None, hours_week=1
                )
    assert copying.offers(db, year) == 1
    deputy = school.as_("deputy")
    day = date_of(first[0]).isoformat()
    assert "/timetable/copy" in deputy.get(f"/timetable/warnings?from={day}")[1]
    status, there = deputy.post("/timetable/copy", **{"from": day})
    expected = sorted(
        (answers[slot["subject"], slot["part"] or ""], slot["weekday"], slot["period"], slot["room"])
        for slot in held
        if slot["subject"] != dropped_subject
    )
    left = sum(slot["subject"] == dropped_subject for slot in held)
    assert status == 302 and f"copied={len(expected)}&left={left}" in there
    made = queries.slots(db, year, first[0])
    assert sorted((s["group"], s["weekday"], s["period"], s["room"]) for s in made) == expected
    assert queries.slots(db, year, first[0] - 1) == [] and deputy.get(there)[0] == 200
    # Who has a timetable keeps it; a class without a namesake gets none.
    with writing(db, office.account) as w:
        assert copying.copy_last_year(w, year, first[0]).slots == 0
        for slot in made:
            w.retire("timetable_slot", slot["id"])
        for group in answers.values():
            w.retire("subject_group", group)
        for one in (fresh, twin):
            w.retire("class_group", one)


# ---- real lessons


@given(
    said=st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from(["holiday", "off", "distance", "school"])), max_size=5
    )
)
def test_lessons_fall_on_school_days_alone(school: SchoolPages, said: list[tuple[int, str]]) -> None:
    with closing(school.node.connect()) as db:
        account = db.execute("SELECT id FROM account WHERE login = ?", (school.logins["deputy"],)).fetchone()[
            0
        ]
        start = TODAY + 30
        with writing(db, account) as w:
            for at, kind in said:
                calendar_actions.set_days(w, YEAR, start + at, start + at, kind)
        days = calendar.calendar(db, start, start + 20)
        found = queries.agenda(
            db, start, start + 20, classes=[one["id"] for one in calendar.classes(db, YEAR)]
        )
        with_lessons = {(one.slot["class_group"], one.day) for one in found}
        for whom in calendar.everyone(db, start):
            school_days = set(days.school_days(start, start + 20, whom))
            mine = {day for class_group, day in with_lessons if class_group == whom.class_group}
            assert mine == {day for day in school_days if weekday(day) <= 5}
        with writing(db, account) as w:
            calendar_actions.take_back(w, [row["id"] for row in calendar.own_days(db, YEAR)])


def test_timetable_and_journal_know_the_same_lessons(office: Office) -> None:
    of_day = {(one.group, one.period) for one in queries.agenda_of_day(office.db, YEAR, TODAY + 1)}
    assert of_day == {(one["group"], one["period"]) for one in journal.lessons(office.db, TODAY + 1)}


def test_a_pupil_has_the_lessons_of_the_own_subgroups(office: Office) -> None:
    group, pupil, class_group = office.db.execute(
        """SELECT gp.subject_group, gp.pupil, sg.class_group FROM subject_group_pupil gp
           JOIN subject_group sg ON sg.id = gp.subject_group WHERE gp."end" IS NULL AND gp.retired_at IS NULL LIMIT 1"""
    ).fetchone()
    found = queries.agenda(office.db, TODAY, TODAY + 6, pupil=pupil)
    own = {row[0] for row in office.db.execute(
        'SELECT subject_group FROM subject_group_pupil WHERE pupil = ? AND "end" IS NULL', (pupil,))}  # fmt: skip
    assert {one.group for one in found} <= own and group in {one.group for one in found}
    assert {one.slot["class_group"] for one in found} == {class_group}


# ---- substitutions


def test_only_free_teachers_are_proposed_and_the_subjects_own_first(office: Office) -> None:
    found = queries.free_teachers(office.db, YEAR, office.lesson)
    of_day = queries.agenda_of_day(office.db, YEAR, TODAY)
    at_once = {
        one.teacher for one in of_day
        if one.start < office.lesson.end and office.lesson.start < one.end  # type: ignore[operator]
    }  # fmt: skip
    assert found and not {one.person for one in found} & at_once
    assert [one.same_subject for one in found] == sorted((one.same_subject for one in found), reverse=True)


def test_the_substitute_writes_that_lesson_and_it_is_in_their_week(office: Office) -> None:
    lesson = office.lesson
    who = queries.free_teachers(office.db, YEAR, lesson)[0].person
    place = Place(lesson.group, TODAY, lesson.period)
    assert office.substitute(lesson, who) and not office.substitute(lesson, who)
    assert journal_actions.open_lesson(office.db, place, who, TODAY).person == who
    key = (lesson.group, lesson.period)
    theirs = queries.agenda(office.db, TODAY, TODAY, teacher=who)
    assert key in {(one.group, one.period) for one in theirs}
    own = queries.agenda(office.db, TODAY, TODAY, teacher=lesson.slot["teacher"])
    assert [one.substitute for one in own if (one.group, one.period) == key] == [who]
    with writing(office.db, office.account) as w:
        assert actions.take_back_substitution(w, lesson.group, TODAY, lesson.period)
    assert key not in {
        (one.group, one.period) for one in queries.agenda(office.db, TODAY, TODAY, teacher=who)
    }


def test_a_dropped_lesson_is_asked_for_by_nobody(office: Office) -> None:
    lesson, db = office.lesson, office.db
    place, key = Place(lesson.group, TODAY, lesson.period), (lesson.group, lesson.period)
    class_group, teacher = lesson.slot["class_group"], lesson.slot["teacher"]

    def asked() -> tuple[bool, ...]:
        columns = journal.columns(db, lesson.group, TODAY, TODAY)
        return (
            key in {(one.group, one.period) for one in queries.agenda(db, TODAY, TODAY, teacher=teacher)},
            (TODAY, lesson.period) in queries.dates(db, lesson.group, TODAY, TODAY),
            journal.lesson(db, place) is not None,
            place in {column.place for column in columns},
            (TODAY, lesson.period, lesson.group) in attendance.lessons(db, class_group, TODAY, TODAY),
            key in {(one["group"], one["period"]) for one in attendance.not_taken(db, TODAY, TODAY)},
        )

    def due() -> int:
        term = journal.term_of(db, lesson.group, TODAY)
        assert term is not None
        lines = control.lines(db, YEAR, term["id"], TODAY)
        return next(line.due for line in lines if line.group["id"] == lesson.group)

    def drop() -> bool:
        with writing(db, office.account) as w:
            return actions.drop(w, lesson.group, TODAY, lesson.period, "Мугалим ооруп калды")

    before = due()
    assert asked() == (True,) * 6
    assert drop() and not drop()
    assert asked() == (False,) * 6 and due() == before - 1
    shown = queries.agenda(db, TODAY, TODAY, teacher=teacher, dropped=True)
    assert [one.dropped for one in shown if (one.group, one.period) == key] == [True]
    with pytest.raises(NoLesson):
        journal_actions.open_lesson(db, place, teacher, TODAY)
    # A substitute is found after all; then the lesson is held, and can no longer be dropped.
    who = queries.free_teachers(db, YEAR, lesson)[0].person
    assert office.substitute(lesson, who) and asked()[0]
    with writing(db, office.account) as w:
        journal_actions.save(w, place, who, TODAY, [journal_actions.Change("topic", "Кайталоо", "")])
    with pytest.raises(LessonHeld):
        drop()
    with writing(db, office.account) as w:
        w.retire("lesson", *place.key.values())
        assert actions.take_back_substitution(w, lesson.group, TODAY, lesson.period)
    with pytest.raises(NoLesson), writing(db, office.account) as w:
        actions.drop(w, lesson.group, parse_day("2025-11-05"), lesson.period)
    assert asked() == (True,) * 6


def test_who_is_replaced_holds_nobodys_lesson(office: Office) -> None:
    lesson = office.lesson
    own, who = lesson.slot["teacher"], queries.free_teachers(office.db, YEAR, lesson)[0].person

    def offered(one: queries.Lesson) -> bool:
        return own in {free.person for free in queries.free_teachers(office.db, YEAR, one)}

    of_day = queries.agenda_of_day(office.db, YEAR, TODAY)
    other = next(one for one in of_day if one.slot["teacher"] not in (who, own) and offered(one))
    office.substitute(lesson, who)
    assert not offered(other)
    with writing(office.db, office.account) as w:
        actions.take_back_substitution(w, lesson.group, TODAY, lesson.period)


def test_another_subject_is_held_on_one_day_alone(office: Office) -> None:
    lesson, db = office.lesson, office.db
    class_group, period = lesson.slot["class_group"], lesson.period
    other = next(
        one
        for one in queries.groups(db, YEAR)
        if one["class_group"] == class_group
        and one["id"] != lesson.group
        and one["teacher"]
        and not any(held.period == period for held in queries.agenda(db, TODAY, TODAY, groups=[one["id"]]))
    )
    week = queries.slots(db, YEAR, TODAY)
    with writing(db, office.account) as w:
        actions.hold_instead(w, lesson.group, TODAY, period, other["id"], "Мугалим ооруп калды")
        assert not actions.hold_once(w, other["id"], TODAY, period)
    place = Place(other["id"], TODAY, period)

    def asked() -> tuple[bool, ...]:
        return (
            (TODAY, period) in queries.dates(db, other["id"], TODAY, TODAY),
            journal.lesson(db, place) is not None,
            place in {column.place for column in journal.columns(db, other["id"], TODAY, TODAY)},
            (TODAY, period, other["id"]) in attendance.lessons(db, class_group, TODAY, TODAY),
        )

    assert asked() == (True,) * 4
    assert queries.slots(db, YEAR, TODAY) == week, "the week is as it was"
    assert (TODAY + 7, period) not in queries.dates(db, other["id"], TODAY + 7, TODAY + 7)
    assert (TODAY, period) not in queries.dates(db, lesson.group, TODAY, TODAY)
    # Saving the week's cell of that day leaves the lesson of the one day alone.
    with writing(db, office.account) as w:
        actions.set_cell(w, class_group, weekday(TODAY), period, {lesson.group: lesson.slot["room"]}, TODAY)
    assert asked() == (True,) * 4
    with writing(db, office.account) as w:
        journal_actions.save(
            w, place, other["teacher"], TODAY, [journal_actions.Change("topic", "Кайталоо", "")]
        )
    with pytest.raises(LessonHeld), writing(db, office.account) as w:
        actions.call_off(w, other["id"], TODAY, period)
    with writing(db, office.account) as w:
        w.retire("lesson", *place.key.values())
        assert actions.call_off(w, other["id"], TODAY, period)
        assert actions.take_back_substitution(w, lesson.group, TODAY, period)
    assert asked() == (False,) * 4
    stranger = next(one["id"] for one in queries.groups(db, YEAR) if one["class_group"] != class_group)
    with pytest.raises(NotFound), writing(db, office.account) as w:
        actions.hold_instead(w, lesson.group, TODAY, period, stranger)
    with pytest.raises(NoLesson), writing(db, office.account) as w:
        actions.hold_once(w, other["id"], parse_day("2025-11-05"), period)


def test_two_lessons_at_once_of_a_day_are_told(office: Office, school: SchoolPages) -> None:
    lesson, db, deputy = office.lesson, office.db, school.as_("deputy")
    busy = next(
        one.teacher
        for one in queries.agenda_of_day(db, YEAR, TODAY)
        if one.start == lesson.start and one.slot["together"] != lesson.slot["together"] and one.teacher
    )
    page = f"/timetable/substitutions?day={date_of(TODAY).isoformat()}"
    before = deputy.get(page)[1].count("<li>")
    assert office.substitute(lesson, busy)
    assert deputy.get(page)[1].count("<li>") > before
    with writing(db, office.account) as w:
        actions.take_back_substitution(w, lesson.group, TODAY, lesson.period)


def test_the_deputy_adds_a_lesson_on_one_day_by_form(school: SchoolPages, office: Office) -> None:
    deputy, lesson = school.as_("deputy"), office.lesson
    day, class_group = date_of(TODAY).isoformat(), str(lesson.slot["class_group"])
    page = f"/timetable/substitutions?day={day}&class={class_group}"
    assert f'<option value="{lesson.group}">' in deputy.get(page)[1]
    form = {"day": day, "class": class_group, "group": str(lesson.group), "period": "9"}
    assert deputy.post("/timetable/substitutions/extra", **form)[0] == 302
    assert (TODAY, 9) in queries.dates(office.db, lesson.group, TODAY, TODAY)
    assert deputy.post("/timetable/substitutions/extra", **{**form, "period": "99"})[0] == 422
    deputy.get(page)
    assert deputy.post("/timetable/substitutions/back", **{**form, "period": "9"})[0] == 302
    assert (TODAY, 9) not in queries.dates(office.db, lesson.group, TODAY, TODAY)
    teacher, name = lesson.slot["teacher"], f"lesson-{lesson.group}-{lesson.period}"
    text = deputy.get(f"/timetable/substitutions?day={day}&teacher={teacher}")[1]
    other = re.search(r'value="instead-(\d+)"', text)
    assert other is not None
    assert deputy.post("/timetable/substitutions", **{"day": day, name: f"instead-{other[1]}"})[0] == 302
    assert (TODAY, lesson.period) in queries.dates(office.db, int(other[1]), TODAY, TODAY)
    deputy.get(page)
    for group in (other[1], str(lesson.group)):
        back = {"day": day, "group": group, "period": str(lesson.period)}
        assert deputy.post("/timetable/substitutions/back", **back)[0] == 302
    assert (TODAY, lesson.period) in queries.dates(office.db, lesson.group, TODAY, TODAY)


def test_impossible_substitutions_are_refused(office: Office) -> None:
    lesson = office.lesson
    with pytest.raises(NotFound):
        office.substitute(lesson, lesson.slot["teacher"])
    with pytest.raises(NotFound):
        office.substitute(lesson, office.one("SELECT person FROM pupil LIMIT 1"))
    with pytest.raises(NoLesson):
        office.substitute(replace(lesson, day=parse_day("2025-11-05")), lesson.slot["teacher"] + 1)


def test_events_need_a_title_and_an_order(office: Office) -> None:
    with writing(office.db, office.account) as w:
        event = actions.save_event(w, None, 1_000, 2_000, " Субботник ", "Короо")
        assert actions.save_event(w, event, 1_000, None, "Субботник") == event
        assert actions.cancel_event(w, event)
    assert queries.event(office.db, event) is None
    with pytest.raises(InvalidValue), writing(office.db, office.account) as w:
        actions.save_event(w, None, 1_000, None, " ")
    with pytest.raises(WrongOrder), writing(office.db, office.account) as w:
        actions.save_event(w, None, 2_000, 1_000, "x")


# ---- iCalendar


@given(text=st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=200))
def test_a_text_survives_escaping_and_folding(text: str) -> None:
    lines = (b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:x")
    content = (
        b"".join(line + b"\r\n" for line in lines)
        + ical.folded(f"X-T:{ical.escaped(text)}")
        + b"END:VCALENDAR\r\n"
    )
    assert parse(content).text("X-T") == text


def file_of(lessons: list[queries.Lesson], person: int | None = None) -> Component:
    content = ical.calendar(
        "7-А; математика, ө", lessons, [{"id": 9, "start": 0, "end": 3_600_000, "title": "Чогулуш, а", "place": None}],
        now=datetime.datetime(2025, 10, 23, tzinfo=datetime.UTC), sequence=3,
        title=lambda one: f"{one.slot['name_ky']}" + (" ~" if one.substitute else ""), person=person,
    )  # fmt: skip
    return parse(content)


def lessons_in(found: Component) -> set[datetime.datetime]:
    slots = {key: one for key, one in occurrences(found).items() if key[0].startswith("slot-")}
    return {at for _, at in slots if isinstance(at, datetime.datetime)}


def when(lessons: list[queries.Lesson]) -> set[datetime.datetime]:
    return {
        datetime.datetime.combine(date_of(one.day), datetime.time(*divmod(one.start or 0, 60)))
        for one in lessons
    }


def test_the_file_holds_the_years_lessons_without_holidays(office: Office) -> None:
    with writing(office.db, office.account) as w:
        calendar_actions.set_days(w, YEAR, TODAY + 14, TODAY + 14, "off")
        calendar_actions.set_days(w, YEAR, TODAY + 23, TODAY + 23, "school", taught_as=weekday(TODAY + 14))
    lessons = queries.agenda(office.db, FIRST, LAST, groups=[office.lesson.group])
    found = file_of(lessons)
    assert lessons_in(found) == when(lessons)
    assert found.text("X-WR-CALNAME") == "7-А; математика, ө"
    (zone,) = [one for one in found.inside if one.name == "VTIMEZONE"]
    assert zone.value("TZID") == "Asia/Bishkek" and zone.inside[0].value("TZOFFSETTO") == "+0600"
    assert any(one.values("EXDATE") for one in found.inside) and any(
        one.values("RDATE") for one in found.inside
    )
    (event,) = [one for one in found.inside if one.values("UID") == ["event-9@mektep"]]
    assert event.text("SUMMARY") == "Чогулуш, а" and event.value("DTSTART") == "19700101T000000Z"


def test_uids_stay_the_same_when_a_substitution_comes(office: Office) -> None:
    lesson, teacher = office.lesson, office.lesson.slot["teacher"]
    before = file_of(queries.agenda(office.db, FIRST, LAST, teacher=teacher), teacher)
    who = queries.free_teachers(office.db, YEAR, lesson)[0].person
    office.substitute(lesson, who)
    own = queries.agenda(office.db, FIRST, LAST, teacher=teacher)
    after = file_of(own, teacher)
    uids = [{one.value("UID") for one in found.inside if one.name == "VEVENT"} for found in (before, after)]
    assert uids[0] == uids[1]
    held = [one for one in own if one.teacher == teacher]
    assert lessons_in(after) == when(held) == lessons_in(before) - when([lesson])
    theirs = queries.agenda(office.db, FIRST, LAST, teacher=who)
    assert (
        when([lesson])
        <= lessons_in(file_of(theirs, who))
        == when([one for one in theirs if one.teacher == who])
    )
    of_class = queries.agenda(office.db, FIRST, LAST, classes=[lesson.slot["class_group"]])
    told = [one.text("SUMMARY") for (uid, at), one in occurrences(file_of(of_class)).items()
            if uid == f"slot-{lesson.slot['id']}@mektep" and at in when([lesson])]  # fmt: skip
    assert told == [f"{lesson.slot['name_ky']} ~"]


def test_without_bells_lessons_are_whole_days(office: Office) -> None:
    lessons = [
        replace(one, start=None, end=None)
        for one in queries.agenda(office.db, FIRST, LAST, groups=[office.lesson.group])
    ]
    days = {at for uid, at in occurrences(file_of(lessons)) if uid.startswith("slot-")}
    assert days == {date_of(one.day) for one in lessons}


# ---- pages


def test_the_deputy_edits_a_class_by_form(school: SchoolPages, office: Office) -> None:
    deputy, slot = school.as_("deputy"), dict(office.lesson.slot)
    class_id, place = slot["class_group"], f"{slot['weekday']}-{slot['period']}"
    day = date_of(TODAY + 30).isoformat()
    status, text = deputy.get(f"/timetable/edit/class/{class_id}?from={day}")
    assert status == 200 and f'name="cell-{place}"' in text
    now = "+".join(str(group) for group in sorted(cell_of(office.db, slot, TODAY + 30)))
    form = {"from": day, f"cell-{place}": "", f"seen-{place}": now}
    assert deputy.post(f"/timetable/edit/class/{class_id}", **form)[0] == 302
    assert cell_of(office.db, slot, TODAY + 30) == set() and cell_of(office.db, slot, TODAY + 29)
    assert deputy.get(f"/timetable/warnings?from={day}")[1].count("/timetable/edit/class/") >= 1
    back = {"from": day, "group": now.split("+")[0], f"room-{now.split('+')[0]}": str(slot["room"] or "")}
    cell = f"/timetable/cell/{class_id}/{slot['weekday']}/{slot['period']}"
    assert deputy.get(cell + f"?from={day}")[0] == 200
    assert deputy.post(cell, **back)[0] == 302
    assert cell_of(office.db, slot, TODAY + 30) == {int(now.split("+")[0])}
    for group in now.split("+")[1:]:
        with writing(office.db, office.account) as w:
            wanted = {int(one): slot["room"] for one in now.split("+")}
            actions.set_cell(w, class_id, slot["weekday"], slot["period"], wanted, TODAY + 30)
        assert int(group) in cell_of(office.db, slot, TODAY + 30)
    status, text = deputy.get(f"/timetable/edit/teacher/{slot['teacher']}?from={day}")
    assert status == 200 and f'name="cell-{place}"' in text
    assert school.as_("teacher").post(f"/timetable/edit/class/{class_id}", **form)[0] == 403


def test_the_deputy_edits_by_room(school: SchoolPages, office: Office) -> None:
    deputy = school.as_("deputy")
    day, later = date_of(TODAY + 30).isoformat(), TODAY + 30
    first, other = (
        (
            slot["weekday"],
            slot["shift"] or 1,
            slot["period"],
            slot["room"],
            slot["group"],
            slot["class_group"],
        )
        for slot in office.db.query(
            """SELECT t.weekday, cg.shift, t.period, t.room, t.subject_group AS "group", sg.class_group
               FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group
               JOIN class_group cg ON cg.id = sg.class_group
               WHERE t.room IS NOT NULL AND t.weekday = 2 AND t.period = 2 AND t."end" IS NULL
                 AND t.retired_at IS NULL GROUP BY t.room HAVING count(*) = 1 ORDER BY cg.shift, t.id LIMIT 2"""
        )
    )
    assert first[:3] == other[:3] and first[3] != other[3]
    weekday, shift, period, room, group, class_id = first
    page = f"/timetable/edit/room/{room}"
    cell = f"{weekday}-{shift * 100 + period}"
    status, text = deputy.get(f"{page}?from={day}")
    assert status == 200 and f'name="cell-{cell}"' in text
    assert f'<option value="{group}" selected>' in text and f'<option value="{other[4]}">' in text
    assert f"/timetable/cell/{class_id}/{weekday}/{period}?" in text

    def rooms() -> dict[int, int | None]:
        then = queries.slots(office.db, YEAR, later)
        those = [one for one in then if (one["weekday"], one["period"]) == (weekday, period)]
        return {one["group"]: one["room"] for one in those if one["group"] in (group, other[4])}

    # The other lesson comes into the room: it is held there once, and the one that was there has none.
    form = {"from": day, f"seen-{cell}": str(group)}
    assert deputy.post(page, **form, **{f"cell-{cell}": str(other[4])})[0] == 302
    assert rooms() == {group: None, other[4]: room}
    # Both at once: kept, and warned of on this page and on those of class and teacher.
    with writing(office.db, office.account) as w:
        actions.set_rooms_cell(w, room, YEAR, (weekday, shift, period), {group, other[4]}, later)
    teacher = office.one("SELECT teacher FROM subject_group WHERE id = ?", group)
    for at in (page, f"/timetable/edit/class/{class_id}", f"/timetable/edit/teacher/{teacher}"):
        assert "Кабинет эки жолу ээленген" in deputy.get(f"{at}?from={day}")[1]
    with pytest.raises(NotFound), writing(office.db, office.account) as w:
        actions.set_rooms_cell(w, room, YEAR, (weekday, shift, 15), {group}, later)
    with writing(office.db, office.account) as w:
        for back in (first, other):
            actions.set_rooms_cell(w, back[3], YEAR, (weekday, shift, period), {back[4]}, later)
    assert rooms() == {group: room, other[4]: other[3]}
    assert deputy.get("/timetable/edit/room/1")[0] == 404
    assert school.as_("teacher").get(page)[0] == 403


def test_the_deputy_substitutes_by_form(school: SchoolPages, office: Office) -> None:
    deputy, lesson = school.as_("deputy"), office.lesson
    day, teacher = date_of(TODAY).isoformat(), lesson.slot["teacher"]
    status, text = deputy.get(f"/timetable/substitutions?day={day}&teacher={teacher}")
    name = f"lesson-{lesson.group}-{lesson.period}"
    assert status == 200 and f'name="{name}"' in text
    who = queries.free_teachers(office.db, YEAR, lesson)[0].person
    assert deputy.post("/timetable/substitutions", **{"day": day, name: str(who), "reason": "оору"})[0] == 302
    assert "оору" in deputy.get(f"/timetable/substitutions?day={day}")[1]
    assert deputy.post("/timetable/substitutions", **{"day": day, name: "dropped"})[0] == 302
    assert (
        '<option value="dropped" selected>'
        in deputy.get(f"/timetable/substitutions?day={day}&teacher={teacher}")[1]
    )
    shown = school.as_("teacher").get(f"/timetable/?class={lesson.slot['class_group']}&day={day}")
    assert shown[0] == 200 and "оору" not in shown[1]
    assert '"hour"' in deputy.get(f"/timetable/?day={day}")[1], "the week of the first class"
    back = {"day": day, "group": str(lesson.group), "period": str(lesson.period)}
    assert deputy.post("/timetable/substitutions/back", **back)[0] == 302


@pytest.mark.parametrize("query", ["class", "teacher", "room"])
def test_everyone_reads_every_week(school: SchoolPages, office: Office, query: str) -> None:
    slot = office.lesson.slot
    value = {"class": slot["class_group"], "teacher": slot["teacher"], "room": slot["room"]}[query]
    status, text = school.as_("teacher").get(f"/timetable/?{query}={value}&day={date_of(TODAY).isoformat()}")
    assert status == 200 and text.count('class="hour"') > 0


def test_the_wall_sheet_holds_every_lesson_of_a_shift(school: SchoolPages, office: Office) -> None:
    day, shift = date_of(TODAY).isoformat(), office.lesson.slot["shift"]
    status, text = school.as_("teacher").get(f"/timetable/sheet?day={day}&shift={shift}")
    slots = [one for one in queries.slots(office.db, YEAR, TODAY) if one["shift"] == shift]
    assert status == 200 and text.count('<span class="line">') == len(slots) > 0


def test_rooms_and_events_are_kept_by_form(school: SchoolPages, office: Office) -> None:
    deputy = school.as_("deputy")
    deputy.get("/timetable/rooms")
    assert deputy.post("/timetable/rooms", name="Актовый зал", seats="120")[0] == 302
    room = str(office.one("SELECT id FROM room WHERE name = 'Актовый зал'"))
    assert deputy.post("/timetable/rooms", name=" ", room=room)[0] == 422
    assert deputy.post("/timetable/rooms", name="", room=room, close="1")[0] == 302
    form = {"title": "Чогулуш", "day": "2025-10-30", "from": "15:00", "until": "16:00", "place": "Зал"}
    assert deputy.post("/timetable/events", **form)[0] == 302
    start = datetime.datetime(2025, 10, 30, 9, tzinfo=datetime.UTC).timestamp() * 1000
    assert office.one("SELECT start FROM event WHERE title = 'Чогулуш'") == start
    assert deputy.post("/timetable/events", **form | {"until": "14:00"})[0] == 422
    assert "Чогулуш" in school.as_("teacher").get("/timetable/events?day=2025-10-30")[1]
    event = str(office.one("SELECT id FROM event WHERE title = 'Чогулуш'"))
    text = deputy.get(f"/timetable/events?day=2025-10-30&edit={event}")[1]
    assert 'value="15:00"' in text and 'value="2025-10-30"' in text
    assert deputy.post("/timetable/events", **form | {"event": event, "title": "Жыйын"})[0] == 302
    assert office.one("SELECT count(*) FROM event WHERE id = ? AND title = 'Жыйын'", event) == 1


def test_a_secret_address_opens_ones_own_lessons_and_ends(school: SchoolPages, office: Office) -> None:
    client = school.as_("teacher")
    client.get("/timetable/addresses")
    person = str(school.person("teacher"))
    status, text = client.post("/timetable/addresses", person=person)
    assert status == 200
    secret = text.split("/timetable/feed/")[1].split(".ics")[0]
    assert len(secret) == 40
    kept = office.db.execute("SELECT secret FROM calendar_address").fetchone()[0]
    assert secret.encode() not in kept and bytes.fromhex(secret) not in kept
    assert client.post("/timetable/addresses", person=str(school.person("deputy")))[0] == 403
    answer = school.stranger().http.get(f"/timetable/feed/{secret}.ics")
    assert answer.status_code in (200, 404) and answer.headers["Content-Type"].startswith(
        ("text/calendar", "application/json")
    )
    assert school.stranger().http.get("/timetable/feed/ffff.ics").status_code == 404
    address = str(office.one("SELECT max(id) FROM calendar_address"))
    assert school.as_("deputy").post("/timetable/addresses/end", address=address)[0] == 404
    assert client.post("/timetable/addresses/end", address=address)[0] == 302
    assert school.stranger().http.get(f"/timetable/feed/{secret}.ics").status_code == 404


def test_a_guardian_has_the_childs_week_and_no_other(pages: SchoolPages) -> None:
    client = pages.as_("guardian")
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    strange = pages.one("SELECT person FROM pupil WHERE person <> ? LIMIT 1", child)
    assert client.get(f"/timetable/?child={child}&day=2025-11-12")[1].count('class="hour"') > 0
    assert client.get(f"/timetable/?child={strange}")[0] == 403
    assert client.get(f"/timetable/lessons.ics?child={strange}")[0] == 403
    assert client.http.get(f"/timetable/lessons.ics?child={child}").get_data().startswith(b"BEGIN:VCALENDAR")
    assert f"/timetable/?child={child}" in client.get("/")[1]
    client.get("/timetable/addresses")
    assert client.post("/timetable/addresses", person=str(strange))[0] == 403


COMBINED = replace(ENTRY, slot=2, group=2, class_group=2, together=1)


@pytest.mark.parametrize(
    ("other", "one_lesson"),
    [
        (COMBINED, True),
        (replace(COMBINED, room=(ENTRY.room or 0) + 1), False),
        (replace(COMBINED, teacher=(ENTRY.teacher or 0) + 1), False),
        (replace(COMBINED, together=2), False),
    ],
)
def test_a_combined_class_is_taught_as_one(other: Entry, one_lesson: bool) -> None:
    """Whatever the subjects: what each part learns is no part of the question."""
    first = replace(ENTRY, together=1)
    assert (reasons(first, other) == []) is one_lesson
    assert (reasons(other, first) == []) is one_lesson


def test_staff_without_lessons_have_a_week_and_a_file_with_the_events(own: SchoolPages) -> None:
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        actions.save_event(w, None, today() * DAY_MS, None, "Чогулуш")
    for duty in ("head", "secretary", "librarian", "social"):
        client = own.as_(duty)
        status, page = client.get("/")
        assert status == 200 and page.count("Чогулуш") == 2, "in the week and among the next days"
        assert f"?teacher={own.person(duty)}" in page
        file = client.http.get("/timetable/lessons.ics")
        assert file.status_code == 200 and "SUMMARY:Чогулуш" in file.get_data(as_text=True)
    assert own.as_("administrator").get("/timetable/lessons.ics")[0] == 403
    client = own.as_("head")
    assert client.get("/timetable/?day=2025-11-12")[1].count('class="hour"') > 0, (
        "the timetable begins with a class"
    )
    page = client.post("/timetable/addresses", person=str(own.person("head")))[1]
    found = re.search(r"/timetable/feed/([^.]+)\.ics", page)
    assert found and own.stranger().http.get(f"/timetable/feed/{found[1]}.ics").status_code == 200
