"""Every setting a school may change, declared once: one entry each, and its page, its checks and its default follow.

A value is kept as text in the table `setting`; a setting that was never changed has no row and reads as its default.
Names are permanent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.i18n import N_

Kind = Literal["int", "bool", "choice", "text", "letter"]

DEPUTY = ("head", "deputy")
HEAD = ("head",)
KEEPERS = ("head", "administrator")


@dataclass(frozen=True)
class Setting:
    """One setting. ``kind`` bool is 0 or 1; ``choices`` are (value, label) pairs; labels are marked with `N_`.

    ``minimum`` and ``maximum`` bound an int; ``max_length`` a text, or a letter, which nobody could take for a mark.
    ``editors`` are the duties that may change it.
    """

    name: str
    kind: Kind
    default: int | str
    label: str
    group: str
    help: str = ""
    minimum: int = 0
    maximum: int = 1_000_000
    choices: tuple[tuple[str, str], ...] = ()
    max_length: int = 200
    editors: tuple[str, ...] = DEPUTY

    def parse(self, text: str) -> int | str:
        """The value that a text stands for; ValueError when the setting does not allow it."""
        text = text.strip()
        if self.kind in ("int", "bool"):
            low, high = (0, 1) if self.kind == "bool" else (self.minimum, self.maximum)
            if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
                raise ValueError(text)
            return int(text)
        allowed = text in dict(self.choices) if self.kind == "choice" else len(text) <= self.max_length
        if self.kind == "letter":
            allowed = allowed and not any(sign.isdigit() or sign in "/ " for sign in text)
        if not allowed or not text.isprintable():
            raise ValueError(text)
        return text


WEIGHTS = {
    "oral": (1, N_("Weight of an oral answer")),
    "homework": (1, N_("Weight of homework")),
    "independent": (2, N_("Weight of independent work")),
    "control": (3, N_("Weight of control work")),
    "dictation": (2, N_("Weight of a dictation")),
    "composition": (2, N_("Weight of a composition")),
    "exposition": (2, N_("Weight of an exposition")),
    "lab": (2, N_("Weight of laboratory work")),
    "test": (2, N_("Weight of a test")),
    "diagnostic": (0, N_("Weight of diagnostic assessment")),
    "formative": (1, N_("Weight of formative assessment")),
    "summative": (3, N_("Weight of summative assessment")),
}
"""Kinds of work by code: the usual weight of their marks, and what a school's own choice of it is called."""
_WEIGHING = N_("A mark of weight 2 counts as two of weight 1; weight 0 changes no average.")

