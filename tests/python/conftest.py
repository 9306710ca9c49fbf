"""What the Python tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic import REPOSITORY, Clinic
from consilia import phantoms
from postgres_server import PostgresServer, run_postgres

# Read when the first model runs, here and in what the tests start. The models are small: on a busy machine a
# second thread is waited for much longer than it computes.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


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
