"""When a pupil signs for oneself: the rule that consents, forms and pages share with `sync.gate.VALID`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlite_utils import Database

from shared.dates import age_on, date_of, day_number

ADULT = 18
"""Full years from which a person signs for oneself."""
FEWEST_DAYS = 6574
"""Days that so many years have at least."""


@dataclass(frozen=True)
class Born:
    """What is known of a birth, for deciding who signs; the date is not shown without a consent.

    Of whom the year alone is known, the 18th birthday is some day of a year: from the first of it on the pupil may
    sign, and with the last of it nobody else may any more. So a consent of one's own is never refused, and a parent's
    never outlives its force. Of whom nothing is known, the parents sign.
    """

    date: int | None = None
    year: int | None = None

    def is_adult(self, day: int) -> bool:
        """Does nobody else sign for the person any more?"""
        if self.date is not None:
            return age_on(self.date, day) >= ADULT
        return self.year is not None and date_of(day).year > self.year + ADULT

    def may_be_adult(self, day: int) -> bool:
        """May the person sign for oneself?"""
        if self.date is not None or self.year is None:
            return self.is_adult(day)
        return date_of(day).year >= self.year + ADULT

    @property
    def adult_from(self) -> int | None:
        """The first day on which nobody else signs any more; None when nothing is known of the birth."""
        if self.date is not None:
            born = date_of(self.date)
            leap_day = (born.month, born.day) == (2, 29)
            return day_number(
                born.replace(
                    year=born.year + ADULT,
                    month=3 if leap_day else born.month,
                    day=1 if leap_day else born.day,
                )
            )
        return None if self.year is None else day_number(date(self.year + ADULT + 1, 1, 1))


def born(db: Database, person_id: int) -> Born:
    """What is held of a person's birth."""
    row = db.execute("SELECT birth_date, birth_year FROM person WHERE id = ?", (person_id,)).fetchone()
    return Born() if row is None else Born(*row)
