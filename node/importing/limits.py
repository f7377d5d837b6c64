"""How large the file of a list may be: one limit for every page that takes one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from shared.i18n import size
from shared.problems import FileTooLarge
from shared.web import LARGEST_UPLOAD, problem_answer

MOST_LINES = 6_000
"""Lines of one list: while they are written, which takes half a millisecond each at most, the others' writes wait."""
MOST_CELLS = 250_000
"""Cells of one file, of all its sheets: forty for each line that may be."""


def take_files(area: Blueprint, *endpoints: str) -> None:
    """Let these routes of an area take files up to `LARGEST_UPLOAD`; a larger one is refused in a sentence of its own.

    A plan or a list has some tens of kilobytes; what makes a workbook larger are its pictures.
    """

    @area.url_value_preprocessor
    def allow(endpoint: str | None, values: dict[str, Any] | None) -> None:
        """This runs before the form is read."""
        if endpoint in endpoints:
            request.max_content_length = LARGEST_UPLOAD

    @area.errorhandler(413)
    def refuse(error: Exception) -> ResponseReturnValue:
        return problem_answer(FileTooLarge(most=size(request.max_content_length or 0)), 413)
