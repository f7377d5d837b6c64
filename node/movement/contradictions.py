"""Acts about one pupil that two machines wrote apart, as two transfers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from sqlite_utils import Database

from shared.schema import BY_NAME
from sync.log import NodeLog
from sync.merge import Entry, saw

KINDS = ("arrived", "departed", "transfer")
_MOVEMENT = BY_NAME["movement"]


def apart(db: Database, pupil: int | None = None) -> dict[int, list[int]]:
    """Pupil -> the lines that contradict one another, in the order of the book; of one pupil or of all."""
    found = {}
    for one, lines in candidates(db, pupil).items():
        opposed = against(db, lines)
        if opposed:
            found[one] = [line for line in lines if line in opposed]
    return found


def candidates(db: Database, pupil: int | None) -> dict[int, list[int]]:
    """Pupils with lines that were made under different names: what one machine wrote, its author had in sight."""
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    living = f"retired_at IS NULL AND kind IN ({kinds}) AND date IS NOT NULL"
    rows = db.execute(
        f"""SELECT pupil, id FROM movement WHERE {living} AND (:pupil IS NULL OR pupil = :pupil) AND pupil IN
            (SELECT pupil FROM movement WHERE {living} GROUP BY pupil HAVING count(DISTINCT id >> 32) > 1)
            ORDER BY date, id""",
        {"pupil": pupil},
    ).fetchall()
    found: dict[int, list[int]] = {}
    for one, line in rows:
        found.setdefault(one, []).append(line)
    return found


def against(db: Database, lines: Iterable[int]) -> dict[int, set[int]]:
    """Line -> those that were written without knowledge of it, and it without knowledge of them."""
    log = NodeLog(db)
    histories = log.histories(_MOVEMENT.number, [(line,) for line in lines])
    made: dict[int, Entry] = {
        key[0]: min(entries, key=lambda e: e.n) for key, entries in histories.items() if entries
    }
    lineage = log.lineage()
    found: dict[int, set[int]] = {}
    for one, other in combinations(made, 2):
        if not saw(made[one], made[other], lineage) and not saw(made[other], made[one], lineage):
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found
