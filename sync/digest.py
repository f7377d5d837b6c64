"""A set hash of the district view: equal on both sides exactly when the views are, kept up change by change.

Each cell that is not at its default adds BLAKE2b-256(table, key, column, value) modulo 2**256 to the sum of
its column; the
row's own existence is column 0. Rows of origin 0 are left out. Both sides compare the sum over the columns both know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from shared.schema import BY_NUMBER, Table, Value

SIZE = 32
_MODULUS: int = 2 ** (8 * SIZE)
EXISTS = 0
Sums = dict[tuple[int, int], int]
"""(table number, column number) -> sum."""


def counts(table: Table, key: tuple[int, ...]) -> bool:
    """Do the cells of this row belong to the digest?"""
    return table.on_hub and key[0] >> 32 != 0


def cell(table: int, key: tuple[int, ...], column: int, value: Value) -> int:
    """The number one cell adds."""
    head = f"{table}|{','.join(map(str, key))}|{column}|".encode()
    body = (
        b"i%d" % value
        if isinstance(value, int)
        else b"t" + value.encode()
        if isinstance(value, str)
        else b"b" + (value or b"")
    )
    return int.from_bytes(hashlib.blake2b(head + body, digest_size=SIZE).digest(), "little")


def move(
    sums: Sums,
    table: Table,
    key: tuple[int, ...],
    before: Mapping[int, Value] | None,
    after: Mapping[int, Value],
    sign: int = 1,
) -> None:
    """Add to ``sums`` what changes when a row goes from ``before`` (None: was not there) to ``after``.

    With ``sign`` -1 and no ``before`` the row goes out altogether.
    """
    if not counts(table, key):
        return
    if before is None:
        _add(sums, table.number, EXISTS, sign * cell(table.number, key, EXISTS, 1))
    before = before or {}
    for column in table.open_columns:
        number = column.number
        if (number in before, before.get(number)) == (number in after, after.get(number)):
            continue
        if number in before:
            _add(sums, table.number, number, -sign * cell(table.number, key, number, before[number]))
        if number in after:
            _add(sums, table.number, number, sign * cell(table.number, key, number, after[number]))


def total(sums: Mapping[tuple[int, int], int], version: int) -> bytes:
    """The digest over the tables and columns of a schema version."""
    result = 0
    for (table_number, column_number), value in sums.items():
        table = BY_NUMBER.get(table_number)
        if table is None or table.since > version:
            continue
        column = table.by_number.get(column_number)
        if column_number == EXISTS or (column is not None and column.since <= version):
            result += value
    return (result % _MODULUS).to_bytes(SIZE, "little")


def _add(sums: Sums, table: int, column: int, value: int) -> None:
    sums[table, column] = (sums.get((table, column), 0) + value) % _MODULUS
