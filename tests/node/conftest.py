"""A generated school with people of every duty, made once for all tests of its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlite_utils import Database

from node import create_app
from node.generator import generate
from node.storage import Node, create_node
from shared import crypto
from shared.dates import date_of, parse_day
from sync.state import State
from sync.writer import writing

CHEAP = crypto.Cost(2)
PASSWORD = "four horses ran"
YEAR = 2025
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Client:
    """A browser of one person."""

    http: FlaskClient
    token: str = ""

    def get(self, path: str, language: str = "", **headers: str) -> tuple[int, str]:
        """Status and text of a page."""
        if language:
            self.http.set_cookie("mektep_language", language)
        answer = self.http.get(path, headers=headers)
        text = answer.get_data().decode(errors="replace")
        if found := TOKEN.search(text):
            self.token = found[1]
        return answer.status_code, text

    def post(self, path: str, **form: str) -> tuple[int, str]:
        """Status, and where it leads or what it says."""
        answer = self.http.post(path, data={"form_token": self.token, **form})
        return answer.status_code, answer.headers.get("Location") or answer.get_data(as_text=True)


@dataclass
class SchoolPages:
    """The app over a generated school, and its people by duty."""

    node: Node
    app: Flask
    logins: dict[str, str]
    clients: dict[str, Client] = field(default_factory=dict)

    def stranger(self) -> Client:
        return Client(self.app.test_client())

    def sign_in(self, login: str, password: str = PASSWORD) -> Client:
        client = self.stranger()
        client.get("/sign-in")
        status, there = client.post("/sign-in", login=login, password=password, next="/")
        assert (status, there) == (302, "/")
        client.get("/")
        return client

    def as_(self, duty: str) -> Client:
        """The browser of someone with this duty, signed in."""
        if duty not in self.clients:
            self.clients[duty] = self.sign_in(self.logins[duty])
        return self.clients[duty]

    def person(self, duty: str) -> int:
        """The person who bears the duty here."""
        return int(self.one("SELECT person FROM account WHERE login = ?", self.logins[duty]))

    def one(self, sql: str, *values: object) -> int:
        """The single value a query finds."""
        found: int = self._looking.execute(sql, values).fetchone()[0]
        return found

    @cached_property
    def _looking(self) -> Database:
        """The connection to look with: opening one for every look takes a hundred times as long as the look."""
        return self.node.connect()

    @cached_property
    def led(self) -> int:
        """The class of the class teacher."""
        return self.one("SELECT id FROM class_group WHERE teacher = ?", self.person("class_teacher"))

    @cached_property
    def taught(self) -> int:
        """A class in which the subject teacher teaches."""
        return self.one("SELECT class_group FROM subject_group WHERE teacher = ?", self.person("teacher"))

    @cached_property
    def named_pupil(self) -> int:
        """A pupil of that class with a name."""
        return self.pupil_of(self.taught)

    def pupil_of(self, class_id: int, named: bool = True) -> int:
        return self.one(
            f"""SELECT e.pupil FROM enrolment e JOIN person p ON p.id = e.pupil
                WHERE e.class_group = ? AND p.surname IS {"NOT" if named else ""} NULL AND e."end" IS NULL
                AND e.retired_at IS NULL LIMIT 1""",
            class_id,
        )

    def lesson_of(self, class_id: int, taught_by: int = 0) -> tuple[int, str, int]:
        """Subject group, date and period of a lesson in a class; of one teacher, if any is named."""
        row = self._looking.execute(
            """SELECT l.subject_group, l.day, l.period FROM lesson l
               JOIN subject_group sg ON sg.id = l.subject_group
               WHERE sg.class_group = ?1 AND ?2 IN (0, sg.teacher) ORDER BY l.day DESC LIMIT 1""",
            (class_id, taught_by),
        ).fetchone()
        return row[0], date_of(row[1]).isoformat(), row[2]

    def member_of(self, group: int) -> int:
        """A pupil of a subject group who is still there."""
        return self.one(
            """SELECT pupil FROM subject_group_pupil WHERE subject_group = ? AND "end" IS NULL
               AND retired_at IS NULL ORDER BY start LIMIT 1""",
            group,
        )


def more_people(db: Database, actor: int, stored: str) -> None:
    """Accounts of an administrator, a guardian and a pupil, all with the common password."""
    guardian, pupil = db.execute(
        """SELECT g.person, g.pupil FROM guardian g JOIN person p ON p.id = g.pupil JOIN person q ON q.id = g.person
           WHERE p.surname IS NOT NULL AND q.surname IS NOT NULL ORDER BY g.rid LIMIT 1"""
    ).fetchone()
    with writing(db, actor) as w:
        w.update("account", actor, password=stored)
        w.insert("account", person=guardian, login="guardian", password=stored, language="ky")
        w.insert("account", person=pupil, login="pupil", password=stored, language="ky")


@dataclass(frozen=True)
class Written:
    """A school that was written once, for many modules want one of their own: its files, its key, its logins."""

    files: dict[str, bytes]
    key: bytes
    logins: dict[str, str]

    def again(self, folder: Path) -> SchoolPages:
        """The same school in another folder."""
        home = folder / "node"
        home.mkdir(mode=0o700)
        for name, content in self.files.items():
            (home / name).write_bytes(content)
        node = Node(home, self.key)
        return SchoolPages(node, create_app(node), dict(self.logins))


def write_school(seed: int, pupils: int, until: int, more: bool = False) -> Written:
    """Generate a school up to a day; with ``more`` an administrator, a guardian and a pupil sign in, too."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "node"
        node, _ = create_node(
            home, school_name="№8 мектеп", login="admin", password="x", passphrase="open", cost=CHEAP
        )
        stored = crypto.hash_password(PASSWORD, CHEAP)
        with closing(node.connect()) as db:
            actor = int(State(db).administrator)
            made = generate(db, actor, seed=seed, pupils=pupils, password_hash=stored, year=YEAR, until=until)
            logins = made.logins
            if more:
                more_people(db, actor, stored)
                logins = logins | {"administrator": "admin", "guardian": "guardian", "pupil": "pupil"}
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Written({path.name: path.read_bytes() for path in home.iterdir()}, node.key, logins)


