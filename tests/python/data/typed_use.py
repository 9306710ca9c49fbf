"""What a type checker must understand; checked by `test_types.py`, never run."""

from __future__ import annotations

import datetime
from typing import Any, Self, TypeVar, assert_type

from consilia import Expression, Term, data
from consilia.data import Column, Key, Query, Reference, Rows, column, reference


class User(data.Model, table="typed_users"):
    id: Key
    name: Column[str] = column(unique=True)


M = TypeVar("M", bound=data.Model)


class NewestQuery(Query[M]):
    def newest(self) -> Self:
        return self.order_by("-id")


class Clinic(data.Model, table="typed_clinics"):
    id: Key
    query = data.scopes(NewestQuery["Clinic"])


class Patient(data.Model, table="typed_patients", timestamps=True):
    id: Key
    birth_date: Column[datetime.date | None]
    user: Reference[User | None] = reference(on_delete="set null")


class XrayQuery(data.Query["Xray"]):
    def of_adults(self, since: datetime.date) -> Self:
        return self.where(Xray.patient.birth_date <= since)

    def with_patient(self) -> Self:
        return self.include(Xray.patient)


class Xray(data.Model, table="typed_xrays", history=True):
    id: Key
    patient: Reference[Patient]
    query = data.scopes(XrayQuery)


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
    assert_type(query, XrayQuery)
    adults = Xray.query.of_adults(datetime.date(2000, 1, 1)).with_patient().limit(5)
    assert_type(adults, XrayQuery)
    assert_type(adults.first(db), Xray | None)
    assert_type(Xray.query(), XrayQuery)
    assert_type(Patient.query, Query[Patient])
    assert_type(Clinic.query.newest().first(db), Clinic | None)
    assert_type(Patient.query.where("id = 1").get(db), Patient)
    assert_type(adults.apply(lambda query, rows: query.limit(rows), 5), XrayQuery)
    assert_type(adults.update_returning(db, patient_id=1), Rows[Xray])
    assert_type(data.History(Xray).as_of(db, datetime.datetime.now(datetime.UTC)), Rows[Xray])
    assert_type(data.reflect(db)["anything"], Any)
    assert_type(query.run(db), Rows[Xray])
    assert_type(query.first(db), Xray | None)
    assert_type([xray.patient.birth_date for xray in query.run(db)], list[datetime.date | None])
    assert_type(db.transact(lambda tx: tx.insert(User(name="a"))), User)
    with db.begin() as tx, tx.savepoint():
        assert_type(tx.insert(User(name="a")).name, str)


async def awaited(db: data.Database, user: User) -> None:
    assert_type(await db.aio.get(User, 1), User)
    assert_type(await db.aio.get(Xray.query.with_patient()), Xray)
    assert_type(await db.aio.update(user), User)
    assert_type(await db.aio.update(User.query, name="a"), int)
    async for rows in db.aio.chunks(User.query, 100):
        assert_type(rows, Rows[User])
    async with db.aio.listen("users") as messages:
        async for message in messages:
            assert_type(message.payload, str)


def refused(db: data.Database, patient: Patient) -> None:
    patient.birth_date = "1980-02-29"  # type: ignore[assignment]
    db.get(int, 1)  # type: ignore[type-var]
    Patient.query().limit("3")  # type: ignore[arg-type]
    Xray.query.of_adults("2000-01-01")  # type: ignore[arg-type]
    Patient.query.with_patient()  # type: ignore[attr-defined]
    _ = patient.query  # type: ignore[arg-type]
