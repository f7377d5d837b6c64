"""Pupil movement: arrivals, departures and transfers, the movement book, the alphabetic book."""

from node.movement.views import area

__all__ = ["area"]
