"""The school's pages on a phone and on a desktop: accessible, no wider than the screen, whole without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import ABSENT, Axe, flaws_at, sign_in
from tests.node.conftest import SchoolPages
from tests.node.conftest import pages as pages


def paths(pages: SchoolPages) -> list[str]:
    pupil, class_id = pages.named_pupil, pages.taught
    nameless = pages.one(
        "SELECT person FROM pupil JOIN person p ON p.id = person WHERE p.surname IS NULL LIMIT 1"
    )
    return ["/", "/classes/", f"/classes/{class_id}", "/people/", f"/people/{pupil}", f"/people/{nameless}",
            f"/people/{pages.person('teacher')}", "/results/", f"/results/{class_id}", f"/results/pupil/{pupil}",
            "/dictionary/", "/dictionary/person", "/password", ABSENT]  # fmt: skip


def test_every_page_is_accessible_and_fits(page: Page, axe: Axe, pages: SchoolPages, address: str) -> None:
    flaws = flaws_at(page, axe, address, ["/sign-in"], dark=True)
    sign_in(page, address, pages.logins["head"])
    flaws += flaws_at(page, axe, address, paths(pages), dark=True)
    assert flaws == []


def test_search_answers_while_one_types(page: Page, pages: SchoolPages, address: str) -> None:
    sign_in(page, address, pages.logins["head"])
    page.goto(f"{address}/people/")
    page.locator("#q").press_sequentially("№")
    page.locator("#q").press_sequentially("9999999")
    page.get_by_text("Эч ким табылган жок").wait_for()
    expect(page).to_have_url(re.compile("q="))
    assert page.evaluate("Object.keys(localStorage).filter(key => key !== 'mektep-who')") == []
    page.go_back()
    page.locator("table.records").wait_for()


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_the_menu_opens_and_closes(page: Page, pages: SchoolPages, address: str) -> None:
    sign_in(page, address, pages.logins["head"])
    menu = page.locator("details.fold nav a").first
    expect(menu).to_be_hidden()
    page.click("details.fold summary")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_without_a_script_everything_works(browser: Browser, pages: SchoolPages, address: str) -> None:
    with browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        sign_in(page, address, pages.logins["head"])
        page.click("details.fold summary")
        page.click("details.fold nav a[href='/people/']")
        page.fill("#q", "9999999")
        page.click("form.search button")
        expect(page.locator("#found")).to_contain_text("Эч ким табылган жок")
        page.click("details.account summary")
        page.click("details.account [value=ru]")
        expect(page.locator("h1")).to_have_text("Люди")
        page.click("details.account summary")
        page.click("details.account [value=ky]")
        expect(page.locator("h1")).to_have_text("Адамдар")
