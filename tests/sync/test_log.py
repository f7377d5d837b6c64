"""A node's log: cutting, and that rows, conflicts and digest always say what the histories say, whoever wrote what."""

from __future__ import annotations

from contextlib import closing
from random import Random

import pytest
from sqlite_utils import Database

from shared import crypto
from shared.db import transaction
from shared.schema import BY_NAME, TABLES, VERSION, Value
from shared.tables import quoted
from sync import clock, fork
from sync.apply import Delivered, Key, apply
from sync.capture import encode_values
from sync.change import NO_HASH
from sync.checks import digest_of_rows
from sync.codec import MAX_CHANGESET, Envelope, all_changes, open_envelope
from sync.log import NodeLog, dump
from sync.merge import NOWHERE, resolve
from sync.state import Identity, State
from sync.writer import writing
from tests.properties.machines import copy_of
from tests.stores import ACTOR, ORIGIN, a_store, last_change

SCHOOL = 5
KEY = bytes(32)


def identity() -> Identity:
    return Identity(crypto.SigningKey.generate(), crypto.OpeningKey.generate(), 1, KEY)


KEYS = identity()


def a_school_store(origin: int = ORIGIN) -> Database:
    db = a_store(origin=origin)
    State(db).school = SCHOOL
    State(db).incarnation = bytes(16)
    return db


EMPTY = a_school_store()


def cut(db: Database) -> int:
    with transaction(db):
        return NodeLog(db).cut(KEYS)


def envelopes(db: Database) -> list[Envelope]:
    return list(NodeLog(db).unreceipted())


def some_rows(db: Database, count: int) -> None:
    random = Random(1)
    with writing(db, ACTOR) as w:
        for _ in range(count):
            person = w.insert("person", sex=random.choice("fm"), birth_year=random.randrange(1990, 2020))
            w.put("pupil", person=person, language="ky", source=f"register {random.getrandbits(256):x}")


# -- cutting -----------------------------------------------------------------------------------------------------


def test_cutting_nothing_makes_nothing() -> None:
    with closing(copy_of(EMPTY)) as db:
        assert (cut(db), envelopes(db)) == (0, [])


def test_what_is_cut_is_what_was_logged() -> None:
    with closing(copy_of(EMPTY)) as db:
        some_rows(db, 20)
        with writing(db, ACTOR + 1) as w:
            group = w.insert("class_group", grade=7)
            sub = w.insert("subject_group", class_group=group, name="А")
            w.put("lesson", subject_group=sub, day=100, period=1, topic="Бөлчөктөр")
            w.put("lesson", subject_group=sub, day=100, period=1, topic="Бөлчөктөр 2", attendance_taken=1)
        assert cut(db) == 44
        (envelope,) = envelopes(db)
        log = NodeLog(db)
        written = db.execute("SELECT clock, actor, tbl, vals FROM change ORDER BY n").fetchall()
        changes = all_changes(envelope, KEY)
        assert [(c.clock, c.actor, c.table, encode_values(c.values)) for c in changes] == written
        assert [c.number for c in changes] == list(range(1, 45))
        assert [c.key for c in changes][-1] == (sub, 100, 1)
        assert (log.uncut(), log.last_cut(), log.waiting(), cut(db)) == (0, 44, 44, 0)


def test_changesets_follow_one_another_and_are_small() -> None:
    with closing(copy_of(EMPTY)) as db:
        some_rows(db, 3_000)
        assert cut(db) == 6_000
        some_rows(db, 5)
        assert cut(db) == 10
        cuts = envelopes(db)
        assert len(cuts) > 2
        last, previous = 0, NO_HASH
        for n, envelope in enumerate(cuts):
            header = envelope.header
            assert (header.first, header.previous) == (last + 1, previous)
            assert (header.school, header.origin, header.version) == (SCHOOL, ORIGIN, VERSION)
            assert (header.node == KEYS.signer.public) == (n == 0), "the first names its node"
            assert len(envelope.data) <= MAX_CHANGESET
            envelope.verify(KEYS.signer.public)
            last, previous = header.last, envelope.hash
        assert last == 6_010 == State(db).own_last
        assert State(db).own_head == previous


