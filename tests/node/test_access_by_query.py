"""Rows that an address names behind its question mark: what every duty reads with its own ones and with others'.

Things of a class that neither teacher nor the family of these tests reaches have planted texts. No page may tell one of
them to a duty that by the table of rights does not read all of its kind, whatever row its query names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

import node
from node import access
from shared.access import rights_of
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages, actor, autumn
from tests.node.test_access import ROLES, address, duties, every_route, order_of, strange_class

NODE = Path(node.__file__).parent
ROWS = {
    "account": {"was", "who"},
    "class": {"class", "combined"},
    "consent": {"consent"},
    "item": {"after", "edit"},
    "note": {"noted"},
    "order": {"order"},
    "person": {"admitted", "child", "one", "other", "person", "pupil", "signer", "teacher"},
}
"""Kind of row -> the parameters that name one. A person is tried as a pupil and as a parent, whatever is meant."""
SEARCHES = {"q"}
"""Parameters that are looked for in names and texts."""
REACHED_BY_ALL = {
    "act", "along", "alone", "number", "of", "room", "subject", "term", "token", "undone", "year",
}  # fmt: skip
"""They name rows that belong to nobody, that only who is there made (an upload, an act to take back), or choose among
those that the page lists."""
PLAIN = {
    "address", "all", "birth_date", "birth_year", "category", "changed", "consent_document", "consent_ground",
    "consent_language", "consent_valid_from", "copied", "day", "days", "document", "done", "duty", "first", "for",
    "from", "given_name", "grade", "guardian_agrees", "guardian_given_name", "guardian_patronymic", "guardian_phone",
    "guardian_sex", "guardian_surname", "kind", "language", "left", "length", "lessons", "let_in", "letter", "locked",
    "long", "mode", "moved_from", "next", "note", "order_date", "order_number", "page", "password", "patronymic",
    "pause", "period", "personal_file", "personal_number", "place", "purpose", "reason", "relation", "residence",
    "saved", "section", "series", "sex", "shift", "surname", "taken", "taken_back", "to", "view", "week_days",
    "written",
}  # fmt: skip
"""Days, texts, codes, figures, and words of what was just done."""
KINDS = {name: kind for kind, names in ROWS.items() for name in names}
PLANTED = {
    "Чоочунованаева": ("card", "N"),
    "Башкадановабаева": ("card", "V"),
    "бөтөн-сабактын-темасы": ("lesson_marks", "V"),
    "бөтөн-сабактын-тапшырмасы": ("lesson_marks", "V"),
    "бөтөн-пландын-темасы": ("plans", "V"),
    "бөтөн-буйруктун-аталышы": ("orders", "V"),
    "бөтөн-милдеттин-аталышы": ("tasks", "A"),
    "бөтөн-макулдуктун-кагазы": ("consent", "V"),
    "бөтөн-аккаунт": ("accounts", "V"),
}  # fmt: skip
"""A text of something of others -> area and verb of the table of rights that read it; who has them everywhere does."""
PUPIL, PARENT, TOPIC, HOMEWORK, ITEM, ORDER, TASK, PAPER, LOGIN = PLANTED
PART = slice(0, 9)
"""What of a planted text is searched for: a page may repeat it, and the whole text only if it finds it."""


@dataclass(frozen=True)
class Place:
    """The school with planted texts; by kind, rows of others; what each endpoint was seen to read of its query."""

    pages: SchoolPages
    others: dict[str, list[int]]
    read: dict[str, set[str]]
    told: dict[str, set[tuple[str, str, str]]]
    """Duty -> endpoint, query and planted text of pages that tell one; at first those asked for without a query."""

    def own(self, name: str, role: str) -> int | None:
        """What the parameter may name that is the duty's own, or of its class, lessons or child; None: nothing is."""
        pages, kind, family = self.pages, KINDS[name], role in ("pupil", "guardian")
        child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
        class_id = pages.led if role == "class_teacher" else pages.taught
        if family:
            class_id = pages.one('SELECT class_group FROM enrolment WHERE pupil = ? AND "end" IS NULL', child)
        if name == "teacher":
            return pages.person("teacher")
        if kind == "person":
            return child if family else None if name == "child" else pages.pupil_of(class_id)
        if kind == "order":
            return order_of(pages, role, own=True)
        if kind == "item" and role == "teacher":
            group, *_ = pages.lesson_of(class_id, taught_by=pages.person(role))
            sql = (
                "SELECT i.id FROM plan_item i JOIN plan p ON p.id = i.plan WHERE p.subject_group = ? LIMIT 1"
            )
            return pages.one(sql, group)
        return class_id if kind == "class" else None


