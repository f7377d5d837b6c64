"""Every synced table, declared once, as data.

From this come the node's tables and triggers, the hub's tables, the numbers on the wire, merge units, import
templates, form validation and the data dictionary. Table and column numbers are permanent: they are what travels.
To add a column or a table: one entry here with ``since`` set to a new VERSION. Defaults are frozen once released.

Scopes (who can read a column):

- ``district``   the school and the hub; codes and numbers, no free text
- ``reference``  open when the hub or the product wrote the row; sealed when a school did (names of subjects, codes)
- ``school``     this school's nodes only; the hub stores it sealed

Types: ``int``, ``bool`` (0 or 1), ``ref`` (a row id), ``date`` (days since 1970-01-01), ``instant`` (milliseconds since
1970), ``time`` (minutes since midnight) are stored as integers; ``code`` and ``text`` as text; ``bytes`` as blobs.
There are no floating-point columns: a load of 1.25 posts is 125.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from shared.problems import InvalidValue

VERSION = 2

Scope = Literal["district", "reference", "school"]
Value = int | str | bytes | None

INTEGER_TYPES = frozenset({"int", "bool", "ref", "date", "instant", "time"})
MAX_INTEGER = 2**63 - 1
MAX_TEXT = 8_000
MAX_BYTES = 32_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
RETIRED = 1
"""Number of the ``retired_at`` column, which every table has."""


@dataclass(frozen=True)
class Column:
    """One column of a synced table; ``labels`` are Kyrgyz, Russian, English."""

    name: str
    number: int
    type: str
    scope: Scope
    labels: tuple[str, str, str]
    default: Value = None
    references: str | None = None
    soft: bool = False
    consent: str | None = None
    unit: str | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    since: int = 1
    derived: bool = False
    """Counted from other rows, in a table that people write."""

    @cached_property
    def merge_unit(self) -> str:
        """Columns of one merge unit are replaced together; by default a column is its own unit."""
        return self.unit or self.name

    @cached_property
    def is_integer(self) -> bool:
        return self.type in INTEGER_TYPES

    @property
    def sql_type(self) -> str:
        return "INTEGER" if self.is_integer else "BLOB" if self.type == "bytes" else "TEXT"

    def check(self, value: Value, table: str) -> None:
        """Raise InvalidValue unless the value is of this column's type and within its bounds (None is allowed)."""
        if value is not None and not self._accepts(value):
            raise InvalidValue(table=table, column=self.name, value=_shown(value))

    def has_type_of(self, value: Value) -> bool:
        """Is the value storable here, whatever a newer or older release thinks of its meaning?

        Text holds no U+0000 (PostgreSQL refuses it and SQLite's functions end at it) and no half of a surrogate pair
        (which has no UTF-8).
        """
        if value is None:
            return True
        if self.is_integer:
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER
        if self.type == "bytes":
            return isinstance(value, bytes)
        return isinstance(value, str) and not _UNSTORABLE.search(value)

    def _accepts(self, value: Value) -> bool:
        if not self.has_type_of(value):
            return False
        if isinstance(value, int):
            low, high = (0, 1) if self.type == "bool" else (self.minimum, self.maximum)
            return (low is None or value >= low) and (high is None or value <= high)
        assert isinstance(value, (str, bytes))
        if len(value) > (self.max_length or (MAX_BYTES if isinstance(value, bytes) else MAX_TEXT)):
            return False
        if isinstance(value, str) and value and self.choices and value not in self.choices:
            return False
        return not (
            isinstance(value, str) and value and self.pattern and not re.fullmatch(self.pattern, value)
        )


def _shown(value: Value) -> str:
    text = "…" if isinstance(value, bytes) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


