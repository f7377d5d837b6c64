"""Cubes and indicators, defined once: school and district evaluate the same, so their numbers cannot differ.

A cube is a query over district columns that runs unchanged on SQLite and PostgreSQL and gives its finest
grain: dimensions and summed measures. An indicator is an expression over measures, a sum or a quotient of
sums; a total is the quotient of the total sums, never a mean of percentages. Success, quality, average and
СОУ (degree of learning) are those of the region's schools, with pupils not assessed in the denominator unless
an indicator says otherwise; the report prints which rule was used.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from shared.dates import date_of, month_of, school_year_name
from shared.problems import InvalidValue
from shared.reference import LANGUAGES, code_name, code_place, scale_name, subject_name
from shared.report import Chart, Column, Figure, Report, Row, hide_small
from shared.schema import TERM_KINDS

Key = str | int | None
"""A value of a dimension; None is a category of its own: unknown. Grade 0 is an unknown grade."""
Names = tuple[str, str, str]
Run = Callable[[str, dict[str, int | None]], Iterable[Sequence[object]]]
"""Runs SQL with `:name` parameters: `Database.execute`, or SQLAlchemy's `execute` over `text()`."""
Naming = Callable[[str, Key], str | None]
"""(dimension, value) -> the name in the school's or hub's own rows; None: the shipped one will do."""
Linear = tuple[tuple[int, str], ...]
"""A sum of measures with whole factors."""


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

STAFF = Cube(
    "staff",
    ("Кызматкерлер", "Сотрудники", "Staff"),
    ("start", "position", "category", "education", "since", "sex", "outside"),
    ("staff", "women", "men", "outside_staff", "teachers", "qualified", "load", "loaded"),
    """
    SELECT y.start, s.position, s.category, s.education, s.experience_since, p.sex, COALESCE(s.outside, 0),
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
    GROUP BY y.start, s.position, s.category, s.education, s.experience_since, p.sex, COALESCE(s.outside, 0)
    """,
    repeats=("year",),
    stock=True,
)
"""Staff employed on `:day`, or on the reference date of every school year the school has classes in.

Outside part-timers are counted apart and in no other measure but the load.
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
    """
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
      LEFT JOIN academic_year y ON y.id = t.year
      LEFT JOIN subject ON subject.id = sg.subject
      LEFT JOIN subject standard ON standard.id = subject.standard
      LEFT JOIN grading_scale scale ON scale.id = sg.scale
      WHERE o.school = :school AND tr.subject_group BETWEEN o.low AND o.high AND tr.retired_at IS NULL
        AND sg.id = tr.subject_group AND sg.retired_at IS NULL
        AND cg.id = sg.class_group AND cg.retired_at IS NULL
        AND pu.person = tr.pupil AND pu.retired_at IS NULL
        AND p.id = pu.person AND p.retired_at IS NULL
    ) r
    GROUP BY r.start, r.grade, r.class_group, r.letter, r.language, r.subject, r.teacher, r.kind, r.number,
      r.sex, r.scale
    """,
    repeats=("year", "subject", "term"),
)
"""Results of periods. Exempt pupils and unmarked grades count nowhere but in their own measures.

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


# ---- indicators


@dataclass(frozen=True)
class Indicator:
    """numerator / denominator x factor; without a denominator a sum.

    `needs`: the sum without which nothing is known (then "—", not 0). `people`: the sums of people a figure
    gives away, for hiding small ones. `within`: a dimension whose values must not be mixed. `rule`: a key of
    RULES.
    """

    name: str
    cube: str
    labels: Names
    numerator: Linear
    denominator: Linear = ()
    factor: Fraction = Fraction(1)
    places: int = 0
    needs: Linear = ()
    people: tuple[Linear, ...] = ()
    within: str = ""
    rule: str = ""

    def value(self, measures: Mapping[str, int]) -> Fraction | None:
        """The exact value for summed measures; None where there is nothing to divide by or nothing known."""
        if self.needs and not total(self.needs, measures):
            return None
        if not self.denominator:
            return total(self.numerator, measures) * self.factor
        below = total(self.denominator, measures)
        return Fraction(total(self.numerator, measures), below) * self.factor if below else None


