"""`consilia dicom`: what a file says, and the file without its patient."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look into DICOM files, and take the patient out of them.", no_args_is_help=True)

_INFO = (
    "transfer_syntax_name",
    "photometric_interpretation",
    "width",
    "height",
    "frames",
    "channels",
    "bits_allocated",
    "bits_stored",
    "is_signed",
    "rescale_slope",
    "rescale_intercept",
    "has_modality_lut",
    "has_voi_lut",
    "has_foreign_preamble",
    "has_burned_in_annotation",
)

DicomFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A DICOM file.")]


@app.command()
def info(
    file: DicomFile,
    tags: Annotated[bool, typer.Option("--tags", help="Patient, study and equipment too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Print what a file says of its image."""
    from consilia import dicom

    found = dicom.info(file)
    facts: dict[str, object] = {name: getattr(found, name) for name in _INFO}
    facts["windows"] = [
        {"center": w.center, "width": w.width, "function": w.function, "explanation": w.explanation}
        for w in found.windows
    ]
    if tags:
        facts["tags"] = dicom.tags(file)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for window in found.windows:
        name = f" {window.explanation}" if window.explanation else ""
        typer.echo(f"window: {window.center:g} width {window.width:g}{name}")
    for name in _INFO:
        typer.echo(f"{name}: {facts[name]}")
    if tags:
        for keyword, text in dicom.tags(file).items():
            typer.echo(f"{keyword}: {text}")


@app.command()
def deidentify(
    file: DicomFile,
    out: Annotated[Path, typer.Option(dir_okay=False, help="Where the new file goes.")],
    key_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Secret of 16 bytes or more, so that files stay linked."
        ),
    ] = None,
    dates: Annotated[str, typer.Option(help="remove, or shift (needs a key).")] = "remove",
    allow_burned_in: Annotated[
        bool, typer.Option("--allow-burned-in", help="Take files whose pixels show text.")
    ] = False,
) -> None:
    """Write a file without what identifies its patient (PS3.15, basic profile)."""
    from consilia import dicom

    key = key_file.read_bytes() if key_file is not None else b""
    clean = dicom.deidentify(file, key=key, dates=dates, allow_burned_in=allow_burned_in)
    # Whole or not at all, and never over the original.
    if out.exists():
        raise typer.BadParameter(f"`{out}` exists already")
    part = out.with_name(out.name + ".part")
    try:
        part.write_bytes(clean)
        os.link(part, out)
    finally:
        part.unlink(missing_ok=True)
