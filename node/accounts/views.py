"""Routes of the accounts, for the administrator."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import leaving, logins
from node.access import may, right
from node.accounts import actions, queries
from node.accounts.actions import FirstHead, Slip
from node.accounts.queries import KINDS, LEFT, Holder
from node.classes import queries as classes
from node.lan import reachable
from node.naming import called
from node.orders import queries as orders
from node.people.queries import class_name
from node.reading.noting import note, noted, noted_list, noted_people
from node.request import acting, database
from node.settings.queries import number, school_name
from shared.dates import date_of, parse_day
from shared.i18n import LANGUAGES, N_, current_language, gettext, gettext_in
from shared.problems import InputProblem, InvalidValue, NotFound
from shared.schema import SEX
from shared.web import today, visitor

area = Blueprint("accounts", __name__, url_prefix="/accounts", template_folder="templates")
MOST_AT_ONCE = 80
OF_KIND = {"staff": "accounts of staff", "pupil": "accounts of pupils", "guardian": "accounts of guardians"}
"""Whose accounts a page lists -> what the reading log calls that."""
SLIP_WORDS = {
    "address": N_("Address"),
    "login": N_("Login"),
    "password": N_("Password"),
    "then": N_("At the first sign-in you choose a password of your own."),
    "stays": N_("The login is a new one; the password stays."),
}
"""What stands on a slip."""
HEAD_FIELDS = ("surname", "given_name", "patronymic", "sex", "document", "number", "date", "basis")


@area.get("/")
@right("accounts", "V")
def index() -> ResponseReturnValue:
    """Accounts of staff, or of a class's pupils or guardians, with those who have none yet; of those who have left."""
    return _left() if request.args.get("kind") == LEFT else _index()


def _index(problem: str = "") -> str:
    db, day = database(), today()
    kind = request.values.get("kind", "")
    kind = kind if kind in KINDS else "staff"
    year = classes.present_year(classes.years(db), day)
    those = classes.classes(db, year, day) if year else []
    chosen = request.values.get("class", type=int)
    class_id = next((c["id"] for c in those if c["id"] == chosen), those[0]["id"] if those else 0)
    found = queries.holders(db, kind, class_id, year.roll_day(day) if year else day, day)
    names = {c["id"]: class_name(c["grade"], c["letter"]) for c in those}
    if found:
        of_class = (names[class_id], class_id) if kind != "staff" else ()
        noted_list(OF_KIND[kind], *of_class)
    return render_template(
        "accounts/index.html",
        kind=kind,
        kinds=KINDS,
        classes=list(names.items()),
        class_id=class_id,
        holders=found,
        without=[one for one in found if one.state == "none"],
        unnamed=sum(one.state == "unnamed" for one in found),
        enters=may(visitor(), "accounts", "E"),
        approves=may(visitor(), "accounts", "A"),
        headless=not orders.has_head(db, day),
        untied=queries.nobody_of(db, visitor().account) is not None,
        own=visitor().account,
        renamed=queries.renamed(db, day) if may(visitor(), "accounts", "E") else [],
        problem=problem,
    )


def _left(problem: str = "") -> str:
    db, day = database(), today()
    left = queries.left(db, day)
    noted_people("read", "account", (holder.person for holder, _ in left if holder.person))
    return render_template(
        "accounts/left.html",
        kinds=KINDS,
        left=left,
        day=day,
        days=number(db, "left_account_days"),
        enters=may(visitor(), "accounts", "E"),
        problem=problem,
    )


@area.post("/left")
@right("accounts", "E")
def shut_left() -> ResponseReturnValue:
    """Disable those chosen among the accounts of who has left."""
    left = {one.account for one in leaving.left(database(), today())}
    try:
        with acting() as w:
            for account in sorted(left.intersection(_chosen("account"))):
                actions.disable(w, account)
    except InputProblem as problem:
        return _left(problem.sentence(gettext)), problem.status
    return redirect(url_for("accounts.index", kind=LEFT))