@dataclass(frozen=True)
class Table:
    """One synced table. A single-column key is the row id itself; natural composite keys merge double entries."""

    name: str
    number: int
    group: str
    labels: tuple[str, str, str]
    key: tuple[str, ...]
    all_columns: tuple[Column, ...]
    derived: bool = False
    since: int = 1
    indexes: tuple[tuple[str, ...], ...] = field(default=())

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.all_columns}

    @cached_property
    def by_number(self) -> dict[int, Column]:
        return {c.number: c for c in self.all_columns}

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        return tuple(self.by_name[name] for name in self.key)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns beside the key."""
        return tuple(c for c in self.all_columns if c.name not in self.key)

    @cached_property
    def value_by_number(self) -> dict[int, Column]:
        return {c.number: c for c in self.columns}

    @cached_property
    def units(self) -> dict[str, tuple[Column, ...]]:
        """Merge unit name -> its columns."""
        units: dict[str, tuple[Column, ...]] = {}
        for c in self.columns:
            units[c.merge_unit] = (*units.get(c.merge_unit, ()), c)
        return units

    def is_derived(self, numbers: Iterable[int]) -> bool:
        """Are these all columns that are counted from other rows?"""
        derived = {c.number for c in self.columns if c.derived or self.derived}
        return derived.issuperset(numbers)

    @property
    def is_reference(self) -> bool:
        return self.group == "reference"

    @cached_property
    def open_columns(self) -> tuple[Column, ...]:
        """Columns whose content may stand in a district part (``retired_at`` only where others do)."""
        return tuple(c for c in self.columns if c.scope == "district")

    @cached_property
    def consented(self) -> tuple[Column, ...]:
        """Columns that fill only under a written consent; the table is ``person`` or has a column ``person``."""
        return tuple(c for c in self.columns if c.consent)

    @cached_property
    def on_hub(self) -> bool:
        return any(c.number != RETIRED for c in self.open_columns)

    @property
    def row_id(self) -> str:
        """Name of the INTEGER PRIMARY KEY column on a node: the key itself, or a local ``rid``."""
        return self.key[0] if len(self.key) == 1 else "rid"


def _c(
    number: int,
    name: str,
    type_: str,
    scope: Scope,
    ky: str,
    ru: str,
    en: str,
    default: Value = None,
    **more: object,
) -> Column:
    return Column(name, number, type_, scope, (ky, ru, en), default, **more)  # type: ignore[arg-type]


def _id() -> Column:
    return _c(0, "id", "ref", "district", "Катар номери", "Номер записи", "Row id")


def _table(
    number: int,
    name: str,
    group: str,
    labels: tuple[str, str, str],
    *columns: Column,
    key: tuple[str, ...] = ("id",),
    derived: bool = False,
    indexes: tuple[tuple[str, ...], ...] = (),
    since: int = 1,
) -> Table:
    scope: Scope = (
        "district" if any(c.scope == "district" and c.name not in key for c in columns) else "school"
    )
    head = (_id(),) if key == ("id",) else ()
    retired = _c(RETIRED, "retired_at", "instant", scope, "Жокко чыгарылган", "Изъято", "Retired at")
    all_columns = tuple(replace(c, since=max(c.since, since)) for c in (*head, retired, *columns))
    return Table(name, number, group, labels, key, all_columns, derived, since, indexes)


SEX = ("f", "m")
LANGUAGES = ("ky", "ru", "uz", "tg", "en", "pt")
CONSENT_PURPOSES = ("core", "photo", "messages", "health", "social", "transfer", "letters")
TERM_KINDS = ("quarter", "half", "period", "year", "exam", "final")
DAY_KINDS = ("school", "holiday", "public", "off", "distance", "exam")
MOVEMENT_KINDS = ("arrived", "departed", "transfer", "promoted", "repeating", "graduated")
MOVEMENT_REASONS = ("district", "country", "abroad", "college", "illness", "death", "other", "start")
RESULT_STATUSES = ("assessed", "na", "exempt", "unmarked")
ATTENDANCE_STATUSES = ("present", "absent", "late")
ABSENCE_REASONS = ("ill", "excused", "unexcused", "unknown")
NOTE_STATES = ("open", "accepted", "declined")
NOTE_REFUSALS = ("days", "present", "paper", "known")
ACT_KINDS = ("import", "merge", "undo", "erasure", "closing")
DUTIES = (
    "head",
    "deputy",
    "class_teacher",
    "teacher",
    "secretary",
    "social",
    "librarian",
    "administrator",
)  # fmt: skip
POSITIONS = (
    "head", "deputy", "primary", "teacher", "social", "psychologist", "librarian",
    "secretary", "it", "lab", "accountant", "support", "other",
)  # fmt: skip
RELATIONS = (
    "mother", "father", "grandmother", "grandfather", "stepmother", "stepfather", "guardian", "relative", "other",
)  # fmt: skip
EDUCATIONS = ("higher_ped", "higher", "unfinished", "vocational", "general")
CATEGORIES = ("highest", "first", "second", "none")
PUPIL_CATEGORIES = ("excellent", "good", "satisfactory", "failing", "not_assessed", "one_four", "one_three")
GRADE = {"minimum": 0, "maximum": 12}
DATE = {"minimum": -36_525, "maximum": 73_050}


def _names(first: int) -> tuple[Column, ...]:
    return (
        _c(
            first,
            "name_ky",
            "text",
            "reference",
            "Аталышы (кыргызча)",
            "Название (кырг.)",
            "Name (Kyrgyz)",
            "",
        ),
        _c(
            first + 1,
            "name_ru",
            "text",
            "reference",
            "Аталышы (орусча)",
            "Название (рус.)",
            "Name (Russian)",
            "",
        ),
        _c(
            first + 2,
            "name_en",
            "text",
            "reference",
            "Аталышы (англисче)",
            "Название (англ.)",
            "Name (English)",
            "",
        ),
    )


def _personal(number: int, name: str, ky: str, ru: str, en: str, **more: object) -> Column:
    return _c(number, name, "text", "school", ky, ru, en, None, consent="core", **more)


TABLES: tuple[Table, ...] = (
    # ---- reference
    _table(
        1, "org_unit", "reference", ("Уюм", "Организация", "Organisation unit"),
        _c(2, "code", "code", "district", "Коду", "Код", "Code"),
        _c(3, "kind", "code", "district", "Түрү", "Вид", "Kind", choices=("country", "province", "district", "school")),
        _c(4, "parent", "ref", "district", "Жогорку уюм", "Вышестоящая", "Parent", references="org_unit"),
        *_names(5),
    ),
    _table(
        2, "school", "reference", ("Мектеп", "Школа", "School"),
        _c(2, "number", "int", "district", "Номери", "Номер", "Number", minimum=0),
        _c(3, "kind", "code", "district", "Түрү", "Тип", "Type", choices=("primary", "basic", "secondary", "gymnasium")),
        _c(4, "urban", "bool", "district", "Шаардык", "Городская", "Urban"),
        _c(5, "week_days", "int", "district", "Жуманын күндөрү", "Дней в неделе", "School days a week",
           minimum=5, maximum=6),
        _c(6, "shifts", "int", "district", "Сменалар", "Смены", "Shifts", minimum=1, maximum=5),
        _c(7, "capacity", "int", "district", "Сыйымдуулугу", "Вместимость", "Capacity", minimum=0),
        *_names(8),
    ),
    _table(
        3, "academic_year", "reference", ("Окуу жылы", "Учебный год", "School year"),
        _c(2, "start", "date", "district", "Башталышы", "Начало", "Start", **DATE),
        _c(3, "end", "date", "district", "Аягы", "Конец", "End", **DATE),
        _c(4, "reference_date", "date", "district", "Эсеп күнү", "Отчётная дата", "Reference date", **DATE),
    ),
    _table(
        4, "term", "reference", ("Окуу мезгили", "Учебный период", "Academic period"),
        _c(2, "year", "ref", "district", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(3, "kind", "code", "district", "Түрү", "Вид", "Kind", choices=TERM_KINDS),
        _c(4, "number", "int", "district", "Номери", "Номер", "Number", minimum=0, maximum=9),
        _c(5, "start", "date", "district", "Башталышы", "Начало", "Start", **DATE),
        _c(6, "end", "date", "district", "Аягы", "Конец", "End", **DATE),
    ),
    _table(
        5, "calendar_day", "reference", ("Календарь күнү", "День календаря", "Calendar day"),
        _c(2, "year", "ref", "district", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(3, "day", "date", "district", "Күнү", "Дата", "Day", **DATE),
        _c(4, "kind", "code", "district", "Түрү", "Вид", "Kind", choices=DAY_KINDS),
        key=("year", "day"),
    ),
    _table(
        6, "promotion_map", "reference", ("Көчүрүү картасы", "Карта перевода", "Promotion map"),
        _c(2, "year", "ref", "district", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(3, "grade", "int", "district", "Класс", "Класс", "Grade", **GRADE),
        _c(4, "to_grade", "int", "district", "Кийинки класс", "Следующий класс", "Next grade", **GRADE),
        _c(5, "graduates", "bool", "district", "Бүтүрөт", "Выпускается", "Graduates"),
        key=("year", "grade"),
    ),
    _table(
        7, "subject", "reference", ("Предмет", "Предмет", "Subject"),
        _c(2, "code", "code", "district", "Коду", "Код", "Code", max_length=16, pattern=r"[a-z0-9_-]*"),
        _c(3, "standard", "ref", "district", "Негизги предмет", "Типовой предмет", "Standard subject",
           references="subject"),
        _c(4, "sort", "int", "district", "Иреттөө", "Порядок", "Order", 0),
        *_names(5),
    ),
    _table(
        8, "code", "reference", ("Код", "Код", "Code"),
        _c(2, "list", "code", "district", "Тизме", "Список", "List", max_length=24, pattern=r"[a-z0-9_]*"),
        _c(3, "code", "code", "district", "Коду", "Код", "Code", max_length=24, pattern=r"[A-Za-z0-9_.-]*"),
        _c(4, "sort", "int", "district", "Иреттөө", "Порядок", "Order", 0),
        *_names(5),
    ),
    _table(
        9, "grading_scale", "reference", ("Баалоо шкаласы", "Шкала оценок", "Grading scale"),
        _c(2, "code", "code", "district", "Коду", "Код", "Code", max_length=16, pattern=r"[a-z0-9_]*"),
        _c(3, "minimum", "int", "district", "Эң азы", "Минимум", "Minimum"),
        _c(4, "maximum", "int", "district", "Эң көбү", "Максимум", "Maximum"),
        *_names(5),
    ),
    _table(
        10, "grading_band", "reference", ("Баа аралыгы", "Интервал оценки", "Grading band"),
        _c(2, "scale", "ref", "district", "Шкала", "Шкала", "Scale", references="grading_scale"),
        _c(3, "band", "int", "district", "Баа", "Оценка", "Band", minimum=1, maximum=5),
        _c(4, "low", "int", "district", "Төмөнкү чек", "Нижняя граница", "Lowest value"),
        _c(5, "high", "int", "district", "Жогорку чек", "Верхняя граница", "Highest value"),
        key=("scale", "band"),
    ),
    _table(
        11, "work_kind", "reference", ("Иштин түрү", "Вид работы", "Kind of work"),
        _c(2, "code", "code", "district", "Коду", "Код", "Code", max_length=16, pattern=r"[a-z0-9_]*"),
        _c(3, "weight", "int", "district", "Салмагы", "Вес", "Weight", 1, minimum=0, maximum=100),
        *_names(4),
    ),
    _table(
        12, "report_form", "reference", ("Отчеттун формасы", "Форма отчёта", "Report form"),
        _c(2, "code", "code", "district", "Коду", "Код", "Code", max_length=24),
        _c(3, "definition", "text", "reference", "Аныктамасы", "Определение", "Definition"),
        *_names(4),
    ),
    _table(
        13, "notice", "reference", ("Билдирүү", "Объявление", "Notice"),
        _c(2, "published", "date", "district", "Жарыяланган", "Опубликовано", "Published", **DATE),
        _c(3, "text", "text", "reference", "Тексти", "Текст", "Text"),
    ),
    # ---- people
    _table(
        20, "person", "people", ("Адам", "Человек", "Person"),
        _c(2, "sex", "code", "district", "Жынысы", "Пол", "Sex", choices=SEX),
        _c(3, "birth_year", "int", "district", "Туулган жылы", "Год рождения", "Birth year",
           minimum=1900, maximum=2100),
        _personal(4, "surname", "Фамилиясы", "Фамилия", "Surname", max_length=80),
        _personal(5, "given_name", "Аты", "Имя", "Given name", max_length=80),
        _personal(6, "patronymic", "Атасынын аты", "Отчество", "Patronymic", max_length=80),
        _c(7, "birth_date", "date", "school", "Туулган күнү", "Дата рождения", "Date of birth", consent="core", **DATE),
        _personal(8, "personal_number", "Жеке номер (ПИН)", "ПИН", "Personal number", pattern=r"\d{14}"),
        _personal(9, "phone", "Телефону", "Телефон", "Phone", max_length=40),
        _personal(10, "email", "Электрондук дареги", "Эл. почта", "E-mail", max_length=120),
        _personal(11, "address", "Дареги", "Адрес", "Address", max_length=300),
        _c(12, "photo", "bytes", "school", "Сүрөтү", "Фото", "Photo", consent="photo"),
        _c(13, "document", "text", "school", "Инсандыгын ырастаган документ", "Документ, удостоверяющий личность",
           "Identity document", consent="core", max_length=120, since=2),
    ),
    _table(
        21, "consent", "people", ("Макулдук", "Согласие", "Consent"),
        _c(2, "person", "ref", "district", "Адам", "Человек", "Person", references="person"),
        _c(3, "purpose", "code", "district", "Максаты", "Цель", "Purpose", choices=CONSENT_PURPOSES),
        _c(4, "valid_from", "date", "district", "Башталышы", "Действует с", "Valid from", **DATE),
        _c(5, "valid_to", "date", "district", "Аягы", "Действует до", "Valid to", **DATE),
        _c(6, "withdrawn_on", "date", "district", "Кайтарылган күнү", "Отозвано", "Withdrawn on", **DATE),
        _c(7, "signer", "ref", "school", "Кол койгон", "Подписал", "Signed by", references="person"),
        _c(8, "ground", "text", "school", "Негизи", "Основание", "Ground of authority", max_length=200),
        _c(9, "document", "text", "school", "Документ", "Документ", "Document", max_length=200),
        _c(10, "scan", "bytes", "school", "Скан", "Скан", "Scan"),
        _c(11, "received_by", "ref", "school", "Кабыл алган", "Принял", "Received by", references="person", since=2),
        _c(12, "language", "code", "school", "Форманын тили", "Язык формы", "Language of the form",
           choices=("ky", "ru", "en"), since=2),
        indexes=(("person",),),
    ),
    _table(
        25, "consent_scan", "people", ("Макулдуктун скан бөлүгү", "Часть скана согласия", "Part of a consent's scan"),
        _c(2, "consent", "ref", "school", "Макулдук", "Согласие", "Consent", references="consent"),
        _c(3, "part", "int", "school", "Бөлүгү", "Часть", "Part", minimum=0, maximum=99),
        _c(4, "data", "bytes", "school", "Мазмуну", "Содержимое", "Content"),
        key=("consent", "part"), since=2,
    ),
    _table(
        26, "correction", "people", ("Оңдоо өтүнүчү", "Запрос на исправление", "Request to correct"),
        _c(2, "person", "ref", "school", "Ким жөнүндө", "О ком", "About", references="person"),
        _c(3, "account", "ref", "school", "Сураган", "Кто просит", "Asked by", references="account"),
        _c(4, "asked_on", "date", "school", "Суралган күнү", "Дата запроса", "Asked on", **DATE),
        _c(5, "text", "text", "school", "Эмнени оңдоо керек", "Что исправить", "What to correct", consent="core",
           max_length=1000),
        _c(6, "state", "code", "school", "Абалы", "Состояние", "State", choices=("open", "done", "refused"),
           unit="state"),
        _c(7, "answered_on", "date", "school", "Жооп берилген күнү", "Дата ответа", "Answered on", unit="state",
           **DATE),
        _c(8, "answered_by", "ref", "school", "Жооп берген", "Кто ответил", "Answered by", references="account",
           unit="state"),
        _c(9, "answer", "text", "school", "Жообу", "Ответ", "Answer", consent="core", max_length=1000),
        indexes=(("person",),), since=2,
    ),
    _table(
        170, "consent_offer", "people",
        ("Кагазын күткөн макулдук", "Согласие, ожидающее бумаги", "Consent that waits for its paper"),
        _c(2, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        _c(3, "purpose", "code", "school", "Максаты", "Цель", "Purpose", choices=CONSENT_PURPOSES),
        _c(4, "signer", "ref", "school", "Кол койгон", "Подписал", "Signed by", references="person"),
        _c(5, "ground", "text", "school", "Негизи", "Основание", "Ground of authority", max_length=200),
        _c(6, "document", "text", "school", "Документ", "Документ", "Document", max_length=200),
        _c(7, "valid_from", "date", "school", "Башталышы", "Действует с", "Valid from", **DATE),
        _c(8, "valid_to", "date", "school", "Аягы", "Действует до", "Valid to", **DATE),
        _c(9, "account", "ref", "school", "Киргизген", "Внёс", "Entered by", references="account"),
        _c(10, "state", "code", "school", "Абалы", "Состояние", "State", choices=("open", "confirmed", "declined"),
           unit="state"),
        _c(11, "answered_on", "date", "school", "Жооп берилген күнү", "Дата ответа", "Answered on", unit="state",
           **DATE),
        _c(12, "answered_by", "ref", "school", "Жооп берген", "Кто ответил", "Answered by", references="account",
           unit="state"),
        indexes=(("person",),), since=2,
    ),
    _table(
        22, "pupil", "people", ("Окуучу", "Ученик", "Pupil"),
        _c(2, "person", "ref", "district", "Адам", "Человек", "Person", references="person"),
        _c(3, "language", "code", "district", "Окутуу тили", "Язык обучения", "Language of instruction",
           choices=LANGUAGES),
        _c(4, "residence", "code", "district", "Жашаган жери", "Местность", "Residence", choices=("urban", "rural")),
        _c(5, "moved_from", "ref", "district", "Мурунку каттоосу", "Прежняя запись", "Former row", soft=True),
        _c(6, "personal_file", "text", "school", "Өздүк иштин номери", "№ личного дела", "Personal file number",
           max_length=20),
        _c(7, "alphabet_book", "text", "school", "Алфавиттик китептеги номери", "№ в алфавитной книге",
           "Alphabet book number", max_length=20),
        _c(8, "categories", "text", "school", "Социалдык категориялары", "Социальные категории", "Social categories",
           consent="social", max_length=200),
        _c(9, "source", "text", "school", "Импорттун ачкычы", "Ключ импорта", "Import key", max_length=120),
        key=("person",),
    ),
    _table(
        23, "guardian", "people", ("Ата-эне (мыйзамдуу өкүл)", "Родитель (законный представитель)", "Guardian"),
        _c(2, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(3, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        _c(4, "relation", "code", "school", "Тууганчылыгы", "Степень родства", "Relation",
           choices=RELATIONS),
        _c(5, "may_read", "bool", "school", "Көрүүгө укуктуу", "Имеет доступ", "May read", 1),
        key=("pupil", "person"), indexes=(("person",),),
    ),
    _table(
        24, "staff", "people", ("Кызматкер", "Сотрудник", "Staff member"),
        _c(2, "person", "ref", "district", "Адам", "Человек", "Person", references="person"),
        _c(3, "position", "code", "district", "Кызмат орду", "Должность", "Position", choices=POSITIONS),
        _c(4, "education", "code", "district", "Билими", "Образование", "Education", choices=EDUCATIONS),
        _c(5, "category", "code", "district", "Категориясы", "Категория", "Category", choices=CATEGORIES),
        _c(6, "experience_since", "int", "district", "Стажы (жылдан)", "Стаж с года", "Teaching since",
           minimum=1930, maximum=2100),
        _c(7, "load", "int", "district", "Жүктөмү (саат × 100)", "Нагрузка (часы × 100)", "Weekly hours × 100",
           minimum=0, maximum=6000),
        _c(8, "outside", "bool", "district", "Сырттан айкалыштыруучу", "Внешний совместитель", "Outside part-timer", 0),
        _c(9, "start", "date", "district", "Кабыл алынган", "Принят", "Start", **DATE),
        _c(10, "end", "date", "district", "Бошотулган", "Уволен", "End", **DATE),
        key=("person",),
    ),
    # ---- organisation
    _table(
        30, "class_group", "organisation", ("Класс", "Класс", "Class"),
        _c(2, "year", "ref", "district", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(3, "grade", "int", "district", "Класс", "Класс", "Grade", 0, **GRADE),
        _c(4, "letter", "code", "district", "Тамгасы", "Литера", "Letter", "", max_length=4),
        _c(5, "language", "code", "district", "Окутуу тили", "Язык обучения", "Language of instruction",
           choices=LANGUAGES),
        _c(6, "shift", "int", "district", "Смена", "Смена", "Shift", 1, minimum=1, maximum=5),
        _c(7, "week_days", "int", "district", "Жуманын күндөрү", "Дней в неделе", "School days a week", 5,
           minimum=5, maximum=6),
        _c(8, "teacher", "ref", "district", "Класс жетекчи", "Классный руководитель", "Class teacher",
           references="staff"),
        _c(9, "room", "ref", "school", "Кабинети", "Кабинет", "Room", references="room", since=2),
        _c(10, "closed_on", "date", "district", "Жабылган күнү", "Закрыт", "Closed on", **DATE, since=2),
        _c(11, "combined", "ref", "district", "Кайсы класс менен бирге окуйт", "Занимается вместе с классом",
           "Taught together with", references="class_group", since=2),
    ),
    _table(
        31, "enrolment", "organisation", ("Класска катталуу", "Зачисление в класс", "Enrolment"),
        _c(2, "pupil", "ref", "district", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(3, "class_group", "ref", "district", "Класс", "Класс", "Class", references="class_group"),
        _c(4, "start", "date", "district", "Башталышы", "Начало", "Start", **DATE),
        _c(5, "end", "date", "district", "Аягы (кирбейт)", "Конец (не включая)", "End (exclusive)", **DATE),
        _c(6, "age", "int", "district", "Эсеп күнүнө жашы", "Возраст на дату", "Age on the reference date",
           minimum=0, maximum=99),
        _c(7, "repeating", "bool", "district", "Экинчи жыл", "Второгодник", "Repeating", 0),
        indexes=(("class_group",), ("pupil",)),
    ),
    _table(
        32, "subject_group", "organisation", ("Предметтик топ", "Учебная группа", "Subject group"),
        _c(2, "class_group", "ref", "district", "Класс", "Класс", "Class", references="class_group"),
        _c(3, "subject", "ref", "district", "Предмет", "Предмет", "Subject", references="subject"),
        _c(4, "teacher", "ref", "district", "Мугалим", "Учитель", "Teacher", references="staff"),
        _c(5, "scale", "ref", "district", "Шкала", "Шкала", "Scale", references="grading_scale"),
        _c(6, "hours_week", "int", "district", "Жумасына саат", "Часов в неделю", "Hours a week",
           minimum=0, maximum=40),
        _c(7, "name", "text", "school", "Чакан топтун аты", "Название подгруппы", "Subgroup name", max_length=60),
        indexes=(("class_group",), ("teacher",)),
    ),
    _table(
        33, "subject_group_pupil", "organisation", ("Топтун окуучусу", "Ученик группы", "Subject group pupil"),
        _c(2, "subject_group", "ref", "district", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "pupil", "ref", "district", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(4, "start", "date", "district", "Башталышы", "Начало", "Start", **DATE),
        _c(5, "end", "date", "district", "Аягы (кирбейт)", "Конец (не включая)", "End (exclusive)", **DATE),
        key=("subject_group", "pupil"), indexes=(("pupil",),),
    ),
    _table(
        172, "subject_group_gap", "organisation",
        ("Топтон тыш убакыт", "Перерыв в группе", "Time out of a subject group"),
        _c(2, "subject_group", "ref", "district", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "pupil", "ref", "district", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(4, "start", "date", "district", "Башталышы", "Начало", "Start", **DATE),
        _c(5, "end", "date", "district", "Аягы (кирбейт)", "Конец (не включая)", "End (exclusive)", **DATE),
        key=("subject_group", "pupil", "start"), indexes=(("pupil",),), since=2,
    ),
    _table(
        34, "class_category_count", "organisation",
        ("Класстын категориялары", "Категории по классу", "Pupils by result category"),
        _c(2, "class_group", "ref", "district", "Класс", "Класс", "Class", references="class_group"),
        _c(3, "term", "ref", "district", "Окуу мезгили", "Период", "Term", references="term"),
        _c(4, "excellent", "int", "district", "Отличниктер", "Отличники", "Excellent", 0, minimum=0),
        _c(5, "good", "int", "district", "Хорошисттер", "Хорошисты", "Good", 0, minimum=0),
        _c(6, "satisfactory", "int", "district", "Троечниктер", "Троечники", "Satisfactory", 0, minimum=0),
        _c(7, "failing", "int", "district", "Жетишпегендер", "Неуспевающие", "Failing", 0, minimum=0),
        _c(8, "not_assessed", "int", "district", "Бааланбагандар", "Не аттестованы", "Not assessed", 0, minimum=0),
        _c(9, "one_four", "int", "district", "Бир «4»", "С одной «4»", "With one 4", 0, minimum=0),
        _c(10, "one_three", "int", "district", "Бир «3»", "С одной «3»", "With one 3", 0, minimum=0),
        key=("class_group", "term"), derived=True,
    ),
    _table(
        35, "order_book", "organisation", ("Буйрук", "Приказ", "Order"),
        _c(2, "series", "code", "school", "Сериясы", "Серия", "Series", choices=("pupils", "staff", "main")),
        _c(3, "number", "text", "school", "Номери", "Номер", "Number", max_length=24),
        _c(4, "date", "date", "school", "Датасы", "Дата", "Date", **DATE),
        _c(5, "title", "text", "school", "Аталышы", "Заголовок", "Title", max_length=300),
        _c(6, "basis", "text", "school", "Негизи", "Основание", "Basis", max_length=500),
        _c(7, "text", "text", "school", "Тексти", "Текст", "Text"),
        _c(8, "signatory", "ref", "school", "Кол койгон", "Подписал", "Signed by", references="person", since=2),
        _c(9, "executor", "ref", "school", "Аткаруучу", "Исполнитель", "Executor", references="person", since=2),
        _c(10, "signed_on", "date", "school", "Кол коюлган күнү", "Дата подписания", "Signed on", since=2, **DATE),
        _c(11, "regulation", "bool", "school", "Жобого тиешелүү", "По Положению", "Belongs to the regulation", 0,
           since=2),
    ),
    _table(
        36, "appointment", "organisation", ("Дайындоо", "Назначение", "Appointment"),
        _c(2, "person", "ref", "district", "Адам", "Человек", "Person", references="person"),
        _c(3, "duty", "code", "district", "Милдети", "Обязанность", "Duty", choices=DUTIES),
        _c(4, "start", "date", "district", "Башталышы", "Начало", "Start", **DATE),
        _c(5, "end", "date", "district", "Аягы (кирбейт)", "Конец (не включая)", "End (exclusive)", **DATE),
        _c(6, "order", "ref", "school", "Буйрук", "Приказ", "Order", references="order_book"),
        _c(7, "end_order", "ref", "school", "Бошотуу буйругу", "Приказ об окончании", "Order that ended it",
           references="order_book", since=2),
        indexes=(("person",),),
    ),
    _table(
        37, "order_reader", "organisation", ("Буйрук менен таанышуу", "Ознакомление с приказом", "Order acquainted"),
        _c(2, "order", "ref", "school", "Буйрук", "Приказ", "Order", references="order_book"),
        _c(3, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        _c(4, "read_at", "instant", "school", "Таанышкан убактысы", "Ознакомлен", "Acquainted at"),
        key=("order", "person"), indexes=(("person",),), since=2,
    ),
    _table(
        171, "order_person", "organisation", ("Буйрукта айтылган адам", "Лицо в приказе", "Person in an order"),
        _c(2, "order", "ref", "school", "Буйрук", "Приказ", "Order", references="order_book"),
        _c(3, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        key=("order", "person"), indexes=(("person",),), since=2,
    ),
    _table(
        38, "task", "organisation", ("Тапшырма", "Поручение", "Task"),
        _c(2, "assignee", "ref", "school", "Аткаруучу", "Исполнитель", "Assignee", references="person"),
        _c(3, "author", "ref", "school", "Тапшырган", "Поручил", "Given by", references="person"),
        _c(4, "title", "text", "school", "Аталышы", "Название", "Title", max_length=200),
        _c(5, "text", "text", "school", "Тексти", "Текст", "Text", max_length=2000),
        _c(6, "due", "date", "school", "Мөөнөтү", "Срок", "Due", **DATE),
        _c(7, "order", "ref", "school", "Буйрук", "Приказ", "Order", references="order_book"),
        _c(8, "done_at", "instant", "school", "Аткарылган убактысы", "Выполнено", "Done at", unit="state"),
        _c(9, "answer", "text", "school", "Жообу", "Ответ", "Answer", max_length=1000),
        _c(10, "accepted_at", "instant", "school", "Кабыл алынган убактысы", "Принято", "Accepted at", unit="state"),
        _c(11, "remark", "text", "school", "Эскертүү", "Замечание", "Remark", max_length=1000),
        indexes=(("assignee",),), since=2,
    ),
    _table(
        39, "sign_off", "organisation", ("Тактыгын ырастоо", "Подтверждение точности", "Sign-off"),
        _c(2, "class_group", "ref", "school", "Класс", "Класс", "Class", references="class_group"),
        _c(3, "area", "code", "school", "Бөлүм", "Раздел", "Area",
           choices=("roll", "cards", "consents", "attendance", "marks", "results")),
        _c(4, "day", "date", "school", "Күнү", "Дата", "Day", **DATE),
        _c(5, "act", "code", "school", "Аракет", "Действие", "Act", choices=("checked", "confirmed")),
        _c(6, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        _c(7, "note", "text", "school", "Эскертүү", "Примечание", "Note", max_length=500),
        indexes=(("class_group",),), since=2,
    ),
    # ---- movement
    _table(
        40, "movement", "movement", ("Кыймыл", "Движение", "Movement"),
        _c(2, "pupil", "ref", "district", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(3, "kind", "code", "district", "Түрү", "Вид", "Kind", choices=MOVEMENT_KINDS),
        _c(4, "date", "date", "district", "Күнү", "Дата", "Date", **DATE),
        _c(5, "reason", "code", "district", "Себеби", "Причина", "Reason", choices=MOVEMENT_REASONS),
        _c(6, "from_class", "ref", "district", "Мурунку класс", "Из класса", "From class", references="class_group"),
        _c(7, "to_class", "ref", "district", "Жаңы класс", "В класс", "To class", references="class_group"),
        _c(8, "order_date", "date", "district", "Буйруктун датасы", "Дата приказа", "Order date", **DATE),
        _c(9, "order_number", "text", "school", "Буйруктун номери", "№ приказа", "Order number", max_length=24),
        _c(10, "place", "text", "school", "Кайдан / кайда", "Откуда / куда", "From / to place", max_length=200),
        _c(11, "note", "text", "school", "Эскертүү", "Примечание", "Note", max_length=500),
        _c(12, "order", "ref", "school", "Буйрук", "Приказ", "Order", references="order_book", since=2),
        _c(13, "document", "text", "school", "Документ, ырастоонун номери", "Документ, № подтверждения",
           "Document, confirmation number", max_length=120, since=2),
        _c(14, "confirmed", "bool", "district", "Жаңы мектеп ырастады", "Подтверждено новой школой",
           "Confirmed by the next school", 0, since=2),
        _c(15, "file_issued", "date", "school", "Өздүк иш берилген күнү", "Личное дело выдано",
           "Personal file issued on", **DATE, since=2),
        indexes=(("pupil",),),
    ),
    _table(
        41, "report_snapshot", "movement", ("Бекитилген отчёт", "Зафиксированный отчёт", "Frozen report"),
        _c(2, "report", "code", "school", "Отчет", "Отчёт", "Report", max_length=24, pattern=r"[a-z0-9_]*"),
        _c(3, "year", "ref", "school", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(4, "term", "ref", "school", "Окуу мезгили", "Период", "Term", references="term"),
        _c(5, "number", "int", "school", "Оңдоонун номери", "Номер исправления", "Number of the correction", 0,
           minimum=0),
        _c(6, "day", "date", "school", "Бекитилген күнү", "Зафиксирован", "Frozen on", **DATE),
        _c(7, "movement", "ref", "school", "Себеп болгон кыймыл", "Вызвавшее движение", "Act that caused it",
           references="movement"),
        _c(8, "content", "text", "school", "Мазмуну", "Содержание", "Content", max_length=50_000),
        indexes=(("report", "year"),), since=2,
    ),
    _table(
        42, "year_decision", "movement", ("Жыл жыйынтыгындагы чечим", "Решение по итогам года", "Decision at year's end"),
        _c(2, "year", "ref", "school", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(3, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(4, "outcome", "code", "school", "Чечим", "Решение", "Decision",
           choices=("promoted", "repeating", "graduated"), unit="decision"),
        _c(5, "to_class", "ref", "school", "Жаңы класс", "В класс", "To class", references="class_group",
           unit="decision"),
        key=("pupil", "year"), since=2,
    ),
    _table(
        173, "leaving_certificate", "movement",
        ("Билими жөнүндө документ", "Документ об образовании", "Certificate of education"),
        _c(2, "pupil", "ref", "district", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(3, "kind", "code", "district", "Түрү", "Вид", "Kind", choices=("basic", "secondary")),
        _c(4, "year", "ref", "district", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(5, "issued_on", "date", "district", "Берилген күнү", "Дата выдачи", "Given out on", **DATE),
        _c(6, "number", "text", "school", "Бланктын номери", "№ бланка", "Number of the blank", max_length=40),
        key=("pupil", "year"), since=2,
    ),
    # ---- time
    _table(
        50, "bell", "time", ("Коңгуроо", "Звонок", "Bell"),
        _c(2, "shift", "int", "school", "Смена", "Смена", "Shift", minimum=1, maximum=5),
        _c(3, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(4, "start", "time", "school", "Башталышы", "Начало", "Start", minimum=0, maximum=1440, unit="times"),
        _c(5, "end", "time", "school", "Аягы", "Конец", "End", minimum=0, maximum=1440, unit="times"),
        _c(6, "grade", "int", "school", "Ушул класстар үчүн гана", "Только для параллели", "For this grade only",
           since=2, **GRADE),
    ),
    _table(
        51, "room", "time", ("Кабинет", "Кабинет", "Room"),
        _c(2, "name", "text", "school", "Аталышы", "Название", "Name", max_length=40),
        _c(3, "seats", "int", "school", "Орундар", "Места", "Seats", minimum=0),
    ),
    _table(
        52, "timetable_slot", "time", ("Жүгүртмөдөгү сабак", "Урок расписания", "Timetable slot"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "weekday", "int", "school", "Жуманын күнү", "День недели", "Weekday (1 = Monday)", minimum=1, maximum=7),
        _c(4, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(5, "room", "ref", "school", "Кабинет", "Кабинет", "Room", references="room"),
        _c(6, "start", "date", "school", "Башталышы", "Начало", "Start", **DATE),
        _c(7, "end", "date", "school", "Аягы (кирбейт)", "Конец (не включая)", "End (exclusive)", **DATE),
        indexes=(("subject_group",),),
    ),
    _table(
        53, "substitution", "time", ("Сабакты алмаштыруу", "Замена урока", "Substitution"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "day", "date", "school", "Күнү", "Дата", "Day", **DATE),
        _c(4, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(5, "teacher", "ref", "school", "Мугалим", "Учитель", "Teacher", references="staff"),
        _c(6, "reason", "text", "school", "Себеби", "Причина", "Reason", max_length=200),
        _c(7, "dropped", "bool", "school", "Сабак өтпөйт", "Урок отменён", "Lesson dropped", since=2),
        key=("subject_group", "day", "period"),
    ),
    _table(
        54, "event", "time", ("Иш-чара", "Мероприятие", "Event"),
        _c(2, "start", "instant", "school", "Башталышы", "Начало", "Start"),
        _c(3, "end", "instant", "school", "Аягы", "Конец", "End"),
        _c(4, "title", "text", "school", "Аталышы", "Название", "Title", max_length=200),
        _c(5, "place", "text", "school", "Орду", "Место", "Place", max_length=200),
    ),
    _table(
        55, "own_term", "time", ("Мектептин мезгил күндөрү", "Даты периода в школе", "Term dates of the school"),
        _c(2, "term", "ref", "district", "Окуу мезгили", "Период", "Term", references="term"),
        _c(3, "grade", "int", "district", "Класс", "Параллель", "For this grade only", **GRADE),
        _c(4, "start", "date", "district", "Башталышы", "Начало", "Start", unit="dates", **DATE),
        _c(5, "end", "date", "district", "Аягы", "Конец", "End", unit="dates", **DATE),
        _c(6, "reason", "text", "school", "Негизи", "Основание", "Reason", max_length=200),
        indexes=(("term",),), since=2,
    ),
    _table(
        56, "own_day", "time", ("Мектептин календарь күнү", "День школьного календаря", "Day of the school"),
        _c(2, "year", "ref", "district", "Окуу жылы", "Учебный год", "School year", references="academic_year"),
        _c(3, "day", "date", "district", "Күнү", "Дата", "Day", **DATE),
        _c(4, "kind", "code", "district", "Түрү", "Вид", "Kind", choices=DAY_KINDS, unit="kind"),
        _c(5, "taught_as", "int", "district", "Ушул күндүн жүгүртмөсү", "По расписанию дня недели",
           "Timetable of the weekday", minimum=1, maximum=7, unit="kind"),
        _c(6, "grade", "int", "district", "Класстар", "Параллель", "For this grade only", **GRADE),
        _c(7, "shift", "int", "district", "Смена", "Смена", "For this shift only", minimum=1, maximum=5),
        _c(8, "class_group", "ref", "district", "Класс", "Класс", "For this class only", references="class_group"),
        _c(9, "reason", "text", "school", "Негизи", "Основание", "Reason", max_length=200),
        indexes=(("day",),), since=2,
    ),
    _table(
        57, "calendar_address", "time", ("Календардын жашыруун дареги", "Секретный адрес календаря", "Calendar address"),
        _c(2, "account", "ref", "school", "Аккаунт", "Учётная запись", "Account", references="account"),
        _c(3, "person", "ref", "school", "Кимдин сабактары", "Чьи уроки", "Whose lessons", references="person"),
        _c(4, "secret", "bytes", "school", "Сырдын изи", "Хеш секрета", "Digest of the secret", max_length=32),
        _c(5, "made_at", "instant", "school", "Түзүлгөн убактысы", "Создан", "Made at"),
        indexes=(("account",),), since=2,
    ),
    # ---- teaching
    _table(
        60, "plan", "teaching", ("Календардык-тематикалык план", "Календарно-тематический план", "Plan"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "title", "text", "school", "Аталышы", "Название", "Title", max_length=200),
        _c(4, "approved_at", "instant", "school", "Бекитилген", "Утверждён", "Approved at"),
        _c(5, "submitted_at", "instant", "school", "Бекитүүгө берилген", "Подан на утверждение", "Handed in at", since=2),
        _c(6, "approved_by", "ref", "school", "Бекиткен", "Утвердил", "Approved by", references="person", since=2),
        _c(7, "remark", "text", "school", "Эскертме", "Замечание", "Remark", max_length=500, since=2),
    ),
    _table(
        61, "plan_item", "teaching", ("Пландын темасы", "Тема плана", "Plan item"),
        _c(2, "plan", "ref", "school", "План", "План", "Plan", references="plan"),
        _c(3, "position", "int", "school", "Катары", "№", "Position", minimum=0),
        _c(4, "section", "text", "school", "Бөлүм", "Раздел", "Section", max_length=200),
        _c(5, "topic", "text", "school", "Тема", "Тема", "Topic", max_length=500),
        _c(6, "hours", "int", "school", "Саат", "Часы", "Hours", 1, minimum=0, maximum=99),
        _c(7, "homework", "text", "school", "Үй тапшырмасы", "Домашнее задание", "Homework", max_length=1000),
        _c(8, "objective", "text", "school", "Максаты, компетенция", "Цель, компетенция", "Objective, competence",
           max_length=1000, since=2),
        _c(9, "resources", "text", "school", "Ресурстар", "Ресурсы", "Resources", max_length=1000, since=2),
        _c(10, "assessment", "text", "school", "Баалоо", "Оценивание", "Assessment", max_length=500, since=2),
        _c(11, "note", "text", "school", "Эскертүү", "Примечание", "Note", max_length=500, since=2),
        indexes=(("plan",),),
    ),
    _table(
        62, "lesson", "teaching", ("Сабак", "Урок", "Lesson"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "day", "date", "school", "Күнү", "Дата", "Day", **DATE),
        _c(4, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(5, "topic", "text", "school", "Сабактын темасы", "Тема урока", "Topic", max_length=500),
        _c(6, "homework", "text", "school", "Үй тапшырмасы", "Домашнее задание", "Homework", max_length=1000),
        _c(7, "plan_item", "ref", "school", "Пландын темасы", "Тема плана", "Plan item", references="plan_item"),
        _c(8, "attendance_taken", "bool", "school", "Катышуу белгиленген", "Посещаемость отмечена",
           "Attendance taken", 0),
        _c(9, "teacher", "ref", "school", "Мугалим", "Учитель", "Teacher", references="staff"),
        key=("subject_group", "day", "period"), indexes=(("day",),),
    ),
    _table(
        63, "mark", "teaching", ("Баа", "Оценка", "Mark"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "day", "date", "school", "Күнү", "Дата", "Day", **DATE),
        _c(4, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(5, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(6, "slot", "int", "school", "Орду", "Место", "Slot", minimum=0, maximum=9),
        _c(7, "value", "int", "school", "Баа", "Оценка", "Value", unit="mark"),
        _c(8, "kind", "ref", "school", "Иштин түрү", "Вид работы", "Kind of work", references="work_kind", unit="mark"),
        _c(9, "scale", "ref", "school", "Шкала", "Шкала", "Scale", references="grading_scale", unit="mark"),
        _c(10, "comment", "text", "school", "Түшүндүрмө", "Комментарий", "Comment", max_length=300),
        key=("subject_group", "day", "period", "pupil", "slot"), indexes=(("pupil",),),
    ),
    _table(
        64, "attendance", "teaching", ("Катышуу", "Посещаемость", "Attendance"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "day", "date", "school", "Күнү", "Дата", "Day", **DATE),
        _c(4, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(5, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(6, "status", "code", "school", "Абалы", "Статус", "Status", choices=ATTENDANCE_STATUSES),
        _c(7, "reason", "code", "school", "Себеби", "Причина", "Reason", choices=ABSENCE_REASONS),
        _c(8, "note", "ref", "school", "Негизи", "Основание", "Note", references="absence_note", unit="reason", since=2),
        _c(9, "earlier", "code", "school", "Мурда берилген себеби", "Прежде данная причина", "Reason given before",
           choices=ABSENCE_REASONS, unit="reason", since=2),
        key=("subject_group", "day", "period", "pupil"), indexes=(("pupil",),),
    ),
    _table(
        65, "lesson_summary", "teaching", ("Сабактардын жыйынтыгы", "Сводка уроков", "Lesson summary"),
        _c(2, "subject_group", "ref", "district", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "term", "ref", "district", "Окуу мезгили", "Период", "Term", references="term"),
        _c(4, "lessons", "int", "district", "Өткөн сабактар", "Проведено уроков", "Lessons held", 0, minimum=0),
        _c(5, "marks", "int", "district", "Коюлган баалар", "Выставлено оценок", "Marks given", 0, minimum=0),
        _c(6, "missed", "int", "district", "Калтырылган сабактар", "Пропущено уроков", "Missed lessons", 0, minimum=0),
        key=("subject_group", "term"), derived=True,
    ),
    _table(
        66, "attendance_day", "teaching", ("Күндүк катышуу", "Посещаемость по дням", "Attendance by day"),
        _c(2, "class_group", "ref", "district", "Класс", "Класс", "Class", references="class_group"),
        _c(3, "day", "date", "district", "Күнү", "Дата", "Day", **DATE),
        _c(4, "enrolled", "int", "district", "Тизмеде", "По списку", "On roll", 0, minimum=0),
        _c(5, "missed", "int", "district", "Күнү бою жок", "Пропустили день", "Missed the day", 0, minimum=0),
        _c(6, "ill", "int", "district", "Оорусуна байланыштуу", "По болезни", "Of them ill", 0, minimum=0),
        _c(7, "excused", "int", "district", "Жүйөлүү", "По уважительной", "Of them excused", 0, minimum=0),
        _c(8, "unexcused", "int", "district", "Жүйөсүз", "Без уважительной", "Of them unexcused", 0, minimum=0),
        _c(9, "late", "int", "district", "Кечиккендер", "Опоздали", "Late", 0, minimum=0),
        key=("class_group", "day"), derived=True,
    ),
    _table(
        67, "term_result", "teaching", ("Мезгилдин жыйынтыгы", "Итог периода", "Term result"),
        _c(2, "subject_group", "ref", "district", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "pupil", "ref", "district", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(4, "term", "ref", "district", "Окуу мезгили", "Период", "Term", references="term"),
        _c(5, "value", "int", "district", "Баа", "Оценка", "Value", unit="result"),
        _c(6, "band", "int", "district", "5 баллдык баасы", "По 5-балльной", "Band", unit="result", minimum=1, maximum=5),
        _c(7, "status", "code", "district", "Абалы", "Статус", "Status", "assessed", choices=RESULT_STATUSES,
           unit="result"),
        _c(8, "missed", "int", "district", "Калтырылган сабактар", "Пропущено уроков", "Missed lessons", minimum=0,
           derived=True),
        _c(9, "reason", "text", "school", "Негиздемеси", "Обоснование", "Reason", max_length=300),
        _c(10, "former", "bool", "district", "Мурунку мектептен", "Из прежней школы", "From the former school", 0, since=2),
        key=("subject_group", "pupil", "term"), indexes=(("pupil",), ("term", "subject_group")),
    ),
    _table(
        150, "absence_note", "teaching", ("Сабакка келбөөнүн негизи", "Основание пропусков", "Absence note"),
        _c(2, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(3, "start", "date", "school", "Башталышы", "Начало", "First day", unit="span", **DATE),
        _c(4, "end", "date", "school", "Аягы", "Конец", "Last day", unit="span", **DATE),
        _c(5, "reason", "code", "school", "Себеби", "Причина", "Reason", choices=ABSENCE_REASONS),
        _c(6, "author", "ref", "school", "Берген ата-эне", "Подал родитель", "Handed in by", references="person"),
        _c(7, "handed_on", "date", "school", "Берилген күнү", "Дата подачи", "Handed in on", **DATE),
        _c(8, "state", "code", "school", "Абалы", "Состояние", "State", "accepted", choices=NOTE_STATES, unit="state"),
        _c(9, "answered_on", "date", "school", "Жооп берилген күнү", "Дата ответа", "Answered on", unit="state",
           **DATE),
        _c(10, "answered_by", "ref", "school", "Жооп берген", "Кто ответил", "Answered by", references="account",
           unit="state"),
        _c(11, "refusal", "code", "school", "Четке кагуунун себеби", "Причина отклонения", "Why declined",
           choices=NOTE_REFUSALS, unit="state"),
        _c(12, "remark", "text", "school", "Эскертме", "Замечание", "Remark", max_length=300, unit="state"),
        indexes=(("pupil",),), since=2,
    ),
    _table(
        151, "term_lock", "teaching", ("Мезгилдин жабылышы", "Закрытие периода", "Lock of a period"),
        _c(2, "class_group", "ref", "school", "Класс", "Класс", "Class", references="class_group"),
        _c(3, "term", "ref", "school", "Окуу мезгили", "Период", "Term", references="term"),
        _c(4, "locked", "bool", "school", "Жабык", "Закрыт", "Locked", 0, unit="lock"),
        _c(5, "reason", "text", "school", "Ачуунун себеби", "Причина открытия", "Reason for reopening", max_length=300,
           unit="lock"),
        key=("class_group", "term"), since=2,
    ),
    _table(
        152, "conduct", "teaching", ("Жүрүм-турум", "Поведение", "Conduct"),
        _c(2, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(3, "term", "ref", "school", "Окуу мезгили", "Период", "Term", references="term"),
        _c(4, "value", "code", "school", "Жүрүм-турум", "Поведение", "Conduct",
           choices=("exemplary", "good", "fair", "poor")),
        key=("pupil", "term"), since=2,
    ),
    _table(
        153, "mark_correction", "teaching", ("Кийинки түзөтүү", "Позднее исправление", "Late correction"),
        _c(2, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(3, "day", "date", "school", "Күнү", "Дата", "Day", **DATE),
        _c(4, "period", "int", "school", "Сабак", "Урок", "Period", minimum=0, maximum=15),
        _c(5, "pupil", "ref", "school", "Окуучу", "Ученик", "Pupil", references="pupil"),
        _c(6, "field", "code", "school", "Эмне түзөтүлдү", "Что исправлено", "What was corrected", max_length=12),
        _c(7, "old", "text", "school", "Мурунку мааниси", "Прежнее значение", "Old value", "", max_length=1000),
        _c(8, "reason", "text", "school", "Себеби", "Причина", "Reason", max_length=300),
        _c(9, "made_on", "date", "school", "Түзөтүлгөн күнү", "Дата исправления", "Corrected on", **DATE),
        _c(10, "author", "ref", "school", "Ким түзөттү", "Кто исправил", "Corrected by", references="person"),
        indexes=(("subject_group", "day"),), since=2,
    ),
    # ---- access
    _table(
        93, "setting", "access", ("Жөндөө", "Настройка", "Setting"),
        _c(2, "name", "code", "school", "Аталышы", "Имя", "Name", max_length=60, pattern=r"[a-z0-9_]*"),
        _c(3, "value", "text", "school", "Мааниси", "Значение", "Value", max_length=2000),
        since=2,
    ),
    _table(
        165, "act", "access", ("Аракет", "Действие", "Act"),
        _c(2, "kind", "code", "school", "Түрү", "Вид", "Kind", choices=ACT_KINDS),
        _c(3, "label", "text", "school", "Белгиси", "Название", "Label", max_length=300),
        _c(4, "lines", "int", "school", "Саптар", "Строки", "Lines", 0, minimum=0),
        _c(5, "undoes_clock", "int", "school", "Кайсы аракетти жокко чыгарат", "Отменяет действие с отметкой",
           "Undoes the act with this stamp", minimum=0, unit="undoes"),
        _c(6, "undoes_account", "ref", "school", "Ал аракеттин аккаунту", "Учётная запись того действия",
           "Account of that act", references="account", unit="undoes"),
        since=2, indexes=(("undoes_clock",),),
    ),
    _table(
        190, "external_key", "access", ("Башка системанын ачкычы", "Ключ другой системы", "Key of another system"),
        _c(2, "system", "text", "school", "Система", "Система", "System", max_length=80),
        _c(3, "digest", "bytes", "school", "Ачкычтын изи", "Хеш ключа", "Digest of the key", max_length=32),
        _c(4, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        _c(5, "class_group", "ref", "school", "Класс", "Класс", "Class", references="class_group"),
        _c(6, "subject_group", "ref", "school", "Топ", "Группа", "Subject group", references="subject_group"),
        _c(7, "subject", "ref", "school", "Предмет", "Предмет", "Subject", references="subject"),
        _c(8, "enrolment", "ref", "school", "Класска катталуу", "Зачисление в класс", "Enrolment",
           references="enrolment"),
        since=2, indexes=(("digest",),),
    ),
    _table(
        90, "account", "access", ("Аккаунт", "Учётная запись", "Account"),
        _c(2, "person", "ref", "school", "Адам", "Человек", "Person", references="person"),
        _c(3, "login", "text", "school", "Логин", "Логин", "Login", max_length=60),
        _c(4, "password", "text", "school", "Сырсөздүн изи", "Хеш пароля", "Password hash", max_length=300),
        _c(5, "language", "code", "school", "Тили", "Язык", "Language", choices=("ky", "ru", "en")),
        _c(6, "must_change", "bool", "school", "Сырсөздү алмаштырсын", "Сменить пароль", "Must change password", 0),
        _c(7, "disabled", "bool", "school", "Өчүрүлгөн", "Отключена", "Disabled", 0),
        _c(8, "totp", "text", "school", "Бир жолку коддун ачкычы", "Ключ одноразовых кодов", "One-time code key",
           max_length=64, since=2),
        _c(9, "recovery", "text", "school", "Камдык коддордун издери", "Хеши запасных кодов", "Recovery code hashes",
           max_length=2000, since=2),
        _c(10, "signed_out_at", "instant", "school", "Бардык жерден чыккан убактысы", "Выход отовсюду",
           "Signed out everywhere at", since=2),
        _c(11, "approved_on", "date", "school", "Бекитилген күнү", "Утверждена", "Approved on", unit="approval",
           since=2, **DATE),
        _c(12, "approved_by", "ref", "school", "Бекиткен", "Утвердил", "Approved by", references="account",
           unit="approval", since=2),
        _c(13, "renamed_on", "date", "school", "Логин алмашкан, айтыла элек күнү", "Логин заменён, ещё не сообщён",
           "Login replaced and not told yet, on", since=2, **DATE),
        indexes=(("login",), ("person",)),
    ),
    _table(
        91, "reading_log", "access", ("Маалыматты ким көргөн", "Журнал чтения", "Reading log"),
        _c(2, "at", "instant", "school", "Убактысы", "Время", "At"),
        _c(3, "account", "ref", "school", "Аккаунт", "Учётная запись", "Account", references="account"),
        _c(4, "person", "ref", "school", "Ким жөнүндө", "О ком", "About", references="person"),
        _c(5, "act", "code", "school", "Аракет", "Действие", "Act", choices=("read", "export", "print")),
        _c(6, "what", "text", "school", "Эмне", "Что", "What", max_length=200),
        _c(7, "class_group", "ref", "school", "Кайсы класстын тизмеси", "Список какого класса", "List of which class",
           references="class_group", since=2),
        indexes=(("person",),),
    ),
    _table(
        92, "usage_day", "access", ("Күндүк колдонуу", "Использование за день", "Usage by day"),
        _c(2, "origin", "int", "district", "Түйүн", "Узел", "Origin", minimum=1),
        _c(3, "day", "date", "district", "Күнү", "Дата", "Day", **DATE),
        _c(4, "duty", "code", "district", "Милдети", "Обязанность", "Duty", choices=(*DUTIES, "pupil", "guardian")),
        _c(5, "sign_ins", "int", "district", "Кирүүлөр", "Входы", "Sign-ins", 0, minimum=0),
        _c(6, "pages", "int", "district", "Барактар", "Страницы", "Pages", 0, minimum=0),
        _c(7, "writes", "int", "district", "Жазуулар", "Записи", "Writes", 0, minimum=0),
    ),
)  # fmt: skip

BY_NAME: dict[str, Table] = {t.name: t for t in TABLES}
BY_NUMBER: dict[int, Table] = {t.number: t for t in TABLES}
HUB_TABLES: tuple[Table, ...] = tuple(t for t in TABLES if t.on_hub)


def label(item: Table | Column, language: str) -> str:
    """The label of a table or column in ``ky``, ``ru`` or ``en``."""
    return item.labels[("ky", "ru", "en").index(language)]


def check_row(table: Table, values: dict[str, Value]) -> None:
    """Raise InvalidValue at the first value that its column does not accept or that names no column."""
    for name, value in values.items():
        if name not in table.by_name:
            raise InvalidValue(table=table.name, column=name, value=_shown(value))
        table.by_name[name].check(value, table.name)


def dictionary() -> Iterator[str]:
    """The data dictionary as Markdown lines."""
    yield "# Data dictionary"
    yield ""
    yield f"Generated from `shared/schema.py` (version {VERSION}); `make dictionary` writes it anew. Numbers are permanent."
    yield "Scope: `district` is read by school and hub, `reference` is open in the hub's own rows only, `school` never"
    yield "leaves the school unsealed. A consent purpose names the written consent without which the column stays empty."
    for table in TABLES:
        yield ""
        yield f"## {table.number}. {table.name}: {label(table, 'en')} / {label(table, 'ru')} / {label(table, 'ky')}"
        yield ""
        kinds = [
            "derived from other rows" if table.derived else "",
            "" if table.on_hub else "sealed at the hub",
        ]
        notes = "; ".join(k for k in kinds if k)
        yield f"Key: {', '.join(f'`{k}`' for k in table.key)}.{' ' + notes.capitalize() + '.' if notes else ''}"
        yield ""
        yield "| № | column | type | scope | unit | consent | refers to | allowed | English | Русский | Кыргызча |"
        yield "|---|---|---|---|---|---|---|---|---|---|---|"
        for c in table.all_columns:
            bounds = f"{'' if c.minimum is None else c.minimum}..{'' if c.maximum is None else c.maximum}"
            allowed = ", ".join(c.choices) or ("" if bounds == ".." or c.type == "date" else bounds)
            refers = c.references or ("a row of another school" if c.soft else "")
            allowed += "; derived from other rows" * c.derived
            yield (
                f"| {c.number} | `{c.name}` | {c.type} | {c.scope} | {c.unit or ''} | {c.consent or ''} | {refers} "
                f"| {allowed} | {c.labels[2]} | {c.labels[1]} | {c.labels[0]} |"
            )


if __name__ == "__main__":
    sys.stdout.write("\n".join(dictionary()) + "\n")
