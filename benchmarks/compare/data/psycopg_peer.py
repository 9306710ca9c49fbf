"""The work with psycopg 3: tuples, in binary, over one connection, each statement prepared when first run."""

from __future__ import annotations

from typing import Any

import psycopg

from . import sqlite3_peer

NAME = f"psycopg {psycopg.__version__}"
GET = sqlite3_peer.GET.replace("?", "%s").replace("= 0", "= false")
PAGE = sqlite3_peer.PAGE.replace("?", "%s").replace("= 0", "= false")
STREAM = sqlite3_peer.STREAM
COPY = f"COPY predictions ({', '.join(sqlite3_peer.INSERTED)}) FROM STDIN (FORMAT binary)"
COPY_TYPES = ["int8", "text", "text", "float8", "timestamptz", "timestamptz", "bool"]

Rows = list[tuple[Any, ...]]


class Peer:
    """One connection. Results are what a caller of the module works with."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self._cursor = self._connection.cursor(binary=True)

    def get(self, key: int) -> tuple[Any, ...] | None:
        """A prediction that is not deleted."""
        return self._cursor.execute(GET, (key,)).fetchone()

    def page(self) -> Rows:
        """The newest 25 completed predictions with image, patient and user."""
        return self._cursor.execute(PAGE, ("completed",)).fetchall()

    def stream(self) -> None:
        """All predictions."""
        for _ in self._cursor.execute(STREAM):
            pass

    def insert(self, rows: Rows) -> None:
        """Rows in one transaction, by COPY."""
        with self._connection.transaction(), self._cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for row in rows:
                copy.write_row(row)

    def undo_insert(self, first: int) -> None:
        """Takes rows from `first` on out again."""
        self._connection.execute("DELETE FROM predictions WHERE id >= %s", (first,))

    def close(self) -> None:
        """Leaves the server."""
        self._connection.close()
