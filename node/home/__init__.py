"""The first page: what each one needs today."""

from node.home.views import area

__all__ = ["area"]
