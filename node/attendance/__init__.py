"""Attendance by class and pupil: missed days, their reasons, notes over days, alerts, lessons nobody has taken."""

from node.attendance.views import area

__all__ = ["area"]
