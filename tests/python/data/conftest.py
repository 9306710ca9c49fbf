"""A clinic of three patients, six images and twelve predictions."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from clinic_models import ALL, NOON, Patient, Prediction, User, Xray

from consilia import data


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a new, empty database; a test that uses it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'clinic.db'}"
    return request.getfixturevalue("postgres").create_database()


@pytest.fixture
def empty(url: str) -> data.Database:
    database = data.Database(url)
    database.create_tables(*ALL)
    return database


@pytest.fixture
def db(empty: data.Database) -> data.Database:
    with empty.begin() as tx:
        ada = tx.insert(User(name="ada"))
        for number, name in enumerate(["Ann", "Ben", "Änne"]):
            patient = tx.insert(
                Patient(
                    full_name=name,
                    birth_date=datetime.date(1980 + number, 2, 29) if number == 0 else None,
                    user=ada if number == 0 else None,
                )
            )
            for shot in range(2):
                taken_at = NOON + datetime.timedelta(days=shot)
                xray = tx.insert(Xray(patient=patient, taken_at=taken_at, meta={"view": "PA", "shot": shot}))
                for attempt in range(2):
                    tx.insert(
                        Prediction(
                            xray=xray,
                            attempt=attempt,
                            status="done" if attempt else "pending",
                            confidence=0.5 + 0.1 * shot if attempt else None,
                        )
                    )
    return empty
