"""The command line: `consilia`, or `python -m consilia`. What a command needs is imported when it runs."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from consilia.cli_dicom import app as dicom_app
from consilia.cli_migrate import app as migrate_app
from consilia.cli_migrate import import_here
from consilia.cli_policy import app as policy_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from consilia import demo as demo_module
    from consilia.pack import Format, Precision

app = typer.Typer(
    help="Records, access rules, checked uploads and a panel of models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Members of ensembles.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(migrate_app, name="migrate")
app.add_typer(policy_app, name="policy")
app.add_typer(dicom_app, name="dicom")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int:
    """Bytes of `512MiB`, `1.5GB` or `4096`; `Ki` steps are 1024, `K` steps 1000.

    Raises:
        typer.BadParameter: The text is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"`{text}` is no size; write `512MiB`, `1.5GB` or a number of bytes")
    number, prefix, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[prefix.upper()])


def format_size(size_bytes: float) -> str:
    """`12.3 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.2f} GiB"


@app.command()
def version() -> None:
    """Print the version."""
    from consilia import __version__

    typer.echo(__version__)


@app.command()
def demo(
    images: Annotated[Path | None, typer.Option(help="Folder of JPEG and PNG images.")] = None,
    budget: Annotated[
        str, typer.Option(help="Most memory that models may take: 512MiB. 0: enough for all at once.")
    ] = "0",
    report: Annotated[Path | None, typer.Option(help="Write a self-contained HTML report here.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many images.")] = None,
    members: Annotated[Path | None, typer.Option(help="Folder of member packages.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of one model's run. 0: as the machine has.")] = 1,
    data: Annotated[
        Path | None, typer.Option(help="Keep database and files here; else they are removed.")
    ] = None,
    heat_maps: Annotated[
        int, typer.Option(min=0, help="Show where the panel looked, of at most so many cases.")
    ] = 0,
) -> None:
    """Run the main job: receive images, have six models judge each, list the outcome to four people."""
    from rich.console import Console

    from consilia import demo as job

    options = job.Options(
        images=images,
        budget_bytes=parse_size(budget),
        threads=threads,
        limit=limit,
        data=data,
        heat_maps=heat_maps,
    )
    if members is not None:
        options = replace(options, members=members)
    console = Console()
    console.print(f"[bold yellow]{job.CAVEAT}[/]")
    outcome = _run_with_bar(console, options)
    _print_outcome(console, outcome)
    if report is not None:
        from consilia.report import write_report

        write_report(report, outcome)
        console.print(f"report: {report} ({format_size(report.stat().st_size)})")


def _run_with_bar(console: Console, options: demo_module.Options) -> demo_module.Outcome:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from consilia import demo as job

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def progress(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what or "done")

        return job.run(options, progress)


def _print_outcome(console: Console, outcome: demo_module.Outcome) -> None:
    from rich import box
    from rich.table import Table

    console.print(f"\n[bold]{len(outcome.cases)} images judged[/] — {outcome.source}")
    if outcome.duplicates:
        console.print(f"{outcome.duplicates} duplicates were recognised by their hash")
    for refusal in outcome.refused:
        console.print(f"  refused: {refusal['name']} — {refusal['reason']} [dim]({refusal['code']})[/]")
    for title, view in outcome.views.items():
        opinions = "with" if "opinions" in view["fields"] else "without"
        fields = f"{len(view['fields'])} fields, {opinions} single opinions"
        table = Table(title=f"{title}: sees {view['count']} predictions and {fields}", box=box.SIMPLE_HEAD)
        for heading in ("id", "record", "image", "status", "diagnosis", "conf.", "review"):
            # Where the terminal is narrow the names of the images are cut, and nothing else.
            table.add_column(
                heading,
                justify="right" if heading in {"id", "conf."} else "left",
                no_wrap=heading != "image",
                overflow="ellipsis",
            )
        for row in view["rows"]:
            table.add_row(*_cells(row))
        console.print(table)
    engine, timings = outcome.engine, outcome.timings_s
    budget = engine["budget_bytes"]
    console.print(
        f"memory of models: peak {format_size(engine['peak_bytes'])} of a budget of {format_size(budget)}"
    )
    per_image = timings["work"] / max(1, len(outcome.cases))
    console.print(
        f"time: submit {timings['submit']:.2f} s, judge {timings['work']:.2f} s"
        f" ({per_image * 1000:.0f} ms an image), list {timings['list'] * 1000:.0f} ms"
    )


def _cells(row: dict[str, object]) -> list[str]:
    xray = row.get("xray")
    patient = xray.get("patient") if isinstance(xray, dict) else None
    confidence = row.get("confidence")
    return [
        str(row["id"]),
        str(patient.get("record_number", "")) if isinstance(patient, dict) else "",
        str(xray.get("client_name", "")) if isinstance(xray, dict) else "",
        str(row["status"]),
        str(row.get("diagnosis") or row.get("failure_code") or ""),
        f"{confidence:.2f}" if isinstance(confidence, float) else "",
        "yes" if row.get("needs_review") else "",
    ]


@app.command()
def work(
    database: Annotated[str, typer.Option(help="sqlite:/path/to/records.db")],
    files: Annotated[Path, typer.Option(help="Directory of the stored images.")],
    members: Annotated[Path, typer.Option(help="Folder of member packages.")],
    budget: Annotated[str, typer.Option(help="Most memory that models may take.")] = "0",
    threads: Annotated[int, typer.Option(min=0, help="Of one model's run. 0: as the machine has.")] = 0,
    max_tasks: Annotated[int | None, typer.Option(min=1, help="Stop after this many.")] = None,
) -> None:
    """Work the queue of a service until it is empty."""
    from consilia import screening

    service = screening.Service(
        database=database,
        files=files,
        members=sorted(members.glob("*.member")),
        budget_bytes=parse_size(budget),
        threads=threads,
    )
    summary = service.work(max_tasks=max_tasks)
    typer.echo(
        f"completed {summary.completed}, failed {summary.failed},"
        f" deferred {summary.deferred}, lost {summary.lost}"
    )


@app.command()
def explain(
    image: Annotated[Path, typer.Argument(help="A JPEG or PNG.")],
    members: Annotated[Path, typer.Option(help="Folder of member packages.")],
    out: Annotated[Path, typer.Option(help="PNG that is written: the heat map over the image.")],
    bare: Annotated[Path | None, typer.Option(help="PNG of the heat map by itself.")] = None,
    member: Annotated[str, typer.Option(help="Id of one member. Empty: the whole panel.")] = "",
    class_name: Annotated[str, typer.Option("--class", help="Empty: the diagnosis.")] = "",
    method: Annotated[str, typer.Option(help="occlusion or random_masks.")] = "occlusion",
    masks: Annotated[int, typer.Option(min=1, help="Of random_masks.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of random_masks.")] = 0,
    budget: Annotated[str, typer.Option(help="Most memory that models may take.")] = "0",
    threads: Annotated[int, typer.Option(min=0, help="Of one model's run. 0: as the machine has.")] = 0,
) -> None:
    """Draw where a member, or the whole panel, looked."""
    from rich.console import Console
    from rich.progress import Progress

    from consilia import inference

    engine = inference.Engine(
        sorted(members.glob("*.member")), budget_bytes=parse_size(budget), threads=threads
    )
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(method, total=None)
        made = inference.explain(
            engine,
            image,
            member_id=member,
            class_name=class_name,
            method=method,
            masks=masks,
            seed=seed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    out.write_bytes(made.draw_over_png(image))
    if bare is not None:
        bare.write_bytes(made.draw_png())
    typer.echo(
        f"{made.class_name} ({made.probability:.2f}) by {member or 'the panel'}, {method}:"
        f" {made.min:.4f} to {made.max:.4f}"
    )


@app.command(name="list")
def list_predictions(
    database: Annotated[str, typer.Option(help="sqlite:/path/to/records.db")],
    files: Annotated[Path, typer.Option(help="Directory of the stored images.")],
    user_id: Annotated[int, typer.Option(help="On whose behalf.")],
    role: Annotated[str, typer.Option(help="admin, staff or patient.")],
    where: Annotated[str, typer.Option(help="A filter: status = 'completed' and confidence < 0.9")] = "",
    page: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Print the page of predictions that somebody may see, as JSON."""
    from consilia import screening

    service = screening.Service(database=database, files=files)
    page_json = service.list_json(screening.Principal(user_id, role), where=where, page=page)
    typer.echo(json.dumps(json.loads(page_json), indent=2, ensure_ascii=False))


