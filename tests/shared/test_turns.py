"""Requests take turns, and whoever waited too long goes in all the same."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from shared.turns import Turns


class Slow:
    """A WSGI app that notes how many are inside, and answers when it is let."""

    def __init__(self) -> None:
        self.inside, self.most = 0, 0
        self.let = threading.Event()
        self.entered = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        self.let.wait(10)
        with self._lock:
            self.inside -= 1
        return [b"done"]


def ask(app: Turns, number: int) -> list[threading.Thread]:
    threads = [threading.Thread(target=app, args=({}, None)) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def test_two_at_once_and_the_others_after_them() -> None:
    slow = Slow()
    threads = ask(Turns(slow, at_once=2, patience=10), 6)
    assert all(slow.entered.acquire(timeout=10) for _ in range(2))
    assert not slow.entered.acquire(timeout=0.1)
    slow.let.set()
    for thread in threads:
        thread.join(10)
    assert (slow.most, slow.inside) == (2, 0)


def test_a_long_one_holds_nobody_up() -> None:
    slow = Slow()
    threads = ask(Turns(slow, at_once=1, patience=0.05), 3)
    assert all(slow.entered.acquire(timeout=10) for _ in range(3))
    slow.let.set()
    for thread in threads:
        thread.join(10)


def test_a_turn_is_given_back_when_the_app_fails() -> None:
    def broken(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise ZeroDivisionError

    app = Turns(broken, at_once=1, patience=60)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            app({}, lambda status, headers, exc_info=None: lambda data: None)
