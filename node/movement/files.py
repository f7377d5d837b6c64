"""Numbers of personal files: the letter of the surname and a running number within it, such as В/13.

The number is also the pupil's place in the alphabetic book. It is given once, at admission or as soon as there is a
name, and stays when the surname changes, as on paper.
"""

from __future__ import annotations

from sqlite_utils import Database

from node.numbers import letter_of, place_of
from shared.i18n import alphabetical
from sync.writer import Writer


def next_number(db: Database, letter: str) -> str:
    """The number after the largest of a letter, whoever has left among them."""
    numbers = (place_of(text) for (text,) in db.execute("SELECT personal_file FROM pupil").fetchall())
    return f"{letter}/{max((number for of, number in numbers if of == letter), default=0) + 1}"


def give_number(w: Writer, pupil: int, surname: str | None) -> str:
    """Give a pupil without a personal file number the next of the surname's letter; returns it, or nothing."""
    letter = letter_of(surname)
    row = w.db.execute("SELECT personal_file, alphabet_book FROM pupil WHERE person = ?", (pupil,)).fetchone()
    if not letter or row is None or row[0]:
        return ""
    number = next_number(w.db, letter)
    w.put("pupil", person=pupil, personal_file=number, **({} if row[1] else {"alphabet_book": number}))
    return number


def give_missing(w: Writer) -> int:
    """Give every named pupil without a number one, in alphabetical order; returns how many got one."""
    rows = w.db.execute(
        """SELECT pu.person, p.surname FROM pupil pu JOIN person p ON p.id = pu.person
           WHERE pu.retired_at IS NULL AND p.retired_at IS NULL AND ifnull(pu.personal_file, '') = ''
             AND p.surname IS NOT NULL"""
    ).fetchall()
    ordered = sorted(rows, key=lambda row: alphabetical(row[1]))
    return sum(bool(give_number(w, pupil, surname)) for pupil, surname in ordered)
