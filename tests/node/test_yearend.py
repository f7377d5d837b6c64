"""The end of a school year: the promotion map, decisions, the closing as one act, its undoing, the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from node import frozen, roster
from node.calendar import actions as calendar
from node.classes import actions as class_actions
from node.classes.actions import ClassDraft, GroupDraft
from node.counting import quarter, school_return
from node.movement import actions as movement
from node.movement.actions import Paper
from node.movement.balance import discrepancies, holds, of_span, summed
from node.yearend import actions, queries
from shared.dates import school_year_name
from shared.indicators import evaluate
from shared.problems import InvalidValue, NoFollowingYear, Undecided, YearRunning
from shared.reference import PROMOTION
from sync.writer import Writer, writing
from tests.node.conftest import SchoolPages
from tests.stores import ACTOR, a_store

LAST, YEAR, NEXT = 2, 3, 4
"""2024/25 (when grade 3 went on to 5), 2025/26 and 2026/27, which ship with the product."""
START, NEXT_START = 20_332, 20_697
CLOSING_DAY = NEXT_START - 60
MATHS = 14


def a_class(w: Writer, year: int, grade: int, letter: str = "А", pupils: int = 2, **more: object) -> int:
    made = class_actions.create_class(w, year, replace(ClassDraft(grade, letter, "ky", 1, 5), **more))  # type: ignore[arg-type]
    start = w.db.execute("SELECT start FROM academic_year WHERE id = ?", (year,)).fetchone()[0]
    for _ in range(pupils):
        person = w.insert("person", sex="f", birth_year=2025 - grade - 6)
        w.put("pupil", person=person)
        roster.enrol(w, person, made, start)
    return made


@pytest.fixture
def db() -> Iterator[Database]:
    """A class of every grade in 2025/26, each taught mathematics and with its year's results in it."""
    with closing(a_store()) as db:
        with writing(db, ACTOR) as w:
            assert w.insert("account", login="deputy") == ACTOR
            for grade in range(1, 12):
                class_actions.add_group(w, a_class(w, YEAR, grade), GroupDraft(MATHS, None, 4, 1))
        for grade in range(1, 12):
            for pupil in roll(db, class_of(db, grade), START):
                result(db, pupil, class_of(db, grade), 4)
        yield db


def close(db: Database, year: int = YEAR, today: int = CLOSING_DAY) -> actions.Closed:
    with writing(db, ACTOR) as w:
        return actions.close(w, year, today, "7-о", today)


def class_of(db: Database, grade: int, year: int = YEAR, letter: str = "А") -> int:
    sql = """SELECT id FROM class_group WHERE year = ? AND grade = ? AND letter = ? AND retired_at IS NULL"""
    return int(db.execute(sql, (year, grade, letter)).fetchone()[0])


def roll(db: Database, class_id: int, day: int) -> list[int]:
    sql = """SELECT pupil FROM enrolment WHERE class_group = ? AND retired_at IS NULL AND start <= ?
             AND ("end" IS NULL OR "end" > ?) ORDER BY pupil"""
    return [row[0] for row in db.execute(sql, (class_id, day, day)).fetchall()]


def result(db: Database, pupil: int, class_id: int, band: int | None, status: str = "assessed") -> None:
    group = roster.parts(db, class_id)[MATHS][0]
    term = db.execute("SELECT id FROM term WHERE year = ? AND kind = 'year'", (YEAR,)).fetchone()[0]
    with writing(db, ACTOR) as w:
        w.put(
            "term_result", subject_group=group, pupil=pupil, term=term, value=band, band=band, status=status
        )


# ---- the rule


