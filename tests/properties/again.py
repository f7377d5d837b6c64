"""What the executable model says of a hub put back from an old backup (docs/protocol.md, section 21).

The hub takes back what its nodes show; they go back to where its order parted from theirs; two lines under one name
are told apart, and what lost its place is written anew by whoever holds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import cbor2

from shared.schema import BY_NUMBER
from tests.properties.rules import Change, Changeset, Entry, Key, Line

if TYPE_CHECKING:
    from tests.properties.model import Node
    from tests.properties.model_hub import Answer, Hub, Request

ALONE = 2**62
"""A node shows its keys and certificates; the hub lacks no place of its stream."""
DISPLACED = 10**8
"""Added to the place of what must be told its place anew."""
Placed = tuple[int, Changeset]
REAL: dict[object, bytes] = {}
"""The hash of what was sent, which the ids of rows follow from; told by the wire."""


def entries(
    stream: Sequence[Changeset], capped: Mapping[object, int], displaced: Collection[Placed] = ()
) -> Iterator[Entry]:
    """What has a place, or had one."""
    for position, changeset in (*enumerate(stream, 1), *displaced):
        for change in changeset.changes:
            yield Entry(change, changeset.origin, position, capped.get(changeset.hash, changeset.seen))


def shared(a: Sequence[object], b: Sequence[object]) -> int:
    """How far two streams are one."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


# -- the hub -----------------------------------------------------------------------------------------------------


def readmit(hub: Hub, request: Request) -> None:
    """Know the nodes again that the asking one shows, itself among them, with the first instant of a revocation."""
    if request.key in request.certificates:
        for key, (opening, revoked_at) in request.certificates.items():
            member = hub.know(key, opening)
            if revoked_at and not 0 < member.revoked_at <= revoked_at:
                member.revoked_at = revoked_at


def is_awaiting(hub: Hub) -> bool:
    """Was the hub put back, and is some node not heard since?"""
    return any(not m.revoked_at and m.heard < hub.restored_at for m in hub.members.values())


def following(hub: Hub, request: Request) -> list[tuple[int, bytes, int]]:
    """The offered keys that follow on what the hub knows; while nodes are awaited none that the asking one made."""
    last = max(hub.epochs, default=0)
    while any(number == last + 1 for number, _, _ in request.offered):
        last += 1
    last = min(last, request.epoch) if is_awaiting(hub) else last
    return [key for key in request.offered if key[0] <= last]


def take_line(hub: Hub, request: Request) -> int:
    """Take back what is shown; up to which place of that line all is held."""
    shown = [*enumerate(request.line, 1)][request.completing :] if request.again else []
    if not shown:
        return 0
    known, gone = {c.hash for c in hub.stream}, {*hub.aside}
    new = {c.hash for _, c in shown} - known - gone
    if new:
        first = shared([c.hash for c in request.line], [c.hash for c in hub.stream]) + 1
        follows = first > request.completing
        common = first - 1 if follows else 0
        rest = [(p, c) for p, c in shown if p >= first or not follows]
        exact = [*takewhile(lambda one: follows and one[1].hash not in gone, rest)]
        if new.isdisjoint(c.hash for _, c in exact):
            exact = []
        behind = [(p, c) for p, c in rest[len(exact) :] if c.hash in new]
        here = {c.hash for _, c in exact}
        start = common if exact else len(hub.stream)
        younger = [(p, c) for p, c in enumerate(hub.stream, 1) if p > start and c.hash not in here]
        held = {c.hash for c in hub.stream[start:]}
        del hub.stream[start:]
        for _, changeset in exact:
            hub.place(changeset, request.capped.get(changeset.hash))
        _place_behind(hub, younger, {**hub.capped}, common, held, None, {})
        lost = [(p, c) for p, c in shown if c.hash in gone]
        unknown = 0 if gone and not follows else None
        names = {c.origin: c.first for _, c in reversed(lost)}
        line = {c.hash for _, c in shown}
        _place_behind(hub, behind, request.capped, common, line, lost[0][0] if lost else unknown, names)
    return shown[-1][0]


