"""How nodes become known: by a school's one-time code, by its recovery kit, by the word of a node it has already.

The hub passes the school's keys on, sealed as it got them, and can open none of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from hub import tables
from hub.storage import Hub, upsert
from shared import crypto
from shared.keys import secret_digest
from shared.problems import (
    AlreadyRegistered,
    BadSignature,
    FlawedChangeset,
    Forked,
    NotRegistered,
    TooManyTries,
    WrongCode,
    WrongRecoveryKey,
    WrongSigner,
)
from sync import clock
from sync.messages import Request, is_sealed_key
from sync.registration import check_kit

_RETRY_SECONDS = 2.0
_FREE_FAILURES = 5
_MOST_JOINING = 20
_MOST_KEYS = 1_000


@dataclass
class Throttle:
    """Slows guessing: after five failures one try in two seconds for all callers together."""

    failures: int = 0
    next_try: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Raise TooManyTries when it is too early for another try."""
        with self.lock:
            if self.failures >= _FREE_FAILURES and time.monotonic() < self.next_try:
                raise TooManyTries()
            self.next_try = time.monotonic() + _RETRY_SECONDS

    def note(self, succeeded: bool) -> None:
        with self.lock:
            self.failures = 0 if succeeded else self.failures + 1


_THROTTLES: dict[str, Throttle] = {}


@dataclass(frozen=True)
class _Introduction:
    """What every new node says of itself."""

    opening: bytes
    origin: int


def register(hub: Hub, connection: sa.Connection, request: Request) -> bool:
    """Make the asking node known, or raise why not; False: noted, and another node's word is awaited.

    Sent again by the same node it changes nothing.
    """
    named = request.registration or {}
    introduction = _introduction(request.node, named)
    if isinstance(named.get(1), bytes):
        school: int | None = _by_code(hub, connection, request.node, named)
    elif isinstance(named.get(8), bytes):
        school = _by_kit(hub, connection, request.node, named)
    else:
        school = _by_approval(connection, request.node, named, introduction)
    if school is None:
        return False
    add_node(connection, request.node, introduction.opening, school, introduction.origin)
    return True


def _introduction(node: bytes, named: dict[int, Any]) -> _Introduction:
    opening, origin, incarnation = named.get(2), named.get(3), named.get(4)
    if not (isinstance(opening, bytes) and len(opening) == 32 and isinstance(incarnation, bytes)):
        raise FlawedChangeset("the registration has a wrong form")
    if not (type(origin) is int and 0 < origin < 2**31):
        raise FlawedChangeset("the registration has a wrong form")
    if crypto.origin_name(node, incarnation) != origin:
        raise WrongSigner()
    crypto.seal_to(opening, b"", b"mektep usable key v1")  # BadKey before anything is kept
    return _Introduction(opening, origin)


def _by_code(hub: Hub, connection: sa.Connection, node: bytes, named: dict[int, Any]) -> int:
    throttle = _throttle(hub)
    throttle.check()
    t = tables.registration.c
    code = connection.execute(
        sa.select(tables.registration).where(t.secret_digest == secret_digest(named[1]))
    ).first()
    usable = code is not None and (
        bytes(code.used_by) == node if code.used_by is not None else code.expires_at > clock.now_ms()
    )
    throttle.note(usable)
    if code is None or not usable:
        raise WrongCode()
    school = int(code.school)
    _note_recovery(connection, school, named)
    connection.execute(
        tables.registration.update().where(t.secret_digest == code.secret_digest).values(used_by=node)
    )
    return school


