"""Attendance by class and pupil: missed days, their reasons, notes over days, alerts, lessons nobody has taken."""

from node.attendance import handing, views
from node.attendance.blueprint import area

__all__ = ["area", "handing", "views"]
