"""Calendar, timetable and plans in a browser: a deputy and a teacher at work, by keyboard and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from node.timetable import queries as timetable
from shared.dates import date_of
from tests.browser.looking import sign_in
from tests.node.conftest import SchoolPages
from tests.node.test_journal import TODAY, a_school
from tests.serving import serving

YEAR = 3


@dataclass
class Place:
    """The school as it is served, and a lesson of its teacher."""

    school: SchoolPages
    address: str
    lesson: timetable.Lesson

    @property
    def day(self) -> str:
        return date_of(TODAY).isoformat()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    school = a_school(tmp_path_factory.mktemp("time"))
    with closing(school.node.connect()) as db:
        own = timetable.agenda(db, TODAY - 6, TODAY, teacher=school.person("teacher"))
        lesson = next(one for one in reversed(own) if one.substitute is None)
    with serving(school.app) as address:
        yield Place(school, address, lesson)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_deputy_changes_a_lesson_by_keyboard(page: Page, place: Place) -> None:
    slot, day = place.lesson.slot, date_of(TODAY + 40).isoformat()
    sign_in(page, place.address, place.school.logins["deputy"])
    page.goto(f"{place.address}/timetable/edit/class/{slot['class_group']}?from={day}")
    cell = page.locator(f"[name='cell-{slot['weekday']}-{slot['period']}']")
    before = cell.input_value()
    cell.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    below = page.evaluate("document.activeElement.name")
    assert below == f"cell-{slot['weekday']}-{slot['period'] + 1}"
    page.keyboard.press("Control+ArrowUp")
    assert page.evaluate("document.activeElement.name") == f"cell-{slot['weekday']}-{slot['period']}"
    page.locator("form .foot button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=1")
    assert cell.input_value() == "" != before
    assert page.locator(".hours-list .low").count() > 0
    cell.select_option(before)
    with page.expect_navigation():
        page.locator("form .foot button").click()
    assert cell.input_value() == before


def test_a_plan_is_pasted_and_seen_before_it_is_written(page: Page, place: Place) -> None:
    sign_in(page, place.address, place.school.logins["teacher"])
    page.goto(f"{place.address}/plans/group/{place.lesson.group}/import")
    page.fill("#text", "Тема\tСаат\nБиринчи тема\tэки")
    page.check("[value=append]")
    page.click("form.card button.first")
    page.get_by_text("Саат — 0дөн 99га чейинки бүтүн сан.").first.wait_for()
    page.fill("#text", "Тема\tСаат\nБиринчи тема\t2")
    page.check("[value=append]")
    page.click("form.card button.first")
    page.locator("form:has([name=confirm]) button").click()
    page.wait_for_url("**saved=1*")
    assert page.get_by_text("Биринчи тема").count() > 0


def test_days_are_changed_without_a_script(browser: Browser, place: Place) -> None:
    with browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        sign_in(page, place.address, place.school.logins["deputy"])
        page.goto(f"{place.address}/calendar/?year=3")
        page.click("details.more summary")
        page.select_option("#kind", "distance")
        page.fill("#first", "2026-02-03")
        page.select_option("#part", "grade-1")
        page.fill("#reason", "−27 °C")
        page.click("details.more[open] button.first")
        expect(page.locator("main")).to_contain_text("−27 °C")
        page.get_by_role("button", name="Жокко чыгаруу").first.click()
        expect(page.locator("main")).not_to_contain_text("−27 °C")
