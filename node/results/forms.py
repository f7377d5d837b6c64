"""From what a browser sends to conduct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def conduct(form: Mapping[str, str], pupils: Iterable[int]) -> dict[int, str]:
    """The conduct of the pupils whose choice differs from the one that was shown."""
    found = {}
    for pupil in pupils:
        chosen = form.get(f"conduct-{pupil}")
        if chosen is not None and chosen != form.get(f"seen-{pupil}", ""):
            found[pupil] = chosen
    return found
