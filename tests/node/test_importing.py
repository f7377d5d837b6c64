"""Importing a list: files of many kinds, errors by line and field, all or nothing, nothing twice."""

from __future__ import annotations

import datetime
import re
from contextlib import closing
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from sqlite_utils import Database

from node import roster
from node.importing import actions as importing
from node.importing.finding import look_up
from node.importing.grouping import grouped
from node.importing.mapping import SHIPPED, load_mapping
from node.importing.running import Wish
from node.importing.sheets import read_sheet
from node.importing.values import Unreadable, fit, transformed
from node.importing.words import Words
from shared.db import open_database, transaction
from shared.problems import DamagedFile, EmptyFile, FlawedMapping, ImportRefused, LineError, TooLarge
from shared.schema import BY_NAME
from sync.undo import marked_act, undo
from sync.writer import writing
from tests.stores import KEY, a_begun_store, a_store

ALL_CLASSES = Wish(new_classes=None)
run_import = partial(importing.run_import, wish=ALL_CLASSES)
plan = partial(importing.plan, wish=ALL_CLASSES)
HEADER = "Личное дело;Фамилия;Имя;Отчество;Дата рождения;Пол;Класс;Дата зачисления;Согласие;Местность"
LINES = (
    "В/1;Асанова;Айпери;;12.05.2014;ж;5-А;01.09.2025;20.08.2025;село",
    "В/2;Жусупов;Нурлан;Бакирович;2013-11-30;м;5-А;01.09.2025;20.08.2025;город",
    "В/3;Иванова;Анна;Петровна;01.01.2014;ж;5-Б;01.09.2025;;село",
)
ROOMS = """
[[rows]]
table = "room"
find = ["name"]
[rows.columns]
name = {column = "room", required = true}
seats = {column = "seats"}
"""


@pytest.fixture
def db() -> Database:
    return a_begun_store(b"k")


def pupils_file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "pupils.csv"
    path.write_bytes("\r\n".join((HEADER, *lines, "")).encode(encoding))
    return path


def file_of(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def people(db: Database) -> list[tuple[object, ...]]:
    return db.execute(
        """
        SELECT u.personal_file, p.sex, p.birth_year, p.surname, p.given_name, p.patronymic, c.grade, c.letter,
               u.residence
        FROM pupil AS u JOIN person AS p ON p.id = u.person
        JOIN enrolment AS e ON e.pupil = u.person JOIN class_group AS c ON c.id = e.class_group
        ORDER BY u.personal_file
        """
    ).fetchall()


def everything(db: Database) -> dict[str, list[tuple[object, ...]]]:
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


def log_length(db: Database) -> int:
    return int(db.execute("SELECT count(*) FROM change").fetchone()[0])


def shouted(template: str) -> str:
    """A translation: capitals, but for the names in braces."""
    return re.sub(r"[^{}]+(?![^{]*})", lambda part: part[0].upper(), template)


def errors_of(refused: pytest.ExceptionInfo[ImportRefused]) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.message) for error in refused.value.errors]


# ---- files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_any_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(
        f'Имя{delimiter}Класс\r\n"Айпери{delimiter} ""Ай"""{delimiter} 5-А \r\n'.encode(encoding)
    )
    sheet = read_sheet(path)
    assert sheet.header == ("Имя", "Класс")
    assert [line.cells for line in sheet.lines] == [(f'Айпери{delimiter} "Ай"', "5-А")]


def test_lines_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    path = file_of(tmp_path, "list.csv", '\na,b\n\n"two\nlines",2\n,\n3,4\n')
    sheet = read_sheet(path)
    assert sheet.header_line == 2
    assert [(line.number, line.cells) for line in sheet.lines] == [(4, ("two\nlines", "2")), (6, ("3", "4"))]


