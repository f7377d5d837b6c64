"""A pupil's year through several groups: what was brought along counts for the pupil, and once in all figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction

import pytest
from sqlite_utils import Database

from node import yearbook
from node.control import queries as control
from node.derived import derive
from node.journal import actions, former, proposals
from node.journal import queries as journal
from node.journal.former import Mark
from node.journal.queries import Standing
from node.journal.reckoning import reckoning
from node.journal.sheet import Result
from node.results import queries as results
from node.yearend import queries as yearend
from shared.dates import parse_day
from shared.indicators import evaluate
from shared.problems import (
    ChangedMeanwhile,
    NotAllowed,
    NotFound,
    NotInGroup,
    OutsideScale,
    TermLocked,
)
from sync.undo import plan_undo
from sync.writer import Writer, writing
from tests.node.conftest import SchoolPages, actor
from tests.node.test_journal import a_school
from tests.stores import ACTOR, a_store

YEAR, FIVE, ORAL = 3, 1, 1
Q1, Q2, Q3, Q4, WHOLE = 4, 5, 6, 7, 10
BEGIN, MOVED, WINTER, END = map(parse_day, ("2025-09-01", "2025-11-24", "2026-01-15", "2026-05-29"))


class School:
    """5-А and 5-Б with the same subjects, the first of them split in 5-Б; a teacher for each group."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with writing(db, ACTOR) as w:
            self.teachers = [self.person(w, "staff") for _ in range(4)]
            self.leader = self.person(w, "staff")
            self.a = w.insert("class_group", year=YEAR, grade=5, letter="А")
            self.b = w.insert("class_group", year=YEAR, grade=5, letter="Б", teacher=self.leader)
            self.of_a = self.group(w, self.a, 14, self.teachers[0])
            self.of_b = self.group(w, self.b, 14, self.teachers[1])
            self.one, self.two = (
                self.group(w, self.b, 2, t, n) for t, n in zip(self.teachers[2:], "12", strict=True)
            )
            self.stays = self.enrol(w, self.b, BEGIN)
            self.pupil = self.enrol(w, self.a, BEGIN, MOVED)
            w.insert("enrolment", pupil=self.pupil, class_group=self.b, start=MOVED)
            for group, pupil in ((self.one, self.stays), (self.two, self.pupil)):
                w.put("subject_group_pupil", subject_group=group, pupil=pupil, start=BEGIN)

    def person(self, w: Writer, table: str) -> int:
        person = w.insert("person", sex="f")
        w.put(table, person=person)
        return person

    def group(self, w: Writer, class_group: int, subject: int, teacher: int, name: str | None = None) -> int:
        return w.insert(
            "subject_group", class_group=class_group, subject=subject, teacher=teacher, scale=FIVE, name=name
        )

    def enrol(self, w: Writer, class_group: int, start: int, end: int | None = None) -> int:
        pupil = self.person(w, "pupil")
        w.insert("enrolment", pupil=pupil, class_group=class_group, start=start, end=end)
        return pupil

    def result(self, group: int, term: int, value: int | None, pupil: int = 0, **more: int) -> None:
        status = "na" if value is None else "assessed"
        with writing(self.db, ACTOR) as w:
            w.put("term_result", subject_group=group, pupil=pupil or self.pupil, term=term, value=value,
                  band=value, status=status, **more)  # fmt: skip

    def mark(self, group: int, day: int, value: int, pupil: int = 0) -> None:
        with writing(self.db, ACTOR) as w:
            w.put("mark", subject_group=group, day=day, period=1, pupil=pupil or self.pupil, slot=0,
                  value=value, kind=ORAL, scale=FIVE)  # fmt: skip

    def missed(self, group: int, day: int, pupil: int = 0, taken: int = 1) -> None:
        with writing(self.db, ACTOR) as w:
            at = {"subject_group": group, "day": day, "period": 1}
            w.put("lesson", **at, attendance_taken=taken)
            w.put("attendance", **at, pupil=pupil or self.pupil, status="absent")

    def row(self, group: int) -> dict[str, object]:
        return dict(journal.group(self.db, group) or {})

    def term(self, term: int) -> dict[str, object]:
        return next(one for one in journal.result_terms(self.db, YEAR, 5) if one["id"] == term)

    def proposed(self, group: int, term: int, pupil: int = 0) -> Standing:
        found = proposals.of_term(self.db, self.row(group), self.term(term))
        return found.get(pupil or self.pupil, proposals.NOTHING)

    def cube(self, *measures: str, **dims: object) -> list[int]:
        found = [
            cell
            for cell in evaluate(self.db.execute, "results", 0)
            if all(cell.dims[name] == value for name, value in dims.items())
        ]
        return [sum(cell.measures[name] for cell in found) for name in measures]


