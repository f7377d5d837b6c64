"""Calendar-thematic plans: topics with hours, laid onto the timetable's real lessons, and what of them was given."""

from node.plans.views import area

__all__ = ["area"]
