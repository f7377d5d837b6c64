"""Tables that everyone asks for, each an address of the explorer; and a school at a glance."""

from __future__ import annotations

from collections.abc import Iterable
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
    """A ready-made table: what it is called, and the question it answers; both marked with `N_`."""

    name: str
    question: str
    selection: Selection


READY: tuple[Ready, ...] = (
    Ready(
        N_("Pupils by grade and sex"),
        N_("How many girls and boys learn in each grade?"),
        Selection("pupils", ("pupils",), ("grade",), ("sex",)),
    ),
    Ready(
        N_("Pupils by school and language"),
        N_("Who learns in which language?"),
        Selection("pupils", ("pupils",), ("school",), ("language",)),
    ),
    Ready(
        N_("Results by school"),
        N_("What part of the pupils succeeds, what part learns well?"),
        Selection("results", RESULTS, ("school",)),
    ),
    Ready(
        N_("Results by subject"),
        N_("Which subjects are hard, which easy?"),
        Selection("results", RESULTS, ("subject",)),
    ),
    Ready(
        N_("Staff by category"),
        N_("How qualified are the teachers of each school?"),
        Selection("staff", ("staff",), ("school",), ("category",)),
    ),
    Ready(
        N_("Pupil movement"),
        N_("How many came, how many left?"),
        Selection("movement", MOVED, ("school",)),
    ),
    Ready(
        N_("Missed days"),
        N_("How many days were missed, and why?"),
        Selection("absences", MISSED, ("school",)),
    ),
    Ready(
        N_("Attendance by month"),
        N_("When in the year are pupils absent?"),
        Selection("absences", ("attendance_rate", "missed_days"), ("month",)),
    ),
)
GLANCE = (
    Selection("pupils", ("pupils", "girls", "boys")),
    Selection("staff", ("staff",)),
    Selection("results", ("success", "quality")),
    Selection("absences", ("attendance_rate",)),
)


def ready_tables(hub: Hub, language: str, only: int | None = None) -> list[tuple[Ready, Headline]]:
    """Every ready-made table that holds something, with its main figure; of one school: by class, not by school."""
    with hub.read() as connection:
        names = naming(connection, language)
    found = {
        cube: cells(hub, cube, only=None if only is None else {only})
        for cube in _cubes(r.selection for r in READY)
    }
    made = []
    for ready in READY:
        asked = ready.selection if only is None else _of_school(ready.selection, only)
        if found[asked.cube]:
            total = table_over(found[asked.cube], replace(asked, rows=(), columns=()), language, names)
            made.append((replace(ready, selection=asked), headlines(total.report)[0]))
    return made


def glance(hub: Hub, school: int, language: str) -> list[Headline]:
    """The main figures of a school; those nobody knows yet are left out."""
    with hub.read() as connection:
        names = naming(connection, language)
    found = []
    for asked in GLANCE:
        own = cells(hub, asked.cube, only={school})
        if own:
            found += headlines(table_over(own, asked, language, names).report)
    return found


def _cubes(selections: Iterable[Selection]) -> set[str]:
    return {selection.cube for selection in selections}


def _of_school(selection: Selection, school: int) -> Selection:
    rows = tuple(
        "class" if name == "school" and "class" in selection.dimensions else name for name in selection.rows
    )
    rows = tuple(name for name in rows if name != "school")
    return replace(selection, rows=rows).with_filter("school", str(school))
