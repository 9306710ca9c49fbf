"""What the Python tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic import REPOSITORY, Clinic
from command_line import Done, Run
from consilia import cli, phantoms
from postgres_server import PostgresServer, run_postgres

# Read when the first model runs, here and in what the tests start. The models are small: on a busy machine a
# second thread is waited for much longer than it computes.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process, which has the models loaded already."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "dumb")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["consilia", *map(str, arguments)])
        try:
            cli.main()
            status: object = 0
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        return Done(int(status or 0), printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four phantoms, one of each class."""
    return phantoms.write_phantoms(tmp_path_factory.mktemp("phantoms"), count=4, seed=7)


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A phantom as JPEG."""
    return (REPOSITORY / "tests" / "support" / "phantom.jpg").read_bytes()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server that the tests of a run share; started when first asked for."""
    with run_postgres() as server:
        yield server
