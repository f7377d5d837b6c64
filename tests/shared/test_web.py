"""The base of every page: sessions, form tokens, rights, headers, problems."""

from __future__ import annotations

import datetime
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from shared import crypto, dates, db, i18n, ui, web
from shared.access import Visitor, allow
from shared.db import memory_database
from shared.i18n import N_
from shared.problems import DiskFull, NotSignedIn, Problem, TooManyTries
from shared.ui import Chip, NavItem
from shared.web import Setup, make_app

SECRET = "Айгерим Асанова, 21 мая 2010"
AIDA = Visitor(7, "Айда Асанова", frozenset({"teacher"}), language="ky")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Honolulu", "Asia/Tokyo"])
def test_the_day_and_the_hour_are_the_schools_whatever_zone_the_machine_is_set_to(monkeypatch, zone):
    before = datetime.datetime.now(datetime.UTC)
    try:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        day, minute = web.today(), web.minute_of_day()
    finally:
        monkeypatch.undo()
        time.tzset()
    in_bishkek = before + datetime.timedelta(hours=6)
    told = datetime.datetime.combine(dates.date_of(day), datetime.time(minute // 60, minute % 60))
    assert abs(told - in_bishkek.replace(tzinfo=None)) < datetime.timedelta(minutes=2)


class Store:
    """Sessions in memory."""

    def __init__(self) -> None:
        self.sessions: dict[bytes, int] = {}

    def start(self, token: bytes, account: int) -> None:
        self.sessions[token] = account

    def find(self, token: bytes) -> int | None:
        return self.sessions.get(token)

    def end(self, token: bytes) -> None:
        self.sessions.pop(token, None)

    def end_others(self, token: bytes, account: int) -> None:
        self.sessions = {t: a for t, a in self.sessions.items() if a != account or t == token}


def _areas() -> list[Blueprint]:
    home, door, school = (
        Blueprint("home", __name__),
        Blueprint("signin", __name__),
        Blueprint("school", __name__),
    )
    home.get("/")(allow.signed_in(_named(lambda: "home", "index")))
    door.get("/sign-in")(allow.public(_named(web.form_token, "sign_in")))
    door.post("/sign-in")(allow.public(_named(_enter, "enter")))
    door.post("/sign-out")(allow.public(_named(_leave, "sign_out")))
    door.get("/password")(allow.signed_in(_named(lambda: "choose", "change_password")))
    door.post("/password")(allow.signed_in(_named(_others, "keep_password")))
    school.get("/marks")(allow("teacher", "head")(_named(lambda: "marks", "marks")))
    school.post("/marks")(allow("teacher", "head")(_named(lambda: "saved", "save")))
    school.get("/orders")(allow("head")(_named(lambda: "orders", "orders")))
    school.post("/sync")(allow.machine(_named(lambda: "answer", "sync")))
    school.get("/breaks")(allow.public(_named(_break, "breaks")))
    school.get("/full")(allow.public(_named(_full, "full")))
    school.get("/locked")(allow.public(_named(_locked, "locked")))
    school.get("/wait")(allow.public(_named(_wait, "wait")))
    return [home, door, school]


def _named(view: Callable[[], object], name: str) -> Callable[[], object]:
    named: Callable[[], object] = lambda: view()  # noqa: E731
    named.__name__ = name
    return named


def _enter() -> str:
    web.begin_session(7)
    return web.form_token()


def _leave() -> str:
    web.end_session()
    return "bye"


def _others() -> str:
    web.end_other_sessions()
    return "alone"


def _break() -> str:
    raise ValueError(SECRET)


def _full() -> str:
    raise DiskFull()


def _locked() -> str:
    memory_database().execute("SELECT * FROM nowhere")
    return ""


def _wait() -> str:
    raise TooManyTries(seconds=3)


class House:
    """An app with one account."""

    def __init__(self) -> None:
        self.store = Store()
        self.visitor: Visitor | None = AIDA
        self.languages: list[str] = []
        self.setup = Setup(
            store=self.store,
            identify=lambda account: self.visitor if account == 7 else None,
            door=lambda address: f'the door, then "{address}"',
            roles=frozenset({"teacher", "head"}),
            areas=_areas(),
            brand=lambda: "№8 мектеп",
            navigation=(NavItem("school.marks", N_("Results")), NavItem("school.orders", N_("People"))),
            chip=lambda: Chip("14", "waiting"),
            remember_language=lambda visitor, language: self.languages.append(language),
            words=lambda: {"yes": i18n.gettext("yes")},
        )
        self.app = make_app(__name__, self.setup)

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def signed_in(self) -> tuple[FlaskClient, str]:
        browser = self.browser()
        token = browser.get("/sign-in").text
        return browser, browser.post("/sign-in", data={"form_token": token}).text


@pytest.fixture
def house() -> House:
    return House()


# ---- declarations


def test_a_route_without_rights_makes_no_app(house: House) -> None:
    area = Blueprint("new", __name__)
    area.get("/new")(_named(lambda: "new", "new"))
    with pytest.raises(TypeError, match=r"the route new\.new does not declare who may use it"):
        make_app(__name__, replace(house.setup, areas=[*_areas(), area]))


def test_a_role_that_does_not_exist_makes_no_app(house: House) -> None:
    with pytest.raises(TypeError, match=r"the route school\.marks names unknown roles: teacher"):
        make_app(__name__, replace(house.setup, areas=_areas(), roles=frozenset({"head"})))


def test_allowing_nobody_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="name a role"):
        allow()


# ---- sessions


@pytest.mark.parametrize(("path", "then"), [("/marks?day=3", "/marks?day=3"), ("/", "")])
def test_a_stranger_stands_at_the_door_in_place_of_the_page(house: House, path: str, then: str) -> None:
    answer = house.browser().get(path)
    assert (answer.status_code, answer.text) == (401, f'the door, then "{then}"')
    assert answer.headers["Cache-Control"] == "no-store" and "Location" not in answer.headers
    asked = house.browser().head(path)
    assert (asked.status_code, asked.text, asked.headers["Cache-Control"]) == (401, "", "no-store")


@pytest.mark.parametrize(("path", "door"), [("/marks", "/sign-in?next=/marks"), ("/", "/sign-in")])
def test_a_stranger_who_asks_by_script_is_sent_to_the_door_whole(house: House, path: str, door: str) -> None:
    answer = house.browser().get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.text) == (401, door, "")