def total(expression: Linear, measures: Mapping[str, int]) -> int:
    """The value of a sum of measures."""
    return sum(factor * measures[name] for factor, name in expression)


def _sum(text: str) -> Linear:
    """`5 n5 + 4 n4` as a sum of measures."""
    parts = (part.split() for part in text.split("+"))
    return tuple((int(words[0]) if len(words) == 2 else 1, words[-1]) for words in parts)


RULES: dict[str, Names] = {
    "with_na": (
        "Бааланбагандар бөлүүчүгө кирет.",
        "Неаттестованные входят в знаменатель.",
        "Not assessed included in the denominator.",
    ),
    "sou_with_na": (
        "СОУ: «5» — 100, «4» — 64, «3» — 36, «2» — 16, «1» — 4, бааланбагандар — 7 жана бөлүүчүгө кирет.",
        "СОУ: «5» — 100, «4» — 64, «3» — 36, «2» — 16, «1» — 4, н/а — 7 и входят в знаменатель.",
        "СОУ: 5 counts 100, 4 64, 3 36, 2 16, 1 4, not assessed 7 and included in the denominator.",
    ),
    "assessed_only": (
        "Бааланган окуучулар гана эсептелет.",
        "Учтены только аттестованные.",
        "Only assessed pupils are counted.",
    ),
    "one_scale": (
        "Ар башка шкалалардагы баалардын орточосу чыгарылбайт (—).",
        "Среднее по оценкам разных шкал не выводится (—).",
        "No mean is taken over values of different scales (—).",
    ),
    "attendance": (
        "Катышуу = 100 · (1 − калтырылган ÷ мүмкүн болгон окуучу-күндөр).",
        "Посещаемость = 100 · (1 − пропущено ÷ возможно ученико-дней).",
        "Attendance = 100 · (1 − missed ÷ possible pupil-days).",
    ),
}
MIXED_TERMS: Names = (
    "Ар түрдүү мезгилдердин жыйынтыктары бирге эсептелди.",
    "Результаты разных периодов сложены вместе.",
    "Results of several kinds of period are added together.",
)
LATEST_YEAR: Names = (
    "Акыркы окуу жылы боюнча.",
    "По последнему учебному году.",
    "For the latest school year.",
)
TOTAL: Names = ("Бардыгы", "Итого", "Total")
UNKNOWN: Names = ("Белгисиз", "Неизвестно", "Unknown")

_PERCENT = Fraction(100)
_PUPILS = (_sum("pupils"),)
_SEXES = (*_PUPILS, _sum("girls"), _sum("boys"))
_REPEATERS = (*_PUPILS, _sum("repeaters"))
_STAFF = (_sum("staff"),)
_STAFF_SEXES = (*_STAFF, _sum("women"), _sum("men"))
_TEACHERS = (_sum("teachers"),)
_R = _sum("n5 + n4 + n3 + n2 + n1")
_D = (*_R, (1, "na"))
_MARKED = (_D,)
_SOU = "100 n5 + 64 n4 + 36 n3 + 16 n2 + 4 n1"
_KNOWN = (_sum("missed_known"),)
_ENROLLED = (_sum("enrolled"),)
_UNEXPLAINED: Linear = ((1, "missed"), (-1, "ill"), (-1, "excused"), (-1, "unexcused"))
_ROLL = _sum("excellent + good + satisfactory + failing + not_assessed")
_PASSED = _sum("excellent + good + satisfactory")


def _count(
    cube: str, name: str, labels: Names, people: tuple[Linear, ...] | None = None, of: str | Linear = ""
) -> Indicator:
    """A sum of measures, by default of the one of the indicator's name, which counts people."""
    numerator = _sum(of or name) if isinstance(of, str) else of
    return Indicator(name, cube, labels, numerator, people=(numerator,) if people is None else people)