@pytest.fixture
def school() -> Iterator[School]:
    with closing(a_store()) as db:
        yield School(db)


def stands(school: School, group: int) -> dict[int, tuple[int | None, int]]:
    """Period -> mark and the group it is from, as they stand for the pupil in a group."""
    found = yearbook.of_groups(school.db, [group], [school.pupil])
    return {one.term: (one.mark, one.group) for one in found}


# ---- who changes the class


def test_the_annual_mark_is_of_the_quarters_of_both_classes(school: School) -> None:
    school.result(school.of_a, Q1, 3)
    for term in (Q2, Q3, Q4):
        school.result(school.of_b, term, 5)
    assert school.proposed(school.of_b, WHOLE) == Standing(Fraction(9, 2), 5)
    how = reckoning(school.db, school.row(school.of_b), school.term(WHOLE), school.pupil)
    assert [(one and one.mark, one and one.letter) for _, one in how.parts] == [
        (3, "А"), (5, "Б"), (5, "Б"), (5, "Б")
    ]  # fmt: skip
    assert stands(school, school.of_b)[Q1] == (3, school.of_a)
    assert stands(school, school.of_a) == {Q1: (3, school.of_a)}, (
        "the class that was left keeps its own alone"
    )


def test_marks_of_a_quarter_count_in_the_class_where_it_ends(school: School) -> None:
    for at, value in enumerate((3, 3, 4)):
        school.mark(school.of_a, MOVED - 10 + at, value)
    school.mark(
        school.of_b, MOVED - 1, 2
    )  # not yet there: a mark of this class that nobody should have entered
    for at, value in enumerate((5, 5)):
        school.mark(school.of_b, MOVED + at, value)
    assert school.proposed(school.of_b, Q2) == Standing(Fraction(22, 6), 4, 6)
    assert school.proposed(school.of_a, Q2).counted == 3
    how = reckoning(school.db, school.row(school.of_b), school.term(Q2), school.pupil)
    assert [line.group for line in how.lines] == [school.of_a] * 3 + [school.of_b] * 3
    assert (how.total, how.weights) == (22, 6)
    brought = journal.brought(school.db, school.of_b, MOVED - 20, END)
    assert journal.weighed(brought[school.of_a], journal.rule(school.db)) == {school.pupil: (10, 3, 3)}
    school.mark(school.of_a, MOVED, 2)  # after the pupil had left
    assert school.proposed(school.of_b, Q2).counted == 6


def test_a_pupil_who_changes_the_subgroup_keeps_what_the_other_gave(school: School) -> None:
    school.result(school.one, Q1, 4, school.stays)
    with writing(school.db, ACTOR) as w:
        w.put("subject_group_pupil", subject_group=school.one, pupil=school.stays, start=BEGIN, end=MOVED)
        w.put("subject_group_pupil", subject_group=school.two, pupil=school.stays, start=MOVED, end=None)
    school.result(school.two, Q2, 5, school.stays)
    assert school.proposed(school.two, WHOLE, school.stays) == Standing(Fraction(9, 2), 5)
    row, quarter = school.row(school.one), school.term(Q2)
    assert proposals.on_roll(school.db, row, quarter, END) == frozenset()
    assert school.stays in proposals.on_roll(school.db, school.row(school.two), quarter, END)
    assert len(results.of_class(school.db, school.b, None)) == 2, "in their class each stands once"


def test_who_goes_back_has_everything_again(school: School) -> None:
    school.result(school.of_a, Q1, 3)
    school.result(school.of_b, Q2, 5)
    with writing(school.db, ACTOR) as w:
        (row,) = school.db.execute(
            'SELECT id FROM enrolment WHERE pupil = ? AND "end" IS NULL', (school.pupil,)
        ).fetchone()
        w.update("enrolment", row, end=WINTER)
        w.insert("enrolment", pupil=school.pupil, class_group=school.a, start=WINTER)
    assert stands(school, school.of_a) == {Q1: (3, school.of_a), Q2: (5, school.of_b)}
    assert stands(school, school.of_b) == {Q2: (5, school.of_b)}, "what was brought along went back, too"


