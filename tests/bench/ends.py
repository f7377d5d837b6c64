"""Mektep's two ends as processes of their own, for what is measured over loopback HTTP.

python -m tests.bench.ends hub HOME            serves; prints its port
python -m tests.bench.ends ACTION HOME [..]    one action of a node; prints a line of JSON
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from waitress import create_server

from hub import create_app, schools
from hub.storage import create_hub, open_hub
from node.derived import derive
from node.storage import create_node, join_node, open_node
from shared import crypto
from shared.keys import RecoveryKit
from sync import session
from sync.state import State
from sync.transport.http import HttpTransport
from tests.bench import day
from tests.bench.day import Register

_CHEAP = crypto.Cost(2**4)
Told = dict[str, object]


def serve(home: Path) -> None:
    """The hub behind its web server, as ``mektep-hub serve`` runs it."""
    server = create_server(create_app(open_hub(home)), host="127.0.0.1", port=0, threads=4)
    print(server.effective_port, flush=True)
    server.run()


def found_hub(home: Path, node_home: Path) -> Told:
    """Make a hub with a school, and the school's node; prints the registration code."""
    hub, _ = create_hub(home, login="district", password="secret", passphrase="open", cost=_CHEAP)
    school = schools.add_school(hub, "School 8")
    code = schools.registration_code(hub, school).text
    _, kit = create_node(
        node_home, school_name="School 8", login="admin", password="secret", passphrase="open", cost=_CHEAP
    )
    return {"code": code, "kit": kit.words}


def register(home: Path, url: str, code: str) -> Told:
    with closing(open_node(home).connect()) as db:
        session.register(db, HttpTransport(url), code)
        made = day.found(db, int(State(db).administrator))
    _file(home).write_text(json.dumps([made.groups, made.pupils]))
    return {}


def join(home: Path, url: str, kit: str) -> Told:
    """A fresh node of the school: its introduction brings the first of the school's rows, a sync the rest."""
    node = join_node(home, passphrase="open", kit=kit, cost=_CHEAP)
    started = time.perf_counter()
    with closing(node.connect()) as db:
        session.join_by_kit(db, HttpTransport(url), RecoveryKit.secret_from(kit))
    took = time.perf_counter() - started
    told = sync(home, url)
    return {**told, "seconds": took + float(str(told["seconds"]))}


def write(home: Path, what: str, number: str) -> Told:
    """``pile`` of so many marks, or the ``day`` of this number, or a ``past`` of so many marks."""
    with closing(open_node(home).connect()) as db:
        actor, register = int(State(db).administrator), Register(*json.loads(_file(home).read_text()))
        started = time.perf_counter()
        if what == "day":
            changes = day.a_day(db, actor, register, day.FIRST_DAY + int(number))
        elif what == "pile":
            changes = day.marks(db, actor, register, int(number))
        else:
            first_day = day.FIRST_DAY + 2_000
            for done in range(0, int(number), 90_000):
                some = min(90_000, int(number) - done)
                day.history(db, actor, register, some, first_day + done // 900)
            changes = int(number)
    return {"changes": changes, "write_seconds": time.perf_counter() - started}


def sync(home: Path, url: str) -> Told:
    with closing(open_node(home).connect()) as db:
        transport = HttpTransport(url)
        started = time.perf_counter()
        progress = session.sync(db, transport, derive)
        took = time.perf_counter() - started
        marks = db.execute("SELECT count(*) FROM mark").fetchone()[0]
    assert progress.outcome == "done"
    return {"seconds": took, "rounds": progress.rounds, "marks": marks, "peak_mb": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _file(home: Path) -> Path:
    """The ids of the register's rows, beside the home."""
    return home.with_name(home.name + ".register.json")


ACTIONS: dict[str, Callable[..., Told]] = {"register": register, "join": join, "write": write, "sync": sync}

if __name__ == "__main__":
    action, place, *rest = sys.argv[1:]
    if action == "hub":
        serve(Path(place))
    elif action == "found":
        print(json.dumps(found_hub(Path(place), Path(rest[0]))))
    else:
        print(json.dumps(ACTIONS[action](Path(place), *rest)))