def _note_recovery(connection: sa.Connection, school: int, named: dict[int, Any]) -> None:
    """A school has one recovery kit and one line of keys; a second node joins, it does not bring its own."""
    opening, sealed, signing = named.get(5), named.get(6), named.get(7)
    if not all(isinstance(key, bytes) and len(key) == 32 for key in (opening, signing)):
        raise FlawedChangeset("the registration has a wrong form")
    if not (isinstance(sealed, list) and len(sealed) <= _MOST_KEYS and all(map(_is_sealed_key, sealed))):
        raise FlawedChangeset("the registration has a wrong form")
    known = connection.execute(sa.select(tables.recovery).where(tables.recovery.c.school == school)).first()
    if known is not None and bytes(known.signing) != signing:
        raise AlreadyRegistered()
    upsert(connection, tables.recovery, [{"signing": signing, "opening": opening, "school": school}])
    add_epochs(connection, school, [(number, opening or b"", key) for number, key in sealed])


def _is_sealed_key(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and is_sealed_key(*item)


def _by_kit(hub: Hub, connection: sa.Connection, node: bytes, named: dict[int, Any]) -> int:
    throttle = _throttle(hub)
    throttle.check()
    signing = named.get(7)
    known = connection.execute(
        sa.select(tables.recovery).where(
            tables.recovery.c.signing == (signing if isinstance(signing, bytes) else b"")
        )
    ).first()
    throttle.note(known is not None)
    if known is None:
        raise WrongRecoveryKey()
    try:
        check_kit(node, named)
    except BadSignature as error:
        raise WrongRecoveryKey() from error
    return int(known.school)


def _by_approval(
    connection: sa.Connection, node: bytes, named: dict[int, Any], introduction: _Introduction
) -> int | None:
    row = connection.execute(sa.select(tables.node).where(tables.node.c.signing == node)).first()
    if row is not None:
        return int(row.school)
    school = named.get(9)
    if type(school) is not int or not 0 < school < 2**62:
        raise NotRegistered()
    j = tables.joining.c
    known = connection.execute(sa.select(tables.recovery).where(tables.recovery.c.school == school)).first()
    if known is None:
        raise NotRegistered()
    asking = connection.execute(
        sa.select(sa.func.count()).select_from(tables.joining).where(j.school == school)
    ).scalar()
    if (asking or 0) >= _MOST_JOINING:
        oldest = sa.select(sa.func.min(j.asked_at)).where(j.school == school).scalar_subquery()
        connection.execute(tables.joining.delete().where(j.school == school, j.asked_at == oldest))
    row_of_it = {
        "signing": node,
        "opening": introduction.opening,
        "school": school,
        "origin": introduction.origin,
        "asked_at": clock.now_ms(),
        "commitment": bound if isinstance(bound := named.get(10), bytes) and len(bound) == 32 else b"",
    }
    upsert(connection, tables.joining, [row_of_it])
    return None


def approve(connection: sa.Connection, school: int, nodes: Sequence[bytes]) -> None:
    """Make nodes known that one of the school's nodes vouches for."""
    for node in nodes:
        asked = connection.execute(
            sa.select(tables.joining).where(
                tables.joining.c.signing == node, tables.joining.c.school == school
            )
        ).first()
        if asked is not None:
            add_node(connection, node, bytes(asked.opening), school, asked.origin)
            connection.execute(tables.joining.delete().where(tables.joining.c.signing == node))


def joining(connection: sa.Connection, school: int) -> list[tuple[bytes, bytes, bytes]]:
    """Signing and opening keys of the nodes that ask to join a school, and their commitments to six words."""
    rows = connection.execute(sa.select(tables.joining).where(tables.joining.c.school == school))
    return [(bytes(row.signing), bytes(row.opening), bytes(row.commitment or b"")) for row in rows]


def add_node(connection: sa.Connection, node: bytes, opening: bytes, school: int, origin: int) -> None:
    """Note a node and its first origin. Forked: the name is taken by another node."""
    claim_origin(connection, origin, school, node)
    if (
        connection.execute(sa.select(tables.node.c.school).where(tables.node.c.signing == node)).first()
        is None
    ):
        connection.execute(
            tables.node.insert().values(
                signing=node, opening=opening, school=school, registered_at=clock.now_ms()
            )
        )


def claim_origin(
    connection: sa.Connection, origin: int, school: int, node: bytes, continues: tuple[int, int] | None = None
) -> None:
    """Note whose an origin is. Forked: another node's."""
    row = connection.execute(sa.select(tables.origin).where(tables.origin.c.origin == origin)).first()
    if row is not None:
        if row.school != school or bytes(row.node) != node:
            raise Forked()
        return
    parent, number = continues or (None, None)
    connection.execute(
        tables.origin.insert().values(
            origin=origin,
            school=school,
            low=origin << 32,
            high=origin << 32 | 0xFFFFFFFF,
            node=node,
            parent=parent,
            continues=number,
        )
    )


# -- the school's keys, sealed -----------------------------------------------------------------------------------


def add_epochs(
    connection: sa.Connection, school: int, offered: Sequence[tuple[int, bytes, bytes]], held: int = 0
) -> None:
    """Keep keys that a node hands on; of two nodes that offer a new epoch at once the first counts.

    ``held``: the newest epoch that this node has. A known epoch may be sealed to further recipients by a node that has
    it; what another offers under its number is another key, made at the same time, and comes too late.
    """
    e = tables.epoch.c
    newest = newest_epoch(connection, school)
    numbers = sorted({number for number, _, _ in offered})
    fresh = [n for n in numbers if n > newest]
    if any(b - a != 1 for a, b in zip([newest, *fresh], fresh, strict=False)):
        raise FlawedChangeset("an epoch is left out")
    recipients = {
        (number, bytes(recipient))
        for number, recipient in connection.execute(
            sa.select(e.number, e.recipient).where(e.school == school)
        )
    }
    nodes = connection.execute(
        sa.select(tables.node.c.opening).where(tables.node.c.school == school)
    ).scalars()
    known = {bytes(opening) for opening in nodes}
    for number, recipient, sealed in offered:
        if (number, recipient) not in recipients and (
            number > newest or (recipient in known and number <= held)
        ):
            row = {
                "school": school,
                "number": number,
                "recipient": recipient,
                "sealed": sealed,
                "received_at": clock.now_ms(),
            }
            upsert(connection, tables.epoch, [row])


def epochs_for(
    connection: sa.Connection, school: int, recipients: Sequence[bytes], after: int
) -> list[tuple[int, bytes, bytes]]:
    """Sealed keys newer than an epoch for these recipients."""
    e = tables.epoch.c
    rows = connection.execute(
        sa.select(e.number, e.recipient, e.sealed)
        .where(e.school == school, e.number > after, e.recipient.in_(recipients))
        .order_by(e.number)
    )
    return [(number, bytes(recipient), bytes(sealed)) for number, recipient, sealed in rows]


def newest_epoch(connection: sa.Connection, school: int) -> int:
    """The number of a school's newest key; 0 before its first registration."""
    e = tables.epoch.c
    return connection.execute(sa.select(sa.func.max(e.number)).where(e.school == school)).scalar() or 0


def epoch_begun_at(connection: sa.Connection, school: int) -> int:
    """When the newest of a school's keys came to the hub; a node revoked later still knows it."""
    e = tables.epoch.c
    row = connection.execute(
        sa.select(e.number, sa.func.min(e.received_at))
        .where(e.school == school)
        .group_by(e.number)
        .order_by(e.number.desc())
        .limit(1)
    ).first()
    return int(row[1]) if row else 0


def recovery_opening(connection: sa.Connection, school: int) -> bytes:
    """The public key of a school's recovery kit; empty before its first registration."""
    row = connection.execute(
        sa.select(tables.recovery.c.opening).where(tables.recovery.c.school == school)
    ).scalar()
    return b"" if row is None else bytes(row)


def _throttle(hub: Hub) -> Throttle:
    return _THROTTLES.setdefault(str(hub.home), Throttle())
