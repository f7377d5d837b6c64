"""Routes of the settings."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import right
from node.request import acting, database
from node.settings import actions, queries
from node.settings.registry import GROUPS, SETTINGS, Setting
from shared.i18n import gettext, translate
from shared.problems import InvalidValue, SameLetter
from shared.web import visitor

area = Blueprint("settings", __name__, url_prefix="/settings", template_folder="templates")


@area.get("/")
@right("settings", "V")
def index() -> ResponseReturnValue:
    """All settings by group; those of one's own duties as fields."""
    return _page({}, {})


@area.post("/")
@right("settings", "V")
def keep() -> ResponseReturnValue:
    """Change the settings that were sent; all of them, or with one sentence at a field none."""
    given = {s.name: request.form[s.name] for s in SETTINGS if s.name in request.form}
    errors: dict[str, str] = {}
    for setting in SETTINGS:
        if setting.name in given:
            try:
                setting.parse(given[setting.name])
            except ValueError:
                errors[setting.name] = _sentence(setting)
    if errors:
        return _page(given, errors), 422
    try:
        with acting() as w:
            changed = actions.change_all(w, given, visitor().roles)
    except SameLetter as problem:
        return _page(given, {str(problem.details["setting"]): problem.sentence(gettext)}), problem.status
    return redirect(url_for("settings.index", changed=changed))


def _sentence(setting: Setting) -> str:
    if setting.kind == "int":
        return gettext("A whole number from %(low)s to %(high)s.", low=setting.minimum, high=setting.maximum)
    return InvalidValue(table="setting", column=setting.name, value="").sentence(gettext)


def _page(given: dict[str, str], errors: dict[str, str]) -> str:
    held = queries.values(database()) | given
    may = {setting.name for setting in SETTINGS if visitor().has(*setting.editors)}
    groups = [(heading, [s for s in SETTINGS if s.group == group]) for group, heading in GROUPS.items()]
    return render_template(
        "settings/index.html",
        groups=[(heading, found) for heading, found in groups if found],
        held=held,
        may=may,
        options={s.name: [(value, translate(label)) for value, label in s.choices] for s in SETTINGS},
        errors=errors,
        changed=request.args.get("changed", type=int),
    )
