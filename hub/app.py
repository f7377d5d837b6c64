"""Puts the hub's app together: its areas, who may come in, what stands at the top of every page."""

from __future__ import annotations

from flask import Flask

from hub import access, overview, signin, wire
from hub.sessions import Sessions
from hub.storage import Hub
from shared.auth import Throttle
from shared.i18n import N_, gettext, translate
from shared.ui import NavItem
from shared.web import Setup, make_app

AREAS = (overview.area, signin.area, wire.blueprint)
NAVIGATION = (NavItem("overview.index", N_("Schools")),)


def create(hub: Hub) -> Flask:
    """The app over an open hub."""
    setup = Setup(
        store=Sessions(hub),
        identify=lambda account: access.identify(hub, account),
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
    return app


def _brand() -> str:
    return gettext("Mektep")
