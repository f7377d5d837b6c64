"""Reading results of periods, and the figures under a column: the same indicators that the district sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from node import yearbook
from node.attendance import queries as attendance
from node.calendar.queries import own_terms
from node.journal import queries as journal
from node.people.queries import CONDUCT as CONDUCT
from node.people.queries import NAME_COLUMNS, NAMED, full_name
from node.yearbook import Measured
from node.yearbook import Result as Result
from shared.indicators import INDICATORS, Indicator
from shared.schema import BY_NAME
from sync.clock import ms_of
from sync.log import NodeLog

SUMMARY = tuple(INDICATORS[name] for name in ("average", "success", "quality"))


@dataclass(frozen=True)
class Heading:
    """A subject or a period as a column; ``row`` holds its names or its kind and number."""

    id: int
    row: Mapping[str, Any]


def of_class(db: Database, class_id: int, groups: frozenset[int] | None) -> list[Result]:
    """The results that stand in a class, those brought along from others included; of some subject groups only, unless
    ``groups`` is None.
    """
    sql = "SELECT id FROM subject_group WHERE class_group = ? AND retired_at IS NULL"
    own = {group for (group,) in db.execute(sql, (class_id,)).fetchall() if groups is None or group in groups}
    return yearbook.with_missed(db, yearbook.of_groups(db, own))


def of_pupil(db: Database, pupil_id: int, groups: frozenset[int] | None) -> list[Result]:
    """The results that stand for a pupil; in some subject groups only, unless ``groups`` is None."""
    pupil = [pupil_id]
    found = yearbook.of_pupils(db, pupil) if groups is None else yearbook.of_groups(db, groups, pupil)
    return yearbook.with_missed(db, found)


def seen_from(classes: Collection[int]) -> Callable[[Result], str]:
    """What tells, on a page of some classes, from which other one a result was brought along; empty for their own."""
    return lambda one: journal.whence(one, classes)


def signs(results: Iterable[Result], whence: Callable[[Result], str]) -> dict[str, Any]:
    """Which signs beside the marks of a page its legend explains: a class they came from, a former school."""
    found = list(results)
    came = (whence(one) for one in found)
    return {"came": next(filter(None, came), ""), "former": any(one.former for one in found)}


def subjects(db: Database, ids: Iterable[int]) -> list[Heading]:
    """Subjects in their usual order."""
    rows = db.query("SELECT * FROM subject ORDER BY sort, id")
    wanted = set(ids)
    return [Heading(row["id"], row) for row in rows if row["id"] in wanted]


def terms(db: Database, ids: Iterable[int]) -> list[Heading]:
    """Periods in their order: by end, the shorter first; the year, exam and final mark last."""
    rows = db.query(
        """SELECT t.*, y.start AS year_start FROM term t LEFT JOIN academic_year y ON y.id = t.year
           ORDER BY y.start, t.kind IN ('year', 'exam', 'final'), t."end", t.start DESC, t.kind = 'final'"""
    )
    wanted, moved = set(ids), own_terms(db)
    found = []
    for row in rows:
        if row["id"] in wanted:
            dates = moved.get(row["id"], {}).get(None)
            found.append(
                Heading(row["id"], dict(row) | ({"start": dates[0], "end": dates[1]} if dates else {}))
            )
    return found


def present_term(found: list[Heading], today: int) -> Heading | None:
    """The period that ended last, for it is the one whose marks are looked at; else the first."""
    ended = [term for term in found if (term.row["end"] or 0) <= today]
    return ended[-1] if ended else next(iter(found), None)


def measures(found: Iterable[Measured]) -> dict[str, int]:
    """The counts that indicators of results are made of."""
    counts = dict.fromkeys(("n5", "n4", "n3", "n2", "n1", "na", "exempt", "unmarked"), 0)
    for status, band, count in found:
        if status == "assessed":
            if band is not None:
                counts[f"n{band}"] += count
        elif status in counts:
            counts[status] += count
    return counts


def summary(counted: Mapping[str, int]) -> list[tuple[Indicator, Fraction | None]]:
    """Average mark, success, quality of what `measures` counted."""
    return [(indicator, indicator.value(counted)) for indicator in SUMMARY]


def of_year(db: Database, year_id: int, term_id: int) -> dict[int, dict[int, list[Measured]]]:
    """The results of one period that the classes of a year count: class -> subject group -> results alike."""
    found: dict[int, dict[int, list[Measured]]] = {}
    for class_group, group, status, band, count in yearbook.counts(db, year_id, term_id):
        found.setdefault(class_group, {}).setdefault(group, []).append((status, band, count))
    return found


def terms_of_year(db: Database, year_id: int) -> list[Heading]:
    """The periods of a year in which anything has a result."""
    sql = """SELECT t.id FROM term t WHERE t.year = ? AND EXISTS
      (SELECT 1 FROM term_result tr WHERE tr.term = t.id AND tr.retired_at IS NULL)"""
    return terms(db, [row[0] for row in db.execute(sql, (year_id,)).fetchall()])


def names(db: Database, pupil_ids: Iterable[int], today: int) -> dict[int, str]:
    """The names that may be shown of these pupils; empty for those without."""
    rows = db.query(
        f"""WITH {NAMED} SELECT pu.person, {NAME_COLUMNS} FROM json_each(:wanted) w JOIN pupil pu ON pu.person = w.value
            LEFT JOIN named n ON n.id = pu.person""",
        {"today": today, "wanted": json.dumps(sorted(set(pupil_ids)))},
    )
    return {row["person"]: full_name(row) for row in rows}


# ---- summary mark sheet, report card


def terms_of_class(db: Database, class_group: int) -> list[dict[str, Any]]:
    """The periods in which a class has results, quarters first, the final mark last."""
    row = db.execute("SELECT year, grade FROM class_group WHERE id = ?", (class_group,)).fetchone()
    return journal.result_terms(db, *row) if row else []


def pupils_of(db: Database, class_group: int, first: int, last: int) -> frozenset[int]:
    """The pupils of a class on some day of a span."""
    return attendance.enrolled(db, class_group, first, last)


def printed_terms(terms: Iterable[dict[str, Any]], results: Iterable[Result]) -> list[dict[str, Any]]:
    """The periods that stand on a sheet or card: quarters, year, exam, final; halves only where marks were given."""
    used = {result.term for result in results}
    return [term for term in terms if term["kind"] != "half" or term["id"] in used]


def conduct(db: Database, pupils: Iterable[int], terms: Iterable[int]) -> dict[tuple[int, int], str]:
    """(pupil, term) -> code of conduct."""
    wanted, within = set(pupils), set(terms)
    rows = db.execute("SELECT pupil, term, value FROM conduct WHERE retired_at IS NULL AND value IS NOT NULL")
    return {(p, t): value for p, t, value in rows.fetchall() if p in wanted and t in within}


def missed(
    db: Database, pupils: Iterable[int], terms: Iterable[Mapping[str, Any]]
) -> dict[tuple[int, int], attendance.Total]:
    """(pupil, term) -> days and lessons missed in each term of lessons and in the year."""
    spans = [term for term in terms if term["kind"] not in ("exam", "final")]
    chosen = set(pupils)
    if not spans or not chosen:
        return {}
    first, last = min(term["start"] for term in spans), max(term["end"] for term in spans)
    by_pupil: dict[int, list[attendance.Day]] = {}
    for (pupil, _), one in attendance.days(db, chosen, first, last, "away or late").items():
        by_pupil.setdefault(pupil, []).append(one)
    return {
        (pupil, term["id"]): attendance.total(
            [one for one in days if term["start"] <= one.day <= term["end"]]
        )
        for pupil, days in by_pupil.items()
        for term in spans
    }


@dataclass(frozen=True)
class Reopening:
    """A period that was locked and is open again: when (milliseconds since 1970), by which account, and why."""

    class_group: int
    grade: int | None
    letter: str | None
    term: Mapping[str, Any]
    reason: str
    at: int
    account: int


def reopenings(db: Database, year: int) -> list[Reopening]:
    """The periods of a year that were reopened and are not locked again, the latest first."""
    rows = db.query(
        """SELECT k.class_group, k.term, k.reason, cg.grade, cg.letter FROM term_lock k
           JOIN class_group cg ON cg.id = k.class_group
           WHERE cg.year = ? AND k.locked = 0 AND k.reason IS NOT NULL AND k.retired_at IS NULL""",
        (year,),
    )
    log, named = NodeLog(db), {term["id"]: term for term in journal.result_terms(db, year)}
    found = []
    for row in rows:
        entry = log.history(BY_NAME["term_lock"], (row["class_group"], row["term"]))[-1]
        if row["term"] in named:
            place = (row["class_group"], row["grade"], row["letter"], named[row["term"]])
            found.append(Reopening(*place, row["reason"], ms_of(entry.clock), entry.actor or 0))
    return sorted(found, key=lambda one: -one.at)
