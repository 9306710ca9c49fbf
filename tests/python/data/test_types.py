"""The package's types hold: a strict checker understands models, and the stub says what is there."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from consilia import data

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]


def test_a_strict_type_checker_understands_models_and_refuses_mistakes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(HERE / "typed_use.py")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


STUB = ast.parse(Path(data.__file__).with_suffix(".pyi").resolve().read_text(encoding="utf-8"))


def names_in_stub(name: str) -> set[str]:
    """Of a class and of those above it in the stub."""
    found: set[str] = set()
    for node in STUB.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            for base in node.bases:
                found |= names_in_stub(base.id) if isinstance(base, ast.Name) else set()
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.add(member.name)
                elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                    found.add(member.target.id)
    return {each for each in found if not each.startswith("_")}


@pytest.mark.parametrize(
    "name",
    [
        "Chunks",
        "Database",
        "History",
        "LeftOut",
        "Listener",
        "MigrationStatus",
        "MigrationStep",
        "Migrations",
        "Model",
        "Notification",
        "Query",
        "QueryLog",
        "ReadScope",
        "Rows",
        "Savepoint",
        "Schema",
        "Transaction",
    ],
)
def test_a_class_has_the_names_that_its_stub_has(name: str) -> None:
    made = getattr(data, name)
    own = {each for each in dir(made) if not each.startswith("_")}
    if issubclass(made, list):
        own -= set(dir(list))
    assert own == names_in_stub(name)


def test_the_awaitable_twin_has_the_names_that_its_stub_has(tmp_path: Path) -> None:
    aio = data.Database(f"sqlite:{tmp_path / 'a.db'}").aio
    assert [name for name in names_in_stub("AsyncDatabase") if not hasattr(aio, name)] == []
    every = {name for made in (data.Database, data.Query, data.History) for name in dir(made)}
    assert {name for name in every if hasattr(aio, name) and not name.startswith("_")} <= names_in_stub(
        "AsyncDatabase"
    )
