"""Reading a OneRoster 1.2 archive: what may be in it, its manifest, the lines of its files. Nothing here writes.

An archive is taken apart in memory, so no path of it ever names a file of this machine; one that tries is refused
all the same, and so is one that would unpack to more than it should. It is unpacked a piece at a time: the lines of a
roster are kept, those of results, of which a school has a hundred thousand in a term, are read anew whenever they are
asked for.
"""

from __future__ import annotations

import codecs
import csv
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from node.oneroster.binding import FILES, HEADERS
from shared.problems import N_, DamagedFile, NotARoster, TooLarge, UnsafeArchive

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes that all files of an archive may have together."""
MAX_LINES = 100_000
"""Lines that are kept at once: those of a school of 2,000 pupils with what was marked in a term. While they are written
others wait."""
MAX_RESULTS = 400_000
"""Lines with results: those of a term of 4,000 pupils, of which a teacher takes in the own ones."""
MAX_MEMBERS = 100
READ = (
    "orgs", "academicSessions", "courses", "users", "roles", "demographics", "classes", "enrollments", "categories",
    "lineItems", "results",
)  # fmt: skip
"""The files that are taken in, in this order."""
RESULTS = "results"
MARKS = ("categories", "lineItems", RESULTS)
OF_MARKS = ("academicSessions",)
"""Files that tell what marks are about."""
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


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file; a column that is not there is empty."""

    file: str
    number: int
    columns: Mapping[str, int]
    cells: tuple[str, ...]

    def __getitem__(self, column: str) -> str:
        at = self.columns.get(column)
        return self.cells[at] if at is not None and at < len(self.cells) else ""

    @property
    def id(self) -> str:
        return self["sourcedId"]

    @property
    def deleted(self) -> bool:
        return self["status"] == "tobedeleted"

    def has(self, column: str) -> bool:
        """Has its file the column?"""
        return column in self.columns

    def listed(self, column: str) -> list[str]:
        """The parts of a cell that holds a list."""
        return [part.strip() for part in self[column].split(",") if part.strip()]

    def saying(self, column: str, text: str) -> Line:
        """The line with one cell that says something else."""
        at = self.columns[column]
        return replace(self, cells=(*self.cells[:at], text, *self.cells[at + 1 :]))


@dataclass(frozen=True)
class _File:
    """A CSV file of an archive: its member and in what it is written."""

    member: str
    encoding: str


@dataclass(frozen=True)
class Package:
    """The files of an archive that are taken in. ``system``: who wrote it, by its own code; ``flaws`` are of form.

    ``lines``: those of the files that were asked for, but results, which are walked through; ``counts``: how many each
    file has. ``headers``: the columns of each file in its order. ``passed_over``: files that are not taken in.
    """

    system: str
    lines: Mapping[str, tuple[Line, ...]]
    headers: Mapping[str, tuple[str, ...]]
    delta: frozenset[str]
    flaws: tuple[Flaw, ...]
    passed_over: tuple[str, ...]
    counts: Mapping[str, int]
    _walk: Callable[[Callable[[Line], bool]], Iterator[tuple[Line, Flaw | None]]] = lambda wanted: iter(())

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def walk_results(
        self, wanted: Callable[[Line], bool] = lambda line: True
    ) -> Iterator[tuple[Line, Flaw | None]]:
        """The results that are wanted, each with what is wrong in its form; nothing is kept but their keys."""
        return self._walk(wanted)


