"""Incarnations and forks: under which name a node writes, what it continues, what happens when two lines bear one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from sqlite_utils import Database

from shared import crypto
from shared.db import transaction
from shared.schema import BY_NUMBER
from shared.tables import quoted
from sync.anew import Place, Recognised, renamed
from sync.apply import Delivered, apply
from sync.cbor import pack
from sync.change import NO_HASH, Change, Header
from sync.codec import Envelope, all_changes, open_envelope
from sync.log import NodeLog
from sync.merge import NOWHERE
from sync.messages import StreamEntry
from sync.state import Identity, State, epoch_keys, identity

INCARNATION_BYTES = 16
_NO_SCHOOL = 1


def begin_incarnation(
    db: Database, public: bytes, continues: tuple[int, int] | None, incarnation: bytes | None = None
) -> int:
    """Write on under a new origin, inside the caller's transaction; returns it.

    ``continues``: the origin and number this line goes on from, so that what it had seen stays seen.
    """
    state = State(db)
    incarnation = incarnation or crypto.random_bytes(INCARNATION_BYTES)
    origin = crypto.origin_name(public, incarnation)
    add_origin(db, origin, int(state.school), public, continues)
    state.incarnation = incarnation
    state.origin = origin
    state.own_last = 0
    state.own_head = NO_HASH
    db.conn.execute("UPDATE writing SET origin = ?", (origin,))
    return origin


def new_incarnation(db: Database) -> int:
    """Go on as a copy of an older state must: cut what is open under the old name, then take a new one.

    Before registration there is no stream anyone could know more of, and the name stays.
    """
    state = State(db)
    if not state.school:
        return int(state.origin)
    keys = identity(db)
    NodeLog(db).cut(keys)
    return begin_incarnation(db, keys.signer.public, line_of(db, state.origin, state.own_last))


def take_another_name(db: Database) -> None:
    """Before registration: the hub knows another node by this one's name (two of 2^31 may be equal).

    The rows that are here are named anew, references to them follow, and all of it is uncut again.
    """
    with transaction(db):
        state, log = State(db), NodeLog(db)
        if identity(db).epoch and log.uncut() + log.last_cut():
            # School 0 is the hub, whose changesets seal nothing; these here are thrown away again.
            state.school = _NO_SCHOOL
            log.cut(identity(db))
            log.rebuild_mode()
            reauthor(db, [], ())
            log.capture_mode()
            state.school = 0
            for table in ("changeset", "digest"):
                db.conn.execute(f"DELETE FROM {table}")
            state.own_last, state.own_head = 0, NO_HASH
        else:
            begin_incarnation(db, identity(db).signer.public, continues=None)
        db.conn.execute(
            "UPDATE origin SET school = 0, parent = NULL, continues = NULL WHERE origin = ?", (state.origin,)
        )
        db.conn.execute("DELETE FROM origin WHERE origin <> ?", (state.origin,))


def line_of(db: Database, origin: int, number: int) -> tuple[int, int] | None:
    """The origin and number to continue; an origin under which nothing was cut is stepped over, for nobody knows it."""
    lineage = NodeLog(db).lineage()
    while number == 0:
        if origin not in lineage:
            return None
        origin, number = lineage[origin]
    return origin, number


def add_origin(
    db: Database, origin: int, school: int, node: bytes, continues: tuple[int, int] | None
) -> None:
    """Remember whose rows the ids of an origin are; does nothing when it is known."""
    parent, number = continues or (None, None)
    db.conn.execute(
        "INSERT INTO origin VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (origin, school, origin << 32, origin << 32 | 0xFFFFFFFF, node, parent, number),
    )


# -- old copies --------------------------------------------------------------------------------------------------


def note_last(db: Database) -> None:
    """Write the last cut number into a small file beside the database, which a copy put back does not bring along."""
    path = _side_file(db)
    if path is not None:
        state = State(db)
        unfinished = path.with_name(path.name + ".new")
        unfinished.write_text(f"{state.origin} {state.own_last}\n", encoding="ascii")
        unfinished.replace(path)


def go_on_if_old(db: Database) -> bool:
    """Take a new incarnation when the file beside the database knows more of this origin than the database does."""
    path = _side_file(db)
    if path is None or not path.exists():
        return False
    state = State(db)
    try:
        origin, last = map(int, path.read_text(encoding="ascii").split())
    except ValueError:
        return False
    if origin != state.origin or last <= state.own_last:
        return False
    with transaction(db):
        new_incarnation(db)
    return True


def _side_file(db: Database) -> Path | None:
    file = db.conn.execute("PRAGMA database_list").fetchone()[2]
    return Path(file + ".last") if file else None


# -- two lines under one name ------------------------------------------------------------------------------------


def is_overtaken(db: Database, entries: Sequence[StreamEntry]) -> bool:
    """Does the accepted stream hold, under a name of ours, changes that are not those we hold under it?"""
    placed = {e.hash for e in entries}
    waiting: dict[int, int] = {}
    for envelope in NodeLog(db).unreceipted():
        if envelope.hash not in placed:
            waiting.setdefault(envelope.header.origin, envelope.header.first)
    if not waiting:
        return False
    headers = (open_envelope(e.envelope).header for e in entries if e.envelope is not None)
    return any(header.last >= waiting.get(header.origin, NOWHERE) for header in headers)


def reauthor(
    db: Database, accepted: Sequence[Envelope], placed: Collection[bytes], aside: Collection[bytes] = ()
) -> None:
    """Write this node's unaccepted changes anew, as a line that parted from the accepted one, in the transaction.

    Facts that the accepted branch holds too (number, clock, actor, row, value) are dropped here and arrive with it.
    From the first that differs on, changes go under an origin that follows from that change, so that twins re-author
    alike; each keeps how far its author had seen; rows minted since are minted anew, references to them follow.
    ``placed``: hashes of changesets that have their place, own ones among them. ``aside``: of those that lost theirs,
    others' among them: what is in none of the accepted ones is written anew here, lest nobody else has it.
    """
    log = NodeLog(db)
    keys, epochs = identity(db), epoch_keys(db)
    lines = _unaccepted(db, placed, aside)
    facts = [
        Fact(replace(e.header, seen=seen), c, e.hash, own)
        for e, seen, own in lines
        for c in all_changes(e, epochs[e.epoch])
    ]
    mine = [fact for fact in facts if fact.own]
    if not facts:
        new_incarnation(db)
        return
    names = {fact.header.origin for fact in facts}
    arriving = [
        (e.header.origin, c) for e in accepted if e.epoch in epochs for c in all_changes(e, epochs[e.epoch])
    ]
    branch = {(origin, c.number): c for origin, c in arriving if origin in names}
    amended = any(e.amendment for e in (*(e for e, _, _ in lines), *accepted))
    kept, parted = _parted(facts, branch, amended)
    log.take_out([e for e, _, _ in lines], [fact.change for fact in facts])
    before = {
        (BY_NUMBER[c.table].name, c.key[0])
        for (origin, number), c in branch.items()
        if c.table in BY_NUMBER and number < parted.get(origin, NOWHERE)
    }
    known = _recognised(db, kept, parted, accepted, before)
    kept = [f for f in kept if (f.header.origin, f.change.number) not in known.places]
    moved = _moved(db, kept, before, aside, _first_origin(db, accepted), known.ids)
    there = {_trace(c) for _, c in arriving}
    kept = [f for f in kept if f.own or _trace(renamed(f.change, moved)) not in there]
    if not (kept or mine):
        return
    parent = _parent(db, kept, mine, parted, known.places)
    if not kept:
        begin_incarnation(db, keys.signer.public, parent)
        return
    first = kept[0]
    begin_incarnation(db, keys.signer.public, parent, _follows_from(first.header.origin, first.change))
    minted = moved | _minted_anew(db, kept, parted, before, moved)
    _write_line(db, keys, [(f.header, renamed(f.change, minted)) for f in kept])
    if ("account", State(db).administrator) in minted:
        State(db).administrator = minted["account", State(db).administrator]


@dataclass(frozen=True)
class Fact:
    """A change to be written anew, of the changeset with this hash. ``header``: with how far its author had seen."""

    header: Header
    change: Change
    changeset: bytes
    own: bool


def _unaccepted(
    db: Database, placed: Collection[bytes], aside: Collection[bytes]
) -> list[tuple[Envelope, int, bool]]:
    """Own changesets without a place, and any that lost theirs, with how far each had seen; in order."""
    public = identity(db).signer.public
    rows = db.conn.execute(
        "SELECT c.envelope, c.seen, o.node FROM changeset c JOIN origin o USING (origin) "
        f"WHERE c.position IS NULL OR c.hash IN ({', '.join('?' * len(aside))}) ORDER BY c.local_first",
        (*aside,),
    )
    found = [(open_envelope(data), int(seen), bytes(node) == public) for data, seen, node in rows]
    return [one for one in found if one[0].hash not in placed]


def _parent(
    db: Database,
    kept: Sequence[Fact],
    mine: Sequence[Fact],
    parted: Mapping[int, int],
    places: Mapping[Place, Place],
) -> Place | None:
    """What of this node's own is accepted. ``places``: of what is accepted under another name."""
    root = next((fact for fact in kept if fact.own), None)
    if root is not None:
        origin, number = root.header.origin, root.change.number
        before = number if (origin, number - 1) in places else parted[origin]
        line = line_of(db, origin, before - 1)
    elif mine:
        line = line_of(db, mine[-1].header.origin, mine[-1].change.number)
    else:
        line = line_of(db, State(db).origin, State(db).own_last)
    return places.get(line, line) if line else None


