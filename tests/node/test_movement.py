"""Pupil movement: acts keep rolls, lists and book in step; whatever happens, the balance holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlite_utils import Database

from node import roster
from node.calendar import actions as calendar
from node.classes import actions as class_actions
from node.classes import queries as class_queries
from node.classes.actions import ClassDraft, GroupDraft
from node.consenting import Newcomer as Adult
from node.consenting import Signed
from node.movement import actions, files, queries
from node.movement.actions import Newcomer, Order, Paper
from node.movement.balance import arrived, departed, discrepancies, holds, of_span, summed
from shared.indicators import evaluate
from shared.problems import (
    ArrivedThatDay,
    ConsentMissing,
    InvalidValue,
    LaterActs,
    NotFound,
    NotOnRoll,
    OnRoll,
    OutsideYear,
    Problem,
    RollsBegin,
    SignerRefused,
)
from sync.writer import writing
from tests.stores import ACTOR, a_store

YEAR, START, END = 3, 20_332, 20_602
"""2025/26, which ships with the product."""
ENGLISH = 11
DAY = START + 40
GIRL = Newcomer(sex="f", birth_year=2013)
NO_PAPER = Paper()


class School:
    """Two classes, one of them split in English."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with writing(db, ACTOR) as w:
            self.a, self.b = (
                class_actions.create_class(w, YEAR, ClassDraft(7, letter, "ky", 1, 5)) for letter in "АБ"
            )
            self.english = class_actions.add_group(w, self.b, GroupDraft(ENGLISH, None, 3, 1))
            for class_group in (self.a, self.a, self.b, self.b):
                self.put(w, class_group)
            self.other_part = class_actions.split(w, self.english, START, None, ("1", "2"))

    @staticmethod
    def put(w: object, class_group: int) -> int:
        person = w.insert("person", sex="m", birth_year=2012)  # type: ignore[attr-defined]
        w.put("pupil", person=person)  # type: ignore[attr-defined]
        roster.enrol(w, person, class_group, START)  # type: ignore[arg-type]
        return int(person)

    def pupil(self, class_group: int) -> int:
        return int(self.roll(class_group, DAY)[0])

    def roll(self, class_group: int, day: int) -> list[int]:
        sql = """SELECT pupil FROM enrolment WHERE class_group = ? AND retired_at IS NULL AND start <= ?
                 AND ("end" IS NULL OR "end" > ?) ORDER BY pupil"""
        return [row[0] for row in self.db.execute(sql, (class_group, day, day)).fetchall()]

    def parts_of(self, pupil: int, day: int) -> list[int]:
        return [
            group
            for group in (self.english, self.other_part)
            if self.db.execute(
                """SELECT 1 FROM subject_group_pupil WHERE subject_group = ? AND pupil = ? AND retired_at IS NULL
                   AND start <= ? AND ("end" IS NULL OR "end" > ?)""",
                (group, pupil, day, day),
            ).fetchone()
        ]

    def line(self, line: int) -> dict[str, object]:
        return dict(next(iter(self.db.query("SELECT * FROM movement WHERE id = ?", (line,)))))


@pytest.fixture
def school() -> Iterator[School]:
    with closing(a_store()) as db:
        yield School(db)


# ---- arrival


def test_a_newcomer_is_a_placeholder_on_roll_and_lists_and_in_the_book(school: School) -> None:
    with writing(school.db, ACTOR) as w:
        order = w.insert("order_book", series="pupils", number="12-о", date=DAY - 1, title="Кабыл алуу")
        paper = Paper(Order(number="12-о", date=DAY - 1), "Ош ш.", "№ 7", "апасы менен")
        line = school.line(actions.arrive(w, GIRL, school.b, DAY, "district", paper))
    pupil = line["pupil"]
    assert isinstance(pupil, int)
    assert pupil in school.roll(school.b, DAY) and pupil not in school.roll(school.b, DAY - 1)
    assert len(school.parts_of(pupil, DAY)) == 1
    assert (line["kind"], line["reason"], line["to_class"]) == ("arrived", "district", school.b)
    assert (line["order"], line["order_number"], line["order_date"]) == (order, "12-о", DAY - 1)
    assert (line["place"], line["document"], line["note"]) == ("Ош ш.", "№ 7", "апасы менен")
    row = school.db.execute("SELECT surname, birth_date FROM person WHERE id = ?", (pupil,)).fetchone()
    assert row == (None, None)
    assert (
        school.db.execute("SELECT personal_file FROM pupil WHERE person = ?", (pupil,)).fetchone()[0] is None
    )
    assert school.db.execute("SELECT age FROM enrolment WHERE pupil = ?", (pupil,)).fetchone()[0] == 12


