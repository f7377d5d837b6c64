"""Consents have force: recorded, withdrawn, at 18; no way to a name without one; the pages and who may open them."""

from __future__ import annotations

import io
from contextlib import closing

import pytest
from sqlite_utils import Database

from node import merging, roster
from node.consenting import Newcomer
from node.consents import actions, queries
from node.consents.actions import LARGEST_SCAN, Signed
from node.consents.views import _by_place
from node.ofage import born
from node.people import actions as people
from node.people import queries as cards
from shared import crypto
from shared.dates import date_of, parse_day
from shared.problems import ConsentMissing, InvalidValue, NotFound, SignerRefused, TooLarge
from shared.schema import BY_NAME, CONSENT_PURPOSES, MAX_BYTES
from shared.web import today
from sync.log import NodeLog
from sync.writer import has_consent, writing
from tests.node.conftest import CHEAP, PASSWORD, SchoolPages, actor
from tests.node.test_importing_pages import own as own


def family(db: Database) -> tuple[int, int]:
    """A pupil and a mother, both placeholders."""
    with writing(db, actor(db)) as w:
        pupil = w.insert("person", sex="f", birth_year=2012)
        w.put("pupil", person=pupil, language="ky")
        return pupil, people.add_guardian(w, pupil, "mother", True, Newcomer("f"))


def agree(db: Database, person: int, signed: Signed) -> list[int]:
    with writing(db, actor(db)) as w:
        return actions.record(w, person, signed, None)


def years_ago(years: int, days: int = 0) -> int:
    from shared.dates import date_of, day_number

    now = date_of(today())
    born = now.replace(year=now.year - years, day=min(now.day, 28))
    return day_number(born) + days


def test_a_name_waits_for_the_consent_and_goes_with_it(db: Database) -> None:
    pupil, mother = family(db)
    with pytest.raises(ConsentMissing), writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова"})
    rows = agree(db, pupil, Signed(("core",), today(), signer=mother))
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова", "birth_date": parse_day("2013-05-02")})
        people.change_pupil(w, pupil, {"personal_file": "А/1"})
    row = cards.person(db, pupil, today())
    assert row is not None and (row["surname"], row["birth_year"]) == ("Асанова", 2013)
    with writing(db, actor(db)) as w:
        assert actions.withdraw(w, pupil, rows[0], today()) == "core"
    held = db.execute("SELECT surname, birth_date, sex FROM person WHERE id = ?", (pupil,)).fetchone()
    assert held == (None, None, "f")
    assert db.execute("SELECT personal_file FROM pupil WHERE person = ?", (pupil,)).fetchone() == ("А/1",)


PERSONAL = [
    (table, column)
    for table, names in (("person", people.PERSON), ("pupil", people.PUPIL))
    for column in names
    if cards.column(table, column).consent
]


@pytest.mark.parametrize(("table", "column"), PERSONAL)
def test_no_personal_column_fills_without_its_consent(db: Database, table: str, column: str) -> None:
    pupil, _ = family(db)
    values: dict[str, int | str] = {"birth_date": 15_000, "personal_number": "2" * 14}
    change = people.change_person if table == "person" else people.change_pupil
    other = "core" if cards.column(table, column).consent != "core" else "photo"
    agree(db, pupil, Signed((other,), today()))
    with pytest.raises(ConsentMissing), writing(db, actor(db)) as w:
        change(w, pupil, {column: values.get(column, "x")})


@pytest.mark.parametrize(
    ("start", "until", "good"), [(-10, None, True), (-10, 1, True), (-10, 0, False), (1, None, False)]
)
def test_a_consent_is_good_between_its_days(db: Database, start: int, until: int | None, good: bool) -> None:
    pupil, _ = family(db)
    day = today()
    agree(db, pupil, Signed(("core",), day + start, None if until is None else day + until))
    assert has_consent(db, pupil, "core", day) is good


@pytest.mark.parametrize(("age_days", "good"), [(1, True), (0, False), (-400, False)])
def test_from_the_18th_birthday_a_guardians_signature_no_longer_suffices(
    db: Database, age_days: int, good: bool
) -> None:
    pupil, mother = family(db)
    agree(db, pupil, Signed(("core",), today() - 900, signer=mother))
    day = today()
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова", "birth_date": years_ago(17)})
    born = years_ago(18, age_days + (today() - years_ago(0)))
    with writing(db, actor(db)) as w:
        w.update("person", pupil, birth_date=born)
    assert has_consent(db, pupil, "core", day) is good
    if not good:
        assert [one.why for one in queries.asks(db, day, 30, None) if one.person == pupil] in ([], ["adult"])
        with pytest.raises(InvalidValue):
            agree(db, pupil, Signed(("core",), day, signer=mother))
        agree(db, pupil, Signed(("core",), day, signer=pupil))
        assert has_consent(db, pupil, "core", day)


def grown(db: Database, **more: object) -> int:
    """A pupil of 18 years, named by what a parent signed before; `more` stands about the person instead."""
    pupil, mother = family(db)
    agree(db, pupil, Signed(("core",), today() - 900, signer=mother))
    with writing(db, actor(db)) as w:
        w.update("person", pupil, **{"birth_year": 2000, "birth_date": years_ago(18, -1)} | more)  # type: ignore[arg-type]
    return pupil


def test_nobody_who_is_not_on_record_signs_for_an_adult_either(db: Database) -> None:
    pupil, day = grown(db), today()
    with pytest.raises(SignerRefused):
        agree(db, pupil, Signed(("core",), day, ground="апасы"))
    assert not has_consent(db, pupil, "core", day)
    (row,) = agree(db, pupil, Signed(("core",), day))
    assert has_consent(db, pupil, "core", day)
    assert db.execute("SELECT signer FROM consent WHERE id = ?", (row,)).fetchone() == (pupil,)


