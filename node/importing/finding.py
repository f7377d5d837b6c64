"""Finding rows for an import: by columns other than their key, and what a lookup means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from node.importing.headings import plain
from node.importing.values import class_letter
from node.people.queries import NAMED
from shared.i18n import folded
from shared.schema import Table, Value
from shared.tables import quoted
from sync.undo import touched_by_undos
from sync.writer import Writer

COUNTRY = "996"
"""What a phone number of this country begins with abroad, in place of the nought."""
Key = tuple[int, ...]
Row = dict[str, Value]


class Finder:
    """Finds rows by columns other than their key; one pass over a table for each set of columns asked for.

    A row that was retired is found and left alone; one that an undo took out is not: it is imported anew.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.db = writer.db
        self.undone = touched_by_undos(writer.db)
        self.indexes: dict[tuple[str, tuple[str, ...], bool], dict[tuple[Value, ...], Key]] = {}
        self._several: dict[tuple[str, tuple[str, ...]], set[tuple[Value, ...]]] = {}

    def key(self, table: Table, where: Row, latest: bool = False) -> Key | None:
        """The key of the row with these values; a living one before a retired one, then the oldest or the latest."""
        place = table.name, tuple(where), latest
        if place not in self.indexes:
            self.indexes[place] = self._index(table, tuple(where), latest)
        return self.indexes[place].get(_compared(where.items()))

    def has_several(self, table: Table, where: Row) -> bool:
        """Had more than one living row these values before the import?"""
        place = table.name, tuple(where)
        if place not in self._several:
            names = ", ".join(map(quoted, where))
            rows = self.db.conn.execute(f"SELECT {names} FROM {quoted(table.name)} WHERE retired_at IS NULL")
            counted = Counter(_compared(zip(where, row, strict=True)) for row in rows)
            self._several[place] = {values for values, count in counted.items() if count > 1}
        return _compared(where.items()) in self._several[place]

    def row(self, table: Table, key: Key) -> Row | None:
        self.writer.foresee(table, key)
        where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
        sql = f"SELECT *, {quoted(table.row_id)} AS row_here FROM {quoted(table.name)} WHERE {where}"
        found = next(iter(self.db.query(sql, key)), None)
        if found is None:
            return None
        row_here = found.pop("row_here")
        taken_out = found["retired_at"] is not None and (table.number, row_here) in self.undone
        return None if taken_out else found

    def written(self, table: Table, row: Row) -> None:
        """Learn of a row that was just written, where the index does not know one already."""
        key = key_of(table, row)
        for (name, columns, _), index in self.indexes.items():
            if name == table.name:
                index.setdefault(_compared((c, row.get(c, table.by_name[c].default)) for c in columns), key)

    def _index(self, table: Table, columns: tuple[str, ...], latest: bool) -> dict[tuple[Value, ...], Key]:
        names = ", ".join(quoted(c) for c in ("retired_at", table.row_id, *table.key, *columns))
        order = f"retired_at IS NULL, {quoted(table.row_id)} {'ASC' if latest else 'DESC'}"
        rows = self.db.conn.execute(f"SELECT {names} FROM {quoted(table.name)} ORDER BY {order}")
        found = [
            row
            for retired, row_here, *row in rows
            if retired is None or (table.number, row_here) not in self.undone
        ]
        width = len(table.key)
        return {_compared(zip(columns, row[width:], strict=True)): tuple(row[:width]) for row in found}


def _compared(values: Iterable[tuple[str, Value]]) -> tuple[Value, ...]:
    """Values as rows are known by them: phones and letters of classes are written in many ways."""
    return tuple(
        _COMPARED[name](value) if name in _COMPARED and isinstance(value, str) else value
        for name, value in values
    )


def _digits(phone: str) -> str:
    """The digits of a phone number, one of this country with its code."""
    digits = "".join(sign for sign in phone if sign.isdigit())
    return f"{COUNTRY}{digits[1:]}" if len(digits) == 10 and digits.startswith("0") else digits


_COMPARED = {"phone": _digits, "letter": class_letter}


def key_of(table: Table, row: Row) -> Key:
    return tuple(row[k] for k in table.key)  # type: ignore[misc]


def look_up(db: Database, table: Table, where: Row, day: int | None, take: str | None) -> Value:
    """The value of the living row that fits; the latest hub or school row wins over a shipped one."""
    # Of a name that is empty in the file an absent one is meant.
    wanted = {c: f"ifnull({quoted(c)}, '')" if value == "" else quoted(c) for c, value in where.items()}
    conditions = [*(f"{sql} = :{c}" for c, sql in wanted.items()), "retired_at IS NULL"]
    parameters: dict[str, Any] = dict(where)
    if day is not None:
        conditions.append('start <= :day_asked AND "end" >= :day_asked')
        parameters["day_asked"] = day
    found = db.query(
        f"SELECT {quoted(take or table.row_id)} AS found FROM {quoted(table.name)} "
        f"WHERE {' AND '.join(conditions)} ORDER BY {quoted(table.row_id)} DESC LIMIT 1",
        parameters,
    )
    value: Value = next((row["found"] for row in found), None)
    code = where.get("code")
    return (
        _called(db, table, code, take)
        if value is None and isinstance(code, str) and len(where) == 1
        else value
    )


def _called(db: Database, table: Table, text: str, take: str | None) -> Value:
    """The same for a code that is written as a name in any language, or as the template's sheet of codes has it.

    None where several codes are called so.
    """
    names = [name for name in ("code", "name_ky", "name_ru", "name_en") if name in table.by_name]
    wanted = {plain(text), plain(text.partition(" — ")[0])}
    columns = ", ".join(map(quoted, (take or table.row_id, *names)))
    found = {
        code: value
        for value, code, *called in db.execute(
            f"SELECT {columns} FROM {quoted(table.name)} WHERE retired_at IS NULL ORDER BY {quoted(table.row_id)}"
        ).fetchall()
        if not wanted.isdisjoint(plain(name) for name in (code, *called) if name)
    }
    return next(iter(found.values())) if len(found) == 1 else None


def called(db: Database, class_group: int, day: int, today: int) -> dict[str, set[int]]:
    """Surname and given name (folded), with the patronymic or without -> the pupils of a class on a day.

    Whom no consent names on the day ``today`` nobody is called.
    """
    found: dict[str, set[int]] = {}
    for person, *names in db.execute(
        f"""WITH {NAMED} SELECT n.* FROM enrolment e JOIN named n ON n.id = e.pupil
           WHERE e.class_group = :group AND e.retired_at IS NULL AND n.surname IS NOT NULL
             AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)""",
        {"group": class_group, "day": day, "today": today},
    ).fetchall():
        for parts in (names, names[:2]):
            found.setdefault(folded(" ".join(filter(None, parts))), set()).add(person)
    return found


def namesakes(db: Database) -> dict[str, list[int | None]]:
    """Surname and given name of everyone (folded) -> their dates of birth."""
    found: dict[str, list[int | None]] = {}
    for surname, given, born in db.execute(
        "SELECT surname, given_name, birth_date FROM person WHERE surname IS NOT NULL AND retired_at IS NULL"
    ).fetchall():
        found.setdefault(folded(f"{surname} {given or ''}"), []).append(born)
    return found
