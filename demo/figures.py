"""The demo's figures, read at the hub from the shared cubes, unrounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.overview.queries import schools
from hub.statistics.queries import cells, naming
from hub.storage import Hub
from shared.indicators import INDICATORS, Cell

_TERMS = {"period-1": "1", "period-2": "2", "year": "year"}


def rows_of(hub: Hub, names: Sequence[str]) -> list[dict[str, Any]]:
    """Results by school, subject, term and sex.

    ``average`` is the mean of the results on their own scale, ``average_mark`` that of their bands 2-5;
    ``missed`` is None
    where nobody noted missed lessons.
    """
    with hub.read() as connection:
        name = naming(connection, "en")
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells(hub, "results"):
        school = name("school", cell.dims["school"]) or ""
        if school in names and cell.dims["term"] in _TERMS:
            key = (school, str(cell.dims["subject"]), _TERMS[str(cell.dims["term"])], str(cell.dims["sex"]))
            groups.setdefault(key, []).append(cell)
    return [_row(key, groups[key]) for key in sorted(groups)]


def _row(key: tuple[str, str, str, str], group: Sequence[Cell]) -> dict[str, Any]:
    totals = {name: sum(cell.measures[name] for cell in group) for name in group[0].measures}

    def value(indicator: str) -> float:
        found = INDICATORS[indicator].value(totals)
        assert found is not None
        return float(found)

    school, subject, term, sex = key
    return {
        "school": school,
        "subject": subject,
        "term": term,
        "sex": sex,
        "assessed": int(value("assessed")),
        "average": value("mean_value"),
        "average_mark": value("average"),
        "success": value("success"),
        "quality": value("quality"),
        "missed": totals["missed"] if totals["missed_known"] else None,
    }


def district_rows(hub: Hub) -> list[dict[str, Any]]:
    """Schools with the number of their changesets and of what still waits."""
    with hub.read() as connection:
        return [
            {"school": row.name, "changesets": row.position, "waiting": row.waiting}
            for row in schools(connection, "en")
        ]
