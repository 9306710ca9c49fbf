"""What a type checker must understand; checked by `test_types.py`, never run."""

from __future__ import annotations

import datetime
from typing import assert_type

from consilia import Expression, Term, data
from consilia.data import Column, Key, Query, Reference, Rows, column, reference


class User(data.Model, table="typed_users"):
    id: Key
    name: Column[str] = column(unique=True)


class Patient(data.Model, table="typed_patients", timestamps=True):
    id: Key
    birth_date: Column[datetime.date | None]
    user: Reference[User | None] = reference(on_delete="set null")


class Xray(data.Model, table="typed_xrays"):
    id: Key
    patient: Reference[Patient]


def use(db: data.Database) -> None:
    assert_type(Patient.id, Term)
    assert_type(Patient.birth_date == None, Expression)  # noqa: E711
    assert_type(Xray.patient.user.name, Term)
    assert_type(db.get(Patient, 1), Patient)
    assert_type(db.get(Patient, 1).birth_date, datetime.date | None)
    assert_type(db.get(Patient, 1).id, int)
    assert_type(db.get(Patient, 1).user, User | None)
    assert_type(db.get(Xray, 1).patient, Patient)
    query = Xray.query().where(Xray.patient.user.name.like("A%")).include(Xray.patient.user)
    assert_type(query, Query[Xray])
    assert_type(query.run(db), Rows[Xray])
    assert_type(query.first(db), Xray | None)
    assert_type([xray.patient.birth_date for xray in query.run(db)], list[datetime.date | None])
    assert_type(db.transact(lambda tx: tx.insert(User(name="a"))), User)
    with db.begin() as tx, tx.savepoint():
        assert_type(tx.insert(User(name="a")).name, str)


def refused(db: data.Database, patient: Patient) -> None:
    patient.birth_date = "1980-02-29"  # type: ignore[assignment]
    db.get(int, 1)  # type: ignore[type-var]
    Patient.query().limit("3")  # type: ignore[arg-type]
