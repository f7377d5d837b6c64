"""The three stages of introduction: a later stage's pages are neither shown nor opened."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from node import stages
from node.app import AREAS
from node.settings import actions
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages, autumn
from tests.node.test_importing_pages import own as own


def test_every_staged_area_is_one_of_the_app() -> None:
    assert set(stages.STAGES) <= {area.name for area in AREAS}
    assert set(stages.STAGES.values()) <= {2, 3}


def test_a_list_is_shut_with_the_pages_on_which_the_same_is_entered(own: SchoolPages) -> None:
    teacher, deputy = own.as_("teacher"), own.as_("deputy")
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        actions.change(w, "stage", "1", {"head"})
    for kind in ("marks", "plans"):
        for path in (f"/import/{kind}", f"/import/{kind}/template.xlsx", f"/import/{kind}/1234"):
            assert teacher.get(path)[0] == 403, path
        assert teacher.post(f"/import/{kind}/1234", do="all")[0] == 403
        assert f'href="/import/{kind}"' not in teacher.get("/import/")[1]
    assert deputy.get("/import/classes")[0] == 200, "classes are of the first stage"


def test_an_area_of_a_later_stage_is_hidden_and_shut(empty_school: SchoolPages) -> None:
    client = empty_school.as_("head")
    assert 'href="/journal/"' in client.get("/")[1]
    with closing(empty_school.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        actions.change(w, "stage", "1", {"head"})
    assert 'href="/journal/"' not in client.get("/")[1]
    status, text = client.get("/journal/")
    assert status == 403 and "азырынча колдонулбайт" in text
    assert client.get("/results/")[0] == 200
    with closing(empty_school.node.connect()) as db:
        assert "journal" in stages.switched_off(db) and "results" not in stages.switched_off(db)
        with writing(db, int(State(db).administrator)) as w:
            actions.change(w, "stage", "2", {"head"})
    assert client.get("/journal/")[0] == 200


def test_the_family_is_shown_no_marks_and_homework_before_there_is_a_journal(
    tmp_path: Path,
) -> None:
    pages = autumn().again(tmp_path)
    for role in ("guardian", "pupil"):
        text = pages.as_(role).get("/")[1]
        assert "Жаңы баалар" in text
    with closing(pages.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        actions.change(w, "stage", "1", {"head"})
    for role in ("guardian", "pupil"):
        text = pages.as_(role).get("/")[1]
        assert "Жаңы баалар" not in text and "/results/pupil/" in text
    # The parents who sign a child's consent are kept from the first stage on.
    assert pages.as_("secretary").get("/people/?kind=guardian")[0] == 200