def test_everyone_goes_where_the_map_says_and_the_last_grade_graduates(db: Database) -> None:
    before = {grade: roll(db, class_of(db, grade), START) for grade in range(1, 12)}
    done = close(db)
    assert (done.promoted, done.repeating, done.graduated) == (20, 0, 2)
    for grade, to_grade in PROMOTION[YEAR].items():
        assert roll(db, class_of(db, to_grade, NEXT), NEXT_START) == before[grade]
    assert roll(db, class_of(db, 1, NEXT), NEXT_START) == []
    assert not any(roll(db, class_of(db, grade), NEXT_START) for grade in range(1, 12))
    assert all(roll(db, class_of(db, grade), CLOSING_DAY) == before[grade] for grade in range(1, 12))
    assert roll(db, class_of(db, 11), CLOSING_DAY + 1) == []
    kinds = db.execute("SELECT kind, count(*) FROM movement GROUP BY kind ORDER BY kind").fetchall()
    assert kinds == [("graduated", 2), ("promoted", 20)]


def test_grade_three_went_on_to_five_after_2024_25() -> None:
    with closing(a_store()) as db:
        with writing(db, ACTOR) as w:
            third, fourth, sixth = (a_class(w, LAST, grade) for grade in (3, 4, 6))
        rolls = [roll(db, one, START - 10) for one in (third, fourth, sixth)]
        close(db, LAST, START - 20)
        fifths = [class_of(db, 5, YEAR, letter) for letter in "АБ"]
        assert sorted(pupil for one in fifths for pupil in roll(db, one, START)) == sorted(
            rolls[0] + rolls[1]
        )
        assert roll(db, class_of(db, 8, YEAR), START) == rolls[2]
        assert db.execute(
            "SELECT count(*) FROM class_group WHERE year = ? AND grade IN (4, 7)", (YEAR,)
        ).fetchone() == (0,)


@settings(max_examples=25, deadline=None)
@given(
    grades=st.lists(st.integers(1, 11), min_size=1, max_size=6, unique=True),
    repeaters=st.sets(st.integers(0, 11)),
    year=st.sampled_from((LAST, YEAR)),
)
def test_no_pupil_is_lost_doubled_or_moved_against_the_map(
    grades: list[int], repeaters: set[int], year: int
) -> None:
    with closing(a_store()) as db:
        with writing(db, ACTOR) as w:
            for grade in grades:
                a_class(w, year, grade)
        plan = queries.plan(db, year)
        before = {one.pupil: one.grade for one in plan.pupils}
        with writing(db, ACTOR) as w:
            actions.make_classes(w, year)
            choices = {p: ("repeating", None) for n, p in enumerate(sorted(before)) if n in repeaters}
            actions.decide(w, year, choices)
        start, plan = plan.following.start, queries.plan(db, year)
        if plan.undecided:
            assert all(one.why == queries.NO_CLASS for one in plan.undecided)
            with pytest.raises(Undecided):
                close(db, year, start - 10)
            assert db.execute("SELECT count(*) FROM movement").fetchone() == (0,)
            return
        close(db, year, start - 10)
        after = dict(
            db.execute(
                """SELECT e.pupil, cg.grade FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
                   WHERE e.retired_at IS NULL AND e.start <= ?1 AND (e."end" IS NULL OR e."end" > ?1)""",
                (start,),
            ).fetchall()
        )
        for pupil, grade in before.items():
            expected = grade if pupil in choices else PROMOTION[year].get(grade)
            assert after.get(pupil) == expected
        flows = of_span(db, start - 200, start)
        total = summed(flows.values()).total
        assert all(holds(flow.total) for flow in flows.values()) and total["in"] == total["out"]
        assert discrepancies(db, start - 200, start) == []


# ---- decisions


def test_who_failed_or_was_not_assessed_waits_for_a_decision(db: Database) -> None:
    seven = class_of(db, 7)
    failed, missing = roll(db, seven, START)
    result(db, failed, seven, 2)
    result(db, missing, seven, None, "na")
    plan = queries.plan(db, YEAR)
    assert {(one.pupil, one.why, one.failing) for one in plan.undecided} == {
        (failed, queries.FAILED, (MATHS,)), (missing, queries.FAILED, (MATHS,))
    }  # fmt: skip
    with pytest.raises(Undecided) as caught:
        close(db)
    assert caught.value.details["count"] == 2
    with writing(db, ACTOR) as w:
        assert actions.decide(w, YEAR, {failed: ("repeating", None), missing: ("promoted", None)}) == 2
        assert actions.decide(w, YEAR, {failed: ("repeating", None), missing: ("promoted", None)}) == 0
    close(db)
    again = class_of(db, 7, NEXT)
    assert failed in roll(db, again, NEXT_START) and missing in roll(db, class_of(db, 8, NEXT), NEXT_START)
    row = db.execute("SELECT repeating FROM enrolment WHERE pupil = ? AND class_group = ?", (failed, again))
    assert row.fetchone() == (1,)


