"""Routes of one's own account: signing out everywhere, one-time codes, the PIN of this computer."""

from __future__ import annotations

import re
from urllib.parse import quote

import segno
from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from node import access, device
from node.access import right
from node.request import acting, database
from node.sessions import Sessions
from node.signin import actions, guard, local, queries
from shared import crypto
from shared.access import allow
from shared.i18n import gettext
from shared.problems import BadRequest, NotAllowed
from shared.web import begin_session, end_session, session_key, visitor
from sync.state import State

area = Blueprint("own", __name__, url_prefix="/account", template_folder="templates")
_KEY = re.compile(r"[A-Z2-7]{32}")


def _by_password() -> bool:
    """Did this session begin with a password?"""
    return Sessions(database).begun(session_key()).full


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    return _index()


def _index(problem: str = "") -> str:
    db, who, here = database(), visitor(), device.device()
    return render_template(
        "signin/own.html",
        problem=problem,
        done=request.args.get("done", ""),
        codes=bool(queries.code_key(db, who.account)),
        may_codes=access.may(who, "codes", "E"),
        left=len(queries.recovery_of(db, who.account)),
        may_pin=who.has(*access.STAFF),
        pin=here is not None and local.has_pin(db, here, who.account),
        full=_by_password(),
        shortest=local.SHORTEST_PIN,
        longest=local.LONGEST_PIN,
        days=local.PIN_DAYS,
    )


@area.post("/sign-out")
@allow.signed_in
def sign_out() -> ResponseReturnValue:
    """Everywhere but here, on this node and on the others when they hear of it."""
    account, full = visitor().account, _by_password()
    with acting() as w:
        actions.sign_out_everywhere(w, account)
    end_session()
    if not full:
        return redirect(url_for("signin.sign_in"))
    begin_session(account)
    return redirect(url_for("own.index", done="out"))


# ---- the PIN of this computer


@area.post("/pin")
@allow(*access.STAFF)
def keep_pin() -> ResponseReturnValue:
    """Set a PIN for this computer, after a sign-in by password."""
    db, who, pin = database(), visitor(), request.form.get("pin", "")
    if not _by_password():
        return _index(gettext("Sign in with your password first.")), 403
    if queries.code_key(db, who.account):
        return _index(gettext("Who uses one-time codes keeps no PIN.")), 422
    if not local.acceptable_pin(pin):
        return _index(
            gettext("Choose another: 4 to 8 digits, not all the same and not counted up or down.")
        ), 422
    if pin != request.form.get("again", ""):
        return _index(gettext("The two PINs differ.")), 422
    answer = make_response(redirect(url_for("own.index", done="pin")))
    local.set_pin(db, device.name_device(answer), who.account, pin)
    Sessions(database).share(session_key())
    return answer


@area.post("/pin/drop")
@allow(*access.STAFF)
def drop_pin() -> ResponseReturnValue:
    here = device.device()
    if here is not None:
        local.drop_pin(database(), here, visitor().account)
    return redirect(url_for("own.index"))


# ---- one-time codes


@area.get("/codes")
@right("codes", "E")
def codes() -> ResponseReturnValue:
    """A new key as a QR code, to be confirmed by a first code; or what is left of the recovery codes."""
    if queries.code_key(database(), visitor().account):
        return redirect(url_for("own.index"))
    return _codes(crypto.new_code_key())


def _codes(key: str, sentence: str = "") -> str:
    login, _ = queries.password_of(database(), visitor().account)
    school = str(State(database()).school_name) or "Mektep"
    address = f"otpauth://totp/{quote(f'{school}:{login}')}?secret={key}&issuer={quote(school)}"
    picture = segno.make(address, error="m", micro=False).svg_inline(
        scale=5, border=4, dark="#000", light="#fff"
    )
    return render_template("signin/codes.html", key=key, picture=Markup(picture), sentence=sentence)


@area.post("/codes")
@right("codes", "E")
def keep_codes() -> ResponseReturnValue:
    """The first code proves that the phone has the key; then the recovery codes are shown, this once."""
    db, who, key = database(), visitor(), request.form.get("key", "")
    if not _KEY.fullmatch(key) or queries.code_key(db, who.account):
        raise BadRequest()
    if not _by_password():
        raise NotAllowed()
    if not local.use_code(db, who.account, key, request.form.get("code", "")[:20]):
        return _codes(key, gettext("This code is wrong, or was used already.")), 422
    recovery = actions.recovery_codes()
    with acting() as w:
        actions.ask_for_codes(w, who.account, key, recovery)
    return render_template("signin/recovery.html", codes=recovery)


@area.post("/codes/drop")
@right("codes", "E")
def drop_codes() -> ResponseReturnValue:
    """Ask for no codes any more, after the password."""
    _, stored = queries.password_of(database(), visitor().account)
    if not guard.is_own_password(request.form.get("password", ""), stored):
        return _index(gettext("This is not the present password.")), 422
    with acting() as w:
        actions.ask_for_no_codes(w, visitor().account)
    return redirect(url_for("own.index"))
