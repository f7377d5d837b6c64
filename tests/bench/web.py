"""A school of 1,200 pupils with a year of data, served by the real command, and its staff at work."""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from sqlite_utils import Database

from node.generator import generate
from node.storage import create_node
from shared import crypto
from shared.dates import date_of
from sync.state import State
from tests.bench.load import Act, Answer, Person, crowd

PUPILS = 1_200
PASSWORD = "secret-for-measuring"
_CHEAP = crypto.Cost(2**4)
SECONDS = 8.0
THINK = (3.0, 7.0)
Line = tuple[str, str, str]


@dataclass(frozen=True)
class Lesson:
    """A lesson as its addresses name it, its teacher's login and its class teacher's, its term, its pupils."""

    group: int
    class_group: int
    term: int
    day: str
    period: int
    login: str
    leader: str
    pupils: tuple[int, ...]

    @property
    def place(self) -> str:
        return f"{self.group}/{self.day}/{self.period}"


@dataclass
class School:
    """The school that is served."""

    port: int
    process: subprocess.Popen[bytes]
    lessons: list[Lesson]

    @property
    def megabytes(self) -> float:
        """Memory of the server, its share of what is shared."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+)", text, re.M)
        assert found
        return int(found[1]) / 1024

    async def enter(self, login: str) -> Person:
        """Sign in as a browser does."""
        person = Person(self.port)
        page = await person.get("/sign-in")
        person.token = _field(page.text, "form_token")
        answer = await person.post("/sign-in", {"login": login, "password": PASSWORD})
        assert answer.status in (302, 303), (login, answer.status)
        page = await person.get("/journal/")
        person.token = _field(page.text, "form_token")
        return person


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found[1]


@contextmanager
def school(pupils: int = PUPILS) -> Iterator[School]:
    """Write the school and serve it."""
    with tempfile.TemporaryDirectory(prefix="mektep-bench-") as place:
        home = Path(place) / "node"
        node, _ = create_node(
            home, school_name="№ 8", login="admin", password="secret", passphrase="open", cost=_CHEAP
        )
        with closing(node.connect()) as db:
            hashed = crypto.hash_password(PASSWORD, _CHEAP)
            generate(db, int(State(db).administrator), seed=8, pupils=pupils, password_hash=hashed)
            lessons = _lessons(db)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        log = Path(place) / "log"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "node",
                "--home",
                str(home),
                "serve",
                "--port",
                "0",
                "--interval",
                "86400",
            ],
            stderr=log.open("wb"),
            env={**os.environ, "MEKTEP_PASSPHRASE": "open"},
        )
        try:
            while not (found := re.search(r"http://127.0.0.1:(\d+)/", log.read_text())):
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield School(int(found[1]), process, lessons)
        finally:
            process.kill()
            process.wait()


def _lessons(db: Database) -> list[Lesson]:
    """A lesson of each group whose term has about 20 lessons of about 30 pupils, best ones first."""
    rows = db.execute(
        """SELECT l.subject_group, g.class_group, t.id, max(l.day), l.period, a.login, b.login, count(*)
           FROM lesson l JOIN subject_group g ON g.id = l.subject_group JOIN class_group c ON c.id = g.class_group
           JOIN term t ON t.kind = 'quarter' AND l.day BETWEEN t.start AND t."end"
           JOIN account a ON a.person = g.teacher JOIN account b ON b.person = c.teacher
           WHERE EXISTS (SELECT 1 FROM mark m WHERE m.subject_group = g.id AND m.day = l.day)
           GROUP BY l.subject_group, t.id ORDER BY abs(count(*) - 20), l.subject_group"""
    ).fetchall()
    found: dict[int, Lesson] = {}
    for group, class_group, term, day, period, login, leader, _ in rows:
        pupils = db.execute(
            """SELECT pupil FROM subject_group_pupil WHERE subject_group = ? AND start <= ?
               AND ("end" IS NULL OR "end" > ?) AND retired_at IS NULL""",
            (group, day, day),
        ).fetchall()
        if 26 <= len(pupils) <= 34 and group not in found:
            date = date_of(day).isoformat()
            members = tuple(one for (one,) in pupils)
            found[group] = Lesson(group, class_group, term, date, period, login, leader, members)
    assert len(found) >= 20, f"only {len(found)} groups"
    return list(found.values())


class _Form(HTMLParser):
    """The fields of a page as a browser would send them back."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select, self._text = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name, value = told.get("name") or "", told.get("value") or ""
        if tag == "input" and name:
            if told.get("type") not in ("radio", "checkbox") or "checked" in told:
                self.fields[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in told or self._select not in self.fields):
            self.fields[self._select] = value
        elif tag == "textarea":
            self._text = name
            self.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        self._select = "" if tag == "select" else self._select
        self._text = "" if tag == "textarea" else self._text

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text] += data


