"""What every page must be, whoever comes to it: it opens, is accessible and no wider than the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from playwright.sync_api import Page

from tests.browser.conftest import COVERED
from tests.node.conftest import PASSWORD

Axe = Callable[..., list[str]]
"""The fixture `axe`."""
ABSENT = "/nowhere"
"""The address of no page; it is answered by one that says so."""
CONTRAST = ("color-contrast",)


def sign_in(page: Page, at: str, login: str, password: str = PASSWORD) -> None:
    page.goto(f"{at}/sign-in")
    page.fill("#login", login)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url(f"{at}/")


def flaws_of(page: Page, axe: Axe, dark: bool = False, unfold: bool = True) -> list[str]:
    """What is wrong with the page that is shown, with ``unfold`` all that is folded being open.

    With ``dark`` in the dark colours, too: there only contrasts can differ.
    """
    if unfold:
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
    found = axe(page) + page.evaluate(COVERED)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    if dark:
        page.emulate_media(color_scheme="dark")
        found += [f"dark: {flaw}" for flaw in axe(page, CONTRAST)]
        page.emulate_media(color_scheme="light")
    return found


def flaws_at(
    page: Page, axe: Axe, at: str, paths: Iterable[str], dark: bool = False, unfold: bool = True
) -> list[tuple[str, str]]:
    """The flaws of pages, each with its path."""
    found = []
    for path in paths:
        answer = page.goto(at + path)
        assert answer is not None and answer.status == (404 if path == ABSENT else 200), path
        found += [(path, flaw) for flaw in flaws_of(page, axe, dark, unfold)]
    return found
