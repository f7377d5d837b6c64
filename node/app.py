"""Puts the school's app together: its areas, who may come in, what stands at the top of every page."""

from __future__ import annotations

from flask import Flask

from node import (
    access,
    accounts,
    attendance,
    calendar,
    certificates,
    classes,
    conflicts,
    consents,
    control,
    design,
    device,
    dictionary,
    duplicates,
    guide,
    home,
    journal,
    movement,
    oneroster,
    orders,
    owndata,
    people,
    plans,
    reading,
    regulation,
    reports,
    request,
    results,
    sessions,
    settings,
    signin,
    signoff,
    stages,
    tasks,
    timetable,
    usage,
    yearend,
)
from node.background import Agent
from node.exchange import views as exchange
from node.home import queries
from node.importing import routes as importing
from node.settings.queries import school_name
from node.signin import local
from node.storage import Node
from node.usage import counting
from shared.access import Visitor
from shared.i18n import N_, gettext, in_list, instant, number
from shared.ui import Chip, NavItem
from shared.web import Setup, make_app, session_key, visitor
from sync.state import State

AREAS = (
    home.area,
    journal.area,
    attendance.area,
    control.area,
    calendar.area,
    timetable.area,
    plans.area,
    classes.area,
    movement.area,
    certificates.area,
    yearend.area,
    people.area,
    consents.area,
    importing.area,
    oneroster.area,
    duplicates.area,
    owndata.area,
    results.area,
    reports.area,
    orders.area,
    tasks.area,
    signoff.area,
    regulation.area,
    conflicts.area,
    exchange.area,
    accounts.area,
    usage.area,
    reading.area,
    settings.area,
    dictionary.area,
    design.area,
    guide.area,
    signin.own_area,
    signin.area,
)
NAVIGATION = (
    NavItem("home.index", N_("Today")),
    NavItem("journal.index", N_("Journal"), N_("Teaching")),
    NavItem("attendance.index", N_("Attendance"), N_("Teaching")),
    NavItem("control.index", N_("Lesson control"), N_("Teaching")),
    NavItem("results.index", N_("Results"), N_("Teaching")),
    NavItem("timetable.index", N_("Timetable"), N_("Teaching")),
    NavItem("plans.index", N_("Plans"), N_("Teaching")),
    NavItem("calendar.index", N_("Calendar"), N_("Teaching")),
    NavItem("classes.index", N_("Classes"), N_("People")),
    NavItem("people.index", N_("People"), N_("People")),
    NavItem("consents.index", N_("Consents"), N_("People")),
    NavItem("movement.index", N_("Movement"), N_("People")),
    NavItem("importing.index", N_("Import"), N_("People")),
    NavItem("oneroster.index", N_("OneRoster"), N_("People")),
    NavItem("orders.index", N_("Orders"), N_("Office")),
    NavItem("tasks.index", N_("Tasks"), N_("Office")),
    NavItem("signoff.index", N_("Sign-off"), N_("Office")),
    NavItem("reports.index", N_("Reports"), N_("Office")),
    NavItem("regulation.index", N_("Regulation"), N_("Office")),
    NavItem("exchange.index", N_("Sync"), N_("System")),
    NavItem("conflicts.index", N_("Conflicts"), N_("System")),
    NavItem("accounts.index", N_("Accounts"), N_("System")),
    NavItem("usage.index", N_("Use of the system"), N_("System")),
    NavItem("reading.index", N_("Reading log"), N_("System")),
    NavItem("settings.index", N_("Settings"), N_("System")),
    NavItem("dictionary.index", N_("Data dictionary"), N_("System")),
    NavItem("guide.index", N_("Guide"), N_("System")),
)


def create(node: Node, agent: Agent | None = None) -> Flask:
    """The app over an open node."""
    sessions.prepare(node)
    local.prepare(node)
    counting.prepare(node)
    counter = counting.Counter()
    store = sessions.Sessions(request.database, device.origin, device.lock_minutes)
    setup = Setup(
        store=store,
        identify=lambda account: access.identify(request.database(), account),
        door=signin.door,
        roles=access.ROLES | {access.FOUNDER},
        role_name=_role_name,
        areas=AREAS,
        brand=_brand,
        paper_brand=lambda: school_name(request.database()),
        navigation=NAVIGATION,
        chip=_chip,
        remember_language=_remember_language,
        lock_minutes=lambda: device.lock_minutes() if store.begun(session_key()).shared else 0,
        lock="signin.lock",
        own_account="own.index",
        own_data="owndata.mine",
        unsent="journal.index",
        words=journal.words,
        switched_off=lambda: stages.switched_off(request.database()),
    )
    app = make_app(__name__, setup)
    app.extensions["mektep_node"] = node
    app.extensions["mektep_connections"] = request.Connections(node)
    app.extensions["mektep_agent"] = agent
    app.extensions["mektep_throttle"] = signin.new_throttle()
    app.extensions["mektep_usage"] = counter
    app.after_request(lambda response: counting.count(counter, request.database, response))
    app.teardown_appcontext(request.close)
    return app


def _brand() -> str:
    return str(State(request.database()).school_name) or "Mektep"


def _role_name(role: str) -> str:
    founder = role == access.FOUNDER
    return gettext("enters the staff until there is a secretary") if founder else in_list(role, "duty")


def _remember_language(visitor: Visitor, language: str) -> None:
    with request.acting() as w:
        w.update("account", visitor.account, language=language)


def _chip() -> Chip | None:
    """The truth about the exchange with the district, for those who work here."""
    if not visitor().has(*access.STAFF):
        return None
    link = queries.link(request.database())
    if not link.registered:
        return Chip(gettext("Saved in the school"), "calm", SYNC_PAGE)
    if link.needs_someone:
        return Chip(gettext("Needs attention"), "bad", SYNC_PAGE)
    waiting = gettext(
        "Saved in the school, not yet sent to the district: %(count)s", count=number(link.waiting)
    )
    short = number(link.waiting) if link.waiting else ""
    if link.out_of_reach:
        text = gettext("No connection")
        return Chip(f"{text} · {waiting}" if link.waiting else text, "waiting", SYNC_PAGE, short)
    if link.waiting or not link.last_done:
        return Chip(waiting if link.waiting else gettext("Saved in the school"), "waiting", SYNC_PAGE, short)
    return Chip(gettext("Sent %(when)s", when=instant(link.last_done)), "good", SYNC_PAGE)


SYNC_PAGE = "exchange.index"
