"""The error catalogue: every failure a person or another program may meet, each with one clear sentence.

    Problem
    |-- StorageProblem
    |   |-- WrongKey              the key does not open the database
    |   |-- DamagedFile           a file is damaged or is not what it claims to be
    |   |-- NewerFile             a file of a newer version of Mektep
    |   |-- DatabaseBusy          another write is under way (retry)
    |   |-- DiskFull              no space left
    |   |-- NoActingAccount       a write without saying who acts
    |   |-- Flawed                a check of file, signatures, chain and digest found something
    |   |-- MissingFile           a file that a home cannot do without is gone
    |   |-- NotInitialised        no home has been set up here
    |   `-- AlreadyInitialised    a home is set up here already
    |-- KeyProblem
    |   |-- WrongPassphrase
    |   |-- WrongRecoveryKey
    |   |   |-- UnreadableWord    a word of the recovery kit cannot be read
    |   |   |-- MistypedWords     every word can be read, their checksum fails
    |   |   `-- UnreadableCode    the QR code of the recovery kit cannot be read
    |   |-- WrongSixWords         no machine asks to be let in with these words
    |   |   `-- UnreadableSixWord  one of them is no word
    |   `-- NoSuchSlot            the key file has no such slot
    |-- CryptoProblem
    |   |-- BadSignature
    |   |-- BadKey                bytes that are no usable public or private key
    |   `-- CannotOpen            sealed data and key do not belong together, or the data was changed
    |-- SyncProblem
    |   |-- FlawedChangeset       set aside whole, with its reason
    |   |-- FlawedBundle          a bundle is cut short or damaged
    |   |-- WrongSigner           signed by a key that may not sign this
    |   |-- Replay                an old message sent again
    |   |-- ForeignRow            a row or reference of another school
    |   |-- TooLarge
    |   |-- Forked                two different histories under one name
    |   |-- MissingPart           something this builds on has not arrived
    |   |-- DigestsDiffer         the two sides hold different data after a sync
    |   |-- HubUnreachable        (retry)
    |   |-- HubForgot             the hub was put back from an older copy and is told again (retry)
    |   |-- HubAnswer             the answer cannot be understood (retry)
    |   |-- KeyAwaited            a key of the school has not come yet (retry)
    |   |-- ImpostorHub           the hub's key is not the one expected
    |   |-- NotRegistered
    |   |-- AlreadyRegistered     a school's second node must join, not register
    |   |-- ApprovalPending       a further node waits for the word of a known one (retry)
    |   |-- WrongCode             a registration code that is mistyped, used or out of date
    |   |-- Revoked
    |   `-- SyncRunning           another sync is under way (retry)
    |-- InputProblem
    |   |-- NotFound              no such page, or no row a person may know of
    |   |   `-- NoteAnswered      a note of absence that waited when it was shown, and does no longer
    |   |-- BadRequest            a request that no page of ours makes
    |   |-- FormExpired           a form sent without the token of the page it was on
    |   |-- FlawedMapping         a mapping file that cannot be used
    |   |-- ImportRefused         an import with errors; nothing was written
    |   |-- EmptyFile             a file to import in which no line stands
    |   |-- LostLetters           a list that was saved without the letters that only Kyrgyz has
    |   |-- OtherFormat           a file to import that is neither a workbook nor text
    |   |-- TooManyLines          a list with more lines than are written at once
    |   |-- NotARoster            an archive that does not say it is OneRoster 1.2
    |   |-- UnsafeArchive         an archive with a path in it
    |   |-- InvalidValue          a value its column does not allow
    |   |   `-- SignerRefused     a consent signed by who may not sign it
    |   |-- WrittenByNewer        an act that this release does not know whole is not undone by half
    |   |-- NoLesson              neither timetable nor journal knows the lesson, or its day is to come
    |   |-- WrongOrder            something would end before it begins
    |   |-- LessonHeld            a lesson that was held is not dropped
    |   |-- TermsOverlap          a term would overlap another of its kind
    |   |-- BeyondYear            a day far outside its school year
    |   |-- HeldOutside           a school year would leave out days on which lessons were held
    |   |-- LessonsOutside        a term would leave out days on which lessons were held, not yet asked for twice
    |   |-- LockedTermMoves       a term that the deputy has locked for a class would have other dates
    |   |-- RollsBegin            a school year would begin before the pupils on its rolls
    |   |-- EmptyPlan             a plan without topics handed in or approved
    |   |-- NothingToUndo         an import of which nothing may go, or come back
    |   |-- BroughtSince          an import that would come back beside a later one of the same
    |   |-- PlanHandedIn          a list would change a plan that was handed in or approved
    |   |-- TopicGiven            a list would put another topic in place of one that a lesson gave
    |   |-- BellsOverlap          a lesson would begin before the one before it has ended
    |   |-- TooManyDays           a note over more days than one may cover
    |   |-- NoteOutOfReach        a parent's note for days long past or far ahead
    |   |-- TermLocked            a period of a class that the deputy has locked
    |   |-- TermRunning           results of a term with lessons to come, not yet asked for twice
    |   |-- NotInGroup            a mark or absence of a pupil who does not belong to the group that day
    |   |-- OutsideScale          a mark beyond the bounds of its scale
    |   |-- WithoutMarks          a mark where nobody is marked
    |   |-- ReasonNeeded          a late change, or a result that differs from the proposal, without a reason
    |   |-- ChangedMeanwhile      someone else has written the same cell since it was shown
    |   |-- ClassExists           the school year has a class of that grade and letter
    |   |-- ClassNotEmpty         a class is closed while pupils are on its roll
    |   |-- ClassHadPupils        a class that had pupils is closed, not removed
    |   |-- ClassInUse            so is one of which something was written
    |   |-- SubjectTaught         a class has the subject; it can be split into subgroups
    |   |-- GroupInUse            a subject group whose journal holds something is not removed
    |   |-- ArrivedThatDay        who came on a day is not told to leave on it
    |   |-- OrderMissing          an act of the movement book without an order
    |   |-- OnRoll                the pupil is enrolled on that day already
    |   |-- NotOnRoll             the pupil is not enrolled on the day before
    |   |-- LaterActs             a later act about the pupil stands in the way
    |   |-- ActBetween            an act would be moved past another about the same pupil
    |   |-- OutsideYear           a day that does not belong to the school year of the class
    |   |-- YearRunning           a school year is closed before its last day
    |   |-- NoFollowingYear       the next school year is not known yet
    |   |-- NotMovedOn            a pupil would go to a class of a year whose predecessor is not closed
    |   |-- Undecided             a year is closed while pupils are undecided
    |   |-- NumberTaken           another order of the series and year has the number
    |   |-- SameLetter            a letter of the journal that would say two things
    |   |-- NumberHeld            a number of a person that another person has, not yet asked for twice
    |   |-- BlankTaken            a certificate's number was given to someone else
    |   |-- NotStudying           no certificate of study for who is on no roll, or has no name
    |   |-- SchoolExists          the district's books have the school already
    |   |-- WeakSecret            a new passphrase or password from the environment is too easy
    |   |-- PhotoTooLarge
    |   |-- FileTooLarge
    |   |-- OrderSigned           a signed order is not changed, another order is written
    |   |-- OrderUnsigned         duties are given and ended by signed orders only
    |   |-- DutyHeld              the person has the duty on that day already
    |   |-- AccountExists         the person has an account already
    |   |-- LastAdministrator     nobody could open accounts any more
    |   |-- LastHead              nobody could give duties any more
    |   |-- OwnRecord             a merge of one's own record, or its undoing
    |   |-- HeadMerges            a merge, or its undoing, that passes on a duty or an account
    |   |-- PupilAndStaff         a merge of a pupil of today with someone who works here
    |   |-- HeadExists            the school has a head, whose orders give duties
    |   |-- NotChecked            an area of a class is confirmed that nobody has checked
    |   |-- OwnCheck              who checked confirms, though somebody else may
    |   |-- FlawedAddress         neither the address of a hub nor a folder
    |   `-- ConsentMissing        a column of a person that needs a written consent first
    |-- NameWithoutConsent        a text names someone who may not be named; its writer is asked
    `-- AccessProblem
        |-- NotSignedIn
        |-- NotAllowed
        |-- SwitchedOff           an area of a later stage of introduction
        |-- SignInFailed
        |-- AccountShut           its owner has left, and the days after it are over
        `-- TooManyTries          (retry, after a while)

A problem may carry more details than its sentence names; only the sentence is meant for people, and no
sentence repeats a value that could be personal or secret (but for an unreadable word, which must be mended).
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar


def N_(template: str) -> str:
    """Mark `template` for extraction by gettext; it is translated only when shown."""
    return template


def _untranslated(template: str) -> str:
    return template


class Problem(Exception):
    """A failure: a stable `code`, an HTTP `status`, one sentence; `retry` says whether trying again helps.

    Raise it with the parameters its template names, as keywords; a missing one is a TypeError at once.
    """

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False
    template: ClassVar[str] = N_("Something went wrong.")

    def __init__(self, **details: object) -> None:
        super().__init__()
        missing = self.parameters() - details.keys()
        if missing:
            raise TypeError(f"{type(self).__name__} needs {', '.join(sorted(missing))}")
        self.details = details

    @classmethod
    def parameters(cls) -> set[str]:
        """Return the names of the details that the sentence shows."""
        return {name for _, name, _, _ in string.Formatter().parse(cls.template) if name}

    def sentence(self, gettext: Callable[[str], str] = _untranslated) -> str:
        """Return the sentence in the language of `gettext`."""
        return gettext(self.template).format(**self.details)

    def __str__(self) -> str:
        return self.sentence()


class StorageProblem(Problem):
    """The database or a file of the home directory cannot be used."""

    code = "storage"


class WrongKey(StorageProblem):
    code = "wrong_key"
    status = 403
    template = N_("The key does not open this database.")


class DamagedFile(StorageProblem):
    code = "damaged_file"
    template = N_("The file {file} is damaged; nothing was changed.")


class NewerFile(StorageProblem):
    code = "newer_file"
    status = 409
    template = N_("The file {file} was written by a newer version of Mektep; update Mektep to open it.")


class DatabaseBusy(StorageProblem):
    code = "database_busy"
    status = 503
    retry = True
    template = N_("The database is busy; try again in a moment.")


class DiskFull(StorageProblem):
    code = "disk_full"
    status = 507
    template = N_("The disk is full; nothing was saved.")


class NoActingAccount(StorageProblem):
    code = "no_acting_account"
    template = N_("A change cannot be saved without the account that makes it.")


class Flawed(StorageProblem):
    """A check of file, signatures, chain and digest found something."""

    code = "flawed"
    template = N_("Not everything is as it should be; findings: {count}, the first: {first}.")

    def __init__(self, first: str, **details: object) -> None:
        super().__init__(first=first.rstrip("."), **details)


class MissingFile(StorageProblem):
    code = "missing_file"
    status = 409
    template = N_("The file {file} is missing; put it back or restore a backup.")


class NotInitialised(StorageProblem):
    code = "not_initialised"
    status = 409
    template = N_("Mektep is not set up in {home}; run init first.")


class AlreadyInitialised(StorageProblem):
    code = "already_initialised"
    status = 409
    template = N_("Mektep is already set up in {home}; nothing was changed.")


class KeyProblem(Problem):
    """A key could not be unlocked."""

    code = "key"
    status = 403


class WrongPassphrase(KeyProblem):
    code = "wrong_passphrase"
    template = N_("The passphrase is wrong.")


class WrongRecoveryKey(KeyProblem):
    code = "wrong_recovery_key"
    template = N_("The words of the recovery kit do not belong to this school.")


class UnreadableWord(WrongRecoveryKey):
    """One word, counted from 1, is not a word of any recovery kit."""

    code = "unreadable_word"
    template = N_("Word {number}, “{word}”, cannot be read; compare it with the recovery kit.")


class MistypedWords(WrongRecoveryKey):
    code = "mistyped_words"
    template = N_("A word is missing or mistyped; compare them all with the recovery kit.")


class UnreadableCode(WrongRecoveryKey):
    code = "unreadable_code"
    template = N_("The QR code cannot be read; type the words of the recovery kit instead.")


class WrongSixWords(KeyProblem):
    code = "wrong_six_words"
    status = 400
    template = N_("No machine asks to be let in with these words; compare them with its screen.")


class UnreadableSixWord(WrongSixWords):
    """One word, counted from 1, is not one that a machine shows."""

    code = "unreadable_six_word"
    template = N_("Word {number}, “{word}”, cannot be read; compare it with the new machine's screen.")


class NoSuchSlot(KeyProblem):
    code = "no_such_slot"
    status = 409
    template = N_("The data key is not kept under “{slot}” here; unlock it another way.")


class CryptoProblem(Problem):
    """Signed or sealed data failed its check."""

    code = "crypto"
    status = 400


class BadSignature(CryptoProblem):
    code = "bad_signature"
    template = N_("The signature does not match.")


class BadKey(CryptoProblem):
    code = "bad_key"
    template = N_("This is not a usable key.")


class CannotOpen(CryptoProblem):
    code = "cannot_open"
    template = N_("The sealed data cannot be opened: it was changed, or sealed for another key.")


class SyncProblem(Problem):
    """An exchange between node and hub, by wire or by stick, was refused or failed."""

    code = "sync"
    status = 400


class FlawedChangeset(SyncProblem):
    """A changeset is set aside whole; `reason` is a short English clause for the record."""

    code = "flawed_changeset"
    template = N_("A changeset was set aside: {reason}.")

    def __init__(self, reason: str, **details: object) -> None:
        super().__init__(reason=reason, **details)


class FlawedBundle(SyncProblem):
    code = "flawed_bundle"
    template = N_("The bundle is cut short or damaged; nothing of it was used.")


class WrongSigner(SyncProblem):
    code = "wrong_signer"
    status = 403
    template = N_("This was signed by a key that is not allowed to sign it.")


class Replay(SyncProblem):
    code = "replay"
    status = 409
    template = N_("This message was received before and is not accepted again.")


class ForeignRow(SyncProblem):
    code = "foreign_row"
    status = 403
    template = N_("A changeset touches rows of another school and was refused.")


class TooLarge(SyncProblem):
    code = "too_large"
    status = 413
    template = N_("This is larger than allowed and was refused.")


class Forked(SyncProblem):
    code = "forked"
    status = 409
    template = N_(
        "This copy of the school continues an old state; its history must be joined with the hub's."
    )


class MissingPart(SyncProblem):
    code = "missing_part"
    status = 409
    template = N_("Something this builds on has not arrived yet; send the earlier changes first.")


class DigestsDiffer(SyncProblem):
    code = "digests_differ"
    status = 409
    template = N_("All was sent, but school and district do not hold the same data; tell the administrator.")


class HubUnreachable(SyncProblem):
    code = "hub_unreachable"
    status = 503
    retry = True
    template = N_("The hub cannot be reached; everything is kept here and will be sent later.")


class HubAnswer(SyncProblem):
    code = "hub_answer"
    status = 502
    retry = True
    template = N_("The hub gave an answer that cannot be understood; nothing of it was used.")


class KeyAwaited(SyncProblem):
    """Another node of the school hands the key on at its next sync; if none that has it is left, the kit opens it."""

    code = "key_awaited"
    status = 409
    retry = True
    template = N_(
        "A key of the school has not come to this machine yet; sync the school's other machines, then this one."
    )


class ImpostorHub(SyncProblem):
    code = "impostor_hub"
    status = 403
    template = N_("This is not the hub it claims to be; nothing was sent.")


class NotRegistered(SyncProblem):
    code = "not_registered"
    status = 403
    template = N_("This node is not registered at the hub.")


class HubForgot(SyncProblem):
    code = "hub_forgot"
    status = 503
    retry = True
    template = N_(
        "The hub was put back from an older copy and is told again what it forgot; nothing is lost."
    )


class AlreadyRegistered(SyncProblem):
    code = "already_registered"
    status = 409
    template = N_(
        "This school has a node already; join it with the recovery kit, or by approval on that node."
    )


class ApprovalPending(SyncProblem):
    code = "approval_pending"
    status = 403
    retry = True
    template = N_("This node waits for approval: type its six words on a node that the school has already.")


class WrongCode(SyncProblem):
    code = "wrong_code"
    status = 403
    template = N_("The registration code is mistyped, already used or out of date.")


class Revoked(SyncProblem):
    code = "revoked"
    status = 403
    template = N_("This node's registration was revoked; ask the district.")


class SyncRunning(SyncProblem):
    code = "sync_running"
    status = 409
    retry = True
    template = N_("Another sync is under way; wait until it ends.")


class InputProblem(Problem):
    """What a person or a file gave cannot be accepted."""

    code = "input"
    status = 422


class NotFound(InputProblem):
    code = "not_found"
    status = 404
    template = N_("There is no such page.")


class NoteAnswered(NotFound):
    code = "note_answered"
    template = N_("This note was taken back or answered meanwhile.")


class BadRequest(InputProblem):
    code = "bad_request"
    status = 400
    template = N_("This request cannot be understood.")


class FormExpired(InputProblem):
    code = "form_expired"
    status = 403
    template = N_("The page was open too long and nothing was saved; open it again and repeat.")


@dataclass(frozen=True)
class LineError:
    """One error of an import: `line` counts from 1 as a spreadsheet does, `message` is translated.

    ``file``: which of several files, where an import has more than one.
    """

    line: int
    field: str
    message: str
    file: str = ""


class WrittenByNewer(InputProblem):
    code = "written_by_newer"
    status = 409
    template = N_("A newer version of Mektep wrote this; bring Mektep up to date here to undo it.")


class ImportRefused(InputProblem):
    """An import with errors; nothing was written and `errors` lists all of them."""

    code = "import_refused"
    template = N_("The import was refused; lines with errors: {count}.")

    def __init__(self, errors: Sequence[LineError], **details: object) -> None:
        self.errors = tuple(errors)
        super().__init__(count=len({(error.file, error.line) for error in self.errors}), **details)


class EmptyFile(InputProblem):
    code = "empty_file"
    template = N_("There is nothing to read in {file}: no line stands below the headings.")


class LostLetters(InputProblem):
    code = "lost_letters"
    template = N_(
        "{file} was saved without the letters ң, ө and ү, with a “?” in their place; save it as XLSX, or as CSV UTF-8."
    )


class OtherFormat(InputProblem):
    code = "other_format"
    template = N_("{file} is neither XLSX nor CSV; open it in a spreadsheet program and save it as XLSX.")


class TooManyLines(InputProblem):
    code = "too_many_lines"
    template = N_("The file has more than {most} lines; divide it and import the parts one after another.")


class NotARoster(InputProblem):
    code = "not_a_roster"
    template = N_("{file} is no OneRoster 1.2 archive: it has no manifest.csv that says so.")


class UnsafeArchive(InputProblem):
    """`member`: the name in the archive that is refused."""

    code = "unsafe_archive"
    template = N_("{file} holds “{member}” in a folder; the files of OneRoster lie beside one another.")


class FlawedMapping(InputProblem):
    """A mapping file of an import is set aside; `reason` is a short English clause for who wrote it."""

    code = "flawed_mapping"
    template = N_("The mapping {file} cannot be used: {reason}.")

    def __init__(self, file: str, reason: str, **details: object) -> None:
        super().__init__(file=file, reason=reason, **details)


class InvalidValue(InputProblem):
    """`value` is kept in the details and left out of the sentence, for it may be personal."""

    code = "invalid_value"
    template = N_("The value of {column} in {table} is not allowed.")

    def __init__(self, table: str, column: str, value: object, **details: object) -> None:
        super().__init__(table=table, column=column, value=value, **details)

    def sentence(self, gettext: Callable[[str], str] = _untranslated) -> str:
        """The sentence; a reader is told table and column by their labels."""
        if gettext is _untranslated:
            return super().sentence()
        # The languages stand on the schema, and the schema on this module.
        from shared.i18n import labels_of

        table, column = labels_of(str(self.details["table"]), str(self.details["column"]))
        return gettext(self.template).format(table=table, column=column)


class SignerRefused(InvalidValue):
    """Nobody signs a consent for an adult, and a child for nobody."""

    code = "signer_refused"
    template = N_("Until 18 a parent signs for the pupil, from then on the pupil alone.")

    def __init__(self) -> None:
        super().__init__(table="consent", column="signer", value=None)


class LessonHeld(InputProblem):
    code = "lesson_held"
    template = N_("The journal knows this lesson already: it was held.")


class NoLesson(InputProblem):
    code = "no_lesson"
    template = N_("There is no such lesson, or its day has not come yet.")


class WrongOrder(InputProblem):
    code = "wrong_order"
    template = N_("The end comes before the beginning.")


class TermsOverlap(InputProblem):
    code = "terms_overlap"
    template = N_("Two periods of the same kind would overlap; move the other one first.")


class TooManyDays(InputProblem):
    code = "too_many_days"
    template = N_("A note covers {days} days at most.")


class NoteOutOfReach(InputProblem):
    code = "note_out_of_reach"
    template = N_("A note is handed in at most {back} days late and {ahead} days ahead.")


class BeyondYear(InputProblem):
    code = "beyond_year"
    template = N_("This day lies too far outside the school year.")


class HeldOutside(InputProblem):
    code = "held_outside"
    template = N_("Lessons were held on days that would lie outside the school year.")


class LessonsOutside(InputProblem):
    """Nothing was written; asking again on purpose writes it."""

    code = "lessons_outside"
    template = N_(
        "Lessons that were held would lie in no term ({lessons}), and their marks would count for no term mark; "
        "confirm once more to move it all the same."
    )


class LockedTermMoves(InputProblem):
    code = "locked_term_moves"
    template = N_(
        "A locked period would have other dates, in {classes}: reopen it there first, with a reason."
    )


class RollsBegin(InputProblem):
    code = "rolls_begin"
    template = N_(
        "Pupils are on the rolls from a later day: a year begins earlier only while its classes are empty."
    )


class EmptyPlan(InputProblem):
    code = "empty_plan"
    template = N_("The plan has no topics yet.")


class BellsOverlap(InputProblem):
    code = "bells_overlap"
    template = N_("A lesson would begin before the one before it has ended.")


class NotInGroup(InputProblem):
    """The rule of membership: the roll of the class, and the list of the group where it has one."""

    code = "not_in_group"
    template = N_("This pupil does not belong to the group on that day.")


class OutsideScale(InputProblem):
    code = "outside_scale"
    template = N_("A mark here is a whole number from {low} to {high}.")


class WithoutMarks(InputProblem):
    code = "without_marks"
    template = N_("Nobody is marked in this class.")


class ReasonNeeded(InputProblem):
    code = "reason_needed"
    template = N_("This can be changed only with a reason; write it down.")


class NothingToUndo(InputProblem):
    code = "nothing_to_undo"
    template = N_("Nothing of this import may be changed now.")


class BroughtSince(InputProblem):
    code = "brought_since"
    template = N_("A later import has brought the like again ({label}); undo that one first.")


class PlanHandedIn(InputProblem):
    code = "plan_handed_in"
    template = N_("The plan is handed in or approved; change it on its own page, which takes that back.")


class TopicGiven(InputProblem):
    code = "topic_given"
    template = N_(
        "A lesson gave the topic with this number; change the plan on its own page, which keeps that."
    )


class TermLocked(InputProblem):
    code = "term_locked"
    template = N_("This period is locked; the deputy head can reopen it.")


class TermRunning(InputProblem):
    """Nothing was written; asking again on purpose writes it."""

    code = "term_running"
    template = N_(
        "The term has not ended, and marks of its lessons to come ({lessons}, the last on {day}) will change no result "
        "given now; confirm once more to give them all the same."
    )


class ChangedMeanwhile(InputProblem):
    """Nothing was overwritten; `clashes` are pairs of the change asked for and the value that stands now."""

    code = "changed_meanwhile"
    status = 409
    template = N_("Someone else has written here meanwhile; nothing was overwritten.")

    def __init__(self, clashes: Sequence[tuple[object, object]] = (), **details: object) -> None:
        self.clashes = tuple(clashes)
        super().__init__(**details)


class ClassExists(InputProblem):
    code = "class_exists"
    template = N_("The school year has this class already; choose another letter.")


class ClassNotEmpty(InputProblem):
    code = "class_not_empty"
    template = N_("Pupils are on the roll of this class on that day: {count}; move them first.")


class ClassHadPupils(InputProblem):
    code = "class_had_pupils"
    template = N_(
        "Pupils are or were on the roll of this class; it stays in the books and is closed instead."
    )


class ClassInUse(InputProblem):
    """A lesson, a slot of the timetable, a day of the calendar or another record is of the class."""

    code = "class_in_use"
    template = N_(
        "The journal, the timetable or the calendar names this class; it stays and is closed instead."
    )


class SubjectTaught(InputProblem):
    code = "subject_taught"
    template = N_("The class is taught this subject already; split it into subgroups instead.")


class GroupInUse(InputProblem):
    """Lessons, marks or results were written for the group, or the timetable holds it."""

    code = "group_in_use"
    template = N_("The journal or the timetable uses this subject; move its pupils instead of removing it.")


class OnRoll(InputProblem):
    code = "on_roll"
    template = N_("The pupil is enrolled in a class on that day already.")


class NotOnRoll(InputProblem):
    code = "not_on_roll"
    template = N_("The pupil is not enrolled in a class on the day before.")


class LaterActs(InputProblem):
    """Acts are written in the order of their days; the later one is withdrawn first."""

    code = "later_acts"
    template = N_("A later act about this pupil stands in the movement book; withdraw it first.")


class ArrivedThatDay(InputProblem):
    code = "arrived_that_day"
    template = N_("The pupil came to the class on this day: choose a later one, or withdraw that act.")


class ActBetween(InputProblem):
    """An act is moved no further than to its neighbours, so that the order of what happened stays."""

    code = "act_between"
    template = N_(
        "Something else happened to this pupil between the two days: choose a day on this side of it."
    )


class NotMovedOn(InputProblem):
    code = "not_moved_on"
    template = N_(
        "The pupil is in a class of another school year; who goes on does so when that year is closed."
    )


class OrderMissing(InputProblem):
    """An act about a pupil rests on an order, in the orders book or not yet."""

    code = "order_missing"
    template = N_("Name the order: choose it from the orders book, or write its number and date.")


class OutsideYear(InputProblem):
    code = "outside_year"
    template = N_("The day does not belong to the school year of the class.")


class YearRunning(InputProblem):
    code = "year_running"
    template = N_("The school year is still running; it can be closed from its last day on.")


class NoFollowingYear(InputProblem):
    code = "no_following_year"
    template = N_("The next school year is not known yet; enter its dates in the calendar first.")


class Undecided(InputProblem):
    code = "undecided"
    template = N_("The year cannot be closed yet; pupils without a decision: {count}.")


class NumberTaken(InputProblem):
    code = "number_taken"
    template = N_("Another order of this series and year has this number.")


class SameLetter(InputProblem):
    """``other`` is what the letter stands for already, by the school's choice or in some language."""

    code = "same_letter"
    template = N_("The letter “{letter}” would stand for “{other}”, too; choose another.")


