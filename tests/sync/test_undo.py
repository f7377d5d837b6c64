"""Undo from the log: what an act did is taken back, what others wrote since is left alone, wherever it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from shared.problems import InvalidValue
from shared.schema import BY_NAME
from sync.log import NodeLog, dump
from sync.undo import Act, LeftAlone, acts, marked_act, marked_acts, note_act, plan_undo, undo
from sync.writer import Writer, writing
from tests.few import two_again
from tests.stores import ORIGIN, a_store

ONE, TWO = (ORIGIN << 32) + 1, (ORIGIN << 32) + 2


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_school()) as db:
        yield db


def a_school() -> Database:
    """Two accounts, two rooms, a bell, a class with a pupil and a subject group."""
    db = a_store()
    with writing(db, ONE) as w:
        for login in ("one", "two"):
            w.insert("account", login=login)
        for name in ("1", "2"):
            w.insert("room", name=name, seats=20)
        w.insert("bell", start=480, end=525)
        group = w.insert("class_group", letter="А")
        w.insert("subject_group", class_group=group)
        w.put("pupil", person=w.insert("person", sex="f"), language="ky")
    return db


def last_act(db: Database) -> Act:
    clock, actor = db.execute("SELECT clock, actor FROM change ORDER BY n DESC LIMIT 1").fetchone()
    return Act(clock, actor)


def undone(db: Database, act: Act, actor: int = ONE, **more: Any) -> Any:
    with writing(db, actor) as w:
        return undo(w, act, **more)


def shown(db: Database) -> dict[str, str]:
    """Every row by its key, marks of acts left out."""
    found = {}
    for line in dump(db, False):
        name, values = json.loads(line)
        if name != "act":
            found[json.dumps([name, *(values[k] for k in BY_NAME[name].key)])] = line
    return found


def living(db: Database) -> dict[str, str]:
    return {key: line for key, line in shown(db).items() if json.loads(line)[1]["retired_at"] is None}


# -- random acts -------------------------------------------------------------------------------------------------

ROOM = st.tuples(st.just("room"), st.integers(0, 3), st.sampled_from(["name", "seats"]), st.integers(1, 5))
STEPS = st.one_of(
    ROOM,
    st.tuples(st.just("new"), st.integers(1, 5)),
    st.tuples(st.just("retire"), st.integers(0, 3)),
    st.tuples(st.just("bell"), st.integers(1, 3), st.integers(500, 502)),
    st.tuples(st.just("mark"), st.integers(0, 2), st.integers(2, 5)),
    st.tuples(st.just("comment"), st.integers(0, 2), st.sampled_from(["", "a", "b"])),
)
ACTS = st.lists(STEPS, min_size=1, max_size=6)


def do(w: Writer, steps: list[Any]) -> None:
    for kind, *details in steps:
        rooms = [r for (r,) in w.db.execute("SELECT id FROM room ORDER BY id")]
        key = {"subject_group": ORIGIN << 32 | 1, "period": 1, "pupil": ORIGIN << 32 | 1, "slot": 0}
        if kind == "room":
            at, column, value = details
            w.update("room", rooms[at % len(rooms)], **{column: str(value) if column == "name" else value})
        elif kind == "new":
            w.insert("room", name=str(details[0]))
        elif kind == "retire":
            w.retire("room", rooms[details[0] % len(rooms)])
        elif kind == "bell":
            w.update("bell", ORIGIN << 32 | 1, start=details[0], end=details[1])
        elif kind == "mark":
            w.put("mark", **key, day=details[0], value=details[1])
        else:
            w.put("mark", **key, day=details[0], comment=details[1])


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=3), ACTS)
def test_an_undo_right_after_an_act_leaves_what_was_there(earlier: list[Any], act: list[Any]) -> None:
    with closing(a_school()) as db:
        for steps in earlier:
            with writing(db, TWO) as w:
                do(w, steps)
        before = shown(db)
        with writing(db, ONE) as w:
            mark = note_act(w, "import", "rooms.xlsx", len(act))
            do(w, act)
        after = shown(db)
        result = undone(db, marked_act(db, mark), TWO)
        assert result.left_alone == ()
        assert before.items() <= shown(db).items()
        made = shown(db).keys() - before.keys()
        assert not made & living(db).keys()
        assert marked_act(db, mark).undone

        again = undone(db, marked_act(db, result.mark))
        assert (again.left_alone, shown(db)) == ((), after)
        assert not marked_act(db, mark).undone
        assert undone(db, marked_act(db, mark), TWO).left_alone == ()
        assert before.items() <= shown(db).items()


@settings(max_examples=60, deadline=None)
@given(ACTS, ACTS)
def test_what_was_written_since_is_left_alone_unless_chosen(act: list[Any], later: list[Any]) -> None:
    with closing(a_school()) as db:
        before = shown(db)
        with writing(db, ONE) as w:
            mark = note_act(w, "import", "rooms.xlsx")
            do(w, act)
        first = marked_act(db, mark)
        with writing(db, TWO) as w:
            do(w, later)
        entries = written_by(db, TWO)
        values = {place: value_of(db, *place) for place in entries}
        result = undone(db, first)
        for place in entries:
            assert value_of(db, *place) == values[place], "a later edit is overwritten"
        for left in result.left_alone:
            assert (left.why, left.actor, left.at) == ("changed", TWO, last_act_of(db, TWO).at)
        chosen = {left.place for left in result.left_alone}
        assert undone(db, first, also=chosen).left_alone == ()
        for place in chosen:
            key = json.dumps([place[0], *place[1]])
            if key in before:
                assert value_of(db, *place) == value_in(before[key], place)
            else:
                assert key not in living(db)


def written_by(db: Database, actor: int) -> set[tuple[str, tuple[int, ...], str]]:
    found = set()
    for tbl, rid, vals in db.execute("SELECT tbl, key, vals FROM change WHERE actor = ?", (actor,)):
        table = next(t for t in BY_NAME.values() if t.number == tbl)
        units = {table.value_by_number[int(n)].merge_unit for n in json.loads(vals)}
        found |= {(table.name, NodeLog(db).key_of(table, rid), unit) for unit in units}
    return found


def last_act_of(db: Database, actor: int) -> Act:
    return Act(db.execute("SELECT max(clock) FROM change WHERE actor = ?", (actor,)).fetchone()[0], actor)


def value_of(db: Database, name: str, key: tuple[int, ...], unit: str) -> object:
    return value_in(shown(db)[json.dumps([name, *key])], (name, key, unit))


def value_in(line: str, place: tuple[str, tuple[int, ...], str]) -> object:
    return [json.loads(line)[1][c.name] for c in BY_NAME[place[0]].units[place[2]]]


# -- rows that others built on -----------------------------------------------------------------------------------


def test_a_row_that_someone_built_on_stays_with_what_belongs_to_it(db: Database) -> None:
    with writing(db, ONE) as w:
        mark = note_act(w, "import", "pupils.csv", 2)
        group = w.insert("class_group", letter="Б")
        pupils = []
        for sex in ("f", "m"):
            person = w.insert("person", sex=sex)
            w.put("pupil", person=person)
            w.insert("enrolment", pupil=person, class_group=group, start=20_000)
            pupils.append(person)
    with writing(db, TWO) as w:
        w.put("term_result", subject_group=ORIGIN << 32 | 1, pupil=pupils[0], term=4, value=5)
    result = undone(db, marked_act(db, mark))
    kept = {left.place[0] for left in result.left_alone}
    assert kept == {"class_group", "person", "pupil", "enrolment"}
    assert all((left.why, left.actor) == ("used", TWO) for left in result.left_alone)
    alive = "SELECT {} FROM {} WHERE retired_at IS NULL"
    assert (pupils[0],) in db.execute(alive.format("person", "pupil")).fetchall()
    assert (pupils[1],) not in db.execute(alive.format("person", "pupil")).fetchall()
    assert db.execute(alive.format("pupil", "enrolment")).fetchall() == [(pupils[0],)]
    assert result.retired == 4  # the other pupil with person and enrolment, and the mark of the act


def test_a_new_row_that_an_old_one_was_made_to_refer_to_goes_with_the_reference(db: Database) -> None:
    with writing(db, ONE) as w:
        before = w.insert("person", sex="f")
        w.put("staff", person=before)
        class_group = w.insert("class_group", grade=5, teacher=before)
    with writing(db, ONE) as w:
        new = w.insert("person", sex="m")
        w.put("staff", person=new)
        w.update("class_group", class_group, teacher=new)
    result = undone(db, last_act(db))
    assert result.left_alone == () and (result.restored, result.retired) == (1, 2)
    assert db.execute("SELECT teacher FROM class_group WHERE id = ?", (class_group,)).fetchone() == (before,)
    with writing(db, ONE) as w:
        other = w.insert("person", sex="m")
        w.put("staff", person=other)
        w.update("class_group", class_group, teacher=other)
    act = last_act(db)
    with writing(db, TWO) as w:
        w.insert("subject_group", class_group=class_group, teacher=other)
    assert {left.why for left in undone(db, act).left_alone} == {"used"}
    assert (other,) in db.execute("SELECT person FROM staff WHERE retired_at IS NULL").fetchall()


def test_a_value_that_may_not_be_kept_any_more_does_not_come_back(db: Database) -> None:
    person = ORIGIN << 32 | 1
    with writing(db, ONE) as w:
        consent = w.insert("consent", person=person, purpose="core")
        w.update("person", person, surname="Асанова")
    with writing(db, ONE) as w:
        w.update("person", person, surname="Осмонова", sex="m")
    act = last_act(db)
    with writing(db, TWO) as w:
        w.update("consent", consent, withdrawn_on=1)
    result = undone(db, act)
    assert result.left_alone == (LeftAlone(("person", (person,), "surname"), "consent", 0, 0),)
    assert result.restored == 1


def test_rows_that_were_put_back_by_an_act_are_retired_again(db: Database) -> None:
    room = ORIGIN << 32 | 1
    with writing(db, ONE) as w:
        w.retire("room", room)
    before = shown(db)
    with writing(db, ONE) as w:
        w.put("room", id=room, name="1")
    undone(db, last_act(db))
    assert shown(db) == before


# -- finding acts ------------------------------------------------------------------------------------------------


def test_acts_are_found_by_account_time_and_mark(db: Database) -> None:
    with writing(db, ONE) as w:
        mark = note_act(w, "import", "комнаты.xlsx", 3)
        w.insert("room", name="9")
    with writing(db, TWO) as w:
        w.insert("room", name="10")
    marked = marked_act(db, mark)
    assert (marked.kind, marked.label, marked.lines, marked.undone) == ("import", "комнаты.xlsx", 3, False)
    assert marked_acts(db, "import") == [marked]
    assert acts(db, ONE, 0, 2**47)[0] == marked
    assert [a.mark for a in acts(db, TWO, 0, 2**47)] == [0]
    assert acts(db, TWO, 0, 1) == []
    result = undone(db, marked, TWO)
    assert [a.kind for a in marked_acts(db)] == ["undo", "import"]
    assert marked_act(db, result.mark).label == "комнаты.xlsx"


def test_what_was_never_done_cannot_be_undone(db: Database) -> None:
    with pytest.raises(InvalidValue):
        plan_undo(db, Act(1, ONE))
    with pytest.raises(InvalidValue):
        marked_act(db, 5)


# -- several nodes -----------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(act=ACTS, later=ACTS, here=st.booleans(), late=st.booleans())
def test_an_undo_passes_through_sync_and_merges(
    act: list[Any],
    later: list[Any],
    here: bool,
    late: bool,
) -> None:
    """Undone at the node where it was done or at another, while one of them writes on: both end alike."""
    world, second = two_again()
    first = world.first
    with writing(first, 0) as w:
        actor = w.insert("account", login="one")
        for name in ("1", "2"):
            w.insert("room", name=name)
    world.exchange(first, second)
    before = shown(first)
    with writing(first, actor) as w:
        mark = note_act(w, "import", "rooms.xlsx")
        do_rooms(w, act)
    world.exchange(first, second)
    undoing, other = (first, second) if here else (second, first)
    if late:
        with writing(other, actor) as w:
            do_rooms(w, later)
    undone(undoing, marked_act(undoing, mark), actor)
    world.exchange(first, second, first, second)
    assert list(dump(first, False)) == list(dump(second, False))
    if not late:
        assert before.items() <= shown(first).items()
        assert living(first).keys() <= before.keys()


def do_rooms(w: Writer, steps: list[Any]) -> None:
    do(w, [step for step in steps if step[0] in ("room", "new", "retire")])
