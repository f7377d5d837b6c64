"""An executable model of the sync (docs/protocol.md, sections 10 to 16), without bytes, keys or databases.

It is told what only a machine can know (what a trigger logged, which random name was taken, how much a budget let
through) and says what must come of it: who accepts what, what every row shows, what is in conflict, who is done. Beside
the real engine it is an oracle.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.schema import BY_NUMBER
from tests.properties.rules import RULES, Change, Changeset, Entry, Line, View, view
from tests.sync import second_reader

NOWHERE = 10**9
AHEAD = 10 * 60 * 1000
_CUTS = itertools.count(1)


class Impossible(Exception):
    """The model cannot do what the engine did."""


Sealed = tuple[int, bytes, int]
"""A school key on its way: number of its epoch, for whom it is sealed, which key it is."""


# -- messages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What a node asks; ``own`` are the changesets it need not be sent."""

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


@dataclass
class Answer:
    """What the hub says; ``entries`` are the stream after the position of the request, as far as the budget went.

    ``amended``: hash of a changeset -> the epoch of the key that its part is sealed with since it was amended.
    """

    accepted: list[Changeset] = field(default_factory=list)
    refused: str = ""
    head: int = 0
    known: Line = (0, 0)
    entries: list[tuple[int, Changeset]] = field(default_factory=list)
    named_only: frozenset[object] = frozenset()
    epochs: tuple[tuple[int, int], ...] = ()
    epoch_at: int = 0
    nodes: tuple[Member, ...] = ()
    amended: dict[object, int] = field(default_factory=dict)


@dataclass
class Member:
    """A node as the hub knows it."""

    opening: bytes
    counter: int = 0
    revoked_at: int = 0
    epoch: int = 0
    school_key: int = 0


# -- the hub -----------------------------------------------------------------------------------------------------


@dataclass
class Hub:
    """One school's stream at the hub."""

    rules: frozenset[str] = RULES
    stream: list[Changeset] = field(default_factory=list)
    members: dict[bytes, Member] = field(default_factory=dict)
    epochs: dict[int, dict[bytes, int]] = field(default_factory=dict)
    epoch_at: dict[int, int] = field(default_factory=dict)

    def lineage(self) -> dict[int, Line]:
        return {c.origin: c.continues for c in self.stream if c.first == 1 and c.continues is not None}

    def entries(self) -> Iterator[Entry]:
        for position, changeset in enumerate(self.stream, 1):
            for change in changeset.changes:
                yield Entry(change, changeset.origin, position, changeset.seen)

    def view(self) -> View:
        return view(self.entries(), self.lineage(), self.rules)

    def head_of(self, origin: int) -> tuple[int, object]:
        for changeset in reversed(self.stream):
            if changeset.origin == origin:
                return changeset.last, changeset.hash
        return 0, None

    def receive(self, request: Request, now: int, carried: bool, entries: int) -> Answer | str:
        """The answer, or the code of a refusal. ``entries``: how many the budget let through."""
        member = self.members.get(request.key)
        if member is None:
            if not request.joining:
                return "not_registered"
            member = self.members[request.key] = Member(request.opening)
        if member.revoked_at and "revocation" in self.rules:
            return "revoked"
        is_new = request.counter > member.counter
        if not (is_new or carried):
            return "replay"
        self._add_epochs(request, now)
        answer = Answer()
        for changeset in request.sent:
            answer.refused = self._take(changeset)
            if answer.refused:
                break
            answer.accepted.append(changeset)
        if is_new:
            member.counter, member.epoch, member.school_key = (
                request.counter,
                request.epoch,
                request.school_key,
            )
        answer.head = len(self.stream)
        answer.known = (request.head[0], self.head_of(request.head[0])[0])
        left = list(enumerate(self.stream, 1))[request.position :]
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
        answer.nodes = tuple(replace(m) for m in self.members.values())
        return answer

    def _take(self, changeset: Changeset) -> str:
        known = next(
            (c for c in self.stream if (c.origin, c.first) == (changeset.origin, changeset.first)), None
        )
        if known is not None and known.hash == changeset.hash:
            return ""
        last, hashed = self.head_of(changeset.origin)
        if changeset.first > last + 1:
            return "missing_part"
        if (changeset.first <= last or changeset.previous != hashed) and "refuse forks" in self.rules:
            return "forked"
        self.stream.append(changeset)
        return ""

    def _add_epochs(self, request: Request, now: int) -> None:
        """A new key from the first who offers one; a known one for further nodes from those alone that have it."""
        newest = max(self.epochs, default=0)
        openings = {m.opening for m in self.members.values()}
        for number, recipient, key in request.offered:
            if number > newest or (recipient in openings and number <= request.epoch):
                self.epochs.setdefault(number, {}).setdefault(recipient, key)
                self.epoch_at.setdefault(number, now)