def _share(
    cube: str,
    name: str,
    labels: Names,
    part: Linear,
    whole: Linear,
    people: tuple[Linear, ...],
    rule: str = "",
) -> Indicator:
    """A percentage, shown with one decimal."""
    return Indicator(name, cube, labels, part, whole, _PERCENT, 1, people=people, rule=rule)


def _mean(
    cube: str, name: str, labels: Names, part: str, whole: Linear, people: tuple[Linear, ...], places: int = 2
) -> Indicator:
    return Indicator(name, cube, labels, _sum(part), whole, places=places, people=people)


_OF_PUPILS = (
    _count("pupils", "pupils", ("Окуучулар", "Ученики", "Pupils"), _PUPILS),
    _count("pupils", "girls", ("Кыздар", "Девочки", "Girls"), _SEXES),
    _count("pupils", "boys", ("Эркек балдар", "Мальчики", "Boys"), _SEXES),
    _share("pupils", "girls_share", ("Кыздардын үлүшү, %", "Доля девочек, %", "Girls, %"),
           _sum("girls"), _sum("pupils"), _SEXES),
    _count("pupils", "repeaters", ("Экинчи жылга калгандар", "Второгодники", "Repeaters"), _REPEATERS),
    _share("pupils", "repeaters_share",
           ("Экинчи жылга калгандардын үлүшү, %", "Доля второгодников, %", "Repeaters, %"),
           _sum("repeaters"), _sum("pupils"), _REPEATERS),
    _share("pupils", "later_shifts_share",
           ("Биринчи сменада окубагандар, %", "Не в первую смену, %", "Not in first shift, %"),
           _sum("later_shifts"), _sum("pupils"), _PUPILS),
)  # fmt: skip

_OF_STAFF = (
    _count("staff", "staff", ("Кызматкерлер", "Сотрудники", "Staff"), _STAFF),
    _count("staff", "women", ("Аялдар", "Женщины", "Women"), _STAFF_SEXES),
    _share("staff", "women_share", ("Аялдардын үлүшү, %", "Доля женщин, %", "Women, %"),
           _sum("women"), _sum("staff"), _STAFF_SEXES),
    _count("staff", "outside_staff",
           ("Сырттан айкалыштыруучулар", "Внешние совместители", "Outside part-timers")),
    _count("staff", "teachers", ("Мугалимдер", "Учителя", "Teachers"), _TEACHERS),
    _share("staff", "qualified_share",
           ("Жогорку педагогикалык билимдүү мугалимдер, %", "Учителя с высшим педагогическим, %",
            "Teachers with higher pedagogical education, %"),
           _sum("qualified"), _sum("teachers"), _TEACHERS),
    Indicator("mean_load", "staff",
              ("Орточо жумалык жүктөм, саат", "Средняя недельная нагрузка, ч", "Mean weekly load, hours"),
              _sum("load"), _sum("loaded"), Fraction(1, 100), 2, people=(_sum("loaded"),)),
)  # fmt: skip

_OF_MOVEMENT = (
    _count("movement", "moves", ("Бардык кыймыл", "Всего движений", "All movement")),
    _count("movement", "arrived", ("Келгендер", "Прибыло", "Arrived")),
    _count("movement", "departed", ("Кеткендер", "Выбыло", "Departed")),
    _count("movement", "transfers", ("Класстан класска", "Между классами", "Between classes")),
    _count("movement", "promoted", ("Көчүрүлгөндөр", "Переведено", "Promoted")),
    _count("movement", "kept",
           ("Экинчи жылга калтырылгандар", "Оставлено на второй год", "Kept for a second year")),
    _count("movement", "graduated", ("Бүтүргөндөр", "Выпущено", "Graduated")),
)  # fmt: skip

