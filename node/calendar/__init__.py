"""The calendar: terms, holidays and kinds of day as the school's own data over the country's, and the bells."""

from node.calendar.views import area

__all__ = ["area"]