class NumberHeld(InputProblem):
    """``held``: column -> the number and who else has it; the writer is asked, and may say that it is right."""

    code = "number_held"
    template = N_("Another person of the school has this number already.")


class OrderSigned(InputProblem):
    code = "order_signed"
    template = N_("A signed order is not changed; write another order.")


class OrderUnsigned(InputProblem):
    code = "order_unsigned"
    template = N_("Duties are given and ended by a signed order; sign it first.")


class DutyHeld(InputProblem):
    code = "duty_held"
    template = N_("This person holds the duty on that day already.")


class AccountExists(InputProblem):
    code = "account_exists"
    template = N_("This person has an account already.")


class LastAdministrator(InputProblem):
    code = "last_administrator"
    template = N_(
        "Nobody could open accounts any more: appoint another administrator, who has an account, first."
    )


class LastHead(InputProblem):
    code = "last_head"
    template = N_("Nobody could give duties any more: appoint another head, who has an account, first.")


class OwnRecord(InputProblem):
    """Whoever merges people does not do so with the own record."""

    code = "own_record"
    status = 403
    template = N_("This is your own record: a colleague decides about it.")


class HeadMerges(InputProblem):
    """Rights follow from duties, and an account opens them: neither passes to someone else but by the head."""

    code = "head_merges"
    status = 403
    template = N_("A duty or an account would pass from one record to the other: only the head may do this.")


