"""The awaitable twin, the query log, and the fixtures that count statements."""

from __future__ import annotations

import asyncio

import pytest
from clinic_models import Patient, Prediction, User, Xray

import consilia
from consilia import data, functions

pytest_plugins = ["consilia.pytest"]


def test_the_awaitable_twin_does_the_same(db: data.Database) -> None:
    async def work() -> None:
        assert (await db.aio.get(Patient, 1)).full_name == "Ann"
        assert await db.aio.get_or_none(Patient, 99) is None
        stored = await db.aio.insert(User(name="bob"))
        assert stored.id == 2
        query = Prediction.query().include(Prediction.xray)
        assert len(await db.aio.run(query)) == 12
        assert await db.aio.json(query) == query.json(db)
        assert await db.aio.count(query) == 12
        assert (await db.aio.aggregate(query, n=functions.count())).n == 12
        assert await db.aio.transact(lambda tx: tx.insert(User(name="eve")).id) == 3
        with pytest.raises(consilia.NotFound):
            await db.aio.get(Patient, 99)
        with pytest.raises(AttributeError):
            _ = db.aio.begin

    asyncio.run(work())


def test_many_awaited_calls_run_side_by_side(db: data.Database) -> None:
    async def work() -> list[str]:
        patients = await asyncio.gather(*(db.aio.get(Patient, 1 + i % 3) for i in range(60)))
        return [patient.full_name for patient in patients]

    assert asyncio.run(work()) == ["Ann", "Ben", "Änne"] * 20


@pytest.mark.parametrize("rows", [1, 5, 12, 100])
def test_awaited_chunks_are_all_rows_once(db: data.Database, rows: int) -> None:
    async def work() -> list[int]:
        return [row.id async for part in db.aio.chunks(Prediction.query, rows) for row in part]

    assert asyncio.run(work()) == list(range(1, 13))


def test_what_a_query_does_is_awaited_too(db: data.Database) -> None:
    async def work() -> None:
        query = Prediction.query.where(Prediction.id == 3)
        assert (await db.aio.get(query)).id == 3
        assert await db.aio.get_or_none(query.where("id = 4")) is None
        assert await db.aio.update(query, attempt=7) == 1
        assert (await db.aio.update_returning(query, "attempt", attempt=8)).tuples() == [(8,)]
        assert (await db.aio.count_by(query, "attempt")).tuples() == [(8, 1)]
        assert await db.aio.delete(query) == 1
        assert len((await db.aio.query_all(["SELECT 1", "SELECT 2"]))[1]) == 1
        with pytest.raises(TypeError, match="query first"):
            await db.aio.run(Prediction)

    asyncio.run(work())
    assert Prediction.query.count(db) == 11


def test_statements_are_counted_and_their_line_is_named(db: data.Database) -> None:
    with data.assert_queries(db, 2) as log:
        db.get(Patient, 1)
        Patient.query().count(db)
    assert "patients" in log[0].sql
    assert log[0].source.startswith(__file__)
    assert (log[0].rows, log[0].error) == (1, None)
    assert log[0].duration_s > 0
    with pytest.raises(AssertionError, match="1 statements were expected, 2 ran"), data.assert_queries(db, 1):
        db.get(Patient, 1)
        db.get(Patient, 2)
    db.get(Patient, 1)
    assert len(log) == 2  # The log is closed.


def test_values_never_reach_the_log(db: data.Database) -> None:
    with db.query_log() as log:
        Patient.query().where(Patient.full_name == "Ann").run(db)
        with pytest.raises(consilia.Conflict):
            db.insert(User(name="ada"))
    assert not any("Ann" in entry.sql or "ada" in entry.sql for entry in log)
    assert log[-1].error == "database.unique"


def test_a_query_in_a_loop_is_found(db: data.Database) -> None:
    with pytest.raises(AssertionError, match="ran 12 times") as caught, data.assert_no_repeats(db):
        for row in Prediction.query().run(db):
            db.get(Xray, row.xray_id)
    assert f"{__file__}:" in str(caught.value)
    with data.assert_no_repeats(db):
        for row in Prediction.query().include(Prediction.xray.patient).run(db):
            assert row.xray.patient.full_name


def test_the_fixtures_are_the_functions(assert_queries, assert_no_repeats, db: data.Database) -> None:
    with assert_queries(db, 0), assert_no_repeats(db):
        pass