@cache
def autumn() -> Written:
    """The school of all tests as it was written; `again` makes one of a module's own of it."""
    return write_school(seed=8, pupils=130, until=parse_day("2025-11-20"), more=True)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    """One school for all tests; they read it, or write what no other test looks at."""
    return autumn().again(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def empty_node(tmp_path: Path) -> Node:
    """A school in which nothing has been entered but its administrator."""
    node, _ = create_node(
        tmp_path / "node",
        school_name="Жаңы мектеп",
        login="admin",
        password="secret",
        passphrase="open",
        cost=CHEAP,
    )
    with closing(node.connect()) as db:
        actor = int(State(db).administrator)
        with writing(db, actor) as w:
            w.update("account", actor, password=crypto.hash_password(PASSWORD, CHEAP))
            person = db.execute("SELECT person FROM account").fetchone()[0]
            w.insert("appointment", person=person, duty="head", start=0)
    return node


@pytest.fixture
def empty_school(empty_node: Node) -> SchoolPages:
    """Its pages; to compile their routes takes longer than most tests that need none."""
    return SchoolPages(empty_node, create_app(empty_node), {"head": "admin", "administrator": "admin"})


@pytest.fixture
def db(empty_node: Node) -> Iterator[Database]:
    """The database of such a school."""
    with closing(empty_node.connect()) as found:
        yield found


def actor(db: Database) -> int:
    """The account under which tests write, its administrator's."""
    return int(State(db).administrator)


def member(db: Database) -> int:
    """A teacher without a name."""
    with writing(db, actor(db)) as w:
        person = w.insert("person", sex="f")
        w.put("staff", person=person, position="teacher")
    return person
