"""Who merges whom: nobody the own record, and what opens the school's books passes on by the head alone."""

from __future__ import annotations

from collections.abc import Collection

from sqlite_utils import Database

from node import keyholders, merging
from node.access import may_all
from node.people import queries as people
from shared.access import Visitor
from shared.problems import HeadMerges, OwnRecord, PupilAndStaff
from sync.undo import Undone
from sync.writer import Writer


def merge(w: Writer, who: Visitor, kept: int, other: int, today: int) -> int:
    """Merge another row of a person into the kept one, as `node.merging.merge`; returns the mark of the act.

    NotFound, InvalidValue, OwnRecord, HeadMerges, PupilAndStaff, LastAdministrator, LastHead.
    """
    _require(who, (kept, other), merging.hands_over(w.db, other, today))
    if _differ(w.db, kept, other, today) or _differ(w.db, other, kept, today):
        raise PupilAndStaff()
    with keyholders.kept(w):
        return merging.merge(w, kept, other)


def take_back(w: Writer, who: Visitor, mark: int) -> Undone:
    """Undo a merge. NotFound, OwnRecord, HeadMerges, LastAdministrator, LastHead."""
    parted = merging.parting(w.db, mark)
    _require(who, parted.people, parted.hands_over)
    with keyholders.kept(w):
        return merging.take_back(w, mark)


def _require(who: Visitor, people: Collection[int], hands_over: bool) -> None:
    """Whoever signs orders gives duties and approves accounts; others pass none on."""
    if who.person in people:
        raise OwnRecord()
    if hands_over and not may_all(who, "orders", "A"):
        raise HeadMerges()


def _differ(db: Database, one: int, other: int, today: int) -> bool:
    return people.studies_here(db, one, today) and people.works_here(db, other, today)
