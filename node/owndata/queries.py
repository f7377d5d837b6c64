"""What is held about a person, who read it and who changed it, and the requests to correct it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.families import Veil
from node.people.queries import NAME_COLUMNS, NAMED, author, class_name, full_name, has_valid, number_of
from node.settings.queries import number
from shared.dates import date_of
from shared.i18n import coded, column_label, current_language, day, hundredths, in_list, row_name
from shared.indicators import value_label
from shared.reference import LIST_OF_COLUMN
from shared.schema import BY_NAME, TABLES, Column, Table, Value
from shared.tables import quoted
from sync.clock import ms_of
from sync.log import NodeLog

PERSONS = ("person", "pupil", "staff")
SECRET = {"account": {"password", "totp", "recovery"}, "calendar_address": {"secret"}}
"""What nobody reads: it is a key, not data about a person."""
LEFT_OUT = frozenset({"reading_log", "consent_scan"})
SHOWN_ROWS = 60
"""Rows of a table on the page; the file has all."""


@dataclass(frozen=True)
class Held:
    """What one table holds about the person: its columns, and rows of values as they are stored."""

    table: Table
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class Step:
    """A change of what is held: when (milliseconds since 1970), by whom, and in which fields of what."""

    at: int
    author: str
    table: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """A request to correct. Days since 1970; ``left``: days to answer in, negative when late.

    ``kept``: may texts be kept and shown, under a core consent valid today?
    """

    id: int
    person: int
    name: str
    number: int
    asked_on: int
    asked_by: str
    text: str
    state: str
    left: int
    answered_on: int | None
    answered_by: str
    answer: str
    kept: bool


def held(db: Database, person: int, today: int, own: bool, veil: Veil) -> list[Held]:
    """All that stands about a person, table by table. Without ``own`` what a lapsed consent blocks is left out."""
    may: dict[str, bool] = {}
    found = []
    for table in TABLES:
        names = subjects(table)
        if table.derived or table.name in LEFT_OUT or not names:
            continue
        columns = tuple(
            c
            for c in table.all_columns
            if c.name not in ("id", "retired_at", *SECRET.get(table.name, ())) and c.type != "bytes"
        )
        where = " OR ".join(f"{quoted(name)} = :person" for name in names)
        listed = ", ".join(quoted(c.name) for c in columns)
        sql = f"SELECT {listed} FROM {quoted(table.name)} WHERE ({where}) AND retired_at IS NULL"
        blocked = set()
        for name, purpose in () if own else _asking(table):
            may.setdefault(purpose, has_valid(db, person, purpose, today))
            blocked |= set() if may[purpose] else {name}
        rows = tuple(
            _behind(
                veil,
                table,
                columns,
                [None if c.name in blocked else v for c, v in zip(columns, row, strict=True)],
            )
            for row in db.execute(sql, {"person": person}).fetchall()
        )
        if rows:
            found.append(Held(table, columns, rows))
    return found


def _asking(table: Table) -> list[tuple[str, str]]:
    """The columns that ask for a consent, with its purpose; a login does, too, for it is made of the name."""
    asking = [(c.name, c.consent or "") for c in table.consented]
    return [("login", "core")] if table.name == "account" else asking


_OF_SIGNER = ("ground", "document")
_OF_GUARDIAN = ("person", "may_read")


def _behind(veil: Veil, table: Table, columns: Sequence[Column], row: Sequence[Value]) -> tuple[Value, ...]:
    """A row without what tells of another guardian: papers that one signed, and who may read."""
    at = {c.name: value for c, value in zip(columns, row, strict=True)}
    hidden: tuple[str, ...] = ()
    if table.name in ("consent", "consent_offer") and veil.hides_paper(_row(at["signer"])):
        hidden = _OF_SIGNER
    elif table.name == "guardian" and veil.hides(_row(at["person"])):
        hidden = _OF_GUARDIAN
    return tuple(None if name in hidden else value for name, value in at.items())


def _row(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def subjects(table: Table) -> list[str]:
    """The columns that name whom a row is about."""
    if table.name == "person":
        return ["id"]
    return [c.name for c in table.all_columns if c.references in PERSONS and not _of_another(table, c)]


def _of_another(table: Table, column: Column) -> bool:
    """A row that someone signed, received or wrote is about another person."""
    return column.name in ("signer", "received_by", "signatory", "executor", "author", "teacher")


def shown(db: Database, table: Table, column: Column, value: Value) -> str:
    """A value as people read it; of another person only the number."""
    if value is None or value == "":
        return ""
    if column.type == "date" and isinstance(value, int):
        return day(value)
    if column.type == "bool":
        return in_list(str(value), "yes_no")
    if column.name == "load" and isinstance(value, int):
        return hundredths(value)
    if column.references in PERSONS and isinstance(value, int):
        return f"№ {number_of(value)}"
    if column.references:
        return _name_of(db, column.references, int(str(value)))
    if (table.name, column.name) in LIST_OF_COLUMN or column.name == "categories":
        return coded(str(value), table.name, column.name)
    return str(value)


def _name_of(db: Database, table: str, id_: int) -> str:
    """What a row is called: `7-А`, `7-А · Алгебра`, the name of a reference row, else its number."""
    row = next(db.query(f"SELECT * FROM {quoted(table)} WHERE id = ?", [id_]), None)
    if row is None:
        return f"№ {number_of(id_)}"
    if table == "class_group":
        return class_name(row["grade"], row["letter"])
    if table == "subject_group":
        names = [_name_of(db, one, row[one]) for one in ("class_group", "subject") if row[one]]
        return " · ".join([*names, *([row["name"]] if row["name"] else [])])
    if table == "term":
        kind, number_ = row["kind"], row["number"]
        return value_label("term", f"{kind}-{number_}" if number_ else kind, current_language())
    return row_name(row) if "name_ky" in row else f"№ {number_of(id_)}"


def as_data(found: Sequence[Held]) -> dict[str, list[dict[str, Any]]]:
    """The same for a machine: table -> rows by column; days as dates, everything else as it is stored."""
    return {
        one.table.name: [
            {
                c.name: date_of(v).isoformat() if c.type == "date" and isinstance(v, int) else v
                for c, v in zip(one.columns, row, strict=True)
            }
            for row in one.rows
        ]
        for one in found
    }


def changes(
    db: Database, person: int, today: int, veil: Veil, most: int = 200, everything: bool = False
) -> list[Step]:
    """Who changed card, files and consents, the newest first; with ``everything`` all that is held, marks too."""
    log, names = NodeLog(db), dict[int, str]()
    keys: list[tuple[str, tuple[int, ...]]] = [(name, (person,)) for name in PERSONS]
    for name, sql in (
        ("consent", "SELECT id FROM consent WHERE person = :p"),
        ("guardian", "SELECT pupil, person FROM guardian WHERE :p IN (pupil, person)"),
        ("correction", "SELECT id FROM correction WHERE person = :p"),
    ):
        keys += [(name, tuple(row)) for row in db.execute(sql, {"p": person}).fetchall()]
    for table in TABLES if everything else ():
        if (
            not table.derived
            and table.name not in {*LEFT_OUT, *(name for name, _ in keys)}
            and subjects(table)
        ):
            where = " OR ".join(f"{quoted(name)} = :p" for name in subjects(table))
            sql = f"SELECT {', '.join(map(quoted, table.key))} FROM {quoted(table.name)} WHERE {where}"
            keys += [(table.name, tuple(row)) for row in db.execute(sql, {"p": person}).fetchall()]
    steps = []
    for name, key in keys:
        table = BY_NAME[name]
        for entry in log.history(table, key):
            actor = entry.actor or 0
            if actor not in names:
                names[actor] = author(db, actor, today, veil)
            columns = (table.value_by_number.get(n) for n in sorted(entry.values))
            fields = tuple(column_label(name, c.name) for c in columns if c is not None)
            steps.append(Step(ms_of(entry.clock), names[actor], name, fields))
    return sorted(steps, key=lambda step: step.at, reverse=True)[:most]


_REQUESTS = f"""WITH {NAMED} SELECT r.*, {NAME_COLUMNS} FROM correction r LEFT JOIN named n ON n.id = r.person
  WHERE r.retired_at IS NULL AND (:person IS NULL OR r.person = :person)
  ORDER BY r.state <> 'open', r.asked_on, r.id"""


def requests(db: Database, today: int, person: int | None = None, veil: Veil | None = None) -> list[Request]:
    """Requests to correct, the open ones first, the oldest before; of one person or of all."""
    days = number(db, "answer_days")
    rows = db.query(_REQUESTS, {"today": today, "person": person})
    return [_request(db, row, today, days, veil) for row in rows]


def open_requests(db: Database) -> list[int]:
    """Whom the requests are about that nobody has answered."""
    sql = "SELECT person FROM correction WHERE state = 'open' AND retired_at IS NULL"
    return [person for (person,) in db.execute(sql).fetchall()]


def _request(db: Database, row: Mapping[str, Any], today: int, days: int, veil: Veil | None) -> Request:
    allowed = has_valid(db, row["person"], "core", today)
    return Request(
        row["id"], row["person"], full_name(row), number_of(row["person"]), row["asked_on"],
        author(db, row["account"] or 0, today, veil), (row["text"] or "") if allowed else "", row["state"] or "open",
        row["asked_on"] + days - today, row["answered_on"], author(db, row["answered_by"] or 0, today, veil),
        (row["answer"] or "") if allowed else "", allowed,
    )  # fmt: skip
