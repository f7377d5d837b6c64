"""What node and hub say to each other: signed, bound to each other by hash, sealed to the addressee.

A message is CBOR ``[body, signature]`` sealed with HPKE to whom it is for; a refusal by the hub is ``[body,
signature]`` in
the open, for it may be unable to seal. Bodies are CBOR maps with small integer keys, as ``docs/protocol.md``
lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from shared import crypto, problems
from shared.problems import (
    BadSignature,
    CannotOpen,
    FlawedChangeset,
    HubAnswer,
    Problem,
    TooLarge,
    WrongSigner,
)
from sync.cbor import pack, unpack

MAX_MESSAGE = 16 * 1024 * 1024
MAX_ITEMS = 4_096
"""Items of any one list of a request."""
_TO_HUB, _TO_NODE = b"mektep request v1", b"mektep answer v1"
_REQUEST, _ANSWER, _INFO, _RECEIPT, _NODE = (
    b"mektep request v1",
    b"mektep answer v1",
    b"mektep hub v1",
    b"mektep receipt v1",
    b"mektep node v1",
)
_SEALED_KEY = (113, 177)
"""Bytes of a school key and its proof, sealed by `crypto.seal_to`; for a node let in with the kit's two keys."""
_LATER = {"Request": 23, "Answer": 25}
"""Fields from these numbers on are left out while they say nothing."""
_SEALED = 1
"""First byte of what `crypto.seal_to` makes; a refusal, a CBOR array, begins otherwise."""


@dataclass(frozen=True)
class HubInfo:
    """Whom a node trusts: the hub's signing key, named by the registration code, and its opening key, signed by it."""

    signing: bytes
    opening: bytes


@dataclass
class Request:
    """What a node asks. ``counter`` grows with every request, so that an old one is known when it comes again.

    ``own``: hashes of own changesets that were sent before and have no place yet. ``epoch``: the newest key it holds;
    ``epochs``: keys it hands on, as (number, recipient, sealed); ``approvals``: nodes its administrator lets join;
    ``proof``: shows the others that it holds the school's key. ``streams``: the beginnings of the two streams' heads at
    ``position`` and ``reference_position``. ``seen``: of changesets in this request that claim to have seen less than
    their header says, after their author learnt that the stream had parted. ``known``: `fingerprint` of the nodes'
    certificates it holds. ``again``: what a hub put back from a backup may lack (`sync.restored`).
    ``amendments``: school parts without erased values, each with the hash of its changeset and its record; ``amended``:
    up to which it has taken those of others.
    ``space``: free bytes on the node's disk, 0 if it does not say. ``aside``: `fingerprint_of` the changesets that it
    was told lost their place, once it holds none of them; ``anew``: of those it held, and has written anew.
    """

    node: bytes
    counter: int
    time: int
    position: int
    reference_position: int
    head: tuple[int, int] = (0, 0)
    changesets: list[bytes] = field(default_factory=list)
    budget: int = 0
    version: int = 1
    waiting: int = 0
    registration: dict[int, Any] | None = None
    backup_at: int = 0
    conflicts: int = 0
    own: list[bytes] = field(default_factory=list)
    epoch: int = 0
    epochs: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    approvals: list[bytes] = field(default_factory=list)
    proof: bytes = b""
    streams: list[bytes] = field(default_factory=list)
    seen: list[tuple[bytes, int]] = field(default_factory=list)
    known: bytes = b""
    again: dict[int, Any] | None = None
    amendments: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    amended: int = 0
    space: int = 0
    aside: bytes = b""
    anew: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class StreamEntry:
    """A place in a stream: ``envelope`` is None when the asking node wrote it itself and has it.

    ``seen``: how far its author had seen this stream, where that is less than its header says; None: as that says.
    """

    position: int
    hash: bytes
    receipt: bytes
    envelope: bytes | None
    seen: int | None = None

    def fields(self) -> list[Any]:
        """As it travels."""
        return [
            self.position,
            self.hash,
            self.receipt,
            self.envelope,
            *(() if self.seen is None else (self.seen,)),
        ]


