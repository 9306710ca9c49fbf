"""What does the data layer cost, in C++ and in Python, beside what people use today?

All work on one file (`benchmarks/clinic`), warm, or on one server with the same records; every row is a ratio
of medians of runs taken in turns. Everyone must give the same results, and SQLite must run the same plans.
"""

from __future__ import annotations

import sqlite3
from importlib.metadata import version

from rows import on_one_processor, write

from . import clinic, native, postgres, python, python_postgres

PEERS = ["django", "sqlalchemy", "psycopg", "orjson", "pyarrow"]


def main() -> None:
    on_one_processor()
    rows = native.rows(native.measure(clinic.make()))
    rows += python.rows()
    with postgres.server() as url:
        postgres.make(url)
        rows += python_postgres.rows(url)
        server = postgres.version(url)
    versions = {"SQLite": sqlite3.sqlite_version, "PostgreSQL": server}
    write("data", rows, versions | {name: version(name) for name in PEERS})


if __name__ == "__main__":
    main()