_OF_RESULTS = (
    _count("results", "assessed", ("Бааланды", "Аттестовано", "Assessed"), _MARKED, _R),
    _count("results", "not_assessed", ("Бааланган эмес", "Не аттестовано", "Not assessed"), _MARKED, "na"),
    *(_count("results", f"n{mark}", (f"«{mark}»", f"«{mark}»", f"“{mark}”"), _MARKED)
      for mark in (5, 4, 3, 2, 1)),
    _count("results", "exempt", ("Бошотулган", "Освобождено", "Exempt")),
    _count("results", "unmarked", ("Баасыз", "Без отметки", "Without marks")),
    _mean("results", "average", ("Орточо балл", "Средний балл", "Average mark"),
          "5 n5 + 4 n4 + 3 n3 + 2 n2 + n1", _R, _MARKED),
    _share("results", "success", ("Жетишүү, %", "Успеваемость, %", "Success, %"),
           _sum("n5 + n4 + n3"), _D, _MARKED, "with_na"),
    _share("results", "quality", ("Билим сапаты, %", "Качество знаний, %", "Quality of knowledge, %"),
           _sum("n5 + n4"), _D, _MARKED, "with_na"),
    Indicator("sou", "results", ("СОУ, %", "СОУ, %", "СОУ (degree of learning), %"),
              _sum(f"{_SOU} + 7 na"), _D, places=1, people=_MARKED, rule="sou_with_na"),
    _share("results", "success_assessed",
           ("Жетишүү (бааланганга карата), %", "Успеваемость (аттестованных), %", "Success of assessed, %"),
           _sum("n5 + n4 + n3"), _R, _MARKED, "assessed_only"),
    _share("results", "quality_assessed",
           ("Билим сапаты (бааланганга карата), %", "Качество (аттестованных), %", "Quality of assessed, %"),
           _sum("n5 + n4"), _R, _MARKED, "assessed_only"),
    Indicator("sou_assessed", "results",
              ("СОУ (бааланганга карата), %", "СОУ (аттестованных), %", "СОУ of assessed, %"),
              _sum(_SOU), _R, places=1, people=_MARKED, rule="assessed_only"),
    Indicator("mean_value", "results",
              ("Шкала боюнча орточо", "Среднее по шкале", "Mean value on its scale"),
              _sum("value_sum"), _sum("valued"), places=2, people=_MARKED, within="scale", rule="one_scale"),
    Indicator("missed", "results", ("Калтырылган сабактар", "Пропущено уроков", "Missed lessons"),
              _sum("missed"), needs=_sum("missed_known"), people=_KNOWN),
    _mean("results", "missed_per_pupil",
          ("Бир окуучуга калтырылган сабак", "Пропущено уроков на ученика", "Missed lessons a pupil"),
          "missed", _sum("missed_known"), _KNOWN),
)  # fmt: skip

_OF_ABSENCES = (
    _count("absences", "missed_days", ("Калтырылган күндөр", "Пропущено дней", "Missed days"),
           _ENROLLED, "missed"),
    _count("absences", "missed_ill", ("Оорусуна байланыштуу", "По болезни", "Of them ill"), _ENROLLED, "ill"),
    _count("absences", "missed_excused",
           ("Жүйөлүү себеп менен", "По уважительной причине", "Of them excused"), _ENROLLED, "excused"),
    _count("absences", "missed_unexcused",
           ("Жүйөлүү себепсиз", "Без уважительной причины", "Of them unexcused"), _ENROLLED, "unexcused"),
    _count("absences", "missed_unknown",
           ("Себеби белгисиз", "Причина неизвестна", "Of them reason unknown"), _ENROLLED, _UNEXPLAINED),
    _count("absences", "late", ("Кечигүүлөр", "Опоздания", "Late"), _ENROLLED),
    _share("absences", "attendance_rate", ("Катышуу пайызы", "Процент посещаемости", "Attendance rate, %"),
           ((1, "enrolled"), (-1, "missed")), _sum("enrolled"), _ENROLLED, "attendance"),
)  # fmt: skip