def test_the_gate_takes_a_ground_of_another_for_nobodys_own_signature(db: Database) -> None:
    """Whatever another node or a list of an older release brings."""
    pupil, day = grown(db), today()
    with writing(db, actor(db)) as w:
        row = w.insert("consent", person=pupil, purpose="core", valid_from=day, ground="апасы")
    assert not has_consent(db, pupil, "core", day)
    with writing(db, actor(db)) as w:
        w.update("consent", row, ground=None)
    assert has_consent(db, pupil, "core", day)


def test_of_whom_the_year_alone_is_known_a_strangers_signature_does_not_outlive_that_year(
    db: Database,
) -> None:
    year = date_of(today()).year
    pupil = grown(db, birth_date=None, birth_year=year - 18)
    agree(db, pupil, Signed(("core",), today(), ground="апасы"))
    assert has_consent(db, pupil, "core", today())
    assert not has_consent(db, pupil, "core", parse_day(f"{year + 1}-01-01"))
    agree(db, pupil, Signed(("core",), today(), signer=pupil))
    assert has_consent(db, pupil, "core", parse_day(f"{year + 1}-01-01"))


def test_what_a_stranger_signed_for_a_child_is_told_to_lapse_with_the_birthday(db: Database) -> None:
    pupil, _ = family(db)
    agree(db, pupil, Signed(("core",), today() - 900, ground="апасы"))
    with writing(db, actor(db)) as w:
        w.update("person", pupil, birth_date=years_ago(18, 10), surname="Асанова")
        roster.enrol(w, pupil, w.insert("class_group", grade=11, letter="А"), today() - 50)
    (asked,) = [one for one in queries.asks(db, today(), 30, None) if one.person == pupil]
    assert (asked.why, asked.until) == ("soon", born(db, pupil).adult_from)


def test_a_parent_does_not_sign_on_the_form_for_an_adult(pages: SchoolPages) -> None:
    client = pages.as_("secretary")
    with closing(pages.node.connect()) as db:
        pupil = grown(db)
        page = client.get(f"/consents/{pupil}/new")[1]
        assert 'name="ground"' not in page and f'value="{pupil}" selected' in page
        day = date_of(today()).isoformat()
        status, page = client.post(
            f"/consents/{pupil}/new", purpose="core", valid_from=day, signer="", ground="апасы"
        )
        assert status == 422 and "18 жашка чейин" in page
        assert not has_consent(db, pupil, "core", today())
        assert (
            client.post(f"/consents/{pupil}/new", purpose="core", valid_from=day, signer=str(pupil))[0] == 302
        )
        assert has_consent(db, pupil, "core", today())


@pytest.mark.parametrize(
    "flawed",
    [
        Signed((), 20_000), Signed(("core", "all"), 20_000), Signed(("core",), 20_000, 20_000),
        Signed(("core",), 20_000, signer=1), Signed(("core",), 20_000, scan=b"GIF89a"),
    ],
)  # fmt: skip
def test_a_flawed_form_is_refused_whole(db: Database, flawed: Signed) -> None:
    pupil, _ = family(db)
    with pytest.raises(InvalidValue):
        agree(db, pupil, flawed)
    assert db.execute("SELECT count(*) FROM consent WHERE person = ?", (pupil,)).fetchone() == (0,)


def test_a_child_does_not_sign_for_itself(db: Database) -> None:
    pupil, _ = family(db)
    with pytest.raises(InvalidValue):
        agree(db, pupil, Signed(("core",), today(), signer=pupil))
    with pytest.raises(NotFound):
        agree(db, 7, Signed(("core",), today()))


@pytest.mark.parametrize("size", [100, MAX_BYTES, MAX_BYTES + 1, LARGEST_SCAN])
def test_a_scan_comes_back_as_it_was(db: Database, size: int) -> None:
    pupil, _ = family(db)
    data = b"%PDF-" + bytes(n % 251 for n in range(size - 5))
    (row,) = agree(db, pupil, Signed(("core",), today(), scan=data))
    assert queries.scan(db, row) == (data, "application/pdf")
    with pytest.raises(TooLarge):
        agree(db, pupil, Signed(("core",), today(), scan=data + bytes(LARGEST_SCAN)))


def test_a_withdrawal_ends_every_consent_for_the_purpose_and_no_other(db: Database) -> None:
    pupil, mother = family(db)
    rows = agree(db, pupil, Signed(CONSENT_PURPOSES, today() - 5, signer=mother))
    agree(db, pupil, Signed(("photo",), today(), signer=mother))
    with writing(db, actor(db)) as w:
        actions.withdraw(w, pupil, rows[1], today())
        with pytest.raises(NotFound):
            actions.withdraw(w, pupil, rows[1], today())
    good = {purpose for purpose in CONSENT_PURPOSES if has_consent(db, pupil, purpose, today())}
    assert good == set(CONSENT_PURPOSES) - {"photo"}


def test_a_photo_is_kept_and_served_under_its_own_consent(db: Database) -> None:
    pupil, _ = family(db)
    picture = b"\xff\xd8\xff" + bytes(200)
    with pytest.raises(ConsentMissing), writing(db, actor(db)) as w:
        people.keep_photo(w, pupil, picture)
    agree(db, pupil, Signed(("core",), today() - 3))
    agree(db, pupil, Signed(("photo",), today() - 3, today() + 1))
    with writing(db, actor(db)) as w:
        people.keep_photo(w, pupil, picture)
        for wrong, problem in ((b"<svg>", InvalidValue), (picture + bytes(MAX_BYTES), TooLarge)):
            with pytest.raises(problem):
                people.keep_photo(w, pupil, wrong)
    assert cards.photo(db, pupil, today()) == picture
    assert cards.photo(db, pupil, today() + 1) is None