class Staff:
    """People who have signed in, and the things they do: teachers, and the class teachers of their pupils."""

    def __init__(self, served: School) -> None:
        self.school = served
        self.people: list[Person] = []
        self.leaders: list[Person] = []
        self.lessons = served.lessons
        self.seen: dict[tuple[int, int], str] = {}
        self.random = random.Random(1)

    def _lesson(self, number: int) -> Lesson:
        return self.lessons[number % len(self.lessons)]

    async def come(self, people: int) -> None:
        """Let so many people be there."""
        for number in range(len(self.people), people):
            self.people.append(await self.school.enter(self._lesson(number).login))
            self.leaders.append(await self.school.enter(self._lesson(number).leader))
            self.leaders[-1].leave()  # and come back when there is something to ask

    async def journal(self, number: int) -> Answer:
        lesson = self._lesson(number)
        return await self.people[number].get(f"/journal/group/{lesson.group}?term={lesson.term}")

    async def cell(self, number: int) -> Answer:
        """Another mark in a cell; the people's cells are apart."""
        lesson = self._lesson(number)
        pupil = lesson.pupils[number // len(self.lessons) % len(lesson.pupils)]
        at = (lesson.group, pupil)
        if at not in self.seen:
            page = await self.people[number].get(f"/journal/lesson/{lesson.place}")
            fields = _Form(page.text).fields
            self.seen[at] = fields.get(f"mark-{pupil}-0", "")
        value = self.random.choice([v for v in "2345" if v != self.seen[at]])
        told = {"field": "mark", "pupil": str(pupil), "slot": "0", "kind": self.kind, "value": value}
        told |= {"seen": self.seen[at], "reason": "measured"}
        answer = await self.people[number].post(f"/journal/cell/{lesson.place}", told, as_script=True)
        if answer.status == 200:
            self.seen[at] = value
        return answer

    kind = "1"

    async def attendance(self, number: int) -> Answer:
        """Who is away in a lesson: the form of the page, five others each time."""
        lesson, person = self._lesson(number), self.people[number]
        if not hasattr(person, "form"):
            page = await person.get(f"/journal/lesson/{lesson.place}")
            person.form = _Form(page.text).fields  # type: ignore[attr-defined]
        fields: dict[str, str] = person.form  # type: ignore[attr-defined]
        told = {**fields, "reason": "measured", "taken": "1"}
        for pupil in self.random.sample(lesson.pupils, 5):
            name = f"status-{pupil}"
            told[name] = "absent" if fields.get(name) != "absent" else "present"
        answer = await person.post(f"/journal/lesson/{lesson.place}", told)
        if answer.status < 400:
            for name, value in told.items():
                if f"seen-{name}" in fields:
                    fields[name] = fields[f"seen-{name}"] = value
        return answer

    async def register(self, number: int) -> Answer:
        lesson = self._lesson(number)
        return await self.leaders[number].get(f"/attendance/class/{lesson.class_group}?day={lesson.day}")

    async def class_list(self, number: int) -> Answer:
        return await self.people[number].get(f"/classes/{self._lesson(number).class_group}")

    async def search(self, number: int) -> Answer:
        text = self.random.choice(("Асан", "оскон", "Бермет", "турсун", "кыз"))
        return await self.people[number].get(f"/people/?q={_quoted(text)}")

    async def anything(self, number: int) -> Answer:
        """What a school does in the morning."""
        acts: list[Act] = [
            self.journal,
            self.cell,
            self.attendance,
            self.class_list,
            self.register,
            self.search,
        ]
        return await self.random.choices(acts, (30, 40, 10, 8, 8, 4))[0](number)


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


_GOALS: dict[tuple[str, int], str] = {
    ("journal", 1): "under 10 ms",
    ("journal", 20): "at least 153/s",
    ("cell", 1): "under 10 ms",
    ("cell", 20): "under 150 ms",
    ("attendance", 1): "under 10 ms",
    ("attendance", 20): "under 150 ms",
}
_LABELS = {
    "journal": "journal page, 30 pupils by 20 lessons",
    "cell": "one cell saved",
    "attendance": "a lesson's attendance saved",
    "register": "attendance page of a class",
    "class_list": "class list",
    "search": "search",
}


def pages() -> Iterator[Line]:
    """The pages that a school lives on: median, 95th percentile, requests a second, at 1, 20 and 200 people."""
    with school() as served:
        yield from asyncio.run(_yardstick())
        yield "megabytes at rest", f"{served.megabytes:.0f}", "under 150"
        yield from asyncio.run(_measure(served))
        yield "megabytes after it", f"{served.megabytes:.0f}", "under 150"


@contextmanager
def _bare() -> Iterator[int]:
    """The port of the bare page; see `tests.bench.bare`."""
    with tempfile.TemporaryDirectory(prefix="mektep-bench-") as place:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bare", place],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout
            found = re.search(r":(\d+)/", process.stdout.readline())
            assert found
            yield int(found[1])
        finally:
            process.kill()
            process.wait()


async def _yardstick() -> list[Line]:
    """What this machine gives of the least page that could show the grid."""
    lines: list[Line] = []
    with _bare() as port:
        for number in (1, 20):
            people = [Person(port) for _ in range(number)]
            took = await crowd(number, _asking(people), SECONDS / 2)
            lines.append((f"a bare page of that grid, {_people(number)}", str(took), ""))
    return lines


def _asking(people: list[Person]) -> Act:
    return lambda number: people[number].get("/")


async def _measure(served: School) -> list[Line]:
    lines: list[Line] = []
    staff = Staff(served)
    await staff.come(20)
    page = await staff.journal(0)
    lines.append(("bytes of the journal page", f"{len(page.text.encode()):,}", ""))
    lines.append(("bytes of it as sent", f"{len(page.body):,}", ""))
    for name, label in _LABELS.items():
        act: Act = getattr(staff, name)
        for number in (1, 20, 200):
            # Two people do not take one lesson's attendance against each other.
            number = min(number, len(served.lessons)) if name == "attendance" else number
            await staff.come(number)
            # What each opens first is not measured.
            await asyncio.gather(*(act(one) for one in range(number)))
            took = await crowd(number, act, SECONDS if number > 1 else SECONDS / 2)
            lines.append((f"{label}, {_people(number)}", str(took), _GOALS.get((name, number), "")))
    await staff.come(200)
    took = await crowd(200, staff.anything, 30.0, THINK)
    lines.append(
        ("200 people with 3 to 7 s of thought, all of these", str(took), "p95 under 300 ms, none bad")
    )
    return lines


def _people(number: int) -> str:
    return "one person" if number == 1 else f"{number} people without a pause"