def test_a_strangers_form_is_refused_with_a_sentence(house: House) -> None:
    browser = house.browser()
    answer = browser.post("/marks", data={"form_token": browser.get("/sign-in").text})
    assert answer.status_code == 401 and "the door" not in answer.text
    assert NotSignedIn().sentence(i18n.gettext) in answer.text


def test_a_session_opens_what_the_role_may(house: House) -> None:
    browser, _ = house.signed_in()
    assert [browser.get(path).status_code for path in ("/", "/marks", "/orders")] == [200, 200, 403]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    browser = house.browser()
    cookie = browser.get("/sign-in").headers["Set-Cookie"]
    assert re.fullmatch(r"mektep_0=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", cookie)


def test_over_https_the_cookie_is_secure(house: House) -> None:
    answer = house.browser().get("/sign-in", base_url="https://school.example")
    assert "; Secure;" in answer.headers["Set-Cookie"]


def test_two_apps_on_one_machine_keep_their_sessions_apart(house: House) -> None:
    browser = house.browser()
    for port in (8081, 8082):
        browser.get("/sign-in", base_url=f"http://localhost:{port}")
    for port in (8081, 8082):
        assert browser.get_cookie(f"mektep_{port}", domain="localhost") is not None


def test_signing_in_gives_a_new_token(house: House) -> None:
    browser = house.browser()
    token = browser.get("/sign-in").text
    before = browser.get_cookie("mektep_0")
    browser.post("/sign-in", data={"form_token": token})
    after = browser.get_cookie("mektep_0")
    assert before and after and before.value != after.value


def test_the_store_sees_hashes_only(house: House) -> None:
    browser, _ = house.signed_in()
    cookie = browser.get_cookie("mektep_0")
    assert cookie
    token = web._decode(cookie.value)
    assert list(house.store.sessions) == [crypto.digest(b"mektep session", token)]


def test_signing_out_ends_the_session_here_and_there(house: House) -> None:
    browser, token = house.signed_in()
    assert browser.post("/sign-out", data={"form_token": token}).text == "bye"
    assert browser.get_cookie("mektep_0") is None
    assert house.store.sessions == {}


def test_other_sessions_of_the_account_can_be_ended(house: House) -> None:
    elsewhere, _ = house.signed_in()
    browser, token = house.signed_in()
    browser.post("/password", data={"form_token": token})
    assert [b.get("/").status_code for b in (elsewhere, browser)] == [401, 200]


def test_an_account_that_may_not_come_in_any_more_is_out(house: House) -> None:
    browser, _ = house.signed_in()
    house.visitor = None
    assert browser.get("/").status_code == 401


