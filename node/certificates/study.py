"""The certificate of study: that a pupil learns here, on paper, for whoever asks it of the family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.people import queries as people
from shared.dates import school_year_name
from shared.problems import NotFound, NotStudying


@dataclass(frozen=True)
class Study:
    """What the paper says: the pupil, the class of today and the act by which the pupil came, if the book has it.

    ``born`` and ``admitted_on``, ``order_date`` are day numbers.
    """

    name: str
    sex: str
    born: int | None
    born_in: int | None
    grade: int | None
    letter: str
    language: str
    year: str
    admitted_on: int | None
    order_number: str
    order_date: int | None


def may_have(person: Mapping[str, Any], enrolments: list[Mapping[str, Any]], today: int) -> bool:
    """Is there someone to name, on the roll of a class today? ``person`` as `people.person` reads it."""
    return bool(people.full_name(person)) and _present(enrolments, today) is not None


def of(db: Database, pupil: int, today: int) -> Study:
    """What is certified of a pupil today. NotFound; NotStudying: on no roll today, or without a name to write."""
    person, row = people.person(db, pupil, today), people.pupil(db, pupil)
    if person is None or row is None:
        raise NotFound()
    there = _present(people.enrolments(db, pupil), today)
    if there is None or not people.full_name(person):
        raise NotStudying()
    came = next(
        (m for m in people.movements(db, pupil) if m["kind"] == "arrived" and m["date"] <= today), None
    )
    return Study(
        name=people.full_name(person),
        sex=person["sex"] or "",
        born=person["birth_date"],
        born_in=person["birth_year"],
        grade=there["grade"],
        letter=there["letter"] or "",
        language=row["language"] or "",
        year=school_year_name(there["year"]) if there["year"] is not None else "",
        admitted_on=came["date"] if came else None,
        order_number=(came["order_number"] or "") if came else "",
        order_date=came["order_date"] if came else None,
    )


def _present(enrolments: list[Mapping[str, Any]], today: int) -> Mapping[str, Any] | None:
    """The enrolment that holds today, the newest of several."""
    return next(
        (one for one in enrolments if one["start"] is not None and one["start"] <= today
         and (one["end"] is None or one["end"] > today)),
        None,
    )  # fmt: skip
