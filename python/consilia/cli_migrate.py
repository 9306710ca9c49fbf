"""`consilia migrate`: the numbered files that bring a database from one form of the models to the next."""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from consilia import data

app = typer.Typer(
    help="Bring a database from one form of the models to the next, and back.", no_args_is_help=True
)

WORK_FOUND = 3  # The exit status of `--check`; 1 is an error, 2 a wrong command line.

DatabaseUrl = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="CONSILIA_DATABASE",
        help="sqlite:/path/to/file.db or postgresql://user@host/name",
    ),
]
Folder = Annotated[Path, typer.Option("--directory", help="Of the files.")]
ModelModules = Annotated[
    list[str], typer.Option("--models", help="A module with models: myapp.models. May be given again.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Sql = Annotated[bool, typer.Option("--sql", help="With the statements.")]
MayLose = Annotated[bool, typer.Option("--allow-data-loss", help="Columns and tables may go.")]


def import_here(name: str, hint: str) -> ModuleType:
    """Imports a module of the program that the command is run for, which may lie in the working directory.

    Raises:
        typer.BadParameter: It is not there, or fails.
    """
    sys.path.insert(0, str(Path.cwd()))
    try:
        return import_module(name)
    except (ImportError, ValueError) as error:
        raise typer.BadParameter(f"`{name}` is not imported: {error}", param_hint=hint) from None
    finally:
        sys.path.pop(0)


def find_models(names: Iterable[str]) -> list[Any]:
    """The models of modules, and those that they refer to.

    Raises:
        typer.BadParameter: A module has none, or one that refers to what is not there.
    """
    from consilia.data._model import Model, declaration_of, reachable

    def is_table(value: object) -> bool:
        return (
            isinstance(value, type) and issubclass(value, Model) and declaration_of(value).table is not None
        )

    found: list[type[Model]] = []
    for name in names:
        models = [value for value in vars(import_here(name, "--models")).values() if is_table(value)]
        if not models:
            raise typer.BadParameter(f"`{name}` has no models", param_hint="--models")
        try:
            for model in models:
                reachable(model, found)
        except TypeError as error:
            raise typer.BadParameter(f"`{name}`: {error}", param_hint="--models") from None
    return found


def _open(url: str, directory: Path, models: Sequence[Any] = ()) -> data.Migrations:
    from consilia import data

    return data.Migrations(data.Database(url), models, directory)


def _renames(texts: Iterable[str]) -> list[tuple[str, str, str]]:
    renames = []
    for text in texts:
        old, _, new = text.partition("=")
        table, _, column = old.partition(".")
        if not table or not new:
            raise typer.BadParameter(
                f"`{text}` is no rename; write `table.column=name` or `table=name`", param_hint="--rename"
            )
        renames.append((table, column, new))
    return renames


def _print(text: str, style: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True, highlight=False).print(Text(text, style))


def _print_steps(steps: Iterable[data.MigrationStep], sql: bool) -> None:
    migration = None
    for step in steps:
        if step.migration != migration:
            migration = step.migration
            _print(migration, "bold")
        for note in step.notes:
            _print(f"  {note}")
        if step.loses_data:
            _print("  (loses data)", "red")
        if sql:
            for statement in step.sql:
                _print(f"    {statement};", "cyan")


def _print_done(done: str, names: Sequence[str], otherwise: str) -> None:
    for name in names:
        _print(f"{done} {name}")
    if not names:
        _print(otherwise)


@app.command()
def make(
    title: Annotated[str, typer.Argument(help="Becomes part of the name: add_notes.")],
    models: ModelModules,
    directory: Folder = Path("migrations"),
    rename: Annotated[
        list[str] | None, typer.Option(help="What was renamed: table.column=name, or table=name.")
    ] = None,
    allow_data_loss: MayLose = False,
    dry_run: DryRun = False,
    check: Annotated[
        bool, typer.Option("--check", help="As --dry-run; status 3 if a file is missing.")
    ] = False,
) -> None:
    """Write the next file: what leads from the files to the models. No database is asked."""
    described = find_models(models)
    renames = _renames(rename or ())
    if not (dry_run or check):
        directory.mkdir(parents=True, exist_ok=True)
        path = _open("sqlite::memory:", directory, described).make(
            title, renames=renames, allows_data_loss=allow_data_loss
        )
        _print("the files give the models already" if path is None else f"wrote {path}")
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "migrations"
        if directory.exists():
            shutil.copytree(directory, copy)
        else:
            copy.mkdir()
        path = _open("sqlite::memory:", copy, described).make(
            title, renames=renames, allows_data_loss=allow_data_loss
        )
        if path is None:
            _print("the files give the models already")
            return
        _print(f"would write {directory / path.name}:")
        typer.echo(path.read_text(encoding="utf-8"))
    if check:
        raise typer.Exit(WORK_FOUND)


@app.command()
def plan(
    database: DatabaseUrl,
    directory: Folder = Path("migrations"),
    to: Annotated[str, typer.Option(help="The last one; all without it.")] = "",
    sql: Sql = False,
    check: Annotated[bool, typer.Option("--check", help="Status 3 if anything would be applied.")] = False,
) -> None:
    """Print what `apply` would do."""
    steps = _open(database, directory).plan(to)
    _print_steps(steps, sql)
    if not steps:
        _print("everything is applied")
    elif check:
        raise typer.Exit(WORK_FOUND)


@app.command()
def apply(
    database: DatabaseUrl,
    directory: Folder = Path("migrations"),
    to: Annotated[str, typer.Option(help="The last one; all without it.")] = "",
    dry_run: DryRun = False,
    sql: Sql = False,
) -> None:
    """Apply what has not been applied. Any number of processes may do so at once."""
    migrations = _open(database, directory)
    if dry_run or sql:
        _print_steps(migrations.plan(to), sql)
    if not dry_run:
        _print_done("applied", migrations.migrate(to), "everything is applied")


@app.command()
def back(
    database: DatabaseUrl,
    to: Annotated[str, typer.Argument(help="The migration that is to be the newest.")] = "",
    directory: Folder = Path("migrations"),
    everything: Annotated[bool, typer.Option("--all", help="Undo all of them.")] = False,
    allow_data_loss: MayLose = False,
    dry_run: DryRun = False,
    sql: Sql = False,
) -> None:
    """Undo the newest migrations, until the named one is the newest."""
    if bool(to) == everything:
        raise typer.BadParameter("name the migration to go back to, or say --all", param_hint="TO")
    migrations = _open(database, directory)
    if dry_run or sql:
        _print_steps(migrations.plan_rollback(to), sql)
    if not dry_run:
        undone = migrations.rollback(to, allows_data_loss=allow_data_loss)
        _print_done("undid", undone, "there is nothing to undo")


@app.command()
def adopt(
    database: DatabaseUrl,
    directory: Folder = Path("migrations"),
    to: Annotated[str, typer.Option(help="The last one; all without it.")] = "",
) -> None:
    """Mark migrations as applied, for tables that are there already and are what they give."""
    _print_done("adopted", _open(database, directory).adopt(to), "everything is applied")


@app.command()
def status(
    database: DatabaseUrl,
    directory: Folder = Path("migrations"),
    check: Annotated[bool, typer.Option("--check", help="Status 3 if one is not applied.")] = False,
) -> None:
    """List the migrations, and whether each was applied."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    found = _open(database, directory).status()
    table = Table("migration", "applied", box=box.SIMPLE_HEAD)
    table.add_column("ms", justify="right")
    for each in found:
        cells: tuple[Any, ...] = ("[yellow]not yet[/]", "")
        if each.applied_at is not None:
            cells = (f"{each.applied_at:%Y-%m-%d %H:%M:%S} UTC", str(each.duration_ms))
        table.add_row(each.name, *cells)
    Console(highlight=False).print(table if found else "there are no migrations")
    if check and any(each.applied_at is None for each in found):
        raise typer.Exit(WORK_FOUND)
