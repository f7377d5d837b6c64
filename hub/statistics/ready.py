"""Tables that everyone asks for, each an address of the explorer; and a school at a glance."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hub.statistics.queries import cells, naming
from hub.statistics.selection import Selection
from hub.statistics.tables import Headline, headlines, table_over
from hub.storage import Hub
from shared.i18n import N_

RESULTS = ("assessed", "not_assessed", "average", "success", "quality", "sou")
MISSED = ("missed_days", "missed_ill", "missed_excused", "missed_unexcused", "late", "attendance_rate")
MOVED = ("arrived", "departed", "transfers", "kept", "graduated")


@dataclass(frozen=True)
class Ready:
    """Name and question are marked with `N_`; `main` is the indicator to tell first."""

    name: str
    question: str
    main: str
    selection: Selection


DISTRICT: tuple[Ready, ...] = (
    Ready(
        N_("Pupils by grade and sex"),
        N_("How many girls and boys learn in each grade?"),
        "pupils",
        Selection("pupils", ("pupils",), ("grade",), ("sex",)),
    ),
    Ready(
        N_("Pupils by school and language"),
        N_("In which language do they learn?"),
        "pupils",
        Selection("pupils", ("pupils",), ("school",), ("language",)),
    ),
    Ready(
        N_("Results by school"),
        N_("How many pupils succeed, how many learn well?"),
        "success",
        Selection("results", RESULTS, ("school",)),
    ),
    Ready(
        N_("Results by subject"),
        N_("Which subjects are hard, which easy?"),
        "quality",
        Selection("results", RESULTS, ("subject",)),
    ),
    Ready(
        N_("Staff by category"),
        N_("How qualified are the staff of each school?"),
        "staff",
        Selection("staff", ("staff",), ("school",), ("category",)),
    ),
    Ready(
        N_("Pupil movement"),
        N_("How many came, how many left?"),
        "departed",
        Selection("movement", MOVED, ("school",)),
    ),
    Ready(
        N_("Missed days"),
        N_("How many days were missed, and why?"),
        "missed_days",
        Selection("absences", MISSED, ("school",)),
    ),
    Ready(
        N_("Attendance by month"),
        N_("When in the year are pupils absent?"),
        "attendance_rate",
        Selection("absences", ("attendance_rate", "missed_days"), ("month",)),
    ),
)
"""The tables of a district."""

SCHOOL: tuple[Ready, ...] = (
    replace(
        DISTRICT[0],
        name=N_("Pupils by class and sex"),
        selection=Selection("pupils", ("pupils",), ("class",), ("sex",)),
    ),
    replace(DISTRICT[2], name=N_("Results by class"), selection=Selection("results", RESULTS, ("class",))),
    DISTRICT[3],
    replace(DISTRICT[4], selection=Selection("staff", ("staff", "qualified_share"), ("category",))),
    replace(DISTRICT[5], selection=Selection("movement", MOVED, ("grade",))),
    replace(
        DISTRICT[6], name=N_("Missed days by class"), selection=Selection("absences", MISSED, ("class",))
    ),
    DISTRICT[7],
)
"""The tables of one school."""

GLANCE = (
    Selection("pupils", ("pupils", "girls", "boys")),
    Selection("staff", ("staff",)),
    Selection("results", ("success", "quality")),
    Selection("absences", ("attendance_rate",)),
)


@dataclass(frozen=True)
class Shelf:
    """The ready-made tables that hold something in a school year, each with its main figure; and all the years."""

    year: str
    years: list[str]
    tables: list[tuple[Ready, Headline]]


def shelf(hub: Hub, language: str, year: str = "", school: int | None = None) -> Shelf:
    """The ready-made tables of the district, or of a school; of the latest year unless one is named."""
    with hub.read() as connection:
        names = naming(connection, language)
    found = {cube: cells(hub, cube, only=None if school is None else {school}) for cube in CUBES_READY}
    years = sorted(
        {str(c.dims["year"]) for some in found.values() for c in some if c.dims["year"]}, reverse=True
    )
    chosen = year if year in years else next(iter(years), "")
    found = {cube: [cell for cell in some if cell.dims["year"] == chosen] for cube, some in found.items()}
    tables = []
    for ready in DISTRICT if school is None else SCHOOL:
        asked = ready.selection.with_filter("year", chosen)
        asked = asked if school is None else asked.with_filter("school", str(school))
        if found[asked.cube]:
            total = table_over(found[asked.cube], replace(asked, rows=(), columns=()), language, names)
            tables.append((replace(ready, selection=asked), headlines(total.report, ready.main)[0]))
    return Shelf(chosen, years, tables)


CUBES_READY = tuple(dict.fromkeys(ready.selection.cube for ready in (*DISTRICT, *SCHOOL)))


def glance(hub: Hub, school: int, language: str) -> list[Headline]:
    """The main figures of a school's latest year; those nobody knows yet are left out."""
    with hub.read() as connection:
        names = naming(connection, language)
    found = []
    for asked in GLANCE:
        own = cells(hub, asked.cube, only={school})
        if own:
            found += headlines(table_over(own, asked, language, names).report)
    return found
