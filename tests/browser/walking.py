"""People at work in browsers of their own, every page they come to looked at: accessible, as wide as the screen."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, ViewportSize

from tests.browser.conftest import COVERED, VIEWPORTS, listen

PICTURES = os.environ.get("MEKTEP_WALK", "")
"""A folder for a picture of every page that is walked to; for people's eyes, no test needs them."""
PATIENCE = 10_000
"""Milliseconds that anything may take before it counts as not coming."""
KINDS = """() => {
  const kind = one => `${one.tagName}.${one.className}[${[...one.attributes].map(({name}) => name)}]`;
  const says = one => [...one.childNodes].some(child => child.nodeType === 3 && child.data.trim());
  const told = one => `${kind(one.parentNode)}>${kind(one)}${says(one)}`;
  return [...new Set([...document.body.querySelectorAll("*")].map(told))];
}"""
"""What elements a page is made of: tag, class, attributes, parent, and whether there is text in it."""
PHONE = VIEWPORTS["phone"]


class Walker:
    """Someone with a browser, who goes where pages lead: by the menu, by links and by buttons."""

    def __init__(
        self,
        browser: Browser,
        viewport: ViewportSize,
        at: str,
        axe: Callable[[Page], list[str]],
        looked_at: dict[str, set[str]],
        label: str,
        script: bool = True,
    ) -> None:
        """``looked_at``: what axe has seen, by address; ``label`` names the pictures. axe needs the script."""
        phone = viewport == PHONE
        self.context = browser.new_context(
            viewport=viewport, locale="ky-KG", has_touch=phone, is_mobile=phone, java_script_enabled=script
        )
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.complaints = listen(self.page)
        self.page.on("console", self._on_console)
        self.page.on("response", self._on_response)
        self.at, self.label = at, label
        self.visited = 0
        self._axe, self._looked_at = axe, looked_at
        self.phone, self._script = phone, script
        self._refusals = 0

    def _on_console(self, message: ConsoleMessage) -> None:
        # The browser reports an answer that refuses a form as well; those are counted by `refused`.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._refusals += 1
            if response.status >= 500:
                self.complaints.append(f"{response.status} {response.url}")

    # ---- going somewhere

    def sign_in(self, login: str, password: str) -> None:
        """From the first page on."""
        self.go("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", password)
        self.press("main button")

    def go(self, path: str) -> None:
        """As by an address someone was sent."""
        answer = self.page.goto(self.at + path)
        assert answer is not None and answer.status == 200, path
        self.look(opened=True)

    def menu(self, path: str) -> None:
        """Choose from the menu, which a phone folds away."""
        if self.phone:
            self.page.click("details.fold summary")
        with self.page.expect_navigation():
            self.page.click(f"nav a[href='{path}']:visible")
        self.look(opened=True)

    def follow(self, link: str | Locator) -> None:
        """Follow a link; a text is a selector in the page's own part."""
        with self.page.expect_navigation():
            (self.page.locator(f"main {link}") if isinstance(link, str) else link).first.click()
        self.look(opened=True)

    def press(self, button: str | Locator) -> None:
        """Send a form that is to be taken."""
        before = self._refusals
        with self.page.expect_navigation():
            (self.page.locator(button) if isinstance(button, str) else button).click()
        self.look()
        assert self._refusals == before, self.page.locator("main").inner_text()

    def refused(self, button: str | Locator, sentence: str) -> None:
        """Send a form that is to be refused with a sentence."""
        with self.page.expect_navigation():
            (self.page.locator(button) if isinstance(button, str) else button).click()
        self.look()
        assert sentence in self.page.inner_text("main [role=alert]")

    def fill(self, **values: str) -> None:
        """Fields by their ids: text, dates, and choices by what they say."""
        for name, value in values.items():
            field = self.page.locator(f"#{name.replace('__', '-')}")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(label=value)
            else:
                field.fill(value)

    def reads(self, *texts: str) -> None:
        """What the page says."""
        shown = re.sub(r"\s+", " ", self.page.inner_text("main"))
        for text in texts:
            assert text in shown, (text, shown)

    def sheets(self) -> int:
        """How many sheets of A4 the page takes when it is printed."""
        paper = self.page.pdf(format="A4")
        return len(re.findall(rb"/Type\s*/Page\b", paper))

    # ---- what every page must be

    def look(self, opened: bool = False) -> None:
        """Complain of the page that is shown; ``opened`` tells that it was come to by its address.

        So opened, `tests.browser.test_every_page` looks at it with full books: here it is looked at as it begins, on a
        phone.
        """
        self.page.wait_for_load_state()
        path = urlsplit(self.page.url).path
        self.visited += 1
        if PICTURES:
            name = f"{self.visited:02}{path.replace('/', '-')}.png"
            folder = Path(PICTURES) / ("phone" if self.phone else "desktop") / self.label
            self.page.screenshot(path=folder / name, full_page=True)
        if self._script and (self.phone or not opened) and self._is_new(path):
            self.complaints += [
                f"{path}: {flaw}" for flaw in self._axe(self.page) + self.page.evaluate(COVERED)
            ]
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.complaints.append(f"{path}: wider than the screen")

    def _is_new(self, path: str) -> bool:
        """Is there an element of a kind that no page at such an address had when axe looked at it?"""
        known = self._looked_at.setdefault(re.sub(r"\d+", "N", path), set())
        new = set(self.page.evaluate(KINDS)) - known
        known |= new
        return bool(new)

    def leave(self) -> None:
        """Close the browser; nothing may have been wrong on the way."""
        self.context.close()
        assert self.complaints == [], self.complaints