def test_who_has_no_result_in_a_marked_subject_waits_for_a_decision(db: Database) -> None:
    seven = class_of(db, 7)
    late = roll(db, seven, START)[0]
    group = roster.parts(db, seven)[MATHS][0]
    term = db.execute("SELECT id FROM term WHERE year = ? AND kind = 'year'", (YEAR,)).fetchone()[0]
    with writing(db, ACTOR) as w:
        w.retire("term_result", group, late, term)
    (one,) = queries.plan(db, YEAR).undecided
    assert (one.pupil, one.why, one.failing, one.missing) == (late, queries.NO_RESULT, (), (MATHS,))
    with pytest.raises(Undecided):
        close(db)
    with writing(db, ACTOR) as w:
        w.update("subject_group", group, scale=None)
    assert queries.plan(db, YEAR).undecided == []


def test_a_split_subject_and_a_combined_class_stay_so(db: Database) -> None:
    seven, eight = class_of(db, 7), class_of(db, 8)
    first, second = roll(db, seven, START)
    with writing(db, ACTOR) as w:
        w.update("class_group", eight, combined=seven)
        (whole,) = roster.parts(db, seven)[MATHS]
        other = w.insert("subject_group", class_group=seven, subject=MATHS, hours_week=4, scale=1, name="2")
        w.update("subject_group", whole, name="1")
        for group in (whole, other):
            roster.write_list(w, group)
        roster.place(w, seven, MATHS, START, {first: other, second: whole})
    result(db, first, seven, 4)
    close(db)
    there = class_of(db, 8, NEXT)
    groups = dict(
        db.execute(
            "SELECT name, id FROM subject_group WHERE class_group = ? AND retired_at IS NULL", (there,)
        ).fetchall()
    )
    assert set(groups) == {"1", "2"}
    lists = db.execute(
        """SELECT subject_group, pupil, start FROM subject_group_pupil g WHERE retired_at IS NULL
           AND subject_group IN (?, ?) ORDER BY pupil""",
        (groups["1"], groups["2"]),
    ).fetchall()
    assert lists == [(groups["2"], first, NEXT_START), (groups["1"], second, NEXT_START)]
    combined = db.execute(
        "SELECT combined FROM class_group WHERE id = ?", (class_of(db, 9, NEXT),)
    ).fetchone()
    assert combined == (there,)


def test_a_year_that_the_school_added_has_a_map_that_can_be_changed(db: Database) -> None:
    with writing(db, ACTOR) as w:
        year = calendar.add_year(w)
    before = queries.promotion_map(db, year)
    assert before == queries.promotion_map(db, NEXT) and queries.is_own(db, year)
    with writing(db, ACTOR) as w:
        assert actions.write_map(w, year, {7: queries.Step(9, False), 8: before[8], 12: None}) == 2
    assert queries.promotion_map(db, year)[7] == queries.Step(9, False)
    assert 12 not in queries.promotion_map(db, year)
    for wrong_year, steps in (
        (NEXT, {7: before[7]}), (year, {13: None}), (year, {7: queries.Step(7, False)}), (4_711, {7: None})
    ):  # fmt: skip
        with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
            actions.write_map(w, wrong_year, steps)


def test_a_final_result_stands_over_the_annual_one(db: Database) -> None:
    nine = class_of(db, 9)
    pupil = roll(db, nine, START)[0]
    result(db, pupil, nine, 2)
    final = db.execute("SELECT id FROM term WHERE year = ? AND kind = 'final'", (YEAR,)).fetchone()[0]
    with writing(db, ACTOR) as w:
        group = roster.parts(db, nine)[MATHS][0]
        w.put("term_result", subject_group=group, pupil=pupil, term=final, value=3, band=3, status="assessed")
    assert queries.plan(db, YEAR).undecided == []


