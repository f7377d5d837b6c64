"""Merge is a pure function: its laws, over every merge unit of every table, retirement and erasure among them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.schema import TABLES, Table, Value
from sync import digest
from sync.apply import Delivered, Key, RowWrite, apply
from sync.change import NO_HASH, Change, Header
from sync.codec import Envelope
from sync.merge import NOWHERE, Entry, Lineage, Shown, heads_of, resolve, saw
from tests.properties import model, rules

# -- streams -----------------------------------------------------------------------------------------------------


@dataclass
class Stream:
    """Changesets of a school in their order, the last ones perhaps a node's own without a place; rows of one table."""

    table: Table
    changesets: list[Delivered]
    lineage: Lineage

    def entries(self, key: Key) -> list[Entry]:
        return [
            Entry(
                c.clock,
                d.envelope.header.origin,
                c.number,
                d.position,
                d.envelope.header.seen,
                c.values,
                c.erase,
            )
            for d in self.changesets
            for c in d.changes
            if c.key == key
        ]

    def rows(self) -> list[Key]:
        return sorted({c.key for d in self.changesets for c in d.changes})


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """What may pass through a stream: lines of three origins, each of which may go on under another name."""
    table = draw(st.sampled_from(TABLES))
    units = sorted(table.units)
    keys = [(n << 32 | 1, *[n] * (len(table.key) - 1)) for n in (1, 2)]
    lines: dict[int, tuple[int, int]] = dict.fromkeys((1, 2, 3), (0, 0))
    lineage: dict[int, tuple[int, int]] = {}
    changesets: list[Delivered] = []
    token = 0
    for position in range(1, draw(st.integers(1, 7)) + 1):
        origin = draw(st.sampled_from(sorted(lines)))
        number, least = lines[origin]
        if number and draw(st.integers(0, 4)) == 0:
            child = max(lines) + 1
            lineage[child] = (origin, draw(st.integers(1, number)))
            origin, number = child, 0
        seen = draw(st.integers(least, position - 1))
        changes = []
        for _ in range(draw(st.integers(1, 3))):
            number, token = number + 1, token + 1
            erase = draw(st.integers(0, 7)) == 0
            values: dict[int, Value] = {}
            for unit in draw(st.lists(st.sampled_from(units), min_size=1, max_size=3, unique=True)):
                columns = table.units[unit]
                named = (
                    columns if erase else draw(st.lists(st.sampled_from(columns), min_size=1, unique=True))
                )
                # Few values, so that some are equal; null and the default among them.
                some = (None, columns[0].default, token % 3, token)
                values |= {c.number: None if erase else draw(st.sampled_from(some)) for c in named}
            key = draw(st.sampled_from(keys))
            changes.append(Change(number, draw(st.integers(0, 4)), 0, table.number, key, values, erase))
        lines[origin] = (number, seen)
        header = Header(1, origin, changes[0].number, number, NO_HASH, seen, 1, b"", (NO_HASH, NO_HASH), 1)
        changesets.append(Delivered(Envelope(b"", b"", header, b"", b"", b""), position, changes))
    mine = changesets[-1].envelope.header.origin
    for at in range(len(changesets) - 1, draw(st.integers(0, len(changesets) - 1)) - 1, -1):
        if changesets[at].envelope.header.origin != mine:
            break
        changesets[at] = replace(changesets[at], position=NOWHERE)
    return Stream(table, changesets, lineage)


# -- a store of nothing but dictionaries -------------------------------------------------------------------------


@dataclass
class Kept:
    """A Store of `sync.apply` in which everything can be seen."""

    log: dict[Key, list[Entry]] = field(default_factory=dict)
    shown: dict[Key, Shown] = field(default_factory=dict)
    sums: digest.Sums = field(default_factory=dict)

    def histories(self, table: int, keys: Collection[Key]) -> dict[Key, list[Entry]]:
        return {key: [*self.log[key]] for key in keys if key in self.log}

    def write(self, table: Table, rows: Sequence[RowWrite]) -> None:
        for row in rows:
            assert row.before == self.shown.get(row.key)
            self.shown[row.key] = row.after

    def append(self, delivered: Sequence[Delivered]) -> None:
        for d in delivered:
            header = d.envelope.header
            for c in d.changes:
                entry = Entry(c.clock, header.origin, c.number, d.position, header.seen, c.values, c.erase)
                self.log.setdefault(c.key, []).append(entry)

    def add_to_digest(self, sums: digest.Sums) -> None:
        for place, value in sums.items():
            self.sums[place] = (self.sums.get(place, 0) + value) % 2**256

    def outcome(self) -> tuple[dict[Key, Shown], digest.Sums]:
        return self.shown, {place: value for place, value in self.sums.items() if value}


