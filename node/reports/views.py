"""Routes of the reports: movement per quarter, the return of the school year's start; their files; freezing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask import redirect as to
from flask.typing import ResponseReturnValue

from node import access, frozen, roster
from node.classes import queries as class_queries
from node.classes.queries import Year
from node.counting import quarter, school_return
from node.frozen import Changed, Snapshot
from node.movement import queries as movement
from node.movement.queries import Period
from node.people.queries import number_of
from node.request import acting, database
from shared import report as reports
from shared.access import allow
from shared.i18n import current_language, gettext
from shared.indicators import value_label
from shared.problems import NotFound
from shared.report import Report
from shared.web import today, visitor

area = Blueprint("reports", __name__, url_prefix="/reports", template_folder="templates")
READ = access.everywhere("reports", "V")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@area.get("/")
@allow(*READ)
def index() -> ResponseReturnValue:
    """What the school reports, a tile each."""
    return render_template("reports/index.html", year=_year()[0])


def _year() -> tuple[Year | None, list[Year]]:
    """The year asked for, else the present one; and all with classes."""
    years = class_queries.years(database())
    chosen = request.args.get("year", type=int)
    year = next((y for y in years if y.id == chosen), None) or class_queries.present_year(years, today())
    return year, years


@dataclass(frozen=True)
class Shown:
    """A report as a page shows it: as the rows have it now, or as a snapshot kept it."""

    code: str
    year: Year
    term: int | None
    figures: Mapping[str, int]
    snapshot: Snapshot | None
    history: list[Snapshot]
    differs: bool


def _shown(code: str, year: Year, term: int | None) -> Shown:
    """The report, or the snapshot of it that `?number=` names. NotFound."""
    db = database()
    history = frozen.history(db, code, year.id, term)
    now = frozen.count(db, code, year.id, term)
    number = request.args.get("number", type=int)
    chosen = next((one for one in history if one.number == number), None)
    if number is not None and chosen is None:
        raise NotFound()
    differs = bool(history) and bool(frozen.differences(history[-1].figures, now))
    return Shown(code, year, term, chosen.figures if chosen else now, chosen, history, differs)


def _corrections(
    shown: Shown, name: Callable[[str], str]
) -> list[tuple[Snapshot, list[tuple[str, Changed]], Any]]:
    """Every snapshot with what it changed of the one before, and the line of the book that caused it."""
    found: list[tuple[Snapshot, list[tuple[str, Changed]], Any]] = []
    before: Snapshot | None = None
    for one in shown.history:
        changed = frozen.differences(before.figures, one.figures) if before else []
        line = movement.line(database(), one.movement, today()) if one.movement else None
        found.append((one, [(name(change.key), change) for change in changed], line))
        before = one
    return found


# ---- movement per quarter


@area.get("/quarter")
@allow(*READ)
def by_quarter() -> ResponseReturnValue:
    """Movement per quarter, class by class, with its checks and corrections."""
    year, years = _year()
    if year is None:
        return render_template("reports/quarter.html", year=None, years=years)
    db, period = database(), _period(year)
    shown = _shown(quarter.CODE, year, period.term["id"] if period.term else None)
    return render_template(
        "reports/quarter.html",
        year=year,
        years=years,
        period=period,
        periods=[(_name(one), one.key) for one in quarter.periods(db, year.id)],
        html=reports.to_html(_quarter(shown, period)),
        checks=quarter.checks(db, year.id, period, shown.figures, gettext),
        began=quarter.summer(db, year.id) if period.after == year.start else None,
        arrived=quarter.arrived,
        departed=quarter.departed,
        shown=shown,
        snapshots=_corrections(shown, lambda key: quarter.name_of(db, key, gettext)),
        freezes=visitor().has(*access.CLOSERS),
        ended=period.until < today(),
        number_of=number_of,
    )


@area.get("/quarter.csv")
@allow(*READ)
def quarter_csv() -> ResponseReturnValue:
    """The table as comma-separated values."""
    return _file(_quarter_file(), "csv")


@area.get("/quarter.xlsx")
@allow(*READ)
def quarter_xlsx() -> ResponseReturnValue:
    """The table as a workbook."""
    return _file(_quarter_file(), "xlsx")


@area.post("/quarter")
@allow(*access.CLOSERS)
def freeze_quarter() -> ResponseReturnValue:
    """Freeze the report; a frozen one that differs gets a correction."""
    year = _required_year()
    period = _period(year)
    with acting() as w:
        frozen.freeze(w, quarter.CODE, year.id, period.term["id"] if period.term else None)
    return to(url_for("reports.by_quarter", year=year.id, period=period.key))


def _required_year() -> Year:
    year, _ = _year()
    if year is None:
        raise NotFound()
    return year


def _period(year: Year) -> Period:
    found = quarter.periods(database(), year.id)
    chosen = next((one for one in found if one.key == request.args.get("period")), None)
    period = chosen or movement.period_on(found, today())
    assert period is not None
    return period


def _name(period: Period) -> str:
    return value_label("term", period.key, current_language())


def _quarter_file() -> Report:
    year = _required_year()
    period = _period(year)
    return _quarter(_shown(quarter.CODE, year, period.term["id"] if period.term else None), period)


def _quarter(shown: Shown, period: Period) -> Report:
    title = " · ".join((gettext("Movement of pupils"), shown.year.name, _name(period)))
    notes = [_standing(shown)] if shown.snapshot else []
    return quarter.report(database(), shown.figures, title, notes, gettext, current_language())


def _standing(shown: Shown) -> str:
    """What a snapshot is, under its table."""
    assert shown.snapshot is not None
    day = value_label("day", shown.snapshot.day, current_language())
    if shown.snapshot.number == 0:
        return gettext("As frozen on %(day)s.", day=day)
    return gettext("Correction %(number)s of %(day)s.", number=shown.snapshot.number, day=day)


def _file(report: Report, ending: str, name: str = "quarter") -> Response:
    if ending == "csv":
        data, kind = reports.to_csv(report, notes=True), "text/csv; charset=utf-8"
    else:
        data, kind = reports.to_xlsx(report), XLSX
    headers = {"Content-Disposition": f'attachment; filename="mektep-{name}.{ending}"'}
    return Response(data, content_type=kind, headers=headers)


# ---- the return of the school year's start


@area.get("/return")
@allow(*READ)
def year_return() -> ResponseReturnValue:
    """The return of the school year's start, sections A to F, with its checks and corrections."""
    year, years = _year()
    if year is None:
        return render_template("reports/return.html", year=None, years=years)
    db = database()
    shown = _shown(school_return.CODE, year, None)
    return render_template(
        "reports/return.html",
        year=year,
        years=years,
        day=school_return.reference_day(db, year.id),
        facts=school_return.school_facts(db, year.id),
        sections=[(section, reports.to_html(one)) for section, one in _sections(shown).items()],
        checks=school_return.checks(shown.figures, gettext),
        shown=shown,
        snapshots=_corrections(
            shown, lambda key: school_return.name_of(db, key, gettext, current_language())
        ),
        freezes=visitor().has(*access.CLOSERS),
        number_of=number_of,
    )


@area.get("/return.csv")
@allow(*READ)
def return_csv() -> ResponseReturnValue:
    """One section as comma-separated values."""
    return _file(_section(), "csv", f"return-{_section_name()}")


@area.get("/return.xlsx")
@allow(*READ)
def return_xlsx() -> ResponseReturnValue:
    """One section as a workbook."""
    return _file(_section(), "xlsx", f"return-{_section_name()}")


@area.post("/return")
@allow(*access.CLOSERS)
def freeze_return() -> ResponseReturnValue:
    """Freeze the return; a frozen one that differs gets a correction."""
    year = _required_year()
    with acting() as w:
        roster.refresh_ages(w, year.id)
        frozen.freeze(w, school_return.CODE, year.id, None)
    return to(url_for("reports.year_return", year=year.id))


def _section_name() -> str:
    chosen = request.args.get("section", "B")
    return chosen if chosen in school_return.TITLES else "B"


def _section() -> Report:
    return _sections(_shown(school_return.CODE, _required_year(), None))[_section_name()]


def _sections(shown: Shown) -> Mapping[str, Report]:
    return school_return.sections(database(), shown.figures, gettext, current_language())


__all__: Sequence[str] = ["area"]
