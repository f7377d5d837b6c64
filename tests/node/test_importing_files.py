"""What a secretary really uploads: titles over the header, merged cells, other sheets, dates and letters as typed."""

from __future__ import annotations

import io
import re
import zipfile
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from sqlite_utils import Database

from node.importing import actions as importing
from node.importing.fullnames import parted
from node.importing.headings import known, matched
from node.importing.mapping import load_mapping
from node.importing.running import Wish
from node.importing.sheets import Sheet, table_in
from node.importing.values import Unreadable, class_letter, days, transformed
from node.importing.words import Words
from shared.dates import parse_day
from shared.problems import DamagedFile, EmptyFile, ImportRefused, LostLetters, OtherFormat, TooLarge
from sync.writer import writing
from tests.node.test_importing import db as db

HEADER = ("Личное дело", "Фамилия", "Имя", "Дата рождения", "Пол", "Класс", "Дата зачисления", "Согласие")
PUPILS = (
    ("В/1", "Асанова", "Айпери", "12.05.2014", "ж", "5-А", "01.09.2025", "20.08.2025"),
    ("В/2", "Жусупов", "Нурлан", "30.11.2013", "м", "5-А", "01.09.2025", "20.08.2025"),
)
run_import = partial(importing.run_import, wish=Wish(new_classes=None))
PATH = Path("list.xlsx")


def workbook(*sheets: list[tuple[object, ...]], merged: str = "") -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        page: Worksheet = book.create_sheet(f"Лист{number}")
        for row in rows:
            page.append(row)
    if merged:
        book.worksheets[0].merge_cells(merged)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(content: bytes, kind: str = "pupils") -> Sheet:
    return table_in(content, PATH, headings=frozenset(known(load_mapping(kind).headings)))


def errors(db: Database, sheet: Sheet, kind: str = "pupils") -> list[tuple[int, str]]:
    with pytest.raises(ImportRefused) as refused:
        run_import(db, PATH, kind, 7, sheet=sheet)
    return [(error.line, error.field) for error in refused.value.errors]


# ---- files


@pytest.mark.parametrize(
    "content",
    [
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        b"%PDF-1.7\n",
        b"\r\n<html><table><tr><td>1</td></tr></table>",
        b'<?xml version="1.0"?><Workbook/>',
        b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
    ],
    ids=["xls", "pdf", "a page saved as xls", "xml", "ods"],
)
def test_other_formats_are_told_by_what_they_hold(content: bytes) -> None:
    with pytest.raises(OtherFormat):
        read(content)


def test_a_title_a_numbering_and_blank_lines_around_the_table_are_no_lines(db: Database) -> None:
    title = ("Сведения об учащихся 5 класса", *[None] * 7)
    numbers = tuple(range(1, 9))
    sheet = read(workbook([title, (None,), HEADER, numbers, *PUPILS, (None,)], merged="A1:H1"))
    assert sheet.header == HEADER and sheet.header_line == 3
    assert [line.number for line in sheet.lines] == [5, 6]
    assert run_import(db, PATH, "pupils", 7, sheet=sheet).inserted["pupil"] == 2


def test_headings_in_merged_cells_over_two_lines_are_one_header() -> None:
    over = (
        "Личное дело",
        "Ф.И.О. учащегося",
        None,
        "Дата рождения",
        "Пол",
        "Класс",
        "Дата зачисления",
        "Согласие",
    )
    under = (None, "Фамилия", "Имя", None, None, None, None, None)
    assert read(workbook([over, under, *PUPILS], merged="B1:C1")).header == HEADER
    upper = ("Личное дело", "Сведения", *[None] * 6)
    lower = (None, *HEADER[1:])
    assert read(workbook([upper, lower, *PUPILS])).header == HEADER


def test_the_sheet_with_the_headings_is_taken(db: Database) -> None:
    sheet = read(workbook([("Титул",), ("2025",)], [HEADER, *PUPILS], [("Фамилия",)]))
    assert len(sheet.lines) == 2


def test_without_known_headings_the_first_line_is_the_header() -> None:
    assert read(workbook([("a", "b"), ("1", "2")])).header == ("a", "b")
    with pytest.raises(EmptyFile):
        read(b"\n\n")
    with pytest.raises(EmptyFile):
        read(workbook([(None,)]))


