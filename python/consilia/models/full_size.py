"""Member packages of the six published networks with random weights, for benchmarks."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import nn

from consilia.models.registry import FAMILIES, build, find_family, input_shape
from consilia.phantoms import DIAGNOSES

if TYPE_CHECKING:
    from consilia.pack import Format, Precision

DEMONSTRATION_NOTE = "demonstration only; says nothing about patients"

UseTimm = Literal["auto", "always", "never"]


def imagenet_pipeline(size: int) -> dict[str, Any]:
    """The input of the full-size members: gray, CLAHE, `size` pixels square, normalised as ImageNet is."""
    return {
        "version": 1,
        "steps": [
            {"op": "grayscale"},
            {"op": "clahe", "clip_limit": 2.0, "tiles": [8, 8]},
            {"op": "resize", "width": size, "height": size, "interpolation": "area"},
            {"op": "normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
            {"op": "tensor", "layout": "CHW", "channels": 3},
        ],
    }


def _full_network(family: str, classes: int, seed: int, use_timm: UseTimm) -> tuple[nn.Module, str]:
    """An untrained full-size network and where it is from."""
    has_timm = importlib.util.find_spec("timm") is not None
    if use_timm == "always" and not has_timm:
        raise ValueError("use_timm: timm is not installed")
    if not has_timm or use_timm == "never":
        return build(family, "full", classes, seed), "consilia.models"
    timm: Any = importlib.import_module("timm")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = timm.create_model(find_family(family).timm_name, pretrained=False, num_classes=classes)
    assert isinstance(network, nn.Module)
    return network.eval(), f"timm {timm.__version__}"


def build_full(
    out_dir: str | Path,
    families: Sequence[str] = FAMILIES,
    format: Format = "torchscript",
    use_timm: UseTimm = "auto",
    *,
    classes: Sequence[str] = DIAGNOSES,
    seed: int = 0,
    precision: Precision = "f32",
) -> Iterator[Path]:
    """Packs the full-size networks of `families` with random weights, one at a time, for benchmarks.

    Nothing happens until the result is iterated; each step makes one package. All six take 698 MB on disk.

    Args:
        out_dir: The folder for packages.
        families: Some of `consilia.models.FAMILIES`.
        format: As for `pack`.
        use_timm: "auto": timm's networks where it is installed, else those of `consilia.models`.
        classes: The names of the logits.
        seed: Of the random weights.
        precision: As for `pack`.

    Yields:
        Each package's folder, as soon as it is made.

    Raises:
        PackError: A network cannot be packed.
        ValueError: An unknown family, or timm is wanted and absent.
    """
    from consilia.pack import pack  # It imports this package.

    if use_timm not in get_args(UseTimm):
        raise ValueError(f"use_timm: {use_timm!r} is not one of {', '.join(get_args(UseTimm))}")
    entries = [find_family(family) for family in families]
    for entry in entries:
        shape = input_shape(entry.id)
        network, source = _full_network(entry.id, len(classes), seed, use_timm)
        yield pack(
            network,
            out_dir,
            id=entry.id,
            architecture=entry.architecture,
            example_input_shape=shape,
            pipeline=imagenet_pipeline(shape[1]),
            classes=classes,
            format=format,
            precision=precision,
            notes=f"random weights (seed {seed}) of {source}, for benchmarks; {DEMONSTRATION_NOTE}",
        )
