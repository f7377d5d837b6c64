"""The school's classes and people as a OneRoster 1.2 file, which learning platforms take in."""

from node.oneroster.views import area

__all__ = ["area"]
