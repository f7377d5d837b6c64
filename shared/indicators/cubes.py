"""Cubes: what is counted, by which dimensions; one query each, for school and district alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from shared.dates import date_of, month_of, school_year_name

Key = str | int | None
"""A value of a dimension; None is a category of its own: unknown. Grade 0 is an unknown grade."""
Names = tuple[str, str, str]
Run = Callable[[str, dict[str, int | None]], Iterable[Sequence[object]]]
"""Runs SQL with `:name` parameters: `Database.execute`, or SQLAlchemy's `execute` over `text()`."""


@dataclass(frozen=True)
class Cell:
    """One combination of dimension values at a cube's finest grain, with its summed measures."""

    dims: Mapping[str, Key]
    measures: Mapping[str, int]

    def within(self, **dims: Key) -> Cell:
        """The same cell with further dimensions, such as its school and district."""
        return replace(self, dims={**self.dims, **dims})


@dataclass(frozen=True)
class Cube:
    """`columns` are the query's leading columns, `measures` the rest.

    Every query starts at `origin` and goes by CROSS JOIN, which SQLite does not reorder, to the table it counts:
    one school's rows are found by their range of row ids, however many schools there are.

    `repeats`: dimensions along which one pupil stands many times; the number of people behind a figure is the
    largest found in one combination of them. `stock`: counted on a day, so years are never added up.
    """

    name: str
    labels: Names
    columns: tuple[str, ...]
    measures: tuple[str, ...]
    sql: str
    repeats: tuple[str, ...] = ()
    stock: bool = False

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the dimensions of its cells."""
        return tuple(_derive(dict.fromkeys(self.columns)))


PUPILS = Cube(
    "pupils",
    ("Окуучулар", "Ученики", "Pupils"),
    ("start", "grade", "class_group", "letter", "sex", "language", "age", "repeating", "residence", "shift"),
    ("pupils", "girls", "boys", "repeaters", "later_shifts"),
    """
    SELECT y.start, cg.grade, cg.id, cg.letter, p.sex, COALESCE(cg.language, pu.language), e.age,
      COALESCE(e.repeating, 0), pu.residence, cg.shift,
      COUNT(DISTINCT e.pupil),
      COUNT(DISTINCT CASE WHEN p.sex = 'f' THEN e.pupil END),
      COUNT(DISTINCT CASE WHEN p.sex = 'm' THEN e.pupil END),
      COUNT(DISTINCT CASE WHEN e.repeating = 1 THEN e.pupil END),
      COUNT(DISTINCT CASE WHEN cg.shift > 1 THEN e.pupil END)
    FROM origin o
    CROSS JOIN enrolment e
    CROSS JOIN class_group cg
    CROSS JOIN pupil pu
    CROSS JOIN person p
    LEFT JOIN academic_year y ON y.id = cg.year
    WHERE o.school = :school AND e.id BETWEEN o.low AND o.high AND e.retired_at IS NULL
      AND cg.id = e.class_group AND cg.retired_at IS NULL
      AND pu.person = e.pupil AND pu.retired_at IS NULL
      AND p.id = pu.person AND p.retired_at IS NULL
      AND e.start <= COALESCE(CAST(:day AS BIGINT), y.reference_date)
      AND (e."end" IS NULL OR e."end" > COALESCE(CAST(:day AS BIGINT), y.reference_date))
    GROUP BY y.start, cg.grade, cg.id, cg.letter, p.sex, COALESCE(cg.language, pu.language), e.age,
      COALESCE(e.repeating, 0), pu.residence, cg.shift
    """,
    repeats=("year",),
    stock=True,
)
"""Pupils by the roll rule (start <= day < end) on `:day`; without one, on their year's reference date."""

_STAFF_ROW = """CASE WHEN s.position IN ('head', 'deputy', 'primary', 'teacher', 'social', 'psychologist', 'librarian')
      THEN s.position WHEN s.position <> '' THEN 'other' END"""
"""A row of the yearly return of staff: whoever has another position is one of the others."""

