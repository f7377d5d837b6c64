"""An amendment: a node's signed word that a changeset's school part was sealed anew, without values that were erased.

The changeset keeps its header, and so its hash, its place and its signature; the header still names the part as it was
first. The record names that changeset, the part it takes the place of and the new one, who amended it, when and why.
The newest record stands in the envelope; the hub keeps all of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared import crypto
from shared.problems import BadSignature, FlawedChangeset, WrongSigner
from sync.cbor import pack, unpack

CONTEXT = b"mektep amendment v1"
ERASURE = "erasure"
MAX_AMENDMENT = 1_024
_FORMAT = 1
_LONGEST_REASON = 64


@dataclass(frozen=True)
class Amendment:
    """One record. ``count``: 1 for the first of its changeset. ``old``, ``new``: SHA-256 of the school parts.

    ``epoch`` and ``salt`` seal the new part; ``clock`` is the stamp of the erasure that asked for it; ``node``: the
    signing key of who amended.
    """

    changeset: bytes
    count: int
    old: bytes
    new: bytes
    epoch: int
    salt: bytes
    clock: int
    node: bytes
    reason: str
    data: bytes = b""

    def verify(self, nodes: Collection[bytes]) -> None:
        """Raise WrongSigner unless one of these nodes signed it."""
        record, signature = _parts(self.data)
        if self.node not in nodes:
            raise WrongSigner()
        try:
            crypto.verify(self.node, CONTEXT, record, signature)
        except BadSignature as error:
            raise WrongSigner() from error


def sign(amendment: Amendment, signer: crypto.SigningKey) -> bytes:
    """The record and its signature as they travel."""
    a = amendment
    record = pack(
        {
            1: _FORMAT,
            2: a.changeset,
            3: a.count,
            4: a.old,
            5: a.new,
            6: a.epoch,
            7: a.salt,
            8: a.clock,
            9: a.node,
            10: a.reason,
        }
    )
    return pack([record, signer.sign(CONTEXT, record)])


def read(data: bytes) -> Amendment:
    """Read a record, its signature not verified yet. FlawedChangeset."""
    if len(data) > MAX_AMENDMENT:
        raise FlawedChangeset("its amendment is larger than allowed")
    record, _ = _parts(data)
    named = unpack(record, "the amendment")
    if not isinstance(named, dict) or named.get(1) != _FORMAT:
        raise FlawedChangeset("its amendment has a wrong form")
    hashes = [named.get(k) for k in (2, 4, 5, 7, 9)]
    numbers = [named.get(k) for k in (3, 6, 8)]
    reason = named.get(10)
    if not (
        all(isinstance(h, bytes) and len(h) == 32 for h in hashes)
        and all(type(n) is int and 0 <= n < 2**63 for n in numbers)
        and isinstance(reason, str)
        and len(reason) <= _LONGEST_REASON
    ):
        raise FlawedChangeset("its amendment has a wrong form")
    changeset, old, new, salt, node = hashes
    count, epoch, clock = numbers
    return Amendment(changeset, count, old, new, epoch, salt, clock, node, reason, data)  # type: ignore[arg-type]


def _parts(data: bytes) -> tuple[bytes, bytes]:
    parts = unpack(data, "the amendment")
    if not (isinstance(parts, list) and len(parts) == 2 and all(isinstance(p, bytes) for p in parts)):
        raise FlawedChangeset("its amendment has a wrong form")
    return parts[0], parts[1]