def test_a_placeholder_has_no_face_and_the_photo_goes_with_the_core_record(db: Database) -> None:
    """A face tells who someone is: the consent to it has no force without one to the core record."""
    pupil, _ = family(db)
    day, picture = today(), b"\xff\xd8\xff" + bytes(200)
    agree(db, pupil, Signed(("photo",), day - 3))
    assert not has_consent(db, pupil, "photo", day)
    with pytest.raises(ConsentMissing) as refused, writing(db, actor(db)) as w:
        people.keep_photo(w, pupil, picture)
    assert refused.value.details == {"purpose": "core", "column": "photo"}
    (core,) = agree(db, pupil, Signed(("core",), day - 3))
    with writing(db, actor(db)) as w:
        people.keep_photo(w, pupil, picture)
    with writing(db, actor(db)) as w:
        w.update("consent", core, valid_to=day)
    assert cards.photo(db, pupil, day) is None, "the core record lapsed"
    with writing(db, actor(db)) as w:
        w.update("consent", core, valid_to=None)
        group = w.insert("class_group", grade=7, letter="А")
        w.insert("enrolment", pupil=pupil, class_group=group, start=day - 2)
    assert cards.photo(db, pupil, day) == picture
    with writing(db, actor(db)) as w:
        actions.withdraw(w, pupil, core, day)
    table = BY_NAME["person"]
    number = table.by_name["photo"].number
    assert not any(e.values.get(number) for e in NodeLog(db).history(table, (pupil,))), (
        "no law asks for a photo"
    )
    assert queries.withdrawn(db) == []
    agree(db, pupil, Signed(("core",), day))
    assert cards.photo(db, pupil, day) is None


@pytest.mark.parametrize(("left", "kept"), [(None, True), (-10, True), (-4 * 366, False)])
def test_what_no_law_obliges_to_keep_is_erased_with_the_withdrawal(
    db: Database, left: int | None, kept: bool
) -> None:
    pupil, _ = family(db)
    day = today()
    rows = agree(db, pupil, Signed(("core",), day - 3_000))
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова", "phone": "0700"})
        group = w.insert("class_group", grade=7, letter="А")
        w.insert("enrolment", pupil=pupil, class_group=group, start=day - 2_000, end=left and day + left)
    with writing(db, actor(db)) as w:
        actions.withdraw(w, pupil, rows[0], day)
    agree(db, pupil, Signed(("core",), day))
    held = db.execute("SELECT surname, phone FROM person WHERE id = ?", (pupil,)).fetchone()
    assert held == ("Асанова", "0700" if kept else None)


def test_the_alphabetic_book_keeps_name_and_birth_when_the_personal_file_goes(db: Database) -> None:
    pupil, _ = family(db)
    day = today()
    rows = agree(db, pupil, Signed(("core",), day - 3_000))
    with writing(db, actor(db)) as w:
        people.change_person(
            w, pupil, {"surname": "Асанова", "birth_date": day - 6_000, "address": "Токтогул 1"}
        )
        group = w.insert("class_group", grade=7, letter="А")
        w.insert("enrolment", pupil=pupil, class_group=group, start=day - 2_000, end=day - 4 * 366)
    with writing(db, actor(db)) as w:
        actions.withdraw(w, pupil, rows[0], day)
    (kept,) = queries.withdrawn(db)
    assert kept.until == queries.kept_until(db, pupil, book=True) and kept.until > day + 70 * 365
    table = BY_NAME["person"]
    told = {
        column.name: {e.values.get(column.number) for e in NodeLog(db).history(table, (pupil,))} - {None}
        for column in table.consented
    }
    assert told["surname"] == {"Асанова"} and told["birth_date"] == {day - 6_000} and not told["address"]
    with writing(db, actor(db)) as w:
        assert actions.erase_due(w, kept.until - 1) == 0 and actions.erase_due(w, kept.until) == 1
    assert queries.withdrawn(db) == []


def test_a_withdrawn_consent_to_messages_or_health_takes_with_it_what_stands_under_it(db: Database) -> None:
    pupil, _ = family(db)
    day = today()
    agree(db, pupil, Signed(("core", "social"), day - 30))
    with writing(db, actor(db)) as w:
        with pytest.raises(ConsentMissing):
            people.change_person(w, pupil, {"email": "a@example.kg"})
        with pytest.raises(ConsentMissing):
            people.keep_categories(w, pupil, ["disability", "large_family"])
    rows = agree(db, pupil, Signed(("messages", "health"), day - 20))
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"email": "a@example.kg", "phone": "0700"})
        people.keep_categories(w, pupil, ["disability", "large_family"])
    assert set(cards.categories(db, pupil, day)) == {"disability", "large_family"}
    assert cards.person(db, pupil, day)["email"] == "a@example.kg"  # type: ignore[index]
    with writing(db, actor(db)) as w:
        for row in rows:
            actions.withdraw(w, pupil, row, day)
    shown = cards.person(db, pupil, day)
    assert shown is not None and (shown["email"], shown["phone"]) == (None, "0700")
    assert cards.categories(db, pupil, day) == ("large_family",)
    held = [e.values for t, k in (("person", "email"), ("pupil", "categories"))
            for e in NodeLog(db).history(BY_NAME[t], (pupil,))]  # fmt: skip
    assert not [
        v for values in held for v in values.values() if v in ("a@example.kg",) or "disability" in str(v)
    ]


def test_when_the_time_of_the_law_is_over_the_head_erases(db: Database) -> None:
    pupil, _ = family(db)
    day = today()
    rows = agree(db, pupil, Signed(("core",), day - 900))
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова", "phone": "0700"})
        group = w.insert("class_group", grade=7, letter="А")
        enrolment = w.insert("enrolment", pupil=pupil, class_group=group, start=day - 800)
        actions.withdraw(w, pupil, rows[0], day)
    assert queries.due(db, day) == []
    (kept,) = queries.withdrawn(db)
    assert (kept.person, kept.since, kept.until) == (pupil, day, None)
    with writing(db, actor(db)) as w:
        w.update("enrolment", enrolment, end=day - 1)
    later = day + 3 * 366
    assert queries.due(db, later) == [pupil]
    with writing(db, actor(db)) as w:
        assert actions.erase_due(w, later) == 1
    assert queries.due(db, later) == []


