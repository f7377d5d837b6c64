"""The hub's pages in Chromium: on a phone and on a desktop, accessible, nothing wider than the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from hub import create_app
from hub.directory.actions import School as Entry
from hub.directory.actions import save_school
from hub.schools import add_school, find_or_add_district
from shared.web import LANGUAGE_COOKIE
from sync.writer import writing
from tests.browser.conftest import on_a_phone
from tests.browser.looking import ABSENT, Axe, every_flaw_of
from tests.hub.conftest import two_classes
from tests.serving import serving
from tests.world import a_hub, a_school

NO_PAGE = {
    "statistics.csv": "a file",
    "statistics.xlsx": "a workbook",
    "wire.describe": "for programs",
}
"""Routes that are not visited, and why."""
MORE = (
    "/figures/table?cube=results&show=success&show=quality&rows=school",
    "/figures/table?cube=pupils&show=pupils&rows=class&columns=sex&change=1",
    ABSENT,
)
"""Other faces of the pages."""


@dataclass(frozen=True)
class District:
    """The hub's app, where it is served, and rows for the places in its addresses."""

    app: Flask
    at: str
    rows: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
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
    with hub.read() as connection:
        key = bytes(connection.exec_driver_sql("SELECT signing FROM node").scalar_one()).hex()
    rows = {"<int:school>": str(school.id), "<int:unit>": str(district), "<key>": key}
    app = create_app(hub)
    with serving(app) as url:
        yield District(app, url, rows)
    hub.close()


@pytest.fixture(scope="module")
def address(served: District) -> str:
    return served.at


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


def paths(served: District) -> Iterator[str]:
    """Every page by its address, then the others."""
    for rule in sorted(served.app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" in (rule.methods or ()) and rule.endpoint not in {*NO_PAGE, "ui.static", "signin.sign_in"}:
            path = rule.rule
            for place, row in served.rows.items():
                path = path.replace(place, row)
            assert "<" not in path, f"tell in `served` which row stands for the place in {path}"
            yield path
    yield from MORE


@pytest.mark.parametrize("language", ["ky", "ru"])
def test_every_page_is_accessible_fits_stands_still_and_suits_a_thumb(
    browser: Browser, axe: Axe, served: District, language: str
) -> None:
    found = []
    with on_a_phone(browser) as page:
        page.goto(f"{served.at}/sign-in")
        found += every_flaw_of(page, axe)
        sign_in(page, served.at)
        choose = "button => button.form.requestSubmit(button)"
        page.locator(f"[name=language][value={language}]").first.evaluate(choose)
        page.locator(f"html[lang={language}]").wait_for(state="attached")
        for path in paths(served):
            answer = page.goto(served.at + path)
            assert answer is not None and answer.status == (404 if path == ABSENT else 200), path
            flaws = every_flaw_of(page, axe, dark=language == "ky", wide=True)
            found += [f"{path}: {flaw}" for flaw in flaws]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_what_is_made_once_is_accessible_too(page: Page, axe: Axe, address: str) -> None:
    """The page with a registration code."""
    sign_in(page, address)
    page.goto(address + school_page(page, address))
    page.locator('form[action$="/code"] button').click()
    expect(page.locator(".code")).to_have_text(re.compile(r"^[0-9A-Z-]+[0-9A-Z*~$=U]$"))
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
