"""Results of periods, by class, subject and pupil."""

from node.results.views import area

__all__ = ["area"]
