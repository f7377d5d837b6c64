"""Accounts of staff, pupils and guardians; the first head of a new school."""

from node.accounts.views import area

__all__ = ["area"]