def _recognised(
    db: Database,
    kept: Sequence[Fact],
    parted: Mapping[int, int],
    accepted: Sequence[Envelope],
    before: Collection[tuple[str, int]],
) -> Recognised:
    """What of the changes to be written anew the accepted stream holds under another name.

    An accepted line whose name follows from an own one is none of them: that is written anew under the same name.
    """
    epochs, headers = epoch_keys(db), {e.header.origin: e.header for e in accepted if e.header.first == 1}
    nodes = {origin: bytes(node) for origin, node in db.conn.execute("SELECT origin, node FROM origin")}
    nodes |= {origin: header.node or b"" for origin, header in headers.items()}
    arrived: dict[int, list[Change]] = {}
    for e in accepted:
        if e.epoch in epochs:
            arrived.setdefault(e.header.origin, []).extend(all_changes(e, epochs[e.epoch]))
    found = Recognised()
    for origin, number in parted.items():
        lost = [fact for fact in kept if fact.header.origin == origin]
        derived = _follows_from(origin, lost[0].change)
        leaves = line_of(db, origin, number - 1)
        for other, changes in arrived.items():
            header = headers.get(other)
            begins = header is not None and header.continues == leaves
            after = leaves[1] if leaves and leaves[0] == other else 0
            if other == origin or nodes.get(other) != nodes[origin] or not (after or begins):
                continue
            if header is None or not (lost[0].own and header.incarnation == derived):
                theirs = [c for c in changes if c.number > after]
                found.compare(origin, [f.change for f in lost], other, theirs, partial(_stands, db, before))
    return found


