"""Routes of the accounts, for administrators."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.access import ADMINISTRATOR, OFFICER, ROLE_NAMES
from hub.accounts import actions, queries
from hub.accounts.queries import AccountRow
from hub.request import hub
from shared.access import allow
from shared.auth import normal_login
from shared.i18n import current_language, gettext
from shared.problems import NotFound
from shared.web import visitor

area = Blueprint("accounts", __name__, template_folder="templates")
LONGEST_LOGIN, LONGEST_NAME = 60, 120


@area.get("/accounts/")
@allow(ADMINISTRATOR)
def index() -> ResponseReturnValue:
    with hub().read() as connection:
        rows = queries.accounts(connection)
    return render_template("accounts/index.html", accounts=rows, roles=ROLE_NAMES, own=visitor().account)


@area.get("/accounts/new")
@allow(ADMINISTRATOR)
def new() -> ResponseReturnValue:
    return _form({"duty": OFFICER}, {})


@area.post("/accounts/new")
@allow(ADMINISTRATOR)
def add() -> ResponseReturnValue:
    """Open an account and show its first password, this once."""
    name, login, duty = (" ".join(request.form.get(field, "").split()) for field in ("name", "login", "duty"))
    errors = _errors(name, login)
    if errors or duty not in ROLE_NAMES:
        return _form(request.form, errors)
    account, password = actions.add(hub(), normal_login(login), name, duty, current_language())
    return _password_page(_account(account), password)


def _errors(name: str, login: str) -> dict[str, str]:
    errors = {}
    if not 0 < len(name) <= LONGEST_NAME:
        errors["name"] = gettext("Give it a name.")
    if not 0 < len(login) <= LONGEST_LOGIN or not login.isprintable():
        errors["login"] = gettext("Give it a login.")
    else:
        with hub().read() as connection:
            if queries.is_taken(connection, login):
                errors["login"] = gettext("This login is taken; choose another.")
    return errors


def _form(values: object, errors: dict[str, str]) -> ResponseReturnValue:
    page = render_template("accounts/new.html", values=values, errors=errors, roles=ROLE_NAMES)
    return page, 422 if errors else 200


@area.post("/accounts/<int:account>/password")
@allow(ADMINISTRATOR)
def reset(account: int) -> ResponseReturnValue:
    """Give an account a new password and show it, this once."""
    return _password_page(_account(account), actions.reset(hub(), _account(account).id))


@area.post("/accounts/<int:account>/shut")
@allow(ADMINISTRATOR)
def shut(account: int) -> ResponseReturnValue:
    """Let nobody in with this account any more; one's own stays open."""
    if _account(account).id == visitor().account or not actions.shut(hub(), account):
        raise NotFound()
    return redirect(url_for("accounts.index"))


@area.post("/accounts/<int:account>/reopen")
@allow(ADMINISTRATOR)
def reopen(account: int) -> ResponseReturnValue:
    actions.reopen(hub(), _account(account).id)
    return redirect(url_for("accounts.index"))


def _account(account: int) -> AccountRow:
    with hub().read() as connection:
        found = queries.account(connection, account)
    if found is None:
        raise NotFound()
    return found


def _password_page(account: AccountRow, password: str) -> ResponseReturnValue:
    return render_template(
        "accounts/password.html", account=account, password=password, address=request.host_url
    )
