"""What does importing cost? A web worker, a command line and a test run pay it each time they start.

Each case is a fresh interpreter; ours and the peer's run in turns, the median is taken. The bare interpreter
is part of both. Peers that are not installed are left out (`.ci/setup compare` installs them).
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from rows import Row, Sample, Work, interleaved, write

RUNS = 21
IMPORT_MS_MAX = 60.0
"""The promise: `import consilia` takes less, the interpreter's own start included."""

OURS = "import consilia"
OURS_READY = "from consilia.screening import Service"
# Case, ours, the peer's package, the peer's code, the most that ours may be of it.
CASES = [
    ("import consilia / the bare interpreter", OURS, "sys", "pass", 1.5),
    ("import consilia / import sqlite3", OURS, "sqlite3", "import sqlite3", 1.0),
    ("import consilia / import sqlalchemy.orm", OURS, "sqlalchemy", "import sqlalchemy.orm", 0.5),
    ("import consilia / import django.db.models", OURS, "django", "import django.db.models", 0.5),
    ("the service's classes / sqlalchemy.orm", OURS_READY, "sqlalchemy", "import sqlalchemy.orm", 1.0),
    ("the service's classes / django.db.models", OURS_READY, "django", "import django.db.models", 1.0),
]


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    rows = []
    for case, ours, package, peer, goal in CASES:
        if importlib.util.find_spec(package) is None:
            print(f"startup: {package} is not installed, so `{case}` is left out")
            continue
        measured = interleaved(RUNS, [Work(lambda ours=ours: run(ours)), Work(lambda peer=peer: run(peer))])
        rows.append(Row.of(case, *measured, goal, against=package, unit="ms"))
    (alone,) = interleaved(RUNS, [Work(lambda: run(OURS))])
    promised = Sample(IMPORT_MS_MAX / 1e3)
    rows.append(Row.of("import consilia", alone, promised, 1.0, against="the promise", unit="ms"))
    write("startup", rows)


if __name__ == "__main__":
    main()
