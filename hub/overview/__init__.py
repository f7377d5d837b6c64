"""The district's schools: is everyone's data safe, and what is to be done."""

from hub.overview.views import area

__all__ = ["area"]
