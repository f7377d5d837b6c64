"""The hub of the executable model, and the messages to and from it (docs/protocol.md, sections 10, 12 and 21)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sync.codec import Envelope
from tests.properties import again
from tests.properties.rules import RULES, Changeset, Entry, Line, View, view


class Impossible(Exception):
    """The model cannot do what the engine did."""


Sealed = tuple[int, bytes, int]
"""A school key on its way: number of its epoch, for whom it is sealed, which key it is."""


# -- messages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What a node asks; ``own`` are the changesets it need not be sent.

    ``line``: its stream, of which it shows what comes after ``completing`` if it shows anything ``again``.
    """

    key: bytes
    opening: bytes
    counter: int
    position: int
    head: Line
    sent: tuple[Changeset, ...]
    own: frozenset[object]
    epoch: int
    school_key: int
    offered: tuple[Sealed, ...]
    joining: bool
    again: bool = False
    completing: int = 0
    line: tuple[Changeset, ...] = ()
    capped: Mapping[object, int] = field(default_factory=dict)
    certificates: Mapping[bytes, tuple[bytes, int]] = field(default_factory=dict)


@dataclass
class Answer:
    """What the hub says; ``entries`` are the stream after the position of the request, as far as the budget went.

    ``which``: the changeset that was ``refused``. ``stream``: what the whole of it is; ``parted``: the node's is
    another one. ``amended``: hash of a changeset -> it, and how it comes since it was amended; ``blanked``: -> what it
    says since, without the values that were erased, where the key is known.
    """

    accepted: list[Changeset] = field(default_factory=list)
    refused: str = ""
    which: object = None
    head: int = 0
    known: Line = (0, 0)
    entries: list[tuple[int, Changeset]] = field(default_factory=list)
    named_only: frozenset[object] = frozenset()
    epochs: tuple[tuple[int, int], ...] = ()
    epoch_at: int = 0
    nodes: tuple[Member, ...] = ()
    certified: tuple[Member, ...] = ()
    """Those of ``nodes`` for which the hub's word comes: none, for one that knew the same when it asked."""
    stream: tuple[object, ...] = ()
    capped: Mapping[object, int] = field(default_factory=dict)
    parted: bool = False
    held: int = 0
    newest: int = 0
    aside: frozenset[object] = frozenset()
    amended: dict[object, tuple[Changeset, Envelope]] = field(default_factory=dict)
    blanked: dict[object, Changeset] = field(default_factory=dict)


@dataclass
class Member:
    """A node as the hub knows it."""

    key: bytes
    opening: bytes
    counter: int = 0
    revoked_at: int = 0
    epoch: int = 0
    school_key: int = 0
    heard: int = 0


# -- the hub -----------------------------------------------------------------------------------------------------


@dataclass
class Hub:
    """One school's stream at the hub."""

    rules: frozenset[str] = RULES
    stream: list[Changeset] = field(default_factory=list)
    members: dict[bytes, Member] = field(default_factory=dict)
    epochs: dict[int, dict[bytes, int]] = field(default_factory=dict)
    epoch_at: dict[int, int] = field(default_factory=dict)
    capped: dict[object, int] = field(default_factory=dict)
    aside: list[object] = field(default_factory=list)
    restored_at: int = 0

    def know(self, key: bytes, opening: bytes) -> Member:
        return self.members.setdefault(key, Member(key, opening))

    def place(self, changeset: Changeset, seen: int | None) -> None:
        """Give it the next place. ``seen``: how far its author had seen, where that is less than it says."""
        self.stream.append(changeset)
        self.capped.pop(changeset.hash, None)
        if seen is not None and seen < changeset.seen:
            self.capped[changeset.hash] = seen

    def lineage(self) -> dict[int, Line]:
        return {c.origin: c.continues for c in self.stream if c.first == 1 and c.continues is not None}

    def entries(self) -> Iterator[Entry]:
        return again.entries(self.stream, self.capped)

    def view(self) -> View:
        return view(self.entries(), self.lineage(), self.rules)

    def head_of(self, origin: int) -> tuple[int, object]:
        for changeset in reversed(self.stream):
            if changeset.origin == origin:
                return changeset.last, changeset.hash
        return 0, None

    def receive(self, request: Request, now: int, carried: bool, entries: int) -> Answer | str:
        """The answer, or the code of a refusal. ``entries``: how many the budget let through."""
        if request.again:
            again.readmit(self, request)
        if request.key not in self.members and not request.joining:
            return "not_registered"
        member = self.know(request.key, request.opening)
        if member.revoked_at and "revocation" in self.rules:
            return "revoked"
        is_new = request.counter > member.counter
        if not (is_new or carried):
            return "replay"
        self._add_epochs(request, now)
        answer = Answer(held=again.take_line(self, request))
        hashes = [c.hash for c in self.stream]
        answer.parted = hashes[: request.position] != [c.hash for c in request.line]
        for changeset in () if answer.parted else request.sent:
            answer.refused = self._take(changeset, request.capped.get(changeset.hash))
            if answer.refused:
                answer.which = changeset.hash
                break
            answer.accepted.append(changeset)
        if is_new:
            member.counter, member.epoch, member.school_key, member.heard = (
                request.counter,
                request.epoch,
                request.school_key,
                now,
            )
        answer.head = len(self.stream)
        answer.known = (request.head[0], self.head_of(request.head[0])[0])
        left = [] if answer.parted else list(enumerate(self.stream, 1))[request.position :]
        if entries > len(left) or (left and not entries):
            raise Impossible(f"{entries} of {len(left)} entries")
        answer.entries = left[:entries]
        answer.named_only = request.own | {c.hash for c in answer.accepted}
        recipients = (request.opening, b"kit") if request.joining else (request.opening,)
        answer.epochs = tuple(
            (n, sealed[to])
            for n, sealed in sorted(self.epochs.items())
            for to in recipients
            if n > request.epoch and to in sealed
        )
        answer.epoch_at = self.epoch_at[max(self.epoch_at)] if self.epoch_at else 0
        if again.is_awaiting(self):
            answer.epoch_at = max(answer.epoch_at, now)
        answer.nodes = tuple(replace(m) for m in self.members.values())
        known = {key: revoked_at for key, (_, revoked_at) in request.certificates.items()}
        told_before = known == {m.key: m.revoked_at for m in answer.nodes}
        answer.certified = () if told_before else answer.nodes
        answer.stream, answer.capped = tuple(c.hash for c in self.stream), {**self.capped}
        answer.newest, answer.aside = max(self.epochs, default=0), frozenset(self.aside)
        return answer

    def _take(self, changeset: Changeset, seen: int | None) -> str:
        known = next(
            (c for c in self.stream if (c.origin, c.first) == (changeset.origin, changeset.first)), None
        )
        if known is not None and known.hash == changeset.hash:
            return ""
        last, hashed = self.head_of(changeset.origin)
        if changeset.hash in self.aside:
            return "forked"
        if changeset.first > last + 1:
            return "missing_part"
        if (changeset.first <= last or changeset.previous != hashed) and "refuse forks" in self.rules:
            return "forked"
        self.place(changeset, seen)
        return ""

    def _add_epochs(self, request: Request, now: int) -> None:
        """A new key from the first who offers one; a known one for further nodes from those alone that have it."""
        newest = max(self.epochs, default=0)
        openings = {m.opening for m in self.members.values()}
        for number, recipient, key in again.following(self, request):
            if number > newest or (recipient in openings and number <= request.epoch):
                self.epochs.setdefault(number, {}).setdefault(recipient, key)
                self.epoch_at.setdefault(number, now)
