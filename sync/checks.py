"""Checks of what a node holds: signatures, chain, places, receipts, the log, the digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlite_utils import Database

from shared.problems import Problem
from shared.schema import HUB_TABLES
from shared.tables import quoted
from sync import digest
from sync.change import NO_HASH, Change
from sync.codec import all_changes, open_envelope
from sync.erasure import amending_nodes
from sync.log import NodeLog
from sync.messages import check_receipt, next_head
from sync.restored import DISPLACED
from sync.state import State, epoch_keys


def verify_chain(db: Database) -> Iterator[str]:
    """Check every stored changeset again: signature, chain, receipts, log, digest. Yields what is wrong."""
    state, log = State(db), NodeLog(db)
    heads: dict[int, tuple[int, bytes]] = {}
    streams: dict[int, bytes] = {}
    keys, nodes = epoch_keys(db), amending_nodes(db)
    rows = db.conn.execute(
        "SELECT c.school, c.position, c.hash, c.envelope, c.receipt, o.node, c.local_first, c.local_last, c.seen "
        "FROM changeset c "
        "LEFT JOIN origin o ON o.origin = c.origin ORDER BY c.school, c.position IS NULL, c.position, c.local_first"
    ).fetchall()
    for school, position, hashed, data, receipt, node, first, last, seen in rows:
        try:
            envelope = open_envelope(data)
            header = envelope.header
            envelope.verify(node if school else state.hub_signing)
            if envelope.hash != hashed or (header.first - 1, header.previous) != heads.get(
                header.origin, (0, NO_HASH)
            ):
                yield f"changeset {header.origin}/{header.first} does not follow the one before it"
            heads[header.origin] = (header.last, envelope.hash)
            envelope.verify_amendment(nodes)
            changes = all_changes(envelope, keys.get(envelope.epoch) if school else None)
            if not _is_logged(db, changes, first, last):
                yield f"the log of changeset {header.origin}/{header.first} is not complete"
            if position is not None and position < DISPLACED:
                streams[school] = next_head(streams.get(school, NO_HASH), hashed)
                capped = seen if seen < header.seen else None
                check_receipt(state.hub_signing, school, position, hashed, streams[school], receipt, capped)
        except Problem as problem:
            yield f"changeset at {position}: {problem.sentence()}"
    yield from digest_flaws(db, log)


def _is_logged(db: Database, changes: Sequence[Change], first: int, last: int) -> bool:
    """Does the log hold each change of a changeset, in order?"""
    rows = db.conn.execute("SELECT clock, tbl FROM change WHERE n BETWEEN ? AND ? ORDER BY n", (first, last))
    return rows.fetchall() == [(c.clock, c.table) for c in changes]


def digest_flaws(db: Database, log: NodeLog) -> Iterator[str]:
    """Compare the stored digest with one computed anew from the rows; uncut changes must be none."""
    if log.uncut():
        return
    if {p: s for p, s in digest_of_rows(db).items() if s} != {p: s for p, s in log.sums().items() if s}:
        yield "the digest does not belong to the rows"


def digest_of_rows(db: Database) -> digest.Sums:
    """The digest sums computed from the rows themselves."""
    sums: digest.Sums = {}
    for table in HUB_TABLES:
        names = [*table.key, *(c.name for c in table.open_columns)]
        for row in db.conn.execute(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)}"):
            key = tuple(row[: len(table.key)])
            shown = {
                c.number: v
                for c, v in zip(table.open_columns, row[len(table.key) :], strict=True)
                if v != c.default
            }
            digest.move(sums, table, key, None, shown)
    return sums
