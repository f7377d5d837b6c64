"""Believable names of a Kyrgyz school: Kyrgyz, Uzbek and Russian families, with the forms each of them uses.

Shares follow the country's population: about three in four Kyrgyz, one in seven Uzbek, one in twenty Russian; the rest
are counted to the Kyrgyz here. Surnames have male and female forms; a patronymic is optional; some Kyrgyz families use
the older form, in which a child's surname is the father's name with ``уулу`` (son) or ``кызы`` (daughter).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Sex = Literal["f", "m"]
People = Literal["kyrgyz", "uzbek", "russian"]

SHARES: tuple[tuple[People, float], ...] = (("kyrgyz", 0.80), ("uzbek", 0.14), ("russian", 0.06))
OLDER_FORM = 0.22
"""Share of Kyrgyz families that write «Асан уулу», «Асан кызы»."""
PATRONYMIC = {"kyrgyz": 0.55, "uzbek": 0.8, "russian": 1.0}
"""Share of families that use patronymics."""

GIVEN: dict[People, dict[Sex, tuple[str, ...]]] = {
    "kyrgyz": {
        "m": (
            "Азамат", "Айбек", "Акжол", "Актан", "Алмаз", "Алтынбек", "Арген", "Арслан", "Асан", "Байэл", "Бакыт",
            "Бектур", "Билал", "Бекзат", "Дастан", "Данияр", "Дөөлөт", "Жаныбек", "Жоомарт", "Замир", "Ислам", "Калыс",
            "Канат", "Кубан", "Кутман", "Кылыч", "Марат", "Медер", "Мирлан", "Нурбек", "Нурислам", "Нурлан", "Омурбек",
            "Осмон", "Руслан", "Саламат", "Самат", "Санжар", "Сыймык", "Талант", "Таалай", "Темирлан", "Тилек",
            "Тынчтык", "Улан", "Чыңгыз", "Шабдан", "Элдияр", "Эмир", "Эрлан", "Эржан", "Ырыскелди",
        ),
        "f": (
            "Адеми", "Адинай", "Айбийке", "Айгерим", "Айдай", "Айжан", "Айзада", "Айпери", "Айсулуу", "Акмарал",
            "Алина", "Алтынай", "Асель", "Аяна", "Бегайым", "Бегимай", "Бермет", "Гүлзат", "Гүлнур", "Жазгүл",
            "Жаркынай",
            "Жибек", "Жылдыз", "Каныкей", "Кундуз", "Күмүшай", "Мээрим", "Медина", "Мунара", "Назгүл", "Нурай",
            "Нургүл", "Нурзат", "Перизат", "Рахат", "Сайкал", "Салтанат", "Сезим", "Сымбат", "Тансулуу", "Үмүт",
            "Урпак", "Чолпон", "Элиза", "Элнура", "Эльвира", "Ырысай",
        ),
    },
    "uzbek": {
        "m": (
            "Абдулла", "Азиз", "Акмал", "Бахтиёр", "Бобур", "Дилшод", "Жасур", "Зафар", "Ибрахим", "Илхом", "Камол",
            "Мирзохид", "Мухаммад", "Нодир", "Одил", "Равшан", "Рустам", "Сардор", "Собир", "Тохир", "Улугбек",
            "Фарход", "Хусан", "Шерзод", "Элёр",
        ),
        "f": (
            "Азиза", "Барно", "Гулноза", "Дилбар", "Дилноза", "Дилфуза", "Зарина", "Зилола", "Зухра", "Камола", "Лола",
            "Мадина", "Малика", "Мохира", "Нигора", "Нилуфар", "Нодира", "Озода", "Севара", "Умида", "Феруза",
            "Шахноза",
        ),
    },
    "russian": {
        "m": (
            "Александр", "Алексей", "Андрей", "Артём", "Виктор", "Даниил", "Денис", "Дмитрий", "Евгений", "Иван",
            "Кирилл",
            "Максим", "Михаил", "Николай", "Павел", "Роман", "Сергей", "Степан",
        ),
        "f": (
            "Алиса", "Анастасия", "Анна", "Варвара", "Вера", "Дарья", "Екатерина", "Елена", "Ирина", "Ксения", "Мария",
            "Наталья", "Ольга", "Полина", "Светлана", "София", "Татьяна",
        ),
    },
}  # fmt: skip

SURNAMES: dict[People, tuple[str, ...]] = {
    "kyrgyz": (
        "Абдыкадыров", "Абдылдаев", "Айтматов", "Акматов", "Алымкулов", "Асанов", "Асылбеков", "Атамбеков", "Бакиров",
        "Бейшеналиев", "Бекболотов", "Бекмурзаев", "Борубаев", "Джумабаев", "Дүйшенов", "Жакыпов", "Жамангулов",
        "Жолдошев", "Жумалиев", "Жусупов", "Ибраимов", "Исаков", "Кадыров", "Калыков", "Канатбеков", "Касымалиев",
        "Кожомкулов", "Конурбаев", "Кулматов", "Мамбеталиев", "Маматов", "Мамытов", "Молдобаев", "Мурзаев", "Мусаев",
        "Назаралиев", "Нурматов", "Орозалиев", "Орозбеков", "Осмоналиев", "Сагынбаев", "Садыков", "Салиев",
        "Сатыбалдиев",
        "Сулайманов", "Сыдыков", "Табалдиев", "Тентимишев", "Токтогулов", "Токтосунов", "Турдубаев", "Усенов",
        "Чекиров", "Шаршеналиев", "Ыманалиев", "Эсеналиев",
    ),
    "uzbek": (
        "Абдуллаев", "Абдурахманов", "Ахмедов", "Бабаджанов", "Газиев", "Ибрагимов", "Исмаилов", "Каримов", "Мирзаев",
        "Муминов", "Нишанов", "Рахимов", "Рахманов", "Собиров", "Тургунов", "Турсунов", "Умаров", "Файзиев", "Хакимов",
        "Ходжаев", "Эргашев", "Юлдашев", "Юсупов",
    ),
    "russian": (
        "Белов", "Васильев", "Волков", "Голубев", "Гончаренко", "Зайцев", "Иванов", "Ковалёв", "Козлов", "Коваленко",
        "Кузнецов", "Лебедев", "Морозов", "Никитин", "Новиков", "Павлов", "Петров", "Попов", "Романовский",
        "Семёнов", "Соколов", "Фёдоров", "Шевченко", "Яковлев",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Name:
    surname: str
    given: str
    patronymic: str | None


@dataclass(frozen=True)
class Family:
    """What the names of a family's members are made from."""

    people: People
    surname: str
    father: str
    older_form: bool
    patronymics: bool


