"""Undo of a whole import, and its undo: by the rules of today, nothing that is locked, late or another's changes."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import pytest

from node import frozen
from node.counting import quarter
from node.derived import derive
from node.importing import back, undoing
from node.plans import actions as plans
from node.plans import queries as plan_queries
from shared.access import Visitor
from shared.problems import NothingToUndo
from shared.schema import Value
from sync.state import State
from sync.undo import marked_act, note_act
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages
from tests.node.test_importing_marks import HEAD, TODAY, WHY, Class
from tests.node.test_importing_marks import of_class as of_class
from tests.node.test_importing_marks import own as own
from tests.node.test_importing_pages import GOOD, PUPILS, names, upload
from tests.node.test_importing_pages import HEAD as STAFF
from tests.node.test_oneroster_intake import School
from tests.node.test_oneroster_intake import fresh as fresh
from tests.node.test_oneroster_intake import taught as taught

LOCKED, LATE, OTHERS, USED = (
    "мезгил жабык",
    "сабак көп мурда өткөн",
    "азыр башка мугалимдики",
    "кийин колдонулган",
)


def imported(client: Client, kind: str, text: str, **form: str) -> str:
    """Import a list; returns the address of its undo."""
    status, page = client.post(upload(client, kind, text), do="all", **form)
    mark = re.search(r"/import/undo/\d+", page)
    assert status == 200 and mark, page
    return mark[0]


def of_marks(
    of_class: Class, first: int = TODAY - 5, last: int = TODAY, **form: str
) -> tuple[str, Any, list[int]]:
    """Two marks of a lesson come in; the address of the undo, the lesson, the pupils."""
    place = of_class.lesson(first, last)
    pupils = [pupil for pupil in of_class.pupils(place) if of_class.mark(place, pupil) is None][:2]
    lines = "".join(of_class.line(place, pupil, 4) for pupil in pupils)
    return imported(of_class.teacher, "marks", HEAD + lines, **form), place, pupils


def values(of_class: Class, place: Any, pupils: list[int]) -> list[int | None]:
    return [of_class.mark(place, pupil) for pupil in pupils]


def test_marks_of_a_period_that_was_locked_since_stay(of_class: Class) -> None:
    there, place, pupils = of_marks(of_class)
    of_class.lock(place.day)
    status, text = of_class.teacher.get(there)
    assert status == 200 and LOCKED in text and 'class="btn danger"' not in text
    assert of_class.own.as_("class_teacher").post(there)[0] == 403, "an import is its author's, or the head's"
    assert of_class.teacher.post(there)[0] == 422 and values(of_class, place, pupils) == [4, 4]
    assert of_class.held(place), "the lesson of a mark that stays stays"
    with of_class.writing() as w:
        for key in of_class.rows("SELECT class_group, term FROM term_lock"):
            w.put("term_lock", class_group=key[0], term=key[1], locked=0, reason="Ката")
    assert of_class.teacher.post(there)[0] == 200 and values(of_class, place, pupils) == [None, None]
    assert of_class.held(place) == [], "with its marks the lesson goes that they brought"


def test_late_marks_go_with_a_reason_and_are_struck(of_class: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    there, place, pupils = of_marks(of_class)
    monkeypatch.setattr(back, "today", lambda: place.day + 8)
    status, text = of_class.teacher.get(there)
    assert status == 200 and LATE in text and 'name="reason"' in text
    assert of_class.teacher.post(there)[0] == 422 and values(of_class, place, pupils) == [4, 4]
    status, text = of_class.teacher.post(there, reason="Башка класстын тизмеси")
    assert status == 200 and values(of_class, place, pupils) == [None, None]
    who = of_class.own.person("teacher")
    struck = [(pupil, "4", "Башка класстын тизмеси", who, place.day + 8) for pupil in pupils]
    assert of_class.corrections() == struck and of_class.held(place), "what was struck stays to be read"


def test_what_came_late_stays_struck_when_it_goes(of_class: Class) -> None:
    there, place, pupils = of_marks(of_class, TODAY - 80, TODAY - 60, reason=WHY)
    assert len(of_class.corrections()) == 2
    assert of_class.teacher.post(there, reason="Башка класс")[0] == 200
    assert values(of_class, place, pupils) == [None, None]
    assert [(old, why) for _, old, why, *_ in of_class.corrections()] == [
        ("", WHY), ("", WHY), ("4", "Башка класс"), ("4", "Башка класс"),
    ]  # fmt: skip


def test_marks_of_a_group_that_another_teaches_now_are_that_ones(of_class: Class) -> None:
    there, place, pupils = of_marks(of_class)
    other = of_class.own.person("class_teacher")
    with of_class.writing() as w:
        w.update("subject_group", of_class.group, teacher=other)
    assert OTHERS in of_class.teacher.get(there)[1]
    assert of_class.teacher.post(there)[0] == 422 and values(of_class, place, pupils) == [4, 4]
    assert of_class.own.as_("head").post(there)[0] == 200, "the head undoes any import"
    assert values(of_class, place, pupils) == [None, None]


def test_a_lesson_in_which_more_was_written_since_stays(of_class: Class) -> None:
    there, place, pupils = of_marks(of_class)
    with of_class.writing() as w:
        w.put("mark", **place.key, pupil=of_class.pupils(place)[2], slot=0, value=5, kind=1, scale=1)
    assert of_class.teacher.post(there)[0] == 200 and values(of_class, place, pupils) == [None, None]
    assert of_class.held(place)


def test_an_undone_import_comes_back_by_the_rules_of_that_day(
    of_class: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, place, pupils = of_marks(of_class)
    again = there.replace("/undo/", "/redo/")
    assert of_class.teacher.get(again)[0] == 404, "only what was undone comes back"
    assert of_class.teacher.post(there)[0] == 200
    assert again in of_class.teacher.get("/import/")[1]
    assert of_class.own.as_("class_teacher").post(again)[0] == 403
    of_class.lock(place.day)
    assert of_class.teacher.post(again)[0] == 422 and values(of_class, place, pupils) == [None, None]
    with of_class.writing() as w:
        for key in of_class.rows("SELECT class_group, term FROM term_lock"):
            w.put("term_lock", class_group=key[0], term=key[1], locked=0, reason="Ката")
    monkeypatch.setattr(back, "today", lambda: place.day + 8)
    assert of_class.teacher.post(again)[0] == 422 and of_class.held(place) == []
    status, _ = of_class.teacher.post(again, reason=WHY)
    assert status == 200 and values(of_class, place, pupils) == [4, 4] and of_class.held(place)
    assert [old for _, old, *_ in of_class.corrections()] == ["", ""]
    assert of_class.teacher.post(there, reason=WHY)[0] == 200, "and goes once more"
    assert values(of_class, place, pupils) == [None, None]


# ---- plans


def plan_of(of_class: Class) -> tuple[int, Any]:
    row = plan_queries.plan_of(of_class.db, of_class.group)
    assert row is not None
    return row["id"], row


def topics(of_class: Class) -> list[str]:
    return [one["topic"] for one in plan_queries.items(of_class.db, plan_of(of_class)[0])]


def test_what_the_deputy_approved_is_what_stands_after_an_undo_and_its_undo(of_class: Class) -> None:
    person, lines = of_class.own.person("teacher"), [{"topic": f"Тема {n}", "hours": 1} for n in (1, 2)]

    def write(account: int, act: Any, *given: Any) -> int:
        with writing(of_class.db, account) as w:
            return int(act(w, of_class.group, *given) or 0)

    teacher = of_class.rows("SELECT id FROM account WHERE person = ?", person)[0][0]
    with of_class.writing() as w:
        w.insert("plan", subject_group=of_class.group)
    write(teacher, plans.write_lines, person, [{"topic": f"Эски {n}", "hours": 1} for n in range(6)])
    mark = write(teacher, plans.import_lines, person, lines, "Plan")
    write(teacher, plans.hand_in, person)
    write(teacher, plans.approve, of_class.own.person("deputy"))
    there = f"/import/undo/{mark}"
    text = of_class.teacher.get(there)[1]
    assert "Бекитүүгө берилген же бекитилген пландар: 1" in text
    assert of_class.teacher.post(there)[0] == 200
    _, row = plan_of(of_class)
    assert len(topics(of_class)) == 6 and (row["approved_at"], row["submitted_at"]) == (None, None)
    write(teacher, plans.hand_in, person)
    write(teacher, plans.approve, of_class.own.person("deputy"))
    assert of_class.teacher.post(there.replace("/undo/", "/redo/"))[0] == 200
    _, row = plan_of(of_class)
    assert topics(of_class) == ["Тема 1", "Тема 2"]
    assert (row["approved_at"], row["approved_by"], row["submitted_at"]) == (None, None, None)


def test_an_approval_that_an_import_took_back_does_not_return_with_its_undo(of_class: Class) -> None:
    person = of_class.own.person("teacher")
    with of_class.writing() as w:
        w.insert("plan", subject_group=of_class.group)
        plans.write_lines(w, of_class.group, person, [{"topic": "Эски", "hours": 1}])
        plans.approve(w, of_class.group, of_class.own.person("deputy"))
    (teacher,) = of_class.rows("SELECT id FROM account WHERE person = ?", person)
    with writing(of_class.db, teacher[0]) as w:
        mark = plans.import_lines(w, of_class.group, person, [{"topic": "Жаңы", "hours": 1}], "Plan", True)
    with writing(of_class.db, teacher[0]) as w:
        (item, *_) = plan_queries.items(w.db, plan_of(of_class)[0])
        plans.save_item(w, of_class.group, person, item["id"], {"topic": "Башка", "hours": 3})
    assert of_class.teacher.post(f"/import/undo/{mark}")[0] == 200
    assert topics(of_class) == ["Башка"] and plan_of(of_class)[1]["approved_at"] is None


def test_a_plan_of_a_group_that_another_teaches_now_is_that_ones(of_class: Class) -> None:
    person = of_class.own.person("teacher")
    (teacher,) = of_class.rows("SELECT id FROM account WHERE person = ?", person)
    with of_class.writing() as w:
        w.insert("plan", subject_group=of_class.group)
    with writing(of_class.db, teacher[0]) as w:
        mark = plans.import_lines(w, of_class.group, person, [{"topic": "Жаңы", "hours": 1}], "Plan")
    with of_class.writing() as w:
        w.update("subject_group", of_class.group, teacher=of_class.own.person("class_teacher"))
    assert of_class.teacher.post(f"/import/undo/{mark}")[0] == 422 and topics(of_class) == ["Жаңы"]


# ---- results of a term


def test_results_of_a_locked_period_stay(taught: tuple[School, Visitor]) -> None:
    school, teacher = taught
    ((term, end),) = school.rows(
        """SELECT t.id, t."end" FROM term t JOIN academic_year y ON y.id = t.year
           WHERE t.kind = 'quarter' AND t.number = 1 AND y.start <= ?1 AND y."end" >= ?1""",
        TODAY,
    )
    ((group, led),) = school.rows(
        "SELECT id, class_group FROM subject_group WHERE teacher = ?", teacher.person
    )
    pupils = [int(str(pupil)) for (pupil,) in school.rows("SELECT pupil FROM enrolment ORDER BY pupil")]
    assert isinstance(term, int) and isinstance(group, int) and isinstance(led, int) and isinstance(end, int)

    def give(value: int) -> int:
        with writing(school.db, school.actor) as w:
            for pupil in pupils:
                w.put(
                    "term_result", subject_group=group, pupil=pupil, term=term, value=value, status="assessed"
                )
            return note_act(w, "import", "results", 2)

    def undo(mark: int, who: Visitor = teacher, today: int = end + 1) -> object:
        with writing(school.db, school.actor) as w:
            return undoing.take_back(w, marked_act(school.db, mark), who, today)

    with writing(school.db, school.actor) as w:
        w.update("subject_group", group, scale=1)
    mark = give(4)
    with writing(school.db, school.actor) as w:
        w.put("term_lock", class_group=led, term=term, locked=1)
    standing = "SELECT count(*) FROM term_result WHERE retired_at IS NULL"
    with pytest.raises(NothingToUndo):
        undo(mark)
    with writing(school.db, school.actor) as w:
        w.put("term_lock", class_group=led, term=term, locked=0)
    with pytest.raises(NothingToUndo):
        undo(mark, Visitor(school.actor, "", frozenset({"teacher"}), person=1))
    assert school.one(standing) == len(pupils)
    undo(mark, today=end + 60)
    assert school.one(standing) == 0, "within a day of the act even when its days are over, as on the page"


# ---- people


def test_who_enters_staff_no_more_does_not_undo_a_list_of_staff(own: SchoolPages) -> None:
    client = own.as_("secretary")
    there = imported(client, "staff", STAFF + GOOD)
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        (duty,) = db.execute(
            "SELECT id FROM appointment WHERE person = ? AND retired_at IS NULL", (own.person("secretary"),)
        ).fetchone()
        w.update("appointment", duty, duty="teacher")
    assert client.post(there)[0] == 403 and len(names(own)) == 2


def test_people_come_back_once_and_not_beside_those_of_a_later_import(own: SchoolPages) -> None:
    client = own.as_("secretary")
    there = imported(client, "staff", STAFF + GOOD)
    again = there.replace("/undo/", "/redo/")
    assert client.post(there)[0] == 200 and names(own) == []
    status, text = client.get(again)
    assert status == 200 and names(own) == []
    assert client.post(again)[0] == 200 and len(names(own)) == 2
    assert client.post(again)[0] == 404 and client.post(there)[0] == 200 and names(own) == []
    later = imported(client, "staff", STAFF + GOOD)
    status, text = client.post(again)
    assert status == 422 and "list.csv" in text and len(names(own)) == 2
    assert client.post(later)[0] == 200 and client.post(again)[0] == 200 and len(names(own)) == 2


def enrolled(own: SchoolPages) -> tuple[str, int, int]:
    """A pupil who was on record comes into a class by a list; the address of the undo, pupil and class."""
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        pupil = w.insert("person", sex="f", birth_year=2014)
        w.put("pupil", person=pupil, personal_file="Щ/77", language="ky")
    called = own.one("SELECT grade || '-' || letter FROM class_group WHERE id = ?", own.taught)
    line = f"Щ/77;;;2014;кыз;{called};2025-11-12;\n"
    return imported(own.as_("secretary"), "pupils", PUPILS + line), pupil, own.taught


def on_roll(own: SchoolPages, pupil: int) -> int:
    return own.one("SELECT count(*) FROM enrolment WHERE pupil = ? AND retired_at IS NULL", pupil)


@pytest.mark.parametrize("table", ["", "mark", "attendance", "movement"])
def test_a_roll_on_which_others_rely_stays(own: SchoolPages, table: str) -> None:
    there, pupil, class_group = enrolled(own)
    listed = "SELECT count(*) FROM subject_group_pupil WHERE pupil = ? AND retired_at IS NULL"
    group, before = (
        own.one("SELECT id FROM subject_group WHERE class_group = ?", class_group),
        own.one(listed, pupil),
    )
    at: dict[str, Value] = {"subject_group": group, "day": TODAY, "period": 1, "pupil": pupil}
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        if table == "mark":
            w.put("mark", **at, slot=0, value=5)
        elif table == "attendance":
            w.put("attendance", **at, status="absent")
        elif table == "movement":
            w.insert("movement", pupil=pupil, kind="departed", date=TODAY)
    client = own.as_("secretary")
    text = client.get(there)[1]
    assert (USED in text) == bool(table)
    assert client.post(there)[0] == (422 if table else 200)
    assert on_roll(own, pupil) == int(bool(table))
    assert own.one(listed, pupil) == (before if table else 0)


def test_nobody_comes_back_into_two_classes(own: SchoolPages) -> None:
    there, pupil, class_group = enrolled(own)
    client = own.as_("secretary")
    assert client.post(there)[0] == 200 and on_roll(own, pupil) == 0
    other = own.one("SELECT id FROM class_group WHERE id <> ? ORDER BY id LIMIT 1", class_group)
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.insert("enrolment", pupil=pupil, class_group=other, start=TODAY)
    assert client.post(there.replace("/undo/", "/redo/"))[0] == 422 and on_roll(own, pupil) == 1


def test_a_frozen_report_follows_an_import_and_its_undo(own: SchoolPages) -> None:
    with closing(own.node.connect()) as db:
        actor = int(State(db).administrator)
        term, year = db.execute(
            """SELECT t.id, t.year FROM term t WHERE t.kind = 'quarter' AND t.start <= ?1 AND t."end" >= ?1""",
            (TODAY,),
        ).fetchone()
        derive(db)
        with writing(db, actor) as w:
            frozen.freeze(w, quarter.CODE, year, term)
        there, _, _ = enrolled(own)
        derive(db)
        assert own.as_("secretary").post(there)[0] == 200
        derive(db)
        first, second, third = frozen.history(db, quarter.CODE, year, term)
        assert frozen.differences(first.figures, second.figures) and first.figures == third.figures
