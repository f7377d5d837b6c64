"""Releases apart: what one of them does not know is kept, passed on, and shown after its upgrade."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub import tables
from hub.completing import RESTORED_AT
from hub.statistics.queries import cells
from hub.storage import Hub, set_state
from shared.problems import HubUnreachable, WrittenByNewer
from shared.schema import VERSION, Value
from sync import clock, session
from sync.codec import all_changes, open_envelope
from sync.delivery import Progress
from sync.erasure import erase
from sync.log import NodeLog
from sync.state import State, epoch_keys
from sync.undo import marked_acts, note_act, undo
from tests.skew import Peer, Skewed, known_lines
from tests.versions import NEXT
from tests.world import a_hub, no_derived_rows

WAYS = ("by wire", "by stick")
SKEWS = [
    pytest.param(NEXT, VERSION, VERSION, id="a newer machine, an older hub and machine"),
    pytest.param(NEXT, NEXT, VERSION, id="an older machine alone"),
    pytest.param(NEXT, VERSION, NEXT, id="an older hub alone"),
    pytest.param(VERSION, 1, 1, id="version 1 beside today's"),
    pytest.param(VERSION, VERSION, 1, id="a machine of version 1"),
    pytest.param(NEXT, VERSION, 1, id="three releases"),
    pytest.param(NEXT, 1, VERSION, id="a hub of version 1"),
]
"""Schema versions of the machine that writes, of the hub, and of the school's other machine."""
SECRET = "Сыйкырбек"


class World(Skewed):
    def exchanged(self, way: str, *peers: Peer) -> None:
        (self.exchange if way == "by wire" else self.by_stick)(*peers)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Callable[[int], World]]:
    """Makes the school of a test at a hub of this version."""
    made: list[World] = []

    def make(hub_version: int) -> World:
        made.append(World(tmp_path / "hub", a_hub, hub_version))
        return made[-1]

    yield make
    for world in made:
        world.hub.close()


def write_news(peer: Peer) -> int:
    """Rows and columns that only the newest release of a test knows, changed and retired; returns a pupil."""
    with peer.writing() as w:
        person = w.insert("person", sex="f")
        second = w.insert("person", sex="m")
        for one in (person, second):
            w.put("pupil", person=one, language="ky")
        if peer.version == NEXT:
            room = w.insert("room", name="Зал")
            club = w.insert("club", name="Чабандес", room=room)
            w.put("pupil", person=person, transport="bus", hobby="Чабандес")
            w.put("club_pupil", club=club, pupil=person, captain=1)
            w.put("club_pupil", club=club, pupil=second)
            w.insert("class_group", grade=3, club=club)
        else:
            room = w.insert("room", name="12")
            group = w.insert("class_group", grade=3, room=room, closed_on=20_000)
            w.insert("class_group", grade=3, combined=group)
            w.insert("own_day", day=20_000, kind="holiday")
            w.insert("task", text="Мектепти боё")
    with peer.writing() as w:
        if peer.version == NEXT:
            w.update("club", club, kind="riding")
            w.retire("club_pupil", club, second)
            w.put("club_pupil", club=club, pupil=person, captain=0)
        else:
            w.update("class_group", group, closed_on=20_001)
            w.retire("class_group", group)
    return person


def settle(world: World, way: str, *peers: Peer) -> None:
    for _ in range(2):
        world.exchanged(way, *peers)


def upgrade_all(world: World, way: str, *peers: Peer) -> None:
    """Bring everyone to the newest release there is, and see that nothing tells them apart."""
    version = max(peer.version for peer in peers)
    for peer in peers:
        if peer.version < version:
            peer.upgrade(version)
    if world.hub_version < version:
        world.upgrade_hub(version)
    assert peers[0].dump(True) == world.dump()
    for peer in peers[1:]:
        assert peer.dump() == peers[0].dump()
    settle(world, way, *peers)
    judge(world, *peers)


def judge(world: World, *peers: Peer) -> None:
    for peer in peers:
        assert peer.flaws() == []
        assert peer.dump() == peers[0].dump()
        assert peer.dump(True) == world.dump()
        assert conflicts(peer) == conflicts(peers[0])
        with peer.here() as db:
            assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
            assert db.execute("SELECT count(*) FROM unknown_key").fetchone() == (0,)
    assert world.flaws() == []


def conflicts(peer: Peer) -> list[tuple[object, ...]]:
    with peer.here() as db:
        log = NodeLog(db)
        rows = db.execute("SELECT tbl, key, unit FROM conflict").fetchall()
        return sorted((t, str(next(iter(log.keys_of(t, {k}).values()))), u) for t, k, u in rows)


