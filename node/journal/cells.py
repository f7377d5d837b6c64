"""What stands in the cells of the journal: marks, absences, late changes; what a term's marks come to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from sqlite_utils import Database

from node import yearbook
from node.settings import queries as settings
from shared.grading import Ties, mean_and_proposal

SLOTS = (0, 1)
"""Places of marks in one cell: the paper's 5/4 is two."""


FIVE = 5
"""The scale on which a school may do without the mark 1."""


@dataclass(frozen=True)
class Place:
    """A lesson by its natural key."""

    group: int
    day: int
    period: int

    @property
    def key(self) -> dict[str, int]:
        """The columns of the key."""
        return {"subject_group": self.group, "day": self.day, "period": self.period}


class Mark(NamedTuple):
    """A mark of a cell; ``value`` is None where only a comment stands or the mark was taken back.

    ``outside``: it is not on its scale. No page lets one in, but another node's may come by a sync, which refuses
    nothing that the other holds, or they would part. Such a mark is shown as what it is, and weighs nothing.
    """

    value: int | None
    kind: int | None
    comment: str
    outside: bool = False


@dataclass(frozen=True)
class Correction:
    """A change after the edit window, as on paper: the value struck through, why, who, on which day."""

    field: str
    old: str
    reason: str
    author: int | None
    made_on: int


@dataclass(slots=True)
class Cell:
    """What a pupil has in one lesson."""

    status: str = "present"
    marks: dict[int, Mark] = field(default_factory=dict)
    corrections: list[Correction] = field(default_factory=list)

    def value(self, slot: int) -> int | None:
        """The mark in a slot."""
        found = self.marks.get(slot)
        return found.value if found else None

    @property
    def is_blank(self) -> bool:
        """Does it say no more than that the pupil was there?"""
        written = self.corrections or any(
            mark.value is not None or mark.comment for mark in self.marks.values()
        )
        return self.status == "present" and not written

    @property
    def outside(self) -> list[int]:
        """The marks that are not on their scale."""
        return [mark.value for mark in self.marks.values() if mark.outside and mark.value is not None]

    @property
    def comment(self) -> str:
        """The comments of the cell."""
        return "; ".join(mark.comment for mark in self.marks.values() if mark.comment)


@dataclass(frozen=True)
class Scale:
    """The bounds of a scale of marks."""

    id: int
    low: int
    high: int


def cells(
    db: Database, group: int, first: int, last: int, pupils: Collection[int] | None = None
) -> dict[tuple[int, int, int], Cell]:
    """Marks and absences of a group, or of some pupils of it, by (day, period, pupil)."""
    found: dict[tuple[int, int, int], Cell] = {}
    span: dict[str, int | str] = {"group": group, "first": first, "last": last}
    where = "WHERE subject_group = :group AND day BETWEEN :first AND :last AND retired_at IS NULL"
    if pupils is not None:
        where += " AND pupil IN (SELECT value FROM json_each(:pupils))"
        span["pupils"] = json.dumps(sorted(pupils))
    for day, period, pupil, status in db.execute(
        f"SELECT day, period, pupil, status FROM attendance {where}", span
    ).fetchall():
        found[day, period, pupil] = Cell(status or "present")
    bounds = _bounds(db, group)
    for day, period, pupil, slot, value, kind, comment, scale in db.execute(
        f"SELECT day, period, pupil, slot, value, kind, comment, scale FROM mark {where} "
        "ORDER BY day, period, pupil, slot",  # as the key's index has them, so nothing is sorted
        span,
    ).fetchall():
        at = (day, period, pupil)
        cell = found.get(at)
        if cell is None:
            cell = found[at] = Cell()
        cell.marks[slot] = Mark(value, kind, comment or "", _is_outside(value, bounds.get(scale)))
    for day, period, pupil, *told in db.execute(
        f"SELECT day, period, pupil, field, old, reason, author, made_on FROM mark_correction {where} "
        "AND pupil IS NOT NULL ORDER BY id",
        span,
    ).fetchall():
        found.setdefault((day, period, pupil), Cell()).corrections.append(Correction(*told))
    return found


