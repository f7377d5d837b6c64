"""Cubes and indicators, defined once: school and district evaluate the same, so their numbers cannot differ.

A cube is a query over district columns that runs unchanged on SQLite and PostgreSQL and gives its finest
grain: dimensions and summed measures. An indicator is an expression over measures, a sum or a quotient of
sums; a total is the quotient of the total sums, never a mean of percentages. Success, quality, average and
СОУ (degree of learning) are those of the region's schools, with pupils not assessed in the denominator unless
an indicator says otherwise; the report prints which rule was used.
"""

from __future__ import annotations

from shared.indicators.cubes import COUNTED, CUBES, LAST_DAYS, Cell, Cube, Key, Names, Run, evaluate
from shared.indicators.dimensions import DIMENSIONS, Dimension, Naming, pick, place_of, value_label
from shared.indicators.formulas import INDICATORS, RULES, Indicator, Linear, total
from shared.indicators.tables import PLACES, tabulate
from shared.report import hide_small

__all__ = [
    "COUNTED", "CUBES", "DIMENSIONS", "INDICATORS", "LAST_DAYS", "PLACES", "RULES", "Cell", "Cube", "Dimension",
    "Indicator", "Key", "Linear", "Names", "Naming", "Run", "evaluate", "hide_small", "pick", "place_of", "tabulate",
    "total", "value_label",
]  # fmt: skip
