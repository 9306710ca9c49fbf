"""The records of the comparison on a PostgreSQL server of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from rows import ROOT

from .clinic import SOURCES

sys.path.append(str(ROOT / "tests" / "python"))
from postgres_server import run_postgres


@contextmanager
def server() -> Iterator[str]:
    """Runs a server as the tests do; gives the URL of an empty database."""
    with run_postgres(shared_buffers="128MB", max_connections="20") as running:
        yield running.url


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
