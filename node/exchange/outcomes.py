"""How a sync ended, in plain words: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from shared import problems
from shared.problems import N_, Problem
from shared.ui import Tone

DONE, INTERRUPTED, NEWER_WAIT = "done", "interrupted", "newer_wait"


@dataclass(frozen=True)
class Outcome:
    """Two sentences, marked for translation. ``tone``: good, waiting (it mends itself) or bad (someone must act)."""

    tone: Tone
    sentence: str
    advice: str


_BY_ITSELF = N_("Nothing to do: Mektep tries again by itself.")
_ASK_DISTRICT = N_("Tell the district and read them this sentence; everything stays saved in the school.")
_UPDATE_AND_TELL = N_("Bring Mektep up to date here; if it happens again, tell the district.")
_RESTORE = N_("Stop working on this machine and restore the last backup; call whoever looks after Mektep.")
_NOT_UNDERSTOOD = N_("The district's hub and this school did not understand each other.")

OUTCOMES: dict[str, Outcome] = {
    DONE: Outcome(
        "good",
        N_("Complete: school and district hold the same."),
        N_("Nothing to do."),
    ),
    INTERRUPTED: Outcome(
        "waiting",
        N_("It was cut off in the middle, for example by a power cut; nothing is lost."),
        N_("Nothing to do: the next sync goes on where this one stopped."),
    ),
    NEWER_WAIT: Outcome(
        "waiting",
        N_(
            "Everything that was here when the sync began is at the district; newer changes wait for the next one."
        ),
        N_("Nothing to do: someone was writing all the while, and Mektep sends the rest soon."),
    ),
    # -- passes by itself
    problems.HubUnreachable.code: Outcome(
        "waiting",
        N_("The district's hub could not be reached; everything is kept here and will be sent later."),
        N_(
            "Look whether the internet works on this machine. Mektep tries again by itself; "
            "where there is no internet, carry a stick."
        ),
    ),
    problems.HubAnswer.code: Outcome(
        "waiting",
        N_("The hub gave an answer that cannot be understood; nothing of it was used."),
        N_(
            "Mektep tries again by itself. If it stays so, open any other page in a browser on this machine: "
            "the network may want a sign-in of its own."
        ),
    ),
    problems.SyncRunning.code: Outcome(
        "waiting", N_("Another sync was under way."), N_("Nothing to do: wait until it ends.")
    ),
    problems.DatabaseBusy.code: Outcome("waiting", N_("The database was busy."), _BY_ITSELF),
    problems.TooManyTries.code: Outcome(
        "waiting",
        N_("There were too many tries, and the hub asks for patience."),
        N_("Wait a quarter of an hour and try again."),
    ),
    problems.MissingPart.code: Outcome(
        "waiting", N_("Earlier changes have to reach the hub first; nothing is lost."), _BY_ITSELF
    ),
    problems.Replay.code: Outcome("waiting", N_("The hub had received this message before."), _BY_ITSELF),
    problems.FlawedBundle.code: Outcome(
        "waiting",
        N_("The file from the stick is cut short or damaged; nothing of it was used."),
        N_("Copy it again from the hub."),
    ),
    problems.ApprovalPending.code: Outcome(
        "waiting",
        N_("This node waits for approval."),
        N_("Type its six words on a node that the school has already."),
    ),
    problems.HubForgot.code: Outcome(
        "waiting",
        N_("The hub was put back from an older copy and is told again what it forgot; nothing is lost."),
        N_("Nothing to do: Mektep tries again by itself. By stick, carry it once more."),
    ),
    problems.KeyAwaited.code: Outcome(
        "waiting",
        N_("The school has a new key that has not come to this machine yet; nothing is lost."),
        N_(
            "Sync the school's other machines, then this one. If no other is left, set up a further one with the "
            "recovery kit: it hands the key on."
        ),
    ),
    problems.Forked.code: Outcome(
        "waiting",
        N_("This copy of the school continues an old state; its history is being joined with the hub's."),
        _BY_ITSELF,
    ),
    # -- registration
    problems.NotRegistered.code: Outcome(
        "bad",
        N_("The hub does not know this school yet."),
        N_("Ask the district for a registration code and type it below."),
    ),
    problems.AlreadyRegistered.code: Outcome(
        "bad",
        N_("The hub knows another machine of this school already."),
        N_("Ask the district which machine it is; a second one joins with the recovery kit."),
    ),
    problems.WrongCode.code: Outcome(
        "bad",
        N_("The registration code is mistyped, already used or out of date."),
        N_("Compare it letter by letter; if it is right, ask the district for a new one."),
    ),
    problems.WrongRecoveryKey.code: Outcome(
        "bad",
        N_("The hub knows no school with this recovery kit."),
        N_("Look whether it is the kit of this school."),
    ),
    problems.ImpostorHub.code: Outcome(
        "bad",
        N_("What answers at this address is not our hub; nothing was given to it."),
        N_("Look whether the address is right, and tell the district at once."),
    ),
    problems.Revoked.code: Outcome(
        "bad",
        N_("The district has taken back the registration of this machine."),
        N_("Ask the district why. What waits here stays on this machine alone."),
    ),
    problems.WrongSigner.code: Outcome(
        "bad", N_("The hub refused a signature that it does not know."), _ASK_DISTRICT
    ),
    # -- data
    problems.DigestsDiffer.code: Outcome(
        "bad", N_("All was sent, but school and district do not hold the same data."), _ASK_DISTRICT
    ),
    problems.FlawedChangeset.code: Outcome(
        "bad", N_("A set of changes did not fit and was set aside whole; nothing is lost."), _UPDATE_AND_TELL
    ),
    problems.ForeignRow.code: Outcome(
        "bad", N_("A set of changes touches another school and was refused; nothing is lost."), _ASK_DISTRICT
    ),
    problems.TooLarge.code: Outcome("bad", N_("Something is larger than the hub allows."), _UPDATE_AND_TELL),
    problems.BadSignature.code: Outcome("bad", _NOT_UNDERSTOOD, _UPDATE_AND_TELL),
    problems.BadKey.code: Outcome("bad", _NOT_UNDERSTOOD, _UPDATE_AND_TELL),
    problems.CannotOpen.code: Outcome(
        "bad",
        N_("Something sealed could not be opened: it was changed, or is meant for another."),
        _ASK_DISTRICT,
    ),
    problems.InvalidValue.code: Outcome(
        "bad",
        N_("A value that came does not fit this release of Mektep; nothing of it was used."),
        _UPDATE_AND_TELL,
    ),
    problems.ConsentMissing.code: Outcome(
        "bad", N_("Personal data came without the consent it needs, and stayed out."), _ASK_DISTRICT
    ),
    # -- this machine
    problems.DiskFull.code: Outcome(
        "bad",
        N_("The disk of this machine is full; nothing new can be saved."),
        N_("Make room: delete or move files that do not belong to Mektep, then try again."),
    ),
    problems.DamagedFile.code: Outcome("bad", N_("A file of Mektep is damaged on this machine."), _RESTORE),
    problems.WrongKey.code: Outcome("bad", N_("The database does not open with its key."), _RESTORE),
    problems.NewerFile.code: Outcome(
        "bad",
        N_("The database was written by a newer Mektep than the one that runs."),
        N_("Bring Mektep up to date on this machine."),
    ),
    problems.NoActingAccount.code: Outcome(
        "bad", N_("A change had no author and was not saved."), _UPDATE_AND_TELL
    ),
    Problem.code: Outcome(
        "bad",
        N_("Something unforeseen went wrong; nothing half-done was kept."),
        N_("Try again; if it stays so, tell whoever looks after Mektep."),
    ),
}


def outcome_of(code: str | None) -> Outcome:
    """The sentences for how a run ended; the unforeseen for a code that this release does not know."""
    return OUTCOMES.get(code or INTERRUPTED, OUTCOMES[Problem.code])
