"""The school that is being written: its cast, the row ids its people have by now, and who writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from sqlite_utils import Database

from node.generator.cast import Cast
from node.generator.year import Quarter, SchoolYear
from shared.dates import date_of, school_days
from shared.problems import InvalidValue
from sync.writer import Writer, writing

Progress = Callable[[str, int, int], None]
"""Told what is being written, how much of it is done, and how much there is."""

HOUR_MS = 3_600_000


@dataclass
class Ids:
    """Row ids by the numbers of the cast."""

    staff: list[int] = field(default_factory=list)
    accounts: dict[int, int] = field(default_factory=dict)
    classes: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    items: dict[int, list[int]] = field(default_factory=dict)
    pupils: dict[int, int] = field(default_factory=dict)
    enrolments: dict[int, int] = field(default_factory=dict)
    guardians: dict[int, list[int]] = field(default_factory=dict)
    spare_rooms: list[int] = field(default_factory=list)


class Reference:
    """The reference rows a school is built on."""

    def __init__(self, db: Database, year: int, until: int | None) -> None:
        self.subjects = self._codes(db, "subject")
        self.kinds = self._codes(db, "work_kind")
        self.scales = self._codes(db, "grading_scale")
        self.weights = {row["code"]: row["weight"] for row in db.query("SELECT code, weight FROM work_kind")}
        self.year = self._year(db, year, until)

    @staticmethod
    def _codes(db: Database, table: str) -> dict[str, int]:
        return {
            row["code"]: row["id"]
            for row in db.query(f"SELECT id, code FROM {table} WHERE retired_at IS NULL")
        }

    @staticmethod
    def _year(db: Database, year: int, until: int | None) -> SchoolYear:
        rows = db.query("SELECT * FROM academic_year WHERE retired_at IS NULL ORDER BY id")
        found = next((row for row in rows if date_of(row["start"]).year == year), None)
        if found is None:
            raise InvalidValue(table="academic_year", column="start", value=year)
        terms = list(
            db.query("SELECT * FROM term WHERE year = ? AND retired_at IS NULL ORDER BY start", [found["id"]])
        )
        quarters = tuple(
            Quarter(t["id"], t["number"], t["start"], t["end"]) for t in terms if t["kind"] == "quarter"
        )
        calendar = {
            row["day"]: row["kind"]
            for row in db.query(
                "SELECT day, kind FROM calendar_day WHERE year = ? AND retired_at IS NULL", [found["id"]]
            )
        }
        last = found["end"] if until is None else min(until, found["end"])
        days = tuple(school_days(found["start"], last, calendar))
        term = next((t["id"] for t in terms if t["kind"] == "year"), None)
        return SchoolYear(
            found["id"], found["start"], found["end"], found["reference_date"], quarters, term, days, last
        )


@dataclass
class School:
    """What is known while a school is written; `logins` holds one for each duty, `year_marks` by group and pupil."""

    db: Database
    rng: Random
    reference: Reference
    cast: Cast
    password_hash: str
    progress: Progress
    ids: Ids = field(default_factory=Ids)
    logins: dict[str, str] = field(default_factory=dict)
    orders: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    lessons: int = 0
    marks: int = 0
    year_marks: dict[tuple[int, int], list[int | None]] = field(default_factory=dict)
    year_missed: Counter[tuple[int, int]] = field(default_factory=Counter)

    @property
    def year(self) -> SchoolYear:
        return self.reference.year

    def changes(self) -> int:
        """How many changes the log holds."""
        return int(self.db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])

    @contextmanager
    def as_(self, position: str) -> Iterator[Writer]:
        """Write under the account of the first who holds a position."""
        with writing(self.db, self.ids.accounts[self.cast.of_position(position)[0]]) as w:
            yield w

    def account_of(self, teacher: int) -> int:
        return self.ids.accounts[teacher]

    def order(self, w: Writer, series: str, day: int, title: str) -> int:
        """The next order of a series, signed by the head; returns its row."""
        self.orders[series] += 1
        head = self.ids.staff[self.cast.of_position("head")[0]]
        return w.insert(
            "order_book",
            series=series,
            number=self.order_number(series),
            date=day,
            title=title,
            signatory=head,
            signed_on=day,
        )

    def order_number(self, series: str) -> str:
        """The number of the newest order of a series."""
        return f"{self.orders[series]}-{ {'pupils': 'о', 'staff': 'к', 'main': 'н'}[series] }"

    def groups_by_teacher(self) -> dict[int, list[int]]:
        """Number of a teacher -> numbers of the subject groups; all of them by the cast."""
        found: dict[int, list[int]] = {}
        for number, group in enumerate(self.cast.groups):
            found.setdefault(group.teacher, []).append(number)
        return found