def _chosen(name: str) -> set[int]:
    """The rows that were ticked in a form."""
    return {int(text) for text in request.form.getlist(name) if text.isascii() and text.isdigit()}


@area.post("/open")
@right("accounts", "E")
def open_accounts() -> ResponseReturnValue:
    """Open accounts for those chosen and show their slips, this once."""
    chosen = _chosen("person")
    db, day = database(), today()
    kind, class_id = request.form.get("kind", ""), request.form.get("class", 0, type=int)
    if kind not in KINDS:
        raise NotFound()
    year = classes.present_year(classes.years(db), day)
    found = queries.holders(db, kind, class_id, year.roll_day(day) if year else day, day)
    people = [(one.person, "" if kind == "staff" else one.place) for one in found if one.person in chosen]
    if not 0 < len(people) <= MOST_AT_ONCE:
        return _index(gettext("Choose those who are to get an account.")), 422
    made = actions.passwords(len(people))
    try:
        with acting() as w:
            slips = actions.open_accounts(w, people, made, current_language(), day)
            for person, _ in people:
                note(w, visitor().account, "print", "accounts", person)
    except InputProblem as problem:
        return _index(problem.sentence(gettext)), problem.status
    return _slips(slips)


@area.get("/approval")
@right("accounts", "A")
def approval() -> ResponseReturnValue:
    """The accounts that wait for the head's approval."""
    return _approval()


@area.post("/approval")
@right("accounts", "A")
def approve() -> ResponseReturnValue:
    """Approve those chosen, or let nobody in with them."""
    waiting = {one.account for one in queries.unapproved(database(), today())}
    chosen = _chosen("account").intersection(waiting)
    try:
        with acting() as w:
            if "refuse" in request.form:
                actions.refuse(w, chosen)
            else:
                actions.approve(w, chosen, visitor().account, today())
    except InputProblem as problem:
        return _approval(problem.sentence(gettext)), problem.status
    return redirect(url_for("accounts.approval"))


def _approval(problem: str = "") -> str:
    waiting = queries.unapproved(database(), today())
    noted_people("read", "account", (one.person for one in waiting))
    kinds = [(kind, [one for one in waiting if one.place == kind]) for kind in KINDS]
    return render_template("accounts/approval.html", kinds=kinds, problem=problem)


def _slips(slips: list[Slip]) -> str:
    """Slips that whoever gets them can read: in the three languages, with an address that others reach."""
    address = reachable(request.host_url, request.environ.get("SERVER_NAME", ""))
    words = {
        name: " / ".join(dict.fromkeys(gettext_in(language)(word) for language in LANGUAGES))
        for name, word in SLIP_WORDS.items()
    }
    return render_template(
        "accounts/slips.html", slips=slips, address=address, words=words, school=school_name(database())
    )


# ---- one account


@area.get("/<int:account_id>")
@right("accounts", "V")
def show(account_id: int) -> ResponseReturnValue:
    return _show(_holder(account_id))


def _show(holder: Holder, problem: str = "") -> str:
    db, enters, own = database(), may(visitor(), "accounts", "E"), holder.account == visitor().account
    if holder.person:
        noted("read", "account", holder.person)
    untied = enters and own and queries.nobody_of(db, visitor().account) is not None
    return render_template(
        "accounts/show.html",
        holder=holder,
        left=next(iter(leaving.left(db, today(), holder.person)), None) if holder.person else None,
        day=today(),
        problem=problem,
        enters=enters,
        own=own,
        untied=untied,
        staff=queries.without_account(db, today()) if untied else [],
    )


def _holder(account_id: int) -> Holder:
    """The holder of an account, whose own login shows whatever it is made of. NotFound."""
    found = queries.holder(database(), account_id, today())
    if found is None:
        raise NotFound()
    return (
        replace(found, login=logins.of_account(database(), account_id))
        if account_id == visitor().account
        else found
    )


