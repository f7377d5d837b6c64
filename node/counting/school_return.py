"""The return of the school year's start (ОШ-1, 1-мектеп), sections A to F, from the school's own rows.

Pupils are counted by the cube that the district evaluates too, on the reference date of the year (the school may set
its own); ages are those of that date. Every figure has a name, `section|row|column`, under which a frozen return
keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from sqlite_utils import Database

from node import roster, yearbook
from node.certificates import queries as certificates
from node.classes import queries as class_queries
from node.counting.stages import STAGES, Check, stage_of
from node.roster import AWAY
from shared.dates import school_year_name
from shared.i18n import N_, coded, column_label
from shared.indicators import Cell, evaluate, value_label
from shared.problems import NotFound
from shared.reference import subject_name
from shared.report import Column, Report, Row
from shared.schema import LANGUAGES
from sync.state import State

CODE = "school_return"
OWN_LANGUAGE = {"ky": "kyr", "ru": "rus", "uz": "uzb", "tg": "tgk", "en": "eng", "pt": "por"}
"""Language of instruction -> the subject in which it is taught; elsewhere that subject is a second language."""
TAUGHT = ("kyr", "rus", "uzb", "tgk", "eng", "deu", "fra", "por")
"""Subjects of section E: second languages, then foreign ones."""
B = ("classes", "sets", "pupils", "girls", "repeaters", "shift_1", "shift_2", "shift_3")
LEFT = ("district", "country", "abroad", "college", "other")
F = (
    "roll",
    "promoted",
    "repeating",
    "graduated",
    "certificates",
    "honours",
    *(f"left_{one}" for one in LEFT),
)
HEADS = {
    "classes": N_("Classes"),
    "sets": N_("Combined sets"),
    "pupils": N_("Pupils"),
    "girls": N_("Girls"),
    "repeaters": N_("Repeaters"),
    "shift_1": N_("Shift 1"),
    "shift_2": N_("Shift 2"),
    "shift_3": N_("Shift 3 and later"),
    "roll": N_("On the roll at the year's end"),
    "promoted": N_("Promoted"),
    "repeating": N_("Kept for a second year"),
    "graduated": N_("Graduated"),
    "certificates": N_("Certificates given out"),
    "honours": N_("Graduates with all fives"),
    "left_district": N_("Left in summer: to a school of the district"),
    "left_country": N_("Left in summer: elsewhere in the country"),
    "left_abroad": N_("Left in summer: abroad"),
    "left_college": N_("Left in summer: to a college or lyceum"),
    "left_other": N_("Left in summer: other"),
}
TITLES = {
    "B": N_("B. Classes and pupils by grade"),
    "C": N_("C. Languages of instruction"),
    "D": N_("D. Ages on the reference date"),
    "E": N_("E. Second and foreign languages studied"),
    "F": N_("F. The year before"),
}
Translate = Callable[..., str]
UNKNOWN = "?"


# ---- counting


def reference_day(db: Database, year: int) -> int:
    """The day on which the return counts. NotFound."""
    day = roster.reference_day(db, year)
    if day is None:
        raise NotFound()
    return day


def figures(db: Database, year: int, term: int | None = None) -> Mapping[str, int]:
    """Every figure of the return under its name; it has no terms. NotFound."""
    day = reference_day(db, year)
    school = int(State(db).school)
    cells = evaluate(db.execute, "pupils", school, day)
    found: Counter[str] = Counter()
    _classes(db, year, day, found)
    for cell in cells:
        _count(cell, found)
    _ages(db, day, found)
    _languages(db, year, day, found)
    _last_year(db, year, school, found)
    return found


def _classes(db: Database, year: int, day: int, found: Counter[str]) -> None:
    rows = db.execute(
        """SELECT cg.grade, cg.language, (SELECT count(*) > 0 FROM class_group o WHERE o.combined = cg.id
             AND o.retired_at IS NULL AND (o.closed_on IS NULL OR o.closed_on > :day))
           FROM class_group cg WHERE cg.year = :year AND cg.retired_at IS NULL
             AND (cg.closed_on IS NULL OR cg.closed_on > :day)""",
        {"year": year, "day": day},
    ).fetchall()
    for grade, language, leads in rows:
        found[f"B|{grade or 0}|classes"] += 1
        found[f"B|{grade or 0}|sets"] += leads
        found[f"C|{language or UNKNOWN}|{grade or 0}.classes"] += 1


def _count(cell: Cell, found: Counter[str]) -> None:
    grade, language = cell.dims["grade"], cell.dims["language"] or UNKNOWN
    pupils, girls = cell.measures["pupils"], cell.measures["girls"]
    shift = cell.dims["shift"] or 1
    found[f"B|{grade}|pupils"] += pupils
    found[f"B|{grade}|girls"] += girls
    found[f"B|{grade}|repeaters"] += cell.measures["repeaters"]
    found[f"B|{grade}|shift_{min(int(shift), 3)}"] += pupils
    found[f"C|{language}|{grade}.pupils"] += pupils
    found[f"C|{language}|{grade}.girls"] += girls


def _ages(db: Database, day: int, found: Counter[str]) -> None:
    """Pupils by age on the day itself, for a school may have moved it since the ages were written into the roll."""
    rows = db.execute(
        """SELECT DISTINCT e.pupil, cg.grade, p.sex, p.birth_date, p.birth_year, e.age FROM enrolment e
           JOIN class_group cg ON cg.id = e.class_group AND cg.retired_at IS NULL
           JOIN pupil u ON u.person = e.pupil AND u.retired_at IS NULL
           JOIN person p ON p.id = e.pupil AND p.retired_at IS NULL
           WHERE e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)""",
        {"day": day},
    ).fetchall()
    for _, grade, sex, born, year, written in rows:
        years = roster.age_of(born, year, day)
        age = written if years is None else years
        found[f"D|{UNKNOWN if age is None else age}|{grade}.t"] += 1
        found[f"D|{UNKNOWN if age is None else age}|{grade}.g"] += sex == "f"


def _languages(db: Database, year: int, day: int, found: Counter[str]) -> None:
    """Pupils who study a language that is not the one they are taught in, by stage."""
    stages, marks = stage_of(db), ", ".join("?" * len(TAUGHT))
    rows = db.execute(
        f"""SELECT DISTINCT ifnull(standard.code, s.code), cg.grade, cg.language, e.pupil
            FROM subject_group sg JOIN subject s ON s.id = sg.subject
            LEFT JOIN subject standard ON standard.id = s.standard JOIN class_group cg ON cg.id = sg.class_group
            JOIN enrolment e ON e.class_group = cg.id
            WHERE cg.year = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL AND e.retired_at IS NULL
              AND e.start <= ? AND (e."end" IS NULL OR e."end" > ?)
              AND ifnull(standard.code, s.code) IN ({marks})
              AND (NOT EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id
                     AND g.retired_at IS NULL)
                OR EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.pupil = e.pupil
                     AND g.retired_at IS NULL AND ifnull(g.start, e.start) <= ?
                     AND (g."end" IS NULL OR g."end" > ?) AND NOT {AWAY.format(first="?", last="?")}))""",
        (year, day, day, *TAUGHT, day, day, day, day),
    ).fetchall()
    for subject, grade, language, _ in rows:
        if OWN_LANGUAGE.get(language) != subject:
            found[f"E|{subject}|{stages[grade or 0]}"] += 1


def _last_year(db: Database, year: int, school: int, found: Counter[str]) -> None:
    """What became of the pupils of the year before, by the grade they were in."""
    years = class_queries.all_years(db)
    this = next(one for one in years if one.id == year)
    last = max((one for one in years if one.start < this.start), key=lambda one: one.start, default=None)
    if last is None:
        return
    for cell in evaluate(db.execute, "pupils", school, last.end):
        found[f"F|{cell.dims['grade']}|roll"] += cell.measures["pupils"]
    for cell in evaluate(db.execute, "movement", school):
        grade, day = cell.dims["grade"], int(str(cell.dims["day"] or 0))
        if cell.dims["year"] == school_year_name(last.start):
            found[f"F|{grade}|promoted"] += cell.measures["promoted"]
            found[f"F|{grade}|repeating"] += cell.measures["kept"]
            found[f"F|{grade}|graduated"] += cell.measures["graduated"]
        if last.end < day <= this.start:
            reason = cell.dims["reason"] if cell.dims["reason"] in LEFT else "other"
            found[f"F|{grade}|left_{reason}"] += cell.measures["departed"]
    for grade, count in certificates.counts(db, last.id).items():
        found[f"F|{grade}|certificates"] += count
    for grade, count in _honours(db, last.id):
        found[f"F|{grade or 0}|honours"] += count


def _honours(db: Database, year: int) -> list[tuple[int, int]]:
    """Grade -> graduates of a year all of whose annual (or final) results that count are fives."""
    fives: dict[int, bool] = {}
    for one in yearbook.of_year(db, year, ("year", "final")):
        if one.status in ("assessed", "na"):
            mark = one.value if one.band is None else one.band
            five = one.status == "assessed" and mark in (5, None)
            fives[one.pupil] = fives.get(one.pupil, True) and five
    graduated = db.execute(
        """SELECT DISTINCT cg.grade, m.pupil FROM movement m JOIN class_group cg ON cg.id = m.from_class
           WHERE m.kind = 'graduated' AND m.retired_at IS NULL AND cg.year = ?""",
        (year,),
    ).fetchall()
    return list(Counter(grade for grade, pupil in graduated if fives.get(pupil, False)).items())


# ---- section A


def school_facts(db: Database, year: int) -> list[tuple[str, str]]:
    """Section A as label and text: what the district's row of the school says, else what the classes show."""
    row = next(
        iter(db.query("SELECT * FROM school WHERE id = ? AND retired_at IS NULL", (State(db).school,))), None
    )
    classes = db.execute(
        """SELECT count(DISTINCT shift), group_concat(DISTINCT week_days), group_concat(DISTINCT language)
           FROM class_group WHERE year = ? AND retired_at IS NULL AND closed_on IS NULL""",
        (year,),
    ).fetchone()
    held = row or {}
    languages = [one for one in LANGUAGES if one in (classes[2] or "").split(",")]
    urban = held.get("urban")
    return [
        (column_label("school", "kind"), coded(held.get("kind"), "school", "kind")),
        (
            column_label("pupil", "residence"),
            coded(None if urban is None else "urban" if urban else "rural", "pupil", "residence"),
        ),
        (
            column_label("class_group", "language"),
            ", ".join(coded(one, "class_group", "language") for one in languages) or "—",
        ),
        (column_label("school", "shifts"), str(held.get("shifts") or classes[0] or "—")),
        (
            column_label("school", "week_days"),
            str(held.get("week_days") or ", ".join(sorted((classes[1] or "—").split(",")))),
        ),
        (column_label("school", "capacity"), str(held.get("capacity") or "—")),
    ]


