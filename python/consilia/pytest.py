"""Fixtures that count statements: `pytest_plugins = ["consilia.pytest"]`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from consilia import data


@pytest.fixture
def assert_queries() -> Callable[[data.Database, int], AbstractContextManager[data.QueryLog]]:
    """Fails unless a block runs so many statements; `consilia.data.assert_queries`."""
    return data.assert_queries


@pytest.fixture
def assert_no_repeats() -> Callable[[data.Database], AbstractContextManager[data.QueryLog]]:
    """Fails if a line of a block runs a statement in a loop; `consilia.data.assert_no_repeats`."""
    return data.assert_no_repeats