def test_what_was_cut_is_never_cut_anew() -> None:
    with closing(copy_of(EMPTY)) as db:
        some_rows(db, 5)
        cut(db)
        before = [e.data for e in envelopes(db)]
        some_rows(db, 5)
        cut(db)
        assert [e.data for e in envelopes(db)][:1] == before


def test_a_change_has_its_number_before_it_is_cut() -> None:
    """Histories read in between must not differ."""
    with closing(copy_of(EMPTY)) as db:
        for cuts in (True, False):
            some_rows(db, 3)
            if cuts:
                cut(db)
        (person,) = (p for (p,) in db.execute("SELECT max(id) FROM person"))
        before = NodeLog(db).history(BY_NAME["person"], (person,))
        assert [(e.origin, e.number, e.position) for e in before] == [(ORIGIN, 11, NOWHERE)]
        cut(db)
        assert NodeLog(db).history(BY_NAME["person"], (person,)) == before


def test_a_shipped_row_has_a_history_before_anyone_changed_it() -> None:
    with closing(copy_of(EMPTY)) as db:
        subject = BY_NAME["subject"]
        row = next(iter(db.query("SELECT * FROM subject ORDER BY id LIMIT 1")))
        log = NodeLog(db)
        shown = resolve(subject, log.history(subject, (row["id"],)), log.lineage()).values
        assert {c.name: shown.get(c.number, c.default) for c in subject.columns} == {
            c.name: row[c.name] for c in subject.columns
        }


# -- machines that write apart and exchange ------------------------------------------------------------------------


class School:
    """Machines of one school and the stream through which they exchange, as the hub keeps it."""

    def __init__(self) -> None:
        self.machines: list[Database] = []
        self.stream: list[Envelope] = []
        with closing(copy_of(EMPTY)) as first:
            with writing(first, ACTOR) as w:
                self.persons = [w.insert("person", sex="f") for _ in range(2)]
                self.group = w.insert("subject_group", class_group=w.insert("class_group", grade=7))
                self.term = first.execute("SELECT min(id) FROM term").fetchone()[0]
                for person in self.persons:
                    w.insert("consent", person=person, purpose="core")
                    w.put("pupil", person=person)
            cut(first)
            for origin in (0, 21, 22):
                machine = copy_of(first)
                if origin:
                    self.rename(machine, origin)
                self.machines.append(machine)
        for machine in self.machines:
            self.exchange(machine)

    def rename(self, db: Database, name: int) -> None:
        """The copy of a machine writes on under a name of its own."""
        with transaction(db):
            state = State(db)
            continues = (int(state.origin), int(state.own_last))
            fork.begin_incarnation(db, KEYS.signer.public, continues, bytes([name]) * 16)

    def exchange(self, db: Database) -> None:
        with transaction(db):
            log, state = NodeLog(db), State(db)
            log.cut(KEYS)
            known = {e.hash for e in self.stream}
            self.stream += [e for e in log.unreceipted() if e.hash not in known]
            own = {e.hash for e in log.unreceipted()}
            delivered = []
            for position, envelope in enumerate(self.stream, 1):
                if envelope.hash in own:
                    db.execute("UPDATE changeset SET position = ? WHERE hash = ?", (position, envelope.hash))
                elif position > state.position:
                    header = envelope.header
                    if header.first == 1:
                        fork.add_origin(db, header.origin, SCHOOL, KEYS.signer.public, header.continues)
                    delivered.append(Delivered(envelope, position, all_changes(envelope, KEY)))
            log.apply_mode()
            apply(log, delivered, log.lineage())
            log.capture_mode()
            state.position = len(self.stream)

    def replace_by_copy(self, at: int, copy: Database, name: int) -> None:
        self.machines[at].close()
        self.machines[at] = copy_of(copy)
        self.rename(self.machines[at], name)


