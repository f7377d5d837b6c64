"""Open conflicts with every value, its author and its time, from the change log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from sqlite_utils import Database

from node.logins import login_of, shown, taken, tells_name
from node.people.queries import NAME_COLUMNS, NAMED, author, full_name
from shared.schema import BY_NAME, BY_NUMBER, Column, Table, Value
from shared.tables import quoted
from sync import gate
from sync.clock import ms_of
from sync.log import NodeLog
from sync.merge import Entry, Lineage, heads_of, saw
from sync.writer import has_consent

MOST = 200


@dataclass(frozen=True)
class Choice:
    """One of the values: ``n`` is its change, ``at`` milliseconds since 1970 by its author's clock.

    ``edit``: what an edit wrote that stands against the row's removal.
    """

    n: int
    values: tuple[tuple[Column, Value], ...]
    author: str
    at: int
    edit: tuple[tuple[Column, Value], ...] = ()


@dataclass(frozen=True)
class Place:
    """Which of the many rows of its table one is; ``group``: the row's class and subject, ``day`` since 1970."""

    group: Mapping[str, Any] | None
    day: int | None
    period: int | None


@dataclass(frozen=True)
class Conflict:
    """A merge unit of a row with the values written apart; the first one shows. ``name``: of the person it is about.

    ``is_hidden``: no consent is valid today under which the values might be read, and a choice made.
    """

    table: Table
    key: int
    unit: str
    columns: tuple[Column, ...]
    name: str
    choices: tuple[Choice, ...]
    place: Place
    is_hidden: bool


def conflicts(
    db: Database, today: int, may_decide: Callable[[int, int], bool] = lambda tbl, key: True
) -> list[Conflict]:
    """Open conflicts, newest first, of rows about which ``may_decide`` (table number, local key) says yes."""
    rows = db.execute("SELECT tbl, key, unit FROM conflict ORDER BY found_at DESC, tbl, key, unit")
    wanted = islice(((t, k, u) for t, k, u in rows.fetchall() if may_decide(t, k)), MOST)
    found = [conflict(db, tbl, key, unit, today) for tbl, key, unit in wanted]
    return [one for one in found if one is not None]


def others(db: Database, may_decide: Callable[[int, int], bool]) -> int:
    """How many open conflicts somebody else decides."""
    rows = db.execute("SELECT tbl, key FROM conflict").fetchall()
    return sum(not may_decide(tbl, key) for tbl, key in rows)


@dataclass(frozen=True)
class Twin:
    """One of several rows that are probably one: ``row`` is a person or an account, ``at`` when it was made.

    ``text``: what they share; empty for a login that may tell the name of who may not be named.
    """

    row: int
    name: str
    text: str
    at: int


def same_number(db: Database, today: int) -> list[tuple[Twin, ...]]:
    """People with the same personal number, entered twice; oldest first."""
    rows = db.query(
        f"""WITH {NAMED}, twice AS (SELECT personal_number AS text FROM person
              WHERE personal_number <> '' AND retired_at IS NULL GROUP BY personal_number HAVING count(*) > 1)
            SELECT p.id AS row, p.personal_number AS text, {NAME_COLUMNS}
            FROM person p LEFT JOIN named n ON n.id = p.id
            WHERE p.retired_at IS NULL AND p.personal_number IN (SELECT text FROM twice)
            ORDER BY p.personal_number, p.id""",
        {"today": today},
    )
    return _twins(db, "person", [(row["text"], row["row"], full_name(row), row["text"]) for row in rows])


def same_login(db: Database, today: int) -> list[tuple[Twin, ...]]:
    """Accounts that were given the same login at two nodes: neither may be told from the other at the sign-in."""
    rows = db.query(
        f"""WITH {NAMED} SELECT a.id AS row, a.login, {NAME_COLUMNS} FROM account a LEFT JOIN named n ON n.id = a.person
            WHERE a.retired_at IS NULL ORDER BY a.id""",
        {"today": today},
    )
    living = [(login_of(row["row"], row["login"]), row) for row in rows]
    twice = {login for login, times in Counter(login for login, _ in living).items() if times > 1}
    return _twins(
        db,
        "account",
        [
            (login, row["row"], full_name(row), shown(row["row"], row["login"], full_name(row)))
            for login, row in living
            if login in twice
        ],
    )


def proposed_login(db: Database, account: int, today: int) -> str:
    """A login that is nobody's: the present one with a number behind it, its own number for who may not be named."""
    row = next(
        iter(
            db.query(
                f"""WITH {NAMED} SELECT a.login, {NAME_COLUMNS} FROM account a LEFT JOIN named n ON n.id = a.person
                    WHERE a.id = :account""",
                {"account": account, "today": today},
            )
        )
    )
    used = taken(db)
    plain = shown(account, row["login"], full_name(row))
    first = plain or login_of(account, None)
    between = "" if tells_name(first) else "-"
    others = (f"{first}{between}{number}" for number in count(2))
    return next(
        name for name in (*(() if plain else (first,)), *islice(others, len(used) + 1)) if name not in used
    )


