"""The regulation on the system, in three languages, and the orders it rests on."""

from node.regulation.views import area

__all__ = ["area"]
