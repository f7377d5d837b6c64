"""A short guide for each duty: what one does here, step by step, with a way to the page."""

from node.guide.views import area

__all__ = ["area"]
