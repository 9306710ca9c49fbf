"""`consilia dicom` as a person types it: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest

from command_line import Run
from consilia import dicom

SAMPLES = Path(__file__).resolve().parents[1] / "imaging" / "dicom"
GRAY = SAMPLES / "gray_12.dcm"


def test_info_prints_the_image_and_not_the_patient(run: Run) -> None:
    done = run("dicom", "info", GRAY)
    assert done.status == 0
    assert "window: 2048.5 width 4096" in done.out
    assert "photometric_interpretation: MONOCHROME2\nwidth: 28\nheight: 20" in done.out
    assert "Müller" not in done.out


def test_info_prints_tags_and_json_when_asked(run: Run) -> None:
    done = run("dicom", "info", GRAY, "--tags")
    assert "PatientName: Müller^Änne\n" in done.out
    facts = json.loads(run("dicom", "info", GRAY, "--tags", "--json").out)
    assert facts["windows"][0]["center"] == 2048.5
    assert facts["bits_stored"] == 12
    assert facts["tags"] == dicom.tags(GRAY)


def test_deidentify_writes_the_file_without_its_patient(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "clean.dcm"
    assert run("dicom", "deidentify", GRAY, "--out", out).status == 0
    clean, original = pydicom.dcmread(out), pydicom.dcmread(GRAY)
    assert clean.PatientIdentityRemoved == "YES"
    assert "Müller" not in str(clean)
    assert clean.PixelData == original.PixelData
    assert [file.name for file in tmp_path.iterdir()] == ["clean.dcm"]


def test_deidentify_links_files_of_one_key(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    for name in ("a.dcm", "b.dcm"):
        arguments = ("--out", tmp_path / name, "--key-file", key, "--dates", "shift")
        assert run("dicom", "deidentify", GRAY, *arguments).status == 0
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    assert pydicom.dcmread(tmp_path / "a.dcm").StudyDate != pydicom.dcmread(GRAY).StudyDate


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dates", "shift"), "key"),
        (("--dates", "yesterday"), "dates"),
        (("--key-file", "short"), "16 bytes"),
        (("--out", "there.dcm"), "exists already"),
    ],
)
def test_deidentify_says_what_is_wrong_and_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_bytes(b"secret")
    Path("there.dcm").write_bytes(b"mine")
    out = () if "--out" in arguments else ("--out", "clean.dcm")
    done = run("dicom", "deidentify", GRAY, *out, *arguments)
    assert done.status != 0
    assert said in done.err
    assert {file.name for file in tmp_path.iterdir()} == {"short", "there.dcm"}
    assert Path("there.dcm").read_bytes() == b"mine"


def test_what_is_not_dicom_is_one_line(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "note.txt"
    text.write_text("no image")
    for command in (("info", text), ("deidentify", text, "--out", tmp_path / "clean.dcm")):
        done = run("dicom", *command)
        assert done.status != 0
        assert "dicom" in done.err.lower()
        assert "Traceback" not in done.err
