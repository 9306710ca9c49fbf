"""The work with Python's own sqlite3 module: plain tuples, statements that it keeps prepared."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from .clinic import COLUMNS, connect

Rows = list[tuple[Any, ...]]

NAME = "sqlite3"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PREDICTION = ", ".join(f"p.{name}" for name in COLUMNS["predictions"])
GET = f"SELECT {PREDICTION} FROM predictions AS p WHERE p.id = ? AND p.is_deleted = 0"
PAGE = (
    f"SELECT {PREDICTION}, x.id, x.patient_id, x.sha256, t.id, t.user_id, t.full_name, u.id, u.username "
    "FROM predictions AS p JOIN xrays AS x ON x.id = p.xray_id JOIN patients AS t ON t.id = x.patient_id "
    "JOIN users AS u ON u.id = t.user_id WHERE p.status = ? AND p.is_deleted = 0 "
    "ORDER BY p.created_at DESC, p.id DESC LIMIT 25"
)
PATIENTS = "SELECT id, user_id, full_name FROM patients WHERE id <= ?"
XRAYS = "SELECT id, patient_id, sha256 FROM xrays WHERE patient_id IN (SELECT value FROM json_each(?))"
PREDICTIONS = (
    f"SELECT {PREDICTION} FROM predictions AS p WHERE p.xray_id IN (SELECT value FROM json_each(?)) "
    "AND p.is_deleted = 0"
)
STREAM = f"SELECT {PREDICTION} FROM predictions AS p"
ARROW = "SELECT p.id, p.status, p.diagnosis, p.confidence, p.created_at FROM predictions AS p"
ARROW_TYPES = [pa.int64(), pa.string(), pa.string(), pa.float64(), pa.timestamp("us", "UTC")]
INSERTED = COLUMNS["predictions"][1:8]
INSERT = f"INSERT INTO predictions ({', '.join(INSERTED)}) VALUES (?, ?, ?, ?, ?, ?, ?)"


class Peer:
    """One connection. Results are what a caller of the module works with."""

    def __init__(self) -> None:
        self._connection = connect()
        self._execute = self._connection.execute

    def begin(self) -> None:
        """Begins a snapshot for many reads."""
        self._execute("BEGIN")

    def commit(self) -> None:
        """Ends it."""
        self._execute("COMMIT")

    def get(self, key: int) -> tuple[Any, ...]:
        """A prediction that is not deleted."""
        found: tuple[Any, ...] = self._execute(GET, (key,)).fetchone()
        return found

    def page(self) -> Rows:
        """The newest 25 completed predictions with image, patient and user."""
        return self._execute(PAGE, ("completed",)).fetchall()

    def page_touched(self) -> Rows:
        """The page, each value looked at."""
        rows = self.page()
        for row in rows:
            for _ in row:
                pass
        return rows

    def page_json(self) -> bytes:
        """The page as the document that a web client gets: nested, with times and bools."""
        micro = timedelta.resolution
        return orjson.dumps(
            [
                {
                    "id": row[0],
                    "xray_id": row[1],
                    "status": row[2],
                    "diagnosis": row[3],
                    "confidence": row[4],
                    "created_at": EPOCH + row[5] * micro,
                    "updated_at": EPOCH + row[6] * micro,
                    "is_deleted": row[7] != 0,
                    "deleted_at": None if row[8] is None else EPOCH + row[8] * micro,
                    "deleted_by": row[9],
                    "xray": {
                        "id": row[10],
                        "patient_id": row[11],
                        "sha256": row[12],
                        "patient": {
                            "id": row[13],
                            "user_id": row[14],
                            "full_name": row[15],
                            "user": {"id": row[16], "username": row[17]},
                        },
                    },
                }
                for row in self.page()
            ],
            option=orjson.OPT_UTC_Z,
        )

    def page_json_flat(self) -> bytes:
        """The page as arrays of what is stored: the least that can be done."""
        return orjson.dumps(self.page())

    def prefetch(self) -> list[tuple[tuple[Any, ...], list[tuple[tuple[Any, ...], Rows]]]]:
        """100 patients with their images and these with their predictions."""
        self._execute("BEGIN")
        patients = self._execute(PATIENTS, (100,)).fetchall()
        xrays = self._execute(XRAYS, (json.dumps([row[0] for row in patients]),)).fetchall()
        predictions = self._execute(PREDICTIONS, (json.dumps([row[0] for row in xrays]),)).fetchall()
        self._execute("COMMIT")
        by_xray = defaultdict(list)
        for row in predictions:
            by_xray[row[1]].append(row)
        by_patient = defaultdict(list)
        for row in xrays:
            by_patient[row[1]].append((row, by_xray[row[0]]))
        return [(row, by_patient[row[0]]) for row in patients]

    def stream(self) -> None:
        """All predictions, one by one."""
        for _ in self._execute(STREAM):
            pass

    def arrow(self) -> pa.Table:
        """Five columns of all predictions."""
        columns = zip(*self._execute(ARROW).fetchall(), strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, ARROW_TYPES, strict=True)]
        return pa.table(arrays, ["id", "status", "diagnosis", "confidence", "created_at"])

    def insert(self, rows: Rows) -> None:
        """Rows of `INSERTED` in one transaction."""
        self._execute("BEGIN IMMEDIATE")
        self._connection.executemany(INSERT, rows)
        self._execute("COMMIT")

    def after(self, key: int) -> Rows:
        """The predictions after a key, without their own."""
        names = ", ".join(COLUMNS["predictions"][1:])
        return self._execute(f"SELECT {names} FROM predictions WHERE id > ? ORDER BY id", (key,)).fetchall()

    def undo_insert(self, first: int) -> None:
        """Takes rows from `first` on out again, and empties the log."""
        self._execute("DELETE FROM predictions WHERE id >= ?", (first,))
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
