"""The first page and the page of a school: is the data safe here, and what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import cast

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta  # type: ignore[import-untyped]

from hub import completing
from hub.access import ADMINISTRATOR
from hub.background import Checker
from hub.directory.queries import districts
from hub.overview import queries
from hub.overview.advice import CLOCK_MS, Advice, advise, tone_of
from hub.overview.queries import SchoolStatus
from hub.request import hub
from hub.statistics.ready import glance, shelf
from shared.access import allow
from shared.i18n import current_language, gettext
from shared.problems import NotFound
from shared.report import EMPTY
from sync.clock import now_ms

area = Blueprint("overview", __name__, template_folder="templates")


@dataclass(frozen=True)
class Line:
    """A school on the first page."""

    school: SchoolStatus
    advice: list[Advice]

    @property
    def tone(self) -> str:
        return tone_of(self.advice)


@area.app_template_filter("ago")
def ago(at: int) -> str:
    """How long ago an instant was, as people say it; "—" for never."""
    if not at:
        return EMPTY
    passed = timedelta(milliseconds=now_ms() - at)
    if passed < timedelta(minutes=1):
        return gettext("just now")
    return str(format_timedelta(-passed, add_direction=True, threshold=1.2))


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    """Every school; `?show=attention` only those that someone should do something about."""
    with hub().read() as connection:
        schools = queries.schools(connection, current_language())
        units = districts(connection, current_language())
        restored_at, awaited = completing.restored_at(connection), len(completing.waiting_for(connection))
    lines = _lines(schools)
    attention = [line for line in lines if line.tone != "good"]
    only = request.args.get("show") == "attention" and bool(attention)
    shown = attention if only else lines
    return render_template(
        "overview/index.html",
        lines=lines,
        attention=attention,
        only=only,
        worst="bad" if any(line.tone == "bad" for line in lines) else "waiting" if attention else "good",
        groups=_by_district(shown, [] if only else units),
        waiting=sum(line.school.waiting for line in lines),
        heard=sum(now_ms() - line.school.heard_at < 86_400_000 for line in lines),
        verified=sum(line.school.chain in ("verified", "older") for line in lines),
        left=checker().left(),
        clock_ms=CLOCK_MS,
        restored_at=restored_at,
        awaited=awaited,
    )


def _lines(schools: Sequence[SchoolStatus]) -> list[Line]:
    now = now_ms()
    return [Line(school, advise(school, now)) for school in schools]


def _by_district(
    lines: list[Line], units: Sequence[tuple[int, str]]
) -> list[tuple[int | None, str, list[Line]]]:
    """Lines under their district; the districts without a school come last."""
    key = lambda line: (line.school.district_id, line.school.district)  # noqa: E731
    groups = [(unit, name, list(some)) for (unit, name), some in groupby(lines, key)]
    taken = {unit for unit, _, _ in groups}
    return [*groups, *((unit, name, []) for unit, name in units if unit not in taken)]


@area.get("/schools/<int:school>")
@allow.signed_in
def school(school: int) -> ResponseReturnValue:
    """All that the hub knows of a school's data, and the school's figures."""
    now = now_ms()
    with hub().read() as connection:
        status = queries.school(connection, school, current_language())
        if status is None:
            raise NotFound()
        page = {
            "nodes": queries.nodes(connection, school),
            "flaws": queries.flaws(connection, school),
            "aside": queries.set_aside(connection, school),
            "codes": queries.open_codes(connection, school, now),
        }
    return render_template(
        "overview/school.html",
        school=status,
        line=Line(status, advise(status, now)),
        figures=glance(hub(), school, current_language()),
        shelf=shelf(hub(), current_language(), school=school),
        left=checker().left(),
        clock_ms=CLOCK_MS,
        **page,
    )


@area.post("/check")
@allow(ADMINISTRATOR)
def check_all() -> ResponseReturnValue:
    """Check signatures, chains and digests of every school, beside the pages."""
    with hub().read() as connection:
        every = [line.school for line in queries.schools(connection, "ky")]
    checker().ask([0, *every])
    return redirect(url_for("overview.index"))


@area.post("/schools/<int:school>/check")
@allow(ADMINISTRATOR)
def check(school: int) -> ResponseReturnValue:
    """Check signatures, chain and digest of one school, beside the pages."""
    with hub().read() as connection:
        if queries.school(connection, school, "ky") is None:
            raise NotFound()
    checker().ask([school])
    return redirect(url_for("overview.school", school=school))


def checker() -> Checker:
    """What checks beside the pages."""
    return cast(Checker, current_app.extensions["mektep-checker"])
