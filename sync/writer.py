"""How a person's changes enter a node: one immediate transaction under one acting account and one clock stamp.

What a node may never send is refused here, before it stands in the log: a row that is not its school's own (those of
the product and the hub are read only), a row larger than a changeset, and a mark outside its scale.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from sqlite_utils import Database

from shared.dates import day_at
from shared.db import transaction
from shared.problems import ConsentMissing, InvalidValue, OutsideScale, TooLarge
from shared.schema import BY_NAME, Column, Table, Value, check_row
from shared.tables import quoted
from sync import clock, gate
from sync.capture import CAPTURE, encode_values
from sync.log import NodeLog

SYSTEM = 0
"""Actor of what Mektep itself derives."""
MAX_ROW = 60_000
"""Bytes of text and blobs written at once into a row: one change must fit into one changeset."""
SCALED = ("mark", "term_result")
"""Tables whose ``value`` lies within the scale the row names, or else that of its subject group."""


class Writer:
    """Writes rows inside one transaction; made by `writing`."""

    def __init__(self, db: Database, origin: int, now: int) -> None:
        self.db = db
        self.origin = origin
        self.now = now
        self._own = {origin, *(o for (o,) in db.conn.execute("SELECT origin FROM origin"))}
        self._last: dict[str, int] = {}
        self._upserts: dict[tuple[str, ...], str] = {}
        self._bounds: dict[tuple[Value, Value], tuple[int, int] | None] = {}

    def foresee(self, table: Table, key: tuple[Value, ...]) -> None:
        """Told before a row is read that may be written then; a rehearsal copies it (`sync.rehearsal`)."""

    def insert(self, table_name: str, **values: Value) -> int:
        """Insert a row of a table whose key is ``id``; returns the row id minted for it.

        InvalidValue, ConsentMissing, TooLarge.
        """
        table = BY_NAME[table_name]
        row_id = self._mint(table)
        self._write(table, {table.key[0]: row_id, **values})
        return row_id

    def put(self, table_name: str, **values: Value) -> bool:
        """Insert or update the row with the key among the values; returns whether anything changed.

        A retired row comes back, unless ``retired_at`` is among the values. InvalidValue, ConsentMissing, TooLarge.
        """
        table = BY_NAME[table_name]
        if any(values.get(k) is None for k in table.key):
            raise InvalidValue(table=table.name, column=", ".join(table.key), value=None)
        return self._write(table, {"retired_at": None, **values})

    def update(self, table_name: str, row_id: int, **values: Value) -> bool:
        """Change columns of an existing row with a single-column key; returns whether anything changed.

        InvalidValue (also for a row that is not there), ConsentMissing, TooLarge.
        """
        table = BY_NAME[table_name]
        found = self.db.conn.execute(
            f"SELECT 1 FROM {quoted(table.name)} WHERE {quoted(table.row_id)} = ?", (row_id,)
        ).fetchone()
        if found is None:
            raise InvalidValue(table=table.name, column=table.row_id, value=row_id)
        return self._write(table, {table.row_id: row_id, **values})

    def change(self, table: Table, key: Sequence[int], values: Mapping[str, Value]) -> bool:
        """Change columns of an existing row, whatever its key; returns whether anything changed.

        InvalidValue, ConsentMissing, TooLarge.
        """
        return self._write(table, {**dict(zip(table.key, key, strict=True)), **values})

    def retire(self, table_name: str, *key: int) -> bool:
        """Retire a row by its key; returns whether it was alive. InvalidValue: the row is not the school's own."""
        table = BY_NAME[table_name]
        self._require_own(table, key[0])
        alive = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
        done = self.db.conn.execute(
            f"UPDATE {quoted(table.name)} SET retired_at = ? WHERE {alive} AND retired_at IS NULL",
            (self.now, *key),
        )
        return int(done.rowcount) > 0

    def blank(self, table: Table, row: int, key: Sequence[int], columns: Sequence[Column]) -> None:
        """Log columns of a row as erased and empty them; what anyone wrote of them without knowing never shows again.

        See `sync.erasure`, which also takes out what the log holds of them.
        """
        self._require_own(table, key[0])
        values = encode_values(dict.fromkeys(c.number for c in columns), erase=True)
        self.db.conn.execute(
            "INSERT INTO change (clock, actor, tbl, key, vals) SELECT clock, actor, ?, ?, ? FROM writing",
            (table.number, row, values),
        )
        log = NodeLog(self.db)
        log.apply_mode()
        sets = ", ".join(f"{quoted(c.name)} = NULL" for c in columns)
        self.db.conn.execute(
            f"UPDATE {quoted(table.name)} SET {sets} WHERE {quoted(table.row_id)} = ?", (row,)
        )
        log.capture_mode()
        for unit in {c.merge_unit for c in columns}:
            self.db.conn.execute(
                "DELETE FROM conflict WHERE tbl = ? AND key = ? AND unit = ?", (table.number, row, unit)
            )

    def assert_again(self, table: Table, row: int, unit: str) -> None:
        """Log what a row shows in a merge unit as written by the acting account, though nothing changes.

        It tells every node that its author had the other values in sight and lets this one stand.
        """
        columns = table.units[unit]
        names = ", ".join(quoted(c.name) for c in columns)
        shown = self.db.conn.execute(
            f"SELECT {names} FROM {quoted(table.name)} WHERE {quoted(table.row_id)} = ?", (row,)
        ).fetchone()
        values = encode_values({c.number: v for c, v in zip(columns, shown, strict=True)})
        self.db.conn.execute(
            "INSERT INTO change (clock, actor, tbl, key, vals) SELECT clock, actor, ?, ?, ? FROM writing",
            (table.number, row, values),
        )

    def _mint(self, table: Table) -> int:
        if table.name not in self._last:
            low = self.origin << 32
            found = self.db.conn.execute(
                f"SELECT max({quoted(table.row_id)}) FROM {quoted(table.name)} "
                f"WHERE {quoted(table.row_id)} BETWEEN ? AND ?",
                (low, low + 0xFFFFFFFF),
            ).fetchone()[0]
            self._last[table.name] = low if found is None else found
        self._last[table.name] += 1
        return self._last[table.name]

    def _write(self, table: Table, values: dict[str, Value]) -> bool:
        check_row(table, values)
        self._require_own(table, values[table.key[0]])
        if sum(_size(value) for value in values.values()) > MAX_ROW:
            raise TooLarge()
        self._require_consents(table, values)
        self._require_scale(table, values)
        connection = self.db.conn
        before = connection.total_changes
        connection.execute(self._upsert_sql(table, tuple(values)), tuple(values.values()))
        # The row itself counts one; the trigger's line in the log, written for a real change alone, another.
        return bool(connection.total_changes - before > 1)

    def _upsert_sql(self, table: Table, columns: tuple[str, ...]) -> str:
        if (table.name, *columns) not in self._upserts:
            updates = ", ".join(f"{quoted(c)} = excluded.{quoted(c)}" for c in columns if c not in table.key)
            self._upserts[table.name, *columns] = (
                f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, columns))}) "
                f"VALUES ({', '.join('?' * len(columns))}) ON CONFLICT ({', '.join(map(quoted, table.key))}) "
                + (f"DO UPDATE SET {updates}" if updates else "DO NOTHING")
            )
        return self._upserts[table.name, *columns]

    def _require_own(self, table: Table, key: Value) -> None:
        if not isinstance(key, int) or key >> 32 not in self._own:
            raise InvalidValue(table=table.name, column=table.key[0], value=key)

    def _require_consents(self, table: Table, values: dict[str, Value]) -> None:
        """The one gate: a personal column fills only under a valid consent of the person for its purpose."""
        given: set[str] = set()
        for column in table.consented:
            purpose = column.consent or ""
            if values.get(column.name) not in (None, "") and purpose not in given:
                person, day = self._subject(table, values), day_at(self.now)
                missing = purpose if person is None else missing_consent(self.db, person, purpose, day)
                if missing:
                    raise ConsentMissing(purpose=missing, column=column.name)
                given.add(purpose)

    def _require_scale(self, table: Table, values: dict[str, Value]) -> None:
        """The bounds of a scale hold on every path: pages, imports, undo. OutsideScale."""
        value = values.get("value")
        if table.name not in SCALED or not isinstance(value, int):
            return
        key = (values["subject_group"], values.get("scale"))
        if key not in self._bounds:
            self._bounds[key] = self.db.conn.execute(
                """SELECT minimum, maximum FROM grading_scale WHERE minimum IS NOT NULL AND maximum IS NOT NULL
                   AND id = ifnull(:scale, (SELECT scale FROM subject_group WHERE id = :group))""",
                {"group": key[0], "scale": key[1]},
            ).fetchone()
        bounds = self._bounds[key]
        if bounds is not None and not bounds[0] <= value <= bounds[1]:
            raise OutsideScale(low=bounds[0], high=bounds[1])

    def _subject(self, table: Table, values: dict[str, Value]) -> int | None:
        """The person a row is about, or will be."""
        name = gate.subject(table)
        if name in values:
            person = values[name]
        else:
            where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
            sql = f"SELECT {quoted(name)} FROM {quoted(table.name)} WHERE {where}"
            found = self.db.conn.execute(sql, [values[k] for k in table.key]).fetchone()
            person = found[0] if found else None
        return person if isinstance(person, int) else None


