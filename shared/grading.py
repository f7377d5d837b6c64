"""Marks: bands of scales, proposed, annual and final marks, a pupil's category. Exact arithmetic throughout.

The rules are common practice, not a binding national formula; the teacher decides and the product proposes.
Thresholds of rounding are whole hundredths: 50 rounds 3.50 up, 65 rounds up from 3.65 only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from shared.problems import InvalidValue
from shared.schema import PUPIL_CATEGORIES

HALF = Fraction(1, 2)
THRESHOLDS = range(50, 66)
"""Allowed thresholds of rounding, in hundredths."""
MINIMUM_MARKS = 3
"""Marks without which no quarter mark is proposed, unless the school sets another number."""

Ties = Literal["toward", "up"]
"""Where a mean halfway between two marks goes: toward the last of the marks it is of, or up."""


@dataclass(frozen=True, order=True)
class Band:
    """The values low..high of a scale count as `band` of the five-point scale (a row of `grading_band`)."""

    band: int
    low: int
    high: int


@dataclass(frozen=True)
class Standing:
    """A pupil's category at the end of a period, and the flag `one_four` or `one_three`."""

    category: str
    flag: str | None = None


def bands_of(rows: Iterable[Mapping[str, object]], scale: int) -> tuple[Band, ...]:
    """The bands of one scale out of rows of `grading_band`, retired ones left out."""
    chosen = [row for row in rows if row["scale"] == scale and row.get("retired_at") is None]
    return tuple(sorted(Band(*(int(str(row[name])) for name in ("band", "low", "high"))) for row in chosen))


def band_of(value: int | None, bands: Sequence[Band]) -> int | None:
    """The five-point band of a value; None for no value or one outside every band.

    Overlapping bands give the highest, as the statistics do.
    """
    if value is None:
        return None
    return max((b.band for b in bands if b.low <= value <= b.high), default=None)


def half_up(numerator: int, denominator: int, places: int) -> int:
    """A fraction that is not negative, in units of the last of `places` decimals, halves up.

    In whole numbers, for a page shows hundreds: floor(n/d * 10^places + 1/2) = floor((2n * 10^places + d) / 2d).
    """
    return int((2 * numerator * 10**places + denominator) // (2 * denominator))


def round_mark(mean: Fraction, threshold: int = 50) -> int:
    """Round a mean up when its fraction is `threshold` hundredths or more; InvalidValue outside 50-65."""
    if threshold not in THRESHOLDS:
        raise InvalidValue(table="settings", column="rounding", value=threshold)
    whole, rest = divmod(mean.numerator, mean.denominator)
    return int(whole + (100 * rest >= threshold * mean.denominator))


def propose(
    marks: Iterable[tuple[int, int]], *, threshold: int = 50, minimum: int = MINIMUM_MARKS
) -> int | None:
    """The proposed mark of a quarter from (value, weight); None means not assessed.

    Only marks that have weight count towards the minimum. A zero is a mark.
    """
    return mean_and_proposal(marks, threshold=threshold, minimum=minimum)[1]


def mean_and_proposal(
    marks: Iterable[tuple[int, int]], *, threshold: int = 50, minimum: int = MINIMUM_MARKS
) -> tuple[Fraction | None, int | None]:
    """The weighted mean, and what `propose` makes of it; what has no weight changes neither.

    Sum of weight x mark over sum of weights; None when nothing has weight. Marks are (value, weight).
    """
    total = weights = counted = 0
    for value, weight in marks:
        if weight > 0:
            total, weights, counted = total + value * weight, weights + weight, counted + 1
    if not weights:
        return None, None
    mean = Fraction(total, weights)
    return mean, round_mark(mean, threshold) if counted >= minimum else None


def needs_reason(given: int | None, proposed: int | None) -> bool:
    """Must the teacher say why? Yes where the mark differs from the proposal."""
    return given != proposed


def annual(quarters: Sequence[int | None], *, threshold: int = 50, ties: Ties = "toward") -> int | None:
    """The annual mark: mean of the quarters that have one, a tie rounded toward the last of them (Q4), or up.

    `quarters` stand in order. None when no quarter has a mark. A tie is a mean of exactly x.50 under a threshold of 50:
    under a higher one it lies below the threshold and is rounded down like any other, whatever ``ties`` says.
    """
    given = [mark for mark in quarters if mark is not None]
    if not given:
        return None
    return _round_toward(Fraction(sum(given), len(given)), given[-1], threshold, ties)


def final(year: int | None, exam: int | None, *, ties: Ties = "toward") -> int | None:
    """The final mark: mean of annual and exam mark, a tie rounded toward the exam, or up.

    Without an exam (released pupils) the annual mark stands; without an annual mark there is none. There is no
    threshold: the mean of two marks is whole or a tie.
    """
    if year is None or exam is None:
        return year
    return _round_toward(Fraction(year + exam, 2), exam, 50, ties)


def _round_toward(mean: Fraction, anchor: int, threshold: int, ties: Ties) -> int:
    """Round; at exactly x.50 with the threshold at 50 go toward the anchor."""
    rounded = round_mark(mean, threshold)
    is_tie = mean - math.floor(mean) == HALF and threshold == 50
    return rounded - 1 if is_tie and ties == "toward" and anchor < mean else rounded


def standing(results: Iterable[tuple[str, int | None]]) -> Standing | None:
    """A pupil's category from (status, band) of all subjects of a period; None when no subject counts.

    Exempt and unmarked subjects are ignored, as are results that say `assessed` but hold no mark yet. The
    first rule that matches wins: any 2 or 1, any not assessed, all 5, lowest 4, lowest 3.
    """
    counted = [(status, band) for status, band in results if status == "na" or _is_mark(status, band)]
    bands = Counter(band for status, band in counted if status == "assessed")
    if not counted:
        return None
    if bands[2] or bands[1]:
        return Standing("failing")
    if bands.total() < len(counted):
        return Standing("not_assessed")
    if bands[3]:
        return Standing("satisfactory", "one_three" if bands[3] == 1 else None)
    if bands[4]:
        return Standing("good", "one_four" if bands[4] == 1 else None)
    return Standing("excellent")


def _is_mark(status: str, band: int | None) -> bool:
    return status == "assessed" and band is not None


def count_standings(standings: Iterable[Standing | None]) -> dict[str, int]:
    """The counts of a row of `class_category_count`; pupils without any counted subject are left out."""
    counts = dict.fromkeys(PUPIL_CATEGORIES, 0)
    for pupil in standings:
        if pupil is not None:
            counts[pupil.category] += 1
            if pupil.flag:
                counts[pupil.flag] += 1
    return counts
