"""The bounds of a scale: whatever is asked for, and by whatever path, no mark outside its scale is stored."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from node.importing.actions import run_import
from node.importing.mapping import load_mapping
from node.journal import actions, pages, queries
from node.journal.actions import Change, Result
from shared.dates import date_of
from shared.problems import ImportRefused, InputProblem, OutsideScale
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages
from tests.node.test_importing_pages import upload
from tests.node.test_journal import ORAL, TODAY, Desk, a_school, address

numbers = st.integers(-3, 120) | st.sampled_from([0, 1, 2, 5, 6, 10, 11, 100, 101, 2**31, -(2**40)])
texts = numbers.map(str) | st.sampled_from(["", " 5", "5.0", "05", "+5", "٥", "²", "5/4", "x", "1e1", "-"])
again = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

OUTSIDE = """SELECT
  (SELECT count(*) FROM mark m JOIN grading_scale s ON s.id = m.scale
    WHERE m.value NOT BETWEEN s.minimum AND s.maximum)
  + (SELECT count(*) FROM mark WHERE value IS NOT NULL AND scale IS NULL)
  + (SELECT count(*) FROM term_result r JOIN subject_group g ON g.id = r.subject_group
    JOIN grading_scale s ON s.id = g.scale WHERE r.value NOT BETWEEN s.minimum AND s.maximum)"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("bounds"))


@pytest.fixture(scope="module")
def desk(school: SchoolPages) -> Iterator[Desk]:
    made = Desk(school)
    yield made
    made.db.close()


@pytest.fixture(scope="module")
def client(school: SchoolPages, desk: Desk) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "today", lambda: TODAY)
        login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
        found = school.sign_in(login)
        found.get(address(desk.place))
        yield found


def outside(db: Database) -> int:
    return int(db.execute(OUTSIDE).fetchone()[0])


def scale(desk: Desk) -> queries.Scale:
    found = queries.scale_of(desk.db, desk.place.group)
    assert found is not None
    return found


@again
@given(value=numbers, slot=st.integers(-1, 3), kind=st.sampled_from([None, ORAL, 4, 999]))
def test_the_journals_rules_hold_the_bounds(desk: Desk, value: int, slot: int, kind: int | None) -> None:
    pupil, bounds = desk.pupils[0], scale(desk)
    seen = desk.cell(pupil).value(slot)
    # A mark that replaces another is of its kind of work, unless another is named.
    kinds = (ORAL, 4) if seen is None else (ORAL, 4, None)
    with contextlib.suppress(InputProblem):
        desk.save(Change("mark", value, seen, pupil, slot, kind))
        # What stands already is not written again, so nothing is asked of it.
        within = bounds.low <= value <= bounds.high and slot in queries.SLOTS and kind in kinds
        assert value == seen or within
    assert outside(desk.db) == 0


@again
@given(value=texts, slot=st.sampled_from(["0", "1", "7", ""]))
def test_the_background_save_and_the_form_hold_them(
    desk: Desk, client: Client, value: str, slot: str
) -> None:
    pupil, bounds = desk.pupils[1], scale(desk)
    seen = {number: desk.cell(pupil).value(number) for number in queries.SLOTS}
    before = {number: "" if one is None else str(one) for number, one in seen.items()}
    sent = {"field": "mark", "pupil": str(pupil), "slot": slot, "kind": str(ORAL), "value": value}
    status = client.post(address(desk.place, "cell"), **sent, seen=before.get(int(slot or 0), ""))[0]
    now = desk.cell(pupil).value(int(slot or 0))
    assert status != 200 or now is None or bounds.low <= now <= bounds.high
    form = {f"mark-{pupil}-1": value, f"seen-mark-{pupil}-1": before[1], "kind": str(ORAL)}
    client.post(address(desk.place), **form)
    assert outside(desk.db) == 0


@again
@given(value=numbers, status=st.sampled_from(["assessed", "na", "exempt", "unmarked", "else"]))
def test_results_hold_them(desk: Desk, value: int, status: str) -> None:
    term, bounds, pupil = queries.term_of(desk.db, desk.place.group, TODAY), scale(desk), desk.pupils[0]
    assert term is not None
    stands = queries.results(desk.db, desk.place.group, term["id"]).get(pupil)
    seen = (stands["value"], stands["status"]) if stands else None
    given_ = Result(pupil, value, status, "Кеңеш", seen)
    with contextlib.suppress(InputProblem), writing(desk.db, desk.account) as w:
        actions.give_results(w, desk.place.group, term["id"], desk.teacher, TODAY, [given_], early=True)
        assert bounds.low <= value <= bounds.high and status == "assessed"
    assert outside(desk.db) == 0


@settings(again, max_examples=25)
@given(value=texts)
def test_an_import_holds_them_on_the_page_and_from_the_command_line(
    school: SchoolPages, tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    with closing(school.node.connect()) as db:
        row = db.execute(
            """SELECT g.grade || '-' || g.letter, s.code, l.day, l.period, l.subject_group, x.teacher FROM lesson l
               JOIN subject_group x ON x.id = l.subject_group JOIN class_group g ON g.id = x.class_group
               JOIN subject s ON s.id = x.subject WHERE x.scale IS NOT NULL AND x.teacher = ? ORDER BY l.day LIMIT 1""",
            (school.person("teacher"),),
        ).fetchone()
        pupil = min(queries.members(db, row[4], row[2], row[2]))
        file = db.execute("SELECT personal_file FROM pupil WHERE person = ?", (pupil,)).fetchone()[0]
        text = "Класс;Предмет;Дата;Урок;Личное дело;Оценка;Вид работы\n"
        text += f"{row[0]};{row[1]};{date_of(row[2]).isoformat()};{row[3]};{file};{value};test\n"
        teacher = school.as_("teacher")
        teacher.post(upload(teacher, "marks", text), do="all")
        assert outside(db) == 0
        path = tmp_path_factory.mktemp("lists") / "marks.csv"
        path.write_text(text, "utf-8")
        actor = db.execute("SELECT id FROM account WHERE person = ?", (row[5],)).fetchone()[0]
        with contextlib.suppress(ImportRefused):
            run_import(db, path, load_mapping("marks"), actor)
        assert outside(db) == 0


WRITES: list[Callable[[Any, Desk, int], object]] = [
    lambda w, desk, value: w.put(
        "mark", **desk.place.key, pupil=desk.pupils[0], slot=0, value=value, kind=ORAL, scale=scale(desk).id
    ),
    lambda w, desk, value: w.put(
        "mark", **desk.place.key, pupil=desk.pupils[0], slot=0, value=value, kind=ORAL
    ),
    lambda w, desk, value: w.put(
        "term_result",
        subject_group=desk.place.group,
        pupil=desk.pupils[0],
        term=1,
        value=value,
        status="assessed",
    ),
]


@pytest.mark.parametrize("write", WRITES)
def test_nothing_writes_past_the_bounds(desk: Desk, write: Callable[[Any, Desk, int], object]) -> None:
    row = desk.db.execute(
        "SELECT minimum, maximum FROM grading_scale WHERE id = ?", (scale(desk).id,)
    ).fetchone()
    for value in (row[0] - 1, row[1] + 1, 2**40):
        with pytest.raises(OutsideScale), writing(desk.db, desk.account) as w:
            write(w, desk, value)
    for value in row:
        with contextlib.suppress(RuntimeError), writing(desk.db, desk.account) as w:
            write(w, desk, value)
            raise RuntimeError("as if it had not been")
    assert outside(desk.db) == 0
