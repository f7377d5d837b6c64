"""What the journal's script says."""

from __future__ import annotations

from functools import cache

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from shared.i18n import current_language, gettext, in_list
from shared.schema import ATTENDANCE_STATUSES


def texts() -> Markup:
    """What the script says, in the reader's language: JSON that may stand in an attribute between single quotes."""
    return _texts(current_language())


@cache
def _texts(language: str) -> Markup:
    """The same; ``language`` is that of the request, and what it is kept by."""
    told = {
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
        "erased": gettext("Erased:"),
        "all_present": gettext("Are all others present?"),
        "all_present_yes": gettext("Yes, attendance is taken"),
        "theirs": gettext("Keep what stands there"),
        "mine": gettext("Write mine"),
        "reword": gettext("Write it differently"),
        "someone_else": gettext("It is the name of someone else, who may be named"),
        "nothing": gettext("(empty)"),
        "na": gettext("n/a"),
        **{status: in_list(status, "attendance_status") for status in ATTENDANCE_STATUSES},
        "absent_marked": gettext("Marked absent, and has a mark."),
        "was_there": gettext("Was there"),
        "was_away": gettext("Was away; the mark stays"),
        "paste": gettext("Paste into the journal"),
        "paste_write": gettext("Write"),
        "paste_cancel": gettext("Cancel"),
        "paste_same": gettext("stays as it is"),
        "paste_scale": gettext("not on the scale"),
        "paste_word": gettext("not understood"),
        "paste_outside": gettext("no such cell"),
        "paste_late": gettext("needs a reason for the late change"),
    }
    return htmlsafe_json_dumps(told, ensure_ascii=False, separators=(",", ":"))
