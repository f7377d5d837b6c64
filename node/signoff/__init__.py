"""Head and deputies confirm what staff entered, class by class (clause 5.1)."""

from node.signoff.views import area

__all__ = ["area"]