def test_coverage_counts_the_roll_and_lapsing_is_told_in_time(pages: SchoolPages) -> None:
    with closing(pages.node.connect()) as db:
        day = parse_day("2025-11-20")
        found = queries.coverage(db, day, frozenset({pages.led}))
        assert len(found) == 1 and 0 < found[0].given["core"] <= found[0].pupils
        asks = queries.asks(db, day, 30, frozenset({pages.led}))
        asked = [ask for ask in asks if ask.purpose == "core" and ask.why != "soon"]
        assert len([ask for ask in asked if ask.parent_of is None]) == found[0].missing
        assert all(not ask.name for ask in asked)


def test_a_parent_who_never_signed_is_asked_and_found_by_the_child(db: Database) -> None:
    pupil, mother = family(db)
    day = today()
    with writing(db, actor(db)) as w:
        group = w.insert("class_group", year=3, grade=7, letter="А")
        w.insert("enrolment", pupil=pupil, class_group=group, start=day - 10)
        w.put("pupil", person=pupil, personal_file="А/5")
        father = people.add_guardian(w, pupil, "father", True, Newcomer("m"))

    def asked() -> dict[int, tuple[str, str, queries.Child | None]]:
        return {one.person: (one.why, one.place, one.parent_of) for one in queries.asks(db, day, 30, None)}

    number = cards.number_of(pupil)
    child = queries.Child("", number, "А/5", "mother"), queries.Child("", number, "А/5", "father")
    found = asked()
    assert found[mother] == ("never", "7-А", child[0]) and found[father] == ("never", "7-А", child[1])
    assert queries.asks(db, day, 30, frozenset()) == []
    agree(db, pupil, Signed(("core",), day, signer=mother))
    (own,) = agree(db, mother, Signed(("core",), day, signer=mother))
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова", "given_name": "Айгүл"})
    assert asked().keys() & {mother, father, pupil} == {father}
    assert asked()[father][2] == queries.Child("Асанова Айгүл", number, "А/5", "father")
    with writing(db, actor(db)) as w:
        actions.withdraw(w, mother, own, day)
    assert mother not in asked(), "a refusal is left in peace"
    with writing(db, actor(db)) as w:
        people.remove_guardian(w, pupil, father)
    assert father not in asked()


def test_a_guardian_without_a_child_here_is_due_to_be_erased(db: Database) -> None:
    """Taken from the last child the person stands in no list of people, and nothing asks to keep the name."""
    pupil, mother = family(db)
    day = today()
    agree(db, mother, Signed(("core",), day - 3, signer=mother))
    with writing(db, actor(db)) as w:
        other = w.insert("person", sex="m")
        w.put("pupil", person=other)
        people.add_guardian(w, other, "mother", True, mother)
        people.change_person(w, mother, {"surname": "Асанова", "phone": "0700-12"})
        account = w.insert("account", person=mother, login="asanova.gul", password="x")
        people.remove_guardian(w, pupil, mother)
    assert queries.without_role(db, day) == [] and queries.due(db, day) == []
    with writing(db, actor(db)) as w:
        people.remove_guardian(w, other, mother)
    (one,) = queries.without_role(db, day)
    assert (one.person, one.name) == (mother, "Асанова")
    assert queries.due(db, day) == [mother]
    with writing(db, actor(db)) as w:
        assert actions.erase_due(w, day) == 1
    assert queries.without_role(db, day) == [] and queries.due(db, day) == []
    log = [vals for (vals,) in db.execute("SELECT vals FROM change").fetchall()]
    assert not any(word in vals for vals in log for word in ("Асанова", "0700-12", "asanova.gul"))
    assert db.execute("SELECT disabled FROM account WHERE id = ?", (account,)).fetchone() == (1,)


@pytest.mark.parametrize("role", ["pupil", "staff", "duty", "nothing known"])
def test_who_has_a_role_or_no_name_is_not_due(db: Database, role: str) -> None:
    day = today()
    with writing(db, actor(db)) as w:
        person = w.insert("person", sex="f")
        w.insert("consent", person=person, purpose="core", valid_from=day - 3)
        if role != "nothing known":
            w.update("person", person, surname="Асанова")
        if role == "duty":
            w.insert("appointment", person=person, duty="librarian", start=day)
        elif role in ("pupil", "staff"):
            w.put(role, person=person)
    assert queries.without_role(db, day) == []


def test_with_a_person_goes_what_was_merged_into_it(db: Database) -> None:
    pupil, mother = family(db)
    day = today()
    with writing(db, actor(db)) as w:
        twin = people.add_guardian(w, pupil, "mother", True, Newcomer("f"))
    for one, surname in ((mother, "Асанова"), (twin, "Асаналиева")):
        agree(db, one, Signed(("core",), day - 3, signer=one))
        with writing(db, actor(db)) as w:
            people.change_person(w, one, {"surname": surname})
    with writing(db, actor(db)) as w:
        merging.merge(w, mother, twin)
    consent, _ = queries.standing(db, mother, "core")
    with writing(db, actor(db)) as w:
        actions.withdraw(w, mother, consent, day)
    log = [vals for (vals,) in db.execute("SELECT vals FROM change").fetchall()]
    assert not any("Асана" in vals or "Асанова" in vals for vals in log)


# ---- pages


