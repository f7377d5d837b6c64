"""The people of a generated school and how they are arranged, before anything is written."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from random import Random

from node.generator import curriculum, names
from node.generator.names import Family, Name, Sex
from node.generator.timetable import Block, ClassLoad
from shared.dates import day_number

GRADES = range(1, 12)
LETTERS = "АБВГДЕЖ"
LARGEST_CLASS = 31
CORE_CONSENT = 0.96
SECOND_SHIFT = frozenset({2, 3, 6, 7, 8})
"""Grades that come in the afternoon; the youngest and those with exams come in the morning."""
FULL_LOAD = 24
"""Weekly hours a subject teacher is given; a post is 18."""
SPLIT_FROM = 25
"""Pupils in a class from which foreign language is taught in two subgroups."""

VILLAGES = ("Ак-Суу", "Кара-Суу", "Кызыл-Туу", "Жаңы-Жол", "Таш-Булак", "Арал", "Сары-Камыш", "Көк-Жаңгак")
STREETS = (
    "Манас",
    "Ч. Айтматов",
    "Токтогул",
    "Жаштык",
    "Достук",
    "Мектеп",
    "Ысык-Көл",
    "Ала-Тоо",
    "Курманжан Датка",
)


@dataclass
class Household:
    """A family with the guardians it has and what it has agreed to."""

    family: Family
    consent: bool
    photo: bool
    messages: bool
    social: str
    address: str
    guardians: list[Guardian] = field(default_factory=list)


@dataclass
class Guardian:
    name: Name
    sex: Sex
    relation: str
    birth: int
    phone: str


@dataclass
class Pupil:
    """A pupil; days count from 1970. `level` is about 0 with a spread of 1, `frailty` about 1."""

    sex: Sex
    birth: int
    name: Name
    household: Household
    grade: int
    level: float
    frailty: float
    rural: bool
    exempt_from_pe: bool


@dataclass
class Teacher:
    """A member of staff; `speciality` is empty for those who do not teach a subject."""

    name: Name
    sex: Sex
    birth: int
    position: str
    speciality: str
    education: str
    category: str
    since: int
    outside: bool
    hours: int = 0
    leads: int | None = None


@dataclass
class Group:
    """A class in one subject with one teacher; `part` is 0 for the whole class, else the number of the subgroup."""

    in_class: int
    subject: str
    hours: int
    teacher: int
    part: int


@dataclass
class SchoolClass:
    grade: int
    letter: str
    language: str
    shift: int
    leader: int = 0
    pupils: list[int] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.grade}-{self.letter}"


@dataclass
class Cast:
    pupils: list[Pupil]
    classes: list[SchoolClass]
    staff: list[Teacher]
    groups: list[Group]
    loads: list[ClassLoad]

    def of_position(self, position: str) -> list[int]:
        return [i for i, teacher in enumerate(self.staff) if teacher.position == position]


def assemble(rng: Random, pupils: int, newcomers: int, year: int) -> Cast:
    """A school with so many pupils on 1 September of the year, and newcomers at the end of the list."""
    found = _pupils(rng, pupils, newcomers, year)
    classes = _classes(rng, found[:pupils])
    groups, staff = _groups(rng, classes, year)
    _leaders(classes, groups, staff)
    return Cast(found, classes, staff, groups, _loads(classes, groups))


def new_pupil(rng: Random, household: Household, grade: int, year: int, rural: bool) -> Pupil:
    """A child of the household, of the usual age for the grade on 1 September."""
    sex: Sex = "f" if rng.random() < 0.49 else "m"
    september = day_number(datetime.date(year, 9, 1))
    return Pupil(
        sex=sex,
        birth=september - int(365.25 * (grade + 5.35 + rng.random() * 1.1 + (rng.random() < 0.02))),
        name=names.child(rng, household.family, sex),
        household=household,
        grade=grade,
        level=max(-2.2, min(2.2, rng.gauss(0.15 if sex == "f" else -0.05, 0.9))),
        frailty=rng.gammavariate(2.0, 0.5),
        rural=rural,
        exempt_from_pe=rng.random() < 0.007,
    )


def _pupils(rng: Random, count: int, newcomers: int, year: int) -> list[Pupil]:
    weights = [1.0 if grade <= 9 else 0.7 for grade in GRADES]
    sizes = [int(count * weight / sum(weights)) for weight in weights]
    for extra in range(count - sum(sizes)):
        sizes[extra % len(sizes)] += 1
    grades = [grade for grade, size in zip(GRADES, sizes, strict=True) for _ in range(size)]
    grades += [rng.choice(GRADES) for _ in range(newcomers)]
    households: list[tuple[Household, set[int]]] = []
    found = []
    for grade in grades:
        household = _household_for(rng, households, grade, year)
        found.append(new_pupil(rng, household, grade, year, rng.random() < 0.7))
    return found


def _household_for(
    rng: Random, households: list[tuple[Household, set[int]]], grade: int, year: int
) -> Household:
    """About every third pupil has an elder or younger sibling in the school."""
    if households and rng.random() < 0.36:
        household, grades = rng.choice(households)
        if grade not in grades and len(grades) < 4:
            grades.add(grade)
            return household
    household = _household(rng, year)
    households.append((household, {grade}))
    return household


def _household(rng: Random, year: int) -> Household:
    family = names.family(rng)
    place = f"{rng.choice(VILLAGES)}, {rng.choice(STREETS)} к. {rng.randint(1, 160)}"
    social = rng.choice(("large_family", "low_income", "low_income,large_family", "one_parent", "migrants"))
    found = Household(
        family=family,
        consent=rng.random() < CORE_CONSENT,
        photo=rng.random() < 0.8,
        messages=rng.random() < 0.7,
        social=social if rng.random() < 0.15 else "",
        address=place,
    )
    kind = rng.random()
    if kind < 0.93:
        found.guardians.append(_guardian(rng, names.mother(rng, family), "f", "mother", year))
    if kind < 0.55 or kind > 0.95:
        relation = "father" if kind < 0.97 else "guardian"
        found.guardians.append(_guardian(rng, names.father(rng, family), "m", relation, year))
    if not found.guardians:
        found.guardians.append(_guardian(rng, names.mother(rng, family), "f", "grandmother", year))
    return found


def _guardian(rng: Random, name: Name, sex: Sex, relation: str, year: int) -> Guardian:
    age = rng.randint(28, 48) + (14 if relation in ("guardian", "grandmother") else 0)
    phone = (
        f"+996 {rng.choice((500, 550, 700, 707, 770, 777))} {rng.randint(100, 999)} {rng.randint(100, 999)}"
    )
    birth = day_number(datetime.date(year - age, 1, 1)) + rng.randrange(365)
    return Guardian(name, sex, relation, birth, phone)


def _classes(rng: Random, pupils: list[Pupil]) -> list[SchoolClass]:
    classes: list[SchoolClass] = []
    for grade in GRADES:
        members = [i for i, pupil in enumerate(pupils) if pupil.grade == grade]
        sections = max(1, -(-len(members) // LARGEST_CLASS))
        first = len(classes)
        for section in range(sections):
            language = "ru" if sections >= 3 and section == sections - 1 else "ky"
            shift = 2 if grade in SECOND_SHIFT else 1
            classes.append(SchoolClass(grade, LETTERS[section], language, shift))
        rng.shuffle(members)
        members.sort(key=lambda i: pupils[i].household.family.people == "russian")
        for place, member in enumerate(members):
            classes[first + place * sections // len(members)].pupils.append(member)
    return classes


def _groups(rng: Random, classes: list[SchoolClass], year: int) -> tuple[list[Group], list[Teacher]]:
    staff = [_member(rng, position, "", year) for position in _office(sum(len(c.pupils) for c in classes))]
    groups: list[Group] = []
    waiting: dict[str, list[tuple[int, str, int]]] = {}
    for index, one in enumerate(classes):
        own = -1
        if one.grade <= 4:
            own = len(staff)
            staff.append(_member(rng, "primary", "", year))
        for taught in curriculum.subjects_of(one.grade, one.language):
            if curriculum.is_primary_teachers(taught.subject, one.grade, one.language):
                groups.append(Group(index, taught.subject, taught.hours, own, 0))
            else:
                speciality = curriculum.speciality_of(taught.subject)
                waiting.setdefault(speciality, []).append((index, taught.subject, taught.hours))
    for speciality, lessons in waiting.items():
        groups += _share_out(rng, speciality, lessons, classes, staff, year)
    for group in groups:
        staff[group.teacher].hours += group.hours
    return groups, staff


def _share_out(
    rng: Random,
    speciality: str,
    lessons: list[tuple[int, str, int]],
    classes: list[SchoolClass],
    staff: list[Teacher],
    year: int,
) -> list[Group]:
    """Give the lessons of a speciality to as many teachers as they need, a class's to one teacher."""
    parts = {
        c: 2 if speciality == "english" and len(classes[c].pupils) >= SPLIT_FROM else 1 for c, _, _ in lessons
    }
    total = sum(hours * parts[c] for c, _, hours in lessons)
    needed = max(-(-total // FULL_LOAD), max(parts.values()))
    first = len(staff)
    staff += [_member(rng, "teacher", speciality, year) for _ in range(needed)]
    given = [0] * needed
    found = []
    by_class: dict[int, list[tuple[str, int]]] = {}
    for in_class, subject, hours in lessons:
        by_class.setdefault(in_class, []).append((subject, hours))
    for in_class, taught in sorted(by_class.items(), key=lambda item: -sum(h for _, h in item[1])):
        freest = sorted(range(needed), key=lambda teacher: given[teacher])
        for part in range(parts[in_class]):
            for subject, hours in taught:
                number = part + 1 if parts[in_class] > 1 else 0
                found.append(Group(in_class, subject, hours, first + freest[part], number))
                given[freest[part]] += hours
    return found


def _office(pupils: int) -> list[str]:
    small = ["head", "deputy", "secretary", "librarian"]
    return small + (["deputy", "social", "psychologist"] if pupils >= 250 else ["social"])


def _member(rng: Random, position: str, speciality: str, year: int) -> Teacher:
    women = {"head": 0.45, "secretary": 0.9, "primary": 0.97}.get(
        position, 0.2 if speciality == "sport" else 0.8
    )
    sex: Sex = "f" if rng.random() < women else "m"
    family = names.family(rng)
    age = rng.randint(34, 62) if position in ("head", "deputy") else rng.randint(23, 63)
    served = max(0, age - 23 - rng.randint(0, 6))
    education = rng.choices(
        ("higher_ped", "higher", "unfinished", "vocational"),
        (80, 8, 5, 7) if position in ("head", "deputy", "teacher") else (60, 8, 6, 26),
    )[0]
    rank = rng.random() * min(served, 20) / 20
    category = "highest" if rank > 0.6 else "first" if rank > 0.35 else "second" if rank > 0.15 else "none"
    return Teacher(
        name=names.child(rng, family, sex),
        sex=sex,
        birth=day_number(datetime.date(year - age, 1, 1)) + rng.randrange(365),
        position=position,
        speciality=speciality,
        education=education,
        category=category,
        since=year - served,
        outside=position == "teacher" and rng.random() < 0.04,
    )


def _leaders(classes: list[SchoolClass], groups: list[Group], staff: list[Teacher]) -> None:
    """Each class gets a class teacher: its own in grades 1 to 4, then one who teaches it and leads the fewest."""
    leading = [0] * len(staff)
    for index, one in enumerate(classes):
        candidates = [g.teacher for g in groups if g.in_class == index]
        own = [t for t in candidates if staff[t].position == "primary"]
        one.leader = min(own or candidates, key=lambda teacher: (leading[teacher], teacher))
        leading[one.leader] += 1
        staff[one.leader].leads = index


def _loads(classes: list[SchoolClass], groups: list[Group]) -> list[ClassLoad]:
    together: list[dict[str, list[int]]] = [{} for _ in classes]
    for number, group in enumerate(groups):
        together[group.in_class].setdefault(group.subject, []).append(number)
    return [
        ClassLoad(
            one.shift,
            tuple(
                Block(tuple(numbers), tuple(groups[n].teacher for n in numbers), groups[numbers[0]].hours)
                for numbers in subjects.values()
            ),
        )
        for one, subjects in zip(classes, together, strict=True)
    ]
