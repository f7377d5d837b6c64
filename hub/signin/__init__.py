"""Coming in, going out, changing the password."""

from hub.signin.views import area, door

__all__ = ["area", "door"]
