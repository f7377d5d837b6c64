"""Every page that names people is noted as read: each is walked through by those whose duty reaches all of a school.

Every person of the school has a surname of one's own. A page that shows one of a pupil or a parent, or those of many
colleagues, to someone to whom they are neither the own class nor own lessons must have written a line, or stand below
with the reason why it need not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from node import access
from node.accounts.queries import KINDS, LEFT
from node.people.queries import number_of
from node.reading import queries as reading
from shared.access import rights_of
from shared.web import today
from sync.writer import writing
from tests.node.conftest import SchoolPages, actor, autumn
from tests.node.test_access import address, duties, every_route, visitor_of

ROLES = ("head", "deputy", "secretary", "administrator", "social", "librarian", "class_teacher", "teacher")
LETTERS = "абвгдежзик"
SURNAME = re.compile(r"Эсеп([абвгдежзик]{4})")
UNNOTED = {
    ("reading.index", ""): "the log itself: to look up who read is no reading of those who were read about",
    ("people.card", "librarian"): "the name alone, of one pupil",
}
"""Pages, and to whom (to all), that name people and write no line, and why."""
COLLEAGUES = 3
"""So many colleagues on a page are a list of them; fewer stand beside a piece of work."""
OF_COLLEAGUES = dict.fromkeys(
    (
        "classes.edit",
        "classes.index",
        "classes.new",
        "classes.new_subject",
        "classes.show",
        "classes.subject",
    ),
    "who leads and teaches a class is known to all who come to it, and is chosen there",
) | {
    "attendance.index": "whose lessons wait for attendance",
    "control.index": "whose lessons lack something",
    "owndata.mine": "who read and changed one's own data",
    "owndata.my_file": "who read and changed one's own data",
    "owndata.show": "who read and changed someone's data",
    "owndata.file": "who read and changed someone's data",
    "orders.duties": "who holds which duty is known to all staff",
    "orders.edit": "by whom an order is to be carried out is chosen",
    "orders.new": "by whom an order is to be carried out is chosen",
    "orders.show": "whom an order is to be shown to, and who has read it",
    "tasks.index": "who has a task, and who is given one",
}
"""Pages that name colleagues beside their work, and write no line."""


@dataclass(frozen=True)
class Named:
    """The school, and who bears which surname: pupils and parents, and staff."""

    pages: SchoolPages
    families: dict[str, int]
    staff: dict[str, int]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Named:
    pages = autumn().again(tmp_path_factory.mktemp("named"))
    families, staff = {}, {}
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        rows = db.execute(
            "SELECT id, id IN (SELECT person FROM staff) FROM person WHERE surname IS NOT NULL ORDER BY id"
        ).fetchall()
        for number, (person, works) in enumerate(rows):
            key = "".join(LETTERS[int(digit)] for digit in f"{number:04}")
            w.update("person", person, surname=f"Эсеп{key}")
            (staff if works else families)[key] = person
        gone = pages.pupil_of(pages.led)
        w.insert("account", person=gone, login="gone", password="x", language="ky")
        for (row,) in db.execute("SELECT id FROM enrolment WHERE pupil = ?", (gone,)).fetchall():
            w.update("enrolment", row, end=today() - 400)
        draft = w.insert("order_book", series="pupils", date=20_000, title="Долбоор")
        w.put("order_person", **{"order": draft, "person": pages.named_pupil})
    return Named(pages, families, staff)


def walked(pages: SchoolPages, role: str, held: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Endpoint and address of every page that opens to someone, with the queries that show people."""
    pupil = pages.pupil_of(pages.taught)
    look = pages._looking
    sql = "SELECT u.person FROM pupil u JOIN person p ON p.id = u.person WHERE p.surname IS NOT NULL LIMIT 2"
    two = [number_of(row) for (row,) in look.execute(sql).fetchall()]
    draft = pages.one("SELECT max(id) FROM order_book WHERE title = 'Долбоор'")
    split = pages.one("SELECT min(subject_group) FROM subject_group_pupil WHERE retired_at IS NULL")
    queries = {
        "people.index": [f"kind={kind}" for kind in ("pupil", "staff", "guardian")],
        "accounts.index": [f"kind={kind}&class={pages.taught}" for kind in (*KINDS, LEFT)],
        "duplicates.index": [f"one={two[0]}&other={two[1]}"],
        "people.guardians": ["q=Эсеп"],
        "people.passport": ["category=large_family", "category=low_income"],
        "movement.arrival": ["q=Эсеп"],
        "movement.alphabet": ["letter=all", "letter=Э"],
        "timetable.index": [f"person={pupil}", f"class={pages.taught}"],
        "results.show": ["subject=1"],
    }
    for endpoint, rule, method in every_route(pages.app):
        rights = rights_of(pages.app, endpoint)
        assert rights is not None
        if method == "GET" and (rights.open_to or not held.isdisjoint(rights.roles)):
            path = address(pages, rule, role)
            yield endpoint, path
            yield from ((endpoint, f"{path}?{query}") for query in queries.get(endpoint, ()))
    for endpoint, path in (
        ("orders.show", f"/orders/{draft}"),
        ("orders.show", f"/orders/{draft}?q=Эсеп"),
        ("classes.subject", f"/classes/subject/{split}"),
    ):
        rights = rights_of(pages.app, endpoint)
        if rights is not None and not held.isdisjoint(rights.roles):
            yield endpoint, path


