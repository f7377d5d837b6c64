"""The first page."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access, backups, leaving, logins
from node.accounts import queries as account_queries
from node.attendance import queries as attendance_queries
from node.calendar import queries as calendar_queries
from node.classes import queries as class_queries
from node.consents import queries as consent_queries
from node.fields import iso
from node.home import first_week, queries
from node.home.diary import NEWS_DAYS, Diary, diary
from node.journal import queries as journal_queries
from node.movement import queries as movement_queries
from node.orders import queries as order_queries
from node.owndata import queries as owndata_queries
from node.people import queries as people
from node.people.queries import class_name, full_name, number_of
from node.plans import queries as plan_queries
from node.reading.noting import noted, noted_list
from node.request import NAMES_CHECKED, database
from node.results import queries as result_queries
from node.signin import queries as signin_queries
from node.stages import switched_off
from node.tasks import queries as task_queries
from node.timetable import queries as timetable_queries
from node.timetable.weeks import day_instants, own_weeks, week_of
from shared.access import allow
from shared.dates import NO_LESSONS
from shared.i18n import N_, gettext, in_order, ngettext
from shared.problems import NameWithoutConsent
from shared.web import may_open, minute_of_day, problem_answer, today, visitor, wants_json

area = Blueprint("home", __name__, template_folder="templates")

RECENT = 30
"""Days back from which the librarian is told who came and who left."""
WAYS = {
    "journal.index": (N_("Journal"), N_("Lessons, attendance, marks")),
    "classes.index": (N_("Classes"), N_("Rolls, ages, who teaches what")),
    "people.index": (N_("People"), N_("Find anyone by name")),
    "results.index": (N_("Results"), N_("Marks of periods, success and quality")),
    "attendance.index": (N_("Attendance"), N_("By day and week, alerts and notes")),
    "consents.index": (N_("Consents"), N_("Who is to be asked, what lapses soon")),
    "movement.index": (N_("Pupil movement"), N_("Arrivals, departures, the books")),
    "control.index": (N_("Lesson control"), N_("Lessons without topic or attendance, too few marks")),
    "timetable.index": (N_("Timetable"), N_("Classes, teachers, rooms, events")),
    "timetable.substitutions": (N_("Substitutions"), N_("Who is away, who is free for the lesson")),
    "plans.index": (N_("Plans"), N_("Hours given against the plan, plans to approve")),
    "orders.index": (N_("Orders"), N_("The orders book")),
    "tasks.index": (N_("Tasks"), N_("What was asked of whom, by what day")),
    "signoff.index": (N_("Sign-off"), N_("What staff entered, confirmed class by class")),
    "reports.index": (N_("Reports"), N_("Counted from what the school keeps")),
    "exchange.index": (N_("Sync"), N_("Is the data safe, and how old is the backup")),
    "accounts.index": (N_("Accounts"), N_("Who signs in, first passwords")),
}
"""Endpoint -> name and hint of a way to it from the first page, in the order in which they stand there."""
OFFERED = ("journal.index", "classes.index", "people.index", "results.index")
OF_DUTY = {
    "head": ("control.index", "orders.index", "tasks.index", "signoff.index", "reports.index"),
    "deputy": (
        "control.index",
        "timetable.index",
        "timetable.substitutions",
        "plans.index",
        "tasks.index",
        "signoff.index",
    ),
    "administrator": ("exchange.index", "accounts.index"),
}
OUTSIDE_THE_JOURNAL = (
    "attendance.index",
    "consents.index",
    "movement.index",
    "orders.index",
    "reports.index",
)
"""Offered to all staff; to who holds a duty; to staff who read no journal."""
ALARMED = ("head", "social")
"""Told of every pupil who misses too much."""


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    """What the visitor's duties call for today."""
    db, day, who = database(), today(), visitor()
    year = class_queries.present_year(class_queries.years(db), day)
    staff, teaches = who.has(*access.STAFF), who.has(*access.TEACHING) and who.person is not None
    teaches = teaches and may_open("journal.index")
    kind = calendar_queries.day_kind(db, day)
    roll_day = year.roll_day(day) if year else day
    weeks = [one for one in own_weeks() if one.pupil is None] if may_open("timetable.index") else []
    taught = [one for one in weeks if one.teacher is not None] or weeks
    return render_template(
        "home/index.html",
        day=day,
        iso=iso,
        kind=kind,
        free=kind in NO_LESSONS,
        year=year,
        staff=staff,
        counts=queries.counts(db, year.id, roll_day) if staff and year else None,
        teaches=teaches,
        lessons=journal_queries.lessons(db, day, teacher=who.person)
        if teaches and who.person is not None
        else [],
        minute=minute_of_day(),
        led=queries.led(db, who.person, year.id) if teaches and year and who.person is not None else [],
        unnamed=queries.consents_missing(db, year.id, roll_day) if year and who.has(*access.ALL_CARDS) else 0,
        alarms=_alarms(year),
        ways=_ways() if staff else [],
        own=_own(),
        hands_in=_hands_in(),
        library=_library(year) if who.has("librarian") else None,
        care=_care(year) if who.has("social") else None,
        own_weeks={
            one.pupil: week_of(db, one.lessons, day, day) for one in own_weeks() if one.pupil is not None
        }
        if may_open("timetable.index")
        else {},
        waiting=_waiting(),
        weeks=[
            (one, week)
            for one in taught
            for week in [week_of(db, one.lessons, day, day)]
            if one.leads or any(of_day.lessons or of_day.events for of_day in week.days)
        ],
        week_links=weeks,
        iso_of=iso,
        events=timetable_queries.events(db, *day_instants(day, day + 6))
        if may_open("timetable.index")
        else [],
        only_administrator=who.roles - {access.FOUNDER} == {"administrator"},
        steps=first_week.steps(db, day) if who.has(*first_week.WHO) else [],
        class_name=class_name,
        full_name=full_name,
        number_of=number_of,
    )


