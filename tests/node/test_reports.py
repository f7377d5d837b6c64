"""The school's own reports: figures by hand, checks, freezing and numbered corrections, pages and files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing

import pytest
from openpyxl import load_workbook
from sqlite_utils import Database

from node import frozen, roster
from node.classes import actions as class_actions
from node.classes.actions import ClassDraft, GroupDraft
from node.counting import quarter, school_return
from node.derived import derive
from node.movement import actions
from node.movement.actions import Newcomer, Paper
from shared.indicators import evaluate
from shared.problems import NotFound
from shared.report import plain
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.stores import ACTOR, a_store

YEAR, START, REFERENCE = 3, 20_332, 20_336
FIRST_QUARTER = 4
SEVEN = ClassDraft(7, "А", "ky", 1, 5)
KYRGYZ, RUSSIAN, ENGLISH = 1, 3, 11


def english(text: str, **places: object) -> str:
    return text % places if places else text


@pytest.fixture
def db() -> Iterator[Database]:
    """Two classes taught together and one in Russian, in the second shift, with pupils of known age and sex."""
    with closing(a_store()) as db:
        with writing(db, ACTOR) as w:
            a = class_actions.create_class(w, YEAR, SEVEN)
            class_actions.create_class(w, YEAR, ClassDraft(8, "А", "ky", 1, 5, combined=a))
            c = class_actions.create_class(w, YEAR, ClassDraft(10, "А", "ru", 2, 5))
            for subject in (KYRGYZ, RUSSIAN, ENGLISH):
                class_actions.add_group(w, a, GroupDraft(subject, None, 3, 1))
            class_actions.add_group(w, c, GroupDraft(KYRGYZ, None, 3, 1))
            for class_group, sex, born, repeats in ((a, "f", 2012, 0), (a, "m", 2012, 1), (c, "f", 2009, 0)):
                person = w.insert("person", sex=sex, birth_year=born)
                w.put("pupil", person=person)
                roster.enrol(w, person, class_group, START, bool(repeats))
        yield db


def class_of(db: Database, grade: int) -> int:
    return int(db.execute("SELECT id FROM class_group WHERE grade = ?", (grade,)).fetchone()[0])


def arrive(db: Database, day: int) -> int:
    with writing(db, ACTOR) as w:
        return actions.arrive(w, Newcomer("f", 2012), class_of(db, 7), day, "abroad", Paper())


# ---- figures


def test_the_return_counts_classes_pupils_ages_and_languages(db: Database) -> None:
    named = frozen.count(db, school_return.CODE, YEAR, None)
    assert {key: number for key, number in named.items() if key.startswith("B|7")} == {
        "B|7|classes": 1, "B|7|sets": 1, "B|7|pupils": 2, "B|7|girls": 1, "B|7|repeaters": 1, "B|7|shift_1": 2,
    }  # fmt: skip
    assert named["C|ru|10.pupils"] == 1 and named["C|ky|8.classes"] == 1
    assert named["D|13|7.t"] == 2 and named["D|13|7.g"] == 1 and named["D|16|10.t"] == 1
    second = {key: number for key, number in named.items() if key.startswith("E")}
    assert second == {"E|rus|basic": 2, "E|eng|basic": 2, "E|kyr|secondary": 1}
    assert all(check.good for check in school_return.checks(named, english))


def test_a_return_that_does_not_add_up_is_told(db: Database) -> None:
    named = dict(frozen.count(db, school_return.CODE, YEAR, None))
    for key, change in (("C|ru|10.pupils", 1), ("B|7|girls", 3), ("B|7|shift_1", -1)):
        wrong = named | {key: named[key] + change}
        assert not all(check.good for check in school_return.checks(wrong, english)), key


def test_the_tables_of_the_return_have_stages_totals_and_average_size(db: Database) -> None:
    named = frozen.count(db, school_return.CODE, YEAR, None)
    tables = school_return.sections(db, named, english, "en")
    rows = plain(tables["B"])
    assert rows[0] == ["Grade", "Classes", "Combined sets", "Pupils", "Girls", "Repeaters", "Shift 1", "Shift 2",
                       "Shift 3 and later", "Average size"]  # fmt: skip
    assert rows[1] == ["Grade 7", "1", "1", "2", "1", "1", "2", "0", "0", "2.0"]
    assert [row[0] for row in rows[4:]] == ["Basic stage", "Secondary stage", "Total"]
    assert rows[-1] == ["Total", "3", "1", "3", "2", "1", "2", "1", "0", "1.0"]
    assert plain(tables["C"])[-1][-3:] == ["3", "3", "2"]
    assert plain(tables["D"])[-1][-2:] == ["3", "2"]


def test_a_quarter_whose_book_and_rolls_differ_is_told(db: Database) -> None:
    with writing(db, ACTOR) as w:
        pupil = w.db.execute("SELECT pupil FROM enrolment LIMIT 1").fetchone()[0]
        w.insert("movement", pupil=pupil, kind="departed", date=START + 4, reason="other")
    period = quarter.period_of(db, YEAR, FIRST_QUARTER)
    named = frozen.count(db, quarter.CODE, YEAR, FIRST_QUARTER)
    found = [check.good for check in quarter.checks(db, YEAR, period, named, english)]
    assert found == [True, True, True, True, False, False]


def test_the_quarter_has_classes_stages_and_school(db: Database) -> None:
    arrive(db, START + 3)
    named = frozen.count(db, quarter.CODE, YEAR, FIRST_QUARTER)
    table = quarter.report(db, named, "x", (), english, "en")
    rows = plain(table)
    assert [row[0] for row in rows] == ["Class", "7-А", "10-А", "Basic stage", "Secondary stage", "School"]
    start, abroad, end = (rows[0].index(head) for head in (
        "At the start: all", "Arrived: from abroad: all", "At the end: all"))  # fmt: skip
    assert [rows[-1][i] for i in (start, abroad, end)] == ["3", "1", "4"]
    assert rows[-1][abroad + 1] == "1"
    period = quarter.period_of(db, YEAR, FIRST_QUARTER)
    assert [check.good for check in quarter.checks(db, YEAR, period, named, english)] == [True] * 6
    with pytest.raises(NotFound):
        quarter.period_of(db, YEAR, 99)


# ---- frozen, then corrected


def test_a_frozen_report_stays_and_acts_in_the_past_become_numbered_corrections(db: Database) -> None:
    with writing(db, ACTOR) as w:
        assert frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER)
        assert frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER) is None
    lines = [arrive(db, START + 3), arrive(db, START + 5)]
    arrive(db, START + 100)
    found = frozen.history(db, quarter.CODE, YEAR, FIRST_QUARTER)
    assert [(one.number, one.movement) for one in found] == [(0, None), (1, lines[0]), (2, lines[1])]
    seven = class_of(db, 7)
    changed = {
        (one.key, one.before, one.after) for one in frozen.differences(found[0].figures, found[1].figures)
    }
    assert changed == {
        (f"{seven}|{measure}|{part}", before, after)
        for measure, before, after in (("arrived_abroad", 0, 1),)
        for part in "tg"
    } | {(f"{seven}|end|t", 2, 3), (f"{seven}|end|g", 1, 2)}
    assert found[0].figures == {key: n for key, n in found[0].figures.items() if "arrived" not in key}


def test_withdrawing_an_act_corrects_too_and_later_periods_stay(db: Database) -> None:
    line = arrive(db, START + 3)
    with writing(db, ACTOR) as w:
        frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER)
        frozen.freeze(w, school_return.CODE, YEAR, None)
    before = frozen.history(db, school_return.CODE, YEAR, None)[0].figures
    with writing(db, ACTOR) as w:
        actions.withdraw(w, line)
    assert [one.number for one in frozen.history(db, quarter.CODE, YEAR, FIRST_QUARTER)] == [0, 1]
    after = frozen.history(db, school_return.CODE, YEAR, None)
    assert len(after) == 2 and before["B|7|pupils"] - after[1].figures["B|7|pupils"] == 1
    arrive(db, REFERENCE + 1)
    assert len(frozen.history(db, school_return.CODE, YEAR, None)) == 2


def test_what_another_machine_wrote_apart_is_corrected_by_hand(db: Database) -> None:
    with writing(db, ACTOR) as w:
        frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER)
        person = w.insert("person", sex="m", birth_year=2012)
        w.put("pupil", person=person)
        roster.enrol(w, person, class_of(db, 7), START + 4)
        assert frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER)
    assert [one.movement for one in frozen.history(db, quarter.CODE, YEAR, FIRST_QUARTER)] == [None, None]


def test_the_machine_that_froze_follows_what_others_wrote_apart(db: Database) -> None:
    with writing(db, ACTOR) as w:
        frozen.freeze(w, quarter.CODE, YEAR, FIRST_QUARTER)
    derive(db)
    with writing(db, ACTOR) as w:
        # As another machine's act arrives: rows without the correction that its own transaction would write.
        person = w.insert("person", sex="m", birth_year=2012)
        w.put("pupil", person=person)
        roster.enrol(w, person, class_of(db, 7), START + 4)
        line = w.insert("movement", pupil=person, kind="arrived", date=START + 4, reason="abroad",
                        to_class=class_of(db, 7))  # fmt: skip
        assert frozen.follow(w, None, frozen_by=w.origin + 1) == []
    for _ in range(2):
        derive(db)
        found = frozen.history(db, quarter.CODE, YEAR, FIRST_QUARTER)
        assert [(one.number, one.movement) for one in found] == [(0, None), (1, line)]
    assert found[1].figures == frozen.count(db, quarter.CODE, YEAR, FIRST_QUARTER)


# ---- pages and files


def test_node_and_district_agree_on_the_return(pages: SchoolPages) -> None:
    with closing(pages.node.connect()) as db:
        named = frozen.count(db, school_return.CODE, YEAR, None)
        cells = evaluate(db.execute, "pupils", int(State(db).school))
    assert sum(n for key, n in named.items() if key.startswith("B") and key.endswith("pupils")) == sum(
        cell.measures["pupils"] for cell in cells
    )
    assert all(check.good for check in school_return.checks(named, english))


def test_the_reports_are_read_downloaded_frozen_and_corrected_on_the_page(pages: SchoolPages) -> None:
    deputy = pages.as_("deputy")
    path = "/reports/quarter?year=3&period=quarter-1"
    status, text = deputy.get(path)
    assert status == 200 and "туура эмес" not in text and text.count("</tr>") > 12
    assert pages.as_("secretary").post(path)[0] == 403
    assert deputy.post(path)[0] == 302
    form = {
        "class": str(pages.taught),
        "day": "2025-09-20",
        "reason": "country",
        "sex": "m",
        "birth_year": "2013",
        "order_number": "1-о",
        "order_date": "2025-09-19",
    }
    assert pages.as_("secretary").post("/movement/arrival?year=3", **form)[0] == 302
    text = deputy.get(path)[1]
    assert "Оңдоо № 1" in text and "<s>0</s> 1" in text
    before, after = (deputy.get(f"{path}&number={n}")[1] for n in (0, 1))
    assert before != after and deputy.get(f"{path}&number=7")[0] == 404
    answer = deputy.http.get("/reports/quarter.xlsx?year=3&period=quarter-1")
    sheet = load_workbook(io.BytesIO(answer.get_data())).active
    assert sheet is not None and "1-чейрек" in str(sheet.cell(1, 1).value)
    csv = (
        deputy.http.get("/reports/quarter.csv?year=3&period=quarter-1&number=0")
        .get_data()
        .decode("utf-8-sig")
    )
    assert csv.count("\r\n") > 12 and "Бекитилген күнү" in csv
    status, text = deputy.get("/reports/return?year=3")
    assert (
        status == 200
        and "туура эмес" not in text
        and all(one in text for one in ("А. Мектеп", "Д. Окутулган"))
    )
    assert deputy.http.get("/reports/return.xlsx?year=3&section=C").status_code == 200
    assert deputy.http.get("/reports/return.csv?year=3&section=D").status_code == 200
    assert deputy.post("/reports/return?year=3")[0] == 302
    assert pages.as_("teacher").get("/reports/")[0] == 403
