"""Every command of `consilia`, as a person types it: what it prints, and that a mistake is one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import consilia
from clinic import MEMBERS, Clinic
from command_line import Done, Run
from consilia import cli, demo, inference


def one_member(folder: Path) -> Path:
    """A folder with the smallest of the demo's members."""
    smallest = min(MEMBERS, key=lambda package: sum(file.stat().st_size for file in package.iterdir()))
    folder.mkdir()
    shutil.copytree(smallest, folder / smallest.name)
    return folder


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("4096", 4096),
        ("512MiB", 512 << 20),
        ("512 mib", 512 << 20),
        ("1.5GB", 1_500_000_000),
        ("2K", 2000),
        ("2Ki", 2048),
        ("0", 0),
    ],
)
def test_sizes_are_read(text: str, size_bytes: int) -> None:
    assert cli.parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "much", "-1", "1 2", "1e9", "5MiBs", "MiB", "NaN"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        cli.parse_size(text)


@pytest.mark.parametrize("text", ["", "3", "3,224", "3,224,224,1", "a,b,c", "3;224;224"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    assert cli.parse_shape("1, 96, 64") == (1, 96, 64)
    with pytest.raises(typer.BadParameter):
        cli.parse_shape(text)


def test_sizes_are_printed_in_the_unit_that_reads_best() -> None:
    sizes = (0, 1023, 1024, 10 << 20, 3 << 30)
    assert [cli.format_size(n) for n in sizes] == ["0 B", "1023 B", "1.0 KiB", "10.0 MiB", "3.00 GiB"]


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "consilia", "version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == consilia.__version__


def test_the_version_is_printed(run: Run) -> None:
    assert run("version") == Done(0, consilia.__version__ + "\n", "")


def test_the_demo_prints_a_table_for_each_person_and_writes_a_report(
    run: Run, images: list[Path], tmp_path: Path
) -> None:
    options = ("--images", images[0].parent, "--limit", 2, "--report", tmp_path / "r.html")
    done = run("demo", *options, "--budget", "6MiB", "--data", tmp_path / "data")
    assert done.status == 0, done.err
    for title in ("admin", "staff", "patient Pat One", "patient Pia Two"):
        assert f"{title}: sees" in done.out
    assert done.out.count("with single opinions") == done.out.count("without single opinions") == 2
    assert "2 images judged" in done.out
    assert "of a budget of 6.0 MiB" in done.out
    assert demo.CAVEAT in " ".join(done.out.split())
    assert (tmp_path / "r.html").stat().st_size > 10_000
    assert (tmp_path / "data" / "records.db").is_file(), "--data keeps the records"
    assert len(list((tmp_path / "data" / "files").iterdir())) == 2


def test_work_judges_what_waits_and_list_prints_what_the_caller_may_see(
    run: Run, tmp_path: Path, images: list[Path]
) -> None:
    clinic = Clinic(tmp_path)
    for image in images[:3]:
        clinic.service.submit(clinic.first, image, patient_id=clinic.first_patient)
    where = ("--database", f"sqlite:{tmp_path / 'records.db'}", "--files", tmp_path / "files")
    work = ("work", *where, "--members", one_member(tmp_path / "one"), "--threads", 1)
    assert run(*work, "--max-tasks", 2).out == "completed 2, failed 0, deferred 0, lost 0\n"
    assert run(*work).out == "completed 1, failed 0, deferred 0, lost 0\n"
    assert run(*work).out == "completed 0, failed 0, deferred 0, lost 0\n"

    def listed(user_id: int, role: str, *options: object) -> dict[str, object]:
        done = run("list", *where, "--user-id", user_id, "--role", role, *options)
        assert done.status == 0, done.err
        return json.loads(done.out)

    assert listed(clinic.first.user_id, "patient")["count"] == 3
    assert listed(clinic.second.user_id, "patient")["count"] == 0
    assert listed(clinic.staff.user_id, "staff", "--where", "status = 'pending'")["count"] == 0
    assert listed(clinic.staff.user_id, "staff", "--page", 2)["results"] == []


NETWORK = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 2)

    def forward(self, image):
        return self.fc(image.flatten(1))

not_callable = 3
"""


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a module of a network and a pipeline for it."""
    (tmp_path / "tiny_network.py").write_text(NETWORK)
    steps = [
        {"op": "grayscale"},
        {"op": "resize", "width": 8, "height": 8, "interpolation": "area"},
        {"op": "tensor", "layout": "CHW", "channels": 1},
    ]
    (tmp_path / "pipeline.json").write_text(json.dumps({"version": 1, "steps": steps}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


PACK = ("--id", "tiny", "--classes", "Normal, COVID", "--pipeline", "pipeline.json", "--shape", "1,8,8")


@pytest.mark.parametrize("format", [(), ("--format", "torchscript-frozen")])
def test_pack_makes_a_package_that_the_engine_runs(
    run: Run, network: Path, images: list[Path], format: tuple[str, ...]
) -> None:
    done = run("pack", "tiny_network:Tiny", "made", *PACK, *format)
    assert done == Done(0, "made/tiny.member\n", "")
    judged = inference.Engine([network / "made" / "tiny.member"]).run(images[0])
    assert judged["label"] in {"Normal", "COVID"}


def test_models_build_makes_the_chosen_family(run: Run, tmp_path: Path) -> None:
    done = run("models", "build", tmp_path / "full", "--families", "efficientnet_b0")
    assert done == Done(0, f"{tmp_path / 'full' / 'efficientnet_b0.member'}\n", "")
    manifest = json.loads((tmp_path / "full" / "efficientnet_b0.member" / "manifest.json").read_text())
    assert manifest["architecture"] == "EfficientNet-B0"
    assert "demonstration only" in manifest["notes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo", "--images", "none"), "consilia: no JPEG or PNG file in `none`"),
        (("demo", "--members", "none"), "consilia: no member packages (*.member) in `none`"),
        (
            ("list", "--database", "sqlite:r.db", "--files", "f", "--user-id", 1, "--role", "king"),
            "consilia: role `king`",
        ),
        (("work", "--database", "oracle:x", "--files", "f", "--members", "none"), "consilia: "),
        (("work", "--database", "sqlite:r.db", "--files", "f", "--members", "none"), "consilia: a service"),
        (("models", "build", "out", "--families", "vgg99"), "consilia: "),
        (("pack", "tiny_network:Tiny", "out", *PACK, "--format", "onnx"), "consilia: format: 'onnx' is not"),
        (("pack", "tiny_network:Tiny", "out", *PACK[:-1], "1,9,9"), "consilia: pipeline.resize: want 9 by 9"),
        (("pack", "tiny_network:Tiny", "out", *PACK, "--pipeline", "none.json"), "consilia: [Errno 2]"),
        (("pack", "tiny_network:Tiny", "out", *PACK, "--pipeline", "tiny_network.py"), "consilia: "),
    ],
)
def test_a_refusal_is_one_line_and_status_1(
    run: Run, network: Path, arguments: tuple[object, ...], message: str
) -> None:
    done = run(*arguments)
    assert done.status == 1
    assert done.err.startswith(message)
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("demo", "--budget", "much"),
        ("demo", "--limit", "0"),
        ("demo", "--threads", "-1"),
        ("list",),
        ("pack", "tiny_network:Tiny", "out", *PACK[:-1], "three"),
        ("pack", "tiny_network", "out", *PACK),
        ("pack", "tiny_network:Missing", "out", *PACK),
        ("pack", "tiny_network:not_callable", "out", *PACK),
        ("pack", "no_such_module:Tiny", "out", *PACK),
    ],
)
def test_a_misspelt_command_line_is_status_2(run: Run, network: Path, arguments: tuple[object, ...]) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert "Traceback" not in done.err
    assert "Usage" in done.err
