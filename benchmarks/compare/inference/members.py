"""The full-size six for benchmarks: packages of each format, and the modules that peers load. Made once."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

from consilia.models import FAMILIES
from rows import OUTPUT

ROOT = OUTPUT / "members"


def packages(format: str) -> list[Path]:
    """The packages of a format, about a minute a format when they are not there yet."""
    from consilia.models import build_full

    folder = ROOT / format
    missing = [name for name in FAMILIES if not (folder / f"{name}.member" / "manifest.json").is_file()]
    for path in build_full(folder, families=missing, format=format, use_timm="never") if missing else ():
        print(f"inference: made {path.name} as {format}", flush=True)
    return [folder / f"{name}.member" for name in FAMILIES]


def small_packages() -> dict[str, Path]:
    """A package of each format of a few kilobytes, as the tests have them."""
    folder = OUTPUT.parent / "release" / "tests" / "torch_members"
    names = {
        "torchscript": "w300",
        "torchscript-frozen": "frozen",
        "aotinductor": "compiled",
        "aotinductor-frozen": "compiled-frozen",
        "openvino": "openvino",
    }
    packages = {format: folder / f"{name}.member" for format, name in names.items()}
    if not all((package / "manifest.json").is_file() for package in packages.values()):
        script = OUTPUT.parents[1] / "tests" / "inference" / "make_torch_members.py"
        subprocess.run([sys.executable, str(script), str(folder), "--openvino"], check=True)
    return packages


def modules() -> dict[str, list[Path]]:
    """What peers load: TorchScript as it was traced, TorchScript frozen, and files of weights alone."""
    import torch

    from consilia.models import build
    from consilia.pack import load

    files: dict[str, list[Path]] = {"whole": [], "frozen": [], "weights": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for package in packages("torchscript"):
            for kind, paths in files.items():
                path = ROOT / kind / f"{package.stem}.pt"
                paths.append(path)
                if path.is_file():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                if kind == "weights":
                    torch.save(build(package.stem).state_dict(), path)
                    continue
                module = load(package).eval()
                torch.jit.save(torch.jit.freeze(module) if kind == "frozen" else module, str(path))
    return files