def test_a_workbook_with_torn_bytes_is_damaged() -> None:
    content = bytearray(workbook([("a", str(number)) for number in range(300)]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo("xl/worksheets/sheet1.xml")
    start = member.header_offset + 30 + len(member.filename)
    content[start : start + 40] = b"\xff" * 40
    with pytest.raises(DamagedFile):
        read(bytes(content))


def test_headers_may_be_typed_without_kyrgyz_letters_and_end_in_signs(db: Database) -> None:
    header = (
        "Оздук иш*",
        "ФАМИЛИЯСЫ",
        "Аты:",
        "Туулган куну",
        "Жынысы ",
        "Класс",
        "Кабыл алынган куну",
        "Макулдук",
    )
    assert run_import(db, PATH, "pupils", 7, sheet=read(workbook([header, *PUPILS]))).inserted["pupil"] == 2


@pytest.mark.parametrize("there", ["А", "A", "а"])
def test_a_class_that_was_typed_otherwise_is_the_same_class(db: Database, there: str) -> None:
    with writing(db, 7) as w:
        year = db.execute(
            'SELECT id FROM academic_year WHERE start <= ?1 AND "end" >= ?1', (parse_day("2025-09-01"),)
        ).fetchone()[0]
        w.insert("class_group", year=year, grade=5, letter=there)
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, *PUPILS])))
    assert db.execute("SELECT count(*) FROM class_group").fetchone() == (1,)


def test_spaces_nobody_sees_do_not_part_two_people(db: Database) -> None:
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, *PUPILS])))
    spaced = tuple(f"\u00a0 {cell}\u200b " for cell in PUPILS[0])
    again = run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, spaced])))
    assert again.changes_nothing


def test_formats_down_to_the_last_row_cost_nothing() -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(PUPILS[0])
    book.active["A900000"] = " "
    out = io.BytesIO()
    book.save(out)
    assert len(read(out.getvalue()).lines) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Асанова Айпери Нурлановна", ("Асанова", "Айпери", "Нурлановна")),
        ("Асан уулу Бек", ("Асан уулу", "Бек", "")),
        ("Асанова, Айпери Нурлан кызы", ("Асанова", "Айпери", "Нурлан кызы")),
        ("Асанова", ("", "", "")),
        ("Бек Асан уулу", ("", "", "")),
    ],
)
def test_names_in_one_column_are_parted_where_their_words_tell(name: str, told: tuple[str, ...]) -> None:
    content = workbook([("№", "Ф.И.О.", "Класс"), (1, name, "7-А")])
    mapping, given = load_mapping("pupils"), read(content)
    sheet, fields = parted(given, matched(given.header, mapping.headings), mapping)
    assert sheet.header == ("№", "Фамилиясы", "Аты", "Атасынын аты", "Класс")
    assert sheet.lines[0].cells == ("1", *told, "7-А")
    assert fields == ("", "surname", "given", "patronymic", "class")
    assert parted(sheet, fields, mapping) == (sheet, fields)


def test_words_may_end_in_a_point_or_be_followed_by_others() -> None:
    known = {
        "map": Words.of(
            {
                "ж": "f",
                "жен": "f",
                "учитель": "teacher",
                "высшее": "higher",
                "высшее педагогическое": "ped",
            }
        )
    }
    told = [transformed(text, known) for text in ("Жен.", "учитель математики", "Высшее юридическое")]
    assert told == ["f", "teacher", "higher"]
    assert transformed("высшее педагогическое", known) == "ped"
    with pytest.raises(Unreadable):
        transformed("жена", known)


def test_latin_letters_within_a_cyrillic_word_are_its_own() -> None:
    sheet = read(workbook([("Фaмилия", "Имя"), ("Acaнoв", "Bek"), ("COVID-19", "IТ-класс")]))
    assert sheet.header == ("Фамилия", "Имя")
    assert [line.cells for line in sheet.lines] == [("Асанов", "Bek"), ("COVID-19", "IТ-класс")]


