"""What closing a school year would do: the classes of the next year and where each pupil goes.

The promotion map of the year decides, never the grade plus one: after 2024/25 grade 3 went on to 5. What the map does
not know, and what people have to decide (who failed, or has a subject without a result), is left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from node import yearbook
from node.calendar.queries import terms
from node.classes import queries as class_queries
from node.classes.queries import Year
from node.people.queries import NAME_COLUMNS, NAMED
from shared.i18n import alphabetical
from shared.problems import NoFollowingYear, NotFound
from shared.reference import PROMOTION

Key = tuple[int, str]
"""Grade and letter of a class."""
GRADES = range(1, 13)
LETTERS = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ"
NO_RULE, FAILED, NO_RESULT, NO_CLASS = "no_rule", "failed", "no_result", "no_class"
"""Why a pupil is undecided: the map does not know the grade; a result fails; one is not given; no class to go to."""


@dataclass(frozen=True)
class Step:
    """What the promotion map says of a grade."""

    to_grade: int | None
    graduates: bool


@dataclass(frozen=True)
class NextClass:
    """A class of the next year, there (`id`) or proposed. `source`: the class it grows from."""

    grade: int
    letter: str
    language: str | None
    shift: int | None
    week_days: int | None
    teacher: int | None
    room: int | None
    id: int | None = None
    source: int | None = None

    @property
    def key(self) -> Key:
        return self.grade, self.letter


@dataclass(frozen=True)
class PupilPlan:
    """Where a pupil goes. `outcome` is empty while it is open, and `why` says what is missing.

    `failing` and `missing`: the subjects that were failed or not assessed, and those whose result nobody has given.
    """

    pupil: int
    from_class: int
    grade: int
    outcome: str
    to: Key | None = None
    why: str = ""
    decided: bool = False
    failing: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class ClassPlan:
    """A class that ends and the one its pupils go on to, if any."""

    id: int
    grade: int
    letter: str
    step: Step | None
    next: NextClass | None
    pupils: tuple[PupilPlan, ...]

    def count(self, outcome: str) -> int:
        """How many of its pupils have this outcome; the empty one: undecided."""
        return sum(one.outcome == outcome for one in self.pupils)


@dataclass(frozen=True)
class Plan:
    """The closing of a year as it would be now.

    ``last_day``: of its lessons; ``ends``: of its summer, here and for the district, which goes by the country's dates.
    """

    year: Year
    following: Year
    last_day: int
    ends: int
    classes: tuple[ClassPlan, ...]
    next_classes: Mapping[Key, NextClass] = field(default_factory=dict)

    @property
    def pupils(self) -> list[PupilPlan]:
        return [one for each in self.classes for one in each.pupils]

    @property
    def undecided(self) -> list[PupilPlan]:
        return [one for one in self.pupils if not one.outcome]

    def of_class(self, class_id: int) -> ClassPlan:
        """The plan of one class. NotFound."""
        found = next((one for one in self.classes if one.id == class_id), None)
        if found is None:
            raise NotFound()
        return found


def promotion_map(db: Database, year: int) -> dict[int, Step]:
    """Grade -> what the map of the year says of it."""
    rows = db.execute(
        "SELECT grade, to_grade, graduates FROM promotion_map WHERE year = ? AND retired_at IS NULL", (year,)
    ).fetchall()
    return {grade: Step(to_grade, bool(graduates)) for grade, to_grade, graduates in rows}


def is_own(db: Database, year: int) -> bool:
    """Did the school add the year itself? The promotion maps of others are the country's."""
    row = db.execute("SELECT 1 FROM academic_year WHERE id = ? AND retired_at IS NULL", (year,)).fetchone()
    return row is not None and year not in PROMOTION


def closable(db: Database) -> list[Year]:
    """The school years with classes, the newest first."""
    return class_queries.years(db)


