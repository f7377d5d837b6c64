"""Classes: who is in them, who teaches them what."""

from node.classes.views import area

__all__ = ["area"]
