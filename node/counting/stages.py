"""What reports share: the stages of schooling by grade, as the settings have them, and the checks of a form."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from node.settings.queries import number
from shared.i18n import N_

STAGES = {"primary": N_("Primary stage"), "basic": N_("Basic stage"), "secondary": N_("Secondary stage")}
"""Stage -> its name, in order."""


@dataclass(frozen=True)
class Check:
    """A rule that the figures of a form must obey, and whether they do."""

    sentence: str
    good: bool


def stage_of(db: Database) -> dict[int, str]:
    """Grade -> its stage."""
    primary, basic = number(db, "last_primary_grade"), number(db, "last_basic_grade")
    return {
        grade: "primary" if grade <= primary else "basic" if grade <= basic else "secondary"
        for grade in range(13)
    }
