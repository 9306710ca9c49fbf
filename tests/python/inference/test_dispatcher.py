"""Requests of many callers on an engine: what the binding adds to `inference::Dispatcher`.

What a test has to hold, it holds in a progress callback, which runs on the dispatcher's thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

import consilia
from clinic import REPOSITORY
from consilia.inference import Dispatcher, Engine

MEMBERS = [
    REPOSITORY / "examples/demo_members/packages" / name for name in ("resnet50.member", "swin_t.member")
]
PHANTOM = REPOSITORY / "tests/support/phantom.png"


class Gate:
    """Holds the dispatcher's thread after the first member of the request that it is given to."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()
        self.members: list[str] = []

    def __call__(self, member_id: str, done: int, total: int) -> None:
        assert total == len(MEMBERS)
        self.members.append(member_id)
        if done == 1:
            self.has_begun.set()
            self.may_go_on.wait()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(MEMBERS, threads=1)


@pytest.fixture
def dispatcher(engine: Engine) -> Iterator[Dispatcher]:
    with Dispatcher(engine, batch_max=1) as dispatcher:
        yield dispatcher


def test_an_answer_is_that_of_the_engine(engine: Engine, dispatcher: Dispatcher) -> None:
    expected = engine.run(PHANTOM)
    by_path = dispatcher.infer(PHANTOM, priority="high")
    by_bytes = dispatcher.submit(PHANTOM.read_bytes(), deadline_ms=3_600_000).result()
    for found in (by_path, by_bytes):
        assert found["label"] == expected["label"]
        assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)


def test_requests_of_many_threads_share_batches(engine: Engine) -> None:
    gate = Gate()
    with Dispatcher(engine, batch_max=8, batch_wait_ms=0) as dispatcher:
        first = dispatcher.submit(PHANTOM, progress=gate)
        gate.has_begun.wait()
        rest = [dispatcher.submit(PHANTOM) for _ in range(8)]
        gate.may_go_on.set()
        assert {pending.result()["label"] for pending in [first, *rest]} == {first.result()["label"]}
        assert dispatcher.counts()["batches"] == 2


def test_a_waiting_request_is_cancelled_at_once(dispatcher: Dispatcher) -> None:
    gate = Gate()
    running = dispatcher.submit(PHANTOM, progress=gate)
    gate.has_begun.wait()
    waiting = dispatcher.submit(PHANTOM)
    assert waiting.cancel()
    assert waiting.cancelled()
    with pytest.raises(CancelledError):
        waiting.result()
    assert dispatcher.counts()["cancelled"] == 1
    gate.may_go_on.set()
    assert running.result()["label"]
    assert not running.cancel()


def test_a_running_request_stops_before_the_next_member(dispatcher: Dispatcher) -> None:
    gate = Gate()
    running = dispatcher.submit(PHANTOM, progress=gate)
    gate.has_begun.wait()
    assert running.cancel()
    gate.may_go_on.set()
    dispatcher.stop()
    assert len(gate.members) == 1
    assert dispatcher.counts()["cancelled"] == 1


def test_what_is_refused_is_refused_before_its_image_is_read(dispatcher: Dispatcher) -> None:
    dispatcher.warm_up()
    with pytest.raises(consilia.Unavailable) as refused:
        dispatcher.submit("no/such/file.png", deadline_ms=0.001)
    assert refused.value.code == "dispatcher.deadline"
    assert refused.value.details["retry_after_ms"] >= 1
    with pytest.raises(consilia.NotFound):
        dispatcher.submit("no/such/file.png")


def test_a_full_queue_refuses(engine: Engine) -> None:
    gate = Gate()
    with Dispatcher(engine, queue_max=1, batch_max=1) as dispatcher:
        dispatcher.submit(PHANTOM, progress=gate)
        gate.has_begun.wait()
        dispatcher.submit(PHANTOM)
        with pytest.raises(consilia.Unavailable) as refused:
            dispatcher.infer(PHANTOM)
        gate.may_go_on.set()
    assert refused.value.code == "dispatcher.overloaded"
    assert refused.value.details["queue_length"] == 1
    assert refused.value.http_status == 503


