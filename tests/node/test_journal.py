"""The journal: its rules without HTTP, and its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from sqlite_utils import Database

from node.derived import derive
from node.fields import iso
from node.journal import actions, history, pages, queries
from node.journal.actions import Change
from node.journal.queries import Mark, Place
from node.journal.reckoning import Reckoning, lines_of
from node.journal.sheet import Result
from node.settings.actions import change as change_setting
from node.timetable import queries as timetable
from shared.dates import date_of, parse_day, weekday
from shared.problems import (
    ChangedMeanwhile,
    InvalidValue,
    NoLesson,
    NotAllowed,
    NotInGroup,
    OutsideScale,
    ReasonNeeded,
    TermRunning,
    WithoutMarks,
)
from shared.schema import BY_NAME
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages, Written, write_school

TODAY = parse_day("2025-10-23")
"""A Thursday, the last day that the generated teachers told of."""
ORAL = 1
CONTROL = 4
EVENING = 20 * 60
EDIT_DAYS = 7
"""The setting's default."""


class Desk:
    """A teacher at one of the lessons of the day, in a school of a few classes."""

    def __init__(self, school: SchoolPages) -> None:
        self.school = school
        self.db: Database = school.node.connect()
        self.place, self.teacher, self.account = self._lesson()
        self.pupils = sorted(queries.members(self.db, self.place.group, TODAY, TODAY))

    def _lesson(self) -> tuple[Place, int, int]:
        row = self.db.execute(
            """SELECT t.subject_group, t.period, sg.teacher, a.id FROM timetable_slot t
               JOIN subject_group sg ON sg.id = t.subject_group JOIN account a ON a.person = sg.teacher
               WHERE t.weekday = ? AND sg.scale IS NOT NULL AND NOT EXISTS (SELECT 1 FROM substitution x
                 WHERE x.subject_group = sg.id AND x.day = ? AND x.retired_at IS NULL) ORDER BY t.id LIMIT 1""",
            (weekday(TODAY), TODAY),
        ).fetchone()
        return Place(row[0], TODAY, row[1]), row[2], row[3]

    def save(self, *changes: Change, place: Place | None = None, today: int = TODAY, **more: object) -> int:
        person = more.get("person", self.teacher)
        assert person is None or isinstance(person, int)
        with writing(self.db, self.account) as w:
            return actions.save(w, place or self.place, person, today, changes, str(more.get("reason", "")))

    def mark(self, pupil: int, value: int | None, **more: int | None) -> Change:
        seen = self.cell(pupil).value(more.get("slot") or 0)
        change = Change("mark", value, seen, pupil, 0, ORAL)
        return replace(change, **more)  # type: ignore[arg-type]

    def cell(self, pupil: int) -> queries.Cell:
        return queries.lesson_cells(self.db, self.place).get(pupil, queries.Cell())

    def changes(self) -> int:
        return int(self.db.execute("SELECT count(*) FROM change").fetchone()[0])


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("journal"))


def a_school(folder: Path) -> SchoolPages:
    """A generated school in the middle of its first quarter."""
    return _generated().again(folder)


@cache
def _generated() -> Written:
    return write_school(seed=4, pupils=60, until=TODAY - 1)


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    """The school as it was: what a test writes is taken back."""
    made = Desk(school)
    yield made
    with writing(made.db, made.account) as w:
        for table in ("mark", "attendance", "lesson", "substitution", "mark_correction"):
            for key in made.db.execute(
                f"SELECT {', '.join(BY_NAME[table].key)} FROM {table} WHERE day >= ? AND retired_at IS NULL",
                (TODAY,),
            ).fetchall():
                w.retire(table, *key)
    made.db.close()


# ---- rules


