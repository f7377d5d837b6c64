"""Written consents: recorded, printed, withdrawn; whom to ask, what lapses soon."""

from node.consents.views import area

__all__ = ["area"]
