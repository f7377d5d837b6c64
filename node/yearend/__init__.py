"""The end of a school year: who goes where by the promotion map, and the closing."""

from node.yearend.views import area

__all__ = ["area"]