def _place_behind(
    hub: Hub,
    changesets: Sequence[Placed],
    capped: Mapping[object, int],
    common: int,
    kin: Collection[object],
    parted: int | None,
    names: dict[int, int],
) -> None:
    for position, c in changesets:
        lowered = c.hash in capped and capped[c.hash] < c.seen
        parent, number = c.continues or (0, 0)
        knew = names.get(parent, number + 1) <= number or (
            parted is not None and (lowered or c.seen >= parted)
        )
        others = [o for o in hub.stream[common:] if o.hash not in kin]
        if knew or any(may_be(c, o) for o in others) or (c.first - 1, c.previous) != hub.head_of(c.origin):
            names.setdefault(c.origin, c.first)
            parted = position if parted is None else min(parted, position)
            hub.aside.append(c.hash)
            hub.capped.pop(c.hash, None)
        else:
            hub.place(c, min(common, capped.get(c.hash, c.seen)))


def may_be(c: Changeset, other: Changeset) -> bool:
    """May this beginning of a line be, written anew, what the other holds where it leaves? Of sealed tables: yes."""
    if c.first > 1:
        return False
    goes_on = c.continues is not None and c.continues[0] == other.origin
    number = c.continues[1] + 1 if goes_on else 1
    begins = other.first == 1 and (other.node, other.continues) == (c.node, c.continues)
    theirs = next((change for change in other.changes if change.number == number), None)
    if theirs is None or not (goes_on or begins):
        return False
    in_sight = [BY_NUMBER[change.row[0]].on_hub for change in (theirs, c.changes[0])]
    if all(in_sight):
        return (theirs.row[0], theirs.clock) == (c.changes[0].row[0], c.changes[0].clock)
    return not any(in_sight)


# -- a node ------------------------------------------------------------------------------------------------------


def note_certificates(node: Node, answer: Answer) -> None:
    """Keep the hub's word for the nodes, as far as it comes; of two instants of a revocation the first."""
    for member in answer.certified:
        before = node.certificates.get(member.key)
        if before is None or (member.revoked_at and (not before[1] or member.revoked_at < before[1])):
            node.certificates[member.key] = (member.opening, member.revoked_at)


def compare(node: Node, answer: Answer) -> None:
    """Does the hub lack something, or is its order another one?"""
    told = {m.key: m.revoked_at for m in answer.nodes}
    lacks = 0 < answer.newest < max(node.epochs) or any(
        key not in told or (revoked_at and not 0 < told[key] <= revoked_at)
        for key, (_, revoked_at) in node.certificates.items()
    )
    node.completing = ALONE if lacks else -1
    if answer.parted:
        common = shared([c.hash for c in node.stream], answer.stream)
        held = max(common, answer.held)
        if held >= len(node.stream):
            go_back(node, common)
        else:
            node.completing = held
        if holds(node, answer):
            node.forked = True


def go_back(node: Node, common: int) -> None:
    """Forget the places after one; nobody had seen what the hub has placed there."""
    for position, changeset in [*enumerate(node.stream, 1)][common:]:
        if changeset.node == node.key:
            node.own.append(changeset)
        else:
            node.displaced.append((DISPLACED + position, changeset))
    del node.stream[common:]
    node.own.sort(key=lambda c: node.order[c.hash])
    for changeset in (*node.own, *(c for _, c in node.displaced)):
        seen = min(common, node.capped.get(changeset.hash, changeset.seen))
        if seen < changeset.seen:
            node.capped[changeset.hash] = seen


def holds(node: Node, answer: Answer) -> bool:
    here = (*node.stream, *node.own, *(c for _, c in node.displaced))
    return any(c.hash in answer.aside for c in here)


# -- what lost its place, written anew ---------------------------------------------------------------------------


