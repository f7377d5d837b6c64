"""Who may do what: rights stand beside each route, and an app with a route that declares none is not made.

    @area.get("/classes/")
    @allow("head", "deputy")      one of these duties
    @allow.signed_in              anyone who has signed in
    @allow.public                 anyone at all
    @allow.machine                another program: no session, no form token; the message itself is signed

Which rows a duty may see is decided where they are read; this module only opens or shuts the door of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask

from shared.problems import NotAllowed, NotSignedIn

_MARK = "mektep_rights"
View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True)
class Visitor:
    """A person who has signed in: account and person are row ids, roles are the duties valid today."""

    account: int
    name: str
    roles: frozenset[str]
    person: int | None = None
    language: str | None = None
    must_change: bool = False

    def has(self, *roles: str) -> bool:
        """Does the visitor hold one of these roles?"""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class Rights:
    """What a route asks for: one of the roles, or merely a sign-in, or nothing.

    ``area`` and ``verb`` tell which line of an app's table of rights the roles come from, if there is one.
    """

    roles: frozenset[str] = frozenset()
    open_to: str = ""
    area: str = ""
    verb: str = ""

    def admits(self, visitor: Visitor | None) -> bool:
        """Tell whether the door opens."""
        if self.open_to in ("public", "machine"):
            return True
        return visitor is not None and (self.open_to == "signed_in" or visitor.has(*self.roles))

    def require(self, visitor: Visitor | None) -> None:
        """NotSignedIn or NotAllowed unless the door opens."""
        if not self.admits(visitor):
            raise NotSignedIn() if visitor is None else NotAllowed()


class _Allow:
    """The decorators; see the module."""

    def __call__(self, *roles: str) -> Callable[[View], View]:
        if not roles:
            raise TypeError("name a role, or use allow.public or allow.signed_in")
        return lambda view: declare(view, Rights(roles=frozenset(roles)))

    def public(self, view: View) -> View:
        return declare(view, Rights(open_to="public"))

    def signed_in(self, view: View) -> View:
        return declare(view, Rights(open_to="signed_in"))

    def machine(self, view: View) -> View:
        return declare(view, Rights(open_to="machine"))


allow = _Allow()


def declare(view: View, rights: Rights) -> View:
    setattr(view, _MARK, rights)
    return view


def rights_of(app: Flask, endpoint: str | None) -> Rights | None:
    """The rights declared for an endpoint; None when there is no such endpoint or it declares none."""
    view = app.view_functions.get(endpoint or "")
    found = getattr(view, _MARK, None)
    return found if isinstance(found, Rights) else None


def declared(app: Flask) -> Iterator[tuple[str, Rights]]:
    """Every endpoint of the app with its rights, sorted; TypeError when a route declares none."""
    for endpoint in sorted({rule.endpoint for rule in app.url_map.iter_rules()}):
        rights = rights_of(app, endpoint)
        if rights is None:
            raise TypeError(f"the route {endpoint} does not declare who may use it")
        yield endpoint, rights


def check_declarations(app: Flask, roles: frozenset[str]) -> None:
    """TypeError unless every route declares its rights, in roles that exist."""
    for endpoint, rights in declared(app):
        if unknown := rights.roles - roles:
            raise TypeError(f"the route {endpoint} names unknown roles: {', '.join(sorted(unknown))}")
