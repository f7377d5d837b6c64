"""How a node becomes known to its hub: by a code, by the recovery kit, or by the word of a node that is known already.

With it travel the school's keys, an epoch each, sealed to the recovery kit and to every node.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlite_utils import Database

from shared import crypto
from shared.db import transaction
from shared.keys import (
    SIX_WORDS_BYTES,
    RegistrationCode,
    recovery_keypair,
    recovery_signer,
    secret_of_six_words,
    six_words,
)
from shared.problems import (
    CannotOpen,
    ImpostorHub,
    MistypedWords,
    NotRegistered,
    UnreadableSixWord,
    UnreadableWord,
    WrongRecoveryKey,
    WrongSixWords,
)
from sync.cbor import pack, unpack
from sync.messages import Answer
from sync.state import State, epoch_keys, identity

_EPOCH = b"mektep epoch v1"
_JOIN = b"mektep join v1"


def by_code(db: Database, code: RegistrationCode) -> dict[int, object]:
    """The registration of a school's first node; it hands the school's keys, sealed to the kit, to the hub."""
    state = State(db)
    recovery = bytes(state.recovery_public)
    sealed = [[n, seal_epoch(db, recovery, n)] for n in sorted(epoch_keys(db))]
    return {1: code.secret, **_self(db), 5: recovery, 6: sealed, 7: state.recovery_signing}


def by_kit(db: Database, secret: bytes) -> dict[int, object]:
    """The registration of a further node, or of a school's restored one, by whoever holds the recovery kit."""
    signer = recovery_signer(secret)
    mine = _self(db)
    return {**mine, 7: signer.public, 8: signer.sign(_JOIN, join_body(identity(db).signer.public, mine))}


def by_approval(db: Database, school: int) -> dict[int, object]:
    """Ask to be let in by a node of this school, to which `own_words` are told by a person.

    The words are a secret that the hub does not know; it gets a commitment to it that binds both sides' keys.
    """
    state, keys = State(db), identity(db)
    with transaction(db):
        state.join_secret = state.join_secret or crypto.random_bytes(SIX_WORDS_BYTES)
    bound = commitment(state.join_secret, keys.signer.public, keys.opener.public, state.hub_signing)
    return {**_self(db), 9: school, 10: bound}


def _self(db: Database) -> dict[int, object]:
    state = State(db)
    return {2: identity(db).opener.public, 3: int(state.origin), 4: state.incarnation}


def join_body(node: bytes, named: dict[int, Any]) -> bytes:
    """What the kit's signature covers."""
    return pack([node, named[2], named[3], named[4]])


def check_kit(node: bytes, named: dict[int, Any]) -> None:
    """Raise BadSignature unless the holder of the kit asks for this node."""
    crypto.verify(named[7], _JOIN, join_body(node, named), named[8])


def commitment(secret: bytes, signing: bytes, opening: bytes, hub: bytes) -> bytes:
    """What a joining node tells the hub of its six words: nobody who does not know them can make another's."""
    return crypto.sha256(b"mektep join commitment v1\0" + secret + signing + opening + hub)


def own_words(db: Database) -> str:
    """The six words of this node, which has asked to be let in."""
    return six_words(bytes(State(db).join_secret))


def approve(db: Database, words: str) -> None:
    """Let the node in whose six words these are, from the next sync on.

    WrongSixWords: no node asks with these, or someone between it and the hub has changed its keys.
    """
    secret = read_six_words(words)
    with transaction(db):
        state = State(db)
        for signing, opening, bound in unpack(state.joining, "the list") if state.joining else []:
            if crypto.same(commitment(secret, signing, opening, bytes(state.hub_signing)), bound):
                keys = [
                    [n, opening, seal_epoch(db, opening, n, secret=secret)] for n in sorted(epoch_keys(db))
                ]
                before = unpack(state.approved, "the list") if state.approved else []
                state.approved = pack([*(one for one in before if one[0] != signing), [signing, keys]])
                return
    raise WrongSixWords()


def read_six_words(words: str) -> bytes:
    """The secret in a machine's six words. WrongSixWords: they are none."""
    try:
        return secret_of_six_words(words)
    except UnreadableWord as error:
        raise UnreadableSixWord(**error.details) from error
    except MistypedWords as error:
        raise WrongSixWords() from error


