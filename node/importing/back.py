"""Routes of what was imported: a whole import undone as one act, and brought back."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from node.importing import naming, undoing
from node.importing.blueprint import REASON, WHO, area
from node.people.queries import author
from node.request import NAMES_CHECKED, acting, database
from shared.access import allow
from shared.i18n import gettext
from shared.problems import InputProblem, NameWithoutConsent, NotAllowed, NotFound
from shared.web import today, visitor
from sync import undo

SHOWN_NAMES = 100


@area.get("/undo/<int:mark>")
@allow(*WHO)
def ask(mark: int) -> ResponseReturnValue:
    """Ask first: what an undo would take out, what it would leave and why."""
    return _undo_page(mark, _own_act(mark))


@area.post("/undo/<int:mark>")
@allow(*WHO)
def take_back(mark: int) -> ResponseReturnValue:
    """Undo a whole import as one act; what others wrote since, and what the rules keep, stays and is listed."""
    return _taken_back(mark, _own_act(mark))


@area.get("/redo/<int:mark>")
@allow(*WHO)
def ask_back(mark: int) -> ResponseReturnValue:
    """Ask first: what of an import that was undone would come back."""
    return _undo_page(mark, _undo_of(_own_act(mark, undone=True)))


@area.post("/redo/<int:mark>")
@allow(*WHO)
def bring_back(mark: int) -> ResponseReturnValue:
    """Undo the undo of an import."""
    return _taken_back(mark, _undo_of(_own_act(mark, undone=True)))


def _undo_page(mark: int, act: undo.Act, problem: InputProblem | None = None) -> ResponseReturnValue:
    db, reason = database(), request.form.get(REASON, "")
    try:
        found = undoing.review(db, act, visitor(), today(), reason)
    except InputProblem as refused:
        found, problem = None, refused
    page = render_template(
        "importing/undo.html",
        act=act,
        imported=mark,
        again=act.kind == "undo",
        problem=problem.sentence(gettext) if problem else "",
        found=found,
        gone=naming.by_table(db, found.going(), today()) if found else {},
        back=naming.by_table(db, found.coming(), today()) if found else {},
        kept=naming.kept(db, undoing.told(found.plan.left_alone), today()) if found else [],
        author=lambda account: author(db, account, today()),
        shown=SHOWN_NAMES,
        names=isinstance(problem, NameWithoutConsent),
        names_checked=NAMES_CHECKED,
    )
    return (page, problem.status) if problem else page


def _taken_back(mark: int, act: undo.Act) -> ResponseReturnValue:
    try:
        with acting() as w:
            undone = undoing.take_back(w, act, visitor(), today(), request.form.get(REASON, ""))
    except InputProblem as problem:
        return _undo_page(mark, act, problem)
    db = database()
    return render_template(
        "importing/done.html",
        kind=None,
        result=None,
        file=act.label,
        again=act.kind == "undo",
        undone=undone,
        kept=naming.kept(db, undoing.told(undone.left_alone), today()),
        author=lambda account: author(db, account, today()),
    )


def _own_act(mark: int, undone: bool = False) -> undo.Act:
    """An import that stands, or was undone: the visitor's own, or any for the head. NotFound, NotAllowed."""
    who = visitor()
    act = next((one for one in undo.marked_acts(database(), "import", limit=-1) if one.mark == mark), None)
    if act is None or act.undone != undone:
        raise NotFound()
    if act.actor != who.account and not who.has("head"):
        raise NotAllowed()
    return act


def _undo_of(act: undo.Act) -> undo.Act:
    """The act that undid an import. NotFound: it was not undone here, but written apart or retired otherwise."""
    found = undo.undoing_of(database(), act)
    if found is None:
        raise NotFound()
    return found
