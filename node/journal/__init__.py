"""The class journal: lessons of a day, one lesson, a term as a grid, results of the term."""

from node.journal.views import area

__all__ = ["area"]
