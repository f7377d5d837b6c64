"""Changesets as bytes: whole, small, and refused whatever is done to them."""

import contextlib
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import crypto
from shared.problems import FlawedChangeset, TooLarge, WrongSigner
from shared.schema import BY_NAME
from sync.cbor import pack, unpack
from sync.change import NO_HASH, Change, Header
from sync.codec import all_changes, district_changes, encode, open_envelope
from sync.columns import pack_integers, unpack_integers

SIGNER = crypto.SigningKey.generate()
KEY = crypto.random_bytes(32)
PERSON, MARK = BY_NAME["person"].number, BY_NAME["mark"].number
INTEGERS = st.integers(-(2**63), 2**63 - 1)


def header(first: int, last: int, school: int = 7) -> Header:
    salt = crypto.random_bytes(32)
    return Header(school, 5, first, last, NO_HASH, 3, 1, salt, (NO_HASH, NO_HASH), 1)


def some_changes() -> list[Change]:
    return [
        Change(4, 1000, 9, PERSON, (5 << 32 | 1,), {2: "f", 3: 2010, 4: "Осмонова", 12: b"\x00\xff"}),
        Change(5, 1000, 9, PERSON, (5 << 32 | 1,), {4: None}, erase=True),
        Change(6, 1001, 0, MARK, (5 << 32 | 1, -3, 2, 5 << 32 | 9, 0), {7: 5, 8: None, 9: 1}),
        Change(7, 1002, 9, 999, (1, 2), {5: "later", 6: 7}),
    ]


@given(st.lists(st.none() | INTEGERS))
def test_integers_return(values):
    assert unpack_integers(pack_integers(values), len(values)) == values


@given(st.lists(INTEGERS, min_size=1, max_size=9), st.binary(max_size=60))
def test_any_bytes_are_a_column_or_refused(values, data):
    for form in (data, pack_integers(values)[:-1], pack_integers(values) + b"\0"):
        with contextlib.suppress(FlawedChangeset):
            assert len(unpack_integers(form, len(values))) == len(values)


def test_a_changeset_returns_whole():
    envelope = open_envelope(encode(header(4, 7), some_changes(), KEY, SIGNER).data)
    envelope.verify(SIGNER.public)
    assert all_changes(envelope, KEY) == some_changes()


def test_the_district_part_holds_only_what_is_the_districts():
    envelope = encode(header(4, 7), some_changes(), KEY, SIGNER)
    assert district_changes(envelope) == [
        Change(4, 1000, None, PERSON, (5 << 32 | 1,), {2: "f", 3: 2010}),
        Change(5, 1000, None, PERSON, (5 << 32 | 1,), {}, erase=True),
    ]
    assert "Осмонова".encode() not in envelope.data


def test_reference_texts_are_open_in_the_hubs_own_rows_alone():
    subject = BY_NAME["subject"]
    change = [Change(1, 1, 0, subject.number, (1,), {2: "bio", 5: "Биология"})]
    ours = encode(header(1, 1, school=0), change, None, SIGNER)
    assert district_changes(ours)[0].values == {2: "bio", 5: "Биология"}
    theirs = encode(header(1, 1), change, KEY, SIGNER)
    assert district_changes(theirs)[0].values == {2: "bio"}
    assert all_changes(theirs, KEY)[0].values == {2: "bio", 5: "Биология"}


def test_every_flipped_byte_is_refused():
    data = encode(header(4, 7), some_changes(), KEY, SIGNER).data
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises((FlawedChangeset, WrongSigner)):
            envelope = open_envelope(bytes(damaged))
            envelope.verify(SIGNER.public)
            all_changes(envelope, KEY)


def test_a_sealed_column_in_the_open_is_refused():
    # What a careless or hostile author would send: a name in the district part.
    person = BY_NAME["person"]
    honest = encode(header(1, 1), [Change(1, 1, 0, person.number, (5 << 32 | 1,), {2: "f"})], KEY, SIGNER)
    groups = unpack(_unzstd(honest.district), "part")
    groups[1][0][5], groups[1][0][6] = [4], [["Осмонова"]]
    with pytest.raises(FlawedChangeset, match="column that is not the district's"):
        district_changes(_with_district(honest, groups))


