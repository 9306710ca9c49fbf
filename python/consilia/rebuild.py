"""Compiles members again for the torch and the processor that are here.

Code of the formats `aotinductor` and `aotinductor-frozen` fits one version of torch and processors with its
instruction set; the engine refuses it elsewhere (`member.incompatible`). Importing this module loads torch.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from consilia.models import aotinductor
from consilia.pack import (
    COMPILED_CODE_NAME,
    MANIFEST_NAME,
    PackError,
    _check_same_output,
    _created_with,
    _file_entry,
    _move_into_place,
    _quiet,
    _read_weights,
    _require,
    _write_manifest,
    verify,
)

FORMATS = ("aotinductor", "aotinductor-frozen")


def find_packages(folder: str | Path) -> Iterator[Path]:
    """The package that `folder` is, or those in it, by name.

    Raises:
        PackError: There is none.
    """
    root = Path(folder)
    found = [root] if (root / MANIFEST_NAME).is_file() else sorted(root.glob(f"*.member/{MANIFEST_NAME}"))
    if not found:
        raise PackError("folder", f"{root} has no member packages")
    yield from (path.parent if path.name == MANIFEST_NAME else path for path in found)


def rebuild(path: str | Path, *, force: bool = False) -> bool:
    """Compiles a package's code again if it was compiled for another torch or another processor.

    The weights and everything else in the package stay as they are. The new code is compared with the
    exported program before it takes the place of the old; a package is whole at any time. Takes a C++
    compiler and about half a minute. An engine that has the package open goes on with the old code.

    Args:
        path: The package's folder.
        force: Compiles code that fits as well.

    Returns:
        Whether it was compiled; False for formats that are not.

    Raises:
        PackError: The package is damaged, or torch cannot compile it; `field` and `reason` say what and why.
        OSError: A file could not be written.
    """
    package = Path(path)
    manifest = verify(package)
    files = manifest["files"]
    if manifest["format"] not in FORMATS:
        return False
    if not force and aotinductor.is_usable(package / files["code"]["path"]):
        return False
    folder = package.parent / f".{manifest['id']}.{uuid.uuid4().hex}.tmp"
    shutil.copytree(package, folder)
    try:
        (folder / files["code"]["path"]).unlink()
        with _quiet():
            _compile(manifest, folder)
        files["code"] = _file_entry(folder / COMPILED_CODE_NAME)
        manifest["created_with"] = _created_with(manifest["format"])
        _write_manifest(manifest, folder)
        _move_into_place(folder, package)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _compile(manifest: dict[str, Any], folder: Path) -> None:
    files = manifest["files"]
    weights = _read_weights(folder / files["weights"]["path"]) if "weights" in files else None
    precision = str(manifest.get("precision", "f32"))
    code = folder / COMPILED_CODE_NAME
    try:
        program = aotinductor.load_source(folder / files["source"]["path"], weights)
        aotinductor.compile(program, code, is_frozen=weights is None, precision=precision)
    except (ValueError, RuntimeError) as error:
        raise PackError("files.source", f"torch cannot compile it: {str(error).splitlines()[0]}") from error
    network = aotinductor.Network(code)
    if weights is not None:
        names = sorted(network.constant_names())
        missing = [name for name in names if name not in weights]
        _require(not missing, "weights", f"no tensor for {', '.join(missing[:3])}")
        if len(names) < len(weights):  # This compiler found that some have no effect.
            save_file({name: weights[name] for name in names}, str(folder / files["weights"]["path"]))
            files["weights"] = _file_entry(folder / files["weights"]["path"])
        network.bind({name: weights[name] for name in names})
    random = torch.Generator().manual_seed(0)
    batches = [torch.randn(n, *manifest["input"]["shape"], generator=random) for n in (1, 3)]
    _check_same_output(program.module(), network, batches, is_exact=False, precision=precision)