def test_the_head_finds_and_erases_who_has_no_role_here(own: SchoolPages) -> None:
    office, head = own.as_("secretary"), own.as_("head")
    sql = """SELECT g.{} FROM guardian g JOIN person p ON p.id = g.person WHERE p.surname IS NOT NULL
      AND g.retired_at IS NULL AND 1 = (SELECT count(*) FROM guardian h WHERE h.person = g.person)
      ORDER BY g.rid LIMIT 1"""
    pupil, person = own.one(sql.format("pupil")), own.one(sql.format("person"))
    office.get(f"/people/{pupil}/guardians")
    assert office.post(f"/people/{pupil}/guardian", who=str(person), remove="1")[0] == 302
    assert f"/people/{person}" not in office.get("/people/?kind=guardian")[1]
    for client in (office, head):
        assert f"/people/{person}" in client.get("/consents/")[1]
    assert "/consents/#due" in head.get("/")[1]
    head.get("/consents/")
    assert head.post("/consents/erase")[0] == 302
    assert own.one("SELECT surname IS NULL AND phone IS NULL FROM person WHERE id = ?", person) == 1
    assert f"/people/{person}" not in head.get("/consents/")[1]


def test_whom_to_ask_is_told_class_by_class_and_staff_last() -> None:
    def ask(person: int, place: str) -> queries.Ask:
        return queries.Ask(person, "", person, "", place, "core", "never")

    asks = [ask(1, ""), ask(2, "10-А"), ask(3, "2-А"), ask(4, "2-А")]
    found = _by_place(asks, ["1-А", "2-А", "10-А"])
    assert [(place, [one.person for one in some]) for place, some in found] == [
        ("2-А", [3, 4]), ("10-А", [2]), ("", [1]),
    ]  # fmt: skip


def test_a_signed_form_is_recorded_with_its_scan_and_withdrawn_again(pages: SchoolPages) -> None:
    client = pages.as_("secretary")
    pupil = pages.pupil_of(pages.taught, named=False)
    status, page = client.get(f"/people/{pupil}", "en")
    assert status == 200 and f"/consents/{pupil}/new" in page
    assert client.post(f"/consents/{pupil}/new", purpose="core", valid_from="3000-01-01")[0] == 422
    assert client.post(f"/people/{pupil}/edit", sex="f", surname="Жок", personal_file="Ж/93")[0] == 302
    assert pages.one("SELECT surname IS NULL FROM person WHERE id = ?", pupil) == 1
    for path in ("/consents/", f"/consents/{pupil}", f"/consents/{pupil}/new"):
        assert "Өздүк иш № Ж/93" in client.get(path)[1], "who has no name is found by the folder"
    answer = client.http.post(
        f"/consents/{pupil}/new",
        data={
            "form_token": client.token, "purpose": ["core", "photo"], "valid_from": "2025-09-01", "language": "ky",
            "ground": "апасы", "scan": (io.BytesIO(b"%PDF-1.4 signed"), "form.pdf"),
        },
    )  # fmt: skip
    assert answer.status_code == 302
    assert client.post(f"/people/{pupil}/edit", sex="f", surname="Барова", birth_date="2014-02-03")[0] == 302
    assert "Барова" in client.get(f"/people/{pupil}")[1]
    row = pages.one("SELECT id FROM consent WHERE person = ? AND purpose = 'core'", pupil)
    scan = client.http.get(f"/consents/{pupil}/scan?consent={row}")
    assert (scan.mimetype, scan.get_data()) == ("application/pdf", b"%PDF-1.4 signed")
    assert client.post(f"/consents/{pupil}/withdraw", consent=str(row))[0] == 302
    assert "Барова" not in client.get(f"/people/{pupil}")[1]


@pytest.mark.parametrize(
    ("language", "word"), [("ky", "Маалыматтардын"), ("ru", "Субъект"), ("en", "Subject of the data")]
)
def test_the_form_is_printed_in_three_languages(pages: SchoolPages, language: str, word: str) -> None:
    client = pages.as_("secretary")
    for kind in ("consent", "withdrawal"):
        status, page = client.get(f"/consents/{pages.named_pupil}/form?language={language}&kind={kind}")
        assert status == 200 and word in page and '<html lang="ky">' in page
        assert f'lang="{language}">' in page and "Мазмунга өтүү" in page, (
            "the rest of the page keeps its language"
        )


def test_whoever_records_a_consent_to_letters_is_told_that_none_are_sent(pages: SchoolPages) -> None:
    client, pupil = pages.as_("secretary"), pages.pupil_of(pages.led)
    form = {"purpose": "letters", "valid_from": "2025-09-01", "ground": "апасы"}
    client.get(f"/consents/{pupil}/new")
    assert client.post(f"/consents/{pupil}/new", **form)[0] == 302
    for path in (
        f"/consents/{pupil}/new",
        f"/consents/{pupil}",
        "/movement/arrival",
        f"/people/{pupil}/guardians",
    ):
        assert client.get(path)[1].count("Mektep кат жөнөтпөйт") == 1, path


def test_guardians_differ_in_what_they_may_read(pages: SchoolPages) -> None:
    client = pages.as_("secretary")
    pupil = pages.pupil_of(pages.led)
    client.get(f"/people/{pupil}/guardians")
    status, there = client.post(f"/people/{pupil}/guardians", relation="father", sex="m")
    assert status == 302
    assert there.endswith(f"/people/{pupil}/guardians")
    who = str(pages.one("SELECT max(person) FROM guardian WHERE pupil = ?", pupil))
    assert pages.one("SELECT may_read FROM guardian WHERE pupil = ? AND person = ?", pupil, int(who)) == 0
    assert client.post(f"/people/{pupil}/guardian", who=who, relation="father", may_read="1")[0] == 302
    assert pages.one("SELECT may_read FROM guardian WHERE pupil = ? AND person = ?", pupil, int(who)) == 1
    assert client.post(f"/people/{pupil}/guardian", who=who, remove="1")[0] == 302
    assert client.post(f"/people/{pupil}/guardian", who=who, relation="father")[0] == 404


