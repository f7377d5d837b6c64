"""A sync from node to hub and back: whole, resumable, truthful."""

from contextlib import closing

import pytest

from hub.log import HubLog
from shared.problems import HubUnreachable
from sync import session
from sync.checks import verify_chain
from sync.log import NodeLog, dump
from sync.state import State
from sync.writer import writing
from tests.world import a_hub, a_school, no_derived_rows


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path, request):
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    hub = a_hub(tmp_path / "hub", database)
    yield hub
    hub.close()


@pytest.fixture
def school(tmp_path, hub):
    return a_school(tmp_path / "node", hub)


def hub_dump(school):
    with school.hub.read() as connection:
        return list(HubLog(connection, school.id, school.hub.signer).dump())


def node_dump(school):
    with closing(school.node.connect()) as db:
        return list(dump(db, district_only=True))


def some_pupils(school, count=5, sex="f"):
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        group = w.insert("class_group", grade=7, letter="А")
        for year in range(count):
            person = w.insert("person", sex=sex, birth_year=2010 + year % 10)
            w.insert("consent", person=person, purpose="core", valid_from=0)
            w.update("person", person, surname="Осмонова", given_name="Айгүл")
            w.put("pupil", person=person, language="ky")
            w.insert("enrolment", pupil=person, class_group=group, start=19000)


def test_a_school_and_the_hub_hold_the_same(school):
    some_pupils(school)
    assert school.sync().outcome == "done"
    assert hub_dump(school) == node_dump(school)
    assert len([line for line in hub_dump(school) if line.startswith('["pupil"')]) == 5
    assert "Осмонова" not in "".join(hub_dump(school))
    with closing(school.node.connect()) as db:
        assert list(verify_chain(db)) == []


def test_a_quiet_day_is_one_round_trip(school):
    some_pupils(school)
    school.sync()
    assert school.sync().rounds == 1


def test_later_changes_and_retirement_arrive(school):
    some_pupils(school)
    school.sync()
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        first = db.execute("SELECT min(id) FROM enrolment").fetchone()[0]
        w.retire("enrolment", first)
        w.update("enrolment", first + 1, end=19100)
        w.put("pupil", person=db.execute("SELECT min(person) FROM pupil").fetchone()[0], language=None)
    assert school.sync().outcome == "done"
    assert hub_dump(school) == node_dump(school)


def test_two_schools_never_mix(tmp_path, hub, school):
    other = a_school(tmp_path / "other", hub, "School 9")
    some_pupils(school, 3)
    some_pupils(other, 4, sex="m")
    school.sync()
    other.sync()
    assert hub_dump(school) == node_dump(school)
    assert hub_dump(other) == node_dump(other)


def test_reference_rows_of_the_hub_arrive(tmp_path, hub, school):
    a_school(tmp_path / "other", hub, "Күн мектеби")
    school.sync()
    with closing(school.node.connect()) as db:
        names = {r["name_ky"] for r in db.query("SELECT name_ky FROM school")}
    assert {"School 8", "Күн мектеби"} <= names


@pytest.mark.parametrize("fault", ["lose request", "lose answer", "repeat", "garbage", "damage answer"])
def test_whatever_the_link_does_the_next_sync_completes(tmp_path, hub, fault):
    faults = iter(["", fault, fault, ""] + [fault, ""] * 50)
    school = a_school(tmp_path / "node", hub, fault=lambda: next(faults))
    some_pupils(school, 50)
    for _ in range(6):
        try:
            if school.sync().outcome == "done":
                break
        except Exception as problem:
            assert getattr(problem, "retry", False), problem
    else:
        pytest.fail("never done")
    assert hub_dump(school) == node_dump(school)


def test_an_unreachable_hub_is_said_and_nothing_is_lost(tmp_path, hub):
    down = False
    school = a_school(tmp_path / "node", hub, fault=lambda: "lose request" if down else "")
    some_pupils(school)
    down = True
    with pytest.raises(HubUnreachable):
        school.sync()
    with closing(school.node.connect()) as db:
        assert NodeLog(db).waiting() > 0
        assert not State(db).last_done
    down = False
    assert school.sync().outcome == "done"


def test_many_changes_go_in_many_changesets(school):
    some_pupils(school, 3000)
    progress = school.sync()
    assert progress.outcome == "done" and progress.changes_sent > 15_000
    assert hub_dump(school) == node_dump(school)
    with closing(school.node.connect()) as db:
        assert list(verify_chain(db)) == []


def test_a_sync_during_which_someone_writes_at_every_round_trip_ends_and_says_what_waits(school):
    some_pupils(school)
    with closing(school.node.connect()) as db:
        before = NodeLog(db).last_cut() + NodeLog(db).uncut()

        def write_on(progress):
            school.write("room", seats=progress.rounds)

        progress = session.sync(db, school.transport, no_derived_rows, write_on)
        assert (progress.outcome, progress.changes_waiting) == (session.NEWER_WAIT, 1)
        first_waiting = db.conn.execute(
            "SELECT min(local_first) FROM changeset WHERE position IS NULL"
        ).fetchone()
        assert (first_waiting[0] or NodeLog(db).last_cut() + 1) > before
        assert not State(db).last_done
    assert school.sync().outcome == "done"
    assert hub_dump(school) == node_dump(school)