def applied(stream: Stream, batches: Sequence[Sequence[Delivered]]) -> tuple[dict[Key, Shown], digest.Sums]:
    kept = Kept()
    for batch in batches:
        apply(kept, batch, stream.lineage)
    return kept.outcome()


# -- laws --------------------------------------------------------------------------------------------------------


@given(streams(), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(stream: Stream, random: Random) -> None:
    for key in stream.rows():
        entries = stream.entries(key)
        expected = resolve(stream.table, entries, stream.lineage)
        random.shuffle(entries)
        assert resolve(stream.table, entries, stream.lineage) == expected


@given(streams(), st.randoms(use_true_random=False))
def test_repetition_does_not_matter(stream: Stream, random: Random) -> None:
    for key in stream.rows():
        entries = stream.entries(key)
        again = [*entries, *(replace(e) for e in entries if random.random() < 0.5)]
        assert resolve(stream.table, again, stream.lineage) == resolve(stream.table, entries, stream.lineage)


@given(streams(), st.lists(st.integers(0, 7), max_size=4), st.randoms(use_true_random=False))
def test_neither_batches_nor_their_order_matter(stream: Stream, cuts: list[int], random: Random) -> None:
    """All at once, in batches, in batches in any order: rows, conflicts and digest are the same."""
    at_once = applied(stream, [stream.changesets])
    ends = sorted({0, len(stream.changesets), *(c for c in cuts if c < len(stream.changesets))})
    batches = [stream.changesets[a:b] for a, b in pairwise(ends)]
    assert applied(stream, batches) == at_once
    random.shuffle(batches)
    assert applied(stream, batches) == at_once


@given(streams(), st.data())
def test_a_batch_that_comes_again_changes_nothing(stream: Stream, data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(stream.changesets))
    assert applied(stream, [stream.changesets, [again]]) == applied(stream, [stream.changesets])


@given(streams())
def test_the_digest_follows_from_what_the_rows_show(stream: Stream) -> None:
    shown, moved = applied(stream, [[d] for d in stream.changesets])
    sums: digest.Sums = {}
    for key, row in shown.items():
        digest.move(sums, stream.table, key, None, row.values)
    assert moved == {place: value for place, value in sums.items() if value}


@given(streams())
def test_merging_is_what_the_model_says(stream: Stream) -> None:
    """Two functions written apart, one result: values, conflicts, heads."""
    for key in stream.rows():
        entries = stream.entries(key)
        told = []
        for uid, e in enumerate(entries):
            row = (stream.table.number, key)
            position = model.NOWHERE if e.position == NOWHERE else e.position
            change = rules.Change(e.number, e.clock, 0, row, e.values, e.erase, uid)
            told.append(rules.Entry(change, e.origin, position, e.seen))
        view = rules.view(iter(told), stream.lineage, rules.RULES)
        shown = resolve(stream.table, entries, stream.lineage)
        assert shown.values == view.rows[stream.table.number, key]
        assert shown.conflicts == {unit for _, unit in view.conflicts}
        for (_, unit), heads in view.heads.items():
            found = heads_of(stream.table, unit, entries, stream.lineage)
            assert {uid for uid, e in enumerate(entries) if any(e is f for f in found)} == heads


@given(streams(), st.integers(0, 4))
def test_who_has_seen_everything_settles_every_unit(stream: Stream, clock: int) -> None:
    """Retirement too, and whatever that author's clock says."""
    values: dict[int, Value] = {c.number: 1000 + c.number for c in stream.table.columns}
    for key in stream.rows():
        last = Entry(clock, 99, 1, NOWHERE, NOWHERE, values)
        shown = resolve(stream.table, [*stream.entries(key), last], stream.lineage)
        assert shown == Shown(values)


@given(streams())
def test_a_value_shows_over_an_erasure_only_if_its_author_had_seen_it(stream: Stream) -> None:
    for key in stream.rows():
        entries = stream.entries(key)
        for unit, columns in stream.table.units.items():
            erasing = [e for e in entries if e.erase and any(c.number in e.values for c in columns)]
            if erasing:
                first, *_ = heads_of(stream.table, unit, entries, stream.lineage)
                assert first.erase or all(saw(first, e, stream.lineage) for e in erasing)
