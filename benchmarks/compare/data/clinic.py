"""The records that everything is measured on: `benchmarks/clinic/*.sql`, made anew for each comparison."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rows import OUTPUT, ROOT

SOURCES = ROOT / "benchmarks" / "clinic"
FILE = OUTPUT / "clinic.db"
PREDICTIONS = 100_000

COLUMNS = {
    "predictions": [
        "id",
        "xray_id",
        "status",
        "diagnosis",
        "confidence",
        "created_at",
        "updated_at",
        "is_deleted",
        "deleted_at",
        "deleted_by",
    ],
    "xrays": ["id", "patient_id", "sha256"],
    "patients": ["id", "user_id", "full_name"],
    "users": ["id", "username"],
}
SETTINGS = [
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
]
"""What our connections run with, and so what all peers get."""


def make() -> Path:
    """Makes the SQLite file."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        FILE.with_name(FILE.name + suffix).unlink(missing_ok=True)
    connection = connect()
    connection.executescript("BEGIN;" + (SOURCES / "sqlite.sql").read_text() + "COMMIT;")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return FILE


def connect() -> sqlite3.Connection:
    """A connection in which each statement commits by itself unless a transaction was begun."""
    connection = sqlite3.connect(FILE, isolation_level=None)
    for setting in SETTINGS:
        connection.execute(setting)
    return connection


def keys(count: int) -> list[int]:
    """Keys of predictions that are not deleted, shuffled."""
    connection = connect()
    found = connection.execute(
        "SELECT id FROM predictions WHERE is_deleted = 0 ORDER BY id * 2654435761 % 4294967296 LIMIT ?",
        (count,),
    )
    drawn = [key for (key,) in found]
    connection.close()
    return drawn