def test_what_cannot_be_decided(db: Database) -> None:
    seven, eleven = roll(db, class_of(db, 7), START)[0], roll(db, class_of(db, 11), START)[0]
    with writing(db, ACTOR) as w:
        actions.make_classes(w, YEAR)
    six = class_of(db, 6, NEXT)
    wrong: list[tuple[int, tuple[str, int | None]]] = [
        (seven, ("graduated", None)), (eleven, ("promoted", None)), (seven, ("x", None)),
        (seven, ("promoted", six)), (seven, ("repeating", six)), (4_711, ("repeating", None)),
    ]  # fmt: skip
    for pupil, choice in wrong:
        with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
            actions.decide(w, YEAR, {pupil: choice})
    assert db.execute("SELECT count(*) FROM year_decision").fetchone() == (0,)


def test_a_year_is_closed_when_it_is_over_and_the_next_is_known(db: Database) -> None:
    with pytest.raises(YearRunning):
        close(db, YEAR, START + 30)
    close(db)
    with pytest.raises(NoFollowingYear):
        queries.plan(db, NEXT)


# ---- what the closing makes


def test_new_classes_keep_what_they_were_and_take_over_subjects(db: Database) -> None:
    with writing(db, ACTOR) as w:
        person = w.insert("person")
        w.put("staff", person=person, position="teacher")
        class_actions.change_class(w, class_of(db, 7), ClassDraft(7, "А", "ru", 2, 6, teacher=person))
    close(db)
    row = db.execute(
        "SELECT language, shift, week_days, teacher FROM class_group WHERE id = ?", (class_of(db, 8, NEXT),)
    ).fetchone()
    assert row == ("ru", 2, 6, person)
    assert list(roster.parts(db, class_of(db, 8, NEXT))) == [MATHS]
    ages = db.execute(
        "SELECT DISTINCT age FROM enrolment WHERE class_group = ?", (class_of(db, 8, NEXT),)
    ).fetchall()
    assert ages == [(2026 - 2012,)]


def test_classes_made_before_are_used_and_not_doubled(db: Database) -> None:
    with writing(db, ACTOR) as w:
        made = class_actions.create_class(w, NEXT, ClassDraft(8, "А", "ky", 2, 5))
        assert actions.make_classes(w, YEAR) == 10
        assert actions.make_classes(w, YEAR) == 0
    before = roll(db, class_of(db, 7), START)
    assert close(db).classes == 0
    assert roll(db, made, NEXT_START) == before


def test_the_closing_is_undone_as_one_act(db: Database) -> None:
    def state() -> list[object]:
        return [
            db.execute(f"SELECT {columns} FROM {table} WHERE retired_at IS NULL ORDER BY 1, 2").fetchall()
            for table, columns in (
                ("enrolment", 'pupil, class_group, start, "end"'), ("class_group", "id, grade"),
                ("movement", "id, kind"), ("subject_group", "id, subject"),
            )
        ]  # fmt: skip

    before = state()
    act = close(db).act
    assert state() != before
    with writing(db, ACTOR) as w:
        done = actions.take_back(w, act)
    assert done.left_alone == () and state() == before
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        actions.take_back(w, act)
    assert len(queries.plan(db, YEAR).pupils) == 22
    close(db)


def test_who_leaves_in_the_summer_after_the_closing_does_not_enter_the_next_year(db: Database) -> None:
    seven = class_of(db, 7)
    pupil = roll(db, seven, START)[0]
    close(db)
    with writing(db, ACTOR) as w:
        line = movement.depart(w, pupil, NEXT_START - 10, "college", Paper())
    assert pupil not in roll(db, class_of(db, 8, NEXT), NEXT_START)
    assert pupil in roll(db, seven, NEXT_START - 11) and pupil not in roll(db, seven, NEXT_START - 10)
    assert discrepancies(db, START, NEXT_START) == []
    with writing(db, ACTOR) as w:
        movement.withdraw(w, line)
    assert queries.plan(db, YEAR).pupils == []
    assert pupil in roll(db, class_of(db, 8, NEXT), NEXT_START)


