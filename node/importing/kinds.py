"""What can be imported in the browser: a shipped mapping each, who may, how lines are known, what is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node import access
from node.importing.checks import Ruling, mark_rules, plan_rules
from node.importing.mapping import Mapping as MappingFile
from node.importing.mapping import load_mapping
from node.people.queries import NAMED
from node.plans.queries import HOLDS
from node.roster import AWAY
from shared.problems import N_


@dataclass(frozen=True)
class Kind:
    """One kind of list. ``area``: whose right to enter it takes. ``key_label``: by what its lines are known; ``keys``:
    other ways that the mapping has, by their names there. ``existing``: SQL for the lines of its template on ``:day``,
    those of ``:person``'s lessons for marks and plans; ``named`` are who may be named on ``:today``. ``checked`` makes
    the rules that hold for one import. ``pages``: the area on whose pages the same is entered one by one, and with
    which it is switched off (`node.stages`); empty for none.
    """

    name: str
    label: str
    area: str
    key_label: str
    existing: str
    keys: Mapping[str, str]
    checked: Ruling | None = None
    pages: str = ""

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
        return list(self.mapping().headers)

    def lines(self, db: Database, **bound: object) -> Iterable[Mapping[str, object]]:
        """What is there already, as lines of the template."""
        return db.query(f"WITH {NAMED} {self.existing}", bound)


_BY_PIN = N_("the personal number")
_NAMED = "p.id IN (SELECT id FROM named)"
_CONSENT = f"""CASE WHEN {_NAMED} THEN (SELECT c.valid_from FROM consent c WHERE c.person = p.id AND c.purpose = 'core'
  AND c.retired_at IS NULL ORDER BY c.id DESC LIMIT 1) END"""
_OWN = {name: f"CASE WHEN {_NAMED} THEN p.{name} END" for name in ("phone", "address", "personal_number")}
_NUMBER = f"CASE WHEN NOT {_NAMED} THEN p.id & 4294967295 END"
_TAUGHT = """FROM subject_group sg JOIN class_group g ON g.id = sg.class_group JOIN subject s ON s.id = sg.subject
  JOIN academic_year y ON y.id = g.year"""
_TEACHES_NOW = "sg.teacher = :person AND sg.retired_at IS NULL AND y.start <= :day AND y.end >= :day"
_LISTED = f"""(SELECT g.subject_group, g.pupil FROM subject_group_pupil g
  WHERE g.retired_at IS NULL AND g.start <= :day
  AND ifnull(g."end", :day + 1) > :day AND NOT {AWAY.format(first=":day", last=":day")})"""
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
            f"""SELECT y.start, g.grade || '-' || g.letter AS class, g.language, g.shift, g.week_days AS days,
                 {_OWN["personal_number"]} AS teacher
               FROM class_group g JOIN academic_year y ON y.id = g.year LEFT JOIN person p ON p.id = g.teacher
               WHERE g.retired_at IS NULL AND y.start <= :day AND y.end >= :day
               ORDER BY g.grade, g.letter""",
            {},
        ),
        Kind(
            "staff",
            N_("Staff"),
            "staff_file",
            N_("surname, given name and date of birth"),
            f"""SELECT {_OWN["personal_number"]} AS pin, n.surname, n.given_name AS given, n.patronymic,
                 CASE WHEN {_NAMED} THEN p.birth_date END AS born, p.sex, {_CONSENT} AS consent, s.position,
                 s.education, s.category, s.experience_since AS since, s.load / 100.0 AS hours, s.start,
                 {_OWN["phone"]} AS phone, {_NUMBER} AS number
               FROM staff s JOIN person p ON p.id = s.person LEFT JOIN named n ON n.id = p.id
               WHERE s.retired_at IS NULL AND s."end" IS NULL
               ORDER BY n.surname IS NULL, n.surname, n.given_name, p.id""",
            {"pin": _BY_PIN},
        ),
        Kind(
            "pupils",
            N_("Pupils"),
            "card",
            N_("the number of the personal file"),
            f"""SELECT u.personal_file AS file, n.surname, n.given_name AS given, n.patronymic,
                 CASE WHEN n.id IS NULL OR p.birth_date IS NULL THEN CAST(p.birth_year AS TEXT)
                   ELSE p.birth_date END AS born,
                 p.sex, g.grade || '-' || g.letter AS class, e.start AS enrolled,
                 {_CONSENT} AS consent, u.residence,
                 {_OWN["phone"]} AS phone, {_OWN["address"]} AS address, {_OWN["personal_number"]} AS pin,
                 CASE WHEN u.personal_file IS NULL THEN {_NUMBER} END AS number
               FROM enrolment e JOIN pupil u ON u.person = e.pupil JOIN person p ON p.id = u.person
               LEFT JOIN named n ON n.id = p.id
               JOIN class_group g ON g.id = e.class_group
               WHERE e.retired_at IS NULL AND e.start <= :day AND ifnull(e."end", :day + 1) > :day
                 AND (u.personal_file IS NOT NULL OR n.id IS NULL)
               ORDER BY g.grade, g.letter, n.surname, n.given_name, p.id""",
            {"name": N_("surname, given name and date of birth"), "pin": _BY_PIN},
        ),
        Kind(
            "guardians",
            N_("Guardians"),
            "card",
            N_("surname, given name and phone"),
            f"""SELECT g.grade || '-' || g.letter AS class,
                 trim(c.surname || ' ' || ifnull(c.given_name || ' ', '') || ifnull(c.patronymic, '')) AS child,
                 u.personal_file AS file, r.relation, n.surname, n.given_name AS given, n.patronymic,
                 {_OWN["phone"]} AS phone, {_OWN["address"]} AS address, {_CONSENT} AS consent, r.may_read AS access,
                 {_OWN["personal_number"]} AS pin, CASE WHEN p.id IS NOT NULL THEN {_NUMBER} END AS number
               FROM enrolment e JOIN pupil u ON u.person = e.pupil JOIN class_group g ON g.id = e.class_group
               LEFT JOIN named c ON c.id = u.person
               LEFT JOIN guardian r ON r.pupil = u.person AND r.retired_at IS NULL
               LEFT JOIN person p ON p.id = r.person LEFT JOIN named n ON n.id = p.id
               WHERE e.retired_at IS NULL AND e.start <= :day AND ifnull(e."end", :day + 1) > :day
                 AND u.personal_file IS NOT NULL
               ORDER BY g.grade, g.letter, c.surname, c.given_name, file, r.relation, n.surname""",
            {
                "child": N_("surname, given name and phone; the child by class and name"),
                "relation": N_("the child and the relation"),
                "pin": _BY_PIN,
            },
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
                 AND e.start <= :day AND ifnull(e."end", :day + 1) > :day
               JOIN pupil u ON u.person = e.pupil JOIN person p ON p.id = u.person
               WHERE {_OWN_NOW} AND NOT EXISTS (SELECT 1 FROM subject_group_pupil m WHERE m.subject_group = sg.id
                 AND m.retired_at IS NULL)
               ORDER BY 1, 2, 3, 4, 5, 6, 7""",
            {"name": N_("the lesson, the place in the cell, and the pupil by name")},
            mark_rules,
            "journal",
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
            plan_rules,
            "plans",
        ),
    )
}
"""Name -> kind, in the order in which a new school needs them.

A plan of one group is also pasted or read on its own page (`node.plans`), which knows its topics by their words.
"""