_OF_CATEGORIES = (
    *(_count("categories", name, labels, (_ROLL,)) for name, labels in (
        ("excellent", ("Бешке окугандар", "Отличники", "Excellent pupils")),
        ("good", ("Төрткө жана бешке окугандар", "Хорошисты", "Good pupils")),
        ("satisfactory", ("Үчкө окугандар", "Троечники", "Satisfactory pupils")),
        ("failing", ("Жетишпегендер", "Неуспевающие", "Failing pupils")),
        ("one_four", ("Бир «4» баасы барлар", "С одной «4»", "With one 4")),
        ("one_three", ("Бир «3» баасы барлар", "С одной «3»", "With one 3")),
    )),
    _count("categories", "category_not_assessed",
           ("Бааланбагандар", "Не аттестованы", "Not assessed pupils"), (_ROLL,), "not_assessed"),
    _share("categories", "class_success",
           ("Класстын жетишүүсү, %", "Успеваемость класса, %", "Class success, %"),
           _PASSED, _ROLL, (_ROLL,), "with_na"),
    _share("categories", "class_quality",
           ("Класстын билим сапаты, %", "Качество знаний класса, %", "Class quality, %"),
           _sum("excellent + good"), _ROLL, (_ROLL,), "with_na"),
)  # fmt: skip

_OF_LESSONS = (
    _count("lessons", "lessons", ("Өткөн сабактар", "Проведено уроков", "Lessons held"), ()),
    _count("lessons", "marks", ("Коюлган баалар", "Выставлено оценок", "Marks given"), ()),
    _count("lessons", "lessons_missed", ("Калтырылган сабактар", "Пропущено уроков", "Missed lessons"), (),
           "missed"),
)  # fmt: skip

INDICATORS: dict[str, Indicator] = {
    indicator.name: indicator
    for group in (
        _OF_PUPILS, _OF_STAFF, _OF_MOVEMENT, _OF_RESULTS, _OF_ABSENCES, _OF_CATEGORIES, _OF_LESSONS
    )
    for indicator in group
}  # fmt: skip


# ---- names of dimensions and their values


@dataclass(frozen=True)
class Dimension:
    """A dimension's labels and the code list that names its values, if one does."""

    labels: Names
    codes: str = ""


DIMENSIONS: dict[str, Dimension] = {
    "province": Dimension(("Облус", "Область", "Province")),
    "district": Dimension(("Район", "Район", "District")),
    "school": Dimension(("Мектеп", "Школа", "School")),
    "year": Dimension(("Окуу жылы", "Учебный год", "School year")),
    "grade": Dimension(("Параллель", "Параллель", "Grade")),
    "class": Dimension(("Класс", "Класс", "Class")),
    "class_group": Dimension(("Класстын номери", "Номер записи класса", "Class row")),
    "sex": Dimension(("Жынысы", "Пол", "Sex"), "sex"),
    "language": Dimension(("Окутуу тили", "Язык обучения", "Language of instruction"), "language"),
    "age": Dimension(("Жашы", "Возраст", "Age")),
    "repeating": Dimension(("Экинчи жыл", "Второгодник", "Repeating"), "yes_no"),
    "residence": Dimension(("Жашаган жери", "Местность", "Residence"), "residence"),
    "shift": Dimension(("Смена", "Смена", "Shift")),
    "position": Dimension(("Кызмат орду", "Должность", "Position"), "position"),
    "category": Dimension(("Категориясы", "Категория", "Category"), "category"),
    "education": Dimension(("Билими", "Образование", "Education"), "education"),
    "experience": Dimension(("Педагогикалык стажы", "Педагогический стаж", "Experience"), "experience"),
    "outside": Dimension(("Сырттан айкалыштыруучу", "Внешний совместитель", "Outside part-timer"), "yes_no"),
    "kind": Dimension(("Кыймылдын түрү", "Вид движения", "Kind of movement"), "movement_kind"),
    "reason": Dimension(("Себеби", "Причина", "Reason"), "movement_reason"),
    "day": Dimension(("Күнү", "День", "Day")),
    "month": Dimension(("Айы", "Месяц", "Month")),
    "subject": Dimension(("Предмет", "Предмет", "Subject")),
    "teacher": Dimension(("Мугалим", "Учитель", "Teacher")),
    "term": Dimension(("Окуу мезгили", "Период", "Period")),
    "term_kind": Dimension(("Мезгилдин түрү", "Вид периода", "Kind of period"), "term_kind"),
    "term_number": Dimension(("Мезгилдин номери", "Номер периода", "Number of period")),
    "scale": Dimension(("Шкала", "Шкала", "Scale")),
}
"""Every dimension of a cube, and those a district adds to cells (`province`, `district`, `school`)."""


