"""What each purpose of a consent is for: as the printed form says it, and as what is kept, shown and passed on asks.

The gate of `sync` knows which column fills under which purpose. What further depends on a purpose stands here: an
e-mail address is kept and shown for messages, a disability under health too, and by name data leave the school under
transfer alone. That a photo asks for the core record, too, is the gate's own rule. Nothing here knows of HTTP.
"""

from __future__ import annotations

from shared.i18n import N_
from sync.gate import VALID, needed

CORE_DATA = {
    "pupil": N_("name, date of birth, sex, personal number, identity document, address, telephone, class, marks, "
                "absences, conduct: to teach and to keep the records that the law asks for"),
    "staff": N_("name, date of birth, sex, personal number, identity document, address, telephone, position, "
                "education, experience, category, load, duties: to work in the school and to keep the records that the "
                "law asks for"),
    "guardian": N_("name, identity document, address, telephone, relation to the child: to speak with the school for "
                   "the child"),
}  # fmt: skip
"""Who the person is to the school -> the data of the core record and what for, as the printed form says it."""
PAPER = (
    ("photo", N_("photographs and video: to recognise the person on the card; shown to staff of the school")),
    ("messages", N_("e-mail, and the telephone of the core record: to tell of lessons and events")),
    ("health", N_("disability, for support and safe lessons; what else must be known of health stays on paper")),
    ("social", N_("social status of the family: for support that the law provides")),
    ("transfer", N_("passing on of data by name, to the education department, another school or a learning program; "
                    "without it a number stands for the person")),
    ("letters", N_("letters on results and attendance, on paper")),
)  # fmt: skip
"""The other purposes -> which data are used and what for, as the form says it; each can be refused by itself."""
UNDER_MESSAGES = ("email",)
"""Columns of a person that are kept under the core record and shown and filled under `messages`, too."""
UNDER_HEALTH = ("disability",)
"""Social categories that tell of health and ask for `health`, too."""


def agreed(name: str, purpose: str) -> str:
    """A common table expression: the people with a consent for a purpose that is valid on the day ``:today``."""
    given = " AND ".join(
        f"EXISTS (SELECT 1 FROM consent c WHERE c.person = p.id AND c.purpose = '{one}' AND {VALID})"
        for one in needed(purpose)
    )
    return f"{name} (id) AS (SELECT p.id FROM person p WHERE p.retired_at IS NULL AND {given})"
