"""The design system on one page, for those who change the face: tokens, components, states."""

from node.design.views import area

__all__ = ["area"]
