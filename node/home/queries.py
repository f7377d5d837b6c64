"""What the first page and the chip at the top tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.exchange.outcomes import outcome_of
from node.exchange.queries import last_run, waiting
from node.people.queries import NAME_COLUMNS, NAMED, class_name, full_name, number_of
from shared.problems import HubUnreachable
from sync.state import State


@dataclass(frozen=True)
class Link:
    """The exchange with the district in short; ``last_done`` is an instant, 0 for never.

    ``needs_someone``: the last sync ended in a way that does not mend itself.
    """

    registered: bool
    waiting: int
    last_done: int
    out_of_reach: bool
    needs_someone: bool


def link(db: Database) -> Link:
    """Where the exchange stands, cheaply enough for every page."""
    state = State(db)
    run = last_run(db)
    outcome = run["outcome"] if run is not None else None
    return Link(
        registered=bool(state.registered),
        waiting=waiting(db),
        last_done=int(state.last_done),
        out_of_reach=outcome == HubUnreachable.code,
        needs_someone=outcome_of(outcome).tone == "bad",
    )


def counts(db: Database, year: int, day: int) -> Mapping[str, int]:
    """Pupils, girls and classes of a school year on a day, and the staff."""
    sql = """SELECT count(DISTINCT e.pupil) AS pupils, count(DISTINCT CASE WHEN p.sex = 'f' THEN e.pupil END) AS girls,
        (SELECT count(*) FROM class_group WHERE year = :year AND retired_at IS NULL) AS classes,
        (SELECT count(*) FROM staff WHERE retired_at IS NULL AND ("end" IS NULL OR "end" > :day)) AS staff
      FROM enrolment e JOIN class_group cg ON cg.id = e.class_group JOIN person p ON p.id = e.pupil
      WHERE cg.year = :year AND e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)"""
    return next(iter(db.query(sql, {"year": year, "day": day})))


def by_language(db: Database, year: int, day: int) -> list[tuple[int, dict[str, int]]]:
    """Grade -> pupils by language of instruction, on the rolls of a year on a day: how many sets of books it takes."""
    sql = """SELECT cg.grade, ifnull(cg.language, ''), count(DISTINCT e.pupil) FROM enrolment e
      JOIN class_group cg ON cg.id = e.class_group WHERE cg.year = :year AND e.retired_at IS NULL AND e.start <= :day
      AND (e."end" IS NULL OR e."end" > :day) AND cg.grade IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 3 DESC"""
    found: dict[int, dict[str, int]] = {}
    for grade, language, pupils in db.execute(sql, {"year": year, "day": day}).fetchall():
        found.setdefault(grade, {})[language] = pupils
    return list(found.items())


@dataclass(frozen=True)
class Step:
    """A pupil who came onto the rolls of the school, or left them, on a day (since 1970)."""

    came: bool
    day: int
    pupil: int
    name: str
    number: int
    place: str


_STEPS = f"""WITH {NAMED}, steps (came, day, pupil, class_group) AS (
    SELECT 1, start, pupil, class_group FROM enrolment
      WHERE retired_at IS NULL AND start > :first AND start > :since AND start <= :today
    UNION ALL
    SELECT 0, "end", pupil, class_group FROM enrolment
      WHERE retired_at IS NULL AND "end" > :first AND "end" > :since AND "end" <= :today AND "end" > start)
  SELECT s.came, s.day, s.pupil, cg.grade, cg.letter, {NAME_COLUMNS} FROM steps s
  JOIN person p ON p.id = s.pupil AND p.retired_at IS NULL JOIN class_group cg ON cg.id = s.class_group
  LEFT JOIN named n ON n.id = s.pupil
  WHERE NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.pupil = s.pupil AND e.retired_at IS NULL
    AND e.start <= s.day - s.came AND (e."end" IS NULL OR e."end" > s.day - s.came))
  ORDER BY s.day DESC, s.came"""


def steps(db: Database, first: int, days: int, today: int) -> list[Step]:
    """Who came and who left within so many days, the latest first; not who changed class.

    ``first``: the first day of the year, on which all come.
    """
    rows = db.query(_STEPS, {"first": first, "since": today - days, "today": today})
    return [
        Step(
            bool(row["came"]), row["day"], row["pupil"], full_name(row), number_of(row["pupil"]),
            class_name(row["grade"], row["letter"]),
        )
        for row in rows
    ]  # fmt: skip


def consents_missing(db: Database, year: int, day: int) -> int:
    """Pupils on the roll of a year without a valid consent to the core record."""
    sql = f"""WITH {NAMED}
      SELECT count(DISTINCT e.pupil) FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
      LEFT JOIN named n ON n.id = e.pupil WHERE cg.year = :year AND n.id IS NULL AND e.retired_at IS NULL
      AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)"""
    return int(db.execute(sql, {"year": year, "day": day, "today": day}).fetchone()[0])


def led(db: Database, teacher: int, year: int) -> list[Mapping[str, Any]]:
    """The classes that a class teacher leads in a year."""
    sql = """SELECT id, grade, letter FROM class_group
      WHERE teacher = ? AND year = ? AND retired_at IS NULL ORDER BY grade"""
    return list(db.query(sql, (teacher, year)))
