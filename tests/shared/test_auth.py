"""The door: what opens it, what slows a guesser down, and whom it must not hinder."""

from __future__ import annotations

import threading
import time

import pytest

from shared import auth, crypto
from shared.auth import Account, Throttle, sign_in
from shared.problems import SignInFailed, TooManyTries

CHEAP = crypto.Cost(2)
HERE, ELSEWHERE = "10.0.0.1", "10.0.0.2"
AIDA = Account(7, crypto.hash_password("correct horse", CHEAP))


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def find(login: str) -> list[Account]:
    return [AIDA] if login == "aida" else []


def attempt(throttle: Throttle, login: str = "aida", password: str = "wrong", address: str = HERE) -> int:
    return sign_in(throttle, find, login, password, address)


def fail(throttle: Throttle, times: int, login: str = "aida", address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(SignInFailed):
            attempt(throttle, login, address=address)


def test_the_right_password_opens(throttle: Throttle) -> None:
    assert attempt(throttle, " Aida ", "correct horse") == 7


def test_wrong_password_and_unknown_login_look_alike(throttle: Throttle) -> None:
    sentences = set()
    for login in ("aida", "nobody"):
        with pytest.raises(SignInFailed) as failed:
            attempt(throttle, login)
        sentences.add((failed.value.code, str(failed.value)))
    assert sentences == {("sign_in_failed", "The name or the password is wrong.")}


def test_an_unknown_login_costs_a_password_check_too(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    monkeypatch.setattr(crypto, "check_password", lambda password, stored: bool(checked.append(stored)))
    fail(throttle, 1, login="nobody")
    assert checked == [crypto.DUMMY_HASH]


def test_of_two_accounts_that_bear_a_login_the_password_chooses(throttle: Throttle) -> None:
    twins = [AIDA, Account(8, crypto.hash_password("other horse", CHEAP))]
    assert sign_in(throttle, lambda login: twins, "aida", "other horse", HERE) == 8


def test_after_free_tries_the_wait_doubles(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, auth.LOGIN_TRIES)
    waits = []
    for _ in range(12):
        with pytest.raises(TooManyTries) as early:
            attempt(throttle, password="correct horse")
        waits.append(early.value.details["seconds"])
        clock.now += early.value.details["seconds"]  # type: ignore[operator]
        fail(throttle, 1)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_success_forgives_the_login(throttle: Throttle) -> None:
    fail(throttle, auth.LOGIN_TRIES - 1)
    attempt(throttle, password="correct horse")
    fail(throttle, auth.LOGIN_TRIES - 1)


def test_an_hour_forgives(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, auth.LOGIN_TRIES)
    clock.now += auth.FORGOTTEN_AFTER_SECONDS + 1
    fail(throttle, auth.LOGIN_TRIES)


def test_a_colleague_elsewhere_is_not_locked_out(throttle: Throttle) -> None:
    fail(throttle, auth.LOGIN_TRIES)
    assert attempt(throttle, password="correct horse", address=ELSEWHERE) == 7


def test_one_address_cannot_try_many_logins(throttle: Throttle) -> None:
    for number in range(auth.ADDRESS_TRIES):
        fail(throttle, 1, login=f"guess{number}")
    with pytest.raises(TooManyTries):
        attempt(throttle, password="correct horse")
    assert attempt(throttle, password="correct horse", address=ELSEWHERE) == 7


def test_tries_under_way_count_before_they_fail(throttle: Throttle) -> None:
    for _ in range(auth.LOGIN_TRIES):
        throttle.begin("aida", HERE)
    with pytest.raises(TooManyTries):
        throttle.begin("aida", HERE)


def test_what_is_remembered_is_bounded(clock: Clock) -> None:
    throttle = Throttle(clock, remembered=10)
    for number in range(50):
        throttle.begin(f"guess{number}", f"10.0.1.{number}")
    assert len(throttle.pairs.failures) == len(throttle.addresses.failures) == 10


def test_a_flood_of_logins_does_not_wash_its_address_away(clock: Clock) -> None:
    throttle = Throttle(clock, remembered=10)
    for number in range(auth.ADDRESS_TRIES):
        throttle.begin(f"guess{number}", HERE)
    with pytest.raises(TooManyTries):
        throttle.begin("another", HERE)


def test_two_passwords_are_checked_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0
    lock, gate = threading.Lock(), threading.Event()

    def slow(password: str, stored: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(5)
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(crypto, "check_password", slow)
    threads = [threading.Thread(target=auth.check, args=("x", "y")) for _ in range(6)]
    for thread in threads:
        thread.start()
    while running < 2:
        time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join()
    assert (most, running) == (2, 0)


def test_a_giant_password_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "check_password", lambda password, stored: True)
    assert auth.check("x" * auth.LONGEST_PASSWORD, "stored")
    assert not auth.check("x" * (auth.LONGEST_PASSWORD + 1), "stored")


@pytest.mark.parametrize(
    ("password", "accepted"),
    [
        ("төрт ат чуркады", True),
        ("short", False),
        ("x" * 201, False),
        ("aaaaaaaaaa", False),
        ("Aida.Asanova ", False),
    ],
)
def test_new_passwords(password: str, accepted: bool) -> None:
    assert auth.acceptable(password, "aida.asanova") is accepted
