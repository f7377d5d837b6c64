"""Results of periods, by class, subject and pupil; the mark sheet and report cards."""

from node.results import books
from node.results.views import area

__all__ = ["area", "books"]
