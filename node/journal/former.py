"""Results of the periods that a pupil spent in a former school, as its report card has them.

Who comes in the course of a year brings them along. They are written by the teacher of the subject or the class
teacher, count in the pupil's annual mark and in no figure of this school. The lock of a period, which keeps what this
school gave, does not concern them; that of the year does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.journal import queries
from node.journal.sheet import Result, check_result
from shared.grading import band_of, bands_of
from shared.problems import ChangedMeanwhile, NotAllowed, NotFound, NotInGroup, TermLocked
from sync.writer import Writer


@dataclass(frozen=True)
class Mark:
    """A result of the report card: of a subject group and a period, ``result`` None to take it out again.

    ``seen`` is what stood as its author saw it: (value, status), None for none.
    """

    group: int
    term: int
    result: tuple[int | None, str] | None
    seen: tuple[int | None, str] | None


@dataclass(frozen=True)
class Card:
    """What may be written of a pupil's time before: in which groups of the class, of which periods; what stands."""

    groups: Sequence[Mapping[str, Any]]
    terms: Sequence[Mapping[str, Any]]
    given: Mapping[tuple[int, int], tuple[int | None, str]]
    locked: bool

    def writes(self, group: Mapping[str, Any], person: int | None) -> bool:
        """May the person write the results of a group: its teacher, or the class teacher?"""
        return not self.locked and person is not None and person in (group["teacher"], group["class_teacher"])


def card(db: Database, class_group: int, pupil: int, today: int) -> Card:
    """The report card of a pupil of a class. NotFound: the pupil is not on its roll."""
    row = db.execute("SELECT year, grade, teacher FROM class_group WHERE id = ?", (class_group,)).fetchone()
    if row is None or pupil not in queries.on_roll(db, today, class_group=class_group):
        raise NotFound()
    year, grade, teacher = row
    groups = [
        dict(one) | {"class_teacher": teacher}
        for one in queries.groups(db, year)
        if one["class_group"] == class_group and pupil in queries.members(db, one["id"], today, today)
    ]
    given = {
        (one["id"], term): (result["value"], result["status"] or "assessed")
        for one in groups
        for term, result in _former(db, one["id"], pupil).items()
    }
    years = [one["id"] for one in queries.result_terms(db, year, grade) if one["kind"] == "year"]
    before = queries.periods_before(db, class_group, pupil, today)
    return Card(groups, before, given, not queries.locked_terms(db, class_group).isdisjoint(years))


def newcomers(db: Database, group: Mapping[str, Any], term: Mapping[str, Any], today: int) -> frozenset[int]:
    """The pupils of a group who came to the school after a period of lessons had ended."""
    periods = queries.terms_of_lessons(queries.result_terms(db, group["year"], group["grade"]))
    if term["end"] >= today or term["id"] not in {one["id"] for one in periods}:
        return frozenset()
    return queries.members(db, group["id"], today, today) - queries.on_roll(
        db, term["end"], year=group["year"]
    )


def give(
    w: Writer, class_group: int, pupil: int, person: int | None, today: int, marks: Collection[Mark]
) -> int:
    """Write results of a former school, all or none; returns how many became different.

    NotFound: see `card`; NotInGroup: no group or period of it; NotAllowed; TermLocked: the year is locked;
    OutsideScale, WithoutMarks, InvalidValue; ChangedMeanwhile with every clash.
    """
    found = card(w.db, class_group, pupil, today)
    groups = {one["id"]: one for one in found.groups}
    terms = {one["id"] for one in found.terms}
    wanted = [one for one in marks if found.given.get((one.group, one.term)) != one.result]
    for one in wanted:
        if one.group not in groups or one.term not in terms:
            raise NotInGroup()
        if found.locked:
            raise TermLocked()
        if not found.writes(groups[one.group], person):
            raise NotAllowed()
        if one.result is not None:
            value, status = one.result
            scale = queries.scale_of(w.db, one.group)
            check_result(Result(pupil, value, status, "", one.seen), frozenset({pupil}), scale)
    clashes = [(one, found.given.get((one.group, one.term))) for one in wanted]
    clashes = [(one, now) for one, now in clashes if now != one.seen]
    if clashes:
        raise ChangedMeanwhile(clashes)
    for one in wanted:
        _write(w, pupil, one)
    return len(wanted)


def _write(w: Writer, pupil: int, one: Mark) -> None:
    if one.result is None:
        w.retire("term_result", one.group, pupil, one.term)
        return
    scale = queries.scale_of(w.db, one.group)
    bands = bands_of(w.db.query("SELECT * FROM grading_band"), scale.id if scale else 0)
    value, status = one.result
    w.put(
        "term_result",
        subject_group=one.group,
        pupil=pupil,
        term=one.term,
        value=value,
        band=band_of(value, bands),
        status=status,
        missed=None,
        reason=None,
        former=1,
    )


def _former(db: Database, group: int, pupil: int) -> dict[int, Mapping[str, Any]]:
    """The results of a pupil in a group that are from a former school, by period."""
    sql = """SELECT term, value, status FROM term_result WHERE subject_group = ? AND pupil = ? AND former = 1
      AND retired_at IS NULL"""
    return {row["term"]: row for row in db.query(sql, (group, pupil))}
