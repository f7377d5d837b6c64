"""What both apps stand on: sessions, form tokens, rights, security headers, problems as pages or JSON.

A session is a random token in a cookie; the store keeps its hash only, so a stolen database signs nobody in. Whoever
has not signed in carries a token too, which no store knows: the form token is derived from it either way. The cookie's
name holds the port, for browsers do not keep the cookies of two apps on one machine apart.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Protocol, cast
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    after_this_request,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from shared import crypto, db, i18n, ui
from shared.access import Rights, Visitor, allow, check_declarations, rights_of
from shared.compress import compress
from shared.dates import day_number
from shared.problems import (
    BadRequest,
    FormExpired,
    NotFound,
    NotSignedIn,
    Problem,
    SwitchedOff,
    TooLarge,
    TooManyTries,
)
from shared.ui import Chip, NavItem

TOKEN_BYTES = 32
FORM_FIELD = "form_token"
FORM_HEADER = "X-Form-Token"
LANGUAGE_COOKIE = "mektep_language"
DOOR_COOKIE, DOOR_SECONDS = "mektep_door_language", 900
"""Keeps for so long what was chosen before signing in: the next who signs in chose it."""
LARGEST_FORM = 1_000_000
LARGEST_UPLOAD = 8 * 1024 * 1024
"""Bytes of a form with a list or an archive, where a route allows so many."""
YEAR_SECONDS = 365 * 86_400
MOST_KEPT = 500
"""Menus kept in memory, of a kilobyte or two: those of each set of duties in each language and area."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_log = logging.getLogger("mektep.web")


class SessionStore(Protocol):
    """Where the sessions of an app live; a token's hash stands for the token."""

    def start(self, token: bytes, account: int) -> None:
        """Keep a new session."""

    def find(self, token: bytes) -> int | None:
        """The account of a session that has not expired."""

    def end(self, token: bytes) -> None:
        """Forget a session."""

    def end_others(self, token: bytes, account: int) -> None:
        """Forget all sessions of an account but this one."""


def _nobody() -> Chip | None:
    return None


def _duty_name(role: str) -> str:
    return i18n.in_list(role, "duty")


def _never() -> int:
    return 0


def _forget(visitor: Visitor, language: str) -> None:
    """An app without accounts that keep a language leaves it to the cookie."""


@dataclass(frozen=True)
class Setup:
    """What an app tells its base.

    ``identify`` turns an account into the visitor it is today, or None when it may not come in any more.
    ``door`` draws the sign-in page from which one goes on to an address (to the first page from an empty one).
    ``sign_in`` and ``change_password`` are endpoints; ``brand`` is the name at the top of every page and
    ``paper_brand``, where it is another, the one on paper;
    ``role_name`` names a role to people; ``switched_off`` names the areas that are not in use here at present.
    ``lock_minutes`` is how long a session on a shared computer stays open untouched (0: this one is not shared), and
    ``lock`` the endpoint that shuts it; ``own_account`` the page of one's own account and
    ``own_data`` that of what is held about oneself; ``unsent`` the page that sends what waits in a browser.
    ``words`` is what scripts say, in the language at hand.
    """

    store: SessionStore
    identify: Callable[[int], Visitor | None]
    door: Callable[[str], str]
    roles: frozenset[str]
    areas: Sequence[Blueprint]
    brand: Callable[[], str]
    paper_brand: Callable[[], str] | None = None
    navigation: Sequence[NavItem] = ()
    chip: Callable[[], Chip | None] = _nobody
    remember_language: Callable[[Visitor, str], None] = _forget
    switched_off: Callable[[], frozenset[str]] = frozenset
    lock_minutes: Callable[[], int] = _never
    lock: str = ""
    own_account: str = ""
    own_data: str = ""
    unsent: str = ""
    words: Callable[[], Mapping[str, str]] = dict
    role_name: Callable[[str], str] = _duty_name
    sign_in: str = "signin.sign_in"
    sign_out: str = "signin.sign_out"
    change_password: str = "signin.change_password"
    home: str = "home.index"
    after_password: frozenset[str] = field(
        default=frozenset(
            {"signin.change_password", "signin.keep_password", "signin.sign_out", "base.choose_language"}
        )
    )
    """Pages that a visitor may use who has to change the password first."""


