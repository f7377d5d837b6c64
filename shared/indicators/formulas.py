"""Indicators: sums and quotients of the measures of a cube, with the rules by which they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from shared.indicators.cubes import Names

Linear = tuple[tuple[int, str], ...]
"""A sum of measures with whole factors."""


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
PERCENT = Fraction(100)
"""The factor of an indicator that is a share."""
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
    return Indicator(name, cube, labels, part, whole, PERCENT, 1, people=people, rule=rule)


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
