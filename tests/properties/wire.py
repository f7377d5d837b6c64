"""The way between a machine and the hub in a history: what passes is read, and the model must say the same of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlite_utils import Database

from hub import ingest
from hub.storage import Hub
from shared import crypto
from shared.problems import HubUnreachable, Problem
from sync import erasure
from sync.change import Change as RealChange
from sync.codec import all_changes, open_envelope
from sync.messages import Answer as RealAnswer
from sync.messages import open_answer, open_request
from sync.state import State, epoch_keys, identity
from tests.properties import model
from tests.properties.again import REAL
from tests.properties.machines import Time
from tests.properties.rules import Changeset

Fault = Callable[[], str]
FAULTS = ("lose request", "damage request", "repeat", "lose answer", "cut answer", "damage answer", "garbage")
"""What a link does to one exchange."""


@dataclass
class Link:
    """A hub, one of its schools' stream in the model, and the time at the hub."""

    hub: Hub
    school: model.Hub
    time: Time

    def receive(self, message: bytes, request: model.Request, carried: bool) -> tuple[bytes, object]:
        """Both answers, of the engine and of the model; AssertionError when they differ."""
        with self.time.of(0):
            answer = ingest.receive(self.hub, message, carried)
        read = self._read(answer, request)
        entries = 0 if isinstance(read, str) else len(read.entries)
        said = self.school.receive(request, self.time.ms, carried, entries)
        if isinstance(read, str) or isinstance(said, str):
            assert read == said, f"the hub says {read!r}, the model {said!r}"
            return answer, said
        asked, _ = open_request(message, self.hub.opener)
        others = {*asked.anew, *(crypto.sha256(record) for _, _, record in asked.amendments)}
        assert _facts(read, others) == (
            len(said.accepted),
            said.refused,
            said.head,
            said.known[1],
        ), "the hub takes what the model does not, or the reverse"
        for (_, changeset), entry in zip(said.entries, read.entries, strict=True):
            if entry.envelope is not None:
                envelope = open_envelope(entry.envelope)
                if envelope.amendment:
                    said.amended[changeset.hash] = changeset, envelope
        return answer, said

    def _read(self, answer: bytes, request: model.Request) -> RealAnswer | str:
        try:
            opener = crypto.OpeningKey.from_bytes(request.opening)
            return open_answer(answer, opener, self.hub.signer.public, request.key, None)
        except Problem as problem:
            return problem.code

    def read_request(
        self, node: model.Node, message: bytes, accepted: dict[object, Changeset]
    ) -> model.Request:
        """What the model asks in the same place; AssertionError when it would ask something else."""
        request, _ = open_request(message, self.hub.opener)
        joining = request.registration is not None
        asked = node.ask(request.counter, len(request.changesets), accepted, joining)
        assert (request.again is not None) == asked.again, "it shows the hub what it lacks, or not"
        envelopes = [open_envelope(data) for data in request.changesets]
        headers = [envelope.header for envelope in envelopes]
        REAL.update({c.hash: e.hash for c, e in zip(asked.sent, envelopes, strict=True)})
        assert [(h.origin, h.first, h.last, h.seen, h.epoch, h.continues) for h in headers] == [
            (c.origin, c.first, c.last, c.seen, c.epoch, c.continues) for c in asked.sent
        ], "another changeset is cut"
        assert (request.head, request.position, request.epoch) == (asked.head, asked.position, asked.epoch)
        epochs = sorted(n for n, _, _ in request.epochs)
        assert epochs == sorted(n for n, _, _ in asked.offered), "other keys are handed on"
        return asked


def _facts(answer: RealAnswer, others: set[bytes]) -> tuple[int, str, int, int]:
    """What both tell alike; of ``others``, which the hub names among what it accepted, the model knows nothing."""
    refused = answer.refused[0][1] if answer.refused else ""
    return len(set(answer.accepted) - others), refused, answer.head, answer.known[0]


def _blanked(changeset: Changeset, real: list[RealChange]) -> Changeset:
    """As it comes amended; AssertionError when more than values is gone."""
    changes = []
    for change, other in zip(changeset.changes, real, strict=True):
        assert change.values.keys() == other.values.keys(), "an amendment takes columns out"
        values = {n: v if other.values[n] is not None else None for n, v in change.values.items()}
        changes.append(replace(change, values=values))
    return replace(changeset, changes=tuple(changes))


def _damaged(message: bytes) -> bytes:
    return message[:-1] + bytes([message[-1] ^ 1])


@dataclass
class Wire:
    """The transport of one sync. ``now`` is the machine's time; ``accepted`` what this sync has brought to the hub."""

    link: Link
    db: Database
    node: model.Node
    fault: Fault
    now: Callable[[], int]
    pending: model.Answer | None = None
    taken: bool = False
    refused: str = ""
    accepted: dict[object, Changeset] = field(default_factory=dict)

    def describe(self) -> bytes:
        return ingest.describe(self.link.hub)

    def exchange(self, message: bytes) -> bytes:
        # The model knows of no amendments: a round may be for them alone.
        done = self.taken and self.node.is_done() and erasure.settled(self.db)
        assert not done, "it goes on though it is done"
        self.taken = False
        request = self.link.read_request(self.node, message, self.accepted)
        fault = self.fault()
        if fault == "lose request":
            raise HubUnreachable()
        if fault == "damage request":
            with self.link.time.of(0):
                return ingest.receive(self.link.hub, _damaged(message))
        answer, said = self.link.receive(message, request, carried=False)
        if fault == "repeat":
            _, again = self.link.receive(message, request, carried=False)
            assert again in ("replay", "revoked") or again == said == "not_registered"
        if fault == "lose answer":
            raise HubUnreachable()
        if fault == "garbage":
            return b"<html>captive portal</html>"
        if fault == "damage answer":
            return _damaged(answer)
        if fault == "cut answer":
            return answer[: len(answer) // 2]
        if isinstance(said, model.Answer):
            self.pending = said
        elif said == "not_registered":
            self.node.note_unknown()
        return answer

    def catch_up(self) -> None:
        """Let the model take the answer that the machine has taken; both must then be in the same place."""
        if self.pending is not None:
            answer, self.pending, self.taken = self.pending, None, True
            self.refused = take(self.db, self.node, answer, self.now())
            self.accepted |= {c.hash: c for c in answer.accepted}


def take(db: Database, node: model.Node, answer: model.Answer, ms: int) -> str:
    """Let the model take what the machine took; returns the refusal that it tells of."""
    keys = epoch_keys(db)
    answer.blanked = {
        hashed: _blanked(changeset, all_changes(envelope, keys[envelope.epoch]))
        for hashed, (changeset, envelope) in answer.amended.items()
        if envelope.epoch in keys
    }
    refused = node.take(answer, ms, lambda: int(State(db).origin))
    state, keys = State(db), identity(db)
    place = (state.origin, state.own_last, state.position, bool(state.forked), keys.epoch, state.completing)
    assert place == (
        node.origin,
        node.last,
        len(node.stream),
        node.forked,
        max(node.epochs, default=0),
        node.completing,
    ), "after an answer the machine is in another place than the model"
    return refused