def test_a_name_comes_with_a_consent_or_not_at_all(school: School) -> None:
    mother = Adult("f", "Өмүрова", "Гүлнара", consent=Signed(("core",), START))
    signed = Signed(("core", "photo"), START, ground="апасы")
    named = Newcomer(
        "f", birth_date=15_700, surname="Өмүрова", given_name="Айжан", consent=signed, guardian=mother,
        relation="mother",
    )  # fmt: skip
    with writing(school.db, ACTOR) as w:
        pupil = school.line(actions.arrive(w, named, school.a, DAY, "abroad", NO_PAPER))["pupil"]
    assert school.db.execute("SELECT surname, birth_year FROM person WHERE id = ?", (pupil,)).fetchone() == (
        "Өмүрова", 2012
    )  # fmt: skip
    signers = school.db.execute(
        """SELECT DISTINCT s.surname, s.given_name, g.relation, c.ground FROM consent c JOIN person s ON s.id = c.signer
           JOIN guardian g ON g.person = s.id AND g.pupil = c.person WHERE c.person = ?""", (pupil,)
    )  # fmt: skip
    assert signers.fetchall() == [("Өмүрова", "Гүлнара", "mother", "апасы")]
    numbers = school.db.execute("SELECT personal_file, alphabet_book FROM pupil WHERE person = ?", (pupil,))
    assert numbers.fetchone() == ("Ө/1", "Ө/1")
    before = school.db.execute("SELECT count(*) FROM person").fetchone()
    with pytest.raises(ConsentMissing), writing(school.db, ACTOR) as w:
        actions.arrive(w, Newcomer("f", 2012, surname="Асанова"), school.a, DAY, "abroad", NO_PAPER)
    assert school.db.execute("SELECT count(*) FROM person").fetchone() == before


def test_nobody_signs_for_an_adult_who_is_admitted(school: School) -> None:
    """By the date of birth that the form brings, not by the end of that year."""
    mother, signed = (
        Adult("f", "Өмүрова", consent=Signed(("core",), DAY)),
        Signed(("core",), DAY, ground="апасы"),
    )
    born = DAY - 6575
    adult = Newcomer(
        "f", birth_date=born, surname="Өмүрова", consent=signed, guardian=mother, relation="mother"
    )
    stranger = Newcomer("f", birth_date=born, surname="Өмүрова", consent=signed)
    for who in (adult, stranger):
        with pytest.raises(SignerRefused), writing(school.db, ACTOR) as w:
            actions.arrive(w, who, school.a, DAY, "other", NO_PAPER)
    own = Newcomer("f", birth_date=born, surname="Өмүрова", consent=Signed(("core",), DAY), relation="own")
    with writing(school.db, ACTOR) as w:
        actions.arrive(w, own, school.a, DAY, "other", NO_PAPER)


def test_who_has_left_comes_back_to_the_same_record(school: School) -> None:
    pupil = school.pupil(school.b)
    with writing(school.db, ACTOR) as w:
        actions.depart(w, pupil, DAY, "country", NO_PAPER)
        actions.arrive(w, pupil, school.b, DAY + 20, "country", NO_PAPER)
    assert [pupil in school.roll(school.b, day) for day in (DAY - 1, DAY, DAY + 19, DAY + 20)] == [
        True, False, False, True
    ]  # fmt: skip
    assert len(school.parts_of(pupil, DAY + 20)) == 1


def test_a_pupil_of_another_school_of_the_system_names_the_former_row(school: School) -> None:
    former = (99 << 32) + 5
    with writing(school.db, ACTOR) as w:
        line = actions.arrive(w, Newcomer("m", 2012, moved_from=former), school.a, DAY, "district", NO_PAPER)
        pupil = school.line(line)["pupil"]
        with pytest.raises(InvalidValue):
            actions.arrive(w, Newcomer("m", 2012, moved_from=7), school.a, DAY, "district", NO_PAPER)
    row = school.db.execute("SELECT moved_from FROM pupil WHERE person = ?", (pupil,)).fetchone()
    assert row[0] == former


# ---- departure, transfer


def test_a_departure_ends_enrolment_and_lists_on_the_day(school: School) -> None:
    pupil = school.pupil(school.b)
    with writing(school.db, ACTOR) as w:
        line = actions.depart(
            w, pupil, DAY, "college", Paper(place="Лицей", document="ырастоо 4"), True, DAY + 1
        )
    assert pupil in school.roll(school.b, DAY - 1) and pupil not in school.roll(school.b, DAY)
    assert school.parts_of(pupil, DAY - 1) and not school.parts_of(pupil, DAY)
    row = school.line(line)
    assert (row["from_class"], row["to_class"], row["confirmed"], row["file_issued"]) == (
        school.b, None, 1, DAY + 1
    )  # fmt: skip