@dataclass
class Answer:
    """What the hub answers. ``head``, ``reference_head``: last positions.

    ``digest`` of the district view at ``head``. ``nodes``: of each the two public keys, the instant of its revocation
    (0: none), its proof and its newest epoch. ``commitments``: of nodes that ask to join, see
    `sync.registration.commitment`. ``certificates``: the hub's word for each of ``nodes``, when the asking node holds
    others. ``heads``, ``reference_heads``: some positions of the hub's streams with their heads, when the node's are
    not the hub's; ``held``: up to which positions of the lines that it showed the hub has all. ``epoch``: the newest.
    ``amendments``: place, changeset, school part and record of each after the request's ``amended``; ``amended`` is the
    last place. ``heard``: of each of ``nodes`` when it was last heard and how many changes waited there; empty while
    only one of them is live. ``aside``: hashes of changesets that lost their place when the hub was put back
    (`sync.restored`), unless the request names them all; ``stranded``: how many of them no machine has written anew.
    ``origin``: of which ``known`` is; 0: of the asking node's.
    """

    request: bytes
    node: bytes
    time: int
    school: int
    accepted: list[bytes] = field(default_factory=list)
    refused: list[tuple[bytes, str, str]] = field(default_factory=list)
    entries: list[StreamEntry] = field(default_factory=list)
    reference_entries: list[StreamEntry] = field(default_factory=list)
    head: int = 0
    reference_head: int = 0
    digest: bytes = b""
    version: int = 1
    known: tuple[int, bytes] = (0, b"")
    nodes: list[tuple[bytes, bytes, int, bytes, int]] = field(default_factory=list)
    epochs: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    school_name: str = ""
    joining: list[tuple[bytes, bytes]] = field(default_factory=list)
    epoch_at: int = 0
    commitments: list[tuple[bytes, bytes]] = field(default_factory=list)
    certificates: list[tuple[bytes, bytes]] = field(default_factory=list)
    heads: list[tuple[int, bytes]] = field(default_factory=list)
    reference_heads: list[tuple[int, bytes]] = field(default_factory=list)
    held: tuple[int, int] = (0, 0)
    epoch: int = 0
    amendments: list[tuple[int, bytes, bytes, bytes]] = field(default_factory=list)
    amended: int = 0
    heard: list[tuple[int, int]] = field(default_factory=list)
    aside: list[bytes] = field(default_factory=list)
    stranded: int = 0
    origin: int = 0


def seal_request(request: Request, signer: crypto.SigningKey, hub: HubInfo) -> tuple[bytes, bytes]:
    """Returns the message and the hash by which its answer will name it."""
    body = pack(named_fields(request))
    return crypto.seal_to(hub.opening, _signed(body, _REQUEST, signer), _TO_HUB), crypto.sha256(body)


def named_fields(message: Request | Answer) -> dict[int, Any]:
    """The fields of a message by number; those that came later are left out while they say nothing."""
    named = dict(vars(message))
    for name in ("entries", "reference_entries"):
        if name in named:
            named[name] = [e.fields() for e in named[name]]
    later = _LATER[type(message).__name__]
    return {n: v for n, v in enumerate(named.values(), 1) if v is not None and (v or n < later)}


def open_request(message: bytes, opener: crypto.OpeningKey) -> tuple[Request, bytes]:
    """Read and verify a request; returns it and its hash. CannotOpen, WrongSigner, FlawedChangeset, TooLarge.

    Whether the signing node is known is for the caller to ask.
    """
    if len(message) > MAX_MESSAGE:
        raise TooLarge()
    body, signature = _parts(opener.open(message, _TO_HUB), "the request")
    named = unpack(body, "the request")
    request = _read_request(named)
    _verify(request.node, _REQUEST, body, signature)
    return request, crypto.sha256(body)


