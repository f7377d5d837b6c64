"""A private PostgreSQL cluster for the tests: own directory, own socket, no network, gone when they end.

Every process of pytest (a worker of pytest-xdist, say) starts one at first need and makes a fresh database
for every test, so tests never meet. The server refuses to run as root; then it runs as another account.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.requirements import require_or_skip

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
shared_buffers = 16MB
max_connections = 40
"""
CARELESS = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""
"""What tests need not wait for."""
SUPERUSER = "mektep"


def find_binaries() -> Path | None:
    """The directory with initdb and pg_ctl: on PATH, or the newest of Debian's; None without a server."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True
    )
    return next((path for path in found if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


def _account() -> pwd.struct_passwd | None:
    """The account to run the server as, None for our own."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


@dataclass(frozen=True)
class Cluster:
    """A running server, reached through the socket in `directory`."""

    directory: Path
    binaries: Path
    account: pwd.struct_passwd | None
    durable: bool = False

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as its account; raises RuntimeError with what it printed."""
        log = self.directory / "output"
        with log.open("ab") as output:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text(errors='replace')}")

    def start(self) -> None:
        data = str(self.directory / "data")
        self.run(
            "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        with (self.directory / "data" / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(socket=self.directory) + ("" if self.durable else CARELESS))
        self.run("pg_ctl", "-D", data, "-w", "-t", "60", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this cluster."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.directory}"

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction, as CREATE DATABASE asks."""
        with psycopg.connect(
            host=str(self.directory), user=SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


@contextmanager
def a_cluster(binaries: Path, durable: bool = False) -> Iterator[Cluster]:
    """A server for as long as the context lasts; ``durable``: it waits for the disk."""
    # The path of a socket may have 107 bytes: a short directory, not one of pytest's.
    directory = Path(tempfile.mkdtemp(prefix="mektep-pg-"))
    cluster = Cluster(directory, binaries, _account(), durable)
    if cluster.account:
        os.chown(directory, cluster.account.pw_uid, cluster.account.pw_gid)
    try:
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    binaries = find_binaries()
    if binaries is None:
        require_or_skip("PostgreSQL is not installed (no initdb)")
    with a_cluster(binaries) as cluster:
        yield cluster


_numbers = itertools.count(1)


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty database."""
    name = f"test_{next(_numbers)}"
    postgres_cluster.execute(f"CREATE DATABASE {name}")
    yield postgres_cluster.url(name)
    postgres_cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")
