"""What web servers do: processes that fork, and threads that run while the database works."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from clinic_models import Patient, User

import consilia
from consilia import data
from postgres_server import PostgresServer


def code_in_child(use: Callable[[], object]) -> str:
    """The code of the error that a call has in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            use()
            code = "none"
        except consilia.Error as error:
            code = error.code
        except BaseException as error:
            code = repr(error)
        os.write(writing, code.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        code = answer.read()
    assert os.waitpid(child, 0)[1] == 0
    return code


def test_what_was_opened_before_a_fork_is_refused_in_the_child(db: data.Database) -> None:
    patient = db.get(Patient, 1)
    assert code_in_child(lambda: db.get(Patient, 1)) == "database.forked"
    assert code_in_child(lambda: db.begin()) == "database.forked"
    with db.begin() as tx:
        tx.insert(User(name="bob"))
        assert code_in_child(lambda: tx.get(User, 1)) == "database.forked"
        assert code_in_child(tx.commit) == "database.forked"
    assert db.get(User, 2).name == "bob"  # The parent's transaction was left alone.
    with db.read() as snapshot:
        assert code_in_child(lambda: Patient.query.count(snapshot)) == "database.forked"
        assert Patient.query.count(snapshot) == 3
    assert code_in_child(lambda: str(patient.full_name)) == "none"  # A record is memory.


def test_an_awaited_call_is_refused_in_the_child_too(db: data.Database) -> None:
    async def name() -> str:
        return (await db.aio.get(Patient, 1)).full_name

    assert asyncio.run(name()) == "Ann"  # There are threads now, which no child has.
    assert code_in_child(lambda: asyncio.run(name())) == "database.forked"


def test_a_child_opens_the_database_anew(url: str, db: data.Database) -> None:
    assert code_in_child(lambda: data.Database(url).insert(User(name="child"))) == "none"
    assert db.get(User, 2).name == "child"


@pytest.fixture
def threads_that_keep_the_gil() -> Iterator[None]:
    """Threads change only where one of them lets go by itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(600)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("threads_that_keep_the_gil")
def test_a_thread_that_waits_for_the_database_lets_others_run(db: data.Database) -> None:
    events = []
    is_started = threading.Event()

    def write() -> None:
        is_started.set()
        with db.begin() as tx:  # The first call here that may let go.
            if db.dialect == "postgresql":
                tx.execute("SET LOCAL lock_timeout = '60s'")
            tx.execute("UPDATE users SET name = 'eve' WHERE id = 1")
            events.append("second has written")

    with db.begin() as tx:
        tx.execute("UPDATE users SET name = 'bob' WHERE id = 1")
        writer = threading.Thread(target=write)
        writer.start()
        assert is_started.wait(60)
        events.append("first commits")
    writer.join()
    assert events == ["first commits", "second has written"]
    assert db.get(User, 1).name == "eve"


def meeting(database: data.Database) -> Callable[[int, int], str]:
    """For two threads. The statement of each ends once that of the other runs: never one after the other."""
    arrived = threading.Barrier(2, timeout=60)

    def meet(own: int, other: int) -> str:
        with database.begin() as tx:
            tx.execute("SET LOCAL lock_timeout = '60s'")
            tx.query("SELECT pg_advisory_lock($1)::text", [own])
            arrived.wait()
            tx.query(
                "SELECT CASE WHEN pg_advisory_unlock($1) THEN pg_advisory_xact_lock_shared($2)::text END",
                [own, other],
            )
        return "met"

    return meet


def test_queries_of_two_threads_run_at_the_same_time(postgres: PostgresServer) -> None:
    meet = meeting(data.Database(postgres.create_database()))
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(meet, (1, 2), (2, 1))) == ["met", "met"]


def test_awaited_calls_run_at_the_same_time(postgres: PostgresServer) -> None:
    database = data.Database(postgres.create_database())
    meet = meeting(database)

    async def work() -> list[str]:
        return await asyncio.gather(
            database.aio.transact(lambda _: meet(1, 2)), database.aio.transact(lambda _: meet(2, 1))
        )

    assert asyncio.run(work()) == ["met", "met"]