class Noticed(ImmutableMultiDict[str, str]):
    """The parameters of a request; tells which a page reads, whether they are there or not."""

    known: set[str]

    def __getitem__(self, key: str) -> Any:
        self.known.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.known.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, *more: Any, **named: Any) -> Any:  # type: ignore[override]
        self.known.add(key)
        return super().get(key, *more, **named)

    def getlist(self, key: str, *more: Any, **named: Any) -> list[Any]:  # type: ignore[override]
        self.known.add(key)
        return super().getlist(key, *more, **named)


def watch(app: Flask) -> dict[str, set[str]]:
    """Notice from here on what each endpoint reads of its query."""
    read: dict[str, set[str]] = {}

    class Watched(Request):
        @cached_property
        def args(self) -> Noticed:  # type: ignore[override]
            asked = Noticed(super().args)
            asked.known = read.setdefault(self.endpoint or "", set())
            return asked

    app.request_class = Watched
    return read


def plant(pages: SchoolPages) -> dict[str, list[int]]:
    """Give the texts to things of a class that is nobody's here; the rows by kind."""
    strange = strange_class(pages)
    pupil = pages.pupil_of(strange)
    group, _, period = pages.lesson_of(strange)
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        plan = db.execute("SELECT id FROM plan WHERE subject_group = ?", (group,)).fetchone()
        plan = plan[0] if plan else w.insert("plan", subject_group=group)
        parent = w.insert("person", sex="f", birth_year=1985)
        paper = w.insert("consent", person=parent, purpose="core", valid_from=20_000, document=PAPER)
        of_child = w.insert("consent", person=pupil, purpose="core", valid_from=20_000, document=PAPER)
        w.update("person", pupil, surname=PUPIL)
        w.update("person", parent, surname=PARENT, given_name="Айша")
        w.insert("guardian", person=parent, pupil=pupil, relation="mother")
        account = w.insert("account", person=parent, login=LOGIN, password="x", language="ky")
        lesson = db.execute("SELECT day FROM lesson ORDER BY day DESC LIMIT 1").fetchone()[0]
        w.put("lesson", subject_group=group, day=lesson, period=period, topic=TOPIC, homework=HOMEWORK)
        item = w.insert("plan_item", plan=plan, position=1, topic=ITEM)
        order = order_of(pages, "", own=False)
        w.update("order_book", order, title=ORDER)
        w.insert("task", assignee=pages.person("head"), title=TASK, due=lesson)
        note = w.insert("absence_note", pupil=pupil, start=lesson, end=lesson, reason="ill")
    return {
        "account": [account], "class": [strange], "consent": [paper, of_child], "item": [item], "note": [note],
        "order": [order], "person": [pupil, parent],
    }  # fmt: skip


def clients(place: Place, role: str) -> tuple[Client, frozenset[str]]:
    """The browser of someone with the duty, and all duties that one has; of who has not signed in, for no role."""
    return (
        (place.pages.as_(role), duties(place.pages, role)) if role else (place.pages.stranger(), frozenset())
    )


