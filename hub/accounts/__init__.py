"""Who may sign in at the hub."""

from hub.accounts.views import area

__all__ = ["area"]
