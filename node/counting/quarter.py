"""Movement per quarter (form 4.3): class by class, the stages, the school; of all pupils and of the girls.

The figures are the balance of `node.movement.balance`; `figures` names each `class|measure|t` (or g for girls), which
is how a frozen one is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sqlite_utils import Database

from node.classes import queries as class_queries
from node.classes.queries import Year
from node.counting.stages import STAGES, Check, stage_of
from node.movement import queries
from node.movement.balance import (
    ARRIVED,
    DEPARTED,
    MEASURES,
    Flow,
    arrived,
    departed,
    discrepancies,
    holds,
    of_span,
    summed,
)
from node.movement.queries import Period
from node.people.queries import class_name
from shared.i18n import N_, alphabetical, in_list
from shared.indicators import evaluate
from shared.problems import NotFound
from shared.report import Column, Report, Row
from sync.state import State

CODE = "movement"
GRADUATED = "graduated"
Translate = Callable[..., str]
LABELS = {
    "start": N_("At the start"),
    "arrived_district": N_("Arrived: from this district"),
    "arrived_country": N_("Arrived: from another district"),
    "arrived_abroad": N_("Arrived: from abroad"),
    "arrived_other": N_("Arrived: other"),
    "graduated": N_("Graduated"),
    "in": N_("In from another class"),
    "out": N_("Out to another class"),
    "end": N_("At the end"),
}
"""Measure -> its heading; departures are headed by their reason."""
assert set(LABELS) | {f"departed_{one}" for one in DEPARTED} == set(MEASURES)
assert len(ARRIVED) == 4


def periods(db: Database, year: int) -> list[Period]:
    """The periods of a school year for which the report is made. NotFound."""
    return queries.periods(db, _year(db, year))


def _year(db: Database, year: int) -> Year:
    found = next((one for one in class_queries.all_years(db) if one.id == year), None)
    if found is None:
        raise NotFound()
    return found


def period_of(db: Database, year: int, term: int | None) -> Period:
    """The period of a term; of the whole year for none. NotFound."""
    for one in periods(db, year):
        if (one.term["id"] if one.term else None) == term:
            return one
    raise NotFound()


def figures(db: Database, year: int, term: int | None) -> Mapping[str, int]:
    """Every figure of the report under its name. NotFound."""
    period = period_of(db, year, term)
    return {
        f"{class_id}|{measure}|{part}": number
        for class_id, flow in _of_year(db, year, of_span(db, period.after, period.until)).items()
        for part, counter in (("t", flow.total), ("g", flow.girls))
        for measure, number in counter.items()
    }


def _of_year(db: Database, year: int, flows: Mapping[int, Flow]) -> dict[int, Flow]:
    """The flows of a year's classes, and of others where pupils of that span are."""
    known = {row[0] for row in db.execute("SELECT id FROM class_group WHERE year = ?", (year,)).fetchall()}
    return {one: flow for one, flow in flows.items() if one in known or +flow.total}


def flows_of(frozen: Mapping[str, int]) -> dict[int, Flow]:
    """Class -> its flow, from named figures."""
    found: dict[int, Flow] = {}
    for key, number in frozen.items():
        class_id, measure, part = key.split("|")
        flow = found.setdefault(int(class_id), Flow())
        (flow.total if part == "t" else flow.girls)[measure] = number
    return found


