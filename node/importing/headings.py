"""Headings of lists: how they are compared, what else a column may be called, and which column is which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from shared.i18n import LANGUAGES, folded

FULL_NAME = "full name"
"""Stands for a column that holds surname, given name and patronymic in one."""
LEFT_OUT = ""
"""Stands for a column that is none of the list's."""
PARTS = ("surname", "given", "patronymic")

SYNONYMS: dict[str, tuple[str, ...]] = {
    "surname": ("Окуучунун фамилиясы", "Фамилия ученика", "Фамилия учащегося", "Фам", "Last name", "Family name"),
    "given": ("Ысымы", "Ысмы", "Окуучунун аты", "Имя ученика", "Имя учащегося", "First name"),
    "patronymic": ("Атасынын ысымы", "Отч", "Middle name"),
    "born": ("Туулган датасы", "Туулган жылы", "Туулган күнү, айы, жылы", "Туулган жылы, айы, күнү", "Дата рожд",
             "Год рождения", "День рождения", "Число, месяц, год рождения", "Д.р.", "Birth date", "Birthday", "Born"),
    "sex": ("Жыныс", "Gender"),
    "class": ("Классы", "Окуган классы", "Grade"),
    "phone": ("Тел", "Тел. номери", "Телефон номери", "Телефон номуру", "Байланыш телефону", "Уюлдук телефону",
              "Номер телефона", "Тел. номер", "Контактный телефон", "Мобильный телефон", "Phone number", "Mobile"),
    "address": ("Жашаган дареги", "Үй дареги", "Домашний адрес", "Адрес проживания", "Место жительства",
                "Home address"),
    "pin": ("ИНН", "ПИН/ИНН", "ИНН/ПИН", "PIN", "ПИН коду", "Персональный номер", "Жеке идентификациялык номери",
            "Персональный идентификационный номер"),
    "file": ("Өздүк делосу", "Өздүк делонун номери", "Өздүк иш №", "Номер личного дела", "Личное дело №", "Л/д",
             "№ л/д"),
    "consent": ("Макулдук күнү", "Макулдук берилген күн", "Дата согласия", "Согласие от", "Consent date"),
    "enrolled": ("Кабыл алынган датасы", "Келген күнү", "Дата приёма", "Дата поступления", "Дата прибытия",
                 "Зачислен", "Enrolment date"),
    "relation": ("Туугандыгы", "Туугандык байланышы", "Ким болот", "Кимиси", "Кем приходится", "Родство",
                 "Relationship"),
    "residence": ("Айыл/шаар", "Шаар/айыл", "Город/село", "Город или село"),
    "position": ("Кызматы", "Ээлеген кызматы", "Занимаемая должность", "Job"),
    "education": ("Билим деңгээли", "Уровень образования"),
    "category": ("Квалификациялык категориясы", "Квалификационная категория"),
    "language": ("Тили", "Окуу тили", "Язык"),
    "subject": ("Предмети", "Окуу предмети", "Учебный предмет", "Дисциплина"),
    "day": ("Датасы", "Дата урока", "Сабактын күнү", "Date"),
    "value": ("Баасы", "Отметка", "Балл"),
    "section": ("Бөлүмү", "Модуль", "Глава"),
    "topic": ("Темасы", "Сабактын темасы", "Тема урока", "Темы"),
    "hours": ("Сааты", "Сааттар", "Саны", "Час", "Кол-во часов", "Количество часов"),
    "homework": ("Үй тапшырма", "Д/з"),
    "objective": ("Максаты", "Максат", "Компетенция", "Цель", "Цели", "Objective"),
    "resources": ("Жабдуулар", "Оборудование"),
}  # fmt: skip
"""Column of the shipped lists -> its headings beside those that a mapping names, in any language."""
_FULL_NAMES = (
    "Аты-жөнү", "Окуучунун аты-жөнү", "Мугалимдин аты-жөнү", "Кызматкердин аты-жөнү", "Ата-энесинин аты-жөнү",
    "Фамилиясы, аты", "Фамилиясы, аты, атасынын аты", "Фамилия, аты, атасынын аты", "ФАА", "ФАЖ", "ФИО",
    "Ф.И.О. ученика", "ФИО учащегося", "ФИО учителя", "ФИО сотрудника", "ФИО родителя", "Фамилия, имя", "Фамилия и имя",
    "Фамилия, имя, отчество", "Full name", "Name",
)  # fmt: skip
_NO_COLUMN = ("№", "№ п/п", "П/п", "Т/б", "К/н", "Катар номери", "Себеби", "Причина", "Reason")
"""Headings that say nothing: those of line numbers, and the reason with which failed lines are given back."""
_BRACKETS = re.compile(r"\([^)]*\)")
_WORD = re.compile(r"[^\W_]+")


def plain(heading: str) -> str:
    """A heading as it is compared: case, ё, Kyrgyz letters, signs and spaces do not matter, «Ф. И. О.» is «ФИО»."""
    words = _WORD.findall(folded(heading.replace("№", " no ")))
    found: list[str] = []
    for single, run in groupby(words, lambda word: len(word) == 1):
        found.append(("" if single else " ").join(run))
    return " ".join(found)


def forms(heading: str) -> tuple[str, str]:
    """A heading as it is compared: as it stands, and without what stands in brackets."""
    return plain(heading), plain(_BRACKETS.sub(" ", heading))


def title(names: Sequence[str], language: str) -> str:
    """What a column is called in a language: the first three accepted headings are Kyrgyz, Russian, English."""
    at = list(LANGUAGES).index(language)
    return names[at] if at < len(names) else names[-1]


def takes_full_names(headers: Mapping[str, Sequence[str]]) -> bool:
    """Does a list with these columns want more than one part of a name?"""
    return len(headers.keys() & set(PARTS)) > 1


def known(headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Heading, as it is compared -> the column of the list, `FULL_NAME` or `LEFT_OUT`."""
    found = dict.fromkeys(map(plain, _NO_COLUMN), LEFT_OUT)
    if takes_full_names(headers):
        found |= dict.fromkeys(map(plain, _FULL_NAMES), FULL_NAME)
    return found | {plain(name): column for column, names in headers.items() for name in names}


def matched(
    header: Sequence[str], headers: Mapping[str, Sequence[str]], chosen: Mapping[str, str] | None = None
) -> tuple[str | None, ...]:
    """Which column of the list each column of a file is: `FULL_NAME`, `LEFT_OUT`, None where nobody knows.

    ``chosen``: what someone said that headings mean; it counts more than what they mean by themselves.
    """
    meaning = {**known(headers), **(chosen or {})}
    fields = [
        next((meaning[form] for form in forms(name) if form and form in meaning), None) if name else None
        for name in header
    ]
    names = fields.index(FULL_NAME) if FULL_NAME in fields else -1
    for at, field in enumerate(fields):
        if field == FULL_NAME and "surname" in fields:
            fields[at] = LEFT_OUT  # the parts stand for themselves
        elif field == FULL_NAME and at > names:
            fields[at] = None
    return tuple(fields)