class PupilAndStaff(InputProblem):
    code = "pupil_and_staff"
    template = N_("One is a pupil of today and the other works here: these are not one person.")


class HeadExists(InputProblem):
    code = "head_exists"
    template = N_("This school has a head; duties are given by the head's orders.")


class NotChecked(InputProblem):
    code = "not_checked"
    template = N_("Nobody has checked this yet: what was checked is confirmed.")


class OwnCheck(InputProblem):
    code = "own_check"
    template = N_(
        "Who checked does not confirm: leave what you checked yourself to the head or another deputy."
    )


class FlawedAddress(InputProblem):
    code = "flawed_address"
    template = N_("A hub's address begins with http:// or https://.")


class BlankTaken(InputProblem):
    code = "blank_taken"
    template = N_("The certificate with number {number} was given to someone else.")


class NotStudying(InputProblem):
    """A certificate of study was asked for someone on no roll, or whose name no consent lets stand."""

    code = "not_studying"
    template = N_(
        "A certificate of study is for a pupil on the roll of a class today, with a name on record."
    )


class SchoolExists(InputProblem):
    """A second school of one name and number in one district would take codes and figures meant for the first."""

    code = "school_exists"
    template = N_(
        "The district has a school of this name and number already (row id {school}); nothing was saved."
    )


