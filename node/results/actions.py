"""Locking the periods of a class, reopening them with a reason, conduct. Nothing here knows of HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from node.journal import queries as journal
from node.results import queries
from shared.problems import InvalidValue, NotFound, NotInGroup, ReasonNeeded, TermLocked
from sync.writer import Writer


def lock(w: Writer, class_group: int, term: int) -> bool:
    """Lock a period of a class: marks, lessons and results of it stay as they are. NotFound."""
    _require_term(w, class_group, term)
    return w.put("term_lock", class_group=class_group, term=term, locked=1, reason=None)


def reopen(w: Writer, class_group: int, term: int, reason: str) -> bool:
    """Open a locked period again; the reason stays and the head sees it. NotFound; ReasonNeeded."""
    _require_term(w, class_group, term)
    if term not in journal.locked_terms(w.db, class_group):
        return False
    if not reason.strip():
        raise ReasonNeeded()
    return w.put("term_lock", class_group=class_group, term=term, locked=0, reason=reason.strip())


def _require_term(w: Writer, class_group: int, term: int) -> None:
    if term not in {one["id"] for one in queries.terms_of_class(w.db, class_group)}:
        raise NotFound()


def give_conduct(w: Writer, class_group: int, term: int, given: Mapping[int, str]) -> int:
    """Write the conduct of pupils in a period, all or none; an empty text takes it back.

    NotFound; InvalidValue; NotInGroup: the pupil was not in the class then; TermLocked: the deputy has locked it.
    """
    span = next((t for t in queries.terms_of_class(w.db, class_group) if t["id"] == term), None)
    if span is None:
        raise NotFound()
    members = queries.pupils_of(w.db, class_group, span["start"], span["end"])
    for pupil, value in given.items():
        if value and value not in queries.CONDUCT:
            raise InvalidValue(table="conduct", column="value", value=value)
        if pupil not in members:
            raise NotInGroup()
    if given and term in journal.locked_terms(w.db, class_group):
        raise TermLocked()
    return sum(
        w.put("conduct", pupil=pupil, term=term, value=value or None) for pupil, value in given.items()
    )
