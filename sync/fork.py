"""Incarnations: under which name a node writes, and what that name continues."""

from __future__ import annotations

from sqlite_utils import Database

from shared import crypto
from sync.change import NO_HASH
from sync.log import NodeLog
from sync.state import State, identity

INCARNATION_BYTES = 16


def begin_incarnation(db: Database, public: bytes, continues: tuple[int, int] | None) -> int:
    """Write on under a new origin, inside the caller's transaction; returns it.

    ``continues``: the origin and number this line goes on from, so that what it had seen stays seen.
    """
    state = State(db)
    incarnation = crypto.random_bytes(INCARNATION_BYTES)
    origin = crypto.origin_name(public, incarnation)
    add_origin(db, origin, int(state.school), public, continues)
    state.incarnation = incarnation
    state.origin = origin
    state.own_last = 0
    state.own_head = NO_HASH
    db.conn.execute("UPDATE writing SET origin = ?", (origin,))
    return origin


def new_incarnation(db: Database) -> int:
    """Go on as a copy of an older state must: cut what is open under the old name, then take a new one.

    Before registration there is no stream anyone could know more of, and the name stays.
    """
    state = State(db)
    if not state.school:
        return int(state.origin)
    keys = identity(db)
    NodeLog(db).cut(keys)
    return begin_incarnation(db, keys.signer.public, (state.origin, state.own_last))


def add_origin(
    db: Database, origin: int, school: int, node: bytes, continues: tuple[int, int] | None
) -> None:
    """Remember whose rows the ids of an origin are; does nothing when it is known."""
    parent, number = continues or (None, None)
    db.conn.execute(
        "INSERT INTO origin VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (origin, school, origin << 32, origin << 32 | 0xFFFFFFFF, node, parent, number),
    )
