"""`consilia migrate` as a person types it: each command, its exit status, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Run
from consilia import data
from postgres_server import PostgresServer

MODELS = """
from consilia import data
from consilia.data import Column, Key, Reference

class Owner(data.Model, table="owners"):
    id: Key
    name: Column[str]
    favourite: Reference["Pet | None"]

class Pet(data.Model, table="pets"):
    id: Key
    {column}: Column[str]
    owner: Reference[Owner]
"""


class Program:
    """A program with models, in the working directory."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = ("--database", url)
        self.models = ("--models", "shelter.models")
        Path("shelter").mkdir()
        self.write("called")

    def write(self, column: str) -> None:
        Path("shelter/models.py").write_text(MODELS.format(column=column), encoding="utf-8")
        forget()

    def tables(self) -> list[str]:
        return [
            table for table in data.reflect(data.Database(self.url)).tables if table != "consilia_migrations"
        ]


def forget() -> None:
    for name in ("shelter.models", "shelter"):
        sys.modules.pop(name, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def program(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # The module is written anew within a second.
    url = "sqlite:shelter.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create_database()
    yield Program(url)
    forget()


@pytest.fixture
def applied(program: Program, run: Run) -> Program:
    assert run("migrate", "make", "initial", *program.models).status == 0
    assert run("migrate", "apply", *program.database).status == 0
    return program


def test_make_writes_a_file_once(program: Program, run: Run) -> None:
    made = run("migrate", "make", "initial", *program.models)
    assert (made.status, made.out) == (0, "wrote migrations/0001_initial.json\n"), made.err
    written = json.loads(Path("migrations/0001_initial.json").read_text(encoding="utf-8"))
    assert {step["table"] for step in written["operations"]} == {"owners", "pets"}
    again = run("migrate", "make", "again", *program.models)
    assert (again.status, again.out) == (0, "the files give the models already\n")
    assert program.tables() == [], "make asks no database"


def test_make_shows_what_it_would_write(program: Program, run: Run) -> None:
    dry = run("migrate", "make", "initial", *program.models, "--dry-run")
    assert dry.status == 0
    assert "would write migrations/0001_initial.json" in dry.out
    assert '"create_table"' in dry.out
    assert run("migrate", "make", "initial", *program.models, "--check").status == 3
    assert not Path("migrations").exists()
    run("migrate", "make", "initial", *program.models)
    assert run("migrate", "make", "more", *program.models, "--check").status == 0


def test_plan_and_apply(program: Program, run: Run) -> None:
    run("migrate", "make", "initial", *program.models)
    planned = run("migrate", "plan", *program.database, "--sql", "--check")
    assert planned.status == 3
    assert planned.out.startswith("0001_initial\n")
    assert "CREATE TABLE" in planned.out
    assert "CREATE TABLE" not in run("migrate", "plan", *program.database).out
    dry = run("migrate", "apply", *program.database, "--dry-run")
    assert (dry.status, program.tables()) == (0, [])
    assert "pets" in dry.out
    done = run("migrate", "apply", *program.database)
    assert (done.status, done.out) == (0, "applied 0001_initial\n"), done.err
    assert program.tables() == ["owners", "pets"]
    assert run("migrate", "apply", *program.database).out == "everything is applied\n"
    planned = run("migrate", "plan", *program.database, "--check")
    assert (planned.status, planned.out) == (0, "everything is applied\n")


def test_a_rename_is_said_and_data_is_kept(applied: Program, run: Run) -> None:
    applied.write("name")
    refused = run("migrate", "make", "names", *applied.models)
    assert refused.status == 1
    assert "(migration.data_loss)" in refused.err
    made = run("migrate", "make", "names", *applied.models, "--rename", "pets.called=name")
    assert (made.status, made.out) == (0, "wrote migrations/0002_names.json\n"), made.err
    done = run("migrate", "apply", *applied.database, "--sql")
    assert (done.status, done.out.count("RENAME COLUMN")) == (0, 1), done.err
    wrong = run("migrate", "make", "more", *applied.models, "--rename", "pets")
    assert wrong.status == 2
    assert "no rename" in wrong.err


def test_back_undoes_and_refuses_to_lose_data_unsaid(applied: Program, run: Run) -> None:
    refused = run("migrate", "back", *applied.database, "--all")
    assert refused.status == 1
    assert "data would be lost" in refused.err
    dry = run("migrate", "back", *applied.database, "--all", "--dry-run", "--sql")
    assert dry.status == 0
    assert "(loses data)" in dry.out
    assert "DROP TABLE" in dry.out
    assert applied.tables() == ["owners", "pets"]
    done = run("migrate", "back", *applied.database, "--all", "--allow-data-loss")
    assert (done.status, done.out) == (0, "undid 0001_initial\n"), done.err
    assert applied.tables() == []
    assert run("migrate", "back", *applied.database, "--all").out == "there is nothing to undo\n"
    for options in ((), ("0001_initial", "--all")):
        assert run("migrate", "back", *applied.database, *options).status == 2


def test_back_stops_at_the_named_one(applied: Program, run: Run) -> None:
    applied.write("name")
    run("migrate", "make", "names", *applied.models, "--rename", "pets.called=name")
    assert run("migrate", "apply", *applied.database, "--to", "0002_names").status == 0
    done = run("migrate", "back", *applied.database, "0001_initial")
    assert (done.status, done.out) == (0, "undid 0002_names\n"), done.err
    unknown = run("migrate", "back", *applied.database, "0007_lucky")
    assert unknown.status == 1
    assert "(migration.unknown)" in unknown.err


def test_status_lists_what_was_applied_and_what_was_not(applied: Program, run: Run) -> None:
    listed = run("migrate", "status", *applied.database, "--check")
    assert listed.status == 0
    assert "0001_initial" in listed.out
    assert "UTC" in listed.out
    applied.write("name")
    run("migrate", "make", "names", *applied.models, "--allow-data-loss")
    listed = run("migrate", "status", *applied.database, "--check")
    assert listed.status == 3
    assert "not yet" in next(line for line in listed.out.splitlines() if "0002_names" in line)
    assert run("migrate", "status", *applied.database).status == 0


def test_tables_that_are_there_are_adopted(program: Program, run: Run) -> None:
    run("migrate", "make", "initial", *program.models)
    refused = run("migrate", "adopt", *program.database)
    assert refused.status == 1
    assert "(migration.drift)" in refused.err
    sys.path.insert(0, str(Path.cwd()))
    from shelter.models import Owner, Pet  # type: ignore[import-not-found]

    sys.path.pop(0)
    data.Database(program.url).create_tables(Pet, Owner)
    done = run("migrate", "adopt", *program.database)
    assert (done.status, done.out) == (0, "adopted 0001_initial\n"), done.err


def test_drift_names_every_difference(applied: Program, run: Run) -> None:
    database = data.Database(applied.url)
    database.execute("ALTER TABLE pets ADD COLUMN age bigint")
    database.execute("ALTER TABLE owners ADD COLUMN age bigint")
    refused = run("migrate", "plan", *applied.database)
    assert refused.status == 1
    assert "(migration.drift)" in refused.err
    assert {"owners", "pets"} <= {word.strip("`:") for word in refused.err.split()}


def test_wrong_command_lines_say_what_is_wrong(program: Program, run: Run, tmp_path: Path) -> None:
    Path("empty.py").write_text("", encoding="utf-8")
    Path("broken.py").write_text("import nothing_like_it", encoding="utf-8")
    lost = MODELS.replace("Reference[Owner]", "Reference[Nobody]").format(column="called")
    Path("lost.py").write_text("from __future__ import annotations" + lost, encoding="utf-8")
    for module, message in [
        ("lost", "leads to `Nobody`"),
        ("nowhere", "not imported"),
        ("broken", "nothing_like_it"),
        ("empty", "has no models"),
        ("", "not imported"),
    ]:
        done = run("migrate", "make", "initial", "--models", module)
        assert done.status == 2
        assert message in " ".join(done.err.split())
    assert run("migrate", "make", "initial").status == 2
    assert run("migrate", "status").status == 2, "no database"
    none = run("migrate", "status", *program.database)
    assert none.status == 1
    assert "(migration.directory)" in none.err
    assert "(migration.title)" in run("migrate", "make", "No Title", *program.models).err
    assert "(database.url)" in run("migrate", "plan", "--database", "nothing").err


def test_the_database_may_be_in_the_environment(
    applied: Program, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSILIA_DATABASE", applied.url)
    assert run("migrate", "status", "--check").status == 0
    assert applied.url not in run("migrate", "status", "--help").out