def value(peer: Peer, sql: str, *places: Value) -> object:
    with peer.here() as db:
        return db.execute(sql, places).fetchone()[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("newer", "hub", "older"), SKEWS)
def test_what_is_not_known_is_kept_relayed_and_shown_after_the_upgrade(
    school: Callable[[int], World], newer: int, hub: int, older: int, way: str
) -> None:
    world = school(hub)
    first = world.founded(newer)
    second, third = world.joined(older), world.joined(newer)
    person = write_news(first)
    settle(world, way, first, second, third)
    assert third.dump() == first.dump()
    # The older one goes on writing in the very rows of which it does not know all.
    with second.writing() as w:
        w.put("pupil", person=person, residence="rural")
    settle(world, way, second, first, third)
    assert third.dump() == first.dump()
    assert value(first, "SELECT residence FROM pupil WHERE person = ?", person) == "rural"
    if older == hub:
        assert second.dump(True) == world.dump()
    assert len(known_lines(first.dump(), older)) == len(second.dump())
    upgrade_all(world, way, first, second, third)
    if newer == NEXT:
        assert value(second, "SELECT transport FROM pupil WHERE person = ?", person) == "bus"
        assert value(second, "SELECT count(*) FROM club_pupil WHERE retired_at IS NULL") == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("newer", "hub", "older"), [SKEWS[0], SKEWS[5]])
def test_a_conflict_about_what_is_not_known_is_there_after_the_upgrade(
    school: Callable[[int], World], newer: int, hub: int, older: int, way: str
) -> None:
    world = school(hub)
    first = world.founded(newer)
    second, third = world.joined(older), world.joined(newer)
    with first.writing() as w:
        person = w.insert("person", sex="f")
        w.put("pupil", person=person)
        club, gone = w.insert("club", name="A"), w.insert("club", name="B")
        group = w.insert("subject_group", class_group=w.insert("class_group", grade=3))
        w.put("lesson", subject_group=group, day=20_000, period=1)
    settle(world, way, first, second, third)
    place = {"subject_group": group, "day": 20_000, "period": 1, "pupil": person, "slot": 1}
    with first.writing() as w:
        w.put("pupil", person=person, transport="bus")
        w.update("club", club, kind="chess")
        w.retire("club", gone)
        w.put("mark", **place, value=5, tenths=3)
    with third.writing() as w:
        w.put("pupil", person=person, transport="horse")
        w.update("club", club, kind="riding")
        w.update("club", gone, name="C")
    with second.writing() as w:
        w.put("mark", **place, value=5)
    settle(world, way, first, second, third, first)
    listed = conflicts(first)
    assert {unit for *_, unit in listed} >= {"transport", "kind", "retired_at"}
    assert conflicts(third) == listed
    assert {unit for *_, unit in conflicts(second)} <= {"mark"}
    upgrade_all(world, way, first, second, third)
    # Written apart: 5 and 3 tenths here, 5 alone there.
    assert (63, str((group, 20_000, 1, person, 1)), "mark") in conflicts(second)
    assert {unit for *_, unit in conflicts(second)} == {"transport", "kind", "retired_at", "mark"}


def holds(peer: Peer, text: str) -> list[str]:
    """Where a machine still holds a text: its log, or the changesets it keeps."""
    with peer.here() as db:
        found = [f"log {n}" for n, vals in db.execute("SELECT n, vals FROM change") if text in vals]
        for data in (row[0] for row in db.execute("SELECT envelope FROM changeset WHERE school > 0")):
            envelope = open_envelope(data)
            for change in all_changes(envelope, epoch_keys(db)[envelope.epoch]):
                if text in change.values.values():
                    found.append(f"changeset {envelope.header.origin} {envelope.header.first}")
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("newer", "hub", "older"), [SKEWS[0], SKEWS[1]])
def test_what_was_erased_of_what_is_not_known_is_gone_from_the_older_too(
    school: Callable[[int], World], newer: int, hub: int, older: int, way: str
) -> None:
    world = school(hub)
    first = world.founded(newer)
    second, third = world.joined(older), world.joined(newer)
    with first.writing() as w:
        person = w.insert("person", sex="f")
        for purpose in ("core", "health"):
            w.insert("consent", person=person, purpose=purpose)
        w.update("person", person, surname=SECRET + "1", nickname=SECRET + "2")
        card = w.insert("club_card", person=person, health_note=SECRET + "3", colour="көк")
    settle(world, way, first, second, third)
    assert holds(second, SECRET + "2") and holds(second, SECRET + "3")
    # Without knowing of the erasure the third writes once more; only then all meet.
    with third.writing() as w:
        w.update("person", person, nickname=SECRET + "4")
    with first.writing() as w:
        w.db.execute("UPDATE consent SET withdrawn_on = 20000 WHERE person = ?", (person,))
        assert erase(w, person, {"core", "health"}).values == 3
    settle(world, way, first, third, second, first, third)
    for at in "1234":
        for peer in (first, second, third):
            assert holds(peer, SECRET + at) == [], at
    with first.writing() as w:
        w.update("club_card", card, colour="кызыл")
    settle(world, way, first, second, third)
    upgrade_all(world, way, first, second, third)
    assert value(second, "SELECT nickname FROM person WHERE id = ?", person) is None
    assert value(second, "SELECT colour FROM club_card") == "кызыл"
    assert not any(holds(peer, SECRET) for peer in (first, second, third))


