"""Coming in, going out, one's own account: password, one-time codes, a PIN for a shared computer."""

from node.signin.guard import new_throttle
from node.signin.own import area as own_area
from node.signin.views import area, door

__all__ = ["area", "door", "new_throttle", "own_area"]
