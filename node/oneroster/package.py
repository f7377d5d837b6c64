"""Reading a OneRoster 1.2 archive: what may be in it, its manifest, the lines of its files. Nothing here writes.

An archive is taken apart in memory, so no path of it ever names a file of this machine; one that tries is refused
all the same, and so is one that would unpack to more than it should.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from node.importing.sheets import decode
from node.oneroster.binding import FILES, HEADERS
from shared.problems import N_, DamagedFile, NotARoster, TooLarge, UnsafeArchive

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes that all files of an archive may have together."""
MAX_LINES = 60_000
"""Lines that all files may have together: those of a school of 2,500 pupils. While they are written others wait."""
MAX_MEMBERS = 100
READ = (
    "orgs", "academicSessions", "courses", "users", "roles", "demographics", "classes", "enrollments", "categories",
    "lineItems", "results",
)  # fmt: skip
"""The files that are taken in, in this order."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "orgs": ("sourcedId", "name", "type"),
    "academicSessions": ("sourcedId", "type", "startDate", "endDate"),
    "courses": ("sourcedId", "title"),
    "users": ("sourcedId", "givenName", "familyName"),
    "roles": ("sourcedId", "userSourcedId", "role"),
    "demographics": ("sourcedId",),
    "classes": ("sourcedId", "title", "classType", "courseSourcedId"),
    "enrollments": ("sourcedId", "classSourcedId", "userSourcedId", "role"),
    "categories": ("sourcedId", "title"),
    "lineItems": ("sourcedId", "classSourcedId", "dueDate"),
    "results": ("sourcedId", "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score"),
}
"""File -> the columns without which it says nothing; of the others a missing one is an empty one."""
STATUSES = {"bulk": ("", "active"), "delta": ("active", "tobedeleted")}
MANIFEST = "manifest"
_CHUNK = 1 << 16
_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db")

NO_COLUMN = N_("The file has no such column.")
TWICE = N_("The file has this column more than once.")
CELLS = N_("The line has {found} cells, the header {wanted}.")
NO_FILE = N_("The manifest names the file, but it is not there.")
WORD = N_("“{text}” is none of: {allowed}.")
EMPTY_ID = N_("This must not be empty.")
SAME_ID = N_("Line {other} has this already.")
NO_TEXT = N_("The file cannot be read as text in UTF-8.")


@dataclass(frozen=True)
class Flaw:
    """What is wrong: file, line (the header's is 1), column, a sentence marked with `N_` and what fills its places."""

    file: str
    line: int
    column: str
    sentence: str
    places: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line of a file, by column; a column that is not there is empty."""

    file: str
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def id(self) -> str:
        return self["sourcedId"]

    @property
    def deleted(self) -> bool:
        return self["status"] == "tobedeleted"

    def listed(self, column: str) -> list[str]:
        """The parts of a cell that holds a list."""
        return [part.strip() for part in self[column].split(",") if part.strip()]


@dataclass(frozen=True)
class Package:
    """The files of an archive that are taken in. ``system``: who wrote it, by its own code; ``flaws`` are of form.

    ``headers``: the columns of each file in its order. ``passed_over``: files of OneRoster that are not taken in.
    """

    system: str
    lines: Mapping[str, tuple[Line, ...]]
    headers: Mapping[str, tuple[str, ...]]
    delta: frozenset[str]
    flaws: tuple[Flaw, ...]
    passed_over: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(map(len, self.lines.values()))


def pack(files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Files given one by one as an archive, with its name; an archive alone is what it is."""
    if len(files) == 1:
        return files[0]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files:
            target.writestr(name.replace("\\", "/").rpartition("/")[2], content)
    return "oneroster.zip", out.getvalue()


def read_package(content: bytes, name: str) -> Package:
    """Take an archive apart. DamagedFile, TooLarge, UnsafeArchive, NotARoster."""
    texts = dict(_members(content, name))
    if MANIFEST not in texts:
        raise NotARoster(file=name)
    told = _manifest(texts.pop(MANIFEST), name)
    modes = {file: told.get(f"file.{file}", "absent") for file in FILES}
    flaws: list[Flaw] = []
    lines, headers = {}, {}
    for file in READ:
        mode = modes[file]
        if mode not in ("absent", *STATUSES):
            places = {"text": mode, "allowed": "absent, bulk, delta"}
            flaws.append(Flaw(MANIFEST, 1, f"file.{file}", WORD, places))
        elif mode != "absent" and file not in texts:
            flaws.append(Flaw(MANIFEST, 1, f"file.{file}", NO_FILE))
        elif mode != "absent":
            headers[file], lines[file] = _read(file, texts[file], mode, flaws)
    if sum(map(len, lines.values())) > MAX_LINES:
        raise TooLarge(file=name)
    return Package(
        system=told.get("source.systemCode", ""),
        lines=lines,
        headers=headers,
        delta=frozenset(file for file, mode in modes.items() if mode == "delta"),
        flaws=tuple(flaws),
        passed_over=tuple(sorted(file for file in texts if file not in lines and file not in READ)),
    )


# ---- the archive


def _members(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The CSV files of an archive, by name without its ending."""
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if not _is_junk(one.filename)]
            if len(members) > MAX_MEMBERS:
                raise TooLarge(file=name)
            for member in members:
                if member.is_dir() or "/" in member.filename or "\\" in member.filename:
                    raise UnsafeArchive(file=name, member=member.filename[:80])
                if member.flag_bits & 1:
                    raise DamagedFile(file=name)
                text = _unpacked(archive, member, left, name)
                left -= len(text)
                if member.filename.endswith(".csv"):
                    yield member.filename.removesuffix(".csv"), text
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise DamagedFile(file=name) from error


def _is_junk(name: str) -> bool:
    """What a system's own packer adds unasked."""
    return name.startswith(_JUNK[0]) or name in _JUNK[1:]


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, name: str) -> bytes:
    """A member's bytes, whatever the archive says of their number. TooLarge: more than ``most``."""
    out = bytearray()
    with archive.open(member) as source:
        while part := source.read(_CHUNK):
            out += part
            if len(out) > most:
                raise TooLarge(file=name)
    return bytes(out)


def _manifest(content: bytes, name: str) -> dict[str, str]:
    """Property -> value. NotARoster: of another version, or none."""
    rows = _rows(content)
    told = {row[0].strip(): row[1].strip() for row in rows or () if len(row) > 1}
    if told.get("oneroster.version") != "1.2":
        raise NotARoster(file=name)
    return told


# ---- a file


def _rows(content: bytes) -> list[list[str]] | None:
    """The rows of a file; None where it is no text."""
    try:
        return list(csv.reader(io.StringIO(decode(content), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None


def _read(
    file: str, content: bytes, mode: str, flaws: list[Flaw]
) -> tuple[tuple[str, ...], tuple[Line, ...]]:
    """The header of a file and its lines; what is wrong with them goes to the flaws."""
    rows = None if b"\0" in content else _rows(content)
    if not rows:
        flaws.append(Flaw(file, 1, "", NO_TEXT))
        return (), ()
    header = tuple(cell.strip() for cell in rows[0])
    missing = [column for column in NEEDED[file] if column not in header]
    doubled = {column for column in header if column in HEADERS[file] and header.count(column) > 1}
    flaws += [Flaw(file, 1, column, NO_COLUMN) for column in missing]
    flaws += [Flaw(file, 1, column, TWICE) for column in sorted(doubled)]
    if missing or doubled:
        return header, ()
    return header, tuple(_lines(file, header, rows[1:], mode, flaws))


def _lines(
    file: str, header: Sequence[str], rows: Sequence[Sequence[str]], mode: str, flaws: list[Flaw]
) -> Iterator[Line]:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        line = Line(file, number, {name: cell.strip() for name, cell in zip(header, row, strict=False)})
        found = _flaw(line, header, row, mode, seen)
        if found:
            flaws.append(found)
        yield line


def _flaw(
    line: Line, header: Sequence[str], row: Sequence[str], mode: str, seen: dict[str, int]
) -> Flaw | None:
    if len(row) != len(header):
        return Flaw(line.file, line.number, "", CELLS, {"found": len(row), "wanted": len(header)})
    if not line.id:
        return Flaw(line.file, line.number, "sourcedId", EMPTY_ID)
    first = seen.setdefault(line.id, line.number)
    if first != line.number:
        return Flaw(line.file, line.number, "sourcedId", SAME_ID, {"other": first})
    if line["status"] not in STATUSES[mode]:
        allowed = ", ".join(word for word in STATUSES[mode] if word)
        return Flaw(line.file, line.number, "status", WORD, {"text": line["status"], "allowed": allowed})
    return None