def classes_of(db: Database, class_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Row, grade and name of classes, in their order."""
    marks = ", ".join(str(int(one)) for one in class_ids)
    rows = db.execute(f"SELECT id, grade, letter FROM class_group WHERE id IN ({marks})").fetchall()
    rows.sort(key=lambda row: (row[1] or 0, alphabetical(row[2] or ""), row[0]))
    return [(row[0], row[1] or 0, class_name(row[1], row[2])) for row in rows]


def report(
    db: Database,
    named: Mapping[str, int],
    title: str,
    notes: Sequence[str],
    gettext: Translate,
    language: str,
) -> Report:
    """The table of named figures: classes, then the stages and the school."""
    flows = flows_of(named)
    measures = [m for m in MEASURES if m != GRADUATED or any(flow.total[m] for flow in flows.values())]
    classes = classes_of(db, list(flows))
    rows = [_row((name,), flows[one], measures) for one, _, name in classes]
    stages = stage_of(db)
    for stage, name in STAGES.items():
        within = [flows[one] for one, grade, _ in classes if stages[grade] == stage]
        if within:
            rows.append(_row((gettext(name),), summed(within), measures, total=True))
    rows.append(_row((gettext("School"),), summed(flows.values()), measures, total=True))
    columns = [Column(gettext("Class"))]
    for block, measure in enumerate(measures):
        head = label(measure, gettext)
        columns.append(Column(gettext("all"), True, group=head, block=block))
        columns.append(Column(gettext("girls"), True, group=head, block=block))
    return Report(title, tuple(columns), tuple(rows), tuple(notes), language=language)


def label(measure: str, gettext: Translate) -> str:
    """The heading of a measure."""
    if measure.startswith("departed_"):
        reason = in_list(measure.removeprefix("departed_"), "movement_reason")
        return gettext("Departed: %(reason)s", reason=reason[:1].lower() + reason[1:])
    return gettext(LABELS[measure])


def name_of(db: Database, key: str, gettext: Translate) -> str:
    """What a named figure is, in words: class, measure, all or girls."""
    class_id, measure, part = key.split("|")
    names = [name for _, _, name in classes_of(db, [int(class_id)])]
    whom = gettext("all") if part == "t" else gettext("girls")
    return " · ".join((*names, label(measure, gettext), whom))


def _row(heads: tuple[str, ...], flow: Flow, measures: Sequence[str], total: bool = False) -> Row:
    cells = [number for measure in measures for number in (flow.total[measure], flow.girls[measure])]
    return Row((*heads, *cells), total)


def checks(
    db: Database, year: int, period: Period, named: Mapping[str, int], gettext: Translate
) -> list[Check]:
    """The rules of the form, asked of the figures."""
    flows = flows_of(named)
    total = summed(flows.values())
    cells = evaluate(db.execute, "pupils", int(State(db).school), period.until)
    district = sum(cell.measures["pupils"] for cell in cells)
    moves: Counter[str] = Counter()
    for cell in evaluate(db.execute, "movement", int(State(db).school)):
        if period.after < int(str(cell.dims["day"] or 0)) <= period.until:
            moves.update(cell.measures)
    told = (moves["arrived"], moves["departed"] + moves["graduated"], moves["transfers"])
    flaws = discrepancies(db, period.after, period.until)
    every = all(holds(flow.total) and holds(flow.girls) for flow in flows.values())
    girls = all(flow.girls[m] <= flow.total[m] for flow in flows.values() for m in MEASURES)
    return [
        Check(gettext("End = start + arrived − departed + in − out, in every row"), every),
        Check(gettext("Moved into classes = moved out of classes"), total.total["in"] == total.total["out"]),
        Check(gettext("Girls are not more than all"), girls),
        Check(gettext("The district counts as many pupils at the end"), district == total.total["end"]),
        Check(
            gettext("The district counts as many arrivals, departures and transfers"),
            told == (arrived(total.total), departed(total.total), total.total["out"]),
        ),
        Check(gettext("Rolls and movement book agree"), not flaws),
    ]


def summer(db: Database, year: int) -> tuple[int, Flow] | None:
    """How the year began: last year's roll at its end, and what the summer brought; None without a last year.

    Start of the first quarter = last year's end - graduates + admissions and moves of the summer.
    """
    this = _year(db, year)
    earlier = [one for one in class_queries.years(db) if one.start < this.start]
    if not earlier:
        return None
    last = queries.periods(db, max(earlier, key=lambda one: one.start))[-1]
    flow = summed(of_span(db, last.until, this.start).values())
    return flow.total["start"], flow


__all__ = [
    "CODE",
    "Check",
    "arrived",
    "checks",
    "departed",
    "figures",
    "name_of",
    "period_of",
    "report",
    "summer",
]
