"""Trains the six demonstration members on generated phantoms, packs them, and measures them on others.

A demonstration on generated images: neither the members nor any figure here says anything about patients.

    python examples/demo_members/train.py                        # all six, then RESULTS.md
    python examples/demo_members/train.py --members vit_b16      # one of them, then RESULTS.md
    python examples/demo_members/train.py --members none         # only measure the packages that are there

Needs the built package, torch and safetensors. Seeds are fixed: the same machine and versions give the
same packages. So few images would not suffice for transformers alone: these learn from the mean opinion of
the three convolutional members as well as from the labels (Touvron et al. 2021, DeiT).
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # The processes of the pool share the cores.

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from consilia import imaging, phantoms
from consilia.models import FAMILIES, build, find_family, input_shape
from consilia.pack import load, pack, verify

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "packages"
RESULTS = HERE / "RESULTS.md"
CACHE = HERE.parents[1] / "build" / "demo_members"
PACKAGES_BYTES_MAX = 6_000_000
NOTICE = "demonstration only; trained on generated images; says nothing about patients"

# Phantom number n has seed n and the diagnosis n modulo 4: no patient is in two of the three sets.
TRAINING, VALIDATION, TEST = range(0, 3000), range(3000, 3400), range(3400, 4000)

SIZE = 80
MEAN, DEVIATION = 0.5, 0.25
PIPELINE: dict[str, Any] = {
    "version": 1,
    "steps": [
        {"op": "grayscale"},
        {"op": "clahe", "clip_limit": 2.0, "tiles": [8, 8]},
        {"op": "resize", "width": SIZE, "height": SIZE, "interpolation": "area"},
        {"op": "normalize", "mean": [MEAN], "std": [DEVIATION]},
        {"op": "tensor", "layout": "CHW", "channels": 1},
    ],
}


@dataclass(frozen=True)
class Recipe:
    """How one member is trained."""

    epochs: int
    learning_rate: float
    batch: int = 32
    is_taught: bool = False  # By the members that are not.


RECIPES = {
    "resnet50": Recipe(epochs=10, learning_rate=3e-3),
    "densenet121": Recipe(epochs=10, learning_rate=4e-3),
    "efficientnet_b0": Recipe(epochs=12, learning_rate=3e-3),
    "crossvit": Recipe(epochs=22, learning_rate=1.5e-3, is_taught=True),
    "vit_b16": Recipe(epochs=26, learning_rate=1.5e-3, is_taught=True),
    "swin_t": Recipe(epochs=14, learning_rate=2e-3, is_taught=True),
}


def preprocess(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What `PIPELINE` makes of a grayscale image: float32 `[1, SIZE, SIZE]`."""
    return np.asarray(imaging.Pipeline(PIPELINE).apply(image))


def _image(number: int) -> NDArray[np.float32]:
    return preprocess(phantoms.phantom(phantoms.DIAGNOSES[number % 4], number))


def _single_thread() -> None:
    torch.set_num_threads(1)


def load_images() -> Tensor:
    """All phantoms, preprocessed; drawn once and kept in the build folder."""
    recipe = inspect.getsource(phantoms) + json.dumps(PIPELINE) + str(TEST.stop)
    path = CACHE / f"{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        with _pool() as pool:
            images = np.stack(list(pool.map(_image, range(TEST.stop), chunksize=50)))
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, images)
        partial.rename(path)
    return torch.from_numpy(np.load(path))


def _pool() -> ProcessPoolExecutor:
    # Spawned: a process that has run torch must not fork.
    workers = max(1, min(2, os.cpu_count() or 1))
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_single_thread)


def labels_of(numbers: range) -> Tensor:
    return torch.tensor([number % 4 for number in numbers])


