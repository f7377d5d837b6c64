"""Lesson control: counts against what was written, and who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from node.control import queries, views
from node.journal import queries as journal
from node.journal.actions import Change
from node.settings.queries import number
from shared.schema import BY_NAME
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_journal import EVENING, TODAY, Desk, a_school


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("control"))


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    made = Desk(school)
    yield made
    with writing(made.db, made.account) as w:
        for table in ("mark", "lesson"):
            for key in made.db.execute(
                f"SELECT {', '.join(BY_NAME[table].key)} FROM {table} WHERE day >= ? AND retired_at IS NULL",
                (TODAY,),
            ).fetchall():
                w.retire(table, *key)
    made.db.close()


def line(desk: Desk, minute: int = 24 * 60) -> queries.Line:
    term = journal.term_of(desk.db, desk.place.group, TODAY)
    group = journal.group(desk.db, desk.place.group)
    assert term is not None and group is not None
    found = queries.lines(desk.db, group["year"], term["id"], TODAY, minute)
    return next(one for one in found if one.group["id"] == desk.place.group)


def test_a_lesson_that_nobody_wrote_lacks_everything_until_it_is_written(desk: Desk) -> None:
    before = line(desk)
    assert before.behind >= 1 and before.lacks
    assert line(desk, 0).behind < before.behind, "a lesson that has not ended is not due"
    desk.save(Change("taken", 1, 0))
    after = line(desk)
    assert (after.held, after.behind) == (before.held + 1, before.behind - 1)
    assert (after.not_taken, after.no_topic) == (before.not_taken - 1, before.no_topic)
    desk.save(Change("topic", "Тема", ""))
    assert line(desk).no_topic == before.no_topic - 1
    assert after.due == before.due <= before.whole
    assert line(desk).of_year == before.of_year + 1


def test_pupils_without_enough_marks_are_counted(desk: Desk) -> None:
    group = desk.place.group
    term = journal.term_of(desk.db, group, TODAY)
    assert term is not None
    cells = journal.cells(desk.db, group, term["start"], TODAY)
    minimum = journal.rule(desk.db).minimum
    counted = [
        sum(m.value is not None for (_, _, who), c in cells.items() if who == pupil for m in c.marks.values())
        for pupil in desk.pupils
    ]
    assert line(desk).short == sum(count < minimum for count in counted)
    asked = number(desk.db, "marks_asked_days")
    row = journal.group(desk.db, group)
    assert row is not None
    early = queries.lines(desk.db, row["year"], term["id"], term["end"] - asked)
    assert {one.short for one in early} == {None}, "missing marks are no news before the term nears its end"


def test_marks_without_weight_do_not_help_and_who_has_a_result_is_not_short(desk: Desk) -> None:
    before, group, term = (
        line(desk).short,
        desk.place.group,
        journal.term_of(desk.db, desk.place.group, TODAY),
    )
    kinds = {row["code"]: row for row in journal.work_kinds(desk.db)}
    assert before is not None and term is not None and kinds["diagnostic"]["weight"] == 0
    pupil, *_ = desk.db.execute(
        """SELECT pupil FROM mark WHERE subject_group = ? AND day BETWEEN ? AND ? AND value IS NOT NULL
           AND retired_at IS NULL GROUP BY pupil ORDER BY count(*) DESC""",
        (group, term["start"], TODAY),
    ).fetchone()
    marks = desk.db.execute(
        "SELECT day, period, slot, kind FROM mark WHERE subject_group = ? AND pupil = ? AND day BETWEEN ? AND ?",
        (group, pupil, term["start"], TODAY),
    ).fetchall()
    given = {"subject_group": group, "pupil": pupil, "term": term["id"]}

    def change(kind: int | None) -> None:
        with writing(desk.db, desk.account) as w:
            for day, period, slot, own in marks:
                key = journal.Place(group, day, period).key
                w.put("mark", **key, pupil=pupil, slot=slot, kind=own if kind is None else kind)

    change(kinds["diagnostic"]["id"])
    assert line(desk).short == before + 1
    with writing(desk.db, desk.account) as w:
        w.put("term_result", **given, status="exempt")
    assert line(desk).short == before
    with writing(desk.db, desk.account) as w:
        w.retire("term_result", *given.values())
    change(None)
    assert line(desk).short == before


def test_a_mark_outside_its_scale_is_told_and_no_mark(desk: Desk) -> None:
    before, pupil = line(desk), desk.pupils[0]
    counted = desk.mark(pupil, 5)
    desk.save(counted)
    with writing(desk.db, desk.account) as w:
        ten = w.insert("grading_scale", code="ten", minimum=1, maximum=10)
        w.put("mark", **desk.place.key, pupil=pupil, slot=1, value=9, scale=ten)
    assert line(desk).outside == 0
    with writing(desk.db, desk.account) as w:
        w.update("grading_scale", ten, maximum=5)
    assert (line(desk).outside, line(desk).lacks) == (1, True)
    desk.save(replace(counted, value=None, seen=5))
    # It does not help to reach the marks that a term mark needs; nor do those taken back.
    assert (line(desk).short, line(desk).outside) == (before.short, 1)


def test_the_plan_of_the_year_stands_beside_what_was_given(desk: Desk) -> None:
    hours = desk.db.execute(
        "SELECT sum(hours) FROM plan_item WHERE plan = (SELECT max(id) FROM plan WHERE subject_group = ?)",
        (desk.place.group,),
    ).fetchone()[0]
    assert line(desk).planned == hours > 0


def test_the_deputy_reads_it_and_a_teacher_does_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "today", lambda: TODAY)
    monkeypatch.setattr(views, "minute_of_day", lambda: EVENING)
    status, text = desk.school.as_("deputy").get("/control/")
    teacher = desk.db.execute(
        "SELECT teacher FROM subject_group WHERE id = ?", (desk.place.group,)
    ).fetchone()[0]
    assert status == 200 and f"teacher={teacher}" in text and "/journal/group/" not in text
    text = desk.school.as_("deputy").get(f"/control/?teacher={teacher}")[1]
    assert f"/journal/group/{desk.place.group}?" in text
    assert desk.school.as_("deputy").get("/control/?all=1&class=1")[0] == 200
    assert desk.school.as_("teacher").get("/control/")[0] == 403
