"""The page of the regulation (clause 1.1: it and the orders behind it are shown inside the product)."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from node.access import may, may_all, right
from node.orders import queries as orders
from node.regulation.clauses import CHAPTERS
from node.request import database
from node.settings.queries import number
from shared.i18n import LANGUAGES, current_language
from shared.web import today, visitor

area = Blueprint("regulation", __name__, url_prefix="/regulation", template_folder="templates")


@area.get("/")
@right("regulation", "V")
def index() -> ResponseReturnValue:
    """Every clause in the reader's language, the orders behind it, who holds which duty, the present stage."""
    db, who = database(), visitor()
    staff = may(who, "duties", "V")
    opens = None if may_all(who, "orders", "V") else orders.concerned(db, who.person or 0)
    return render_template(
        "regulation/index.html",
        chapters=CHAPTERS,
        place=list(LANGUAGES).index(current_language()),
        orders=orders.behind_regulation(db) if staff else [],
        opens=opens if may(who, "orders", "V") else frozenset(),
        stage=number(db, "stage"),
        duties=orders.duties_today(db, today()) if staff else [],
    )
