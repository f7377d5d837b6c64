"""Every page of a school, generated from its routes: opened by who sees most of it, and by families, on a phone.

A route is visited unless `NO_PAGE` says why not, so a new one is looked at as soon as it is there. What a page must be
is told in `tests.browser.looking`. States that no address reaches (refusals, questions, steps of an import) are looked
at by the tests that lead to them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product

import pytest
from playwright.sync_api import Browser

from node import roster
from node.attendance import actions as attendance
from node.consenting import Signed
from node.consents import actions as consents
from node.owndata import actions as owndata
from node.results import actions as results
from shared.access import Rights, rights_of
from shared.dates import day_number
from sync.writer import writing
from tests.browser.conftest import on_a_phone
from tests.browser.looking import ABSENT, TARGETS, Axe, every_flaw_of, sign_in
from tests.node.conftest import SchoolPages, actor, autumn
from tests.node.test_access import ROLES, address
from tests.serving import serving

NOON = datetime.datetime(2025, 11, 20, 12, 30)
"""A Thursday of the second quarter with its lessons half over, the last day that the generated teachers told of."""
FAMILY = ("pupil", "guardian")
SIGHT = ("deputy", "head", "secretary", "administrator", "social", "teacher", "class_teacher", *FAMILY)
"""Who opens a page that `SEES` does not tell of: the first of these who may."""
SEES = {
    "accounts": ("administrator", "head"),
    "attendance": ("class_teacher", "deputy"),
    "consents": ("secretary", "class_teacher"),
    "exchange": ("administrator", "head"),
    "guide": ("class_teacher",),
    "home": tuple(ROLES),
    "importing": ("secretary", "deputy"),
    "journal": ("teacher", "deputy"),
    "orders": ("head", "deputy"),
    "own": ("head",),
    "people": ("secretary", "deputy", "social"),
    "plans": ("teacher", "deputy"),
    "results": ("class_teacher", "deputy"),
    "settings": ("head",),
    "signin": ("", "head"),
    "signoff": ("class_teacher", "head"),
    "tasks": ("head", "teacher"),
}
"""Area -> whose pages of it have most on them, or differ."""
NO_PAGE = {
    "consents.own_scan": "a picture",
    "consents.scan": "a picture",
    "importing.template": "a workbook",
    "journal.book": "a workbook",
    "owndata.file": "a file",
    "owndata.my_file": "a file",
    "people.own_photo": "a picture",
    "people.photo": "a picture",
    "plans.workbook": "a workbook",
    "reports.quarter_csv": "a file",
    "reports.quarter_xlsx": "a workbook",
    "reports.return_csv": "a file",
    "reports.return_xlsx": "a workbook",
    "timetable.feed": "a calendar for programs",
    "timetable.file": "a calendar file",
    "importing.check": "a step: test_imports walks there",
    "importing.ask": "a step: test_imports walks there",
    "importing.ask_back": "a step: test_imports walks there",
    "oneroster.check": "a step: test_imports walks there",
}
"""Routes that are not visited by their address, and why."""
NOT_FOR = {
    ("consents.give", "pupil"): "under 18 a parent signs",
    ("attendance.index", "pupil"): "leads on to the one person it could show",
    ("results.index", "pupil"): "leads on to the one person it could show",
    ("signin.sign_in", "head"): "leads on to the first page",
}
WIDE = {
    "attendance.show", "calendar.index", "classes.show", "home.index", "journal.grid", "journal.lesson",
    "journal.results", "movement.book", "people.index", "plans.show", "reports.by_quarter", "reports.year_return",
    "results.sheet", "results.show", "timetable.edit_class", "timetable.index", "timetable.sheet",
}  # fmt: skip
"""Pages that are laid out otherwise on a desktop: there axe looks at them, too."""


@dataclass(frozen=True)
class Visit:
    """Someone opens a page; ``again`` tells that the route was looked at before, with other rows or by another duty."""

    endpoint: str
    duty: str
    path: str
    again: bool


@dataclass(frozen=True)
class Place:
    pages: SchoolPages
    at: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.web._now", lambda: NOON)
        pages = autumn().again(tmp_path_factory.mktemp("every"))
        furnish(pages)
        with serving(pages.app) as at:
            yield Place(pages, at)


def furnish(pages: SchoolPages) -> None:
    """What the generated school has none of, so that no list of it is empty."""
    today = day_number(NOON.date())
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        guardian, child = pages.person("guardian"), pages.person("pupil")
        for class_id in {pages.led, pages.taught}:
            pupils = sorted(roster.on_roll(db, class_id, today))
            attendance.add_note(w, class_id, pupils[0], today - 1, today + 3, "ill")
            sql = "SELECT id FROM subject_group WHERE class_group = ? ORDER BY teacher <> ? LIMIT 3"
            groups = db.execute(sql, (class_id, pages.person("teacher"))).fetchall()
            for (group,), (number, pupil) in product(groups, enumerate(pupils)):
                given = {
                    "value": 2 + number % 4,
                    "band": 2 + number % 4,
                    "status": "assessed",
                    "missed": number,
                }
                w.put("term_result", subject_group=group, pupil=pupil, term=4, **given)
            results.give_conduct(w, class_id, 4, {pupils[0]: "exemplary"})
            results.lock(w, class_id, 4)
            results.reopen(w, class_id, 4, "Ката табылды")
            w.insert("guardian", person=guardian, pupil=pupils[1], relation="mother", may_read=1)
            first, _ = (
                attendance.hand_in(w, pupils[1], guardian, today, today + day, today + day, "ill")
                for day in (-2, 0)
            )
            attendance.decline(w, class_id, first, actor(db), today, "days", "Шейшембиде сабакта болгон.")
        consents.offer(w, child, Signed(("photo", "messages"), today, signer=guardian), actor(db))
        owndata.ask(w, child, actor(db), "Туулган күнү башка", today)
        w.insert("appointment", person=pages.person("administrator"), duty="administrator", start=0)
        newcomer = w.insert("person", sex="f", birth_year=1990)
        w.put("staff", person=newcomer, position="teacher")
        w.insert("account", person=newcomer, login="waiting", language="ky")


def visits(pages: SchoolPages) -> Iterator[Visit]:
    """Every page by every duty that is to look at it."""
    for rule in sorted(pages.app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        endpoint, area = rule.endpoint, rule.endpoint.split(".")[0]
        if "GET" not in (rule.methods or ()) or endpoint in NO_PAGE or endpoint == "ui.static":
            continue
        rights = rights_of(pages.app, endpoint)
        assert rights is not None
        may = [duty for duty in ("", *ROLES) if admits(rights, duty)]
        first = [one for one in SEES.get(area, ()) if one in may] or [one for one in SIGHT if one in may][:1]
        those = first + [one for one in FAMILY if one in rights.roles and one not in first]
        for duty in those:
            if (endpoint, duty) not in NOT_FOR:
                path = path_of(pages, endpoint, rule.rule, duty)
                yield Visit(endpoint, duty, path, duty != those[0])
    yield from (Visit(endpoint, duty, path, True) for endpoint, duty, path in more(pages))


def admits(rights: Rights, duty: str) -> bool:
    """Does the door open to the duty; without one, to who has not signed in?"""
    return rights.open_to == "public" if not duty else bool(rights.open_to) or duty in rights.roles


def path_of(pages: SchoolPages, endpoint: str, rule: str, duty: str) -> str:
    if endpoint in ("people.edit_staff", "timetable.edit_teacher"):
        rule = rule.replace("<int:person_id>", str(pages.person("teacher")))
    if endpoint in ("consents.new", "consents.own_give"):
        rule += "?purpose=core&purpose=photo"
    path = address(pages, rule, duty or "head")
    if endpoint == "journal.explained":
        path += f"?pupil={pages.member_of(int(path.rpartition('/')[2]))}"
    return path


def more(pages: SchoolPages) -> Iterator[tuple[str, str, str]]:
    """Other faces of some routes: endpoint, duty, path."""
    led, teacher = pages.led, pages.person("teacher")
    group = pages.lesson_of(pages.taught, taught_by=teacher)[0]
    item = pages.one(
        "SELECT i.id FROM plan_item i JOIN plan p ON p.id = i.plan WHERE p.subject_group = ? LIMIT 1", group
    )
    nameless = pages.one(
        "SELECT person FROM pupil JOIN person p ON p.id = person WHERE p.surname IS NULL LIMIT 1"
    )
    social = pages.one("SELECT person FROM pupil WHERE categories IS NOT NULL AND categories <> '' LIMIT 1")
    day = NOON.date().isoformat()
    yield "", "deputy", ABSENT
    yield "accounts.index", "administrator", f"/accounts/?kind=guardian&class={led}"
    yield "attendance.show", "class_teacher", f"/attendance/class/{led}?view=week"
    yield "attendance.show", "class_teacher", f"/attendance/class/{led}?view=month"
    yield "classes.subject", "deputy", f"/classes/subject/{group}"
    yield "consents.paper", "secretary", f"/consents/{pages.named_pupil}/form?kind=withdrawal"
    yield "dictionary.table", "deputy", "/dictionary/mark"
    yield "movement.index", "deputy", "/movement/?period=year"
    yield "orders.new", "head", "/orders/new?series=staff"
    yield "people.card", "secretary", f"/people/{nameless}"
    yield "people.card", "secretary", f"/people/{teacher}"
    yield "people.card", "social", f"/people/{social}"
    yield "people.index", "secretary", "/people/?kind=staff"
    yield "people.index", "secretary", "/people/?kind=guardian&q=a"
    yield "people.passport", "head", "/people/passport?category=large_family"
    yield "plans.show", "teacher", f"/plans/group/{group}?edit={item}"
    yield "reports.by_quarter", "deputy", "/reports/quarter?period=quarter-1"
    yield "results.show", "deputy", f"/results/{led}?term=4"
    yield "timetable.index", "deputy", f"/timetable/?teacher={teacher}"
    yield "timetable.index", "teacher", "/timetable/"
    yield "timetable.substitutions", "deputy", f"/timetable/substitutions?day={day}&teacher={teacher}"


@pytest.mark.parametrize("duty", ["", *ROLES])
def test_every_page_is_accessible_fits_stands_still_and_suits_a_thumb(
    browser: Browser, axe: Axe, place: Place, duty: str
) -> None:
    found = []
    with on_a_phone(browser) as page:
        if duty:
            sign_in(page, place.at, place.pages.logins[duty])
        for visit in visits(place.pages):
            if visit.duty == duty:
                answer = page.goto(place.at + visit.path)
                assert answer is not None and page.url == place.at + visit.path, visit
                assert answer.status == (404 if visit.path == ABSENT else 200), visit
                wide = visit.endpoint in WIDE and not visit.again
                flaws = every_flaw_of(page, axe, dark=not visit.again, wide=wide)
                found += [f"{visit.path}: {flaw}" for flaw in flaws]
    assert found == [], "\n".join(found)


def test_menus_suit_a_thumb(browser: Browser, axe: Axe, place: Place) -> None:
    """What stands at the top of every page, and is folded there."""
    with on_a_phone(browser) as page:
        sign_in(page, place.at, place.pages.logins["head"])
        for menu in ("details.fold", "details.account"):
            page.click(f"{menu} > summary")
            assert axe(page) + page.evaluate(TARGETS, f"{menu} .sheet") == []
            page.keyboard.press("Escape")


def test_what_is_not_visited_is_there(place: Place) -> None:
    routes = {rule.endpoint for rule in place.pages.app.url_map.iter_rules()}
    assert NO_PAGE.keys() | {endpoint for endpoint, _ in NOT_FOR} | WIDE <= routes
    assert set(SEES) <= place.pages.app.blueprints.keys()