STAFF = Cube(
    "staff",
    ("Кызматкерлер", "Сотрудники", "Staff"),
    ("start", "position", "category", "education", "since", "sex", "outside"),
    ("staff", "women", "men", "outside_staff", "teachers", "qualified", "load", "loaded"),
    f"""
    SELECT y.start, {_STAFF_ROW}, s.category, s.education, s.experience_since, p.sex, COALESCE(s.outside, 0),
      SUM(CASE WHEN COALESCE(s.outside, 0) = 0 THEN 1 ELSE 0 END),
      SUM(CASE WHEN COALESCE(s.outside, 0) = 0 AND p.sex = 'f' THEN 1 ELSE 0 END),
      SUM(CASE WHEN COALESCE(s.outside, 0) = 0 AND p.sex = 'm' THEN 1 ELSE 0 END),
      SUM(COALESCE(s.outside, 0)),
      SUM(CASE WHEN COALESCE(s.outside, 0) = 0 AND s.position IN ('primary', 'teacher') THEN 1 ELSE 0 END),
      SUM(CASE WHEN COALESCE(s.outside, 0) = 0 AND s.position IN ('primary', 'teacher')
            AND s.education = 'higher_ped' THEN 1 ELSE 0 END),
      SUM(COALESCE(s.load, 0)),
      COUNT(s.load)
    FROM origin o
    CROSS JOIN staff s
    CROSS JOIN person p
    CROSS JOIN academic_year y
    WHERE o.school = :school AND s.person BETWEEN o.low AND o.high AND s.retired_at IS NULL
      AND p.id = s.person AND p.retired_at IS NULL
      AND y.retired_at IS NULL AND y.id IN (
        SELECT cg.year FROM origin c CROSS JOIN class_group cg
        WHERE c.school = :school AND cg.id BETWEEN c.low AND c.high AND cg.retired_at IS NULL)
      AND (CAST(:day AS BIGINT) IS NULL OR y.start = (
        SELECT MAX(z.start) FROM academic_year z
        WHERE z.retired_at IS NULL AND z.start <= CAST(:day AS BIGINT)))
      AND (s.start IS NULL OR s.start <= COALESCE(CAST(:day AS BIGINT), y.reference_date))
      AND (s."end" IS NULL OR s."end" > COALESCE(CAST(:day AS BIGINT), y.reference_date))
    GROUP BY y.start, {_STAFF_ROW}, s.category, s.education, s.experience_since, p.sex, COALESCE(s.outside, 0)
    """,
    repeats=("year",),
    stock=True,
)
"""Staff employed on `:day`, or on the reference date of every school year the school has classes in.

Positions are the rows of the yearly return. Outside part-timers are counted apart and in no other measure but the load.
"""

MOVEMENT = Cube(
    "movement",
    ("Окуучулардын кыймылы", "Движение учащихся", "Pupil movement"),
    ("start", "kind", "reason", "day", "grade", "class_group", "letter", "sex"),
    ("moves", "arrived", "departed", "transfers", "promoted", "kept", "graduated"),
    """
    SELECT (SELECT MAX(y.start) FROM academic_year y WHERE y.retired_at IS NULL AND y.start <= m.date),
      m.kind, m.reason, m.date, cg.grade, cg.id, cg.letter, p.sex,
      COUNT(*),
      SUM(CASE WHEN m.kind = 'arrived' THEN 1 ELSE 0 END),
      SUM(CASE WHEN m.kind = 'departed' THEN 1 ELSE 0 END),
      SUM(CASE WHEN m.kind = 'transfer' THEN 1 ELSE 0 END),
      SUM(CASE WHEN m.kind = 'promoted' THEN 1 ELSE 0 END),
      SUM(CASE WHEN m.kind = 'repeating' THEN 1 ELSE 0 END),
      SUM(CASE WHEN m.kind = 'graduated' THEN 1 ELSE 0 END)
    FROM origin o
    CROSS JOIN movement m
    CROSS JOIN pupil pu
    CROSS JOIN person p
    LEFT JOIN class_group cg ON cg.id = COALESCE(m.from_class, m.to_class)
    WHERE o.school = :school AND m.id BETWEEN o.low AND o.high AND m.retired_at IS NULL
      AND pu.person = m.pupil AND pu.retired_at IS NULL
      AND p.id = pu.person AND p.retired_at IS NULL
    GROUP BY m.kind, m.reason, m.date, cg.grade, cg.id, cg.letter, p.sex
    """,
    repeats=("year", "kind"),
)
"""Rows of the movement book; the class is the one left, for arrivals the one entered."""

