"""Certificates of education: given out to those who end a stage, counted in the next year's return, and their pages."""

from __future__ import annotations

from contextlib import closing

import pytest

from node.certificates import actions, queries, study
from node.certificates.actions import Issued
from node.counting import school_return
from node.settings.actions import change
from shared.dates import parse_day
from shared.problems import BlankTaken, InvalidValue
from shared.web import today
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages

YEAR, NEXT, DAY = 3, 4, parse_day("2026-06-15")


def test_certificates_are_given_out_once_and_counted(pages: SchoolPages) -> None:
    with closing(pages.node.connect()) as db:
        actor = int(State(db).administrator)
        ends = queries.kinds(db, YEAR)
        assert ends == {9: "basic", 11: "secondary"} or ends == {9: "basic", 11: "secondary", 12: "secondary"}
        lines = queries.lines(db, YEAR, today())
        assert {one.kind for one in lines} == {"basic", "secondary"} and {one.grade for one in lines} <= set(
            ends
        )
        nine = [one for one in lines if one.grade == 9]
        first, second = nine[:2]
        stranger = next(one for one in lines if one.grade == 11)
        with writing(db, actor) as w:
            given = {first.pupil: Issued("НБ 000123", DAY)}
            assert actions.issue(w, first.class_group, given, DAY) == 1
            assert actions.issue(w, first.class_group, given, DAY) == 0
            for wrong, problem in (
                ({second.pupil: Issued("НБ 000123", DAY)}, BlankTaken),
                ({second.pupil: Issued("НБ 000124", None)}, InvalidValue),
                ({second.pupil: Issued("НБ 000124", DAY + 1)}, InvalidValue),
                ({stranger.pupil: Issued("НБ 000124", DAY)}, InvalidValue),
            ):
                with pytest.raises(problem):
                    actions.issue(w, first.class_group, wrong, DAY)
        assert queries.counts(db, YEAR) == {9: 1}
        assert school_return.figures(db, NEXT)["F|9|certificates"] == 1
        with writing(db, actor) as w:
            assert actions.issue(w, first.class_group, {first.pupil: Issued("", None)}, DAY) == 1
        assert queries.counts(db, YEAR) == {}


def test_the_book_is_read_by_those_who_read_the_movement(pages: SchoolPages) -> None:
    secretary = pages.as_("secretary")
    with closing(pages.node.connect()) as db:
        line = queries.lines(db, YEAR, today())[0]
        mine = queries.lines(db, YEAR, today(), classes=(), pupils=())
    assert mine == []
    path = f"/certificates/{line.class_group}"
    assert secretary.get(path)[0] == 200
    form = {f"blank-{line.pupil}": "НБ 000777", f"day-{line.pupil}": "2025-11-19"}
    assert secretary.post(path, **form)[0] == 302
    assert "НБ 000777" in secretary.get(f"/certificates/?year={YEAR}")[1]
    assert secretary.post(path, **(form | {f"day-{line.pupil}": "3000-01-01"}))[0] == 422
    assert "НБ 000777" not in pages.as_("guardian").get(f"/certificates/?year={YEAR}")[1]
    assert pages.as_("class_teacher").post(path, **form)[0] == 403


def test_a_certificate_of_study_names_who_studies_here_and_is_noted(pages: SchoolPages) -> None:
    secretary, pupil = pages.as_("secretary"), pages.pupil_of(pages.led)
    path = f"/certificates/study/{pupil}"
    assert path in secretary.get(f"/people/{pupil}")[1]
    with closing(pages.node.connect()) as db:
        found = study.of(db, pupil, today())
        with writing(db, int(State(db).administrator)) as w:
            change(w, "school_address", "Манас шаары, Ленин көчөсү, 12", {"head"})
    page = secretary.get(path + "?language=ru")[1]
    sheet = page[page.index("<article") : page.index("</article>")]
    assert all(
        part in sheet for part in (found.name, "Манас шаары, Ленин көчөсү, 12", 'lang="ru"', "Справка")
    )
    assert "маалымкат" in page and "маалымкат" not in sheet, "the page keeps its own language"
    about = pages.one(
        "SELECT person FROM reading_log WHERE act = 'export' AND what = 'certificate of study' ORDER BY at DESC LIMIT 1"
    )
    assert about == pupil
    for duty, status in (
        ("head", 200),
        ("deputy", 200),
        ("class_teacher", 403),
        ("guardian", 403),
        ("pupil", 403),
    ):
        assert pages.as_(duty).get(path)[0] == status, duty


@pytest.mark.parametrize(("sex", "said"), [("f", "названная ниже ученица"), ("m", "названный ниже ученик")])
def test_in_russian_a_certificate_speaks_of_a_girl_or_a_boy(pages: SchoolPages, sex: str, said: str) -> None:
    pupil = pages.one(
        """SELECT e.pupil FROM enrolment e JOIN person p ON p.id = e.pupil WHERE p.surname IS NOT NULL AND p.sex = ?
           AND e."end" IS NULL AND e.retired_at IS NULL LIMIT 1""",
        sex,
    )
    page = pages.as_("secretary").get(f"/certificates/study/{pupil}?language=ru")[1]
    label, other = ("Ученица", "Ученик") if sex == "f" else ("Ученик", "Ученица")
    assert said in page and f"<dt>{label}</dt>" in page and f"<dt>{other}</dt>" not in page
    page = pages.as_("secretary").get(f"/certificates/study/{pupil}?language=ky")[1]
    assert "<dt>Окуучу</dt>" in page


def test_a_placeholder_and_a_leaver_have_no_certificate_of_study(pages: SchoolPages) -> None:
    secretary = pages.as_("secretary")
    nameless = pages.one(
        """SELECT e.pupil FROM enrolment e JOIN person p ON p.id = e.pupil WHERE p.surname IS NULL
           AND e."end" IS NULL AND e.retired_at IS NULL LIMIT 1"""
    )
    gone = pages.one(
        """SELECT e.pupil FROM enrolment e JOIN person p ON p.id = e.pupil WHERE p.surname IS NOT NULL
           GROUP BY e.pupil HAVING count(e."end") = count(*) LIMIT 1"""
    )
    for pupil in (nameless, gone):
        assert secretary.get(f"/certificates/study/{pupil}")[0] == 422
        assert f"/certificates/study/{pupil}" not in secretary.get(f"/people/{pupil}")[1]