def _size(value: Value) -> int:
    return len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0


def has_consent(db: Database, person: int, purpose: str, day: int) -> bool:
    """Is there a written consent of the person for the purpose, valid on the day (days since 1970)?

    And for those on which it rests (`gate.RESTS_ON`).
    """
    return not missing_consent(db, person, purpose, day)


def missing_consent(db: Database, person: int, purpose: str, day: int) -> str:
    """Of a purpose and those on which it rests the first to which the person has not consented; empty for none."""
    sql = f"""SELECT 1 FROM consent c JOIN person p ON p.id = c.person
              WHERE c.person = :person AND c.purpose = :purpose AND {gate.VALID} LIMIT 1"""
    for one in gate.needed(purpose):
        if db.conn.execute(sql, {"person": person, "purpose": one, "today": day}).fetchone() is None:
            return one
    return ""


@contextlib.contextmanager
def writing(db: Database, actor: int) -> Iterator[Writer]:
    """One write transaction of an acting account; all of it is kept, or nothing, and all of it is logged.

    DatabaseBusy, DiskFull, NoActingAccount; whatever is raised inside rolls everything back.
    """
    with transaction(db):
        now = clock.now_ms()
        origin, last = db.conn.execute("SELECT origin, clock FROM writing").fetchone()
        db.conn.execute(
            "UPDATE writing SET actor = ?, clock = ?, mode = ?", (actor, clock.tick(last, now), CAPTURE)
        )
        before = db.conn.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
        yield Writer(db, origin, now)
        _hold_gate(db, before)
        db.conn.execute("UPDATE writing SET actor = NULL")


def _hold_gate(db: Database, before: int) -> None:
    """What was written under a consent hides with it and comes back with it."""
    numbers = ", ".join(str(t.number) for t in (gate.CONSENT, *gate.GATED))
    touched: dict[int, set[int]] = {}
    # Asked for distinct rows SQLite would walk through the whole index of the log.
    for number, rid in db.conn.execute(
        f"SELECT tbl, key FROM change WHERE n > ? AND +tbl IN ({numbers})", (before,)
    ):
        touched.setdefault(number, set()).add(rid)
    if touched:
        log = NodeLog(db)
        log.apply_mode()
        gate.hold(log, touched)
        log.capture_mode()
