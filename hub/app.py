"""Puts the hub's app together: its areas, who may come in, what stands at the top of every page."""

from __future__ import annotations

from flask import Flask

from hub import access, accounts, directory, overview, signin, statistics, wire
from hub.background import Checker
from hub.sessions import Sessions
from hub.storage import Hub
from shared.auth import Throttle
from shared.i18n import N_, gettext, translate
from shared.ui import NavItem
from shared.web import Setup, make_app

AREAS = (overview.area, statistics.area, directory.area, accounts.area, signin.area, wire.blueprint)
NAVIGATION = (
    NavItem("overview.index", N_("Schools")),
    NavItem("statistics.index", N_("Figures")),
    NavItem("accounts.index", N_("Accounts")),
)


def create(hub: Hub) -> Flask:
    """The app over an open hub."""
    setup = Setup(
        store=Sessions(hub),
        identify=lambda account: access.identify(hub, account),
        door=signin.door,
        roles=access.ROLES,
        areas=AREAS,
        brand=_brand,
        navigation=NAVIGATION,
        remember_language=lambda visitor, language: access.remember_language(hub, visitor, language),
        home="overview.index",
        role_name=lambda role: translate(access.ROLE_NAMES[role]),
    )
    app = make_app(__name__, setup)
    app.extensions["mektep-hub"] = hub
    app.extensions["mektep-throttle"] = Throttle()
    app.extensions["mektep-checker"] = Checker(hub)
    return app


def _brand() -> str:
    return gettext("Mektep")
