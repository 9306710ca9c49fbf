"""The committed demonstration members: whole, small, labelled, and better than chance on new phantoms."""

from pathlib import Path

import numpy as np
import torch

from consilia import imaging
from consilia.models import FAMILIES
from consilia.pack import load, verify
from consilia.phantoms import DIAGNOSES, phantom

PACKAGES = Path(__file__).parents[3] / "examples" / "demo_members" / "packages"


def test_the_six_packages_are_whole_and_say_what_they_are_worth():
    assert sorted(path.name for path in PACKAGES.iterdir()) == sorted(f"{id}.member" for id in FAMILIES)
    for family in FAMILIES:
        manifest = verify(PACKAGES / f"{family}.member")
        assert manifest["id"] == family
        assert manifest["classes"] == list(DIAGNOSES)
        assert "says nothing about patients" in manifest["notes"]


def test_the_packages_take_at_most_six_megabytes():
    assert sum(file.stat().st_size for file in PACKAGES.rglob("*") if file.is_file()) <= 6_000_000


def test_the_consensus_is_right_about_most_new_phantoms():
    """Seeds beyond those of training; 48 images, of which fewer than 36 right would be improbable."""
    numbers = range(900_000, 900_048)
    images = [phantom(DIAGNOSES[number % 4], number) for number in numbers]
    opinions = []
    with torch.no_grad():
        for family in FAMILIES:
            path = PACKAGES / f"{family}.member"
            manifest = verify(path)
            pipeline = imaging.Pipeline(manifest["input"]["pipeline"])
            batch = torch.from_numpy(np.stack([pipeline.apply(image) for image in images]))
            opinions.append((load(path)(batch) / manifest["temperature"]).softmax(1))
    answers = torch.stack(opinions).mean(0).argmax(1)
    assert (answers == torch.tensor([number % 4 for number in numbers])).sum() >= 36
