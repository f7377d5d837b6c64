"""What can be imported in the browser: a shipped mapping each, who may, how lines are known, what is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node import access
from node.importing.checks import Check, check_marks, check_plans
from node.importing.mapping import Mapping as MappingFile
from node.importing.mapping import load_mapping
from node.plans.queries import HOLDS
from node.roster import AWAY
from shared.access import Visitor
from shared.problems import N_


@dataclass(frozen=True)
class Kind:
    """One kind of list. ``area``: whose right to enter it takes. ``key_label``: by what its lines are known; ``keys``:
    other ways that the mapping has, by their names there. ``checked`` makes, for one import, what sees every row before
    it is written and raises what is against it.
    """

    name: str
    label: str
    area: str
    key_label: str
    existing: str
    keys: Mapping[str, str]
    checked: Callable[[Database, Visitor, int], Check] | None = None

    @property
    def who(self) -> tuple[str, ...]:
        """The duties that may import it: those who enter every row of the area, or any where rows are checked."""
        enter = access.roles if self.checked else access.everywhere
        return enter(self.area, "E")

    def mapping(self, key: str = "") -> MappingFile:
        """The mapping, its rows known by the chosen key."""
        return load_mapping(self.name, key if key in self.keys else "")

    def columns(self) -> list[str]:
        """The columns that a file may have, by whatever key its lines are known."""
        mappings = [self.mapping(key) for key in ("", *self.keys)]
        used = {name for mapping in mappings for name in mapping.file_columns()}
        return [name for name in mappings[0].headers if name in used]


_BY_PIN = N_("the personal number")
_NAMED = """EXISTS (SELECT 1 FROM consent c WHERE c.person = p.id AND c.purpose = 'core' AND c.retired_at IS NULL
  AND c.withdrawn_on IS NULL)"""
_CONSENT = """(SELECT min(valid_from) FROM consent c WHERE c.person = p.id AND c.purpose = 'core'
  AND c.retired_at IS NULL AND c.withdrawn_on IS NULL)"""
_TAUGHT = """FROM subject_group sg JOIN class_group g ON g.id = sg.class_group JOIN subject s ON s.id = sg.subject
  JOIN academic_year y ON y.id = g.year"""
_TEACHES_NOW = "sg.teacher = :person AND sg.retired_at IS NULL AND y.start <= :today AND y.end >= :today"
_LISTED = f"""(SELECT g.subject_group, g.pupil FROM subject_group_pupil g
  WHERE g.retired_at IS NULL AND g.start <= :today
  AND ifnull(g."end", :today + 1) > :today AND NOT {AWAY.format(first=":today", last=":today")})"""
_CALLED = f"""CASE WHEN {_NAMED}
  THEN trim(p.surname || ' ' || ifnull(p.given_name || ' ', '') || ifnull(p.patronymic, '')) END"""
_BLANK = (
    f"""g.grade || '-' || g.letter, s.code, sg.name, NULL, NULL, {_CALLED}, u.personal_file, 0, NULL, NULL"""
)
_OWN_NOW = f"{_TEACHES_NOW} AND u.personal_file IS NOT NULL"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "classes",
            N_("Classes"),
            "timetable",
            N_("school year, grade and letter"),
            """SELECT y.start, g.grade || '-' || g.letter AS class, g.language, g.shift, g.week_days AS days,
                 t.personal_number AS teacher
               FROM class_group g JOIN academic_year y ON y.id = g.year LEFT JOIN person t ON t.id = g.teacher
               WHERE g.retired_at IS NULL AND y.start <= :today AND y.end >= :today
               ORDER BY g.grade, g.letter""",
            {},
        ),
        Kind(
            "staff",
            N_("Staff"),
            "staff_file",
            N_("surname, given name and date of birth"),
            f"""SELECT p.personal_number AS pin, p.surname, p.given_name AS given, p.patronymic, p.birth_date AS born,
                 p.sex, {_CONSENT} AS consent, s.position, s.education, s.category, s.experience_since AS since,
                 s.load / 100.0 AS hours, s.start, p.phone
               FROM staff s JOIN person p ON p.id = s.person
               WHERE s.retired_at IS NULL AND s."end" IS NULL AND {_NAMED} ORDER BY p.surname, p.given_name""",
            {"pin": _BY_PIN},
        ),
        Kind(
            "pupils",
            N_("Pupils"),
            "card",
            N_("the number of the personal file"),
            f"""SELECT u.personal_file AS file, p.surname, p.given_name AS given, p.patronymic,
                 CASE WHEN p.birth_date IS NULL THEN CAST(p.birth_year AS TEXT) ELSE p.birth_date END AS born,
                 p.sex, g.grade || '-' || g.letter AS class, e.start AS enrolled, {_CONSENT} AS consent, u.residence,
                 p.phone, p.address, p.personal_number AS pin
               FROM enrolment e JOIN pupil u ON u.person = e.pupil JOIN person p ON p.id = u.person
               JOIN class_group g ON g.id = e.class_group
               WHERE e.retired_at IS NULL AND e.start <= :today AND ifnull(e."end", :today + 1) > :today
                 AND u.personal_file IS NOT NULL
               ORDER BY g.grade, g.letter, p.surname, p.given_name""",
            {"name": N_("surname, given name and date of birth"), "pin": _BY_PIN},
        ),
        Kind(
            "guardians",
            N_("Guardians"),
            "card",
            N_("surname, given name and phone"),
            f"""SELECT u.personal_file AS file, r.relation, p.surname, p.given_name AS given, p.patronymic, p.phone,
                 p.address, {_CONSENT} AS consent, r.may_read AS access, p.personal_number AS pin
               FROM guardian r JOIN person p ON p.id = r.person JOIN pupil u ON u.person = r.pupil
               WHERE r.retired_at IS NULL AND u.personal_file IS NOT NULL AND {_NAMED}
               ORDER BY p.surname, p.given_name""",
            {"relation": N_("the child and the relation"), "pin": _BY_PIN},
        ),
        Kind(
            "marks",
            N_("Marks"),
            "lesson_marks",
            N_("the lesson, the place in the cell, and the pupil by the personal file"),
            f"""SELECT g.grade || '-' || g.letter AS class, s.code AS subject, sg.name AS part, k.day, k.period,
                 {_CALLED} AS name, u.personal_file AS file, k.slot, k.value, w.code AS kind
               {_TAUGHT} JOIN mark k ON k.subject_group = sg.id AND k.retired_at IS NULL AND k.value IS NOT NULL
               JOIN pupil u ON u.person = k.pupil JOIN person p ON p.id = u.person JOIN work_kind w ON w.id = k.kind
               WHERE {_OWN_NOW}
               UNION ALL SELECT {_BLANK} {_TAUGHT} JOIN {_LISTED} m ON m.subject_group = sg.id
               JOIN pupil u ON u.person = m.pupil JOIN person p ON p.id = u.person WHERE {_OWN_NOW}
               UNION ALL SELECT {_BLANK} {_TAUGHT} JOIN enrolment e ON e.class_group = g.id AND e.retired_at IS NULL
                 AND e.start <= :today AND ifnull(e."end", :today + 1) > :today
               JOIN pupil u ON u.person = e.pupil JOIN person p ON p.id = u.person
               WHERE {_OWN_NOW} AND NOT EXISTS (SELECT 1 FROM subject_group_pupil m WHERE m.subject_group = sg.id
                 AND m.retired_at IS NULL)
               ORDER BY 1, 2, 3, 4, 5, 6, 7""",
            {"name": N_("the lesson, the place in the cell, and the pupil by name")},
            check_marks,
        ),
        Kind(
            "plans",
            N_("Plans"),
            "plans",
            N_("the group and the number in the plan"),
            f"""SELECT y.start, g.grade || '-' || g.letter AS class, s.code AS subject, sg.name AS part, i.position,
                 i.section, i.topic, i.hours, i.homework, i.objective, i.resources, i.assessment, i.note
               {_TAUGHT} JOIN plan p ON p.subject_group = sg.id AND {HOLDS}
               JOIN plan_item i ON i.plan = p.id AND i.retired_at IS NULL WHERE {_TEACHES_NOW}
               UNION ALL SELECT y.start, g.grade || '-' || g.letter, s.code, sg.name, NULL, NULL, NULL, NULL, NULL,
                 NULL, NULL, NULL, NULL
               {_TAUGHT} WHERE {_TEACHES_NOW} AND NOT EXISTS (SELECT 1 FROM plan p JOIN plan_item i ON i.plan = p.id
                 AND i.retired_at IS NULL WHERE p.subject_group = sg.id AND {HOLDS})
               ORDER BY 2, 3, 4, 5""",
            {"topic": N_("the group, the section and the topic")},
            check_plans,
        ),
    )
}
"""Name -> kind, in the order in which a new school needs them.

A plan of one group is also pasted or read on its own page (`node.plans`), which knows its topics by their words.
"""
