"""The records that travel: changes, and the header of a changeset."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.schema import Value

FORMAT = 1
NO_HASH = bytes(32)
"""What the first changeset of an origin names as the one before it."""


@dataclass(slots=True)
class Change:
    """One logged change. ``number`` counts the changes of its origin from 1; ``actor`` is unknown at the hub."""

    number: int
    clock: int
    actor: int | None
    table: int
    key: tuple[int, ...]
    values: dict[int, Value]
    erase: bool = False


@dataclass(frozen=True)
class Header:
    """The signed part of a changeset.

    ``seen``: position in the school's stream up to which its author had applied everything. ``continues``: in the first
    changeset of a later incarnation, the origin and number it goes on from. ``node`` (public signing key) and
    ``incarnation`` stand in the first changeset of an origin, whose name follows from them.
    """

    school: int
    origin: int
    first: int
    last: int
    previous: bytes
    seen: int
    epoch: int
    salt: bytes
    parts: tuple[bytes, bytes]
    version: int
    node: bytes | None = None
    incarnation: bytes | None = None
    continues: tuple[int, int] | None = None
    unknown: dict[int, object] = field(default_factory=dict)