def test_bad_arguments_are_named(engine: Engine, dispatcher: Dispatcher) -> None:
    for arguments, code in [
        ({"priority": "urgent"}, "request.priority"),
        ({"deadline_ms": 0}, "request.deadline"),
        ({"deadline_ms": float("nan")}, "request.deadline"),
    ]:
        with pytest.raises(consilia.InvalidArgument) as refused:
            dispatcher.submit(PHANTOM, **arguments)  # type: ignore[arg-type]
        assert refused.value.code == code
    with pytest.raises(consilia.InvalidArgument):
        dispatcher.submit(7)  # type: ignore[arg-type]
    with pytest.raises(consilia.InvalidArgument) as refused:
        Dispatcher(engine, batch_max=0)
    assert refused.value.details["option"] == "batch_max"
    with pytest.raises(consilia.InvalidArgument):
        dispatcher.stop("now")


def test_what_callbacks_raise_is_counted_and_dropped(dispatcher: Dispatcher) -> None:
    def fail(member_id: str, done: int, total: int) -> None:
        raise RuntimeError("a callback's own trouble")

    assert dispatcher.infer(PHANTOM, progress=fail)["label"]
    assert dispatcher.counts()["callback_errors"] == len(MEMBERS)


def test_waiting_in_a_callback_is_refused_instead_of_never_ending(dispatcher: Dispatcher) -> None:
    codes: list[str] = []

    def wait(member_id: str, done: int, total: int) -> None:
        try:
            dispatcher.infer(PHANTOM)
        except consilia.InvalidArgument as error:
            codes.append(error.code)

    dispatcher.infer(PHANTOM, progress=wait)
    assert codes == ["dispatcher.waiting"] * len(MEMBERS)


def test_answers_are_awaited(dispatcher: Dispatcher) -> None:
    async def judge() -> list[str]:
        answers = await asyncio.gather(*(dispatcher.infer_async(PHANTOM) for _ in range(4)))
        return [answer["label"] for answer in answers]

    assert len(set(asyncio.run(judge()))) == 1


def test_errors_are_awaited(dispatcher: Dispatcher) -> None:
    with pytest.raises(consilia.NotFound):
        asyncio.run(dispatcher.infer_async("no/such/file.png"))


def test_a_cancelled_task_cancels_its_request(dispatcher: Dispatcher) -> None:
    gate = Gate()

    async def judge() -> None:
        task = asyncio.create_task(dispatcher.infer_async(PHANTOM, progress=gate))
        await asyncio.to_thread(gate.has_begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(judge())
    gate.may_go_on.set()
    dispatcher.stop()
    assert dispatcher.counts()["cancelled"] == 1
    assert len(gate.members) == 1


def test_a_stopped_dispatcher_says_so(engine: Engine) -> None:
    gate = Gate()
    dispatcher = Dispatcher(engine, batch_max=1)
    running = dispatcher.submit(PHANTOM, progress=gate)
    gate.has_begun.wait()
    waiting = dispatcher.submit(PHANTOM)
    stopping = threading.Thread(target=dispatcher.stop, args=("cancel",))
    stopping.start()
    while dispatcher.counts()["cancelled"] < 1:  # The waiting one, once the stop has begun.
        threading.Event().wait(0.001)
    gate.may_go_on.set()
    stopping.join()
    for pending in (running, waiting):
        with pytest.raises(consilia.Cancelled) as stopped:
            pending.result()
        assert stopped.value.code == "dispatcher.stopped"
    with pytest.raises(consilia.Unavailable):
        dispatcher.submit(PHANTOM)


def test_metrics_and_trace_tell_what_happened(engine: Engine) -> None:
    with Dispatcher(engine, name="ward 7") as dispatcher:
        dispatcher.infer(PHANTOM)
        assert 'consilia_inference_submitted_total{dispatcher="ward 7"} 1\n' in dispatcher.metrics()
        names = {event["name"] for event in json.loads(dispatcher.trace())["traceEvents"]}
    assert {"queued", "running", "batch of 1", "run resnet50", "run swin_t"} <= names


def test_a_forked_child_is_told_so(dispatcher: Dispatcher) -> None:
    dispatcher.infer(PHANTOM)
    child = os.fork()
    if child == 0:
        code = ""
        try:
            dispatcher.submit(PHANTOM)
        except consilia.Unavailable as error:
            code = error.code
        os._exit(0 if code == "engine.forked" else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_program_may_end_without_closing_anything(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from consilia.inference import Dispatcher, Engine\n"
        f"dispatcher = Dispatcher(Engine([{str(MEMBERS[0])!r}], threads=1))\n"
        f"pending = [dispatcher.submit({str(PHANTOM)!r}) for _ in range(20)]\n"
        "print(pending[0].result()['label'])\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