class WeakSecret(InputProblem):
    """A new passphrase or password from the environment, held to the same rule as one that is typed."""

    code = "weak_secret"
    template = N_(
        "{variable} is refused: at least 8 characters, not the login and not one letter over and over."
    )


class PhotoTooLarge(InputProblem):
    code = "photo_too_large"
    status = 413
    template = N_(
        "The photo is larger than {most}; with JavaScript the page makes it small, without, make it small first."
    )


class FileTooLarge(InputProblem):
    code = "file_too_large"
    status = 413
    template = N_(
        "The file is larger than the allowed size, {most}: save the table alone, without pictures, and give it again."
    )


class ConsentMissing(InputProblem):
    """A column of a person was to be filled without a valid consent for its `purpose`."""

    code = "consent_missing"
    template = N_("Without a written consent for {purpose}, {column} of a person stays empty.")


class NameWithoutConsent(Problem):
    """`word`: what stands in the text, in the writer's own spelling.

    No flaw of one field: whatever form it was, a page of its own asks the writer.
    """

    code = "name_without_consent"
    status = 422
    template = N_(
        "The word “{word}” looks like the name of someone without a valid consent: write the number instead."
    )


class AccessProblem(Problem):
    """Someone may not do what they tried."""

    code = "access"
    status = 403


class NotSignedIn(AccessProblem):
    code = "not_signed_in"
    status = 401
    template = N_("Sign in first.")


class NotAllowed(AccessProblem):
    code = "not_allowed"
    template = N_("You are not allowed to do this.")


class SwitchedOff(AccessProblem):
    code = "switched_off"
    template = N_("This part of Mektep is not in use in this school yet.")


class SignInFailed(AccessProblem):
    code = "sign_in_failed"
    status = 401
    template = N_("The name or the password is wrong.")


class AccountShut(AccessProblem):
    code = "account_shut"
    template = N_(
        "This account is shut, for its owner has left the school; if that is wrong, tell the office."
    )


class TooManyTries(AccessProblem):
    code = "too_many_tries"
    status = 429
    retry = True
    template = N_("Too many tries; wait a little and try again.")