def write(school: School, db: Database, random: Random) -> None:
    with writing(db, ACTOR) as w:
        pupil = random.choice(school.persons)
        value = random.choice((2, 3, 4, 5, None))
        act = random.randrange(8)
        if act == 0:
            w.update("person", pupil, birth_year=random.randrange(2000, 2004))
        elif act == 1:
            w.put("pupil", person=pupil, language=random.choice(("ky", "ru", None)))
        elif act == 2:
            w.retire("pupil", pupil)
        elif act == 3:
            status = random.choice(("assessed", "na"))
            row = {"subject_group": school.group, "pupil": pupil, "term": school.term}
            w.put(
                "term_result",
                **row,
                value=value,
                band=value,
                status=status,
                missed=random.choice((None, 0, 4)),
            )
        elif act == 4:
            row = {"subject_group": school.group, "day": random.randrange(3), "period": 1}
            w.put("mark", **row, pupil=pupil, slot=0, value=value, comment=random.choice((None, "жакшы")))
        elif act == 5:
            w.insert("enrolment", pupil=pupil, start=random.choice((None, 1)))
        elif act == 6:
            rows = [r for (r,) in db.execute("SELECT id FROM enrolment")]
            if rows:
                w.update("enrolment", random.choice(rows), end=random.choice((None, 9)), retired_at=value)
        else:
            w.update("person", pupil, surname=random.choice(("Осмонова", "Асанова", None)))


def erase(db: Database, person: int, *columns: int) -> None:
    """Blank columns of a person, in a change that blanks older values wherever they arrive."""
    table = BY_NAME["person"]
    with transaction(db):
        stamp = clock.tick(db.execute("SELECT clock FROM writing").fetchone()[0], clock.now_ms())
        NodeLog(db).apply_mode()
        db.execute("UPDATE writing SET clock = ?", (stamp,))
        for number in columns:
            db.execute(f"UPDATE person SET {table.by_number[number].name} = NULL WHERE id = ?", (person,))
        vals: dict[int, Value] = dict.fromkeys(columns)
        db.execute(
            "INSERT INTO change (clock, actor, tbl, key, vals) VALUES (?, ?, ?, ?, ?)",
            (stamp, ACTOR, table.number, person, encode_values(vals, erase=True)),
        )
        NodeLog(db).capture_mode()


def require_truth(db: Database) -> None:
    """Every row shows, every conflict is, and the digest sums up what the histories say."""
    log = NodeLog(db)
    lineage = log.lineage()
    conflicts = set()
    touched = {number for (number,) in db.execute("SELECT DISTINCT tbl FROM change")}
    for table in (t for t in TABLES if t.number in touched):
        key = ", ".join(map(quoted, table.key))
        keys: list[Key] = db.execute(f"SELECT {key} FROM {quoted(table.name)}").fetchall()
        histories = log.histories(table.number, keys)
        columns = ", ".join(quoted(c.name) for c in table.columns)
        for row in db.execute(
            f"SELECT {key}, {table.row_id}, {columns} FROM {quoted(table.name)}"
        ).fetchall():
            width = len(table.key)
            place, rid, values = row[:width], row[width], row[width + 1 :]
            shown = resolve(table, histories[place], lineage)
            assert values == tuple(shown.values.get(c.number, c.default) for c in table.columns), (
                table.name,
                place,
            )
            conflicts |= {(table.number, rid, unit) for unit in shown.conflicts}
    if not log.uncut():
        assert {*db.execute("SELECT tbl, key, unit FROM conflict")} == conflicts
        assert nonzero(log) == {place: total for place, total in digest_of_rows(db).items() if total}


def nonzero(log: NodeLog) -> dict[tuple[int, int], int]:
    return {place: total for place, total in log.sums().items() if total}


ACTS = ("write",) * 6 + ("exchange",) * 3 + ("cut", "copy", "lose", "erase")


