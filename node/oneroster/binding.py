"""The form of OneRoster 1.2 (CSV binding of 1EdTech): the files, their columns in order, how values are written."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO

from shared.report import safe_text

_EVERY = "sourcedId,status,dateLastModified,"
HEADERS: Mapping[str, tuple[str, ...]] = {
    name: tuple((_EVERY + own).split(","))
    for name, own in {
        "academicSessions": "title,type,startDate,endDate,parentSourcedId,schoolYear",
        "categories": "title,weight",
        "classes": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,"
        "subjects,subjectCodes,periods",
        "courses": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        "demographics": "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
        "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
        "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
        "enrollments": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        "lineItems": "title,description,assignDate,dueDate,classSourcedId,categorySourcedId,academicSessionSourcedId,"
        "resultValueMin,resultValueMax,schoolSourcedId",
        "orgs": "name,type,identifier,parentSourcedId",
        "results": "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,"
        "inProgress,incomplete,late,missing",
        "roles": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
        "users": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
        "agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
        "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
    }.items()
}
"""File -> its columns, in the order of the standard."""
MORE = "metadata.mektep."
"""Begins the columns that another Mektep reads and a learning platform does not need."""
MORE_HEADERS: Mapping[str, tuple[str, ...]] = {
    name: tuple(MORE + column for column in own.split(","))
    for name, own in {
        "classes": "language,shift,weekDays,hours,scale,part",
        "roles": "position",
        "users": "consentFrom,consentTo,personalFile,language,residence,relations",
    }.items()
}
FILES = (
    "academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics",
    "enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources",
    "resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales", "userProfiles",
    "userResources", "users",
)  # fmt: skip
"""Every file that a manifest speaks of, in its order."""
_PHONE = re.compile(r"\+?\d{3,15}")
_IN_PHONES = re.compile(r"[\s()\-]")

Line = dict[str, str]


def write_csv(target: IO[bytes], header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Write a file, a line in memory at a time."""
    text = io.TextIOWrapper(target, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(lines)
    text.flush()
    text.detach()


def text(value: str | None) -> str:
    """A field without line breaks that no spreadsheet takes for a formula."""
    return safe_text(" ".join((value or "").split()))


def plain(text: str) -> str:
    """Text without the apostrophe that guards a spreadsheet."""
    bare = text[1:]
    return bare if text.startswith("'") and safe_text(bare) == text else text


def phone(value: str | None) -> str:
    """A phone number as digits alone, its plus kept: platforms dial it, and a sum of one number computes nothing.

    What is no phone number is guarded as other text.
    """
    bare = _IN_PHONES.sub("", value or "")
    return bare if _PHONE.fullmatch(bare) else text(value)
