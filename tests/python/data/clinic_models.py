"""The tables that the tests of the data layer share."""

from __future__ import annotations

import datetime
import enum
import uuid

from consilia import data
from consilia.data import Column, Index, Json, Key, Reference, column, reference


class Status(enum.StrEnum):
    PENDING = "pending"
    DONE = "done"


class User(data.Model, table="users"):
    id: Key
    name: Column[str] = column(unique=True, max_length=50)


class Patient(data.Model, table="patients"):
    id: Key
    full_name: Column[str]
    birth_date: Column[datetime.date | None]
    user: Reference[User | None] = reference(on_delete="set null")


class Xray(data.Model, table="xrays"):
    id: Key
    patient: Reference[Patient]
    taken_at: Column[datetime.datetime]
    meta: Column[Json | None]
    token: Column[uuid.UUID | None]
    content: Column[bytes | None]


class Prediction(data.Model, table="predictions", timestamps=True, soft_delete=True):
    id: Key
    status: Column[Status] = column(default="pending", index=True)
    confidence: Column[float | None]
    attempt: Column[int] = 0
    xray: Reference[Xray]
    indexes = (Index("status", "-created_at", "-id"),)


ALL = (User, Patient, Xray, Prediction)

NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, 250, tzinfo=datetime.UTC)