@pytest.mark.parametrize("seed", range(10))
def test_whoever_writes_what_all_come_to_hold_the_same(seed: int) -> None:
    random = Random(seed)
    school = School()
    copies: dict[int, Database] = {}
    for n in range(90):
        at, act = random.randrange(3), random.choice(ACTS)
        db = school.machines[at]
        if act == "write":
            write(school, db, random)
        elif act == "exchange":
            school.exchange(db)
        elif act == "erase":
            erase(db, random.choice(school.persons), *random.sample((3, 4), random.choice((1, 2))))
        elif act == "lose" and at in copies:
            school.replace_by_copy(at, copies[at], 30 + n)
        else:
            cut(db)
            if act == "copy":
                copies[at] = copy_of(db)
        require_truth(school.machines[at])
    for db in (*school.machines, *school.machines):
        school.exchange(db)
    first = school.machines[0]
    for db in school.machines:
        require_truth(db)
        assert list(dump(db, False)) == list(dump(first, False))
        assert nonzero(NodeLog(db)) == nonzero(NodeLog(first))


def test_a_conflict_ends_when_someone_who_sees_it_decides() -> None:
    school = School()
    one, two, three = school.machines
    person = school.persons[0]
    for db, year in ((one, 2001), (two, 2002)):
        with writing(db, ACTOR) as w:
            w.update("person", person, birth_year=year)
    for db in (one, two, one, three):
        school.exchange(db)
    for db in school.machines:
        assert db.execute("SELECT tbl, key, unit FROM conflict").fetchall() == [(20, person, "birth_year")]
        assert db.execute("SELECT birth_year FROM person WHERE id = ?", (person,)).fetchone() == (2002,)
    with writing(three, ACTOR) as w:
        w.update("person", person, birth_year=2001)
    for db in (three, one, two):
        school.exchange(db)
        assert db.execute("SELECT count(*) FROM conflict").fetchone() == (0,)
        assert db.execute("SELECT birth_year FROM person WHERE id = ?", (person,)).fetchone() == (2001,)
        require_truth(db)


def test_an_erased_value_does_not_come_back_from_who_had_not_heard() -> None:
    school = School()
    one, two, _ = school.machines
    person = school.persons[0]
    with writing(one, ACTOR) as w:
        w.update("person", person, surname="Осмонова")
    school.exchange(one)
    school.exchange(two)
    erase(one, person, 4)
    with writing(two, ACTOR) as w:
        w.update("person", person, surname="Осмонова-Асанова")
    for db in (one, two, one):
        school.exchange(db)
    for db in (one, two):
        assert db.execute("SELECT surname FROM person WHERE id = ?", (person,)).fetchone() == (None,)
        require_truth(db)
    with writing(two, ACTOR) as w:
        w.update("person", person, surname="Асанова")
    school.exchange(two)
    school.exchange(one)
    assert one.execute("SELECT surname FROM person WHERE id = ?", (person,)).fetchone() == ("Асанова",)


def test_a_clock_far_ahead_is_shown_but_not_followed() -> None:
    school = School()
    one, two, _ = school.machines
    far = clock.stamp_of(clock.now_ms() + 365 * 86_400_000)
    one.execute("UPDATE writing SET clock = ?", (far,))
    with writing(one, ACTOR) as w:
        w.update("person", school.persons[0], birth_year=2001)
    school.exchange(one)
    school.exchange(two)
    assert two.execute("SELECT max(clock) FROM change").fetchone()[0] > far
    assert two.execute("SELECT clock FROM writing").fetchone()[0] < far
    with writing(two, ACTOR) as w:
        w.update("person", school.persons[0], birth_year=2002)
    school.exchange(two)
    school.exchange(one)
    assert one.execute("SELECT birth_year FROM person WHERE id = ?", (school.persons[0],)).fetchone() == (
        2002,
    )


@pytest.mark.parametrize("district_only", [True, False])
def test_a_dump_is_one_line_a_row_in_order(district_only: bool) -> None:
    with closing(copy_of(EMPTY)) as db:
        some_rows(db, 3)
        lines = list(dump(db, district_only))
        assert len([line for line in lines if line.startswith('["pupil"')]) == 3
        assert any("register " in line for line in lines) is not district_only
        assert any(line.startswith('["subject"') for line in lines) is not district_only
        assert last_change(db) == 6


def test_an_envelope_kept_is_the_envelope_sent() -> None:
    with closing(copy_of(EMPTY)) as db:
        some_rows(db, 3)
        cut(db)
        (data,) = db.execute("SELECT envelope FROM changeset").fetchone()
        assert open_envelope(data) == envelopes(db)[0]