def plan(db: Database, year_id: int) -> Plan:
    """What closing the year would do now: only pupils who are still on its rolls. NotFound, NoFollowingYear."""
    year = next((one for one in class_queries.years(db) if one.id == year_id), None)
    if year is None:
        raise NotFound()
    following = class_queries.following(db, year)
    if following is None:
        raise NoFollowingYear()
    steps = promotion_map(db, year.id)
    old = _classes(db, year.id)
    proposed = _propose(old, _classes(db, following.id), steps)
    rolls, decided, results = _rolls(db, following.start), decisions(db, year.id), _results(db, year.id)
    taught = _marked(db, year.id)
    classes = []
    for row in old:
        after = proposed.by_source.get(row["id"])
        pupils = tuple(
            _pupil(
                pupil,
                row,
                steps.get(row["grade"]),
                after,
                proposed,
                decided.get(pupil),
                results.get(pupil, {}),
                taught.get(pupil, frozenset()),
            )
            for pupil in rolls.get(row["id"], ())
        )
        classes.append(
            ClassPlan(row["id"], row["grade"], row["letter"], steps.get(row["grade"]), after, pupils)
        )
    marking = [term["end"] for term in terms(db, year.id)]
    last_day = max([year.end, *(end for end in marking if end < following.start)])
    return Plan(year, following, last_day, _ends(db, following), tuple(classes), proposed.by_key)


def _ends(db: Database, following: Year) -> int:
    (start,) = db.execute("SELECT start FROM academic_year WHERE id = ?", (following.id,)).fetchone()
    return min(following.start, following.start if start is None else start) - 1


# ---- classes


@dataclass
class _Proposed:
    by_key: dict[Key, NextClass] = field(default_factory=dict)
    by_source: dict[int, NextClass] = field(default_factory=dict)
    by_id: dict[int, NextClass] = field(default_factory=dict)

    def of_grade(self, grade: int) -> list[NextClass]:
        """The next year's classes of a grade, by letter."""
        found = [one for one in self.by_key.values() if one.grade == grade]
        return sorted(found, key=lambda one: alphabetical(one.letter))


def _classes(db: Database, year: int) -> list[Mapping[str, Any]]:
    rows = list(
        db.query(
            """SELECT id, ifnull(grade, 0) AS grade, ifnull(letter, '') AS letter, language, shift, week_days, teacher,
                 room FROM class_group WHERE year = ? AND retired_at IS NULL AND closed_on IS NULL""",
            (year,),
        )
    )
    return sorted(rows, key=lambda row: (row["grade"], alphabetical(row["letter"]), row["id"]))


def _propose(
    old: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]], steps: Mapping[int, Step]
) -> _Proposed:
    """Those that are there, one for each class that goes on, and first grades as this year's."""
    found = _Proposed()
    for row in there:
        one = _next(row, row["grade"], row["letter"], row["teacher"], row["id"], None)
        found.by_key.setdefault(one.key, one)
        found.by_id[row["id"]] = one
    taken: set[Key] = set()
    for row in old:
        step = steps.get(row["grade"])
        if step is None or step.to_grade is None:
            continue
        letter = _free_letter(step.to_grade, row["letter"], taken)
        taken.add((step.to_grade, letter))
        made = found.by_key.get((step.to_grade, letter)) or _next(
            row, step.to_grade, letter, row["teacher"], None, row["id"]
        )
        found.by_key[made.key] = made
        found.by_source[row["id"]] = made
    for row in old:
        if row["grade"] == 1 and (1, row["letter"]) not in found.by_key:
            found.by_key[1, row["letter"]] = _next(row, 1, row["letter"], None, None, None)
    return found


def _next(
    row: Mapping[str, Any],
    grade: int,
    letter: str,
    teacher: int | None,
    class_id: int | None,
    source: int | None,
) -> NextClass:
    return NextClass(
        grade, letter, row["language"], row["shift"], row["week_days"], teacher, row["room"], class_id, source
    )


def _free_letter(grade: int, letter: str, taken: set[Key]) -> str:
    """The letter of the class, or the next one that no other class goes on with."""
    letters = [letter, *LETTERS]
    return next((one for one in letters if (grade, one) not in taken), letter)


# ---- pupils


