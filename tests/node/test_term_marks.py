"""Results of year, exam and final mark by the rule, locked periods, conduct, the mark sheet and report cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from node.journal import actions, history, proposals
from node.journal import queries as journal
from node.journal.actions import Change
from node.journal.queries import Standing
from node.journal.reckoning import reckoning
from node.journal.sheet import Result
from node.people import queries as people
from node.results import actions as locking
from node.results import queries
from node.settings import actions as settings
from shared.dates import DAY_MS
from shared.problems import InvalidValue, NotFound, NotInGroup, ReasonNeeded, TermLocked
from shared.schema import BY_NAME
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_journal import EDIT_DAYS, TODAY, Desk, a_school

END = TODAY + 300
"""A day after the year's end."""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("marks"))


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    made = Desk(school)
    yield made
    with writing(made.db, made.account) as w:
        for table in ("term_result", "term_lock", "conduct"):
            for key in made.db.execute(
                f"SELECT {', '.join(BY_NAME[table].key)} FROM {table} WHERE retired_at IS NULL"
            ).fetchall():
                w.retire(table, *key)
    made.db.close()


def group_of(desk: Desk) -> dict[str, object]:
    found = journal.group(desk.db, desk.place.group)
    assert found is not None
    return dict(found)


def terms(desk: Desk) -> dict[str, int]:
    """`quarter-1` .. `final-0` -> the term."""
    row = journal.group(desk.db, desk.place.group)
    assert row is not None
    found = journal.result_terms(desk.db, row["year"], row["grade"])
    return {f"{term['kind']}-{term['number']}": term["id"] for term in found}


def store(desk: Desk, pupil: int, **values: int | None) -> None:
    """Results of quarters or the exam, as q1=5; None for not assessed."""
    named = terms(desk)
    with writing(desk.db, desk.account) as w:
        for name, value in values.items():
            kind = {"q": "quarter-", "e": "exam-", "y": "year-"}[name[0]] + name[1:]
            w.put(
                "term_result",
                subject_group=desk.place.group,
                pupil=pupil,
                term=named[kind],
                value=value,
                status="na" if value is None else "assessed",
            )


def proposed(desk: Desk, pupil: int, name: str) -> Standing:
    row = journal.group(desk.db, desk.place.group)
    assert row is not None
    term = next(
        t for t in journal.result_terms(desk.db, row["year"], row["grade"]) if t["id"] == terms(desk)[name]
    )
    return proposals.of_term(desk.db, row, term).get(pupil, proposals.NOTHING)


def test_the_annual_mark_is_explained_by_its_quarters(desk: Desk) -> None:
    pupil, row = desk.pupils[0], journal.group(desk.db, desk.place.group)
    assert row is not None
    found = journal.result_terms(desk.db, row["year"], row["grade"])
    store(desk, pupil, q1=4, q2=None, q3=5)
    year = next(one for one in found if one["kind"] == "year")
    how = reckoning(desk.db, row, year, pupil)
    assert [one and one.mark for _, one in how.parts] == [4, None, 5, None] and how.lines == []
    assert (how.now.average, how.now.proposed) == (Fraction(9, 2), 5)
    assert (how.ties, how.limit) == (True, None)
    # The threshold of a term mark is not that of the year; above 50 a half is rounded like any other mean.
    assert replace(how, by=replace(how.by, threshold=60)).ties
    other = replace(how, by=replace(how.by, year_threshold=60))
    assert (other.ties, other.limit) == (False, Fraction(46, 10))
    upwards = replace(how, by=replace(how.by, ties_year="up"))
    assert (upwards.ties, upwards.limit) == (False, Fraction(45, 10))


def give(desk: Desk, name: str, *given: Result) -> int:
    with writing(desk.db, desk.account) as w:
        return actions.give_results(
            w, desk.place.group, terms(desk)[name], desk.teacher, TODAY, given, early=True
        )


def test_periods_stand_in_their_order(desk: Desk) -> None:
    kinds = [name.split("-")[0] for name in terms(desk)]
    assert kinds == ["quarter"] * 4 + ["half"] * 2 + ["year", "exam", "final"]


@pytest.mark.parametrize(
    ("quarters", "expected"),
    [
        ({"q1": 4, "q2": 4, "q3": 5, "q4": 5}, 5),
        ({"q1": 5, "q2": 5, "q3": 4, "q4": 4}, 4),
        ({"q1": 3, "q2": None, "q3": 4, "q4": 4}, 4),
        ({"q1": None}, None),
    ],
)
def test_the_annual_mark_is_the_mean_of_quarters_with_ties_toward_the_last(
    desk: Desk, quarters: dict[str, int | None], expected: int | None
) -> None:
    pupil = desk.pupils[0]
    store(desk, pupil, **quarters)
    assert proposed(desk, pupil, "year-0").proposed == expected


