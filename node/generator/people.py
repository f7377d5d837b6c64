"""People with their consents: pupils, their guardians, staff; who did not consent is a placeholder without a name."""

from __future__ import annotations

from collections.abc import Sequence

from node.generator import names
from node.generator.books import School
from node.generator.cast import Guardian, Household, Pupil
from node.ofage import Born
from shared.dates import date_of, day_at
from shared.schema import Value
from sync.writer import Writer

REACHED = ("messages", "transfer")
"""The purposes to which most consent besides the core record, on one paper."""


def write_pupil(school: School, w: Writer, number: int, language: str) -> int:
    pupil = school.cast.pupils[number]
    guardians = _guardians(school, w, pupil.household)
    person = _child(school, w, pupil, guardians[0])
    school.ids.pupils[number] = person
    initial = pupil.name.surname[0] if pupil.household.consent else "–"
    school.files[initial] += 1
    place = f"{initial}/{school.files[initial]}"
    w.put(
        "pupil",
        person=person,
        language=language,
        residence="rural" if pupil.rural else "urban",
        personal_file=place,
        alphabet_book=place,
        categories=(pupil.household.social if pupil.household.consent else None) or None,
    )
    for guardian, one in zip(guardians, pupil.household.guardians, strict=True):
        w.put("guardian", pupil=person, person=guardian, relation=one.relation)
    return person


def _child(school: School, w: Writer, pupil: Pupil, signer: int) -> int:
    """A pupil's person: a placeholder without a name where there is no consent."""
    household = pupil.household
    if not household.consent:
        return w.insert("person", sex=pupil.sex, birth_year=date_of(pupil.birth).year)
    born = date_of(pupil.birth)
    number = f"{'1' if pupil.sex == 'f' else '2'}{born:%d%m%Y}{school.rng.randrange(100_000):05d}"
    more: dict[str, Value] = {"personal_number": number, "address": household.address}
    person = named(school, w, pupil.sex, pupil.birth, pupil.name, signer, more)
    for purposes, given in (
        (("photo",), household.photo),
        (REACHED, household.messages),
        (("social",), bool(household.social)),
    ):
        if given:
            _consent(school, w, person, purposes, signer, pupil.birth)
    return person


def _guardians(school: School, w: Writer, household: Household) -> list[int]:
    """The guardians' persons; brothers and sisters share them."""
    if id(household) not in school.ids.guardians:
        school.ids.guardians[id(household)] = [
            _guardian(school, w, household, one) for one in household.guardians
        ]
    return school.ids.guardians[id(household)]


def _guardian(school: School, w: Writer, household: Household, one: Guardian) -> int:
    if household.consent:
        also = REACHED if household.messages else ()
        return named(school, w, one.sex, one.birth, one.name, None, {"phone": one.phone}, also)
    return w.insert("person", sex=one.sex, birth_year=date_of(one.birth).year)


def named(
    school: School,
    w: Writer,
    sex: str,
    birth: int,
    name: names.Name,
    signer: int | None,
    more: dict[str, Value],
    also: Sequence[str] = (),
) -> int:
    """A person with the consent to be named, and to ``also`` on the same paper; a child's is signed by a guardian."""
    person = w.insert("person", sex=sex, birth_year=date_of(birth).year)
    _consent(school, w, person, ("core", *also), signer, birth)
    w.update(
        "person",
        person,
        surname=name.surname,
        given_name=name.given,
        patronymic=name.patronymic,
        birth_date=birth,
        **more,
    )
    return person


def _consent(
    school: School, w: Writer, person: int, purposes: Sequence[str], signer: int | None, birth: int
) -> None:
    """What one paper consents to; who has come of age since a guardian signed has signed anew."""
    day = min(school.year.start - school.rng.randint(3, 20), day_at(w.now))
    ground: dict[str, Value] = {} if signer is None else {"signer": signer, "ground": "ата-энеси"}
    document = f"№ {school.rng.randint(1, 900)}"
    adult = Born(birth).adult_from
    grown = signer is not None and adult is not None and adult <= day_at(w.now)
    for purpose in purposes:
        w.insert("consent", person=person, purpose=purpose, valid_from=day, document=document, **ground)
        if grown:
            w.insert(
                "consent",
                person=person,
                purpose=purpose,
                valid_from=max(adult or day, day),
                signer=person,
                document=document,
            )
