"""Three languages: sentences by gettext, dates and numbers by CLDR, names of the schema and of reference rows.

The sentences in the code are English; `shared/locale` holds the Kyrgyz and Russian ones. Kyrgyz endings follow vowel
harmony, so no sentence glues an ending to a variable: write "Окуучу: …", not a built sentence.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import flask_babel  # type: ignore[import-untyped]
from babel.support import NullTranslations, Translations
from flask import Flask, g
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from shared import dates
from shared.problems import N_
from shared.reference import LIST_OF_COLUMN, code_name
from shared.report import EMPTY, decimal, decimal_point
from shared.schema import BY_NAME, Column, Table, label

__all__ = ["LANGUAGES", "N_", "current_language", "gettext", "gettext_in", "ngettext"]

LANGUAGES: dict[str, tuple[str, str]] = {
    "ky": ("Кыргызча", "КЫР"),
    "ru": ("Русский", "РУС"),
    "en": ("English", "ENG"),
}
"""Language -> its own name, and the short one for narrow screens; the first is the default."""
DEFAULT = "ky"
TIME_ZONE = "Asia/Bishkek"
CLOCK = datetime.timezone(datetime.timedelta(milliseconds=dates.AHEAD_MS), TIME_ZONE)
"""What schools' clocks show: six hours ahead of UTC all the year, whatever zone a machine was set up with."""
LOCALE = Path(__file__).parent / "locale"

T = TypeVar("T")
Text = TypeVar("Text", bound=str)
_STOPS = re.compile(r"(?<=\w)\.\.(?!\.)")


