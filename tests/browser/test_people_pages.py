"""Recording people, consents, duplicates and own data on a phone and on a desktop: accessible and no wider."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.test_school_pages import address as address
from tests.browser.test_school_pages import sign_in
from tests.node.conftest import SchoolPages
from tests.node.conftest import pages as pages


def test_pages_of_people_and_consents_are_accessible_and_fit(
    page: Page, axe: Callable[[Page], list[str]], pages: SchoolPages, address: str
) -> None:
    pupil, teacher = pages.named_pupil, pages.person("teacher")
    sign_in(page, address, pages.logins["secretary"])
    flaws: list[tuple[str, str]] = []
    for path in (
        f"/people/{pupil}", f"/people/{pupil}/edit", f"/people/{pupil}/guardians", "/people/staff/new",
        f"/people/{teacher}/staff", "/consents/", f"/consents/{pupil}", f"/consents/{pupil}/new",
        f"/consents/{pupil}/form", f"/consents/{pupil}/form?kind=withdrawal", f"/own-data/{pupil}",
        "/own-data/requests", "/own-data/", "/duplicates/",
    ):  # fmt: skip
        answer = page.goto(address + path)
        if answer is None or answer.status != 200:
            flaws.append((path, "did not open"))
        flaws += [(path, flaw) for flaw in axe(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            flaws.append((path, "wider than the screen"))
    assert flaws == []
