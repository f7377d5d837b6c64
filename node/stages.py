"""The regulation's three stages of introduction (clause 4.1): which areas a school uses already.

Areas that are not named belong to every stage. The setting `stage` tells how far the school has come; a later stage's
pages are neither shown nor opened.
"""

from __future__ import annotations

from typing import cast

from flask import g, has_request_context
from sqlite_utils import Database

from node.settings import queries

STAGES = {
    "journal": 2,
    "attendance": 2,
    "control": 2,
    "timetable": 2,
    "plans": 3,
    "oneroster": 3,
}
"""Area -> the stage that switches it on.

The clause lists 13 characteristics. 1-4 are the first stage: data of pupils and teachers (classes, people, consents,
own data, duplicates, import, accounts), results of periods (results, calendar), short reports (reports), the movement
book (movement, orders, the year's end). 5-9 are the second: lessons and events, current marks, the journal. The fifth
names personal data of parents, too; they are kept from the first stage on, since a child's consent, without which no
name is kept, is signed by a parent. 10-13 are the third: plans, distance courses (class lists for learning platforms),
portfolios, communication.
"""
_LATER = {
    present: frozenset(area for area, stage in STAGES.items() if stage > present) for present in (1, 2, 3)
}


def switched_off(db: Database) -> frozenset[str]:
    """The areas that are not in use at the school's present stage."""
    return _LATER[_present(db)]


def _present(db: Database) -> int:
    """The stage as set; read once a request."""
    if not has_request_context():
        return queries.number(db, "stage")
    if "stage" not in g:
        g.stage = queries.number(db, "stage")
    return cast(int, g.stage)
