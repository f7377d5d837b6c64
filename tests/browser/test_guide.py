"""The guides in a browser, and the pictures in them: ``make pictures`` takes them anew from the generated school."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from shared import crypto
from shared.dates import parse_day
from shared.ui import STATIC_FOLDER
from sync.state import State
from tests.browser.test_school_pages import sign_in
from tests.node.conftest import CHEAP, PASSWORD, SchoolPages, more_people
from tests.node.test_journal import a_school
from tests.serving import serving

PICTURES: dict[str, tuple[str, str]] = {
    "today": ("class_teacher", "/"),
    "lesson": ("teacher", "/journal/lesson/{place}"),
    "grid": ("teacher", "/journal/group/{group}"),
    "attendance": ("class_teacher", "/attendance/"),
    "class": ("class_teacher", "/classes/{led}"),
    "timetable": ("deputy", "/timetable/"),
    "orders": ("head", "/orders/"),
    "movement": ("secretary", "/movement/"),
    "import": ("secretary", "/import/staff"),
    "results": ("teacher", "/journal/results/{group}?term={term}"),
    "plan": ("teacher", "/plans/group/{group}"),
    "calendar": ("deputy", "/calendar/"),
    "control": ("deputy", "/control/"),
    "reports": ("head", "/reports/"),
    "people": ("secretary", "/people/"),
    "classes": ("librarian", "/classes/"),
    "accounts": ("administrator", "/accounts/"),
    "sync": ("head", "/sync/"),
}
"""Name -> whose page, and its address."""


@dataclass
class Place:
    """The school as it is served."""

    school: SchoolPages
    address: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    school = a_school(tmp_path_factory.mktemp("guide"))
    with closing(school.node.connect()) as db:
        more_people(db, int(State(db).administrator), crypto.hash_password(PASSWORD, CHEAP))
    school.logins |= {"administrator": "admin"}
    with serving(school.app) as address:
        yield Place(school, address)


def path_of(school: SchoolPages, path: str) -> str:
    group, day, period = school.lesson_of(school.taught, taught_by=school.person("teacher"))
    term = school.one(
        "SELECT id FROM term WHERE kind = 'quarter' AND start <= ?1 AND \"end\" >= ?1", parse_day(day)
    )
    return path.format(place=f"{group}/{day}/{period}", group=group, led=school.led, term=term)


def test_a_guide_is_accessible_and_fits(page: Page, axe: Callable[[Page], list[str]], place: Place) -> None:
    sign_in(page, place.address, place.school.logins["class_teacher"])
    for path in ("/guide/", "/design/"):
        page.goto(place.address + path)
        assert axe(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_the_page_of_a_picture_is_there(browser: Browser, place: Place, tmp_path: Path, name: str) -> None:
    """What a guide shows is a page that opens; with MEKTEP_PICTURES set its picture is taken anew."""
    duty, path = PICTURES[name]
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, locale="ky-KG", color_scheme="light"
    )
    page = context.new_page()
    sign_in(page, place.address, place.school.logins.get(duty, duty))
    answer = page.goto(place.address + path_of(place.school, path))
    assert answer is not None and answer.status == 200
    folder = STATIC_FOLDER / "guide" if os.environ.get("MEKTEP_PICTURES") else tmp_path
    page.screenshot(path=folder / f"{name}.png")
    context.close()
    assert (folder / f"{name}.png").stat().st_size > 5_000
