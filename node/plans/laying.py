"""Laying a plan onto dates: pure. Items keep their order, each takes as many dates as it has hours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

Date = TypeVar("Date")


def lay_out(hours: Sequence[int], dates: Sequence[Date]) -> list[tuple[Date, ...]]:
    """The dates of each item: as many as it has hours, in order; fewer or none when the dates run out."""
    left = iter(dates)
    return [tuple(islice(left, count)) for count in hours]


def following(hours: Sequence[int], given: Sequence[int], last: int | None, ahead: int = 0) -> int | None:
    """The place of the item whose turn it is, `ahead` more hours being spoken for already; None: all are given.

    From the item given last on, those that still have hours; after the last item, those that were passed over.
    """
    start = 0 if last is None else last
    order = [*range(start, len(hours)), *range(start)]
    for place in order:
        ahead -= max(0, hours[place] - given[place])
        if ahead < 0:
            return place
    return None
