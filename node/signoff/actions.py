"""A class teacher says to have checked an area of the class; head or deputy, another one, confirms it."""

from __future__ import annotations

from collections.abc import Collection

from node.signoff import queries
from node.signoff.queries import AREAS
from shared.problems import InvalidValue, NotChecked, OwnCheck
from sync.writer import Writer


def check(
    w: Writer, class_id: int, areas: Collection[str], person: int | None, day: int, note: str = ""
) -> None:
    """Keep a check of areas of a class as of a day. InvalidValue."""
    _sign(w, class_id, areas, "checked", person, day, note)


def confirm(
    w: Writer, class_id: int, areas: Collection[str], person: int | None, day: int, note: str = ""
) -> None:
    """Keep a confirmation of areas that were checked. InvalidValue, NotChecked.

    OwnCheck: who checked does not confirm, while somebody else may.
    """
    marks = queries.marks(w.db, day, class_id)
    checks = [marks.get((class_id, area, "checked")) for area in areas]
    if any(one is None for one in checks):
        raise NotChecked()
    if any(one and one.person == person for one in checks) and queries.confirmers(w.db, day) - {person}:
        raise OwnCheck()
    _sign(w, class_id, areas, "confirmed", person, day, note)


def _sign(
    w: Writer, class_id: int, areas: Collection[str], act: str, person: int | None, day: int, note: str
) -> None:
    if not areas or not set(areas) <= set(AREAS):
        raise InvalidValue(table="sign_off", column="area", value=", ".join(areas))
    for area in areas:
        w.insert("sign_off", class_group=class_id, area=area, day=day, act=act, person=person, note=note)