def pick(names: Names, language: str) -> str:
    """One of three names by language."""
    return names[LANGUAGES.index(language)]


def value_label(dimension: str, value: Key, language: str, naming: Naming | None = None) -> str:
    """A dimension's value as people read it: from the caller's rows, else from the shipped reference rows."""
    own = naming(dimension, value) if naming else None
    if own is not None:
        return own
    if value is None or (dimension == "grade" and value == 0):
        return pick(UNKNOWN, language)
    if dimension in DIMENSIONS and DIMENSIONS[dimension].codes:
        return code_name(DIMENSIONS[dimension].codes, str(value), language)
    shaped = _SHAPES.get(dimension)
    return shaped(value, language) if shaped else str(value)


def _grade_label(value: Key, language: str) -> str:
    return pick((f"{value}-класс", f"{value} класс", f"Grade {value}"), language)


def _term_label(value: Key, language: str) -> str:
    kind, _, number = str(value).partition("-")
    name = code_name("term_kind", kind, language)
    if not number:
        return name
    low = name[:1].lower() + name[1:]
    return pick((f"{number}-{low}", f"{number} {low}", f"{name} {number}"), language)


def _day_label(value: Key, language: str) -> str:
    date = date_of(int(str(value)))
    return date.isoformat() if language == "en" else date.strftime("%d.%m.%Y")


_SHAPES: dict[str, Callable[[Key, str], str]] = {
    "grade": _grade_label,
    "term": _term_label,
    "day": _day_label,
    "subject": lambda value, language: subject_name(str(value), language),
    "scale": lambda value, language: scale_name(str(value), language),
}


def place_of(dimension: str, value: Key) -> tuple[object, ...]:
    """The order of a dimension's values: codes as listed, periods by kind, 2-А before 10-А, unknown last."""
    unknown = value is None or (dimension == "grade" and value == 0)
    first = 0
    if dimension in DIMENSIONS and DIMENSIONS[dimension].codes:
        first = code_place(DIMENSIONS[dimension].codes, str(value))
    elif dimension == "term":
        kind = str(value).partition("-")[0]
        first = TERM_KINDS.index(kind) if kind in TERM_KINDS else len(TERM_KINDS)
    parts = re.split(r"(\d+)", "" if value is None else str(value))
    natural = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in parts if part
    )
    return (unknown, first, natural)


# ---- cross-tables

_Keys = tuple[Key, ...]
Where = Mapping[str, Key | Collection[Key]]


