"""Hybrid logical clock: milliseconds since 1970 and a 16-bit counter in one 63-bit integer (Kulkarni et al., 2014)."""

from __future__ import annotations

import time

COUNTER_BITS = 16
MAX_AHEAD_MS = 10 * 60 * 1000
"""A stamp further ahead of this machine's own time than this is never followed: one wrong clock must not drag all."""
MAX_STAMP = 2**63 - 1


def now_ms() -> int:
    """This machine's time in milliseconds since 1970; may be wrong by years."""
    return time.time_ns() // 1_000_000


def stamp_of(ms: int) -> int:
    """The first stamp of a millisecond; a clock set before 1970 counts as 1970."""
    return min(max(ms, 0) << COUNTER_BITS, MAX_STAMP - 1)


def tick(last: int, ms: int) -> int:
    """The next stamp: of this moment, or just after the last one when the machine's clock stands or went back."""
    return max(last + 1, stamp_of(ms))


def follow(last: int, seen: int, ms: int) -> int:
    """The clock after meeting a stamp of another node: never backwards, never after a stamp far ahead."""
    return max(last, seen) if seen <= stamp_of(ms + MAX_AHEAD_MS) else last


def ms_of(stamp: int) -> int:
    """Milliseconds since 1970 of a stamp."""
    return stamp >> COUNTER_BITS
