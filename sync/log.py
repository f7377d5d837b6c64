"""A node's change log: histories of rows, what is cut into changesets, what arrived from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import TypeVar

from sqlite_utils import Database

from shared import crypto, reference
from shared.db import write_rows
from shared.problems import TooLarge
from shared.schema import BY_NAME, BY_NUMBER, TABLES, VERSION, Table, Value
from shared.tables import quoted
from sync import clock, digest, gate, scrub
from sync.apply import Delivered, Key, RowWrite
from sync.capture import APPLY, CAPTURE, REBUILD, Logged, decode_values, encode_values, is_erasure
from sync.cbor import pack
from sync.change import NO_HASH, Change, Header
from sync.codec import Envelope, encode, open_envelope
from sync.merge import NOWHERE, Entry, Lineage, Shown, resolve
from sync.state import Identity, State

_T = TypeVar("_T")
_CHUNK = 400
_TARGET = 30_000
"""Bytes a changeset is cut to: about one request of the first budget."""
_DIGESTED = {("account", "password")}
"""What a dump shows as its SHA-256: it compares equal, and nobody can try passwords on it, for the salt is in it."""
_MOST = 20_000
"""Changes in one changeset, however small they become: both ends hold its changes in memory at once."""

_HISTORY = """SELECT c.n, c.clock, c.actor, c.key, c.vals, s.origin, s.first + c.n - s.local_first, s.position, s.seen
    FROM change c LEFT JOIN changeset s ON s.local_first =
      (SELECT max(local_first) FROM changeset WHERE local_first <= c.n) AND c.n <= s.local_last
    WHERE c.tbl = ? AND c.n < ? AND c.key IN ({marks})"""


class NodeLog:
    """The change log of one open database; a Store of `sync.apply`. Used inside the caller's transaction."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.state = State(db)

    # -- reading

    def histories(self, table: int, keys: Collection[Key]) -> dict[Key, list[Entry]]:
        return self.histories_before(table, keys, NOWHERE)

    def histories_before(self, table: int, keys: Collection[Key], n: int) -> dict[Key, list[Entry]]:
        """Entries of rows that were logged before local number ``n``, reference rows' shipped values included."""
        found: dict[Key, list[Entry]] = {}
        keys_by_rid = {rid: key for key, rid in self._rids(table, keys).items()}
        uncut: tuple[int, int, int] | None = None
        for some in _chunks(keys_by_rid):
            sql = _HISTORY.format(marks=",".join("?" * len(some)))
            for row in self.db.conn.execute(sql, (table, n, *some)):
                if row[5] is None and uncut is None:
                    uncut = self.state.origin, self.state.own_last - self.last_cut(), self.state.position
                found.setdefault(keys_by_rid[row[3]], []).append(_entry(row, uncut))
        for key in keys:
            row = shipped().get((table, key))
            if row is not None:
                found.setdefault(key, []).append(row)
        return found

    def history(self, table: Table, key: Key) -> list[Entry]:
        """Entries of one row, oldest first."""
        return sorted(self.histories(table.number, [key]).get(key, []), key=lambda e: e.n)

    def key_of(self, table: Table, rid: int) -> Key:
        """The key of a row by its local one."""
        return self._keys(table.number, {rid}).get(rid, ())

    def keys_of(self, number: int, rids: set[int]) -> dict[int, Key]:
        """The keys of rows by their local ones."""
        return self._keys(number, rids)

    def last_cut(self) -> int:
        """Local number of the last change that stands in a changeset; what follows is this node's own and uncut."""
        return int(self.db.conn.execute("SELECT ifnull(max(local_last), 0) FROM changeset").fetchone()[0])

    def uncut(self) -> int:
        """How many changes are not yet in a changeset."""
        return (
            int(self.db.conn.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]) - self.last_cut()
        )

    def waiting(self) -> int:
        """How many of the school's own changes have no receipt yet, cut or not."""
        return self.uncut() + sum(e.header.last - e.header.first + 1 for e in self.unreceipted())

    def unreceipted(self) -> Iterator[Envelope]:
        """Own changesets without a place in the stream, in order."""
        for (data,) in self.db.conn.execute(
            "SELECT envelope FROM changeset WHERE position IS NULL ORDER BY local_first"
        ):
            yield open_envelope(data)

    def lineage(self) -> Lineage:
        return {
            o: (p, c)
            for o, p, c in self.db.conn.execute(
                "SELECT origin, parent, continues FROM origin WHERE parent IS NOT NULL"
            )
        }

    def sums(self) -> digest.Sums:
        """The stored digest sums."""
        return {
            (t, c): int.from_bytes(s, "little")
            for t, c, s in self.db.conn.execute("SELECT tbl, col, sum FROM digest")
        }

    # -- applying what arrived

    def write(self, table: Table, rows: Sequence[RowWrite]) -> None:
        fresh = [r for r in rows if r.before is None]
        for columns, some in _by_shape(fresh, lambda r: tuple(sorted(r.after.values))):
            self._upsert(table, columns, [(*r.key, *(r.after.values[c] for c in columns)) for r in some])
        known = [r for r in rows if r.before is not None]
        for columns, some in _by_shape(known, lambda r: _differences(r)):
            if columns:
                self._upsert(
                    table, columns, [(*r.key, *(_value(table, r.after, c) for c in columns)) for r in some]
                )
        moved = [r for r in rows if r.after.conflicts or (r.before is not None and r.before.conflicts)]
        rids = self._rids(table.number, [r.key for r in moved])
        for row in moved:
            rid = rids[row.key]
            self.db.conn.execute("DELETE FROM conflict WHERE tbl = ? AND key = ?", (table.number, rid))
            self._note_conflicts(table, rid, row.after)

    def _note_conflicts(self, table: Table, rid: int, shown: Shown) -> None:
        for unit in sorted(shown.conflicts):
            self.db.conn.execute(
                "INSERT INTO conflict VALUES (?, ?, ?, ?)", (table.number, rid, unit, clock.now_ms())
            )

    def append(self, delivered: Sequence[Delivered]) -> None:
        touched: dict[int, set[int]] = {}
        erasing: dict[int, set[int]] = {}
        for changeset in delivered:
            first = self.db.conn.execute("SELECT ifnull(max(n), 0) + 1 FROM change").fetchone()[0]
            rids = self._rids_of_changes(changeset.changes)
            self.db.conn.executemany(
                "INSERT INTO change (n, clock, actor, tbl, key, vals) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (
                        n,
                        c.clock,
                        c.actor or 0,
                        c.table,
                        rids[c.table][c.key],
                        encode_values(c.values, c.erase),
                    )
                    for n, c in enumerate(changeset.changes, first)
                ),
            )
            last = first + len(changeset.changes) - 1
            position = None if changeset.position == NOWHERE else changeset.position
            self._add_changeset(changeset.envelope, first, last, position, changeset.receipt, changeset.seen)
            self._follow(changeset.changes)
            for c in changeset.changes:
                touched.setdefault(c.table, set()).add(rids[c.table][c.key])
                if c.erase:
                    erasing.setdefault(c.table, set()).add(rids[c.table][c.key])
        scrub.note_erasing(self.db, erasing)
        if scrub.scrub(self, touched):
            self.state.untidy = 1
        gate.hold(self, touched)

    def hold_rows(self, touched: Mapping[int, Collection[Key]]) -> None:
        """Bring what these rows show to what the consents on record allow."""
        known = {number: keys for number, keys in touched.items() if number in BY_NUMBER}
        gate.hold(self, {number: set(self._rids(number, keys).values()) for number, keys in known.items()})

    def add_to_digest(self, sums: digest.Sums) -> None:
        stored = self.sums()
        for place, value in sums.items():
            total = (stored.get(place, 0) + value) % 2 ** (8 * digest.SIZE)
            self.db.conn.execute(
                "INSERT INTO digest VALUES (?, ?, ?) ON CONFLICT (tbl, col) DO UPDATE SET sum = excluded.sum",
                (*place, total.to_bytes(digest.SIZE, "little")),
            )

    def apply_mode(self) -> None:
        """From here to the end of the transaction the log is written by hand; see `capture_mode`."""
        self.db.conn.execute("UPDATE writing SET mode = ?", (APPLY,))

    def rebuild_mode(self) -> None:
        """As `apply_mode`, and rows that nobody else has seen may be taken out."""
        self.db.conn.execute("UPDATE writing SET mode = ?", (REBUILD,))

    def capture_mode(self) -> None:
        self.db.conn.execute("UPDATE writing SET mode = ?", (CAPTURE,))

    def _follow(self, changes: Sequence[Change]) -> None:
        last = self.db.conn.execute("SELECT clock FROM writing").fetchone()[0]
        now = clock.now_ms()
        for stamp in sorted({c.clock for c in changes}):
            last = clock.follow(last, stamp, now)
        self.db.conn.execute("UPDATE writing SET clock = ?", (last,))

    def _upsert(self, table: Table, columns: tuple[int, ...], rows: list[tuple[Value, ...]]) -> None:
        names = [table.value_by_number[c].name for c in columns]
        updates = ", ".join(f"{quoted(n)} = excluded.{quoted(n)}" for n in names)
        everything = [*table.key, *names]
        write_rows(
            self.db,
            f"{quoted(table.name)} ({', '.join(map(quoted, everything))})",
            rows,
            f"ON CONFLICT ({', '.join(map(quoted, table.key))}) "
            + (f"DO UPDATE SET {updates}" if updates else "DO NOTHING"),
        )

    # -- taking own changes out again, when their line must be written anew

    def take_out(self, envelopes: Sequence[Envelope], changes: Sequence[Change]) -> None:
        """Remove own changesets that nobody has seen from the log, and bring their rows to what remains."""
        touched: dict[int, set[Key]] = {}
        for change in changes:
            touched.setdefault(change.table, set()).add(change.key)
        lineage = self.lineage()
        before = {number: self.histories(number, keys) for number, keys in touched.items()}
        rids = {number: self._rids(number, keys) for number, keys in touched.items()}
        for envelope in envelopes:
            header = envelope.header
            self.db.conn.execute(
                "DELETE FROM change WHERE n BETWEEN "
                "(SELECT local_first FROM changeset WHERE origin = ?1 AND first = ?2) AND "
                "(SELECT local_last FROM changeset WHERE origin = ?1 AND first = ?2)",
                (header.origin, header.first),
            )
            self.db.conn.execute(
                "DELETE FROM changeset WHERE origin = ? AND first = ?", (header.origin, header.first)
            )
        sums: digest.Sums = {}
        for number, keys in touched.items():
            table = BY_NUMBER.get(number)
            if table is not None:
                after = self.histories(number, keys)
                for key in sorted(keys):
                    self._restore(
                        table, key, rids[number][key], before[number][key], after.get(key), lineage, sums
                    )
        self.add_to_digest(sums)
        consents = before.get(gate.CONSENT.number, {}).values()
        gate.hold(self, {n: set(some.values()) for n, some in rids.items()}, gate.people_of(consents))

    def _restore(
        self,
        table: Table,
        key: Key,
        rid: int,
        before: list[Entry],
        after: list[Entry] | None,
        lineage: Lineage,
        sums: digest.Sums,
    ) -> None:
        old = resolve(table, before, lineage)
        digest.move(sums, table, key, None, old.values, -1)
        self.db.conn.execute("DELETE FROM conflict WHERE tbl = ? AND key = ?", (table.number, rid))
        if after is None:
            self.db.conn.execute(f"DELETE FROM {quoted(table.name)} WHERE {quoted(table.row_id)} = ?", (rid,))
            return
        new = resolve(table, after, lineage)
        digest.move(sums, table, key, None, new.values)
        columns = tuple(sorted(old.values.keys() | new.values.keys()))
        self._upsert(table, columns, [(*key, *(_value(table, new, c) for c in columns))])
        self._note_conflicts(table, rid, new)

    # -- what became known with an upgrade

    def take_up(self, table: Table) -> list[Key]:
        """The keys of the rows of a table that was unknown so far; each has its place in the table from here on."""
        rows = self.db.conn.execute(
            "SELECT rid, key FROM unknown_key WHERE tbl = ?", (table.number,)
        ).fetchall()
        self.db.conn.execute("DELETE FROM unknown_key WHERE tbl = ?", (table.number,))
        # Numbers below zero are in nobody's way; what was no key of this table stays there.
        self.db.conn.execute("UPDATE change SET key = -key WHERE tbl = ?", (table.number,))
        keys = [(rid, tuple(json.loads(text))) for rid, text in rows]
        keys = [(rid, key) for rid, key in keys if len(key) == len(table.key)]
        for rid, key in keys:
            place = key[0] if len(key) == 1 else self._place(table, key)
            self.db.conn.execute(
                "UPDATE change SET key = ? WHERE tbl = ? AND key = ?", (place, table.number, -rid)
            )
        return [key for _, key in keys]

    def _place(self, table: Table, key: Key) -> int:
        done = self.db.conn.execute(
            f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, table.key))}) "
            f"VALUES ({', '.join('?' * len(key))})",
            key,
        )
        return int(done.lastrowid or 0)

    def naming(self, table: Table, columns: Collection[int]) -> list[Key]:
        """The keys of the rows of which a change names one of these columns."""
        found = self.db.conn.execute(
            "SELECT DISTINCT key FROM change WHERE tbl = ? AND EXISTS "
            f"(SELECT 1 FROM json_each(vals) j WHERE j.key IN ({', '.join('?' * len(columns))}))",
            (table.number, *map(str, columns)),
        )
        return list(self._keys(table.number, {rid for (rid,) in found}).values())

    # -- local keys

    def _rids(self, number: int, keys: Collection[Key]) -> dict[Key, int]:
        table = BY_NUMBER.get(number)
        if table is None:
            return self._unknown_rids(number, keys)
        if len(table.key) == 1:
            return {key: key[0] for key in keys}
        found: dict[Key, int] = {}
        names = ", ".join(map(quoted, table.key))
        mark = f"({', '.join('?' * len(table.key))})"
        for some in _chunks(keys):
            marks = ", ".join([mark] * len(some))
            sql = f"SELECT rid, {names} FROM {quoted(table.name)} WHERE ({names}) IN (VALUES {marks})"
            for rid, *parts in self.db.conn.execute(sql, [part for key in some for part in key]):
                found[tuple(parts)] = rid
        return found

    def _unknown_rids(self, number: int, keys: Collection[Key]) -> dict[Key, int]:
        found = {}
        for key in keys:
            row = self.db.conn.execute(
                "SELECT rid FROM unknown_key WHERE tbl = ? AND key = ?", (number, json.dumps(key))
            ).fetchone()
            if row is not None:
                found[key] = int(row[0])
        return found

    def _rids_of_changes(self, changes: Sequence[Change]) -> dict[int, dict[Key, int]]:
        keys: dict[int, set[Key]] = {}
        for change in changes:
            keys.setdefault(change.table, set()).add(change.key)
            if change.table not in BY_NUMBER:
                self.db.conn.execute(
                    "INSERT INTO unknown_key (tbl, key) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (change.table, json.dumps(change.key)),
                )
        return {number: self._rids(number, some) for number, some in keys.items()}

    # -- cutting

    def cut(self, identity: Identity) -> int:
        """Cut all uncut changes into changesets; returns how many changes were cut.

        Called before anything from outside is applied and at every sync, so that ``seen`` tells the truth.
        """
        before = self.uncut()
        size = 6_000
        while self.uncut():
            changes = self._next_changes(min(size, _MOST))
            envelope, used = self.fit(changes, identity)
            self._add_to_own_digest(changes[:used])
            first = self.last_cut() + 1
            self._add_changeset(envelope, first, first + used - 1, None, b"")
            self._settle_conflicts(first, first + used - 1)
            self.state.own_head = envelope.hash
            self.state.own_last = envelope.header.last
            size = max(64, used * _TARGET // max(len(envelope.data), 1))
        return before

    def fit(self, changes: list[Change], identity: Identity, seen: int | None = None) -> tuple[Envelope, int]:
        """Make a changeset of as many of the changes as fit; returns it and how many.

        With ``seen`` given (changes written anew) the bytes follow from their content, so that twins make the same.
        """
        used = len(changes)
        while True:
            header = self._header(changes[:used], identity, seen)
            try:
                envelope = encode(header, changes[:used], identity.school_key, identity.signer)
            except TooLarge:
                if used == 1:
                    raise
                used //= 2
                continue
            if len(envelope.data) <= 2 * _TARGET or used == 1:
                return envelope, used
            used = max(1, used * _TARGET // len(envelope.data))

    def _header(self, changes: list[Change], identity: Identity, seen: int | None) -> Header:
        state = self.state
        is_first = state.own_last == 0
        if seen is None:
            salt = crypto.random_bytes(crypto.SALT_BYTES)
        else:
            salt = salt_of(identity.school_key, int(state.origin), bytes(state.own_head), seen, changes)
        return Header(
            school=state.school,
            origin=state.origin,
            first=state.own_last + 1,
            last=state.own_last + len(changes),
            previous=state.own_head,
            seen=state.position if seen is None else seen,
            epoch=identity.epoch,
            salt=salt,
            parts=(NO_HASH, NO_HASH),
            version=VERSION,
            node=identity.signer.public if is_first else None,
            incarnation=state.incarnation if is_first else None,
            continues=self.lineage().get(state.origin) if is_first else None,
        )

    def _next_changes(self, limit: int) -> list[Change]:
        after = self.last_cut()
        rows = self.db.conn.execute(
            "SELECT n, clock, actor, tbl, key, vals FROM change WHERE n > ? ORDER BY n LIMIT ?",
            (after, limit),
        ).fetchall()
        keys = {t: self._keys(t, {r[4] for r in rows if r[3] == t}) for t in {r[3] for r in rows}}
        offset = self.state.own_last - after
        return [
            Change(n + offset, stamp, actor, t, keys[t][rid], decode_values(vals), is_erasure(vals))
            for n, stamp, actor, t, rid, vals in rows
        ]

    def _keys(self, number: int, rids: set[int]) -> dict[int, Key]:
        table = BY_NUMBER.get(number)
        if table is None:
            return self._unknown_keys(number, rids)
        if len(table.key) == 1:
            return {rid: (rid,) for rid in rids}
        found: dict[int, Key] = {}
        names = ", ".join(map(quoted, table.key))
        for some in _chunks(rids):
            sql = f"SELECT rid, {names} FROM {quoted(table.name)} WHERE rid IN ({','.join('?' * len(some))})"
            found |= {rid: tuple(key) for rid, *key in self.db.conn.execute(sql, some)}
        return found

    def _unknown_keys(self, number: int, rids: set[int]) -> dict[int, Key]:
        rows = self.db.conn.execute("SELECT rid, key FROM unknown_key WHERE tbl = ?", (number,))
        return {rid: tuple(json.loads(text)) for rid, text in rows if rid in rids}

    def _add_to_own_digest(self, changes: list[Change]) -> None:
        """Own changes have seen all that was applied, so what they show is what was shown before, overlaid."""
        touched: dict[int, dict[Key, list[Change]]] = {}
        for change in changes:
            table = BY_NUMBER[change.table]
            if digest.counts(table, change.key):
                touched.setdefault(change.table, {}).setdefault(change.key, []).append(change)
        sums: digest.Sums = {}
        lineage = self.lineage()
        for number, rows in touched.items():
            table = BY_NUMBER[number]
            known = self.histories_before(number, rows.keys(), self.last_cut() + 1)
            for key, own in rows.items():
                before = resolve(table, known[key], lineage).values if key in known else None
                entries = [Entry(c.clock, 1, c.number, NOWHERE, NOWHERE, c.values, c.erase) for c in own]
                after = {**(before or {})}
                for unit in table.units.values():
                    if any(c.number in e.values for e in entries for c in unit):
                        for column in unit:
                            after.pop(column.number, None)
                digest.move(sums, table, key, before, after | resolve(table, entries, {}).values)
        self.add_to_digest(sums)

    def _settle_conflicts(self, first: int, last: int) -> None:
        """A value its author chose with all others in sight ends their conflict."""
        if not self.db.conn.execute("SELECT 1 FROM conflict LIMIT 1").fetchone():
            return
        for tbl, key, vals in self.db.conn.execute(
            "SELECT tbl, key, vals FROM change WHERE n BETWEEN ? AND ? "
            "AND (tbl, key) IN (SELECT tbl, key FROM conflict)",
            (first, last),
        ).fetchall():
            for number in decode_values(vals):
                column = BY_NUMBER[tbl].by_number[number]
                self.db.conn.execute(
                    "DELETE FROM conflict WHERE tbl = ? AND key = ? AND unit = ?",
                    (tbl, key, column.merge_unit),
                )

    def _add_changeset(
        self,
        envelope: Envelope,
        first: int,
        last: int,
        position: int | None,
        receipt: bytes,
        seen: int | None = None,
    ) -> None:
        h = envelope.header
        self.db.conn.execute(
            "INSERT INTO changeset (school, origin, first, last, position, hash, seen, local_first, local_last, "
            "envelope, receipt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                h.school,
                h.origin,
                h.first,
                h.last,
                position,
                envelope.hash,
                h.seen if seen is None else seen,
                first,
                last,
                envelope.data,
                receipt,
            ),
        )


def salt_of(key: bytes, origin: int, previous: bytes, seen: int, changes: Sequence[Change]) -> bytes:
    """A salt that no other content has, without chance: it binds all that is sealed, and the key keeps it secret."""
    facts = [
        pack(
            [
                c.number,
                c.clock,
                c.actor,
                c.table,
                list(c.key),
                [list(v) for v in sorted(c.values.items())],
                c.erase,
            ]
        )
        for c in changes
    ]
    return crypto.derive(key, b"mektep salt v1\0" + crypto.digest(pack([origin, previous, seen]), *facts))


def _entry(
    row: tuple[int, int, int, int, str, int | None, int, int | None, int], uncut: tuple[int, int, int] | None
) -> Entry:
    """A line of the log with its place; ``uncut`` of what is in no changeset: origin, place less n, what it saw."""
    n, stamp, actor, _, vals, origin, number, position, seen = row
    if uncut is not None and origin is None:
        origin, number, seen = uncut[0], uncut[1] + n, uncut[2]
    assert origin is not None
    place = NOWHERE if position is None else position
    return Logged(stamp, origin, number, place, seen, vals, actor, n)


def _differences(row: RowWrite) -> tuple[int, ...]:
    assert row.before is not None
    before, after = row.before.values, row.after.values
    missing = object()
    return tuple(
        sorted(c for c in before.keys() | after.keys() if before.get(c, missing) != after.get(c, missing))
    )


def _value(table: Table, shown: Shown, column: int) -> Value:
    return shown.values.get(column, table.value_by_number[column].default)


def _by_shape(rows: Sequence[RowWrite], shape) -> Iterator[tuple[tuple[int, ...], list[RowWrite]]]:  # type: ignore[no-untyped-def]
    for columns, some in groupby(sorted(rows, key=shape), key=shape):
        yield columns, list(some)


def _chunks(items: Collection[_T]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while some := list(islice(iterator, _CHUNK)):
        yield some


_SHIPPED: dict[tuple[int, Key], Entry] = {}


def shipped() -> dict[tuple[int, Key], Entry]:
    """Reference rows as they came with the product, as entries that everyone has seen."""
    if not _SHIPPED:
        for name, rows in reference.ROWS.items():
            table = BY_NAME[name]
            for row in rows:
                key = tuple(int(row[k] or 0) for k in table.key)
                values = {c.number: row[c.name] for c in table.columns if c.name in row}
                _SHIPPED[table.number, key] = Entry(0, 0, 0, 0, 0, values)
    return _SHIPPED


def dump(db: Database, district_only: bool) -> Iterator[str]:
    """Every synced row as one canonical JSON line, in order of table and key; bytes as hex, password hashes digested.

    With ``district_only`` the columns the hub holds too, rows of the product and the hub (origin 0) left out.
    """
    for table in TABLES:
        if district_only and not table.on_hub:
            continue
        columns = table.open_columns if district_only else table.columns
        names = [*table.key, *(c.name for c in columns)]
        where = f"WHERE {quoted(table.key[0])} >> 32 <> 0" if district_only else ""
        order = ", ".join(map(quoted, table.key))
        sql = f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)} {where} ORDER BY {order}"
        for row in db.conn.execute(sql):
            yield dump_line(table, names, row)


def dump_line(table: Table, names: Sequence[str], row: Sequence[Value]) -> str:
    """One row of a dump."""
    values = {n: v.hex() if isinstance(v, bytes) else v for n, v in zip(names, row, strict=True)}
    for name in names:
        if (table.name, name) in _DIGESTED and values[name] is not None:
            values[name] = f"sha256:{crypto.sha256(str(values[name]).encode()).hex()}"
    return json.dumps([table.name, values], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