def augment(images: Tensor, random: torch.Generator) -> Tensor:
    """Moves the batch by some pixels, and changes each image's contrast, brightness and grain."""
    dx, dy = torch.randint(0, 9, (2,), generator=random).tolist()
    padded = functional.pad(images, (4, 4, 4, 4), mode="replicate")
    moved = padded[:, :, dy : dy + SIZE, dx : dx + SIZE]
    gain, offset = 0.1 * torch.randn(2, len(images), 1, 1, 1, generator=random)
    grain = 0.05 * torch.randn(images.shape, generator=random)
    return moved * (1.0 + gain) + offset + grain


def _place_positions(network: nn.Module) -> None:
    """Starts learned positions from sines (Beyer et al. 2022, "Better plain ViT baselines")."""
    for name, positions in network.named_parameters():
        if not name.endswith("pos_embed"):
            continue
        count, width = positions.shape[1] - 1, positions.shape[2]
        steps = torch.arange(math.isqrt(count), dtype=torch.float32)
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).flatten(1)
        frequencies = 100.0 ** -(torch.arange(width // 4) / (width // 4))
        angles = grid[:, :, None] * frequencies
        waves = torch.cat((angles.sin(), angles.cos()), dim=2)  # [row or column, patch, width / 2]
        positions.data[0, 1:] = 0.3 * torch.cat((waves[0], waves[1]), dim=1)


def _losses(logits: Tensor, labels: Tensor, taught: Tensor | None) -> Tensor:
    loss = functional.cross_entropy(logits, labels, label_smoothing=0.05)
    if taught is None:
        return loss
    distance = functional.kl_div(logits.log_softmax(1), taught, reduction="batchmean")
    return 0.3 * loss + 0.7 * distance


def train(family: str, images: Tensor, taught: Tensor | None) -> nn.Module:
    """Trains one network on the training set; `taught` holds probabilities `[images, classes]`."""
    recipe = RECIPES[family]
    network = build(family, "demo", num_classes=len(phantoms.DIAGNOSES), seed=1)
    _place_positions(network)
    network = network.to(memory_format=torch.channels_last).train()
    random = torch.Generator().manual_seed(2)
    batches = len(TRAINING) // recipe.batch
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.epochs * batches, pct_start=0.15
    )
    labels = labels_of(TRAINING)
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(TRAINING), generator=random)
        total = 0.0
        for chosen in order[: batches * recipe.batch].split(recipe.batch):
            batch = augment(images[chosen], random).contiguous(memory_format=torch.channels_last)
            loss = _losses(network(batch), labels[chosen], None if taught is None else taught[chosen])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"{family}: epoch {epoch + 1} of {recipe.epochs}, loss {total / batches:.3f}", flush=True)
    return network.to(memory_format=torch.contiguous_format).eval()


