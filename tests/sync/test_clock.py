"""The hybrid logical clock: never backwards, never after a stamp far ahead."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.clock import MAX_AHEAD_MS, MAX_STAMP, follow, ms_of, now_ms, stamp_of, tick

INSTANTS = st.integers(-(2**40), 2**46)
STAMPS = st.integers(0, 2**62)


def test_a_stamp_is_milliseconds_and_a_counter() -> None:
    assert stamp_of(1_700_000_000_000) == 1_700_000_000_000 * 65_536
    assert ms_of(stamp_of(1_700_000_000_000) + 65_535) == 1_700_000_000_000
    assert tick(0, 1_700_000_000_000) == stamp_of(1_700_000_000_000)


def test_a_clock_set_before_1970_or_to_the_end_of_time_still_stamps() -> None:
    assert (stamp_of(-5), tick(9, -5)) == (0, 10)
    assert tick(0, 2**60) <= MAX_STAMP


@given(STAMPS, st.lists(st.tuples(INSTANTS, STAMPS), max_size=20))
def test_it_never_runs_backwards_whatever_the_machine_and_others_say(
    last: int, events: list[tuple[int, int]]
) -> None:
    for ms, seen in events:
        following = follow(last, seen, ms)
        assert following >= last
        ticked = tick(following, ms)
        assert ticked > following
        last = ticked


@given(STAMPS, STAMPS, INSTANTS)
def test_what_is_written_after_meeting_a_credible_stamp_is_later_than_it(
    last: int, seen: int, ms: int
) -> None:
    credible = seen <= stamp_of(ms + MAX_AHEAD_MS)
    following = follow(last, seen, ms)
    assert following == (max(last, seen) if credible else last)


def test_ten_minutes_ahead_is_the_limit() -> None:
    now = 1_700_000_000_000
    last = stamp_of(now)
    at_most = stamp_of(now + MAX_AHEAD_MS)
    assert follow(last, at_most, now) == at_most
    assert follow(last, at_most + 1, now) == last


def test_a_machine_that_stands_still_counts() -> None:
    stamps = [tick(0, 1000)]
    for _ in range(70_000):
        stamps.append(tick(stamps[-1], 1000))
    assert stamps == list(range(stamps[0], stamps[0] + 70_001))
    assert ms_of(stamps[-1]) == 1001, "more than 65536 in one millisecond borrow from the next"


def test_it_reads_this_machine() -> None:
    assert now_ms() > 1_700_000_000_000
