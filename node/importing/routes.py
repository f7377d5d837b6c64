"""The pages of the import; the package itself is used without them, in a terminal."""

from node.importing import back, views
from node.importing.blueprint import area

__all__ = ["area", "back", "views"]
