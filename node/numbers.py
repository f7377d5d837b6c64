"""Numbers of people on paper, by which one is told from all others: whose they are, and who bears the same.

Nothing but a row's key is unique, for two machines may write the same number apart. So a number that another person has
is no error: whoever writes it is asked, and what stands in the books twice is listed with the duplicates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node.people.queries import names, number_of
from shared.latin import LOOKALIKES
from shared.problems import N_, NumberHeld
from shared.schema import Value

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "person": ("personal_number",),
    "pupil": ("personal_file", "alphabet_book"),
}
"""Table -> its columns that hold such a number."""
SENTENCE = N_("Another person has this number already: {people}.")
_FILE = re.compile(r"\s*(\w|–)\s*[/-]\s*(\d+)\s*")


def letter_of(surname: str | None) -> str:
    """The page of the alphabetic book; empty for a pupil without a name."""
    first = (surname or "").strip()[:1].upper()
    return first if first.isalpha() else ""


def place_of(number: str | None) -> tuple[str, int]:
    """Letter and number of a personal file; an empty letter where it is written in another way."""
    found = _FILE.fullmatch(number or "")
    return (found[1].upper(), int(found[2])) if found else ("", 0)


@dataclass(frozen=True)
class Held:
    """A number that others have, too. ``others``: these people, the oldest row first."""

    column: str
    number: str
    others: tuple[int, ...]


class Holders:
    """Who has which number: as the books say it when this is made, and as `note` adds.

    Former pupils have theirs for good; a row that was retired has none.
    """

    def __init__(self, db: Database) -> None:
        self._people: dict[tuple[str, str], list[int]] = {}
        numbers = "SELECT id, personal_number FROM person WHERE personal_number <> '' AND retired_at IS NULL"
        for person, number in db.execute(numbers + " ORDER BY id").fetchall():
            self.note(person, "personal_number", number)
        files = """SELECT u.person, u.personal_file, u.alphabet_book, p.surname
          FROM pupil u JOIN person p ON p.id = u.person
          WHERE u.retired_at IS NULL AND p.retired_at IS NULL ORDER BY u.person"""
        for person, file, book, surname in db.execute(files).fetchall():
            self.note(person, "personal_file", file)
            self.note(person, "alphabet_book", book, surname)

    def note(self, person: int, column: str, number: str | None, surname: str | None = None) -> None:
        """Learn of a person's number; ``surname`` tells the page of an alphabet book without a letter."""
        read = _read(column, number, surname)
        if read:
            people = self._people.setdefault((column, read), [])
            if person not in people:
                people.append(person)

    def others(
        self, person: int, column: str, number: str | None, surname: str | None = None
    ) -> tuple[int, ...]:
        """Who else has the number."""
        found = self._people.get((column, _read(column, number, surname)), ())
        return tuple(one for one in found if one != person)

    def doubles(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Column and people of every number that more than one has."""
        for (column, _), people in self._people.items():
            if len(people) > 1:
                yield column, tuple(people)


def _read(column: str, number: str | None, surname: str | None) -> str:
    """A number however it is written; empty where none can be told."""
    plain = " ".join((number or "").upper().translate(LOOKALIKES).split())
    if column == "personal_number" or not plain:
        return plain
    letter, place = place_of(plain)
    if letter:
        return f"{letter}/{place}"
    # Pages of the alphabet book count for themselves.
    page = letter_of(surname)
    return plain if column == "personal_file" else f"{page}/{plain}" if page else ""


def ask(
    db: Database,
    person: int,
    values: Mapping[str, Value],
    agreed: Collection[str] = (),
    surname: str | None = None,
) -> None:
    """Look whether someone else has a number that a person is to get; what the person has already is not asked for.

    ``agreed``: numbers that are right all the same; ``surname``: the one to come, by default the one on record.
    NumberHeld: with what is to be asked, by column.
    """
    has = next(
        iter(
            db.query(
                """SELECT p.surname, p.personal_number, u.personal_file, u.alphabet_book FROM person p
                   LEFT JOIN pupil u ON u.person = p.id AND u.retired_at IS NULL WHERE p.id = ?""",
                (person,),
            )
        ),
        {},
    )
    names = [name for columns in COLUMNS.values() for name in columns]
    told = {name: str(values[name]) for name in names if values.get(name) and values[name] != has.get(name)}
    told = {name: number for name, number in told.items() if number not in agreed}
    if not told:
        return
    holders, called = Holders(db), surname or has.get("surname")
    held = {
        name: Held(name, number, others)
        for name, number in told.items()
        if (others := holders.others(person, name, number, called))
    }
    if held:
        raise NumberHeld(held=held)


def called(db: Database, people: Iterable[int], today: int) -> str:
    """People with commas between, by number whom no consent names on the day ``today``."""
    people = list(people)
    known = names(db, people, today)
    return ", ".join(known.get(one) or f"№ {number_of(one)}" for one in people)


def asked(problem: NumberHeld) -> Mapping[str, Held]:
    """What `ask` found, by column."""
    held = problem.details["held"]
    assert isinstance(held, dict)
    return held
