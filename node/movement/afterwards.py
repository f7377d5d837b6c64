"""Routes that write down afterwards who came onto the rolls, or left them, without a line in the book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import right
from node.fields import needed
from node.movement import actions, forms, ordering, queries
from node.movement.blueprint import area
from node.movement.queries import Unwritten
from node.movement.shown import offered_orders, on_paper, year_asked
from node.orders.queries import next_number
from node.people.queries import class_name, names, number_of
from node.reading.noting import noted_list
from node.request import acting, database
from shared.i18n import N_, alphabetical, gettext
from shared.problems import InputProblem, InvalidValue, NotFound
from shared.web import today

REASONS = {"arrived": actions.ARRIVAL_REASONS, "departed": actions.DEPARTURE_REASONS}
TITLES = {"arrived": N_("On the admission of pupils"), "departed": N_("On the departure of pupils")}
"""Kind of the lines -> what the order is called that is drafted for them."""


@area.get("/unwritten")
@right("movement", "E")
def unwritten() -> ResponseReturnValue:
    """Who came onto the rolls of a year or left them without a line in the book; of one class if `?class=` says so."""
    noted_list("movement")
    return _page({})


@area.post("/unwritten")
@right("movement", "E")
def write_afterwards() -> ResponseReturnValue:
    """Write the lines of those ticked, one order behind them all. BadRequest."""
    form, year = request.form, year_asked()[0]
    chosen = [_change(one) for one in form.getlist("change")]
    kind = form.get("kind", "")
    if year is None or kind not in REASONS:
        raise NotFound()
    if not chosen:
        return _page(form, gettext("Tick at least one pupil.")), 422
    try:
        with acting() as w:
            paper = ordering.paper(w, TITLES[kind])
            lines = actions.write_afterwards(
                w, chosen, kind, form.get("reason", ""), paper, year.start, queries.last_day(database(), year)
            )
            ordering.concerns(w, lines)
    except InvalidValue:
        return _page(form, gettext("Choose where the pupils came from, or why they left.")), 422
    except InputProblem as problem:
        return _page(form, problem.sentence(gettext)), problem.status
    return redirect(url_for("movement.unwritten", year=year.id, written=len(lines)))


def _change(text: str) -> tuple[int, int]:
    """Pupil and day as a tick holds them. BadRequest."""
    pupil, _, day = text.partition("-")
    return needed(pupil), needed(day)


def _page(values: Mapping[str, str], problem: str = "") -> str:
    db, now = database(), today()
    year, years = year_asked()
    found = queries.unwritten(db, year.start, queries.last_day(database(), year)) if year else []
    classes = _classes(found)
    chosen = forms.whole(request.args.get("class"))
    shown = [one for one in found if chosen in (None, one.class_group)]
    ticked = set(request.form.getlist("change"))
    return render_template(
        "movement/unwritten.html",
        year=year,
        years=years,
        all=len(found),
        classes=classes,
        chosen=chosen,
        lists=[(kind, some) for kind in REASONS if (some := _named(shown, kind, dict(classes), now))],
        reasons=REASONS,
        values=values,
        is_ticked=lambda kind, key: values.get("kind") != kind or key in ticked,
        orders=offered_orders(),
        next_order=next_number(db, "pupils", now),
        written=request.args.get("written", 0, type=int),
        problem=problem,
        on=on_paper,
    )


def _classes(found: list[Unwritten]) -> list[tuple[int, str]]:
    """The classes of those found, in order."""
    wanted = {one.class_group for one in found}
    rows = database().execute("SELECT id, grade, letter FROM class_group").fetchall() if wanted else []
    rows.sort(key=lambda row: (row[1] or 0, alphabetical(row[2] or ""), row[0]))
    return [(row, class_name(grade, letter)) for row, grade, letter in rows if row in wanted]


def _named(
    found: list[Unwritten], kind: str, classes: Mapping[int, str], now: int
) -> list[Mapping[str, Any]]:
    """Those of one kind as the page shows them, by day and name."""
    of_kind = [one for one in found if one.kind == kind]
    known = names(database(), [one.pupil for one in of_kind], now)
    rows = [
        {
            "key": f"{one.pupil}-{one.day}",
            "name": known.get(one.pupil)
            or gettext("No. %(number)s, no name recorded", number=number_of(one.pupil)),
            "day": one.day,
            "place": classes.get(one.class_group, ""),
        }
        for one in of_kind
    ]
    return sorted(rows, key=lambda row: (row["day"], alphabetical(row["name"])))
