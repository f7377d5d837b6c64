"""Reading notes of absence, and the reasons that absences have under them.

The school writes a note, or a parent hands one in: then it waits, and counts for nothing but that the pupil is
expected away, until the class teacher accepts it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.consenting import signers

COUNT = ("accepted",)
EXPECT = ("accepted", "open")
"""States of the notes that give their reason, and of those by which the pupil is expected away."""
_NOTES = """SELECT id, pupil, start, "end", reason, author, handed_on, state, refusal, remark FROM absence_note
  WHERE retired_at IS NULL"""


def notes(
    db: Database, pupils: Collection[int], first: int, last: int, states: Collection[str] = COUNT
) -> list[Mapping[str, Any]]:
    """The notes of pupils that touch a span, the latest first."""
    return list(
        db.query(
            f"""{_NOTES} AND state IN (SELECT value FROM json_each(?)) AND start <= ? AND "end" >= ?
               AND pupil IN (SELECT value FROM json_each(?)) ORDER BY start DESC, id DESC""",
            (json.dumps(list(states)), last, first, json.dumps(sorted(pupils))),
        )
    )


def note(db: Database, row: int) -> Mapping[str, Any] | None:
    """One note, in whatever state; None when there is none."""
    return next(iter(db.query(f"{_NOTES} AND id = ?", (row,))), None)


def handed_in(db: Database, author: int, pupils: Collection[int], since: int) -> list[Mapping[str, Any]]:
    """The notes for pupils that someone handed in since a day and did not take back, the latest first."""
    sql = f"""{_NOTES} AND author = ? AND handed_on >= ? AND pupil IN (SELECT value FROM json_each(?))
      ORDER BY start DESC, id DESC"""
    return list(db.query(sql, (author, since, json.dumps(sorted(pupils)))))


def declined(db: Database, author: int, pupils: Collection[int], since: int) -> int:
    """How many notes of someone for pupils were declined since a day, and nothing was handed in for the pupil after."""
    sql = """SELECT count(*) FROM absence_note n WHERE n.author = ? AND n.state = 'declined' AND n.answered_on >= ?
      AND n.pupil IN (SELECT value FROM json_each(?)) AND n.retired_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM absence_note m WHERE m.pupil = n.pupil AND m.author = n.author AND m.id > n.id
          AND m.retired_at IS NULL)"""
    return int(db.execute(sql, (author, since, json.dumps(sorted(pupils)))).fetchone()[0])


def waiting(db: Database, classes: Collection[int]) -> list[Mapping[str, Any]]:
    """The notes that parents handed in and nobody has answered, of pupils of some classes, by first day."""
    # CROSS JOIN keeps the order: from a class to its pupils to their notes.
    sql = """SELECT DISTINCT e.class_group, n.id, n.pupil, n.start, n."end", n.reason, n.handed_on FROM enrolment e
      CROSS JOIN absence_note n ON n.pupil = e.pupil AND n.state = 'open' AND n.retired_at IS NULL
      WHERE e.class_group IN (SELECT value FROM json_each(?)) AND e.retired_at IS NULL AND e.start <= n."end"
        AND (e."end" IS NULL OR e."end" > n.start) ORDER BY n.start, n.id"""
    return list(db.query(sql, (json.dumps(sorted(classes)),)))


def hands_in(db: Database, person: int | None, pupil: int, day: int) -> bool:
    """May the person hand in notes for the pupil: a guardian who reads for a child, a pupil of age for oneself?"""
    if person is None or person not in signers(db, pupil, day):
        return False
    sql = "SELECT 1 FROM guardian WHERE person = ? AND pupil = ? AND may_read = 1 AND retired_at IS NULL"
    return person == pupil or db.execute(sql, (person, pupil)).fetchone() is not None


def classes_of(db: Database, pupil: int, first: int, last: int) -> list[int]:
    """The classes on whose roll a pupil is on some day of a span."""
    sql = """SELECT DISTINCT class_group FROM enrolment WHERE pupil = ? AND retired_at IS NULL AND start <= ?
      AND ("end" IS NULL OR "end" > ?) AND class_group IS NOT NULL"""
    return [row[0] for row in db.execute(sql, (pupil, last, first)).fetchall()]


def noted_away(db: Database, pupils: Collection[int], day: int) -> dict[int, str]:
    """The pupils a note covers on a day, each with the reason; of several notes the one written last counts."""
    found = sorted(notes(db, pupils, day, day), key=_written)
    return {note["pupil"]: note["reason"] or "unknown" for note in found}


def announced(db: Database, pupils: Collection[int], day: int) -> frozenset[int]:
    """The pupils of whom a parent said that they are away on a day, while nobody has answered yet."""
    return frozenset(note["pupil"] for note in notes(db, pupils, day, day, ("open",)))


def _written(note: Mapping[str, Any]) -> int:
    """The order in which notes were written."""
    return int(note["id"])


# ---- reasons


@dataclass(frozen=True)
class Reason:
    """Why someone was away. ``note`` is the note that says so, None where it was given by hand; ``earlier`` is what
    was given by hand before any note, and stands again when no note covers the day any more. Of who is called late or
    present after all it is what was given by hand till then, and stands again should that be taken back.
    """

    reason: str | None = None
    note: int | None = None
    earlier: str | None = None

    @property
    def columns(self) -> dict[str, int | str | None]:
        """The columns of a row of attendance, all of them: they are replaced together."""
        return {"reason": self.reason, "note": self.note, "earlier": self.earlier}

    @property
    def told(self) -> tuple[str, int | None, str | None]:
        """What it comes to: nothing given and given as unknown say the same."""
        return self.reason or "unknown", self.note, self.earlier

    @property
    def by_hand(self) -> str | None:
        """What was given by hand, under whatever note."""
        return self.reason or self.earlier if self.note is None else self.earlier

    def laid_aside(self) -> Reason:
        """What a row keeps that tells of no absence any more."""
        return Reason(None, self.note, self.by_hand)

    def under(self, covering: Iterable[Mapping[str, Any]]) -> Reason:
        """The reason under the last written of the notes of its day, or the one by hand where there is none."""
        latest = max(covering, key=_written, default=None)
        return (
            Reason(self.by_hand) if latest is None else Reason(latest["reason"], latest["id"], self.by_hand)
        )


@dataclass(frozen=True)
class Absence:
    """A lesson that a pupil missed, of which class, and why."""

    group: int
    day: int
    period: int
    class_group: int | None
    why: Reason


def absences(db: Database, pupil: int, first: int, last: int) -> list[Absence]:
    """The lessons that a pupil missed in a span."""
    rows = db.execute(
        """SELECT a.subject_group, a.day, a.period, sg.class_group, a.reason, a.note, a.earlier FROM attendance a
           JOIN subject_group sg ON sg.id = a.subject_group WHERE a.pupil = ? AND a.day BETWEEN ? AND ?
             AND a.status = 'absent' AND a.retired_at IS NULL ORDER BY a.day, a.period""",
        (pupil, first, last),
    )
    return [
        Absence(group, day, period, class_group, Reason(*why))
        for group, day, period, class_group, *why in rows.fetchall()
    ]


_NOT_GIVEN = {None, "unknown"}


def reason_of(db: Database, row: dict[str, int]) -> Reason:
    """The reason that a row of attendance holds; ``row`` is its key: the lesson's and the pupil."""
    found = db.execute(
        """SELECT reason, note, earlier FROM attendance WHERE subject_group = :subject_group AND day = :day
             AND period = :period AND pupil = :pupil AND retired_at IS NULL""",
        row,
    ).fetchone()
    return Reason(*(found or ()))


def reason_with(db: Database, row: dict[str, int], status: str) -> Reason:
    """The reason that a row of attendance has with a status.

    An absence has the one that was given to it by hand before, unless a note stood over that; else that of a note over
    the day; else what was given by hand to the other lessons of the day. Any other status keeps what was given.
    """
    kept = reason_of(db, row).laid_aside()
    if status != "absent":
        return kept
    own = {kept.earlier} - _NOT_GIVEN
    if own and kept.note is None:
        return Reason(kept.earlier)
    pupil, day = row["pupil"], row["day"]
    given = own or {one.why.by_hand for one in absences(db, pupil, day, day)} - _NOT_GIVEN
    return Reason(given.pop() if len(given) == 1 else None).under(notes(db, [pupil], day, day))
