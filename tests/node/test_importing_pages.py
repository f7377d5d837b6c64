"""Import in the browser: template, columns, dry run, one transaction, failed lines back, undo; whose marks."""

from __future__ import annotations

import io
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from node.importing.kinds import KINDS
from node.importing.mapping import load_mapping
from shared.dates import parse_day
from sync.state import State
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages, autumn

HEAD = "ПИН;Фамилия;Имя;Дата рождения;Пол;Согласие;Должность;Часов в неделю\n"
GOOD = """\
11111111111111;Асанов;Нурлан;03.02.1980;м;2025-09-01;учитель;18
22222222222222;Өмүрова;Бермет;04.05.1990;ж;2025-09-01;завуч;9,5
"""
WHY = "Кайра тапшырды"
"""The reason for marks of lessons long ago."""
BAD = "333;Туура;Эмес;01.01.1970;м;2025-09-01;учитель;18\n"


@pytest.fixture
def own(tmp_path: Path) -> SchoolPages:
    """A school to be written in."""
    return autumn().again(tmp_path)


def upload(client: Client, kind: str, text: str, name: str = "list.csv") -> str:
    """Give a file; returns the address of its check."""
    client.get(f"/import/{kind}")
    answer = client.http.post(
        f"/import/{kind}",
        data={"form_token": client.token, "file": (io.BytesIO(text.encode()), name)},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return answer.headers["Location"]


def names(own: SchoolPages) -> list[str]:
    with closing(own.node.connect()) as db:
        return [n for (n,) in db.execute("SELECT surname FROM person WHERE surname IN ('Асанов', 'Өмүрова')")]


def row(own: SchoolPages, sql: str, *values: object) -> tuple[Any, ...]:
    with closing(own.node.connect()) as db:
        return tuple(db.execute(sql, values).fetchone())


def test_a_list_is_checked_then_imported_then_undone_as_one_act(own: SchoolPages) -> None:
    client = own.as_("secretary")
    there = upload(client, "staff", HEAD + GOOD)
    status, text = client.get(there)
    assert status == 200 and "ката жок" in text and names(own) == []
    status, text = client.post(there, do="all")
    assert status == 200 and sorted(names(own)) == ["Асанов", "Өмүрова"]
    assert client.get(there)[0] == 404, "the file is forgotten"
    mark = re.search(r"/import/undo/(\d+)", text)
    assert mark
    status, text = client.get(mark[0])
    assert status == 200 and "Асанов" in text and sorted(names(own)) == ["Асанов", "Өмүрова"], "it asks first"
    person = own.one("SELECT id FROM person WHERE surname = 'Асанов' AND retired_at IS NULL")
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        duty = w.insert("appointment", person=person, duty="teacher", start=0)
    text = client.get(mark[0])[1].partition("Өзгөртүүсүз калганы")[2]
    assert f"/people/{person}" in text, "what stays is told by name"
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.retire("appointment", duty)
    status, text = client.post(mark[0])
    assert status == 200 and "жокко чыгарылды" in text
    assert names(own) == []
    assert client.post(mark[0])[0] == 404, "an import is undone once"


def test_failed_lines_come_back_with_their_reasons_and_the_others_may_go_in(own: SchoolPages) -> None:
    client = own.as_("secretary")
    there = upload(client, "staff", HEAD + GOOD + BAD)
    assert client.post(there, do="all")[0] == 422 and names(own) == []
    client.get(there)
    answer = client.http.post(there, data={"form_token": client.token, "do": "faults"})
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert len(rows) == 2 and rows[1][1] == "Туура" and "ПИН" in rows[1][-1]
    assert client.post(there, do="rest")[0] == 200
    assert sorted(names(own)) == ["Асанов", "Өмүрова"]


def test_a_list_too_long_and_what_is_no_list_are_told_on_the_page(own: SchoolPages) -> None:
    client = own.as_("secretary")
    long = HEAD + "".join(f"{n:014};Асанов;Нурлан;03.02.1980;м;2025-09-01;учитель;1\n" for n in range(6_001))
    for content in (long.encode(), b"\xd0\xcf\x11\xe0" + b"\0" * 99, b"\0\0"):
        client.get("/import/staff")
        answer = client.http.post(
            "/import/staff",
            data={"form_token": client.token, "file": (io.BytesIO(content), "list.xls")},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 422 and 'class="notice' in answer.get_data(as_text=True)


def test_a_heading_that_is_not_understood_is_asked_about_once(own: SchoolPages) -> None:
    client, others = own.as_("secretary"), HEAD.replace("Фамилия", "Тек") + GOOD
    there = upload(client, "staff", others)
    text = client.get(there)[1]
    assert "Файлда мындай тилке жок." in text and "Кайсы тилке эмне?" in text
    assert "мисалы: Асанов" in text, "the choice shows what stands in the column"
    assert client.post(there, do="check", **{"column-1": ""})[0] == 422, "nothing said is nothing remembered"
    said = {"column-1": "surname", "column-6": "-"}
    status, text = client.post(there, do="check", **said)
    assert status == 422 and "Кызмат орду" in text, "what is left out is not there"
    assert client.post(there, do="check", **(said | {"column-6": "position"}))[0] == 200
    again = upload(client, "staff", others)
    status, text = client.get(again)
    assert status == 200 and "Кайсы тилке эмне?" not in text
    assert client.post(again, do="all")[0] == 200
    assert sorted(names(own)) == ["Асанов", "Өмүрова"]


def test_a_file_without_headings_teaches_none_and_one_column_may_hold_the_names(own: SchoolPages) -> None:
    client = own.as_("secretary")
    there = upload(client, "staff", "Асанов;Нурлан\nБеков;Бек\n")
    client.post(there, do="check", **{"column-0": "surname", "column-1": "given"})
    assert own.one("SELECT count(*) FROM import_heading") == 0, "a name in the first line is no heading"
    there = upload(
        client,
        "staff",
        "Ким;Туулган жылы;Пол;Согласие;Должность;Тел.\nАсанов Нурлан;03.02.1980;м;2025-09-01;учитель;1\n",
    )
    assert client.post(there, do="all", **{"column-0": "full name"})[0] == 200
    assert names(own) == ["Асанов"]


PUPIL = "Щ/{n};Щукина;Анна;01.02.2014;кыз;{group};2025-09-01;2025-08-20\n"
PUPILS = "Өздүк иш;Фамилиясы;Аты;Туулган күнү;Жынысы;Класс;Кабыл алынган күнү;Макулдук\n"


def test_classes_that_the_school_does_not_have_are_ticked_by_name(own: SchoolPages) -> None:
    client, classes = own.as_("secretary"), "SELECT count(*) FROM class_group WHERE letter IN ('Щ', 'Ъ')"
    lines = (PUPIL.format(n=n, group=f"5-{'ЩЩЪ'[n]}") for n in range(3))
    there = upload(client, "pupils", PUPILS + "".join(lines))
    text = client.get(there)[1]
    assert text.count('name="new-class"') == 2 and 'name="all-classes"' in text and ">2, 3</th>" in text
    assert client.post(there, do="all")[0] == 422 and own.one(classes) == 0
    status, text = client.post(there, do="check", **{"seen-class": ["5-Щ", "5-Ъ"], "all-classes": "1"})
    assert status == 200 and text.count(" checked") == 2 and 'name="all-classes"' not in text
    assert client.post(there, do="rest", **{"new-class": "5-Щ"})[0] == 200
    assert own.one(classes) == 1 and own.one("SELECT count(*) FROM pupil WHERE personal_file LIKE 'Щ/%'") == 2


@pytest.mark.parametrize(("mode", "changed"), [("insert", False), ("update", True), ("both", True)])
def test_the_mode_says_what_becomes_of_known_lines(own: SchoolPages, mode: str, changed: bool) -> None:
    client = own.as_("secretary")
    client.post(upload(client, "staff", HEAD + GOOD), do="all")
    other = upload(client, "staff", HEAD + GOOD.replace(";18", ";20"))
    client.post(other, do="all", mode=mode)
    load = "SELECT load FROM staff s JOIN person p ON p.id = s.person WHERE p.surname = 'Асанов'"
    assert own.one(load) == (2000 if changed else 1800)


def test_changing_only_refuses_what_is_not_there(own: SchoolPages) -> None:
    client = own.as_("secretary")
    status, text = client.post(upload(client, "staff", HEAD + GOOD), do="all", mode="update")
    assert status == 422 and "ПИН" in text and names(own) == []


def test_the_other_key_finds_a_person_by_number(own: SchoolPages) -> None:
    client = own.as_("secretary")
    client.post(upload(client, "staff", HEAD + GOOD), do="all")
    married = GOOD.replace("Асанов;", "Токтомушев;")
    client.post(upload(client, "staff", HEAD + married), do="all", key="pin")
    known = "SELECT count(*) FROM person WHERE personal_number = '11111111111111'"
    assert own.one(known) == 1 and "Асанов" not in names(own)


def test_marks_are_imported_by_who_teaches_within_the_scale(own: SchoolPages) -> None:
    group, day, period = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    sql = """SELECT g.grade || '-' || g.letter || ';' || s.code FROM subject_group x JOIN class_group g
             ON g.id = x.class_group JOIN subject s ON s.id = x.subject WHERE x.id = ?"""
    place = own.one(sql, group)
    pupil = own.member_of(int(group))
    file = own.one("SELECT personal_file FROM pupil WHERE person = ?", pupil)
    head = "Класс;Предмет;Дата;Урок;Личное дело;Оценка;Вид работы\n"
    row = f"{place};{day};{period};{file};{{}};test\n"
    teacher = own.as_("teacher")
    assert teacher.post(upload(teacher, "marks", head + row.format(9)), do="all", reason=WHY)[0] == 422
    assert teacher.post(upload(teacher, "marks", head + row.format(5)), do="all", reason=WHY)[0] == 200
    value = (
        "SELECT value FROM mark WHERE subject_group = ? AND pupil = ? AND day = ? AND period = ? AND slot = 0"
    )
    assert own.one(value, int(group), pupil, parse_day(day), int(period)) == 5
    other = own.as_("class_teacher")
    assert other.post(upload(other, "marks", head + row.format(4)), do="all", reason=WHY)[0] == 422
    assert own.one(value, int(group), pupil, parse_day(day), int(period)) == 5


def test_a_plan_is_imported_by_who_teaches_the_group_and_stays_as_it_was_given(own: SchoolPages) -> None:
    group, _, _ = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    sql = """SELECT '2025-09-01;' || g.grade || '-' || g.letter || ';' || s.code || ';' || ifnull(x.name, '')
             FROM subject_group x JOIN class_group g ON g.id = x.class_group JOIN subject s ON s.id = x.subject
             WHERE x.id = ?"""
    place = own.one(sql, group)
    plan = own.one("SELECT max(id) FROM plan WHERE subject_group = ? AND retired_at IS NULL", group)
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.update("plan", plan, approved_at=None, submitted_at=None)
    last = own.one("SELECT max(position) FROM plan_item WHERE plan = ? AND retired_at IS NULL", plan)
    count = "SELECT count(*) FROM plan_item WHERE plan = ? AND retired_at IS NULL"
    before = own.one(count, plan)
    head = "Начало учебного года;Класс;Предмет;Подгруппа;№;Тема;Часы\n"
    teacher = own.as_("teacher")
    new = f"{head}{place};{last + 1};Соңку тема;2\n"
    status, text = teacher.post(upload(teacher, "plans", new), do="all")
    assert status == 200 and own.one(count, plan) == before + 1
    assert own.as_("class_teacher").post(upload(own.as_("class_teacher"), "plans", new), do="all")[0] in (
        200,
        422,
    )
    given = own.one(
        """SELECT i.position FROM plan_item i JOIN lesson l ON l.plan_item = i.id AND l.retired_at IS NULL
           WHERE i.plan = ? AND i.retired_at IS NULL LIMIT 1""",
        plan,
    )
    changed = f"{head}{place};{given};Башка тема;2\n"
    assert teacher.post(upload(teacher, "plans", changed), do="all")[0] == 422
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.update("plan", plan, approved_at=1)
    more = f"{head}{place};{last + 2};Дагы тема;2\n"
    assert teacher.post(upload(teacher, "plans", more), do="all")[0] == 422
    mark = re.search(r"/import/undo/(\d+)", text)
    assert mark and teacher.post(mark[0])[0] == 200 and own.one(count, plan) == before
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        latest = w.insert("plan", subject_group=group)
    assert teacher.post(upload(teacher, "plans", more), do="all")[0] == 200
    assert (own.one(count, latest), own.one(count, plan)) == (1, before), "the plan entered last holds"


def test_a_topic_of_a_list_that_names_someone_without_consent_is_an_error_until_someone_looked(
    own: SchoolPages,
) -> None:
    group, _, _ = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    place = own.one(
        """SELECT '2025-09-01;' || g.grade || '-' || g.letter || ';' || s.code || ';' || ifnull(x.name, '')
           FROM subject_group x JOIN class_group g ON g.id = x.class_group JOIN subject s ON s.id = x.subject
           WHERE x.id = ?""",
        group,
    )
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.insert("plan", subject_group=group)
        person = w.insert("person", sex="f", birth_year=2013)
        consent = w.insert("consent", person=person, purpose="core", valid_from=20_000, signer=person)
        w.update("person", person, surname="Толубаева")
        w.update("consent", consent, withdrawn_on=20_001)
    head = "Начало учебного года;Класс;Предмет;Подгруппа;№;Тема;Часы\n"
    lines = f"{head}{place};1;Толубаева жөнүндө;1\n{place};2;Кайталоо;1\n"
    teacher = own.as_("teacher")
    there = upload(teacher, "plans", lines)
    status, page = teacher.post(there, do="all")
    assert status == 422 and "Толубаева" in page and 'name="names_checked"' in page
    assert 'name="names_checked" value="1" checked' in teacher.post(there, do="check", names_checked="1")[1]
    assert teacher.post(there, do="all", names_checked="1")[0] == 200
    sql = "SELECT count(*) FROM plan_item i JOIN plan p ON p.id = i.plan WHERE p.subject_group = ? AND topic LIKE ?"
    assert own.one(sql, group, "Толубаева жөнүндө") == 1


def test_a_file_belongs_to_the_account_that_gave_it(own: SchoolPages) -> None:
    there = upload(own.as_("secretary"), "staff", HEAD + GOOD)
    assert own.as_("deputy").get(there)[0] == 404


def test_each_kind_asks_for_its_own_right(own: SchoolPages) -> None:
    teacher = own.as_("teacher")
    assert teacher.get("/import/marks")[0] == 200
    assert {kind: teacher.get(f"/import/{kind}")[0] for kind in KINDS if kind not in ("marks", "plans")} == {
        "classes": 403, "staff": 403, "pupils": 403, "guardians": 403,
    }  # fmt: skip


def read_back(own: SchoolPages, kind: str) -> str:
    """What is there, written out as a template and given again: what the page of its check says."""
    client = own.as_({"classes": "deputy", "marks": "teacher", "plans": "teacher"}.get(kind, "secretary"))
    content = client.http.get(f"/import/{kind}/template.xlsx").data
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert len(book.worksheets) == 2 and book.worksheets[0].max_row > 3
    client.get(f"/import/{kind}")
    answer = client.http.post(
        f"/import/{kind}",
        data={"form_token": client.token, "file": (io.BytesIO(content), "there.xlsx")},
        content_type="multipart/form-data",
    )
    return client.get(answer.headers["Location"])[1]


def told(text: str) -> list[str]:
    return re.findall(r"<td data-label.*?</td>|[^>]*</span><span class=.soft.>жаңы[^<]*", text)[:9]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_template_as_it_stands_changes_nothing(own: SchoolPages, kind: str) -> None:
    text = read_back(own, kind)
    assert "Файлдагынын баары мурунтан эле бар" in text, told(text)


WALKS = {
    "classes": ("deputy", "class_group", {"class": "9-Ю"}, "language", "марсча"),
    "pupils": ("secretary", "pupil", {"file": "Щ/1", "pin": ""}, "born", "жай"),
    "guardians": ("secretary", "guardian", {"surname": "Щукина", "phone": "0555000777"}, "relation", "коңшу"),
    "plans": ("teacher", "plan_item", {"position": "999", "topic": "Соңку тема"}, "hours", "көп"),
    "marks": ("teacher", "mark", {"slot": "1"}, "value", "9"),
}
"""Kind of list -> who gives it, the table of its lines, what makes a known line a new one, a flaw and its column."""


def test_lists_of_every_kind_go_the_whole_way(own: SchoolPages) -> None:
    """Template, dry run with line and field, failed line back with its reason, the other in, undone as one act."""
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        for (plan,) in db.execute(
            "SELECT id FROM plan WHERE submitted_at IS NOT NULL OR approved_at IS NOT NULL"
        ):
            w.update("plan", plan, submitted_at=None, approved_at=None)
    for kind, (duty, table, fresh, flawed, flaw) in WALKS.items():
        client = own.as_(duty)
        heads = {name: names[0] for name, names in KINDS[kind].mapping().headers.items()}
        content = client.http.get(f"/import/{kind}/template.xlsx").data
        first, codes = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        assert codes.max_row > 1, kind
        header, *rows = [[str(cell or "") for cell in row] for row in first.iter_rows(values_only=True)]
        known = next(row for row in rows if kind != "marks" or row[header.index(heads["value"])])
        lines = []
        for change in (fresh, fresh | {flawed: flaw}):
            line = list(known)
            for name, text in change.items():
                line[header.index(heads[name])] = text
            lines.append(line)
        there = upload(client, kind, "".join(";".join(line) + "\n" for line in [header, *lines]))
        count = f"SELECT count(*) FROM {table} WHERE retired_at IS NULL"
        before = own.one(count)
        status, text = client.post(there, do="check", reason=WHY)
        assert re.search(r'<th scope="row">3</th>', text) and not re.search(
            r'<th scope="row">2</th>', text
        ), kind
        answer = client.http.post(there, data={"form_token": client.token, "do": "faults", "reason": WHY})
        back = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
        assert len(back) == 2 and back[1][header.index(heads[flawed])] == flaw and back[1][-1], kind
        status, text = client.post(there, do="rest", reason=WHY)
        assert status == 200 and own.one(count) == before + 1, kind
        mark = re.search(r"/import/undo/(\d+)", text)
        assert mark and client.post(mark[0], reason=WHY)[0] == 200 and own.one(count) == before, kind


def known_by_a_surname(own: SchoolPages, **known: int) -> None:
    """A member of the staff, a pupil and a guardian of whom little more than a surname is kept."""
    group = own.led
    start = own.one(
        "SELECT y.start FROM academic_year y JOIN class_group g ON g.year = y.id WHERE g.id = ?", group
    )
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        teacher, pupil, guardian = people = [w.insert("person") for _ in range(3)]
        for person, surname in zip(people, ("Жалгызов", "Жалгызова", "Жалгызбаев"), strict=True):
            w.insert("consent", person=person, purpose="core", valid_from=start)
            w.update("person", person, surname=surname, **known)
        w.put("staff", person=teacher, position="teacher")
        w.put("pupil", person=pupil, personal_file="Ж/900", language="ky")
        w.insert("enrolment", pupil=pupil, class_group=group, start=start)
        w.put("guardian", pupil=pupil, person=guardian, relation="mother")


@pytest.mark.parametrize("known", [{}, {"birth_year": 1990}], ids=["surname", "year"])
@pytest.mark.parametrize("kind", ["staff", "pupils", "guardians"])
def test_nor_does_it_where_the_school_knows_little_of_a_person(
    own: SchoolPages, kind: str, known: dict[str, int]
) -> None:
    known_by_a_surname(own, **known)
    text = read_back(own, kind)
    assert "Файлдагынын баары мурунтан эле бар" in text, told(text)


def template(own: SchoolPages, kind: str) -> list[dict[str, Any]]:
    """The lines of a kind's template, by column of the list."""
    client = own.as_({"classes": "deputy", "marks": "teacher", "plans": "teacher"}.get(kind, "secretary"))
    content = client.http.get(f"/import/{kind}/template.xlsx").data
    rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(min_row=2, values_only=True)
    return [dict(zip(KINDS[kind].columns(), line, strict=True)) for line in rows]


def test_the_guardians_template_has_a_line_for_every_pupil(own: SchoolPages) -> None:
    pupil, file = row(own, "SELECT person, personal_file FROM pupil WHERE personal_file IS NOT NULL LIMIT 1")
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        for (guardian,) in db.execute("SELECT person FROM guardian WHERE pupil = ?", (pupil,)).fetchall():
            w.retire("guardian", pupil, guardian)
    lines = template(own, "guardians")
    (alone,) = (line for line in lines if line["file"] == file)
    assert {name for name, cell in alone.items() if cell} == {"class", "child", "file"}
    assert {line["file"] for line in lines} == {line["file"] for line in template(own, "pupils")}
    assert {line["access"] for line in lines} <= {None, "ооба", "жок"}
    assert "Файлдагынын баары мурунтан эле бар" in read_back(own, "guardians")


def test_a_list_without_numbers_of_personal_files_knows_the_child_by_class_and_name(own: SchoolPages) -> None:
    client = own.as_("secretary")
    line = next(line for line in template(own, "guardians") if line["child"])
    pupil = own.one("SELECT person FROM pupil WHERE personal_file = ?", line["file"])
    head = "Класс;ФИО ученика;Кем приходится;Ф.И.О.;Телефон;Дата согласия\n"
    given = f"{line['class']};{line['child']};чоң эне;Щукина Анна Ивановна;0555 112233;2025-09-01\n"
    there = upload(client, "guardians", head + given + given.replace(line["child"], "Эч ким"))
    text = client.get(there)[1]
    assert '<option value="child" selected>' in text, "the key for which the file has what is needed"
    assert "«Эч ким»" in text
    assert client.post(there, do="rest", key="child")[0] == 200
    sql = """SELECT r.relation FROM guardian r JOIN person p ON p.id = r.person
             WHERE r.pupil = ? AND p.surname = 'Щукина' AND p.patronymic = 'Ивановна'"""
    assert own.one(sql, pupil) == "grandmother"


def test_no_template_names_someone_whose_consent_lapsed(own: SchoolPages) -> None:
    personal = (
        "surname",
        "given",
        "patronymic",
        "phone",
        "address",
        "pin",
        "name",
        "child",
        "consent",
        "teacher",
    )
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        for (consent,) in db.execute("SELECT id FROM consent WHERE purpose = 'core'").fetchall():
            w.update("consent", consent, valid_to=parse_day("2025-09-10"))
    for kind in KINDS:
        lines = template(own, kind)
        assert [line for line in lines if any(line.get(name) for name in personal)] == [], kind
        assert lines or kind == "staff", kind
    for kind in ("pupils", "guardians", "classes"):
        assert "Файлдагынын баары мурунтан эле бар" in read_back(own, kind), kind


def test_every_kind_has_its_headers_in_three_languages() -> None:
    for kind in KINDS.values():
        mapping = load_mapping(kind.name)
        assert {name: names for name, names in mapping.headers.items() if len(names) < 3} == {}


def test_the_mother_of_a_child_may_change_name_and_phone(own: SchoolPages) -> None:
    """By the child and the relation, which must mean one person; by surname, name and phone it would be another one."""
    client = own.as_("secretary")
    child, mother = row(
        own,
        """SELECT g.pupil, min(g.person) FROM guardian g JOIN pupil u ON u.person = g.pupil WHERE relation = 'mother'
           AND g.retired_at IS NULL AND u.personal_file IS NOT NULL GROUP BY g.pupil HAVING count(*) = 1 LIMIT 1""",
    )
    file = own.one("SELECT personal_file FROM pupil WHERE person = ?", child)
    people = own.one("SELECT count(*) FROM person")
    text = f"Личное дело;Степень родства;Фамилия;Телефон\n{file};мать;Жаңыбаева;0555 123456\n"
    assert client.post(upload(client, "guardians", text), do="all", mode="update", key="relation")[0] == 200
    sql = "SELECT surname || ' ' || phone FROM person WHERE id = ?"
    assert own.one(sql, mother) == "Жаңыбаева 0555 123456"
    assert own.one("SELECT count(*) FROM person") == people
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.put("guardian", pupil=child, person=w.insert("person"), relation="mother")
    there = upload(client, "guardians", text)
    status, page = client.post(there, do="check", mode="update", key="relation")
    assert status == 422 and ">Личное дело, Степень родства<" in page


def test_a_list_that_changes_what_is_there_needs_its_key_and_what_changes(own: SchoolPages) -> None:
    client = own.as_("secretary")
    client.post(upload(client, "staff", HEAD + GOOD), do="all")
    short = "ПИН;Телефон\n11111111111111;0700 111222\n"
    assert client.post(upload(client, "staff", short), do="all", key="pin")[0] == 422, "nobody could be added"
    assert client.post(upload(client, "staff", short), do="all", key="pin", mode="update")[0] == 200
    assert own.one("SELECT phone FROM person WHERE surname = 'Асанов'") == "0700 111222"
    keyless = "Телефон;Должность\n0700 111222;завуч\n"
    assert client.post(upload(client, "staff", keyless), do="all", mode="update")[0] == 422


def test_pupils_are_known_by_name_and_date_of_birth_where_their_numbers_are_new(own: SchoolPages) -> None:
    client = own.as_("secretary")
    person, surname, given, born = row(
        own,
        """SELECT p.id, p.surname, p.given_name, date(p.birth_date * 86400, 'unixepoch') FROM person p
           JOIN pupil u ON u.person = p.id WHERE p.surname IS NOT NULL AND p.birth_date IS NOT NULL
           GROUP BY p.surname, p.given_name, p.birth_date HAVING count(*) = 1 LIMIT 1""",
    )
    text = f"Фамилия;Имя;Дата рождения;Личное дело\n{surname};{given};{born};Ы/77\n"
    assert client.post(upload(client, "pupils", text), do="all", mode="update", key="name")[0] == 200
    assert own.one("SELECT personal_file FROM pupil WHERE person = ?", person) == "Ы/77"


def test_a_teachers_own_list_names_the_pupils_of_the_class(own: SchoolPages) -> None:
    group, day, period = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    place = own.one(
        """SELECT g.grade || '-' || g.letter || ';' || s.code || ';' || ifnull(x.name, '') FROM subject_group x
           JOIN class_group g ON g.id = x.class_group JOIN subject s ON s.id = x.subject WHERE x.id = ?""",
        group,
    )
    pupil = own.member_of(int(group))
    name = own.one("SELECT lower(surname || '  ' || given_name) FROM person WHERE id = ?", pupil)
    head = "Класс;Предмет;Подгруппа;Дата;Урок;ФИО;Оценка;Вид работы\n"
    teacher = own.as_("teacher")
    line = f"{place};{day};{period};{{}};5;test\n"
    there = upload(teacher, "marks", head + line.format(name))
    assert teacher.post(there, do="all", key="name", reason=WHY)[0] == 200
    value = (
        "SELECT value FROM mark WHERE subject_group = ? AND pupil = ? AND day = ? AND period = ? AND slot = 0"
    )
    assert own.one(value, int(group), pupil, parse_day(day), int(period)) == 5
    status, page = teacher.post(
        upload(teacher, "marks", head + line.format("Жок Бирөө")), do="check", key="name"
    )
    assert status == 422 and "Жок Бирөө" in page


def test_a_topic_before_others_leaves_those_that_lessons_gave(own: SchoolPages) -> None:
    group, _, _ = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    plan = own.one("SELECT max(id) FROM plan WHERE subject_group = ? AND retired_at IS NULL", group)
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.update("plan", plan, approved_at=None, submitted_at=None)
    item, section, topic, position, hours = row(
        own,
        """SELECT i.id, ifnull(i.section, ''), i.topic, i.position, i.hours FROM plan_item i JOIN lesson l
           ON l.plan_item = i.id AND l.retired_at IS NULL WHERE i.plan = ? AND i.retired_at IS NULL LIMIT 1""",
        plan,
    )
    place = own.one(
        """SELECT '2025-09-01;' || g.grade || '-' || g.letter || ';' || s.code || ';' || ifnull(x.name, '')
           FROM subject_group x JOIN class_group g ON g.id = x.class_group JOIN subject s ON s.id = x.subject
           WHERE x.id = ?""",
        group,
    )
    head = "Начало учебного года;Класс;Предмет;Подгруппа;№;Раздел;Тема;Часы\n"
    text = (
        f"{head}{place};{position};{section};Жаңы тема;1\n{place};{position + 1};{section};{topic};{hours}\n"
    )
    teacher = own.as_("teacher")
    assert teacher.post(upload(teacher, "plans", text), do="all")[0] == 422
    assert teacher.post(upload(teacher, "plans", text), do="all", key="topic")[0] == 200
    assert own.one("SELECT position FROM plan_item WHERE id = ?", item) == position + 1


def test_the_page_says_by_what_a_line_is_known(own: SchoolPages) -> None:
    client = own.as_("deputy")
    assert '<dl class="facts">' in client.get(upload(client, "classes", "Класс\n7-А\n"))[1]
