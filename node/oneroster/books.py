"""Writing what a roster says: rows are put in, changed or found as they should be, and counted; keys are remembered.

Of a key of another system its digest alone is kept: such keys are often made of names, and a name may be kept under a
consent only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlite_utils import Database

from node.consenting import Signed, record
from node.importing.checks import Beside, keep
from node.ofage import Born
from shared import crypto
from shared.schema import BY_NAME, Value
from shared.tables import quoted
from sync.writer import Writer

Mode = Literal["both", "insert", "update"]
Outcome = Literal["inserted", "changed", "unchanged"]
Key = tuple[int, ...]
TARGETS: Mapping[str, tuple[str, ...]] = {
    "users": ("person",),
    "classes": ("class_group", "subject_group"),
    "courses": ("subject",),
    "enrollments": ("enrolment",),
}
"""File -> the columns of `external_key` of which one says what a line of it is here."""


def digest_of(system: str, file: str, source_id: str) -> bytes:
    """By what a line of a file of a system is known again."""
    return crypto.sha256("\0".join((system, file, source_id)).encode())


class Books:
    """The school's books while one roster is taken in."""

    def __init__(self, w: Writer, system: str, mode: Mode) -> None:
        self.w = w
        self.db: Database = w.db
        self.system = system
        self.mode = mode
        self.outcomes: dict[tuple[str, Key], Outcome] = {}
        self.skipped = 0
        self._keys = self._known()

    def counts(self) -> dict[Outcome, dict[str, int]]:
        """Outcome -> table -> rows; keys are no news to anyone."""
        found: dict[Outcome, dict[str, int]] = {
            outcome: Counter() for outcome in ("inserted", "changed", "unchanged")
        }
        for (table, _), outcome in self.outcomes.items():
            found[outcome][table] += 1
        return found

    def row(self, table: str, *key: int) -> Mapping[str, Any] | None:
        self.w.foresee(BY_NAME[table], key)
        where = " AND ".join(f"{quoted(k)} = ?" for k in BY_NAME[table].key)
        found = self.db.query(f"SELECT * FROM {quoted(table)} WHERE {where}", key)
        return next(iter(found), None)

    def add(self, table: str, **values: Value) -> int | None:
        """A new row with an id of its own; None where only known rows are to be changed."""
        if self.mode == "update":
            self.skipped += 1
            return None
        row = self.w.insert(table, **_filled(values))
        self.outcomes[table, (row,)] = "inserted"
        return row

    def sign(self, person: int, signed: Signed, received_by: int | None, birth: Born | None) -> None:
        """Record a signed consent, unless only known rows are to be changed. InvalidValue."""
        if self.mode == "update":
            self.skipped += 1
            return
        for row in record(self.w, person, signed, received_by, birth):
            self.outcomes["consent", (row,)] = "inserted"

    def writes(self, table: str, *key: int) -> bool:
        """Would a row be made, or may it be changed, by what is wanted of the roster?"""
        there = self.row(table, *key)
        alive = there is not None and there["retired_at"] is None
        return self.mode == "both" or (self.mode == "update") == alive

    def beside(self, rows: Iterable[Beside]) -> None:
        """Write and count rows that come with another one."""
        for one in rows:
            self.outcomes[keep(self.w, one)] = "inserted"

    def put(self, table: str, key: Key, **values: Value) -> bool:
        """The row of a table keyed by facts, made or changed; returns whether it is there now."""
        names = BY_NAME[table].key
        there = self.row(table, *key)
        if there is not None and there["retired_at"] is None:
            self.change(table, there, **values)
            return True
        if self.mode == "update":
            self.skipped += 1
            return False
        self.w.put(table, **dict(zip(names, key, strict=True)), **_filled(values))
        self.outcomes[table, key] = "inserted"
        return True

    def change(self, table: str, there: Mapping[str, Any], **values: Value) -> None:
        """Let a row have these values; what is empty says nothing."""
        key = tuple(there[k] for k in BY_NAME[table].key)
        fresh = self.outcomes.get((table, key)) == "inserted"
        differing = {name: value for name, value in _filled(values).items() if there[name] != value}
        if differing and self.mode == "insert" and not fresh:
            self.skipped += 1
            differing = {}
        if differing:
            self.w.change(BY_NAME[table], key, differing)
        if not fresh and (differing or (table, key) not in self.outcomes):
            self.outcomes[table, key] = "changed" if differing else "unchanged"

    def end(self, table: str, there: Mapping[str, Any], **values: Value) -> None:
        """End a row that the roster takes out, by a date or by retiring it (without one)."""
        if self.mode == "insert":
            self.skipped += 1
            return
        key = tuple(there[k] for k in BY_NAME[table].key)
        done = self.w.change(BY_NAME[table], key, values) if values else self.w.retire(table, *key)
        if done:
            self.outcomes[table, key] = "changed"

    # ---- keys

    def _known(self) -> dict[bytes, tuple[str, int]]:
        columns = tuple(column for targets in TARGETS.values() for column in targets)
        found = {}
        for digest, *rows in self.db.execute(
            f"SELECT digest, {', '.join(columns)} FROM external_key WHERE system = ? AND retired_at IS NULL",
            (self.system[:80],),
        ).fetchall():
            for column, row in zip(columns, rows, strict=True):
                if row is not None:
                    found[bytes(digest)] = (column, row)
        return found

    def known(self, file: str, source_id: str) -> tuple[str, int] | None:
        """The column of `external_key` and the row that a key of this system stands for here."""
        return self._keys.get(digest_of(self.system, file, source_id))

    def remember(self, file: str, source_id: str, column: str, row: int) -> None:
        """Keep what a key stands for, unless it is known."""
        digest = digest_of(self.system, file, source_id)
        if self._keys.get(digest) != (column, row):
            self.w.insert("external_key", system=self.system[:80], digest=digest, **{column: row})
            self._keys[digest] = (column, row)


def _filled(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value not in (None, "")}