def _trace(change: Change) -> tuple[object, ...]:
    """By which a change is known again, whatever was erased of it, under another name."""
    return change.table, change.key, change.clock, change.actor, frozenset(change.values)


def _first_origin(db: Database, accepted: Sequence[Envelope]) -> int:
    """The origin that every node of the school knows, whatever lost its place: that of the stream's beginning."""
    row = db.conn.execute("SELECT origin FROM changeset WHERE position = 1 AND school <> 0").fetchone()
    return int(row[0]) if row else next((e.header.origin for e in accepted), int(State(db).origin))


def _moved(
    db: Database,
    kept: Sequence[Fact],
    before: Collection[tuple[str, int]],
    aside: Collection[bytes],
    origin: int,
    ids: Mapping[tuple[str, int], int],
) -> dict[tuple[str, int], int]:
    """(table, id) of rows minted in what lost its place -> the new id: the same wherever it is written anew.

    ``ids``: of those that stand in the stream under another one.
    """
    moved = {**ids}
    for fact in kept:
        name, row_id = _minted_by(fact.change)
        lost = fact.changeset in aside and row_id >> 32 == fact.header.origin
        if lost and (name, row_id) not in moved and not _stands(db, before, name, row_id):
            moved[name, row_id] = moved_id(origin, fact.changeset, name, row_id)
    return moved


