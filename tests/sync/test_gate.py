"""The consent gate on what arrives: nothing personal shows without a consent on record, and all nodes show the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from hub.storage import Hub
from shared.db import transaction
from shared.problems import ConsentMissing
from shared.schema import BY_NAME, TABLES
from sync import gate
from sync.adopt import adopt_in_node
from sync.log import NodeLog, dump
from sync.merge import resolve
from sync.state import State
from sync.writer import has_consent, writing
from tests.few import a_few, two_again
from tests.few import hub as hub
from tests.properties.machines import copy_of
from tests.stores import ACTOR, a_store


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_store()) as db:
        yield db


def surname(db: Database, person: int) -> str | None:
    found: str | None = db.execute("SELECT surname FROM person WHERE id = ?", (person,)).fetchone()[0]
    return found


def test_a_gated_column_shares_its_merge_unit_with_its_like_alone() -> None:
    """Else a value that is hidden would be replaced by what shows, whenever its neighbour is written."""
    for table in TABLES:
        for columns in table.units.values():
            assert len({c.consent for c in columns}) == 1
        assert all(c.scope == "school" for c in table.consented), "the digest does not know of the gate"


# -- at the node that writes ---------------------------------------------------------------------------------------


def test_a_value_hides_with_its_consent_and_comes_back_with_it(db: Database) -> None:
    with writing(db, ACTOR) as w:
        person = w.insert("person")
        consent = w.insert("consent", person=person, purpose="core")
        w.update("person", person, surname="Асанова")
    log = db.execute("SELECT count(*) FROM change").fetchone()
    with writing(db, ACTOR) as w:
        w.update("consent", consent, withdrawn_on=20_000)
    assert surname(db, person) is None
    assert db.execute("SELECT count(*) FROM change").fetchone() == (log[0] + 1,), "hiding is not a change"
    with writing(db, ACTOR) as w:
        w.insert("consent", person=person, purpose="photo")
    assert surname(db, person) is None
    with writing(db, ACTOR) as w:
        w.insert("consent", person=person, purpose="core")
    assert surname(db, person) == "Асанова"


def test_a_consent_that_moves_to_another_person_takes_its_force_along(db: Database) -> None:
    with writing(db, ACTOR) as w:
        one, two = w.insert("person"), w.insert("person")
        consent = w.insert("consent", person=one, purpose="core")
        w.update("person", one, surname="Асанова")
    with writing(db, ACTOR) as w:
        w.update("consent", consent, person=two)
        w.update("person", two, surname="Осмонова")
    assert (surname(db, one), surname(db, two)) == (None, "Осмонова")


def test_dates_govern_use_and_not_what_is_kept(db: Database) -> None:
    with writing(db, ACTOR) as w:
        person = w.insert("person")
        consent = w.insert("consent", person=person, purpose="core")
        w.update("person", person, surname="Асанова")
    with writing(db, ACTOR) as w:
        w.update("consent", consent, valid_to=1)
    assert not has_consent(db, person, "core", 20_000)
    assert surname(db, person) == "Асанова"
    with pytest.raises(ConsentMissing), writing(db, ACTOR) as w:
        w.update("person", person, surname="Осмонова")


def test_an_upgrade_hides_what_an_older_release_let_in(db: Database) -> None:
    with writing(db, ACTOR) as w:
        person = w.insert("person")
        consent = w.insert("consent", person=person, purpose="core")
        w.update("person", person, surname="Асанова")
        w.update("consent", consent, withdrawn_on=1)
    with transaction(db):
        NodeLog(db).apply_mode()
        db.execute("UPDATE person SET surname = 'Асанова'")
        NodeLog(db).capture_mode()
        State(db).shows = 1
    adopt_in_node(db)
    assert surname(db, person) is None


# -- between nodes, in any order -----------------------------------------------------------------------------------

KINDS = st.sampled_from(
    ["name", "name", "photo", "social", "consent", "consent", "withdraw", "retire", "sync", "sync", "restore"]
)
STEPS = st.lists(st.tuples(st.integers(0, 1), KINDS, st.integers(0, 1), st.integers(0, 2)), max_size=14)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_every_node_shows_the_same_and_nothing_without_a_consent(
    steps: list[tuple[int, str, int, int]],
) -> None:
    world, second = two_again()
    nodes = [world.first, second]
    people = [p for (p,) in nodes[0].execute("SELECT person FROM pupil ORDER BY person")]
    old = copy_of(nodes[1])
    for at, kind, who, value in steps:
        if kind == "restore" and at == 1:
            nodes[1] = copy_of(old)
        elif kind == "sync":
            world.exchange(nodes[at])
        else:
            write(nodes[at], kind, people[who], value)
        if value == 0:
            old = copy_of(nodes[1])
    for _ in range(4):
        for node in nodes:
            world.exchange(node)
    nodes.append(world.joined())
    dumps = [list(dump(node, False)) for node in nodes]
    assert dumps[0] == dumps[1] == dumps[2]
    for node in nodes:
        conflicts = node.execute("SELECT tbl, key, unit FROM conflict ORDER BY 1, 2, 3").fetchall()
        assert (
            conflicts == nodes[0].execute("SELECT tbl, key, unit FROM conflict ORDER BY 1, 2, 3").fetchall()
        )
        for person in people:
            judge(node, person)
    # The consents come after all: what was written shows as if it had never been hidden.
    for person in people:
        for purpose in ("core", "photo", "social"):
            with writing(nodes[0], 0) as w:
                w.insert("consent", person=person, purpose=purpose)
    for node in nodes:
        world.exchange(node)
    for person in people:
        assert all(shown(node, person) == from_log(node, person) for node in nodes)
    dumps = [list(dump(node, False)) for node in nodes]
    assert dumps[0] == dumps[1] == dumps[2]


def write(db: Database, kind: str, person: int, value: int) -> None:
    """One write; values are written as a node would that does not hold its writers to the gate."""
    with mock.patch("sync.writer.missing_consent", lambda *_: ""), writing(db, 0) as w:
        consents = [c for (c,) in db.execute("SELECT id FROM consent WHERE person = ?", (person,))]
        if kind == "name":
            w.update("person", person, surname=("Асанова", "Осмонова", None)[value])
        elif kind == "photo":
            w.update("person", person, photo=bytes([value]))
        elif kind == "social":
            w.put("pupil", person=person, categories=("orphan", "large", "")[value])
        elif kind == "consent":
            w.insert("consent", person=person, purpose=("core", "photo", "social")[value])
        elif kind == "withdraw" and consents:
            w.update("consent", consents[value % len(consents)], withdrawn_on=(1, 20_000, None)[value])
        elif kind == "retire" and consents:
            w.retire("consent", consents[value % len(consents)])


def shown(db: Database, person: int) -> list[object]:
    return list(
        db.execute(
            "SELECT p.surname, p.photo, q.categories FROM person p JOIN pupil q ON q.person = p.id WHERE p.id = ?",
            (person,),
        ).fetchone()
    )


def from_log(db: Database, person: int) -> list[object]:
    """What the log says, whatever may show."""
    log = NodeLog(db)
    found: list[object] = []
    for name, column in (("person", "surname"), ("person", "photo"), ("pupil", "categories")):
        table = BY_NAME[name]
        entries = log.history(table, (person,))
        found.append(resolve(table, entries, log.lineage()).values.get(table.by_name[column].number))
    return found


def judge(db: Database, person: int) -> None:
    standing = gate.on_record(db, [person]).get(person, set())
    for purpose, value, written in zip(
        ("core", "photo", "social"), shown(db, person), from_log(db, person), strict=True
    ):
        needed = {purpose, "core"} if purpose == "photo" else {purpose}
        assert value == (written if needed <= standing else None), (purpose, standing)


def test_a_consent_that_arrives_after_the_name(hub: Hub, tmp_path: Path) -> None:
    world = a_few(hub)
    first, second = world.first, world.joined()
    person = first.execute("SELECT person FROM pupil").fetchone()[0]
    write(first, "name", person, 0)
    world.exchange(first)
    world.exchange(second)
    assert surname(second, person) is None
    write(first, "consent", person, 0)
    world.exchange(first)
    world.exchange(second)
    assert surname(second, person) == surname(first, person) == "Асанова"
