"""What does the data layer cost, in C++ and in Python, beside what people use today?

All work on one file (`benchmarks/clinic`), warm; every row is a ratio of medians of runs taken in turns.
"""

from __future__ import annotations

import sqlite3

from data import clinic, native
from rows import write


def main() -> None:
    database = clinic.make()
    rows = native.rows(native.measure(database))
    write("data", rows, {"SQLite": sqlite3.sqlite_version})


if __name__ == "__main__":
    main()
