"""Databases: what runs queries, the awaitable twin, and the query log."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator
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

    What a database does (`await db.aio.get(Prediction, 7)`), and what a query does on it (`await
    db.aio.run(query)`).
    """

    def __init__(self, database: Database, threads: int) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="consilia-data")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any]
        if name in _OF_DATABASES:
            call = getattr(self._database, name)
        elif name in _OF_QUERIES:
            call = partial(_run_query, name, self._database)
        else:
            raise AttributeError(f"`aio` has no `{name}`")

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, partial(call, *args, **kwargs)
            )

        setattr(self, name, awaited)
        return awaited


def _run_query(name: str, database: Database, query: _native.Query, **values: Any) -> Any:
    return getattr(query, name)(database, **values)


_OF_DATABASES = frozenset(
    [
        "bulk_insert",
        "delete",
        "execute",
        "get",
        "get_or_none",
        "insert",
        "query",
        "restore",
        "soft_delete",
        "transact",
        "update",
        "upsert",
    ]
)
_OF_QUERIES = frozenset(["aggregate", "count", "exists", "explain", "first", "json", "run"])


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
