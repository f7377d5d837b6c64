"""Check lists: what is missing in a class, who checked it and who confirmed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node.calendar.queries import TERM_END
from node.people.queries import NAME_COLUMNS, NAMED, full_name
from node.roster import AWAY
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
    """A check or a confirmation: as of which day, by whom, with which note."""

    day: int
    name: str
    note: str


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
        if self.confirmed and (not self.checked or self.confirmed.day >= self.checked.day):
            return "confirmed"
        return "checked" if self.checked else "open"


_ROLL = 'e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)'
_CONSENTED = f"""EXISTS (SELECT 1 FROM consent c JOIN person p ON p.id = c.person WHERE c.person = e.pupil
  AND c.purpose = 'core' AND {VALID})"""
_HELD = """FROM lesson l JOIN subject_group sg ON sg.id = l.subject_group
  WHERE sg.class_group = :class_id AND l.retired_at IS NULL AND l.day <= :today"""
_COUNTS = {
    "roll": f"SELECT count(*) FROM enrolment e WHERE e.class_group = :class_id AND {_ROLL}",
    "cards": f"""SELECT count(*) FROM enrolment e JOIN person p ON p.id = e.pupil JOIN pupil u ON u.person = e.pupil
      WHERE e.class_group = :class_id AND {_ROLL} AND {_CONSENTED}
        AND (p.birth_date IS NULL OR ifnull(u.personal_file, '') = '')""",
    "consents": f"""SELECT count(*) FROM enrolment e
      WHERE e.class_group = :class_id AND {_ROLL} AND NOT {_CONSENTED}""",
    "attendance": f"SELECT count(*) {_HELD} AND ifnull(l.attendance_taken, 0) = 0",
    "marks": f"SELECT count(*) {_HELD} AND ifnull(l.topic, '') = ''",
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
_MARKS = f"""WITH {NAMED} SELECT s.class_group, s.area, s.act, s.day, s.note, {NAME_COLUMNS}
  FROM sign_off s LEFT JOIN named n ON n.id = s.person
  WHERE s.retired_at IS NULL AND (:class_id IS NULL OR s.class_group = :class_id) ORDER BY s.day, s.id"""


def marks(db: Database, today: int, class_id: int | None = None) -> Mapping[tuple[int, str, str], Mark]:
    """The last check and confirmation by class, area and act."""
    rows = db.query(_MARKS, {"today": today, "class_id": class_id})
    return {
        (row["class_group"], row["area"], row["act"]): Mark(row["day"], full_name(row), row["note"] or "")
        for row in rows
    }


def check_list(db: Database, class_id: int, day: int, today: int) -> list[Line]:
    """Every area of a class; ``day`` is the day whose roll counts."""
    found = marks(db, today, class_id)
    places = {"class_id": class_id, "day": day, "today": today}
    return [
        Line(
            area,
            int(db.execute(_COUNTS[area], places).fetchone()[0]),
            found.get((class_id, area, "checked")),
            found.get((class_id, area, "confirmed")),
        )
        for area in AREAS
    ]
