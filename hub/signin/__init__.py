"""Coming in, going out, changing the password."""

from hub.signin.views import area

__all__ = ["area"]
