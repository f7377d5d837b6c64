"""Marks and categories, exact at every edge."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import grading, reference
from shared.grading import Band, Standing
from shared.problems import InvalidValue
from shared.schema import PUPIL_CATEGORIES, Value

TWENTY = grading.bands_of(reference.ROWS["grading_band"], 2)
PERCENT = grading.bands_of(reference.ROWS["grading_band"], 3)
MARKS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10)), max_size=12)


def test_bands_come_from_rows() -> None:
    retired: dict[str, Value] = {"scale": 2, "band": 1, "low": 0, "high": 3, "retired_at": 1}
    rows = [*reference.ROWS["grading_band"], retired]
    assert grading.bands_of(rows, 2) == (Band(2, 0, 9), Band(3, 10, 13), Band(4, 14, 17), Band(5, 18, 20))


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (0, 2),
        (9, 2),
        (10, 3),
        (13, 3),
        (14, 4),
        (17, 4),
        (18, 5),
        (20, 5),
        (21, None),
        (-1, None),
        (None, None),
    ],
)
def test_twenty_point_edges(value: int | None, band: int | None) -> None:
    assert grading.band_of(value, TWENTY) == band


@pytest.mark.parametrize(
    ("value", "band"), [(0, 2), (49, 2), (50, 3), (69, 3), (70, 4), (89, 4), (90, 5), (100, 5)]
)
def test_percent_edges(value: int | None, band: int | None) -> None:
    assert grading.band_of(value, PERCENT) == band


def test_overlapping_bands_give_the_highest() -> None:
    assert grading.band_of(5, [Band(3, 5, 9), Band(2, 0, 5)]) == 3


@pytest.mark.parametrize(
    ("number", "places", "rounded"),
    [
        (Fraction(5, 2), 0, 3),
        (Fraction(7, 2), 0, 4),
        (Fraction(89, 24), 2, Fraction(371, 100)),
        (Fraction(12345, 1000), 2, Fraction(1235, 100)),
        (Fraction(1005, 1000), 2, Fraction(101, 100)),
        (Fraction(4999, 10000), 0, 0),
    ],
)
def test_halves_are_rounded_up(number: Fraction, places: int, rounded: Fraction) -> None:
    units = grading.half_up(number.numerator, number.denominator, places)
    assert Fraction(units, 10**places) == rounded


def test_weighted_mean_is_exact() -> None:
    assert grading.mean_and_proposal([(5, 3), (4, 1), (4, 1)])[0] == Fraction(23, 5)
    assert grading.mean_and_proposal([(5, 0)])[0] is None
    assert grading.mean_and_proposal([])[0] is None


@pytest.mark.parametrize(
    ("marks", "threshold", "minimum", "proposed"),
    [
        ([(4, 1), (3, 1), (4, 1), (3, 1)], 50, 3, 4),
        ([(4, 1), (3, 1), (4, 1), (3, 1)], 51, 3, 3),
        ([(4, 3), (4, 3), (4, 7), (3, 7)], 65, 3, 4),
        ([(4, 13), (3, 4), (3, 3)], 65, 3, 4),
        ([(4, 16), (3, 4), (3, 5)], 65, 3, 3),
        ([(5, 1), (5, 1)], 50, 3, None),
        ([(5, 1), (5, 1), (2, 0)], 50, 3, None),
        ([(5, 1), (5, 1)], 50, 2, 5),
        ([(0, 1), (0, 1), (0, 1)], 50, 3, 0),
        ([], 50, 0, None),
        ([(10, 1), (11, 1), (11, 1)], 50, 3, 11),
    ],
)
def test_quarter_mark(
    marks: list[tuple[int, int]], threshold: int, minimum: int, proposed: int | None
) -> None:
    assert grading.propose(marks, threshold=threshold, minimum=minimum) == proposed


@pytest.mark.parametrize("threshold", [49, 66, 0])
def test_thresholds_outside_the_setting_are_refused(threshold: int) -> None:
    with pytest.raises(InvalidValue):
        grading.round_mark(Fraction(7, 2), threshold)


@given(MARKS, st.integers(50, 65))
def test_a_proposal_lies_between_the_marks(marks: list[tuple[int, int]], threshold: int) -> None:
    proposed = grading.propose(marks, threshold=threshold, minimum=1)
    counting = [value for value, weight in marks if weight]
    assert (proposed is None) == (not counting)
    assert proposed is None or min(counting) <= proposed <= max(counting)


def test_a_reason_is_needed_where_the_teacher_differs() -> None:
    assert not grading.needs_reason(4, 4)
    assert grading.needs_reason(5, 4)
    assert grading.needs_reason(4, None)
    assert not grading.needs_reason(None, None)


@pytest.mark.parametrize(
    ("quarters", "mark"),
    [
        ([3, 4, 3, 4], 4),
        ([4, 3, 4, 3], 3),
        ([5, 4, 4, 5], 5),
        ([5, 5, 4, 4], 4),
        ([None, None, 3, 4], 4),
        ([None, 4, None, 3], 3),
        ([5, 4, None, None], 4),
        ([4, 4, 4, 5], 4),
        ([None] * 4, None),
        ([None, None, None, 2], 2),
    ],
)
def test_annual_ties_go_toward_the_last_quarter(quarters: list[int | None], mark: int | None) -> None:
    assert grading.annual(quarters) == mark


def test_annual_settings() -> None:
    assert grading.annual([4, 3, 4, 3], ties="up") == 4
    assert grading.annual([3, 4, 3, 4], threshold=60) == 3
    assert grading.annual([3, 4, 4, 4], threshold=60) == 4
    assert grading.annual([4, 4, 3, 3], threshold=60, ties="up") == 3, "a half below the threshold is no tie"


@pytest.mark.parametrize(
    ("year", "exam", "mark"),
    [(4, 5, 5), (5, 4, 4), (3, 5, 4), (2, 5, 4), (5, 2, 3), (4, 4, 4), (4, None, 4), (None, 5, None)],
)
def test_final_ties_go_toward_the_exam(year: int | None, exam: int | None, mark: int | None) -> None:
    assert grading.final(year, exam) == mark


def test_a_half_between_annual_mark_and_exam_may_go_up() -> None:
    assert [grading.final(*pair, ties="up") for pair in ((5, 4), (4, 5), (5, 2), (4, 4))] == [5, 5, 4, 4]


A = "assessed"


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([(A, 5), (A, 5)], Standing("excellent")),
        ([(A, 5), (A, 4)], Standing("good", "one_four")),
        ([(A, 5), (A, 4), (A, 4)], Standing("good")),
        ([(A, 5), (A, 4), (A, 3)], Standing("satisfactory", "one_three")),
        ([(A, 3), (A, 3)], Standing("satisfactory")),
        ([(A, 5), (A, 2)], Standing("failing")),
        ([(A, 5), (A, 1)], Standing("failing")),
        ([("na", None), (A, 2)], Standing("failing")),
        ([("na", None), (A, 5)], Standing("not_assessed")),
        ([("na", None), (A, 3)], Standing("not_assessed")),
        ([("na", 2), (A, 5)], Standing("not_assessed")),
        ([("exempt", None), (A, 5)], Standing("excellent")),
        ([("exempt", 2), ("unmarked", None)], None),
        ([(A, None), (A, 5)], Standing("excellent")),
        ([(A, None)], None),
        ([], None),
    ],
)
def test_category(results: list[tuple[str, int | None]], expected: Standing | None) -> None:
    assert grading.standing(results) == expected


def test_counts_have_the_columns_of_the_table() -> None:
    pupils = [Standing("good", "one_four"), Standing("good"), Standing("failing"), None]
    counts = grading.count_standings(pupils)
    assert tuple(counts) == PUPIL_CATEGORIES
    assert {name: n for name, n in counts.items() if n} == {"good": 2, "failing": 1, "one_four": 1}
