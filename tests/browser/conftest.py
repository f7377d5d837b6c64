"""A page of a real Chromium, and axe-core to look at it.

A test that asks for `page` runs once on a phone and once on a desktop; to run on one of them only:
`@pytest.mark.parametrize("page", ["phone"], indirect=True)`. At the end of a test its page must not have
raised an error, broken its Content-Security-Policy, or asked another machine for anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, sync_playwright

from tests.node.conftest import SchoolPages
from tests.requirements import require_or_skip
from tests.serving import serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORTS = {
    "phone": ViewportSize(width=360, height=640),
    "desktop": ViewportSize(width=1366, height=768),
}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COVERED = """() => {
  const before = scrollY, found = [];
  for (const one of document.querySelectorAll(".rows > li :is(a, button, input, select, textarea, summary)")) {
    if (!one.checkVisibility({visibilityProperty: true}) || one.closest(".seen-by-ear")) continue;
    one.scrollIntoView({block: "center", behavior: "instant"});
    const {left, top, width, height} = one.getBoundingClientRect();
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!one.contains(hit) && one.closest("label") !== hit) found.push(`covered: ${one.outerHTML.slice(0, 90)}`);
  }
  scrollTo({top: before, behavior: "instant"});
  return found;
}"""
"""Links and controls of rows that a mouse does not reach, because something lies above their middle."""
RUN = """runOnly =>
  axe.run(document, {runOnly, resultTypes: ["violations"], iframes: false, preload: false, elementRef: false})"""
SHIFTS = """window.shifts = [];
new PerformanceObserver(list => shifts.push(...list.getEntries())).observe({type: "layout-shift", buffered: true});"""
"""For a context's pages: gathers what moves. To be a phone counts as a touch there, so touches are not left out."""
AXE = Path(__file__).parent / "axe" / "axe.min.js"
DOUBLE_TAP = 410
"""Milliseconds after which a second tap means what it does."""
HERE = {"127.0.0.1", "localhost", "::1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process; every test gets a context (cookies, storage) of its own."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        require_or_skip("Chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(params=list(VIEWPORTS))
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page of a person whose browser speaks Kyrgyz."""
    context = browser.new_context(viewport=VIEWPORTS[request.param], locale="ky-KG")
    context.add_init_script(SHIFTS)
    page = context.new_page()
    complaints = listen(page)
    yield page
    context.close()
    assert complaints == []


@contextmanager
def on_a_phone(browser: Browser) -> Iterator[Page]:
    """An empty page of a phone with a finger before it.

    As at the end of a test that asks for `page`, nothing may have been wrong.
    """
    with browser.new_context(
        viewport=VIEWPORTS["phone"], locale="ky-KG", is_mobile=True, has_touch=True
    ) as context:
        context.add_init_script(SHIFTS)
        page = context.new_page()
        complaints = listen(page)
        yield page
    assert complaints == []


def listen(page: Page) -> list[str]:
    """Gather what the page does wrong, whoever looks."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in HERE:
            complaints.append(f"asked another machine: {request.url}")

    page.on("console", on_console)
    page.on("request", on_request)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


@pytest.fixture(scope="module")
def address(pages: SchoolPages) -> Iterator[str]:
    """Where a generated school is served; who asks for it imports the fixture `pages`, for a school of its own."""
    with serving(pages.app) as found:
        yield found


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """Check a page against WCAG 2.2 AA, or by the rules named: `assert axe(page) == []`.

    A line names rule, element and flaw.
    """
    source = AXE.read_text("utf-8")

    def check(page: Page, rules: Sequence[str] = ()) -> list[str]:
        if not page.evaluate("'axe' in window"):
            # By the browser's tools, so no Content-Security-Policy need allow it; later pages have it from the start.
            page.context.add_init_script(source)
            page.evaluate(source)
        only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": STANDARDS}
        result = page.evaluate(RUN, only)
        return [
            f"{violation['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]

    return check
