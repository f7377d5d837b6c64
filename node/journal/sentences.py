"""What the journal's script says."""

from __future__ import annotations

from functools import cache

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from shared.i18n import current_language, gettext, in_list
from shared.schema import ATTENDANCE_STATUSES


def texts(page: str = "") -> Markup:
    """What the script says on a page, ``lesson``, ``grid`` or another one, in the reader's language: JSON that may
    stand in an attribute between single quotes.
    """
    return _texts(page, current_language())


@cache
def _texts(page: str, language: str) -> Markup:
    """The same; ``language`` is that of the request, and what it is kept by."""
    told = _common() | {"lesson": _of_lesson, "grid": _of_grid}.get(page, dict)()
    return htmlsafe_json_dumps(told, ensure_ascii=False, separators=(",", ":"))


def _common() -> dict[str, str]:
    return {
        "saved": gettext("Saved"),
        "waiting": gettext("Waiting"),
        "refused": gettext("Not saved"),
        "locked": gettext("Locked period"),
        "offline": gettext(
            "No connection: what you enter is kept in this browser and sent later. Do not reload the page till then."
        ),
        "sign_in": gettext("Sign in again and open this page anew; what waits is sent then."),
        "clash": gettext("Someone wrote meanwhile:"),
        "clash_own": gettext("You wrote in another window meanwhile:"),
        "undo": gettext("Undo"),
        "theirs": gettext("Keep what stands there"),
        "mine": gettext("Write mine"),
        "reword": gettext("Write it differently"),
        "someone_else": gettext("It is the name of someone else, who may be named"),
        "nothing": gettext("(empty)"),
        **{status: in_list(status, "attendance_status") for status in ATTENDANCE_STATUSES},
        "absent_marked": gettext("Marked absent, and has a mark."),
    }


def _of_lesson() -> dict[str, str]:
    return {
        "erased": gettext("Erased:"),
        "all_present": gettext("Are all others present?"),
        "all_present_yes": gettext("Yes, attendance is taken"),
        "was_there": gettext("Was there"),
        "was_away": gettext("Was away; the mark stays"),
    }


def _of_grid() -> dict[str, str]:
    return {
        "na": gettext("n/a"),
        "paste": gettext("Paste into the journal"),
        "paste_write": gettext("Write"),
        "paste_cancel": gettext("Cancel"),
        "paste_same": gettext("stays as it is"),
        "paste_scale": gettext("not on the scale"),
        "paste_word": gettext("not understood"),
        "paste_outside": gettext("no such cell"),
        "paste_late": gettext("needs a reason for the late change"),
    }
