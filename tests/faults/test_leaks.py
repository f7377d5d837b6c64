"""What only the school may read never leaves it in the open; no password, passphrase or key stands anywhere in clear.

Texts are planted in every column that must stay sealed, the school is run as a school is, by wire and by stick, and
everything that a thief could take away is searched.
"""

import base64
import json
import secrets
import shutil
import zlib
from contextlib import closing
from dataclasses import replace
from unittest import mock

import pytest
import zstandard

from hub import tables
from hub.storage import open_hub
from node.storage import open_node
from shared import crypto
from shared.db import transaction
from shared.indicators import CUBES
from shared.keys import RecoveryKit, RegistrationCode
from shared.schema import BY_NUMBER, TABLES
from sync.codec import all_changes, district_changes, encode, is_open, open_envelope
from sync.messages import HubInfo, Request, seal_request
from sync.state import State, epoch_keys, identity
from sync.transport.http import HttpTransport
from sync.writer import writing
from tests.faults.planting import Planted, plant, replant, sealed_columns
from tests.faults.searching import Search, forms
from tests.faults.town import Town, Wire, browse

pytestmark = pytest.mark.faults

HUB_PAGES = ["/"]
NODE_PAGES = ["/", "/classes/", "/people/", "/results/", "/sync/", "/dictionary/"]


