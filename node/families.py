"""What one guardian of a pupil reads of another, and the pupil of each: the relation, and nothing else.

Separated parents can differ in what they may know of one another. It holds for whoever reads about a pupil as the
family alone; who reads by a duty, too, reads as the duty does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from node import access
from shared.access import Visitor
from shared.i18n import coded


@dataclass(frozen=True)
class Veil:
    """Before a reader of the family: of whom the relation alone shows, person -> its code. Without a family none is."""

    relations: Mapping[int, str] = field(default_factory=dict)
    family: frozenset[int] = frozenset()
    """The reader and the pupil, of whom all shows; empty where no veil is."""

    def hides(self, person: int | None) -> bool:
        """Is it another guardian, present or former?"""
        return person in self.relations

    def hides_paper(self, signer: int | None) -> bool:
        """Is a paper, by who signed it, not the reader's and not the pupil's own? It may name whoever signed."""
        return bool(self.family) and signer not in self.family

    def called(self, person: int | None, name: str) -> str:
        """The name, or the relation in its place."""
        if person is None or not self.hides(person):
            return name
        return coded(self.relations[person], "guardian", "relation")


def veil(db: Database, visitor: Visitor, pupil: int) -> Veil:
    """What a visitor may not know of a pupil's guardians."""
    if not _reads_as_family(db, visitor, pupil):
        return Veil()
    sql = "SELECT person, relation FROM guardian WHERE pupil = ? AND person IS NOT NULL"
    relations = {
        person: relation or "guardian"
        for person, relation in db.execute(sql, (pupil,)).fetchall()
        if person != visitor.person
    }
    return Veil(relations, frozenset({pupil} if visitor.person is None else {pupil, visitor.person}))


def _reads_as_family(db: Database, visitor: Visitor, pupil: int) -> bool:
    reach = access.scopes(visitor, "card", "V")
    is_pupil = db.execute("SELECT 1 FROM pupil WHERE person = ? AND retired_at IS NULL", (pupil,)).fetchone()
    return (
        is_pupil is not None
        and "" not in reach
        and pupil in {visitor.person} | access.own_children(db, visitor)
        and not ("c" in reach and pupil in access.pupils_today(db, access.led_classes(db, visitor)))
    )
