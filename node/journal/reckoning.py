"""How a pupil's average and proposed result of a period came about: what counts with which weight, what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from node.journal import proposals, queries
from node.journal.queries import Cell, Result, Rule, Standing

HALF = 50
"""The threshold of rounding, in hundredths, at which a mean of results may lie in the middle."""


@dataclass(frozen=True)
class Line:
    """A mark of a lesson; ``weight`` is that of its kind of work, a row of `work_kind` or None; ``group``: where it was
    given.
    """

    group: int
    day: int
    period: int
    value: int
    kind: int | None
    weight: int
    outside: bool

    @property
    def counts(self) -> bool:
        """Does it change the average?"""
        return self.weight > 0 and not self.outside


@dataclass(frozen=True)
class Reckoning:
    """What the average of a kind of period is of: marks of lessons (``lines``), or results of other periods (``parts``:
    the period and the result, None where there is none); what they come to, and the rule.
    """

    kind: str
    lines: list[Line]
    parts: list[tuple[Mapping[str, Any], Result | None]]
    now: Standing
    by: Rule

    @property
    def total(self) -> int:
        """The sum of mark times weight."""
        return sum(one.value * one.weight for one in self.lines if one.counts)

    @property
    def weights(self) -> int:
        """The sum of the weights."""
        return sum(one.weight for one in self.lines if one.counts)

    @property
    def limit(self) -> Fraction | None:
        """From which average on the next mark is proposed; None where nothing is rounded, or a half either way."""
        average = self.now.average
        if average is None or average.denominator == 1 or self.ties:
            return None
        return average // 1 + Fraction(self._threshold, 100)

    @property
    def ties(self) -> bool:
        """Does a half go toward the last of the results?"""
        rule = {"year": self.by.ties_year, "final": self.by.ties_final}.get(self.kind)
        return rule == "toward" and self._threshold == HALF

    @property
    def _threshold(self) -> int:
        return {"year": self.by.year_threshold, "final": HALF}.get(self.kind, self.by.threshold)


def lines_of(group: int, cells: Mapping[tuple[int, int, int], Cell], pupil: int, by: Rule) -> list[Line]:
    """A pupil's marks among the cells of a group, in the order of the lessons."""
    return [
        Line(group, day, period, mark.value, mark.kind, by.weights.get(mark.kind or 0, 1), mark.outside)
        for (day, period, who), cell in sorted(cells.items(), key=lambda one: one[0])
        for _, mark in sorted(cell.marks.items())
        if who == pupil and mark.value is not None
    ]


def reckoning(db: Database, group: Mapping[str, Any], term: Mapping[str, Any], pupil: int) -> Reckoning:
    """How what a pupil has in a period of a group's year was reckoned, from whichever groups of the subject."""
    by, parts = queries.rule(db), proposals.parts_of(db, group, term)
    results = queries.all_results(db, group["id"]) if parts else {}
    cells: dict[int, Mapping[tuple[int, int, int], Cell]] = {}
    if not parts:
        cells |= queries.brought(db, group["id"], term["start"], term["end"])
        cells[group["id"]] = queries.cells(db, group["id"], term["start"], term["end"])
    lines = [line for one, found in cells.items() for line in lines_of(one, found, pupil, by)]
    return Reckoning(
        term["kind"],
        sorted(lines, key=lambda one: (one.day, one.period)),
        [(part, results.get(part["id"], {}).get(pupil)) for part in parts],
        proposals.of_term(db, group, term).get(pupil, proposals.NOTHING),
        by,
    )
