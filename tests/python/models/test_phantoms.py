"""Phantoms: repeatable, different where they should be, and shaped like the findings they claim."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from consilia.phantoms import DIAGNOSES, NOTICE, encode_png, phantom, write_phantoms

SIZE = 96


def test_the_diagnoses_are_those_of_the_founding_use_in_order():
    assert DIAGNOSES == ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")


@pytest.mark.parametrize("diagnosis", DIAGNOSES)
def test_the_same_seed_gives_the_same_image_and_another_another(diagnosis):
    image = phantom(diagnosis, 3, SIZE)
    assert image.shape == (SIZE, SIZE)
    assert image.dtype == np.uint8
    assert np.array_equal(image, phantom(diagnosis, 3, SIZE))
    assert not np.array_equal(image, phantom(diagnosis, 4, SIZE))


def test_an_image_does_not_depend_on_numpys_global_random_state():
    np.random.seed(1)
    first = phantom("COVID", 0, SIZE)
    np.random.seed(2)
    assert np.array_equal(first, phantom("COVID", 0, SIZE))


def test_an_image_uses_the_range_of_gray_and_has_lungs_darker_than_the_heart():
    for seed in range(8):
        image = phantom("Normal", seed, SIZE).astype(float)
        assert image.max() - image.min() > 120
        lung = image[35:50, 22:32].mean()
        heart = image[54:62, 48:56].mean()
        assert lung < heart - 15


def mean_image(diagnosis: str, count: int = 14) -> np.ndarray:
    images = [phantom(diagnosis, seed, SIZE).astype(float) for seed in range(count)]
    return np.mean(images, axis=0)


def test_findings_lie_where_the_literature_puts_them():
    """Means over many patients, against the mean of normal ones, in the periphery and around the hila."""
    normal = mean_image("Normal")
    covid = mean_image("COVID") - normal
    viral = mean_image("Viral Pneumonia") - normal
    outer_lower = (slice(50, 64), slice(16, 22))
    outer_upper = (slice(22, 32), slice(24, 30))
    hilar = (slice(42, 54), slice(34, 40))
    assert covid[outer_lower].mean() > covid[outer_upper].mean() + 3
    assert covid[outer_lower].mean() > covid[hilar].mean() + 3
    assert viral[hilar].mean() > viral[outer_upper].mean()


def test_an_opacity_is_on_one_side():
    """The two lungs of one patient differ more in brightness than in normal ones."""

    def asymmetry(diagnosis: str) -> float:
        differences = []
        for seed in range(12):
            image = phantom(diagnosis, seed, SIZE).astype(float)
            differences.append(abs(image[25:60, 20:34].mean() - image[25:60, 62:76].mean()))
        return float(np.mean(differences))

    assert asymmetry("Lung Opacity") > 1.5 * asymmetry("Normal")


@pytest.mark.parametrize(
    ("diagnosis", "seed", "size", "message"),
    [
        ("Covid", 0, 64, "diagnosis: 'Covid'"),
        ("COVID", -1, 64, "seed: -1"),
        ("COVID", 0, 31, "size: 31"),
        ("COVID", 0, 2049, "size: 2049"),
    ],
)
def test_arguments_out_of_range_are_refused(diagnosis, seed, size, message):
    with pytest.raises(ValueError, match=message):
        phantom(diagnosis, seed, size)


def test_the_smallest_size_is_drawn():
    assert phantom("Lung Opacity", 0, 32).shape == (32, 32)


def test_a_png_reads_back_and_says_what_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53), dtype=np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        image.load()
        assert image.mode == "L"
        assert image.info["Description"] == NOTICE
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)]
)
def test_a_png_of_anything_but_gray_bytes_is_refused(pixels):
    with pytest.raises(ValueError, match="pixels"):
        encode_png(pixels)


def test_a_folder_of_phantoms_has_a_table_that_reproduces_them(tmp_path):
    files = write_phantoms(tmp_path / "images", 5, seed=100, size=48)
    with (tmp_path / "images" / "labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["label"] for row in rows] == [*DIAGNOSES, "COVID"]
    assert [row["file"] for row in rows] == [file.name for file in files]
    for file, row in zip(files, rows, strict=True):
        with Image.open(file) as image:
            assert np.array_equal(np.asarray(image), phantom(row["label"], int(row["seed"]), 48))


def test_a_negative_count_is_refused(tmp_path):
    with pytest.raises(ValueError, match="count: -1"):
        write_phantoms(tmp_path, -1)
