"""The main job through Python: receive, judge, list under a role; refuse what must not come in; survive."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

import consilia
from clinic import MEMBERS, Clinic


def rows_of(clinic: Clinic, principal: object, **options: object) -> list[dict[str, object]]:
    return json.loads(clinic.service.list_json(principal, **options))["results"]


def test_an_image_is_judged_by_all_six_and_listed_to_those_who_may_see_it(
    clinic: Clinic, images: list[Path]
) -> None:
    made = clinic.service.submit(clinic.first, images[0], patient_id=clinic.first_patient)
    assert clinic.service.work().completed == 1

    seen = clinic.service.get(clinic.admin, made.prediction_id)
    assert seen["status"] == "completed"
    assert seen["diagnosis"] in {"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"}
    assert [opinion["error_code"] for opinion in seen["opinions"] if opinion.get("error_code")] == []
    assert len(seen["opinions"]) == 6
    assert sum(seen["probabilities"].values()) == pytest.approx(1)

    own = rows_of(clinic, clinic.first)
    assert [row["id"] for row in own] == [made.prediction_id]
    assert "opinions" not in own[0]
    assert rows_of(clinic, clinic.second) == []
    with pytest.raises(consilia.NotFound):
        clinic.service.get(clinic.second, made.prediction_id)


def test_the_same_image_of_the_same_patient_is_a_duplicate(clinic: Clinic, images: list[Path]) -> None:
    first = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)
    again = clinic.service.submit(clinic.staff, images[0].read_bytes(), patient_id=clinic.first_patient)
    other = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.second_patient)
    assert (again.is_duplicate, again.prediction_id) == (True, first.prediction_id)
    assert not other.is_duplicate
    assert len(clinic.stored_files()) == 2


def huge_png() -> bytes:
    """30,000 x 30,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(3751) * 1000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bad_files(png: bytes, jpeg: bytes) -> list[tuple[str, bytes, str, int]]:
    return [
        ("corrupt.jpg", jpeg[: len(jpeg) // 2], "upload.damaged", 400),
        ("renamed.jpg", png, "upload.extension_mismatch", 400),
        ("text.png", b"name,age\nPat,44\n", "upload.unsupported_type", 415),
        ("large.png", png + bytes(11 * 1024 * 1024 - len(png)), "upload.too_large", 413),
        ("huge.png", huge_png(), "upload.too_many_pixels", 400),
        ("empty.png", b"", "upload.empty", 400),
        ("../../etc/passwd", png, "upload.unsafe_name", 400),
    ]


@pytest.mark.parametrize("index", range(7))
def test_a_bad_file_has_its_own_error_and_leaves_nothing(
    clinic: Clinic, images: list[Path], jpeg: bytes, index: int
) -> None:
    name, content, code, status = bad_files(images[0].read_bytes(), jpeg)[index]
    with pytest.raises(consilia.UploadRejected) as caught:
        clinic.service.submit(clinic.staff, content, patient_id=clinic.first_patient, client_name=name)
    assert (caught.value.code, caught.value.http_status) == (code, status)
    assert caught.value.details["field"] == "file"
    assert clinic.stored_files() == []
    assert clinic.service.statistics(clinic.admin).total == 0


def test_a_model_set_that_fails_leaves_a_reason_and_can_be_retried(
    tmp_path: Path, images: list[Path]
) -> None:
    clinic = Clinic(tmp_path)
    made = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)
    broken = consilia.screening.Service(
        database=f"sqlite:{tmp_path / 'records.db'}",
        files=tmp_path / "files",
        members=[tmp_path / "no.member"],
    )
    assert broken.work().failed == 1
    failed = clinic.service.get(clinic.admin, made.prediction_id)
    assert (failed["status"], failed["failure_code"]) == ("failed", "ensemble.no_opinion")
    clinic.service.retry(clinic.staff, made.prediction_id)
    assert clinic.service.work().completed == 1
    assert clinic.service.get(clinic.admin, made.prediction_id)["failure_code"] is None


def test_the_result_is_the_same_to_the_last_bit_under_a_small_budget(
    tmp_path: Path, images: list[Path]
) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "few").mkdir()
    results = []
    peaks = []
    for folder, budget in (("all", 0), ("few", 4 << 20)):
        clinic = Clinic(tmp_path / folder, budget_bytes=budget)
        for image in images:
            clinic.service.submit(clinic.staff, image, patient_id=clinic.first_patient)
        assert clinic.service.work().completed == len(images)
        results.append(
            [
                [row["probabilities"], [opinion["probabilities"] for opinion in row["opinions"]]]
                for row in rows_of(clinic, clinic.admin, order="id")
            ]
        )
        status = clinic.service.engine_status()
        assert status["peak_bytes"] <= status["budget_bytes"]
        peaks.append(status["peak_bytes"])
    assert results[0] == results[1]
    assert peaks[1] <= 4 << 20 < peaks[0]


WORKER = """
import sys
from pathlib import Path
from consilia import screening
folder = Path(sys.argv[1])
service = screening.Service(
    database=f"sqlite:{folder / 'records.db'}", files=folder / "files", members=sys.argv[2:]
)
def progress(prediction_id, member_id, done, total):
    if done == 3:
        print("in the middle", flush=True)
        import time
        time.sleep(600)  # Ended by the test.
    return True
service.work(progress=progress)
"""


def test_a_prediction_is_completed_once_after_its_worker_was_killed(
    clinic: Clinic, images: list[Path]
) -> None:
    made = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)
    command = [sys.executable, "-c", WORKER, str(clinic.folder), *map(str, MEMBERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "in the middle\n"
        os.kill(worker.pid, signal.SIGKILL)
    assert clinic.service.get(clinic.admin, made.prediction_id)["status"] == "processing"
    assert clinic.service.work_one() is None, "the lease of the dead worker still holds"

    clinic.expire_leases()
    assert clinic.service.work().completed == 1
    assert clinic.service.work_one() is None
    seen = clinic.service.get(clinic.admin, made.prediction_id)
    assert (seen["status"], seen["attempt"]) == ("completed", 2)


ORDER = """
import sys
if sys.argv[1] == "before":
    import torch
from consilia import screening
from pathlib import Path
folder = Path(sys.argv[2])
service = screening.Service(database="sqlite::memory:", files=folder, members=sys.argv[4:])
admin = screening.Principal(service.bootstrap_admin("ada"), "admin")
patient = service.create_patient(admin, record_number="1", full_name="Pat")
made = service.submit(admin, sys.argv[3], patient_id=patient)
assert service.work().completed == 1
import torch
assert float(torch.ones(8, 8).matmul(torch.ones(8, 8)).sum()) == 512
maps = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
for library in ("libtorch_cpu.so", "libgomp", "libsqlite3"):
    assert len([path for path in maps if library in path]) == 1, (library, sorted(maps))
print(service.get(admin, made.prediction_id)["probabilities"])
"""


def test_torch_may_be_imported_before_or_after(tmp_path: Path, images: list[Path]) -> None:
    printed = set()
    for order in ("before", "after"):
        command = [
            sys.executable,
            "-c",
            ORDER,
            order,
            str(tmp_path / order),
            str(images[0]),
            *map(str, MEMBERS),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        printed.add(done.stdout)
    assert len(printed) == 1


def test_a_forked_child_gets_a_named_error_and_does_not_hang(clinic: Clinic, images: list[Path]) -> None:
    clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)
    clinic.service.work()
    child = os.fork()
    if child == 0:
        try:
            clinic.service.list_json(clinic.admin)
        except consilia.Unavailable as error:
            os._exit(0 if error.code == "database.forked" else 2)
        os._exit(1)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child hangs")
