"""Pupil movement: arrivals, departures and transfers, the movement book, the alphabetic book."""

from node.movement import acts, afterwards, mending, views
from node.movement.blueprint import area

__all__ = ["acts", "afterwards", "area", "mending", "views"]
