"""Headings of lists: however they are written, one column of the list each."""

from __future__ import annotations

from collections import Counter

import pytest

from node.importing.headings import FULL_NAME, LEFT_OUT, matched, plain
from node.importing.kinds import KINDS

PUPILS = KINDS["pupils"].mapping().headings


@pytest.mark.parametrize(
    "heading",
    ["Ф.И.О.", "ф. и. о", "ФИО", "  Аты - жөнү ", "аты жону:", "Фамилия,имя, отчество", "Фамилиясы, аты"],
)
def test_the_whole_name_is_known_however_it_is_headed(heading: str) -> None:
    assert matched([heading], PUPILS) == (FULL_NAME,)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("ТУУЛГАН КУНУ", "born"), ("Дата рождения (дд.мм.гггг)", "born"), ("Туулган күнү, айы, жылы", "born"),
        ("Класс*", "class"), ("Пол (м/ж)", "sex"), ("№ личного дела", "file"), ("Номер личного дела.", "file"),
        ("ПИН/ИНН", "pin"), ("Домашний  адрес", "address"), ("Дата приема", "enrolled"), ("Тел.", "phone"),
        ("№ п/п", LEFT_OUT), ("№", LEFT_OUT), ("Себеби", LEFT_OUT),
        ("Национальность", None), ("", None), ("(...)", None),
    ],
)  # fmt: skip
def test_headings_of_lists_in_life(heading: str, field: str | None) -> None:
    assert matched([heading], PUPILS) == (field,)


def test_parts_of_a_name_come_before_the_whole_and_the_first_whole_before_others() -> None:
    assert matched(["ФИО", "Фамилия", "Имя"], PUPILS) == (LEFT_OUT, "surname", "given")
    assert matched(["ФИО", "Аты-жөнү"], PUPILS) == (FULL_NAME, None)


def test_what_someone_said_of_a_heading_counts_more_than_what_it_is_known_as() -> None:
    said = {plain("Ким"): "surname", plain("Пол"): LEFT_OUT}
    assert matched(["Ким", "ПОЛ", "Класс"], PUPILS, said) == ("surname", LEFT_OUT, "class")


@pytest.mark.parametrize("kind", KINDS)
def test_no_heading_means_two_columns_of_a_list(kind: str) -> None:
    named = KINDS[kind].mapping().headings
    said = Counter(heading for names in named.values() for heading in {plain(name) for name in names})
    assert [heading for heading, times in said.items() if times > 1] == []
    for column, names in named.items():
        assert [matched([name], named)[0] for name in names] == [column] * len(names)