def test_staff_files_are_kept_by_deputy_and_secretary(pages: SchoolPages) -> None:
    client = pages.as_("deputy")
    client.get("/people/staff/new")
    status, _ = client.post("/people/staff/new", sex="f", position="", load="много")
    assert status == 422
    status, there = client.post(
        "/people/staff/new", sex="f", position="teacher", load="22,5", start="2025-09-01"
    )
    assert status == 302
    person = there.rpartition("/")[2]
    assert pages.one("SELECT load FROM staff WHERE person = ?", int(person)) == 2250
    assert (
        client.post(
            f"/people/{person}/staff", sex="f", position="teacher", end="2020-01-01", start="2025-09-01"
        )[0]
        == 422
    )
    assert client.get(f"/people/{pages.named_pupil}/edit")[0] == 403


def test_a_new_guardian_or_colleague_takes_one_form(pages: SchoolPages) -> None:
    client = pages.as_("secretary")
    pupil = pages.pupil_of(pages.led)
    client.get(f"/people/{pupil}/guardians")
    form = {"relation": "guardian", "sex": "m", "surname": "Токтогулов", "phone": "0555 000111"}
    assert client.post(f"/people/{pupil}/guardians", **form)[0] == 422
    form |= {"consent_valid_from": "2025-09-01", "consent_purpose": "core", "consent_document": "17"}
    assert client.post(f"/people/{pupil}/guardians", **form)[0] == 302
    who = pages.one("SELECT person FROM guardian WHERE pupil = ? AND relation = 'guardian'", pupil)
    held = (
        "SELECT p.surname || c.document || (c.signer = p.id) FROM person p JOIN consent c ON c.person = p.id"
    )
    assert pages.one(f"{held} WHERE p.id = ?", who) == "Токтогулов171"
    form = {"sex": "f", "position": "librarian", "surname": "Китепова", "address": "Ош"}
    assert client.post("/people/staff/new", **form)[0] == 422
    form |= {"consent_valid_from": "2025-09-01", "consent_purpose": "core", "start": "2025-09-01"}
    status, there = client.post("/people/staff/new", **form)
    assert status == 302 and "Китепова" in client.get(there)[1]


def test_what_a_guardian_gives_on_the_page_waits_for_its_paper(pages: SchoolPages) -> None:
    client, mother = pages.as_("guardian"), pages.person("guardian")
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", mother)
    client.get(f"/consents/{child}")
    assert client.post(f"/consents/{child}/give", valid_from="2025-09-02")[0] == 422
    form = {"purpose": "health", "valid_from": "2025-09-02", "ground": "апасы"}
    assert client.post(f"/consents/{child}/give", **form)[0] == 302
    sql = "SELECT person FROM pupil WHERE person NOT IN (SELECT pupil FROM guardian WHERE person = ?)"
    assert client.post(f"/consents/{pages.one(sql, mother)}/give", **form)[0] == 403
    with closing(pages.node.connect()) as db:
        assert not has_consent(db, child, "health", parse_day("2025-11-20"))
    secretary = pages.as_("secretary")
    assert f"/consents/{child}" in secretary.get("/consents/")[1]
    page = secretary.get(f"/consents/{child}/new?signer={mother}")[1]
    assert 'value="2025-09-02"' in page and "апасы" in page
    assert secretary.post(f"/consents/{child}/new", **form, signer=str(mother))[0] == 302
    with closing(pages.node.connect()) as db:
        assert has_consent(db, child, "health", parse_day("2025-11-20"))
        assert queries.offers(db, child) == []
    client = pages.as_("guardian")
    client.get(f"/consents/{child}")
    assert client.post(f"/consents/{child}/give", **(form | {"purpose": "letters"}))[0] == 302
    assert client.post(f"/consents/{child}/decline", signer=str(mother))[0] == 302
    assert client.post(f"/consents/{child}/decline", signer=str(mother))[0] == 404
    row = pages.one("SELECT max(id) FROM consent WHERE person = ? AND purpose = 'health'", child)
    for day, status in (("3000-01-01", 422), ("2025-09-01", 422), ("2025-10-01", 302)):
        assert client.post(f"/consents/{child}/withdraw", consent=str(row), day=day)[0] == status
    assert pages.one("SELECT withdrawn_on FROM consent WHERE id = ?", row) == parse_day("2025-10-01")


def test_a_pupil_of_age_is_asked_anew_and_signs_alone(empty_school: SchoolPages) -> None:
    school, day = empty_school, today()
    stored = crypto.hash_password(PASSWORD, CHEAP)
    with closing(school.node.connect()) as db:
        pupil, mother = family(db)
        agree(db, pupil, Signed(("core", "photo", "health"), day - 900, signer=mother))
        with writing(db, actor(db)) as w:
            people.change_person(w, pupil, {"surname": "Асанова", "birth_date": years_ago(18)})
            w.insert("enrolment", pupil=pupil, class_group=w.insert("class_group", grade=11), start=day - 800)
            for login, person in (("pupil", pupil), ("mother", mother)):
                w.insert("account", person=person, login=login, password=stored, language="en")
            w.insert("appointment", person=w.insert("person", sex="f"), duty="secretary", start=0)
            secretary = w.db.execute("SELECT person FROM appointment WHERE duty = 'secretary'").fetchone()[0]
            w.insert("account", person=secretary, login="secretary", password=stored, language="en")
        assert queries.grown_up(db, day - 30) == {}
        assert queries.grown_up(db, day) == {pupil: ["core", "photo", "health"]}
    parent, clerk, client = school.sign_in("mother"), school.sign_in("secretary"), school.sign_in("pupil")
    assert f'href="/consents/{pupil}"' in client.get("/")[1]
    assert "1 pupil turned 18" in clerk.get("/")[1] and "turned 18" not in parent.get("/")[1]
    row = school.one("SELECT id FROM consent WHERE person = ? AND purpose = 'health'", pupil)
    form = {"purpose": "core", "valid_from": date_of(day).isoformat()}
    parent.get(f"/consents/{pupil}")
    assert parent.post(f"/consents/{pupil}/give", **form)[0] == 403
    assert parent.post(f"/consents/{pupil}/withdraw", consent=str(row))[0] == 403
    page = client.get(f"/consents/{pupil}")[1]
    assert f"/consents/{pupil}/give?purpose=core&amp;purpose=photo&amp;purpose=health" in page
    assert client.post(f"/consents/{pupil}/give", **form)[0] == 302
    assert client.post(f"/consents/{pupil}/withdraw", consent=str(row))[0] == 302
    with closing(school.node.connect()) as db:
        assert not has_consent(db, pupil, "core", day)
        assert [(one.purpose, one.signer) for one in queries.offers(db, pupil)] == [("core", pupil)]
        assert queries.grown_up(db, day) == {pupil: ["photo"]}
        agree(db, pupil, Signed(("core",), day, signer=pupil))
        assert has_consent(db, pupil, "core", day) and queries.offers(db, pupil) == []


