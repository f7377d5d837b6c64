"""A person's lessons and the school's events as an iCalendar file (RFC 5545), for phones and calendar programs.

Every weekly slot is one series with a UID that never changes: RRULE until its last lesson, EXDATE where no lesson is
held, RDATE where a day is taught by another weekday's timetable, an instance of its own (RECURRENCE-ID) for a
substitution. Lines end with CRLF and are folded at 75 octets; Cyrillic letters are two octets each.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from node.timetable.queries import Lesson
from shared.dates import date_of, weekday

ZONE = "Asia/Bishkek"
LONGEST_LINE = 75
_OFFSET = datetime.timedelta(hours=6)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Title = Callable[[Lesson], str]
"""The summary of a lesson as its reader is to see it."""


def calendar(
    name: str,
    lessons: Sequence[Lesson],
    events: Iterable[Mapping[str, Any]],
    *,
    now: datetime.datetime,
    sequence: int,
    title: Title,
    person: int | None = None,
) -> bytes:
    """The whole file. ``person`` is the teacher whose calendar it is: lessons held by another are cancelled in it.

    ``sequence`` grows with every change of the school's data, so that programs take the newer file.
    """
    stamp = (f"DTSTAMP:{now.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}", f"SEQUENCE:{sequence}")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Mektep//Timetable//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
        f"X-WR-TIMEZONE:{ZONE}",
        *_ZONE_LINES,
    ]
    for series in _by_slot(lessons).values():
        lines += _series(series, stamp, title, person)
    for event in events:
        lines += _event(event, stamp)
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


_ZONE_LINES = (
    "BEGIN:VTIMEZONE",
    f"TZID:{ZONE}",
    "BEGIN:STANDARD",
    "DTSTART:20050812T000000",
    "TZOFFSETFROM:+0600",
    "TZOFFSETTO:+0600",
    "TZNAME:+06",
    "END:STANDARD",
    "END:VTIMEZONE",
)
"""Kyrgyzstan has been at UTC+6 all year since 12 August 2005."""


def escaped(text: str) -> str:
    """A text value: backslash, comma, semicolon and line breaks escaped."""
    text = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def folded(line: str) -> bytes:
    """A line with its CRLF, folded at 75 octets and never inside a letter."""
    pieces, piece, room = [], b"", LONGEST_LINE
    for letter in line:
        octets = letter.encode()
        if len(piece) + len(octets) > room:
            pieces.append(piece)
            piece, room = b"", LONGEST_LINE - 1
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"


def _by_slot(lessons: Iterable[Lesson]) -> dict[int, list[Lesson]]:
    found: dict[int, list[Lesson]] = {}
    for lesson in lessons:
        found.setdefault(lesson.slot["id"], []).append(lesson)
    return found


def _series(
    lessons: Sequence[Lesson], stamp: Iterable[str], title: Title, person: int | None
) -> Iterator[str]:
    """A slot's lessons: one series, and instances of their own where a day differs from it."""
    slot = lessons[0].slot
    if person is not None and slot["teacher"] != person:
        for lesson in lessons:
            yield from _vevent(f"slot-{slot['id']}-{lesson.day}@mektep", lesson, stamp, title)
        return
    uid = f"slot-{slot['id']}@mektep"
    regular = [one for one in lessons if weekday(one.day) == slot["weekday"]]
    moved = [one for one in lessons if weekday(one.day) != slot["weekday"]]
    if not regular:
        for lesson in moved:
            yield from _vevent(f"slot-{slot['id']}-{lesson.day}@mektep", lesson, stamp, title)
        return
    first, last = regular[0], regular[-1]
    held = {one.day for one in regular}
    more = []
    if len(regular) > 1:
        by_day = _WEEKDAYS[slot["weekday"] - 1]
        more.append(f"RRULE:FREQ=WEEKLY;BYDAY={by_day};UNTIL={_until(last)}")
    skipped = [day for day in range(first.day, last.day, 7) if day not in held]
    more += [f"EXDATE{_moment(first, day)}" for day in skipped]
    more += [f"RDATE{_moment(first, one.day)}" for one in moved]
    plain = Lesson(first.day, first.period, slot, first.start, first.end)
    yield from _vevent(uid, plain, stamp, title, more)
    for one in lessons:
        if one.substitute is not None:
            own = [f"RECURRENCE-ID{_moment(one, one.day)}"]
            if person is not None and one.substitute != person:
                own.append("STATUS:CANCELLED")
            yield from _vevent(uid, one, stamp, title, own)


def _vevent(
    uid: str, lesson: Lesson, stamp: Iterable[str], title: Title, more: Iterable[str] = ()
) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{uid}"
    yield from stamp
    yield f"DTSTART{_moment(lesson, lesson.day)}"
    if _timed(lesson):
        yield f"DTEND{_moment(lesson, lesson.day, end=True)}"
    yield from more
    yield f"SUMMARY:{escaped(title(lesson))}"
    if lesson.slot["room_name"]:
        yield f"LOCATION:{escaped(lesson.slot['room_name'])}"
    yield "END:VEVENT"


def _timed(lesson: Lesson) -> bool:
    return lesson.start is not None and lesson.end is not None


def _moment(lesson: Lesson, day: int, end: bool = False) -> str:
    """Parameters and value of a time on a day at the lesson's bell; a whole day where no bell rings."""
    if not _timed(lesson):
        return f";VALUE=DATE:{date_of(day):%Y%m%d}"
    return f";TZID={ZONE}:{_local(day, (lesson.end if end else lesson.start) or 0):%Y%m%dT%H%M%S}"


def _local(day: int, minutes: int) -> datetime.datetime:
    return datetime.datetime.combine(date_of(day), datetime.time()) + datetime.timedelta(minutes=minutes)


def _until(lesson: Lesson) -> str:
    """The end of a rule: in UTC where the series has a time zone, a date where it has whole days."""
    if not _timed(lesson):
        return f"{date_of(lesson.day):%Y%m%d}"
    return f"{_local(lesson.day, lesson.start or 0) - _OFFSET:%Y%m%dT%H%M%SZ}"


def _event(event: Mapping[str, Any], stamp: Iterable[str]) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:event-{event['id']}@mektep"
    yield from stamp
    yield f"DTSTART:{_utc(event['start'])}"
    if event["end"] is not None and event["end"] > event["start"]:
        yield f"DTEND:{_utc(event['end'])}"
    yield f"SUMMARY:{escaped(event['title'] or '')}"
    if event["place"]:
        yield f"LOCATION:{escaped(event['place'])}"
    yield "END:VEVENT"


def _utc(instant: int) -> str:
    return f"{datetime.datetime.fromtimestamp(instant / 1000, datetime.UTC):%Y%m%dT%H%M%SZ}"