GROUPS = {
    "school": N_("School"),
    "classes": N_("Classes"),
    "journal": N_("Journal"),
    "marks": N_("Marks"),
    "attendance": N_("Attendance"),
    "consents": N_("Consents"),
    "security": N_("Security"),
    "regulation": N_("Regulation"),
}
"""Group -> its heading, in the order of the page. A setting of another group needs a line here."""

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "school_full_name", "text", "", N_("Full name of the school as printed on papers"), "school",
        N_("Empty: the short name at the top of every page."), max_length=200,
    ),
    Setting(
        "school_address", "text", "", N_("Postal address of the school as printed on papers"), "school",
        N_("It stands below the name on certificates, orders and forms of consent."), max_length=200,
    ),
    Setting(
        "class_norm", "int", 36, N_("Most pupils a class should have"), "classes", minimum=1, maximum=99,
    ),
    Setting(
        "split_from", "int", 25, N_("Pupils from which a class may be split into subgroups"), "classes",
        N_("Usually 25 in a town and 20 in a village."), minimum=2, maximum=99,
    ),
    Setting(
        "last_primary_grade", "int", 6, N_("Last grade of the primary stage"), "classes",
        N_("6 where the twelve-year programme holds, 4 before it."), minimum=1, maximum=8,
    ),
    Setting(
        "last_basic_grade", "int", 9, N_("Last grade of the basic stage"), "classes", minimum=5, maximum=10,
    ),
    Setting(
        "return_day", "int", 0, N_("Day of the month on which the return of the year's start (ОШ-1) counts"), "classes",
        N_("Usually 5 September. 0: the date that the education office gives for the year."), maximum=31,
    ),
    Setting(
        "return_month", "int", 9, N_("Month of that day"), "classes", minimum=1, maximum=12,
    ),
    Setting(
        "edit_days", "int", 7, N_("Days in which the journal may be changed freely"), "journal",
        N_("Later changes need a reason and show as on paper: old value struck through, author, date."),
        maximum=365,
    ),
    Setting(
        "rounding", "int", 50, N_("Threshold of rounding a term mark, in hundredths"), "marks",
        N_("50 rounds 3.50 up, 65 rounds up from 3.65 only."), minimum=50, maximum=65,
    ),
    Setting(
        "rounding_year", "int", 50, N_("Threshold of rounding an annual mark, in hundredths"), "marks",
        N_("With more than 50 a half is below it and rounded down."), minimum=50, maximum=65,
    ),
    Setting(
        "ties_year", "choice", "toward", N_("A half in the mean of the quarters"), "marks",
        N_("Where the threshold of the annual mark is 50."),
        choices=(("toward", N_("Towards the last quarter")), ("up", N_("Up"))),
    ),
    Setting(
        "ties_final", "choice", "toward", N_("A half between annual mark and exam"), "marks",
        choices=(("toward", N_("Towards the exam")), ("up", N_("Up"))),
    ),
    Setting(
        "minimum_marks", "int", 3, N_("Marks needed for a term mark"), "marks",
        N_("With fewer marks the proposal is 'not assessed'."), minimum=1, maximum=20,
    ),
    Setting(
        "marks_asked_days", "int", 14, N_("Days before a term's end from which missing marks are told"), "marks",
        N_("Earlier a pupil with few marks is no news."), maximum=365,
    ),
    Setting(
        "use_of_one", "bool", 1, N_("The mark 1 is used"), "marks",
        N_("Some schools do not give it; then the journal refuses it."),
    ),
    *(
        Setting(
            f"weight_{code}", "int", usual, label, "marks", maximum=100,
            help=_WEIGHING if code == "oral" else "",
        )
        for code, (usual, label) in WEIGHTS.items()
    ),
    Setting(
        "alert_days_running", "int", 3, N_("Alarm after days missed running"), "attendance",
        minimum=1, maximum=60,
    ),
    Setting(
        "alert_unexcused", "int", 10, N_("Alarm after days missed without a valid reason"), "attendance",
        minimum=1, maximum=200,
    ),
    Setting(
        "letter_absent", "letter", "", N_("Letter for an absence"), "attendance",
        N_("Empty: the letter usual in the reader's language."), max_length=2,
    ),
    Setting("letter_late", "letter", "", N_("Letter for coming late"), "attendance", max_length=2),
    Setting("letter_ill", "letter", "", N_("Letter for an absence through illness"), "attendance", max_length=2),
    Setting(
        "letter_excused", "letter", "", N_("Letter for an absence with a valid reason"), "attendance", max_length=2,
    ),
    Setting(
        "letter_unexcused", "letter", "", N_("Letter for an absence without a valid reason"), "attendance",
        max_length=2,
    ),
    Setting(
        "consent_notice_days", "int", 30, N_("Days before its end from which a consent is listed as lapsing"),
        "consents", minimum=1, maximum=365,
    ),
    Setting(
        "core_kept_years", "int", 3, N_("Years for which the law obliges to keep a pupil's personal file"), "consents",
        N_("Counted from leaving. After them a withdrawn core record is erased, but for name, sex and date of birth; "
           "to be confirmed with the archive."),
        maximum=100,
    ),
    Setting(
        "book_kept_years", "int", 75, N_("Years for which name, sex and date of birth of a pupil are kept"), "consents",
        N_("Counted from leaving; for the alphabetic book and the books of marks. To be confirmed with the archive."),
        maximum=100,
    ),
    Setting(
        "staff_kept_years", "int", 75, N_("Years for which the law obliges to keep a staff file"), "consents",
        N_("Counted from leaving."), maximum=100,
    ),
    Setting(
        "answer_days", "int", 7, N_("Days in which a request to correct data is answered"), "consents",
        minimum=1, maximum=30,
    ),
    Setting(
        "pin_lock_minutes", "int", 10, N_("Minutes without a touch after which a shared computer locks"), "security",
        N_("On a computer where someone signs in with a PIN."), minimum=1, maximum=240, editors=KEEPERS,
    ),
    Setting(
        "left_account_days", "int", 30, N_("Days after leaving in which an account still signs in"), "security",
        N_("Of pupils off the roll, of parents without a child on it, of staff whose work has ended. Head and "
           "administrator sign in until an order ends the duty."),
        maximum=3650, editors=KEEPERS,
    ),
    Setting(
        "backup_days", "int", 90, N_("Days after which this machine removes the backups it wrote"), "security",
        N_("What was erased since is still in them. 0 keeps them all; the newest always stays."),
        maximum=3650, editors=KEEPERS,
    ),
    Setting(
        "orders_year", "choice", "calendar", N_("Orders are numbered anew"), "regulation",
        choices=(("calendar", N_("From January")), ("school", N_("From August"))), editors=HEAD,
    ),
    Setting(
        "stage", "choice", "3", N_("Stage of introduction (clause 4.1)"), "regulation",
        N_("Pages of a later stage are hidden, and nobody may open them."),
        choices=(
            ("1", N_("Stage 1: pupils and teachers, results, short reports, movement")),
            ("2", N_("Stage 2: also personal data, timetable, journal, reports")),
            ("3", N_("Stage 3: also plans, courses, portfolios, messages")),
        ),
        editors=HEAD,
    ),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}
