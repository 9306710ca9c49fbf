# Made from the extension by `make stubs`; do not edit.
"""
Ensembles of models within a memory budget.
"""
from __future__ import annotations
import collections.abc
import os
import typing
__all__: list[str] = ['Dispatcher', 'Engine', 'Ticket']
class Engine:
    """
    Runs an ensemble of member packages within a memory budget.
    """
    def __init__(self, members: collections.abc.Sequence[os.PathLike | str | bytes], *, budget_bytes: typing.SupportsInt | typing.SupportsIndex = 0, consensus: str = 'weighted_soft_vote', threads: typing.SupportsInt | typing.SupportsIndex = 0, confidence_threshold: typing.SupportsFloat | typing.SupportsIndex = 0.75, backend_directory: str = '') -> None:
        """
        Reads and verifies packages. One that cannot be used is reported by `members`, and the rest goes on.

        Args:
            members: Package directories.
            budget_bytes: Most that weights, code and activations may take; 0: half of the machine's memory.
            consensus: `weighted_soft_vote` or `majority`.
            threads: Within one member's run; 0: as the process has it.
            confidence_threshold: Below it a diagnosis needs review.
            backend_directory: Where backends are looked for first.
        """
    def members(self) -> list:
        """
        Every package in the order given, the failed ones too.
        """
    def memory(self) -> dict:
        """
        `budget_bytes`, `held_bytes` and `peak_bytes`.
        """
    def plan(self) -> typing.Any:
        """
        What stays, what is streamed, and the predicted peak.
        """
    def release_memory(self) -> None:
        """
        Gives back what no run needs at this instant.
        """
    def run(self, image: typing.Any, *, progress: typing.Any = None) -> typing.Any:
        """
        The diagnosis of an encoded image, a path or bytes, as a dict: label, confidence, probabilities, opinions,
        trace and memory. `progress(member_id, done, total)` may return False to stop.
        """
    @property
    def classes(self) -> list[str]:
        ...
class Ticket:
    """
    A hold on a submitted request.
    """
    def cancel(self) -> bool:
        """
        Withdraws the request: from the queue at once, from a running batch before the next member. False if it is too
        late.
        """
    @property
    def stage(self) -> str:
        """
        `queued`, `running` or `done`.
        """
class Dispatcher:
    """
    Takes requests from any thread, batches them across callers, refuses at once where waiting is in vain.
    """
    def __init__(self, engine: Engine, *, name: str = 'default', queue_max: typing.SupportsInt | typing.SupportsIndex = 256, queue_bytes_max: typing.SupportsInt | typing.SupportsIndex = 536870912, batch_max: typing.SupportsInt | typing.SupportsIndex = 8, batch_wait_ms: typing.SupportsFloat | typing.SupportsIndex = 2.0, age_after_ms: typing.SupportsFloat | typing.SupportsIndex = 2000.0, patience_ms: typing.SupportsFloat | typing.SupportsIndex = 10000.0, trace_max: typing.SupportsInt | typing.SupportsIndex = 4096) -> None:
        """
        Starts a thread that runs batches on the engine, which it keeps alive.

        Args:
            engine: Several dispatchers may share one: their batches take turns.
            name: The label `dispatcher` of the metrics.
            queue_max: Requests that may wait.
            queue_bytes_max: Their tensors together.
            batch_max: Requests run together.
            batch_wait_ms: Longest that a request waits, on an idle device, for others to share its batch.
            age_after_ms: A waiting request rises one level each time this has passed.
            patience_ms: What a request without a deadline counts as due after.
            trace_max: Spans that `trace` can tell of, the newest.
        """
    def check_may_wait(self) -> None:
        """
        Raises InvalidArgument (`dispatcher.waiting`) in a callback, where a wait would never end.
        """
    def counts(self) -> dict:
        """
        What has become of the requests so far.
        """
    def metrics(self) -> str:
        """
        Counts, queue and times in Prometheus' text format.
        """
    def stop(self, mode: str = 'drain') -> None:
        """
        Refuses requests from now on and waits for the rest: `drain` runs what waits, `cancel` cancels it.
        """
    def submit_to(self, image: typing.Any, callback: typing.Any, *, priority: str = 'normal', deadline_ms: typing.SupportsFloat | typing.SupportsIndex | None = None, progress: typing.Any = None) -> Ticket:
        """
        Submits an encoded image, a path or bytes; `callback(text, error)` gets the diagnosis as JSON or the exception,
        on the dispatcher's thread, and so does `progress(member_id, done, total)` after each member. What they raise is
        counted and dropped. Raises Unavailable at once if the request is refused, before the image is decoded.
        """
    def trace(self) -> str:
        """
        The newest spans as JSON in the Chrome trace event format: requests, batches, members.
        """
    def warm_up(self) -> None:
        """
        Brings every member in and measures batches of one and of `batch_max`: for before the first request.
        """
