"""The orders book, and the duties that orders give and end."""

from node.orders.views import area

__all__ = ["area"]
