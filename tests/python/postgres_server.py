"""A PostgreSQL server for tests and comparisons: temporary, on a socket in its own directory."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consilia import data

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "lc_messages": "C",
    "log_min_messages": "log",
}


class PostgresServer:
    """A running server. Each test has a schema of its own: a database of its own is 300 files to write."""

    def __init__(self, directory: Path) -> None:
        self.url = f"postgresql://consilia@/postgres?host={directory}"
        self._numbers = itertools.count(1)
        self._first = data.Database(self.url, connections_max=1)

    def create_database(self) -> str:
        """A URL behind which there are no tables yet."""
        name = f"test_{next(self._numbers)}"
        self._first.execute(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"


def _binary(name: str) -> str:
    """The newest installed version, wherever the distribution keeps it; else what the path finds."""
    found = list(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(max(found, key=lambda path: int(path.parts[4]))) if found else name


def _command(name: str, *arguments: str) -> list[str]:
    """As `postgres` where we are root, whom the server refuses; and never longer than we live."""
    servant = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    return ["setpriv", "--pdeathsig=QUIT", *servant, _binary(name), *arguments]


@contextmanager
def run_postgres(**settings: str) -> Iterator[PostgresServer]:
    """Runs a server. Its default collation is that of a language, so that an unstated text order shows.

    Raises:
        RuntimeError: It did not start; with what it said.
    """
    directory = Path(tempfile.mkdtemp(prefix="consilia-postgres-"))
    files = str(directory / "data")
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    collation = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
    try:
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        subprocess.run(
            _command("initdb", "-D", files, "-U", "consilia", "-A", "trust", "-E", "UTF8", "--no-sync")
            + collation,
            env=environment,
            capture_output=True,
            check=True,
        )
        options = [f"--{name}={value}" for name, value in {**_SETTINGS, **settings}.items()]
        with subprocess.Popen(
            _command("postgres", "-D", files, "-k", str(directory), *options),
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Keys pressed in the terminal are for the tests.
        ) as process:
            try:
                _wait_until_ready(process)
                yield PostgresServer(directory)
            finally:
                process.send_signal(signal.SIGQUIT)  # At once, whoever is still connected.
    finally:
        shutil.rmtree(directory)


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    said = ""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if "ready to accept connections" in line:
            process.stderr.close()  # Nobody reads what it says from here on, which it does not mind.
            return
    raise RuntimeError(f"the server did not start: {said}")