def init_app(app: Flask, choose: Callable[[], str]) -> None:
    """Let `choose` give the language of each request; add the filters of templates."""
    flask_babel.Babel(
        app,
        default_locale=DEFAULT,
        default_timezone=TIME_ZONE,
        default_translation_directories=str(LOCALE),
        locale_selector=choose,
    )
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.install_gettext_callables(gettext, _unfilled, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(
        _=_in_template, current_language=current_language, LANGUAGES=LANGUAGES, EMPTY=EMPTY
    )
    app.context_processor(_page_context)


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """What is said inside is said in this language, whatever the request's is: a form for another reader."""
    g.pop("language", None)
    try:
        with flask_babel.force_locale(language):
            yield
    finally:
        g.pop("language", None)


def current_language() -> str:
    """The language of the request at hand."""
    # Asked hundreds of times for a page, so it is looked for once.
    try:
        known: str = g.language
    except AttributeError:
        known = g.language = _chosen()
    except RuntimeError:
        return DEFAULT
    return known


def _chosen() -> str:
    locale = flask_babel.get_locale()
    return locale.language if locale is not None and locale.language in LANGUAGES else DEFAULT


def gettext_in(language: str) -> Callable[[str], str]:
    """Translate into one language, outside of any request."""
    return lambda message: str(_catalogue(language).gettext(message))


def gettext(message: str, **places: object) -> str:
    """The sentence in the language of the request, its %(places)s filled."""
    text = str(_catalogue(current_language()).gettext(message))
    return _one_stop(text % places) if places else text


def pgettext(context: str, message: str) -> str:
    """The sentence in the language of the request where ``context`` gives it a form of its own: said of a ``girl``."""
    return str(_catalogue(current_language()).pgettext(context, message))


def _in_template(message: str, **places: object) -> Markup:
    """The sentence as a page holds it: it may have markup, what fills its places may not."""
    return _as_page(current_language(), message, **places)


def _as_page(language: str, message: str, **places: object) -> Markup:
    text = _as_markup(language, message)
    return _one_stop(text % places) if places else text


def _one_stop(text: Text) -> Text:
    """A date may end with an abbreviation ("26 ноября 2026 г."); its stop then ends the sentence, too."""
    return type(text)(_STOPS.sub(".", text)) if ".." in text else text


def _page_context() -> dict[str, object]:
    """A page asks its language once, not at each of its fifty sentences."""
    return {"_": partial(_as_page, current_language())}


@cache
def _as_markup(language: str, message: str) -> Markup:
    return Markup(_catalogue(language).gettext(message))


def ngettext(singular: str, plural: str, num: int, **places: object) -> str:
    """The sentence with the noun in the form that the number asks for."""
    return _unfilled(singular, plural, num) % {"num": num, **places}


def _unfilled(singular: str, plural: str, num: int) -> str:
    return str(_catalogue(current_language()).ngettext(singular, plural, num))


@cache
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(str(LOCALE), [language])


def translate(message: str) -> str:
    """The sentence of a message that was marked with `N_`; the name differs from gettext's, so none is extracted."""
    return gettext(message)


# ---- names


def schema_label(item: Table | Column | str) -> str:
    """The label of a table (or its name) or of a column."""
    return label(BY_NAME[item] if isinstance(item, str) else item, current_language())


def column_label(table: str, column: str) -> str:
    """The label of a column by its name and its table's."""
    return label(BY_NAME[table].by_name[column], current_language())


def labels_of(table: str, column: str) -> tuple[str, str]:
    """The labels of a table and a column, or their names where they are none of the schema's."""
    known = BY_NAME.get(table)
    if known is None:
        return table, column
    return schema_label(known), column_label(table, column) if column in known.by_name else column


def coded(value: str | int | None, table: str, column: str, sex: str | None = None) -> str:
    """A code as people read it: the name from the code list of its column; "—" when there is none.

    ``sex``: of whom it is said, where languages tell.
    """
    if value is None or value == "":
        return EMPTY
    if (table, column) == ("pupil", "categories"):
        return ", ".join(in_list(code.strip(), "social_category") for code in str(value).split(","))
    list_ = LIST_OF_COLUMN.get((table, column))
    return code_name(list_, str(value), current_language(), sex) if list_ else str(value)


def in_list(code: str, list_: str) -> str:
    """The name of a code of a shipped list."""
    return code_name(list_, code, current_language())


def row_name(row: Mapping[str, Any], prefix: str = "") -> str:
    """The name of a reference row in the reader's language, else in the next that it has, else its code."""
    first = current_language()
    languages = [first, *(language for language in LANGUAGES if language != first)]
    names = (row.get(f"{prefix}name_{language}") for language in languages)
    return next((str(name) for name in names if name), str(row.get(f"{prefix}code") or EMPTY))


# ---- numbers and dates


def number(value: int | None) -> str:
    """A whole number with the language's grouping; below a thousand there is nothing to group."""
    if value is None:
        return EMPTY
    return str(value) if 0 <= value < 1000 else str(flask_babel.format_decimal(value))


def exact(value: Fraction | int | None, places: int = 1) -> str:
    """A fraction rounded half up, with the language's decimal sign."""
    return EMPTY if value is None else decimal(value, places, decimal_point(current_language()))


def plain(value: Fraction | int) -> str:
    """An exact number with no more decimals than it needs, two at most: 18, 22,5, 22,75."""
    places = next((n for n in (0, 1) if (Fraction(value) * 10**n).denominator == 1), 2)
    return exact(value, places)


def hundredths(value: int | None) -> str:
    """A load stored in hundredths of an hour, as hours."""
    return EMPTY if value is None else plain(Fraction(value, 100))


_SIZES = (N_("bytes"), N_("KB"), N_("MB"), N_("GB"))


def size(value: int) -> str:
    """A number of bytes in bytes, KB, MB or GB (1024 each), with one decimal."""
    step = 0 if value < 1024 else 1 if value < 1024**2 else 2 if value < 1024**3 else 3
    return f"{exact(Fraction(value, 1024**step), min(step, 1))} {translate(_SIZES[step])}"


def day(value: int | None, form: str = "medium") -> str:
    """A day number as a date: short, medium, long or full."""
    if form == "short":
        # CLDR's short form puts the month first for English and drops the noughts for Kyrgyz; here 01.09.2026 is read.
        form = "yyyy-MM-dd" if current_language() == "en" else "dd.MM.yyyy"
    return EMPTY if value is None else str(flask_babel.format_date(dates.date_of(value), form))


def day_of_week(value: int) -> str:
    """The name of a day's weekday."""
    return str(flask_babel.format_date(dates.date_of(value), "EEEE"))


def instant(value: int | None) -> str:
    """Milliseconds since 1970 as local date and time; "—" for never."""
    if not value:
        return EMPTY
    moment = datetime.datetime.fromtimestamp(value / 1000, datetime.UTC)
    return f"{flask_babel.format_date(moment, 'medium')} {flask_babel.format_time(moment, 'HH:mm')}"


def span(start: int, end: int | None = None) -> str:
    """From one instant to another as people write it: the day once if it is the same, no time where it is midnight."""
    one = datetime.datetime.fromtimestamp(start / 1000, CLOCK)
    first = (
        instant(start)
        if one.time() != datetime.time()
        else str(flask_babel.format_date(one.date(), "medium"))
    )
    if end is None:
        return first
    other = datetime.datetime.fromtimestamp(end / 1000, CLOCK)
    return f"{first}–{other:%H:%M}" if one.date() == other.date() else f"{first} – {instant(end)}"


def clock_time(value: int | None) -> str:
    """Minutes since midnight as 09:40."""
    return EMPTY if value is None else f"{value // 60:02d}:{value % 60:02d}"


def nowrap(text: str) -> Markup:
    """Text that must stay on one line."""
    return Markup('<span class="nowrap">{}</span>').format(text)


_SHOWN: dict[str, Callable[..., str]] = {
    "t": translate,
    "schema_label": schema_label,
    "column_label": column_label,
    "coded": coded,
    "in_list": in_list,
    "row_name": row_name,
    "number": number,
    "exact": exact,
    "hundredths": hundredths,
    "size": size,
    "day": day,
    "weekday": day_of_week,
    "instant": instant,
    "span": span,
    "clock": clock_time,
    "nowrap": nowrap,
}


def when_read(shown: Callable[..., str]) -> Callable[..., str]:
    """A filter that is asked at every reading: Jinja computes others once, in the language of the first reader."""

    @pass_context
    @wraps(shown)
    def filter_(context: Context, *values: Any, **more: Any) -> str:
        return shown(*values, **more)

    return filter_


FILTERS = {name: when_read(shown) for name, shown in _SHOWN.items()}

# ---- the Kyrgyz alphabet

_ALPHABET = "абвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя"
_PLACES = str.maketrans({letter: chr(0x1000 + place) for place, letter in enumerate(_ALPHABET)})
_FOLDED = str.maketrans("ңөүё", "ноуе")


def alphabetical(text: str) -> str:
    """A key that sorts by the Kyrgyz alphabet (ң after н, ө after о, ү after у); Latin letters come before Cyrillic."""
    return text.lower().translate(_PLACES)


def in_order(items: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """Items sorted by their names in the Kyrgyz alphabet; the nameless come last, as they were."""
    named = [(item, name(item)) for item in items]
    return [item for item, _ in sorted(named, key=lambda one: (not one[1], alphabetical(one[1])))]


def near(typed: str, name: str, edits: int) -> bool:
    """Does a name begin with what was typed, but for so many letters wrong, missing, too many or swapped?

    Whole words are compared by giving the shorter one first; the cost grows with 4 to the power of ``edits``.
    """
    same = 0
    while same < len(typed) and same < len(name) and typed[same] == name[same]:
        same += 1
    typed, name = typed[same:], name[same:]
    if len(typed) <= edits and not name:
        return True
    if not typed or not edits:
        return not typed
    return (
        near(typed[1:], name, edits - 1)
        or near(typed, name[1:], edits - 1)
        or near(typed[1:], name[1:], edits - 1)
        or (typed[:2] == name[1::-1] and len(name) > 1 and near(typed[2:], name[2:], edits - 1))
    )


def folded(text: str) -> str:
    """A form to search by: a keyboard without ң, ө, ү finds them by н, о, у; ё by е; case and spaces do not matter."""
    return " ".join(text.lower().translate(_FOLDED).split())
