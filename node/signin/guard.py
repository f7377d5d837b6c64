"""The app's memory of failed tries: guessing is slowed at the door, and as much by whoever came in already."""

from __future__ import annotations

from flask import current_app, request

from shared import auth
from shared.auth import Throttle
from shared.web import visitor


def new_throttle() -> Throttle:
    """The memory of failed tries of one app."""
    return Throttle()


def throttle() -> Throttle:
    """The memory of this app."""
    found = current_app.extensions["mektep_throttle"]
    assert isinstance(found, Throttle)
    return found


def is_own_password(password: str, stored: str) -> bool:
    """Is it the visitor's present password? TooManyTries after wrong ones."""
    name, address = f"account {visitor().account}", request.remote_addr or ""
    throttle().begin(name, address)
    right = auth.check(password, stored)
    if right:
        throttle().succeeded(name, address)
    return right
