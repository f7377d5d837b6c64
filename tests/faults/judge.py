"""What must hold after any kill; every function returns what does not, as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlite_utils import Database

from hub import checks, tables
from hub.log import HubLog
from hub.storage import DATABASE, Hub
from node.storage import Node
from shared.db import check_integrity, open_database
from shared.keyslots import Keyslots
from shared.schema import BY_NAME, BY_NUMBER, VERSION, Value
from sync import digest
from sync.capture import decode_values
from sync.checks import verify_chain
from sync.log import dump
from sync.merge import Entry, resolve
from sync.state import State
from tests.faults.workers import ROWS_AT_ONCE, shared_result

Line = dict[str, Any]


def lines(path: Path) -> list[Line]:
    """The lines of a side file; a process killed within a line never promised it."""
    if not path.exists():
        return []
    return [json.loads(text) for text in path.read_text().split("\n")[:-1]]


def node_flaws(node: Node) -> Iterator[str]:
    """Is the file whole, and the chain?"""
    with closing(node.connect()) as db:
        yield from check_integrity(db)
        yield from verify_chain(db)


def hub_flaws(hub: Hub, school: int) -> Iterator[str]:
    """Are the file, the school's stream and the hub's own whole?"""
    if (hub.home / DATABASE).exists():
        key = Keyslots(hub.home / "keys.json").open_with_machine()
        with closing(open_database(hub.home / DATABASE, key)) as db:
            yield from check_integrity(db)
    for stream in (0, school):
        yield from checks.verify(hub, stream)


# -- what was acknowledged ---------------------------------------------------------------------------------------


def lost_writes(node: Node, sides: Iterable[Path]) -> Iterator[str]:
    """Acknowledged writes that a node does not hold with their values."""
    with closing(node.connect()) as db:
        for side in sides:
            yield from _lost_rows(db, lines(side))
            yield from _torn_rooms(db, lines(side))
            yield from _lost_results(db, lines(side))


def _lost_rows(db: Database, told: list[Line]) -> Iterator[str]:
    kept: dict[tuple[str, int, str], list[Value]] = {}
    retired: dict[tuple[str, int], bool] = {}
    for line in told:
        if "row" in (line.get("kept"), line.get("intent")):
            for column, value in line["values"].items():
                place = (line["table"], line["id"], column)
                # Once kept, a value stands for sure; an intent that was never confirmed may stand or not.
                kept[place] = [value] if "kept" in line else [*kept.get(place, [None]), value]
        if line.get("kept") == "retired":
            retired[line["table"], line["id"]] = True
    rows = {(table, row): _row(db, table, row) for table, row, _ in kept}
    for (table, row, column), values in kept.items():
        found = rows[table, row].get(column)
        if found not in values:
            yield f"{table} {row}: {column} is {found!r}, not one of {values!r}"
    for table, row in retired:
        if rows[table, row].get("retired_at") is None:
            yield f"{table} {row} is alive again"


def _row(db: Database, table: str, row: int) -> dict[str, Value]:
    declared = BY_NAME[table]
    return next(iter(db.query(f"SELECT * FROM {table} WHERE {declared.row_id} = ?", [row])), {})


def _torn_rooms(db: Database, told: list[Line]) -> Iterator[str]:
    kept = {line["name"] for line in told if line.get("kept") == "rooms"}
    for name in {line["name"] for line in told if line.get("intent") == "rooms"}:
        count = db.execute("SELECT count(*) FROM room WHERE name = ?", (name,)).fetchone()[0]
        if count not in ((ROWS_AT_ONCE,) if name in kept else (0, ROWS_AT_ONCE)):
            yield f"{count} of {ROWS_AT_ONCE} rooms written at once"


def _lost_results(db: Database, told: list[Line]) -> Iterator[str]:
    wanted = {line["value"] for line in told if line.get("kept") == "result"}
    if not wanted:
        return
    table = BY_NAME["term_result"]
    rid = db.execute(
        "SELECT rid FROM term_result WHERE subject_group = ? AND pupil = ? AND term = ?", shared_result(db)
    ).fetchone()[0]
    number = table.by_name["value"].number
    logged = {
        decode_values(vals).get(number)
        for (vals,) in db.execute("SELECT vals FROM change WHERE tbl = ? AND key = ?", (table.number, rid))
    }
    if wanted - logged:
        yield f"{len(wanted - logged)} results are in no log"


def lost_subjects(node: Node, side: Path) -> Iterator[str]:
    """Acknowledged reference rows of the hub that a synced node does not hold."""
    with closing(node.connect()) as db:
        for line in lines(side):
            found = _row(db, "subject", line["id"]).get("code")
            if found != line["code"]:
                yield f"subject {line['id']}: code is {found!r}, not {line['code']!r}"


# -- was 'done' true? --------------------------------------------------------------------------------------------


def difference(node: Node, hub: Hub, school: int) -> Iterator[str]:
    """Lines that only one of the two dumps has."""
    with closing(node.connect()) as db:
        ours = list(dump(db, district_only=True))
    with hub.read() as connection:
        theirs = list(HubLog(connection, school, hub.signer).dump())
    yield from (f"only at the node: {line}" for line in sorted(set(ours) - set(theirs)))
    yield from (f"only at the hub: {line}" for line in sorted(set(theirs) - set(ours)))
    if ours != theirs and set(ours) == set(theirs):
        yield "the same lines in another order"


def false_successes(hub: Hub, school: int, sides: Iterable[Path]) -> Iterator[str]:
    """Syncs that said 'done' at a position at which the hub, by its own log, held something else."""
    claims: dict[int, set[str]] = {}
    for side in sides:
        for line in lines(side):
            if "problem" in line:
                yield f"a sync ended with {line['problem']} {line['details']}"
            if "done" in line:
                claims.setdefault(line["done"], set()).add(line["digest"])
    if not claims:
        return
    held = _digests(hub, school, set(claims))
    for position, claimed in sorted(claims.items()):
        if claimed != {held.get(position)}:
            yield f"done at position {position} with {claimed}, the hub held {held.get(position)}"


def _digests(hub: Hub, school: int, positions: set[int]) -> dict[int, str]:
    """The digest of the district view at each of these positions, computed anew from the hub's log."""
    rows: dict[tuple[int, tuple[int, ...]], list[Entry]] = {}
    shown: dict[tuple[int, tuple[int, ...]], Mapping[int, Value]] = {}
    sums: digest.Sums = {}
    found = {0: digest.total(sums, VERSION).hex()}
    with hub.read() as connection:
        lineage = HubLog(connection, school, hub.signer).lineage()
        for at, some in groupby(_stream(connection, school), key=lambda row: row.position):
            touched = set()
            for row in some:
                if row.tbl in BY_NUMBER:
                    place = (row.tbl, tuple(map(int, row.key.split(","))))
                    entry = Entry(row.clock, row.origin, row.number, at, row.seen, decode_values(row.vals))
                    rows.setdefault(place, []).append(entry)
                    touched.add(place)
            for tbl, key in touched:
                after = resolve(BY_NUMBER[tbl], rows[tbl, key], lineage).values
                digest.move(sums, BY_NUMBER[tbl], key, shown.get((tbl, key)), after)
                shown[tbl, key] = after
            if at in positions:
                found[at] = digest.total(sums, VERSION).hex()
    return found


def _stream(connection: sa.Connection, school: int) -> Iterable[sa.Row[Any]]:
    """Every change of the stream; a changeset without any has one row without a table."""
    c, s = tables.change.c, tables.stream.c
    joined = tables.stream.outerjoin(tables.change, (s.school == c.school) & (s.position == c.position))
    return connection.execute(
        sa.select(s.position, s.origin, s.seen, c.number, c.clock, c.tbl, c.key, c.vals)
        .select_from(joined)
        .where(s.school == school)
        .order_by(s.position, c.number)
    )


def position(node: Node) -> int:
    """How far a node has applied its school's stream."""
    with closing(node.connect()) as db:
        return int(State(db).position)
