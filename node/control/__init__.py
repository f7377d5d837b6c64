"""Lesson control for the deputy: what lessons lack, group by group."""

from node.control.views import area

__all__ = ["area"]
