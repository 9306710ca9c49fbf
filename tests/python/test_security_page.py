"""Whatever docs/security.md says that a test shows, such a test exists."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CPP = re.compile(r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST)\((\w+),\s*(\w+)\)", re.MULTILINE)
PYTHON = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def existing_tests() -> set[str]:
    names: set[str] = set()
    for file in (REPOSITORY / "tests").rglob("*_test.cpp"):
        names |= {".".join(found) for found in CPP.findall(file.read_text(encoding="utf-8"))}
    for file in (REPOSITORY / "tests" / "python").rglob("test_*.py"):
        names |= set(PYTHON.findall(file.read_text(encoding="utf-8")))
    return names


def test_the_tests_that_the_security_page_names_exist() -> None:
    page = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [line.rsplit("|", 2)[1] for line in page.splitlines() if re.match(r"\| \d+\.\d", line)]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert len(rows) == 35
    assert sorted(named - existing_tests()) == []