def test_a_transfer_moves_roll_and_lists_and_keeps_the_chosen_part(school: School) -> None:
    pupil = school.pupil(school.a)
    with writing(school.db, ACTOR) as w:
        line = actions.transfer(w, pupil, school.b, DAY, NO_PAPER, {ENGLISH: school.other_part}, "illness")
    assert pupil in school.roll(school.a, DAY - 1) and pupil in school.roll(school.b, DAY)
    assert pupil not in school.roll(school.a, DAY)
    assert school.parts_of(pupil, DAY) == [school.other_part]
    row = school.line(line)
    assert (row["kind"], row["from_class"], row["to_class"]) == ("transfer", school.a, school.b)
    assert row["reason"] == "illness"


def test_what_is_refused_leaves_nothing_behind(school: School) -> None:
    pupil = school.pupil(school.a)
    with writing(school.db, ACTOR) as w:
        closed = class_actions.create_class(w, YEAR, ClassDraft(8, "А", "ky", 1, 5))
        class_actions.close_class(w, closed, DAY)
        gone = school.pupil(school.b)
        actions.depart(w, gone, DAY, "other", NO_PAPER)
    before = school.db.execute("SELECT max(n) FROM change").fetchone()
    refused: list[tuple[type[Problem], object]] = [
        (OnRoll, lambda w: actions.arrive(w, pupil, school.a, DAY, "other", NO_PAPER)),
        (OnRoll, lambda w: actions.arrive(w, gone, school.a, DAY - 1, "other", NO_PAPER)),
        (LaterActs, lambda w: actions.arrive(w, gone, school.a, DAY, "other", NO_PAPER)),
        (OutsideYear, lambda w: actions.arrive(w, GIRL, school.a, START - 1, "other", NO_PAPER)),
        (OutsideYear, lambda w: actions.arrive(w, GIRL, school.a, START + 365, "other", NO_PAPER)),
        (InvalidValue, lambda w: actions.arrive(w, GIRL, closed, DAY, "other", NO_PAPER)),
        (InvalidValue, lambda w: actions.arrive(w, GIRL, school.a, DAY, "death", NO_PAPER)),
        (InvalidValue, lambda w: actions.arrive(w, Newcomer("x", 2012), school.a, DAY, "other", NO_PAPER)),
        (InvalidValue, lambda w: actions.arrive(w, Newcomer("f"), school.a, DAY, "other", NO_PAPER)),
        (NotFound, lambda w: actions.arrive(w, 77, school.a, DAY, "other", NO_PAPER)),
        (NotFound, lambda w: actions.arrive(w, GIRL, 77, DAY, "other", NO_PAPER)),
        (NotOnRoll, lambda w: actions.depart(w, gone, DAY + 1, "other", NO_PAPER)),
        (LaterActs, lambda w: actions.depart(w, gone, DAY - 5, "other", NO_PAPER)),
        (ArrivedThatDay, lambda w: actions.depart(w, pupil, START, "other", NO_PAPER)),
        (InvalidValue, lambda w: actions.depart(w, pupil, DAY, "start", NO_PAPER)),
        (InvalidValue, lambda w: actions.transfer(w, pupil, school.a, DAY, NO_PAPER)),
        (InvalidValue, lambda w: actions.transfer(w, pupil, closed, DAY, NO_PAPER)),
        (InvalidValue, lambda w: actions.transfer(w, pupil, school.b, DAY, NO_PAPER, reason="abroad")),
        (InvalidValue, lambda w: actions.depart(w, pupil, DAY, "other", Paper(Order(row=5)))),
        (NotFound, lambda w: actions.withdraw(w, 77)),
    ]
    for problem, act in refused:
        with pytest.raises(problem), writing(school.db, ACTOR) as w:
            act(w)  # type: ignore[operator]
    assert school.db.execute("SELECT max(n) FROM change").fetchone() == before


# ---- mending and taking back


def test_a_line_can_be_mended_without_touching_the_roll(school: School) -> None:
    pupil = school.pupil(school.a)
    with writing(school.db, ACTOR) as w:
        line = actions.depart(w, pupil, DAY, "district", NO_PAPER)
        assert actions.amend(w, line, Paper(Order(number="4", date=DAY), place="№ 5 мектеп"), True, DAY)
    row = school.line(line)
    assert (row["order_number"], row["place"], row["confirmed"], row["file_issued"], row["date"]) == (
        "4", "№ 5 мектеп", 1, DAY, DAY
    )  # fmt: skip