class _Group:
    """The cells behind one figure: their summed measures and the people behind them.

    `apart` names a dimension over which nothing may be added up.
    """

    def __init__(self, cube: Cube, apart: str = "") -> None:
        self.cube = cube
        self.apart = apart
        self.totals: Counter[str] = Counter()
        self.slices: defaultdict[_Keys, Counter[str]] = defaultdict(Counter)
        self.kinds: defaultdict[str, set[Key]] = defaultdict(set)

    def add(self, cell: Cell) -> None:
        self.totals.update(cell.measures)
        key = tuple(cell.dims.get(name) for name in self.cube.repeats)
        self.slices[key].update(cell.measures)
        for name in ("scale", "term_kind", "year"):
            if name in cell.dims and (name != "scale" or cell.measures["valued"]):
                self.kinds[name].add(cell.dims[name])

    def people(self, expression: Linear) -> int:
        """The most people that one subject and period (say) counts: never more than there are."""
        return max((total(expression, measures) for measures in self.slices.values()), default=0)

    def figure(self, indicator: Indicator) -> Figure:
        mixed = any(len(self.kinds[name]) > 1 for name in (indicator.within, self.apart) if name)
        value = None if mixed else indicator.value(self.totals)
        return Figure(value, tuple(self.people(expression) for expression in indicator.people))


def tabulate(
    cells: Iterable[Cell],
    indicators: Sequence[str | Indicator],
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    where: Where | None = None,
    *,
    title: str = "",
    language: str = "ky",
    naming: Naming | None = None,
    chart: bool = False,
) -> Report:
    """A cross-table of indicators of one cube with totals; InvalidValue for an unknown name.

    `where` maps a dimension to a value or to several. Stock figures (pupils, staff) are never added up over
    years: unless the year is a row, a column or chosen, each school's latest year is taken and a note says
    so; where it is, totals over several years are left empty.
    """
    chosen = [_indicator(name) for name in indicators]
    cube = _one_cube(chosen)
    where = where or {}
    _check_dimensions(cube, (*rows, *columns, *where))
    kept = [cell for cell in cells if all(_matches(cell.dims.get(d), wanted) for d, wanted in where.items())]
    stock = cube.stock and "year" not in {*rows, *columns, *where}
    apart = "year" if cube.stock and not stock else ""
    groups = _grouped(_latest_year(kept) if stock else kept, lambda: _Group(cube, apart), rows, columns)
    table = _Table(_Group(cube), chosen, tuple(rows), tuple(columns), groups, language, naming)
    name = title or ", ".join(pick(indicator.labels, language) for indicator in chosen)
    full = int(chosen[0].factor) if chosen[0].denominator and chosen[0].factor == _PERCENT else 0
    graph = Chart(pick(chosen[0].labels, language), table.chart_column(), full) if chart and rows else None
    notes = tuple(pick(note, language) for note in _notes(chosen, groups.values(), stock and bool(kept)))
    return Report(name, table.columns(), table.rows(), notes, graph, language)


def _notes(indicators: Sequence[Indicator], groups: Iterable[_Group], latest_year: bool) -> Iterator[Names]:
    """The rules that were used, each once."""
    yield from (RULES[rule] for rule in dict.fromkeys(i.rule for i in indicators) if rule)
    if latest_year:
        yield LATEST_YEAR
    if any(len(group.kinds["term_kind"]) > 1 for group in groups):
        yield MIXED_TERMS


def _indicator(name: str | Indicator) -> Indicator:
    if isinstance(name, Indicator):
        return name
    if name not in INDICATORS:
        raise InvalidValue(table="report", column="indicator", value=name)
    return INDICATORS[name]


def _one_cube(indicators: Sequence[Indicator]) -> Cube:
    cubes = {indicator.cube for indicator in indicators}
    if len(cubes) != 1:
        raise InvalidValue(table="report", column="indicator", value=", ".join(sorted(cubes)))
    return CUBES[cubes.pop()]


def _check_dimensions(cube: Cube, names: Sequence[str]) -> None:
    for name in names:
        if name not in cube.dimensions and name not in PLACES:
            raise InvalidValue(table="report", column="dimension", value=name)


PLACES = ("province", "district", "school")
"""Dimensions a district adds to the cells of its schools."""


def _matches(value: Key, wanted: Key | Collection[Key]) -> bool:
    return value == wanted if wanted is None or isinstance(wanted, (str, int)) else value in wanted


