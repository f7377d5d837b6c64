"""Marks from lists: they bring their lesson into the journal, and come late only with a reason, as in the journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from node.fields import iso
from node.importing import back, views
from node.importing.actions import run_import
from node.journal import pages as journal_pages
from node.journal import queries
from node.journal.queries import Place
from node.timetable import actions as timetable
from node.timetable import queries as timetable_queries
from shared.dates import parse_day
from shared.problems import LessonHeld
from sync.state import State
from sync.writer import Writer, writing
from tests.node.conftest import Client, SchoolPages, autumn
from tests.node.test_importing_pages import upload

TODAY = parse_day("2025-11-26")
"""A Wednesday after the last day that the generated teachers told of."""
HEAD = "Класс;Предмет;Подгруппа;Дата;Урок;Личное дело;Оценка;Вид работы\n"
WHY = "Дептер жоголуп, кийин табылды"


@dataclass
class Class:
    """A group of the subject teacher, and its lessons."""

    own: SchoolPages
    db: Database
    group: int

    @property
    def teacher(self) -> Client:
        return self.own.as_("teacher")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.db.execute(sql, values).fetchall()]

    def lesson(self, first: int, last: int = TODAY) -> Place:
        """The first lesson of the timetable in a span that the journal does not know, or any if it knows all."""
        dates = timetable_queries.dates(self.db, self.group, first, last)
        fresh = [
            at
            for at in dates
            if not self.rows(
                "SELECT 1 FROM lesson WHERE (subject_group, day, period) = (?, ?, ?)", self.group, *at
            )
        ]
        return Place(self.group, *(fresh or dates)[0])

    def pupils(self, place: Place) -> list[int]:
        return sorted(queries.members(self.db, self.group, place.day, place.day))

    def line(self, place: Place, pupil: int, value: int, kind: str = "test", name: str = "") -> str:
        """A line of a list."""
        (called,) = self.rows(
            """SELECT g.grade || '-' || g.letter, s.code, ifnull(x.name, '') FROM subject_group x
               JOIN class_group g ON g.id = x.class_group JOIN subject s ON s.id = x.subject WHERE x.id = ?""",
            self.group,
        )
        ((file,),) = self.rows("SELECT personal_file FROM pupil WHERE person = ?", pupil)
        return ";".join((*called, iso(place.day), str(place.period), file, str(value), kind)) + "\n"

    def mark(self, place: Place, pupil: int) -> int | None:
        return queries.lesson_cells(self.db, place).get(pupil, queries.Cell()).value(0)

    def corrections(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT pupil, old, reason, author, made_on FROM mark_correction WHERE retired_at IS NULL"
        )

    def held(self, place: Place) -> list[tuple[Any, ...]]:
        sql = "SELECT teacher, topic FROM lesson WHERE (subject_group, day, period) = (?, ?, ?) AND retired_at IS NULL"
        return self.rows(sql, *place.key.values())

    def writing(self) -> Any:
        return writing(self.db, int(State(self.db).administrator))

    def lock(self, day: int) -> None:
        term = queries.term_of(self.db, self.group, day)
        ((led,),) = self.rows("SELECT class_group FROM subject_group WHERE id = ?", self.group)
        assert term is not None
        with self.writing() as w:
            w.put("term_lock", class_group=led, term=term["id"], locked=1)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SchoolPages:
    """A school to be written in, on a day of its autumn."""
    for module in (views, back, journal_pages):
        monkeypatch.setattr(module, "today", lambda: TODAY)
    return autumn().again(tmp_path)


@pytest.fixture
def of_class(own: SchoolPages) -> Iterator[Class]:
    group, _, _ = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    with closing(own.node.connect()) as db:
        yield Class(own, db, int(group))


def test_a_mark_brings_its_lesson_into_the_journal(of_class: Class) -> None:
    place = of_class.lesson(TODAY - 5)
    first, second, *_ = of_class.pupils(place)
    assert of_class.held(place) == []
    there = upload(
        of_class.teacher, "marks", HEAD + of_class.line(place, first, 5) + of_class.line(place, second, 4)
    )
    assert of_class.teacher.get(there)[0] == 200 and of_class.held(place) == [], "a dry run writes nothing"
    assert of_class.teacher.post(there, do="all")[0] == 200
    assert of_class.held(place) == [(of_class.own.person("teacher"), "")]
    class_group = of_class.rows("SELECT class_group FROM subject_group WHERE id = ?", of_class.group)[0][0]
    with of_class.writing() as w:
        timetable.set_cell(w, class_group, (place.day - 4) % 7 + 1, place.period, {}, place.day - 2)
    places = [one.place for one in queries.columns(of_class.db, of_class.group, place.day, place.day)]
    assert place in places, "moved in the timetable the lesson is in the journal all the same"
    at = f"/journal/lesson/{place.group}/{iso(place.day)}/{place.period}"
    assert of_class.teacher.get(at)[0] == 200


def test_what_a_terminal_imports_brings_its_lesson_too(of_class: Class, tmp_path: Path) -> None:
    place = of_class.lesson(TODAY - 5)
    list_ = tmp_path / "marks.csv"
    list_.write_text(HEAD + of_class.line(place, of_class.pupils(place)[0], 5))
    actor = int(State(of_class.db).administrator)
    assert run_import(of_class.db, list_, "marks", actor, today=TODAY).inserted == {"mark": 1, "lesson": 1}
    assert of_class.held(place) == [(of_class.own.person("teacher"), "")]


@pytest.mark.parametrize("table", ["mark", "attendance"])
def test_a_lesson_of_which_a_mark_or_absence_stands_is_a_lesson(of_class: Class, table: str) -> None:
    place = of_class.lesson(TODAY - 5)
    pupil = of_class.pupils(place)[0]
    row = {**place.key, "pupil": pupil}
    blank: dict[str, Any] = {"value": None, "slot": 0} if table == "mark" else {"status": "present"}
    full: dict[str, Any] = {"value": 5, "kind": 1} if table == "mark" else {"status": "absent"}

    def drop(w: Writer) -> bool:
        return timetable.drop(w, place.group, place.day, place.period)

    with of_class.writing() as w:
        w.put(table, **row, **blank)
        assert drop(w), "a mark that was taken back is none"
    assert queries.lesson(of_class.db, place) is None
    assert place not in [c.place for c in queries.columns(of_class.db, of_class.group, place.day, place.day)]
    with of_class.writing() as w:
        w.put(table, **row, **blank | full)
    found = queries.lesson(of_class.db, place)
    assert found is not None and not found["held"]
    assert place in [c.place for c in queries.columns(of_class.db, of_class.group, place.day, place.day)]
    with of_class.writing() as w:
        timetable.take_back_substitution(w, place.group, place.day, place.period)
        with pytest.raises(LessonHeld):
            drop(w)


def test_late_marks_ask_for_one_reason_and_show_as_on_paper(of_class: Class) -> None:
    place = of_class.lesson(parse_day("2025-09-01"), parse_day("2025-09-20"))
    fresh = of_class.lesson(TODAY - 5)
    old = next(p for p in of_class.pupils(place) if of_class.mark(place, p) is None)
    with of_class.writing() as w:
        w.put("mark", **place.key, pupil=old, slot=0, value=3, kind=1, scale=1)
    new = next(p for p in of_class.pupils(place) if of_class.mark(place, p) is None)
    soon = of_class.pupils(fresh)[0]
    lines = [of_class.line(place, old, 5), of_class.line(place, new, 4), of_class.line(fresh, soon, 4)]
    there = upload(of_class.teacher, "marks", HEAD + "".join(lines))
    status, text = of_class.teacher.get(there)
    assert 'name="reason"' in text and ">2, 3</th>" in text, "the late lines are told by number"
    assert of_class.teacher.post(there, do="all")[0] == 422
    assert (of_class.mark(place, old), of_class.mark(place, new), of_class.mark(fresh, soon)) == (
        3,
        None,
        None,
    )
    status, text = of_class.teacher.post(there, do="check", reason=WHY)
    assert status == 200 and f'value="{WHY}"' in text and of_class.corrections() == []
    assert of_class.teacher.post(there, do="all", reason=WHY)[0] == 200
    assert (of_class.mark(place, old), of_class.mark(place, new), of_class.mark(fresh, soon)) == (5, 4, 4)
    who = of_class.own.person("teacher")
    assert of_class.corrections() == [(old, "3", WHY, who, TODAY), (new, "", WHY, who, TODAY)]
    cell = queries.lesson_cells(of_class.db, place)[old]
    assert [one.old for one in cell.corrections] == ["3"]


def test_without_a_reason_late_lines_come_back_and_the_others_go_in(of_class: Class) -> None:
    place, fresh = (
        of_class.lesson(parse_day("2025-09-01"), parse_day("2025-09-20")),
        of_class.lesson(TODAY - 5),
    )
    late = next(p for p in of_class.pupils(place) if of_class.mark(place, p) is None)
    soon = of_class.pupils(fresh)[0]
    there = upload(
        of_class.teacher, "marks", HEAD + of_class.line(place, late, 4) + of_class.line(fresh, soon, 4)
    )
    assert of_class.teacher.post(there, do="rest")[0] == 200
    assert (of_class.mark(place, late), of_class.mark(fresh, soon)) == (
        None,
        4,
    ) and not of_class.corrections()


def test_a_mark_that_stands_needs_no_reason_and_another_kind_of_work_does(of_class: Class) -> None:
    place = of_class.lesson(parse_day("2025-09-01"), parse_day("2025-09-20"))
    pupil = of_class.pupils(place)[0]
    kinds = {kind["code"]: kind["id"] for kind in queries.work_kinds(of_class.db)}
    scale = queries.scale_of(of_class.db, of_class.group)
    assert scale is not None
    with of_class.writing() as w:
        w.put("mark", **place.key, pupil=pupil, slot=0, value=4, kind=kinds["test"], scale=scale.id)
    same = upload(of_class.teacher, "marks", HEAD + of_class.line(place, pupil, 4))
    status, text = of_class.teacher.get(same)
    assert status == 200 and 'name="reason"' not in text and "Файлдагынын баары мурунтан эле бар" in text
    other = next(code for code in kinds if code != "test")
    changed = upload(of_class.teacher, "marks", HEAD + of_class.line(place, pupil, 4, other))
    assert of_class.teacher.post(changed, do="all")[0] == 422
    of_class.lock(place.day)
    assert of_class.teacher.post(changed, do="all", reason=WHY)[0] == 422, "a locked period stays as it is"
    assert of_class.teacher.post(same, do="check")[0] == 200


def test_a_reason_that_names_someone_without_a_consent_is_asked_about(of_class: Class) -> None:
    with of_class.writing() as w:
        person = w.insert("person", sex="f", birth_year=2013)
        consent = w.insert("consent", person=person, purpose="core", valid_from=20_000, signer=person)
        w.update("person", person, surname="Толубаева")
        w.update("consent", consent, withdrawn_on=20_001)
    place = of_class.lesson(parse_day("2025-09-01"), parse_day("2025-09-20"))
    pupil = next(p for p in of_class.pupils(place) if of_class.mark(place, p) is None)
    there = upload(of_class.teacher, "marks", HEAD + of_class.line(place, pupil, 4))
    status, text = of_class.teacher.post(there, do="all", reason="Толубаева айтты")
    assert status == 422 and 'name="names_checked"' in text and not of_class.corrections()
    assert of_class.teacher.post(there, do="all", reason="Толубаева айтты", names_checked="1")[0] == 200
