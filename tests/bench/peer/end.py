"""One end of Morango as a process: ``python -m tests.bench.peer.end ACTION ..``, a line of JSON as its answer.

Runs in Morango's own environment, from the repository's root. Where its database lies and which school it belongs to
stand in the environment: PEER_DATABASE, PEER_SCHOOL, MORANGO_SYSTEM_ID.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "project"))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
os.environ.setdefault("PEER_SCHOOL", "none")

import django

django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from journal.models import Absence, Lesson, Mark, Pupil, Teacher
from morango.models import Certificate, Filter, ScopeDefinition
from morango.sync.controller import MorangoProfileController
from waitress import create_server

from tests.bench import rows

SCHOOL = os.environ["PEER_SCHOOL"]
Told = dict[str, object]


def _prepare() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    ScopeDefinition.objects.get_or_create(
        id="school",
        defaults={
            "profile": "journal",
            "version": 1,
            "primary_scope_param_key": "school",
            "description": "a school",
            "read_filter_template": "",
            "write_filter_template": "",
            "read_write_filter_template": "${school}",
        },
    )


def found() -> Told:
    _prepare()
    root = Certificate.generate_root_certificate("school")
    Teacher.objects.create_superuser("root", "root@example.org", "secret")
    return {"school": root.id}


def serve() -> None:
    server = create_server(get_wsgi_application(), host="127.0.0.1", port=0, threads=4, channel_timeout=600)
    print(server.effective_port, flush=True)
    server.run()


def _connect(url: str) -> Any:
    return MorangoProfileController("journal").create_network_connection(url + "/")


def join(url: str) -> Told:
    _prepare()
    connection = _connect(url)
    root = connection.get_remote_certificates(SCHOOL, "school")[0]
    connection.certificate_signing_request(
        root, "school", {"school": SCHOOL}, userargs="root", password="secret"
    )
    return {}


def _keep(kind: Any, made: Sequence[Any]) -> Sequence[Any]:
    for one in made:
        one.id = one.calculate_uuid()
    kind.objects.bulk_create(made, batch_size=500)
    return made


def write(what: str, number: str) -> Told:
    """``pile`` of so many marks (with the pupils, if there are none), or the ``day`` of this number."""
    started = time.perf_counter()
    with transaction.atomic():
        pupils = _pupils()
        changes = _day(pupils, int(number)) if what == "day" else _pile(pupils, int(number))
    return {"changes": changes, "write_seconds": time.perf_counter() - started}


def _pupils() -> list[list[Pupil]]:
    """The pupils of each class, made at first; the birth year tells the class."""
    if not Pupil.objects.exists():
        for at in range(rows.CLASSES):
            _keep(Pupil, [Pupil(sex="fm"[at % 2], birth_year=1_990 + at) for _ in range(rows.PUPILS)])
    return [list(Pupil.objects.filter(birth_year=1_990 + at).order_by("id")) for at in range(rows.CLASSES)]


def _lesson(one: rows.Lesson, taken: int) -> Lesson:
    return Lesson(group=one.number, day=one.day, period=one.period, attendance_taken=taken)


def _pile(pupils: list[list[Pupil]], count: int) -> int:
    lessons, marks = [], []
    for of_lesson in rows.pile(count):
        one = of_lesson[0].lesson
        lessons.append(_lesson(one, 0))
        lessons[-1].id = lessons[-1].calculate_uuid()
        marks += [
            Mark(lesson_id=lessons[-1].id, pupil=pupils[one.number][m.pupil], value=m.value)
            for m in of_lesson
        ]
    Lesson.objects.bulk_create(lessons, batch_size=500)
    _keep(Mark, marks)
    return len(lessons) + len(marks)


def _day(pupils: list[list[Pupil]], number: int) -> int:
    of_day = rows.school_day(rows.FIRST_DAY + number)
    lessons = dict(
        zip(of_day.lessons, _keep(Lesson, [_lesson(one, 1) for one in of_day.lessons]), strict=True)
    )
    marks = _keep(
        Mark,
        [
            Mark(lesson=lessons[m.lesson], pupil=pupils[m.lesson.number][m.pupil], value=m.value)
            for m in of_day.marks
        ],
    )
    _keep(
        Absence,
        [
            Absence(lesson=lessons[one], pupil=pupils[one.number][pupil], status="absent", reason=reason)
            for one, pupil, reason in of_day.absences
        ],
    )
    placed = {(m.lesson, m.pupil): kept for m, kept in zip(of_day.marks, marks, strict=True)}
    for edit in of_day.edits:
        mark = Mark.objects.get(id=placed[edit.lesson, edit.pupil].id)
        mark.value = edit.value
        mark.save()
    return len(of_day.lessons) + len(of_day.marks) + len(of_day.absences) + len(of_day.edits)


def push(url: str) -> Told:
    return _transfer(url, lambda session: session.get_push_client())


def pull(url: str) -> Told:
    return _transfer(url, lambda session: session.get_pull_client())


def _transfer(url: str, way: Callable[[Any], Any]) -> Told:
    started = time.perf_counter()
    connection = _connect(url)
    own = next(iter(Certificate.objects.exclude(_private_key=None)))
    session = connection.create_sync_session(own, Certificate.objects.get(id=SCHOOL))
    client = way(session)
    client.initialize(Filter(SCHOOL))
    records = client.current_transfer_session.records_total
    client.run()
    client.finalize()
    connection.close_sync_session(session.sync_session)
    took = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": took, "records": records, "marks": Mark.objects.count(), "peak_mb": peak}


ACTIONS: dict[str, Callable[..., Told]] = {
    "found": found,
    "join": join,
    "write": write,
    "push": push,
    "pull": pull,
}

if __name__ == "__main__":
    action, *rest = sys.argv[1:]
    if action == "serve":
        serve()
    else:
        print(json.dumps(ACTIONS[action](*rest)))
