"""What the processes do: serve a hub, write as teachers do, sync, carry a stick; and what they were promised.

Promises stand in side files, one JSON object a line, handed to the operating system before the process goes on, so that
they survive it: ``intent`` before a write, ``kept`` once its commit has returned, ``done`` once a sync said so.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from waitress import create_server

from hub import create_app, schools, sticks
from hub.__main__ import main as hub_command
from hub.storage import create_hub, open_hub
from node import storage
from node.__main__ import main as node_command
from node.exchange import actions as exchange
from node.storage import Node, open_node
from shared import crypto
from shared.db import reading
from shared.problems import DatabaseBusy, HubUnreachable, Problem, SyncRunning
from shared.schema import VERSION, Value
from sync import digest
from sync.log import NodeLog
from sync.state import State
from sync.transport.http import HttpTransport
from sync.writer import Writer, writing

CHEAP = crypto.Cost(2**4)
SILENCE_SECONDS = 20.0
ROWS_AT_ONCE = 20
Note = Callable[..., None]


def notes(path: Path) -> Note:
    """A function that appends one line to a side file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(**line: Any) -> None:
        os.write(descriptor, json.dumps(line).encode() + b"\n")

    return note


# -- the hub -----------------------------------------------------------------------------------------------------


def serve_hub(home: Path, address: Path) -> None:
    """``mektep-hub serve`` on any port; the address stands in a file once it listens."""
    logging.basicConfig(level=logging.INFO)
    server = create_server(create_app(open_hub(home)), host="127.0.0.1", port=0, threads=4)
    unfinished = address.with_suffix(".new")
    unfinished.write_text(f"http://127.0.0.1:{server.effective_port}")
    unfinished.replace(address)
    server.run()


def write_reference_rows(home: Path, side: Path, seed: int) -> None:
    """The district's clerk: adds subjects, one transaction after another."""
    note, chance = notes(side), random.Random(seed)
    hub = open_hub(home)
    while True:
        row = schools.next_id(hub, "subject")
        code = f"s{chance.randrange(10**9)}"
        schools.write_reference(hub, [("subject", {"id": row, "code": code, "name_ky": code})])
        note(kept="subject", id=row, code=code)
        time.sleep(chance.uniform(0, 0.02))


def make_hub(home: Path, database: str | None) -> None:
    create_hub(home, login="district", password="secret", passphrase="open", cost=CHEAP, database=database)


def answer_stick(home: Path, folder: Path) -> None:
    """``mektep-hub bundle import``."""
    _, flawed = sticks.import_bundles(open_hub(home), folder)
    assert not flawed, flawed


# -- writing -----------------------------------------------------------------------------------------------------


class Teacher:
    """Writes rows of its own, and rows that every teacher of the school writes too."""

    def __init__(self, db: Database, actor: int, note: Note, seed: int) -> None:
        self.db = db
        self.actor = actor
        self.note = note
        self.chance = random.Random(seed)
        self.people: list[int] = []

    def add_person(self) -> None:
        values: dict[str, Value] = {"sex": self.chance.choice("fm"), "birth_year": self.year()}
        name = f"Бермет {self.chance.randrange(10**9)}"
        with writing(self.db, self.actor) as w:
            person = w.insert("person", **values)
            w.insert("consent", person=person, purpose="core", valid_from=0)
            w.update("person", person, surname=name)
            w.put("pupil", person=person, language="ky")
        self.note(kept="row", table="person", id=person, values={**values, "surname": name})
        self.people.append(person)

    def correct_person(self) -> None:
        if not self.people:
            return
        person = self.chance.choice(self.people)
        values: dict[str, Value] = {
            "birth_year": self.year(),
            "surname": f"Осмон {self.chance.randrange(10**9)}",
        }
        self.note(intent="row", table="person", id=person, values=values)
        with writing(self.db, self.actor) as w:
            w.update("person", person, **values)
        self.note(kept="row", table="person", id=person, values=values)

    def retire_person(self) -> None:
        if len(self.people) < 4:
            return
        person = self.people.pop()
        with writing(self.db, self.actor) as w:
            w.retire("person", person)
        self.note(kept="retired", table="person", id=person)

    def add_rooms(self) -> None:
        """Many rows in one transaction: all or none."""
        name = f"{self.chance.randrange(10**12)}"
        self.note(intent="rooms", name=name)
        with writing(self.db, self.actor) as w:
            for seats in range(ROWS_AT_ONCE):
                w.insert("room", name=name, seats=seats)
        self.note(kept="rooms", name=name)

    def give_result(self) -> None:
        """A cell that everyone writes; whatever shows in the end, each value stays in the log."""
        group, pupil, term = shared_result(self.db)
        value = self.chance.randrange(10**12)
        with writing(self.db, self.actor) as w:
            w.put("term_result", subject_group=group, pupil=pupil, term=term, value=value, band=5)
        self.note(kept="result", value=value)

    def year(self) -> int:
        return self.chance.randint(2010, 2020)


