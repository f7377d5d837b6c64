"""The class journal: lessons of a day, one lesson, a term as a grid, results of the term."""

from node.journal import book, earlier, explaining, giving, grid, lessons, past, views
from node.journal.blueprint import area
from node.journal.sentences import words

__all__ = ["area", "book", "earlier", "explaining", "giving", "grid", "lessons", "past", "views", "words"]