def test_a_workbook_reads_like_a_text_file(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Other"
    page = workbook.create_sheet("Pupils")
    page.append(["name", "born", "mark", "at", "yes", None])
    page.append(["Айгүл ", datetime.date(2014, 5, 12), 4.0, datetime.time(8, 30), True, None])
    page.append([None, None, None])
    page.append([12, datetime.datetime(2014, 5, 12, 9, 15), 4.5, None, None])
    workbook.save(tmp_path / "list.xlsx")
    sheet = read_sheet(tmp_path / "list.xlsx", sheet="Pupils")
    assert sheet.header == ("name", "born", "mark", "at", "yes")
    assert [(line.number, line.cells[:5]) for line in sheet.lines] == [
        (2, ("Айгүл", "2014-05-12", "4", "08:30", "1")),
        (4, ("12", "2014-05-12 09:15", "4.5", "", "")),
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\x98\xff\xfe\xfd", b"a,b\n\0\0", b"PK\x03\x04 no archive", b'a,b\n"never closed'],
    ids=["empty", "blank", "no text", "binary", "no workbook", "open quote"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(DamagedFile if content.strip() else EmptyFile):
        read_sheet(tmp_path / "list.csv")


def test_a_missing_file_and_a_missing_page_are_refused(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "list.xlsx")
    with pytest.raises(DamagedFile):
        read_sheet(tmp_path / "list.xlsx", sheet="Pupils")
    with pytest.raises(DamagedFile):
        read_sheet(tmp_path / "none.csv")


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["a" * 10_000])
    workbook.save(tmp_path / "list.xlsx")
    monkeypatch.setattr("node.importing.sheets.MAX_UNPACKED", 9_000)
    with pytest.raises(TooLarge):
        read_sheet(tmp_path / "list.xlsx")
    monkeypatch.setattr("node.importing.sheets.MAX_FILE", 10)
    with pytest.raises(TooLarge):
        read_sheet(tmp_path / "list.xlsx")


# ---- values


@pytest.mark.parametrize(
    ("text", "transforms", "value"),
    [
        ("17", {"subtract_from": 2005}, 1988),
        ("1,25", {"times": 100}, 125),
        (" 7", {"add": 2, "subtract": 1}, 8),
        ("7-А", {"match": r"^(\d+)"}, "7"),
        ("А", {"match": r"^(\d+)"}, None),
        ("F", {"map": Words.of({"f": "female"})}, "female"),
        ("31/12/2013", {"date": ["%d/%m/%Y"]}, 16_070),
        ("", {"if_empty": 3}, 3),
        ("", {}, None),
        ("0", {"if_empty": 3}, "0"),
    ],
)
def test_transforms(text: str, transforms: dict[str, object], value: object) -> None:
    assert transformed(text, transforms) == value


@pytest.mark.parametrize(
    ("text", "transforms"),
    [
        ("x", {"add": 1}),
        ("1.5", {"add": 1}),
        ("NaN", {"add": 1}),
        ("1e999", {"add": 1}),
        ("X", {"map": Words.of({"f": "female"})}),
        ("2013", {"date": []}),
        ("", {"required": True}),
    ],
)
def test_what_cannot_be_read(text: str, transforms: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        transformed(text, transforms)


@pytest.mark.parametrize(
    ("table", "column", "text", "value"),
    [
        ("person", "birth_date", "30.11.2013", 16_039),
        ("person", "birth_date", "2013-11-30", 16_039),
        ("person", "birth_year", "2013", 2013),
        ("bell", "start", "8:05", 485),
        ("staff", "outside", "Ооба", 1),
        ("staff", "outside", "нет", 0),
        ("person", "surname", "007", "007"),
    ],
)
def test_text_becomes_what_the_column_wants(table: str, column: str, text: str, value: object) -> None:
    assert fit(text, BY_NAME[table].by_name[column]) == value


# ---- mappings


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_mappings_can_be_used(path: Path) -> None:
    assert load_mapping(path.stem) == load_mapping(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it has no [[rows]]"),
        ("rows = 3", "wrong kind"),
        ("rows = [", "Invalid value"),
        ("extends = 'nothing.toml'", "there is no such file"),
        ("[[rows]]\ntable = 'rooms'", "there is no table “rooms”"),
        ("[[rows]]\ntable = 'attendance_day'", "derived"),
        ("[[rows]]\ntable = 'room'", "room needs find or through"),
        ("[[rows]]\ntable = 'room'\nfind = ['name']", "found by “name”"),
        ("[[rows]]\ntable = 'room'\nfinds = ['name']", "“finds” means nothing"),
        (
            "[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = 'a', colour = 1}",
            "no column “colour”",
        ),
        ("[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = 'a', retired_at = 1}", "retired_at"),
        (
            "[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = 'a', id = 1}",
            "needs a row or a lookup",
        ),
        ("[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = 1.5}", "neither a text"),
        (
            "[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = {cell = 'a'}}",
            "a value comes from one of",
        ),
        (
            "[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = {value = 'a'}}",
            "[values] has no “a”",
        ),
        (
            "[[rows]]\ntable = 'room'\nfind = ['name']\ncolumns = {name = {column = 'a', by = 1}}",
            "“by” means nothing",
        ),
        (
            "[[rows]]\ntable = 'room'\nfind = ['name']\nnumber = {column = 'n'}\ncolumns = {name = 'a'}",
            "number tells people alone",
        ),
        (
            "[[rows]]\ntable = 'person'\nfind = ['sex']\nnumber = 5\ncolumns = {sex = 'f'}",
            "number needs a column",
        ),
        ("[[rows]]\ntable = 'staff'\ncolumns = {position = 'head'}", "staff needs its key: person"),
        ("[[rows]]\ntable = 'staff'\ncolumns = {person = 5}", "staff.person needs a row or a lookup"),
        (
            "[[rows]]\ntable = 'staff'\ncolumns = {person = {row = 'person'}}",
            "no row named “person” comes before",
        ),
        ("[[rows]]\ntable = 'staff'\ncolumns = {person = {lookup = 'person'}}", "a lookup needs by or on"),
        (
            "[[rows]]\ntable = 'staff'\ncolumns = {person = {lookup = 'person', on = '2025-01-01'}}",
            "no start and end",
        ),
    ],
)
def test_a_flawed_mapping_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(FlawedMapping) as refused:
        load_mapping(file_of(tmp_path, "mine.toml", text))
    assert reason in refused.value.sentence()
    assert "mine.toml" in refused.value.sentence() or "nothing.toml" in refused.value.sentence()


def test_a_mapping_extends_another_with_other_values(tmp_path: Path) -> None:
    file_of(tmp_path, "base.toml", "[values]\nseats = 30\nname = 'a'" + ROOMS)
    mapping = load_mapping(file_of(tmp_path, "mine.toml", "extends = 'base.toml'\n[values]\nseats = 25"))
    assert mapping.name == "mine.toml"
    assert [step.table.name for step in mapping.steps] == ["room"]


# ---- imports


def test_pupils_come_in_with_names_only_under_consent(db: Database, tmp_path: Path) -> None:
    result = run_import(db, pupils_file(tmp_path, *LINES), "pupils", actor=7)
    assert result.inserted == {"person": 3, "pupil": 3, "consent": 2, "class_group": 2, "enrolment": 3}
    assert people(db) == [
        ("В/1", "f", 2014, "Асанова", "Айпери", None, 5, "А", "rural"),
        ("В/2", "m", 2013, "Жусупов", "Нурлан", "Бакирович", 5, "А", "urban"),
        ("В/3", "f", 2014, None, None, None, 5, "Б", "rural"),
    ]
    assert db.execute("SELECT DISTINCT actor FROM change").fetchall() == [(7,)]


def test_who_comes_in_by_a_list_has_the_age_that_the_form_would_have_counted(
    db: Database, tmp_path: Path
) -> None:
    run_import(db, pupils_file(tmp_path, *LINES), "pupils", actor=7)
    written = db.execute("SELECT pupil, class_group, age FROM enrolment WHERE retired_at IS NULL").fetchall()
    assert [one[2] for one in written] == [roster.age(db, pupil, group) for pupil, group, _ in written]
    assert all(one[2] is not None for one in written)


def test_windows_1251_gives_the_same(db: Database, tmp_path: Path) -> None:
    run_import(db, pupils_file(tmp_path, *LINES, encoding="cp1251"), "pupils", actor=7)
    assert people(db)[0][3:5] == ("Асанова", "Айпери")


def test_an_import_is_one_act_and_can_be_undone(db: Database, tmp_path: Path) -> None:
    with writing(db, 7) as w:
        account = w.insert("account", login="secretary")
    result = run_import(db, pupils_file(tmp_path, *LINES), "pupils", account)
    act = marked_act(db, result.act)
    assert (act.kind, act.label, act.lines) == ("import", "pupils.csv", result.lines)
    with writing(db, account) as w:
        undone = undo(w, act)
    assert undone.left_alone == ()
    for table in result.inserted:
        own = f"{BY_NAME[table].key[0]} >> 32 AND retired_at IS NULL"
        assert db.execute(f"SELECT count(*) FROM {table} WHERE {own}").fetchone() == (0,)


def test_what_was_undone_can_be_imported_again_and_what_was_retired_stays(
    db: Database, tmp_path: Path
) -> None:
    with writing(db, 7) as w:
        account = w.insert("account", login="secretary")
    path = pupils_file(tmp_path, *LINES)
    first = run_import(db, path, "pupils", account)
    with writing(db, account) as w:
        undo(w, marked_act(db, first.act))
    again = run_import(db, path, "pupils", account)
    assert again.inserted == first.inserted
    alive = "SELECT count(*) FROM pupil WHERE retired_at IS NULL"
    assert db.execute(alive).fetchone() == (3,)
    with writing(db, account) as w:
        w.retire("pupil", db.execute(alive.replace("count(*)", "min(person)")).fetchone()[0])
    assert run_import(db, path, "pupils", account).changes_nothing
    assert db.execute(alive).fetchone() == (2,)


def test_importing_again_changes_nothing_and_adds_what_is_new(db: Database, tmp_path: Path) -> None:
    path = pupils_file(tmp_path, *LINES)
    run_import(db, path, "pupils", actor=7)
    length = log_length(db)
    again = run_import(db, path, "pupils", actor=7)
    assert again.changes_nothing
    assert again.unchanged == {"person": 3, "pupil": 3, "consent": 2, "class_group": 2, "enrolment": 3}
    assert log_length(db) == length
    corrected = LINES[0].replace("Айпери", "Айзада")
    new = LINES[2].replace("В/3", "В/4").replace("5-Б", "6-А")
    more = run_import(db, pupils_file(tmp_path, new, corrected, *LINES[1:]), "pupils", actor=7)
    assert more.inserted == {"person": 1, "pupil": 1, "class_group": 1, "enrolment": 1}
    assert more.changed == {"person": 1}
    assert people(db)[0][4] == "Айзада"
    assert log_length(db) == length + 7, (
        "five changes of rows, the age of the new enrolment and the mark of the act"
    )


def test_a_dry_run_tells_what_would_happen_and_writes_nothing(db: Database, tmp_path: Path) -> None:
    path = pupils_file(tmp_path, *LINES)
    before = everything(db)
    planned = plan(db, path, "pupils")
    assert everything(db) == before
    assert run_import(db, path, "pupils", actor=7, dry_run=True) == planned
    assert run_import(db, path, "pupils", actor=7) == planned
    assert plan(db, path, "pupils").changes_nothing


def test_a_dry_run_waits_for_no_writer_and_none_for_it(tmp_path: Path) -> None:
    file = tmp_path / "node.db"
    path = pupils_file(tmp_path, *LINES)
    with closing(a_store(file)) as db, closing(open_database(file, KEY)) as other, transaction(other):
        assert plan(db, path, "pupils").inserted["pupil"] == 3


def test_all_errors_are_listed_and_nothing_is_written(db: Database, tmp_path: Path) -> None:
    path = pupils_file(
        tmp_path,
        LINES[0],
        "В/5;Асанов;Айбек;;12.05.14;парень;А;01.09.2025;20.08.2025;село",
        "В/6;Асанов;Айбек;;12.05.2014;м;5-А;01.09.1925;вчера;село",
        "В/7;Асанов;Айбек",
        ";Асанов;Айбек;;12.05.2014;м;5-А;01.09.2025;20.08.2025;село",
    )
    length = log_length(db)
    with pytest.raises(ImportRefused) as refused:
        run_import(db, path, "pupils", actor=7, text=shouted)
    assert sorted({(line, name) for line, name, _ in errors_of(refused)}) == [
        (3, "Дата рождения"),
        (3, "Класс"),
        (3, "Пол"),
        (4, "Дата зачисления"),
        (4, "Согласие"),
        (5, ""),
        (6, "Личное дело"),
    ]
    assert (5, "", "THE LINE HAS 3 CELLS, THE HEADER 10.") in errors_of(refused)
    assert log_length(db) == length
    assert people(db) == []


def test_a_class_that_the_school_does_not_have_is_made_only_if_someone_said_so(
    db: Database, tmp_path: Path
) -> None:
    path = pupils_file(tmp_path, *LINES)
    for agreed, refusals in ((frozenset[str](), [2, 3, 4]), (frozenset({"5-А"}), [4])):
        with pytest.raises(ImportRefused) as refused:
            importing.run_import(db, path, "pupils", 7, wish=Wish(new_classes=agreed))
        assert [(line, name) for line, name, _ in errors_of(refused)] == [(n, "Класс") for n in refusals]
    assert errors_of(refused)[0][2].startswith("The school has no class “5-Б” in that school year")
    assert db.execute("SELECT count(*) FROM class_group").fetchone() == (0,)
    made = importing.run_import(db, path, "pupils", 7, wish=Wish(new_classes=frozenset({"5-А", "5-Б"})))
    assert made.inserted["class_group"] == 2
    again = importing.run_import(db, path, "pupils", 7)
    assert again.changes_nothing, "a class that is there is not asked about"


def test_a_day_without_a_school_year_is_told_as_a_day(db: Database, tmp_path: Path) -> None:
    path = pupils_file(tmp_path, LINES[0].replace("01.09.2025", "01.09.1999"))
    with pytest.raises(ImportRefused) as refused:
        run_import(db, path, "pupils", actor=7)
    assert errors_of(refused) == [(2, "Дата зачисления", "01.09.1999 is in no school year of this school.")]


def test_the_same_error_of_many_lines_is_told_once_with_its_lines() -> None:
    errors = [LineError(line, "Класс", "no such class") for line in (4, 9, 4)]
    errors += [LineError(line, "Пол", "must not be empty") for line in range(20, 57)]
    first, second = grouped(errors)
    assert (first.field, first.told) == ("Класс", "4, 9")
    assert second.told == "20, 21, 22, 23, 24, 25, 26, 27 … (37)"


def test_a_missing_column_is_named(db: Database, tmp_path: Path) -> None:
    path = file_of(tmp_path, "pupils.csv", "Фамилия;Имя;Дата рождения;Класс;Согласие;Пол\n")
    with pytest.raises(ImportRefused) as refused:
        run_import(db, path, "pupils", actor=7)
    assert errors_of(refused) == [
        (1, "Өздүк иш", "The file has no such column."),
        (1, "Кабыл алынган күнү", "The file has no such column."),
    ]


def test_a_name_without_consent_is_an_error_of_its_line(db: Database, tmp_path: Path) -> None:
    mapping = file_of(
        tmp_path,
        "mine.toml",
        "[[rows]]\ntable = 'person'\nfind = ['surname']\ncolumns = {surname = {column = 'name'}, sex = 'f'}",
    )
    with pytest.raises(ImportRefused) as refused:
        run_import(db, file_of(tmp_path, "list.csv", "name,x\nАсанова,\n"), mapping, actor=7)
    assert [(line, name) for line, name, _ in errors_of(refused)] == [(2, "name")]
    assert db.execute("SELECT count(*) FROM person").fetchone() == (0,)


def test_two_lines_must_not_disagree_about_a_row(db: Database, tmp_path: Path) -> None:
    mapping = file_of(tmp_path, "rooms.toml", ROOMS)
    path = file_of(tmp_path, "rooms.csv", "room,seats\n101,30\n102,24\n101,30\n101,25\n")
    with pytest.raises(ImportRefused) as refused:
        run_import(db, path, mapping, actor=7)
    assert errors_of(refused) == [(5, "seats", "Line 2 says otherwise.")]


def test_an_empty_cell_empties_nothing(db: Database, tmp_path: Path) -> None:
    mapping = file_of(tmp_path, "rooms.toml", ROOMS)
    run_import(db, file_of(tmp_path, "rooms.csv", "room,seats\n101,30\n"), mapping, actor=7)
    again = run_import(db, file_of(tmp_path, "rooms.csv", "room,seats\n101,\n"), mapping, actor=7)
    assert again.changes_nothing
    assert db.execute("SELECT name, seats FROM room").fetchall() == [("101", 30)]


def test_what_must_not_be_empty_may_be_where_it_is_empty_here(db: Database, tmp_path: Path) -> None:
    mapping = file_of(tmp_path, "rooms.toml", ROOMS.replace('"seats"}', '"seats", required = true}'))
    with writing(db, actor=7) as w:
        hall = w.insert("room", name="101")
        w.insert("room", name="102", seats=24)
    path = file_of(tmp_path, "rooms.csv", "room,seats\n101,\n102,\n103,\n")
    with pytest.raises(ImportRefused) as refused:
        run_import(db, path, mapping, actor=7)
    empty = "This must not be empty."
    assert errors_of(refused) == [(3, "seats", empty), (4, "seats", empty)]
    assert run_import(db, file_of(tmp_path, "rooms.csv", "room,seats\n101,\n"), mapping, 7).changes_nothing
    run_import(db, file_of(tmp_path, "rooms.csv", "room,seats\n101,30\n"), mapping, actor=7)
    assert db.execute("SELECT seats FROM room WHERE id = ?", (hall,)).fetchone() == (30,)


def test_a_line_may_be_known_by_what_is_empty_but_not_by_nothing(db: Database, tmp_path: Path) -> None:
    head = "Фамилия;Имя;Дата рождения;Пол;Согласие;Должность\n"
    with writing(db, actor=7) as w:
        person = w.insert("person", sex="f")
        w.insert("consent", person=person, purpose="core", valid_from=20_000)
        w.update("person", person, surname="Асанова")
        w.put("staff", person=person, position="teacher")
    line = "Асанова;;;ж;04.10.2024;учитель\n"
    assert run_import(db, file_of(tmp_path, "a.csv", head + line), "staff", actor=7).changes_nothing
    with pytest.raises(ImportRefused) as refused:
        other = ";;;ж;04.10.2024;учитель\n" + line.replace("Асанова", "Иванова")
        run_import(db, file_of(tmp_path, "a.csv", head + other), "staff", actor=7)
    assert [error[:2] for error in errors_of(refused)] == [
        (2, "Фамилия"), (2, "Имя"), (2, "Дата рождения"), (3, "Имя"), (3, "Дата рождения"),
    ]  # fmt: skip


def test_a_retired_row_is_left_alone(db: Database, tmp_path: Path) -> None:
    mapping = file_of(tmp_path, "rooms.toml", ROOMS)
    path = file_of(tmp_path, "rooms.csv", "room,seats\n101,30\n")
    run_import(db, path, mapping, actor=7)
    with writing(db, actor=7) as w:
        w.retire("room", db.execute("SELECT id FROM room").fetchone()[0])
    changed = file_of(tmp_path, "rooms.csv", "room,seats\n101,25\n")
    assert run_import(db, changed, mapping, actor=7).changes_nothing
    assert db.execute("SELECT seats, retired_at IS NULL FROM room").fetchall() == [(30, 0)]


def test_filters_pass_lines_over(db: Database, tmp_path: Path) -> None:
    mapping = file_of(tmp_path, "rooms.toml", "only_if = {floor = ['1', '2'], room = true}\n" + ROOMS)
    path = file_of(tmp_path, "rooms.csv", "floor,room,seats\n1,101,30\n2,201,30\n3,301,30\n1,,5\n")
    result = run_import(db, path, mapping, actor=7)
    assert (result.lines, result.passed_over, result.inserted) == (2, 2, {"room": 2})


def test_an_unknown_code_and_a_mark_off_the_scale(db: Database, tmp_path: Path) -> None:
    mapping = file_of(
        tmp_path,
        "mine.toml",
        """
        [[rows]]
        table = "class_group"
        find = ["letter"]
        [rows.columns]
        letter = {column = "class"}
        year = {lookup = "academic_year", on = "2025-10-01"}
        [rows.columns.grade]
        band_of = {column = "mark"}
        scale = {lookup = "grading_scale", by = {code = {column = "x"}}}
        """,
    )
    path = file_of(tmp_path, "list.csv", "class,mark,x\nА,5,five\nБ,21,twenty\nВ,x,twenty\nГ,5,six\n")
    with pytest.raises(ImportRefused) as refused:
        run_import(db, path, mapping, actor=7)
    assert errors_of(refused) == [
        (3, "mark", "21 is not on the grading scale."),
        (4, "mark", "“x” is not a number."),
        (5, "mark", "Nothing is known as “six” here."),
    ]


@pytest.mark.parametrize(
    ("table", "code", "cells"),
    [
        ("subject", "inf", ["INF", "Информатика", "информатика.", "Informatics", "inf — Информатика"]),
        ("subject", "kyr_lit", ["кыргыз адабияты", "Кыргызская литература"]),
        ("work_kind", "control", ["Текшерүү иши", "текшеруу иши", "Контрольная работа"]),
    ],
)
def test_a_code_may_be_written_as_its_name(db: Database, table: str, code: str, cells: list[str]) -> None:
    meant = look_up(db, BY_NAME[table], {"code": code}, None, None)
    assert meant is not None
    assert [look_up(db, BY_NAME[table], {"code": cell}, None, None) for cell in cells] == [meant] * len(cells)
    assert look_up(db, BY_NAME[table], {"code": "Кол өнөрчүлүк"}, None, None) is None
    with writing(db, 7) as w:
        w.insert(table, code="another", name_ky=cells[-1])
    assert look_up(db, BY_NAME[table], {"code": cells[-1]}, None, None) is None, "two are called so"


def test_progress_is_told_line_by_line(db: Database, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    run_import(
        db, pupils_file(tmp_path, *LINES), "pupils", 7, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_node_can_be_given_instead_of_its_database(db: Database, tmp_path: Path) -> None:
    class Node:
        def connect(self) -> Database:
            return db

    assert run_import(Node(), pupils_file(tmp_path, *LINES), "pupils", actor=7).inserted["pupil"] == 3
