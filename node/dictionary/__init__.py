"""What is stored: every table and column, in the reader's language."""

from node.dictionary.views import area

__all__ = ["area"]