def _ways() -> list[tuple[str, str, str]]:
    """Where the visitor's duties lead from here: (endpoint, name, hint) each."""
    who = visitor()
    offered = {*OFFERED, *(() if may_open("journal.index") else OUTSIDE_THE_JOURNAL)}
    offered |= {one for duty, ways in OF_DUTY.items() if who.has(duty) for one in ways}
    return [(one, *told) for one, told in WAYS.items() if one in offered and may_open(one)]


def _alarms(year: class_queries.Year | None) -> int:
    """Pupils who miss too much, told to head, social pedagogue and, of the own class, its teacher."""
    db, who = database(), visitor()
    if year is None or not may_open("attendance.index") or not who.has(*ALARMED, "class_teacher"):
        return 0
    classes = None if who.has(*ALARMED) else access.led_classes(db, who)
    return len(attendance_queries.alerts(db, year.start, min(today(), year.end), classes))


def _library(year: class_queries.Year | None) -> dict[str, object]:
    """To the librarian: how many books of each kind, to whom to give them and from whom to take them back."""
    db, day = database(), today()
    steps = queries.steps(db, year.start, RECENT, day) if year else []
    if steps:
        noted_list("movement")
    return {
        "languages": queries.by_language(db, year.id, year.roll_day(day)) if year else [],
        "steps": steps,
        "days": RECENT,
    }


def _care(year: class_queries.Year | None) -> dict[str, object]:
    """To the social pedagogue: the social passport in numbers, and whom no other school has confirmed."""
    db, day = database(), today()
    passport = people.passport(db, day)
    unconfirmed = movement_queries.unconfirmed(db, year.start, day, day) if year else []
    if unconfirmed:
        noted_list("movement")
    return {
        "passport": sorted(((code, len(found)) for code, found in passport.items()), key=lambda one: -one[1]),
        "distinct": len({one.id for found in passport.values() for one in found}),
        "unconfirmed": unconfirmed,
    }


def _waiting() -> list[tuple[str, str]]:
    """What waits for the visitor: (sentence, address) each."""
    db, who = database(), visitor()
    found = []
    if may_open("accounts.head") and not order_queries.has_head(db, today()):
        found.append((gettext("This school has no head yet: enter the head."), url_for("accounts.head")))
    drafts = order_queries.drafts(db) if may_open("orders.sign") else 0
    if drafts:
        found.append(
            (ngettext("%(num)s order to sign", "%(num)s orders to sign", drafts), url_for("orders.index"))
        )
    plans = plan_queries.to_approve(db) if may_open("plans.approve") else []
    if plans:
        sentence = ngettext("%(num)s plan to approve", "%(num)s plans to approve", len(plans))
        found.append((sentence, url_for("plans.show", group_id=plans[0])))
    unread = order_queries.unread(db, who.person or 0) if may_open("orders.index") else 0
    if unread:
        found.append(
            (ngettext("%(num)s order to read", "%(num)s orders to read", unread), url_for("orders.index"))
        )
    tasks = task_queries.waiting(db, who.person or 0) if may_open("tasks.index") else 0
    if tasks:
        found.append(
            (ngettext("%(num)s task to do", "%(num)s tasks to do", tasks), url_for("tasks.index", of="me"))
        )
    return found + _own_login() + _notes_waiting() + _lessons_waiting() + _people_waiting()