def test_who_reads_consents_reads_what_is_due_and_the_head_alone_erases(pages: SchoolPages) -> None:
    day = today()
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        gone = w.insert("person", sex="f", birth_year=2003)
        consent = w.insert("consent", person=gone, purpose="core", valid_from=day)
        w.update("person", gone, phone="0700")
        w.put("pupil", person=gone, language="ky")
        w.insert("enrolment", pupil=gone, class_group=pages.led, start=18_000, end=18_300)
        w.update("consent", consent, withdrawn_on=day)
    link, erases = f'href="/consents/{gone}"', 'action="/consents/erase"'
    for role, seen in (("head", True), ("deputy", False), ("secretary", False), ("social", False)):
        page = pages.as_(role).get("/consents/")[1]
        assert link in page and (erases in page) is seen
    assert "/consents/#due" in pages.as_("head").get("/")[1]
    assert pages.as_("administrator").get("/consents/")[0] == 403
    assert pages.as_("head").post("/consents/erase")[0] == 302
    assert link not in pages.as_("secretary").get("/consents/")[1]


def test_staff_give_and_withdraw_their_own_and_are_asked_when_it_lapses(pages: SchoolPages) -> None:
    """Whatever the duty: what a librarian gives on a page waits for its paper, as what a parent gives does."""
    librarian, me = pages.as_("librarian"), pages.person("librarian")
    assert f"/consents/{me}" not in librarian.get("/consents/own")[1]
    paper = librarian.get("/consents/own/form?language=ru")[1]
    assert "должность, образование" in paper and "оценки" not in paper
    form = {"purpose": "photo", "valid_from": "2025-09-02"}
    librarian.get("/consents/own/give")
    assert librarian.post("/consents/own/give", **form) == (302, "/consents/own")
    with closing(pages.node.connect()) as db:
        assert not has_consent(db, me, "photo", today())
    secretary = pages.as_("secretary")
    assert f"/consents/{me}" in secretary.get("/consents/")[1]
    secretary.get(f"/consents/{me}/new?signer={me}")
    assert secretary.post(f"/consents/{me}/new", **form, signer=str(me))[0] == 302
    with closing(pages.node.connect()) as db:
        assert has_consent(db, me, "photo", today())
        core = db.execute("SELECT id FROM consent WHERE person = ? AND purpose = 'core'", (me,)).fetchone()[0]
        with writing(db, actor(db)) as w:
            w.update("consent", core, valid_to=today())
        asked = "/consents/own" in librarian.get("/")[1]
        with writing(db, actor(db)) as w:
            w.update("consent", core, valid_to=None)
    assert asked and "/consents/own" not in librarian.get("/")[1]
    photo = pages.one("SELECT max(id) FROM consent WHERE person = ? AND purpose = 'photo'", me)
    assert librarian.post("/consents/own/withdraw", consent=str(core + 10**6), day="2025-10-01")[0] == 404
    assert librarian.post("/consents/own/withdraw", consent=str(photo))[0] == 302
    assert pages.one("SELECT withdrawn_on IS NOT NULL FROM consent WHERE id = ?", photo) == 1


def test_a_child_neither_gives_nor_withdraws(pages: SchoolPages) -> None:
    client, child = pages.as_("pupil"), pages.person("pupil")
    assert client.get(f"/consents/{child}/give")[0] == 422
    row = pages.one("SELECT id FROM consent WHERE person = ? AND withdrawn_on IS NULL", child)
    for path in (f"/consents/{child}/give", f"/consents/{child}/withdraw"):
        assert client.post(path, purpose="health", valid_from="2025-09-02", consent=str(row))[0] == 403


def test_a_withdrawal_some_days_ago_leaves_what_was_signed_after_it(db: Database) -> None:
    pupil, mother = family(db)
    day = today()
    (old,) = agree(db, pupil, Signed(("core",), day - 50, signer=mother))
    with writing(db, actor(db)) as w:
        people.change_person(w, pupil, {"surname": "Асанова"})
    agree(db, pupil, Signed(("core",), day - 2, signer=mother))
    with writing(db, actor(db)) as w:
        with pytest.raises(InvalidValue):
            actions.withdraw(w, pupil, old, day + 1, day)
        actions.withdraw(w, pupil, old, day - 5, day)
    assert has_consent(db, pupil, "core", day)
    assert db.execute("SELECT surname FROM person WHERE id = ?", (pupil,)).fetchone() == ("Асанова",)


@pytest.mark.parametrize(
    ("years", "own", "good", "allowed"),
    [(19, False, False, False), (18, False, True, True), (18, True, True, True), (17, True, False, False)],
)
def test_of_whom_the_year_alone_is_known_it_decides(
    db: Database, years: int, own: bool, good: bool, allowed: bool
) -> None:
    """In the year of the 18th birthday either may sign, after it the pupil alone."""
    day = parse_day("2026-06-15")
    with writing(db, actor(db)) as w:
        pupil = w.insert("person", sex="f", birth_year=2026 - years)
        w.put("pupil", person=pupil, language="ky")
        mother = people.add_guardian(w, pupil, "mother", True, Newcomer("f"))
    signed = Signed(("core",), day, signer=pupil if own else mother)
    if allowed:
        agree(db, pupil, signed)
    else:
        with pytest.raises(InvalidValue):
            agree(db, pupil, signed)
        with writing(db, actor(db)) as w:
            w.insert("consent", person=pupil, purpose="core", valid_from=day, signer=signed.signer)
    assert has_consent(db, pupil, "core", day) is (good or own)
    until = [one.until for one in queries.asks(db, day, 400, None) if one.person == pupil]
    assert until == []