def test_withdrawing_acts_brings_back_what_was(school: School) -> None:
    def state() -> list[object]:
        tables = {
            "enrolment": 'pupil, class_group, start, "end"',
            "subject_group_pupil": 'subject_group, pupil, start, "end"',
            "movement": "id, pupil, date",
        }
        return [
            school.db.execute(f"SELECT {c} FROM {t} WHERE retired_at IS NULL ORDER BY 1, 2, 3").fetchall()
            for t, c in tables.items()
        ]

    before, pupil, leaver = state(), school.pupil(school.b), school.pupil(school.a)
    with writing(school.db, ACTOR) as w:
        lines = [
            actions.transfer(w, pupil, school.a, DAY, NO_PAPER),
            actions.depart(w, leaver, DAY, "other", NO_PAPER),
            actions.arrive(w, GIRL, school.b, DAY, "other", NO_PAPER),
        ]
    assert state() != before
    with writing(school.db, ACTOR) as w:
        for line in lines:
            actions.withdraw(w, line)
    assert state() == before


def test_only_the_latest_act_is_withdrawn(school: School) -> None:
    pupil = school.pupil(school.a)
    with writing(school.db, ACTOR) as w:
        first = actions.transfer(w, pupil, school.b, DAY, NO_PAPER)
        actions.depart(w, pupil, DAY + 3, "other", NO_PAPER)
        with pytest.raises(LaterActs):
            actions.withdraw(w, first)


# ---- numbers of personal files


def test_numbers_run_within_the_letter_and_are_given_once(school: School) -> None:
    with writing(school.db, ACTOR) as w:
        for surname in ("Бекова", "Асанов", "Бакиров"):
            person = w.insert("person", sex="f", birth_year=2012)
            w.insert("consent", person=person, purpose="core", valid_from=START)
            w.update("person", person, surname=surname)
            w.put("pupil", person=person, personal_file="Б/13" if surname == "Бекова" else None)
        assert files.give_missing(w) == 2
        assert files.give_missing(w) == 0
    rows = school.db.execute(
        """SELECT surname, personal_file FROM pupil JOIN person ON person.id = pupil.person
           WHERE surname IS NOT NULL ORDER BY surname"""
    ).fetchall()
    assert rows == [("Асанов", "А/1"), ("Бакиров", "Б/14"), ("Бекова", "Б/13")]


# ---- the balance


def test_the_balance_of_a_quarter_by_hand(school: School) -> None:
    first, second = school.roll(school.a, START)
    with writing(school.db, ACTOR) as w:
        actions.arrive(w, GIRL, school.a, START + 5, "abroad", NO_PAPER)
        actions.transfer(w, first, school.b, START + 6, NO_PAPER)
        actions.depart(w, second, START + 7, "college", NO_PAPER)
        actions.depart(w, school.roll(school.b, START)[0], START + 60, "other", NO_PAPER)
    flows = of_span(school.db, START, START + 50)
    a, b = flows[school.a], flows[school.b]
    assert dict(+a.total) == {"start": 2, "arrived_abroad": 1, "out": 1, "departed_college": 1, "end": 1}
    assert dict(+a.girls) == {"arrived_abroad": 1, "end": 1}
    assert dict(+b.total) == {"start": 2, "in": 1, "end": 3}


def test_rows_that_do_not_fit_together_are_listed_and_the_balance_holds(school: School) -> None:
    pupil, other = school.pupil(school.a), school.pupil(school.b)
    with writing(school.db, ACTOR) as w:
        roster.leave(w, pupil, school.a, DAY)
        roster.enrol(w, other, school.a, DAY)
        w.insert("movement", pupil=other, kind="departed", date=DAY + 1, reason="other")
    flows = of_span(school.db, START, DAY + 5)
    assert all(holds(one.total) and holds(one.girls) for one in flows.values())
    found = [(one.pupil, one.why) for one in discrepancies(school.db, START, DAY + 5)]
    assert sorted(found) == sorted(
        [(pupil, "unwritten"), (other, "unwritten"), (other, "unmoved"), (other, "doubled")]
    )


