"""The days between the closing of a year and the first of the next: who leaves, changes class, or never comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlite_utils import Database

from node import frozen, roster
from node.classes import actions as class_actions
from node.classes.actions import ClassDraft, GroupDraft
from node.counting import school_return
from node.movement import actions
from node.movement.actions import Newcomer, Order, Paper
from node.movement.balance import arrived, departed, discrepancies, holds, of_span, summed
from node.yearend import actions as yearend
from node.yearend import queries as outcomes
from shared.indicators import evaluate
from shared.problems import (
    ActBetween,
    ArrivedThatDay,
    InvalidValue,
    LaterActs,
    NotMovedOn,
    OutsideYear,
    Problem,
    Undecided,
)
from sync.writer import writing
from tests.stores import ACTOR, a_store

YEAR, NEXT = 3, 4
START, END, NEXT_START = 20_332, 20_602, 20_697
CLOSED, AUGUST = END + 12, NEXT_START - 12
PAPER = Paper(Order(number="5-о", date=AUGUST))
ENGLISH = 11
AWAY = "district"


class School:
    """7-А and 7-Б with three pupils each, 11-А with two; English in 7-Б is learnt in two parts."""

    def __init__(self, db: Database, close: bool = True) -> None:
        self.db = db
        with writing(db, ACTOR) as w:
            assert w.insert("account", login="deputy") == ACTOR
            self.a, self.b, self.last = (
                class_actions.create_class(w, YEAR, ClassDraft(grade, letter, "ky", 1, 5))
                for grade, letter in ((7, "А"), (7, "Б"), (11, "А"))
            )
            group = class_actions.add_group(w, self.b, GroupDraft(ENGLISH, None, 3, None))
            for class_group in (self.a,) * 3 + (self.b,) * 3 + (self.last,) * 2:
                person = w.insert("person", sex="f" if class_group == self.a else "m", birth_year=2012)
                w.put("pupil", person=person)
                roster.enrol(w, person, class_group, START)
            class_actions.split(w, group, START, None, ("1", "2"))
        self.one, self.other, self.third = self.roll(self.a, START)
        with writing(db, ACTOR) as w:
            _, coming = (
                class_actions.create_class(w, NEXT, ClassDraft(g, x, "ky", 1, 5))
                for g, x in ((7, "А"), (8, "Б"))
            )
            for name in "12":
                w.insert("subject_group", class_group=coming, subject=ENGLISH, name=name)
            yearend.decide(w, YEAR, {self.third: ("repeating", None)})
        self.act = self.close() if close else 0
        if close:
            self.na, self.nb = (self.class_of(8, letter) for letter in "АБ")

    def close(self, today: int = CLOSED) -> int:
        with writing(self.db, ACTOR) as w:
            return yearend.close(w, YEAR, today).act

    def class_of(self, grade: int, letter: str, year: int = NEXT) -> int:
        sql = "SELECT id FROM class_group WHERE year = ? AND grade = ? AND letter = ? AND retired_at IS NULL"
        return int(self.db.execute(sql, (year, grade, letter)).fetchone()[0])

    def roll(self, class_group: int, day: int) -> list[int]:
        return roster.on_roll(self.db, class_group, day)

    def days(self, pupil: int) -> list[tuple[int, int, int | None]]:
        """Class, first day and day after the last of each stay."""
        return self.db.execute(
            """SELECT class_group, start, "end" FROM enrolment WHERE pupil = ? AND retired_at IS NULL
               ORDER BY start""",
            (pupil,),
        ).fetchall()

    def lines(self, pupil: int) -> list[tuple[str, int, int | None, int | None]]:
        return self.db.execute(
            """SELECT kind, date, from_class, to_class FROM movement WHERE pupil = ? AND retired_at IS NULL
               ORDER BY date, id""",
            (pupil,),
        ).fetchall()

    def state(self) -> list[object]:
        """What rolls, lists and book say."""
        return [
            self.db.execute(
                f"SELECT {columns} FROM {table} WHERE retired_at IS NULL ORDER BY 1, 2, 3, 4"
            ).fetchall()
            for table, columns in (
                ("enrolment", 'pupil, class_group, start, "end", repeating'),
                ("subject_group_pupil", 'subject_group, pupil, start, "end"'),
                ("movement", "pupil, date, kind, from_class, to_class"),
            )
        ]

    def outcome(self) -> outcomes.Outcome:
        (year,) = [one for one in outcomes.closable(self.db) if one.id == YEAR]
        return outcomes.outcome(self.db, year, outcomes.plan(self.db, YEAR).following)

    def agrees(self) -> bool:
        """The balance of both years and of the summer between them holds, and rolls and book agree."""
        for after, until in ((START, END), (END, NEXT_START), (NEXT_START, NEXT_START + 60)):
            flows = of_span(self.db, after, until)
            total = summed(flows.values()).total
            if (
                not all(holds(one.total) and holds(one.girls) for one in flows.values())
                or total["in"] != total["out"]
            ):
                return False
        return discrepancies(self.db, START, NEXT_START + 60) == []


@pytest.fixture
def school() -> Iterator[School]:
    with closing(a_store()) as db:
        yield School(db)


def depart(school: School, pupil: int, day: int) -> int:
    with writing(school.db, ACTOR) as w:
        return actions.depart(w, pupil, day, AWAY, PAPER)


def transfer(school: School, pupil: int, to_class: int, day: int) -> int:
    with writing(school.db, ACTOR) as w:
        return actions.transfer(w, pupil, to_class, day, PAPER)


def withdraw(school: School, line: int) -> None:
    with writing(school.db, ACTOR) as w:
        actions.withdraw(w, line)


# ---- who leaves


@pytest.mark.parametrize("day", [END - 30, CLOSED + 1, AUGUST, NEXT_START])
def test_who_leaves_up_to_the_first_day_never_enters_the_next_class(school: School, day: int) -> None:
    before = school.state()
    line = depart(school, school.one, day)
    assert school.days(school.one) == [(school.a, START, day)]
    assert school.agrees()
    flow = summed(of_span(school.db, END, NEXT_START).values()).total
    assert flow["departed_district"] == (day > END) and flow["end"] == flow["start"] - 2 - (day > END)
    assert school.outcome() == outcomes.Outcome(6, 1, 1, 0)
    named = frozen.count(school.db, school_return.CODE, NEXT, None)
    assert named.get("F|7|left_district", 0) == (day > END) and named.get("B|8|pupils") == 4
    withdraw(school, line)
    assert school.state() == before


def test_who_has_left_in_the_summer_comes_back_and_is_moved_on_by_one_line(school: School) -> None:
    depart(school, school.one, AUGUST)
    with writing(school.db, ACTOR) as w:
        actions.arrive(w, school.one, school.a, AUGUST + 5, "district", PAPER)
    assert [one.pupil for one in outcomes.plan(school.db, YEAR).pupils] == [school.one]
    school.close(AUGUST + 6)
    assert school.days(school.one)[1:] == [
        (school.a, AUGUST + 5, NEXT_START), (school.na, NEXT_START, None)
    ]  # fmt: skip
    assert [kind for kind, *_ in school.lines(school.one)] == ["departed", "arrived", "promoted"]
    assert school.outcome() == outcomes.Outcome(7, 1, 0, 0) and school.agrees()


# ---- who changes class


@pytest.mark.parametrize("day", [CLOSED, AUGUST, NEXT_START])
def test_a_class_of_the_next_year_is_changed_before_it_begins(school: School, day: int) -> None:
    before = school.state()
    line = transfer(school, school.one, school.nb, day)
    assert school.days(school.one) == [(school.a, START, NEXT_START), (school.nb, NEXT_START, None)]
    assert school.lines(school.one)[1:] == [("transfer", day, school.na, school.nb)]
    assert school.agrees() and school.outcome() == outcomes.Outcome(7, 1, 0, 0)
    english = roster.parts(school.db, school.nb)[ENGLISH]
    assert sum(school.one in members(school.db, group, NEXT_START) for group in english) == 1
    autumn = summed(of_span(school.db, NEXT_START, NEXT_START + 60).values()).total
    assert autumn["in"] == autumn["out"] == 0, "what August decided is no move of September"
    with pytest.raises(ArrivedThatDay):
        transfer(school, school.one, school.na, day)
    withdraw(school, line)
    assert school.state() == before


def members(db: Database, group: int, day: int) -> set[int]:
    rows = db.execute(
        f"""SELECT g.pupil FROM subject_group_pupil g WHERE g.subject_group = :group AND g.retired_at IS NULL
            AND g.start <= :day AND (g."end" IS NULL OR g."end" > :day)
            AND NOT {roster.AWAY.format(first=":day", last=":day")}""",
        {"group": group, "day": day},
    )
    return {pupil for (pupil,) in rows.fetchall()}


@pytest.mark.parametrize("day", [END - 30, AUGUST])
def test_who_changes_class_in_the_ending_year_goes_on_with_the_new_class(school: School, day: int) -> None:
    before = school.state()
    line = transfer(school, school.one, school.b, day)
    assert school.days(school.one) == [
        (school.a, START, day), (school.b, day, NEXT_START), (school.nb, NEXT_START, None)
    ]  # fmt: skip
    promoted = ("promoted", CLOSED, school.b, school.nb)
    assert sorted(school.lines(school.one)) == [promoted, ("transfer", day, school.a, school.b)]
    assert school.agrees() and school.outcome() == outcomes.Outcome(7, 1, 0, 0)
    withdraw(school, line)
    assert school.state() == before


def test_a_repeater_goes_on_repeating_wherever(school: School) -> None:
    transfer(school, school.third, school.b, AUGUST)
    (_, _, coming) = school.days(school.third)
    assert coming == (school.class_of(7, "А"), NEXT_START, None)
    row = school.db.execute(
        "SELECT repeating FROM enrolment WHERE pupil = ? AND start = ? AND retired_at IS NULL",
        (school.third, NEXT_START),
    )
    assert row.fetchall() == [(1,)]


def test_several_moves_of_a_summer_are_taken_back_one_after_the_other(school: School) -> None:
    states, lines = [school.state()], []
    for act in (
        lambda: transfer(school, school.one, school.nb, CLOSED + 3),
        lambda: transfer(school, school.one, school.b, AUGUST),
        lambda: transfer(school, school.one, school.na, AUGUST + 2),
        lambda: depart(school, school.one, AUGUST + 4),
    ):
        lines.append(act())
        states.append(school.state())
        assert school.agrees()
    assert school.days(school.one) == [(school.a, START, AUGUST), (school.b, AUGUST, AUGUST + 4)]
    with pytest.raises(LaterActs):
        withdraw(school, lines[0])
    for line, state in zip(reversed(lines), reversed(states[:-1]), strict=True):
        withdraw(school, line)
        assert school.state() == state


def test_what_is_no_move_of_the_summer_is_refused(school: School) -> None:
    before = school.state()
    refused: list[tuple[type[Problem], int, int]] = [
        (InvalidValue, school.na, AUGUST), (OutsideYear, school.nb, CLOSED - 1), (OutsideYear, school.b, NEXT_START),
        (OutsideYear, school.b, NEXT_START + 1), (InvalidValue, school.a, AUGUST),
    ]  # fmt: skip
    for problem, to_class, day in refused:
        with pytest.raises(problem):
            transfer(school, school.one, to_class, day)
    assert school.state() == before


def test_nobody_goes_to_the_next_year_without_its_closing() -> None:
    with closing(a_store()) as db:
        school = School(db, close=False)
        with writing(db, ACTOR) as w:
            coming = class_actions.create_class(w, NEXT, ClassDraft(8, "А", "ky", 1, 5))
        with pytest.raises(NotMovedOn):
            transfer(school, school.one, coming, NEXT_START + 10)


def test_undoing_a_closing_leaves_who_was_moved_since_in_the_next_year(school: School) -> None:
    transfer(school, school.one, school.nb, AUGUST)
    depart(school, school.other, NEXT_START + 9)
    with writing(school.db, ACTOR) as w:
        assert len(yearend.take_back(w, school.act).left_alone) >= 2
    assert school.days(school.one) == [(school.a, START, NEXT_START), (school.nb, NEXT_START, None)]
    assert school.days(school.other) == [
        (school.a, START, NEXT_START),
        (school.na, NEXT_START, NEXT_START + 9),
    ]
    assert {one.pupil for one in outcomes.plan(school.db, YEAR).pupils}.isdisjoint({school.one, school.other})
    assert school.agrees()
    school.close()
    assert school.outcome() == outcomes.Outcome(7, 1, 0, 0)


# ---- mending reason and day


def amend(school: School, line: int, **more: object) -> bool:
    with writing(school.db, ACTOR) as w:
        return actions.amend(w, line, PAPER, **more)  # type: ignore[arg-type]


def test_a_wrong_reason_is_mended_whatever_came_later_and_the_reports_follow(school: School) -> None:
    with writing(school.db, ACTOR) as w:
        order = w.insert("order_book", series="main", number="5-о", date=AUGUST, title="x")
        line = actions.depart(w, school.one, END - 60, "abroad", Paper(Order(row=order), "Казакстан"))
        actions.arrive(w, school.one, school.a, END - 40, "abroad", PAPER)
        term = w.db.execute(
            """SELECT id FROM term WHERE year = ? AND kind = 'quarter' AND start <= ? AND "end" >= ?""",
            (YEAR, END - 60, END - 60),
        ).fetchone()[0]
        frozen.freeze(w, "movement", YEAR, term)
        assert actions.amend(w, line, Paper(Order(number="5-о", date=AUGUST), "Казакстан"), reason="country")
    row = school.db.execute('SELECT reason, "order", place FROM movement WHERE id = ?', (line,)).fetchone()
    assert row == ("country", order, "Казакстан")
    first, second = frozen.history(school.db, "movement", YEAR, term)
    assert (second.number, second.movement) == (1, line)
    assert {one.key.split("|")[1] for one in frozen.differences(first.figures, second.figures)} == {
        "departed_abroad", "departed_country",
    }  # fmt: skip
    for wrong in ("start", "", "x"):
        with pytest.raises(InvalidValue):
            amend(school, line, reason=wrong)
    promoted = school.db.execute(
        "SELECT id FROM movement WHERE kind = 'promoted' AND retired_at IS NULL LIMIT 1"
    ).fetchone()[0]
    for more in ({"reason": "other"}, {"day": AUGUST}):
        with pytest.raises(InvalidValue):
            amend(school, promoted, **more)


def test_a_wrong_day_is_mended_as_far_as_what_came_before_and_after(school: School) -> None:
    with writing(school.db, ACTOR) as w:
        away = actions.depart(w, school.one, START + 20, AWAY, PAPER)
        back = actions.arrive(w, school.one, school.b, START + 40, AWAY, PAPER)
        moved = actions.transfer(w, school.one, school.a, START + 60, PAPER)
    assert amend(school, away, day=START + 39) and amend(school, back, day=START + 59)
    assert amend(school, moved, day=START + 70)
    assert school.days(school.one) == [
        (school.a, START, START + 39), (school.b, START + 59, START + 70), (school.a, START + 70, None)
    ]  # fmt: skip
    english = roster.parts(school.db, school.b)[ENGLISH]
    for day, listed in ((START + 58, 0), (START + 59, 1), (START + 69, 1), (START + 70, 0)):
        assert sum(school.one in members(school.db, group, day) for group in english) == listed
    for line, day in (
        (away, START + 59),
        (away, START),
        (back, START + 39),
        (back, START + 70),
        (moved, START + 39),
    ):
        with pytest.raises(ActBetween):
            amend(school, line, day=day)
    with pytest.raises(OutsideYear):
        amend(school, moved, day=NEXT_START + 5)
    assert school.agrees() and not amend(school, moved, day=START + 70)


def test_the_days_of_the_summer_are_mended_too(school: School) -> None:
    placed, gone = transfer(school, school.one, school.nb, AUGUST), depart(school, school.other, AUGUST)
    assert amend(school, placed, day=NEXT_START) and amend(school, gone, day=NEXT_START)
    for line, day in ((placed, CLOSED - 1), (placed, NEXT_START + 1), (gone, NEXT_START + 1)):
        with pytest.raises(OutsideYear):
            amend(school, line, day=day)
    assert amend(school, gone, day=END - 30)
    assert school.days(school.one)[1:] == [(school.nb, NEXT_START, None)]
    assert school.days(school.other) == [(school.a, START, END - 30)] and school.agrees()


# ---- whatever is written, in whatever order


class Summers(RuleBasedStateMachine):
    """Acts around a closing, some refused, withdrawn or moved to another day, the closing undone and done again."""

    DAYS = st.sampled_from(
        (START + 30, END - 20, CLOSED - 1, CLOSED, CLOSED + 1, AUGUST, AUGUST + 4, NEXT_START - 1, NEXT_START,
         NEXT_START + 1, NEXT_START + 20)
    )  # fmt: skip

    @initialize(closed=st.booleans())
    def begin(self, closed: bool) -> None:
        self.school = School(a_store(), close=False)
        self.db = self.school.db
        self.lines: list[int] = []
        self.marks: list[int] = []
        if closed:
            self.marks.append(self.school.close())

    def act(self, kind: str, *values: object, **more: object) -> None:
        try:
            with writing(self.db, ACTOR) as w:
                line = getattr(actions, kind)(w, *values, **more)
        except Problem:
            return
        if kind in ("arrive", "depart", "transfer"):
            self.lines.append(line)

    def some(self, sql: str, n: int) -> int:
        rows = [row[0] for row in self.db.execute(sql).fetchall()]
        return int(rows[n % len(rows)])

    def pupil(self, n: int) -> int:
        return self.some("SELECT person FROM pupil ORDER BY person", n)

    def a_class(self, n: int) -> int:
        return self.some("SELECT id FROM class_group WHERE retired_at IS NULL ORDER BY id", n)

    @rule(n=st.integers(0, 9), to=st.integers(0, 9), day=DAYS)
    def arrive(self, n: int, to: int, day: int) -> None:
        who: object = Newcomer(sex="f", birth_year=2012) if n % 3 else self.pupil(n)
        self.act("arrive", who, self.a_class(to), day, AWAY, PAPER)

    @rule(n=st.integers(0, 9), day=DAYS, sure=st.booleans())
    def depart(self, n: int, day: int, sure: bool) -> None:
        self.act("depart", self.pupil(n), day, AWAY, PAPER, sure)

    @rule(n=st.integers(0, 9), to=st.integers(0, 9), day=DAYS)
    def transfer(self, n: int, to: int, day: int) -> None:
        self.act("transfer", self.pupil(n), self.a_class(to), day, PAPER)

    @precondition(lambda self: self.lines)
    @rule(n=st.integers(0, 9))
    def withdraw(self, n: int) -> None:
        self.act("withdraw", self.lines[n % len(self.lines)])

    @precondition(lambda self: self.lines)
    @rule(n=st.integers(0, 9), day=DAYS)
    def move(self, n: int, day: int) -> None:
        self.act("amend", self.lines[n % len(self.lines)], PAPER, day=day)

    @rule(day=st.sampled_from((CLOSED, AUGUST, NEXT_START + 30)))
    def close(self, day: int) -> None:
        if outcomes.plan(self.db, YEAR).pupils:
            try:
                self.marks.append(self.school.close(day))
            except Undecided:
                return

    @precondition(lambda self: self.marks)
    @rule()
    def undo(self) -> None:
        with writing(self.db, ACTOR) as w:
            yearend.take_back(w, self.marks.pop())

    @invariant()
    def balances_hold_and_book_and_rolls_agree(self) -> None:
        assert self.school.agrees()

    @invariant()
    def nobody_is_in_two_classes(self) -> None:
        assert roster.overlaps(self.db) == []

    @invariant()
    def a_year_moves_everyone_on_once(self) -> None:
        twice = self.db.execute(
            """SELECT m.pupil FROM movement m JOIN class_group cg ON cg.id = m.from_class WHERE m.retired_at IS NULL
               AND m.kind IN ('promoted', 'repeating') GROUP BY m.pupil, cg.year HAVING count(*) > 1"""
        ).fetchall()
        assert twice == []

    @invariant()
    def shares_add_up_and_nobody_is_left_out(self) -> None:
        found, plan = self.school.outcome(), outcomes.plan(self.db, YEAR)
        assert found.undecided == len(plan.pupils)

    @invariant()
    def the_district_counts_the_same(self) -> None:
        cells = evaluate(self.db.execute, "movement", 0)
        total = summed(of_span(self.db, START, NEXT_START + 60).values()).total
        assert sum(cell.measures["arrived"] for cell in cells) == arrived(total)
        assert sum(cell.measures["departed"] + cell.measures["graduated"] for cell in cells) == departed(
            total
        )

    @invariant()
    def lists_follow_the_rolls(self) -> None:
        for class_group in (self.school.b, *self.coming()):
            groups = roster.parts(self.db, class_group).get(ENGLISH, [])
            listed = [group for group in groups if roster.has_list(self.db, group)]
            for day in (START + 40, CLOSED, AUGUST + 2, NEXT_START, NEXT_START + 30):
                on = [pupil for group in listed for pupil in members(self.db, group, day)]
                assert not listed or sorted(on) == self.school.roll(class_group, day)

    def coming(self) -> list[int]:
        rows = self.db.execute("SELECT id FROM class_group WHERE year = ? AND retired_at IS NULL", (NEXT,))
        return [row[0] for row in rows.fetchall()]

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()


Summers.TestCase.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
TestSummers = Summers.TestCase
