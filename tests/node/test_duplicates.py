"""Search that forgives, duplicates found and merged with everything that refers to them, and undone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node import frozen, merging, roster
from node.counting import quarter
from node.duplicates import queries
from node.movement import actions as movement
from node.people.queries import Person, found
from shared.i18n import near
from shared.problems import InvalidValue, NotFound
from shared.web import today
from sync.writer import writing
from tests.node.conftest import SchoolPages, actor, autumn


def child(db: Database, surname: str, born: int | None = 15_000, **more: str) -> int:
    with writing(db, actor(db)) as w:
        person = w.insert("person", sex="f", birth_year=2011)
        w.insert("consent", person=person, purpose="core", valid_from=today() - 30)
        w.update("person", person, surname=surname, given_name="Айгүл", birth_date=born, **more)
        w.put("pupil", person=person, language="ky")
    return person


@pytest.mark.parametrize(
    ("typed", "name", "edits", "alike"),
    [
        ("асанова", "асанова", 0, True), ("асан", "асанова", 0, True), ("асонова", "асанова", 1, True),
        ("саанова", "асанова", 1, True), ("асанва", "асанова", 1, True), ("ассанова", "асанова", 1, True),
        ("осонова", "асанова", 1, False), ("осонова", "асанова", 2, True), ("бекова", "асанова", 2, False),
    ],
)  # fmt: skip
def test_names_are_near_within_so_many_typos(typed: str, name: str, edits: int, alike: bool) -> None:
    assert near(typed, name, edits) is alike


def test_search_forgives_a_typo_when_nobody_has_the_very_name_and_reads_latin_letters() -> None:
    people = [
        Person(n, name, "pupil", "f", "7-А")
        for n, name in enumerate(("Өмүрбекова Айгүл", "Асанова Жаңыл", "Асанов Үмүт", "Осмонова Нур"), 1)
    ]
    names = {
        text: [p.name for p in found(people, text)]
        for text in ("омурбек", "асонова", "асан жаныл", "осмонова", "ззз", "omurbek", "Zhangyl", "osmanova")
    }
    assert names == {
        "омурбек": ["Өмүрбекова Айгүл"], "асонова": ["Асанова Жаңыл"], "асан жаныл": ["Асанова Жаңыл"],
        "осмонова": ["Осмонова Нур"], "ззз": [], "omurbek": ["Өмүрбекова Айгүл"], "Zhangyl": ["Асанова Жаңыл"],
        "osmanova": ["Осмонова Нур"],
    }  # fmt: skip


def test_pairs_are_found_by_number_by_name_and_by_likeness(db: Database) -> None:
    number = (
        child(db, "Абакирова", 1_000, personal_number="1" * 14),
        child(db, "Бекова", 2_000, personal_number="1" * 14),
    )
    name = child(db, "Осмонова", 3_000), child(db, "осмонова", None)
    near_ = child(db, "Турдубаева", 4_000), child(db, "Турдыбаева", 4_000)
    child(db, "Осмонова", 9_000)
    why = {(p.one.id, p.other.id): p.why for p in queries.pairs(db, today())}
    assert (why[number], why[name], why[near_]) == ("personal_number", "name", "near")
    assert (name[0], near_[0]) not in why and len(why) == 4


def test_what_the_school_knows_of_two_tells_them_apart(db: Database) -> None:
    pupil, mother = child(db, "Асанова"), child(db, "Асанова", phone="0555 12 34 56")
    with writing(db, actor(db)) as w:
        w.put("pupil", person=pupil, personal_file="А-12")
        w.retire("pupil", mother)
        w.put("guardian", pupil=pupil, person=mother, relation="mother")
        w.insert(
            "enrolment", pupil=pupil, class_group=w.insert("class_group", grade=7, letter="А"), start=20_000
        )
    assert queries.known(db, pupil, today()) == queries.Known("7-А", "А-12", 2011, "", ("Асанова Айгүл",))
    assert queries.known(db, mother, today()) == queries.Known("", "", 2011, "", ("Асанова Айгүл",))


def test_everything_follows_to_the_kept_row_and_comes_back(db: Database) -> None:
    kept, other = child(db, "Асанова"), child(db, "Асанова", phone="0555 12 34 56")
    with writing(db, actor(db)) as w:
        mother = w.insert("person", sex="f")
        w.put("guardian", pupil=other, person=mother, relation="mother")
        account = w.insert("account", person=other, login="aigul")
        group = w.insert("class_group", grade=7, letter="А")
        enrolments = [w.insert("enrolment", pupil=p, class_group=group, start=20_000) for p in (kept, other)]
    before = snapshot(db, kept, other)
    with writing(db, actor(db)) as w:
        mark = merging.merge(w, kept, other)
    assert db.execute("SELECT phone FROM person WHERE id = ?", (kept,)).fetchone() == ("0555 12 34 56",)
    assert db.execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone() == (kept,)
    living = "SELECT {} FROM {} WHERE retired_at IS NULL AND {} = ?"
    assert db.execute(living.format("person", "guardian", "pupil"), (kept,)).fetchall() == [(mother,)]
    assert db.execute(living.format("id", "enrolment", "class_group"), (group,)).fetchall() == [
        (enrolments[0],)
    ]
    for table, column in (
        ("consent", "person"),
        ("pupil", "person"),
        ("guardian", "pupil"),
        ("enrolment", "pupil"),
    ):
        assert db.execute(living.format("count(*)", table, column), (other,)).fetchone() == (0,)
    assert queries.pairs(db, today()) == []
    with writing(db, actor(db)) as w:
        done = merging.take_back(w, mark)
    assert done.left_alone == () and snapshot(db, kept, other) == before
    with pytest.raises(NotFound), writing(db, actor(db)) as w:
        merging.take_back(w, mark)


def test_a_merge_and_its_undoing_correct_the_reports_that_counted_both(db: Database) -> None:
    """An act of the movement book that the merge takes with it does not keep the undoing from bringing it back."""
    year, start = db.execute("SELECT id, start FROM academic_year WHERE start = 20332").fetchone()
    kept, other = child(db, "Асанова"), child(db, "Асанова")
    with writing(db, actor(db)) as w:
        group = w.insert("class_group", year=year, grade=7, letter="А")
        roster.enrol(w, kept, group, start)
        movement.arrive(w, other, group, start, "district", movement.Paper())
        term = db.execute(
            "SELECT id FROM term WHERE year = ? AND kind = 'quarter' AND number = 1", (year,)
        ).fetchone()[0]
        frozen.freeze(w, quarter.CODE, year, term)
    with writing(db, actor(db)) as w:
        mark = merging.merge(w, kept, other)
    key = f"{group}|start|t"
    assert [one.figures[key] for one in frozen.history(db, quarter.CODE, year, term)] == [2, 1]
    with writing(db, actor(db)) as w:
        assert merging.take_back(w, mark).left_alone == ()
    assert [one.figures[key] for one in frozen.history(db, quarter.CODE, year, term)] == [2, 1, 2]


def snapshot(db: Database, *people: int) -> list[object]:
    """The living rows about these people."""
    sqls = (
        "SELECT id, surname, phone FROM person WHERE id = ? AND retired_at IS NULL",
        "SELECT id FROM consent WHERE person = ? AND retired_at IS NULL",
        "SELECT person FROM pupil WHERE person = ? AND retired_at IS NULL",
        "SELECT person, relation FROM guardian WHERE pupil = ? AND retired_at IS NULL",
        "SELECT id, start FROM enrolment WHERE pupil = ? AND retired_at IS NULL",
        "SELECT id, login FROM account WHERE person = ?",
    )
    return [db.execute(sql, (person,)).fetchall() for person in people for sql in sqls]


@pytest.mark.parametrize("named", ["kept", "other", "neither"])
def test_those_without_a_name_are_merged_by_their_numbers(db: Database, named: str) -> None:
    """What the two rows hold follows, whoever of them has a consent; a name shows only if one has."""
    people = {}
    for which in ("kept", "other"):
        with writing(db, actor(db)) as w:
            people[which] = w.insert("person", sex="f", birth_year=2011)
            w.put(
                "pupil",
                person=people[which],
                language="ky",
                personal_file="А/1" if which == "other" else None,
            )
            if which == named:
                w.insert("consent", person=people[which], purpose="core", valid_from=today() - 30)
                w.update("person", people[which], surname="Асанова")
    kept, other = people["kept"], people["other"]
    assert queries.pairs(db, today()) == []
    (pair,) = queries.asked(db, kept & 0xFFFFFFFF, other & 0xFFFFFFFF, today())
    assert (pair.one.id, pair.other.id, pair.why) == (kept, other, "asked")
    assert bool(pair.one.name) is (named == "kept")
    assert queries.asked(db, kept & 0xFFFFFFFF, kept & 0xFFFFFFFF, today()) == []
    with writing(db, actor(db)) as w:
        mark = merging.merge(w, kept, other)
    surname = None if named == "neither" else "Асанова"
    assert db.execute("SELECT surname FROM person WHERE id = ?", (kept,)).fetchone() == (surname,)
    assert db.execute("SELECT personal_file FROM pupil WHERE person = ?", (kept,)).fetchone() == ("А/1",)
    with writing(db, actor(db)) as w:
        merging.take_back(w, mark)
    row = db.execute("SELECT retired_at, surname FROM person WHERE id = ?", (other,)).fetchone()
    assert row == (None, "Асанова" if named == "other" else None)


def test_a_row_is_not_merged_with_itself_nor_with_nobody(db: Database) -> None:
    one = child(db, "Асанова")
    with writing(db, actor(db)) as w:
        with pytest.raises(InvalidValue):
            merging.merge(w, one, one)
        with pytest.raises(NotFound):
            merging.merge(w, one, one + 77)


def test_the_page_is_the_secretarys(pages: SchoolPages) -> None:
    assert pages.as_("secretary").get("/duplicates/")[0] == 200
    assert pages.as_("class_teacher").get("/duplicates/")[0] == 403


# ---- who merges whom


@pytest.fixture
def own(tmp_path: Path) -> SchoolPages:
    return autumn().again(tmp_path)


def spare(pages: SchoolPages, pupil: bool = False, **account: str) -> int:
    """Someone else on record, by wish with an account."""
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        person = w.insert("person", sex="f", birth_year=1990)
        if pupil:
            w.put("pupil", person=person, language="ky")
        if account:
            w.insert("account", person=person, **account)
    return person


def merged(pages: SchoolPages, duty: str, kept: int, other: int) -> tuple[int, str]:
    client = pages.as_(duty)
    client.get("/duplicates/")
    return client.post("/duplicates/merge", kept=str(kept), other=str(other))


def test_nobody_merges_the_own_record_nor_takes_a_duty_by_a_merge(own: SchoolPages) -> None:
    head, me, someone = own.person("head"), own.person("secretary"), spare(own)
    duties = 'SELECT count(*) FROM appointment WHERE person = ? AND duty = "head" AND retired_at IS NULL'
    assert merged(own, "secretary", me, head)[0] == 403
    assert merged(own, "secretary", head, me)[0] == 403
    assert merged(own, "secretary", someone, head)[0] == 403
    assert merged(own, "secretary", someone, own.person("guardian"))[0] == 403
    assert merged(own, "head", someone, head)[0] == 403
    status, text = merged(own, "secretary", me, someone)
    assert status == 403 and 'class="notice bad"' in text
    assert own.one(duties.replace('"', "'"), head) == 1
    assert merged(own, "secretary", head, someone)[0] == 302


def test_an_account_passes_on_by_the_head_alone_and_comes_back_by_the_head_alone(own: SchoolPages) -> None:
    kept, other = spare(own), spare(own, login="other", password="x")
    assert merged(own, "secretary", kept, other)[0] == 403
    assert merged(own, "head", kept, other)[0] == 302
    assert own.one("SELECT person FROM account WHERE login = 'other'") == kept
    mark = str(own.one("SELECT max(id) FROM act WHERE kind = 'merge'"))
    assert own.as_("secretary").post("/duplicates/undo", mark=mark)[0] == 403
    assert own.as_("head").post("/duplicates/undo", mark=mark)[0] == 200
    assert own.one("SELECT person FROM account WHERE login = 'other'") == other


def test_a_merge_of_ones_own_record_is_not_undone_by_oneself(own: SchoolPages) -> None:
    me = own.person("secretary")
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        twin = w.insert("person", sex="f", birth_year=1990)
        w.insert("consent", person=twin, purpose="photo", valid_from=20_000)
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        mark = str(merging.merge(w, me, twin))
    assert own.as_("secretary").get("/duplicates/")[0] == 200
    assert own.as_("secretary").post("/duplicates/undo", mark=mark)[0] == 403
    own.as_("head").get("/duplicates/")
    assert own.as_("head").post("/duplicates/undo", mark=mark)[0] == 200


def test_a_pupil_of_today_is_nobody_who_works_here(own: SchoolPages) -> None:
    teacher, pupil, never = own.person("teacher"), own.named_pupil, spare(own, pupil=True)
    for kept, other in ((pupil, teacher), (teacher, pupil), (never, teacher)):
        assert merged(own, "head", kept, other)[0] == 422
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        w.insert("enrolment", pupil=never, class_group=own.taught, start=19_000, end=19_500)
    assert merged(own, "head", teacher, never)[0] == 302