def _own_login() -> list[tuple[str, str]]:
    """To whom it concerns: that the login made of the name is gone, and which is the new one."""
    db, account = database(), visitor().account
    if not signin_queries.is_renamed(db, account):
        return []
    sentence = gettext(
        "Your login is %(login)s from now on: the one made of your name is erased. The password stays.",
        login=logins.of_account(db, account),
    )
    return [(sentence, url_for("own.index"))]


def _notes_waiting() -> list[tuple[str, str]]:
    """To a class teacher: notes of absence that parents handed in. To the family: that one of theirs was declined."""
    db, who, day = database(), visitor(), today()
    found = []
    led = (
        access.present(db, access.led_classes(db, who)) if may_open("attendance.accept_note") else frozenset()
    )
    of_class = Counter(one["class_group"] for one in attendance_queries.waiting(db, led)) if led else {}
    for class_id, count in sorted(of_class.items()):
        sentence = ngettext("%(num)s note of absence to answer", "%(num)s notes of absence to answer", count)
        found.append((sentence, url_for("attendance.show", class_id=class_id, _anchor="handed-in")))
    if may_open("attendance.own_notes") and who.person is not None:
        family = access.own_children(db, who) | {who.person}
        declined = attendance_queries.declined(db, who.person, family, day - NEWS_DAYS)
        if declined:
            sentence = ngettext(
                "%(num)s note of absence was declined", "%(num)s notes of absence were declined", declined
            )
            found.append((sentence, url_for("attendance.own_notes")))
    return found


def _lessons_waiting() -> list[tuple[str, str]]:
    """To who watches over the lessons: those of today that are over and nobody has taken."""
    db, day = database(), today()
    if not may_open("control.index"):
        return []
    minute = minute_of_day()
    count = sum(
        attendance_queries.is_over(one, day, minute) for one in attendance_queries.not_taken(db, day, day)
    )
    if not count:
        return []
    sentence = ngettext(
        "%(num)s lesson of today is over without attendance taken",
        "%(num)s lessons of today are over without attendance taken",
        count,
    )
    return [(sentence, url_for("attendance.index"))]


def _people_waiting() -> list[tuple[str, str]]:
    """What waits about people: requests to answer, consents without their paper, what is due to be erased."""
    db, who, day = database(), visitor(), today()
    found = []
    asked = owndata_queries.open_requests(db) if may_open("owndata.requests") else []
    mine = [one for one in asked if one != who.person and access.keeps(db, who, one)]
    if mine:
        found.append(
            (
                ngettext("%(num)s request to correct data", "%(num)s requests to correct data", len(mine)),
                url_for("owndata.requests"),
            )
        )
    given = consent_queries.offers(db) if may_open("consents.new") else []
    papers = {
        (one.person, one.signer)
        for one in given
        if access.reaches_person(db, who, "consent", "E", one.person)
    }
    if papers:
        found.append(
            (
                ngettext(
                    "%(num)s consent waits for its signed paper", "%(num)s consents wait for their signed paper",
                    len(papers),
                ),
                url_for("consents.index"),
            )
        )  # fmt: skip
    apart = len(movement_queries.apart(db)) if may_open("movement.mend") else 0
    if apart:
        sentence = ngettext(
            "%(num)s pupil with acts that two machines wrote apart",
            "%(num)s pupils with acts that two machines wrote apart",
            apart,
        )
        found.append((sentence, url_for("movement.index")))
    found += _own_consent() + _childrens_consents()
    found += _grown_up() if who.has("pupil") or may_open("consents.new") else []
    due = len(consent_queries.due(db, day)) if may_open("consents.erase") else 0
    if due:
        found.append(
            (
                ngettext("%(num)s record is due to be erased", "%(num)s records are due to be erased", due),
                url_for("consents.index", _anchor="due"),
            )
        )  # fmt: skip
    opened = len(account_queries.unapproved(db, day)) if may_open("accounts.approve") else 0
    if opened:
        found.append(
            (
                ngettext("%(num)s account to approve", "%(num)s accounts to approve", opened),
                url_for("accounts.approval"),
            )
        )
    renamed = len(account_queries.renamed(db, day)) if may_open("accounts.hand_out") else 0
    if renamed:
        sentence = ngettext("%(num)s new login to hand out", "%(num)s new logins to hand out", renamed)
        found.append((sentence, url_for("accounts.index", _anchor="renamed")))
    found += _left_open()
    if may_open("exchange.index") and who.has("administrator"):
        copies = len(backups.still_holding(db))
        if copies:
            found.append(
                (
                    ngettext("%(num)s backup still holds what was erased", "%(num)s backups still hold what was erased",
                             copies),
                    url_for("exchange.index") + "#backups",
                )
            )  # fmt: skip
    return found


