"""The results of a period as they stand and as they may be given: what each has to fulfil, whoever brings them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import yearbook
from node.journal import proposals, queries
from node.journal.queries import Scale, Standing, edit_days
from shared.dates import date_of
from shared.grading import Band, band_of, bands_of, needs_reason
from shared.problems import (
    InvalidValue,
    NotAllowed,
    NotFound,
    NotInGroup,
    OutsideScale,
    ReasonNeeded,
    TermLocked,
    TermRunning,
    WithoutMarks,
)
from shared.schema import Value


@dataclass(frozen=True)
class Result:
    """A pupil's result as the teacher gives it; ``seen`` is (value, status) as they saw it, None for none yet."""

    pupil: int
    value: int | None
    status: str
    reason: str
    seen: tuple[int | None, str] | None


@dataclass(frozen=True)
class Sheet:
    """The results of a group's period, ready to be written: what the rule proposes, what stands, who gets one."""

    group: int
    term: int
    today: int
    span: Mapping[str, Any]
    missed: Mapping[int, int]
    by_rule: Mapping[int, Standing]
    standing: Mapping[int, Mapping[str, Any]]
    pupils: frozenset[int]
    scale: Scale | None
    window: int
    bands: Sequence[Band]
    to_come: Sequence[int]
    locked: bool

    def stands(self, pupil: int) -> tuple[int | None, str] | None:
        """Value and status that a pupil has; None for none yet."""
        return _shown(self.standing.get(pupil))

    def check(self, one: Result) -> None:
        """NotInGroup, OutsideScale, WithoutMarks, InvalidValue; ReasonNeeded where it differs from the proposal, or
        changes after the edit window: then a reason of its own, not that of what stood.
        """
        self.fits(one)
        proposed = self.by_rule.get(one.pupil, proposals.NOTHING).proposed
        stood = self.standing.get(one.pupil)
        changes_late = stood is not None and is_late(self.span, self.today, self.window)
        told = one.reason.strip()
        if changes_late and stood is not None and told == (stood["reason"] or ""):
            told = ""
        free = proposals.is_free(self.span)
        differs = not free and one.status in ("assessed", "na") and needs_reason(one.value, proposed)
        if (differs or changes_late) and not told:
            raise ReasonNeeded(pupil=one.pupil)

    def fits(self, one: Result) -> None:
        """NotInGroup, OutsideScale, WithoutMarks, InvalidValue."""
        check_result(one, self.pupils, self.scale)

    def row(self, one: Result) -> dict[str, Value]:
        """The row of a result."""
        return {
            "subject_group": self.group,
            "pupil": one.pupil,
            "term": self.term,
            "value": one.value,
            "band": band_of(one.value, self.bands),
            "status": one.status,
            "missed": self.missed.get(one.pupil, 0),
            "reason": one.reason.strip() or None,
            "former": 0,
        }

    def require_open(self) -> None:
        """TermLocked."""
        if self.locked:
            raise TermLocked()

    def require_ended(self) -> None:
        """TermRunning while lessons of it are to come."""
        if self.to_come:
            raise TermRunning(lessons=len(self.to_come), day=f"{date_of(self.to_come[-1]):%d.%m.%Y}")


def is_late(span: Mapping[str, Any], today: int, window: int) -> bool:
    """Is the edit window of a period's results over?"""
    return bool(today - span["end"] > window)


def open_results(db: Database, group: int, term: int, person: int | None, today: int) -> Sheet:
    """The results of a period, to be given by the group's teacher. NotFound, NotAllowed."""
    row, span = term_of(db, group, term, person)
    scale = queries.scale_of(db, group)
    pupils = proposals.on_roll(db, row, span, today)
    days = yearbook.missed(db, pupils)
    return Sheet(
        group,
        term,
        today,
        span,
        missed={one: yearbook.missed_in(days, one, row["subject"], span) for one in pupils},
        by_rule=proposals.of_term(db, row, span),
        standing=queries.results(db, group, term),
        pupils=pupils,
        scale=scale,
        window=edit_days(db),
        bands=bands_of(db.query("SELECT * FROM grading_band"), scale.id if scale else 0),
        to_come=proposals.to_come(db, row, span, today),
        locked=term in queries.locked_terms(db, row["class_group"]),
    )


def term_of(
    db: Database, group: int, term: int, person: int | None
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A group and a period of it whose results someone gives. NotFound, NotAllowed."""
    row = queries.group(db, group)
    terms = queries.result_terms(db, row["year"], row["grade"]) if row else []
    span = next((one for one in terms if one["id"] == term), None)
    if row is None or span is None:
        raise NotFound()
    if person is None or row["teacher"] != person:
        raise NotAllowed()
    return row, span


def _shown(row: Mapping[str, object] | None) -> tuple[int | None, str] | None:
    if row is None:
        return None
    value = row["value"]
    return (value if isinstance(value, int) else None, str(row["status"] or "assessed"))


def check_result(one: Result, pupils: frozenset[int], scale: Scale | None) -> None:
    """NotInGroup, WithoutMarks, OutsideScale, InvalidValue."""
    if one.pupil not in pupils:
        raise NotInGroup()
    if one.status == "assessed":
        if scale is None:
            raise WithoutMarks()
        if one.value is None or not scale.low <= one.value <= scale.high:
            raise OutsideScale(low=scale.low, high=scale.high)
    elif one.status not in ("na", "exempt", "unmarked") or one.value is not None:
        raise InvalidValue(table="term_result", column="status", value=one.status)
