"""A hub put back from an old backup, at any moment: its schools complete it, nothing is lost, all end alike."""

from random import Random

import pytest

from tests.properties import acts
from tests.properties.machines import determined
from tests.properties.restored import Alone, beside_model, history, require_erased

HISTORIES, IN_A_BATCH = 60, 20
BESIDE_MODEL = 30


@pytest.mark.parametrize("first", range(0, HISTORIES, IN_A_BATCH))
def test_schools_complete_a_hub_put_back(first):
    for seed in range(first, first + IN_A_BATCH):
        try:
            history(seed)
        except Exception as error:
            raise AssertionError(f"history {seed}: {error!r}") from error


def test_engine_and_model_complete_it_alike():
    for seed in range(BESIDE_MODEL):
        try:
            beside_model(seed)
        except Exception as error:
            raise AssertionError(f"history {seed}: {error!r}") from error


def test_an_erased_value_that_came_back_is_found():
    with determined(5) as time:
        alone = Alone(5, Random(5), time)
        school = alone.schools[0]
        db = school.machines[0].db
        while not school.doomed:
            for act in (acts.add_movement, acts.give_result, acts.explain_result, acts.give_mark):
                alone.write(school, school.machines[0], act)
            logged = dict(db.execute("SELECT n, vals FROM change").fetchall())
            alone.write(school, school.machines[0], acts.erase)
        alone.settle()
        require_erased(db)
        for n, vals in logged.items():
            db.execute("UPDATE change SET vals = ? WHERE n = ?", (vals, n))
        with pytest.raises(AssertionError, match="an erased value"):
            require_erased(db)