def _rolls(db: Database, start: int) -> dict[int, list[int]]:
    """Class -> who is on its roll and has not been moved on."""
    found: dict[int, list[int]] = {}
    for class_group, pupil in db.execute(
        """SELECT DISTINCT e.class_group, e.pupil FROM enrolment e JOIN pupil pu ON pu.person = e.pupil
           JOIN person p ON p.id = e.pupil
           WHERE e.retired_at IS NULL AND pu.retired_at IS NULL AND p.retired_at IS NULL
             AND e.start < ? AND e."end" IS NULL ORDER BY e.pupil""",
        (start,),
    ).fetchall():
        found.setdefault(class_group, []).append(pupil)
    return found


def since(db: Database, plan: Plan) -> dict[int, int]:
    """Pupil of a plan -> the day on which the present stay in the class began."""
    rows = db.execute(
        """SELECT pupil, max(start) FROM enrolment WHERE retired_at IS NULL AND start < ? AND "end" IS NULL
           GROUP BY pupil""",
        (plan.following.start,),
    )
    return dict(rows.fetchall())


def decisions(db: Database, year: int) -> dict[int, tuple[str, int | None]]:
    """Pupil -> what was decided: the outcome, and the class if one was chosen."""
    rows = db.execute(
        "SELECT pupil, outcome, to_class FROM year_decision WHERE year = ? AND retired_at IS NULL", (year,)
    ).fetchall()
    return {pupil: (outcome, to_class) for pupil, outcome, to_class in rows if outcome}


def _results(db: Database, year: int) -> dict[int, dict[int, bool]]:
    """Pupil -> subject -> is the annual result (the final one, where there is one) below 3 or "not assessed"?"""
    final = {term["id"] for term in terms(db, year, None, ("final",))}
    found: dict[int, dict[int, bool]] = {}
    for one in sorted(yearbook.of_year(db, year, ("year", "final")), key=lambda one: one.term in final):
        if one.value is not None or one.status != "assessed":
            mark = one.value if one.band is None else one.band
            failed = one.status == "na" or (one.mark is not None and mark is not None and mark < 3)
            found.setdefault(one.pupil, {})[one.subject] = failed
    return found


def _marked(db: Database, year: int) -> dict[int, frozenset[int]]:
    """Pupil -> the subjects in which the classes and groups of the pupil are marked: a result of each is expected."""
    rows = db.execute(
        """SELECT e.pupil, sg.subject FROM class_group cg JOIN subject_group sg ON sg.class_group = cg.id
           JOIN enrolment e ON e.class_group = cg.id
           WHERE cg.year = ? AND cg.retired_at IS NULL AND sg.retired_at IS NULL AND e.retired_at IS NULL
             AND sg.scale IS NOT NULL AND sg.subject IS NOT NULL AND e."end" IS NULL
             AND (NOT EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id
                 AND g.retired_at IS NULL)
               OR EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.pupil = e.pupil
                 AND g.retired_at IS NULL AND g."end" IS NULL))""",
        (year,),
    )
    found: dict[int, set[int]] = {}
    for pupil, subject in rows.fetchall():
        found.setdefault(pupil, set()).add(subject)
    return {pupil: frozenset(subjects) for pupil, subjects in found.items()}


def _pupil(
    pupil: int,
    row: Mapping[str, Any],
    step: Step | None,
    after: NextClass | None,
    proposed: _Proposed,
    decision: tuple[str, int | None] | None,
    results: Mapping[int, bool],
    taught: Collection[int],
) -> PupilPlan:
    failing = tuple(sorted(subject for subject, failed in results.items() if failed))
    missing = tuple(sorted(subject for subject in taught if subject not in results))

    def planned(outcome: str, to: Key | None = None, why: str = "") -> PupilPlan:
        known = (pupil, row["id"], row["grade"], "" if why else outcome, to, why, decision is not None)
        return PupilPlan(*known, failing, missing)

    if decision is None and step is None:
        return planned("", why=NO_RULE)
    if decision is None and failing:
        return planned("", why=FAILED)
    if decision is None and missing:
        return planned("", why=NO_RESULT)
    assert decision is not None or step is not None
    outcome = decision[0] if decision else "graduated" if step and step.graduates else "promoted"
    wanted = proposed.by_id.get(decision[1]) if decision and decision[1] else None
    if outcome == "graduated":
        return planned(outcome)
    target = wanted or (after if outcome == "promoted" else _for_repeaters(row, proposed))
    return planned(outcome, target.key if target else None, "" if target else NO_CLASS)