def _read_request(named: Any) -> Request:
    try:
        request = Request(**{name: named.get(n) for n, name in enumerate(_fields(Request), 1) if n in named})
        numbers = (
            request.counter,
            request.time,
            request.position,
            request.reference_position,
            request.budget,
            request.version,
            request.waiting,
            request.backup_at,
            request.conflicts,
            request.epoch,
            request.amended,
            request.space,
            *request.head,
        )
        request.head = _typed(request.head, int, int)
        request.epochs = [_typed(item, int, bytes, bytes) for item in request.epochs]
        request.amendments = [_typed(item, bytes, bytes, bytes) for item in request.amendments]
        fits = all(type(n) is int and 0 <= n < 2**62 for n in numbers) and _is_key(request.node)
        lists = (
            request.changesets,
            request.own,
            request.epochs,
            request.approvals,
            request.amendments,
            request.anew,
        )
        fits = fits and all(isinstance(some, list) and len(some) <= MAX_ITEMS for some in lists)
        fits = fits and all(isinstance(c, bytes) for c in request.changesets)
        fits = fits and request.version < 2**31 and request.epoch < 2**31
        fits = fits and isinstance(request.proof, bytes) and len(request.proof) in (0, 32)
        fits = fits and all(map(_is_key, (*request.own, *request.approvals, *request.anew)))
        fits = fits and isinstance(request.aside, bytes)
        fits = fits and all(is_sealed_key(n, k) and _is_key(r) for n, r, k in request.epochs)
        fits = fits and (request.registration is None or isinstance(request.registration, dict))
        fits = fits and (request.again is None or isinstance(request.again, dict))
        fits = fits and isinstance(request.known, bytes) and len(request.streams) in (0, 2)
        fits = fits and all(isinstance(head, bytes) for head in request.streams)
        request.seen = [_typed(item, bytes, int) for item in request.seen]
    except (TypeError, AttributeError, IndexError, ValueError) as error:
        raise FlawedChangeset("the request has a wrong form") from error
    if not fits:
        raise FlawedChangeset("the request has a wrong form")
    return request


def seal_answer(answer: Answer, signer: crypto.SigningKey, node_opening: bytes) -> bytes:
    body = pack(named_fields(answer))
    return crypto.seal_to(node_opening, _signed(body, _ANSWER, signer), _TO_NODE)


def refusal(
    problem: Problem, request: bytes, signer: crypto.SigningKey, details: Mapping[str, int] | None = None
) -> bytes:
    """The hub's signed no: the problem's code, bound to the request it refuses."""
    return _signed(pack({1: request, 2: problem.code, 3: dict(details or {})}), _ANSWER, signer)


def open_answer(
    message: bytes, opener: crypto.OpeningKey, hub_signing: bytes, node: bytes, request: bytes | None
) -> Answer:
    """Read and verify what the hub answered to the request with this hash (None: any, as a stick brings it).

    HubAnswer: it cannot be read, or answers something else. ImpostorHub: another key signed it. A refusal is raised as
    the problem it names.
    """
    if not message or len(message) > 2 * MAX_MESSAGE:
        raise HubAnswer()
    try:
        plain = opener.open(message, _TO_NODE) if message[0] == _SEALED else message
        body, signature = _parts(plain, "the answer")
        named = unpack(body, "the answer")
    except (CannotOpen, FlawedChangeset) as error:
        raise HubAnswer() from error
    try:
        crypto.verify(hub_signing, _ANSWER, body, signature)
    except BadSignature as error:
        raise problems.ImpostorHub() from error
    if not isinstance(named, dict) or (request is not None and named.get(1) != request):
        raise HubAnswer()
    if message[0] != _SEALED:
        raise _refused(named)
    answer = _read_answer(named)
    if answer.node != node:
        raise HubAnswer()
    return answer


