"""The page of user statistics, for head and administrator."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from node.access import ORDER, right
from node.request import database
from node.usage import counting, queries
from shared.web import today

area = Blueprint("usage", __name__, url_prefix="/usage", template_folder="templates")
PERIODS = (7, 30, 365)


@area.get("/")
@right("usage", "V")
def index() -> ResponseReturnValue:
    """Sign-ins, pages and writes by duty and by day."""
    days = request.args.get("days", type=int)
    days = days if days in PERIODS else PERIODS[1]
    end = today()
    counting.counter().flush(database(), end)
    start = end - days + 1
    duties = sorted(queries.by_duty(database(), start, end), key=lambda line: ORDER.index(str(line.key)))
    return render_template(
        "usage/index.html",
        days=days,
        periods=PERIODS,
        duties=duties,
        by_day=queries.by_day(database(), start, end),
        total=[sum(getattr(line, name) for line in duties) for name in ("sign_ins", "pages", "writes")],
    )
