"""The computer a request comes from, as far as it carries the cookie of one on which somebody keeps a PIN."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g, request

from node.request import database
from node.sessions import Origin
from node.settings import queries as settings
from node.signin import local
from shared import crypto

_BYTES = 24
_YEAR_SECONDS = 365 * 86_400


def _cookie_name() -> str:
    """The port is part of it, for browsers do not keep the cookies of two apps on one machine apart."""
    return f"mektep_device_{urlsplit('//' + request.host).port or 0}"


def device() -> bytes | None:
    """What is kept of this computer's cookie; None when it has none."""
    try:
        cookie = bytes.fromhex(request.cookies.get(_cookie_name(), ""))
    except ValueError:
        return None
    return local.device_of(cookie) if len(cookie) == _BYTES else None


def name_device(answer: Response) -> bytes:
    """Give this computer a cookie, if it has none, with an answer; returns what is kept of it."""
    present = device()
    if present is not None:
        return present
    cookie = crypto.random_bytes(_BYTES)
    answer.set_cookie(
        _cookie_name(),
        cookie.hex(),
        max_age=_YEAR_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return local.device_of(cookie)


def origin() -> Origin:
    """Where a session that begins with this request begins."""
    return Origin(shared=local.is_shared(database(), device()), full=not g.get("by_pin", False))


def lock_minutes() -> int:
    """Minutes until a shared computer locks."""
    return settings.number(database(), "pin_lock_minutes")
