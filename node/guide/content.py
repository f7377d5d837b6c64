"""What the guides say: for each duty the few things it does most, in the order of a day or a year."""

from __future__ import annotations

from dataclasses import dataclass

from shared.problems import N_


@dataclass(frozen=True)
class Step:
    """One thing to do: title and text marked with `N_`, the page where it is done, pictures of it."""

    title: str
    text: str
    endpoint: str = ""
    pictures: tuple[str, ...] = ()


EVERYONE = (
    Step(
        N_("Sign in"),
        N_(
            "Open the school's address in any browser; the internet is not needed. Behind your initials you change the "
            "password, choose the language and sign out. The sign beside them tells whether everything is safe in the "
            "school and has reached the district."
        ),
        "home.index",
        ("sign-in",),
    ),
    Step(
        N_("Your own data"),
        N_(
            "Behind your initials, under My data and consents: what is held about you, who read it, what goes to the "
            "district; ask there for a correction. Staff and pupils of 18 give and withdraw their own consents there, "
            "too; the school records the signed paper."
        ),
        "owndata.mine",
        ("own-consents",),
    ),
)

TEACHER = (
    Step(
        N_("Keep a lesson"),
        N_(
            "Your lessons of today stand on the first page. Open one: everyone is present until you mark who is away "
            "or late. Say that attendance is taken, also when all are there. Topic and homework stand above, folded on "
            "a phone; the planned topic is filled in for you. A pupil's name leads to the history. Some days after the lesson "
            "a change needs a reason, and the old value stays beside it, struck through; an empty topic can still be "
            "filled without one."
        ),
        "journal.index",
        ("today", "lesson"),
    ),
    Step(
        N_("Enter marks"),
        N_(
            "In the grid type a digit and you are at the next pupil. A slash adds a second mark, the letters of absence "
            "mark who is away or late, Delete empties, Esc takes back; beside the cell you say that attendance of its "
            "lesson is taken. Each cell saves itself and shows it; if the connection goes, it waits in this browser and "
            "is sent once the school's computer is there again. A mark you correct keeps its kind of work: to change "
            "that, choose the kind and enter the mark again, or open the pupil's name in the lesson. An average leads "
            "to how it came about."
        ),
        "journal.index",
        ("grid",),
    ),
    Step(
        N_("Give the results of a term"),
        N_(
            "Mektep proposes a mark from the weights of the works; you decide. A mark that differs from the proposal "
            "needs a reason. Press an average to see of which marks it is. Who came from another class brought its marks "
            "along; of a newcomer you enter those of the former school's report card. When the deputy has locked the "
            "term, ask the deputy to open it again."
        ),
        "results.index",
        ("results",),
    ),
    Step(
        N_("Write your plan"),
        N_(
            "Sections, topics and hours come from a spreadsheet, from last year or from a colleague. Mektep lays them "
            "onto the real dates of your lessons and moves them when the calendar changes. A plus beside a topic adds "
            "one after it."
        ),
        "plans.index",
        ("plan",),
    ),
)

CLASS_TEACHER = (
    Step(
        N_("Ask for reasons"),
        N_(
            "The page of attendance lists absences of your class without a reason. Give the reason with one touch, by "
            "lesson where they differ, or enter a note that covers several days. A note that a family hands in stands "
            "on your first page: accept it, or decline it and say why. An alarm shows who was away three days running."
        ),
        "attendance.index",
        ("attendance",),
    ),
    Step(
        N_("Your class and its consents"),
        N_(
            "The page of consents lists whom of your class to ask, what lapses soon, and how many agreed to what. Without "
            "a written consent no name stands anywhere; print the form, have it signed, record it with its date."
        ),
        "consents.index",
        ("class", "asked"),
    ),
    Step(
        N_("Report cards"),
        N_(
            "At the end of a term print the report cards of the whole class, or one of them, on A4. Of a pupil who came "
            "in the course of the year, enter the marks of the former school beside the pupil's results."
        ),
        "results.index",
        ("report-card",),
    ),
)