def _refused(named: dict[int, Any]) -> Problem:
    details = named.get(3)
    for kind in (
        problems.NotRegistered,
        problems.Forked,
        problems.Revoked,
        problems.Replay,
        problems.WrongCode,
        problems.AlreadyRegistered,
        problems.ApprovalPending,
        problems.WrongRecoveryKey,
        problems.WrongSigner,
        problems.TooManyTries,
        problems.TooLarge,
        problems.DatabaseBusy,
        problems.DiskFull,
    ):
        if named.get(2) == kind.code:
            return kind(**_named_numbers(details))
    return HubAnswer()


def _named_numbers(details: object) -> dict[str, int]:
    if not isinstance(details, dict):
        return {}
    return {name: n for name, n in details.items() if isinstance(name, str) and type(n) is int}


def _read_answer(named: dict[int, Any]) -> Answer:
    try:
        answer = Answer(**{name: named[n] for n, name in enumerate(_fields(Answer), 1) if n in named})
        answer.entries = [_read_entry(e) for e in answer.entries]
        answer.reference_entries = [_read_entry(e) for e in answer.reference_entries]
        answer.refused = [_typed(item, bytes, str, str) for item in answer.refused]
        answer.nodes = [_typed(item, bytes, bytes, int, bytes, int) for item in answer.nodes]
        answer.epochs = [_typed(item, int, bytes, bytes) for item in answer.epochs]
        answer.joining = [_typed(item, bytes, bytes) for item in answer.joining]
        answer.amendments = [_typed(item, int, bytes, bytes, bytes) for item in answer.amendments]
        answer.known = _typed(answer.known, int, bytes)
        answer.commitments = [_typed(item, bytes, bytes) for item in answer.commitments]
        answer.certificates = [_typed(item, bytes, bytes) for item in answer.certificates]
        answer.heads = [_typed(item, int, bytes) for item in answer.heads]
        answer.reference_heads = [_typed(item, int, bytes) for item in answer.reference_heads]
        answer.held = _typed(answer.held, int, int)
        answer.heard = [_typed(item, int, int) for item in answer.heard]
        numbers = (
            answer.time,
            answer.school,
            answer.head,
            answer.reference_head,
            answer.version,
            answer.epoch_at,
            answer.epoch,
            answer.amended,
            answer.stranded,
            answer.origin,
            *chain.from_iterable(answer.heard),
        )
        fits = all(type(n) is int and 0 <= n < 2**62 for n in numbers) and isinstance(answer.digest, bytes)
        fits = fits and len(answer.heard) in (0, len(answer.nodes))
        fits = fits and all(is_sealed_key(n, k) for n, _, k in answer.epochs)
        fits = (
            fits
            and all(isinstance(h, bytes) for h in (*answer.accepted, *answer.aside))
            and isinstance(answer.school_name, str)
        )
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise HubAnswer() from error
    if not fits:
        raise HubAnswer()
    return answer


def _typed(item: Any, *types: type) -> tuple[Any, ...]:
    """A short list whose items are of these very types; TypeError when it is anything else."""
    if not isinstance(item, (list, tuple)) or [type(value) for value in item] != list(types):
        raise TypeError("an item of a message")
    return tuple(item)


def _read_entry(item: Any) -> StreamEntry:
    position, hashed, receipt, envelope, *capped = item
    if len(capped) > 1 or any(type(seen) is not int or seen < 0 for seen in capped):
        raise HubAnswer()
    if type(position) is not int or not (_is_key(hashed) and isinstance(receipt, bytes)):
        raise HubAnswer()
    if envelope is not None and not isinstance(envelope, bytes):
        raise HubAnswer()
    return StreamEntry(position, hashed, receipt, envelope, *capped)


def describe_hub(signer: crypto.SigningKey, opener: crypto.OpeningKey) -> bytes:
    """What the hub shows to everyone: its two public keys, the second signed with the first."""
    return pack([signer.public, opener.public, signer.sign(_INFO, opener.public)])


