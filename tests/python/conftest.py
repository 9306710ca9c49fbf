"""What the Python tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clinic import REPOSITORY, Clinic
from consilia import phantoms

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