DEPUTY = (
    Step(
        N_("The year's calendar"),
        N_(
            "Terms, holidays and days with other rules. When the ministry moves a holiday, move it here: plans and "
            "attendance follow, and half-year and year move along with their quarters. A locked term is reopened before "
            "it moves. Bells belong to a shift."
        ),
        "calendar.index",
        ("calendar",),
    ),
    Step(
        N_("The timetable"),
        N_(
            "A grid of a class by day and lesson. A warning says when a teacher, a room or a class is there twice. "
            "A change begins on a date, so that the past stays as it was. Substitutions propose who is free."
        ),
        "timetable.index",
        ("timetable",),
    ),
    Step(
        N_("Look after the journal"),
        N_(
            "Lessons without a topic, without attendance, pupils with too few marks before the end of a term: each "
            "with the teacher to be asked. Lock a term when its results are right."
        ),
        "control.index",
        ("control",),
    ),
    Step(
        N_("The rules of marks"),
        N_(
            "Settings hold the weights of works, from where a mean is rounded up, for term marks and annual marks apart, "
            "and where a half goes: towards the last quarter and towards the exam, or up. With a threshold above 50 a "
            "half in the annual mark is below it and goes down."
        ),
        "settings.index",
    ),
    Step(
        N_("Approve plans"),
        N_("See the hours given against the plan, and approve what teachers have handed in."),
        "plans.index",
    ),
)

HEAD = (
    Step(
        N_("What waits for you"),
        N_(
            "The first page begins with it: orders to sign, accounts and plans to approve, lessons without attendance, "
            "pupils who miss too much. Below are the ways to orders, tasks, sign-off and reports."
        ),
        "home.index",
        ("head-day",),
    ),
    Step(
        N_("Orders and duties"),
        N_(
            "An order gives a duty and another ends it; what a person may do here follows from the duties of the day. "
            "Sign an order and it stays as it is; a later change is a new order."
        ),
        "orders.index",
        ("orders",),
    ),
    Step(
        N_("Tasks and sign-off"),
        N_(
            "Give staff something to do by a date, and accept it when it is done. Confirm what was entered by the check "
            "lists of classes and areas, once somebody else has checked it."
        ),
        "tasks.index",
    ),
    Step(
        N_("The year and its numbers"),
        N_(
            "Reports count what stands in the books; the district sees the same numbers. A report is frozen when you "
            "hand it in, and a later order makes a numbered correction."
        ),
        "reports.index",
        ("reports",),
    ),
    Step(
        N_("Who has read what"),
        N_("Every reading and every export of personal data is in the reading log."),
        "reading.index",
    ),
)

SECRETARY = (
    Step(
        N_("Admit and release pupils"),
        N_(
            "An admission writes the person, the class and the movement book at once; a departure and a transfer do the "
            "same. The book's balance is always right. Print it as on paper."
        ),
        "movement.index",
        ("movement",),
    ),
    Step(
        N_("Bring in lists"),
        N_(
            "Save the template, fill it in, give it back, or give a list of your own: a heading that is not understood is "
            "asked about once. A trial run tells every error by line and field, a class that the school does not have is "
            "made only if you tick it, and nothing is written until you say so. A whole import can be undone."
        ),
        "importing.index",
        ("import",),
    ),
    Step(
        N_("From another program"),
        N_(
            "A OneRoster archive brings pupils, staff, classes and subject groups at once. Nobody is named without a "
            "consent: record the consents, take the same archive in again, and the names come."
        ),
        "oneroster.index",
    ),
    Step(
        N_("Cards and personal files"),
        N_(
            "Find a person by any part of the name, also without Kyrgyz letters, and keep the card up to date. A "
            "certificate of study is printed from the card; the school's address on it is a setting."
        ),
        "people.index",
        ("people",),
    ),
    Step(
        N_("The orders book"),
        N_("Write orders with the next number of their series; the head signs."),
        "orders.index",
    ),
)

