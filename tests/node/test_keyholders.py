"""The school keeps an administrator and someone who may give duties, whatever ends a duty or shuts an account."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sqlite_utils import Database

import node
from node import keyholders
from node.accounts import actions as accounts
from node.conflicts.rights import may_decide
from node.orders import actions, drafts
from node.orders.drafts import Draft
from shared.access import Visitor
from shared.dates import FOREVER, date_of
from shared.problems import LastAdministrator, LastHead
from shared.schema import BY_NAME
from shared.web import today
from sync.writer import Writer, writing
from tests.node.conftest import actor, autumn


def signed(w: Writer) -> int:
    order = drafts.write(w, Draft("staff", "77", today(), "Милдеттер жөнүндө"))
    actions.sign(w, order, None, today())
    return order


def colleague(w: Writer, account: bool = True) -> int:
    person = w.insert("person", sex="f")
    w.put("staff", person=person, position="teacher")
    if account:
        w.insert("account", person=person, login=f"p{person & 0xFF}", password="x")
    return person


def held(db: Database, duty: str) -> int:
    """The appointment of the one who holds a duty at first."""
    row = db.execute(
        "SELECT min(id) FROM appointment WHERE duty = ? AND retired_at IS NULL", (duty,)
    ).fetchone()
    return int(row[0])


@pytest.mark.parametrize("later", [0, 30])
def test_the_last_administrators_duty_ends_when_another_has_begun(db: Database, later: int) -> None:
    end = today() + later
    with writing(db, actor(db)) as w:
        order, first = signed(w), held(db, "administrator")
        unarmed, coming, there = colleague(w, account=False), colleague(w), colleague(w)
        actions.give_duty(w, order, unarmed, "administrator", today())
        actions.give_duty(w, order, coming, "administrator", end + 1)
    with pytest.raises(LastAdministrator), writing(db, actor(db)) as w:
        actions.end_duty(w, order, first, end)
    with writing(db, actor(db)) as w:
        second = actions.give_duty(w, order, there, "administrator", end)
        actions.end_duty(w, order, first, end)
        actions.end_duty(w, order, second, end + 1)
    assert keyholders.held_until(db, "administrator", today()) == FOREVER


def test_the_last_head_goes_while_an_administrator_can_enter_the_next(db: Database) -> None:
    with writing(db, actor(db)) as w:
        order, head, administrator = signed(w), held(db, "head"), held(db, "administrator")
    with pytest.raises(LastAdministrator), writing(db, actor(db)) as w:
        actions.end_duty(w, order, administrator, today())
    with writing(db, actor(db)) as w:
        actions.end_duty(w, order, head, today())
    assert keyholders.held_until(db, "head", today()) == today()
    with writing(db, actor(db)) as w:
        accounts.enable(w, actor(db))


def test_without_an_administrator_the_last_head_stays(db: Database) -> None:
    """As where two machines that had not met each ended the administrator whom the other left."""
    with writing(db, actor(db)) as w:
        order, head = signed(w), held(db, "head")
        w.update("appointment", held(db, "administrator"), end=today())
    with pytest.raises(LastHead), writing(db, actor(db)) as w:
        actions.end_duty(w, order, head, today() + 5)
    with pytest.raises(LastHead), writing(db, actor(db)) as w:
        accounts.disable(w, actor(db))
    with writing(db, actor(db)) as w:
        actions.give_duty(w, order, colleague(w), "head", today() + 5)
        actions.end_duty(w, order, head, today() + 5)


def test_a_head_who_ends_everybodys_duty_is_stopped(tmp_path: Path) -> None:
    pages = autumn().again(tmp_path)
    head = pages.as_("head")
    order = pages.one("SELECT min(id) FROM order_book WHERE signed_on IS NOT NULL")
    head.get(f"/orders/{order}")
    ends = {}
    for duty in ("administrator", "head"):
        one = pages.one("SELECT id FROM appointment WHERE person = ? AND duty = ?", pages.person(duty), duty)
        ends[duty], _ = head.post(
            f"/orders/{order}/end", appointment=str(one), end=date_of(today()).isoformat()
        )
    assert ends == {"administrator": 422, "head": 302}
    assert pages.as_("administrator").get("/accounts/head")[0] == 200


def test_duties_written_apart_are_settled_by_the_head(db: Database) -> None:
    table, one = BY_NAME["appointment"].number, held(db, "administrator")
    may = {
        duty: may_decide(db, Visitor(1, "", frozenset({duty}), 1), table, one)
        for duty in ("head", "deputy", "secretary", "administrator")
    }
    assert may == {"head": True, "deputy": False, "secretary": False, "administrator": False}


WRITES = re.compile(r"""\.(?:insert|put|update|retire)\(\s*"(?:appointment|account)\"""")
WRITERS = {
    "accounts/actions.py", "app.py", "conflicts/actions.py", "consents/erasing.py", "logins.py", "orders/actions.py",
    "signin/actions.py", "signin/views.py", "storage.py",
}  # fmt: skip
"""Where rows of duties and accounts are written by name; not all of it ends a duty or shuts an account.
Erasing shuts the account of who has no role at the school, and so no duty."""
GUARDED = {
    "accounts/actions.py": {"disable"},
    "conflicts/actions.py": {"take"},
    "duplicates/actions.py": {"merge", "take_back"},
    "orders/actions.py": {"end_duty"},
}
"""What ends a duty, shuts an account or gives either to someone else. A merge, its undoing and a choice among values
written apart write any table."""


def test_no_way_is_forgotten_that_ends_a_duty_or_shuts_an_account() -> None:
    """A new module that writes these tables is looked at, and then named here."""
    home = Path(node.__file__).parent
    sources = {path.relative_to(home).as_posix(): path.read_text("utf-8") for path in home.rglob("*.py")}
    writers = {name for name, source in sources.items() if WRITES.search(source)}
    assert {name for name in writers if not name.startswith("generator/")} == WRITERS
    guarded = {
        name: {
            one.name
            for one in ast.walk(ast.parse(source))
            if isinstance(one, ast.FunctionDef) and "keyholders.kept(" in ast.unparse(one)
        }
        for name, source in sources.items()
        if "keyholders.kept(" in source
    }
    assert guarded == GUARDED
