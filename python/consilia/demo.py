"""The main job, end to end, on a folder of images: what `consilia demo` runs."""

from __future__ import annotations

import csv
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import consilia
from consilia import imaging, inference, phantoms, screening

CAVEAT = (
    "Demonstration only: these members were trained on generated images. "
    "What they say of a radiograph means nothing about a patient."
)
_REPOSITORY = Path(__file__).resolve().parents[2]
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
_PAGE_SIZE = 100

Progress = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and what is being done."""


@dataclass(frozen=True)
class Options:
    """What a run of the demo is asked to do."""

    images: Path | None = None
    members: Path = Path(consilia.__file__).parent / "demo_members"
    budget_bytes: int = 0
    threads: int = 1  # The members are small: with more, each waits for the others longer than it computes.
    limit: int | None = None
    data: Path | None = None
    heat_maps: int = 0  # So many cases are explained, at most one of each diagnosis.


@dataclass(frozen=True)
class Person:
    """Somebody who lists predictions."""

    title: str
    principal: screening.Principal


@dataclass
class Outcome:
    """What a run came to. `cases` are as an admin sees them, with `label` and `path` of the input added."""

    source: str
    cases: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    duplicates: int = 0
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    timings_s: dict[str, float] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def find_images(options: Options, scratch: Path) -> tuple[str, list[Path], dict[str, str]]:
    """The images of a run: a folder that was named, else the sample radiographs, else generated phantoms.

    Returns:
        Where they are from, their paths in a stable order, and labels by file name where they are known.

    Raises:
        consilia.NotFound: The named folder does not exist or holds no JPEG or PNG file.
    """
    samples = _REPOSITORY.parent / "shared" / "data" / "cxr"
    if options.images is not None:
        folder, source = options.images, f"images of {options.images}"
    elif (samples / "labels.csv").is_file():
        folder, source = samples, "sample radiographs (labels are not clinical truth: see their SOURCE.md)"
    else:
        folder, source = scratch / "phantoms", "generated phantoms"
        phantoms.write_phantoms(folder, count=options.limit or 48, seed=20260101)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not paths:
        raise consilia.NotFound(f"no JPEG or PNG file in `{folder}`")
    labels = _read_labels(folder / "labels.csv")
    if options.limit is not None:
        paths = _spread(paths, options.limit)
    return source, paths, labels


def _read_labels(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {Path(row["file"]).name: row["label"] for row in csv.DictReader(file)}


def _spread(paths: list[Path], limit: int) -> list[Path]:
    """`limit` of the paths, evenly spread, so that a small run still meets every kind."""
    if limit >= len(paths):
        return paths
    return [paths[index * len(paths) // limit] for index in range(limit)]


class Demo:
    """One run: a clinic with an admin, staff and two patients, and a folder of images that they submit."""

    def __init__(self, options: Options, scratch: Path) -> None:
        self._options = options
        home = options.data or scratch
        home.mkdir(parents=True, exist_ok=True)
        members = sorted(options.members.glob("*.member"))
        if not members:
            raise consilia.NotFound(f"no member packages (*.member) in `{options.members}`")
        self.service = screening.Service(
            database=f"sqlite:{home / 'records.db'}",
            files=home / "files",
            members=members,
            budget_bytes=options.budget_bytes,
            threads=options.threads,
            config={"predictions": {"per_user_and_day_max": 100_000}},
        )
        self._create_people()

    def _create_people(self) -> None:
        stamp = f"{time.time_ns():x}" if self._options.data else "1"
        try:
            admin_id = self.service.bootstrap_admin("admin", display_name="Ada Admin")
        except consilia.Conflict:
            admin_id = 1  # A folder that was used before.
        admin = screening.Principal(admin_id, "admin", "admin")
        staff_id = self.service.create_user(
            admin, username=f"staff-{stamp}", role="staff", display_name="Sam Staff"
        )
        staff = screening.Principal(staff_id, "staff", "staff")
        self.staff = staff
        self.people = [Person("admin", admin), Person("staff", staff)]
        self.patients: list[int] = []
        for name in ("Pat One", "Pia Two"):
            number = f"R-{stamp}-{len(self.patients) + 1}"
            user_id = self.service.create_user(
                admin, username=f"patient-{number}", role="patient", display_name=name
            )
            self.patients.append(
                self.service.create_patient(staff, record_number=number, full_name=name, user_id=user_id)
            )
            self.people.append(Person(f"patient {name}", screening.Principal(user_id, "patient", name)))

    def submit(self, paths: list[Path], outcome: Outcome, progress: Progress) -> dict[int, Path]:
        """Submits every image, in turns for the two patients, and gives the path of each prediction."""
        submitted: dict[int, Path] = {}
        for index, path in enumerate(paths):
            progress(index, len(paths), path.name)
            try:
                made = self.service.submit(
                    self.staff, path, patient_id=self.patients[index % 2], client_name=path.name
                )
            except consilia.UploadRejected as error:
                outcome.refused.append({"name": path.name, "code": error.code, "reason": str(error)})
                continue
            if made.is_duplicate:
                outcome.duplicates += 1
            else:
                submitted[made.prediction_id] = path
        progress(len(paths), len(paths), "")
        return submitted

    def work(self, total: int, progress: Progress) -> None:
        """Works the queue until it is empty."""
        done = 0

        def on_member(prediction_id: int, member_id: str, members_done: int, members_total: int) -> bool:
            progress(
                done, total, f"image {done + 1}: {member_id or 'preparing'} ({members_done}/{members_total})"
            )
            return True

        while self.service.work_one(progress=on_member) is not None:
            done += 1
            progress(done, total, "")

    def rows(self, principal: screening.Principal, **options: Any) -> Iterator[dict[str, Any]]:
        """Every prediction that the principal may see, oldest first."""
        page, has_next = 1, True
        while has_next:
            envelope = json.loads(
                self.service.list_json(
                    principal, order="created_at,id", page=page, page_size=_PAGE_SIZE, **options
                )
            )
            yield from envelope["results"]
            page, has_next = page + 1, envelope["has_next"]


def run(options: Options, progress: Progress = lambda done, total, what: None) -> Outcome:
    """Runs the whole job and gives what came of it.

    Args:
        options: Which images, which members, how much memory.
        progress: Told how far submitting and working are.

    Raises:
        consilia.NotFound: No images or no member packages.
        consilia.Error: What a step of the job raises; a refused upload is part of the outcome instead.
    """
    with tempfile.TemporaryDirectory(prefix="consilia-demo-") as scratch:
        demo = Demo(options, Path(scratch) / "clinic")
        source, paths, labels = find_images(options, Path(scratch))
        outcome = Outcome(source=source)
        start = time.perf_counter()
        submitted = demo.submit(paths, outcome, progress)
        outcome.timings_s["submit"] = time.perf_counter() - start
        start = time.perf_counter()
        demo.work(len(submitted), progress)
        outcome.timings_s["work"] = time.perf_counter() - start
        _collect(demo, options, outcome, submitted, labels)
    return outcome


def _collect(
    demo: Demo, options: Options, outcome: Outcome, submitted: dict[int, Path], labels: dict[str, str]
) -> None:
    start = time.perf_counter()
    for person in demo.people:
        rows = list(demo.rows(person.principal))
        fields = sorted({name for row in rows for name in _field_names(row)})
        outcome.views[person.title] = {"count": len(rows), "fields": fields, "rows": rows[:5]}
    outcome.timings_s["list"] = time.perf_counter() - start
    admin = demo.people[0].principal
    for row in demo.rows(admin):
        path = submitted.get(row["id"])
        if path is not None:
            pictures = _pictures(path)
            outcome.cases.append({**row, "name": path.name, "label": labels.get(path.name), **pictures})
    for case in _first_of_each_diagnosis(outcome.cases)[: options.heat_maps]:
        heat = inference.explain(demo.service.engine(), submitted[case["id"]])
        case["heat_png"] = heat.draw_over_png(case["image_png"])
    outcome.engine = demo.service.engine_status()
    outcome.environment = {
        "consilia": consilia.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
    }


def _first_of_each_diagnosis(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for case in cases:
        if case["status"] == "completed":
            first.setdefault(case["diagnosis"], case)
    return list(first.values())


def _field_names(row: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in row.items():
        if isinstance(value, dict) and name in {"xray", "patient", "requested_by", "uploaded_by"}:
            yield from _field_names(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _pictures(path: Path) -> dict[str, bytes]:
    """The image and its CLAHE twin as small PNGs, for the report."""
    data = path.read_bytes()
    info = imaging.probe(data)
    scale = min(1.0, 320 / max(info.width, info.height))
    resize = {
        "op": "resize",
        "width": max(1, round(info.width * scale)),
        "height": max(1, round(info.height * scale)),
        "interpolation": "area",
    }
    clahe = {"op": "clahe", "clip_limit": 2.0, "tiles": [8, 8]}
    gray = {"op": "grayscale"}
    tensor = {"op": "tensor", "layout": "CHW", "channels": 1}
    plain = imaging.Pipeline(json.dumps({"version": 1, "steps": [gray, resize, tensor]}))
    equalised = imaging.Pipeline(json.dumps({"version": 1, "steps": [gray, clahe, resize, tensor]}))
    return {
        "image_png": imaging.encode_png(plain.apply_pixels(data)),
        "clahe_png": imaging.encode_png(equalised.apply_pixels(data)),
    }
