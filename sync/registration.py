"""How a node becomes known to its hub: by a code, by the recovery kit, or by the word of a node that is known already.

With it travel the school's keys, an epoch each, sealed to the recovery kit and to every node.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from shared import crypto
from shared.db import transaction
from shared.keys import RegistrationCode, recovery_keypair, recovery_signer, six_words
from shared.problems import CannotOpen, HubAnswer, ImpostorHub, MistypedWords, NotRegistered, WrongRecoveryKey
from sync.cbor import pack, unpack
from sync.messages import Answer
from sync.state import State, epoch_keys, identity

_EPOCH = b"mektep epoch v1"
_JOIN = b"mektep join v1"


def by_code(db: Database, code: RegistrationCode) -> dict[int, object]:
    """The registration of a school's first node; it hands the school's keys, sealed to the kit, to the hub."""
    state = State(db)
    recovery = bytes(state.recovery_public)
    sealed = [[n, seal_epoch(recovery, n, key)] for n, key in sorted(epoch_keys(db).items())]
    return {1: code.secret, **_self(db), 5: recovery, 6: sealed, 7: state.recovery_signing}


def by_kit(db: Database, secret: bytes) -> dict[int, object]:
    """The registration of a further node, or of a school's restored one, by whoever holds the recovery kit."""
    signer = recovery_signer(secret)
    mine = _self(db)
    return {**mine, 7: signer.public, 8: signer.sign(_JOIN, join_body(identity(db).signer.public, mine))}


def by_approval(db: Database, school: int) -> dict[int, object]:
    """Ask to be let in by a node of this school; see `words_of`."""
    return {**_self(db), 9: school}


def _self(db: Database) -> dict[int, object]:
    state = State(db)
    return {2: identity(db).opener.public, 3: int(state.origin), 4: state.incarnation}


def join_body(node: bytes, named: dict[int, Any]) -> bytes:
    """What the kit's signature covers."""
    return pack([node, named[2], named[3], named[4]])


def check_kit(node: bytes, named: dict[int, Any]) -> None:
    """Raise BadSignature unless the holder of the kit asks for this node."""
    crypto.verify(named[7], _JOIN, join_body(node, named), named[8])


def words_of(db: Database, signing: bytes, opening: bytes) -> str:
    """Six words that a joining node and a known one show alike, unless someone stands between them and the hub."""
    return six_words(signing + opening + bytes(State(db).hub_signing))


def own_words(db: Database) -> str:
    """The six words of this node itself."""
    keys = identity(db)
    return words_of(db, keys.signer.public, keys.opener.public)


def approve(db: Database, words: str) -> None:
    """Let the node in whose six words these are, from the next sync on. MistypedWords: no node asks with these."""
    wanted = " ".join(words.lower().replace("-", " ").split())
    with transaction(db):
        state = State(db)
        for signing, opening in unpack(state.joining, "the list") if state.joining else []:
            if crypto.same(words_of(db, signing, opening).encode(), wanted.encode()):
                keys = [[n, opening, seal_epoch(opening, n, k)] for n, k in sorted(epoch_keys(db).items())]
                state.approved = pack([[signing, keys]])
                return
    raise MistypedWords()


# -- the school's keys -------------------------------------------------------------------------------------------


def seal_epoch(recipient: bytes, number: int, key: bytes) -> bytes:
    """Seal an epoch's key to a node or to the recovery kit."""
    return crypto.seal_to(recipient, key, _EPOCH, number.to_bytes(4, "big"))


def new_epoch(db: Database, answer: Answer) -> None:
    """Offer a key that a revoked node does not know, inside the caller's transaction.

    It comes into use when the hub has taken it, for two nodes may offer one at once and only the first counts.
    """
    state = State(db)
    latest = identity(db).epoch
    number, key = latest + 1, crypto.random_bytes(crypto.KEY_BYTES)
    recipients = [opening for _, opening, revoked_at in answer.nodes if not revoked_at]
    offered = [[number, r, seal_epoch(r, number, key)] for r in (bytes(state.recovery_public), *recipients)]
    state.offered_epochs = pack(offered)


def take_epochs(db: Database, answer: Answer, kit: bytes | None) -> None:
    """Keep the keys that the hub passes on, inside the caller's transaction; ImpostorHub when the kit's do not open."""
    known = epoch_keys(db)
    opener = identity(db).opener
    recovery = recovery_keypair(kit) if kit is not None else None
    for number, recipient, sealed in answer.epochs:
        if number in known:
            continue
        chosen = opener if recipient == opener.public else recovery
        if chosen is None or recipient != chosen.public:
            continue
        try:
            key = chosen.open(sealed, _EPOCH, number.to_bytes(4, "big"))
        except CannotOpen as error:
            raise (ImpostorHub() if kit is not None else HubAnswer()) from error
        db.conn.execute("INSERT INTO epoch VALUES (?, ?)", (number, key))
        known[number] = key
    if kit is not None and not known:
        raise WrongRecoveryKey()


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
    state.joining = pack([list(pair) for pair in answer.joining])
    known = {signing for signing, _, _ in answer.nodes}
    approved = [
        item
        for item in (unpack(state.approved, "the list") if state.approved else [])
        if item[0] not in known
    ]
    state.approved = pack(approved) if approved else b""
    offered = unpack(state.offered_epochs, "the list") if state.offered_epochs else []
    if offered and offered[0][0] <= identity(db).epoch:
        state.offered_epochs, offered = b"", []
    # Who was revoked after the newest key came about knows it; what is written from now on is not for them.
    if (
        not offered
        and any(revoked_at > answer.epoch_at for _, _, revoked_at in answer.nodes)
        and epoch_keys(db)
    ):
        new_epoch(db, answer)
