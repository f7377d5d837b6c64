"""What a school may set: how long the journal stays open, how marks round, when to raise an alarm."""

from node.settings.views import area

__all__ = ["area"]