SOCIAL = (
    Step(
        N_("Your first page"),
        N_(
            "How many pupils miss too much, the social passport in numbers, and who left without another school "
            "confirming it. Each leads to its list."
        ),
        "home.index",
        ("social-day",),
    ),
    Step(
        N_("Who needs help"),
        N_(
            "The page of attendance shows who is away too often, and every absence of a pupil with its reason. Social "
            "categories stand on the cards of those who agreed."
        ),
        "attendance.index",
        ("absences",),
    ),
    Step(
        N_("Cards"),
        N_("Guardians, addresses and categories, for those whose consent covers them."),
        "people.index",
        ("card", "categories"),
    ),
)

LIBRARIAN = (
    Step(
        N_("To whom to give books"),
        N_(
            "The first page counts the pupils of each grade and language, and names who came and who left in the last "
            "30 days: to whom to give books, and from whom to take them back."
        ),
        "home.index",
        ("library-day",),
    ),
    Step(
        N_("Names and classes"),
        N_("You find every pupil by name and class."),
        "classes.index",
        ("classes", "class-names"),
    ),
)

ADMINISTRATOR = (
    Step(
        N_("Is the school's data safe?"),
        N_(
            "One page tells when the school last agreed with the district, what waits, how old the backup is, whether "
            "the clock is right and whether there is space. Sync now, or carry a stick."
        ),
        "exchange.index",
        ("sync",),
    ),
    Step(
        N_("Accounts"),
        N_(
            "Open accounts for staff, and for a class at once; print the slips with the first passwords. Disable an "
            "account and it is out at once; those of who has left have a list of their own and are shut by themselves "
            "after some days. Your own, made when the school was set up, is told there who you are."
        ),
        "accounts.index",
        ("accounts",),
    ),
    Step(
        N_("Backups and the recovery kit"),
        N_(
            "Save a backup on another machine. With the printed recovery kit and the district's hub a dead school comes "
            "back whole on a new computer."
        ),
        "exchange.index",
    ),
)

PUPIL = (
    Step(
        N_("Your day"),
        N_(
            "New marks and absences, today's lessons, and what is to be done for the next; the week behind a button."
        ),
        "home.index",
        ("own-day",),
    ),
    Step(
        N_("Your marks"),
        N_("Marks, absences and results of the terms, yours alone."),
        "results.index",
        ("own-marks",),
    ),
)

GUARDIAN = (
    Step(
        N_("Your child's day"),
        N_(
            "New marks and absences, today's lessons, and what is to be done for the next; the week behind a button."
        ),
        "home.index",
        ("child-day",),
    ),
    Step(
        N_("Marks and absences"),
        N_("Marks, absences and results of your child; the report card to print."),
        "results.index",
        ("own-marks",),
    ),
    Step(
        N_("When your child is away"),
        N_(
            "Hand in a note of absence, before the day or after it: child, days, reason. The lesson's teacher sees it at "
            "once; the class teacher accepts it or says why not, and you read the answer there. While it waits you can "
            "take it back. From 18 on the pupil hands in alone."
        ),
        "attendance.own_notes",
    ),
    Step(
        N_("Consents for your child"),
        N_(
            "On the child's card: what you agreed to. Give a consent or withdraw one; the school records the signed paper."
        ),
        "home.index",
        ("consents",),
    ),
)

GUIDES: dict[str, tuple[Step, ...]] = {
    "head": HEAD,
    "deputy": DEPUTY,
    "class_teacher": CLASS_TEACHER,
    "teacher": TEACHER,
    "secretary": SECRETARY,
    "social": SOCIAL,
    "librarian": LIBRARIAN,
    "administrator": ADMINISTRATOR,
    "pupil": PUPIL,
    "guardian": GUARDIAN,
}
"""Duty -> its guide; everyone's comes before."""
