"""The judge can convict: what it is there to find, planted, is found."""

import json
from contextlib import closing

import pytest
import sqlalchemy as sa

from hub import tables
from shared.db import transaction
from sync.state import State
from sync.writer import writing
from tests.faults import judge, workers
from tests.world import a_hub, a_school


@pytest.fixture
def school(tmp_path):
    school = a_school(tmp_path / "node", a_hub(tmp_path / "hub"))
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        workers.found_class(w)
    yield school
    school.hub.close()


@pytest.fixture
def side(tmp_path, school):
    """The side file of a teacher who wrote a while, then a sync that was done."""
    path = tmp_path / "side"
    workers.write_rows(school.node.home, path, seed=3, count=40)
    school.sync()
    workers.note_done(school.node, workers.notes(path))
    kinds = {line.get("kept", "done") for line in judge.lines(path)}
    assert kinds >= {"row", "rooms", "result", "retired", "done"}
    return path


def say(side, **line):
    with side.open("a") as file:
        file.write(json.dumps(line) + "\n")


def last(side, kept):
    return [line for line in judge.lines(side) if line.get("kept") == kept][-1]


def test_nothing_is_found_where_nothing_is_wrong(school, side):
    assert list(judge.lost_writes(school.node, [side])) == []
    assert list(judge.false_successes(school.hub, school.id, [side])) == []
    assert list(judge.difference(school.node, school.hub, school.id)) == []
    assert list(judge.node_flaws(school.node)) == list(judge.hub_flaws(school.hub, school.id)) == []


def test_a_lost_value_is_found(school, side):
    row = last(side, "row")
    say(side, kept="row", table="person", id=row["id"], values={"birth_year": 1901})
    assert len(list(judge.lost_writes(school.node, [side]))) == 1


def test_a_value_that_was_only_intended_may_stand_or_not(school, side):
    row = last(side, "row")
    say(side, intent="row", table="person", id=row["id"], values={"birth_year": 1901})
    assert list(judge.lost_writes(school.node, [side])) == []
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        w.update("person", row["id"], birth_year=1901)
    assert list(judge.lost_writes(school.node, [side])) == []
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        w.update("person", row["id"], birth_year=1902)
    assert len(list(judge.lost_writes(school.node, [side]))) == 1


def test_a_lost_row_a_torn_transaction_a_lost_result_are_found(school, side):
    say(side, kept="retired", table="person", id=last(side, "row")["id"])
    say(side, kept="result", value=-5)
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        w.update("room", db.execute("SELECT min(id) FROM room").fetchone()[0], name="elsewhere")
    assert len(list(judge.lost_writes(school.node, [side]))) == 3


def test_a_false_success_is_found(school, side):
    with closing(school.node.connect()) as db:
        position = int(State(db).position)
    say(side, done=position, reference=0, digest="00" * 32)
    assert len(list(judge.false_successes(school.hub, school.id, [side]))) == 1


def test_a_sync_that_ended_with_a_problem_is_found(school, side):
    say(side, problem="digests_differ", details="")
    assert len(list(judge.false_successes(school.hub, school.id, [side]))) == 1


def test_two_sides_that_differ_are_found(school, side):
    person = tables.VIEWS["person"]
    row = last(side, "row")["id"]
    with school.hub.write() as connection:
        connection.execute(person.update().where(person.c.id == row).values(birth_year=1901))
    assert len(list(judge.difference(school.node, school.hub, school.id))) == 2
    assert list(judge.hub_flaws(school.hub, school.id)) == ["the digest does not belong to the district view"]


def test_a_changed_log_is_found(school, side):
    c = tables.change.c
    with school.hub.write() as connection:
        last_number = connection.execute(
            sa.select(sa.func.max(c.number)).where(c.school == school.id)
        ).scalar()
        connection.execute(tables.change.delete().where(c.school == school.id, c.number == last_number))
    assert len(list(judge.hub_flaws(school.hub, school.id))) > 0
    with closing(school.node.connect()) as db, transaction(db):
        db.execute("UPDATE digest SET sum = zeroblob(32)")
    assert "the digest does not belong to the rows" in list(judge.node_flaws(school.node))
