"""People who were entered twice: found, and merged into one, which can be undone."""

from node.duplicates.views import area

__all__ = ["area"]
