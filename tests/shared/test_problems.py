"""The error catalogue: whole, unambiguous, and drawn as it is."""

import re
from collections.abc import Iterator

import pytest

from shared import problems
from shared.problems import ConsentMissing, ImportRefused, InvalidValue, LineError, Problem, UnreadableWord


def every_class(root: type[Problem] = Problem) -> Iterator[type[Problem]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == problems.__name__:
            yield from every_class(child)


ALL = list(every_class())
RAISED = [kind for kind in ALL if not kind.__subclasses__()]


def drawn() -> dict[str, str]:
    """Read the tree in the module's docstring: the name of every class and of its parent."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (problems.__doc__ or "").splitlines():
        if match := re.fullmatch(r"    ((?:[| ]   |[|`]-- )*)([A-Z][A-Za-z]+)(?:  +\S.*| \(retry.*)?", line):
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            parents[match[2]] = path[depth - 1] if depth else ""
    return parents


def test_the_drawing_names_every_class_under_its_parent() -> None:
    bases = {kind.__name__: kind.__base__.__name__ for kind in ALL if kind is not Problem and kind.__base__}
    assert drawn() == {"Problem": ""} | bases


def test_the_drawing_tells_which_ones_are_worth_a_retry() -> None:
    marked = set(re.findall(r"(\w+) .*\(retry", problems.__doc__ or ""))
    assert marked == {kind.__name__ for kind in ALL if kind.retry}


def test_every_class_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in ALL}) == len(ALL)
    for kind in ALL:
        name = kind.__name__.removesuffix("Problem") or "Problem"
        assert kind.code == re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("kind", RAISED)
def test_every_class_that_is_raised_has_one_sentence_of_its_own(kind: type[Problem]) -> None:
    assert "template" in vars(kind)
    assert re.fullmatch(r"[A-Z{].*[^.]\.", kind.template)
    assert ". " not in kind.template
    assert 400 <= kind.status < 600


def test_no_two_sentences_are_alike() -> None:
    templates = [kind.template for kind in RAISED]
    assert len(set(templates)) == len(templates)


def example(kind: type[Problem]) -> Problem:
    if kind is ImportRefused:
        return ImportRefused(errors=[LineError(2, "sex", "x"), LineError(2, "birth_year", "x")])
    if kind is InvalidValue:
        return InvalidValue(table="person", column="sex", value="Асан")
    return kind(**{name: f"<{name}>" for name in kind.parameters()})


@pytest.mark.parametrize("kind", RAISED)
def test_the_sentence_shows_its_parameters(kind: type[Problem]) -> None:
    problem = example(kind)
    for name in kind.parameters():
        assert str(problem.details[name]) in problem.sentence()
    assert not re.search("[{}]", problem.sentence())
    assert str(problem) == problem.sentence()


@pytest.mark.parametrize("kind", [kind for kind in RAISED if kind.parameters()])
def test_a_missing_parameter_is_found_when_raising(kind: type[Problem]) -> None:
    with pytest.raises(TypeError):
        kind()


def test_the_sentence_is_translated_before_it_is_filled() -> None:
    problem = UnreadableWord(number=3, word="babax")
    asked: list[str] = []

    def gettext(template: str) -> str:
        asked.append(template)
        return "Слово {number} («{word}») не читается."

    assert problem.sentence(gettext) == "Слово 3 («babax») не читается."
    assert asked == [UnreadableWord.template]


def test_an_import_counts_lines_and_keeps_every_error() -> None:
    problem = example(ImportRefused)
    assert isinstance(problem, ImportRefused)
    assert problem.sentence() == "The import was refused; lines with errors: 1."
    assert len(problem.errors) == 2


def test_a_refused_value_is_kept_out_of_the_sentence() -> None:
    problem = example(InvalidValue)
    assert problem.details["value"] == "Асан"
    assert "Асан" not in problem.sentence()


def test_a_missing_consent_names_purpose_and_column() -> None:
    problem = ConsentMissing(purpose="core", column="surname")
    assert problem.sentence() == "Without a written consent for core, surname of a person stays empty."
    assert problem.status == 422