def _latest_year(cells: Sequence[Cell]) -> list[Cell]:
    """The cells of each school's latest school year."""
    latest: dict[Key, str] = {}
    for cell in cells:
        school = cell.dims.get("school")
        latest[school] = max(latest.get(school, ""), str(cell.dims["year"] or ""))
    return [cell for cell in cells if str(cell.dims["year"] or "") == latest[cell.dims.get("school")]]


def _grouped(
    cells: Iterable[Cell], group: Callable[[], _Group], rows: Sequence[str], columns: Sequence[str]
) -> dict[tuple[_Keys | None, _Keys | None], _Group]:
    """(row key, column key) -> its cells; None instead of a key: the total."""
    groups: defaultdict[tuple[_Keys | None, _Keys | None], _Group] = defaultdict(group)
    for cell in cells:
        row = tuple(cell.dims.get(name) for name in rows) or None
        column = tuple(cell.dims.get(name) for name in columns) or None
        for key in {(row, column), (row, None), (None, column), (None, None)}:
            groups[key].add(cell)
    return dict(groups)


@dataclass(frozen=True)
class _Table:
    """The rows and columns of a cross-table."""

    empty: _Group
    indicators: Sequence[Indicator]
    row_dimensions: tuple[str, ...]
    column_dimensions: tuple[str, ...]
    groups: Mapping[tuple[_Keys | None, _Keys | None], _Group]
    language: str
    naming: Naming | None

    def _sorted(self, dimensions: tuple[str, ...], side: int) -> list[_Keys | None]:
        """The keys of one side in order, the total last; only the total where nothing divides that side."""
        keys = {key for pair in self.groups if (key := pair[side]) is not None}
        places = {key: [place_of(*pair) for pair in zip(dimensions, key, strict=True)] for key in keys}
        return [*sorted(keys, key=places.__getitem__), None]

    def _name(self, dimension: str, value: Key) -> str:
        return value_label(dimension, value, self.language, self.naming)

    @cached_property
    def across(self) -> list[_Keys | None]:
        return self._sorted(self.column_dimensions, 1)

    def columns(self) -> tuple[Column, ...]:
        heads = [Column(pick(DIMENSIONS[name].labels, self.language)) for name in self.row_dimensions]
        return (*heads, *(self._column(i, b) for b in range(len(self.across)) for i in self.indicators))

    def _column(self, indicator: Indicator, block: int) -> Column:
        key = self.across[block]
        group = "" if not self.column_dimensions else pick(TOTAL, self.language)
        if key is not None:
            group = ", ".join(self._name(*pair) for pair in zip(self.column_dimensions, key, strict=True))
        basis = tuple(" ".join(f"{n}*{m}" for n, m in expression) for expression in indicator.people)
        is_total = key is None and bool(self.column_dimensions)
        label = pick(indicator.labels, self.language)
        return Column(label, True, indicator.places, group, block, is_total, basis)

    def rows(self) -> tuple[Row, ...]:
        return tuple(self._row(key) for key in self._sorted(self.row_dimensions, 0))

    def _row(self, key: _Keys | None) -> Row:
        names = [pick(TOTAL, self.language), *[""] * len(self.row_dimensions)][: len(self.row_dimensions)]
        if key is not None:
            names = [self._name(*pair) for pair in zip(self.row_dimensions, key, strict=True)]
        groups = (self.groups.get((key, column), self.empty) for column in self.across)
        figures = (group.figure(indicator) for group in groups for indicator in self.indicators)
        return Row((*names, *figures), key is None and bool(self.row_dimensions), key or ())

    def chart_column(self) -> int:
        """The first indicator over all columns."""
        return len(self.row_dimensions) + (len(self.across) - 1) * len(self.indicators)


__all__ = [
    "CUBES", "DIMENSIONS", "INDICATORS", "PLACES", "RULES", "Cell", "Cube", "Dimension", "Indicator", "Key",
    "Linear", "Names", "Naming", "Run", "evaluate", "hide_small", "pick", "place_of", "tabulate", "total",
    "value_label",
]  # fmt: skip
