"""A person's own data: what is held, who read and changed it, and requests to correct it."""

from node.owndata.views import area

__all__ = ["area"]