def test_what_the_gate_hides_of_a_newer_column_shows_with_the_consent_after_the_upgrade(
    school: Callable[[int], World],
) -> None:
    world = school(VERSION)
    first, second = world.founded(NEXT), world.joined(VERSION)
    with first.writing() as w:
        people = [w.insert("person", sex="f") for _ in range(2)]
        given = [w.insert("consent", person=person, purpose="core") for person in people]
        for person in people:
            w.update("person", person, nickname=f"N{person & 15}")
    world.exchange(first, second)
    with second.writing() as w:
        w.update("consent", given[0], withdrawn_on=20_000)
    world.exchange(second, first)
    second.upgrade(NEXT)
    assert second.dump() == first.dump()
    assert value(second, "SELECT nickname FROM person WHERE id = ?", people[0]) is None
    assert value(second, "SELECT nickname FROM person WHERE id = ?", people[1]) is not None


@pytest.mark.parametrize("way", WAYS)
def test_an_act_of_a_newer_release_is_undone_there_and_never_by_half_elsewhere(
    school: Callable[[int], World], way: str
) -> None:
    world = school(VERSION)
    first, second = world.founded(NEXT), world.joined(VERSION)
    with second.writing() as w:
        old_act = note_act(w, "import", "old")
        person = w.insert("person", sex="f")
        w.put("pupil", person=person)
    settle(world, way, second, first)
    with first.writing() as w:
        note_act(w, "import", "rows")
        club = w.insert("club", name="Чабандес")
        w.put("club_pupil", club=club, pupil=person)
    with first.writing() as w:
        note_act(w, "import", "columns")
        w.put("pupil", person=person, transport="bus", residence="rural")
    settle(world, way, first, second)
    with second.here() as db:
        acts = {act.label: act for act in marked_acts(db)}
        before = NodeLog(db).uncut()
    for label in ("rows", "columns"):
        with pytest.raises(WrittenByNewer), second.writing() as w:
            undo(w, acts[label])
    with second.writing() as w:
        assert NodeLog(w.db).uncut() == before
        # Its own act it undoes, but for the row that another has built on, though it cannot read how.
        done = undo(w, next(act for act in acts.values() if act.mark == old_act))
        assert ("pupil", (person,), "retired_at") in [left.place for left in done.left_alone]
    settle(world, way, second, first)
    with first.writing() as w:
        undo(w, acts["columns"])
        # Two rows and the mark of the act.
        assert undo(w, acts["rows"]).retired == 3
    settle(world, way, first, second)
    upgrade_all(world, way, first, second)
    sql = "SELECT transport || ifnull(residence, 0) FROM pupil WHERE person = ?"
    assert value(second, sql, person) == "foot0"
    assert value(second, "SELECT count(*) FROM club WHERE retired_at IS NULL") == 0


@pytest.mark.parametrize("upgraded", [False, True], ids=["as old as before", "under the newer release"])
@pytest.mark.parametrize(("newer", "hub", "older"), [SKEWS[0], SKEWS[3], SKEWS[5]])
def test_a_hub_put_back_meanwhile_is_told_again_of_what_it_does_not_know(
    school: Callable[[int], World], tmp_path: Path, newer: int, hub: int, older: int, upgraded: bool
) -> None:
    world = school(hub)
    first = world.founded(newer)
    second = world.joined(older)
    write_news(first)
    world.exchange(first, second)
    world.hub.close()
    shutil.copytree(world.home, tmp_path / "copy")
    world.upgrade_hub(hub)
    person = write_news(first)
    world.exchange(first, second)
    with second.writing() as w:
        w.put("pupil", person=person, residence="rural")
    world.exchange(second, first)
    world.hub.close()
    shutil.rmtree(world.home)
    shutil.copytree(tmp_path / "copy", world.home)
    world.upgrade_hub(newer if upgraded else hub)
    note_restored(world.hub)
    # What it takes before it is told again goes behind what comes back.
    with second.writing() as w:
        w.insert("room", name="between")
    for peer in (second, first, second, first):
        exchange_patiently(world, peer)
    if world.hub_version == older:
        assert second.dump(True) == world.dump()
    upgrade_all(world, "by wire", first, second)