LAST_DAYS = """last_day AS MATERIALIZED (
    SELECT t.id AS term, g.grade, COALESCE((
        SELECT x."end" FROM origin y CROSS JOIN own_term x
        WHERE y.school = :school AND x.id BETWEEN y.low AND y.high AND x.retired_at IS NULL AND x.term = t.id
          AND x."end" IS NOT NULL AND (x.grade IS NULL OR x.grade = g.grade)
        ORDER BY CASE WHEN x.grade IS NULL THEN 1 ELSE 0 END, x.id DESC LIMIT 1), t."end") AS day
    FROM term t CROSS JOIN (
      SELECT DISTINCT COALESCE(cg.grade, -1) AS grade FROM origin c CROSS JOIN class_group cg
      WHERE c.school = :school AND cg.id BETWEEN c.low AND c.high) g)"""
"""A query for WITH: `last_day`, the last day of each term as it holds for each grade of a school (-1: no grade)."""
_THEN = 'COALESCE({0}.start, l.day) <= l.day AND ({0}."end" IS NULL OR {0}."end" > l.day)'
# The enrolment is found by the pupil (+class_group): a pupil has few, a class many.
COUNTED = f"""(COALESCE(tr.former, 0) = 0 AND (l.day IS NULL OR t.kind IN ('exam', 'final') OR (
      EXISTS (SELECT 1 FROM enrolment e WHERE e.pupil = tr.pupil AND +e.class_group = cg.id AND e.retired_at IS NULL
        AND {_THEN.format("e")})
      AND (NOT EXISTS (SELECT 1 FROM subject_group_pupil m WHERE m.subject_group = sg.id AND m.retired_at IS NULL)
        OR EXISTS (SELECT 1 FROM subject_group_pupil m WHERE m.subject_group = sg.id AND m.pupil = tr.pupil
          AND m.retired_at IS NULL AND {_THEN.format("m")}
          AND NOT EXISTS (SELECT 1 FROM subject_group_gap x WHERE x.subject_group = sg.id AND x.pupil = tr.pupil
            AND x.retired_at IS NULL AND x.start <= l.day AND x."end" > l.day))))))"""
"""Is the result `tr` of the group `sg`, class `cg` and term `t`, which ends on `l.day`, counted?

Where the pupil was on the roll, of class and group, when the period ended: who leaves before counts elsewhere, who
comes with marks of a former school had them there. Exam and final mark are given when many have left already.
"""

