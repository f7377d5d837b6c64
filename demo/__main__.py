"""``python -m demo``: a hub and three schools as real processes on this machine; ``--once`` prints JSON and stops.

Everything runs through the command lines a school and a district would type. The demo's homes are made anew each time.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from demo.figures import district_rows, rows_of
from hub.storage import open_hub
from node.generator import generate
from node.storage import open_node
from shared import crypto
from shared.dates import date_of, day_number
from sync.state import State
from sync.writer import writing

DATA = Path(__file__).parent / "data" / "uci-student-performance"
REAL = ("GP", "MS")
GENERATED = "№ 8"
PASSWORD = "mektep-demo"
PORTS = {"hub": 8443, "GP": 8081, "MS": 8082, GENERATED: 8083}
PUPILS = 400


class Demo:
    """The homes, the processes and the addresses of one run."""

    def __init__(self, root: Path, once: bool) -> None:
        self.root = root
        self.once = once
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "MEKTEP_PASSPHRASE": secrets.token_hex(8),
            "MEKTEP_PASSWORD": PASSWORD,
        }
        self.logins: dict[str, str] = {}
        self.ports = {name: _free_port(port) for name, port in PORTS.items()}

    def home(self, name: str) -> Path:
        return self.root / {"hub": "hub", GENERATED: "school-8"}.get(name, name.lower())

    def run(self, name: str, *words: str | Path) -> dict[str, Any]:
        """Type a command and read its answer."""
        module = "hub" if name == "hub" else "node"
        line = [sys.executable, "-m", module, "--home", str(self.home(name)), "--json", *map(str, words)]
        done = subprocess.run(line, env=self.environment, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise SystemExit(f"mektep-{module} {' '.join(map(str, words))}: failed")
        return dict(json.loads(done.stdout)) if done.stdout else {}

    def serve(self, name: str) -> None:
        """Start serving and wait until the port answers."""
        module = "hub" if name == "hub" else "node"
        line = [
            sys.executable,
            "-m",
            module,
            "--home",
            str(self.home(name)),
            "serve",
            "--port",
            str(self.ports[name]),
        ]
        with (self.root / f"{self.home(name).name}.log").open("wb") as log:
            self.processes.append(subprocess.Popen(line, env=self.environment, stdout=log, stderr=log))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[name])) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"{name} does not answer; see {log.name}")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=20)


def build(demo: Demo) -> None:
    """Hub, schools, real registers, one generated school, registration, sync."""
    _say("The hub of the district.")
    demo.run("hub", "init")
    demo.serve("hub")
    url = f"http://127.0.0.1:{demo.ports['hub']}"
    for number, name in enumerate((*REAL, GENERATED), 1):
        demo.run("hub", "school", "add", name, "--number", str(number), "--district", "Сузак")
        code = demo.run("hub", "registration-code", name)["code"]
        demo.run(name, "init", "--school", name)
        if name in REAL:
            for subject in ("mat", "por"):
                mapping = DATA / f"{name.lower()}-{subject}.toml"
                demo.run(name, "import", DATA / f"student-{subject}.csv", "--mapping", mapping)
            _make_head(demo, name)
            _say(f"School {name}: its two registers are imported.")
        else:
            _generate(demo, name)
            _say(f"School {name}: a year of {PUPILS} pupils is written.")
        demo.run(name, "register", url, code)
        result = demo.run(name, "sync")
        sent = result["bytes_sent"] + result["bytes_received"]
        _say(f"School {name}: synced, {result['changes_sent']} changes in {sent} bytes, {result['outcome']}.")


def _make_head(demo: Demo, name: str) -> None:
    """An administrator reads no pupil; for the demo the same person is the school's head too."""
    os.environ["MEKTEP_PASSPHRASE"] = demo.environment["MEKTEP_PASSPHRASE"]
    with closing(open_node(demo.home(name)).connect()) as db:
        account = int(State(db).administrator)
        person = db.execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone()[0]
        with writing(db, account) as w:
            w.insert("appointment", person=person, duty="head", start=0)