def test_of_two_results_of_a_period_the_one_of_the_last_class_stands_and_is_counted(school: School) -> None:
    school.result(school.of_a, Q2, 2)  # given early, before the pupil went
    assert stands(school, school.of_b)[Q2] == (2, school.of_a)
    school.result(school.of_b, Q2, 4)
    assert stands(school, school.of_b)[Q2] == (4, school.of_b)
    assert school.proposed(school.of_b, WHOLE).average == 4
    found = {one.term: one.mark for one in results.of_pupil(school.db, school.pupil, None)}
    assert found == {Q2: 4}
    assert school.cube("n4", "n2", term="quarter-2") == [1, 0]
    derive(school.db)
    counted = school.db.execute(
        "SELECT class_group, good, failing FROM class_category_count WHERE good OR failing"
    ).fetchall()
    assert counted == [(school.b, 1, 0)]


def test_each_result_is_counted_where_the_pupil_was_when_the_period_ended(school: School) -> None:
    school.result(school.of_a, Q1, 3)
    school.result(school.of_b, Q1, 5, school.stays)
    of_term = results.of_year(school.db, YEAR, Q1)
    counted = {place: results.measures(some[group]) for place, some in of_term.items() for group in some}
    assert (counted[school.a]["n3"], counted[school.b]["n3"], counted[school.b]["n5"]) == (1, 0, 1)
    assert school.cube("n3", "n5", term="quarter-1") == [1, 1]
    shown = results.of_class(school.db, school.b, None)
    assert {one.pupil for one in shown} == {school.pupil, school.stays}
    assert results.measures(one.measured for one in shown)["n3"] == 0, "brought along, not of this class"
    with writing(school.db, ACTOR) as w:
        w.insert("own_term", term=Q1, grade=5, start=BEGIN, end=MOVED + 3)
    assert school.cube("n3", "n5", term="quarter-1") == [0, 1], "its end is that of the school's calendar"


def test_a_year_is_judged_by_what_stands(school: School) -> None:
    school.result(school.of_a, WHOLE, 2)
    assert yearend._results(school.db, YEAR)[school.pupil] == {14: True}
    school.result(school.of_b, WHOLE, 4)
    assert yearend._results(school.db, YEAR)[school.pupil] == {14: False}


def test_lesson_control_counts_what_was_brought_along_by_the_roll_at_the_terms_end(school: School) -> None:
    day = school.term(Q2)["end"]

    def short(today: int) -> int | None:
        found = control.lines(school.db, YEAR, Q2, today)
        return next(one.short for one in found if one.group["id"] == school.of_b)

    for at in range(3):
        school.mark(school.of_a, MOVED - 9 + at, 4)
        school.mark(school.of_b, MOVED + at, 4, school.stays)
    assert short(int(str(day))) == 0
    with writing(school.db, ACTOR) as w:
        school.enrol(w, school.b, WINTER)
    assert short(WINTER + 5) == 0, "a newcomer had no lessons in it"


# ---- who comes from another school


@pytest.fixture
def newcomer(school: School) -> int:
    with writing(school.db, ACTOR) as w:
        return school.enrol(w, school.b, WINTER)


def bring(school: School, pupil: int, person: int, *marks: Mark, today: int = WINTER + 7) -> int:
    with writing(school.db, ACTOR) as w:
        return former.give(w, school.b, pupil, person, today, marks)


def test_marks_of_a_former_school_count_for_the_pupil_and_in_no_figure(school: School, newcomer: int) -> None:
    teacher, today = school.teachers[1], WINTER + 7
    with writing(school.db, ACTOR) as w, pytest.raises(NotInGroup):
        given = [Result(newcomer, 3, "assessed", "кагаз", None)]
        actions.give_results(w, school.of_b, Q1, teacher, today, given)
    card = former.card(school.db, school.b, newcomer, today)
    assert [one["id"] for one in card.terms] == [Q1, Q2]
    assert {one["id"] for one in card.groups} == {school.of_b}, "into no subgroup yet"
    assert former.newcomers(school.db, school.row(school.of_b), school.term(Q1), today) == {newcomer}
    first = Mark(school.of_b, Q1, (3, "assessed"), None)
    assert bring(school, newcomer, teacher, first, Mark(school.of_b, Q2, (None, "na"), None)) == 2
    assert bring(school, newcomer, teacher, first) == 0
    school.result(school.of_b, Q3, 4, newcomer)
    assert school.proposed(school.of_b, WHOLE, newcomer) == Standing(Fraction(7, 2), 4)
    found = {one.term: one for one in results.of_class(school.db, school.b, None) if one.pupil == newcomer}
    assert [found[term].former for term in (Q1, Q2, Q3)] == [True, True, False]
    assert results.measures(one.measured for one in found.values()) == results.measures([("assessed", 4, 1)])
    assert school.cube("n3", "na", "n4") == [0, 0, 1]
    derive(school.db)
    sql = "SELECT count(*) FROM class_category_count WHERE satisfactory + not_assessed > 0"
    assert school.db.execute(sql).fetchone() == (0,)
    assert bring(school, newcomer, teacher, Mark(school.of_b, Q1, None, (3, "assessed"))) == 1
    assert school.proposed(school.of_b, WHOLE, newcomer).average == 4