def test_whoever_must_change_the_password_does_nothing_else_first(house: House) -> None:
    browser, _ = house.signed_in()
    house.visitor = replace(AIDA, must_change=True)
    assert browser.get("/marks").headers["Location"] == "/password"
    assert browser.get("/password").text == "choose"


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "й" * 43, "A" * 44, "=" * 43])
def test_a_cookie_of_nonsense_is_a_stranger(house: House, cookie: str) -> None:
    browser = house.browser()
    browser.set_cookie("mektep_0", cookie)
    assert browser.get("/").status_code == 401


# ---- form tokens


@pytest.mark.parametrize("sent", [{}, {"form_token": ""}, {"form_token": "x" * 43}, {"form_token": "ң" * 43}])
def test_a_form_without_its_token_changes_nothing(house: House, sent: dict[str, str]) -> None:
    browser, _ = house.signed_in()
    answer = browser.post("/marks", data=sent)
    assert answer.status_code == 403
    assert "Барак өтө узак ачык турган" in answer.text


def test_a_form_with_its_token_is_taken_from_field_or_header(house: House) -> None:
    browser, token = house.signed_in()
    assert browser.post("/marks", data={"form_token": token}).text == "saved"
    assert browser.post("/marks", headers={"X-Form-Token": token}).text == "saved"


def test_the_token_of_another_visitor_is_worth_nothing(house: House) -> None:
    _, token = house.signed_in()
    browser, _ = house.signed_in()
    assert browser.post("/marks", data={"form_token": token}).status_code == 403


def test_the_token_from_before_signing_in_is_worth_nothing(house: House) -> None:
    browser = house.browser()
    token = browser.get("/sign-in").text
    browser.post("/sign-in", data={"form_token": token})
    assert browser.post("/marks", data={"form_token": token}).status_code == 403


def test_signing_in_itself_needs_a_token(house: House) -> None:
    assert house.browser().post("/sign-in").status_code == 403


def test_a_machine_needs_neither_session_nor_token(house: House) -> None:
    answer = house.browser().post("/sync", data=b"signed")
    assert (answer.text, answer.headers.get("Set-Cookie")) == ("answer", None)


# ---- headers and files


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/breaks", "/static/mektep.css", "/static/nowhere"])
def test_every_answer_is_fenced(house: House, path: str) -> None:
    headers = house.browser().get(path).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_not_kept_by_browsers_and_files_are(house: House) -> None:
    browser = house.browser()
    assert browser.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert browser.get("/static/nowhere").headers["Cache-Control"] == "no-store"
    assert browser.get("/static/mektep.css").headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_page_holds_its_mark_and_asks_for_no_picture(house: House) -> None:
    shown = re.findall(r'<(?:img src|link rel="icon" href)="([^"]+)"', house.browser().get("/full").text)
    assert len(shown) == 2 and set(shown) == {str(ui.mark())}
    head, _, picture = shown[0].partition(",")
    assert head == "data:image/svg+xml" and not re.search(r"[^\w%/:=.,-]", picture)
    assert unquote(picture).encode() == ui.content("mark.svg").replace(b"\n", b"")


def test_the_address_of_a_file_follows_its_content(house: House) -> None:
    with house.app.test_request_context():
        assert re.fullmatch(r"/static/mektep\.css\?v=[0-9a-f]{8}", web.asset("mektep.css"))
        bundle = web.asset("with-lesson.js")
    assert re.fullmatch(r"/static/with-lesson\.js\?v=[0-9a-f]{8}&in=ky", bundle)
    # What scripts say comes with them; in a language that nobody speaks it is the first of those there are.
    told = [house.browser().get(f"/static/with-lesson.js?in={one}").text for one in ("ky", "ru", "xx")]
    assert house.browser().get(bundle).text == told[0] == told[2]
    assert [text.splitlines()[1] for text in told[:2]] == [
        'const WORDS = {"yes": "ооба"};', 'const WORDS = {"yes": "да"};'
    ]  # fmt: skip


# ---- problems


def test_a_problem_is_a_page_in_the_readers_language(house: House) -> None:
    browser = house.browser()
    sentences = {}
    for language in ("ky", "ru", "en"):
        browser.set_cookie("mektep_language", language)
        answer = browser.get("/full")
        assert answer.status_code == 507
        sentences[language] = re.findall("<h1>(.+)</h1>", answer.text)
    assert sentences == {
        "ky": ["Дискте орун калган жок; эч нерсе сакталган жок."],
        "ru": ["Диск заполнен; ничего не сохранено."],
        "en": ["The disk is full; nothing was saved."],
    }


def test_a_program_gets_the_problem_as_json(house: House) -> None:
    answer = house.browser().get("/full", headers={"Accept": "application/json", "Accept-Language": "en"})
    assert answer.json == {
        "error": "disk_full", "sentence": "The disk is full; nothing was saved.", "retry": False
    }  # fmt: skip