def read_hub(data: bytes) -> HubInfo:
    """Read `describe_hub`; HubAnswer if it is anything else.

    Whether it is the right hub, the registration code tells.
    """
    try:
        signing, opening, signature = unpack(data, "the hub's keys")
        crypto.verify(signing, _INFO, opening, signature)
    except (FlawedChangeset, BadSignature, ValueError, TypeError) as error:
        raise HubAnswer() from error
    if not (_is_key(signing) and _is_key(opening)):
        raise HubAnswer()
    return HubInfo(signing, opening)


def next_head(head: bytes, hashed: bytes) -> bytes:
    """The hash of a stream up to and with one more changeset."""
    return crypto.sha256(head + hashed)


def receipt_body(school: int, position: int, hashed: bytes, head: bytes, seen: int | None = None) -> bytes:
    return pack([school, position, hashed, head, *(() if seen is None else (seen,))])


def sign_receipt(
    signer: crypto.SigningKey, school: int, position: int, hashed: bytes, head: bytes, seen: int | None = None
) -> bytes:
    """The hub's word that this changeset has this place in its school's stream, for good.

    ``seen``: how far its author had seen the stream, where that is not what its header says.
    """
    return signer.sign(_RECEIPT, receipt_body(school, position, hashed, head, seen))


def check_receipt(
    hub_signing: bytes,
    school: int,
    position: int,
    hashed: bytes,
    head: bytes,
    receipt: bytes,
    seen: int | None = None,
) -> None:
    """Raise HubAnswer unless the hub signed this place; a changed history does not fit the heads before it."""
    try:
        crypto.verify(hub_signing, _RECEIPT, receipt_body(school, position, hashed, head, seen), receipt)
    except BadSignature as error:
        raise HubAnswer() from error


def certificate_body(school: int, signing: bytes, opening: bytes, revoked_at: int) -> bytes:
    return pack([school, signing, opening, revoked_at])


def certify(signer: crypto.SigningKey, school: int, signing: bytes, opening: bytes, revoked_at: int) -> bytes:
    """The hub's word that a node is a school's, or since when it is no more; every node keeps all of its school's."""
    return signer.sign(_NODE, certificate_body(school, signing, opening, revoked_at))


def is_certified(
    hub_signing: bytes, school: int, signing: bytes, opening: bytes, revoked_at: int, certificate: bytes
) -> bool:
    """Did the hub say so?"""
    try:
        crypto.verify(hub_signing, _NODE, certificate_body(school, signing, opening, revoked_at), certificate)
    except BadSignature:
        return False
    return True


def fingerprint(nodes: Iterable[tuple[bytes, int]]) -> bytes:
    """Eight bytes by which node and hub see whether they know the same nodes, revoked at the same instants."""
    return crypto.sha256(pack(sorted([signing, revoked_at] for signing, revoked_at in nodes)))[:8]


def fingerprint_of(hashes: Iterable[bytes]) -> bytes:
    """Eight bytes by which node and hub see whether they mean the same changesets; of none it is empty."""
    some = sorted(hashes)
    return crypto.sha256(pack(some))[:8] if some else b""


def _signed(body: bytes, context: bytes, signer: crypto.SigningKey) -> bytes:
    return pack([body, signer.sign(context, body)])


def _parts(plain: bytes, what: str) -> tuple[bytes, bytes]:
    parts = unpack(plain, what)
    if not (isinstance(parts, list) and len(parts) == 2 and all(isinstance(p, bytes) for p in parts)):
        raise FlawedChangeset(f"{what} has a wrong form")
    return parts[0], parts[1]


def _verify(public: bytes, context: bytes, body: bytes, signature: bytes) -> None:
    try:
        crypto.verify(public, context, body, signature)
    except BadSignature as error:
        raise WrongSigner() from error


def is_sealed_key(number: object, sealed: object) -> bool:
    """Can these be an epoch's number and its key, sealed to someone?"""
    return (
        type(number) is int
        and 0 < number < 2**31
        and isinstance(sealed, bytes)
        and len(sealed) in _SEALED_KEY
    )


def _is_key(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == 32


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(kind.__dataclass_fields__)  # type: ignore[attr-defined]