def test_teacher_and_class_teacher_write_them_until_the_year_is_locked(school: School, newcomer: int) -> None:
    first, other = Mark(school.of_b, Q1, (3, "assessed"), None), Mark(school.one, Q1, (4, "assessed"), None)
    with writing(school.db, ACTOR) as w:
        w.put("subject_group_pupil", subject_group=school.one, pupil=newcomer, start=WINTER)
        w.put("term_lock", class_group=school.b, term=Q1, locked=1)
    assert bring(school, newcomer, school.teachers[1], first) == 1, "the lock keeps what this school gave"
    with pytest.raises(NotAllowed):
        bring(school, newcomer, school.teachers[1], other)
    assert bring(school, newcomer, school.leader, other) == 1
    for flawed, problem in (
        (Mark(school.of_b, Q3, (5, "assessed"), None), NotInGroup),  # the pupil is here then
        (Mark(school.two, Q1, (5, "assessed"), None), NotInGroup),
        (Mark(school.of_b, Q2, (6, "assessed"), None), OutsideScale),
        (Mark(school.of_b, Q1, (4, "assessed"), None), ChangedMeanwhile),
    ):
        with pytest.raises(problem):
            bring(school, newcomer, school.leader, flawed)
    for pupil in (school.stays, school.pupil):
        with pytest.raises(NotInGroup):
            bring(school, pupil, school.leader, first)
    with pytest.raises(NotFound):
        bring(school, newcomer, school.leader, first, today=WINTER - 1)
    with writing(school.db, ACTOR) as w:
        w.put("term_lock", class_group=school.b, term=WHOLE, locked=1)
    with pytest.raises(TermLocked):
        bring(school, newcomer, school.leader, Mark(school.of_b, Q2, (5, "assessed"), None))


# ---- missed lessons


def missed_of(school: School, term: int, group: int = 0) -> int | None:
    found = results.of_pupil(school.db, school.pupil, None)
    return next(one.missed for one in found if one.term == term and one.group == (group or school.of_b))


def test_missed_lessons_are_counted_when_they_are_looked_at(school: School) -> None:
    school.missed(school.of_a, MOVED - 10)
    school.missed(school.of_b, MOVED + 1)
    with writing(school.db, ACTOR) as w:
        given = [Result(school.pupil, 4, "assessed", "кагаз", None)]
        actions.give_results(w, school.of_b, Q2, school.teachers[1], MOVED + 2, given, early=True)
        act = actions.act_of(w)
    stored = "SELECT missed FROM term_result WHERE pupil = ? AND retired_at IS NULL"
    assert school.db.execute(stored, (school.pupil,)).fetchone() == (2,)
    school.missed(school.of_b, MOVED + 3)
    school.missed(school.of_b, MOVED + 4, taken=0)  # nobody took attendance there
    school.missed(school.of_b, MOVED - 1)  # not yet in the class
    assert missed_of(school, Q2) == 3
    # What is stored for the district follows with the derived rows, and is no later change of the result.
    derive(school.db)
    assert school.db.execute(stored, (school.pupil,)).fetchone() == (3,)
    with writing(school.db, ACTOR) as w:
        w.insert("own_day", year=YEAR, day=MOVED + 1, kind="off")
    assert missed_of(school, Q2) == 2
    derive(school.db)
    assert school.db.execute(stored, (school.pupil,)).fetchone() == (2,)
    summary = "SELECT missed FROM lesson_summary WHERE subject_group = ? AND term = ?"
    assert school.db.execute(summary, (school.of_b, Q2)).fetchone() == (1,)
    assert derive(school.db) is False
    plan = plan_undo(school.db, act)
    assert (len(plan.retire), plan.left_alone) == (1, []), "and the result can be taken back"


def test_where_no_attendance_was_taken_what_was_written_with_the_result_stands(school: School) -> None:
    school.result(school.of_b, Q3, 4, missed=7)
    school.missed(school.of_b, MOVED + 1)
    derive(school.db)
    assert missed_of(school, Q3) == 7