def opened(place: Place, role: str, held: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Endpoint and address of every page that opens to someone, with own rows in it."""
    for endpoint, rule, method in every_route(place.pages.app):
        rights = rights_of(place.pages.app, endpoint)
        assert rights is not None
        admits = rights.open_to in ("public", "machine") if not role else bool(rights.open_to)
        if method == "GET" and (admits or not held.isdisjoint(rights.roles)):
            yield endpoint, address(place.pages, rule, role or "head")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Everyone has been on every page once."""
    pages = autumn().again(tmp_path_factory.mktemp("planted"))
    made = Place(pages, plant(pages), watch(pages.app), {})
    for role in ("", *ROLES):
        client, held = clients(made, role)
        for endpoint, path in opened(made, role, held):
            tell(made, role, endpoint, "", client.get(path)[1])
    return made


def tell(place: Place, role: str, endpoint: str, query: str, text: str) -> None:
    place.told.setdefault(role, set()).update(
        (endpoint, query, planted) for planted in PLANTED if planted in text
    )


def queries_of(place: Place, endpoint: str) -> Iterator[str]:
    """Every query to be tried at an endpoint: rows of others, and searches for what is theirs."""
    for name in sorted(place.read.get(endpoint, ())):
        if name in KINDS:
            yield from (f"{name}={row}" for row in place.others[KINDS[name]])
        elif name in SEARCHES:
            yield from (f"{name}={text[PART]}" for text in PLANTED)


@pytest.mark.parametrize("role", ["", *ROLES])
def test_no_page_tells_what_is_others_whatever_its_query_names(place: Place, role: str) -> None:
    (client, held), broken = clients(place, role), []
    for endpoint, path in opened(place, role, held):
        for query in queries_of(place, endpoint):
            status, text = client.get(f"{path}?{query}")
            tell(place, role, endpoint, query, text)
            broken += [(endpoint, query)] if status >= 500 else []
    mine = {text for text, line in PLANTED.items() if not held.isdisjoint(access.everywhere(*line))}
    assert broken == []
    assert {one for one in place.told[role] if one[2] not in mine} == set()


def test_who_may_read_what_is_planted_finds_it(place: Place) -> None:
    pages = place.pages
    (pupil, parent), (strange,) = place.others["person"], place.others["class"]
    group, day, period = pages.lesson_of(strange)
    where = {
        f"/people/{pupil}": {PUPIL, PARENT}, f"/journal/lesson/{group}/{day}/{period}": {TOPIC, HOMEWORK},
        f"/plans/group/{group}": {ITEM}, "/orders/": {ORDER}, "/tasks/": {TASK}, f"/consents/{parent}": {PAPER},
        f"/accounts/?kind=guardian&class={strange}": {LOGIN},
    }  # fmt: skip
    found = {path: pages.as_("head").get(path)[1] for path in where}
    assert {
        path: {text for text in PLANTED if text in found[path]} & told for path, told in where.items()
    } == where


@pytest.mark.parametrize("role", ROLES)
def test_own_rows_in_a_query_open(place: Place, role: str) -> None:
    (client, held), shut = clients(place, role), []
    for endpoint, path in opened(place, role, held):
        for name in sorted(KINDS.keys() & place.read.get(endpoint, set())):
            own = place.own(name, role)
            if own is not None:
                status, _ = client.get(f"{path}?{name}={own}")
                shut += [(endpoint, name, status)] if status != 200 else []
    assert shut == []


# ---- no parameter is forgotten


READERS = {"get", "getlist", "pop"}


def asked_in(source: str) -> set[str]:
    """The parameters that a module asks `request.args` or `request.values` for by name."""

    def is_query(one: ast.AST) -> bool:
        return (
            isinstance(one, ast.Attribute)
            and one.attr in ("args", "values")
            and isinstance(one.value, ast.Name)
            and one.value.id == "request"
        )

    found: list[ast.AST] = []
    for one in ast.walk(ast.parse(source)):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and is_query(one.func.value):
            found += one.args[:1] if one.func.attr in READERS else []
        elif isinstance(one, ast.Compare) and is_query(one.comparators[0]):
            found.append(one.left)
        elif isinstance(one, ast.Subscript) and is_query(one.value):
            found.append(one.slice)
    return {one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_parameter_is_told_of_and_every_row_tried(place: Place) -> None:
    """Those that the source names, and those that pages were seen to read, by whatever helper."""
    named = {
        (path.relative_to(NODE).parts[0], name)
        for path in NODE.rglob("*.py")
        for name in asked_in(path.read_text("utf-8"))
    }
    areas = {
        endpoint: place.pages.app.view_functions[endpoint].__module__.split(".")[1]
        for endpoint in place.read
        if endpoint
    }
    seen = {(areas[endpoint], name) for endpoint, names in place.read.items() if endpoint for name in names}
    told = [*KINDS, *SEARCHES, *REACHED_BY_ALL, *PLAIN]
    assert len(told) == len(set(told))
    new = sorted({(area, name) for area, name in named | seen if name not in told})
    assert new == [], "tell above what these parameters name: rows that belong to someone, or not"
    assert set(told) - {name for _, name in named | seen} == set()
    assert {(area, name) for area, name in named if name in KINDS} - seen == set()
