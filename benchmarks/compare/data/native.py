"""C++ beside the C APIs of the databases: the pairs of `data_bench`, repetitions in random order."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import program
from rows import QUICK, ROOT, Row, Sample

SQLITE = "sqlite3 C API"
LIBPQ = "libpq"
# Case, the name in the program, ours in it, the peers in it (the fastest is meant), what they are, the goal.
PAIRS = [
    ("get by primary key", "Get/100000", "ours", ["raw"], SQLITE, 1.10),
    ("get in one snapshot", "GetInSnapshot/100000", "ours", ["raw"], SQLITE, 1.10),
    ("page of 25, three joins", "PageOf25With3Joins/100000", "ours", ["raw"], SQLITE, 1.10),
    ("page of 25, built anew", "PageOf25With3Joins/100000", "ours_built_anew", ["raw"], SQLITE, None),
    ("page of 25 as JSON", "PageOf25With3Joins/100000", "ours_as_json", ["raw"], SQLITE, None),
    ("prefetch 100 / 500 / 1000", "Prefetch100x500x1000/100000", "ours", ["raw", "raw_each"], SQLITE, 1.10),
    ("insert 10,000 records", "Insert10000/100000", "ours", ["raw"], SQLITE, 1.10),
    ("bulk insert of 10,000", "Bulk10000/100000", "ours", ["raw"], SQLITE, 1.05),
    ("bulk insert of 10,000 as values", "Bulk10000/100000", "ours_as_values", ["raw"], SQLITE, None),
    ("stream 100,000", "Stream/100000", "ours", ["raw"], SQLITE, 1.10),
    ("stream 100,000, all held", "Stream/100000", "ours_held", ["raw"], SQLITE, None),
    ("PostgreSQL get by primary key", "Postgres/GetByPrimaryKey/100000", "ours", ["raw"], LIBPQ, 1.10),
    ("PostgreSQL page of 25", "Postgres/PageOf25WithJoin/100000", "ours", ["raw"], LIBPQ, 1.10),
    ("PostgreSQL page, as cells", "Postgres/PageOf25WithJoin/100000", "ours_as_cells", ["raw"], LIBPQ, None),
    ("PostgreSQL COPY of 10,000", "Postgres/Copy10000/0", "ours", ["raw"], LIBPQ, 1.10),
    ("PostgreSQL 100 pipelined reads", "Postgres/Pipeline100Gets/100000", "ours", ["raw"], LIBPQ, None),
    ("PostgreSQL stream 100,000", "Postgres/Stream/100000", "ours", ["raw_held", "raw_single"], LIBPQ, None),
    ("keyset page 200", "KeysetPage/100000", "number:200", ["number:1"], "keyset page 1", 1.10),
]
# Case, the name in the program, how many it does at once, the most microseconds of one.
LIMITS = [
    ("build a query that is known", "BuildKnownQuery/100000", 1, 1.0),
    ("PostgreSQL a pipelined read", "Postgres/Pipeline100Gets/100000", 100, 10.0),
]
COMPILE_S_MAX = 5.0


def measure(database: Path) -> dict[str, Sample]:
    """Runs the program on the file; gives what it measured by name, without `Data/`."""
    wanted = "|".join(sorted({name for _, name, *_ in (*PAIRS, *LIMITS)}))
    samples = program.measure("data_bench", f"^Data/({wanted})/", {"CONSILIA_CLINIC": str(database)})
    return {name.removeprefix("Data/"): sample for name, sample in samples.items()}


def compile_row() -> Row:
    """A unit that uses queries, compiled alone, in seconds of processor time."""
    unit = ROOT / "benchmarks" / "compile_unit.cpp"
    command = ["c++", "-std=c++20", "-O2", f"-I{ROOT / 'include'}", "-c", unit, "-o", os.devnull]
    seconds = []
    for _ in range(1 if QUICK else 5):
        before = os.times().children_user
        subprocess.run(command, check=True)
        seconds.append(os.times().children_user - before)
    limit = Sample(COMPILE_S_MAX)
    against = f"{COMPILE_S_MAX:g} s"
    return Row.of(
        "C++: compile a unit that queries", Sample.of(seconds), limit, 1.0, against=against, unit="s"
    )


def rows(samples: dict[str, Sample]) -> list[Row]:
    """The rows of all pairs and limits."""
    made = [compile_row()]
    for case, name, ours, peers, against, goal in PAIRS:
        peer = min((samples[f"{name}/{each}"] for each in peers), key=lambda sample: sample.median)
        made.append(Row.of(f"C++: {case}", samples[f"{name}/{ours}"], peer, goal, against=against))
    for case, name, count, microseconds in LIMITS:
        taken = samples[f"{name}/ours"]
        one = Sample(taken.median / count, taken.spread)
        limit = Sample(microseconds / 1e6)
        made.append(Row.of(f"C++: {case}", one, limit, 1.0, against=f"{microseconds:g} µs"))
    return made
