"""Import of lists a school has already: a CSV or XLSX file and a mapping, whose language `mapping` tells."""

from node.importing.actions import ImportResult, plan, run_import
from node.importing.mapping import load_mapping

__all__ = ["ImportResult", "load_mapping", "plan", "run_import"]