def pack(files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Files given one by one as an archive, with its name; an archive alone is what it is."""
    if len(files) == 1:
        return files[0]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files:
            target.writestr(name.replace("\\", "/").rpartition("/")[2], content)
    return "oneroster.zip", out.getvalue()


def read_package(content: bytes, name: str, people: bool = True, marks: bool = True) -> Package:
    """Take an archive apart, keeping what is told of ``people`` and classes, of ``marks``, or both.

    DamagedFile, TooLarge, UnsafeArchive, NotARoster.
    """
    files = _survey(content, name)
    if MANIFEST not in files:
        raise NotARoster(file=name)
    told = _manifest(content, files.pop(MANIFEST), name)
    modes = {file: told.get(f"file.{file}", "absent") for file in FILES}
    flaws: list[Flaw] = []
    lines: dict[str, tuple[Line, ...]] = {}
    headers: dict[str, tuple[str, ...]] = {}
    counts: dict[str, int] = {}
    walk = Package._walk
    left = MAX_LINES
    for file in READ:
        mode = modes[file]
        if mode not in ("absent", *STATUSES):
            places = {"text": mode, "allowed": "absent, bulk, delta"}
            flaws.append(Flaw(MANIFEST, 1, f"file.{file}", WORD, places))
        elif mode != "absent" and file not in files:
            flaws.append(Flaw(MANIFEST, 1, f"file.{file}", NO_FILE))
        elif mode != "absent":
            reading = _Reading(content, files[file], file, mode)
            headers[file] = reading.header(flaws)
            wanted = file == "orgs" or (marks if file in MARKS else people) or (marks and file in OF_MARKS)
            if not reading.usable:
                lines[file], counts[file] = (), 0
            elif wanted and file != RESULTS:
                lines[file] = tuple(reading.kept(left, flaws, name))
                counts[file] = len(lines[file])
                left -= counts[file]
            else:
                counts[file] = reading.count(flaws)
                walk = reading.walk if file == RESULTS else walk
    if sum(counts.values()) > MAX_RESULTS:
        raise TooLarge(file=name)
    return Package(
        system=told.get("source.systemCode", ""),
        lines=lines,
        headers=headers,
        delta=frozenset(file for file, mode in modes.items() if mode == "delta"),
        flaws=tuple(flaws),
        passed_over=tuple(sorted(file for file in files if file not in headers and file not in READ)),
        counts=counts,
        _walk=walk,
    )


# ---- the archive


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """The archive; DamagedFile where reading it fails."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive
    except UnicodeDecodeError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise DamagedFile(file=name) from error


def _survey(content: bytes, name: str) -> dict[str, _File]:
    """The CSV files of an archive, by name without its ending; all of it is unpacked once and nothing kept."""
    left, found = MAX_UNPACKED, {}
    with _opened(content, name) as archive:
        members = [one for one in archive.infolist() if not _is_junk(one.filename)]
        if len(members) > MAX_MEMBERS:
            raise TooLarge(file=name)
        for member in members:
            if member.is_dir() or "/" in member.filename or "\\" in member.filename:
                raise UnsafeArchive(file=name, member=member.filename[:80])
            if member.flag_bits & 1:
                raise DamagedFile(file=name)
            size, encoding = _surveyed(archive, member, left, name)
            left -= size
            if member.filename.endswith(".csv"):
                found[member.filename.removesuffix(".csv")] = _File(member.filename, encoding)
    return found


def _is_junk(name: str) -> bool:
    """What a system's own packer adds unasked."""
    return name.startswith(_JUNK[0]) or name in _JUNK[1:]


def _surveyed(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, name: str) -> tuple[int, str]:
    """How many bytes a member has, whatever the archive says of their number, and in what it is written.

    TooLarge: more than ``most``.
    """
    size, decoder = 0, codecs.getincrementaldecoder("utf-8-sig")()
    encoding = "utf-8-sig"
    with archive.open(member) as source:
        while part := source.read(_CHUNK):
            if not size and part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                encoding = "utf-16"
            size += len(part)
            if size > most:
                raise TooLarge(file=name)
            if encoding == "utf-8-sig":
                try:
                    decoder.decode(part)
                except UnicodeDecodeError:
                    encoding = "cp1251"
    if encoding == "utf-8-sig" and decoder.getstate()[0]:
        encoding = "cp1251"
    return size, encoding


def _manifest(content: bytes, file: _File, name: str) -> dict[str, str]:
    """Property -> value. NotARoster: of another version, or none."""
    try:
        told = {row[0].strip(): row[1].strip() for row in _rows(content, file) if len(row) > 1}
    except (UnicodeDecodeError, csv.Error):
        told = {}
    if told.get("oneroster.version") != "1.2":
        raise NotARoster(file=name)
    return told


# ---- a file


def _rows(content: bytes, file: _File) -> Iterator[list[str]]:
    """The rows of a file, a piece of it in memory at a time. UnicodeDecodeError, csv.Error: it is no text or table."""
    with _opened(content, file.member) as archive, archive.open(file.member) as member:
        text = io.TextIOWrapper(member, file.encoding, newline="")
        for row in csv.reader(text, strict=True):
            if any("\0" in cell for cell in row):
                raise csv.Error("a byte of nothing")
            yield row


class _Reading:
    """One file on its way into lines."""

    def __init__(self, content: bytes, source: _File, file: str, mode: str) -> None:
        self.content = content
        self.source = source
        self.file = file
        self.mode = mode
        self.columns: dict[str, int] = {}
        self.width = 0
        self.usable = False

    def header(self, flaws: list[Flaw]) -> tuple[str, ...]:
        """The columns; what is wrong with them goes to the flaws, and then the file is not usable."""
        try:
            first = next(_rows(self.content, self.source), None)
        except (UnicodeDecodeError, csv.Error):
            first = None
        if not first:
            flaws.append(Flaw(self.file, 1, "", NO_TEXT))
            return ()
        header = tuple(cell.strip() for cell in first)
        missing = [column for column in NEEDED[self.file] if column not in header]
        doubled = {column for column in header if column in HEADERS[self.file] and header.count(column) > 1}
        flaws += [Flaw(self.file, 1, column, NO_COLUMN) for column in missing]
        flaws += [Flaw(self.file, 1, column, TWICE) for column in sorted(doubled)]
        self.columns = {name: at for at, name in enumerate(header)}
        self.width = len(header)
        self.usable = not missing and not doubled
        return header

    def kept(self, most: int, flaws: list[Flaw], name: str) -> list[Line]:
        """All lines. TooLarge: more than ``most``."""
        found: list[Line] = []
        try:
            for line, flaw in self.walk(lambda line: True):
                found.append(line)
                if flaw:
                    flaws.append(flaw)
                if len(found) > most:
                    raise TooLarge(file=name)
        except (UnicodeDecodeError, csv.Error):
            flaws.append(Flaw(self.file, 1, "", NO_TEXT))
            return []
        return found

    def count(self, flaws: list[Flaw]) -> int:
        """How many lines there are; none where the file is no table."""
        try:
            return sum(any(map(str.strip, row)) for row in _rows(self.content, self.source)) - 1
        except (UnicodeDecodeError, csv.Error):
            flaws.append(Flaw(self.file, 1, "", NO_TEXT))
            return 0

    def walk(self, wanted: Callable[[Line], bool]) -> Iterator[tuple[Line, Flaw | None]]:
        """The lines that are wanted, each with what is wrong in its form. UnicodeDecodeError, csv.Error."""
        seen: dict[str, int] = {}
        rows = _rows(self.content, self.source)
        next(rows)
        for number, row in enumerate(rows, 2):
            cells = tuple(sys.intern(cell.strip()) for cell in row)
            line = Line(self.file, number, self.columns, cells)
            if any(cells) and wanted(line):
                yield line, self._flaw(line, seen)

    def _flaw(self, line: Line, seen: dict[str, int]) -> Flaw | None:
        if len(line.cells) != self.width:
            return Flaw(line.file, line.number, "", CELLS, {"found": len(line.cells), "wanted": self.width})
        if not line.id:
            return Flaw(line.file, line.number, "sourcedId", EMPTY_ID)
        first = seen.setdefault(line.id, line.number)
        if first != line.number:
            return Flaw(line.file, line.number, "sourcedId", SAME_ID, {"other": first})
        if line["status"] not in STATUSES[self.mode]:
            allowed = ", ".join(word for word in STATUSES[self.mode] if word)
            return Flaw(line.file, line.number, "status", WORD, {"text": line["status"], "allowed": allowed})
        return None
