"""What does a panel of six full-size models take within a budget? Milliseconds an image, and memory.

Ours and the peers are programs of their own that take turns: `ensemble` (the engine), `torch_loop` (a plain
C++ loop over libtorch: all six resident, or each loaded, run and let go) and the founding pattern in Python.
The resident loop has the faster of libtorch's executors. What is loaded, run and let go is measured twice: as
such services are written, with libtorch as it comes, and tuned for it, with frozen modules and no profiling.
Batch 1, two threads. Then what cycles of load and unload leave behind, and the dispatcher under overload.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from inference.members import modules, packages, small_packages
from rows import OUTPUT, QUICK, ROOT, Row, Sample, write

PROGRAMS = ROOT / "build" / "release" / "benchmarks"
BUDGETS_MIB = (350, 400, 500, 700, 1000)
LARGEST_MIB = 350
"""Holds ViT-B/16, its activations and a few megabytes: the largest member and nothing else."""
THREADS = 2
PASSES, ROUNDS = (2, 1) if QUICK else (6, 3)
MIB = 1 << 20

Result = dict[str, Any]


def run(*command: str | Path) -> Result:
    """The JSON that a program prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'benchmarks/compare'}:{os.environ.get('PYTHONPATH', '')}",
    }
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words[:4])} …: {done.stderr.strip()[-400:]}")
    result: Result = json.loads(done.stdout)
    return result


