"""Reading the book of certificates of education that a school gave out, year by year."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, full_name, number_of
from node.settings.queries import number
from shared.i18n import in_order

BASIC, SECONDARY = "basic", "secondary"


@dataclass(frozen=True)
class Line:
    """A pupil who finishes a stage in a year, with the certificate if it was given out. ``issued_on``: a day number."""

    pupil: int
    name: str
    class_group: int
    grade: int
    letter: str
    kind: str
    blank: str
    issued_on: int | None

    @property
    def number(self) -> int:
        return number_of(self.pupil)


def kinds(db: Database, year: int) -> dict[int, str]:
    """The grades that end a stage in a year -> the kind of certificate.

    Whom the promotion map lets graduate ends the secondary stage; the end of the basic one is a setting.
    """
    rows = db.execute(
        "SELECT grade FROM promotion_map WHERE year = ? AND graduates = 1 AND retired_at IS NULL", (year,)
    ).fetchall()
    return {number(db, "last_basic_grade"): BASIC} | {grade: SECONDARY for (grade,) in rows}


_LINES = f"""WITH {NAMED} SELECT e.pupil, cg.id, cg.grade, cg.letter, s.number, s.issued_on, {NAME_COLUMNS}
  FROM enrolment e JOIN class_group cg ON cg.id = e.class_group AND cg.retired_at IS NULL
  JOIN academic_year y ON y.id = cg.year
  JOIN pupil u ON u.person = e.pupil AND u.retired_at IS NULL LEFT JOIN named n ON n.id = e.pupil
  LEFT JOIN leaving_certificate s ON s.pupil = e.pupil AND s.year = cg.year AND s.retired_at IS NULL
  WHERE cg.year = :year AND cg.grade = :grade AND e.retired_at IS NULL AND e.start <= y."end"
    AND (e."end" IS NULL OR e."end" > y."end" OR s.pupil IS NOT NULL) AND ifnull(e."end", e.start + 1) > e.start"""


def lines(
    db: Database,
    year: int,
    today: int,
    classes: Collection[int] | None = None,
    pupils: Collection[int] | None = None,
) -> list[Line]:
    """Everyone who ends a stage in the year, by class and name; of some classes or pupils, or all (both None)."""
    found: dict[int, Line] = {}
    row: Mapping[str, Any]
    for grade, kind in sorted(kinds(db, year).items()):
        for row in db.query(_LINES, {"year": year, "grade": grade, "today": today}):
            everyone = classes is None and pupils is None
            if everyone or row["id"] in (classes or ()) or row["pupil"] in (pupils or ()):
                found[row["pupil"]] = Line(
                    row["pupil"], full_name(row), row["id"], row["grade"], row["letter"] or "", kind,
                    row["number"] or "", row["issued_on"],
                )  # fmt: skip
    named = in_order(found.values(), lambda one: one.name)
    return sorted(named, key=lambda one: (one.grade, one.letter))


def counts(db: Database, year: int) -> dict[int, int]:
    """Grade -> certificates given out for a year."""
    rows = db.execute(
        """SELECT cg.grade, count(DISTINCT s.pupil) FROM leaving_certificate s
           JOIN enrolment e ON e.pupil = s.pupil AND e.retired_at IS NULL
           JOIN class_group cg ON cg.id = e.class_group AND cg.year = s.year AND cg.retired_at IS NULL
           WHERE s.year = ? AND s.issued_on IS NOT NULL AND s.retired_at IS NULL GROUP BY cg.grade""",
        (year,),
    ).fetchall()
    return {grade or 0: count for grade, count in rows}


def is_taken(db: Database, kind: str, blank: str, but: int) -> bool:
    """Has another pupil a certificate of that kind with this number?"""
    sql = "SELECT 1 FROM leaving_certificate WHERE kind = ? AND number = ? AND pupil <> ? AND retired_at IS NULL"
    return db.execute(sql, (kind, blank, but)).fetchone() is not None
