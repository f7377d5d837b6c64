"""Sync by stick at the hub: requests in, answers out."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from hub import amendments, completing, ingest, tables
from hub.log import HubLog
from hub.storage import Hub
from shared.problems import FlawedBundle
from shared.schema import VERSION
from sync import clock, digest
from sync.messages import Answer, seal_answer
from sync.transport.folder import ANSWER, HUB_FILE, REQUEST, bundles, read_bundle, write_bundle

_BUDGET = 8 * 1024 * 1024


def import_bundles(hub: Hub, folder: Path) -> tuple[int, list[str]]:
    """Answer every request on a stick; returns how many, and the files that could not be read, left as they are."""
    done, flawed = 0, []
    write_bundle(folder / HUB_FILE, ingest.describe(hub))
    for path in bundles(folder, REQUEST):
        try:
            message = read_bundle(path)
        except FlawedBundle:
            flawed.append(path.name)
            continue
        write_bundle(path.with_suffix(ANSWER), ingest.receive(hub, message, carried=True))
        path.unlink()
        done += 1
    return done, flawed


def export_bundles(hub: Hub, school: int, folder: Path) -> int:
    """Write for each node of a school what it lacked when last heard; returns for how many nodes."""
    write_bundle(folder / HUB_FILE, ingest.describe(hub))
    with hub.read() as connection:
        every = connection.execute(sa.select(tables.node).where(tables.node.c.school == school)).all()
        nodes = [node for node in every if not node.revoked_at]
        for node in nodes:
            log, own = HubLog(connection, school, hub.signer), HubLog(connection, 0, hub.signer)
            answer = Answer(bytes(32), bytes(node.signing), clock.now_ms(), school)
            answer.head, answer.reference_head = log.head()[0], own.head()[0]
            answer.reference_entries = ingest.entries(own, node.reference_position, _BUDGET)
            answer.entries = ingest.entries(log, node.position, _BUDGET)
            answer.amended = amendments.last(connection, school)
            if node.position + len(answer.entries) >= answer.head:
                answer.amendments = amendments.after(connection, school, 0, _BUDGET, ())
            answer.version = min(VERSION, node.version or VERSION)
            answer.digest = digest.total(log.sums(), answer.version)
            answer.nodes = [ingest.node_entry(n) for n in every]
            answer.heard = ingest.heard(every)
            answer.aside = completing.aside(connection, school)
            answer.stranded = completing.stranded(connection).get(school, 0)
            name = f"{bytes(node.signing)[:8].hex()}-{answer.time:020d}{ANSWER}"
            write_bundle(folder / name, seal_answer(answer, hub.signer, bytes(node.opening)))
    return len(nodes)