@pytest.mark.parametrize("table", ["mark", "message_like"])
def test_a_school_table_in_the_open_is_refused(table):
    number = MARK if table == "mark" else 0
    honest = encode(header(1, 1), [Change(1, 1, 0, PERSON, (5 << 32 | 1,), {2: "f"})], KEY, SIGNER)
    groups = unpack(_unzstd(honest.district), "part")
    groups[1][0][0] = number
    groups[1][0][4] = [pack_integers([1])] * 5
    groups[1][0][5], groups[1][0][6] = [], []
    with pytest.raises(FlawedChangeset):
        district_changes(_with_district(honest, groups))


def test_bombs_are_refused_before_they_burst():
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(500_000_000))
    honest = encode(header(1, 1), [Change(1, 1, 0, PERSON, (5 << 32 | 1,), {2: "f"})], KEY, SIGNER)
    with pytest.raises(FlawedChangeset, match="larger"):
        district_changes(_with_district(honest, None, bomb))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\x9b" + b"\xff" * 8,
        b"\x5b" + b"\x00\x00\xff\xff\xff\xff\xff\xff",
        b"\x81" * 50_000 + b"\x00",
        b"\xbf\xff",
        b"\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
        b"\xc1\x00",
        pack([1, 2]) + b"\0",
    ],
)
def test_hostile_cbor_is_refused(data):
    with pytest.raises(FlawedChangeset):
        unpack(data, "it")


def test_too_much_for_one_changeset_says_so():
    noise = random.Random(1).randbytes(30_000)
    changes = [Change(n, 1, 0, PERSON, (5 << 32 | n,), {12: noise[n:]}) for n in range(1, 9)]
    with pytest.raises(TooLarge):
        encode(
            header(1, 8),
            [
                Change(c.number, 1, 0, PERSON, c.key, {12: random.Random(c.number).randbytes(30_000)})
                for c in changes
            ],
            KEY,
            SIGNER,
        )


def test_another_key_or_signer_is_refused():
    envelope = encode(header(4, 7), some_changes(), KEY, SIGNER)
    with pytest.raises(FlawedChangeset):
        all_changes(envelope, crypto.random_bytes(32))
    with pytest.raises(WrongSigner):
        envelope.verify(crypto.SigningKey.generate().public)


def _unzstd(data):
    import zstandard

    return zstandard.ZstdDecompressor().stream_reader(data).read()


def _with_district(envelope, groups, raw=None):
    import zstandard

    district = raw if raw is not None else zstandard.ZstdCompressor().compress(pack(groups))
    return replace(envelope, district=district)


def _sealed(header, values):
    """A changeset whose sealed half of change 1 holds these values, whatever the codec would have sealed."""
    from sync.codec import _associated, _compress, _groups, _header_map

    person = Change(1, 1, 0, PERSON, (5 << 32 | 1,), {2: "f"})
    district = _compress(pack({1: _groups([person])}))
    groups = _groups([Change(1, 0, None, 0, (), values)])
    plain = _compress(pack({1: groups, 2: pack_integers([0])}))
    school = crypto.seal_part(KEY, header.salt, _associated(header), plain)
    header = replace(header, parts=(crypto.sha256(district), crypto.sha256(school)))
    header_bytes = pack(_header_map(header))
    return open_envelope(
        pack([header_bytes, SIGNER.sign(b"mektep changeset v1", header_bytes), district, school])
    )


def test_a_sealed_half_adds_what_only_the_school_reads():
    assert all_changes(_sealed(header(1, 1), {4: "Осмонова"}), KEY)[0].values == {2: "f", 4: "Осмонова"}


@pytest.mark.parametrize("values", [{2: "m"}, {3: 2010}])
def test_a_sealed_half_hides_nothing_from_the_district(values):
    with pytest.raises(FlawedChangeset, match="hides a value"):
        all_changes(_sealed(header(1, 1), values), KEY)


@pytest.mark.parametrize("values", [{4: 5}, {7: "text"}, {4: b"bytes"}, {4: "a\0b"}])
def test_a_sealed_half_holds_values_of_their_types(values):
    with pytest.raises(FlawedChangeset, match="wrong type"):
        all_changes(_sealed(header(1, 1), values), KEY)


@pytest.mark.parametrize("tail", [b"\0", None])
def test_a_part_is_exactly_one_frame(tail):
    honest = encode(header(1, 1), [Change(1, 1, 0, PERSON, (5 << 32 | 1,), {2: "f"})], KEY, SIGNER)
    district = honest.district + tail if tail else honest.district[:-1]
    with pytest.raises(FlawedChangeset, match="cannot be unpacked"):
        district_changes(replace(honest, district=district))
