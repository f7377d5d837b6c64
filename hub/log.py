"""The hub's change log and district view of one school; a Store of `sync.apply`, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa

from hub import tables
from hub.storage import upsert
from shared import crypto
from shared.schema import BY_NUMBER, TABLES, Table
from sync import clock, digest
from sync.apply import Delivered, Key, RowWrite
from sync.capture import Logged, decode_values, encode_values
from sync.change import NO_HASH
from sync.codec import Envelope, district_changes
from sync.log import dump_line, shipped
from sync.merge import Entry, Lineage, resolve
from sync.messages import next_head, sign_receipt

_CHUNK = 500


class HubLog:
    """What the hub holds of a school; school 0 is the hub's own reference stream."""

    def __init__(self, connection: sa.Connection, school: int, signer: crypto.SigningKey) -> None:
        self.connection = connection
        self.school = school
        self.signer = signer

    def histories(self, table: int, keys: Collection[Key]) -> dict[Key, list[Entry]]:
        texts = {_text(key): key for key in keys}
        found: dict[Key, list[Entry]] = {}
        c, s = tables.change.c, tables.stream.c
        query = sa.select(c.key, c.clock, s.origin, c.number, c.position, s.seen, c.vals).select_from(
            tables.change.join(tables.stream, (s.school == c.school) & (s.position == c.position))
        )
        for some in _chunks(texts):
            where = query.where(c.tbl == table, c.school == self.school, c.key.in_(some))
            for text, stamp, origin, number, position, seen, vals in self.connection.execute(where):
                entry = Logged(stamp, origin, number, position, seen, vals)
                found.setdefault(texts[text], []).append(entry)
        for key in keys:
            row = shipped().get((table, key))
            if row is not None:
                found.setdefault(key, []).append(row)
        return found

    def write(self, table: Table, rows: Sequence[RowWrite]) -> None:
        view = tables.VIEWS.get(table.name)
        if view is None:
            return
        shaped = [(_changed(table, row, view), row) for row in rows]
        shaped.sort(key=lambda item: item[0])
        for columns, some in groupby(shaped, key=lambda item: item[0]):
            names = [(number, table.value_by_number[number]) for number in columns]
            upsert(
                self.connection,
                view,
                [
                    dict(zip(table.key, row.key, strict=True))
                    | {c.name: row.after.values.get(number, c.default) for number, c in names}
                    for _, row in some
                ],
            )

    def append(self, delivered: Sequence[Delivered]) -> None:
        for changeset in delivered:
            self._add_to_stream(changeset)
            changes: list[dict[str, Any]] = [
                {
                    "school": self.school,
                    "position": changeset.position,
                    "number": c.number,
                    "tbl": c.table,
                    "key": _text(c.key),
                    "clock": c.clock,
                    "vals": encode_values(c.values, c.erase),
                }
                for c in changeset.changes
            ]
            if changes:
                self.connection.execute(tables.change.insert(), changes)

    def _add_to_stream(self, changeset: Delivered) -> None:
        envelope, header = changeset.envelope, changeset.envelope.header
        head = next_head(self.head()[1], envelope.hash)
        receipt = changeset.receipt or sign_receipt(
            self.signer, self.school, changeset.position, envelope.hash, head, changeset.seen
        )
        self.connection.execute(
            tables.stream.insert().values(
                school=self.school,
                position=changeset.position,
                origin=header.origin,
                first=header.first,
                last=header.last,
                seen=header.seen if changeset.seen is None else changeset.seen,
                capped=changeset.seen is not None,
                hash=envelope.hash,
                head=head,
                envelope=envelope.data,
                receipt=receipt,
                received_at=clock.now_ms(),
            )
        )

    def head(self) -> tuple[int, bytes]:
        """Last position of the stream and the hash of all of it."""
        s = tables.stream.c
        row = self.connection.execute(
            sa.select(s.position, s.head).where(s.school == self.school).order_by(s.position.desc()).limit(1)
        ).first()
        return (row[0], bytes(row[1])) if row else (0, NO_HASH)

    def head_at(self, position: int) -> bytes | None:
        """The hash of the stream up to a position; None beyond its end."""
        if position == 0:
            return NO_HASH
        s = tables.stream.c
        found = self.connection.execute(
            sa.select(s.head).where(s.school == self.school, s.position == position)
        ).scalar()
        return None if found is None else bytes(found)

    def head_of(self, origin: int) -> tuple[int, bytes]:
        """Last number and hash known of an origin."""
        s = tables.stream.c
        row = self.connection.execute(
            sa.select(s.last, s.hash)
            .where(s.school == self.school, s.origin == origin)
            .order_by(s.first.desc())
            .limit(1)
        ).first()
        return (row[0], bytes(row[1])) if row else (0, NO_HASH)

    def lineage(self) -> Lineage:
        o = tables.origin.c
        rows = self.connection.execute(
            sa.select(o.origin, o.parent, o.continues).where(o.school == self.school, o.parent.is_not(None))
        )
        return {origin: (parent, number) for origin, parent, number in rows}

    def origins(self) -> dict[int, bytes]:
        """The school's origins and the signing key of each one's node."""
        o = tables.origin.c
        rows = self.connection.execute(sa.select(o.origin, o.node).where(o.school == self.school))
        return {origin: bytes(node) for origin, node in rows}

    def sums(self) -> digest.Sums:
        d = tables.digest.c
        rows = self.connection.execute(sa.select(d.tbl, d.col, d.sum).where(d.school == self.school))
        return {(tbl, col): int.from_bytes(total, "little") for tbl, col, total in rows}

    def add_to_digest(self, sums: digest.Sums) -> None:
        stored = self.sums()
        modulus = 2 ** (8 * digest.SIZE)
        upsert(
            self.connection,
            tables.digest,
            [
                {
                    "school": self.school,
                    "tbl": tbl,
                    "col": col,
                    "sum": ((stored.get((tbl, col), 0) + value) % modulus).to_bytes(digest.SIZE, "little"),
                }
                for (tbl, col), value in sums.items()
            ],
        )

    # -- a history that is put in another order

    def take_out_from(self, position: int) -> None:
        """Remove the end of the stream from log and stream; `rewrite` brings the rows to what remains."""
        for table in (tables.change, tables.stream):
            c = table.c
            self.connection.execute(table.delete().where(c.school == self.school, c.position >= position))

    def rewrite(self, envelopes: Sequence[Envelope], first: int, act: Callable[[], None]) -> None:
        """Let ``act`` change the log from a position on, then bring the rows it touches to what the log says."""
        touched = self._keys_of(first, envelopes)
        before = {number: self.histories(number, keys) for number, keys in touched.items()}
        old = self.lineage()
        act()
        lineage = self.lineage()
        sums: digest.Sums = {}
        for number, keys in touched.items():
            table = BY_NUMBER.get(number)
            if table is None:
                continue
            after = self.histories(number, keys)
            rows = []
            for key in sorted(keys):
                was, now = before[number].get(key), after.get(key)
                shown = resolve(table, was, old) if was else None
                if now:
                    row = RowWrite(key, shown, resolve(table, now, lineage))
                    rows.append(row)
                    digest.move(sums, table, key, None if shown is None else shown.values, row.after.values)
                elif shown is not None:
                    self._remove(table, key)
                    digest.move(sums, table, key, None, shown.values, -1)
            self.write(table, rows)
        self.add_to_digest(sums)

    def _keys_of(self, first: int, envelopes: Sequence[Envelope]) -> dict[int, set[Key]]:
        touched: dict[int, set[Key]] = {}
        c = tables.change.c
        rows = self.connection.execute(
            sa.select(c.tbl, c.key).where(c.school == self.school, c.position >= first).distinct()
        )
        for number, text in rows:
            touched.setdefault(number, set()).add(_key(text))
        for envelope in envelopes:
            for change in district_changes(envelope):
                touched.setdefault(change.table, set()).add(change.key)
        return touched

    def _remove(self, table: Table, key: Key) -> None:
        view = tables.VIEWS.get(table.name)
        if view is not None:
            where = [view.columns[name] == part for name, part in zip(table.key, key, strict=True)]
            self.connection.execute(view.delete().where(*where))

    # -- what became known with an upgrade

    def take_up(self, table: Table) -> list[Key]:
        """The keys of the rows of a table that was unknown so far."""
        c = tables.change.c
        texts = self.connection.execute(
            sa.select(c.key).where(c.school == self.school, c.tbl == table.number).distinct()
        ).scalars()
        return [key for key in map(_key, texts) if len(key) == len(table.key)]

    def naming(self, table: Table, columns: Collection[int]) -> list[Key]:
        """The keys of the rows of which a change names one of these columns."""
        c = tables.change.c
        rows = self.connection.execute(
            sa.select(c.key, c.vals).where(c.school == self.school, c.tbl == table.number)
        )
        named = {text for text, vals in rows if not decode_values(vals).keys().isdisjoint(columns)}
        return [_key(text) for text in named]

    # -- looking at it

    def dump(self) -> Iterator[str]:
        """The school's district view as canonical JSON lines, as `sync.log.dump` gives it on a node."""
        for table, row in self._view_rows():
            yield dump_line(table, [*table.key, *(c.name for c in table.open_columns)], row)

    def digest_of_rows(self) -> digest.Sums:
        """The digest computed anew from the log, which is what the view must show."""
        sums: digest.Sums = {}
        lineage = self.lineage()
        c = tables.change.c
        for table in TABLES:
            if not table.on_hub:
                continue
            keys = self.connection.execute(
                sa.select(c.key).where(c.school == self.school, c.tbl == table.number).distinct()
            ).scalars()
            entries = self.histories(table.number, [_key(text) for text in keys])
            for key, known in entries.items():
                digest.move(sums, table, key, None, resolve(table, known, lineage).values)
        return sums

    def digest_of_view(self) -> digest.Sums:
        """The digest computed anew from the rows of the district view."""
        sums: digest.Sums = {}
        for table, row in self._view_rows():
            width = len(table.key)
            shown = {
                c.number: v for c, v in zip(table.open_columns, row[width:], strict=True) if v != c.default
            }
            digest.move(sums, table, tuple(row[:width]), None, shown)
        return sums

    def _view_rows(self) -> Iterator[tuple[Table, list[Any]]]:
        o = tables.origin.c
        for table in TABLES:
            if table.on_hub:
                view = tables.VIEWS[table.name]
                columns = [view.columns[n] for n in (*table.key, *(c.name for c in table.open_columns))]
                query = (
                    sa.select(*columns)
                    .select_from(view.join(tables.origin, columns[0].between(o.low, o.high)))
                    .where(o.school == self.school)
                    .order_by(*(view.columns[k] for k in table.key))
                )
                for row in self.connection.execute(query):
                    yield table, list(row)


def _changed(table: Table, row: RowWrite, view: sa.Table) -> tuple[int, ...]:
    before = row.before.values if row.before is not None else {}
    after = row.after.values
    missing = object()
    return tuple(
        sorted(
            number
            for number in before.keys() | after.keys()
            if (row.before is None or before.get(number, missing) != after.get(number, missing))
            and number in table.value_by_number
            and table.value_by_number[number].name in view.columns
        )
    )


def _text(key: Key) -> str:
    return ",".join(map(str, key))


def _key(text: str) -> Key:
    return tuple(map(int, text.split(",")))


def _chunks(items: Collection[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while some := list(islice(iterator, _CHUNK)):
        yield some