def take_lost(node: Node, aside: Collection[object]) -> list[Changeset]:
    """Take out what lost its place and others wrote."""
    lost = [c for _, c in node.displaced if c.hash in aside]
    node.displaced = [(p, c) for p, c in node.displaced if c.hash not in aside]
    return lost


def trace(change: Change) -> tuple[object, ...]:
    """By which a change is known again, whatever was erased of it."""
    return change.row, change.clock, change.actor, frozenset(change.values)


def moved(
    kept: Sequence[tuple[Changeset, Change]], aside: Collection[object], here: Collection[object], origin: int
) -> dict[tuple[str, int], int]:
    """(table, id) of rows minted in what lost its place -> the id they get wherever it is written anew."""
    found: dict[tuple[str, int], int] = {}
    for changeset, change in kept:
        table, row_id = BY_NUMBER[change.row[0]], change.row[1][0]
        own = table.key == ("id",) and row_id >> 32 == changeset.origin
        if changeset.hash in aside and own and change.row not in here and (table.name, row_id) not in found:
            body = cbor2.dumps([REAL[changeset.hash], table.name, row_id])
            four = hashlib.sha256(b"mektep aside v1\0" + body).digest()[:4]
            found[table.name, row_id] = (origin << 32) + 2**31 + (int.from_bytes(four, "big") >> 2)
    return found


def twice(
    node: Node,
    kept: Sequence[tuple[Changeset, Change]],
    parted: Mapping[int, int],
    accepted: Sequence[Changeset],
    here: Collection[Key],
    derived: Callable[[int, Change], int],
) -> tuple[dict[Line, Line], dict[tuple[str, int], int]]:
    """Where changes written anew stand in the accepted stream under another name; the ids their rows have there."""
    places: dict[Line, Line] = {}
    ids: dict[tuple[str, int], int] = {}
    begun = {c.origin: c for c in accepted if c.first == 1}
    for origin, number in parted.items():
        lost = [(c, change) for c, change in kept if c.origin == origin]
        leaves = node.line_of(origin, number - 1)
        for other in dict.fromkeys(c.origin for c in accepted if c.origin != origin):
            begins = other in begun and (begun[other].node, begun[other].continues) == (
                lost[0][0].node,
                leaves,
            )
            after = leaves[1] if leaves is not None and leaves[0] == other else 0
            own = lost[0][0].node == node.key and other in begun and other == derived(origin, lost[0][1])
            if own or not (begins or after):
                continue
            theirs = [x for c in accepted if c.origin == other for x in c.changes if x.number > after]
            for (_, a), b in zip(lost, theirs, strict=False):
                table, learnt = BY_NUMBER[a.row[0]], {}
                if table.key == ("id",) and a.row != b.row and a.row[0] == b.row[0] and a.row not in here:
                    learnt = {(table.name, a.row[1][0]): b.row[1][0]}
                if not same(renamed(a, learnt | ids), b):
                    break
                ids = learnt | ids
                places[origin, a.number] = other, b.number
    return places, ids


def same(a: Change, b: Change) -> bool:
    """One fact, whatever was erased of it and whichever number it bears."""
    return (trace(a), a.erase) == (trace(b), b.erase) and all(
        v == b.values[n] or None in (v, b.values[n]) for n, v in a.values.items()
    )


def parent_of(
    node: Node,
    kept: Sequence[tuple[Changeset, Change]],
    own: Sequence[tuple[Changeset, Change]],
    parted: Mapping[int, int],
    places: Mapping[Line, Line],
) -> Line | None:
    """What of this node's own is accepted, under another name if it has one there."""
    root = next(((c, change) for c, change in kept if c.node == node.key), None)
    if root is not None:
        origin, number = root[0].origin, root[1].number
        line = node.line_of(origin, (number if (origin, number - 1) in places else parted[origin]) - 1)
    elif own:
        line = node.line_of(own[-1][0].origin, own[-1][1].number)
    else:
        line = node.line_of(node.origin, node.last)
    return line if line is None else places.get(line, line)


def renamed(change: Change, minted: Mapping[tuple[str, int], int]) -> Change:
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
