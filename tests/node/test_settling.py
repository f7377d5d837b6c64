"""Acts about one pupil that two machines wrote apart: one is chosen, and roll, book and reports agree again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node import frozen, roster
from node.counting import quarter
from node.movement import actions, queries, settling
from node.movement.actions import Paper
from node.movement.balance import discrepancies
from node.yearend import actions as yearend
from shared.problems import NotFound
from sync.writer import Writer, writing
from tests.node.test_movement import END, START, YEAR
from tests.node.test_summer import NEXT
from tests.sync.test_nodes import Cast
from tests.world import a_hub

FIRST_QUARTER = 4
DAY = START + 20
Act = Callable[[Writer, int, list[int], int], int]


def to(at: int) -> Act:
    return lambda w, pupil, classes, day: actions.transfer(w, pupil, classes[at], day, Paper())


def away(w: Writer, pupil: int, classes: list[int], day: int) -> int:
    return actions.depart(w, pupil, day, "country", Paper())


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Cast]:
    hub = a_hub(tmp_path / "hub")
    yield Cast(tmp_path, hub)
    hub.close()


CASES = {
    "two classes": (to(1), to(2), 5),
    "one leaves": (to(1), away, -3),
    "same class": (to(1), to(1), 2),
    "same day": (to(1), to(1), 0),
    "leaves twice": (away, away, 4),
}


def test_one_of_two_acts_stands_on_every_machine(cast: Cast) -> None:
    """Every pair of acts, either of them chosen; and a pupil whose acts only follow one another."""
    first, second = cast.nodes[0], cast.join()
    cases = [(*case, chosen) for case in CASES.values() for chosen in (0, 1)]
    with closing(first.connect()) as db, writing(db, 0) as w:
        classes = [w.insert("class_group", year=YEAR, grade=7, letter=letter) for letter in "АБВ"]
        pupils = [w.insert("person", sex="f", birth_year=2013) for _ in range(len(cases) + 2)]
        for pupil in pupils:
            w.put("pupil", person=pupil)
            roster.enrol(w, pupil, classes[0], START)
        frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER)
    cast.settle()
    *contested, patient, busy = pupils
    with closing(first.connect()) as db, writing(db, 0) as w:
        ones = [act(w, pupil, classes, DAY) for pupil, (act, *_) in zip(contested, cases, strict=True)]
        calm = to(1)(w, patient, classes, DAY)
        moved = [to(at)(w, busy, classes, DAY + 4 * at) for at in (1, 2)]
    with closing(second.connect()) as db, writing(db, 0) as w:
        others = [
            act(w, pupil, classes, DAY + later)
            for pupil, (_, act, later, _) in zip(contested, cases, strict=True)
        ]
        apart = to(2)(w, busy, classes, DAY + 1)
    cast.settle()
    with closing(second.connect()) as db, writing(db, 0) as w:
        to(2)(w, patient, classes, DAY + 3)
        assert set(queries.apart(db)) == {*contested, busy}
        for one, other, (*_, chosen) in zip(ones, others, cases, strict=True):
            stands, goes = (other, one) if chosen else (one, other)
            assert settling.let_stand(w, stands) == [goes]
            with pytest.raises(NotFound):
                settling.let_stand(w, stands)
        with pytest.raises(NotFound):
            settling.let_stand(w, calm)
        # The second move of the machine follows the first and stays with it.
        assert settling.let_stand(w, moved[0]) == [apart]
    cast.settle()
    cast.check()
    with closing(first.connect()) as db:
        assert queries.apart(db) == {} and discrepancies(db, START, END) == []
        assert db.execute("SELECT count(*) FROM conflict").fetchone() == (0,)
        for pupil, one, other, (*_, chosen) in zip(contested, ones, others, cases, strict=True):
            (act,) = db.query("SELECT * FROM movement WHERE pupil = ? AND retired_at IS NULL", (pupil,))
            assert act["id"] == (other if chosen else one)
            goes_on = [(act["to_class"], act["date"], None)] if act["to_class"] else []
            assert rolls(db, pupil) == [(classes[0], START, act["date"]), *goes_on]
        assert rolls(db, busy) == [
            (classes[0], START, DAY + 4), (classes[1], DAY + 4, DAY + 8), (classes[2], DAY + 8, None),
        ]  # fmt: skip
        found = frozen.history(db, quarter.CODE, YEAR, FIRST_QUARTER)
        assert (
            found[-1].figures == frozen.count(db, quarter.CODE, YEAR, FIRST_QUARTER) and found[-1].number >= 1
        )


def test_what_was_written_apart_of_a_summer_is_settled_with_the_class_of_the_next_year(cast: Cast) -> None:
    first, second = cast.nodes[0], cast.join()
    cases = [
        (to(4), to(5), 0), (to(4), away, 3), (to(1), to(2), 0), (to(1), to(4), -2), (to(4), to(4), 1), (away, away, 1)
    ]  # fmt: skip
    cases = [(*case, chosen) for case in cases for chosen in (0, 1)]  # type: ignore[misc]
    with closing(first.connect()) as db, writing(db, 0) as w:
        classes = [
            w.insert("class_group", year=year, grade=grade, letter=letter)
            for year, grade in ((YEAR, 7), (NEXT, 8))
            for letter in "АБВ"
        ]
        pupils = [w.insert("person", sex="f", birth_year=2013) for _ in cases]
        others = [w.insert("person", sex="m", birth_year=2013) for _ in "БВ"]
        for at, pupil in ((0, one) for one in pupils):
            w.put("pupil", person=pupil)
            roster.enrol(w, pupil, classes[at], START)
        for at, pupil in enumerate(others, 1):
            w.put("pupil", person=pupil)
            roster.enrol(w, pupil, classes[at], START)
        yearend.close(w, YEAR, END + 10)
    cast.settle()
    summer, autumn = END + 40, 20_697
    written = []
    for node, which in ((first, 0), (second, 1)):
        with closing(node.connect()) as db, writing(db, 0) as w:
            written.append(
                [
                    case[which](w, pupil, classes, summer + which * int(case[2]))
                    for pupil, case in zip(pupils, cases, strict=True)
                ]
            )
    cast.settle()
    with closing(second.connect()) as db, writing(db, 0) as w:
        for one, other, case in zip(*written, cases, strict=True):
            stands, goes = (other, one) if case[3] else (one, other)  # type: ignore[misc]
            assert settling.let_stand(w, stands) == [goes]
    cast.settle()
    cast.check()
    with closing(first.connect()) as db:
        assert queries.apart(db) == {} and discrepancies(db, START, END + 200) == []
        assert roster.overlaps(db) == []
        for pupil, one, other, case in zip(pupils, *written, cases, strict=True):
            sql = "SELECT * FROM movement WHERE pupil = ? AND retired_at IS NULL ORDER BY kind, id"
            lines = {row["kind"]: row for row in db.query(sql, (pupil,))}
            stands = other if case[3] else one  # type: ignore[misc]
            assert stands in {row["id"] for row in lines.values()} and len(lines) == 2
            act = next(row for row in lines.values() if row["id"] == stands)
            stay, day, to_class = rolls(db, pupil), act["date"], act["to_class"]
            if to_class is None:
                assert stay == [(classes[0], START, day)]
            elif to_class in classes[3:]:
                assert stay == [(classes[0], START, autumn), (to_class, autumn, None)]
            else:
                goes_on = classes[classes.index(to_class) + 3]
                assert stay == [
                    (classes[0], START, day), (to_class, day, autumn), (goes_on, autumn, None)
                ]  # fmt: skip


def rolls(db: Database, pupil: int) -> list[tuple[int, int, int | None]]:
    sql = """SELECT class_group, start, "end" FROM enrolment WHERE pupil = ? AND retired_at IS NULL ORDER BY start"""
    found: list[tuple[int, int, int | None]] = db.execute(sql, (pupil,)).fetchall()
    return found
