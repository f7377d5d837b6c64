"""Plays ten thousand random histories on all processors: ``python -m tests.properties [--histories N]``.

It goes on where it was stopped, unless what it tests has changed since. A history that fails is told with its seed, and
``--seed`` plays it again alone. Ends with 1 when one has failed.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.properties.histories import history

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / ".faults"
IN_A_CHUNK = 50
TESTED = ("shared", "sync", "hub", "node/derived.py", "tests/properties", "tests/sync/second_reader.py")


def fingerprint() -> str:
    """Of the code that the histories run through."""
    hashed = hashlib.sha256()
    for place in (ROOT / name for name in TESTED):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()[:16]


def play(first: int) -> tuple[int, float, list[tuple[int, str]]]:
    """A chunk of histories: its first seed, the seconds of the processor, and what failed."""
    begun, failed = time.process_time(), []
    for seed in range(first, first + IN_A_CHUNK):
        try:
            history(seed)
        except Exception as error:
            failed.append((seed, f"{error!r}\n{traceback.format_exc()}"))
    return first, time.process_time() - begun, failed


def done_before(kept: Path) -> Iterator[int]:
    """Chunks without a failure that an earlier run has played."""
    for line in kept.read_text().splitlines() if kept.exists() else []:
        first, failures = line.split()
        if failures == "0":
            yield int(first)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.properties", description="Plays random histories.")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="play this one alone, with all it says")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        history(chosen.seed)
        print(f"History {chosen.seed} holds.")
        return 0
    KEPT.mkdir(exist_ok=True)
    kept = KEPT / f"histories-{fingerprint()}"
    wanted = range(chosen.first, chosen.first + chosen.histories, IN_A_CHUNK)
    before = set(done_before(kept)) & set(wanted)
    left = [first for first in wanted if first not in before]
    if before:
        print(f"{len(before) * IN_A_CHUNK} histories were played before; {len(left) * IN_A_CHUNK} are left.")
    begun, seconds, failures = time.monotonic(), 0.0, 0
    with multiprocessing.get_context("spawn").Pool(chosen.processes) as pool, kept.open("a") as file:
        for count, (first, spent, failed) in enumerate(pool.imap_unordered(play, left), 1):
            seconds, failures = seconds + spent, failures + len(failed)
            for seed, what in failed:
                print(f"History {seed} fails: {what}", flush=True)
            file.write(f"{first} {len(failed)}\n")
            file.flush()
            if count % 10 == 0 or count == len(left):
                rate = (time.monotonic() - begun) / count * (len(left) - count) / 60
                print(f"{count * IN_A_CHUNK} played, {failures} fail, {rate:.0f} min left", flush=True)
    now = len(left) * IN_A_CHUNK
    print(
        f"{len(wanted) * IN_A_CHUNK} histories, {failures} fail; {now} of them now, in "
        f"{time.monotonic() - begun:.0f} s, {seconds / max(1, now):.3f} s of a processor each."
    )
    return 1 if failures else 0
