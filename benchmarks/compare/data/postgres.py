"""A PostgreSQL server of the comparison's own: temporary, on a socket in its own directory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from .clinic import SOURCES

# As the tests' server: nothing waits for the disk, so that the way to the database and back is measured.
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_connections": "20",
}


def _binary(name: str) -> str:
    """The newest installed version, wherever the distribution keeps it; else what the path finds."""
    found = list(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(max(found, key=lambda path: int(path.parts[4]))) if found else name


@contextmanager
def server() -> Iterator[str]:
    """Runs a server; gives the URL of an empty database.

    Raises:
        RuntimeError: It did not start; with what it said.
    """
    # The server refuses root, so root runs it as `postgres`.
    servant = "postgres" if os.getuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="consilia-compare-"))
    try:
        if servant is not None:
            shutil.chown(directory, servant, servant)
        data = directory / "data"
        subprocess.run(
            [_binary("initdb"), "-D", data, "-U", "consilia", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            user=servant,
            group=servant,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            capture_output=True,
        )
        settings = [f"--{name}={value}" for name, value in OPTIONS.items()]
        process = subprocess.Popen(
            [_binary("postgres"), "-D", data, "-k", directory, *settings],
            user=servant,
            group=servant,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _wait_until_ready(process)
            yield f"postgresql://consilia@/postgres?host={directory}"
        finally:
            process.send_signal(signal.SIGINT)  # At once, whoever is still connected.
            process.wait()
    finally:
        shutil.rmtree(directory)


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    said = ""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if "ready to accept connections" in line:
            process.stderr.close()  # Nobody listens any more, which it does not mind.
            return
    raise RuntimeError(f"the server did not start: {said}")


def make(url: str) -> None:
    """Makes the records."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (SOURCES / "postgres.sql").read_text().split(";\n"):
            if statement.strip():
                connection.execute(statement)


def version(url: str) -> str:
    """The server's."""
    with psycopg.connect(url) as connection:
        return f"{connection.info.server_version // 10_000}.{connection.info.server_version % 10_000}"
