"""The pages of pupil movement: acts through the browser, the books, and who sees what of them."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from node.classes.queries import all_years
from node.movement import queries
from node.movement.balance import arrived, departed, holds, summed
from shared.dates import date_of, parse_day
from shared.indicators import evaluate
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages

DAY = "2025-11-18"
YEAR_START, UNTIL = parse_day("2025-09-01"), parse_day("2026-05-29")


def admit(pages: SchoolPages, **more: str) -> int:
    """Admit a newcomer and return who it is."""
    form = {"class": str(pages.led), "day": DAY, "reason": "district", "sex": "f", "birth_year": "2012",
            "place": "Ош ш., № 5 мектеп", "order_number": "77-о", "order_date": "2025-11-17"}  # fmt: skip
    status, there = pages.as_("secretary").post("/movement/arrival?year=3", **(form | more))
    assert status == 302, there
    found = re.search(r"/movement/pupil/(\d+)", there)
    assert found
    return int(found[1])


def test_a_secretary_admits_moves_and_lets_go(pages: SchoolPages) -> None:
    secretary = pages.as_("secretary")
    assert secretary.get("/movement/arrival")[0] == 200
    pupil = admit(
        pages, surname="Үсөнова", given_name="Назгүл", consent_valid_from="2025-11-17",
        consent_purpose="core", relation="mother",
    )  # fmt: skip
    status, text = secretary.get(f"/movement/pupil/{pupil}")
    assert status == 200 and "Үсөнова Назгүл" in text and "77-о" in text and "Ү/1" in text
    other = pages.one(
        "SELECT id FROM class_group WHERE id <> ? AND year = 3 AND grade = 8 LIMIT 1", pages.led
    )
    order = {"order_number": "78-о", "order_date": "2025-11-18"}
    form = {
        "transfer": "1", "class": str(other), "day": "2025-11-19", "reason": "illness", "note": "Үйүнө жакын",
    }  # fmt: skip
    status, text = secretary.post(f"/movement/pupil/{pupil}", **form)
    assert status == 422 and "Буйрукту көрсөтүңүз" in text and "77-о" in text
    form |= order
    assert secretary.post(f"/movement/pupil/{pupil}", **form)[0] == 302
    status, text = secretary.post(
        f"/movement/pupil/{pupil}", depart="1", day="2025-11-19", reason="abroad", **order
    )
    assert status == 422 and "класска ушул күнү келген" in text
    status, text = secretary.post(
        f"/movement/pupil/{pupil}", depart="1", day="2025-11-18", reason="abroad", **order
    )
    assert status == 422 and "кийинчерээк" in text
    form = {"depart": "1", "day": "2025-11-20", "reason": "", "place": "Эч жер", "document": "12"} | order
    assert secretary.post(f"/movement/pupil/{pupil}", **form)[0] == 422
    form["reason"] = "abroad"
    assert secretary.post(f"/movement/pupil/{pupil}", **form)[0] == 302
    line = pages.one("SELECT id FROM movement WHERE pupil = ? AND kind = 'departed'", pupil)
    assert secretary.get(f"/movement/line/{line}")[0] == 200
    assert secretary.post(f"/movement/line/{line}", place="Казакстан", file_issued=DAY)[0] == 302
    certificate = secretary.get(f"/movement/certificate/{line}")[1]
    assert str(pupil) in certificate and "Үсөнова" in certificate and "20.11.2025" in certificate
    assert secretary.post("/language", language="ru")[0] == 302
    certificate = secretary.get(f"/movement/certificate/{line}")[1]
    assert "<dt>Ученица</dt>" in certificate and "Выбыл" not in certificate
    assert "Выбыла: " in secretary.get(f"/movement/pupil/{pupil}")[1]
    assert secretary.post("/language", language="ky")[0] == 302
    book = secretary.get("/movement/book?year=3")[1]
    assert "Казакстан" in book and "Эч жер" not in book
    assert book.index("Казакстан") < book.index("Оорусуна байланыштуу") < book.index("Үйүнө жакын")
    assert "8-" in book[book.index("Казакстан") :] and "78-о" in book[book.index("Казакстан") :]
    status, text = secretary.get("/movement/alphabet?letter=Ү")
    assert status == 200 and "Үсөнова" in text and "Ү/1" in text and "Казакстан" in text
    assert "Үсөнова" in secretary.get("/movement/arrival?q=усонова")[1]
    assert secretary.post(f"/movement/line/{line}", withdraw="1")[0] == 302
    assert "Казакстан" not in secretary.get("/movement/book?year=3")[1]
    assert secretary.get(f"/movement/line/{line}")[0] == 404


def test_a_wrong_reason_and_day_are_mended_on_the_page_of_the_line(pages: SchoolPages) -> None:
    secretary, pupil = pages.as_("secretary"), admit(pages)
    line = pages.one("SELECT max(id) FROM movement WHERE pupil = ?", pupil)
    page = secretary.get(f"/movement/line/{line}")[1]
    assert (
        f'value="{DAY}"' in page and '<option value="district" selected>' in page and 'value="77-о"' in page
    )
    form = {
        "day": "2025-11-13",
        "reason": "country",
        "place": "Талас",
        "order_number": "77-о",
        "order_date": "2025-11-17",
    }
    assert secretary.post(f"/movement/line/{line}", **form)[0] == 302
    assert pages.one("SELECT start FROM enrolment WHERE pupil = ?", pupil) == parse_day("2025-11-13")
    assert pages.one("SELECT reason = 'country' FROM movement WHERE id = ?", line) == 1
    for wrong in ({"day": "2025-08-01"}, {"day": "x"}, {"reason": "death"}, {"reason": ""}):
        status, text = secretary.post(
            f"/movement/line/{line}", **(form | wrong | {"note": "Кайра карап чыктым"})
        )
        assert status == 422 and "Кайра карап чыктым" in text, "nothing that was typed is lost"
    assert secretary.post(f"/movement/line/{line}", place="Талас")[0] == 302
    assert pages.one("SELECT date FROM movement WHERE id = ? AND reason = 'country'", line) == parse_day(
        "2025-11-13"
    )


def test_the_subgroups_come_with_the_class_that_the_form_names(pages: SchoolPages) -> None:
    """By the button, and when the form is sent with another class than its subgroups are of; nothing typed is lost."""
    secretary = pages.as_("secretary")
    with closing(pages.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        subject = db.execute("SELECT id FROM subject ORDER BY sort LIMIT 1").fetchone()[0]
        split = w.insert("class_group", year=3, grade=4, letter="Ж")
        parts = [w.insert("subject_group", class_group=split, subject=subject, name=name) for name in "12"]
        for part, pupil in zip(parts, db.execute("SELECT person FROM pupil LIMIT 2").fetchall(), strict=True):
            w.put(
                "subject_group_pupil",
                subject_group=part,
                pupil=pupil[0],
                start=YEAR_START,
                end=YEAR_START + 1,
            )
    form = {"class": str(split), "day": DAY, "reason": "district", "sex": "m", "birth_year": "2015",
            "place": "Талас ш.", "order_number": "90-о", "order_date": "2025-11-17", "parts_of": "0"}  # fmt: skip
    assert f"part-{subject}" not in secretary.get("/movement/arrival?year=3")[1]
    page = secretary.get(f"/movement/arrival?class={split}")[1]
    assert 'hx-select="#parts"' in page and f'name="part-{subject}"' in page
    status, page = secretary.post("/movement/arrival?year=3", **form, parts="1")
    assert status == 200 and f'name="part-{subject}"' in page and "Талас ш." in page and "90-о" in page
    status, page = secretary.post("/movement/arrival?year=3", **form)
    assert status == 422 and f'name="parts_of" value="{split}"' in page and "notice bad" in page
    status, there = secretary.post(
        "/movement/arrival?year=3", **(form | {"parts_of": str(split), f"part-{subject}": str(parts[1])})
    )
    assert status == 302
    pupil, sql = (
        re.search(r"/movement/pupil/(\d+)", there),
        "SELECT subject_group FROM subject_group_pupil WHERE pupil = ?",
    )
    assert pupil and pages.one(sql, int(pupil[1])) == parts[1]
    order = {"order_number": "91-о", "order_date": DAY, "day": "2025-11-20"}
    moved = secretary.post(f"/movement/pupil/{admit(pages)}", **order, **{"class": str(split), "parts": "1"})
    assert moved[0] == 200 and f'id="transfer-part-{subject}"' in moved[1]


def test_without_a_consent_a_newcomer_has_no_name_anywhere(pages: SchoolPages) -> None:
    pupil = admit(pages)
    for page in (f"/movement/pupil/{pupil}", "/movement/book?year=3", "/movement/?year=3&period=year"):
        assert f"№ {pupil & 0xFFFFFFFF}" in pages.as_("head").get(page)[1]
    status, text = pages.as_("secretary").post(
        "/movement/arrival?year=3", **{"class": str(pages.led), "day": DAY, "reason": "abroad", "sex": "m",
                                       "birth_year": "2011", "surname": "Жашырынов"}
    )  # fmt: skip
    assert status == 422 and 'value="Жашырынов"' in text
    assert pages.one("SELECT count(*) FROM person WHERE surname = 'Жашырынов'") == 0


def test_address_and_numbers_come_with_the_admission_and_the_consent(pages: SchoolPages) -> None:
    number, address = "22009201200017", "Манас шаары, Ленин көчөсү, 5"
    signed = {"consent_valid_from": "2025-11-17", "consent_purpose": "core", "relation": "mother"}
    told = {"personal_number": number, "address": address, "personal_file": "Ж/41"}
    form = {"class": str(pages.led), "day": DAY, "reason": "abroad", "sex": "m", "birth_year": "2011"}
    post = pages.as_("secretary").post
    for wrong in (
        told,
        told | signed | {"consent_purpose": "photo"},
        told | signed | {"personal_number": "12"},
    ):
        status, text = post("/movement/arrival?year=3", **form, order_number="9-о", order_date=DAY, **wrong)
        assert status == 422 and f'value="{address}"' in text
    assert pages.one("SELECT count(*) FROM person WHERE address = ?", address) == 0
    pupil = admit(pages, surname="Жумалиева", **signed, **told)
    sql = """SELECT count(*) FROM person p JOIN pupil pu ON pu.person = p.id
             WHERE p.id = ? AND personal_number = ? AND address = ? AND personal_file = ? AND alphabet_book = ?"""
    assert pages.one(sql, pupil, number, address, "Ж/41", "Ж/41") == 1
    nameless = admit(pages, personal_file="Ж/42")
    assert pages.one("SELECT count(*) FROM pupil WHERE person = ? AND personal_file = 'Ж/42'", nameless) == 1


def test_who_writes_and_who_reads(pages: SchoolPages) -> None:
    pupil = admit(pages)
    for duty in ("head", "class_teacher", "social", "teacher", "librarian", "guardian", "administrator"):
        assert pages.as_(duty).post(f"/movement/pupil/{pupil}", depart="1", day=DAY, reason="other")[0] == 403
    own = pages.as_("class_teacher").get("/movement/?year=3&period=year")[1]
    assert f"/movement/pupil/{pupil}" in own
    strange = pages.one(
        "SELECT pupil FROM movement WHERE ? NOT IN (ifnull(to_class, 0), ifnull(from_class, 0)) LIMIT 1",
        pages.led,
    )
    assert f"/movement/pupil/{strange}" not in own
    assert f"/movement/pupil/{strange}" in pages.as_("head").get("/movement/?year=3&period=year")[1]
    assert f"/movement/pupil/{pupil}" not in pages.as_("guardian").get("/movement/?year=3&period=year")[1]


def test_missing_numbers_are_given_on_the_page(pages: SchoolPages) -> None:
    pupil = admit(
        pages, surname="Ыманов", consent_valid_from="2025-11-17", consent_purpose="core", relation="mother"
    )
    with closing(pages.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.put("pupil", person=pupil, personal_file=None)
    assert "өздүк ишинин номери жок" in pages.as_("secretary").get("/movement/alphabet")[1]
    assert pages.as_("secretary").post("/movement/alphabet")[0] == 302
    assert "Ы/1" in pages.as_("secretary").get("/movement/alphabet?letter=Ы")[1]


@pytest.mark.parametrize("key", ["quarter-1", "quarter-2", "year"])
def test_node_and_district_count_the_same_movement(pages: SchoolPages, key: str) -> None:
    with closing(pages.node.connect()) as db:
        year = next(y for y in all_years(db) if y.id == 3)
        period = next(one for one in queries.periods(db, year) if one.key == key)
        flows = queries.balance(db, period.after, period.until)
        total = summed(flows.values()).total
        cells = [
            cell
            for cell in evaluate(db.execute, "movement", int(State(db).school))
            if period.after < int(str(cell.dims["day"])) <= period.until
        ]
        assert queries.discrepancies(db, period.after, period.until) == []
    assert all(holds(flow.total) for flow in flows.values()) and total["in"] == total["out"]
    assert arrived(total) == sum(cell.measures["arrived"] for cell in cells) > 0
    assert departed(total) == sum(cell.measures["departed"] for cell in cells) > 0
    assert total["out"] == sum(cell.measures["transfers"] for cell in cells)
    for class_id, flow in flows.items():
        of_class = [cell for cell in cells if cell.dims["class_group"] == class_id]
        assert departed(flow.total) == sum(cell.measures["departed"] for cell in of_class)


def test_an_act_may_bring_its_order_with_it(pages: SchoolPages) -> None:
    client, pupil = pages.as_("secretary"), pages.pupil_of(pages.led, named=False)
    assert 'value="new"' in client.get(f"/movement/pupil/{pupil}")[1]
    other = pages.one(
        """SELECT min(b.id) FROM class_group a JOIN class_group b ON b.year = a.year AND b.id <> a.id
           WHERE a.id = ? AND b.retired_at IS NULL""",
        pages.led,
    )
    day = date_of(pages.one("SELECT max(day) FROM lesson")).isoformat()
    sent = {"transfer": "1", "class": str(other), "day": day}
    assert client.post(f"/movement/pupil/{pupil}", **sent)[0] == 422
    status, _ = client.post(f"/movement/pupil/{pupil}", **sent, order="new")
    assert status == 302
    order = pages.one('SELECT "order" FROM movement WHERE pupil = ? ORDER BY id DESC LIMIT 1', pupil)
    assert pages.one("SELECT count(*) FROM order_book WHERE id = ? AND signed_on IS NULL", order) == 1
    assert pages.one('SELECT person FROM order_person WHERE "order" = ?', order) == pupil
