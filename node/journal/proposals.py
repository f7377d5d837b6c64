"""What the school's rule proposes as results of a period: from marks, from quarters, from annual mark and exam."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from node.journal import queries
from node.journal.queries import Rule, Standing
from node.timetable import queries as timetable
from shared.grading import annual, final

NOTHING = Standing(None, None)


def is_free(term: Mapping[str, Any]) -> bool:
    """Is there no rule for the period? An exam's mark is given as it was written."""
    return bool(term["kind"] == "exam")


def on_roll(db: Database, group: Mapping[str, Any], term: Mapping[str, Any], today: int) -> frozenset[int]:
    """The pupils of a group who get a result of a term: those of its days who are still there.

    Still: when it ended, or today while it runs. Exam and final mark are given when many have left already.
    """
    first = term["start"]
    if term["kind"] not in ("exam", "final"):
        first = min(term["end"], max(today, first))
    return queries.members(db, group["id"], first, term["end"])


def to_come(db: Database, group: Mapping[str, Any], term: Mapping[str, Any], today: int) -> list[int]:
    """The days of the lessons that a group still has in a term of lessons."""
    if term["kind"] in ("exam", "final") or today >= term["end"]:
        return []
    first = max(today + 1, term["start"])
    return [day for day, _ in timetable.dates(db, group["id"], first, term["end"])]


def of_term(db: Database, group: Mapping[str, Any], term: Mapping[str, Any]) -> dict[int, Standing]:
    """Average and proposed result of every pupil of a group who has anything to go by.

    A term of lessons goes by its marks; the year by its quarters (halves where there are no quarters), not assessed
    ones left out; the final mark by annual mark and exam. Where a half goes is the rule's. What a pupil brought along
    from another group of the subject counts as what this one gave.
    """
    by, kind = queries.rule(db), term["kind"]
    if kind == "exam":
        return {}
    parts = parts_of(db, group, term)
    results = queries.all_results(db, group["id"]) if parts else {}
    given = [{pupil: one.mark for pupil, one in results.get(part["id"], {}).items()} for part in parts]
    if kind == "year":
        pupils = {pupil for one in given for pupil in one}
        return {pupil: _of_year([one.get(pupil) for one in given], by) for pupil in pupils}
    if kind == "final":
        of_kind = {part["kind"]: values for part, values in zip(parts, given, strict=True)}
        year, exam = (of_kind.get(one, {}) for one in ("year", "exam"))
        return {
            pupil: Standing(_mean(value, exam.get(pupil)), final(value, exam.get(pupil), ties=by.ties_final))
            for pupil, value in year.items()
        }
    return queries.standings(queries.reckoned(db, group["id"], term["start"], term["end"]), by)


def parts_of(db: Database, group: Mapping[str, Any], term: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The periods whose results make that of the year or of the final mark; none where marks of lessons do."""
    kind = term["kind"]
    if kind not in ("year", "final"):
        return []
    terms = queries.result_terms(db, group["year"], group["grade"])
    wanted = [("quarter", "period"), ("half",)] if kind == "year" else [("year", "exam")]
    found: Iterator[list[Mapping[str, Any]]] = (
        [one for one in terms if one["kind"] in kinds] for kinds in wanted
    )
    return next((some for some in found if some), [])


def _of_year(quarters: list[int | None], by: Rule) -> Standing:
    mark = annual(quarters, threshold=by.year_threshold, ties=by.ties_year)
    return NOTHING if mark is None else Standing(_mean(*quarters), mark)


def _mean(*values: int | None) -> Fraction | None:
    given = [value for value in values if value is not None]
    return Fraction(sum(given), len(given)) if given else None
