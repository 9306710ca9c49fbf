"""Rows of a comparison: ours beside a peer, measured in one run on one machine."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "compare"


@dataclass
class Row:
    """One case: the medians of ours and of the peer, in `unit`; smaller is better."""

    case: str
    ours: float
    peer: float
    unit: str
    goal: float
    ratio: float = field(init=False)
    holds: bool = field(init=False)

    def __post_init__(self) -> None:
        self.ratio = self.ours / self.peer
        self.holds = self.ratio <= self.goal


def interleaved_medians(runs: int, *measured: Callable[[], object]) -> list[float]:
    """The median seconds of each callable, run in turns so that a slow spell meets all alike."""
    seconds: list[list[float]] = [[] for _ in measured]
    for _ in range(runs):
        for index, call in enumerate(measured):
            start = time.perf_counter()
            call()
            seconds[index].append(time.perf_counter() - start)
    return [statistics.median(each) for each in seconds]


def write(area: str, rows: list[Row]) -> None:
    """Prints the rows and writes them to `build/compare/<area>.json`."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{area}.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print(f"{area} on {platform.machine()}, Python {platform.python_version()}")
    print(f"  {'case':<58} {'peer':>10} {'ours':>10} {'ratio':>7} {'goal':>6}")
    for row in rows:
        verdict = "holds" if row.holds else "MISSED"
        print(
            f"  {row.case:<58} {row.peer:>10.4g} {row.ours:>10.4g} {row.ratio:>7.3f} {row.goal:>6.2f}"
            f" {row.unit} {verdict}"
        )
