"""Programs of benchmarks in C++, run for a comparison."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping

from rows import OUTPUT, QUICK, ROOT, Sample

REPETITIONS, SECONDS = (2, 0.001) if QUICK else (15, 0.1)
"""How often each case is measured, and how long at least each time."""


def measure(name: str, pattern: str, environment: Mapping[str, str] | None = None) -> dict[str, Sample]:
    """Runs the cases of a program whose names match, repetitions in random order; gives them by name."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    output = OUTPUT / f"{name}.json"
    run = subprocess.run(
        [
            ROOT / "build" / "release" / "benchmarks" / name,
            f"--benchmark_filter={pattern}",
            f"--benchmark_repetitions={REPETITIONS}",
            f"--benchmark_min_time={SECONDS}",
            "--benchmark_enable_random_interleaving=true",
            f"--benchmark_out={output}",
            "--benchmark_out_format=json",
        ],
        check=False,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise RuntimeError(f"{name} ended with {run.returncode}: {run.stderr}")
    nanoseconds = {"ns": 1, "us": 1e3, "ms": 1e6}
    seconds: dict[str, list[float]] = defaultdict(list)
    for repetition in json.loads(output.read_text())["benchmarks"]:
        if repetition["run_type"] != "iteration":
            continue
        if repetition.get("error_occurred"):
            raise RuntimeError(f"{repetition['name']}: {repetition['error_message']}")
        taken = repetition["real_time"] * nanoseconds[repetition["time_unit"]] / 1e9
        seconds[repetition["name"].removesuffix("/real_time")].append(taken)
    return {case: Sample.of(taken) for case, taken in seconds.items()}