@app.command()
def pack(
    module: Annotated[str, typer.Argument(help="`package.module:callable` that returns a torch module.")],
    out: Annotated[Path, typer.Argument(help="Folder that gets `<id>.member`.")],
    member_id: Annotated[str, typer.Option("--id", help="Of the member: lower-case letters, digits, `_`.")],
    classes: Annotated[str, typer.Option(help="Names in the order of the logits, separated by commas.")],
    pipeline: Annotated[Path, typer.Option(help="JSON file of the input pipeline.")],
    shape: Annotated[str, typer.Option(help="Of one input: C,H,W.")] = "3,224,224",
    architecture: Annotated[str, typer.Option(help="For people.")] = "",
    format: Annotated[str, typer.Option(help="Of the code: docs/members.md lists them.")] = "torchscript",
    precision: Annotated[str, typer.Option(help="What it computes in: f32, bf16 or f16.")] = "f32",
) -> None:
    """Make a member package from a torch module."""
    from consilia import pack as packing

    made = packing.pack(
        _find_callable(module)(),
        out,
        id=member_id,
        architecture=architecture or member_id,
        example_input_shape=parse_shape(shape),
        pipeline=json.loads(pipeline.read_text(encoding="utf-8")),
        classes=[name.strip() for name in classes.split(",")],
        format=cast("Format", format),
        precision=cast("Precision", precision),
    )
    typer.echo(str(made))


