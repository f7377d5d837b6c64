"""The sync page in a browser, against a real node and a real hub on loopback."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub import schools
from hub.storage import Hub
from node import create_app
from node.exchange import actions, queries
from node.storage import Node
from shared.i18n import gettext_in
from sync.state import State
from sync.writer import writing
from tests.browser.conftest import VIEWPORTS, listen
from tests.browser.looking import Axe
from tests.serving import Gate, serving, with_duty
from tests.world import a_node, a_school

LANGUAGES = ("ky", "ru", "en")
MANY = 5_000


@pytest.fixture
def node(tmp_path: Path, hub: Hub, hub_address: str) -> Node:
    """A registered school with more changes than one exchange carries."""
    school = a_school(tmp_path / "node", hub, "№ 8 мектеп")
    actions.change_address(school.node, hub_address)
    some = random.Random(8)
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        for _ in range(MANY):
            w.insert("room", name=some.randbytes(20).hex())
    return school.node


@pytest.fixture
def address(node: Node) -> Iterator[str]:
    with serving(create_app(node)) as address:
        yield address


def enter(page: Page, address: str, language: str = "ky", login: str = "admin") -> None:
    """Sign in and go to the sync page in a language."""
    page.goto(f"{address}/sign-in")
    page.locator("#login").fill(login)
    page.locator("#password").fill("secret")
    page.locator("main button").click()
    page.goto(f"{address}/sync/")
    switch = page.locator(f"form.languages button[value={language}]")
    account = page.locator("details.account summary")
    if folded := not switch.first.is_visible():
        account.click()
        switch = page.locator(f".account form.languages button[value={language}]")
    if switch.first.get_attribute("aria-current") != "true":
        switch.first.click()
    elif folded:
        account.click()
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.wait_for_load_state()


def sentence(text: str) -> re.Pattern[str]:
    """A sentence whose places may be filled with anything."""
    return re.compile(re.sub(r"\\\{\w+\\\}", ".*", re.escape(text)))


def figure(page: Page, label: str) -> str:
    return page.locator(".figures div", has=page.locator(f'dt:text-is("{label}")')).locator("dd").inner_text()


@pytest.mark.parametrize(
    ("page", "language"), [*product(["phone"], LANGUAGES), ("desktop", "ky")], indirect=["page"]
)
def test_sync_now_with_live_progress(
    page: Page, address: str, node: Node, gate: Gate, axe: Axe, language: str
) -> None:
    text = gettext_in(language)
    enter(page, address, language)
    expect(page.locator("#sentence")).to_have_text(
        sentence(text("Changes waiting: {waiting}. None has reached the district yet."))
    )
    assert axe(page) == []
    gate.shut()
    page.locator("#state button").click()
    expect(page.locator("#sentence")).to_have_text(text("The exchange with the district is under way."))
    assert figure(page, text("Round trips")) == "0"
    assert figure(page, text("Time left")) == "—"
    assert axe(page) == []
    page.evaluate("window.samePage = true")
    gate.let()
    rounds = page.locator(".figures div", has=page.locator(f'dt:text-is("{text("Round trips")}")')).locator(
        "dd"
    )
    expect(rounds).to_have_text("1")
    sent = float(page.locator("progress").get_attribute("value") or 0)
    assert 0 < sent < float(page.locator("progress").get_attribute("max") or 0)
    assert figure(page, text("Time left")) == "—"
    gate.let()
    expect(rounds).to_have_text("2")
    assert figure(page, text("Time left")) != "—"
    gate.open()
    done = sentence(text("Everything of this school is at the district since {when}."))
    expect(page.locator("#sentence")).to_have_text(done, timeout=30_000)
    expect(page.locator("#said")).to_have_text(done)
    assert page.evaluate("window.samePage") is True
    expect(page.locator("[hx-get$='/state']")).to_have_count(0)
    expect(page.locator(".runs li")).to_have_count(1)
    expect(page.locator(".runs")).to_contain_text(text("Complete: school and district hold the same."))
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with closing(node.connect()) as db:
        assert queries.status(db).waiting == 0


@pytest.mark.parametrize("viewport", list(VIEWPORTS))
def test_without_javascript(browser: Browser, viewport: str, address: str, gate: Gate) -> None:
    context = browser.new_context(viewport=VIEWPORTS[viewport], locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    complaints = listen(page)
    enter(page, address, "en")
    gate.shut()
    page.locator("#state button").click()
    expect(page.locator("#sentence")).to_have_text("The exchange with the district is under way.")
    expect(page.get_by_role("link", name="Show how far it is")).to_be_visible()
    gate.open()
    expect(page.locator("#sentence")).to_have_text(
        re.compile("Everything of this school is at the district since"), timeout=30_000
    )
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)
    context.close()
    assert complaints == []


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_the_hub_goes_away_in_the_middle(page: Page, address: str, node: Node, gate: Gate) -> None:
    enter(page, address, "en")
    with closing(node.connect()) as db:
        State(db).hub_url = "http://127.0.0.1:1"
    page.locator("#state button").click()
    expect(page.locator("#state")).to_contain_text("Look whether the internet works", timeout=30_000)
    expect(page.locator("#sentence")).to_have_text(re.compile("Changes waiting"))


def test_register_in_the_browser(page: Page, tmp_path: Path, hub: Hub, hub_address: str, axe: Axe) -> None:
    node = a_node(tmp_path / "new", "№ 3 мектеп")
    code = schools.registration_code(hub, schools.add_school(hub, "№ 3 мектеп")).text
    with serving(create_app(node)) as address:
        enter(page, address, "en")
        form = page.locator("form[action='/sync/register']")
        form.locator("[name=address]").fill(hub_address)
        form.locator("[name=code]").fill("no code")
        form.locator("button").click()
        expect(page.locator("[role=alert]")).to_have_text(
            "The registration code is mistyped, already used or out of date."
        )
        assert axe(page) == []
        assert form.locator("[name=address]").input_value() == hub_address
        form.locator("[name=code]").fill(code.lower().replace("-", " "))
        form.locator("button").click()
        expect(page.locator("#sentence")).to_have_text(
            re.compile("Everything of this school is at the district since"), timeout=30_000
        )


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_stick_and_backup_are_saved_as_files(page: Page, address: str, node: Node) -> None:
    enter(page, address, "en")
    page.get_by_text("Without internet: carry a stick").click()
    with page.expect_download() as request:
        page.get_by_role("button", name="Save the file for the hub").click()
    assert request.value.suggested_filename.endswith(".request")
    with page.expect_download() as backup:
        page.get_by_role("button", name="Save a backup now").click()
    assert re.fullmatch(r"mektep-\d{4}-\d\d-\d\d\.backup", backup.value.suggested_filename)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_the_head_reads_and_does_not_press(page: Page, address: str, node: Node, axe: Axe) -> None:
    enter(page, address, "en", with_duty(node, "head", "head"))
    expect(page.locator("h1")).to_have_text("Is my school's data safe?")
    assert page.locator("main form").count() == 0
    assert axe(page) == []