def test_social_categories_are_chosen_from_the_list_under_their_own_consent(pages: SchoolPages) -> None:
    client = pages.as_("social")
    pupil = pages.pupil_of(pages.led)
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        w.insert("consent", person=pupil, purpose="social", valid_from=20_000)
    assert client.get(f"/people/{pupil}/social")[0] == 200
    assert client.post(f"/people/{pupil}/social", category="rich")[0] == 422
    codes = {"category": ["police", "home_schooling"]}
    assert (
        client.http.post(f"/people/{pupil}/social", data=codes | {"form_token": client.token}).status_code
        == 302
    )
    words = {"Үйдө окутуу", "Милициянын эсебинде турат"}
    seen = {
        role: {word for word in words if word in pages.as_(role).get(f"/people/{pupil}")[1]}
        for role in ("head", "social", "class_teacher", "deputy", "secretary")
    }
    assert seen == {
        "head": words, "social": words, "class_teacher": {"Үйдө окутуу"}, "deputy": set(), "secretary": set(),
    }  # fmt: skip
    with closing(pages.node.connect()) as db:
        assert cards.categories(db, pupil, 19_999) == ()
        with pytest.raises(ConsentMissing), writing(db, actor(db)) as w:
            people.keep_categories(w, pages.pupil_of(pages.taught, named=False), ["police"])


def test_a_lapsed_consent_of_guardian_or_child_asks_in_the_office_and_at_home(own: SchoolPages) -> None:
    guardian = own.person("guardian")
    child = own.one("SELECT pupil FROM guardian WHERE person = ?", guardian)
    day = today()
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        w.update("enrolment", own.one("SELECT max(id) FROM enrolment WHERE pupil = ?", child), end=None)
        assert guardian not in {ask.person for ask in queries.asks(db, day, 30, None)}
        for (consent,) in db.execute(
            "SELECT id FROM consent WHERE person IN (?, ?) AND purpose = 'core'", (guardian, child)
        ).fetchall():
            w.update("consent", consent, valid_to=day - 1)
    with closing(own.node.connect()) as db:
        asks = {ask.person: ask for ask in queries.asks(db, day, 30, None) if ask.purpose == "core"}
        assert asks[guardian].why == asks[child].why == "expired"
        assert asks[guardian].parent_of and asks[guardian].place == asks[child].place
        led = queries.asks(db, day, 30, frozenset({own.led}))
        assert (guardian in {ask.person for ask in led}) is (asks[child].place in {ask.place for ask in led})
    client = own.as_("guardian")
    page = client.get("/")[1]
    assert 'href="/consents/own"' in page and f'href="/consents/{child}"' in page
    page = client.get("/consents/own")[1]
    assert 'href="/consents/own/give"' in page and "/consents/own/form" in page
    assert client.get("/consents/own/give")[0] == client.get(f"/consents/{child}/form")[0] == 200
    assert client.post("/consents/own/give", purpose="core", valid_from=date_of(day).isoformat())[0] == 302
    assert client.get("/")[1].count('href="/consents/own"') < page.count('href="/consents/own"') + 1


def test_no_page_keeps_or_shows_the_face_of_a_placeholder(own: SchoolPages) -> None:
    pupil, picture = own.pupil_of(own.taught, named=False), b"\xff\xd8\xff" + b"0" * 50
    client = own.as_("secretary")
    client.get(f"/consents/{pupil}/new")
    form = {"purpose": "photo", "valid_from": date_of(today() - 3).isoformat(), "ground": "апасы"}
    assert client.post(f"/consents/{pupil}/new", **form)[0] == 302
    data = {"form_token": client.token, "photo": (io.BytesIO(picture), "a.jpg")}
    assert client.http.post(f"/people/{pupil}/photo", data=data).status_code == 422
    assert own.one("SELECT photo IS NULL FROM person WHERE id = ?", pupil) == 1
    assert client.get(f"/people/{pupil}/photo")[0] == 404
    page = client.get(f"/people/{pupil}")[1]
    assert 'name="photo"' not in page and "/photo" not in page
    assert "Негизги маалыматтарга макулдук болгондо гана күчү бар" in client.get(f"/consents/{pupil}")[1]


def test_whoever_keeps_staff_keeps_a_photo_of_them(own: SchoolPages) -> None:
    teacher, picture = own.person("teacher"), b"\xff\xd8\xff" + b"0" * 50
    with closing(own.node.connect()) as db:
        agree(db, teacher, Signed(("photo",), today() - 3))
        assert has_consent(db, teacher, "core", today())
    for duty, may in (("deputy", True), ("secretary", True), ("social", False), ("librarian", False)):
        client = own.as_(duty)
        assert ('name="photo"' in client.get(f"/people/{teacher}")[1]) is may
        answer = client.http.post(
            f"/people/{teacher}/staff/photo",
            data={"form_token": client.token, "photo": (io.BytesIO(picture), "a.jpg")},
        )
        assert answer.status_code == (302 if may else 403)
    for duty, status in (("head", 200), ("secretary", 200), ("librarian", 403), ("guardian", 403)):
        assert own.as_(duty).get(f"/people/{teacher}/photo")[0] == status
    page = own.as_("teacher").get(f"/people/{teacher}")[1]
    assert 'src="/people/own/photo"' in page and own.as_("teacher").get("/people/own/photo")[0] == 200
    assert own.as_("head").get("/people/own/photo")[0] == 404
