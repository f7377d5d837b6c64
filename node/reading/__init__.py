"""Who read, exported or printed whose data, and looking it up."""

from node.reading.views import area

__all__ = ["area"]
