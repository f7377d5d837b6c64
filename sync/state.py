"""What a node knows of itself: small values in the ``state`` table of its own encrypted database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from shared import crypto
from sync.change import NO_HASH


class _Value:
    """A named value of the ``state`` table with what it is before it was ever set."""

    def __init__(self, default: Any) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, state: State, owner: type) -> Any:
        row = state.db.conn.execute("SELECT value FROM state WHERE name = ?", (self.name,)).fetchone()
        return self.default if row is None else row[0]

    def __set__(self, state: State, value: Any) -> None:
        state.db.conn.execute(
            "INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (self.name, value),
        )


class State:
    """Read and written inside the caller's transaction.

    ``position``, ``reference_position``: how far the school's and the hub's own stream are applied. ``own_last``,
    ``own_head``: number and hash of the last changeset cut under the present origin. ``hub_*``: whom this node trusts.
    ``completing``: the position after which the hub is to be shown this node's line, -1 when it lacks nothing
    (`sync.restored`); ``lowered``: 1 once changesets may claim to have seen less than their header says.
    ``aside``: the fingerprint of the changesets that lost their place, none of which is here any more;
    ``anew``: of which the hub has to be told so; ``stranded``: how many it holds that nobody has written anew.
    ``join_secret``: what the six words say of a node that asks to be let in.
    ``shows``: the schema version whose tables and columns the rows show. ``nodes``: signing keys of the school's nodes;
    ``machines``: of each its signing key, the instants of its revocation and of when the hub last heard it, and how
    many changes waited there then.
    ``amended``, ``amended_head``: how many amendments are taken, and how many the hub has, if it knows of any at all
    (``hub_amends``). ``untidy``: something was erased, and pages of the file may still hold it.
    """

    school: Any = _Value(0)
    shows: Any = _Value(1)
    origin: Any = _Value(0)
    incarnation: Any = _Value(b"")
    own_last: Any = _Value(0)
    own_head: Any = _Value(NO_HASH)
    position: Any = _Value(0)
    reference_position: Any = _Value(0)
    signing_key: Any = _Value(b"")
    opening_key: Any = _Value(b"")
    recovery_public: Any = _Value(b"")
    recovery_signing: Any = _Value(b"")
    first_tag: Any = _Value(b"")
    joining: Any = _Value(b"")
    approved: Any = _Value(b"")
    offered_epochs: Any = _Value(b"")
    forked: Any = _Value(0)
    hub_url: Any = _Value("")
    hub_signing: Any = _Value(b"")
    hub_opening: Any = _Value(b"")
    registered: Any = _Value(0)
    stream_hash: Any = _Value(NO_HASH)
    hub_clock_ahead: Any = _Value(0)
    reference_hash: Any = _Value(NO_HASH)
    hub_said: Any = _Value(b"")
    counter: Any = _Value(0)
    derived_to: Any = _Value(0)
    last_checked: Any = _Value(0)
    last_done: Any = _Value(0)
    last_backup: Any = _Value(0)
    budget: Any = _Value(32_768)
    school_name: Any = _Value("")
    completing: Any = _Value(-1)
    reference_completing: Any = _Value(-1)
    lowered: Any = _Value(0)
    aside: Any = _Value(b"")
    anew: Any = _Value(b"")
    stranded: Any = _Value(0)
    join_secret: Any = _Value(b"")
    administrator: Any = _Value(0)
    nodes: Any = _Value(b"")
    machines: Any = _Value(b"")
    amended: Any = _Value(0)
    amended_head: Any = _Value(0)
    hub_amends: Any = _Value(0)
    untidy: Any = _Value(0)

    def __init__(self, db: Database) -> None:
        self.db = db


@dataclass(frozen=True)
class Identity:
    """The secret keys with which a node signs, opens what is sealed to it, and seals its school's parts.

    ``epoch`` is 0 and ``school_key`` empty while a joining node waits for its school's keys.
    """

    signer: crypto.SigningKey
    opener: crypto.OpeningKey
    epoch: int
    school_key: bytes


def identity(db: Database) -> Identity:
    """Load a node's keys from its database; the newest epoch is the one to seal with."""
    state = State(db)
    newest = db.conn.execute("SELECT number, key FROM epoch ORDER BY number DESC LIMIT 1").fetchone()
    number, key = newest or (0, b"")
    return Identity(
        crypto.SigningKey.from_bytes(state.signing_key),
        crypto.OpeningKey.from_bytes(state.opening_key),
        number,
        key,
    )


def epoch_keys(db: Database) -> dict[int, bytes]:
    """The school's keys by epoch, as far as this node may read."""
    return {n: k for n, k in db.conn.execute("SELECT number, key FROM epoch")}
