"""What a process of the crowd does: it holds some nodes, and lets all of them push at one moment."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from shared.db import transaction
from shared.problems import Problem
from sync import session
from sync.log import dump
from sync.transport.http import HttpTransport
from sync.writer import writing
from tests.properties.machines import empty_database, first_school_key, make_keys
from tests.world import no_derived_rows

ROWS = 40
_GATE_SECONDS = 0.001


class Watched(HttpTransport):
    """Notes how each exchange went: empty when an answer came, else the code of the problem."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.tries: list[str] = []

    def exchange(self, message: bytes) -> bytes:
        try:
            answer = super().exchange(message)
        except Problem as problem:
            self.tries.append(problem.code)
            raise
        self.tries.append("")
        return answer


def push_together(address: str, codes: Sequence[str], gate: Path, ready: Path, told: Path) -> None:
    """Register a node with each code, fill it, say ``ready``; when the ``gate`` stands, push all; one line for each."""
    nodes = [_registered(address, code, number) for number, code in enumerate(codes)]
    ready.touch()
    while not gate.exists():
        time.sleep(_GATE_SECONDS)
    with ThreadPoolExecutor(len(nodes)) as pool:
        lines = list(pool.map(_push, nodes))
    told.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _registered(address: str, code: str, number: int) -> tuple[Database, Watched]:
    db = empty_database()
    with transaction(db):
        make_keys(db)
        first_school_key(db)
    session.register(db, HttpTransport(address), code)
    with writing(db, 0) as w:
        for year in range(ROWS):
            w.insert("person", sex="f", birth_year=1990 + (year + number) % 30)
    return db, Watched(address)


def _push(node: tuple[Database, Watched]) -> dict[str, Any]:
    db, transport = node
    begun = time.monotonic()
    try:
        outcome = session.sync(db, transport, no_derived_rows).outcome
    except Problem as problem:
        outcome = problem.code
    school = db.execute("SELECT value FROM state WHERE name = 'school'").fetchone()[0]
    return {
        "outcome": outcome,
        "tries": transport.tries,
        "begun": begun,
        "ended": time.monotonic(),
        "school": school,
        "dump": fingerprint(dump(db, True)),
    }


def fingerprint(lines: Any) -> str:
    """A dump in 64 letters."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
