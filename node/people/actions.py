"""Recording people: a pupil's card, guardians and their relation, staff, photos. Nothing here knows of HTTP.

The writer holds the consent gate: a column that needs a consent fills only under one that is valid today.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from node import consenting, numbers
from node.consenting import Newcomer
from node.people import queries
from node.purposes import UNDER_HEALTH, UNDER_MESSAGES
from shared.dates import date_of, day_at
from shared.problems import ConsentMissing, InvalidValue, NotFound, TooLarge
from shared.reference import CATEGORIES
from shared.schema import BY_NAME, MAX_BYTES, SEX, Value
from sync.writer import Writer, has_consent

PERSON = (
    "surname", "given_name", "patronymic", "sex", "birth_date", "birth_year", "personal_number", "document", "phone",
    "email", "address",
)  # fmt: skip
PUPIL = ("language", "residence", "personal_file", "alphabet_book")
STAFF = ("position", "education", "category", "experience_since", "load", "outside", "start", "end")
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


def change_person(w: Writer, person: int, values: Mapping[str, Value], agreed: Collection[str] = ()) -> bool:
    """Change what stands about a person; the year of birth follows the date.

    ``agreed``: numbers that are right though others have them. NotFound, InvalidValue, ConsentMissing, NumberHeld.
    """
    _known(w, "person", "id", person)
    numbers.ask(w.db, person, values, agreed)
    values = _only(values, PERSON)
    born = values.get("birth_date")
    if isinstance(born, int):
        values["birth_year"] = date_of(born).year
    if "sex" in values and values["sex"] not in SEX:
        raise InvalidValue(table="person", column="sex", value=values["sex"])
    for name in UNDER_MESSAGES:
        if values.get(name):
            _require_consent(w, person, "messages", name)
    return w.update("person", person, **values)


def change_pupil(w: Writer, person: int, values: Mapping[str, Value], agreed: Collection[str] = ()) -> bool:
    """Change what stands about a pupil; ``agreed`` as in `change_person`.

    NotFound, InvalidValue, ConsentMissing, NumberHeld.
    """
    _known(w, "pupil", "person", person)
    numbers.ask(w.db, person, values, agreed)
    return w.update("pupil", person, **_only(values, PUPIL))


def keep_categories(w: Writer, person: int, codes: Collection[str]) -> bool:
    """Keep a pupil's social categories; what stands there already may stay. NotFound, InvalidValue, ConsentMissing."""
    _known(w, "pupil", "person", person)
    if set(codes) & set(UNDER_HEALTH):
        _require_consent(w, person, "health", "categories")
    held = queries.pupil(w.db, person)
    old = {code.strip() for code in (held["categories"] or "").split(",")} if held else set()
    for code in set(codes) - set(CATEGORIES) - old:
        raise InvalidValue(table="pupil", column="categories", value=code)
    ordered = [*(c for c in CATEGORIES if c in codes), *sorted(set(codes) - set(CATEGORIES))]
    return w.update("pupil", person, categories=",".join(ordered) or None)


def change_staff(w: Writer, person: int, values: Mapping[str, Value]) -> bool:
    """Change a staff file. NotFound, InvalidValue: also an end before the start."""
    _known(w, "staff", "person", person)
    values = _only(values, STAFF)
    _check_times(values)
    return w.update("staff", person, **values)


def add_staff(
    w: Writer,
    who: Newcomer,
    values: Mapping[str, Value],
    more: Mapping[str, Value] | None = None,
    received_by: int | None = None,
    agreed: Collection[str] = (),
) -> int:
    """A new member of staff with the own consent, ``more`` standing about the person; returns the person.

    Without the consent a file without a name. ``agreed`` as in `change_person`. InvalidValue, TooLarge,
    ConsentMissing, NumberHeld.
    """
    values = _only(values, STAFF)
    _check_times(values)
    if not values.get("position"):
        raise InvalidValue(table="staff", column="position", value=None)
    person = consenting.add_person(w, who, received_by)
    w.put("staff", person=person, **values)
    if more:
        change_person(w, person, more, agreed)
    return person


def add_guardian(
    w: Writer,
    pupil: int,
    relation: str,
    may_read: bool,
    who: int | Newcomer,
    received_by: int | None = None,
) -> int:
    """Make someone a pupil's guardian: a person on record, or a new one with the own consent; returns the person.

    NotFound, InvalidValue, TooLarge, ConsentMissing.
    """
    _known(w, "pupil", "person", pupil)
    if isinstance(who, Newcomer):
        person = consenting.add_person(w, who, received_by)
    else:
        _known(w, "person", "id", who)
        person = who
    consenting.add_guardian(w, pupil, person, relation, may_read)
    return person


def change_guardian(w: Writer, pupil: int, person: int, relation: str, may_read: bool) -> None:
    """Change the relation, or who may read: separated guardians can differ. NotFound, InvalidValue."""
    _require_guardian(w, pupil, person)
    if not relation:
        raise InvalidValue(table="guardian", column="relation", value=relation)
    w.put("guardian", pupil=pupil, person=person, relation=relation, may_read=int(may_read))


def remove_guardian(w: Writer, pupil: int, person: int) -> None:
    """The person is no guardian of the pupil any more. NotFound."""
    _require_guardian(w, pupil, person)
    w.retire("guardian", pupil, person)


def keep_photo(w: Writer, person: int, data: bytes) -> None:
    """Keep a photo, under a consent for photos alone; empty takes it away.

    InvalidValue: neither JPEG nor PNG; TooLarge, NotFound, ConsentMissing.
    """
    _known(w, "person", "id", person)
    if len(data) > MAX_BYTES:
        raise TooLarge()
    if data and not data.startswith((JPEG, PNG)):
        raise InvalidValue(table="person", column="photo", value=None)
    w.update("person", person, photo=data or None)


def _require_consent(w: Writer, person: int, purpose: str, column: str) -> None:
    if not has_consent(w.db, person, purpose, day_at(w.now)):
        raise ConsentMissing(purpose=purpose, column=column)


def _only(values: Mapping[str, Value], names: tuple[str, ...]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in names}


def _check_times(values: Mapping[str, Value]) -> None:
    start, end = values.get("start"), values.get("end")
    if isinstance(start, int) and isinstance(end, int) and end <= start:
        raise InvalidValue(table="staff", column="end", value=end)


def _known(w: Writer, table: str, key: str, row: int) -> None:
    assert key in BY_NAME[table].key
    found = w.db.execute(f"SELECT 1 FROM {table} WHERE {key} = ? AND retired_at IS NULL", (row,)).fetchone()
    if found is None:
        raise NotFound()


def _require_guardian(w: Writer, pupil: int, person: int) -> None:
    if pupil not in queries.children_of(w.db, person):
        raise NotFound()