def test_the_final_mark_goes_by_year_and_exam_with_ties_toward_the_exam(desk: Desk) -> None:
    first, second, third = desk.pupils[:3]
    store(desk, first, y0=4, e0=5)
    store(desk, second, y0=5, e0=4)
    store(desk, third, y0=3)
    assert [proposed(desk, one, "final-0").proposed for one in (first, second, third)] == [5, 4, 3]


def test_how_annual_and_final_marks_are_rounded_is_the_schools_choice(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    store(desk, first, q1=5, q2=5, q3=4, q4=4)
    store(desk, second, y0=5, e0=4)

    def both(**chosen: str) -> list[int | None]:
        with writing(desk.db, desk.account) as w:
            for name, text in chosen.items():
                settings.change(w, name, text, {"deputy"})
        return [proposed(desk, first, "year-0").proposed, proposed(desk, second, "final-0").proposed]

    assert both() == [4, 4]
    assert both(ties_year="up") == [5, 4]
    assert both(ties_final="up") == [5, 5]
    assert both(rounding="65") == [5, 5], "the threshold of a term mark is another"
    assert both(rounding_year="60") == [4, 5], "below the threshold a half is no tie"
    assert both(rounding="50", rounding_year="50", ties_year="toward", ties_final="toward") == [4, 4]


def test_a_late_change_of_a_result_needs_a_reason_of_its_own_and_stays_to_be_read(desk: Desk) -> None:
    pupil, quarter, group = desk.pupils[0], terms(desk)["quarter-1"], desk.place.group
    term = journal.term_of(desk.db, group, TODAY)
    assert term is not None
    late, since = term["end"] + EDIT_DAYS + 1, (term["end"] + EDIT_DAYS + 1) * DAY_MS

    def change(value: int, reason: str, seen: int | None) -> None:
        was = None if seen is None else (seen, "assessed")
        with writing(desk.db, desk.account) as w:
            given = [Result(pupil, value, "assessed", reason, was)]
            actions.give_results(w, group, quarter, desk.teacher, late, given, early=True)

    store(desk, pupil, q1=None)
    with writing(desk.db, desk.account) as w:
        w.retire("term_result", group, pupil, quarter)
    change(5, "Олимпиада", None)
    with pytest.raises(ReasonNeeded):
        change(3, "", 5)
    with pytest.raises(ReasonNeeded):
        change(3, " Олимпиада ", 5)  # the reason of what stood is not that of the change
    change(3, "Жаңылыштык", 5)
    change(4, "Кайра текшерилди", 3)
    struck = history.struck_results(desk.db, group, quarter, [pupil], since)
    assert struck[pupil][-2:] == [(5, "assessed"), (3, "assessed")]
    assert history.struck_results(desk.db, group, quarter, [pupil], 2**52) == {}
    newest = history.of_result(desk.db, group, pupil, quarter, TODAY)[0]
    assert [value for _, value in newest.lines][::2] == ["4", "Кайра текшерилди"]
    status, text = desk.school.as_("deputy").get(f"/journal/results/{group}/{pupil}?term={quarter}")
    assert status == 200 and "Жаңылыштык" in text and "Олимпиада" in text
    noted = "SELECT count(*) FROM reading_log WHERE person = ? AND retired_at IS NULL"
    assert desk.db.execute(noted, (pupil,)).fetchone()[0] == 1, "a deputy's reading of it is in the log"


def test_another_annual_mark_than_proposed_needs_a_reason_and_an_exam_needs_none(desk: Desk) -> None:
    pupil = desk.pupils[0]
    store(desk, pupil, q1=4, q2=4, q3=4, q4=4)
    with pytest.raises(ReasonNeeded):
        give(desk, "year-0", Result(pupil, 5, "assessed", "", None))
    assert give(desk, "year-0", Result(pupil, 4, "assessed", "", None)) == 1
    assert give(desk, "exam-0", Result(pupil, 3, "assessed", "", None)) == 1
    with pytest.raises(ReasonNeeded):
        give(desk, "final-0", Result(pupil, 4, "assessed", "", None))
    assert give(desk, "final-0", Result(pupil, 3, "assessed", "", None)) == 1


def class_of(desk: Desk) -> int:
    return int(str(group_of(desk)["class_group"]))


def test_a_locked_period_stays_as_it_is_until_it_is_reopened_with_a_reason(desk: Desk) -> None:
    pupil, quarter = desk.pupils[0], terms(desk)["quarter-1"]
    with writing(desk.db, desk.account) as w:
        assert locking.lock(w, class_of(desk), quarter)
    with pytest.raises(TermLocked):
        give(desk, "quarter-1", Result(pupil, 5, "assessed", "жакшы", None))
    for change in (
        desk.mark(pupil, 5),
        Change("status", "absent", "present", pupil),
        Change("topic", "Т", ""),
    ):
        with pytest.raises(TermLocked):
            desk.save(change)
    assert give(desk, "quarter-2", Result(pupil, 5, "assessed", "жакшы", None)) == 1
    with writing(desk.db, desk.account) as w, pytest.raises(ReasonNeeded):
        locking.reopen(w, class_of(desk), quarter, " ")
    with writing(desk.db, desk.account) as w:
        assert locking.reopen(w, class_of(desk), quarter, "Ката табылды")
    year = int(str(group_of(desk)["year"]))
    assert [(one.reason, one.account) for one in queries.reopenings(desk.db, year)] == [
        ("Ката табылды", desk.account)
    ]
    assert desk.save(desk.mark(pupil, 5)) == 1
    desk.save(desk.mark(pupil, None))
    with writing(desk.db, desk.account) as w, pytest.raises(NotFound):
        locking.lock(w, class_of(desk), 1)


def test_conduct_is_given_to_the_pupils_of_the_class(desk: Desk) -> None:
    pupil, quarter = desk.pupils[0], terms(desk)["quarter-1"]
    with writing(desk.db, desk.account) as w:
        assert locking.give_conduct(w, class_of(desk), quarter, {pupil: "exemplary"}) == 1
    assert queries.conduct(desk.db, [pupil], [quarter]) == {(pupil, quarter): "exemplary"}
    ((period, code),) = people.conduct_of(desk.db, pupil)
    assert code == "exemplary" and "2025" in period
    card = desk.school.as_("deputy").get(f"/people/{pupil}")[1]
    assert f", {period}</dt>" in card
    stranger = desk.db.execute(
        "SELECT pupil FROM enrolment WHERE class_group <> ? AND retired_at IS NULL LIMIT 1", (class_of(desk),)
    ).fetchone()[0]
    for given, problem in (({stranger: "good"}, NotInGroup), ({pupil: "wild"}, InvalidValue)):
        with writing(desk.db, desk.account) as w, pytest.raises(problem):
            locking.give_conduct(w, class_of(desk), quarter, given)


# ---- pages


def test_the_deputy_locks_and_reopens_on_the_mark_sheet(desk: Desk) -> None:
    pupil, quarter = desk.pupils[0], str(terms(desk)["quarter-1"])
    store(desk, pupil, q1=4, y0=5)
    page = f"/results/{class_of(desk)}"
    deputy = desk.school.as_("deputy")
    status, text = deputy.get(f"{page}/sheet")
    assert status == 200 and '<span class="mark">4</span>' in text and '<span class="mark">5</span>' in text
    assert deputy.post(f"{page}/lock", term=quarter, act="lock")[0] == 302
    assert deputy.post(f"{page}/lock", term=quarter, act="reopen", reason="")[0] == 422
    assert deputy.post(f"{page}/lock", term=quarter, act="reopen", reason="Ката табылды")[0] == 302
    head = desk.school.as_("head").get("/results/")[1]
    assert "Ката табылды" in head
    assert "Ката табылды" not in desk.school.as_("class_teacher").get("/results/")[1]


def test_report_cards_hold_marks_missed_lessons_and_conduct(desk: Desk) -> None:
    school, led = desk.school, desk.school.led
    pupils = sorted(queries.pupils_of(desk.db, led, TODAY, TODAY))
    client = school.as_("class_teacher")
    quarter = terms(desk)["quarter-1"]
    status, text = client.get(f"/results/{led}/conduct?term={quarter}")
    assert status == 200 and f'name="conduct-{pupils[0]}"' in text
    sent = {f"conduct-{pupils[0]}": "exemplary", f"seen-{pupils[0]}": ""}
    assert client.post(f"/results/{led}/conduct?term={quarter}", **sent)[0] == 302
    group = desk.db.execute("SELECT id FROM subject_group WHERE class_group = ? LIMIT 1", (led,)).fetchone()[
        0
    ]
    with writing(desk.db, desk.account) as w:
        w.put("term_result", subject_group=group, pupil=pupils[0], term=quarter, value=5, status="assessed")
    status, text = client.get(f"/results/{led}/cards")
    assert status == 200 and text.count("letter-page") == len(pupils)
    assert "Үлгүлүү" in text and "<td>5</td>" in text
    status, text = school.as_("head").get(f"/results/pupil/{pupils[0]}/card")
    assert status == 200 and text.count("letter-page") == 1 and "Үлгүлүү" in text
    # Signatures, too, are named in the language of who reads now, not of who read first.
    reader = school.as_("head")
    reader.post("/language", language="ru")
    text = reader.get(f"/results/pupil/{pupils[0]}/card")[1]
    assert "Классный руководитель" in text and "Класс жетекчи" not in text