def _find_callable(name: str) -> Callable[[], Any]:
    module, _, attribute = name.partition(":")
    found = getattr(import_here(module, "MODULE"), attribute, None)
    if not callable(found):
        message = f"no callable `{attribute}` in `{module}`; write `package.module:callable`"
        raise typer.BadParameter(message, param_hint="MODULE")
    return found  # type: ignore[no-any-return]


def parse_shape(text: str) -> tuple[int, int, int]:
    """Channels, height and width of `3,224,224`.

    Raises:
        typer.BadParameter: The text is no shape.
    """
    try:
        channels, height, width = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"`{text}` is no shape; write three numbers: 3,224,224") from None
    return channels, height, width


@models_app.command("build")
def build_models(
    out: Annotated[Path, typer.Argument(help="Folder that gets the packages.")],
    families: Annotated[str, typer.Option(help="Some of the six, separated by commas.")] = "",
    format: Annotated[str, typer.Option(help="Of the code: docs/members.md lists them.")] = "torchscript",
    precision: Annotated[str, typer.Option(help="What members compute in: f32, bf16 or f16.")] = "f32",
) -> None:
    """Make the full-size six with random weights, for benchmarks."""
    from consilia import models

    chosen = [name.strip() for name in families.split(",") if name.strip()] or models.FAMILIES
    for path in models.build_full(
        out, families=chosen, format=cast("Format", format), precision=cast("Precision", precision)
    ):
        typer.echo(str(path))


@models_app.command("rebuild")
def rebuild_models(
    folder: Annotated[Path, typer.Argument(help="A package, or a folder of packages.")],
    force: Annotated[bool, typer.Option("--force", help="Those that fit already, too.")] = False,
) -> None:
    """Compile members again that were compiled for another torch or another processor."""
    from consilia.rebuild import find_packages, rebuild

    for path in find_packages(folder):
        typer.echo(f"{path}: {'rebuilt' if rebuild(path, force=force) else 'fits'}")


def main() -> None:
    """Run the command line; what the library or the system refuses is one line and exit status 1."""
    try:
        app()
    except Exception as error:
        from consilia import Error

        if not isinstance(error, (Error, ValueError, OSError, ImportError)):
            raise  # A defect, with its traceback.
        code = getattr(error, "code", "")
        message = " ".join(str(error).split())
        typer.echo(f"consilia: {message}" + (f" ({code})" if code else ""), err=True)
        if code == "migration.drift":  # The message has the first of them.
            typer.echo(error.details["differences"], err=True)  # type: ignore[union-attr]
        sys.exit(1)