def reach_of(pages: SchoolPages, role: str) -> frozenset[int]:
    """Who is the visitor's daily work: oneself, the pupils of own classes and lessons, and their guardians."""
    with closing(pages.node.connect()) as db:
        who = visitor_of(pages, db, role)
        own = access.pupils_of(db, access.led_classes(db, who) | access.taught_classes(db, who))
        marks = ", ".join(map(str, own)) or "0"
        parents = db.execute(f"SELECT person FROM guardian WHERE pupil IN ({marks})").fetchall()
        return own | {person for (person,) in parents} | {who.person or 0}


def test_the_pages_of_these_tests_name_people(named: Named) -> None:
    """Else nothing is tested: the surnames are found on lists that are noted, and more than one page has them."""
    head = named.pages.as_("head")
    for path in ("/people/?kind=pupil", "/people/?kind=guardian", f"/classes/{named.pages.taught}"):
        assert SURNAME.findall(head.get(path)[1])
    draft = named.pages.one("SELECT max(id) FROM order_book WHERE title = 'Долбоор'")
    assert len(SURNAME.findall(head.get(f"/orders/{draft}?q=Эсеп")[1])) > 10


@pytest.mark.parametrize("role", ROLES)
def test_a_page_that_names_people_is_noted(named: Named, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "is_noted", lambda *_: False)
    pages, silent = named.pages, set()
    client, own = pages.as_(role), reach_of(pages, role)
    for endpoint, path in walked(pages, role, duties(pages, role)):
        pages.app.extensions.pop("mektep_lists_noted", None)
        last = pages.one("SELECT ifnull(max(id), 0) FROM reading_log")
        text = client.get(path)[1]
        told = set(SURNAME.findall(text))
        people = {**named.families, **named.staff}
        others = {people[key] for key in told} - own - covered(pages, last)
        colleagues = others & set(named.staff.values())
        if {(endpoint, ""), (endpoint, role)} & UNNOTED.keys():
            continue
        if others - colleagues:
            silent.add((endpoint, path, len(others - colleagues)))
        if len(colleagues) >= COLLEAGUES and endpoint not in OF_COLLEAGUES:
            silent.add((endpoint, path, -len(colleagues)))
    assert silent == set()


def covered(pages: SchoolPages, last: int) -> set[int]:
    """About whom the lines of the log after one are: by themselves, with their family, or in a list."""
    found: set[int] = set()
    lists = {
        reading.PUPIL: "SELECT person FROM pupil",
        reading.GUARDIAN: "SELECT person FROM guardian",
        reading.STAFF: "SELECT person FROM staff",
        reading.SOCIAL: "SELECT person FROM pupil WHERE categories <> ''",
    }
    look = pages._looking.execute
    for person, what in look("SELECT person, what FROM reading_log WHERE id > ?", (last,)).fetchall():
        if person is None:
            found |= {one for kind in reading.listed(what) for (one,) in look(lists[kind]).fetchall()}
        else:
            sql = "SELECT pupil, person FROM guardian WHERE ? IN (pupil, person)"
            found |= {person} | {one for row in look(sql, (person,)).fetchall() for one in row}
    return found