RESULTS = Cube(
    "results",
    ("Окуу жыйынтыктары", "Результаты", "Results"),
    (
        "start",
        "grade",
        "class_group",
        "letter",
        "language",
        "subject",
        "teacher",
        "term_kind",
        "term_number",
        "sex",
        "scale",
    ),
    (
        "n5",
        "n4",
        "n3",
        "n2",
        "n1",
        "na",
        "exempt",
        "unmarked",
        "value_sum",
        "valued",
        "missed",
        "missed_known",
    ),
    f"""
    WITH {LAST_DAYS}
    SELECT r.start, r.grade, r.class_group, r.letter, r.language, r.subject, r.teacher, r.kind, r.number,
      r.sex, r.scale,
      SUM(CASE WHEN r.band = 5 THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.band = 4 THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.band = 3 THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.band = 2 THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.band = 1 THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.status = 'na' THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.status = 'exempt' THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.status = 'unmarked' THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.status = 'assessed' THEN COALESCE(r.value, 0) ELSE 0 END),
      SUM(CASE WHEN r.status = 'assessed' AND r.value IS NOT NULL THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.status IN ('assessed', 'na') THEN COALESCE(r.missed, 0) ELSE 0 END),
      SUM(CASE WHEN r.status IN ('assessed', 'na') AND r.missed IS NOT NULL THEN 1 ELSE 0 END)
    FROM (
      SELECT y.start, cg.grade, cg.id AS class_group, cg.letter, cg.language,
        COALESCE(standard.code, subject.code) AS subject, sg.teacher, t.kind, t.number, p.sex,
        scale.code AS scale, tr.value, tr.missed, COALESCE(tr.status, 'assessed') AS status,
        CASE WHEN COALESCE(tr.status, 'assessed') = 'assessed' THEN COALESCE(tr.band, (
          SELECT MAX(b.band) FROM grading_band b
          WHERE b.scale = sg.scale AND b.retired_at IS NULL AND tr.value BETWEEN b.low AND b.high
        )) END AS band
      FROM origin o
      CROSS JOIN term_result tr
      CROSS JOIN subject_group sg
      CROSS JOIN class_group cg
      CROSS JOIN pupil pu
      CROSS JOIN person p
      LEFT JOIN term t ON t.id = tr.term
      LEFT JOIN last_day l ON l.term = tr.term AND l.grade = COALESCE(cg.grade, -1)
      LEFT JOIN academic_year y ON y.id = t.year
      LEFT JOIN subject ON subject.id = sg.subject
      LEFT JOIN subject standard ON standard.id = subject.standard
      LEFT JOIN grading_scale scale ON scale.id = sg.scale
      WHERE o.school = :school AND tr.subject_group BETWEEN o.low AND o.high AND tr.retired_at IS NULL
        AND sg.id = tr.subject_group AND sg.retired_at IS NULL
        AND cg.id = sg.class_group AND cg.retired_at IS NULL
        AND pu.person = tr.pupil AND pu.retired_at IS NULL
        AND p.id = pu.person AND p.retired_at IS NULL AND {COUNTED}
    ) r
    GROUP BY r.start, r.grade, r.class_group, r.letter, r.language, r.subject, r.teacher, r.kind, r.number,
      r.sex, r.scale
    """,
    repeats=("year", "subject", "term"),
)
"""Results of periods, each once (`COUNTED`). Exempt pupils and unmarked grades count nowhere but in their own measures.

A result without a band is counted by its value through the bands of its scale; zero is a value.
"""

ABSENCES = Cube(
    "absences",
    ("Катышуу", "Посещаемость", "Attendance"),
    ("start", "grade", "class_group", "letter", "day"),
    ("enrolled", "missed", "ill", "excused", "unexcused", "late"),
    """
    SELECT y.start, cg.grade, cg.id, cg.letter, a.day, SUM(a.enrolled), SUM(a.missed), SUM(a.ill),
      SUM(a.excused), SUM(a.unexcused), SUM(a.late)
    FROM origin o
    CROSS JOIN attendance_day a
    CROSS JOIN class_group cg
    LEFT JOIN academic_year y ON y.id = cg.year
    WHERE o.school = :school AND a.class_group BETWEEN o.low AND o.high AND a.retired_at IS NULL
      AND cg.id = a.class_group AND cg.retired_at IS NULL
    GROUP BY y.start, cg.grade, cg.id, cg.letter, a.day
    """,
    repeats=("day",),
)
"""Pupil-days: possible (`enrolled`) and missed, by class and day."""

CATEGORIES = Cube(
    "categories",
    ("Окуучулардын категориялары", "Категории учащихся", "Pupil categories"),
    ("start", "grade", "class_group", "letter", "term_kind", "term_number"),
    ("excellent", "good", "satisfactory", "failing", "not_assessed", "one_four", "one_three"),
    """
    SELECT y.start, cg.grade, cg.id, cg.letter, t.kind, t.number, SUM(c.excellent), SUM(c.good),
      SUM(c.satisfactory), SUM(c.failing), SUM(c.not_assessed), SUM(c.one_four), SUM(c.one_three)
    FROM origin o
    CROSS JOIN class_category_count c
    CROSS JOIN class_group cg
    LEFT JOIN term t ON t.id = c.term
    LEFT JOIN academic_year y ON y.id = t.year
    WHERE o.school = :school AND c.class_group BETWEEN o.low AND o.high AND c.retired_at IS NULL
      AND cg.id = c.class_group AND cg.retired_at IS NULL
    GROUP BY y.start, cg.grade, cg.id, cg.letter, t.kind, t.number
    """,
    repeats=("year", "term"),
)
"""Pupils by result category, class and period, as the school counted them."""

