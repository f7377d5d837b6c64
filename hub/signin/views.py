"""Routes of the door."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.request import hub
from hub.signin import actions, queries
from shared import auth
from shared.access import allow
from shared.auth import Throttle
from shared.i18n import gettext
from shared.problems import Problem, SignInFailed, TooManyTries
from shared.web import (
    begin_session,
    end_other_sessions,
    end_session,
    safe_next,
    visitor,
    visitor_or_none,
)

area = Blueprint("signin", __name__, template_folder="templates")


def _throttle() -> Throttle:
    throttle = current_app.extensions["mektep-throttle"]
    assert isinstance(throttle, Throttle)
    return throttle


@area.get("/sign-in")
@allow.public
def sign_in() -> ResponseReturnValue:
    if visitor_or_none() is not None:
        return redirect(safe_next(request.args.get("next")))
    return _sign_in_page()


@area.post("/sign-in")
@allow.public
def enter() -> ResponseReturnValue:
    """Check login and password; a new session, or the page again with one sentence."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    address = request.remote_addr or ""
    try:
        account = auth.sign_in(
            _throttle(), lambda name: queries.accounts(hub(), name), login, password, address
        )
    except (SignInFailed, TooManyTries) as problem:
        return _sign_in_page(problem, login)
    begin_session(account)
    return redirect(safe_next(request.form.get("next")))


def _sign_in_page(problem: Problem | None = None, login: str = "") -> ResponseReturnValue:
    page = door(request.values.get("next", ""), login, problem.sentence(gettext) if problem else "")
    headers = {}
    if isinstance(problem, TooManyTries):
        headers["Retry-After"] = str(int(float(str(problem.details["seconds"]))) + 1)
    return page, problem.status if problem else 200, headers


def door(address: str, login: str = "", sentence: str = "") -> str:
    """The sign-in page, from which one goes on to an address."""
    return render_template("signin/sign_in.html", sentence=sentence, login=login[:60], address=address)


@area.post("/sign-out")
@allow.public
def sign_out() -> ResponseReturnValue:
    end_session()
    return redirect(url_for("signin.sign_in"))


@area.get("/password")
@allow.signed_in
def change_password() -> ResponseReturnValue:
    return render_template("signin/password.html", errors={}, done="done" in request.args)


@area.post("/password")
@allow.signed_in
def keep_password() -> ResponseReturnValue:
    """Change one's own password; every other session of the account ends."""
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    login, stored = queries.password_of(hub(), visitor().account)
    errors: dict[str, str] = {}
    if not _is_old(old, stored):
        errors["old"] = gettext("This is not the present password.")
    elif not auth.acceptable(new, login) or new == old:
        errors["new"] = gettext(
            "Choose another: at least 8 characters, neither the login nor the old password."
        )
    elif new != again:
        errors["again"] = gettext("The two new passwords differ.")
    if errors:
        return render_template("signin/password.html", errors=errors, done=False), 422
    actions.change_password(hub(), visitor().account, new)
    end_other_sessions()
    return redirect(url_for("signin.change_password", done=1))


def _is_old(password: str, stored: str) -> bool:
    """Guessing here is slowed as at the door; TooManyTries."""
    name, address = f"account {visitor().account}", request.remote_addr or ""
    _throttle().begin(name, address)
    right = auth.check(password, stored)
    if right:
        _throttle().succeeded(name, address)
    return right