def _for_repeaters(row: Mapping[str, Any], proposed: _Proposed) -> NextClass | None:
    """The next year's class of the same grade: of the same letter, else of the same language, else any."""
    those = proposed.of_grade(row["grade"])
    chosen: Iterable[NextClass] = (
        *(one for one in those if one.letter == row["letter"]),
        *(one for one in those if one.language == row["language"]),
        *those,
    )
    return next(iter(chosen), None)


def names(db: Database, pupils: Iterable[int], today: int) -> dict[int, Mapping[str, Any]]:
    """The names that may be shown."""
    wanted = set(pupils)
    rows = db.query(f"WITH {NAMED} SELECT n.id, {NAME_COLUMNS} FROM named n", {"today": today})
    return {row["id"]: row for row in rows if row["id"] in wanted}


def subject_names(db: Database) -> dict[int, Mapping[str, Any]]:
    """Every subject's row."""
    return {row["id"]: row for row in db.query("SELECT * FROM subject")}


# ---- how the year ended


@dataclass(frozen=True)
class Outcome:
    """What became of the pupils of a year, each counted once: as having left, or as its closing says.

    Who leaves a class of the year does so in it, though it be on the first day of the next, or after it.

    `base` B = on the roll at the start + arrived - confirmed transfers out - deaths; promoted + repeating + dropped +
    undecided = B. Graduates are promoted; who left without a confirmed transfer has dropped out.
    """

    promoted: int
    repeating: int
    dropped: int
    undecided: int

    @property
    def base(self) -> int:
        return self.promoted + self.repeating + self.dropped + self.undecided

    def share(self, count: int) -> Fraction | None:
        """Per cent of the base."""
        return Fraction(100 * count, self.base) if self.base else None


def outcome(db: Database, year: Year, following: Year) -> Outcome:
    """The outcome of a year as the rows have it now; undecided are those whom no closing has moved on."""
    rows = db.execute(
        """SELECT e.pupil, max(e."end" IS NULL) FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           WHERE cg.year = ? AND e.retired_at IS NULL AND cg.retired_at IS NULL AND e.start < ?
             AND (e."end" IS NULL OR e."end" > e.start) GROUP BY e.pupil""",
        (year.id, following.start),
    ).fetchall()
    ended: dict[int, tuple[str, bool]] = {pupil: ("", False) for pupil, _ in rows}
    waiting = {pupil for pupil, still in rows if still}
    for pupil, kind in db.execute(
        """SELECT m.pupil, m.kind FROM movement m JOIN class_group cg ON cg.id = m.from_class
           WHERE m.retired_at IS NULL AND cg.year = ? AND m.kind IN ('promoted', 'repeating', 'graduated')
           ORDER BY m.date, m.id""",
        (year.id,),
    ).fetchall():
        if pupil in ended and pupil not in waiting:
            ended[pupil] = (kind, False)
    left: dict[int, tuple[bool, bool]] = {}
    for pupil, gone, away in db.execute(
        """SELECT m.pupil, m.kind = 'departed', ifnull(m.confirmed, 0) OR ifnull(m.reason, '') = 'death'
           FROM movement m LEFT JOIN class_group cg ON cg.id = m.from_class
           WHERE m.retired_at IS NULL AND m.date > ? AND m.kind IN ('arrived', 'departed')
             AND (m.date < ? OR (m.kind = 'departed' AND cg.year = ?)) ORDER BY m.date, m.id""",
        (year.start, following.start, year.id),
    ).fetchall():
        left[pupil] = (bool(gone), bool(away))
    ended |= {pupil: ("departed", away) for pupil, (gone, away) in left.items() if gone and pupil in ended}
    kinds = Counter(kind for kind, away in ended.values() if not away)
    known = {"promoted": kinds["promoted"] + kinds["graduated"], "repeating": kinds["repeating"]}
    dropped = kinds["departed"]
    return Outcome(**known, dropped=dropped, undecided=sum(kinds.values()) - sum(known.values()) - dropped)