def _twins(db: Database, table: str, shared: Iterable[tuple[str, int, str, str]]) -> list[tuple[Twin, ...]]:
    """Rows of a table by what they share: (that, row, name, text to show) each; the oldest first."""
    number = BY_NAME[table].number
    found: dict[str, list[Twin]] = {}
    for same, row, name, text in shared:
        first = db.execute(
            "SELECT min(clock) FROM change WHERE tbl = ? AND key = ?", (number, row)
        ).fetchone()[0]
        found.setdefault(same, []).append(Twin(row, name, text, ms_of(first or 0)))
    return [tuple(sorted(some, key=lambda t: (t.at, t.row))) for some in found.values()]


def conflict(db: Database, tbl: int, key: int, unit: str, today: int) -> Conflict | None:
    """One conflict; None when it is settled."""
    table = BY_NUMBER.get(tbl)
    if table is None or unit not in table.units:
        return None
    apart = heads(db, table, key, unit)
    if len(apart) < 2:
        return None
    choices = tuple(_choice(db, table, unit, entry, today) for entry in apart)
    name, place = _name(db, table, key, today), _place(db, table, key)
    return Conflict(
        table, key, unit, table.units[unit], name, choices, place, is_hidden(db, table, key, unit, today)
    )


def is_hidden(db: Database, table: Table, key: int, unit: str, today: int) -> bool:
    """Does a merge unit need a consent of its person that is not valid today?"""
    purposes = {column.consent for column in table.units[unit] if column.consent}
    if (table.name, unit) == ("account", "login"):
        purposes = {"core"}  # made of the name
    if not purposes:
        return False
    sql = f"SELECT {quoted(gate.subject(table))} FROM {quoted(table.name)} WHERE {quoted(table.row_id)} = ?"
    person = db.execute(sql, (key,)).fetchone()
    return person is None or not all(has_consent(db, person[0], purpose, today) for purpose in purposes)


def heads(db: Database, table: Table, key: int, unit: str) -> list[Entry]:
    """The values written apart, the shown one first; for a retirement also the newest edit it had not seen."""
    log = NodeLog(db)
    entries = log.history(table, log.key_of(table, key))
    found = heads_of(table, unit, entries, log.lineage())
    if unit == "retired_at" and len(found) < 2 and found:
        apart = [e for e in entries if written_apart(found[0], e, log.lineage())]
        found += sorted(apart, key=lambda e: (e.clock, e.origin, e.number))[-1:]
    return found


def written_apart(retirement: Entry, edit: Entry, lineage: Lineage) -> bool:
    """Were the two written apart?"""
    return (
        edit is not retirement and not saw(edit, retirement, lineage) and not saw(retirement, edit, lineage)
    )


def _choice(db: Database, table: Table, unit: str, entry: Entry, today: int) -> Choice:
    columns = table.units[unit]
    values = tuple((column, entry.values.get(column.number, column.default)) for column in columns)
    edit = tuple(
        (column, entry.values[column.number])
        for column in table.columns
        if unit == "retired_at"
        and column not in columns
        and not column.consent
        and column.number in entry.values
    )
    return Choice(entry.n, values, author(db, entry.actor or 0, today), ms_of(entry.clock), edit)


def _place(db: Database, table: Table, key: int) -> Place:
    names = [name for name in ("subject_group", "day", "period") if name in table.by_name]
    if not names:
        return Place(None, None, None)
    sql = f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)} WHERE {quoted(table.row_id)} = ?"
    found = next(iter(db.query(sql, (key,))), {})
    group = db.query(
        """SELECT cg.grade, cg.letter, sg.name AS part, s.code, s.name_ky, s.name_ru, s.name_en
           FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group JOIN subject s ON s.id = sg.subject
           WHERE sg.id = ?""",
        (found.get("subject_group"),),
    )
    return Place(next(iter(group), None), found.get("day"), found.get("period"))


def _name(db: Database, table: Table, key: int, today: int) -> str:
    """The name of the person a row is about, when one may be shown."""
    column = next((c for c in ("pupil", "person") if c in table.by_name), None)
    if column is None and table.name != "person":
        return ""
    wanted = "id" if table.name == "person" else column
    person = db.execute(
        f'SELECT "{wanted}" FROM "{table.name}" WHERE "{table.row_id}" = ?', (key,)
    ).fetchone()
    row: Mapping[str, str | None] | None = next(
        db.query(
            f"WITH {NAMED} SELECT {NAME_COLUMNS} FROM named n WHERE n.id = :person",
            {"today": today, "person": person[0] if person else 0},
        ),
        None,
    )
    return full_name(row) if row else ""
