"""The words of lists: what people write, and the code that it stands for."""

from __future__ import annotations

from collections import Counter

import pytest

from node.importing.values import Unreadable, transformed
from node.importing.words import WORDS, Code
from shared.i18n import LANGUAGES
from shared.reference import CODE_LISTS
from shared.schema import CATEGORIES, EDUCATIONS, POSITIONS, RELATIONS, SEX
from shared.schema import LANGUAGES as INSTRUCTION

SAID: dict[str, dict[Code, str]] = {
    "sex": {
        "f": "кыз, Кыз бала, аял, А, ж, Жен., жен, женский, к, F, д, девочка",
        "m": "бала, эркек, Э, э., м, муж, Муж., мужской, M, уул бала, мальчик",
    },
    "relation": {
        "mother": "эне, энеси, апасы, Апа, мать, Мать Асанова, мама, mother",
        "father": "ата, Атасы, отец, папа, father",
        "grandmother": "чоң эне, Чон энеси, чоң апасы, ЧОН АПА, таене, тай эне, Таэнеси, бабушка, Бабушка (по матери)"
        ", grandmother",
        "grandfather": "чоң ата, чоң атасы, Чоңата, таята, Дедушка, дед, grandfather",
        "stepmother": "өгөй эне, мачеха",
        "stepfather": "Өгөй атасы, Отчим",
        "guardian": "опекун, камкорчу, камкорчусу, законный представитель, мыйзамдуу өкүлү",
        "relative": "тетя, тётя, Дядя, эжеси, таежеси, агасы, таякеси, сестра, старший брат, башка тууганы, тууганы"
        ", родственник, aunt",
        "other": "башка, другое лицо, иное",
    },
    "position": {
        "head": "директор, Мектептин директору, Директор школы, и.о. директора, мектеп жетекчиси",
        "deputy": "завуч, Зам. директора по УВР, Зам. директора по АХЧ, ОББ"
        ", окуу бөлүмүнүн башчысы, директордун окуу иштери боюнча орун басары",
        "primary": "башталгыч класстын мугалими, учитель начальных классов, Башталгыч класстардын мугалими",
        "teacher": "мугалим, Учитель математики, математика мугалими, Кыргыз тили жана адабияты мугалими, предметник",
        "social": "соц. педагог, соцпедагог, социалдык педагог, социальный педагог",
        "psychologist": "психолог, педагог-психолог, мектеп психологу",
        "librarian": "китепканачы, библиотекарь, зав. библиотекой",
        "secretary": "катчы, секретарь, Секретарь школы, Секретарь-делопроизводитель, делопроизводитель"
        ", мектеп катчысы, Иш кагаздарын жүргүзүүчү, School secretary",
        "it": "сис. админ, Системный администратор, системалык администратор, программист, IT-специалист",
        "lab": "лаборант, Лаборант кабинета химии, химия лаборанты, laboratory assistant",
        "accountant": "бухгалтер, Гл. бухгалтер, башкы бухгалтер, мектептин бухгалтери, accountant",
        "support": "завхоз, чарба башчысы, кароолчу, техничка, уборщица, ашпозчу, caretaker",
        "other": "медсестра, вожатая, тарбиячы, логопед, башка",
    },
    "shift": {1: "1, I, 1-смена, биринчи", 2: "2, II, 2-смена, вторая смена"},
    "category": {"highest": "жогорку, Высшая", "first": "I, первая", "none": "жок, без категории"},
    "education": {
        "vocational": "орто атайын, Средне-специальное",
        "higher": "высшее, жогорку билим",
        "general": "орто",
    },
    "yes or no": {1: "ооба, Да, есть, +", 0: "жок, нет, -"},
}
"""List of words -> code -> cells as they stand in schools' lists."""


@pytest.mark.parametrize(
    ("words", "cell", "code"),
    [
        (words, cell, code)
        for words, codes in SAID.items()
        for code, cells in codes.items()
        for cell in cells.split(", ")
    ],
)
def test_what_people_write_is_understood(words: str, cell: str, code: Code) -> None:
    assert WORDS[words].code(cell) == code


@pytest.mark.parametrize(
    ("words", "cell"),
    [
        ("sex", "жена"), ("sex", "м/ж"), ("relation", "ата-энеси"), ("relation", "кошуна эне"),
        ("relation", "родитель"), ("position", "директордун жардамчысы"), ("shift", "12"), ("yes or no", "белгисиз"),
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_not_guessed(words: str, cell: str) -> None:
    assert WORDS[words].code(cell) is None


@pytest.mark.parametrize("name", WORDS)
def test_no_word_stands_for_two_codes(name: str) -> None:
    said = Counter(
        word for code in WORDS[name].by_code for word in {w.casefold() for w in WORDS[name].by_code[code]}
    )
    assert [word for word, times in said.items() if times > 1] == []
    for code in WORDS[name].by_code:
        for language in LANGUAGES:
            assert WORDS[name].code(WORDS[name].word(code, language)) == code


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("sex", SEX), ("position", POSITIONS), ("education", EDUCATIONS), ("category", CATEGORIES),
        ("language", INSTRUCTION), ("residence", ("urban", "rural")),
        ("relation", RELATIONS),
    ],
)  # fmt: skip
def test_every_code_has_words_and_is_known_by_the_name_that_pages_give_it(
    name: str, codes: tuple[str, ...]
) -> None:
    assert tuple(WORDS[name].by_code) == codes
    if name != "category":  # the list of categories has other codes
        for code, *called in CODE_LISTS[name][1]:
            assert [WORDS[name].code(one) for one in called] == [code] * 3


def test_a_word_that_is_none_is_told_with_one_for_each_code() -> None:
    with pytest.raises(Unreadable) as told:
        transformed("жолдош", {"map": WORDS["relation"]})
    assert told.value.details["allowed"] == (
        "апасы, атасы, чоң энеси, чоң атасы, өгөй энеси, өгөй атасы, камкорчусу, тууганы, башка"
    )