class FormRequest(Request):
    """A request that keeps files in memory, up to the largest upload: temporary files would lie unencrypted."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if total_content_length is not None and total_content_length <= LARGEST_UPLOAD:
            return io.BytesIO()
        return super()._get_file_stream(total_content_length, content_type, filename, content_length)


def make_app(import_name: str, setup: Setup) -> Flask:
    """An app of these areas; TypeError when a route does not declare who may use it."""
    app = Flask(import_name, static_folder=None, template_folder=None)
    app.request_class = FormRequest
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM)
    app.extensions["mektep"] = setup
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    i18n.init_app(app, _choose_language)
    app.jinja_env.globals.update(
        asset=asset,
        form_token=_form_token_field,
        form_token_value=form_token,
        here=_here,
        mark=ui.mark,
        may_open=may_open,
        menu=_menu,
        today=today,
        url_for=address_of,
    )
    app.jinja_env.filters.update(initials=initials, slug=slug, role_name=i18n.when_read(setup.role_name))
    app.before_request(_open_door)
    app.after_request(_finish)
    app.errorhandler(Problem)(_on_problem)
    app.errorhandler(db.DriverError)(_on_driver_error)
    app.errorhandler(HTTPException)(_on_http_error)
    app.errorhandler(Exception)(_on_unknown_error)
    app.context_processor(_page_context)
    for area in (ui.blueprint, base, *setup.areas):
        app.register_blueprint(area)
    check_declarations(app, setup.roles)
    return app


def _setup() -> Setup:
    return cast(Setup, current_app.extensions["mektep"])


# ---- the door


def _open_door() -> ResponseReturnValue | None:
    """Who comes, may they, and was a form sent from a page of ours?"""
    rights = rights_of(current_app, request.endpoint)
    if request.endpoint == ui.STATIC or (rights is not None and rights.open_to == "machine"):
        return None
    _recognise()
    if rights is None:
        return None
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _check_form_token()
    if visitor_or_none() is None and not rights.admits(None) and request.method == "GET" and not wants_json():
        return _sign_in_first()
    rights.require(visitor_or_none())
    if not _in_use(request.endpoint or ""):
        raise SwitchedOff()
    return _password_first(rights)


def _recognise() -> None:
    g.visitor = None
    if token := _token():
        account = _setup().store.find(_stored(token))
        g.visitor = None if account is None else _setup().identify(account)


def _sign_in_first() -> ResponseReturnValue:
    """The sign-in page in the place of one that asks for a session: a redirect would cost a phone a journey.

    A script that asks for a part of a page is told where its whole page has to go.
    """
    address = "" if request.path == "/" else _here()
    if request.headers.get("HX-Request"):
        there = url_for(_setup().sign_in, next=address or None)
        return Response(status=NotSignedIn.status, headers={"HX-Redirect": there})
    return _setup().door(address), NotSignedIn.status


def _password_first(rights: Rights) -> Response | None:
    visitor = visitor_or_none()
    setup = _setup()
    if visitor is None or not visitor.must_change or request.endpoint in setup.after_password:
        return None
    return cast(Response, redirect(url_for(setup.change_password)))


def visitor_or_none() -> Visitor | None:
    """Whoever has signed in, or None."""
    return cast("Visitor | None", g.get("visitor"))


def visitor() -> Visitor:
    """Whoever has signed in; NotSignedIn."""
    found = visitor_or_none()
    if found is None:
        raise NotSignedIn()
    return found


def _menu() -> Markup:
    """The lines that the visitor may follow, under the names of their groups; empty where there is none.

    Made once for all who have the same duties, read the same language and stand in the same area.
    """
    who, setup = visitor_or_none(), _setup()
    if who is None:
        return Markup()
    known: dict[object, Markup] = current_app.extensions.setdefault("mektep_menus", {})
    key = (who.roles, setup.switched_off(), i18n.current_language(), request.blueprint, request.script_root)
    if key not in known:
        if len(known) >= MOST_KEPT:
            known.clear()
        mine = [item for item in setup.navigation if may_open(item.endpoint)]
        groups = [(group, list(found)) for group, found in groupby(mine, key=lambda item: item.group)]
        known[key] = Markup(render_template("ui/menu.html", groups=groups)) if groups else Markup()
    return known[key]


def address_of(endpoint: str, **values: Any) -> str:
    """`flask.url_for`; an address without parameters is made once, and under a prefix it is another."""
    if values:
        return url_for(endpoint, **values)
    known: dict[tuple[str, str], str] = current_app.extensions.setdefault("mektep_addresses", {})
    key = (request.script_root, endpoint)
    if key not in known:
        known[key] = url_for(endpoint)
    return known[key]


def may_open(endpoint: str) -> bool:
    """Is there such a page, and may the visitor open it?"""
    rights = rights_of(current_app, endpoint)
    admitted = rights is not None and rights.admits(visitor_or_none())
    return admitted and _in_use(endpoint)


def _in_use(endpoint: str) -> bool:
    return endpoint.partition(".")[0] not in _setup().switched_off()


# ---- sessions and form tokens


def _token() -> bytes:
    """What the visitor's cookie holds; empty for a first visit."""
    if "token" not in g:
        g.token = _decode(request.cookies.get(_cookie_name(), ""))
    return cast(bytes, g.token)


