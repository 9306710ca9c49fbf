"""The main job as `consilia demo` runs it: where images come from, and what the outcome holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import consilia
from clinic import MEMBERS
from consilia import demo


@pytest.fixture
def folder(tmp_path: Path, images: list[Path], jpeg: bytes) -> Path:
    """Images, one of them twice for the same patient, a file that is no image, labels, and other text."""
    made = tmp_path / "images"
    made.mkdir()
    for number, image in enumerate((images[0], images[1], images[0], images[2])):
        shutil.copy(image, made / f"{number}.png")
    (made / "4.jpg").write_bytes(jpeg)
    (made / "5.PNG").write_text("no image")
    (made / "notes.txt").write_text("not looked at")
    (made / "labels.csv").write_text("file,label\n0.png,Normal\nelsewhere/1.png,COVID\n")
    return made


def test_the_outcome_tells_what_became_of_each_image(folder: Path) -> None:
    told: list[tuple[int, int, str]] = []
    outcome = demo.run(demo.Options(images=folder), lambda *progress: told.append(progress))

    assert [case["name"] for case in outcome.cases] == ["0.png", "1.png", "3.png", "4.jpg"]
    assert [case["label"] for case in outcome.cases] == ["Normal", "COVID", None, None]
    for case in outcome.cases:
        assert case["status"] == "completed"
        assert len(case["opinions"]) == len(MEMBERS)
        assert case["image_png"].startswith(b"\x89PNG")
        assert case["clahe_png"].startswith(b"\x89PNG")
        assert case["image_png"] != case["clahe_png"]
    assert outcome.duplicates == 1
    assert [(refused["name"], refused["code"]) for refused in outcome.refused] == [
        ("5.PNG", "upload.unsupported_type")
    ]
    assert outcome.timings_s.keys() == {"submit", "work", "list"}
    assert (0, 6, "0.png") in told
    assert told[-1][:2] == (4, 4)


def test_each_person_sees_something_else(folder: Path) -> None:
    views = demo.run(demo.Options(images=folder)).views
    counts = {title: view["count"] for title, view in views.items()}
    assert counts == {"admin": 4, "staff": 4, "patient Pat One": 2, "patient Pia Two": 2}
    fields = {title: set(view["fields"]) for title, view in views.items()}
    assert fields["patient Pat One"] == fields["patient Pia Two"]
    assert fields["patient Pat One"] < fields["staff"] < fields["admin"]
    assert "xray.patient.record_number" in fields["patient Pat One"]
    assert "opinions" in fields["staff"] - fields["patient Pat One"]


def test_a_small_budget_is_kept(folder: Path) -> None:
    engine = demo.run(demo.Options(images=folder, budget_bytes=4 << 20, limit=1)).engine
    assert engine["peak_bytes"] <= engine["budget_bytes"] == 4 << 20


def test_a_folder_of_data_can_be_used_again(folder: Path, tmp_path: Path) -> None:
    options = demo.Options(images=folder, limit=2, data=tmp_path / "data")
    assert [len(demo.run(options).cases) for _ in range(2)] == [2, 2]
    assert len(list((tmp_path / "data" / "files").iterdir())) == 4


def test_a_limit_takes_images_evenly(folder: Path, tmp_path: Path) -> None:
    def names(limit: int | None) -> list[str]:
        _, paths, _ = demo.find_images(demo.Options(images=folder, limit=limit), tmp_path)
        return [path.name for path in paths]

    assert names(None) == names(6) == names(7) == ["0.png", "1.png", "2.png", "3.png", "4.jpg", "5.PNG"]
    assert names(3) == ["0.png", "2.png", "4.jpg"]


def test_without_images_phantoms_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_REPOSITORY", tmp_path / "clone")
    source, paths, labels = demo.find_images(demo.Options(limit=3), tmp_path / "scratch")
    assert source == "generated phantoms"
    assert len(paths) == 3
    assert {path.name for path in paths} <= labels.keys()


def test_the_sample_radiographs_are_taken_where_they_are(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "shared" / "data" / "cxr")
    monkeypatch.setattr(demo, "_REPOSITORY", tmp_path / "clone")
    source, paths, labels = demo.find_images(demo.Options(), tmp_path / "scratch")
    assert "not clinical truth" in source
    assert len(paths) == 6
    assert labels == {"0.png": "Normal", "1.png": "COVID"}


def test_nothing_to_run_on_is_an_error(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(consilia.NotFound, match="no JPEG or PNG file"):
        demo.run(demo.Options(images=tmp_path / "nowhere"))
    with pytest.raises(consilia.NotFound, match="no member packages"):
        demo.run(demo.Options(images=folder, members=tmp_path / "nowhere"))