def brought(
    db: Database, group: int, first: int, last: int, came: yearbook.Came | None = None
) -> dict[int, dict[tuple[int, int, int], Cell]]:
    """What pupils brought along in a span from other groups of the subject: those groups -> cells of the days there.

    ``came``: from which groups its pupils came, if that is known.
    """
    there: dict[int, dict[int, list[yearbook.Span]]] = {}
    for (_, pupil), left in (yearbook.origins(db, [group]) if came is None else came).items():
        for origin, spans in left.items():
            if any(start <= last and first < end for start, end in spans):
                there.setdefault(origin, {})[pupil] = spans
    return {
        origin: {
            (day, period, pupil): cell
            for (day, period, pupil), cell in cells(db, origin, first, last, who).items()
            if any(start <= day < end for start, end in who[pupil])
        }
        for origin, who in there.items()
    }


def reckoned(db: Database, group: int, first: int, last: int) -> dict[tuple[int, int, int], Cell]:
    """The cells whose marks make the averages of a group: those its pupils brought along, and its own."""
    found: dict[tuple[int, int, int], Cell] = {}
    for some in brought(db, group, first, last).values():
        found |= some
    return found | cells(db, group, first, last)


def struck_lines(db: Database, group: int, first: int, last: int) -> dict[tuple[int, int], list[Correction]]:
    """Topics and homework that were changed after the edit window, by (day, period), as they came about."""
    found: dict[tuple[int, int], list[Correction]] = {}
    for day, period, *told in db.execute(
        """SELECT day, period, field, old, reason, author, made_on FROM mark_correction
           WHERE subject_group = ? AND day BETWEEN ? AND ? AND pupil IS NULL AND retired_at IS NULL ORDER BY id""",
        (group, first, last),
    ).fetchall():
        found.setdefault((day, period), []).append(Correction(*told))
    return found


def _is_outside(value: int | None, bounds: tuple[int, int] | None) -> bool:
    return value is not None and bounds is not None and not bounds[0] <= value <= bounds[1]


def _bounds(db: Database, group: int) -> dict[int | None, tuple[int, int]]:
    """Scale -> its lowest and highest mark; a mark that names no scale is on the group's."""
    found: dict[int | None, tuple[int, int]] = {
        scale: (low, high)
        for scale, low, high in db.execute(
            "SELECT id, minimum, maximum FROM grading_scale WHERE minimum IS NOT NULL AND maximum IS NOT NULL"
        ).fetchall()
    }
    own = db.execute("SELECT scale FROM subject_group WHERE id = ?", (group,)).fetchone()
    return found | {None: found[own[0]]} if own and own[0] in found else found


@dataclass(frozen=True)
class Stray:
    """A mark that is not on its scale, and where it stands."""

    place: Place
    pupil: int
    value: int
    kind: int | None


def common_bounds(db: Database) -> tuple[int, int]:
    """The marks that every scale has: what lies between them is outside none."""
    row = db.execute("SELECT ifnull(max(minimum), 0), ifnull(min(maximum), 0) FROM grading_scale").fetchone()
    return row[0], row[1]


def strays(db: Database, groups: Collection[int], first: int, last: int) -> list[Stray]:
    """The marks of some groups in a span of days that are not on their scale."""
    rows = db.execute(
        """SELECT m.subject_group, m.day, m.period, m.pupil, m.value, m.kind FROM json_each(?) g
           CROSS JOIN mark m ON m.subject_group = g.value
           WHERE m.day BETWEEN ? AND ? AND m.value NOT BETWEEN ? AND ? AND m.retired_at IS NULL
             AND EXISTS (SELECT 1 FROM subject_group sg JOIN grading_scale s ON s.id = ifnull(m.scale, sg.scale)
               WHERE sg.id = m.subject_group AND m.value NOT BETWEEN s.minimum AND s.maximum)
           ORDER BY m.day, m.period""",
        (json.dumps(sorted(groups)), first, last, *common_bounds(db)),
    )
    return [Stray(Place(*at), pupil, value, kind) for *at, pupil, value, kind in rows.fetchall()]


def lesson_cells(db: Database, place: Place) -> dict[int, Cell]:
    """Marks and absences of one lesson by pupil."""
    found = cells(db, place.group, place.day, place.day)
    return {pupil: cell for (_, period, pupil), cell in found.items() if period == place.period}