def family(rng: Random) -> Family:
    """Draw a family."""
    people: People = rng.choices([p for p, _ in SHARES], [share for _, share in SHARES])[0]
    return Family(
        people=people,
        surname=rng.choice(SURNAMES[people]),
        father=rng.choice(GIVEN[people]["m"]),
        older_form=people == "kyrgyz" and rng.random() < OLDER_FORM,
        patronymics=rng.random() < PATRONYMIC[people],
    )


def child(rng: Random, of: Family, sex: Sex) -> Name:
    """The name of a child of the family."""
    given = rng.choice(GIVEN[of.people][sex])
    if of.older_form:
        return Name(f"{of.father} {'кызы' if sex == 'f' else 'уулу'}", given, None)
    return Name(surname_for(of.surname, sex), given, patronymic(of.father, sex) if of.patronymics else None)


def father(rng: Random, of: Family) -> Name:
    """The name of the father, whose own father is drawn."""
    grandfather = rng.choice(GIVEN[of.people]["m"])
    return Name(of.surname, of.father, patronymic(grandfather, "m") if of.patronymics else None)


def mother(rng: Random, of: Family) -> Name:
    """The name of the mother; most take the husband's surname."""
    own = of.surname if rng.random() < 0.8 else rng.choice(SURNAMES[of.people])
    grandfather = rng.choice(GIVEN[of.people]["m"])
    given = rng.choice(GIVEN[of.people]["f"])
    return Name(surname_for(own, "f"), given, patronymic(grandfather, "f") if of.patronymics else None)


def surname_for(surname: str, sex: Sex) -> str:
    """The form of a surname, given its male one: Асанов, Асанова; Романовский, Романовская; Шевченко, Шевченко."""
    if sex == "m":
        return surname
    if surname.endswith(("ский", "цкий")):
        return surname[:-2] + "ая"
    return surname + "а" if surname.endswith(("ов", "ев", "ёв", "ин", "ын")) else surname


def patronymic(father_given: str, sex: Sex) -> str:
    """The patronymic after a father's given name: Асан, Асанович, Асановна; Сергей, Сергеевич; Абдулла, Абдуллаевич."""
    son, daughter = "ович", "овна"
    stem = father_given
    if stem.endswith("ий"):
        stem, son, daughter = stem[:-2] + "ь", "евич", "евна"
    elif stem.endswith("й"):
        stem, son, daughter = stem[:-1], "евич", "евна"
    elif stem.endswith(("а", "и", "о", "у", "ы", "э", "я", "ь")):
        son, daughter = "евич", "евна"
        stem = stem[:-1] if stem.endswith("ь") else stem
    if stem == "Павел":
        stem = "Павл"
    return stem + (daughter if sex == "f" else son)
