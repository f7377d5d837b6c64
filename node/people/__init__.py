"""People: found by name, and what is held about each."""

from node.people.views import area

__all__ = ["area"]
