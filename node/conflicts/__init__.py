"""Values written apart at two nodes: both are kept, a person decides."""

from node.conflicts.views import area

__all__ = ["area"]
