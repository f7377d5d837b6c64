"""The journal of a group as a workbook, of this year and of an earlier one."""

from __future__ import annotations

import io

import openpyxl
import pytest

from node.people.queries import number_of
from shared.dates import date_of
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_importing_pages import own as own


def sheets(school: SchoolPages, duty: str, group: int) -> dict[str, list[tuple[object, ...]]]:
    answer = school.as_(duty).http.get(f"/journal/group/{group}/book.xlsx")
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.get_data()))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def test_marks_results_and_topics_of_a_year(pages: SchoolPages) -> None:
    group, day, period = pages.lesson_of(pages.taught, taught_by=pages.person("teacher"))
    found = sheets(pages, "teacher", int(group))
    marks = pages.one(
        """SELECT count(*) FROM mark WHERE subject_group = ? AND retired_at IS NULL AND value IS NOT NULL""",
        group,
    )
    terms = list(found)[:-1]
    body = [row for term in terms for row in found[term][2:]]
    shown = [str(cell) for row in body for cell in row[2:-3] if cell is not None]
    assert (
        sum(len([part for part in text.split()[-1].split("/") if part.isdigit()]) for text in shown)
        == marks
        > 0
    )
    assert {row[0] for row in found[terms[0]][2:]} == set(range(1, len(found[terms[0]]) - 1))
    topics = found[list(found)[-1]][2:]
    assert len(topics) == pages.one(
        "SELECT count(*) FROM lesson WHERE subject_group = ? AND retired_at IS NULL", group
    )
    assert any(str(row[0])[:10] == day and row[1] == period for row in topics)


def test_who_has_no_consent_is_a_number_in_it(own: SchoolPages) -> None:
    group, _, _ = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    pupil = own.member_of(int(group))
    db = own.node.connect()
    with writing(db, int(State(db).administrator)) as w:
        for (consent,) in db.execute("SELECT id FROM consent WHERE person = ?", (pupil,)).fetchall():
            w.update("consent", consent, valid_to=1)
    (surname,) = db.execute("SELECT surname FROM person WHERE id = ?", (pupil,)).fetchone()
    db.close()
    found = sheets(own, "teacher", int(group))
    names = [str(row[1]) for rows in found.values() for row in rows if len(row) > 1]
    assert any(f"{number_of(pupil)}" in name and surname not in name for name in names)


@pytest.mark.parametrize("duty", ["secretary", "librarian", "administrator"])
def test_who_does_not_read_the_journal_takes_none_along(pages: SchoolPages, duty: str) -> None:
    group, _, _ = pages.lesson_of(pages.taught)
    assert pages.as_(duty).get(f"/journal/group/{group}/book.xlsx")[0] == 403


def test_a_teacher_takes_the_own_journals_along_alone_and_it_is_noted(pages: SchoolPages) -> None:
    strange = pages.one(
        """SELECT sg.id FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group WHERE sg.teacher <> ?1
           AND ifnull(cg.teacher, 0) <> ?1 AND sg.retired_at IS NULL LIMIT 1""",
        pages.person("teacher"),
    )
    notes = "SELECT count(*) FROM reading_log WHERE act = 'export' AND what LIKE 'journal%'"
    before = pages.one(notes)
    assert pages.as_("teacher").get(f"/journal/group/{strange}/book.xlsx")[0] == 403
    assert pages.one(notes) == before
    assert pages.as_("head").get(f"/journal/group/{strange}/book.xlsx")[0] == 200
    assert pages.one(notes) == before + 1


def test_journals_of_an_earlier_year_are_listed_and_taken_along(own: SchoolPages) -> None:
    db = own.node.connect()
    with writing(db, int(State(db).administrator)) as w:
        start, end = db.execute(
            'SELECT start, "end" FROM academic_year WHERE id IN (SELECT year FROM class_group)'
        ).fetchone()
        year = db.execute(
            'SELECT id FROM academic_year WHERE "end" < ? ORDER BY start DESC', (start,)
        ).fetchone()
        year_id = year[0] if year else w.insert("academic_year", start=start - 365, end=end - 365)
        old = w.insert("class_group", year=year_id, grade=4, letter="Я")
        subject = db.execute("SELECT id FROM subject WHERE code = 'mat'").fetchone()[0]
        group = w.insert("subject_group", class_group=old, subject=subject)
    db.close()
    head = own.as_("head")
    assert f"/journal/group/{group}" not in head.get("/journal/")[1]
    earlier = head.get(f"/journal/?day={date_of(start - 200).isoformat()}")[1]
    assert f"/journal/group/{group}" in earlier
    assert list(sheets(own, "head", group))
