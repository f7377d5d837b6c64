"""Pupil movement: arrivals, departures and transfers, the movement book, the alphabetic book."""

from node.movement import acts, mending, views
from node.movement.blueprint import area

__all__ = ["acts", "area", "mending", "views"]
