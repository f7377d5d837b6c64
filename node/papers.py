"""Papers that leave the school: each in the language of who reads it, on a page in the language of who prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from markupsafe import Markup
from sqlite_utils import Database

from node.settings.queries import school_name, value
from shared.i18n import LANGUAGES, current_language, in_language


@dataclass(frozen=True)
class Letterhead:
    """The school as it stands at the top of a paper; ``address`` is empty where the school has not written it."""

    school: str
    address: str

    @property
    def line(self) -> str:
        """Name and address in one line."""
        return ", ".join(part for part in (self.school, self.address) if part)


def letterhead(db: Database) -> Letterhead:
    """The school's full name and its postal address, from the settings."""
    return Letterhead(school_name(db), str(value(db, "school_address")))


def language_asked() -> str:
    """The language a paper is asked for in; that of the page where none is named."""
    language = request.args.get("language", "")
    return language if language in LANGUAGES else current_language()


def sheet(template: str, language: str, **values: Any) -> Markup:
    """The paper alone, in its language, for a page that goes on in its own."""
    with in_language(language):
        return Markup(render_template(template, language=language, **values))