def test_a_program_without_a_session_is_told_so(house: House) -> None:
    answer = house.browser().get("/marks", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json and answer.json["error"]) == (401, NotSignedIn.code)


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/sync", 405, "bad_request"),
        ("GET", "/wait", 429, "too_many_tries"),
    ],
)
def test_refusals_of_the_framework_are_ours(
    house: House, method: str, path: str, status: int, error: str
) -> None:
    answer = house.browser().open(path, method=method, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json and answer.json["error"]) == (status, error)


def test_a_form_that_is_too_large_is_refused(house: House) -> None:
    browser, token = house.signed_in()
    answer = browser.post("/marks", data={"form_token": token, "x": "x" * web.LARGEST_FORM})
    assert (answer.status_code, "уруксат берилгенден чоң" in answer.text) == (413, True)


def test_the_unforeseen_gets_a_number_and_no_secret_is_told_or_logged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "mektep.web"):
        answer = house.browser().get("/breaks")
    number = re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}", answer.text)
    assert answer.status_code == 500 and number
    assert SECRET not in answer.text and "ValueError" not in answer.text and "Traceback" not in answer.text
    assert f"incident {number[0]}: ValueError at school.breaks: test_web.py:" in caplog.text
    assert SECRET not in caplog.text


def test_an_error_of_the_database_driver_is_handled_too(house: House) -> None:
    answer = house.browser().get("/locked", headers={"Accept": "application/json"})
    assert answer.status_code == 500 and answer.json
    assert "nowhere" not in json.dumps(answer.json)


def test_a_busy_database_is_a_sentence(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        @staticmethod
        def execute(sql: str) -> None:
            raise db.DRIVER.OperationalError("database is locked")

    monkeypatch.setattr("tests.shared.test_web.memory_database", Busy)
    answer = house.browser().get("/locked", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json and answer.json["error"]) == (503, "database_busy")


def test_when_the_first_page_breaks_its_apology_does_not(house: House) -> None:
    def broken() -> str:
        raise Problem()

    app: Flask = make_app(__name__, replace(house.setup, areas=_areas(), brand=broken))
    answer = app.test_client().get("/breaks")
    assert answer.status_code == 500 and "<h1>" in answer.text


# ---- languages


@pytest.mark.parametrize(
    ("account", "cookie", "accepted", "chosen"),
    [
        ("ru", "en", "ky", "ru"),
        (None, "en", "ky", "en"),
        (None, None, "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        (None, None, "de,fr", "ky"),
        (None, "xx", "en", "en"),
        ("xx", None, "", "ky"),
    ],
)
def test_the_language_is_the_accounts_then_the_cookies_then_the_browsers(
    house: House, account: str | None, cookie: str | None, accepted: str, chosen: str
) -> None:
    house.visitor = replace(AIDA, language=account)
    browser, _ = house.signed_in()
    if cookie:
        browser.set_cookie("mektep_language", cookie)
    answer = browser.get("/orders", headers={"Accept-Language": accepted})
    assert f'<html lang="{chosen}">' in answer.text


def test_choosing_a_language_is_kept_with_account_and_browser(house: House) -> None:
    browser, token = house.signed_in()
    answer = browser.post("/language", data={"form_token": token, "language": "ru", "next": "/marks?day=3"})
    assert (answer.status_code, answer.headers["Location"], house.languages) == (302, "/marks?day=3", ["ru"])
    cookie = browser.get_cookie("mektep_language")
    assert cookie and cookie.value == "ru"


def test_a_language_that_is_not_spoken_here_is_refused(house: House) -> None:
    browser, token = house.signed_in()
    answer = browser.post("/language", data={"form_token": token, "language": "xx"})
    assert (answer.status_code, house.languages) == (400, [])


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", "/\n/evil.example", None],
)
def test_a_redirect_stays_in_the_house(house: House, address: str | None) -> None:
    with house.app.test_request_context():
        assert web.safe_next(address) == "/"


# ---- the frame of a page


def test_the_frame_shows_where_one_may_go_and_how_the_connection_is(house: House) -> None:
    browser, _ = house.signed_in()
    page = browser.get("/orders").text
    assert 'href="/marks"' in page and 'href="/orders"' not in page
    assert '<span class="chip waiting" title="14">' in page
    assert "№8 мектеп" in page and ">АА<" in page


def test_a_strangers_page_shows_the_languages_alone(house: House) -> None:
    page = house.browser().get("/nowhere").text
    assert 'name="language"' in page and "chip" not in page and 'href="/marks"' not in page