LATE = NEXT_START + 70


def in_the_book_of(db: Database, year: int) -> list[str]:
    """The kinds of lines that the district counts in a year, a closing's own alone."""
    name = school_year_name(db.execute("SELECT start FROM academic_year WHERE id = ?", (year,)).fetchone()[0])
    return sorted(
        str(cell.dims["kind"])
        for cell in evaluate(db.execute, "movement", 0)
        if cell.dims["year"] == name
        for _ in range(cell.measures["moves"])
    )


@pytest.mark.parametrize("today", [CLOSING_DAY, NEXT_START - 1, NEXT_START, LATE])
def test_however_late_a_year_is_closed_its_lines_stand_in_its_own_book(db: Database, today: int) -> None:
    (year,) = [one for one in queries.closable(db) if one.id == YEAR]
    following = queries.plan(db, YEAR).following
    with writing(db, ACTOR) as w:
        actions.decide(w, YEAR, {roll(db, class_of(db, 7), START)[0]: ("repeating", None)})
    close(db, today=today)
    assert queries.outcome(db, year, following) == queries.Outcome(21, 1, 0, 0)
    assert in_the_book_of(db, YEAR) == ["graduated"] * 2 + ["promoted"] * 19 + ["repeating"]
    assert in_the_book_of(db, NEXT) == []
    (gone,) = db.execute("SELECT DISTINCT date FROM movement WHERE kind = 'graduated'").fetchone()
    eleven = class_of(db, 11)
    assert len(roll(db, eleven, gone - 1)) == 2 and roll(db, eleven, gone) == []
    assert all(len(roll(db, class_of(db, grade), NEXT_START - 1)) == 2 for grade in range(1, 11))
    summer = quarter.summer(db, NEXT)
    assert summer and (summer[1].total["graduated"], summer[1].total["end"]) == (2, 20)
    assert discrepancies(db, START, LATE) == []


def test_where_the_school_begins_later_than_the_country_a_year_is_closed_in_both_books(db: Database) -> None:
    (term,) = db.execute("SELECT id FROM term WHERE year = ? AND kind = 'year'", (NEXT,)).fetchone()
    end = db.execute('SELECT "end" FROM academic_year WHERE id = ?', (NEXT,)).fetchone()[0]
    with writing(db, ACTOR) as w:
        assert calendar.move_term(w, term, None, NEXT_START + 14, end)
    close(db, today=NEXT_START + 5)
    assert in_the_book_of(db, NEXT) == [] and len(in_the_book_of(db, YEAR)) == 22
    (year,) = [one for one in queries.closable(db) if one.id == YEAR]
    assert queries.outcome(db, year, queries.plan(db, YEAR).following).undecided == 0


def test_a_late_closing_corrects_what_was_reported_and_so_does_its_undoing(db: Database) -> None:
    with writing(db, ACTOR) as w:
        frozen.freeze(w, school_return.CODE, NEXT, None)
    act = close(db, today=LATE).act
    first, second = frozen.history(db, school_return.CODE, NEXT, None)
    assert second.figures == frozen.count(db, school_return.CODE, NEXT, None) != first.figures
    with writing(db, ACTOR) as w:
        assert actions.take_back(w, act).left_alone == ()
    history = frozen.history(db, school_return.CODE, NEXT, None)
    assert [one.number for one in history] == [0, 1, 2] and history[2].figures == first.figures


def test_the_next_years_reports_know_the_year_before(db: Database) -> None:
    eleven = class_of(db, 11)
    first, second = roll(db, eleven, START)
    result(db, first, eleven, 5)
    result(db, second, eleven, 4)
    close(db)
    named = frozen.count(db, school_return.CODE, NEXT, None)
    assert (named["F|7|roll"], named["F|7|promoted"], named["F|11|graduated"], named["F|11|honours"]) == (
        2,
        2,
        2,
        1,
    )
    began = quarter.summer(db, NEXT)
    assert began is not None
    last, flow = began
    assert (last, flow.total["graduated"], flow.total["end"]) == (22, 2, 20)


