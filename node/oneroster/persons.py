"""The users of a roster: pupils, staff and guardians, each named only under a consent that is valid here.

A roster of another system tells of no consent. So a pupil or a member of the staff who has none here becomes a
placeholder, and a guardian is passed over; when the consents are there, the same roster brings the names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from node import consenting
from node.numbers import Holders
from node.ofage import Born
from node.oneroster import finding
from node.oneroster.actions import GUARDIAN_ROLES, SEX, STAFF_ROLES
from node.oneroster.binding import MORE, plain
from node.oneroster.learning import LANGUAGE
from node.oneroster.package import Line
from node.oneroster.taking import Taking
from shared.dates import date_of
from shared.problems import N_
from shared.report import EMPTY
from shared.schema import LANGUAGES, POSITIONS, RELATIONS, Value
from sync.writer import has_consent

GUARDIANS = ("parent", "guardian", "relative")
STAFF = (
    "teacher", "principal", "siteAdministrator", "counselor", "aide", "proctor", "districtAdministrator",
    "systemAdministrator",
)  # fmt: skip
ROLES = ("student", *GUARDIANS, *STAFF)
POSITION_OF = {
    "teacher": "teacher",
    "principal": "head",
    "siteAdministrator": "deputy",
    "counselor": "social",
    "systemAdministrator": "it",
}
"""Role -> position; of any other, `other`."""
SEX_OF = {word: code for code, word in SEX.items()}
NAMELESS = N_("People without a consent, taken in without a name")
NO_GUARDIAN = N_("Guardians without a consent, passed over")
NO_ROLE = N_("People without a role, passed over")
SAME_FILE = N_("Pupils with the personal file number of someone who is here: the duplicates list them")
NAMESAKES = N_(
    "New people with the name and date of birth of someone who is here: choose that key to know them by it"
)


@dataclass(frozen=True)
class Held:
    """One role of a user; ``position`` by Mektep's own column."""

    role: str
    start: int | None
    end: int | None
    position: str
    deleted: bool


