"""Routes of a person's own data and of requests to correct it."""

from __future__ import annotations

import json
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import reaches_person, right
from node.families import veil
from node.owndata import actions, queries, sending
from node.people import queries as people
from node.reading import queries as reading
from node.reading.noting import noted
from node.request import acting, database
from shared.access import allow
from shared.dates import date_of
from shared.i18n import gettext
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.web import today, visitor
from sync.state import State

ANSWERERS = tuple(dict.fromkeys((*access.roles("card", "E"), *access.everywhere("staff_file", "E"))))
"""Keep cards or staff files, and answer the requests to correct them."""

PAGE = 50
"""Lines of who read on one page; the file has all."""

area = Blueprint("owndata", __name__, url_prefix="/own-data", template_folder="templates")


@area.get("/requests")
@allow(*ANSWERERS)
def requests() -> ResponseReturnValue:
    """Requests to correct that the visitor works on, with the days left to answer."""
    found = [one for one in queries.requests(database(), today()) if _answers(one.person)]
    return render_template("owndata/requests.html", requests=found)


@area.get("/")
@allow.signed_in
def mine() -> ResponseReturnValue:
    """The visitor's own data, whatever the duty."""
    return _page(_me())


@area.get("/file")
@allow.signed_in
def my_file() -> ResponseReturnValue:
    """The visitor's own data in a file for machines (JSON)."""
    return _file(_me())


@area.post("/ask")
@allow.signed_in
def ask_mine() -> ResponseReturnValue:
    """The visitor asks to correct the own data."""
    return _ask(_me(), url_for("owndata.mine"))


@area.get("/<int:person_id>")
@right("card", "V")
def show(person_id: int) -> ResponseReturnValue:
    """What is held about a person, who read it, who changed it."""
    _require(person_id)
    noted("read", "own data", person_id)
    return _page(person_id)


@area.get("/<int:person_id>/file")
@right("card", "V")
def file(person_id: int) -> ResponseReturnValue:
    """The same in a file for machines (JSON)."""
    _require(person_id)
    noted("export", "own data", person_id)
    return _file(person_id)


def _file(person_id: int) -> Response:
    db, day = database(), today()
    state, passed = State(db), sending.passed_on(db, person_id)
    behind = veil(db, visitor(), person_id)
    content = {
        "made_on": date_of(day).isoformat(),
        "held": queries.as_data(queries.held(db, person_id, day, _own(person_id), behind)),
        "read": [vars(line) for line in _read(person_id)],
        "changed": [
            vars(step) for step in queries.changes(db, person_id, day, behind, most=100_000, everything=True)
        ],
        "to_the_district": {
            "registered": bool(state.registered),
            "last_complete_exchange": int(state.last_done),
            "rows": sending.as_data(passed),
        },
    }
    name = f"own-data-{people.number_of(person_id)}.json"
    return Response(
        json.dumps(content, ensure_ascii=False, indent=1),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@area.post("/<int:person_id>/ask")
@right("card", "V")
def ask(person_id: int) -> ResponseReturnValue:
    """The person, or a guardian for the child, asks to correct something."""
    _require(person_id)
    if not _own(person_id):
        raise NotAllowed()
    return _ask(person_id, url_for("owndata.show", person_id=person_id))


def _ask(person_id: int, back: str) -> ResponseReturnValue:
    try:
        with acting() as w:
            actions.ask(w, person_id, visitor().account, request.form.get("text", ""), today())
    except InputProblem as problem:
        return _page(person_id, problem.sentence(gettext)), problem.status
    return redirect(back)


@area.post("/<int:person_id>/answer")
@allow(*ANSWERERS)
def answer(person_id: int) -> ResponseReturnValue:
    """Whoever keeps the card or the staff file: corrected, or refused with a reason; never the one who asks."""
    if not _answers(person_id):
        raise NotAllowed()
    row = request.form.get("request", 0, type=int)
    state, text = request.form.get("state", ""), request.form.get("answer", "")
    try:
        with acting() as w:
            actions.answer(w, row, person_id, visitor().account, state, text, today())
    except InputProblem as problem:
        return _page(person_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("owndata.requests"))


def _me() -> int:
    """The visitor's person. NotFound: an account of nobody."""
    person = visitor().person
    if person is None:
        raise NotFound()
    return person


def _own(person_id: int) -> bool:
    """Is it about the visitor, or about a child of the visitor?"""
    who = visitor()
    return person_id == who.person or person_id in access.own_children(database(), who)


def _answers(person_id: int) -> bool:
    """Does the visitor decide on requests about the person? Nobody does on those about oneself."""
    who = visitor()
    return person_id != who.person and access.keeps(database(), who, person_id)


def _require(person_id: int) -> None:
    """NotAllowed, NotFound. Staff files are read whole by those alone who keep staff files."""
    db, who = database(), visitor()
    only_staff = people.is_only_staff(db, person_id)
    allowed = (
        access.may_all(who, "staff_file", "V")
        if only_staff
        else reaches_person(db, who, "card", "V", person_id)
    )
    if not (allowed or person_id == who.person):
        raise NotAllowed()
    if people.person(db, person_id, today()) is None:
        raise NotFound()


def _read(person_id: int) -> list[reading.Line]:
    return reading.about(database(), person_id, today(), veil(database(), visitor(), person_id))


def _page(person_id: int, problem: str = "") -> str:
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    behind, read = veil(db, visitor(), person_id), _read(person_id)
    last_page = max(1, -(-len(read) // PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), last_page)
    mine = person_id == visitor().person
    return render_template(
        "owndata/show.html",
        person=person,
        name=people.full_name(person),
        number=people.number_of(person_id),
        held=queries.held(db, person_id, day, _own(person_id), behind),
        most=queries.SHOWN_ROWS,
        shown=partial(queries.shown, db),
        subjects=queries.subjects,
        read=read[(page - 1) * PAGE : page * PAGE],
        all_read=len(read),
        page=page,
        last_page=last_page,
        first=(page - 1) * PAGE + 1,
        page_at=lambda number: (
            url_for("owndata.mine", page=number, _anchor="read")
            if mine
            else url_for("owndata.show", person_id=person_id, page=number, _anchor="read")
        ),
        told=reading.told,
        changes=queries.changes(db, person_id, day, behind),
        requests=queries.requests(db, day, person_id, behind),
        asks=_own(person_id),
        writes=person["may_be_named"] is not None,
        answers=_answers(person_id),
        passed=sending.passed_on(db, person_id),
        link=State(db),
        mine=mine,
        problem=problem,
    )