def logits_of(network: Any, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([network(batch) for batch in images.split(100)])


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The divisor of the logits with the best likelihood (Guo et al. 2017), to two digits."""
    choices = torch.logspace(math.log10(0.25), math.log10(4.0), 200)
    losses = torch.stack([functional.cross_entropy(logits / choice, labels) for choice in choices])
    return round(float(choices[losses.argmin()]), 2)


def make_member(family: str, teachers: Sequence[str]) -> tuple[str, float]:
    """Trains and packs one member; gives its id and the seconds of processor time that it took."""
    begin = time.process_time()
    images = load_images()
    taught = None
    if RECIPES[family].is_taught:
        opinions = [
            (logits_of(load(PACKAGES / f"{teacher}.member"), images[: TRAINING.stop])).softmax(1)
            for teacher in teachers
        ]
        taught = torch.stack(opinions).mean(0)
    network = train(family, images, taught)
    held = slice(VALIDATION.start, VALIDATION.stop)
    temperature = fit_temperature(logits_of(network, images[held]), labels_of(VALIDATION))
    pack(
        network,
        PACKAGES,
        id=family,
        architecture=find_family(family).architecture,
        example_input_shape=input_shape(family, "demo"),
        pipeline=PIPELINE,
        classes=phantoms.DIAGNOSES,
        temperature=temperature,
        notes=NOTICE,
    )
    return family, time.process_time() - begin


def _accuracy(probabilities: Tensor, labels: Tensor) -> float:
    return (probabilities.argmax(1) == labels).float().mean().item()


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def measure(images: Tensor) -> str:
    """Runs the packages on the test set; gives the text of RESULTS.md."""
    labels = labels_of(TEST)
    held = images[TEST.start : TEST.stop]
    rows, opinions, total = [], [], 0
    for family in FAMILIES:
        path = PACKAGES / f"{family}.member"
        manifest = verify(path)
        size = sum(entry["size_bytes"] for entry in manifest["files"].values())
        total += sum(file.stat().st_size for file in path.iterdir())
        scaled = logits_of(load(path), held) / manifest["temperature"]
        opinions.append(scaled.softmax(1))
        loss = functional.cross_entropy(scaled, labels).item()
        parameters = sum(tensor.numel() for tensor in build(family, "demo").parameters())
        cells = [family, manifest["architecture"], f"{parameters:,}", f"{size:,}"]
        cells += [
            f"{manifest['temperature']:.2f}",
            f"{loss:.3f}",
            f"{100 * _accuracy(opinions[-1], labels):.1f} %",
        ]
        rows.append(_row(cells))
    if total > PACKAGES_BYTES_MAX:
        raise SystemExit(
            f"the packages take {total:,} bytes, at most {PACKAGES_BYTES_MAX:,} may be committed"
        )
    consensus = torch.stack(opinions).mean(0)
    votes = torch.stack([functional.one_hot(opinion.argmax(1), 4) for opinion in opinions]).sum(0)
    majority = votes + 1e-3 * consensus  # A tie goes to the higher mean.
    recalls = [
        f"{name} {100 * (consensus.argmax(1)[labels == index] == index).float().mean().item():.1f} %"
        for index, name in enumerate(phantoms.DIAGNOSES)
    ]
    return "\n".join(
        [
            "# Results of the demonstration members",
            "",
            "**A demonstration on generated images. None of these figures says anything about patients.**",
            "",
            f"Trained on {len(TRAINING):,} phantoms (`consilia.phantoms`, four diagnoses alike), calibrated",
            f"on {len(VALIDATION)} others and measured on {len(TEST)} more, with torch {torch.__version__}.",
            "Written by `train.py`.",
            "",
            _row(("member", "architecture", "parameters", "bytes", "temperature", "log loss", "accuracy")),
            _row(("---", "---", "---:", "---:", "---:", "---:", "---:")),
            *rows,
            "",
            f"Consensus by soft vote: **{100 * _accuracy(consensus, labels):.1f} %**; by majority:",
            f"{100 * _accuracy(majority, labels):.1f} %. One standard error is about",
            f"{100 * math.sqrt(0.08 * 0.92 / len(TEST)):.1f} points.",
            "",
            f"Recall of the soft vote: {', '.join(recalls)}.",
            "",
            f"All packages together: {total:,} bytes.",
            "",
        ]
    )


def main() -> None:
    """Trains what is asked for, then measures all six."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--members", nargs="*", default=list(FAMILIES), metavar="ID", help="some, or none")
    wanted = [family for family in parser.parse_args().members if family != "none"]
    for family in wanted:
        find_family(family)
    begin = time.perf_counter()
    _single_thread()
    images = load_images()
    print(f"{len(images):,} phantoms ready after {time.perf_counter() - begin:.0f} s", flush=True)
    teachers = [family for family in FAMILIES if not RECIPES[family].is_taught]
    for is_taught in (False, True):
        stage = [family for family in wanted if RECIPES[family].is_taught == is_taught]
        with _pool() as pool:
            for family, seconds in pool.map(make_member, stage, [teachers] * len(stage)):
                print(f"{family}: packed after {seconds:.0f} s of processor time", flush=True)
    text = measure(images)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    print(f"{time.perf_counter() - begin:.0f} s in all")


if __name__ == "__main__":
    main()