def write_rows(home: Path, side: Path, seed: int, count: int | None) -> None:
    """Write ``count`` times, or until killed."""
    node = open_node(home)
    with closing(node.connect()) as db:
        actor = db.execute("SELECT min(id) FROM account").fetchone()[0]
        teacher = Teacher(db, actor, notes(side), seed)
        acts = [
            teacher.add_person,
            teacher.add_person,
            teacher.correct_person,
            teacher.correct_person,
            teacher.retire_person,
            teacher.add_rooms,
            teacher.give_result,
        ]
        for _ in itertools.repeat(None) if count is None else range(count):
            teacher.chance.choice(acts)()
            if count is None and teacher.chance.random() < 0.1:
                time.sleep(teacher.chance.uniform(0, 0.15))


def found_class(w: Writer) -> None:
    """The class whose result every teacher writes."""
    group = w.insert("class_group", grade=7, letter="А")
    person = w.insert("person", sex="f", birth_year=2012)
    w.put("pupil", person=person, language="ky")
    w.insert("enrolment", pupil=person, class_group=group, start=0)
    w.insert("subject_group", class_group=group)


def shared_result(db: Database) -> tuple[int, int, int]:
    """The key of the result that every teacher of the school writes."""
    group = db.execute("SELECT min(id) FROM subject_group").fetchone()[0]
    pupil = db.execute("SELECT min(pupil) FROM enrolment").fetchone()[0]
    term = db.execute("SELECT min(id) FROM term").fetchone()[0]
    return group, pupil, term


# -- syncing -----------------------------------------------------------------------------------------------------


def sync_by_wire(home: Path, address: Path, side: Path, until_done: bool) -> None:
    """Sync again and again, or until it is done once; whatever ends a sync is noted."""
    note = notes(side)
    node = open_node(home)
    while True:
        try:
            outcome = exchange.run_sync(
                node, "hand", HttpTransport(address.read_text(), SILENCE_SECONDS)
            ).outcome
        except (HubUnreachable, SyncRunning, DatabaseBusy, FileNotFoundError):
            time.sleep(0.01)
            continue
        except Problem as problem:
            note(problem=problem.code, details=repr(problem.details))
            raise
        assert outcome == "done", outcome
        note_done(node, note)
        if until_done:
            return


def note_done(node: Node, note: Note) -> None:
    """What the node held when its sync said 'done'; nothing is cut or applied but by the next sync."""
    with closing(node.connect()) as db, reading(db):
        state = State(db)
        note(
            done=int(state.position),
            reference=int(state.reference_position),
            digest=digest.total(NodeLog(db).sums(), VERSION).hex(),
        )


def export_stick(home: Path, folder: Path) -> None:
    """``mektep-node bundle export``."""
    exchange.export_bundle(open_node(home), folder)


def take_stick(home: Path, folder: Path, side: Path) -> None:
    """``mektep-node bundle import``; notes whether both sides then hold the same."""
    node = open_node(home)
    before = _last_done(node)
    exchange.import_bundles(node, folder)
    if _last_done(node) != before:
        note_done(node, notes(side))


def sync_once(home: Path, url: str) -> None:
    """``mektep-node sync``."""
    exchange.run_sync(open_node(home), "hand", HttpTransport(url, SILENCE_SECONDS))


def _last_done(node: Node) -> int:
    with closing(node.connect()) as db:
        return int(State(db).last_done)


# -- homes -------------------------------------------------------------------------------------------------------


def make_node(home: Path) -> None:
    """``mektep-node init``, with the words of the kit in a file beside the home."""
    storage.create_node(
        home,
        school_name="School 8",
        login="admin",
        password="secret",
        passphrase="open",
        cost=CHEAP,
        hand_over=lambda kit: kit_words(home).write_text(kit.words),
    )


def kit_words(home: Path) -> Path:
    return home.with_suffix(".kit")


def back_up(home: Path, target: Path) -> None:
    storage.backup(open_node(home), target)


def restore(home: Path, source: Path) -> None:
    storage.restore(home, source, passphrase="open", machine_slot=True)


def register(home: Path, url: str, code: str) -> None:
    """``mektep-node register``."""
    exchange.register(open_node(home), url, code)


def command(
    program: str, arguments: tuple[str, ...], environment: dict[str, str], out: Path, fails: bool
) -> None:
    """A command line of ``hub`` or ``node``, its result in a file, all its loggers at their most talkative."""
    os.environ.update(environment)
    main = {"hub": hub_command, "node": node_command}[program]
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
    with out.open("w") as sys.stdout:
        code = main(list(arguments))
    assert code == (1 if fails else 0), out.read_text()