class Movements(RuleBasedStateMachine):
    """Acts in any order, some of them refused, some withdrawn, some days in the past."""

    @initialize()
    def begin(self) -> None:
        self.school = School(a_store())
        self.db = self.school.db
        self.lines: list[int] = []

    def act(self, kind: str, *values: object) -> None:
        try:
            with writing(self.db, ACTOR) as w:
                line = getattr(actions, kind)(w, *values)
        except Problem:
            return
        if line is not None:
            self.lines.append(line)

    def some_pupil(self, n: int) -> int:
        pupils = [row[0] for row in self.db.execute("SELECT person FROM pupil ORDER BY person").fetchall()]
        return int(pupils[n % len(pupils)])

    def some_class(self, n: int) -> int:
        return (self.school.a, self.school.b)[n % 2]

    @rule(n=st.integers(0, 9), day=st.integers(START, END), reason=st.sampled_from(actions.ARRIVAL_REASONS))
    def arrive(self, n: int, day: int, reason: str) -> None:
        who: object = GIRL if n % 3 else self.some_pupil(n)
        self.act("arrive", who, self.some_class(n), day, reason, NO_PAPER)

    @rule(n=st.integers(0, 9), day=st.integers(START, END), reason=st.sampled_from(actions.DEPARTURE_REASONS))
    def depart(self, n: int, day: int, reason: str) -> None:
        self.act("depart", self.some_pupil(n), day, reason, NO_PAPER)

    @rule(n=st.integers(0, 9), to=st.integers(0, 1), day=st.integers(START, END))
    def transfer(self, n: int, to: int, day: int) -> None:
        self.act("transfer", self.some_pupil(n), self.some_class(to), day, NO_PAPER)

    @precondition(lambda self: self.lines)
    @rule(n=st.integers(0, 9))
    def withdraw(self, n: int) -> None:
        self.act("withdraw", self.lines[n % len(self.lines)])

    @invariant()
    def the_balance_holds_in_every_quarter(self) -> None:
        days = (START, START + 61, START + 120, START + 180, END)
        for after, until in itertools.pairwise(days):
            flows = of_span(self.db, after, until)
            for one in flows.values():
                assert holds(one.total) and holds(one.girls)
            total = summed(flows.values()).total
            assert total["in"] == total["out"]
            assert total["start"] == self.on_roll(after) and total["end"] == self.on_roll(until)
        assert discrepancies(self.db, START, END) == []

    def on_roll(self, day: int) -> int:
        sql = """SELECT count(*) FROM enrolment WHERE retired_at IS NULL AND start <= ?
                 AND ("end" IS NULL OR "end" > ?)"""
        return int(self.db.execute(sql, (day, day)).fetchone()[0])

    @invariant()
    def the_district_counts_the_same(self) -> None:
        cells = evaluate(self.db.execute, "movement", 0)
        total = summed(of_span(self.db, START - 1, END).values()).total
        assert sum(cell.measures["arrived"] for cell in cells) == arrived(total)
        assert sum(cell.measures["departed"] for cell in cells) == departed(total)
        assert sum(cell.measures["transfers"] for cell in cells) == total["out"]

    @invariant()
    def nobody_is_listed_in_two_parts_or_off_the_roll(self) -> None:
        for (pupil,) in self.db.execute("SELECT person FROM pupil").fetchall():
            for day in (START, START + 100, END):
                if pupil in self.school.roll(self.school.b, day):
                    assert len(self.school.parts_of(pupil, day)) >= 1

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()


Movements.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestMovements = Movements.TestCase


def test_a_year_that_the_school_lets_begin_earlier_takes_pupils_from_then_on(school: School) -> None:
    with writing(school.db, ACTOR) as w:
        term = school.db.execute(
            "SELECT id, \"end\" FROM term WHERE year = ? AND kind = 'quarter' AND number = 1", (YEAR,)
        ).fetchone()
        with pytest.raises(RollsBegin):
            calendar.move_term(w, term[0], None, START - 7, term[1])
        # Where the year was moved before its classes were filled, or by another node:
        w.insert("own_term", term=term[0], start=START - 7, end=term[1])
        with pytest.raises(OutsideYear):
            actions.arrive(w, GIRL, school.a, START - 8, "district", NO_PAPER)
        pupil = school.line(actions.arrive(w, GIRL, school.a, START - 3, "district", NO_PAPER))["pupil"]
    assert pupil in school.roll(school.a, START - 3) and pupil not in school.roll(school.a, START - 4)
    first, *_ = queries.periods(school.db, next(y for y in class_queries.years(school.db) if y.id == YEAR))
    flows = queries.balance(school.db, first.after, first.until)
    # The quarter's start has the admissions of the days before it in it, as it has those of the summer.
    assert flows[school.a].total["start"] == 3 and arrived(flows[school.a].total) == 0
    assert all(holds(flow.total) for flow in flows.values())