def begin_session(account: int) -> None:
    """Sign an account in: a new token, so that a token from before is worth nothing."""
    g.token = crypto.random_bytes(TOKEN_BYTES)
    g.new_token, g.drop_token = True, False
    _setup().store.start(_stored(g.token), account)
    g.visitor = _setup().identify(account)


def end_session() -> None:
    """Sign the visitor out, on the server and in the browser."""
    if token := _token():
        _setup().store.end(_stored(token))
    g.token, g.visitor, g.drop_token = b"", None, True


def end_other_sessions() -> None:
    """Sign the visitor out everywhere else, as after a change of password."""
    _setup().store.end_others(_stored(_token()), visitor().account)


def session_key() -> bytes:
    """What the session store knows the visitor's session by."""
    return _stored(_token())


def form_token() -> str:
    """The token every form of this visitor carries."""
    if not _token():
        g.token, g.new_token = crypto.random_bytes(TOKEN_BYTES), True
    # A page holds it several times.
    if "form_token" not in g or g.form_token[0] != g.token:
        g.form_token = g.token, _encode(crypto.digest(b"mektep form", g.token))
    return cast(str, g.form_token[1])


def _form_token_field() -> Markup:
    # The token is base64 and needs no escaping; a page holds several of these.
    return Markup(f'<input type="hidden" name="{FORM_FIELD}" value="{form_token()}">')


def _check_form_token() -> None:
    given = request.form.get(FORM_FIELD) or request.headers.get(FORM_HEADER, "")
    if not _token() or not crypto.same(given.encode(), form_token().encode()):
        raise FormExpired()


def _stored(token: bytes) -> bytes:
    return crypto.digest(b"mektep session", token)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        token = base64.urlsafe_b64decode(text.encode("ascii") + b"=")
    except ValueError:
        return b""
    return token if len(token) == TOKEN_BYTES else b""


