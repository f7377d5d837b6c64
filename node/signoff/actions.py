"""A class teacher says to have checked an area of the class; head or deputy confirms it."""

from __future__ import annotations

from collections.abc import Iterable

from node.signoff.queries import AREAS
from shared.problems import InvalidValue
from sync.writer import Writer


def sign(
    w: Writer, class_id: int, areas: Iterable[str], act: str, person: int | None, day: int, note: str = ""
) -> None:
    """Keep a check (`checked`) or a confirmation (`confirmed`) of areas of a class as of a day. InvalidValue."""
    chosen = list(areas)
    if not chosen or not set(chosen) <= set(AREAS):
        raise InvalidValue(table="sign_off", column="area", value=", ".join(chosen))
    for area in chosen:
        w.insert("sign_off", class_group=class_id, area=area, day=day, act=act, person=person, note=note)
