"""An executable model of the sync (docs/protocol.md, sections 10 to 16), without bytes, keys or databases.

It is told what only a machine can know (what a trigger logged, which random name was taken, how much a budget let
through) and says what must come of it: who accepts what, what every row shows, what is in conflict, who is done. Beside
the real engine it is an oracle.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.schema import BY_NUMBER
from tests.properties import again
from tests.properties.model_hub import Answer, Hub, Impossible, Request, Sealed
from tests.properties.rules import RULES, Change, Changeset, Entry, Key, Line, View, view
from tests.sync import second_reader

__all__ = ["Answer", "Hub", "Impossible", "Node", "Request"]

NOWHERE = 10**9
AHEAD = 10 * 60 * 1000
_CUTS = itertools.count(1)
_MADE: dict[object, int] = {}
"""What a school key follows from (a node, its number, the key before it, who was revoked) -> which key it is."""


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
    capped: dict[object, int] = field(default_factory=dict)
    displaced: list[tuple[int, Changeset]] = field(default_factory=list)
    order: dict[object, int] = field(default_factory=dict)
    certificates: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    completing: int = -1
    blanked: dict[object, Changeset] = field(default_factory=dict)

    def copy(self) -> Node:
        return replace(
            self,
            stream=[*self.stream],
            own=[*self.own],
            open=[*self.open],
            lineage={**self.lineage},
            epochs={**self.epochs},
            offered=[*self.offered],
            capped={**self.capped},
            displaced=[*self.displaced],
            order={**self.order},
            certificates={**self.certificates},
            blanked={**self.blanked},
        )

    def entries(self) -> Iterator[Entry]:
        own = [(NOWHERE, changeset) for changeset in self.own]
        stream = [self._here(changeset) for changeset in self.stream]
        displaced = [(position, self._here(changeset)) for position, changeset in self.displaced]
        yield from again.entries(stream, self.capped, [*displaced, *own])
        for change in self.open:
            yield Entry(change, self.origin, NOWHERE, len(self.stream))

    def _here(self, changeset: Changeset) -> Changeset:
        """What of a changeset came here: a value that was erased may be gone before the erasure is here."""
        return self.blanked.get(changeset.hash, changeset)

    def view(self) -> View:
        return view(self.entries(), self.lineage, self.rules)

    def is_done(self) -> bool:
        waits = self.own or self.open or self.completing >= 0
        return not waits and len(self.stream) == self.hub_head

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
            self._add(Changeset(*place, tuple(self.open), hash=next(_CUTS), node=self.key))
            self.open = []

    def _add(self, changeset: Changeset) -> None:
        self.own.append(changeset)
        self.order[changeset.hash] = max(self.order.values(), default=0) + 1
        self.last, self.head = changeset.last, changeset.hash

    def ask(
        self, counter: int, sent: int, accepted: Mapping[object, Changeset], joining: bool = False
    ) -> Request:
        """The next request of a sync in which these were ``accepted``; ``sent``: as many as the budget let through."""
        if self.epochs:
            self.cut()
        self.counter = counter
        shows = self.completing >= 0 and not joining
        waiting = [c for c in self.own if c.hash not in accepted]
        if self.forked or (shows and self.completing < len(self.stream)):
            waiting = []
        if sent > len(waiting) or (waiting and not sent):
            raise Impossible(f"{sent} of {len(waiting)} changesets")
        head, own, epoch = (self.origin, self.last), frozenset(accepted), max(self.epochs, default=0)
        what = (self.key, self.opening, counter, len(self.stream), head, tuple(waiting[:sent]), own, epoch)
        # It hands on all keys it has, lest the hub has lost them.
        every = self.epochs.items() if shows else ()
        keys = [(n, to, key) for n, key in every for to in (b"kit", self.opening)]
        line = (shows, self.completing, tuple(self.stream), {**self.capped}, {**self.certificates})
        return Request(*what, self.epochs.get(epoch, 0), (*self.offered, *keys), joining, *line)

    def note_unknown(self) -> None:
        """The hub does not know it, which had registered it."""
        if self.completing < 0 and self.certificates:
            self.completing = again.ALONE

    # -- answers

    def take(self, answer: Answer, ms: int, named: Callable[[], int]) -> str:
        """Make what an answer says so; returns the code of a refusal, empty when there is none.

        ``named``: the random name that the machine has taken, asked for when it must have taken one.
        """
        for number, key in sorted(answer.epochs):
            if number == 1 or number - 1 in self.epochs:
                self.epochs.setdefault(number, key)
        again.note_certificates(self, answer)
        self._note_nodes(answer)
        fresh = [(p, c) for p, c in answer.entries if p > len(self.stream)]
        if "cut before apply" in self.rules and self.epochs:
            self.cut()
        if self.epochs:
            again.compare(self, answer)
        if not self.epochs or answer.parted or self._settle(answer, fresh, ms, named):
            if fresh and fresh[0][0] != len(self.stream) + 1:
                raise Impossible("a gap")
            self._apply([c for _, c in fresh], ms, answer)
            self.hub_head = answer.head
        return answer.refused if answer.refused != "forked" else ""

    def fits(self, answer: Answer) -> bool:
        """Does the answer follow on what is here, and is what it only names here?"""
        fresh = [(p, c) for p, c in answer.entries if p > len(self.stream)]
        own = {c.hash for c in self.own}
        if [c.hash for c in self.stream] != [*answer.stream[: len(self.stream)]]:
            return not fresh
        named_only = {c.hash for _, c in fresh} & answer.named_only
        return not fresh or (fresh[0][0] == len(self.stream) + 1 and named_only <= own)

    def _apply(self, changesets: Sequence[Changeset], ms: int, answer: Answer) -> None:
        here = {c.hash for c in (*self.own, *(c for _, c in self.displaced))}
        arrived = []
        for changeset in changesets:
            if changeset.hash not in here:
                amended = answer.amended.get(changeset.hash)
                if (amended[1].epoch if amended else changeset.epoch) not in self.epochs:
                    break
                if changeset.school_key != self.epochs[changeset.epoch]:
                    raise Impossible("one number of an epoch, two keys")
                arrived.append(changeset)
                if changeset.hash in answer.blanked:
                    self.blanked[changeset.hash] = answer.blanked[changeset.hash]
                self.order[changeset.hash] = max(self.order.values(), default=0) + 1
                if changeset.first == 1 and changeset.continues is not None:
                    self.lineage.setdefault(changeset.origin, changeset.continues)
            self.stream.append(changeset)
            self.capped.pop(changeset.hash, None)
            if changeset.hash in answer.capped:
                self.capped[changeset.hash] = answer.capped[changeset.hash]
        placed = {c.hash for c in self.stream}
        self.own = [c for c in self.own if c.hash not in placed]
        self.displaced = [(p, c) for p, c in self.displaced if c.hash not in placed]
        self._follow(arrived, ms)

    def _settle(
        self,
        answer: Answer,
        fresh: Sequence[tuple[int, Changeset]],
        ms: int,
        named: Callable[[], int],
    ) -> bool:
        refused = answer.refused == "forked" and answer.which in {c.hash for c in self.own}
        forked = self.forked or refused or again.holds(self, answer)
        if not (forked or self._is_overtaken(answer, fresh)):
            is_own = answer.known[0] == self.origin
            if is_own and answer.known[1] > self.last and "new incarnation" in self.rules:
                self.new_incarnation(named())
            return True
        self.forked = True
        if (fresh[-1][0] if fresh else len(self.stream)) < answer.head:
            return False
        while True:
            self._write_anew([answer.blanked.get(c.hash, c) for _, c in fresh], ms, named, answer.aside)
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

    def _write_anew(
        self,
        accepted: Sequence[Changeset],
        ms: int,
        named: Callable[[], int],
        aside: frozenset[object] = frozenset(),
    ) -> None:
        placed = {c.hash for c in accepted}
        own = [c for c in self.own if c.hash not in placed]
        self.own = [c for c in self.own if c.hash in placed]
        lines = sorted([*own, *again.take_lost(self, aside)], key=lambda c: self.order[c.hash])
        changes = [(c, change) for c in lines for change in self._here(c).changes]
        if not changes:
            return self.new_incarnation(named())
        names = {c.origin for c in lines}
        branch = {
            (c.origin, change.number): change for c in accepted if c.origin in names for change in c.changes
        }
        kept: list[tuple[Changeset, Change]] = []
        parted: dict[int, int] = {}
        for changeset, change in changes:
            theirs = branch.get((changeset.origin, change.number))
            equal = theirs is not None and again.same(change, theirs)
            if changeset.origin not in parted and equal and "compare changes" in self.rules:
                continue
            parted.setdefault(changeset.origin, change.number)
            kept.append((changeset, change))
        here = {e.change.row for e in self.entries()}
        here |= {c.row for (o, n), c in branch.items() if n < parted.get(o, NOWHERE)}
        first_origin = (*self.stream, *accepted)[0].origin
        places, ids = again.twice(self, kept, parted, accepted, here, self._derived_name)
        kept = [(c, change) for c, change in kept if (c.origin, change.number) not in places]
        moved = again.moved(kept, aside, here, first_origin) | ids
        there = {again.trace(change) for c in accepted for change in c.changes}
        kept = [
            (c, change)
            for c, change in kept
            if c.node == self.key or again.trace(again.renamed(change, moved)) not in there
        ]
        mine = [(c, change) for c, change in changes if c.node == self.key]
        if not (kept or mine):
            return None
        parent = again.parent_of(self, kept, mine, parted, places)
        if not kept:
            return self._begin(named(), parent)
        root, first = kept[0]
        name = self._derived_name(root.origin, first)
        self._begin(name, parent)
        minted = moved | self._minted([c for _, c in kept], parted, here, moved)
        for seen, group in itertools.groupby(kept, key=lambda one: self._seen(one[0])):
            renamed = [again.renamed(change, minted) for _, change in group]
            numbered = tuple(replace(c, number=n) for n, c in enumerate(renamed, self.last + 1))
            continues = self.lineage.get(name) if not self.last else None
            epoch = max(self.epochs)
            place = (name, self.head, seen, epoch, self.epochs[epoch], continues)
            content = (place, tuple(repr(c.fact(name)) for c in numbered))
            self._add(Changeset(*place, numbered, hash=content, node=self.key))
            self._follow(self.own[-1:], ms)

    def _seen(self, changeset: Changeset) -> int:
        return self.capped.get(changeset.hash, changeset.seen)

    def _derived_name(self, origin: int, first: Change) -> int:
        incarnation = second_reader.incarnation_anew(*first.fact(origin))
        if "derived names" not in self.rules:
            incarnation = next(_CUTS).to_bytes(16, "big")
        return second_reader.origin_name(self.key, incarnation)

    def _minted(
        self,
        kept: Sequence[Change],
        parted: Mapping[int, int],
        here: Collection[Key],
        moved: Mapping[tuple[str, int], int],
    ) -> dict[tuple[str, int], int]:
        """(table, id) of rows minted since the parting -> their new id."""
        minted: dict[tuple[str, int], int] = {}
        count: dict[str, int] = {}
        for change in kept:
            table, row_id = BY_NUMBER[change.row[0]], change.row[1][0]
            if table.key != ("id",) or row_id >> 32 not in parted or change.row in here:
                continue
            if (table.name, row_id) not in minted and (table.name, row_id) not in moved:
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
            revoked = frozenset(m.key for m in answer.nodes if m.revoked_at)
            made = self.opening, newest + 1, self.epochs[newest], revoked
            key = _MADE.setdefault(made, len(_MADE) + 1)
            fresh = [(newest + 1, to, key) for to in (b"kit", *(m.opening for m in members))]
            self.offered = [*fresh, *self.offered]
