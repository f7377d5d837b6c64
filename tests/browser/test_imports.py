"""Lists and rosters imported in a real browser, on a phone and on a desktop: trial run, errors, the whole, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.looking import Axe, flaws_of, sign_in
from tests.node.conftest import SchoolPages
from tests.node.test_importing_pages import BAD, GOOD, HEAD
from tests.node.test_journal import a_school
from tests.node.test_oneroster_intake import another
from tests.serving import serving


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("imports"))


@pytest.fixture(scope="module")
def address(school: SchoolPages) -> Iterator[str]:
    with serving(school.app) as found:
        yield found


def give(page: Page, there: str, path: Path) -> None:
    page.goto(there)
    page.set_input_files("#file", str(path))
    page.click("main form[enctype] button")
    page.wait_for_selector("[name=mode]")
    page.wait_for_load_state()


def roster(folder: Path, flawed: bool) -> Path:
    made = another()
    if flawed:
        made.files["demographics"][0]["birthDate"] = "x"
    path = folder / f"roster-{flawed}.zip"
    path.write_bytes(made.content())
    return path


def staff(folder: Path, flawed: bool) -> Path:
    path = folder / f"staff-{flawed}.csv"
    text = (HEAD + GOOD + BAD).replace("\n", ";Улуту\n") if flawed else HEAD + GOOD
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("start", "made"), [("/import/staff", staff), ("/oneroster/in", roster)])
def test_each_step_is_accessible_and_what_came_in_is_undone(
    page: Page,
    axe: Axe,
    school: SchoolPages,
    address: str,
    tmp_path: Path,
    start: str,
    made: Callable[[Path, bool], Path],
) -> None:
    people = "SELECT count(*) FROM person WHERE retired_at IS NULL"
    before = school.one(people)
    sign_in(page, address, school.logins["secretary"])
    found = []
    give(page, address + start, made(tmp_path, True))
    assert page.locator("main tbody tr").count() > 0
    found += flaws_of(page, axe)
    with page.expect_download() as download:
        page.click("main button[value=faults]")
    assert download.value.suggested_filename.endswith("-errors.xlsx")
    give(page, address + start, made(tmp_path, False))
    found += flaws_of(page, axe)
    assert school.one(people) == before
    page.click("main button[value=all]")
    page.wait_for_selector("main a[href^='/import/undo/']")
    page.wait_for_load_state()
    assert school.one(people) > before
    found += flaws_of(page, axe)
    page.click("main a[href^='/import/undo/']")
    page.wait_for_url("**/import/undo/*")
    found += flaws_of(page, axe)
    page.click("form[action^='/import/undo/'] button")
    page.wait_for_selector(".notice.good")
    assert school.one(people) == before
    found += flaws_of(page, axe)
    page.goto(f"{address}/import/")
    page.locator("main a[href^='/import/redo/']").first.click()
    page.wait_for_url("**/import/redo/*")
    found += flaws_of(page, axe)
    assert found == []
