"""Check lists: what is missing in a class, who checked it and who confirmed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node import access
from node.attendance import queries as attendance
from node.calendar.queries import TERM_END
from node.people.queries import NAME_COLUMNS, NAMED, full_name
from node.roster import AWAY
from node.schooldays import YEARS
from shared.i18n import N_
from shared.schema import BY_NAME
from sync.gate import VALID

AREAS: dict[str, tuple[str, str]] = {
    "roll": (N_("Class roll"), N_("Pupils on the roll: %(count)s")),
    "cards": (N_("Cards"), N_("Cards without a date of birth or file number: %(count)s")),
    "consents": (N_("Consents"), N_("Pupils without a valid consent to the core record: %(count)s")),
    "attendance": (N_("Attendance"), N_("Lessons whose attendance was not taken: %(count)s")),
    "marks": (N_("Journal"), N_("Lessons without a topic: %(count)s")),
    "results": (N_("Term marks"), N_("Missing marks of ended periods: %(count)s")),
}
"""Area of the check list -> its name and what is counted in it."""
assert set(AREAS) == set(BY_NAME["sign_off"].by_name["area"].choices)


@dataclass(frozen=True)
class Mark:
    """A check or a confirmation: as of which day, by whom, with which note; ``at`` orders them, by the log's clock."""

    day: int
    person: int | None
    name: str
    note: str
    at: int


@dataclass(frozen=True)
class Line:
    """One area of one class: how much is counted, the last check and the last confirmation."""

    area: str
    count: int
    checked: Mark | None
    confirmed: Mark | None

    @property
    def state(self) -> str:
        """confirmed, checked (again, since the confirmation), or open."""
        if self.confirmed and (not self.checked or self.confirmed.at > self.checked.at):
            return "confirmed"
        return "checked" if self.checked else "open"

    @property
    def alone(self) -> bool:
        """Did one person both check and confirm, there being nobody else?"""
        return bool(
            self.state == "confirmed"
            and self.checked
            and self.confirmed
            and self.checked.person == self.confirmed.person
        )


_ROLL = 'e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)'
_CONSENTED = f"""EXISTS (SELECT 1 FROM consent c JOIN person p ON p.id = c.person WHERE c.person = e.pupil
  AND c.purpose = 'core' AND {VALID})"""
_COUNTS = {
    "roll": f"SELECT count(*) FROM enrolment e WHERE e.class_group = :class_id AND {_ROLL}",
    "cards": f"""SELECT count(*) FROM enrolment e JOIN person p ON p.id = e.pupil JOIN pupil u ON u.person = e.pupil
      WHERE e.class_group = :class_id AND {_ROLL} AND {_CONSENTED}
        AND (p.birth_date IS NULL OR ifnull(u.personal_file, '') = '')""",
    "consents": f"""SELECT count(*) FROM enrolment e
      WHERE e.class_group = :class_id AND {_ROLL} AND NOT {_CONSENTED}""",
    "results": f"""SELECT count(*) FROM subject_group sg
      JOIN class_group cg ON cg.id = sg.class_group
      JOIN term t ON t.year = cg.year AND t.kind = 'quarter' AND {TERM_END} < :today AND t.retired_at IS NULL
      JOIN enrolment e ON e.class_group = sg.class_group AND {_ROLL} AND e.start <= {TERM_END}
        AND (NOT EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.retired_at IS NULL)
          OR EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.pupil = e.pupil
            AND g.retired_at IS NULL AND g.start <= {TERM_END} AND (g."end" IS NULL OR g."end" > {TERM_END})
            AND NOT {AWAY.format(first=TERM_END, last=TERM_END)}))
      WHERE sg.class_group = :class_id AND sg.retired_at IS NULL AND sg.scale IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM term_result r WHERE r.subject_group = sg.id AND r.pupil = e.pupil AND r.term = t.id
           AND r.retired_at IS NULL)""",
}
_MARKS = f"""WITH {NAMED} SELECT s.class_group, s.area, s.act, s.day, s.person, s.note, {NAME_COLUMNS},
    (SELECT min(c.clock) FROM change c WHERE c.key = s.id AND c.tbl = {BY_NAME["sign_off"].number}) AS at
  FROM sign_off s LEFT JOIN named n ON n.id = s.person
  WHERE s.retired_at IS NULL AND (:class_id IS NULL OR s.class_group = :class_id) ORDER BY at, s.id"""


def marks(db: Database, today: int, class_id: int | None = None) -> Mapping[tuple[int, str, str], Mark]:
    """The last check and confirmation by class, area and act."""
    rows = db.query(_MARKS, {"today": today, "class_id": class_id})
    return {
        (row["class_group"], row["area"], row["act"]): Mark(
            row["day"], row["person"], full_name(row), row["note"] or "", row["at"] or 0
        )
        for row in rows
    }


def check_list(db: Database, class_id: int, day: int, today: int, minute: int = 24 * 60) -> list[Line]:
    """Every area of a class; ``day`` is the day whose roll counts, ``minute`` of today tells which lessons are over."""
    found = marks(db, today, class_id)
    places = {"class_id": class_id, "day": day, "today": today}
    counts = {area: int(db.execute(sql, places).fetchone()[0]) for area, sql in _COUNTS.items()}
    counts |= _lacking(db, class_id, today, minute)
    return [
        Line(
            area,
            counts[area],
            found.get((class_id, area, "checked")),
            found.get((class_id, area, "confirmed")),
        )
        for area in AREAS
    ]


def _lacking(db: Database, class_id: int, today: int, minute: int) -> dict[str, int]:
    """Of the lessons due in the school year so far, how many lack attendance, how many a topic."""
    sql = f'SELECT y.start, y."end" FROM class_group cg JOIN {YEARS} y ON y.id = cg.year WHERE cg.id = ?'
    start, end = db.execute(sql, (class_id,)).fetchone() or (None, None)
    if start is None:
        return {"attendance": 0, "marks": 0}
    due = attendance.due(db, start, today if end is None else min(today, end), {class_id})
    over = [one for one in due if attendance.is_over(one, today, minute)]
    return {
        "attendance": sum(not one["taken"] for one in over),
        "marks": sum(not one["topic"] for one in over),
    }


def confirmers(db: Database, today: int) -> frozenset[int]:
    """Those with an account whose duty of today confirms what was checked."""
    return access.holders(db, access.everywhere("sign_off", "A"), today)
