"""Tasks that head and deputies give staff, with a deadline (clause 5.1)."""

from node.tasks.views import area

__all__ = ["area"]