def test_a_file_of_more_cells_or_texts_than_a_list_needs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook([("a", "b"), ("c", "d")], [("e", "f")])
    assert len(table_in(content, PATH, most=6).lines) == 1
    for cells, texts in ((5, 10_000_000), (6, 100)):
        monkeypatch.setattr("node.importing.sheets.MAX_TEXTS", texts)
        with pytest.raises(TooLarge):
            table_in(content, PATH, most=cells)
    with pytest.raises(TooLarge):
        table_in(b";" * 99, PATH, most=99)
    with pytest.raises(DamagedFile):
        table_in(b";" * 7_000_000, PATH)


def test_what_is_merged_with_cells_below_is_said_of_each_line(db: Database) -> None:
    blank = [(*PUPILS[0][:5], "5-А", *PUPILS[0][6:]), (*PUPILS[1][:5], None, *PUPILS[1][6:])]
    sheet = read(workbook([("Титул",)], [HEADER, *PUPILS]))
    assert [line.cells[5] for line in sheet.lines] == ["5-А", "5-А"]
    assert errors(db, read(workbook([HEADER, *blank]))) == [(3, "Класс")], "an empty cell is empty"
    merged = read(workbook([HEADER, *blank], merged="F2:F3"))
    assert [line.cells[5] for line in merged.lines] == ["5-А", "5-А"]
    assert run_import(db, PATH, "pupils", 7, sheet=merged).inserted["pupil"] == 2
    across = read(workbook([HEADER, ("5-А", *[None] * 7), *PUPILS], merged="A2:H2"))
    assert across.lines[0].cells == ("5-А", *[""] * 7), "nothing is said of the cells beside"


def test_a_date_that_lost_its_format_is_still_a_date(db: Database) -> None:
    numbers = ("В/3", "Осмонов", "Бек", 41_771, "м", "5-А", 45_901, "45889.0")
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, *PUPILS, numbers])))
    born, year, start = db.execute(
        """SELECT p.birth_date, p.birth_year, e.start FROM person p JOIN enrolment e ON e.pupil = p.id
           WHERE p.surname = 'Осмонов'"""
    ).fetchone()
    assert (born, year, start) == (parse_day("2014-05-12"), 2014, parse_day("2025-09-01"))
    wrong = ("В/4", "Осмонов", "Бек", 99_999, "м", "5-А", 45_901, 45_889)
    assert {field for _, field in errors(db, read(workbook([HEADER, wrong])))} == {"Дата рождения"}


def test_a_list_saved_without_kyrgyz_letters_is_refused_before_it_spoils_names() -> None:
    text = "Фамилия;Имя\nӨмүрова;Бермет\n"
    with pytest.raises(LostLetters):
        read(text.encode("cp1251", "replace"))
    assert len(read(text.encode()).lines) == len(
        read("Фамилия;Тема\nИванов;Что это?\n".encode("cp1251")).lines
    )


@pytest.mark.parametrize(("subject", "kind"), [("Алгебра", "Контрольная работа"), ("alg", "control")])
def test_subjects_and_kinds_of_work_are_known_by_their_names(db: Database, subject: str, kind: str) -> None:
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, *PUPILS])))
    (of_class,) = db.execute("SELECT id FROM class_group").fetchone()
    (row,) = db.execute("SELECT id FROM subject WHERE code = 'alg'").fetchone()
    with writing(db, 7) as w:
        w.insert("subject_group", class_group=of_class, subject=row, scale=1)
    header = ("Класс", "Предмет", "Дата", "Урок", "Личное дело", "Оценка", "Вид работы")
    line = ("5-А", subject, "2025-10-01", 2, "В/1", 5, kind)
    marks = read(workbook([header, line]), "marks")
    assert run_import(db, PATH, "marks", 7, sheet=marks).inserted == {"mark": 1, "lesson": 1}
    unknown = read(workbook([header, ("5-А", "Өрдөк", *line[2:])]), "marks")
    with pytest.raises(ImportRefused) as refused:
        run_import(db, PATH, "marks", 7, sheet=unknown)
    assert "Өрдөк" in refused.value.errors[0].message


def test_what_may_not_be_kept_is_told_in_words(db: Database) -> None:
    header = (*HEADER, "ПИН", "Адрес")
    line = (*PUPILS[0], "123", "Ош " * 200)
    with pytest.raises(ImportRefused) as refused:
        run_import(db, PATH, "pupils", 7, sheet=read(workbook([header, line])))
    told = {error.field: error.message for error in refused.value.errors}
    assert told["ПИН"] == "A personal number has 14 digits."
    assert re.fullmatch(r"The text is too long: at most \d+ characters\.", told["Адрес"])


