"""Routes of the list of the school's rooms."""

from __future__ import annotations

from typing import cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import right
from node.request import acting, database
from node.timetable import actions, forms, queries
from node.timetable.blueprint import area
from shared.i18n import gettext
from shared.problems import InputProblem


@area.get("/rooms")
@right("timetable", "E")
def rooms() -> ResponseReturnValue:
    """The school's rooms."""
    return _rooms_page()


def _rooms_page(problem: str = "") -> str:
    return render_template("timetable/rooms.html", rooms=queries.rooms(database()), problem=problem)


@area.post("/rooms")
@right("timetable", "E")
def keep_room() -> ResponseReturnValue:
    """Enter, rename or close a room."""
    form = request.form
    room = forms.whole(form.get("room"))
    try:
        with acting() as w:
            if "close" in form and room is not None:
                actions.close_room(w, room)
            else:
                actions.save_room(w, room, form.get("name", ""), forms.whole(form.get("seats")))
    except InputProblem as problem:
        return _rooms_page(problem.sentence(gettext)), problem.status
    return cast(ResponseReturnValue, redirect(url_for("timetable.rooms")))