@area.post("/tie")
@right("accounts", "E")
def tie() -> ResponseReturnValue:
    """The account with which the school was set up: which member of staff its owner is."""
    account = visitor().account
    try:
        with acting() as w:
            actions.tie(w, account, request.form.get("person", 0, type=int), today())
    except InputProblem as problem:
        return _show(_holder(account), problem.sentence(gettext)), problem.status
    return redirect(url_for("accounts.show", account_id=account))


@area.post("/<int:account_id>/reset")
@right("accounts", "E")
def reset(account_id: int) -> ResponseReturnValue:
    """A new first password on a slip; one's own is changed on the page of the password."""
    holder = _holder(account_id)
    if account_id == visitor().account:
        raise NotFound()
    password, stored = actions.passwords(1)[0]
    with acting() as w:
        login = actions.reset(w, account_id, stored, today())
        note(w, visitor().account, "print", "accounts", holder.person or None)
    return _slips([Slip(account_id, called(holder.name, holder.person, account_id), "", login, password)])


@area.post("/renamed")
@right("accounts", "E")
def hand_out() -> ResponseReturnValue:
    """Slips with the logins that replaced those made of names that may be shown no more."""
    with acting() as w:
        people = [one.person for one in queries.renamed(w.db, today())]
        slips = actions.hand_out(w, today())
        for person in people:
            note(w, visitor().account, "print", "accounts", person)
    return _slips(slips) if slips else redirect(url_for("accounts.index"))


@area.post("/<int:account_id>/disable")
@right("accounts", "E")
def disable(account_id: int) -> ResponseReturnValue:
    holder = _holder(account_id)
    try:
        with acting() as w:
            actions.disable(w, account_id)
    except InputProblem as problem:
        return _show(holder, problem.sentence(gettext)), problem.status
    return redirect(url_for("accounts.show", account_id=account_id))


@area.post("/<int:account_id>/enable")
@right("accounts", "E")
def enable(account_id: int) -> ResponseReturnValue:
    with acting() as w:
        actions.enable(w, account_id)
    return redirect(url_for("accounts.show", account_id=account_id))


@area.post("/<int:account_id>/sign-out")
@right("accounts", "E")
def sign_out(account_id: int) -> ResponseReturnValue:
    """Sign the account out everywhere, as after a lost phone."""
    with acting() as w:
        actions.sign_out_everywhere(w, account_id)
    return redirect(url_for("accounts.show", account_id=account_id))


@area.post("/<int:account_id>/codes")
@right("accounts", "E")
def forget_codes(account_id: int) -> ResponseReturnValue:
    with acting() as w:
        actions.forget_codes(w, account_id)
    return redirect(url_for("accounts.show", account_id=account_id))


# ---- the first head


@area.get("/head")
@right("accounts", "E")
def head() -> ResponseReturnValue:
    """A school that has no head gets one here; afterwards the head's orders give all duties."""
    return _head_form({"date": date_of(today()).isoformat()}, {})


@area.post("/head")
@right("accounts", "E")
def appoint_head() -> ResponseReturnValue:
    given = {name: " ".join(request.form.get(name, "").split()) for name in HEAD_FIELDS}
    errors = {
        name: gettext("Fill this in.")
        for name in ("surname", "given_name", "document", "number", "date")
        if not given[name]
    }
    day = today()
    try:
        date = parse_day(given["date"]) if given["date"] else day
    except InvalidValue:
        errors["date"] = gettext("Write a date.")
    if given["sex"] not in SEX:
        errors["sex"] = gettext("Fill this in.")
    if errors:
        return _head_form(given, errors), 422
    draft = FirstHead(
        given["surname"], given["given_name"], given["patronymic"], given["sex"], given["document"],
        given["number"], date, N_("On the appointment of the head"), given["basis"],
    )  # fmt: skip
    made = actions.passwords(1)[0]
    try:
        with acting() as w:
            slip = actions.appoint_first_head(w, draft, made, current_language(), day)
    except InputProblem as problem:
        return _head_form(given, {"": problem.sentence(gettext)}), problem.status
    return _slips([slip])


def _head_form(values: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "accounts/head.html", values=values, errors=errors, has_head=orders.has_head(database(), today())
    )
