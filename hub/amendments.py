"""Amended school parts at the hub: the sealed part is swapped, the signed header and the place in the stream stay.

The hub cannot read what it swaps. It sees to it that a node of the school signed the record, and that it is newer
than the one that is here: of two made at once the first counts. Every record is kept.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from hub import tables
from hub.log import HubLog
from shared import crypto
from shared.problems import FlawedChangeset, Problem
from sync import clock
from sync.amendment import read
from sync.codec import Envelope, open_envelope
from sync.messages import Request


def nodes(connection: sa.Connection, school: int) -> set[bytes]:
    """The signing keys of a school's nodes, revoked ones among them: what they amended before stands."""
    n = tables.node.c
    return {
        bytes(key) for key in connection.execute(sa.select(n.signing).where(n.school == school)).scalars()
    }


def take(
    connection: sa.Connection, log: HubLog, request: Request, refused: list[tuple[bytes, str, str]]
) -> list[bytes]:
    """Swap the parts that a request amends; returns the hashes of the records that are here now.

    One that does not fit what is here any more is passed over: its node gets the newer one and amends that.
    """
    accepted: list[bytes] = []
    for hashed, part, data in request.amendments:
        try:
            if _take_one(connection, log, hashed, part, data):
                accepted.append(crypto.sha256(data))
        except Problem as problem:
            refused.append((crypto.sha256(data), problem.code, str(problem.details.get("reason", ""))))
    return accepted


def take_known(connection: sa.Connection, log: HubLog, envelope: Envelope) -> None:
    """A changeset that is here already was sent again, amended in the meantime."""
    if envelope.amendment:
        _take_one(connection, log, envelope.hash, envelope.school, envelope.amendment.data)


def note_new(connection: sa.Connection, log: HubLog, envelope: Envelope) -> None:
    """A changeset was amended before it came."""
    if envelope.amendment:
        _note(connection, log.school, envelope)


def forget(connection: sa.Connection, school: int, envelope: Envelope) -> None:
    """A changeset lost its place: nobody needs to hear any more what was amended of it."""
    header, a = envelope.header, tables.amendment.c
    where = (a.school == school) & (a.origin == header.origin) & (a.first == header.first)
    for place, record in connection.execute(sa.select(a.place, a.record).where(where)).all():
        if read(bytes(record)).changeset == envelope.hash:
            connection.execute(tables.amendment.delete().where(a.school == school, a.place == place))


def _take_one(connection: sa.Connection, log: HubLog, hashed: bytes, part: bytes, data: bytes) -> bool:
    s = tables.stream.c
    where = (s.school == log.school) & (s.hash == hashed)
    row = connection.execute(sa.select(s.envelope).where(where)).first()
    if row is None:
        return False
    envelope, record = open_envelope(bytes(row.envelope)), read(data)
    if crypto.same(record.new, envelope.part):
        return True
    count = envelope.amendment.count if envelope.amendment else 0
    if record.count <= count:
        return False
    made = open_envelope(envelope.amended(part, record).data)
    if made.amendment is None:
        # What a part was before it was amended is what is to be gone; nobody need have signed that it comes back.
        raise FlawedChangeset("it puts back what was amended")
    made.verify_amendment(nodes(connection, log.school))
    if connection.dialect.name == "sqlite":
        # Not even a free page of the file keeps the part that was there.
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    connection.execute(tables.stream.update().where(where).values(envelope=made.data))
    _note(connection, log.school, made)
    return True


def _note(connection: sa.Connection, school: int, envelope: Envelope) -> None:
    record = envelope.amendment
    assert record
    connection.execute(
        tables.amendment.insert().values(
            school=school,
            place=last(connection, school) + 1,
            origin=envelope.header.origin,
            first=envelope.header.first,
            node=record.node,
            received_at=clock.now_ms(),
            record=record.data,
        )
    )


def last(connection: sa.Connection, school: int) -> int:
    """The place of the last amendment of a school."""
    a = tables.amendment.c
    return connection.execute(sa.select(sa.func.max(a.place)).where(a.school == school)).scalar() or 0


def after(
    connection: sa.Connection, school: int, place: int, budget: int, known: Collection[bytes]
) -> list[tuple[int, bytes, bytes, bytes]]:
    """Amendments after a place within a budget of bytes, at least one; of each changeset the newest alone.

    Of those in ``known`` (hashes of records) the asking node has the part; it is left out.
    """
    a, s = tables.amendment.c, tables.stream.c
    query = (
        sa.select(a.place, a.record, s.hash, s.envelope)
        .join(tables.stream, (s.school == a.school) & (s.origin == a.origin) & (s.first == a.first))
        .where(a.school == school, a.place > place)
        .order_by(a.place)
    )
    found: list[tuple[int, bytes, bytes, bytes]] = []
    for at, record, hashed, data in connection.execute(query):
        envelope = open_envelope(bytes(data))
        if envelope.amendment is None or envelope.amendment.data != bytes(record):
            continue
        part = b"" if crypto.sha256(bytes(record)) in known else envelope.school
        budget -= len(part) + len(record)
        if budget < 0 and found:
            break
        found.append((at, bytes(hashed), part, bytes(record)))
    return found
