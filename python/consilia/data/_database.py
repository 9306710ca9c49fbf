"""Databases: what runs queries, the awaitable twin, and the query log."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from consilia._core import data as _native

_PACKAGE = str(Path(__file__).parents[1])  # As tracebacks name it, links included.


@dataclass(frozen=True)
class LoggedStatement:
    """One statement that has run: never its values."""

    sql: str
    duration_s: float
    rows: int
    error: str | None
    source: str  # file:line of the caller outside this package


@dataclass(frozen=True)
class RepeatedStatement:
    """A statement that one line ran again and again: most often a query in a loop."""

    source: str
    sql: str
    count: int


def _caller() -> str:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class QueryLog(list[LoggedStatement]):
    """The statements that ran while it was open."""

    def repeated(self, at_least: int = 3) -> list[RepeatedStatement]:
        """The statements that one line ran at least so often, the most frequent first."""
        counts = Counter((entry.source, entry.sql) for entry in self)
        return [
            RepeatedStatement(source, sql, count)
            for (source, sql), count in counts.most_common()
            if count >= at_least
        ]


class Database(_native.Database):
    """A database, SQLite or PostgreSQL.

    ```python
    db = Database("sqlite:clinic.db")
    with db.begin() as tx:
        tx.insert(Patient(full_name="Ann"))
    ```

    Threading: safe. Sessions (`begin`, `read`) are used by one thread at a time.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__()
        self._threads = int(options.get("connections_max", 8))
        self._async: AsyncDatabase | None = None

    @property
    def aio(self) -> AsyncDatabase:
        """The awaitable twin: `await db.aio.get(Prediction, 7)`."""
        if self._async is None:
            self._async = AsyncDatabase(self, self._threads)
        return self._async

    def create_full_text(self, *models: type[_native.Record]) -> None:
        """Creates the indexes of models with `full_text`, and fills them with the rows that are there."""
        for model in models:
            _native.create_full_text(self, model)

    @contextmanager
    def query_log(self) -> Iterator[QueryLog]:
        """Collects the statements that run in the block, on any thread."""
        log = QueryLog()

        def add(sql: str, nanoseconds: int, rows: int, error: str | None) -> None:
            log.append(LoggedStatement(sql, nanoseconds / 1e9, rows, error, _caller()))

        watch = _native.watch_statements(self, add)
        try:
            yield log
        finally:
            watch.close()


class AsyncDatabase:
    """A database for `asyncio`: the same calls, awaited; they run on threads of their own, without the GIL.

    What a database does (`await db.aio.get(Prediction, 7)`), and what a query or a history does on it, which
    comes first then (`await db.aio.run(query)`, `await db.aio.get(query)`).
    """

    def __init__(self, database: Database, threads: int) -> None:
        self._database = database
        self._threads = threads
        self._start_threads()

    def _start_threads(self) -> None:
        self._process = os.getpid()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="consilia-data")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _OF_DATABASES | _OF_QUERIES:
            raise AttributeError(f"`aio` has no `{name}`")

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await self._run(self._bound(name, args), kwargs)

        setattr(self, name, awaited)
        return awaited

    def _bound(self, name: str, args: tuple[Any, ...]) -> Callable[..., Any]:
        if args and isinstance(args[0], (_native.Query, _native.History)):
            return partial(getattr(args[0], name), self._database, *args[1:])
        if name in _OF_DATABASES:
            return partial(getattr(self._database, name), *args)
        raise TypeError(f"`aio.{name}` takes a query first")

    async def _run(self, call: Callable[..., Any], kwargs: Mapping[str, Any]) -> Any:
        if self._process != os.getpid():
            self._start_threads()  # A forked child has none, and would wait for ever.
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, **kwargs))

    async def chunks(self, query: _native.Query, rows: int) -> AsyncIterator[Any]:
        """The rows of a query in results of so many: `async for rows in db.aio.chunks(query, 10_000)`."""
        chunks = query.chunks(self._database, rows)
        while (part := await self._run(partial(next, chunks, None), {})) is not None:
            yield part

    def listen(self, *channels: str) -> AsyncListener:
        """Messages of other programs, for `async with` and `async for`. PostgreSQL only."""
        return AsyncListener(self._database, channels)


class AsyncListener:
    """Messages on channels of a PostgreSQL database, from the start of the block on.

    ```python
    async with db.aio.listen("predictions") as messages:
        async for message in messages:
            print(message.payload)
    ```

    It waits on a thread and a connection of its own, and a cancelled wait loses no message. A lost connection
    is Unavailable (`database.lost`); the next message is waited for on a new one.
    """

    def __init__(self, database: Database, channels: tuple[str, ...]) -> None:
        self._database = database
        self._channels = channels
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="consilia-listen")
        self._listener: _native.Listener | None = None
        self._waiting: asyncio.Future[_native.Notification | None] | None = None

    async def __aenter__(self) -> AsyncListener:
        self._listener = await self._start(_native.Listener, self._database, *self._channels)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.interrupt()
        if self._waiting is not None:
            await asyncio.wait([self._waiting])
            self._waiting.exception()  # Nobody asks for it any more.
        await self._start(self._listener.close)
        self._pool.shutdown(wait=False)

    def __aiter__(self) -> AsyncListener:
        return self

    async def __anext__(self) -> _native.Notification:
        if self._listener is None:
            raise TypeError("messages are listened for in `async with`")
        if self._waiting is None:
            self._waiting = self._start(self._listener.wait)
        await asyncio.wait([self._waiting])  # Cancelled, it leaves the wait for the next call.
        done, self._waiting = self._waiting, None
        message = done.result()
        if message is None:
            raise StopAsyncIteration
        return message

    def _start(self, call: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._pool, call, *args)


_OF_DATABASES = frozenset(
    [
        "bulk_insert",
        "delete",
        "execute",
        "get",
        "get_or_none",
        "insert",
        "notify",
        "query",
        "query_all",
        "restore",
        "soft_delete",
        "transact",
        "update",
        "upsert",
    ]
)
_OF_QUERIES = frozenset(
    [
        "aggregate",
        "as_of",
        "count",
        "count_by",
        "delete",
        "exists",
        "explain",
        "first",
        "get",
        "get_or_none",
        "json",
        "restore",
        "run",
        "update",
        "update_returning",
    ]
)


@contextmanager
def assert_queries(database: Database, count: int) -> Iterator[QueryLog]:
    """Fails unless the block runs exactly so many statements; the message says which line ran what."""
    with database.query_log() as log:
        yield log
    if len(log) != count:
        lines = "\n".join(f"  {entry.source}: {entry.sql}" for entry in log)
        raise AssertionError(f"{count} statements were expected, {len(log)} ran:\n{lines}")


@contextmanager
def assert_no_repeats(database: Database, at_least: int = 3) -> Iterator[QueryLog]:
    """Fails if one line of the block runs the same statement this often: a query in a loop (N+1)."""
    with database.query_log() as log:
        yield log
    repeated = log.repeated(at_least)
    if repeated:
        lines = "\n".join(f"  {entry.source} ran {entry.count} times: {entry.sql}" for entry in repeated)
        raise AssertionError(f"statements are repeated; include or prefetch what they load:\n{lines}")