def test_an_error_of_a_formula_is_no_name(db: Database) -> None:
    assert errors(db, read(workbook([HEADER, ("В/9", "#N/A", *PUPILS[0][2:])]))) == [(2, "Фамилия")]


# ---- values


@pytest.mark.parametrize(
    "text",
    [
        "2014-05-12", "12.05.2014", "12/05/2014", "12-05-2014", "2014.05.12", "2014/5/12", "12.5.2014 г.",
        "12.05.2014ж.", "12.05.2014 00:00", "2014-05-12T00:00:00", "12 мая 2014", "12 май 2014", "12-май, 2014-ж.",
        "2014-ж. 12-май", "2014-жыл 12 май", "12 Мая 2014 года",
    ],
)  # fmt: skip
def test_dates_as_they_are_typed(text: str) -> None:
    assert days(text) == parse_day("2014-05-12")


@pytest.mark.parametrize(
    "text", ["12.05.14", "2014", "41771", "31.02.2014", "12 foo 2014", "вчера", "12.05.20145", ""]
)
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    with pytest.raises(Unreadable):
        days(text)


@pytest.mark.parametrize(
    ("typed", "kept"), [("а", "А"), ("A", "А"), ("b", "В"), ("Ж", "Ж"), ("ө", "Ө"), ("", "")]
)
def test_the_letter_of_a_class_is_a_cyrillic_capital(typed: str, kept: str) -> None:
    assert class_letter(typed) == kept


@pytest.mark.parametrize("text", ["5-А", "5А", "5 «А»", "5 класс А", "5–а", '5 "A"', "5 кл. А", "5A"])
def test_a_class_is_read_however_it_is_written(db: Database, text: str) -> None:
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, (*PUPILS[0][:5], text, *PUPILS[0][6:])])))
    assert db.execute("SELECT grade, letter FROM class_group").fetchall() == [(5, "А")]


def test_words_of_a_list_may_be_typed_without_kyrgyz_letters() -> None:
    assert transformed("Озбекче", {"map": Words.of({"өзбекче": "uz"})}) == "uz"


# ---- questions

GUARDIANS = ("Личное дело", "Степень родства", "Фамилия", "Имя", "Телефон", "Согласие")


def test_one_guardian_of_two_children_is_asked_about_and_imported(db: Database) -> None:
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, *PUPILS])))
    same = ("Асанова", "Гүлнара", "0700 000001", "20.08.2025")
    sheet = read(workbook([GUARDIANS, ("В/1", "мать", *same), ("В/2", "мать", *same)]), "guardians")
    result = run_import(db, PATH, "guardians", 7, sheet=sheet)
    assert [question.line for question in result.questions] == [3]
    assert (result.inserted["person"], result.inserted["guardian"]) == (1, 2)
    assert run_import(db, PATH, "guardians", 7, sheet=sheet).questions == (), (
        "what is known is not asked again"
    )


@pytest.mark.parametrize("phone", ["0700000001", "+996 (700) 00-00-01", "'+996700000001", "996700000001"])
def test_a_phone_is_known_however_it_is_written(db: Database, phone: str) -> None:
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, *PUPILS])))
    for written in ("0700 000-001", phone):
        line = ("В/1", "мать", "Асанова", "Гүлнара", written, "20.08.2025")
        result = run_import(db, PATH, "guardians", 7, sheet=read(workbook([GUARDIANS, line]), "guardians"))
    assert "person" not in result.inserted


def test_a_new_person_whose_name_reads_the_same_is_asked_about(db: Database) -> None:
    run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, ("В/1", "Өмүрова", *PUPILS[0][2:])])))
    typed = ("В/7", "ОМУРОВА", "айпери", *PUPILS[0][3:])
    other = ("В/8", "Омурова", "Айпери", "01.01.2010", *PUPILS[0][4:])
    result = run_import(db, PATH, "pupils", 7, sheet=read(workbook([HEADER, typed, other])))
    assert [question.line for question in result.questions] == [2], "another date of birth is another person"
    assert result.inserted["person"] == 2