LESSONS = Cube(
    "lessons",
    ("Өткөн сабактар", "Проведённые уроки", "Lessons held"),
    ("start", "grade", "class_group", "letter", "subject", "teacher", "term_kind", "term_number"),
    ("lessons", "marks", "missed"),
    """
    SELECT y.start, cg.grade, cg.id, cg.letter, COALESCE(standard.code, subject.code), sg.teacher, t.kind,
      t.number, SUM(l.lessons), SUM(l.marks), SUM(l.missed)
    FROM origin o
    CROSS JOIN lesson_summary l
    CROSS JOIN subject_group sg
    CROSS JOIN class_group cg
    LEFT JOIN term t ON t.id = l.term
    LEFT JOIN academic_year y ON y.id = t.year
    LEFT JOIN subject ON subject.id = sg.subject
    LEFT JOIN subject standard ON standard.id = subject.standard
    WHERE o.school = :school AND l.subject_group BETWEEN o.low AND o.high AND l.retired_at IS NULL
      AND sg.id = l.subject_group AND sg.retired_at IS NULL
      AND cg.id = sg.class_group AND cg.retired_at IS NULL
    GROUP BY y.start, cg.grade, cg.id, cg.letter, COALESCE(standard.code, subject.code), sg.teacher, t.kind,
      t.number
    """,
)
"""Lessons held, marks given and lessons missed by subject and class."""

CUBES: dict[str, Cube] = {
    cube.name: cube for cube in (PUPILS, STAFF, MOVEMENT, RESULTS, ABSENCES, CATEGORIES, LESSONS)
}


# ---- cells


def evaluate(run: Run, cube: str | Cube, school: int, day: int | None = None) -> list[Cell]:
    """The cells of one school (the row id of its `school` row); `day`: when to count pupils and staff."""
    chosen = CUBES[cube] if isinstance(cube, str) else cube
    parameters: dict[str, int | None] = {"school": school}
    if chosen.stock:
        parameters["day"] = day
    return [_cell(chosen, row) for row in run(chosen.sql, parameters)]


def _cell(cube: Cube, row: Sequence[object]) -> Cell:
    width = len(cube.columns)
    raw = dict(zip(cube.columns, map(_key, row[:width]), strict=True))
    measures = (int(str(value or 0)) for value in row[width:])
    return Cell(_derive(raw), dict(zip(cube.measures, measures, strict=True)))


def _key(value: object) -> Key:
    """A value as both drivers give it; an empty code is unknown."""
    return value if isinstance(value, int) else str(value) if value else None


def _derive(raw: dict[str, Key]) -> dict[str, Key]:
    """The dimensions of a cell from the columns of its query: year, class, month, term, experience."""
    dims = {name: value for name, value in raw.items() if name not in ("start", "letter", "since")}
    start = raw.get("start")
    if "start" in raw:
        dims["year"] = school_year_name(start) if isinstance(start, int) else None
    if "grade" in raw:
        dims["grade"] = raw["grade"] or 0
    if "letter" in raw:
        dims["class"] = "-".join(str(part) for part in (raw["grade"], raw["letter"]) if part) or None
    if "day" in raw:
        dims["month"] = month_of(raw["day"]) if isinstance(raw["day"], int) else None
    if "term_kind" in raw:
        dims["term"] = "-".join(str(part) for part in (raw["term_kind"], raw["term_number"]) if part) or None
    if "since" in raw:
        dims["experience"] = _experience(raw["since"], start)
    return dims


def _experience(since: Key, start: Key) -> Key:
    """The band of teaching experience in the calendar year a school year starts in."""
    if not isinstance(since, int) or not isinstance(start, int):
        return None
    years = date_of(start).year - since
    bounds = ((3, "under_3"), (8, "3_7"), (13, "8_12"), (20, "13_19"))
    return next((band for bound, band in bounds if years < bound), "20_plus")
