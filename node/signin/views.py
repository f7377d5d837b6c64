"""Routes of the door."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import device, leaving
from node.request import acting, database
from node.signin import actions, guard, local, queries
from shared import auth
from shared.access import allow
from shared.i18n import gettext, ngettext
from shared.problems import AccountShut, Problem, SignInFailed, TooManyTries
from shared.web import (
    begin_session,
    end_other_sessions,
    end_session,
    language_of_the_door,
    safe_next,
    today,
    visitor,
    visitor_or_none,
)
from sync.writer import writing

area = Blueprint("signin", __name__, template_folder="templates")


@area.get("/sign-in")
@allow.public
def sign_in() -> ResponseReturnValue:
    if visitor_or_none() is not None:
        return redirect(safe_next(request.args.get("next")))
    return _sign_in_page()


@area.post("/sign-in")
@allow.public
def enter() -> ResponseReturnValue:
    """Check login and password; a new session, the page of the code, or the page again with one sentence."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    address = request.remote_addr or ""
    try:
        account = auth.sign_in(
            guard.throttle(), lambda name: queries.accounts(database(), name), login, password, address
        )
        leaving.require(database(), account, today())
    except (SignInFailed, TooManyTries, AccountShut) as problem:
        return _sign_in_page(problem, login)
    if queries.code_key(database(), account):
        return _code_page(local.begin_second_step(database(), account))
    return _come_in(account)


def _come_in(account: int) -> ResponseReturnValue:
    """By password; a PIN kept on this computer is good again."""
    found = device.device()
    if found is not None:
        local.signed_in_fully(database(), found, account)
    begin_session(account)
    _take_over_language(account)
    if queries.is_renamed(database(), account):
        with writing(database(), account) as w:
            actions.knows_login(w, account)
    return redirect(safe_next(request.form.get("next")))


def _take_over_language(account: int) -> None:
    """Who chose a language at the door reads on in it, here and wherever the account signs in."""
    language = language_of_the_door()
    if language:
        with writing(database(), account) as w:
            w.update("account", account, language=language)


@area.post("/sign-in/code")
@allow.public
def enter_code() -> ResponseReturnValue:
    """The second step: a one-time code or a recovery code. Guessing is slowed as with passwords."""
    ticket, code = request.form.get("ticket", ""), request.form.get("code", "")[:80]
    db, address = database(), request.remote_addr or ""
    try:
        account = local.try_second_step(db, ticket)
        guard.throttle().begin(f"code {account}", address)
    except (SignInFailed, TooManyTries) as problem:
        return _sign_in_page(problem)
    if not local.use_code(db, account, queries.code_key(db, account), code):
        with writing(db, account) as w:
            if not actions.use_recovery_code(w, account, code):
                return _code_page(ticket, gettext("This code is wrong, or was used already.")), 401
    guard.throttle().succeeded(f"code {account}", address)
    local.end_second_step(db, ticket)
    return _come_in(account)


def _code_page(ticket: str, sentence: str = "") -> str:
    return render_template(
        "signin/code.html", ticket=ticket, sentence=sentence, address=request.values.get("next", "")
    )


@area.post("/sign-in/pin")
@allow.public
def enter_pin() -> ResponseReturnValue:
    """On a shared computer: one of those who keep a PIN here."""
    account = request.form.get("account", 0, type=int)
    try:
        local.enter_by_pin(database(), device.device(), account, request.form.get("pin", "")[:20])
        leaving.require(database(), account, today())
    except AccountShut as problem:
        return _sign_in_page(problem)
    except (SignInFailed, TooManyTries) as problem:
        return _sign_in_page(problem, who=account, said=_wrong_pin(account))
    g.by_pin = True
    begin_session(account)
    _take_over_language(account)
    same = request.form.get("was", 0, type=int) in (0, account)
    return redirect(safe_next(request.form.get("next") if same else None))


def _wrong_pin(account: int) -> str:
    left = local.tries_left(database(), device.device(), account)
    if not left:
        return gettext("The PIN opens no more on this computer: sign in with login and password.")
    return ngettext(
        "The PIN is wrong. %(num)s try is left, then the password is needed.",
        "The PIN is wrong. %(num)s tries are left, then the password is needed.",
        left,
    )


@area.post("/lock")
@allow.public
def lock() -> ResponseReturnValue:
    """Shut this computer for whoever sat at it; they, or someone else, come in again by PIN."""
    who = visitor_or_none()
    end_session()
    there = safe_next(request.form.get("next"))
    return redirect(url_for("signin.sign_in", next=there, who=who.account if who else None, locked=1))


def _sign_in_page(
    problem: Problem | None = None, login: str = "", who: int = 0, said: str = ""
) -> ResponseReturnValue:
    chosen, locked = who or request.args.get("who", 0, type=int), "locked" in request.args
    page = door(
        request.values.get("next", ""),
        chosen,
        tried=who,
        was=request.values.get("was", 0, type=int) or (chosen if locked else 0),
        locked=locked,
        login=login,
        sentence=said or (problem.sentence(gettext) if problem else ""),
    )
    headers = {}
    if isinstance(problem, TooManyTries):
        headers["Retry-After"] = str(int(float(str(problem.details["seconds"]))) + 1)
    return page, problem.status if problem else 200, headers


def door(
    address: str,
    chosen: int = 0,
    tried: int = 0,
    was: int = 0,
    locked: bool = False,
    login: str = "",
    sentence: str = "",
) -> str:
    """The sign-in page, from which one goes on to an address.

    Of the accounts that keep a PIN on this computer, ``chosen`` is asked for it, ``tried`` gave a wrong one and
    ``was`` sat here before; 0 is nobody.
    """
    keepers = local.keepers(database(), device.device(), today())
    return render_template(
        "signin/sign_in.html",
        address=address,
        keepers=keepers,
        keeper=next((one for one in keepers if one.account == chosen), None),
        by_pin=any(one.account == tried for one in keepers),
        was=was,
        locked=locked,
        login=login[:60],
        sentence=sentence,
    )


@area.post("/sign-out")
@allow.public
def sign_out() -> ResponseReturnValue:
    end_session()
    return redirect(url_for("signin.sign_in"))


@area.get("/password")
@allow.signed_in
def change_password() -> ResponseReturnValue:
    login, _ = queries.password_of(database(), visitor().account)
    return render_template("signin/password.html", errors={}, login=login)


@area.post("/password")
@allow.signed_in
def keep_password() -> ResponseReturnValue:
    """Change one's own password; every other session of the account ends."""
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    login, stored = queries.password_of(database(), visitor().account)
    errors: dict[str, str] = {}
    if not guard.is_own_password(old, stored):
        errors["old"] = gettext("This is not the present password.")
    elif not auth.acceptable(new, login) or new == old:
        errors["new"] = gettext(
            "Choose another: at least 8 characters, neither the login nor the old password."
        )
    elif new != again:
        errors["again"] = gettext("The two new passwords differ.")
    if errors:
        return render_template("signin/password.html", errors=errors, login=login), 422
    with acting() as w:
        actions.change_password(w, visitor().account, new)
    end_other_sessions()
    _stay(visitor().account)
    return redirect(url_for("home.index", password=1))


def _stay(account: int) -> None:
    """Everywhere the account is signed out; here it goes on in a new session."""
    end_session()
    found = device.device()
    if found is not None:
        local.signed_in_fully(database(), found, account)
    begin_session(account)
