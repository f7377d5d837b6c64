"""Search, menu and language on a phone and on a desktop, and all of them without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import sign_in
from tests.node.conftest import SchoolPages
from tests.node.conftest import pages as pages


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