def _generate(demo: Demo, name: str) -> None:
    """A school in the year of today, told up to yesterday, so that today's lessons are there to be held."""
    os.environ["MEKTEP_PASSPHRASE"] = demo.environment["MEKTEP_PASSPHRASE"]
    node = open_node(demo.home(name))
    yesterday = day_number(datetime.date.today()) - 1
    stored = crypto.hash_password(PASSWORD)
    with closing(node.connect()) as db:
        started = [day for (day,) in db.execute("SELECT start FROM academic_year") if day < yesterday]
        school = generate(
            db,
            int(State(db).administrator),
            seed=8,
            pupils=PUPILS,
            password_hash=stored,
            year=date_of(max(started)).year,
            until=yesterday,
        )
        demo.logins = school.logins | _family(db, school.logins["class_teacher"], stored)


def _family(db: Database, class_teacher: str, stored: str) -> dict[str, str]:
    """Accounts of a pupil of the class teacher's and of the pupil's guardian, both with names by their consents."""
    guardian, pupil = db.execute(
        """SELECT g.person, g.pupil FROM guardian g JOIN person p ON p.id = g.pupil JOIN person q ON q.id = g.person
             JOIN enrolment e ON e.pupil = g.pupil JOIN class_group c ON c.id = e.class_group
             JOIN account a ON a.person = c.teacher
           WHERE a.login = ? AND p.surname IS NOT NULL AND q.surname IS NOT NULL AND e."end" IS NULL
           ORDER BY g.rid LIMIT 1""",
        [class_teacher],
    ).fetchone()
    with writing(db, int(State(db).administrator)) as w:
        for login, person in (("guardian", guardian), ("pupil", pupil)):
            w.insert("account", person=person, login=login, password=stored, language="ky")
    return {"guardian": "guardian", "pupil": "pupil"}


def show(demo: Demo) -> dict[str, Any]:
    """The district's figures, taken from the hub."""
    hub = open_hub(demo.home("hub"))
    try:
        return {"rows": rows_of(hub, REAL), "schools": district_rows(hub)}
    finally:
        hub.close()


def _print_table(figures: dict[str, Any]) -> None:
    print(
        f"{'school':8}{'subject':9}{'term':6}{'sex':5}{'assessed':>9}{'average':>9}{'success':>9}{'quality':>9}{'missed':>8}"
    )
    for row in figures["rows"]:
        missed = "—" if row["missed"] is None else row["missed"]
        print(
            f"{row['school']:8}{row['subject']:9}{row['term']:6}{row['sex']:5}{row['assessed']:>9}"
            f"{row['average']:>9.2f}{row['success']:>9.1f}{row['quality']:>9.1f}{missed:>8}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="print the figures as one JSON object and stop")
    chosen = parser.parse_args(arguments)
    with _root(chosen.once) as root:
        demo = Demo(root, chosen.once)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            build(demo)
            figures = show(demo)
            if chosen.once:
                print(json.dumps(figures, ensure_ascii=False))
                return 0
            for name in (*REAL, GENERATED):
                demo.serve(name)
            _print_table(figures)
            _print_addresses(demo)
            while all(process.poll() is None for process in demo.processes):
                time.sleep(1)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            demo.stop()


def _print_addresses(demo: Demo) -> None:
    print()
    print(f"{'District hub':16} http://127.0.0.1:{demo.ports['hub']}/    sign in: district / {PASSWORD}")
    for name in (*REAL, GENERATED):
        print(f"{'School ' + name:16} http://127.0.0.1:{demo.ports[name]}/    sign in: admin / {PASSWORD}")
    for duty, login in demo.logins.items():
        print(f"{'':16} {duty} of school {GENERATED}: {login} / {PASSWORD}")
    print("It stays up until Ctrl-C.", flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _free_port(wanted: int) -> int:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _root(once: bool) -> Iterator[Path]:
    """Where the demo's homes lie: ``var/demo`` for one that stays up, a passing place for one that does not."""
    if once:
        with tempfile.TemporaryDirectory(prefix="mektep-") as place:
            yield Path(place)
        return
    root = Path("var") / "demo"
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True)
    yield root


if __name__ == "__main__":
    sys.exit(main())