def take_turns(works: dict[str, list[str | Path]]) -> dict[str, list[Result]]:
    """Runs every program `ROUNDS` times, in turns."""
    results: dict[str, list[Result]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, command in works.items():
            results[name].append(run(*command))
    return results


def sample(results: list[Result]) -> Sample:
    """Of all passes together, in seconds."""
    return Sample.of([ms / 1e3 for result in results for ms in result["passes_ms"]])


def works() -> dict[str, list[str | Path]]:
    """What is measured, by name."""
    files = modules()
    common = ["--passes", str(PASSES), "--threads", str(THREADS)]
    ours: list[str | Path] = [PROGRAMS / "ensemble", *common]
    loop: list[str | Path] = [PROGRAMS / "torch_loop"]
    founding: list[str | Path] = [sys.executable, "-m", "inference.founding"]
    torchscript, openvino = packages("torchscript"), packages("openvino")
    cache: list[str | Path] = ["--cache", OUTPUT / "members" / "cache"]
    cases: dict[str, list[str | Path]] = {
        "loop, plain": [*loop, "resident", *common, "--optimize", "0", *files["whole"]],
        "loop, profiled": [*loop, "resident", *common, "--optimize", "1", *files["whole"]],
        "reload": [*loop, "reload", *common, "--optimize", "1", *files["whole"]],
        "reload, tuned": [*loop, "reload", *common, "--optimize", "0", *files["frozen"]],
        "founding": [*founding, "networks", str(PASSES), str(THREADS), *files["weights"]],
        "founding, tuned": [*founding, "modules", str(PASSES), str(THREADS), *files["frozen"]],
        "resident": [*ours, "--budget-mib", "4000", *torchscript],
        "openvino": [*ours, "--budget-mib", "8000", *cache, *openvino],
        "openvino bf16": [*ours, "--budget-mib", "8000", *cache, "--precision", "bf16", *openvino],
    }
    for budget in BUDGETS_MIB:
        cases[f"{budget} MiB"] = [*ours, "--budget-mib", str(budget), *torchscript]
    return cases


def time_rows(samples: dict[str, Sample]) -> list[Row]:
    """Against each peer."""
    loop = min((samples["loop, plain"], samples["loop, profiled"]), key=lambda each: each.median)
    reload = samples["reload"]
    tight = samples[f"{LARGEST_MIB} MiB"]

    def row(case: str, ours: Sample, peer: Sample, goal: float | None, against: str) -> Row:
        return Row.of(case, ours, peer, goal, against=against, unit="ms")

    rows = [
        row("resident", samples["resident"], loop, 1.03, "C++ loop"),
        row("OpenVINO, f32", samples["openvino"], loop, 0.80, "C++ loop"),
        row("OpenVINO, bf16", samples["openvino bf16"], loop, 0.50, "C++ loop"),
        row("budget of the largest member", tight, samples["resident"], 1.25, "resident"),
        row("budget of the largest member", tight, reload, 0.33, "load-run-unload in C++"),
        row("budget of the largest member", tight, samples["reload, tuned"], None, "the same, tuned"),
        row("budget of the largest member", tight, samples["founding"], 0.18, "founding pattern"),
        row("budget of the largest member", tight, samples["founding, tuned"], None, "the same, tuned"),
    ]
    for budget in BUDGETS_MIB:
        rows.append(
            row(
                f"budget {budget} MiB",
                samples[f"{budget} MiB"],
                samples["reload, tuned"],
                1.0,
                "load-run-unload, tuned",
            )
        )
    for less, more in pairwise(BUDGETS_MIB):
        rows.append(
            row(f"budget {more} MiB", samples[f"{more} MiB"], samples[f"{less} MiB"], 1.0, f"{less} MiB")
        )
    return rows


def near(case: str, ours: float, peer: float, unit: str, within: float, against: str) -> Row:
    """A row whose goal lies on both sides of the peer."""
    row = Row(case, ours, peer, unit, 1 + within, against)
    row.holds = abs(row.ratio - 1) <= within
    return row


def plan_rows(results: dict[str, list[Result]], samples: dict[str, Sample]) -> list[Row]:
    """What was predicted beside what was measured, and what the process grew by beside the budget."""
    rows = []
    for budget in BUDGETS_MIB:
        name = f"{budget} MiB"
        plan = results[name][-1]["plan"]
        measured = samples[name].median * 1e3
        rows.append(near(f"planned time, {name}", plan["pass_ms"], measured, "ms", 0.15, "measured"))
        peak = results[name][-1]["steady_peak_bytes"] / MIB
        rows.append(
            near(f"planned peak, {name}", plan["peak_bytes"] / MIB, peak, "MiB", 0.05, "the ledger's peak")
        )
        growth = max(result["growth_bytes"] for result in results[name]) / MIB
        rows.append(Row(f"process grows, {name}", growth, budget, "MiB", 1.05, "budget"))
    return rows


def draw(samples: dict[str, Sample]) -> None:
    """The curve of time against budget, as `build/compare/inference.svg`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    times = [samples[f"{budget} MiB"].median * 1e3 for budget in BUDGETS_MIB]
    axes.plot(BUDGETS_MIB, times, marker="o", label="consilia, within the budget")
    for label, name, style in (
        ("load-run-unload in C++", "reload", "--"),
        ("the same, tuned", "reload, tuned", "--"),
        ("founding pattern in Python", "founding", ":"),
        ("all resident", "resident", "-."),
    ):
        level = samples[name].median * 1e3
        axes.axhline(level, linestyle=style, color="grey")
        axes.annotate(
            f"{label}: {level:.0f} ms", (BUDGETS_MIB[-1], level), ha="right", va="bottom", fontsize=8
        )
    axes.set(xlabel="budget, MiB", ylabel="an image through six models, ms", ylim=(0, None))
    axes.legend(loc="center right")
    figure.tight_layout()
    figure.savefig(OUTPUT / "inference.svg")


def cycle_rows() -> list[Row]:
    """What the process grows by in as many cycles of load, run and unload again as it had before."""
    cycles = 10 if QUICK else 500
    rows = []
    for format, package in small_packages().items():
        report = OUTPUT / "cycles.json"
        report.unlink(missing_ok=True)  # A suite that ends early must not be read as the one before.
        command = [
            ROOT / "build" / "release" / "tests" / "backends" / "backend_suite",
            f"--member={package}",
            f"--backends={ROOT / 'build' / 'release' / 'backends'}",
            f"--cycles={cycles}",
            "--gtest_filter=*ModelsThatAreClosedGiveTheirMemoryBack",
            f"--gtest_output=json:{report}",
        ]
        subprocess.run(command, check=False, capture_output=True)
        test = json.loads(report.read_text())["testsuites"][0]["testsuite"][0]
        growth = int(test["growth_bytes"]) / MIB
        rows.append(Row(f"{cycles} cycles, {format}", growth, 2.0, "MiB", 1.0, "growth allowed"))
    return rows


def overload_rows() -> list[Row]:
    """The dispatcher at three times its capacity, for a minute."""
    done = subprocess.run(
        [PROGRAMS / "overload", "3" if QUICK else "60"], check=False, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    return [
        Row(
            "overload: a request in time",
            1e3 / found["goodput_per_s"],
            1e3 / found["capacity_per_s"],
            "ms",
            1 / 0.95,
            "capacity",
        ),
        Row("overload: admitted, p99", found["latency_p99_ms"], found["deadline_ms"], "ms", 1.0, "deadline"),
        Row("overload: refused, p99.9", found["refused"]["p999_us"], 1e3, "µs", 1.0, "1 ms"),
    ]


def agreement(results: dict[str, list[Result]]) -> None:
    """How far OpenVINO's probabilities are from TorchScript's."""
    expected = results["resident"][-1]["opinions"]
    for name in ("openvino", "openvino bf16"):
        found = results[name][-1]["opinions"]
        most = max(abs(a - b) for id in expected for a, b in zip(expected[id], found[id], strict=True))
        print(f"  {name}: probabilities differ from TorchScript's by at most {most:.2g}")


def main() -> None:
    """Measures and writes `build/compare/inference.json` and `.svg`."""
    results = take_turns(works())
    samples = {name: sample(of_one) for name, of_one in results.items()}
    rows = [*time_rows(samples), *plan_rows(results, samples), *cycle_rows(), *overload_rows()]
    write(
        "inference",
        rows,
        {
            "torch": results["loop, plain"][-1]["version"],
            "engine": results["resident"][-1]["backend"],
            "OpenVINO": results["openvino"][-1]["backend"],
        },
    )
    for name, each in samples.items():
        print(f"  {name:<20} {each.median * 1e3:8.1f} ms, spread {100 * each.spread:.0f} %")
    agreement(results)
    draw(samples)


if __name__ == "__main__":
    main()
