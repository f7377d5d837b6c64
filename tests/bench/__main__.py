"""Runs every measure and prints it with its limit: ``python -m tests.bench [NAME ..]``."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from hub import tables
from sync.log import NodeLog
from tests.bench import day

Line = tuple[str, str, str]


def bytes_of_a_day() -> Iterator[Line]:
    """Everything on the wire for one school day, beside plain ways to write the same changes down."""
    with day.cast() as cast:
        day.sync(cast)
        day.a_day(cast, day.FIRST_DAY)
        day.sync(cast)
        changes = day.a_day(cast, day.FIRST_DAY + 1)
        gz, xz = day.gzipped_json(cast), day.xz_csv(cast)
        size, rounds = day.sync(cast)
        yield "bytes a change, a school day", f"{size / changes:.2f}", "at most 4"
        yield "  requests for it", str(rounds), "1"
        yield "  the same as gzipped JSON", f"{gz / changes:.2f}", ""
        yield "  the same as the barest CSV, xz -9", f"{xz / changes:.2f}", ""
        edits = day.topics(cast, day.FIRST_DAY + 1)
        size, _ = day.sync(cast)
        yield "bytes a topic with homework", f"{size / edits:.1f}", ""
        size, rounds = day.sync(cast)
        yield "bytes for nothing", str(size), ""
        yield "  requests for it", str(rounds), "1"


def bytes_of_50_000_marks() -> Iterator[Line]:
    with day.cast() as cast:
        day.sync(cast)
        changes = day.marks(cast, 50_000)
        started = time.perf_counter()
        size, rounds = day.sync(cast)
        yield "bytes a mark, 50,000 marks", f"{size / changes:.2f}", "at most 3.5"
        yield "  seconds for the sync, both ends", f"{time.perf_counter() - started:.2f}", ""
        yield "  requests for it", str(rounds), ""


def sync_after_history() -> Iterator[Line]:
    """A day's sync after ever more history: it must not feel it."""
    first = 0.0
    for earlier in (10_000, 100_000, 1_000_000):
        with day.cast() as cast:
            done = 0
            while done < earlier:
                done += day.marks(cast, min(100_000, earlier - done), day.FIRST_DAY + 400 + done // 900)
                day.sync(cast)
            times = []
            for at in range(3):
                day.a_day(cast, day.FIRST_DAY + at)
                started = time.perf_counter()
                day.sync(cast)
                times.append(time.perf_counter() - started)
            best = min(times)
            first = first or best
            yield (
                f"seconds for a day's sync after {earlier:,} changes",
                f"{best:.3f}",
                f"{best / first:.2f} of the first",
            )


def writes() -> Iterator[Line]:
    """Marks through triggers, log and encryption, beside the same rows in plain SQLite."""
    count = 60_000
    with day.cast() as cast, tempfile.TemporaryDirectory() as place:
        rows = [
            (
                cast.groups[at % 30],
                day.FIRST_DAY + at // 900,
                at % 6,
                cast.pupils[at % 30][at // 30 % 30],
                0,
                4,
                1,
                1,
            )
            for at in range(count)
        ]
        plain = sqlite3.connect(Path(place) / "plain.db", isolation_level=None)
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = FULL")
        plain.execute(
            "CREATE TABLE mark (rid INTEGER PRIMARY KEY, a INT, b INT, c INT, d INT, e INT, v INT, k INT, s INT, "
            "UNIQUE (a, b, c, d, e))"
        )
        started = time.perf_counter()
        plain.execute("BEGIN IMMEDIATE")
        plain.executemany("INSERT INTO mark (a, b, c, d, e, v, k, s) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        plain.execute("COMMIT")
        bare = time.perf_counter() - started
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        plain_size = (Path(place) / "plain.db").stat().st_size
        before = _file_size(cast)
        db = cast.db
        started = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE writing SET actor = 1, clock = clock + 1")
        db.conn.executemany(
            "INSERT INTO mark (subject_group, day, period, pupil, slot, value, kind, scale) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        db.execute("UPDATE writing SET actor = NULL")
        db.execute("COMMIT")
        ours = time.perf_counter() - started
        yield "bulk writes against plain SQLite", f"{bare / ours:.2f}", "at least 0.25"
        yield "  rows a second", f"{count / ours:,.0f}", ""
        yield "file against the plain rows", f"{(_file_size(cast) - before) / plain_size:.2f}", "at most 5"


def ingest(database: str | None = None, name: str = "SQLCipher") -> Iterator[Line]:
    """What the hub takes in, beside a bare bulk insert of the same rows into the same database."""
    with day.cast(database=database) as cast:
        day.sync(cast)
        terms = [term for (term,) in cast.db.execute("SELECT id FROM term ORDER BY id LIMIT 20")]
        with day.writing(cast.db, cast.school.actor) as w:
            for at in range(20_000):
                group, pupil = cast.groups[at % 30], cast.pupils[at % 30][at // 30 % 30]
                key = {"subject_group": group, "pupil": pupil, "term": terms[at // 900 % len(terms)]}
                w.put("term_result", **key, value=4, band=4, status="assessed", missed=at % 7)
        changes = NodeLog(cast.db).uncut()
        started = time.perf_counter()
        day.sync(cast)
        took = time.perf_counter() - started
        hub = cast.school.hub
        view = tables.VIEWS["term_result"]
        with hub.write() as connection:
            rows = [dict(row._mapping) for row in connection.execute(sa.select(view))]
            for row in rows:
                row["term"] += 1_000
            started = time.perf_counter()
            connection.execute(view.insert(), rows)
            bare = time.perf_counter() - started
        yield f"ingest on {name}, changes a second, both ends", f"{changes / took:,.0f}", ""
        yield "  a bare bulk insert of the rows, rows a second", f"{len(rows) / bare:,.0f}", ""


def memory() -> Iterator[Line]:
    """Peak memory of one process that is node and hub at once, for a first sync of a million changes."""
    with day.cast() as cast:
        done = 0
        while done < 1_000_000:
            done += day.marks(cast, 100_000, day.FIRST_DAY + 400 + done // 900)
        before = _peak()
        size, rounds = day.sync(cast)
        yield (
            "megabytes, first sync of 1,000,000 changes, both ends",
            f"{_peak():.0f}",
            "under 200 at each end",
        )
        yield "  before the sync", f"{before:.0f}", ""
        yield "  bytes, requests", f"{size:,}, {rounds}", ""


MEASURES: dict[str, Callable[[], Iterator[Line]]] = {
    "day": bytes_of_a_day,
    "marks": bytes_of_50_000_marks,
    "writes": writes,
    "ingest": ingest,
    "history": sync_after_history,
    "memory": memory,
}


def _file_size(cast: day.Cast) -> int:
    cast.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (cast.school.node.home / "node.db").stat().st_size


def _peak() -> float:
    """Peak memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(names: list[str]) -> int:
    """Each measure in a process of its own, so that none feels another's memory."""
    if len(names) == 1 and names[0] in MEASURES and os.environ.get("MEKTEP_BENCH_CHILD"):
        for label, value, limit in MEASURES[names[0]]():
            print(f"| {label} | {value} | {limit} |", flush=True)
        return 0
    unknown = set(names) - MEASURES.keys()
    if unknown:
        print(
            f"No such measure: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}", file=sys.stderr
        )
        return 2
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    )
    print(f"{time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}\n")
    print("| measure | here | goal |\n|---|---|---|", flush=True)
    environment = {**os.environ, "MEKTEP_BENCH_CHILD": "1"}
    for name in names or MEASURES:
        subprocess.run([sys.executable, "-m", "tests.bench", name], env=environment, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
