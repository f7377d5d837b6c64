"""What the journal's scripts say."""

from __future__ import annotations

from node.letters import usual_letters
from shared.i18n import coded, column_label, gettext, in_list
from shared.problems import NoLesson, NotAllowed, NotInGroup, ReasonNeeded, TermLocked, WithoutMarks
from shared.schema import ABSENCE_REASONS, ATTENDANCE_STATUSES

STAYING = (NoLesson, NotAllowed, NotInGroup, ReasonNeeded, TermLocked, WithoutMarks)
"""Why something is not saved that a browser still knows when its page is opened anew: no name is in these."""


def words() -> dict[str, str]:
    """What the journal's scripts say, in the language at hand."""
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
        "again": gettext("Send again"),
        "give_up": gettext("Do not save it"),
        "next": gettext("Next"),
        "save": gettext("Save"),
        "reason": gettext("Reason for the late change"),
        "number": gettext("No. %(number)s", number="#"),
        "topic": column_label("lesson", "topic"),
        "homework": column_label("lesson", "homework"),
        "comment": column_label("mark", "comment"),
        "taken": gettext("Attendance taken"),
        "yes": gettext("yes"),
        "no": gettext("no"),
        **{problem.code: problem().sentence(gettext) for problem in STAYING},
        "nothing": gettext("(empty)"),
        **{status: in_list(status, "attendance_status") for status in ATTENDANCE_STATUSES},
        **{reason: coded(reason, "attendance", "reason") for reason in ABSENCE_REASONS},
        **{f"letters_{meaning}": " ".join(found) for meaning, found in usual_letters().items()},
        "absent_marked": gettext("Marked absent, and has a mark."),
        "erased": gettext("Erased:"),
        "all_present": gettext("Are all others present?"),
        "all_present_yes": gettext("Yes, attendance is taken"),
        "was_there": gettext("Was there"),
        "was_away": gettext("Was away; the mark stays"),
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
