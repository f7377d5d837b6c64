"""What the district should know or do about a school, worst first; nothing to say means its data is safe here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hub.overview.queries import SchoolStatus
from shared.i18n import gettext, ngettext, number, size
from shared.schema import VERSION

DAY_MS = 86_400_000
SILENT_DAYS = 7
"""A school that was not heard for so long is asked why."""
BACKUP_DAYS = 14
LOW_SPACE = 500 * 1024 * 1024
"""Free bytes on a school's disk below which someone should make room."""
CLOCK_MS = 10 * 60_000
"""A clock is wrong from here on: changes are not stamped further ahead than this."""

_GRAVITY = ("bad", "waiting", "calm")


@dataclass(frozen=True)
class Advice:
    """One sentence; ``bad``: data is in danger, ``waiting``: someone should act, ``calm``: good to know."""

    tone: str
    sentence: str


def advise(school: SchoolStatus, now: int) -> list[Advice]:
    """Everything to say about a school; ``now`` in milliseconds."""
    found = [*_danger(school), *_silence(school, now), *_upkeep(school, now)]
    return sorted(found, key=lambda advice: _GRAVITY.index(advice.tone))


def tone_of(advice: list[Advice]) -> str:
    """The gravest tone; ``good`` when there is nothing to act on."""
    return next((a.tone for a in advice if a.tone != "calm"), "good")


def _danger(school: SchoolStatus) -> Iterator[Advice]:
    if school.chain == "flawed":
        yield Advice(
            "bad",
            gettext("What is kept here fails its check. Copy the hub's files away before anything else."),
        )
    if school.quarantined:
        yield Advice("bad", ngettext(
            "%(count)s packet from the school was set aside because it cannot be accepted. Call the school.",
            "%(count)s packets from the school were set aside because they cannot be accepted. Call the school.",
            school.quarantined, count=number(school.quarantined),
        ))  # fmt: skip

    if school.stranded:
        yield Advice("bad", ngettext(
            "%(count)s packet is kept here alone, and only the school can read it: mektep-hub stranded.",
            "%(count)s packets are kept here alone, and only the school can read them: mektep-hub stranded.",
            school.stranded, count=number(school.stranded),
        ))  # fmt: skip


def _silence(school: SchoolStatus, now: int) -> Iterator[Advice]:
    days = (now - school.heard_at) // DAY_MS
    if not school.nodes and school.revoked:
        yield Advice(
            "waiting",
            gettext("Its node was revoked. A new machine joins with the school's recovery kit."),
        )
    elif not school.nodes:
        yield Advice(
            "waiting", gettext("Not registered yet. Make a registration code and give it to the school.")
        )
    elif not school.heard_at:
        yield Advice("waiting", gettext("Registered, but nothing has arrived yet. Ask the school to sync."))
    elif days >= SILENT_DAYS:
        yield Advice("waiting", ngettext(
            "Silent for %(count)s day. Call the school: without a connection it can send a memory stick.",
            "Silent for %(count)s days. Call the school: without a connection it can send a memory stick.",
            days, count=number(days),
        ))  # fmt: skip
    left = (now - school.longest_silent) // DAY_MS if school.longest_silent else 0
    if school.nodes > 1 and days < SILENT_DAYS <= left:
        yield Advice("waiting", ngettext(
            "One of its machines is silent for %(count)s day. Revoke it if it is gone for good; the hub waits for it.",
            "One of its machines is silent for %(count)s days. Revoke it if it is gone for good; the hub waits for it.",
            left, count=number(left),
        ))  # fmt: skip
    if school.waiting:
        yield Advice("waiting", ngettext(
            "%(count)s change is still only at the school. It comes with the next sync.",
            "%(count)s changes are still only at the school. They come with the next sync.",
            school.waiting, count=number(school.waiting),
        ))  # fmt: skip


def _upkeep(school: SchoolStatus, now: int) -> Iterator[Advice]:
    minutes = abs(school.clock_ahead) // 60_000
    if abs(school.clock_ahead) > CLOCK_MS:
        fast = gettext("Its clock is %(count)s min fast. Ask the school to set it.", count=number(minutes))
        slow = gettext("Its clock is %(count)s min slow. Ask the school to set it.", count=number(minutes))
        yield Advice("waiting", fast if school.clock_ahead > 0 else slow)
    if 0 < school.space < LOW_SPACE:
        yield Advice(
            "waiting",
            gettext("The disk of a machine there is nearly full: %(space)s left. Ask the school to make room.",
                    space=size(school.space)),
        )  # fmt: skip
    if school.nodes and not school.backup_at:
        yield Advice("calm", gettext("No backup at the school yet. Ask for one."))
    elif school.nodes and now - school.backup_at > BACKUP_DAYS * DAY_MS:
        days = (now - school.backup_at) // DAY_MS
        yield Advice(
            "calm",
            gettext("The school's backup is %(count)s days old. Ask for a new one.", count=number(days)),
        )
    if school.conflicts:
        yield Advice("calm", ngettext(
            "%(count)s entry was made twice and differs; the school decides.",
            "%(count)s entries were made twice and differ; the school decides.",
            school.conflicts, count=number(school.conflicts),
        ))  # fmt: skip
    if moving := school.lost - school.stranded:
        yield Advice("calm", ngettext(
            "%(count)s packet lost its place as the hub was put back; the school's machines write it anew.",
            "%(count)s packets lost their places as the hub was put back; the school's machines write them anew.",
            moving, count=number(moving),
        ))  # fmt: skip
    if 0 < school.version < VERSION:
        yield Advice("calm", gettext("The school runs an older release of Mektep."))
