"""The office on a phone and on a desktop: orders, tasks, accounts; a shared computer that locks itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from node.signin import local
from shared import crypto
from tests.browser.looking import Axe, flaws_of, sign_in
from tests.node.conftest import SchoolPages
from tests.node.conftest import pages as pages

PIN = "4826"


def test_an_order_is_written_signed_and_gives_a_duty(page: Page, pages: SchoolPages, address: str) -> None:
    number = f"{page.viewport_size['width']}-к" if page.viewport_size else ""
    sign_in(page, address, pages.logins["head"])
    page.goto(f"{address}/orders/new?series=staff")
    page.fill("#number", number)
    page.fill("#title", "Китепканачыны дайындоо жөнүндө")
    page.fill("#text", "Дайындалсын.")
    page.click("main form.card button")
    page.wait_for_url(f"{address}/orders/*")
    page.click("main form[action$='/sign'] button")
    page.select_option("#duty", "librarian")
    person = str(pages.person("secretary"))
    page.check(f"form[action$='/give'] input[value='{person}']")
    page.fill("#start", "2030-01-01" if number.startswith("360") else "2020-01-01")
    with page.expect_navigation():
        page.click("main form[action$='/give'] button")
    held = "SELECT count(*) FROM appointment WHERE person = ? AND duty = 'librarian'"
    if number.startswith("360"):
        assert page.locator("article.paper table tbody tr").count() == 1
    assert pages.one(held, int(person)) == 1
    page.emulate_media(media="print")
    assert not page.locator("form[action$='/give']").is_visible()
    assert page.locator("article.paper").is_visible()


def test_a_shared_computer_locks_itself_and_opens_by_pin(
    page: Page, axe: Axe, pages: SchoolPages, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PIN_COST", crypto.Cost(2))
    page.clock.install()
    sign_in(page, address, pages.logins["teacher"])
    page.goto(f"{address}/account/")
    page.fill("#pin", PIN)
    page.fill("#again", PIN)
    page.click("form[action$='/pin'] button")
    page.wait_for_url("**/account/?done=pin")
    page.goto(f"{address}/tasks/")
    page.clock.fast_forward("05:00")
    assert page.url == f"{address}/tasks/"
    page.clock.fast_forward("11:00")
    page.wait_for_url("**/sign-in?**")
    assert page.inner_text("h1") == "Кулпуланган"
    assert flaws_of(page, axe, dark=True) == []
    page.fill("#pin", "9153")
    page.keyboard.press("Enter")
    page.locator(".notice.bad").wait_for()
    page.fill("#pin", PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/tasks/")
    page.click("details.account summary")
    page.click("#lock button")
    page.wait_for_url("**/sign-in?**")
    answer = page.goto(f"{address}/tasks/")
    assert answer is not None and answer.status == 401 and page.url == f"{address}/tasks/"
    assert page.locator("details.account").count() == 0
    page.click("main .rows a")
    page.fill("#pin", PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/tasks/")
    page.locator("details.account").wait_for()
