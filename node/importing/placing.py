"""Whom an import put into which subgroup, told in its result: nobody chose, so someone looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, class_name, full_name
from shared.i18n import row_name


@dataclass(frozen=True)
class Placed:
    """A pupil's new subgroup of a subject; ``name`` is empty of whom may not be named."""

    line: int
    name: str
    class_name: str
    subject: str
    part: str


def told(db: Database, joined: Sequence[tuple[int, int, int]], today: int) -> tuple[Placed, ...]:
    """Line, pupil and group of each -> the same in the reader's words, where there was a choice of parts."""
    sql = f"""WITH {NAMED} SELECT cg.grade, cg.letter, sg.name AS part, s.*, {NAME_COLUMNS}
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group JOIN subject s ON s.id = sg.subject
      LEFT JOIN named n ON n.id = :pupil WHERE sg.id = :group AND EXISTS (SELECT 1 FROM subject_group o
        WHERE o.class_group = sg.class_group AND o.subject = sg.subject AND o.id <> sg.id AND o.retired_at IS NULL)"""
    found = []
    for line, pupil, group in joined:
        for row in db.query(sql, {"pupil": pupil, "group": group, "today": today}):
            place = class_name(row["grade"], row["letter"])
            found.append(Placed(line, full_name(row), place, row_name(row), row["part"] or ""))
    return tuple(found)
