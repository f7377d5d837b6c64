"""Runs every measure and prints it with its limit: ``python -m tests.bench [NAME ..]``."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa
from sqlite_utils import Database

from hub import tables
from shared.db import write_rows
from sync.log import NodeLog
from sync.writer import writing
from tests.bench import day
from tests.bench.beside import beside, first_million
from tests.bench.lists import lists
from tests.bench.rows import pile
from tests.bench.web import pages
from tests.postgres import a_cluster, find_binaries

Line = tuple[str, str, str]
_WRITTEN = 60_000


def bytes_of_a_day() -> Iterator[Line]:
    """Everything on the wire for one school day, beside plain ways to write the same changes down."""
    with day.cast() as cast:
        day.sync(cast)
        _a_day(cast, 0)
        day.sync(cast)
        changes = _a_day(cast, 1)
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


def _a_day(cast: day.Cast, number: int) -> int:
    return day.a_day(cast.db, cast.school.actor, cast.register, day.FIRST_DAY + number)


def bytes_of_50_000_marks() -> Iterator[Line]:
    with day.cast() as cast:
        day.sync(cast)
        changes = day.marks(cast.db, cast.school.actor, cast.register, 50_000)
        gz, xz = day.gzipped_json(cast), day.xz_csv(cast)
        started = time.perf_counter()
        size, rounds = day.sync(cast)
        yield "bytes a change, 50,000 marks and their lessons", f"{size / changes:.2f}", "at most 3.5"
        yield "  the same as gzipped JSON", f"{gz / changes:.2f}", ""
        yield "  the same as the barest CSV, xz -9", f"{xz / changes:.2f}", ""
        yield "  seconds for the sync, both ends", f"{time.perf_counter() - started:.2f}", ""
        yield "  requests for it", str(rounds), ""


def sync_after_history() -> Iterator[Line]:
    """The same school days synced after ever more history: they must not feel it. The median of eleven days.

    Each history is a school of its own, and their days take turns: with one school the later days would stand later in
    the term as well, and what is counted for a term so far (and written anew each day) grows with its days.
    """
    pasts = (10_000, 100_000, 1_000_000)
    with ExitStack() as stack:
        casts = [stack.enter_context(day.cast()) for _ in pasts]
        for cast, earlier in zip(casts, pasts, strict=True):
            _write_past(cast, earlier)
        times: list[list[float]] = [[] for _ in pasts]
        for number in range(11):
            for turn in range(len(pasts)):
                at = (number + turn) % len(pasts)
                times[at].append(_time_a_day(casts[at], number))
        first = statistics.median(times[0])
        for earlier, some in zip(pasts, times, strict=True):
            middle = statistics.median(some)
            yield (
                f"seconds for a day's sync after {earlier:,} changes",
                f"{middle:.3f}",
                f"{middle / first:.2f} of the first; within 1.2",
            )
        late = [_time_a_day(casts[0], number) for number in range(11, 33)][-11:]
        middle = statistics.median(late)
        yield (
            f"  the 23rd to 33rd days of a term instead of the first, after {pasts[0]:,}",
            f"{middle:.3f}",
            f"{middle / first:.2f} of the first",
        )


def _write_past(cast: day.Cast, count: int) -> None:
    done = 0
    while done < count:
        some = min(90_000, count - done)
        day.history(cast.db, cast.school.actor, cast.register, some, day.FIRST_DAY + 2_000 - (-done // 900))
        done += some
        day.sync(cast)


def _time_a_day(cast: day.Cast, number: int) -> float:
    _a_day(cast, number)
    started = time.perf_counter()
    day.sync(cast)
    return time.perf_counter() - started


def writes() -> Iterator[Line]:
    """Marks through triggers, log and encryption, beside the same rows in plain SQLite. The best of three each."""
    for write, how in ((write_rows, "many rows in a statement"), (_write_each, "one row in a statement")):
        done = [_writes(write) for _ in range(3)]
        bare, ours = (min(one[at] for one in done) for at in (0, 1))
        yield f"bulk writes against plain SQLite, {how}", f"{bare / ours:.2f}", "at least 0.25"
        yield "  rows a second", f"{_WRITTEN / ours:,.0f}", ""
    yield "file against the plain rows", f"{done[0][2]:.2f}", "at most 5"


def _write_each(db: Database, into: str, rows: Sequence[Sequence[object]]) -> None:
    values = ", ".join("?" * len(rows[0]))
    db.conn.executemany(f"INSERT INTO {into} VALUES ({values})", rows)


def _writes(write: Callable[[Database, str, list[tuple[int, ...]]], None]) -> tuple[float, float, float]:
    """Seconds of plain SQLite, ours, and how much larger our file is."""
    with day.cast() as cast, tempfile.TemporaryDirectory() as place:
        rows = [
            (*cast.register.mark(mark).values(), mark.value, 1, 1)
            for of_lesson in pile(_WRITTEN)
            for mark in of_lesson
        ]
        plain = Database(sqlite3.connect(Path(place) / "plain.db", isolation_level=None))
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = FULL")
        plain.execute(
            "CREATE TABLE mark (rid INTEGER PRIMARY KEY, a INT, b INT, c INT, d INT, e INT, v INT, k INT, s INT, "
            "UNIQUE (a, b, c, d, e))"
        )
        started = time.perf_counter()
        plain.execute("BEGIN IMMEDIATE")
        write(plain, "mark (a, b, c, d, e, v, k, s)", rows)
        plain.execute("COMMIT")
        bare = time.perf_counter() - started
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        plain_size = (Path(place) / "plain.db").stat().st_size
        before = _file_size(cast)
        db = cast.db
        started = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE writing SET actor = 1, clock = clock + 1")
        write(db, "mark (subject_group, day, period, pupil, slot, value, kind, scale)", rows)
        db.execute("UPDATE writing SET actor = NULL")
        db.execute("COMMIT")
        ours = time.perf_counter() - started
        return bare, ours, (_file_size(cast) - before) / plain_size


def ingest(database: str | None = None, name: str = "SQLCipher") -> Iterator[Line]:
    """What the hub alone takes in, of changes that it reads, beside a bare bulk insert of the same rows."""
    with day.cast(database=database) as cast:
        day.sync(cast)
        terms = [term for (term,) in cast.db.execute("SELECT id FROM term ORDER BY id LIMIT 23")]
        keys = [
            {"subject_group": group, "pupil": pupil, "term": term}
            for term in terms
            for group, pupils in zip(cast.register.groups, cast.register.pupils, strict=True)
            for pupil in pupils
        ]
        for at in range(0, len(keys), 900):
            with writing(cast.db, cast.school.actor) as w:
                for number, key in enumerate(keys[at : at + 900]):
                    w.put("term_result", **key, value=4, band=4, status="assessed", missed=number % 7)
        changes = NodeLog(cast.db).uncut()
        took = _time_at_the_hub(cast)
        hub = cast.school.hub
        view = tables.VIEWS["term_result"]
        with hub.write() as connection:
            rows = [dict(row._mapping) for row in connection.execute(sa.select(view))]
            for row in rows:
                row["term"] += 1_000
            started = time.perf_counter()
            connection.execute(view.insert(), rows)
            bare = time.perf_counter() - started
        yield f"ingest on {name}, changes a second, the hub alone", f"{changes / took:,.0f}", ""
        yield "  a bare bulk insert of the rows, rows a second", f"{len(rows) / bare:,.0f}", ""
        yield "  ingest against it", f"{(changes / took) / (len(rows) / bare):.2f}", ""


def _time_at_the_hub(cast: day.Cast) -> float:
    """Seconds of a sync that the hub took."""
    took = 0.0
    exchange = cast.school.transport.exchange

    def timed(message: bytes) -> bytes:
        nonlocal took
        started = time.perf_counter()
        try:
            return exchange(message)
        finally:
            took += time.perf_counter() - started

    cast.school.transport.exchange = timed  # type: ignore[method-assign]
    day.sync(cast)
    return took


def ingest_on_postgresql() -> Iterator[Line]:
    """The same on a private PostgreSQL that waits for the disk, where its programs are installed."""
    binaries = find_binaries()
    if binaries is None:
        yield "ingest on PostgreSQL", "not installed", ""
        return
    with a_cluster(binaries, durable=True) as cluster:
        cluster.execute("CREATE DATABASE bench")
        yield from ingest(cluster.url("bench"), "PostgreSQL")


MEASURES: dict[str, Callable[[], Iterator[Line]]] = {
    "day": bytes_of_a_day,
    "marks": bytes_of_50_000_marks,
    "writes": writes,
    "ingest": ingest,
    "postgresql": ingest_on_postgresql,
    "history": sync_after_history,
    "memory": first_million,
    "beside": beside,
    "beside50": lambda: beside(50_000, and_more=False),
    "lists": lists,
    "pages": pages,
}


def _file_size(cast: day.Cast) -> int:
    cast.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (cast.school.node.home / "node.db").stat().st_size


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