# -- the school's keys -------------------------------------------------------------------------------------------


def first_tag(kit_secret: bytes, key: bytes) -> bytes:
    """What proves a school's first key to whoever holds the recovery kit; made when the school is founded."""
    return crypto.derive(kit_secret, b"mektep first epoch v1\0" + key)


def _tag(before: bytes, number: int, key: bytes) -> bytes:
    """What proves a later key to whoever knows the one before it, so that the hub cannot bring in one of its own."""
    return crypto.derive(before, b"mektep next epoch v1\0" + number.to_bytes(4, "big") + key)


def seal_epoch(
    db: Database, recipient: bytes, number: int, key: bytes | None = None, secret: bytes = b""
) -> bytes:
    """Seal an epoch's key with its proof to a node or to the recovery kit; ``key``: of an epoch not yet kept here.

    ``secret``: the joining node's, which proves to it that whoever seals was told its six words; with it goes what
    only the school knows for sure, the kit's public keys.
    """
    state, known = State(db), epoch_keys(db)
    key = key or known[number]
    tag = _tag(known[number - 1], number, key) if number > 1 else bytes(state.first_tag)
    kit = bytes(state.recovery_public) + bytes(state.recovery_signing) if secret else b""
    return crypto.seal_to(recipient, key + tag + kit, _EPOCH, number.to_bytes(4, "big") + secret)


def proof_of(key: bytes, signing: bytes, opening: bytes) -> bytes:
    """What shows that a node with these public keys holds a school key, and is not one the hub made up."""
    return crypto.derive(key, b"mektep member v1\0" + signing + opening)


def own_proof(db: Database) -> bytes:
    """This node's proof under the newest key; empty while it has none."""
    keys = identity(db)
    return proof_of(keys.school_key, keys.signer.public, keys.opener.public) if keys.epoch else b""


def _members(db: Database, answer: Answer) -> list[tuple[bytes, int]]:
    """Opening key and newest epoch of each node that is not revoked and proves that it is the school's."""
    keys = epoch_keys(db).values()
    return [
        (opening, epoch)
        for signing, opening, revoked_at, proof, epoch in answer.nodes
        if not revoked_at and any(crypto.same(proof, proof_of(key, signing, opening)) for key in keys)
    ]


def new_epoch(db: Database, answer: Answer) -> None:
    """Offer a key that a revoked node does not know, inside the caller's transaction.

    It comes into use when the hub has taken it, for two nodes may offer one at once and only the first counts. With it
    go the keys before it to members that lack them.
    """
    state = State(db)
    number = identity(db).epoch + 1
    key = _next_key(db, number, {signing for signing, _, revoked_at, _, _ in answer.nodes if revoked_at})
    kit = bytes(state.recovery_public)
    recipients = [*([kit] if kit else []), *(opening for opening, _ in _members(db, answer))]
    fresh = [[number, r, seal_epoch(db, r, number, key)] for r in recipients]
    state.offered_epochs = pack([*fresh, *_lacking(db, answer)])


def _next_key(db: Database, number: int, revoked: Collection[bytes]) -> bytes:
    """The key of this number that this node makes against these revoked nodes; its twins make the same.

    A hub that was put back may have forgotten it, and a twin is asked again: there is one key of a number. Who could
    tell it from this node's secret could open it anyway, for it is sealed to this node too.
    """
    label = b"mektep new epoch v1\0" + number.to_bytes(4, "big")
    bound = crypto.digest(identity(db).school_key, *sorted(revoked))
    return crypto.derive(bytes(State(db).opening_key), label + bound)


def _hand_on(db: Database, answer: Answer) -> None:
    offered = _lacking(db, answer)
    State(db).offered_epochs = pack(offered) if offered else b""


def _lacking(db: Database, answer: Answer) -> list[list[object]]:
    """Keys sealed to members that lack them, as one that was away when the key was made."""
    own = identity(db).opener.public
    numbers = sorted(epoch_keys(db))
    return [
        [n, r, seal_epoch(db, r, n)]
        for r, epoch in _members(db, answer)
        if r != own
        for n in numbers
        if n > epoch
    ]


