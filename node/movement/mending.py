"""Routes of one line of the book: what it says is mended, its act taken back, its certificate printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import right
from node.fields import iso
from node.movement import actions, forms, queries, settling
from node.movement.blueprint import area
from node.movement.shown import name_of, offered_orders, on_paper
from node.orders.queries import next_number
from node.papers import letterhead
from node.people.queries import class_name
from node.reading.noting import noted
from node.request import acting, database
from shared.i18n import gettext
from shared.problems import InputProblem, NotFound
from shared.web import today


@area.get("/line/<int:line_id>")
@right("movement", "E")
def line(line_id: int) -> ResponseReturnValue:
    """One line, to mend what it says or to take the act back."""
    return _line_page(line_id)


@area.post("/line/<int:line_id>")
@right("movement", "E")
def mend(line_id: int) -> ResponseReturnValue:
    """Mend a line, withdraw its act, or let it stand against what another machine wrote; the button says which."""
    form, row = request.form, _line(line_id)
    try:
        with acting() as w:
            if "withdraw" in form:
                actions.withdraw(w, line_id)
            elif "stands" in form:
                settling.let_stand(w, line_id)
            else:
                actions.amend(
                    w,
                    line_id,
                    forms.paper(form),
                    "confirmed" in form,
                    forms.day(form.get("file_issued")),
                    form.get("reason"),
                    forms.required_day(form) if "day" in form else None,
                )
    except InputProblem as problem:
        return _line_page(line_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("movement.pupil", person_id=row["pupil"], saved=1))


@area.get("/certificate/<int:line_id>")
@right("movement", "E")
def certificate(line_id: int) -> ResponseReturnValue:
    """The certificate of departure that a pupil takes to the next school."""
    row = _line(line_id)
    if row["kind"] not in ("departed", "graduated"):
        raise NotFound()
    noted("read", "movement book", row["pupil"])
    return render_template(
        "movement/certificate.html",
        line=row,
        head=letterhead(database()),
        day=today(),
        name=name_of(row["pupil"], today()),
        on=on_paper,
        class_name=class_name,
    )


def _line(line_id: int) -> Mapping[str, Any]:
    row = queries.line(database(), line_id, today())
    if row is None:
        raise NotFound()
    return row


def _line_page(line_id: int, problem: str = "") -> str:
    row = _line(line_id)
    noted("read", "movement book", row["pupil"])
    return render_template(
        "movement/line.html",
        line=row,
        name=name_of(row["pupil"], today()),
        orders=offered_orders(row["order"]),
        next_order=next_number(database(), "pupils", today()),
        reasons=actions.REASONS.get(row["kind"]),
        values=request.form if problem else {},
        problem=problem,
        class_name=class_name,
        iso=iso,
    )
