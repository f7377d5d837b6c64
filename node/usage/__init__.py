"""How much the system is used, by day and duty (clause 3.1): counts, and no person."""

from node.usage.views import area

__all__ = ["area"]