def note_restored(hub: Hub) -> None:
    with hub.write() as connection:
        set_state(connection, RESTORED_AT, str(clock.now_ms()).encode())


def exchange_patiently(world: World, peer: Peer) -> None:
    with peer.here() as db:
        session.sync(db, world.transport(), no_derived_rows)


@pytest.mark.parametrize("who", ["machine", "hub", "both"])
@pytest.mark.parametrize("when", ["before the answer", "after the answer"])
def test_an_upgrade_in_the_middle_of_a_sync(school: Callable[[int], World], who: str, when: str) -> None:
    world = school(VERSION)
    first, second = world.founded(NEXT), world.joined(VERSION)
    for _ in range(3):
        write_news(first)
    with second.writing() as w:
        w.insert("room", name="7")
    world.exchange(first)

    def cut_and_upgrade() -> None:
        world.before_answer = world.after_answer = lambda: None
        if who != "machine":
            world.hub.close()
            world.upgrade_hub(NEXT)
        raise HubUnreachable()

    if when == "before the answer":
        world.before_answer = cut_and_upgrade
    else:
        world.after_answer = cut_and_upgrade
    with second.here() as db, pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_TRIES", 1)
        with pytest.raises(HubUnreachable):
            session.sync(db, world.transport(), no_derived_rows)
    if who != "hub":
        second.upgrade(NEXT)
    world.exchange(second, first, second)
    upgrade_all(world, "by wire", first, second)


@pytest.mark.parametrize("who", ["machine", "hub", "both"])
def test_an_upgrade_while_the_stick_is_on_its_way(school: Callable[[int], World], who: str) -> None:
    world = school(VERSION)
    first, second = world.founded(NEXT), world.joined(VERSION)
    write_news(first)
    with second.writing() as w:
        w.insert("room", name="7")
    world.exchange(first)
    request = world.request(second)
    if who != "machine":
        world.upgrade_hub(NEXT)
    answer = world.answer(request)
    if who != "hub":
        second.upgrade(NEXT)
    # What the hub said was of the columns both knew then; it must neither alarm nor promise too much.
    world.take(second, answer)
    world.by_stick(second, first, second)
    upgrade_all(world, "by stick", first, second)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_an_older_machine_used_beside_its_upgraded_original(
    school: Callable[[int], World], way: str
) -> None:
    world = school(VERSION)
    first, second = world.founded(NEXT), world.joined(VERSION)
    person = write_news(first)
    settle(world, way, first, second)
    twin = second.copy()
    with twin.writing() as w:
        w.put("pupil", person=person, residence="rural")
        w.insert("room", name="twin")
    second.upgrade(NEXT)
    with second.writing() as w:
        club = w.insert("club", name="Шахмат")
        w.put("club_pupil", club=club, pupil=person)
    settle(world, way, second, twin, first, second, twin)
    upgrade_all(world, way, first, second, twin)
    assert value(twin, "SELECT count(*) FROM room WHERE name = 'twin'") == 1
    assert value(twin, "SELECT count(*) FROM club WHERE name = 'Шахмат'") == 1


def test_the_hubs_cells_are_counted_anew_after_an_upgrade(school: Callable[[int], World]) -> None:
    world = school(VERSION)
    world.exchange(world.founded(VERSION))
    world.upgrade_hub(VERSION)
    assert cells(world.hub, "pupils") == []
    with world.hub.write() as connection:
        # As an older release, that counted otherwise, might have left them.
        left = json.dumps([[{"sex": "f"}, {"pupils": 9}]]).encode()
        connection.execute(tables.summary.update().values(cells=left))
    assert len(cells(world.hub, "pupils")) == 1
    world.upgrade_hub(VERSION)
    assert len(cells(world.hub, "pupils")) == 1
    world.upgrade_hub(NEXT)
    assert cells(world.hub, "pupils") == []


def test_derived_rows_are_counted_anew_after_an_upgrade(school: Callable[[int], World]) -> None:
    world = school(VERSION)
    first = world.founded(VERSION)
    with first.here() as db:
        State(db).derived_to = 17
    first.upgrade(NEXT)
    with first.here() as db:
        assert State(db).derived_to == 0
        assert session.sync(db, world.transport(), no_derived_rows, progress=Progress()).outcome == "done"