# ---- sections B to F as tables


def sections(db: Database, named: Mapping[str, int], gettext: Translate, language: str) -> dict[str, Report]:
    """Section -> its table, from named figures."""
    table = _Table(db, named, gettext, language)
    return {"B": table.b(), "C": table.c(), "D": table.d(), "E": table.e(), "F": table.f()}


class _Table:
    """The named figures with what names rows and columns."""

    def __init__(self, db: Database, named: Mapping[str, int], gettext: Translate, language: str) -> None:
        self.stages = stage_of(db)
        self.gettext = gettext
        self.language = language
        self.cells: dict[str, dict[str, dict[str, int]]] = {section: {} for section in TITLES}
        for key, number in named.items():
            section, row, column = key.split("|")
            self.cells[section].setdefault(row, {})[column] = number

    def _report(self, section: str, columns: Iterable[Column], rows: Sequence[Row], *notes: str) -> Report:
        title = self.gettext(TITLES[section])
        return Report(title, tuple(columns), tuple(rows), notes, language=self.language)

    def _grades(self, section: str) -> list[str]:
        return sorted(self.cells[section], key=int)

    def _grade(self, grade: str) -> str:
        return value_label("grade", int(grade), self.language)

    def _sum(self, section: str, rows: Iterable[str]) -> Counter[str]:
        total: Counter[str] = Counter()
        for row in rows:
            total.update(self.cells[section][row])
        return total

    def b(self) -> Report:
        columns = [Column(self.gettext("Grade")), *(Column(self.gettext(HEADS[one]), True) for one in B)]
        columns.append(Column(self.gettext("Average size"), True, 1))
        grades = self._grades("B")
        rows = [self._line_b(self._grade(grade), self._sum("B", [grade])) for grade in grades]
        for stage, name in STAGES.items():
            within = [grade for grade in grades if self.stages[int(grade)] == stage]
            if within:
                rows.append(self._line_b(self.gettext(name), self._sum("B", within), True))
        rows.append(self._line_b(self.gettext("Total"), self._sum("B", grades), True))
        return self._report("B", columns, rows)

    def _line_b(self, name: str, sums: Mapping[str, int], total: bool = False) -> Row:
        size = Fraction(sums["pupils"], sums["classes"]) if sums["classes"] else None
        return Row((name, *(sums[one] for one in B), size), total)

    def c(self) -> Report:
        languages = [one for one in (*LANGUAGES, UNKNOWN) if one in self.cells["C"]]
        grades = sorted({int(c.split(".")[0]) for row in self.cells["C"].values() for c in row})
        columns = [Column(self.gettext("Language of instruction"))]
        for block, grade in enumerate((*map(str, grades), "")):
            group = self._grade(grade) if grade else self.gettext("Total")
            columns += [
                Column(self.gettext(HEADS[one]), True, group=group, block=block)
                for one in ("classes", "pupils", "girls")
            ]
        rows = [self._line_c(self._language(one), self._sum("C", [one]), grades) for one in languages]
        rows.append(self._line_c(self.gettext("Total"), self._sum("C", languages), grades, True))
        return self._report("C", columns, rows)

    def _language(self, code: str) -> str:
        return value_label("language", None if code == UNKNOWN else code, self.language)

    def _line_c(self, name: str, sums: Mapping[str, int], grades: Sequence[int], total: bool = False) -> Row:
        measures = ("classes", "pupils", "girls")
        cells = [sums[f"{grade}.{one}"] for grade in grades for one in measures]
        ends = [sum(sums[f"{grade}.{one}"] for grade in grades) for one in measures]
        return Row((name, *cells, *ends), total)

    def d(self) -> Report:
        ages = sorted(self.cells["D"], key=lambda age: (age == UNKNOWN, int(age) if age != UNKNOWN else 0))
        grades = sorted({int(c.split(".")[0]) for row in self.cells["D"].values() for c in row})
        columns = [Column(self.gettext("Age"))]
        for block, grade in enumerate((*map(str, grades), "")):
            group = self._grade(grade) if grade else self.gettext("Total")
            columns += [
                Column(self.gettext("all"), True, group=group, block=block),
                Column(self.gettext("girls"), True, group=group, block=block),
            ]
        rows = [
            self._line_d(value_label("age", None if age == UNKNOWN else age, self.language), [age], grades)
            for age in ages
        ]
        rows.append(self._line_d(self.gettext("Total"), ages, grades, True))
        return self._report(
            "D", columns, rows, self.gettext("Age: full years on the reference date of the school year.")
        )

    def _line_d(self, name: str, ages: Sequence[str], grades: Sequence[int], total: bool = False) -> Row:
        sums = self._sum("D", ages)
        cells = [sums[f"{grade}.{part}"] for grade in grades for part in ("t", "g")]
        ends = [sum(sums[f"{grade}.{part}"] for grade in grades) for part in ("t", "g")]
        return Row((name, *cells, *ends), total)

    def e(self) -> Report:
        columns = [Column(self.gettext("Language"))]
        columns += [Column(self.gettext(name), True) for name in STAGES.values()]
        columns.append(Column(self.gettext("Total"), True))
        rows = []
        for subject in TAUGHT:
            row = self.cells["E"].get(subject)
            if row:
                numbers = [row.get(stage, 0) for stage in STAGES]
                rows.append(Row((subject_name(subject, self.language), *numbers, sum(numbers))))
        note = self.gettext(
            "Who studies two languages is counted in both; the language of instruction is left out."
        )
        return self._report("E", columns, rows, note)

    def f(self) -> Report:
        columns = [Column(self.gettext("Grade")), *(Column(self.gettext(HEADS[one]), True) for one in F)]
        grades = self._grades("F")
        rows = [Row((self._grade(grade), *(self._sum("F", [grade])[one] for one in F))) for grade in grades]
        rows.append(Row((self.gettext("Total"), *(self._sum("F", grades)[one] for one in F)), True))
        note = self.gettext("Certificates are not recorded here.")
        return self._report("F", columns, rows, note)


