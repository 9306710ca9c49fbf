"""Messages between programs (PostgreSQL), waited for on threads, in loops and with `await`."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from pathlib import Path

import pytest

import consilia
from consilia import data
from postgres_server import PostgresServer

LONG_S = 60.0  # Longer than any message takes; nothing waits for its end.


@pytest.fixture
def server(postgres: PostgresServer) -> data.Database:
    return data.Database(postgres.create_database())


def test_a_message_arrives_once_its_transaction_is_committed(server: data.Database) -> None:
    with data.Listener(server, "jobs", "other") as listener:
        with server.begin() as tx:
            tx.notify("jobs", "7")
            assert listener.wait(0) is None
        message = listener.wait(LONG_S)
        assert message is not None
        assert (message.channel, message.payload) == ("jobs", "7")
        assert message.process > 0
        with pytest.raises(ZeroDivisionError), server.begin() as tx:
            tx.notify("jobs", "undone")
            _ = 1 / 0
        server.notify("unheard", "x")
        server.notify("other")
        message = listener.wait(LONG_S)
        assert message is not None
        assert (message.channel, message.payload) == ("other", "")


def test_a_loop_over_messages_ends_when_it_is_interrupted(server: data.Database) -> None:
    listener = data.Listener(server, "jobs")
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for message in listener:
            seen.put(message.payload)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(3):
        server.notify("jobs", str(number))
    assert [seen.get(timeout=LONG_S) for _ in range(3)] == ["0", "1", "2"]
    listener.interrupt()
    reader.join()
    listener.interrupt()
    assert listener.wait(LONG_S) is None  # The next wait, because none was running.
    listener.close()
    listener.close()
    with pytest.raises(consilia.InvalidArgument, match="closed"):
        listener.wait(0)


def test_one_thread_waits_at_a_time(server: data.Database) -> None:
    listener = data.Listener(server, "jobs")
    ended = threading.Event()

    def wait_again_and_again() -> None:
        while not ended.is_set():
            with contextlib.suppress(consilia.InvalidArgument):  # Then it was we who waited.
                listener.wait()

    other = threading.Thread(target=wait_again_and_again)
    other.start()
    with pytest.raises(consilia.InvalidArgument) as caught:
        while True:
            listener.wait(0)
    assert caught.value.code == "database.session"
    ended.set()
    listener.interrupt()
    other.join()


def test_messages_are_awaited_and_a_cancelled_wait_loses_none(server: data.Database) -> None:
    async def work() -> list[str]:
        seen = []
        async with server.aio.listen("jobs") as messages:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(messages), 0)
            await server.aio.notify("jobs", "first")
            await server.aio.transact(lambda tx: tx.notify("jobs", "second"))
            async for message in messages:
                seen.append(message.payload)
                if len(seen) == 2:
                    break
        return seen

    assert asyncio.run(work()) == ["first", "second"]


def test_a_task_that_listens_is_cancelled(server: data.Database) -> None:
    async def work() -> None:
        listening = asyncio.Event()

        async def listen() -> None:
            async with server.aio.listen("jobs") as messages:
                listening.set()
                async for _ in messages:
                    pass

        task = asyncio.create_task(listen())
        await listening.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())


def test_a_listener_that_cannot_be(server: data.Database, tmp_path: Path) -> None:
    local = data.Database(f"sqlite:{tmp_path / 'a.db'}")
    for use in (lambda: local.notify("jobs"), lambda: data.Listener(local, "jobs")):
        with pytest.raises(consilia.InvalidArgument) as caught:
            use()
        assert caught.value.code == "database.unsupported"
    with pytest.raises(consilia.InvalidArgument) as caught:
        data.Listener(server)
    assert caught.value.code == "database.options"

    async def unentered() -> None:
        await anext(server.aio.listen("jobs"))

    with pytest.raises(TypeError, match="async with"):
        asyncio.run(unentered())
