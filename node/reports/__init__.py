"""The school's own reports, as forms ask for them: movement per quarter, the return of the school year's start."""

from node.reports.views import area

__all__ = ["area"]
