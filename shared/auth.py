"""Passwords at the door: checked slowly, two at a time, with a growing delay for whoever keeps failing.

A delay belongs to a login *from an address*, and to an address; never to a login alone, so nobody can lock a colleague
out from another machine. What is remembered is bounded and lives in memory: a restart forgives.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from shared import crypto
from shared.problems import SignInFailed, TooManyTries

AT_ONCE = 2
"""Password checks at a time: each takes 16 MiB and a core for a moment."""
PATIENCE_SECONDS = 10.0
LOGIN_TRIES, ADDRESS_TRIES = 5, 40
"""Failures without a delay: of a login from an address, and of an address (a whole class may share one)."""
LONGEST_SECONDS = 900.0
FORGOTTEN_AFTER_SECONDS = 3_600.0
REMEMBERED = 10_000
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200

_slots = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Account:
    """What signing in needs of an account: its row id and the stored hash of its password."""

    id: int
    password: str


@dataclass
class _Failures:
    count: int
    last: float


class _Delays:
    """Failures by key, the longest untouched forgotten first; after `free` of them the wait doubles each time."""

    def __init__(self, free: int, remembered: int) -> None:
        self.free = free
        self.remembered = remembered
        self.failures: OrderedDict[Hashable, _Failures] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until the next try is heard."""
        found = self.failures.get(key)
        if found is None or now - found.last > FORGOTTEN_AFTER_SECONDS:
            return 0.0
        over = found.count - self.free
        pause = min(LONGEST_SECONDS, 2.0 ** min(over, 20)) if over >= 0 else 0.0
        return max(0.0, found.last + pause - now)

    def note(self, key: Hashable, now: float) -> None:
        found = self.failures.pop(key, None)
        if found is None or now - found.last > FORGOTTEN_AFTER_SECONDS:
            found = _Failures(0, now)
        self.failures[key] = _Failures(found.count + 1, now)
        while len(self.failures) > self.remembered:
            self.failures.popitem(last=False)

    def forgive(self, key: Hashable, all_of_it: bool) -> None:
        found = self.failures.get(key)
        if found is not None:
            found.count = 0 if all_of_it else max(0, found.count - 1)


class Throttle:
    """Delays of logins and addresses. A try counts as failed until it succeeds, so a burst gains nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.pairs = _Delays(LOGIN_TRIES, remembered)
        self.addresses = _Delays(ADDRESS_TRIES, remembered)

    def begin(self, login: str, address: str) -> None:
        """Note a try; TooManyTries, with the seconds to wait, when it comes too early."""
        with self._lock:
            now = self._clock()
            wait = max(self.pairs.wait((login, address), now), self.addresses.wait(address, now))
            if wait > 0:
                raise TooManyTries(seconds=wait)
            self.pairs.note((login, address), now)
            self.addresses.note(address, now)

    def succeeded(self, login: str, address: str) -> None:
        """The try was right: the login's failures are forgotten, the address is forgiven this one."""
        with self._lock:
            self.pairs.forgive((login, address), all_of_it=True)
            self.addresses.forgive(address, all_of_it=False)


def normal_login(text: str) -> str:
    """A login as it is compared: no outer spaces, any case, any way of composing letters."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def sign_in(
    throttle: Throttle, find: Callable[[str], Sequence[Account]], login: str, password: str, address: str
) -> int:
    """Return the row id of the account that these belong to; SignInFailed, TooManyTries.

    ``find`` gets the normal login and returns the accounts that bear it: none, one, or after a merge more.
    """
    login = normal_login(login)
    throttle.begin(login, address)
    accounts = list(find(login))
    if not accounts:
        check(password, crypto.DUMMY_HASH)
        raise SignInFailed()
    for account in accounts:
        if check(password, account.password):
            throttle.succeeded(login, address)
            return account.id
    raise SignInFailed()


def check(password: str, stored: str) -> bool:
    """Compare a password with a stored hash, at most two at a time in the process; TooManyTries after a long queue."""
    if len(password) > LONGEST_PASSWORD:
        return False
    if not _slots.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyTries(seconds=PATIENCE_SECONDS)
    try:
        return crypto.check_password(password, stored)
    finally:
        _slots.release()


def hash_new(password: str) -> str:
    """The hash to store, computed in the same queue as checks."""
    with _slots:
        return crypto.hash_password(password)


def acceptable(password: str, login: str) -> bool:
    """Is this a password to accept: long enough, not the login, not one character over and over?"""
    long_enough = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    return long_enough and normal_login(password) != normal_login(login) and len(set(password)) > 2
