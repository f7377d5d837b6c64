"""Takes erased values out of a node's log: what an erasure never lets show again is made null, and nothing else.

An entry keeps its number, clock, actor, row and the columns it names, so the merge comes out the same: an entry that
did not see an erasure of its unit never shows. The changesets that still hold such values are marked; `sync.erasure`
seals them anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlite_utils import Database

from shared.schema import BY_NUMBER, Table
from sync.capture import encode_values
from sync.gate import Log, Rows
from sync.merge import Entry, Lineage, saw

CLEAN, HOLDS, SEALED_ANEW, AMENDED = 0, 1, 2, 3
"""Marks of a kept changeset: as it was cut; holds erased values; sealed anew here, which the hub does not know yet;
amended, here and at the hub."""
Blanks = Mapping[int, Collection[int]]
"""Change number -> the columns to make null."""


def note_erasing(db: Database, rows: Rows) -> None:
    """Remember the rows of which something was erased, so that what arrives for them later is looked at."""
    for number, rids in rows.items():
        db.conn.executemany(
            "INSERT INTO erased VALUES (?, ?) ON CONFLICT DO NOTHING", [(number, rid) for rid in sorted(rids)]
        )


def scrub(log: Log, touched: Rows) -> int:
    """Blank what may never show again in the histories of these rows; returns how many changes held such values."""
    count = 0
    lineage = log.lineage()
    for number, rids in touched.items():
        table = BY_NUMBER.get(number)
        some = {r for (r,) in log.db.conn.execute("SELECT key FROM erased WHERE tbl = ?", (number,))} & set(
            rids
        )
        if not some:
            continue
        for entries in log.histories(number, log.keys_of(number, some).values()).values():
            for entry, columns in doomed(table, entries, lineage):
                _blank(log.db, entry, columns)
                count += 1
    return count


def doomed(table: Table | None, entries: Sequence[Entry], lineage: Lineage) -> list[tuple[Entry, set[int]]]:
    """The entries with sealed values that an erasure they had not seen keeps from ever showing, and those columns.

    ``table``: None for one that this release does not know. Of columns it does not know each stands for itself, which
    comes out the same: an entry that names a merge unit names all of it.
    """
    found: dict[int, tuple[Entry, set[int]]] = {}
    units = [] if table is None else list(table.units.values())
    # What the district reads stands in the open part; no law and no consent asks to erase it.
    groups = [{c.number for c in columns if c.scope != "district"} for columns in units]
    known = {c.number for columns in units for c in columns}
    groups += [{n} for n in {n for e in entries if e.erase for n in e.values} - known]
    for numbers in groups:
        named = [e for e in entries if not numbers.isdisjoint(e.values)]
        erasures = [e for e in named if e.erase]
        for e in named if erasures else ():
            held = {n for n in numbers & e.values.keys() if e.values[n] is not None}
            if held and e.n and not e.erase and not all(saw(e, erasure, lineage) for erasure in erasures):
                found.setdefault(e.n, (e, set()))[1].update(held)
    return list(found.values())


def _blank(db: Database, entry: Entry, columns: Collection[int]) -> None:
    values = {n: None if n in columns else v for n, v in entry.values.items()}
    db.conn.execute("UPDATE change SET vals = ? WHERE n = ?", (encode_values(values, entry.erase), entry.n))
    db.conn.execute(
        f"UPDATE changeset SET amend = {HOLDS} WHERE local_last >= ? AND local_first = "
        "(SELECT max(local_first) FROM changeset WHERE local_first <= ?)",
        (entry.n, entry.n),
    )