# ---- pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("yearbook"))


def test_pages_tell_from_which_class_or_school_a_result_is(pages: SchoolPages) -> None:
    teacher = pages.person("teacher")
    with closing(pages.node.connect()) as db:
        group, class_group, subject = db.execute(
            """SELECT g.id, g.class_group, g.subject FROM subject_group g WHERE g.teacher = ? AND g.scale IS NOT NULL
               AND EXISTS (SELECT 1 FROM subject_group o WHERE o.subject = g.subject AND o.scale IS NOT NULL
                 AND o.class_group <> g.class_group) LIMIT 1""",
            (teacher,),
        ).fetchone()
        other, left, grade, letter = db.execute(
            """SELECT o.id, o.class_group, cg.grade, cg.letter FROM subject_group o
               JOIN class_group cg ON cg.id = o.class_group WHERE o.subject = ? AND o.class_group <> ?
               AND o.scale IS NOT NULL LIMIT 1""",
            (subject, class_group),
        ).fetchone()
        with writing(db, actor(db)) as w:
            moved, new = (w.insert("person", sex="f") for _ in range(2))
            for pupil in (moved, new):
                w.put("pupil", person=pupil)
            w.insert("enrolment", pupil=moved, class_group=left, start=BEGIN, end=MOVED)
            w.insert("enrolment", pupil=moved, class_group=class_group, start=MOVED)
            w.insert("enrolment", pupil=new, class_group=class_group, start=WINTER)
            for one, pupils in ((other, (moved,)), (group, (moved, new))):
                if journal.membership(db, one, [BEGIN])(moved) == frozenset() or one == group:
                    for pupil in pupils:
                        w.put("subject_group_pupil", subject_group=one, pupil=pupil, start=BEGIN)
            w.put(
                "term_result", subject_group=other, pupil=moved, term=Q1, value=3, band=3, status="assessed"
            )
    client, came = pages.as_("teacher"), f"{grade}-{letter}"
    status, text = client.get(f"/journal/results/{group}?term={Q1}")
    assert status == 200 and f"коюлган жери: {came}" in text and "Бул мезгилден кийин келген." in text
    at = f"/journal/former/{class_group}/{new}"
    assert f'href="{at}"' in text and client.get(at)[0] == 200
    sent = {f"result-{group}-{Q1}": "4", f"seen-{group}-{Q1}": "", f"result-{group}-{Q2}": ""}
    assert client.post(at, **sent) == (302, f"{at}?saved=1")
    assert client.post(at, **sent | {f"result-{group}-{Q1}": "5"})[0] == 409
    assert client.post(at, **{f"result-{group}-{Q1}": "9", f"seen-{group}-{Q1}": "4"})[0] == 422
    assert pages.one("SELECT former FROM term_result WHERE pupil = ? AND retired_at IS NULL", new) == 1
    assert "мурунку мектептен" in client.get(f"/journal/results/{group}?term={Q1}")[1]
    explained = client.get(f"/journal/explained/{group}?term={WHOLE}&pupil={moved}")[1]
    assert f"коюлган жери: {came}" in explained
    grid = client.get(f"/journal/group/{group}?term={Q3}")[1]
    assert f'3<small class="under">{came}</small>' in grid and "4<sup" in grid
    assert client.get(f"/journal/group/{group}/book.xlsx")[0] == 200
    head = pages.as_("head")
    for page in (f"/results/{class_group}?subject={subject}", f"/results/{class_group}/sheet"):
        text = head.get(page)[1]
        assert f'<small class="under">{came}</small>' in text and "<sup>*" in text, page
        assert "мурунку мектептин табелинен" in text and "ошол класста коюлган" in text
    cards = head.get(f"/results/{class_group}/cards")[1]
    assert f"<td>3 ({came})</td>" in cards and "<td>4*</td>" in cards and "Кашаада" in cards
    assert f"3 ({came})" in head.get(f"/results/pupil/{moved}/card")[1]
    assert f'href="{at}"' in head.get(f"/results/pupil/{new}")[1]
    assert f'href="/journal/former/{class_group}/{moved}"' not in head.get(f"/results/pupil/{moved}")[1]
    status, text = head.get(f"/journal/former/{class_group}/{new}")
    assert status == 200 and "<select" not in text, "who reads all results writes none of these"
    assert client.get(f"/journal/former/{left}/{new}")[0] in (403, 404)