# -- a node ------------------------------------------------------------------------------------------------------


@dataclass
class Node:
    """One machine of a school. ``own``: cut and without a place; ``open``: uncut."""

    key: bytes
    opening: bytes
    origin: int
    rules: frozenset[str] = RULES
    last: int = 0
    head: object = None
    clock: int = 0
    counter: int = 0
    stream: list[Changeset] = field(default_factory=list)
    own: list[Changeset] = field(default_factory=list)
    open: list[Change] = field(default_factory=list)
    lineage: dict[int, Line] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)
    offered: list[Sealed] = field(default_factory=list)
    forked: bool = False
    hub_head: int | None = None

    def copy(self) -> Node:
        return replace(
            self,
            stream=[*self.stream],
            own=[*self.own],
            open=[*self.open],
            lineage={**self.lineage},
            epochs={**self.epochs},
            offered=[*self.offered],
        )

    def entries(self) -> Iterator[Entry]:
        for position, changeset in enumerate(self.stream, 1):
            for change in changeset.changes:
                yield Entry(change, changeset.origin, position, changeset.seen)
        for changeset in self.own:
            for change in changeset.changes:
                yield Entry(change, changeset.origin, NOWHERE, changeset.seen)
        for change in self.open:
            yield Entry(change, self.origin, NOWHERE, len(self.stream))

    def view(self) -> View:
        return view(self.entries(), self.lineage, self.rules)

    def is_done(self) -> bool:
        return not self.own and not self.open and len(self.stream) == self.hub_head

    def tick(self, ms: int) -> int:
        return max(self.clock + 1, ms << 16)

    def log(self, changes: Sequence[Change]) -> None:
        """What triggers logged in one transaction; the numbers follow from here."""
        for number, change in enumerate(changes, self.last + len(self.open) + 1):
            self.open.append(replace(change, number=number))

    def _follow(self, changesets: Sequence[Changeset], ms: int) -> None:
        for clock in (change.clock for c in changesets for change in c.changes):
            if clock <= (ms + AHEAD) << 16 or "not far ahead" not in self.rules:
                self.clock = max(self.clock, clock)

    # -- cutting and asking

    def cut(self) -> None:
        if self.open:
            continues = self.lineage.get(self.origin) if not self.last else None
            epoch = max(self.epochs)
            place = (self.origin, self.head, len(self.stream), epoch, self.epochs[epoch], continues)
            self._add(Changeset(*place, tuple(self.open), hash=next(_CUTS)))
            self.open = []

    def _add(self, changeset: Changeset) -> None:
        self.own.append(changeset)
        self.last, self.head = changeset.last, changeset.hash

    def ask(
        self,
        counter: int,
        sent: int,
        accepted: Mapping[object, Changeset],
        joining: bool = False,
        again: bool = False,
    ) -> Request:
        """The next request of a sync in which these were ``accepted``; ``sent``: as many as the budget let through.

        ``again``: it hands on all keys it has, lest the hub has lost them.
        """
        if self.epochs:
            self.cut()
        self.counter = counter
        waiting = [c for c in self.own if c.hash not in accepted]
        if self.forked:
            waiting = []
        if sent > len(waiting) or (waiting and not sent):
            raise Impossible(f"{sent} of {len(waiting)} changesets")
        head, own, epoch = (self.origin, self.last), frozenset(accepted), max(self.epochs, default=0)
        what = (self.key, self.opening, counter, len(self.stream), head, tuple(waiting[:sent]), own, epoch)
        keys = (
            [(n, to, key) for n, key in self.epochs.items() for to in (b"kit", self.opening)] if again else []
        )
        return Request(*what, self.epochs.get(epoch, 0), (*self.offered, *keys), joining)

    # -- answers

    def take(self, answer: Answer, ms: int, named: Callable[[], int]) -> str:
        """Make what an answer says so; returns the code of a refusal, empty when there is none.

        ``named``: the random name that the machine has taken, asked for when it must have taken one.
        """
        for number, key in sorted(answer.epochs):
            if number == 1 or number - 1 in self.epochs:
                self.epochs.setdefault(number, key)
        self._note_nodes(answer)
        fresh = [(p, c) for p, c in answer.entries if p > len(self.stream)]
        if "cut before apply" in self.rules and self.epochs:
            self.cut()
        if not self.epochs or self._settle(answer, fresh, ms, named):
            if fresh and fresh[0][0] != len(self.stream) + 1:
                raise Impossible("a gap")
            self._apply([c for _, c in fresh], ms, answer.amended)
            self.hub_head = answer.head
        return answer.refused if answer.refused != "forked" else ""

    def fits(self, answer: Answer) -> bool:
        """Does the answer follow on what is here, and is what it only names here?"""
        fresh = [(p, c) for p, c in answer.entries if p > len(self.stream)]
        own = {c.hash for c in self.own}
        named_only = {c.hash for _, c in fresh} & answer.named_only
        return not fresh or (fresh[0][0] == len(self.stream) + 1 and named_only <= own)

    def _apply(self, changesets: Sequence[Changeset], ms: int, amended: Mapping[object, int]) -> None:
        own = {c.hash for c in self.own}
        arrived = []
        for changeset in changesets:
            if changeset.hash not in own:
                if amended.get(changeset.hash, changeset.epoch) not in self.epochs:
                    break
                if changeset.school_key != self.epochs[changeset.epoch]:
                    raise Impossible("one number of an epoch, two keys")
                arrived.append(changeset)
                if changeset.first == 1 and changeset.continues is not None:
                    self.lineage.setdefault(changeset.origin, changeset.continues)
            self.stream.append(changeset)
        self.own = [c for c in self.own if c.hash not in {s.hash for s in self.stream}]
        self._follow(arrived, ms)

    def _settle(
        self,
        answer: Answer,
        fresh: Sequence[tuple[int, Changeset]],
        ms: int,
        named: Callable[[], int],
    ) -> bool:
        if not (self.forked or answer.refused == "forked" or self._is_overtaken(answer, fresh)):
            if answer.known[1] and answer.known[1] > self.last and "new incarnation" in self.rules:
                self.new_incarnation(named())
            return True
        self.forked = True
        if (fresh[-1][0] if fresh else len(self.stream)) < answer.head:
            return False
        while True:
            self._write_anew([c for _, c in fresh], ms, named)
            if not self._is_overtaken(answer, fresh):
                break
        self.forked = False
        return True

    def _is_overtaken(self, answer: Answer, fresh: Sequence[tuple[int, Changeset]]) -> bool:
        placed = {c.hash for _, c in fresh}
        waiting: dict[int, int] = {}
        for changeset in self.own:
            if changeset.hash not in placed:
                waiting.setdefault(changeset.origin, changeset.first)
        others = [c for _, c in fresh if c.hash not in answer.named_only]
        return any(c.last >= waiting.get(c.origin, NOWHERE) for c in others)

    # -- forks

    def line_of(self, origin: int, number: int) -> Line | None:
        while number == 0:
            if origin not in self.lineage:
                return None
            origin, number = self.lineage[origin]
        return origin, number

    def new_incarnation(self, origin: int) -> None:
        self.cut()
        self._begin(origin, self.line_of(self.origin, self.last))

    def _begin(self, origin: int, continues: Line | None) -> None:
        if continues is not None:
            self.lineage.setdefault(origin, continues)
        self.origin, self.last, self.head = origin, 0, None

    def _write_anew(self, accepted: Sequence[Changeset], ms: int, named: Callable[[], int]) -> None:
        placed = {c.hash for c in accepted}
        own = [c for c in self.own if c.hash not in placed]
        self.own = [c for c in self.own if c.hash in placed]
        changes = [(c, change) for c in own for change in c.changes]
        if not changes:
            return self.new_incarnation(named())
        names = {c.origin for c in own}
        branch = {
            (c.origin, change.number): change for c in accepted if c.origin in names for change in c.changes
        }
        kept: list[tuple[Changeset, Change]] = []
        parted: dict[int, int] = {}
        for changeset, change in changes:
            equal = branch.get((changeset.origin, change.number)) == change
            if changeset.origin not in parted and equal and "compare changes" in self.rules:
                continue
            parted.setdefault(changeset.origin, change.number)
            kept.append((changeset, change))
        if not kept:
            changeset, change = changes[-1]
            return self._begin(named(), self.line_of(changeset.origin, change.number))
        root, first = kept[0]
        name = self._derived_name(root.origin, first)
        self._begin(name, self.line_of(root.origin, parted[root.origin] - 1))
        minted = self._minted([c for _, c in kept], parted, branch)
        for seen, group in itertools.groupby(kept, key=lambda pair: pair[0].seen):
            renamed = [_renamed(change, minted) for _, change in group]
            numbered = tuple(replace(c, number=n) for n, c in enumerate(renamed, self.last + 1))
            continues = self.lineage.get(name) if not self.last else None
            epoch = max(self.epochs)
            place = (name, self.head, seen, epoch, self.epochs[epoch], continues)
            content = (place, tuple(repr(c.fact(name)) for c in numbered))
            self._add(Changeset(*place, numbered, hash=content))
            self._follow(self.own[-1:], ms)

    def _derived_name(self, origin: int, first: Change) -> int:
        incarnation = second_reader.incarnation_anew(*first.fact(origin))
        if "derived names" not in self.rules:
            incarnation = next(_CUTS).to_bytes(16, "big")
        return second_reader.origin_name(self.key, incarnation)

    def _minted(
        self, kept: Sequence[Change], parted: Mapping[int, int], branch: Mapping[Line, Change]
    ) -> dict[tuple[str, int], int]:
        """(table, id) of rows minted since the parting -> their new id."""
        here = {e.change.row for e in self.entries()}
        here |= {c.row for (o, n), c in branch.items() if n < parted.get(o, NOWHERE)}
        minted: dict[tuple[str, int], int] = {}
        count: dict[str, int] = {}
        for change in kept:
            table, row_id = BY_NUMBER[change.row[0]], change.row[1][0]
            if table.key != ("id",) or row_id >> 32 not in parted or change.row in here:
                continue
            if (table.name, row_id) not in minted:
                count[table.name] = count.get(table.name, 0) + 1
                minted[table.name, row_id] = (self.origin << 32) + count[table.name]
        return minted

    # -- keys

    def _note_nodes(self, answer: Answer) -> None:
        newest = max(self.epochs, default=0)
        if not newest or (self.offered and self.offered[0][0] > newest):
            return
        members = [m for m in answer.nodes if not m.revoked_at and self.epochs.get(m.epoch) == m.school_key]
        lacking = [m for m in members if m.opening != self.opening]
        self.offered = [(n, m.opening, key) for m in lacking for n, key in self.epochs.items() if n > m.epoch]
        if "new epoch" in self.rules and any(m.revoked_at > answer.epoch_at for m in answer.nodes):
            key = next(_CUTS)
            fresh = [(newest + 1, to, key) for to in (b"kit", *(m.opening for m in members))]
            self.offered = [*fresh, *self.offered]


def _renamed(change: Change, minted: Mapping[tuple[str, int], int]) -> Change:
    """With the new ids of rows in its key and in what it refers to."""
    table = BY_NUMBER[change.row[0]]

    def of(column: Any, value: Any) -> Any:
        name = table.name if column.name == "id" else column.references
        while name in ("pupil", "staff"):
            name = "person"
        return value if column.soft else minted.get((name, value), value)

    key = tuple(of(c, part) for c, part in zip(table.key_columns, change.row[1], strict=True))
    values = {n: of(table.value_by_number[n], v) for n, v in change.values.items()}
    actor = minted.get(("account", change.actor), change.actor)
    return replace(change, row=(change.row[0], key), values=values, actor=actor)
