"""Coming in, going out, changing the password."""

from node.signin.views import area, new_throttle

__all__ = ["area", "new_throttle"]