def test_marks_and_absences_are_kept_and_asking_twice_changes_nothing(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    wanted = [desk.mark(first, 5), Change("status", "absent", "present", second), Change("taken", 1, 0)]
    assert desk.save(*wanted) == 3
    assert desk.cell(first).value(0) == 5
    assert desk.cell(second).status == "absent"
    lesson = queries.lesson(desk.db, desk.place)
    assert lesson is not None and lesson["taken"] == 1
    before = desk.changes()
    assert desk.save(*wanted) == 0
    assert desk.changes() == before


def test_a_second_mark_has_a_place_of_its_own(desk: Desk) -> None:
    pupil = desk.pupils[0]
    desk.save(desk.mark(pupil, 5), desk.mark(pupil, 4, slot=1))
    assert [desk.cell(pupil).value(slot) for slot in (0, 1)] == [5, 4]


def kinds_of(desk: Desk, pupil: int) -> list[tuple[int | None, int | None]]:
    """The marks of a cell, each with its kind of work."""
    return [(mark.value, mark.kind) for _, mark in sorted(desk.cell(pupil).marks.items())]


def test_a_mark_of_the_same_value_may_become_another_kind_of_work(desk: Desk) -> None:
    late, pupil = TODAY + EDIT_DAYS + 1, desk.pupils[0]
    desk.save(Change("mark", 2, None, pupil, usual=ORAL))
    assert kinds_of(desk, pupil) == [(2, ORAL)]
    other = Change("mark", 2, 2, pupil, kind=CONTROL)
    assert (desk.save(other), desk.save(other)) == (1, 0)
    assert kinds_of(desk, pupil) == [(2, CONTROL)]
    with desk.school.app.test_request_context():
        steps = history.of_cell(desk.db, desk.place, pupil, TODAY)
    assert len(steps) >= 2 and {value for _, value in steps[0].lines} & {"Текшерүү иши"}
    # After the edit window that is a late change as any other.
    with pytest.raises(ReasonNeeded):
        desk.save(replace(other, kind=ORAL), today=late)
    assert desk.save(replace(other, kind=ORAL), today=late, reason="Оозеки болчу") == 1
    assert [(one.field, one.old) for one in desk.cell(pupil).corrections] == [("mark", "2")]
    with pytest.raises(InvalidValue):
        desk.save(replace(other, kind=999))


def test_a_corrected_mark_keeps_its_kind_of_work(desk: Desk) -> None:
    pupil = desk.pupils[0]
    desk.save(Change("mark", 3, None, pupil, kind=CONTROL), Change("mark", 5, None, pupil, 1, kind=2))
    desk.save(Change("mark", 4, 3, pupil, usual=ORAL), Change("mark", 4, 5, pupil, 1, usual=ORAL))
    assert kinds_of(desk, pupil) == [(4, CONTROL), (4, 2)]
    desk.save(Change("mark", 5, 4, pupil, kind=ORAL))
    # What was taken away is gone with its kind.
    desk.save(Change("mark", None, 4, pupil, 1))
    desk.save(Change("mark", 3, None, pupil, 1, usual=ORAL))
    assert kinds_of(desk, pupil) == [(5, ORAL), (3, ORAL)]


def test_a_mark_can_be_taken_back(desk: Desk) -> None:
    pupil = desk.pupils[0]
    desk.save(desk.mark(pupil, 5))
    desk.save(desk.mark(pupil, None))
    assert desk.cell(pupil).value(0) is None


def test_what_someone_else_wrote_meanwhile_is_not_overwritten(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    desk.save(desk.mark(first, 3))
    mine = [Change("mark", 5, None, first, 0, ORAL), Change("mark", 4, None, second, 0, ORAL)]
    with pytest.raises(ChangedMeanwhile) as caught:
        desk.save(*mine)
    assert caught.value.clashes == ((mine[0], 3),)
    assert (desk.cell(first).value(0), desk.cell(second).value(0)) == (3, None)
    assert desk.save(replace(mine[0], seen=3), mine[1]) == 2


@pytest.mark.parametrize("value", [0, 6, 55, -1])
def test_a_mark_stays_within_its_scale(desk: Desk, value: int) -> None:
    with pytest.raises(OutsideScale):
        desk.save(desk.mark(desk.pupils[0], value))


def test_a_stranger_to_the_group_gets_no_mark_and_no_absence(desk: Desk) -> None:
    stranger = next(
        row[0] for row in desk.db.execute("SELECT person FROM pupil") if row[0] not in set(desk.pupils)
    )
    with pytest.raises(NotInGroup):
        desk.save(Change("mark", 5, None, stranger, 0, ORAL))
    with pytest.raises(NotInGroup):
        desk.save(desk.mark(desk.pupils[0], 5), Change("status", "absent", "present", stranger))
    assert desk.cell(desk.pupils[0]).value(0) is None


def test_only_the_teacher_writes_and_the_substitute_of_that_day(desk: Desk) -> None:
    other = desk.db.execute(
        "SELECT person FROM staff WHERE person <> ? AND position = 'teacher' LIMIT 1", (desk.teacher,)
    ).fetchone()[0]
    for person in (other, None):
        with pytest.raises(NotAllowed):
            desk.save(desk.mark(desk.pupils[0], 5), person=person)
    with writing(desk.db, desk.account) as w:
        w.put("substitution", **desk.place.key, teacher=other)
    assert desk.save(desk.mark(desk.pupils[0], 5), person=other) == 1
    lesson = desk.db.execute(
        "SELECT teacher FROM lesson WHERE subject_group = ? AND day = ? AND period = ?",
        (desk.place.group, desk.place.day, desk.place.period),
    ).fetchone()
    assert lesson[0] == other
    yesterday = next(
        c.place for c in reversed(queries.columns(desk.db, desk.place.group, TODAY - 6, TODAY - 1))
    )
    with pytest.raises(NotAllowed):
        desk.save(desk.mark(desk.pupils[0], 5), person=other, place=yesterday)


def test_a_lesson_must_be_in_the_timetable_and_have_come(desk: Desk) -> None:
    absent = [replace(desk.place, period=14), replace(desk.place, day=parse_day("2025-10-26"))]
    for place in absent:
        with pytest.raises(NoLesson):
            desk.save(desk.mark(desk.pupils[0], 5), place=place)
    with pytest.raises(NoLesson):
        desk.save(desk.mark(desk.pupils[0], 5), today=TODAY - 1)


def test_after_the_edit_window_a_change_needs_a_reason_which_is_kept(desk: Desk) -> None:
    late, pupil = TODAY + EDIT_DAYS + 1, desk.pupils[0]
    assert desk.save(desk.mark(pupil, 4), today=TODAY + EDIT_DAYS) == 1
    for change in (desk.mark(pupil, 5), Change("status", "absent", "present", pupil)):
        with pytest.raises(ReasonNeeded):
            desk.save(change, today=late, reason="  ")
    desk.save(desk.mark(pupil, 5), today=late, reason="Кайра тапшырды")
    [kept] = desk.cell(pupil).corrections
    assert (kept.field, kept.old, kept.reason, kept.author, kept.made_on) == (
        "mark", "4", "Кайра тапшырды", desk.teacher, late
    )  # fmt: skip
    assert desk.cell(pupil).value(0) == 5


def test_after_the_edit_window_a_topic_is_replaced_with_a_reason_and_filled_without(desk: Desk) -> None:
    late, at = TODAY + EDIT_DAYS + 1, (desk.place.day, desk.place.period)
    assert desk.save(Change("topic", "Жаан", ""), today=late) == 1
    other = Change("topic", "Кар", "Жаан")
    with pytest.raises(ReasonNeeded):
        desk.save(other, today=late)
    assert desk.save(other, Change("homework", "5-көнүгүү", ""), today=late, reason="Жаңылдым") == 2
    struck = queries.struck_lines(desk.db, desk.place.group, desk.place.day, desk.place.day)
    [kept] = struck[at]
    assert (kept.field, kept.old, kept.reason, kept.author, kept.made_on) == (
        "topic", "Жаан", "Жаңылдым", desk.teacher, late
    )  # fmt: skip
    assert not any(desk.cell(pupil).corrections for pupil in desk.pupils)


def test_a_cell_has_a_comment_apart_from_its_mark(desk: Desk) -> None:
    pupil = desk.pupils[-2]
    desk.save(Change("comment", "Дептери жок", "", pupil))
    assert (desk.cell(pupil).comment, desk.cell(pupil).value(0)) == ("Дептери жок", None)
    desk.save(desk.mark(pupil, 4))
    assert (desk.cell(pupil).comment, desk.cell(pupil).value(0)) == ("Дептери жок", 4)
    with pytest.raises(InvalidValue):
        desk.save(Change("comment", "x" * 301, "Дептери жок", pupil))
    with pytest.raises(ChangedMeanwhile):
        desk.save(Change("comment", "Башка", "", pupil))


def test_unknown_words_are_refused(desk: Desk) -> None:
    pupil = desk.pupils[0]
    for change in (
        Change("status", "asleep", "present", pupil),
        Change("mark", 5, None, pupil, 2, ORAL),
        Change("mark", 5, None, pupil, 0, 999),
        Change("taken", 7, 0),
    ):
        with pytest.raises(InvalidValue):
            desk.save(change)


def test_the_first_grade_is_not_marked(desk: Desk) -> None:
    row = desk.db.execute(
        """SELECT t.subject_group, t.period, sg.teacher FROM timetable_slot t JOIN subject_group sg
           ON sg.id = t.subject_group WHERE sg.scale IS NULL AND t.weekday = ? LIMIT 1""",
        (weekday(TODAY),),
    ).fetchone()
    place = Place(row[0], TODAY, row[1])
    pupil = min(queries.members(desk.db, place.group, TODAY, TODAY))
    with pytest.raises(WithoutMarks):
        desk.save(Change("mark", 5, None, pupil, 0, ORAL), place=place, person=row[2])
    assert desk.save(Change("status", "late", "present", pupil), place=place, person=row[2]) == 1


def test_the_topic_comes_from_the_plan(desk: Desk) -> None:
    planned = queries.planned_topic(desk.db, desk.place)
    assert planned is not None
    desk.save(Change("topic", planned["topic"], ""))
    sql = "SELECT topic, plan_item FROM lesson WHERE day = ? AND retired_at IS NULL"
    assert desk.db.execute(sql, (TODAY,)).fetchall() == [(planned["topic"], planned["id"])]
    # Written out longer it is still the plan's; another one is not, and the page says so.
    longer = f"{planned['topic']}: улантуу"
    desk.save(Change("topic", longer, planned["topic"]))
    assert desk.db.execute(sql, (TODAY,)).fetchall() == [(longer, planned["id"])]
    desk.save(Change("topic", "Башка тема", longer))
    assert desk.db.execute(sql, (TODAY,)).fetchall() == [("Башка тема", None)]
    assert "Пландагы тема эмес" in teacher_of(desk).get(address(desk.place))[1]


def test_derived_rows_follow_at_sync(desk: Desk) -> None:
    desk.save(Change("status", "late", "present", desk.pupils[0]), Change("taken", 1, 0))
    derive(desk.db)
    row = desk.db.execute("SELECT late, missed FROM attendance_day WHERE day = ?", (TODAY,)).fetchone()
    assert row == (1, 0)


def test_the_history_of_a_lesson_holds_its_topics_and_homework(desk: Desk) -> None:
    desk.save(Change("topic", "Фотосинтез", ""), Change("homework", "§ 4", ""))
    desk.save(Change("homework", "§ 5", "§ 4"))
    with desk.school.app.test_request_context():
        later, first = history.of_lesson(desk.db, desk.place, TODAY)[:2]
    assert [value for _, value in later.lines] == ["§ 5"]
    assert [value for _, value in first.lines][:2] == ["Фотосинтез", "§ 4"] and first.author
    client = teacher_of(desk)
    status, page = client.get(address(desk.place, "history"))
    assert status == 200 and "Фотосинтез" in page and "§ 4" in page


def test_the_history_of_a_cell_names_author_and_values(desk: Desk) -> None:
    pupil = desk.pupils[0]
    desk.save(desk.mark(pupil, 3))
    desk.save(desk.mark(pupil, 4))
    name = queries.person_name(desk.db, desk.teacher, TODAY)
    with desk.school.app.test_request_context():
        steps = history.of_cell(desk.db, desk.place, pupil, TODAY)
    values = [dict(step.lines)["Баа"] for step in steps if "Баа" in dict(step.lines)]
    assert values[:2] == ["4", "3"]
    assert {step.author for step in steps[:2]} == {name}
    desk.save(desk.mark(pupil, 5, slot=1))
    with desk.school.app.test_request_context():
        last = history.of_cell(desk.db, desk.place, pupil, TODAY)[0]
    assert dict(last.lines)["Экинчи баа"] == "5" and "Баа" not in dict(last.lines)


# ---- results of a term


def give(
    desk: Desk, *given: Result, today: int = TODAY, person: int | None = None, early: bool = True
) -> int:
    term = queries.term_of(desk.db, desk.place.group, TODAY)
    assert term is not None
    with writing(desk.db, desk.account) as w:
        teacher = desk.teacher if person is None else person
        return actions.give_results(w, desk.place.group, term["id"], teacher, today, given, early=early)


def proposals(desk: Desk) -> dict[int, int | None]:
    term = queries.term_of(desk.db, desk.place.group, TODAY)
    assert term is not None
    cells = queries.cells(desk.db, desk.place.group, term["start"], term["end"])
    found = queries.standings(cells, queries.rule(desk.db))
    return {pupil: found[pupil].proposed if pupil in found else None for pupil in desk.pupils}


def test_the_school_chooses_what_a_kind_of_work_weighs(desk: Desk) -> None:
    pupil = desk.pupils[0]

    def average(weight: str) -> Fraction | None:
        with writing(desk.db, desk.account) as w:
            change_setting(w, "weight_oral", weight, {"deputy"})
        return queries.standing(desk.cell(pupil).marks.values(), queries.rule(desk.db)).average

    control = 4
    desk.save(desk.mark(pupil, 5), desk.mark(pupil, 3, slot=1, kind=control))
    assert [average(weight) for weight in ("3", "0", "1")] == [4, 3, Fraction(5 + 3 * 3, 4)]
    kinds = {kind["id"]: kind["weight"] for kind in queries.work_kinds(desk.db)}
    assert (kinds[ORAL], kinds[control]) == (1, 3)


def test_an_average_is_explained_by_its_marks_and_what_is_left_out(desk: Desk) -> None:
    control, homework = 4, 2
    marks = {
        (TODAY, 2): {0: Mark(5, ORAL, ""), 1: Mark(3, control, "")},
        (TODAY - 1, 1): {0: Mark(4, homework, "")},
        (TODAY + 1, 1): {0: Mark(9, ORAL, "", outside=True)},
        (TODAY + 2, 1): {0: Mark(None, None, "Дептери жок")},
    }
    cells = {(*at, pupil): queries.Cell("present", found) for at, found in marks.items() for pupil in (7, 8)}
    by = queries.Rule({ORAL: 1, homework: 0, control: 3}, 50, 3)
    lines = lines_of(1, cells, 7, by)
    assert [(one.day - TODAY, one.value, one.weight, one.counts) for one in lines] == [
        (-1, 4, 0, False), (0, 5, 1, True), (0, 3, 3, True), (1, 9, 1, False),
    ]  # fmt: skip
    own = [mark for (_, _, who), cell in cells.items() if who == 7 for mark in cell.marks.values()]
    how = Reckoning("quarter", lines, [], queries.standing(own, by), by)
    assert (how.total, how.weights, how.now.average, how.limit) == (14, 4, Fraction(14, 4), Fraction(7, 2))


def test_a_result_is_the_proposal_or_has_a_reason(desk: Desk) -> None:
    found = proposals(desk)
    pupil, proposed = next((p, mark) for p, mark in found.items() if mark is not None and mark < 5)
    with pytest.raises(ReasonNeeded):
        give(desk, Result(pupil, proposed + 1, "assessed", "", None))
    with pytest.raises(OutsideScale):
        give(desk, Result(pupil, 9, "assessed", "жакшы", None))
    with pytest.raises(NotAllowed):
        give(desk, Result(pupil, proposed, "assessed", "", None), person=1)
    with pytest.raises(TermRunning) as asked:
        give(desk, Result(pupil, proposed, "assessed", "", None), early=False)
    term = queries.term_of(desk.db, desk.place.group, TODAY)
    assert term is not None
    days = [day for day, _ in timetable.dates(desk.db, desk.place.group, TODAY + 1, term["end"])]
    assert f"{len(days)}, the last on {date_of(days[-1]):%d.%m.%Y}" in str(asked.value)
    assert give(desk, Result(pupil, proposed, "assessed", "", None)) == 1
    assert give(desk, Result(pupil, proposed, "assessed", "", None), early=False) == 0
    with pytest.raises(ChangedMeanwhile):
        give(desk, Result(pupil, proposed + 1, "assessed", "жакшырды", None))
    assert give(desk, Result(pupil, proposed + 1, "assessed", "жакшырды", (proposed, "assessed"))) == 1
    row = desk.db.execute(
        "SELECT value, band, status, reason FROM term_result WHERE pupil = ? AND subject_group = ?",
        (pupil, desk.place.group),
    ).fetchone()
    assert tuple(row) == (proposed + 1, proposed + 1, "assessed", "жакшырды")


def test_too_few_marks_are_not_assessed(desk: Desk) -> None:
    found = proposals(desk)
    pupil = next((p for p, mark in found.items() if mark is None), None)
    if pupil is None:
        pupil = desk.pupils[-1]
        with pytest.raises(ReasonNeeded):
            give(desk, Result(pupil, None, "na", "", None))
    else:
        assert give(desk, Result(pupil, None, "na", "", None)) == 1


# ---- pages


@pytest.fixture
def on_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "today", lambda: TODAY)
    monkeypatch.setattr(pages, "minute_of_day", lambda: EVENING)


def teacher_of(desk: Desk) -> Client:
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    return desk.school.sign_in(login)


def iso_of(day: int) -> str:
    return iso(day)


def address(place: Place, kind: str = "lesson") -> str:
    return f"/journal/{kind}/{place.group}/{iso(place.day)}/{place.period}"


@pytest.mark.usefixtures("on_that_day")
def test_a_day_lists_the_lessons_and_says_what_is_not_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = teacher_of(desk)
    status, text = client.get("/journal/?day=2025-10-23")
    assert status == 200 and address(desk.place) in text
    assert "/journal/?day=2025-10-22" in text
    earlier = desk.db.execute(
        "SELECT count(*) FROM lesson WHERE day = ? AND teacher = ?", (TODAY - 1, desk.teacher)
    )
    assert client.get("/journal/?day=2025-10-22")[1].count('class="pill good"') == earlier.fetchone()[0]
    assert client.get("/journal/?day=никогда")[0] == 404
    # Before its bell a lesson lacks nothing yet.
    missing, lesson = 'class="pill bad"', queries.lesson(desk.db, desk.place)
    assert lesson is not None and missing in text
    for minute, lacks in ((lesson["start"] - 1, False), (lesson["start"], True)):
        monkeypatch.setattr(pages, "minute_of_day", lambda now=minute: now)
        row = client.get("/journal/?day=2025-10-23")[1].split(address(desk.place))[1].split("</li>")[0]
        assert (missing in row) is lacks


@pytest.mark.usefixtures("on_that_day")
def test_one_plain_form_saves_a_lesson_whole_or_not_at_all(desk: Desk) -> None:
    client, (first, second, *_) = teacher_of(desk), desk.pupils
    client.get(address(desk.place))
    form = {
        "topic": "Тема", "seen-topic": "", "homework": "№ 5", "seen-homework": "", "seen-taken": "0", "taken": "1",
        "kind": str(ORAL), f"status-{first}": "absent", f"seen-status-{first}": "present",
        f"mark-{second}-0": "5", f"seen-mark-{second}-0": "",
    }  # fmt: skip
    status, text = client.post(address(desk.place), **form | {f"mark-{second}-0": "9"})
    assert status == 422 and 'class="notice bad"' in text
    assert desk.cell(first).status == "present"
    status, there = client.post(address(desk.place), **form)
    assert (status, there) == (302, address(desk.place) + "?saved=1")
    assert (desk.cell(first).status, desk.cell(second).value(0)) == ("absent", 5)
    # A form ends its lines otherwise than the script does; no change is seen in that.
    more = {"topic": "Тема", "seen-topic": "Тема", "homework": "№ 5\r\n№ 6", "seen-homework": "№ 5"}
    assert client.post(address(desk.place), **more, **{"taken": "1", "seen-taken": "1"})[0] == 302
    assert desk.save(Change("homework", "№ 7", "№ 5\n№ 6")) == 1
    # The same page, sent again by someone who has not seen this, overwrites nothing and shows both.
    status, text = client.post(address(desk.place), **form | {f"mark-{second}-0": "4"})
    assert status == 409 and 'class="clash"' in text
    assert f'name="seen-mark-{second}-0" value="5"' in text
    assert desk.cell(second).value(0) == 5


@pytest.mark.usefixtures("on_that_day")
def test_the_form_takes_a_second_mark_of_another_kind(desk: Desk) -> None:
    client, (first, second, *_) = teacher_of(desk), desk.pupils
    client.get(address(desk.place))
    form = {
        f"{seen}mark-{pupil}-{slot}": ""
        for pupil in (first, second)
        for slot in (0, 1)
        for seen in ("", "seen-")
    }
    form |= {"kind": str(ORAL), f"mark-{first}-0": "5", f"mark-{first}-1": "4", f"mark-{second}-1": "3"}
    assert client.post(address(desk.place), **form, **{"kind-1": "4"})[0] == 302
    marks = [
        {slot: (m.value, m.kind) for slot, m in desk.cell(pupil).marks.items()} for pupil in (first, second)
    ]
    assert marks == [{0: (5, ORAL), 1: (4, 4)}, {1: (3, 4)}]
    _, text = client.get(address(desk.place))
    names = {kind["id"]: kind["name_ky"] for kind in queries.work_kinds(desk.db)}
    assert (
        f"data-kinds>5 {names[ORAL]} / 4 {names[4]}</p>" in text
        and f'data-pupil="{first}" data-k1="4"' in text
    )
    assert 'class="keys marks second"' in text
    # A page that a phone pays for says of an empty cell nothing but its keys.
    assert f'name="seen-mark-{first}-1" value="4"' in text
    assert f'"seen-mark-{second}-0"' not in text and f'"seen-status-{first}"' not in text
    # The kinds of the lesson are chosen again when it is opened again; a mark of another kind says so in its row.
    chosen = re.findall(r'<option value="(\d+)" selected', text)
    assert chosen == [str(ORAL), "4"] and text.count("data-told>") == 2
    desk.save(desk.mark(second, 2, kind=2), desk.mark(desk.pupils[2], 5))
    _, text = client.get(address(desk.place))
    assert f"data-told>{names[2]}</span>" in text and text.count("data-told>") == 3
    _, text = desk.school.as_("head").get(address(desk.place))
    assert ">5/4</b>" in text


@pytest.mark.usefixtures("on_that_day")
def test_a_kind_of_work_is_chosen_for_a_form_and_for_one_mark(desk: Desk) -> None:
    client, first = teacher_of(desk), desk.pupils[0]
    desk.save(desk.mark(first, 3, kind=CONTROL), *(desk.mark(pupil, 5) for pupil in desk.pupils[2:]))
    text = client.get(address(desk.place))[1]
    assert f'name="seen-kind" value="{ORAL}"' in text and f'data-pupil="{first}" data-k0="{CONTROL}"' in text

    def send(value: str, seen: str, kind: int) -> None:
        form = {"kind": str(kind), "seen-kind": str(ORAL), "kind-1": "", "seen-kind-1": ""}
        marks = {f"mark-{first}-0": value, f"seen-mark-{first}-0": seen}
        assert client.post(address(desk.place), **form, **marks)[0] == 302

    # The form offers the lesson's usual kind; a mark that stands keeps its own until another one is chosen.
    send("4", "3", ORAL)
    assert kinds_of(desk, first) == [(4, CONTROL)]
    send("5", "4", 2)
    assert kinds_of(desk, first) == [(5, 2)]
    # On the page of the cell the kind alone is changed.
    cell = address(desk.place, "history") + f"/{first}"
    assert 'name="seen-kind-0" value="2"' in client.get(cell)[1]
    sent = {"comment": "", "seen": "", "mark-0": "5", "seen-kind-0": "2", "kind-0": str(CONTROL)}
    assert client.post(cell, **sent)[0] == 302
    assert kinds_of(desk, first) == [(5, CONTROL)]
    # Of a mark that someone changed meanwhile nothing is written.
    assert client.post(cell, **sent | {"mark-0": "3"})[0] == 409
    assert kinds_of(desk, first) == [(5, CONTROL)]
    grid = client.get(f"/journal/group/{desk.place.group}")[1]
    assert re.search(rf'<tr data-pupil="{first}">(.*?)</tr>', grid, re.S)[1].count(f'data-k="{CONTROL}"') == 1  # type: ignore[index]


@pytest.mark.usefixtures("on_that_day")
def test_a_locked_quarter_shows_in_the_grid_of_the_half(desk: Desk) -> None:
    row, term = queries.group(desk.db, desk.place.group), queries.term_of(desk.db, desk.place.group, TODAY)
    assert row is not None and term is not None and term["kind"] == "quarter"
    half = next(t for t in queries.terms(desk.db, row["year"], row["grade"]) if t["kind"] == "half")
    client, page = teacher_of(desk), f"/journal/group/{desk.place.group}?term={half['id']}"
    assert "data-locked" not in client.get(page)[1]
    with writing(desk.db, desk.account) as w:
        w.put("term_lock", class_group=row["class_group"], term=term["id"], locked=1)
    text = client.get(page)[1]
    assert text.count("data-locked") == text.count('class="shut"') > 5
    with writing(desk.db, desk.account) as w:
        w.put("term_lock", class_group=row["class_group"], term=term["id"], locked=0)


@pytest.mark.usefixtures("on_that_day")
def test_a_cell_is_saved_by_itself_and_refused_with_a_reason(desk: Desk) -> None:
    client, pupil = teacher_of(desk), str(desk.pupils[0])
    client.get(address(desk.place))
    sent = {"field": "mark", "pupil": pupil, "slot": "0", "seen": "", "kind": str(ORAL)}

    def send(**more: str) -> tuple[int, dict[str, object]]:
        answer = client.http.post(
            address(desk.place, "cell"),
            data=sent | more,
            headers={"X-Form-Token": client.token, "Accept": "application/json"},
        )
        return answer.status_code, answer.get_json()

    status, told = send(value="4")
    assert status == 200 and told["saved"] is True and "average" in told
    assert send(value="4")[0] == 200
    status, told = send(value="5")
    assert (status, told["error"], told["current"]) == (409, "changed_meanwhile", "4")
    assert told["author"] == queries.person_name(desk.db, desk.teacher, TODAY)
    # The script learns of which kind of work the mark is, and whose comment was there before.
    assert told["kind"] == str(ORAL)
    assert send(value="4", kind="4")[0] == 409 and send(value="4", kind="4", seen="4")[1]["kind"] == "4"
    assert send(value="5", kind="", usual=str(ORAL), seen="4")[1]["kind"] == "4"
    assert send(value="4", kind=str(ORAL), seen="5")[1]["kind"] == str(ORAL)
    commented = str(desk.pupils[-2])
    other, person = desk.db.execute(
        "SELECT a.id, a.person FROM account a JOIN subject_group sg ON sg.teacher = a.person WHERE a.id <> ?",
        (desk.account,),
    ).fetchone()
    with writing(desk.db, other) as w:
        change = Change("comment", "Дептери жок", desk.cell(int(commented)).comment, int(commented))
        actions.save(w, desk.place, desk.teacher, TODAY, [change])
    status, told = send(field="comment", pupil=commented, value="Башка", seen="")
    assert (status, told["author"]) == (409, queries.person_name(desk.db, person, TODAY))
    assert send(value="9", seen="4") == (422, {
        "error": "outside_scale", "retry": False, "sentence": send(value="9", seen="4")[1]["sentence"]
    })  # fmt: skip
    assert send(value="many")[0] == 400
    assert send(field="salary", value="1")[0] == 400


@pytest.mark.usefixtures("on_that_day")
def test_a_reason_sent_with_an_absence_counts_from_who_leads_the_class(desk: Desk) -> None:
    client, first = teacher_of(desk), desk.pupils[0]
    of = "SELECT cg.id, cg.teacher FROM subject_group g JOIN class_group cg ON cg.id = g.class_group WHERE g.id = ?"
    class_id, leader = desk.db.execute(of, (desk.place.group,)).fetchone()

    def sent(leads: int | None, seen: str) -> str | None:
        with writing(desk.db, desk.account) as w:
            w.update("class_group", class_id, teacher=leads)
        client.http.post(
            address(desk.place, "cell"),
            data={"field": "status", "pupil": first, "value": "absent", "why": "ill", "seen": seen},
            headers={"X-Form-Token": client.token, "Accept": "application/json"},
        )
        row = desk.db.execute(
            "SELECT status, reason FROM attendance WHERE pupil = ? AND day = ?", (first, TODAY)
        ).fetchone()
        assert row[0] == "absent"
        return None if row[1] is None else str(row[1])

    try:
        assert sent(None, "present") is None
        assert sent(desk.teacher, "absent") == "ill"
    finally:
        with writing(desk.db, desk.account) as w:
            w.update("class_group", class_id, teacher=leader)


@pytest.mark.usefixtures("on_that_day")
def test_others_read_and_do_not_write(desk: Desk) -> None:
    head = desk.school.as_("head")
    status, text = head.get(address(desk.place))
    assert status == 200 and 'name="taken"' not in text
    assert head.post(address(desk.place), taken="1")[0] == 403
    other = desk.db.execute(
        """SELECT a.login FROM account a JOIN appointment p ON p.person = a.person AND p.duty = 'teacher'
           WHERE a.person NOT IN (SELECT sg.teacher FROM subject_group sg WHERE sg.class_group =
             (SELECT class_group FROM subject_group WHERE id = ?)) AND a.person NOT IN
             (SELECT teacher FROM class_group WHERE teacher IS NOT NULL) LIMIT 1""",
        (desk.place.group,),
    ).fetchone()
    if other is not None:
        client = desk.school.sign_in(other[0])
        assert client.get(address(desk.place))[0] == 403
        assert client.post(address(desk.place), taken="1")[0] == 403


@pytest.mark.usefixtures("on_that_day")
def test_a_mark_that_a_sync_brought_from_outside_the_scale_is_shown_and_weighs_nothing(desk: Desk) -> None:
    client, pupil, scale = teacher_of(desk), desk.pupils[0], queries.scale_of(desk.db, desk.place.group)
    assert scale is not None
    told = proposals(desk)
    sentence = "Шкаладан тышкары"
    assert sentence not in client.get("/journal/")[1]
    with writing(desk.db, desk.account) as w:
        ten = w.insert("grading_scale", code="ten", minimum=1, maximum=10)
        w.put("mark", **desk.place.key, pupil=pupil, slot=0, value=9, kind=ORAL, scale=ten)
    assert not desk.cell(pupil).outside
    # Nothing here lets one in; a scale that is mended afterwards leaves what a sync may bring.
    with writing(desk.db, desk.account) as w:
        w.update("grading_scale", ten, maximum=5)
    assert desk.cell(pupil).outside == [9] and proposals(desk) == told
    text = client.get(f"/journal/group/{desk.place.group}")[1]
    assert f'class="outside" data-x="0" title="{sentence}' in text and text.count(sentence) == 2
    assert f"9: {sentence}" in client.get(address(desk.place))[1]
    assert "<b>9</b>" in client.get("/journal/")[1]
    desk.save(desk.mark(pupil, 4))
    assert sentence not in client.get("/journal/")[1] + client.get(address(desk.place))[1]


def test_a_late_change_shows_as_on_paper(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    late, pupil, client = TODAY + EDIT_DAYS + 1, desk.pupils[0], teacher_of(desk)
    desk.save(desk.mark(pupil, 4))
    desk.save(desk.mark(pupil, 5), today=late, reason="Кайра тапшырды")
    desk.save(Change("topic", "Жаан", ""), today=late)
    desk.save(Change("topic", "Кар", "Жаан"), today=late, reason="Жаңылдым")
    monkeypatch.setattr(pages, "today", lambda: late)
    past = client.get(address(desk.place, "history"))[1]
    assert "<s>Жаан</s> Жаңылдым" in past
    grid, lesson = (
        client.get(page)[1] for page in (f"/journal/group/{desk.place.group}", address(desk.place))
    )
    assert 'data-was="4"><s>4</s> 5</td>' in grid and "<s>4</s> Кайра тапшырды" in lesson
    assert 'data-struck="Жаан" title="Жаңылдым' in grid and "<s>Жаан</s> Жаңылдым" in lesson
    author = queries.person_name(desk.db, desk.teacher, TODAY)
    for text in (grid, lesson):
        told = text.split("Кайра тапшырды", 1)[1].split("<", 1)[0]
        assert author in told and "2025" in told


@pytest.mark.usefixtures("on_that_day")
def test_grid_results_and_history_are_shown(desk: Desk) -> None:
    client, pupil = teacher_of(desk), desk.pupils[0]
    desk.save(desk.mark(pupil, 5))
    text = client.get(f"/journal/group/{desk.place.group}")[1]
    assert all(f'<tr data-pupil="{one}">' in text for one in desk.pupils)
    assert "with-grid.js" in text
    # A lesson's head tells of which kind of work its marks are.
    head = re.search(rf'<th scope="col" data-at="2025-10-23/{desk.place.period}"[^>]*>', text)
    assert head is not None and f'data-kind="{ORAL}"' in head[0]
    # The facing page has the lessons in the order of the columns.
    heads, lines = text.split("</thead>", 1)[0], text.split("data-lines", 1)[1]
    lessons = re.findall(r'href="(/journal/lesson/[^"]+)"', heads)
    assert len(lessons) > 5 and re.findall(r'href="(/journal/lesson/[^"]+)"', lines) == lessons
    assert "with-book.js" in desk.school.as_("head").get(f"/journal/group/{desk.place.group}")[1]
    text = client.get(address(desk.place, "history") + f"/{pupil}")[1]
    assert "<b>5</b>" in text
    assert client.get(address(desk.place, "history") + "/1")[0] == 404
    text = client.get(f"/journal/results/{desk.place.group}")[1]
    assert all(f'name="result-{one}"' in text for one in desk.pupils)


@pytest.mark.usefixtures("on_that_day")
def test_an_average_leads_to_how_it_came_about(desk: Desk) -> None:
    client, pupil = teacher_of(desk), desk.pupils[0]
    desk.save(desk.mark(pupil, 5))
    pages_ = [f"/journal/{kind}/{desk.place.group}" for kind in ("group", "results")]
    found = [
        re.search(rf'data-average><a href="([^"]+pupil={pupil})"', client.get(page)[1]) for page in pages_
    ]
    addresses = {unescape(one[1]) for one in found if one is not None}
    assert None not in found and len(addresses) == 1
    told = addresses.pop()
    status, text = client.get(told)
    assert status == 200 and "5 × 1 = <b>5</b>" in text and iso(TODAY) in text
    assert desk.school.as_("head").get(told)[0] == 200
    for wrong in ("1", ""):
        assert client.get(told.replace(f"pupil={pupil}", f"pupil={wrong}"))[0] == 404


@pytest.mark.usefixtures("on_that_day")
def test_results_are_confirmed_by_one_form(desk: Desk) -> None:
    client = teacher_of(desk)
    group = desk.db.execute(
        "SELECT id FROM subject_group WHERE teacher = ? AND id <> ? AND scale IS NOT NULL LIMIT 1",
        (desk.teacher, desk.place.group),
    ).fetchone()[0]
    term = queries.term_of(desk.db, group, TODAY)
    assert term is not None
    found = queries.standings(
        queries.cells(desk.db, group, term["start"], term["end"]), queries.rule(desk.db)
    )
    pupil, mark = next((p, s.proposed) for p, s in found.items() if s.proposed is not None)
    page = f"/journal/results/{group}"
    client.get(page)
    there = f"{page}?term={term['id']}"
    worse = str(2 if mark != 2 else 5)
    status, text = client.post(there, **{f"result-{pupil}": worse, f"seen-{pupil}": ""})
    assert status == 422 and 'class="pupil bad"' in text
    # What is asked stands in the row, with both marks.
    assert f'id="why-{pupil}"' in text and f'aria-describedby="why-{pupil}"' in text
    # Lessons are to come: that is asked about once, and what was confirmed is taken back at once.
    right = {f"result-{pupil}": str(mark), f"seen-{pupil}": ""}
    status, text = client.post(there, **right)
    assert (
        status == 422 and 'name="early"' in text and pupil not in queries.results(desk.db, group, term["id"])
    )
    status, saved = client.post(there, **right, early="1")
    assert status == 302
    assert queries.results(desk.db, group, term["id"])[pupil]["band"] == mark
    text = client.get(saved)[1]
    act = re.search(r'name="act" value="(\d+)"', text)
    assert act
    back = f"{page}/take-back?term={term['id']}"
    assert client.post(back, act=str(int(act[1]) + 1))[0] == 404
    assert client.post(back, act=act[1])[0] == 302
    assert pupil not in queries.results(desk.db, group, term["id"])
    # Of too few marks it is said how few; who has left the class is not among those who get a result.
    few = [one.counted for one in found.values() if one.proposed is None]
    assert all(f"баасы аз: {counted}, керектүүсү 3" in text for counted in few)
    leaver = next(iter(queries.members(desk.db, group, TODAY, TODAY)))
    with writing(desk.db, desk.account) as w:
        row = w.db.execute(
            """SELECT e.id FROM enrolment e JOIN subject_group sg ON sg.class_group = e.class_group
               WHERE sg.id = ? AND e.pupil = ? AND e.retired_at IS NULL""",
            (group, leaver),
        ).fetchone()[0]
        w.update("enrolment", row, end=TODAY)
    try:
        assert f'name="result-{leaver}"' not in client.get(there)[1]
    finally:
        with writing(desk.db, desk.account) as w:
            w.update("enrolment", row, end=None)
