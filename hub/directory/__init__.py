"""The district's books: its districts and schools, registration codes, revoking of nodes."""

from hub.directory.views import area

__all__ = ["area"]
