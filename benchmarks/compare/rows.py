"""Rows of a comparison: ours beside a peer, measured in one run on one machine."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

QUICK = "CONSILIA_COMPARE_QUICK" in os.environ
"""Whether to measure just enough to see that everything runs; the numbers then mean nothing."""

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "compare"


@dataclass
class Sample:
    """What measurements of one thing gave, in seconds; `spread` is the middle half over the median."""

    median: float
    spread: float = 0.0

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Sample:
        """The sample of single measurements."""
        median = statistics.median(seconds)
        if len(seconds) < 2:
            return cls(median)
        low, _, high = statistics.quantiles(seconds, n=4)
        return cls(median, (high - low) / median)


def on_one_processor() -> None:
    """Keeps this process, and the servers and programs that it starts, on one processor.

    A client and its server that are alone on two processors sleep and wake each other, which takes several
    times as long as a read and by chance hits one measurement and not the next.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}


@dataclass
class Row:
    """One case: the medians of ours and of the peer, in `unit`; smaller is better. Goal None: none is set."""

    case: str
    ours: float
    peer: float
    unit: str
    goal: float | None
    against: str = ""
    ours_spread: float = 0.0
    peer_spread: float = 0.0
    ratio: float = field(init=False)
    holds: bool | None = field(init=False)

    def __post_init__(self) -> None:
        self.ratio = self.ours / self.peer
        self.holds = None if self.goal is None else self.ratio <= self.goal

    @classmethod
    def of(
        cls, case: str, ours: Sample, peer: Sample, goal: float | None, *, against: str, unit: str = "µs"
    ) -> Row:
        """The row of two samples."""
        return cls(
            case,
            ours.median * UNITS[unit],
            peer.median * UNITS[unit],
            unit,
            goal,
            against,
            ours.spread,
            peer.spread,
        )


@dataclass
class Work:
    """Something to measure; `undo` is called after each call, outside the measured time."""

    call: Callable[[], object]
    undo: Callable[[], object] | None = None


def interleaved(runs: int, works: Sequence[Work], sample_s: float = 0.0) -> list[Sample]:
    """Measures works in turns, so that a slow spell meets all alike.

    Args:
        runs: How often each is measured, after once for its caches.
        works: What is measured.
        sample_s: How long a measurement takes at least: calls are repeated to that end, unless each is
            undone.
    """
    if QUICK:
        runs, sample_s = 2, 0.0
    repeats = [_repeats(work, sample_s) for work in works]
    seconds: list[list[float]] = [[] for _ in works]
    for run in range(runs):
        for step in range(len(works)):
            index = (run + step) % len(works)  # Nobody always follows the same one.
            gc.collect()
            seconds[index].append(_measure(works[index], repeats[index]))
    return [Sample.of(each) for each in seconds]


def _measure(work: Work, repeats: int) -> float:
    call = work.call
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    taken = (time.perf_counter() - start) / repeats
    if work.undo is not None:
        work.undo()
    return taken


def _repeats(work: Work, sample_s: float) -> int:
    _measure(work, 1)
    if work.undo is not None or sample_s == 0:
        return 1
    once = min(_measure(work, 1) for _ in range(3))
    return max(1, round(sample_s / once))


def write(area: str, rows: Sequence[Row], versions: Mapping[str, str] | None = None) -> None:
    """Prints the rows and writes them, with machine and versions, to `build/compare/<area>.json`."""
    machine = {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform()}
    versions = {"Python": platform.python_version(), **(versions or {})}
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{area}.json").write_text(
        json.dumps(
            {"machine": machine, "versions": versions, "rows": [asdict(row) for row in rows]},
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )
    print(f"{area} on {machine['processor']}, {machine['cores']} cores")
    print("  " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"  {'case':<48} {'against':<24} {'peer':>9} {'ours':>9}      ratio   goal  spread")
    for row in rows:
        goal, verdict = "", ""
        if row.goal is not None:
            goal, verdict = f"{row.goal:.3g}", "holds" if row.holds else "MISSED"
        spread = f"{100 * max(row.ours_spread, row.peer_spread):.0f} %"
        print(
            f"  {row.case:<48} {row.against:<24} {row.peer:>9.4g} {row.ours:>9.4g} {row.unit:<2}"
            f" {row.ratio:>7.3f} {goal:>6} {spread:>7}  {verdict}".rstrip()
        )
    missed = sum(row.holds is False for row in rows)
    print(f"  {sum(row.holds is True for row in rows)} goals hold, {missed} are missed")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
