"""The district's figures: ready-made tables and an explorer of indicators."""

from hub.statistics.views import area

__all__ = ["area"]