def take_epochs(db: Database, answer: Answer, kit: bytes | None) -> None:
    """Keep the keys that the hub passes on, inside the caller's transaction.

    ImpostorHub: they do not open, or are not the school's own: the first is proved by the kit, each later one by the
    key before it. Without the kit (joining by another node's word) the first one is proved by the six words: only who
    was told them could seal it so. A key whose predecessor is not here yet is left: it comes again, and another node
    hands on the one that it follows from. So it is when this node was no member yet when that one was made.
    """
    known = epoch_keys(db)
    opener = identity(db).opener
    recovery = recovery_keypair(kit) if kit is not None else None
    for number, recipient, sealed in sorted(answer.epochs):
        chosen = opener if recipient == opener.public else recovery
        if number in known or chosen is None or recipient != chosen.public:
            continue
        if number > 1 and number - 1 not in known:
            continue
        try:
            plain = _unsealed(db, chosen, sealed, number, kit)
        except CannotOpen as error:
            raise ImpostorHub() from error
        _keep_epoch(db, number, plain, known, kit)
    if kit is not None and not known:
        raise WrongRecoveryKey()


def _unsealed(
    db: Database, opener: crypto.OpeningKey, sealed: bytes, number: int, kit: bytes | None
) -> bytes:
    """Open a key; the first one of a node that was let in must be bound to its six words."""
    state, place = State(db), number.to_bytes(4, "big")
    if kit is not None or not state.join_secret:
        return opener.open(sealed, _EPOCH, place)
    try:
        plain = opener.open(sealed, _EPOCH, place + bytes(state.join_secret))
    except CannotOpen:
        if number == 1:
            raise
        return opener.open(sealed, _EPOCH, place)
    key, public = plain[: 2 * crypto.KEY_BYTES], plain[2 * crypto.KEY_BYTES :]
    if len(public) == 2 * crypto.KEY_BYTES:
        state.recovery_public, state.recovery_signing = (
            public[: crypto.KEY_BYTES],
            public[crypto.KEY_BYTES :],
        )
    return key


def _keep_epoch(db: Database, number: int, plain: bytes, known: dict[int, bytes], kit: bytes | None) -> None:
    key, tag = plain[: crypto.KEY_BYTES], plain[crypto.KEY_BYTES :]
    if len(tag) != crypto.KEY_BYTES:
        raise ImpostorHub()
    if number > 1:
        expected = _tag(known[number - 1], number, key)
    else:
        expected = first_tag(kit, key) if kit is not None else tag
        State(db).first_tag = tag
    if not crypto.same(tag, expected):
        raise ImpostorHub()
    db.conn.execute("INSERT INTO epoch VALUES (?, ?)", (number, key))
    known[number] = key


def take_registration(db: Database, answer: Answer) -> None:
    """The hub knows this node now, inside the caller's transaction."""
    state = State(db)
    if not answer.school:
        raise NotRegistered()
    state.school, state.registered = answer.school, 1
    state.school_name = state.school_name or answer.school_name
    db.conn.execute("UPDATE origin SET school = ? WHERE school = 0", (answer.school,))


def note_nodes(db: Database, answer: Answer) -> None:
    """Note who asks to join, drop what is settled, and offer a new key when a node was revoked; in the transaction."""
    state = State(db)
    bound = dict(answer.commitments)
    state.joining = pack([[signing, opening, bound.get(signing, b"")] for signing, opening in answer.joining])
    state.nodes = b"".join(signing for signing, *_ in answer.nodes)
    heard = answer.heard or [(0, 0)] * len(answer.nodes)
    state.machines = pack(
        [
            [signing, revoked_at, *at]
            for (signing, _, revoked_at, *_), at in zip(answer.nodes, heard, strict=True)
        ]
    )
    known = {signing for signing, *_ in answer.nodes}
    approved = [
        item
        for item in (unpack(state.approved, "the list") if state.approved else [])
        if item[0] not in known
    ]
    state.approved = pack(approved) if approved else b""
    if not epoch_keys(db):
        return
    offered = unpack(state.offered_epochs, "the list") if state.offered_epochs else []
    if offered and offered[0][0] > identity(db).epoch:
        return
    # Who was revoked after the newest key came about knows it; what is written from now on is not for them.
    if any(revoked_at > answer.epoch_at for _, _, revoked_at, _, _ in answer.nodes):
        new_epoch(db, answer)
    else:
        _hand_on(db, answer)
