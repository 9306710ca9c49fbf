"""Ensembles of models within a memory budget, and requests of many callers on them."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import weakref
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from os import PathLike
from types import TracebackType
from typing import Any

from consilia._core import Cancelled as _Cancelled
from consilia._core import Unavailable as _Unavailable
from consilia._core import inference as _inference

DriftMonitor = _inference.DriftMonitor
EarlyStop = _inference.EarlyStop
Engine = _inference.Engine
HeatMap = _inference.HeatMap
MemoryLedger = _inference.MemoryLedger
Ticket = _inference.Ticket

OpinionModel = _inference.OpinionModel
explain = _inference.explain

__all__ = [
    "DiagnosisFuture",
    "Dispatcher",
    "DriftMonitor",
    "EarlyStop",
    "Engine",
    "HeatMap",
    "MemoryLedger",
    "OpinionModel",
    "Ticket",
    "explain",
]

Image = str | PathLike[str] | bytes | bytearray | memoryview
Progress = Callable[[str, int, int], object]


class DiagnosisFuture(Future[dict[str, Any]]):
    """The answer to a request, later: a `concurrent.futures` future that can be cancelled while it runs."""

    _ticket: Ticket | None = None

    def cancel(self) -> bool:
        """Withdraws the request: from the queue at once, from a running batch before the next member.

        Returns:
            Whether it is cancelled; False if there is an answer already.
        """
        if self.cancelled():
            return True
        return self._ticket is not None and self._ticket.cancel() and self._cancelled_now()

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """The diagnosis, waiting for it. Raises what became of it instead, CancelledError or TimeoutError."""
        diagnosis: dict[str, Any] = json.loads(super().result(timeout))  # type: ignore[arg-type]
        return diagnosis

    def _cancelled_now(self) -> bool:
        if super().cancel():
            self.set_running_or_notify_cancel()
        return self.cancelled()

    def _answer(self, text: str | None, error: BaseException | None) -> None:
        """On the dispatcher's thread; what waits for the answer parses it."""
        try:
            if error is None:
                self.set_result(text)  # type: ignore[arg-type]
            elif isinstance(error, _Cancelled) and error.code == "request.cancelled":
                self._cancelled_now()
            else:
                self.set_exception(error)
        except InvalidStateError:
            pass  # It was cancelled by its owner.


class Dispatcher(_inference.Dispatcher):
    """Takes requests from any thread or task, batches them across callers, and runs the batches on an engine.

    Requests wait in a bounded queue by priority (`high`, `normal`, `low`) and deadline. One that finds it
    full, or whose deadline cannot be met, is refused at once (Unavailable `dispatcher.overloaded`,
    `dispatcher.deadline`, with `retry_after_ms` in the details), before its image is decoded. What can no
    longer be met later is dropped before it runs (TimedOut). Leaving a `with` block runs what waits; after an
    exception it is cancelled.

    ```python
    with Dispatcher(engine, batch_max=16) as dispatcher:
        pending = dispatcher.submit("scan.png", deadline_ms=500)
        print(pending.result()["label"])
    ```
    """

    def __init__(self, engine: Engine, **options: Any) -> None:
        """As the class of the extension: every option of it by its name."""
        super().__init__(engine, **options)
        _open.add(self)

    def infer(
        self,
        image: Image,
        *,
        priority: str = "normal",
        deadline_ms: float | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """The diagnosis of an encoded image, waiting for it; an interruption cancels the request.

        Args:
            image: A path or bytes.
            priority: `high`, `normal` or `low`.
            deadline_ms: Counted from the call; preparing the image is part of it.
            progress: Called as `progress(member_id, done, total)` on the dispatcher's thread.

        Raises:
            Unavailable: It was refused, or the process has forked.
            TimedOut: The deadline passed, or could not be met any more.
            Cancelled: The dispatcher was stopped.
            InvalidArgument: It was called in a callback, where a wait would never end.
        """
        self.check_may_wait()
        pending = self.submit(image, priority=priority, deadline_ms=deadline_ms, progress=progress)
        try:
            return pending.result()
        except BaseException:
            pending.cancel()
            raise

    def submit(
        self,
        image: Image,
        *,
        priority: str = "normal",
        deadline_ms: float | None = None,
        progress: Progress | None = None,
    ) -> DiagnosisFuture:
        """The answer later; the image is prepared on the calling thread. Arguments and errors as `infer`."""
        pending = DiagnosisFuture()
        pending._ticket = self.submit_to(
            image, pending._answer, priority=priority, deadline_ms=deadline_ms, progress=progress
        )
        return pending

    async def infer_async(
        self,
        image: Image,
        *,
        priority: str = "normal",
        deadline_ms: float | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """The diagnosis, awaited; cancelling the task cancels the request. Arguments and errors as `infer`.

        The image is prepared on a thread of the loop's default executor.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[str] = loop.create_future()

        def settle(text: str, error: BaseException | None) -> None:
            if answered.done():
                return  # The task was cancelled.
            if error is None:
                answered.set_result(text)
            else:
                answered.set_exception(error)

        def answer(text: str, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(settle, text, error)

        submitting = loop.run_in_executor(
            None,
            partial(
                self.submit_to,
                image,
                answer,
                priority=priority,
                deadline_ms=deadline_ms,
                progress=progress,
            ),
        )
        try:
            await asyncio.shield(submitting)
            diagnosis: dict[str, Any] = json.loads(await answered)
            return diagnosis
        except asyncio.CancelledError:
            answered.cancel()
            submitting.add_done_callback(_cancel_submitted)
            raise

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("drain" if kind is None else "cancel")


def _cancel_submitted(submitting: asyncio.Future[Ticket]) -> None:
    if not submitting.cancelled() and submitting.exception() is None:
        submitting.result().cancel()


_open: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Before the interpreter goes: a thread that then asks for it would take the process down."""
    for dispatcher in list(_open):
        with contextlib.suppress(_Unavailable):  # In a forked child it is the parent's.
            dispatcher.stop("cancel")