# ---- checks


def checks(named: Mapping[str, int], gettext: Translate) -> list[Check]:
    """The rules of the form: B = C = D, girls no more than all, shifts add up."""
    totals: Counter[str] = Counter()
    for key, number in named.items():
        section, _, column = key.split("|")
        totals[f"{section}.{column.split('.')[-1]}"] += number
    b, c, d = totals["B.pupils"], totals["C.pupils"], totals["D.t"]
    shifts = sum(totals[f"B.shift_{one}"] for one in (1, 2, 3))
    girls = all(
        number
        <= named.get(key.replace("|girls", "|pupils").replace(".girls", ".pupils").replace(".g", ".t"), 0)
        for key, number in named.items()
        if key.endswith(("girls", ".g"))
    )
    return [
        Check(gettext("Pupils by grade = by language = by age"), b == c == d),
        Check(gettext("Girls are not more than all"), girls and totals["B.girls"] == totals["D.g"]),
        Check(gettext("The shifts add up to all pupils"), shifts == b),
    ]


def name_of(db: Database, key: str, gettext: Translate, language: str) -> str:
    """What a named figure is, in words."""
    section, row, column = key.split("|")
    parts = [f"{section}."]
    if section in "BF":
        parts += [value_label("grade", int(row), language), gettext(HEADS[column])]
    elif section == "E":
        parts += [subject_name(row, language), gettext(STAGES[column])]
    else:
        grade, _, measure = column.partition(".")
        dimension = "language" if section == "C" else "age"
        parts.append(value_label(dimension, None if row == UNKNOWN else row, language))
        parts.append(value_label("grade", int(grade), language))
        words = {"t": gettext("all"), "g": gettext("girls")}
        parts.append(words.get(measure) or gettext(HEADS[measure]))
    return " · ".join(parts)