def _left_open() -> list[tuple[str, str]]:
    """To the head: whose work here has ended, with a duty or an account that has not. To the administrator: accounts
    of whoever has left that still let in.
    """
    db, day, found = database(), today(), []
    gone = people.still_open(db, day) if visitor().has("head") else []
    if gone:
        sentence = ngettext(
            "%(num)s colleague works here no more, and a duty or the account is still open",
            "%(num)s colleagues work here no more, and a duty or the account is still open",
            len(gone),
        )
        found.append((sentence, url_for("people.card", person_id=gone[0].person)))
    open_ = sum(one.lets_in(day) for one in leaving.left(db, day)) if may_open("accounts.shut_left") else 0
    if open_:
        sentence = ngettext(
            "%(num)s account of someone who has left still signs in",
            "%(num)s accounts of those who have left still sign in",
            open_,
        )
        found.append((sentence, url_for("accounts.index", kind=account_queries.LEFT)))
    return found


def _own_consent() -> list[tuple[str, str]]:
    """To staff and guardians whose own consent to the core record has lapsed and who have not given it anew."""
    db, who, day = database(), visitor(), today()
    if (
        who.person is None
        or not who.has(*access.STAFF, "guardian")
        or people.has_valid(db, who.person, "core", day)
    ):
        return []
    if any(one.purpose == "core" for one in consent_queries.offers(db, who.person)):
        return []
    sentence = gettext("Your consent to the core record is missing or has lapsed: it is asked for.")
    return [(sentence, url_for("consents.own_show"))]


def _childrens_consents() -> list[tuple[str, str]]:
    """To a guardian: for which children the consent to the core record lapsed and none was given anew."""
    db, who, day = database(), visitor(), today()
    asked = consent_queries.lapsed(db, day, access.own_children(db, who)) if who.has("guardian") else {}
    return [
        (
            gettext(
                "The consent to the core record of your child in class %(place)s is missing or has lapsed: print the "
                "form, sign it and give it to the class teacher.",
                place=place,
            ),
            url_for("consents.show", person_id=child),
        )
        for child, place in asked.items()
    ]


def _grown_up() -> list[tuple[str, str]]:
    """Who turned 18 and signs alone from now on: told to the pupil, and to those who take the paper in."""
    db, who = database(), visitor()
    grown = consent_queries.grown_up(db, today())
    if who.has("pupil") and who.person in grown:
        sentence = gettext("You have turned 18: your own consent is asked for.")
        return [(sentence, url_for("consents.show", person_id=who.person))]
    count = sum(access.reaches_person(db, who, "consent", "E", one) for one in grown)
    if not count:
        return []
    sentence = ngettext(
        "%(num)s pupil turned 18 and is asked for a consent",
        "%(num)s pupils turned 18 and are asked for a consent",
        count,
    )
    return [(sentence, url_for("consents.index"))]


@area.app_errorhandler(NameWithoutConsent)
def ask_about_names(problem: NameWithoutConsent) -> ResponseReturnValue:
    """The form once more with the text that names someone: to be reworded, or sent by one who has looked."""
    if wants_json() or any(request.files.values()):
        return problem_answer(problem, problem.status)
    word, fields = str(problem.details["word"]), list(request.form.items(multi=True))
    page = render_template(
        "home/names.html",
        sentence=problem.sentence(gettext),
        action=request.full_path.rstrip("?"),
        texts=[(name, text) for name, text in fields if word in text],
        others=[(name, text) for name, text in fields if word not in text and name != "form_token"],
        checked=NAMES_CHECKED,
    )
    return page, problem.status


def _hands_in() -> frozenset[int]:
    """For whom of the family the visitor hands in notes of absence."""
    db, who, day = database(), visitor(), today()
    if not may_open("attendance.own_notes") or who.person is None:
        return frozenset()
    family = access.own_children(db, who) | {who.person}
    return frozenset(one for one in family if attendance_queries.hands_in(db, who.person, one, day))


def _own() -> list[tuple[int, str, Diary | None]]:
    """The visitor as a pupil, and the visitor's children, each with the diary; the reading is noted.

    There is no diary (None) at a stage of introduction that has no journal yet.
    """
    db, who, day = database(), visitor(), today()
    people = set(access.own_children(db, who)) | ({who.person} if who.has("pupil") and who.person else set())
    names = result_queries.names(db, people, day)
    kept = "journal" not in switched_off(db)
    for person in sorted(people) if kept else ():
        noted("read", "journal", person)
    return in_order(
        [
            (person, names.get(person, ""), diary(db, person, day) if kept else None)
            for person in sorted(people)
        ],
        lambda one: one[1],
    )
