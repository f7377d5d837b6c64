"""Three languages: every sentence, its forms, dates and numbers, the Kyrgyz alphabet."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask import Flask

from shared import i18n
from shared.dates import parse_day

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("shared", "sync", "node", "hub")
NBSP = "\u00a0"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    i18n.init_app(app, lambda: app.config["LANGUAGE"])
    return app


def said(app: Flask, language: str, text: str, **places: object) -> str:
    """What a template says in a language."""
    app.config["LANGUAGE"] = language
    with app.test_request_context():
        return app.jinja_env.from_string(text).render(places)


def catalog(language: str) -> Catalog:
    with (i18n.LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source, locale=language)


# ---- sentences and their forms


def pupils(app: Flask, language: str, count: int) -> str:
    text = '{{ ngettext("%(num)s pupil", "%(num)s pupils", count, num=count|number) }}'
    return said(app, language, text, count=count)


def test_russian_has_three_forms(app: Flask) -> None:
    counted = [pupils(app, "ru", n) for n in (1, 2, 5, 11, 12, 21, 24, 25, 101, 111)]
    assert counted == [
        "1 ученик", "2 ученика", "5 учеников", "11 учеников", "12 учеников", "21 ученик", "24 ученика",
        "25 учеников", "101 ученик", "111 учеников",
    ]  # fmt: skip


def test_kyrgyz_has_one_form_after_a_numeral(app: Flask) -> None:
    assert [pupils(app, "ky", n) for n in (0, 1, 2, 5, 21)] == [
        "0 окуучу", "1 окуучу", "2 окуучу", "5 окуучу", "21 окуучу"
    ]  # fmt: skip


def test_english_has_two_forms(app: Flask) -> None:
    assert [pupils(app, "en", n) for n in (0, 1, 2)] == ["0 pupils", "1 pupil", "2 pupils"]


@pytest.mark.parametrize(("language", "forms"), [("ky", 1), ("ru", 3)])
def test_every_counted_sentence_has_all_its_forms(language: str, forms: int) -> None:
    counted = [message for message in catalog(language) if isinstance(message.id, tuple)]
    assert counted
    assert catalog(language).num_plurals == forms
    assert [m.id for m in counted if len(m.string) != forms or not all(m.string)] == []


def places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|\{\w+\}", text))


@pytest.mark.parametrize("language", ["ky", "ru"])
def test_every_form_fills_the_same_places(language: str) -> None:
    counted = [m for m in catalog(language) if isinstance(m.id, tuple)]
    assert [m.id[0] for m in counted if any(places(form) != places(m.id[1]) for form in m.string)] == []


ORDINALS = r"-(?:класс|чейрек|смена|сабак|сап|сөз|бет)"


def glued(text: str) -> list[str]:
    """Endings glued to a variable: Kyrgyz vowels must harmonise with a word nobody knows."""
    return re.findall(rf"(?:%\(\w+\)s|\{{\w+\}})(?!{ORDINALS})-?[а-яңөү]\w*", text)


def test_no_kyrgyz_ending_is_glued_to_a_variable() -> None:
    forms = [
        form for m in catalog("ky") for form in (m.string if isinstance(m.string, tuple) else (m.string,))
    ]
    assert [(form, glued(form)) for form in forms if glued(form)] == []


def test_glue_is_seen() -> None:
    assert glued("%(name)sга айтыңыз, {day}-да, %(grade)s-класс") == ["%(name)sга", "{day}-да"]


def test_kyrgyz_is_not_kazakh_or_turkish() -> None:
    foreign = re.compile(r"\b(?:сынып|тоқсан|баға|пән|оқушы)|[әғқұһі]", re.IGNORECASE)
    assert [m.string for m in catalog("ky") if m.id and foreign.search(str(m.string))] == []


def test_a_sentence_outside_of_a_request() -> None:
    sentence = "The passphrase is wrong."
    told = [i18n.gettext_in(language)(sentence) for language in i18n.LANGUAGES]
    assert told == ["Сырсөз айкашы туура эмес.", "Парольная фраза неверна.", sentence]


# ---- templates speak through gettext alone


def untranslated(template: str) -> list[str]:
    """Letters that stand in a template outside of tags and expressions, or in an attribute that people read."""
    text = re.sub(r"\{#.*?#\}", "", template, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    read = re.findall(r"\s(?:title|alt|placeholder|aria-label|label)=\"([^\"]*)\"", text)
    text = re.sub(r"<(script|style|code)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->|<[^>]*>", " ", text, flags=re.DOTALL)
    return [piece.strip() for piece in [*read, *text.splitlines()] if re.search(r"[^\W\d_]", piece)]


def templates() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("templates/**/*.html"))


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_hold_no_words_of_their_own(path: Path) -> None:
    assert untranslated(path.read_text("utf-8")) == []


def test_words_of_a_template_are_seen() -> None:
    template = """<p title="Tip" class="big">Hello {{ _("x") }}</p>{# note #}
      <img alt=""><b>№ 5 {% if a %}·{% endif %}</b>"""
    assert untranslated(template) == ["Tip", "Hello"]


# ---- dates and numbers


@pytest.mark.parametrize(
    ("language", "short", "medium", "full", "weekday"),
    [
        ("ky", "03.09.2025", "2025-ж., 3-сен.", "2025-ж., 3-сентябрь, шаршемби", "шаршемби"),
        ("ru", "03.09.2025", "3 сент. 2025 г.", "среда, 3 сентября 2025 г.", "среда"),
        ("en", "2025-09-03", "Sep 3, 2025", "Wednesday, September 3, 2025", "Wednesday"),
    ],
)
def test_days(app: Flask, language: str, short: str, medium: str, full: str, weekday: str) -> None:
    day = parse_day("2025-09-03")
    template = (
        '{{ day|day("short") }} | {{ day|day }} | {{ day|day("full") }} | {{ day|weekday }} | {{ none|day }}'
    )
    text = said(app, language, template, day=day)
    assert text.replace(NBSP, " ").replace("\u202f", " ") == f"{short} | {medium} | {full} | {weekday} | —"


def test_instants_are_told_in_the_schools_time(app: Flask) -> None:
    moment = parse_day("2025-09-03") * 86_400_000 + 20 * 3_600_000
    assert said(app, "en", "{{ at|instant }} {{ 0|instant }}", at=moment) == "Sep 4, 2025 02:00 —"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (10, 12, "3 сент. 2025 г. 10:00–12:00"),
        (10, None, "3 сент. 2025 г. 10:00"),
        (0, None, "3 сент. 2025 г."),
        (10, 34, "3 сент. 2025 г. 10:00 – 4 сент. 2025 г. 10:00"),
    ],
)
def test_spans_tell_a_day_once_and_no_midnight(
    app: Flask, first: int, last: int | None, expected: str
) -> None:
    begun, ended = ((parse_day("2025-09-03") * 24 + (h or 0) - 6) * 3_600_000 for h in (first, last))
    text = said(app, "ru", "{{ first|span(last) }}", first=begun, last=None if last is None else ended)
    assert text.replace("\u202f", " ") == expected


@pytest.mark.parametrize("said_by", ["{{ _('Closed on %(day)s.', day=day|day) }}", "{{ closed(day|day) }}"])
def test_a_sentence_that_ends_with_an_abbreviated_date_has_one_stop(app: Flask, said_by: str) -> None:
    day = parse_day("2025-09-03")
    text = said(app, "ru", said_by, day=day, closed=lambda one: i18n.gettext("Closed on %(day)s.", day=one))
    assert text.replace("\u202f", " ") == "Закрыт: 3 сент. 2025 г."


def test_minutes_are_a_time_of_day(app: Flask) -> None:
    assert said(app, "ky", "{{ 485|clock }} {{ none|clock }}") == "08:05 —"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("ky", f"12{NBSP}345 | 55,8 | 3,71 | 22,5 | 18 | 1,5 МБ"),
        ("ru", f"12{NBSP}345 | 55,8 | 3,71 | 22,5 | 18 | 1,5 МБ"),
        ("en", "12,345 | 55.8 | 3.71 | 22.5 | 18 | 1.5 MB"),
    ],
)
def test_numbers(app: Flask, language: str, expected: str) -> None:
    text = (
        "{{ 12345|number }} | {{ sou|exact }} | {{ mean|exact(2) }} | {{ 2250|hundredths }} | {{ 1800|hundredths }}"
        " | {{ 1572864|size }}"
    )
    assert said(app, language, text, sou=Fraction(1395, 25), mean=Fraction(89, 24)) == expected


def test_sizes(app: Flask) -> None:
    sizes = (0, 1023, 1024, 1_048_575, 104_857_600, 5_000_000_000)
    assert [said(app, "en", "{{ n|size }}", n=n) for n in sizes] == [
        "0 bytes", "1023 bytes", "1.0 KB", "1024.0 KB", "100.0 MB", "4.7 GB"
    ]  # fmt: skip
    assert said(app, "ru", "{{ 5000000000|size }}") == "4,7 ГБ"


def test_names_of_the_schema_and_of_codes(app: Flask) -> None:
    text = '{{ "class_group"|schema_label }}, {{ "f"|coded("person", "sex") }}, {{ none|coded("person", "sex") }}'
    assert [said(app, language, text) for language in i18n.LANGUAGES] == [
        "Класс, Кыз, —", "Класс, Женский, —", "Class, Female, —"
    ]  # fmt: skip


def test_a_template_compiled_for_one_reader_speaks_to_the_next_in_their_language(app: Flask) -> None:
    constants = (
        '"person"|schema_label', '"person"|column_label("sex")', '"f"|coded("person", "sex")', '"f"|in_list("sex")',
        '20000|day', '20000|weekday', '1|instant', '(1/2)|exact', '1234567|size', '12345|number', '150|hundredths',
        '"Sign in"|t',
    )  # fmt: skip
    template = app.jinja_env.from_string(" | ".join("{{ " + constant + " }}" for constant in constants))
    told = []
    for language in ("ky", "ru", "en"):
        app.config["LANGUAGE"] = language
        with app.test_request_context():
            told.append(template.render().split(" | "))
    ky, ru, en = told
    assert [c for c, a, b in zip(constants, ky, en, strict=True) if a == b] == []
    assert [c for c, a, b in zip(constants[:6], ky, ru, strict=False) if a == b] == []


def test_a_reference_row_without_a_name_in_the_language_shows_another(app: Flask) -> None:
    rows = [{"name_ky": "Адеп", "name_ru": "", "code": "ethics"}, {"name_ky": "", "code": "own"}, {}]
    assert [said(app, "ru", "{{ row|row_name }}", row=row) for row in rows] == ["Адеп", "own", "—"]


# ---- the Kyrgyz alphabet


def test_names_sort_by_the_kyrgyz_alphabet() -> None:
    names = ["Үсөнов", "Нурматов", "Өмүралиев", "Ёлкин", "Осмонов", "Ңарынов", "Елебаев", "Усенов", "Абдиев", "Пак",
             "Жапаров", "Smith"]  # fmt: skip
    assert i18n.in_order([*names, ""], str) == [
        "Smith", "Абдиев", "Елебаев", "Ёлкин", "Жапаров", "Нурматов", "Ңарынов", "Осмонов", "Өмүралиев", "Пак",
        "Усенов", "Үсөнов", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name", "found"),
    [
        ("усонов", "Үсөнов", True),
        ("үсөнов", "Үсөнов", True),
        ("  ОМУР  ", "Өмүралиев", True),
        ("жаныбек", "Жаңыбек", True),
        ("семен", "Семён", True),
        ("усенов", "Үсөнов", False),
    ],
)
def test_search_forgives_a_keyboard_without_kyrgyz_letters(typed: str, name: str, found: bool) -> None:
    assert (i18n.folded(typed) in i18n.folded(name)) is found
