"""Dimensions and their values as people read them, and the order in which they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.dates import date_of
from shared.indicators.cubes import Key, Names
from shared.reference import LANGUAGES, code_name, code_place, scale_name, subject_name
from shared.schema import TERM_KINDS

Naming = Callable[[str, Key], str | None]
"""(dimension, value) -> the name in the school's or hub's own rows; None: the shipped one will do."""
UNKNOWN: Names = ("Белгисиз", "Неизвестно", "Unknown")


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
