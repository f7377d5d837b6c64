"""The hub's own reference stream, the schools of the district, and the codes with which their nodes register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from hub import tables
from hub.completing import FIRST_FREE
from hub.log import HubLog
from hub.storage import Hub, get_state, upsert
from shared import crypto
from shared.keys import RegistrationCode, secret_digest
from shared.problems import InvalidValue, SchoolExists
from shared.schema import BY_NAME, VERSION, Value, check_row
from sync import clock
from sync.apply import Delivered, apply
from sync.change import NO_HASH, Change, Header
from sync.codec import encode

FIRST_HUB_ID = 2**31
"""Ids of origin 0: below it what ships with the product, from it on what the hub adds."""
CODE_DAYS = 14
_DAY_MS = 86_400_000


def write_reference(hub: Hub, rows: Sequence[tuple[str, dict[str, Value]]]) -> None:
    """Add or correct reference rows; every school's nodes receive them at their next sync. InvalidValue."""
    for name, values in rows:
        table = BY_NAME[name]
        check_row(table, values)
        if not table.is_reference or any(not isinstance(values.get(k), int) for k in table.key):
            raise InvalidValue(table=name, column=table.key[0], value=None)
    with hub.write() as connection:
        log = HubLog(connection, 0, hub.signer)
        position = log.head()[0] + 1
        last, head = log.head_of(0)
        changes = []
        for number, (name, values) in enumerate(rows, last + 1):
            table = BY_NAME[name]
            key = tuple(int(str(values[k])) for k in table.key)
            named = {c.number: values[c.name] for c in table.columns if c.name in values}
            changes.append(Change(number, clock.stamp_of(clock.now_ms()), None, table.number, key, named))
        salt = crypto.random_bytes(crypto.SALT_BYTES)
        parts = (NO_HASH, NO_HASH)
        header = Header(0, 0, last + 1, last + len(rows), head, position - 1, 0, salt, parts, VERSION)
        envelope = encode(header, changes, None, hub.signer)
        apply(log, [Delivered(envelope, position, changes)], {})


def next_id(hub: Hub, table_name: str) -> int:
    """An unused id for a reference row of the hub's own."""
    view = tables.VIEWS[table_name]
    with hub.read() as connection:
        last = connection.execute(
            sa.select(sa.func.max(view.c.id)).where(view.c.id.between(FIRST_HUB_ID, 2**32 - 1))
        ).scalar()
        free = int(get_state(connection, FIRST_FREE) or FIRST_HUB_ID)
    return max(free, FIRST_HUB_ID if last is None else int(last) + 1)


def add_school(hub: Hub, name: str, number: int | None = None, district: int | None = None) -> int:
    """Add a school to the district's books; returns its row id, the number of its stream. SchoolExists."""
    refuse_double(hub, [name], number, district)
    school = max(next_id(hub, "school"), next_id(hub, "org_unit"))
    names: dict[str, Value] = {"name_ky": name, "name_ru": name, "name_en": name}
    unit: dict[str, Value] = {
        "id": school,
        "kind": "school",
        "code": str(number or ""),
        "parent": district,
        **names,
    }
    write_reference(hub, [("school", {"id": school, "number": number, **names}), ("org_unit", unit)])
    return school


def refuse_double(
    hub: Hub, names: Iterable[str], number: int | None, district: int | None, corrected: int | None = None
) -> None:
    """Look whether the district has a school of one of these names, in whichever language, and this number.

    ``corrected``: the school that gets them; what it has already, though another has it too, it may keep. SchoolExists.
    """
    school, unit = tables.VIEWS["school"], tables.VIEWS["org_unit"]
    here = sa.select(school).join(unit, unit.c.id == school.c.id)
    here = here.where(
        school.c.retired_at.is_(None),
        school.c.number.is_not_distinct_from(number),
        unit.c.parent.is_not_distinct_from(district),
    )
    with hub.read() as connection:
        rows = connection.execute(here).all()
    called = {int(r.id): {*map(_plain, (r.name_ky, r.name_ru, r.name_en))} for r in rows}
    wanted = {*map(_plain, names)} - {""} - called.pop(corrected or 0, set())
    twins = [row for row, have in called.items() if have & wanted]
    if twins:
        raise SchoolExists(school=min(twins))


def _plain(name: str | None) -> str:
    return " ".join((name or "").casefold().split())


def add_district(hub: Hub, name: str, code: str = "") -> int:
    """Add a district; returns its row id."""
    unit = max(next_id(hub, "school"), next_id(hub, "org_unit"))
    values: dict[str, Value] = {"id": unit, "kind": "district", "code": code}
    write_reference(hub, [("org_unit", values | {"name_ky": name, "name_ru": name, "name_en": name})])
    return unit


def find_or_add_district(hub: Hub, name: str) -> int:
    """The district of this name; made when there is none."""
    view = tables.VIEWS["org_unit"]
    with hub.read() as connection:
        found = connection.execute(
            sa.select(view.c.id).where(
                view.c.kind == "district", sa.or_(view.c.name_ky == name, view.c.name_ru == name)
            )
        ).scalar()
    return add_district(hub, name) if found is None else int(found)


def find_school(hub: Hub, text: str) -> int:
    """The school with this row id, number or name. InvalidValue when there is none, or several."""
    view = tables.VIEWS["school"]
    with hub.read() as connection:
        rows = connection.execute(sa.select(view).where(view.c.retired_at.is_(None))).all()
    found = {r.id for r in rows if text in (str(r.id), str(r.number), r.name_ky, r.name_ru, r.name_en)}
    if len(found) != 1:
        raise InvalidValue(table="school", column="name", value=text)
    return int(found.pop())


def registration_code(hub: Hub, school: int) -> RegistrationCode:
    """Make a code with which one node of the school may register within two weeks."""
    code = RegistrationCode.create(hub.signer.public)
    with hub.write() as connection:
        upsert(
            connection,
            tables.registration,
            [
                {
                    "secret_digest": secret_digest(code.secret),
                    "school": school,
                    "expires_at": clock.now_ms() + CODE_DAYS * _DAY_MS,
                }
            ],
        )
    return code


def revoke(hub: Hub, node: bytes) -> bool:
    """Accept nothing more from a node, and give it nothing; returns whether it was known and not yet revoked."""
    with hub.write() as connection:
        done = connection.execute(
            tables.node.update()
            .where(tables.node.c.signing == node, tables.node.c.revoked_at == 0)
            .values(revoked_at=clock.now_ms())
        )
    return done.rowcount > 0