@dataclass
class Persons:
    """What the users of a roster are here."""

    t: Taking
    roles: dict[str, list[Held]] = field(default_factory=dict)
    born: dict[str, Line] = field(default_factory=dict)
    named: dict[tuple[object, ...], int] = field(default_factory=dict)

    @cached_property
    def holders(self) -> Holders:
        """Who has which number."""
        return Holders(self.t.db)

    def users(self) -> None:
        """Everyone, then who is whose guardian."""
        t = self.t
        for line in t.lines("roles"):
            with t.listing(line):
                self._role(line)
        self.born = t.index("demographics")
        self.named = finding.named(t.db)
        lines = list(t.lines("users"))
        for line in lines:
            with t.listing(line):
                self._user(line)
        for line in lines:
            if not line.deleted:
                with t.listing(line):
                    self._agents(line)

    def _role(self, line: Line) -> None:
        role = self.t.word(line, "role", ROLES)
        start, end = self.t.date(line, "beginDate"), self.t.date(line, "endDate")
        held = Held(role, start, end, line[MORE + "position"], line.deleted)
        self.roles.setdefault(line["userSourcedId"], []).append(held)

    # ---- one user

    def _user(self, line: Line) -> None:
        t = self.t
        held = self.roles.get(line.id, [])
        known = self._known(line)
        if line.deleted:
            self._take_out(known)
            return
        if known is None and not any(not one.deleted for one in held):
            t.notices[NO_ROLE] += 1
            t.dropped.add((line.file, line.id))
            return
        names = self._names(line)
        consented = bool(line[MORE + "consentFrom"]) or (
            known is not None and has_consent(t.db, known, "core", t.today)
        )
        guardian_alone = all(one.role in GUARDIANS for one in held if not one.deleted) and held
        if known is None and guardian_alone and not (consented and names):
            t.notices[NO_GUARDIAN] += 1
            t.dropped.add((line.file, line.id))
            return
        if known is None and self._namesake(line) is not None:
            t.notices[NAMESAKES] += 1
        person = known if known is not None else self._new(line)
        if person is None:
            t.dropped.add((line.file, line.id))
            return
        t.remember(line, "person", person)
        self._place(line, person, held)
        self._consent(line, person)
        self._describe(line, person, names)

    def _known(self, line: Line) -> int | None:
        """Who a user is here: by the key, else by what was chosen."""
        t, number = self.t, line[MORE + "personalFile"] or line["identifier"]
        found = t.row("users", line.id)
        if found is None and t.choice.key == "number" and number:
            found = finding.person_numbered(t.db, number)
        if found is None and t.choice.key == "name":
            found = self._namesake(line)
        return found

    def _namesake(self, line: Line) -> int | None:
        """Who was here before with the same surname, given name and date of birth."""
        names = self._names(line)
        return self.named.get((names.get("surname"), names.get("given_name"), self._birth(line)))

    def _new(self, line: Line) -> int | None:
        born = self._birth(line)
        return self.t.books.add(
            "person", sex=self._sex(line), birth_year=date_of(born).year if born is not None else None
        )

    def _birth(self, line: Line) -> int | None:
        told = self.born.get(line.id)
        return self.t.date(told, "birthDate") if told else None

    def _sex(self, line: Line) -> str | None:
        told = self.born.get(line.id)
        return SEX_OF.get(told["sex"]) if told else None

    def _names(self, line: Line) -> dict[str, str]:
        """Surname, given name and patronymic, as many as are known; none where Mektep wrote a number in their place."""
        found = {
            "surname": plain(line["familyName"]),
            "given_name": plain(line["givenName"]),
            "patronymic": plain(line["middleName"]),
        }
        if found["given_name"] == EMPTY and found["surname"].isdigit():
            return {}
        return {name: text for name, text in found.items() if text not in ("", EMPTY)}

    def _consent(self, line: Line, person: int) -> None:
        """The consent that a roster of Mektep tells of, where it is later than what was written down here."""
        t = self.t
        start, end = t.date(line, MORE + "consentFrom"), t.date(line, MORE + "consentTo")
        if start is not None and consenting.is_news(t.db, person, "core", start):
            birth = self._birth(line)
            born = None if birth is None else Born(birth, date_of(birth).year)
            alone = consenting.signs_alone(t.db, person, start, born)
            signed = consenting.Signed(("core",), start, end, person if alone else None, t.ground)
            t.books.sign(person, signed, t.received_by, born)

    def _describe(self, line: Line, person: int, names: dict[str, str]) -> None:
        t = self.t
        row = t.books.row("person", person)
        assert row is not None
        born = self._birth(line)
        values: dict[str, Value] = {"sex": self._sex(line)}
        if born is not None and born != row["birth_date"]:
            values["birth_year"] = date_of(born).year
        if has_consent(t.db, person, "core", t.today):
            values |= names | {"birth_date": born}
            if has_consent(t.db, person, "messages", t.today):
                values["email"] = line["email"]
            phone = plain(line["phone"] or line["sms"])
            if _digits(phone) != _digits(row["phone"] or ""):
                values["phone"] = phone
        elif names:
            t.notices[NAMELESS] += 1
        t.books.change("person", row, **values)

    # ---- what a user is here

    def _place(self, line: Line, person: int, held: list[Held]) -> None:
        t = self.t
        if any(one.role == "student" and not one.deleted for one in held):
            language, residence = line[MORE + "language"], line[MORE + "residence"]
            there = t.books.row("pupil", person)
            file = line[MORE + "personalFile"] or (None if there else line["identifier"][:20])
            if file and (there is None or there["personal_file"] != file):
                if self.holders.others(person, "personal_file", file):
                    t.notices[SAME_FILE] += 1
                self.holders.note(person, "personal_file", file)
            t.books.put(
                "pupil",
                (person,),
                language=language if language in LANGUAGES else None if there else LANGUAGE,
                residence=residence if residence in ("urban", "rural") else None,
                personal_file=file,
            )
        works = [one for one in held if one.role in STAFF and not one.deleted]
        left = any(one.role in STAFF and one.deleted for one in held)
        if works:
            self._employ(person, works)
        elif left:
            self._release(person)

    def _employ(self, person: int, works: list[Held]) -> None:
        t = self.t
        there = t.books.row("staff", person)
        first = next((one for one in works if one.role != "teacher"), works[0])
        position: str | None = POSITION_OF.get(first.role, "other")
        if first.position in POSITIONS:
            position = first.position
        elif there and any(STAFF_ROLES.get(there["position"] or "", "aide") == one.role for one in works):
            position = None
        t.books.put("staff", (person,), position=position, start=first.start, end=first.end)

    def _release(self, person: int) -> None:
        row = self.t.books.row("staff", person)
        if row is not None and row["retired_at"] is None and row["end"] is None:
            self.t.books.end("staff", row, end=self.t.today)

    def _take_out(self, person: int | None) -> None:
        """A user who is gone: staff has left, a guardian is none; a pupil leaves by the lines of the classes."""
        t = self.t
        if person is None:
            return
        self._release(person)
        for pupil in finding.children(t.db, person):
            row = t.books.row("guardian", pupil, person)
            assert row is not None
            t.books.end("guardian", row)

    def _agents(self, line: Line) -> None:
        """Who is a pupil's guardian, told at the pupil or at the guardian."""
        t = self.t
        person = t.row("users", line.id)
        related = [word.strip() for word in line[MORE + "relations"].split(",")]
        for at, agent in enumerate(line.listed("agentSourcedIds")):
            other = t.row("users", agent)
            if person is None or other is None:
                if person is not None and ("users", agent) not in self.t.dropped:
                    t.missing(
                        line.saying("agentSourcedIds", agent),
                        "agentSourcedIds",
                        "users",
                    )
                continue
            relation = related[at] if at < len(related) else ""
            if finding.is_pupil(t.db, person):
                self._relate(person, other, relation or self._relation(agent, other))
            elif finding.is_pupil(t.db, other):
                self._relate(other, person, relation or self._relation(line.id, person))

    def _relate(self, pupil: int, guardian: int, relation: str | None) -> None:
        there = self.t.books.row("guardian", pupil, guardian)
        known = there["relation"] if there and there["retired_at"] is None else None
        if known and relation and GUARDIAN_ROLES.get(known) == GUARDIAN_ROLES.get(relation):
            relation = known
        self.t.books.put("guardian", (pupil, guardian), relation=relation if relation in RELATIONS else None)

    def _relation(self, user: str, person: int) -> str | None:
        """The relation that a role tells: a parent's by the sex, where it is known."""
        roles = {one.role for one in self.roles.get(user, ())}
        if "parent" in roles:
            row = self.t.books.row("person", person)
            return {"f": "mother", "m": "father"}.get(row["sex"] or "") if row else None
        return "guardian" if "guardian" in roles else "relative" if "relative" in roles else "other"


def _digits(phone: str) -> str:
    """A phone number however it is written."""
    return "".join(sign for sign in phone if sign.isdigit())
