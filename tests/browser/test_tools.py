"""The browser's fixtures see what they are there to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import listen, on_a_phone
from tests.browser.looking import TARGETS, shift_of

GOOD = "<!doctype html><html lang=ky><title>Мектеп</title><main><h1>Мектеп</h1><p>Үй</p></main></html>"
OUTSIDE = "http://192.0.2.1/"
WRONG = f"<!doctype html><html lang=ky><script>1</script><img alt='' src='{OUTSIDE}'></html>"
BAD = "<!doctype html><html><title>Мектеп</title><main><img src='/good'></main></html>"
CLUMSY = """<!doctype html><html lang=ky><title>Мектеп</title>
<meta name=viewport content='width=device-width'><main><h1>Мектеп</h1>
<p>Бул <a href=/good>сүйлөмдө</a> шилтеме бар.</p><p><a id=small href=/good>Кыска</a></p>
<p><label><input type=checkbox id=box> Белги</label></p><p><button id=large>Чоң</button></p></main>
<script src=/script></script></html>"""
STYLED = """document.adoptedStyleSheets = [new CSSStyleSheet()];
document.adoptedStyleSheets[0].replaceSync(`label, #large { display: block; min-height: 44px; min-width: 44px }`);"""
MOVING = """setTimeout(() => { document.querySelector("h1").style.marginTop = "200px" }, 50);"""
PAGES = {
    "/good": GOOD, "/bad": BAD, "/wrong": WRONG, "/clumsy": CLUMSY, "/script": STYLED,
    "/moving": CLUMSY.replace("=/script", "=/move"), "/move": STYLED + MOVING,
}  # fmt: skip


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    path = environ["PATH_INFO"]
    kind = "text/javascript" if path in ("/script", "/move") else "text/html"
    policy = ("Content-Security-Policy", "default-src 'none'; img-src 'self'; script-src 'self'")
    start_response("200 OK", [("Content-Type", f"{kind}; charset=utf-8"), policy])
    return [PAGES.get(path, GOOD).encode()]


@pytest.fixture
def address() -> Iterator[str]:
    with make_server("127.0.0.1", 0, _answer, handler_class=Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_good_page_has_no_flaws(page: Page, axe: Callable[[Page], list[str]], address: str) -> None:
    page.goto(f"{address}/good")
    assert page.text_content("p") == "Үй"
    assert axe(page) == []


def test_flaws_are_named_under_a_strict_policy(
    page: Page, axe: Callable[[Page], list[str]], address: str
) -> None:
    page.goto(f"{address}/bad")
    assert {line.split()[0] for line in axe(page)} == {"html-has-lang", "image-alt"}


def test_what_is_small_for_a_thumb_and_what_moves_is_told(browser: Browser, address: str) -> None:
    with on_a_phone(browser) as page:
        page.goto(f"{address}/clumsy")
        assert [line.rpartition(" ")[2] for line in page.evaluate(TARGETS)] == ["Кыска"]
        assert shift_of(page) == []
        page.goto(f"{address}/moving")
        page.wait_for_timeout(200)
        (moved,) = shift_of(page)
        assert "<h1" in moved


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_the_phone_is_narrow(page: Page) -> None:
    assert page.evaluate("[innerWidth, innerHeight, navigator.language]") == [360, 640, "ky-KG"]


def test_a_page_that_breaks_its_policy_is_noticed(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        complaints = listen(page)
        page.goto(f"{address}/wrong")
        page.wait_for_load_state()
        said = "\n".join(complaints)
        assert "inline script" in said
        assert f"asked another machine: {OUTSIDE}" in said
