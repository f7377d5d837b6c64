"""The hub's pages in Chromium: on a phone and on a desktop, accessible, nothing wider than the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub import create_app
from hub.directory.actions import School as Entry
from hub.directory.actions import save_school
from hub.schools import add_school, find_or_add_district
from shared.web import LANGUAGE_COOKIE
from sync.writer import writing
from tests.browser.looking import Axe
from tests.hub.conftest import two_classes
from tests.serving import serving
from tests.world import a_hub, a_school

PAGES = (
    "/",
    "/figures/",
    "/figures/table?cube=results&show=success&show=quality&rows=school",
    "/figures/table?cube=pupils&show=pupils&rows=class&columns=sex&change=1",
    "/schools/{school}",
    "/schools/{school}/edit",
    "/schools/new",
    "/districts/new",
    "/accounts/",
    "/accounts/new",
    "/password",
    "/nowhere",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub with one school that synced and one that is not registered yet."""
    home = tmp_path_factory.mktemp("district")
    hub = a_hub(home / "hub")
    school = a_school(home / "school", hub, "School 8")
    name = "№ 8 Калыс Жакыпов атындагы орто мектеп"
    district = find_or_add_district(hub, "Сузак")
    save_school(
        hub, Entry(dict.fromkeys(("name_ky", "name_ru", "name_en"), name), 8, None, district), school.id
    )
    add_school(hub, "№ 23 Ак-Тилек", 23, district)
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        two_classes(w)
    assert school.sync().outcome == "done"
    with serving(create_app(hub)) as url:
        yield url
    hub.close()


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("#login", "district")
    page.fill("#password", "secret")
    page.locator("main button.first").click()
    page.wait_for_url(f"{address}/")


def school_page(page: Page, address: str) -> str:
    """The address of the school that synced."""
    page.goto(address)
    return str(page.get_by_role("link", name="№ 8").get_attribute("href"))


@pytest.mark.parametrize("language", ["ky", "ru"])
def test_every_page_is_accessible_and_fits(page: Page, axe: Axe, address: str, language: str) -> None:
    page.goto(f"{address}/sign-in")
    assert axe(page) == []
    sign_in(page, address)
    choose = "button => button.form.requestSubmit(button)"
    page.locator(f"[name=language][value={language}]").first.evaluate(choose)
    page.locator(f"html[lang={language}]").wait_for(state="attached")
    school = school_page(page, address).rpartition("/")[2]
    for path in PAGES:
        page.goto(address + path.format(school=school))
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_what_is_made_once_is_accessible_too(page: Page, axe: Axe, address: str) -> None:
    """The page with a registration code, the question before a node is revoked."""
    sign_in(page, address)
    page.goto(address + school_page(page, address))
    revoke = page.locator("a.danger").get_attribute("href")
    page.locator('form[action$="/code"] button').click()
    expect(page.locator(".code")).to_have_text(re.compile(r"^[0-9A-Z-]+[0-9A-Z*~$=U]$"))
    assert axe(page) == []
    page.goto(f"{address}{revoke}")
    assert axe(page) == []


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_choice_changes_the_table_in_place(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/figures/table?cube=pupils&show=pupils&rows=class&change=1")
    page.evaluate("window.stillHere = true")
    expect(page.locator("#result table td")).to_have_text(["21", "9", "30"])
    page.select_option("#columns-1", "sex")
    expect(page.locator("#result tfoot td")).to_have_text(["14", "16", "30"])
    expect(page.locator("#result tbody td.hidden-figure")).to_have_count(4)
    assert page.evaluate("window.stillHere") and "columns=sex" in page.url
    page.reload()
    expect(page.locator("#result tfoot td")).to_have_text(["14", "16", "30"])


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_one_goes_down_to_the_class_by_links(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/figures/table?cube=results&show=assessed&rows=district")
    for name in ("Сузак", "№ 8 Калыс Жакыпов атындагы орто мектеп", "7-А"):
        page.get_by_role("rowheader", name=name).get_by_role("link").click()
    expect(page.locator("#result tfoot td")).to_have_text(["21"])
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text("utf-8-sig").splitlines()[-1].endswith(",21")


def test_everything_works_without_a_script(browser: Browser, address: str) -> None:
    with browser.new_context(java_script_enabled=False, locale="ky-KG") as context:
        page = context.new_page()
        sign_in(page, address)
        page.goto(f"{address}/figures/table?cube=pupils&show=pupils&rows=class&change=1")
        page.select_option("#columns-1", "sex")
        page.locator("form .without-script").click()
        expect(page.locator("#result tfoot td")).to_have_text(["14", "16", "30"])


def test_the_language_of_the_browser_is_spoken_first(browser: Browser, address: str) -> None:
    with browser.new_context(locale="ru-RU") as context:
        page = context.new_page()
        page.goto(f"{address}/sign-in")
        assert page.locator("html").get_attribute("lang") == "ru"
        page.locator("main").wait_for()
        assert LANGUAGE_COOKIE not in {cookie["name"] for cookie in context.cookies()}