def test_shares_of_a_year_add_up_to_a_hundred(db: Database) -> None:
    year = next(one for one in queries.closable(db) if one.id == YEAR)
    following = queries.plan(db, YEAR).following
    assert queries.outcome(db, year, following).undecided == 22
    leavers = roll(db, class_of(db, 7), START) + roll(db, class_of(db, 8), START)
    with writing(db, ACTOR) as w:
        movement.depart(w, leavers[0], START + 50, "country", Paper(), confirmed=True)
        movement.depart(w, leavers[1], START + 50, "country", Paper())
        movement.depart(w, leavers[2], START + 50, "death", Paper())
        movement.arrive(w, movement.Newcomer("m", 2012), class_of(db, 7), START + 60, "abroad", Paper())
        newcomer = max(roll(db, class_of(db, 7), START + 60))
        actions.decide(w, YEAR, {leavers[3]: ("repeating", None)})
    result(db, newcomer, class_of(db, 7), 3)
    close(db)
    with writing(db, ACTOR) as w:
        movement.depart(w, roll(db, class_of(db, 6), START)[0], NEXT_START - 5, "abroad", Paper())
    found = queries.outcome(db, year, following)
    assert found == queries.Outcome(promoted=18, repeating=1, dropped=2, undecided=0)
    assert found.base == 22 + 1 - 1 - 1
    shares = [found.share(n) for n in (found.promoted, found.repeating, found.dropped, found.undecided)]
    assert sum(share for share in shares if share is not None) == 100


# ---- pages


def test_the_year_is_decided_and_closed_in_the_browser(
    pages: SchoolPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    deputy = pages.as_("deputy")
    status, text = deputy.get("/year-end/?year=3")
    assert status == 200 and "7-А" in text and "8-А" in text
    status, text = deputy.get(f"/year-end/{pages.led}")
    assert status == 200 and text.count("<select") > 5
    pupil = pages.pupil_of(pages.led)
    assert deputy.post(f"/year-end/{pages.led}", **{f"pupil-{pupil}": "repeating"})[0] == 302
    assert pages.one("SELECT count(*) FROM year_decision WHERE retired_at IS NULL") == 1
    assert deputy.post(f"/year-end/{pages.led}", **{f"pupil-{pupil}": "graduated"})[0] == 422
    assert deputy.post(f"/year-end/{pages.led}", **{f"pupil-{pupil}": ""})[0] == 302
    assert pages.as_("secretary").get("/year-end/")[0] == 403
    monkeypatch.setattr("node.yearend.views.today", lambda: CLOSING_DAY)
    # Nobody has given the year's results yet: one choice decides on all of a class.
    assert deputy.post("/year-end/?year=3", close="1")[0] == 422
    with closing(pages.node.connect()) as db:
        classes = db.execute(
            "SELECT id, grade = 11 FROM class_group WHERE year = 3 AND retired_at IS NULL AND closed_on IS NULL"
        ).fetchall()
    for class_id, last in classes:
        fields = dict.fromkeys(re.findall(r'name="(pupil-\d+)"', deputy.get(f"/year-end/{class_id}")[1]), "")
        rest = "graduated" if last else "promoted"
        assert deputy.post(f"/year-end/{class_id}", rest=rest, **fields)[0] == 302
    status, there = deputy.post("/year-end/?year=3", close="1", order_number="9-о")
    assert status == 302
    mark = pages.one("SELECT max(id) FROM act WHERE kind = 'closing'")
    assert f'value="{mark}"' in deputy.get(there)[1]
    status, there = deputy.post("/year-end/?year=3", undo=str(mark))
    assert status == 302 and "alone=0" in there
    assert pages.one("SELECT count(*) FROM class_group WHERE year = 4 AND retired_at IS NULL") == 0
