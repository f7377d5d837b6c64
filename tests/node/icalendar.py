"""A reader of iCalendar files written from RFC 5545 alone, to check the writer by: it shares no code with it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ESCAPED = re.compile(r"\\(.)")
Moment = datetime.datetime | datetime.date


@dataclass
class Component:
    """A component: its properties as (name, parameters, value), and what stands inside."""

    name: str
    properties: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    inside: list[Component] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        return [value for known, _, value in self.properties if known == name]

    def value(self, name: str) -> str:
        (only,) = self.values(name)
        return only

    def text(self, name: str) -> str:
        return ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value(name))

    def moments(self, name: str) -> list[Moment]:
        return [moment(params, value) for known, params, value in self.properties if known == name]


def parse(content: bytes) -> Component:
    """Read a file; AssertionError where it breaks a rule of the format."""
    assert content.endswith(b"\r\n")
    physical = content[:-2].split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in physical)
    for line in physical:
        line.decode("utf-8")  # no letter is torn apart, even before the lines are joined
    lines: list[str] = []
    for line in physical:
        if line.startswith((b" ", b"\t")):
            lines[-1] += line[1:].decode()
        else:
            lines.append(line.decode())
    stack = [Component("")]
    for line in lines:
        head, separator, value = line.partition(":")
        assert separator, line
        name, *pairs = head.split(";")
        if name == "BEGIN":
            stack.append(Component(value))
        elif name == "END":
            done = stack.pop()
            assert done.name == value
            stack[-1].inside.append(done)
        else:
            stack[-1].properties.append((name, dict(pair.split("=") for pair in pairs), value))
    (calendar,) = stack.pop().inside
    assert not stack and calendar.name == "VCALENDAR" and calendar.value("VERSION") == "2.0"
    assert calendar.value("PRODID")
    return calendar


def moment(params: dict[str, str], value: str) -> Moment:
    """A DATE, a local DATE-TIME of the zone, or one in UTC turned to Bishkek's clock."""
    if params.get("VALUE") == "DATE":
        return datetime.datetime.strptime(value, "%Y%m%d").date()
    if value.endswith("Z"):
        return datetime.datetime.strptime(value, "%Y%m%dT%H%M%SZ") + datetime.timedelta(hours=6)
    assert params["TZID"] == "Asia/Bishkek"
    return datetime.datetime.strptime(value, "%Y%m%dT%H%M%S")


def occurrences(calendar: Component) -> dict[tuple[str, Moment], Component]:
    """Every instance of every event by UID and start, overrides in their places, cancelled ones gone."""
    found: dict[tuple[str, Moment], Component] = {}
    events = [one for one in calendar.inside if one.name == "VEVENT"]
    for event in events:
        assert (
            event.value("UID") and event.value("DTSTAMP").endswith("Z") and event.value("SEQUENCE").isdigit()
        )
        if not event.values("RECURRENCE-ID"):
            for start in starts(event):
                assert (event.value("UID"), start) not in found
                found[event.value("UID"), start] = event
    for event in events:
        for at in event.moments("RECURRENCE-ID"):
            assert (event.value("UID"), at) in found
            del found[event.value("UID"), at]
            if event.values("STATUS") != ["CANCELLED"]:
                found[event.value("UID"), event.moments("DTSTART")[0]] = event
    return found


def starts(event: Component) -> list[Moment]:
    """When an event begins, by its rule, its additions and its exceptions."""
    (first,) = event.moments("DTSTART")
    found = [first, *event.moments("RDATE")]
    for rule in event.values("RRULE"):
        parts = dict(part.split("=") for part in rule.split(";"))
        assert parts["FREQ"] == "WEEKLY" and parts["BYDAY"] == WEEKDAYS[first.weekday()]
        whole_days = not isinstance(first, datetime.datetime)
        until = moment({"VALUE": "DATE"} if whole_days else {}, parts["UNTIL"])
        at = first + datetime.timedelta(days=7)
        while at <= until:  # type: ignore[operator]
            found.append(at)
            at += datetime.timedelta(days=7)
    gone = event.moments("EXDATE")
    assert set(gone) <= set(found)
    return [at for at in found if at not in gone]
