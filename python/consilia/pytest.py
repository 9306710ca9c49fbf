"""Fixtures that count statements: `pytest_plugins = ["consilia.pytest"]`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from consilia import data


@pytest.fixture
def assert_queries() -> Callable[[data.Database, int], AbstractContextManager[data.QueryLog]]:
    """`with assert_queries(db, 2): …` fails unless the block runs exactly two statements."""
    return data.assert_queries


@pytest.fixture
def assert_no_repeats() -> Callable[[data.Database], AbstractContextManager[data.QueryLog]]:
    """`with assert_no_repeats(db): …` fails if a line of the block runs a statement in a loop."""
    return data.assert_no_repeats
