"""The work with `consilia.data`, on the tables as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from consilia import data
from consilia.data import Column, Key, Reference

from .clinic import COLUMNS
from .sqlite3_peer import EPOCH, INSERTED

CHUNK = 2000


class User(data.Model, table="users"):
    """A row of `users`."""

    id: Key
    username: Column[str]


class Patient(data.Model, table="patients"):
    """A row of `patients`."""

    id: Key
    user: Reference[User]
    full_name: Column[str]


class Xray(data.Model, table="xrays"):
    """A row of `xrays`."""

    id: Key
    patient: Reference[Patient]
    sha256: Column[str]


class Prediction(data.Model, table="predictions", timestamps=True, soft_delete=True):
    """A row of `predictions`; the mixins add the times and the mark of deletion."""

    id: Key
    xray: Reference[Xray]
    status: Column[str]
    diagnosis: Column[str]
    confidence: Column[float]


def touch(record: Prediction) -> None:
    """Makes each column of a prediction a Python object."""
    _ = record.id, record.xray_id, record.status, record.diagnosis, record.confidence
    _ = record.created_at, record.updated_at, record.is_deleted, record.deleted_at, record.deleted_by


def newest() -> data.Query[Prediction]:
    """The page, built anew."""
    return (
        Prediction.query()
        .where(Prediction.status == "completed")
        .order_by(Prediction.created_at.desc(), Prediction.id.desc())
        .include("xray", "xray.patient", "xray.patient.user")
        .page(1, 25)
    )


class Peer:
    """One database. Results are records and rows; what is built once is built here."""

    def __init__(self, url: str) -> None:
        self._database = data.Database(url, connections_max=1)
        self._page = newest()
        everything = Prediction.query().with_deleted()
        self._everything = everything
        self._arrow = everything.select("id", "status", "diagnosis", "confidence", "created_at")
        predictions = Prediction.query()
        xrays = Xray.query().prefetch("predictions", predictions, Prediction.xray)
        self._patients = Patient.query().where(Patient.id <= 100).prefetch("xrays", xrays, Xray.patient)

    def get(self, key: int) -> Prediction:
        """A prediction that is not deleted."""
        return self._database.get(Prediction, key)

    def get_touched(self, key: int) -> Prediction:
        """As `get`, each value read."""
        record = self._database.get(Prediction, key)
        touch(record)
        return record

    def page(self) -> data.Rows[Prediction]:
        """The newest 25 completed predictions with image, patient and user."""
        return self._page.run(self._database)

    def page_touched(self) -> data.Rows[Prediction]:
        """As `page`, each value read."""
        rows = self._page.run(self._database)
        for row in rows:
            touch(row)
            xray = row.xray
            patient = xray.patient
            user = patient.user
            _ = xray.id, xray.patient_id, xray.sha256
            _ = patient.id, patient.user_id, patient.full_name, user.id, user.username
        return rows

    def page_built(self) -> data.Rows[Prediction]:
        """As `page`, with a query that is built for each call."""
        return newest().run(self._database)

    def page_tuples(self) -> list[tuple[Any, ...]]:
        """The page as tuples."""
        return self._page.run(self._database).tuples()

    def page_json(self) -> bytes:
        """The page as the document that a web client gets."""
        return self._page.json(self._database)

    def build(self) -> str:
        """The page's query, and the text of its statement, which is known."""
        return newest().sql()

    def prefetch(self) -> data.Rows[Patient]:
        """100 patients with their images and these with their predictions."""
        with self._database.read() as snapshot:
            return self._patients.run(snapshot)

    def prefetch_walked(self) -> data.Rows[Patient]:
        """As `prefetch`, each record met."""
        rows = self.prefetch()
        for patient in rows:
            for xray in patient.xrays:
                for _ in xray.predictions:
                    pass
        return rows

    def stream(self) -> None:
        """All predictions, one by one."""
        for chunk in self._everything.chunks(self._database, CHUNK):
            for _ in chunk:
                pass

    def stream_touched(self) -> None:
        """As `stream`, each value read."""
        for chunk in self._everything.chunks(self._database, CHUNK):
            for record in chunk:
                touch(record)

    def arrow(self) -> pa.Table:
        """Five columns of all predictions."""
        return pa.table(self._arrow.run(self._database))

    def insert(self, rows: list[tuple[Any, ...]]) -> None:
        """Rows of `INSERTED` in one transaction."""
        with self._database.begin() as transaction:
            transaction.bulk_insert(Prediction, rows, columns=INSERTED)

    def statements(self, work: Callable[[], object]) -> list[tuple[str, list[None]]]:
        """The SQL that a call sends, with a null for each value."""
        with self._database.query_log() as log:
            work()
        return [(entry.sql, [None] * entry.sql.count("?")) for entry in log]


def plain(record: data.Record, table: str) -> tuple[Any, ...]:
    """What is stored of a record."""
    return tuple(stored(getattr(record, name)) for name in COLUMNS[table])


def stored(value: Any) -> Any:
    """A value as the tables hold it: times in microseconds, bools as numbers."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta.resolution
    return int(value) if isinstance(value, bool) else value
