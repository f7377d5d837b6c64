"""The timetable: its editor with clash warnings, substitutions, events, each person's own week, iCalendar."""

from node.timetable import byroom, editing, rooming, substituting, views
from node.timetable.blueprint import area

__all__ = ["area", "byroom", "editing", "rooming", "substituting", "views"]
