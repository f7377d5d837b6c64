"""Checks of what the hub holds: signatures, chains, places, receipts, the district view."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa

from hub import amendments, tables
from hub.log import HubLog
from hub.storage import Hub, upsert
from shared import crypto
from shared.problems import Problem
from sync import clock
from sync.change import NO_HASH
from sync.codec import district_changes, open_envelope
from sync.messages import check_receipt, next_head


def verify(hub: Hub, school: int) -> list[str]:
    """Check everything held of a school (0: the hub's own stream); the findings are kept for the pages."""
    with hub.read() as connection:
        log = HubLog(connection, school, hub.signer)
        flaws = list(_flaws(connection, log, hub.signer.public))
        position = log.head()[0]
    with hub.write() as connection:
        row = {"school": school, "at": clock.now_ms(), "position": position, "flaws": json.dumps(flaws)}
        upsert(connection, tables.verification, [row])
    return flaws


def _flaws(connection: sa.Connection, log: HubLog, hub_public: bytes) -> Iterator[str]:
    heads: dict[int, tuple[int, bytes]] = {}
    head, expected = NO_HASH, 1
    origins = log.origins()
    nodes = amendments.nodes(connection, log.school)
    s = tables.stream.c
    query = sa.select(tables.stream).where(s.school == log.school).order_by(s.position)
    for row in connection.execute(query):
        place = f"position {row.position}"
        if row.position != expected:
            yield f"{place}: {expected} is missing before it"
        expected = row.position + 1
        head = next_head(head, bytes(row.hash))
        try:
            envelope = open_envelope(bytes(row.envelope))
            header = envelope.header
            envelope.verify(origins.get(header.origin, b"") if log.school else hub_public)
            envelope.verify_amendment(nodes)
            seen = row.seen if row.capped else None
            check_receipt(hub_public, log.school, row.position, envelope.hash, head, bytes(row.receipt), seen)
            if not crypto.same(envelope.hash, bytes(row.hash)) or not crypto.same(head, bytes(row.head)):
                yield f"{place}: its hash is not the one noted"
            if (header.first - 1, header.previous) != heads.get(header.origin, (0, NO_HASH)):
                yield f"{place}: it does not follow the one before it"
            heads[header.origin] = (header.last, envelope.hash)
            logged = connection.execute(
                sa.select(sa.func.count())
                .select_from(tables.change)
                .where(tables.change.c.school == log.school, tables.change.c.position == row.position)
            ).scalar()
            if logged != len(district_changes(envelope)):
                yield f"{place}: its log is not complete"
        except Problem as problem:
            yield f"{place}: {problem.sentence()}"
    if log.school and {p: v for p, v in log.digest_of_rows().items() if v} != {
        p: v for p, v in log.sums().items() if v
    }:
        yield "the digest does not belong to the log"
    if log.school and {p: v for p, v in log.digest_of_view().items() if v} != {
        p: v for p, v in log.sums().items() if v
    }:
        yield "the digest does not belong to the district view"
