"""Classes, subjects and subgroups: the rules without HTTP, and their pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlite_utils import Database

from node import roster
from node.classes import actions, queries
from node.classes.actions import ClassDraft, GroupDraft
from node.journal import queries as journal
from node.settings import actions as settings
from node.timetable import queries as timetable
from shared.dates import parse_day
from shared.problems import (
    ClassExists,
    ClassHadPupils,
    ClassInUse,
    ClassNotEmpty,
    GroupInUse,
    InvalidValue,
    NotFound,
    OutsideYear,
    SubjectTaught,
)
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.stores import ACTOR, a_store

YEAR, START = 3, 20_332
"""2025/26, which ships with the product, and its first day."""
SEVEN = ClassDraft(grade=7, letter="А", language="ky", shift=1, week_days=6)
ENGLISH, MATHS = 11, 14
LATER = START + 30


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_store()) as db:
        yield db


def a_class(db: Database, draft: ClassDraft = SEVEN, pupils: int = 0) -> int:
    with writing(db, ACTOR) as w:
        made = actions.create_class(w, YEAR, draft)
        for _ in range(pupils):
            person = w.insert("person", sex="f", birth_year=2012)
            w.put("pupil", person=person)
            roster.enrol(w, person, made, START)
    return made


def taught(db: Database, class_id: int, subject: int = ENGLISH) -> int:
    with writing(db, ACTOR) as w:
        return actions.add_group(w, class_id, GroupDraft(subject, None, 3, 1))


def lists(db: Database, class_id: int, subject: int, day: int) -> list[list[int]]:
    return [sorted(one["pupils"]) for one in queries.divided(db, class_id, subject, day, day)]


# ---- classes


def test_a_class_is_made_changed_closed_and_opened_again(db: Database) -> None:
    made = a_class(db)
    with writing(db, ACTOR) as w:
        assert actions.change_class(w, made, replace(SEVEN, shift=2))
        assert not actions.change_class(w, made, replace(SEVEN, shift=2))
        actions.close_class(w, made, LATER)
    row = queries.class_group(db, made, START)
    assert row is not None
    assert (row["shift"], row["week_days"], row["closed_on"]) == (2, 6, LATER)
    with writing(db, ACTOR) as w:
        actions.reopen_class(w, made)
    assert db.execute("SELECT closed_on FROM class_group").fetchone()[0] is None


def test_a_year_has_a_class_once_and_a_closed_one_makes_room(db: Database) -> None:
    made = a_class(db)
    with pytest.raises(ClassExists):
        a_class(db)
    with writing(db, ACTOR) as w:
        actions.close_class(w, made, START)
    a_class(db)
    with pytest.raises(ClassExists), writing(db, ACTOR) as w:
        actions.reopen_class(w, made)


@pytest.mark.parametrize(
    ("column", "value"),
    [("grade", 0), ("grade", 13), ("letter", ""), ("letter", "АБВГД"), ("language", "xx"), ("shift", 6),
     ("week_days", 7), ("teacher", 5), ("room", 5), ("combined", 5)],
)  # fmt: skip
def test_what_a_class_cannot_be(db: Database, column: str, value: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        a_class(db, replace(SEVEN, **{column: value}))  # type: ignore[arg-type]
    assert caught.value.details["column"] == column
    assert db.execute("SELECT count(*) FROM class_group").fetchone()[0] == 0


def test_a_class_with_pupils_is_not_closed(db: Database) -> None:
    made = a_class(db, pupils=2)
    with pytest.raises(ClassNotEmpty) as caught, writing(db, ACTOR) as w:
        actions.close_class(w, made, LATER)
    assert caught.value.details["count"] == 2
    with pytest.raises(OutsideYear), writing(db, ACTOR) as w:
        actions.close_class(w, made, START - 1)
    with pytest.raises(NotFound), writing(db, ACTOR) as w:
        actions.close_class(w, made + 9, LATER)


def test_small_classes_are_taught_together_and_not_in_a_circle(db: Database) -> None:
    first, second = a_class(db), a_class(db, replace(SEVEN, grade=8))
    with writing(db, ACTOR) as w:
        actions.change_class(w, second, replace(SEVEN, grade=8, combined=first))
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        actions.change_class(w, first, replace(SEVEN, combined=second))
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        actions.change_class(w, first, replace(SEVEN, combined=first))


# ---- subjects


def test_a_class_made_by_mistake_is_taken_back_and_one_with_history_stays(db: Database) -> None:
    mistake, partner = a_class(db), a_class(db, replace(SEVEN, letter="Б"))
    group = taught(db, mistake)
    with writing(db, ACTOR) as w:
        w.update("class_group", partner, combined=mistake)
        actions.remove_class(w, mistake)
        with pytest.raises(NotFound):
            actions.remove_class(w, mistake)
    gone = "SELECT count(*) FROM class_group WHERE id = ? AND retired_at IS NULL"
    assert db.execute(gone, (mistake,)).fetchone() == (0,)
    sql = "SELECT (SELECT retired_at IS NULL FROM subject_group WHERE id = ?), combined FROM class_group WHERE id = ?"
    assert db.execute(sql, (group, partner)).fetchone() == (0, None)
    again, lessons = a_class(db), taught(db, partner)
    with writing(db, ACTOR) as w:
        w.insert("own_day", year=YEAR, day=START, kind="off", class_group=again)
        w.insert("timetable_slot", subject_group=lessons, weekday=1, period=1)
    with_pupils = a_class(db, replace(SEVEN, letter="В"), pupils=1)
    with writing(db, ACTOR) as w:
        for kept, problem in ((again, ClassInUse), (partner, ClassInUse), (with_pupils, ClassHadPupils)):
            with pytest.raises(problem):
                actions.remove_class(w, kept)


def test_a_subject_is_taught_once_and_removed_only_while_nothing_was_written(db: Database) -> None:
    made = a_class(db)
    group = taught(db, made)
    with pytest.raises(SubjectTaught):
        taught(db, made)
    with pytest.raises(InvalidValue):
        taught(db, made, 4_711)
    with writing(db, ACTOR) as w:
        w.put("lesson", subject_group=group, day=START, period=1)
    with pytest.raises(GroupInUse), writing(db, ACTOR) as w:
        actions.remove_group(w, group)
    with writing(db, ACTOR) as w:
        actions.remove_group(w, other := actions.add_group(w, made, GroupDraft(MATHS, None, 5, 1)))
    assert queries.subject_group(db, other) is None
    assert queries.subject_group(db, group) is not None


def test_subjects_are_taken_over_and_the_class_teachers_go_to_the_new_one(db: Database) -> None:
    with writing(db, ACTOR) as w:
        one, two, guest = (w.insert("person") for _ in range(3))
        for person in (one, two, guest):
            w.put("staff", person=person, position="primary")
    source, target = (
        a_class(db, replace(SEVEN, teacher=one)),
        a_class(db, replace(SEVEN, letter="Б", teacher=two)),
    )
    with writing(db, ACTOR) as w:
        actions.add_group(w, source, GroupDraft(MATHS, one, 5, 1))
        actions.add_group(w, source, GroupDraft(ENGLISH, guest, 3, 1))
        assert actions.copy_groups(w, target, source) == 2
        assert actions.copy_groups(w, target, source) == 0
    rows = db.execute(
        "SELECT subject, teacher, hours_week, scale FROM subject_group WHERE class_group = ? ORDER BY subject",
        (target,),
    ).fetchall()
    assert rows == [(ENGLISH, guest, 3, 1), (MATHS, two, 5, 1)]


# ---- subgroups


def test_a_split_keeps_the_past_and_moves_every_second_pupil(db: Database) -> None:
    made = a_class(db, pupils=5)
    group = taught(db, made)
    with writing(db, ACTOR) as w:
        actions.split(w, group, LATER, None, ("1", "2"))
    assert [len(one) for one in lists(db, made, ENGLISH, LATER - 1)] == [5, 0]
    assert [len(one) for one in lists(db, made, ENGLISH, LATER)] == [3, 2]


def test_pupils_move_between_subgroups_by_date(db: Database) -> None:
    made = a_class(db, pupils=4)
    group = taught(db, made)
    with writing(db, ACTOR) as w:
        second = actions.split(w, group, START, None, ("1", "2"))
    first_four = lists(db, made, ENGLISH, START)
    pupil = first_four[0][0]
    with writing(db, ACTOR) as w:
        assert actions.place_pupils(w, group, LATER, {pupil: second}) == 1
        assert actions.place_pupils(w, group, LATER, {pupil: second}) == 0
    assert lists(db, made, ENGLISH, LATER - 1) == first_four
    assert pupil in lists(db, made, ENGLISH, LATER)[1] and pupil not in lists(db, made, ENGLISH, LATER)[0]
    with writing(db, ACTOR) as w:
        actions.place_pupils(w, group, LATER + 5, {pupil: None})
    assert not any(pupil in one for one in lists(db, made, ENGLISH, LATER + 5))
    assert [(row["part"], row["start"], row["end"]) for row in queries.stays(db, made, ENGLISH, LATER)
            if row["id"] == pupil] == [("1", START, LATER), ("2", LATER, LATER + 5)]  # fmt: skip


def test_who_leaves_a_subgroup_and_comes_back_was_not_there_meanwhile(db: Database) -> None:
    made = a_class(db, pupils=4)
    group = taught(db, made)
    with writing(db, ACTOR) as w:
        second = actions.split(w, group, START, None, ("1", "2"))
    pupil = lists(db, made, ENGLISH, START)[0][0]
    for day, where in ((LATER, second), (LATER + 10, group), (LATER + 20, second), (LATER + 30, group)):
        with writing(db, ACTOR) as w:
            assert actions.place_pupils(w, group, day, {pupil: where}) == 1
    days = range(START, LATER + 40)
    here = journal.membership(db, group, days)(pupil)
    assert here == {day for day in days if day < LATER or LATER + 10 <= day < LATER + 20 or day >= LATER + 30}
    assert journal.membership(db, second, days)(pupil) == set(days) - here
    there = timetable.membership(db, pupil)
    for day in days:
        assert there(made, group, day) is (day in here) is not there(made, second, day)
        assert (pupil in lists(db, made, ENGLISH, day)[0]) is (day in here)
        assert (pupil in lists(db, made, ENGLISH, day)[1]) is (day not in here)
        assert (pupil in journal.members(db, group, day, day)) is (day in here)
        assert roster.size(db, group, day) == (2 if day in here else 1)
    assert pupil in journal.members(db, group, LATER - 1, LATER) and pupil in journal.members(
        db, group, LATER, LATER + 10
    )
    assert [(row["part"], row["start"] - LATER, row["end"] and row["end"] - LATER)
            for row in queries.stays(db, made, ENGLISH, LATER) if row["id"] == pupil] == [
        ("1", -30, 0), ("2", 0, 10), ("1", 10, 20), ("2", 20, 30), ("1", 30, None),
    ]  # fmt: skip
    with writing(db, ACTOR) as w:
        roster.leave(w, pupil, made, LATER + 15)
    assert journal.membership(db, group, days)(pupil) == {day for day in here if day < LATER + 15}
    with writing(db, ACTOR) as w:
        roster.return_to(w, pupil, made, LATER + 15)
        assert actions.place_pupils(w, group, LATER + 10, {pupil: second}) == 1
    assert journal.membership(db, group, days)(pupil) == {day for day in here if day < LATER}
    with writing(db, ACTOR) as w:
        actions.place_pupils(w, group, LATER + 10, {pupil: group})
        actions.place_pupils(w, group, LATER + 5, {pupil: group})
    assert journal.membership(db, group, days)(pupil) == {day for day in days if not LATER <= day < LATER + 5}
    assert journal.membership(db, second, days)(pupil) == {day for day in days if LATER <= day < LATER + 5}


def test_a_third_subgroup_begins_empty_and_is_not_the_whole_class(db: Database) -> None:
    made = a_class(db, pupils=4)
    group = taught(db, made)
    with writing(db, ACTOR) as w:
        actions.split(w, group, START, None, ("1", "2"))
        actions.split(w, group, LATER, None, ("1", "3"))
    assert [len(one) for one in lists(db, made, ENGLISH, LATER)] == [2, 2, 0]
    assert all(roster.has_list(db, one) for one in roster.parts(db, made)[ENGLISH])


def test_nobody_is_placed_into_another_class_or_subject(db: Database) -> None:
    made, other = a_class(db, pupils=2), a_class(db, replace(SEVEN, letter="Б"), pupils=1)
    group, maths = taught(db, made), taught(db, made, MATHS)
    stranger = lists_of(db, other)[0]
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        actions.place_pupils(w, group, LATER, {lists_of(db, made)[0]: maths})
    with writing(db, ACTOR) as w:
        assert actions.place_pupils(w, group, LATER, {stranger: group}) == 0
    with pytest.raises(OutsideYear), writing(db, ACTOR) as w:
        actions.place_pupils(w, group, START - 1, {})


def lists_of(db: Database, class_id: int) -> list[int]:
    return queries.in_alphabetical_order(db, class_id, LATER)


def test_a_newcomer_joins_the_smaller_part_or_the_chosen_one(db: Database) -> None:
    made = a_class(db, pupils=3)
    group = taught(db, made)
    whole = taught(db, made, MATHS)
    with writing(db, ACTOR) as w:
        second = actions.split(w, group, START, None, ("1", "2"))
        smaller, chosen = w.insert("person"), w.insert("person")
        for person, parts in ((smaller, {}), (chosen, {ENGLISH: group})):
            w.put("pupil", person=person)
            roster.enrol(w, person, made, LATER, chosen=parts)
    assert smaller in queries.listed(db, second, LATER)
    assert chosen in queries.listed(db, group, LATER)
    assert not roster.has_list(db, whole)


def test_ages_are_counted_anew_where_the_date_of_birth_is_known(db: Database) -> None:
    made = a_class(db, pupils=2)
    first, second = lists_of(db, made)
    with writing(db, ACTOR) as w:
        w.insert("consent", person=first, purpose="core", valid_from=START)
        w.update("person", first, birth_date=15_700)
        assert roster.refresh_ages(w, YEAR) == 1
        assert roster.refresh_ages(w, YEAR) == 0
    ages = dict(db.execute("SELECT pupil, age FROM enrolment").fetchall())
    assert ages == {first: 12, second: 13}
    given = roster.reference_day(db, YEAR)
    with writing(db, ACTOR) as w:
        settings.change(w, "return_day", "31", {"head"})
        settings.change(w, "return_month", "2", {"head"})
        assert roster.reference_day(db, YEAR) == parse_day("2026-02-28")
        assert roster.refresh_ages(w, YEAR) == 1
        settings.change(w, "return_month", "9", {"head"})
        assert roster.reference_day(db, YEAR) == parse_day("2025-09-30")
        settings.change(w, "return_day", "0", {"head"})
    assert roster.reference_day(db, YEAR) == given == parse_day("2025-09-05")


# ---- pages


def test_head_and_deputy_make_a_class_and_nobody_else(pages: SchoolPages) -> None:
    form = {"year": "3", "grade": "12", "letter": "я", "language": "ru", "shift": "2", "week_days": "6",
            "teacher": str(pages.person("teacher")), "room": "", "combined": ""}  # fmt: skip
    assert pages.as_("secretary").post("/classes/new", **form)[0] == 403
    deputy = pages.as_("deputy")
    assert deputy.get("/classes/new?year=3")[0] == 200
    status, there = deputy.post("/classes/new", **form)
    assert status == 302
    text = deputy.get(there)[1]
    assert "12-Я" in text and "Орус тили" in text
    status, text = deputy.post("/classes/new", **form)
    assert status == 422 and "башка тамганы тандаңыз" in text and 'value="12"' in text
    class_id = int(there.rsplit("/", 1)[1])
    assert deputy.post(f"/classes/{class_id}/edit", **(form | {"shift": "1"}))[0] == 302
    assert deputy.post(f"/classes/{class_id}/subjects", source=str(pages.taught))[0] == 302
    groups = queries.subject_groups(pages.node.connect(), class_id, START, START)
    assert len(groups) > 5
    group = groups[0]["id"]
    assert deputy.get(f"/classes/subject/{group}")[0] == 200
    assert deputy.post(f"/classes/subject/{group}", remove="1")[0] == 302
    assert deputy.get(f"/classes/subject/{group}")[0] == 404
    assert deputy.post(f"/classes/{class_id}/close", day="2025-10-01")[0] == 302
    assert "Жабылган" in deputy.get(f"/classes/{class_id}")[1]
    assert pages.as_("teacher").get(f"/classes/{class_id}/edit")[0] == 403
    assert f"/classes/{class_id}/remove" in deputy.get(f"/classes/{class_id}/edit")[1]
    assert pages.as_("secretary").post(f"/classes/{class_id}/remove")[0] == 403
    assert (
        deputy.post(f"/classes/{class_id}/remove")[0] == 302 and deputy.get(f"/classes/{class_id}")[0] == 404
    )
    assert f"/classes/{pages.taught}/remove" not in deputy.get(f"/classes/{pages.taught}/edit")[1]
    status, text = deputy.post(f"/classes/{pages.taught}/remove")
    assert status == 422 and "Бул класста окуучулар катталган" in text


def test_subgroups_are_seen_and_changed_on_the_page(pages: SchoolPages) -> None:
    deputy = pages.as_("deputy")
    group = pages.one(
        """SELECT sg.id FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group
           WHERE cg.id = ? AND sg.subject = 36 LIMIT 1""",
        pages.taught,
    )
    assert deputy.get(f"/classes/subject/{group}")[0] == 200
    form = {"split": "1", "first": "1", "second": "2", "teacher": "", "day": "2025-11-10"}
    assert deputy.post(f"/classes/subject/{group}", **form)[0] == 302
    status, text = deputy.get(f"/classes/subject/{group}?day=2025-11-11")
    assert status == 200 and text.count('name="pupil-') > 10
    status, text = deputy.post(f"/classes/subject/{group}", place="1", day="2025-08-01")
    assert status == 422