def _cookie_name() -> str:
    """The port is part of it; see the module."""
    return f"mektep_{urlsplit('//' + request.host).port or 0}"


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == ui.STATIC and response.status_code < 400:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        compress(response, request.headers.get("Accept-Encoding", ""), unchanging=True)
        return response
    compress(response, request.headers.get("Accept-Encoding", ""))
    response.headers.setdefault("Cache-Control", "no-store")
    if g.get("drop_token"):
        response.delete_cookie(_cookie_name())
    elif g.get("new_token"):
        response.set_cookie(
            _cookie_name(), _encode(g.token), httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response


# ---- problems


def _on_problem(problem: Problem) -> Response | tuple[str, int]:
    return problem_answer(problem, problem.status)


def _on_driver_error(error: Exception) -> Response | tuple[str, int]:
    try:
        with db.errors():
            raise error
    except Problem as problem:
        return _on_problem(problem)
    except Exception as other:
        return _on_unknown_error(other)


def _on_http_error(error: HTTPException) -> Response | tuple[str, int] | HTTPException:
    if error.code is not None and error.code < 400:
        return error
    kinds: dict[int | None, type[Problem]] = {404: NotFound, 413: TooLarge, 429: TooManyTries}
    return problem_answer(kinds.get(error.code, BadRequest)(), error.code or 500)


def _on_unknown_error(error: Exception) -> Response | tuple[str, int]:
    """Tell the reader a number, and the log where it happened: places in the code, no values."""
    incident = base64.b32encode(crypto.random_bytes(5)).decode()
    incident = f"{incident[:4]}-{incident[4:]}"
    places = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    _log.error(
        "incident %s: %s at %s: %s",
        incident,
        type(error).__name__,
        request.endpoint,
        " < ".join(places[::-1]),
    )
    return problem_answer(Problem(incident=incident), 500)


def problem_answer(problem: Problem, status: int) -> Response | tuple[str, int]:
    """One clear sentence in the reader's language; a page, or JSON for a program that asks for it."""
    incident = str(problem.details.get("incident", ""))
    sentence = problem.sentence(i18n.gettext)
    if wants_json():
        told: dict[str, object] = {"error": problem.code, "sentence": sentence, "retry": problem.retry}
        answer = jsonify(told | ({"incident": incident} if incident else {}))
        answer.status_code = status
        return answer
    page = render_template(
        "ui/problem.html", sentence=sentence, retry=problem.retry, incident=incident, bare=status >= 500
    )
    return page, status


def wants_json() -> bool:
    """Does a program ask, or a script of a page?"""
    rights = rights_of(current_app, request.endpoint)
    machine = rights is not None and rights.open_to == "machine"
    return (
        machine
        or request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    )


# ---- pages


def _choose_language() -> str:
    """The account's language, else the cookie's, else what the browser asks for."""
    visitor = visitor_or_none()
    if visitor is not None and visitor.language in i18n.LANGUAGES:
        return str(visitor.language)
    kept = request.cookies.get(LANGUAGE_COOKIE, "")
    if kept in i18n.LANGUAGES:
        return kept
    return request.accept_languages.best_match(list(i18n.LANGUAGES)) or i18n.DEFAULT


def _page_context() -> dict[str, object]:
    setup = _setup()
    visitor = visitor_or_none()
    return {
        "visitor": visitor,
        "setup": setup,
    }


def _here() -> str:
    """The address of this page, to come back to."""
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def safe_next(address: str | None) -> str:
    """An address of our own to go on to; the home page for anything else."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return url_for(_setup().home)
    return address if address.isprintable() else url_for(_setup().home)


def initials(name: str) -> str:
    """Up to two letters that stand for a name."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def slug(text: str) -> str:
    """A name for an element, made from a text."""
    return "e" + hashlib.sha256(text.encode()).hexdigest()[:8]


def today() -> int:
    """The present day of the school as a day number."""
    return day_number(_now().date())


def minute_of_day() -> int:
    """Minutes since midnight by the school's clock."""
    now = _now()
    return now.hour * 60 + now.minute


def _now() -> datetime.datetime:
    return datetime.datetime.now(i18n.CLOCK)


def asset(path: str) -> str:
    """The address of a static file, which changes when the file does; a bundle's names the request's language."""
    known: dict[tuple[str, str, str], str] = current_app.extensions.setdefault("mektep_assets", {})
    language = i18n.current_language() if path in ui.BUNDLES else ""
    key = (request.script_root, path, language)
    if key not in known:
        whole = ui.spoken(path, language) if language else ui.content(path)
        of = {"filename": path, "v": hashlib.sha256(whole).hexdigest()[:8]}
        known[key] = url_for(ui.STATIC, **of | ({"in": language} if language else {}))  # type: ignore[arg-type]
    return known[key]


base = Blueprint("base", __name__)


@base.post("/language")
@allow.public
def choose_language() -> Response:
    """Keep the chosen language in the cookie and, signed in, with the account."""
    language = request.form.get("language", "")
    if language not in i18n.LANGUAGES:
        raise BadRequest()
    visitor = visitor_or_none()
    if visitor is not None:
        _setup().remember_language(visitor, language)
    answer = cast(Response, redirect(safe_next(request.form.get("next"))))
    answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, httponly=True, samesite="Lax")
    if visitor is None:
        answer.set_cookie(DOOR_COOKIE, language, max_age=DOOR_SECONDS, httponly=True, samesite="Lax")
    return answer


def language_of_the_door() -> str:
    """The language that someone chose a moment ago before signing in, once; empty when nobody did."""
    language = request.cookies.get(DOOR_COOKIE, "")
    if language not in i18n.LANGUAGES:
        return ""

    @after_this_request
    def _forget_it(answer: Response) -> Response:
        answer.delete_cookie(DOOR_COOKIE)
        return answer

    return language