def moved_id(origin: int, changeset: bytes, table: str, row_id: int) -> int:
    """The id of a row whose changeset lost its place, under an origin that is known; beyond what counting reaches."""
    chance = crypto.sha256(b"mektep aside v1\0" + pack([changeset, table, row_id]))
    return origin << 32 | 1 << 31 | int.from_bytes(chance[:4], "big") >> 2


def _minted_by(change: Change) -> tuple[str, int]:
    """The row that a change may be the first of; of other tables none."""
    table = BY_NUMBER.get(change.table)
    return ("", -1) if table is None or table.key != ("id",) else (table.name, change.key[0])


def _stands(db: Database, before: Collection[tuple[str, int]], name: str, row_id: int) -> bool:
    """Is the row there without the lines that were taken out?"""
    sql = f"SELECT 1 FROM {quoted(name)} WHERE id = ?"
    return (name, row_id) in before or db.conn.execute(sql, (row_id,)).fetchone() is not None


def _parted(
    facts: Sequence[Fact], branch: Mapping[tuple[int, int], Change], amended: bool
) -> tuple[list[Fact], dict[int, int]]:
    """What the branch does not hold, and for each origin the number of the first that it does not."""
    kept: list[Fact] = []
    parted: dict[int, int] = {}
    for fact in facts:
        origin, number = fact.header.origin, fact.change.number
        theirs = branch.get((origin, number))
        if origin not in parted and theirs and _is_same(fact.change, theirs, amended):
            continue
        parted.setdefault(origin, number)
        kept.append(fact)
    return kept, parted


def _is_same(ours: Change, theirs: Change, amended: bool) -> bool:
    """Is it one fact? In an amended changeset a value that was erased is null."""
    if ours == theirs or not amended:
        return ours == theirs
    return (
        replace(ours, values={}) == replace(theirs, values={})
        and ours.values.keys() == theirs.values.keys()
        and all(v is None or theirs.values[n] in (v, None) for n, v in ours.values.items())
    )


def _follows_from(origin: int, change: Change) -> bytes:
    fact = [origin, change.number, change.clock, change.actor, change.table, list(change.key)]
    values = sorted(change.values.items())
    return crypto.sha256(b"mektep reauthor v1\0" + pack([*fact, [list(v) for v in values], change.erase]))[
        :INCARNATION_BYTES
    ]


def _minted_anew(
    db: Database,
    kept: Sequence[Fact],
    parted: Mapping[int, int],
    before: Collection[tuple[str, int]],
    moved: Mapping[tuple[str, int], int],
) -> dict[tuple[str, int], int]:
    """(table, id) of rows minted since the parting -> their new id; ids are counted by table."""
    minted: dict[tuple[str, int], int] = {}
    next_id: dict[str, int] = {}
    origin = int(State(db).origin)
    for fact in kept:
        name, row_id = _minted_by(fact.change)
        if row_id >> 32 not in parted or (name, row_id) in minted or (name, row_id) in moved:
            continue
        if not _stands(db, before, name, row_id):
            next_id[name] = next_id.get(name, origin << 32) + 1
            minted[name, row_id] = next_id[name]
    return minted


def _write_line(db: Database, keys: Identity, facts: Sequence[tuple[Header, Change]]) -> None:
    """Cut re-authored changes into changesets, one run of equal ``seen`` at a time, and apply them as our own."""
    log, state = NodeLog(db), State(db)
    number = 0
    for seen, group in groupby(facts, key=lambda fact: fact[0].seen):
        waiting = [replace(c, number=number + at) for at, (_, c) in enumerate(group, 1)]
        number += len(waiting)
        while waiting:
            envelope, used = log.fit(waiting, keys, seen)
            apply(log, [Delivered(envelope, NOWHERE, waiting[:used])], log.lineage())
            state.own_head, state.own_last = envelope.hash, envelope.header.last
            waiting = waiting[used:]