@pytest.fixture(scope="module", params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def town(tmp_path_factory, request):
    """The town after a day on which everything happened."""
    database = None
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("CREATE DATABASE leaks")
        request.addfinalizer(lambda: cluster.execute("DROP DATABASE leaks WITH (FORCE)"))
        database = cluster.url("leaks")
    town = Town(tmp_path_factory.mktemp("town"), database)
    try:
        live(town)
        yield town
    finally:
        town.stop()


@pytest.fixture(scope="module")
def planted(town):
    return town.planted


def live(town):
    begin(town)
    with closing(open_node(town.node_home).connect()) as db:
        actor = int(State(db).administrator)
        with writing(db, actor) as w:
            person = db.execute("SELECT person FROM account WHERE id = ?", (actor,)).fetchone()[0]
            w.insert("appointment", person=person, duty="head", start=0)
        town.planted = Planted()
        plant(db, actor, town.planted)
        town.node("sync")
        replant(db, actor, town.planted)
        town.node("sync")
    town.node("status")
    town.node("verify")
    send_what_is_quarantined(town)
    carry_a_stick(town)
    read_pages(town)
    town.node("backup", str(town.home / "backup"))
    ask_the_hub(town)


def begin(town):
    password, passphrase = secrets.token_hex(12), secrets.token_hex(12)
    town.secrets |= {"the hub's password": password, "the hub's passphrase": passphrase}
    where = ["--database", town.database] if town.database else []
    told = {"MEKTEP_PASSWORD": password, "MEKTEP_PASSPHRASE": passphrase}
    town.hub("init", *where, **told)
    town.hub("school", "add", "School 8", "--number", "8", "--district", "Ысык-Көл")
    code = town.hub("registration-code", "8")["code"]
    town.codes = {"the registration code's secret": RegistrationCode.parse(code).secret}
    town.secrets |= {"the registration code": code, "bare": code.replace("-", "")}
    town.hub_url = town.serve("hub")
    town.wire = Wire(town.hub_url)
    password, passphrase = secrets.token_hex(12), secrets.token_hex(12)
    town.secrets |= {"the school's password": password, "the school's passphrase": passphrase}
    told = {"MEKTEP_PASSWORD": password, "MEKTEP_PASSPHRASE": passphrase}
    kit = town.home / "kit.html"
    town.node("init", "--school", "№8", "--kit", str(kit), **told)
    words = kit_words(kit)
    town.secrets |= {"the kit's words": words, "its secret": RecoveryKit.secret_from(words)}
    mistyped = code[:-1] + ("2" if code[-1] != "2" else "3")
    town.secrets |= {"the code, mistyped": mistyped, "a wrong passphrase": secrets.token_hex(12)}
    town.node("register", town.wire.url, mistyped, fails=True)
    town.node("register", town.wire.url, code)
    town.node("status", fails=True, MEKTEP_PASSPHRASE=town.secrets["a wrong passphrase"])


def kit_words(page):
    """The nine words as printed."""
    text = page.read_text()
    return " ".join(part.split("</li>")[0] for part in text.split("<li>")[1:10])


def send_what_is_quarantined(town):
    """A changeset that was changed on the way, and one of a node gone wrong, that shows the district what is sealed."""
    with closing(open_node(town.node_home).connect()) as db:
        state, keys = State(db), identity(db)
        (data,) = db.execute("SELECT envelope FROM changeset WHERE school <> 0 ORDER BY last DESC").fetchone()
        for flawed in (data[:-1] + bytes([data[-1] ^ 1]), _all_open(db, open_envelope(data)).data):
            with transaction(db):
                state.counter = int(state.counter) + 1
            request = Request(keys.signer.public, int(state.counter), 0, 0, 0, changesets=[flawed])
            message, _ = seal_request(request, keys.signer, HubInfo(state.hub_signing, state.hub_opening))
            HttpTransport(town.wire.url).exchange(message)


def _all_open(db, envelope):
    """The changes of a changeset once more as the node's next, none of them sealed."""
    state, keys = State(db), identity(db)
    changes = all_changes(envelope, keys.school_key)
    step = int(state.own_last) + 1 - changes[0].number
    for change in changes:
        change.number += step
    header = replace(
        envelope.header,
        first=changes[0].number,
        last=changes[-1].number,
        previous=bytes(state.own_head),
        salt=secrets.token_bytes(crypto.SALT_BYTES),
    )
    with mock.patch("sync.codec.is_open", lambda *_: True):
        return encode(header, changes, keys.school_key, keys.signer)


def carry_a_stick(town):
    stick = town.home / "stick"
    stick.mkdir()
    with closing(open_node(town.node_home).connect()) as db, writing(db, int(State(db).administrator)) as w:
        person = w.insert("person", sex="f", birth_year=2011)
        w.insert("consent", person=person, purpose="core", valid_from=0)
        w.update("person", person, surname=town.planted.first)
    town.node("bundle", "export", str(stick))
    shutil.copytree(stick, town.home / "sticks" / "there")
    town.hub("bundle", "import", str(stick))
    shutil.copytree(stick, town.home / "sticks" / "back")
    town.node("bundle", "import", str(stick))
    town.hub("bundle", "export", str(stick), "--school", "8")
    shutil.copytree(stick, town.home / "sticks" / "again")


def read_pages(town):
    told = town.secrets["the hub's password"]
    cookie, _ = browse(town.hub_url, "district", told, HUB_PAGES)
    town.secrets["the cookie of a session at the hub"] = cookie
    told = town.secrets["the school's password"]
    cookie, pages = browse(town.serve("node"), "admin", told, NODE_PAGES)
    town.secrets["the cookie of a session at the school"] = cookie
    town.pages = b"".join(pages)


def ask_the_hub(town):
    town.hub("export", str(town.home / "export"))
    town.hub("dump", "--school", "8")
    for cube in sorted(CUBES):
        town.hub("stats", cube)
    town.hub("status")
    town.hub("verify")


# -- what must not be found ----------------------------------------------------------------------------------------


def secrets_of(town):
    """What nobody may find in clear, but those who were told."""
    return town.secrets | town.codes | key_material(town)


def key_material(town):
    node = open_node(town.node_home)
    with closing(node.connect()) as db:
        state = State(db)
        return {
            "the school's data key": node.key,
            "the node's signing key": bytes(state.signing_key),
            "the node's opening key": bytes(state.opening_key),
            "the school key": epoch_keys(db)[1],
        }


def test_every_sealed_column_was_planted(planted):
    assert set(sealed_columns()) <= set(planted.values)


def test_the_hub_holds_nothing_that_is_sealed(town, planted):
    assert list(Search(planted.all() | key_material(town)).among(town.hub_cells())) == []


def test_what_the_hub_set_aside_was_searched_too(town):
    reasons = [value for place, value in town.hub_cells() if place == "quarantine.reason"]
    assert sorted(reasons) == [
        "a part does not belong to the header",
        "the district part holds a column that is not the district's",
    ]


def test_the_hub_logs_no_column_and_no_table_that_is_sealed(town):
    hub = open_hub(town.hub_home)
    with hub.read() as connection:
        changes = connection.execute(tables.change.select()).all()
        assert any(c.school for c in changes)
        for change in changes:
            table = BY_NUMBER[change.tbl]
            assert table.on_hub or not change.school
            assert all(
                is_open(change.tbl, int(n), change.school) for n in json.loads(change.vals) if n != "erase"
            )
    sealed = {(t.name, c.name) for t in TABLES for c in t.columns if c.scope == "school"}
    for name, view in tables.VIEWS.items():
        assert not sealed & {(name, column) for column in view.columns.keys()}  # noqa: SIM118
    hub.close()


def test_the_hubs_programs_tell_nothing_that_is_sealed(town, planted):
    search = Search(planted.all() | secrets_of(town))
    told = {n: p for n, p in town.printed.items() if " hub " in n or n.startswith("hub")}
    told["hub serve, log"] = (town.home / "hub serve.log").read_bytes()
    assert b"INSERT INTO stream" in told["hub serve, log"] and len(told) > 20
    shown = {n: p for n, p in told.items() if "registration-code" not in n or n.endswith("log")}
    assert [f for name, data in shown.items() for f in search.within(data, name)] == []
    exported = dict(town.files(town.home / "export"))
    assert any(n.endswith("person.csv") for n in exported)
    assert [f for name, data in exported.items() for f in search.within(data, name)] == []


def test_the_wire_and_the_stick_show_nothing_at_all(town, planted):
    search = Search(planted.all() | {"what the district may read": planted.open_code} | secrets_of(town))
    assert len(town.wire.bytes) > 10_000
    assert list(search.within(bytes(town.wire.bytes), "the wire")) == []
    carried = dict(town.files(town.home / "sticks"))
    assert {name.rsplit(".")[-1] for name in carried} == {"mektep", "request", "answer"}
    for name, data in carried.items():
        assert list(search.within(data, name)) == []


def test_the_schools_files_show_nothing_at_all(town, planted):
    search = Search(planted.all() | {"what the district may read": planted.open_code} | secrets_of(town))
    with closing(open_node(town.node_home).connect()) as db:
        with writing(db, int(State(db).administrator)) as w:
            w.insert("room", name=planted.first)
        found = dict(town.files(town.node_home, town.hub_home)) | {
            "backup": (town.home / "backup").read_bytes()
        }
    names = {name.rsplit("/")[-1] for name in found}
    assert names >= {
        "node.db",
        "node.db-wal",
        "node.db-shm",
        "keys.json",
        "machine.key",
        "sync.lock",
        "backup",
    }
    for name, data in found.items():
        assert list(search.within(data, name)) == []


def test_the_schools_logs_tell_nothing(town, planted):
    search = Search(planted.all() | secrets_of(town))
    logs = {n: p for n, p in town.printed.items() if " node " in n or n.startswith("node")}
    logs["node serve, log"] = (town.home / "node serve.log").read_bytes()
    assert any(b"urllib3" in data for data in logs.values())
    assert [f for name, data in logs.items() for f in search.within(data, name)] == []


def test_no_password_and_no_words_stand_in_a_database(town):
    known = town.secrets | town.codes
    assert list(Search(known).among(town.hub_cells())) == []
    assert list(Search(known).among(town.node_cells())) == []


# -- the search can find ------------------------------------------------------------------------------------------


def test_the_school_itself_holds_everything(town, planted):
    found = {finding.split(" as ")[0] for finding in Search(planted.all()).among(town.node_cells())}
    assert found == set(planted.all())


def test_the_schools_pages_show_it_to_those_who_may_see_it(town, planted):
    assert list(Search({"": planted.values["person.surname"]}).within(town.pages, "pages"))


def test_the_hub_holds_what_is_for_it(town, planted):
    search = Search({"": planted.open_code})
    places = {finding.rsplit(" in ")[-1] for finding in search.among(town.hub_cells())}
    assert places == {"subject.code", "change.vals", "stream.envelope, compressed"}
    exported = dict(town.files(town.home / "export"))
    assert any(list(search.within(data, name)) for name, data in exported.items())


def test_the_sealed_parts_open_with_the_schools_key_alone(town, planted):
    hub = open_hub(town.hub_home)
    with hub.read() as connection:
        envelopes = [bytes(row.envelope) for row in connection.execute(tables.stream.select()) if row.school]
    hub.close()
    with closing(open_node(town.node_home).connect()) as db:
        key = epoch_keys(db)[1]
    opened, closed = set(), set()
    for data in envelopes:
        envelope = open_envelope(data)
        opened |= {str(v) for c in all_changes(envelope, key) for v in c.values.values()}
        closed |= {str(v) for c in district_changes(envelope) for v in c.values.values()}
    assert planted.values["person.surname"] in opened
    assert not closed & {str(v) for v in planted.all().values()}


@pytest.mark.parametrize("form", sorted(forms("Өңabc")))
def test_every_form_is_found(form):
    search = Search({"secret": "Өңk7m2p9q"})
    assert list(search.within(b"\0\1" + forms("Өңk7m2p9q")[form] + b"\xff", "here"))


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_base64_is_found_wherever_it_begins(before):
    data = base64.b64encode(f"{before}Өңk7m2p9q and so on".encode())
    assert list(Search({"secret": "Өңk7m2p9q"}).within(data, "here"))


@pytest.mark.parametrize("compress", [zlib.compress, zstandard.ZstdCompressor().compress])
def test_what_is_compressed_is_found(compress):
    data = compress(b"<p>" + "Өңk7m2p9q Өңk7m2p9q".encode() * 50)
    assert list(Search({"secret": "Өңk7m2p9q"}).within(data, "here"))
