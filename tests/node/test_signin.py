"""The door: PINs of a shared computer, locking, one-time codes, signing out everywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from node.signin import actions, local
from shared import auth, crypto
from sync.clock import now_ms
from sync.state import State
from sync.writer import writing
from tests.node.conftest import PASSWORD, Client, SchoolPages

PIN = "4826"
RECOVERY = re.compile(r'<code class="code">([a-z-]+)</code>')
KEY = re.compile(r'name="key" value="([A-Z2-7]+)"')
TICKET = re.compile(r'name="ticket" value="([0-9a-f]+)"')
MINUTE_MS = 60_000


@pytest.fixture
def school(empty_school: SchoolPages, monkeypatch: pytest.MonkeyPatch) -> Iterator[SchoolPages]:
    monkeypatch.setattr(local, "PIN_COST", crypto.Cost(2))
    yield empty_school


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clock of sessions, PINs and codes; its one number may be moved on."""
    now = [now_ms()]
    for module in ("node.sessions", "node.signin.local"):
        monkeypatch.setattr(f"{module}.now_ms", lambda: now[0])
    return now


def colleague(school: SchoolPages, login: str = "aida") -> int:
    with closing(school.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        person = w.insert("person", sex="f")
        w.insert("appointment", person=person, duty="teacher", start=0)
        stored = db.execute("SELECT password FROM account").fetchone()[0]
        return w.insert("account", person=person, login=login, password=stored, language="ky")


def with_pin(school: SchoolPages, client: Client, login: str, pin: str = PIN) -> int:
    client.get("/sign-in")
    assert client.post("/sign-in", login=login, password=PASSWORD)[0] == 302
    client.get("/account/")
    assert client.post("/account/pin", pin=pin, again=pin) == (302, "/account/?done=pin")
    client.get("/account/")
    return school.one("SELECT id FROM account WHERE login = ?", login)


def leave(client: Client, by: str, **form: str) -> tuple[int, str]:
    client.get("/account/")
    return client.post(by, **form)


def by_pin(client: Client, account: int, pin: str = PIN, **more: str) -> tuple[int, str]:
    client.get("/sign-in")
    return client.post("/sign-in/pin", account=str(account), pin=pin, **more)


# ---- PINs


@pytest.mark.parametrize("pin", ["", "12", "1111", "1234", "98765", "12a4", "123456789", "٤٨٢٦"])
def test_a_pin_is_four_digits_or_more_and_no_row_of_them(pin: str) -> None:
    assert not local.acceptable_pin(pin)
    assert local.acceptable_pin(PIN)


def test_two_colleagues_switch_by_pin_on_one_computer(school: SchoolPages) -> None:
    colleague(school)
    client = school.stranger()
    first = with_pin(school, client, "admin")
    leave(client, "/lock", next="/account/")
    second = with_pin(school, client, "aida", "5937")
    status, there = leave(client, "/lock", next="/account/")
    assert status == 302 and f"who={second}" in there
    number = school.one("SELECT person FROM account WHERE login = 'admin'") & 0xFFFFFFFF
    page = client.get(there)[1]
    assert f"№ {number}" in page and 'name="pin"' in page and "admin" not in page, (
        "no name, and never the login"
    )
    assert by_pin(client, second, "5937", next="/account/", was=str(second)) == (302, "/account/")
    leave(client, "/lock", next="/account/")
    assert by_pin(client, first, PIN, next="/account/", was=str(second)) == (302, "/")
    assert client.get("/")[0] == 200


def test_a_pin_works_on_its_computer_only(school: SchoolPages) -> None:
    client = school.stranger()
    account = with_pin(school, client, "admin")
    elsewhere = school.stranger()
    assert 'name="pin"' not in elsewhere.get(f"/sign-in?who={account}")[1]
    assert by_pin(elsewhere, account)[0] == 401


def test_after_five_wrong_tries_the_password_opens_and_makes_the_pin_good_again(school: SchoolPages) -> None:
    client = school.stranger()
    account = with_pin(school, client, "admin")
    leave(client, "/sign-out")
    for _ in range(local.PIN_TRIES):
        assert by_pin(client, account, "9153")[0] == 401
    assert by_pin(client, account, PIN)[0] == 401
    assert client.post("/sign-in", login="admin", password=PASSWORD)[0] == 302
    leave(client, "/sign-out")
    assert by_pin(client, account, PIN)[0] == 302


def test_a_wrong_pin_says_what_was_wrong_and_what_is_left(school: SchoolPages) -> None:
    client = school.stranger()
    account = with_pin(school, client, "admin")
    leave(client, "/sign-out")
    said = [by_pin(client, account, "9153")[1] for _ in range(local.PIN_TRIES)]
    assert [str(left) in one for left, one in zip((4, 3, 2, 1), said, strict=False)] == [True] * 4
    assert all("PIN" in one and "сырсөз туура эмес" not in one for one in said)


def test_a_language_chosen_at_the_door_is_the_accounts_from_then_on(school: SchoolPages) -> None:
    colleague(school)
    client = school.stranger()
    client.get("/sign-in")
    client.post("/language", language="ru", next="/sign-in")
    client.post("/sign-in", login="admin", password=PASSWORD, next="/")
    assert 'lang="ru"' in client.get("/")[1]
    assert 'lang="ru"' in school.sign_in("admin").get("/")[1]
    # Another who signs in here afterwards did not choose it.
    leave(client, "/sign-out")
    client.get("/sign-in")
    client.post("/sign-in", login="aida", password=PASSWORD, next="/")
    assert school.one("SELECT language = 'ky' FROM account WHERE login = 'aida'")


def test_a_right_pin_forgives_the_wrong_ones(school: SchoolPages) -> None:
    client = school.stranger()
    account = with_pin(school, client, "admin")
    for _ in range(2):
        leave(client, "/sign-out")
        for _ in range(local.PIN_TRIES - 1):
            assert by_pin(client, account, "9153")[0] == 401
        assert by_pin(client, account)[0] == 302


def test_a_pin_dies_with_the_account_a_sign_out_everywhere_and_time(
    school: SchoolPages, clock: list[int]
) -> None:
    client = school.stranger()
    account = with_pin(school, client, "admin")
    leave(client, "/sign-out")
    clock[0] += (local.PIN_DAYS + 1) * 86_400_000
    assert by_pin(client, account)[0] == 401
    assert client.post("/sign-in", login="admin", password=PASSWORD)[0] == 302
    leave(client, "/sign-out")
    assert by_pin(client, account)[0] == 302
    with closing(school.node.connect()) as db, writing(db, account) as w:
        w.update("account", account, signed_out_at=clock[0] + 1)
    assert client.http.get("/").status_code == 401
    assert by_pin(client, account)[0] == 401


def test_who_came_by_pin_sets_none(school: SchoolPages) -> None:
    client = school.stranger()
    account = with_pin(school, client, "admin")
    leave(client, "/sign-out")
    assert by_pin(client, account)[0] == 302
    client.get("/account/")
    assert client.post("/account/pin", pin="7418", again="7418")[0] == 403


def test_the_database_holds_neither_pin_nor_cookie(school: SchoolPages) -> None:
    client = school.stranger()
    with_pin(school, client, "admin")
    cookie = client.http.get_cookie("mektep_device_0")
    assert cookie is not None
    with closing(school.node.connect()) as db:
        device, pin = db.execute("SELECT device, pin FROM device_pin").fetchone()
    assert device.hex() not in cookie.value and cookie.value not in device.hex()
    assert pin.startswith("scrypt$") and PIN not in pin.rpartition("$")[0][:20]


# ---- locking


def test_a_shared_computer_locks_itself_and_a_private_one_does_not(
    school: SchoolPages, clock: list[int]
) -> None:
    shared, private = school.stranger(), school.sign_in("admin")
    with_pin(school, shared, "admin")
    assert 'data-minutes="10"' in shared.get("/")[1] and "data-minutes" not in private.get("/")[1]
    clock[0] += 9 * MINUTE_MS
    assert shared.http.get("/").status_code == 200
    clock[0] += 9 * MINUTE_MS
    assert shared.http.get("/").status_code == 200
    clock[0] += 11 * MINUTE_MS
    assert shared.http.get("/").status_code == 401
    assert private.http.get("/").status_code == 200


# ---- one-time codes


def code_of(key: str, at: int) -> str:
    return TOTP(base64.b32decode(key), 6, SHA1(), 30).generate(at // 1000).decode()


def test_codes_of_the_standard() -> None:
    key = base64.b32encode(b"12345678901234567890").decode()
    assert crypto.code_step(key, "287082", 59) == 1
    assert crypto.code_step(key, "081804", 1111111109) == 37037036
    assert crypto.code_step(key, "287082", 59 + 30) == 1
    assert crypto.code_step(key, "287082", 59 + 60) is None
    assert crypto.code_step(key, "287082", 59, after=1) is None
    assert crypto.code_step(key, "28708x", 59) is None
    assert crypto.code_step("1", "287082", 59) is None


def with_codes(school: SchoolPages, clock: list[int]) -> tuple[Client, str, list[str]]:
    client = school.sign_in("admin")
    key = KEY.findall(client.get("/account/codes")[1])[0]
    assert client.post("/account/codes", key=key, code="000000")[0] == 422
    status, text = client.post("/account/codes", key=key, code=code_of(key, clock[0]))
    assert status == 200
    return client, key, RECOVERY.findall(text)


def second_step(school: SchoolPages) -> tuple[Client, str]:
    client = school.stranger()
    client.get("/sign-in")
    status, text = client.post("/sign-in", login="admin", password=PASSWORD, next="/account/")
    assert status == 200
    return client, TICKET.findall(text)[0]


def test_a_sign_in_asks_for_a_code_and_hears_each_once(school: SchoolPages, clock: list[int]) -> None:
    _, key, _ = with_codes(school, clock)
    client, ticket = second_step(school)
    assert client.http.get("/").status_code == 401
    assert client.post("/sign-in/code", ticket=ticket, code=code_of(key, clock[0]))[0] == 401
    clock[0] += 60_000
    code = code_of(key, clock[0])
    assert client.post("/sign-in/code", ticket=ticket, code=code, next="/account/") == (302, "/account/")
    assert client.http.get("/").status_code == 200
    other, ticket = second_step(school)
    assert other.post("/sign-in/code", ticket=ticket, code=code)[0] == 401


def test_a_recovery_code_opens_once(school: SchoolPages, clock: list[int]) -> None:
    _, _, recovery = with_codes(school, clock)
    assert len(set(recovery)) == actions.RECOVERY_CODES
    for right, status in [
        (recovery[3].upper().replace("-", " "), 302),
        (recovery[3], 401),
        (recovery[4], 302),
    ]:
        client, ticket = second_step(school)
        assert client.post("/sign-in/code", ticket=ticket, code=right)[0] == status


def test_a_ticket_is_good_for_five_tries_and_five_minutes(school: SchoolPages, clock: list[int]) -> None:
    _, _, recovery = with_codes(school, clock)
    client, ticket = second_step(school)
    clock[0] += 6 * MINUTE_MS
    assert client.post("/sign-in/code", ticket=ticket, code=recovery[0])[0] == 401
    client, ticket = second_step(school)
    for _ in range(local.STEP_TRIES):
        client.post("/sign-in/code", ticket=ticket, code="000000")
    assert client.post("/sign-in/code", ticket=ticket, code=recovery[0])[0] == 401
    client, ticket = second_step(school)
    assert client.post("/sign-in/code", ticket=ticket, code=recovery[0])[0] == 429


def test_who_uses_codes_keeps_no_pin_and_ends_them_by_password(school: SchoolPages, clock: list[int]) -> None:
    client, _, _ = with_codes(school, clock)
    client.get("/account/")
    assert client.post("/account/pin", pin=PIN, again=PIN)[0] == 422
    assert client.post("/account/codes/drop", password="wrong")[0] == 422
    assert client.post("/account/codes/drop", password=PASSWORD)[0] == 302
    assert school.sign_in("admin").get("/")[0] == 200


def test_guessing_the_password_is_slowed_for_who_came_in_already(
    school: SchoolPages, clock: list[int]
) -> None:
    client, _, _ = with_codes(school, clock)
    client.get("/account/")
    for _ in range(auth.LOGIN_TRIES):
        assert client.post("/account/codes/drop", password="wrong")[0] == 422
    assert client.post("/account/codes/drop", password=PASSWORD)[0] == 429
    assert client.post("/password", old=PASSWORD, new="six horses ran", again="six horses ran")[0] == 429


def test_codes_are_for_head_and_administrator(pages: SchoolPages) -> None:
    assert pages.as_("teacher").get("/account/codes")[0] == 403
    assert "/account/codes" not in pages.as_("teacher").get("/account/")[1]
    assert pages.as_("head").get("/account/codes")[0] == 200


# ---- everywhere


def test_signing_out_everywhere_leaves_one_here_alone(school: SchoolPages) -> None:
    here, there = school.sign_in("admin"), school.sign_in("admin")
    assert here.post("/account/sign-out") == (302, "/account/?done=out")
    assert here.http.get("/").status_code == 200
    assert there.http.get("/").status_code == 401


def test_a_new_password_signs_out_everywhere_else(school: SchoolPages) -> None:
    here, there = school.sign_in("admin"), school.sign_in("admin")
    here.get("/password")
    new = "seven horses slept"
    assert here.post("/password", old=PASSWORD, new=new, again=new)[0] == 302
    assert here.http.get("/").status_code == 200
    assert there.http.get("/").status_code == 401