def scale_of(db: Database, group: int) -> Scale | None:
    """The scale of a subject group; None where nobody is marked."""
    row = db.execute(
        """SELECT g.id, g.minimum, g.maximum FROM subject_group sg JOIN grading_scale g ON g.id = sg.scale
           WHERE sg.id = ? AND g.minimum IS NOT NULL AND g.maximum IS NOT NULL""",
        (group,),
    ).fetchone()
    if row is None:
        return None
    number, low, high = row
    without_one = low == 1 and high == FIVE and not settings.number(db, "use_of_one")
    return Scale(number, 2 if without_one else low, high)


def usual_kind(cells: Iterable[Cell], slot: int = 0) -> int | None:
    """The kind of work of most marks of a lesson: what its next mark will be of, too."""
    counted: dict[int, int] = {}
    for cell in cells:
        mark = cell.marks.get(slot)
        if mark is not None and mark.value is not None and mark.kind is not None:
            counted[mark.kind] = counted.get(mark.kind, 0) + 1
    return max(counted, key=counted.__getitem__, default=None)


def work_kinds(db: Database, by: Rule | None = None) -> list[Mapping[str, Any]]:
    """Kinds of work with the weights of the school's choosing; ``by`` is its rule, where that was read already."""
    weights = (by or rule(db)).weights
    rows = db.query("SELECT * FROM work_kind WHERE retired_at IS NULL ORDER BY id")
    return [dict(row) | {"weight": weights[row["id"]]} for row in rows]


@dataclass(frozen=True)
class Standing:
    """What a pupil's marks of a term come to."""

    average: Fraction | None
    proposed: int | None
    counted: int | None = None
    """How many marks the average is of; None where it is no average of marks."""


@dataclass(frozen=True)
class Rule:
    """How a mark is proposed: of a term by weight of each kind of work, threshold of rounding (hundredths) and marks
    needed; of the year by a threshold of its own and where a half goes; the final one by where a half goes.
    """

    weights: Mapping[int, int]
    threshold: int
    minimum: int
    year_threshold: int = 50
    ties_year: Ties = "toward"
    ties_final: Ties = "toward"


def rule(db: Database) -> Rule:
    """The rule as the school has set it; a kind of work that no setting knows weighs what its row says."""
    chosen = settings.values(db)
    weights = {
        kind: int(chosen.get(f"weight_{code}", 1 if weight is None else weight))
        for kind, code, weight in db.execute("SELECT id, code, weight FROM work_kind").fetchall()
    }
    return Rule(
        weights,
        int(chosen["rounding"]),
        int(chosen["minimum_marks"]),
        int(chosen["rounding_year"]),
        _ties(chosen["ties_year"]),
        _ties(chosen["ties_final"]),
    )


def _ties(chosen: int | str) -> Ties:
    return "up" if chosen == "up" else "toward"


def standing(marks: Iterable[Mark], by: Rule) -> Standing:
    """Weighted mean and proposed mark of a term; what is not on its scale changes neither."""
    pairs = _pairs(marks, by)
    counted = len([weight for _, weight in pairs if weight > 0])
    return Standing(*mean_and_proposal(pairs, threshold=by.threshold, minimum=by.minimum), counted)


def _pairs(marks: Iterable[Mark], by: Rule) -> list[tuple[int, int]]:
    """Value and weight of the marks that are on their scale."""
    weights = by.weights
    return [
        (value, weights.get(kind or 0, 1))
        for value, kind, _, outside in marks
        if value is not None and not outside
    ]


def standings(found: Mapping[tuple[int, int, int], Cell], by: Rule) -> dict[int, Standing]:
    """Average and proposed mark of every pupil with marks among the cells."""
    return {pupil: standing(some, by) for pupil, some in _by_pupil(found).items()}


def weighed(found: Mapping[tuple[int, int, int], Cell], by: Rule) -> dict[int, tuple[int, int, int]]:
    """Of every pupil with marks among the cells the sum of mark times weight, that of the weights, how many marks."""
    by_pupil = {pupil: _pairs(some, by) for pupil, some in _by_pupil(found).items()}
    return {
        pupil: (
            sum(value * weight for value, weight in pairs),
            sum(weight for _, weight in pairs),
            len([weight for _, weight in pairs if weight > 0]),
        )
        for pupil, pairs in by_pupil.items()
    }


def _by_pupil(found: Mapping[tuple[int, int, int], Cell]) -> dict[int, list[Mark]]:
    marks: dict[int, list[Mark]] = {}
    for (_, _, pupil), cell in found.items():
        marks.setdefault(pupil, []).extend(cell.marks.values())
    return marks
