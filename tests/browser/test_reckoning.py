"""The grid reckons average and proposed mark as one types: case by case the same as the school's own rule."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route

from node.journal import queries
from node.journal.queries import Cell, Mark, Rule
from shared.grading import THRESHOLDS
from shared.i18n import exact
from tests.browser.test_journal import sign_in, that_day
from tests.node.conftest import SchoolPages
from tests.node.test_journal import Desk, a_school

CASES = 300
Pair = tuple[int, int]
"""A mark and its weight."""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("reckoning"))


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    made = Desk(school)
    yield made
    made.db.close()


@pytest.fixture
def here(school: SchoolPages, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from that_day(school, monkeypatch)


def cases(chance: random.Random, most: int, threshold: int) -> list[list[Pair]]:
    """Marks of pupils: by chance, none at all, without weight, and just on both sides of the threshold."""
    found = [
        [
            (chance.randint(0, most), chance.choice([0, 1, 1, 1, 2, 3, 5]))
            for _ in range(chance.randint(0, 12))
        ]
        for _ in range(CASES)
    ]
    for over in (-1, 0, 1):
        high = threshold + over
        found.append([(most, high), (most - 1, 100 - high)])
        found.append([(most, high), (most - 1, 100 - high), (0, 0)])
    return [*found, [], [(0, 1)] * 3, [(most, 0)] * 4, [(most, 1)] * 12]


def row(number: int, marks: list[Pair], columns: int) -> str:
    """A row of the grid with these marks, two in a cell where there are many; of every third pupil the first few are
    not in it, for they were brought along from another class.
    """
    there = marks[: number % 3 and 4]
    marks, brought = marks[len(there) :], ""
    if there:
        cells = {(day, 1, 1): Cell("present", {0: Mark(*pair, "")}) for day, pair in enumerate(there)}
        sums = queries.weighed(cells, Rule({weight: weight for weight in range(101)}, 50, 3))[1]
        brought = f' data-brought="{" ".join(map(str, sums))}"'
    drawn = []
    for place in range(columns):
        first, second = marks[2 * place : 2 * place + 1], marks[2 * place + 1 : 2 * place + 2]
        told = "".join(
            f' data-{name}="{value}"' + (f' data-{heavy}="{weight}"' if weight != 1 else "")
            for name, heavy, pair in (("m", "w", first), ("n", "v", second))
            for value, weight in pair
        )
        drawn.append(f"<td{told}></td>")
    ends = '<td class="sum" data-average></td><td class="sum" data-proposed></td><td class="sum"></td>'
    return f'<tr data-pupil="{number}"{brought}><th scope="row">{number}</th>{"".join(drawn)}{ends}</tr>'


def with_rows(pupils: list[list[Pair]], threshold: int, minimum: int) -> Callable[[Route], None]:
    """Lets the school's page through with other rows and another rule."""

    def answer(route: Route) -> None:
        text = route.fetch().text()
        columns = len(re.findall(r"data-at=", text))
        rows = "".join(row(number, marks, columns) for number, marks in enumerate(pupils, 1))
        text = re.sub(
            r"<tbody>.*?</tbody>", lambda _: f"<tbody>{rows}</tbody>", text, count=1, flags=re.DOTALL
        )
        text = re.sub(r'data-threshold="\d+"', f'data-threshold="{threshold}"', text)
        text = re.sub(r'data-minimum="\d+"', f'data-minimum="{minimum}"', text)
        route.fulfill(body=text, content_type="text/html; charset=utf-8")

    return answer


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_browser_and_school_reckon_alike(page: Page, desk: Desk, here: str) -> None:
    sign_in(page, here, desk)
    chance = random.Random(20251023)
    address = f"{here}/journal/group/{desk.place.group}"
    for threshold in (THRESHOLDS[0], 55, 60, THRESHOLDS[-1]):
        minimum, most = chance.randint(1, 5), chance.choice([5, 10, 12, 100])
        pupils = cases(chance, most, threshold)

        page.route(address, with_rows(pupils, threshold, minimum))
        page.goto(address)
        told = page.evaluate(
            """[...document.querySelectorAll("tr[data-pupil]")].map((row) =>
              ["average", "proposed"].map((name) => row.querySelector(`[data-${name}]`).textContent))"""
        )
        page.unroute(address)
        assert len(told) == len(pupils)
        rule = Rule({weight: weight for weight in range(101)}, threshold, minimum)
        for marks, (average, proposed) in zip(pupils, told, strict=True):
            stands = queries.standing([Mark(value, weight, "") for value, weight in marks], rule)
            wanted = exact(stands.average, 2).replace(".", ",")
            assert (average, proposed) == (
                wanted,
                "б/э" if stands.proposed is None else str(stands.proposed),
            ), marks
