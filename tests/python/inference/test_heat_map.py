"""Heat maps and augmentation in Python; what they compute is tested in C++."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import consilia
from command_line import Run
from consilia import imaging
from consilia.inference import Engine, HeatMap, explain

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / "examples" / "demo_members" / "packages"
MEMBERS = [PACKAGES / "resnet50.member", PACKAGES / "vit_b16.member"]
IMAGE = ROOT / "tests" / "support" / "phantom.png"


def open_engine(**options: object) -> Engine:
    return Engine(MEMBERS, threads=1, budget_bytes=64 << 20, **options)  # type: ignore[arg-type]


def coarse(engine: Engine, **options: object) -> HeatMap:
    """Few windows."""
    return explain(engine, IMAGE, window=20, stride=20, **options)  # type: ignore[arg-type]


def test_a_map_is_an_array_in_the_resolution_of_the_input() -> None:
    made = coarse(open_engine(), member_id="resnet50")
    assert made.values.shape == (80, 80)
    assert made.values.dtype == np.float32
    assert (made.values.min(), made.values.max()) == (np.float32(made.min), np.float32(made.max))
    assert made.member_id == "resnet50"
    with pytest.raises(ValueError, match="read-only"):
        made.values[0, 0] = 1
    values = made.values
    del made
    assert np.isfinite(values).all()  # It keeps the map alive.


def test_the_panel_is_explained_by_what_it_pools() -> None:
    engine = open_engine(is_deterministic=True)
    made = coarse(engine)
    diagnosis = engine.run(IMAGE)
    assert made.class_name == diagnosis["label"]
    assert made.probability == diagnosis["confidence"]
    told = made.to_dict()
    assert told["method"] == {
        "name": "occlusion",
        "algorithm_version": 1,
        "masks": 16,
        "fill": "mean",
        "window": 20,
        "stride": 20,
    }
    assert [opinion["member_hash"] for opinion in told["diagnosis"]["opinions"]] == [
        opinion["member_hash"] for opinion in diagnosis["opinions"]
    ]


def test_random_masks_are_those_of_their_seed() -> None:
    engine = open_engine(is_deterministic=True)

    def values(seed: int) -> np.ndarray:
        made = explain(
            engine,
            IMAGE,
            member_id="resnet50",
            class_name="COVID",
            method="random_masks",
            masks=20,
            seed=seed,
        )
        return made.values

    assert (values(1) == values(1)).all()
    assert (values(1) != values(2)).any()


def test_a_map_is_drawn_as_png() -> None:
    made = coarse(open_engine())
    size = imaging.probe(IMAGE)
    assert imaging.decode(made.draw_png()).shape == (80, 80, 3)
    for image in (IMAGE, IMAGE.read_bytes()):
        over = imaging.decode(made.draw_over_png(image))
        assert over.shape == (size.height, size.width, 3)
    untouched = imaging.decode(made.draw_over_png(IMAGE, opacity=0))
    assert (untouched[:, :, 0] == imaging.decode(IMAGE)).all()
    with pytest.raises(consilia.InvalidArgument, match="opacity"):
        made.draw_over_png(IMAGE, opacity=1.5)


def test_progress_is_told_and_may_stop() -> None:
    engine = open_engine()
    told: list[tuple[int, int]] = []
    coarse(engine, batch_max=8, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 16), (8, 16), (8, 16), (16, 16)]
    with pytest.raises(consilia.Cancelled):
        coarse(engine, progress=lambda done, total: False)

    def fail(done: int, total: int) -> None:
        raise KeyError(done)

    with pytest.raises(KeyError):
        coarse(engine, progress=fail)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"window": 81}, "heat_map.window"),
        ({"window": 0}, "heat_map.window"),
        ({"stride": 0}, "heat_map.stride"),
        ({"method": "random_masks", "masks": 0}, "heat_map.masks"),
        ({"method": "random_masks", "cells": 81}, "heat_map.cells"),
        ({"method": "random_masks", "keep_probability": 1.0}, "heat_map.keep_probability"),
        ({"method": "gradients"}, "heat_map.method"),
        ({"class_name": "Measles"}, "heat_map.class_name"),
        ({"member_id": "none"}, "heat_map.member_id"),
        ({"fill": float("nan")}, "heat_map.fill"),
        ({"batch_max": 0}, "heat_map.batch_max"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(options: dict[str, object], code: str) -> None:
    with pytest.raises(consilia.InvalidArgument) as refused:
        explain(open_engine(), IMAGE, **options)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert refused.value.details["field"] == code.removeprefix("heat_map.")


def test_an_augmented_opinion_is_a_mean_over_views() -> None:
    plain = open_engine(is_deterministic=True).run(IMAGE)
    augmented = open_engine(is_deterministic=True, augment_shift=0.02, augment_rotation_degrees=4).run(IMAGE)
    assert augmented["augmentation"] == {"mirrors": False, "rotation_degrees": 4.0, "shift": 0.02}
    assert plain["augmentation"] == {"mirrors": False, "rotation_degrees": 0.0, "shift": 0.0}
    for before, after in zip(plain["opinions"], augmented["opinions"], strict=True):
        assert before["probabilities"] != after["probabilities"]
        assert sum(after["probabilities"]) == pytest.approx(1)
        assert before["pipeline_hash"] != after["pipeline_hash"]
    with pytest.raises(consilia.InvalidArgument, match="shift"):
        open_engine(augment_shift=0.3)


def test_the_command_line_draws_a_map(run: Run, tmp_path: Path) -> None:
    over, bare = tmp_path / "heat.png", tmp_path / "bare.png"
    done = run(
        *("explain", IMAGE, "--members", PACKAGES, "--member", "resnet50", "--threads", 1),
        *("--method", "random_masks", "--masks", 5, "--class", "COVID", "--out", over, "--bare", bare),
    )
    assert done.status == 0, done.err
    assert done.out.startswith("COVID (")
    assert imaging.probe(over).width == imaging.probe(IMAGE).width
    assert imaging.probe(bare).width == 80
    refused = run("explain", IMAGE, "--members", PACKAGES, "--member", "none", "--out", over)
    assert refused.status == 1
    assert "heat_map.member_id" in refused.err
