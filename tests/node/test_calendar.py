"""The calendar: what the school moves holds over the country's, for all who ask, and the bells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from hub import tables
from hub.log import HubLog
from node.calendar import actions, forms, queries
from node.calendar.actions import Bell, Part
from node.calendar.queries import Whom
from node.derived import derive
from node.journal import queries as journal
from shared.dates import NO_LESSONS, date_of, parse_day, weekday
from shared.problems import (
    BellsOverlap,
    BeyondYear,
    HeldOutside,
    InvalidValue,
    LessonsOutside,
    LockedTermMoves,
    NotFound,
    RollsBegin,
    TermsOverlap,
    WrongOrder,
)
from sync.log import dump
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_journal import a_school
from tests.stores import ACTOR, a_store
from tests.world import a_hub
from tests.world import a_school as a_node_at

YEAR, Q1, Q2, Q3 = 3, 4, 5, 6
SECOND = Whom(year=YEAR, grade=2, shift=1)
FIRST = Whom(year=YEAR, grade=1, shift=1)
MONDAY = parse_day("2026-02-02")
SATURDAY, SUNDAY = MONDAY + 5, MONDAY + 6


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_store()) as db:
        yield db


def kind(db: Database, day: int, whom: Whom = SECOND) -> str:
    return queries.calendar(db, day, day).kind(day, whom)


# ---- days


def test_without_a_word_of_the_school_the_countrys_calendar_holds(db: Database) -> None:
    days = ("2026-02-02", "2026-02-07", "2026-02-23", "2025-11-05", "2026-07-01", "2026-01-12")
    kinds = [kind(db, parse_day(day)) for day in days]
    assert kinds == ["school", "off", "public", "holiday", "holiday", "school"]
    assert kind(db, SATURDAY, Whom(year=YEAR, week_days=6)) == "school"
    assert kind(db, SUNDAY, Whom(year=YEAR, week_days=6)) == "off"


def test_a_class_of_another_year_has_no_lessons_this_year(db: Database) -> None:
    assert kind(db, MONDAY, Whom(year=4)) == "holiday"


def test_frost_days_are_distance_days_for_the_small_ones_and_they_are_school_days(db: Database) -> None:
    with writing(db, ACTOR) as w:
        changed = actions.set_days(w, YEAR, MONDAY, MONDAY + 2, "distance", [Part(grade=1)], reason="−27 °C")
    assert changed == 3
    assert [kind(db, MONDAY + at, FIRST) for at in range(4)] == ["distance"] * 3 + ["school"]
    assert kind(db, MONDAY) == "school"
    assert queries.calendar(db, MONDAY, MONDAY).is_school_day(MONDAY, FIRST)


def test_the_narrower_word_counts_and_among_equals_the_last(db: Database) -> None:
    with writing(db, ACTOR) as w:
        own = w.insert("class_group", year=YEAR, grade=1, letter="А", shift=1)
        parts = [
            (Part(class_group=own), "exam"),
            (Part(grade=1), "distance"),
            (Part(shift=1), "off"),
            (Part(), "public"),
        ]
        for part, what in parts:
            actions.set_days(w, YEAR, MONDAY, MONDAY, what, [part])
    assert kind(db, MONDAY, queries.whom(db, own)) == "exam"
    assert kind(db, MONDAY, FIRST) == "distance"
    assert kind(db, MONDAY) == "off"
    assert kind(db, MONDAY, Whom(year=YEAR, grade=2, shift=2)) == "public"
    with writing(db, ACTOR) as w:
        w.insert("own_day", year=YEAR, day=MONDAY, kind="school", shift=1)
    assert kind(db, MONDAY) == "school"


def test_a_saturday_can_be_taught_by_the_timetable_of_another_weekday(db: Database) -> None:
    with writing(db, ACTOR) as w:
        actions.set_days(w, YEAR, SATURDAY, SATURDAY, "school", taught_as=1)
    days = queries.calendar(db, MONDAY, SUNDAY)
    assert [days.taught_as(day, SECOND) for day in range(MONDAY, SUNDAY + 1)] == [1, 2, 3, 4, 5, 1, 0]


def test_a_span_of_school_days_leaves_its_sundays_out_and_one_sunday_alone_does_not(db: Database) -> None:
    with writing(db, ACTOR) as w:
        assert actions.set_days(w, YEAR, SATURDAY, SATURDAY + 2, "distance") == 2
        assert actions.set_days(w, YEAR, SUNDAY, SUNDAY, "school") == 1
        assert actions.set_days(w, YEAR, MONDAY, SUNDAY, "holiday") == 7


def test_saying_it_twice_changes_nothing_and_taking_it_back_restores_the_country(db: Database) -> None:
    with writing(db, ACTOR) as w:
        assert actions.set_days(w, YEAR, MONDAY, MONDAY, "off") == 1
        assert actions.set_days(w, YEAR, MONDAY, MONDAY, "off") == 0
        row = queries.own_days(db, YEAR)[0]["id"]
        assert actions.take_back(w, [row]) == 1
    assert kind(db, MONDAY) == "school"


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        (MONDAY, MONDAY - 1, WrongOrder),
        (MONDAY, MONDAY + 120, InvalidValue),
        (MONDAY + 900, MONDAY + 900, BeyondYear),
    ],
)
def test_impossible_days_are_refused(db: Database, first: int, last: int, problem: type[Exception]) -> None:
    with pytest.raises(problem), writing(db, ACTOR) as w:
        actions.set_days(w, YEAR, first, last, "off")
    assert queries.own_days(db, YEAR) == []


def test_a_class_of_another_year_is_refused(db: Database) -> None:
    with writing(db, ACTOR) as w:
        strange = w.insert("class_group", year=4, grade=1)
    with pytest.raises(NotFound), writing(db, ACTOR) as w:
        actions.set_days(w, YEAR, MONDAY, MONDAY, "off", [Part(class_group=strange)])


@given(
    said=st.lists(
        st.tuples(st.integers(0, 13), st.sampled_from(["school", "holiday", "off", "distance"])), max_size=6
    ),
    week_days=st.sampled_from([5, 6]),
)
def test_the_same_answer_however_it_is_asked(said: list[tuple[int, str]], week_days: int) -> None:
    whom = Whom(year=YEAR, grade=3, shift=1, week_days=week_days)
    with closing(a_store()) as db:
        with writing(db, ACTOR) as w:
            for at, what in said:
                actions.set_days(w, YEAR, MONDAY + at, MONDAY + at, what)
        days = queries.calendar(db, MONDAY, MONDAY + 13)
        listed = set(days.school_days(MONDAY, MONDAY + 13, whom))
        last_word = dict(said)
        for at in range(14):
            day = MONDAY + at
            expected = last_word.get(at, "school" if weekday(day) <= week_days else "off") not in NO_LESSONS
            answers = {day in listed, days.is_school_day(day, whom), bool(days.taught_as(day, whom))}
            answers.add(queries.calendar(db, day, day).kind(day, whom) not in NO_LESSONS)
            assert answers == {expected}


# ---- terms


def span(db: Database, term: int, grade: int | None = None) -> tuple[int, int]:
    return next((t["start"], t["end"]) for t in queries.terms(db, YEAR, grade) if t["id"] == term)


def test_a_term_moves_for_all_or_for_a_grade_and_comes_back(db: Database) -> None:
    given_span = span(db, Q3)
    later = (given_span[0], given_span[1] - 7)
    with writing(db, ACTOR) as w:
        assert actions.move_term(w, Q3, None, *later, "letter of the ministry")
        assert actions.move_term(w, Q3, 1, given_span[0], later[1] - 7)
    assert span(db, Q3) == span(db, Q3, 5) == later
    assert span(db, Q3, 1) == (given_span[0], later[1] - 7)
    assert kind(db, later[1] + 1) == "holiday"
    with writing(db, ACTOR) as w:
        assert actions.move_term(w, Q3, 1, *later)
        assert span(db, Q3, 1) == later
        assert actions.move_term(w, Q3, None, *given_span)
        assert not actions.move_term(w, Q3, None, *given_span)
    assert span(db, Q3) == given_span


def test_impossible_terms_are_refused(db: Database) -> None:
    start, end = span(db, Q2)
    for dates, problem in (
        ((end, start), WrongOrder),
        ((start - 20, end), TermsOverlap),
        ((start, end + 900), BeyondYear),
    ):
        with pytest.raises(problem), writing(db, ACTOR) as w:
            actions.move_term(w, Q2, None, *dates)
    with pytest.raises(NotFound), writing(db, ACTOR) as w:
        actions.move_term(w, 999, None, start, end)
    assert span(db, Q2) == (start, end)


def test_a_year_lasts_as_long_as_its_longest_term(db: Database) -> None:
    before = queries.bounds(db, YEAR)
    assert before is not None
    start, end = span(db, 7, 11)
    with writing(db, ACTOR) as w:
        actions.move_term(w, 7, 11, start, end + 14)
    assert queries.bounds(db, YEAR) == (before[0], max(before[1], end + 14))
    sql = f"SELECT {queries.TERM_END} FROM term t JOIN class_group cg WHERE t.id = 7 AND cg.grade = ?"
    with writing(db, ACTOR) as w:
        for grade in (10, 11):
            w.insert("class_group", year=YEAR, grade=grade)
    assert [db.execute(sql, (grade,)).fetchone()[0] for grade in (10, 11)] == [end, end + 14]
    assert queries.bounds(db, 999) is None


def test_a_year_that_moves_takes_along_what_begins_and_ends_with_it(db: Database) -> None:
    year = next(t["id"] for t in queries.terms(db, 4, None, ("year",)))
    old = next(one for one in queries.years(db) if one["id"] == 4)
    first, last = old["start"] + 14, old["end"] + 4
    with writing(db, ACTOR) as w:
        group = w.insert("class_group", year=4, grade=2, letter="А")
        taught = w.insert("subject_group", class_group=group, subject=1)
        assert actions.move_term(w, year, None, first, last, "Министрликтин буйругу")
    moved = next(one for one in queries.years(db) if one["id"] == 4)
    assert (moved["start"], moved["end"], queries.bounds(db, 4)) == (first, last, (first, last))
    assert (queries.year_of_day(db, first - 1), queries.year_of_day(db, first)) == (YEAR, 4)
    starts = [term["start"] for term in queries.terms(db, 4) if term["number"] == 1]
    assert starts == [first, first] and [t["end"] for t in queries.terms(db, 4)].count(last) == 2
    assert kind(db, first - 1, Whom(year=4, grade=2)) == "holiday"
    with writing(db, ACTOR) as w:
        w.put("lesson", subject_group=taught, day=first, period=1)
        with pytest.raises(HeldOutside):
            actions.move_term(w, year, None, first + 1, last)
        person = w.insert("person", sex="f")
        w.put("pupil", person=person)
        w.insert("enrolment", pupil=person, class_group=group, start=first)
        with pytest.raises(RollsBegin):
            actions.move_term(w, year, None, first - 1, last)
        with pytest.raises(TermsOverlap):
            for later in (60, 120):
                before = next(t["id"] for t in queries.terms(db, YEAR, None, ("year",)))
                actions.move_term(w, before, None, parse_day("2025-09-01"), parse_day("2026-05-29") + later)
        actions.move_term(w, before, None, parse_day("2025-09-01"), parse_day("2026-05-29"))
        w.retire("enrolment", w.db.execute("SELECT id FROM enrolment").fetchone()[0])
        assert actions.move_term(w, year, None, old["start"], old["end"])
    assert [dict(one) for one in queries.years(db) if one["id"] == 4] == [dict(old)]
    assert db.execute("SELECT count(*) FROM own_term WHERE retired_at IS NULL").fetchone() == (0,)


H1, H2, Q4, WHOLE, FINAL = 8, 9, 7, 10, 12
EVERY = ("quarter", "half", "year", "exam", "final")


def dates(db: Database, grade: int | None = None) -> dict[int, tuple[int, int]]:
    return {t["id"]: (t["start"], t["end"]) for t in queries.terms(db, YEAR, grade, EVERY)}


def test_half_year_and_year_go_along_with_the_quarter_that_shares_their_edge(db: Database) -> None:
    before, later = dates(db), parse_day("2026-06-05")
    with writing(db, ACTOR) as w:
        assert actions.move_term(w, Q4, None, before[Q4][0], later) == [Q4, H2, WHOLE]
        now = dates(db)
        assert [now[one][1] for one in (Q4, H2, WHOLE)] == [later] * 3
        assert now | dict.fromkeys((Q4, H2, WHOLE)) == before | dict.fromkeys((Q4, H2, WHOLE))
        # The other half of the year ends where its quarter does, and the next begins with its own.
        earlier = parse_day("2025-12-27")
        assert actions.move_term(w, Q2, None, before[Q2][0], earlier) == [Q2, H1]
        assert actions.move_term(w, Q3, None, earlier + 2, before[Q3][1]) == [Q3, H2]
        assert (dates(db)[H1][1], dates(db)[H2]) == (earlier, (earlier + 2, later))
        # And a half-year takes its quarters along.
        assert actions.move_term(w, H2, None, before[H2][0], before[H2][1]) == [H2, Q3, Q4, WHOLE]
        assert actions.move_term(w, H1, None, *before[H1]) == [H1, Q2]
    assert dates(db) == before
    assert db.execute("SELECT count(*) FROM own_term WHERE retired_at IS NULL").fetchone() == (0,)


def test_a_grade_moves_with_what_shares_its_edges_and_keeps_them_when_all_others_move(db: Database) -> None:
    before, later, last = dates(db), parse_day("2026-06-05"), parse_day("2026-06-08")
    with writing(db, ACTOR) as w:
        assert actions.move_term(w, Q4, 11, before[Q4][0], later) == [Q4, H2, WHOLE]
        assert (dates(db), dates(db, 11)[WHOLE]) == (before, (before[WHOLE][0], later))
        assert actions.move_term(w, Q4, None, before[Q4][0], last) == [Q4, H2, WHOLE]
        assert {dates(db, 11)[one][1] for one in (Q4, H2, WHOLE)} == {later}
        assert {dates(db, 5)[one][1] for one in (Q4, H2, WHOLE)} == {last}
        # Grade 1 has a longer third quarter; where it begins it begins with the half-year, there as for all.
        actions.move_term(w, Q3, 1, before[Q3][0], before[Q3][1] + 7)
        actions.move_term(w, Q3, None, before[Q3][0] + 3, before[Q3][1])
        assert (dates(db)[H2][0], dates(db, 1)[H2][0]) == (before[H2][0] + 3, before[H2][0])
        assert dates(db, 1)[H2][1] == last


@pytest.mark.parametrize("grade", [None, 5])
def test_a_locked_term_does_not_move_until_it_is_reopened(db: Database, grade: int | None) -> None:
    start, end = span(db, Q1)
    with writing(db, ACTOR) as w:
        one, other = (w.insert("class_group", year=YEAR, grade=g, letter="А") for g in (5, 6))
        w.put("term_lock", class_group=one, term=Q1, locked=1)
        with pytest.raises(LockedTermMoves) as refused:
            actions.move_term(w, Q1, grade, start, end - 7)
        assert refused.value.details["classes"] == "5-А"
        assert actions.move_term(w, Q1, 6, start, end - 7) == [Q1], "no class of this grade is locked"
        assert actions.move_term(w, Q2, grade, end + 1, span(db, Q2)[1]) == [Q2], "another term may move"
        w.put("term_lock", class_group=one, term=H1, locked=1)
        with pytest.raises(LockedTermMoves):
            actions.move_term(w, Q2, grade, end + 1, span(db, Q2)[1] + 2)  # the half-year would move along
        for term in (Q1, H1):
            w.put("term_lock", class_group=one, term=term, locked=0, reason="Жаңы күн")
        assert actions.move_term(w, Q1, grade, start, end - 7) == [Q1]
        assert other


def test_held_lessons_leave_every_term_only_when_asked_twice(db: Database) -> None:
    start, end = span(db, Q1)
    with writing(db, ACTOR) as w:
        group = w.insert("class_group", year=YEAR, grade=5, letter="А")
        taught = w.insert("subject_group", class_group=group, subject=1)
        w.put("lesson", subject_group=taught, day=end - 3, period=1)
        with pytest.raises(LessonsOutside) as asked:
            actions.move_term(w, Q1, None, start, end - 7)
        assert asked.value.details["lessons"] == 1
        assert actions.move_term(w, Q1, 6, start, end - 7), "the lesson is of another grade"
        assert actions.move_term(w, Q1, None, start, end - 7, sure=True)
        assert actions.move_term(w, Q1, None, start, end - 8), "what lies outside already is not asked about"
    assert queries.held_outside(db, YEAR) == 1


def test_the_next_year_begins_on_the_same_weekdays(db: Database) -> None:
    with writing(db, ACTOR) as w:
        year = actions.add_year(w)
    before, after = queries.terms(db, 4), queries.terms(db, year)
    assert [(t["kind"], t["number"]) for t in before] == [(t["kind"], t["number"]) for t in after]
    assert [weekday(t["start"]) for t in before] == [weekday(t["start"]) for t in after]
    assert queries.years(db)[0]["id"] == year


def test_the_next_year_has_the_holidays_of_fixed_date_and_the_promotion_map_of_the_last(db: Database) -> None:
    with writing(db, ACTOR) as w:
        years = [actions.add_year(w), actions.add_year(w)]
    for added, first in zip(years, (2027, 2028), strict=True):
        days = [
            date_of(row[0]).isoformat()
            for row in db.execute(
                "SELECT day FROM calendar_day WHERE year = ? AND kind = 'public' ORDER BY day", (added,)
            ).fetchall()
        ]
        of_autumn = [f"{first}-{day}" for day in ("11-07", "11-08")]
        of_spring = ("01-01", "01-07", "02-23", "03-08", "03-21", "04-07", "05-01", "05-05", "05-09", "08-31")
        assert days == of_autumn + [f"{first + 1}-{day}" for day in of_spring]
        steps = db.execute(
            "SELECT grade, to_grade, graduates FROM promotion_map WHERE year = ? ORDER BY grade", (added,)
        ).fetchall()
        assert (7, 8, 0) in steps and (11, None, 1) in steps and len(steps) == 12


# ---- bells


@given(
    first=st.integers(0, 600), lessons=st.integers(1, 12), length=st.integers(10, 60), pause=st.integers(0, 20),
    after=st.integers(0, 12), long=st.integers(0, 40),
)  # fmt: skip
def test_laid_out_bells_follow_one_another(
    first: int, lessons: int, length: int, pause: int, after: int, long: int
) -> None:
    found = actions.laid_out(first, lessons, length, pause, after, long)
    assert [bell.period for bell in found] == list(range(1, lessons + 1))
    assert {bell.end - bell.start for bell in found} == {length}
    assert all(later.start - earlier.end in (pause, long) for earlier, later in pairwise(found))


def test_a_grade_can_have_its_own_bells(db: Database) -> None:
    with writing(db, ACTOR) as w:
        assert actions.set_bells(w, 1, None, actions.laid_out(480, 4, 45, 5)) == 4
        assert actions.set_bells(w, 1, 1, actions.laid_out(480, 3, 35, 10)) == 3
        assert actions.set_bells(w, 1, 1, actions.laid_out(480, 3, 35, 10)) == 0
        assert actions.set_bells(w, 1, None, actions.laid_out(480, 3, 45, 5)) == 1
    assert queries.rings(db, 1, 5) == {1: (480, 525), 2: (530, 575), 3: (580, 625)}
    assert queries.rings(db, 1, 1) == {1: (480, 515), 2: (525, 560), 3: (570, 605)}
    for bells, problem in (
        ([Bell(1, 500, 500)], WrongOrder),
        ([Bell(1, 480, 525), Bell(2, 520, 560)], BellsOverlap),
    ):
        with pytest.raises(problem), writing(db, ACTOR) as w:
            actions.set_bells(w, 1, None, bells)


@pytest.mark.parametrize(("text", "minutes"), [("8:05", 485), ("08.05", 485), ("", None), ("23:59", 1439)])
def test_a_time_is_read(text: str, minutes: int | None) -> None:
    assert forms.clock(text) == minutes


@pytest.mark.parametrize("text", ["25:00", "8:60", "noon", "8"])
def test_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        forms.clock(text)


# ---- who follows it


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("calendar"))


def test_journal_and_attendance_follow_an_edit(school: SchoolPages) -> None:
    day = parse_day("2025-10-08")
    with closing(school.node.connect()) as db:
        derive(db)
        count = "SELECT count(*) FROM attendance_day WHERE day = ? AND retired_at IS NULL"
        before = db.execute(count, (day,)).fetchone()[0]
        group = db.execute("SELECT subject_group FROM lesson WHERE day = ?", (day,)).fetchone()[0]
        grade = db.execute(
            "SELECT cg.grade FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group WHERE sg.id = ?",
            (group,),
        ).fetchone()[0]
        account = db.execute("SELECT id FROM account WHERE login = ?", (school.logins["deputy"],)).fetchone()[
            0
        ]
        future = day + 21
        planned = len(journal.lessons(db, future))
        with writing(db, account) as w:
            actions.set_days(w, YEAR, day, day, "off", [Part(grade=grade)])
            actions.set_days(w, YEAR, future, future, "off", [Part(grade=grade)])
        assert derive(db)
        own = db.execute("SELECT count(*) FROM class_group WHERE grade = ?", (grade,)).fetchone()[0]
        assert db.execute(count, (day,)).fetchone()[0] == before - own > 0
        assert 0 < len(journal.lessons(db, future)) < planned
        with writing(db, account) as w:
            actions.take_back(w, [row["id"] for row in queries.own_days(db, YEAR)])
        assert derive(db)
        assert db.execute(count, (day,)).fetchone()[0] == before


def test_lesson_counts_follow_a_term_that_moves_for_one_grade(school: SchoolPages) -> None:
    with closing(school.node.connect()) as db:
        derive(db)
        sql = """SELECT cg.grade, sum(s.lessons) FROM lesson_summary s JOIN subject_group sg ON sg.id = s.subject_group
          JOIN class_group cg ON cg.id = sg.class_group WHERE s.term = ? AND s.retired_at IS NULL GROUP BY cg.grade"""
        before = dict(db.execute(sql, (Q1,)).fetchall())
        start, end = span(db, Q1)
        account = db.execute("SELECT id FROM account WHERE login = ?", (school.logins["deputy"],)).fetchone()[
            0
        ]
        with writing(db, account) as w:
            with pytest.raises(LessonsOutside):
                actions.move_term(w, Q1, 1, start, parse_day("2025-09-30"))
            actions.move_term(w, Q1, 1, start, parse_day("2025-09-30"), sure=True)
        assert derive(db)
        # What the journal holds of the days that are no term's any more is told to who moved it.
        told = "сабак эч бир мезгилге кирбейт"
        assert queries.held_outside(db, YEAR) > 0 and told in school.as_("deputy").get("/calendar/?year=3")[1]
        after = dict(db.execute(sql, (Q1,)).fetchall())
        assert after[1] < before[1]
        assert {g: n for g, n in after.items() if g != 1} == {g: n for g, n in before.items() if g != 1}
        with writing(db, account) as w:
            actions.move_term(w, Q1, 1, start, end)
        derive(db)
        assert dict(db.execute(sql, (Q1,)).fetchall()) == before
        assert queries.held_outside(db, YEAR) == 0


def test_the_district_gets_dates_and_codes_and_never_the_reason(tmp_path: Path) -> None:
    hub = a_hub(tmp_path / "hub")
    at = a_node_at(tmp_path / "node", hub)
    at.derive = derive
    with closing(at.node.connect()) as db, writing(db, at.actor) as w:
        actions.set_days(w, YEAR, MONDAY, MONDAY, "distance", [Part(grade=1)], reason="Planted words")
        start, end = span(db, Q3)
        actions.move_term(w, Q3, None, start, end - 7, "Planted words")
    assert at.sync().outcome == "done"
    days, moved = tables.VIEWS["own_day"], tables.VIEWS["own_term"]
    with hub.read() as connection, closing(at.node.connect()) as db:
        found = connection.execute(sa.select(days.c.day, days.c.kind, days.c.grade)).fetchall()
        assert [tuple(row) for row in found] == [(MONDAY, "distance", 1)]
        assert connection.execute(sa.select(moved.c.term, moved.c.end)).fetchall() == [(Q3, end - 7)]
        held = list(HubLog(connection, at.id, hub.signer).dump())
        assert held == list(dump(db, district_only=True))
        assert "Planted" not in str(held)
    hub.close()


# ---- pages


def test_the_deputy_moves_days_and_terms_and_everyone_reads_them(school: SchoolPages) -> None:
    deputy = school.as_("deputy")
    status, text = deputy.get("/calendar/?year=3", "en")
    assert status == 200 and 'action="/calendar/days"' in text
    with closing(school.node.connect()) as db:
        empty = """SELECT id FROM academic_year WHERE "end" < 20000 AND id NOT IN (SELECT year FROM class_group)"""
        assert not [year for (year,) in db.execute(empty) if f'<option value="{year}">20' in text]
    form = {"year": "3", "first": "2026-02-03", "kind": "distance", "for": "grade-1", "reason": "−27 °C"}
    assert deputy.post("/calendar/days", **form)[0] == 302
    status, text = school.as_("teacher").get("/calendar/?year=3&for=grade-1", "en")
    assert status == 200 and "−27 °C" in text and 'action="/calendar/days"' not in text
    status, text = deputy.post("/calendar/days", **form | {"last": "2026-01-01"})
    assert status == 422 and "−27 °C" in text
    start, end = "2026-01-12", "2026-02-27"
    assert deputy.post("/calendar/term", year="3", term=str(Q3), start=start, end=end)[0] == 302
    with closing(school.node.connect()) as db:
        assert span(db, Q3) == (parse_day(start), parse_day(end))
        row = str(queries.own_days(db, YEAR)[0]["id"])
    assert deputy.post("/calendar/days/back", year="3", row=row)[0] == 302
    assert deputy.post("/calendar/term", year="3", term=str(Q3), start=start, end="2026-02-28")[0] == 302
    status, there = deputy.post(
        "/calendar/term", year="3", term=str(Q4), start="2026-03-09", end="2026-06-05"
    )
    assert status == 302 and "along=9&along=10" in there
    assert "Кошо жылдырылды: 2-жарым жылдык, Жыл." in deputy.get(there)[1]
    assert (
        deputy.post("/calendar/term", year="3", term=str(Q4), start="2026-03-09", end="2026-05-29")[0] == 302
    )
    short = {"year": "3", "term": str(Q1), "start": "2025-09-01", "end": "2025-09-19"}
    status, text = deputy.post("/calendar/term", **short)
    assert status == 422 and 'name="sure"' in text
    assert deputy.post("/calendar/term", **short, sure="1")[0] == 302
    assert deputy.post("/calendar/term", **short | {"end": "2025-11-01"})[0] == 302
    assert school.as_("teacher").post("/calendar/days", **form)[0] == 403


def test_the_deputy_lays_out_bells(school: SchoolPages) -> None:
    deputy = school.as_("deputy")
    status, text = deputy.get(
        "/calendar/bells/1?grade=1&first=08:00&lessons=4&length=35&pause=10&after=2&long=20", "en"
    )
    assert status == 200 and 'value="08:35"' in text
    form = {"grade": "1", "start-1": "08:00", "end-1": "08:35", "start-2": "8:45", "end-2": "9:20"}
    assert deputy.post("/calendar/bells/1", **form)[0] == 302
    assert deputy.post("/calendar/bells/1", **form | {"end-1": "08:50"})[0] == 422
    with closing(school.node.connect()) as db:
        assert queries.rings(db, 1, 1)[2] == (525, 560)
        first = db.execute("SELECT id FROM class_group WHERE grade = 1").fetchone()[0]
        shown = {
            one["period"]: one["end"] for one in journal.lessons(db, parse_day("2025-10-24"), classes=[first])
        }
        assert shown[1] == 515


def test_a_school_without_classes_still_sees_the_calendar(empty_school: SchoolPages) -> None:
    assert empty_school.as_("head").get("/calendar/?year=3")[0] == 200
    assert empty_school.as_("head").get("/calendar/bells")[0] == 200
