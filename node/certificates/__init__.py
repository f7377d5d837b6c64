"""Certificates of education: given out to those who finish the basic or the secondary stage, and counted."""

from node.certificates.views import area

__all__ = ["area"]
