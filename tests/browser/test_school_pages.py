"""The school's pages on a phone and on a desktop: accessible, no wider than the screen, whole without a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.node.conftest import PASSWORD, SchoolPages
from tests.node.conftest import pages as pages
from tests.serving import serving


@pytest.fixture(scope="module")
def address(pages: SchoolPages) -> Iterator[str]:
    with serving(pages.app) as found:
        yield found


def sign_in(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{address}/")


def paths(pages: SchoolPages) -> list[str]:
    pupil, class_id = pages.named_pupil, pages.taught
    nameless = pages.one(
        "SELECT person FROM pupil JOIN person p ON p.id = person WHERE p.surname IS NULL LIMIT 1"
    )
    return ["/", "/classes/", f"/classes/{class_id}", "/people/", f"/people/{pupil}", f"/people/{nameless}",
            f"/people/{pages.person('teacher')}", "/results/", f"/results/{class_id}", f"/results/pupil/{pupil}",
            "/dictionary/", "/dictionary/person", "/password", "/nowhere"]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits(
    page: Page, axe: Callable[[Page], list[str]], pages: SchoolPages, address: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}/sign-in")
    flaws = [("/sign-in", flaw) for flaw in axe(page)]
    sign_in(page, address, pages.logins["head"])
    for path in paths(pages):
        page.goto(address + path)
        flaws += [(path, flaw) for flaw in axe(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            flaws.append((path, "wider than the screen"))
    assert flaws == []


def test_search_answers_while_one_types(page: Page, pages: SchoolPages, address: str) -> None:
    sign_in(page, address, pages.logins["head"])
    page.goto(f"{address}/people/")
    page.locator("#q").press_sequentially("№")
    page.locator("#q").press_sequentially("9999999")
    page.get_by_text("Эч ким табылган жок").wait_for()
    expect(page).to_have_url(re.compile("q="))
    assert page.evaluate("localStorage.length") == 0
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
