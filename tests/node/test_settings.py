"""Settings: defaults, bounds, who may change which, and two nodes that made the same one apart."""

from __future__ import annotations

from contextlib import closing

import pytest

from node.settings import actions, queries
from node.settings.registry import GROUPS, SETTINGS, WEIGHTS
from shared.problems import InvalidValue, NotAllowed, SameLetter
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages

HEAD = {"head"}


def test_every_setting_allows_its_own_default_and_has_a_heading() -> None:
    assert [s.name for s in SETTINGS if s.parse(str(s.default)) != s.default] == []
    assert {s.group for s in SETTINGS} <= set(GROUPS)
    assert len({s.name for s in SETTINGS}) == len(SETTINGS)


def test_the_usual_weights_are_those_of_the_reference_rows(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db:
        rows = db.execute("SELECT code, weight FROM work_kind").fetchall()
    assert rows and {code: usual for code, (usual, _) in WEIGHTS.items()} == dict(rows)


def test_a_setting_is_its_default_until_changed_and_out_of_bounds_is_refused(
    empty_school: SchoolPages,
) -> None:
    with closing(empty_school.node.connect()) as db:
        actor = int(State(db).administrator)
        assert queries.value(db, "rounding") == 50
        with writing(db, actor) as w:
            assert not actions.change(w, "rounding", "50", HEAD)
            assert actions.change(w, "rounding", " 65 ", HEAD)
        assert queries.value(db, "rounding") == queries.values(db)["rounding"] == 65
        for wrong in ("66", "49", "-5", "", "5.5", "٥٥"):
            with pytest.raises(InvalidValue), writing(db, actor) as w:
                actions.change(w, "rounding", wrong, HEAD)
        with pytest.raises(InvalidValue), writing(db, actor) as w:
            actions.change(w, "no_such", "1", HEAD)
        assert queries.number(db, "rounding") == 65
        short = queries.school_name(db)
        with writing(db, actor) as w:
            actions.change(w, "school_full_name", "№ 8 орто мектеп, Сузак району", {"head", "administrator"})
        assert queries.school_name(db) == "№ 8 орто мектеп, Сузак району"
    text = empty_school.as_("administrator").get("/")[1]
    assert "№ 8 орто мектеп" in text and text.count(short) >= 1, (
        "on paper the full name, on the screen the short one"
    )


def test_of_two_rows_made_apart_the_smaller_id_counts_for_all(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db:
        with writing(db, int(State(db).administrator)) as w:
            w.insert("setting", name="edit_days", value="3")
            second = w.insert("setting", name="edit_days", value="9")
            assert queries.value(db, "edit_days") == queries.values(db)["edit_days"] == 3
            actions.change(w, "edit_days", "5", HEAD)
        assert queries.value(db, "edit_days") == 5
        assert db.execute("SELECT value FROM setting WHERE id = ?", (second,)).fetchone()[0] == "9"


def test_a_value_of_another_release_reads_as_the_default(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db:
        with writing(db, int(State(db).administrator)) as w:
            w.insert("setting", name="stage", value="17")
        assert queries.value(db, "stage") == "3"


def test_a_duty_changes_its_own_settings_only(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db:
        with pytest.raises(NotAllowed), writing(db, int(State(db).administrator)) as w:
            actions.change(w, "stage", "1", {"deputy", "administrator"})
        assert queries.value(db, "stage") == "3"


def test_the_page_changes_what_was_sent_or_nothing(empty_school: SchoolPages) -> None:
    client = empty_school.as_("head")
    assert 'name="stage"' in client.get("/settings/")[1]
    status, text = client.post("/settings/", edit_days="10", minimum_marks="0")
    assert status == 422 and 'id="error-minimum_marks"' in text
    assert client.post("/settings/", edit_days="10", minimum_marks="4") == (302, "/settings/?changed=2")
    with closing(empty_school.node.connect()) as db:
        assert (queries.value(db, "edit_days"), queries.value(db, "minimum_marks")) == (10, 4)
        author = db.execute("SELECT actor FROM change ORDER BY n DESC LIMIT 1").fetchone()[0]
        assert author == int(State(db).administrator)


def test_a_letter_of_the_journal_says_one_thing_to_every_reader(empty_school: SchoolPages) -> None:
    client = empty_school.as_("head")
    with closing(empty_school.node.connect()) as db:
        actor = int(State(db).administrator)
        for given, setting in (
            ({"letter_absent": "х", "letter_late": "Х"}, "letter_absent"),
            # Usual letters count for what the school has chosen none: «о» is late to who reads Russian.
            ({"letter_absent": "о"}, "letter_absent"),
            ({"letter_late": "о"}, "letter_late"),
        ):
            with pytest.raises(SameLetter) as caught, writing(db, actor) as w:
                actions.change_all(w, given, HEAD)
            assert caught.value.details["setting"] == setting
        # None that could be taken for a mark.
        for wrong in ("5", "н/", "абв"):
            with pytest.raises(InvalidValue), writing(db, actor) as w:
                actions.change(w, "letter_ill", wrong, HEAD)
        # Two that change places do so at once.
        for first, second in (("х", "ф"), ("ф", "х")):
            assert client.post("/settings/", letter_absent=first, letter_late=second)[0] == 302
        assert [queries.value(db, f"letter_{one}") for one in ("absent", "late")] == ["ф", "х"]
        status, text = client.post("/settings/", letter_ill="ф")
        assert status == 422 and 'id="error-letter_ill"' in text and "«ф»" in text
        assert queries.value(db, "letter_ill") == ""
        assert client.post("/settings/", letter_absent="", letter_late="")[0] == 302


def test_a_deputy_sees_the_stage_and_cannot_change_it(pages: SchoolPages) -> None:
    client = pages.as_("deputy")
    text = client.get("/settings/")[1]
    assert 'name="edit_days"' in text and 'name="stage"' not in text
    assert client.post("/settings/", stage="1")[0] == 403
