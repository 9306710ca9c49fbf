"""Python: ours beside sqlite3, Django and SQLAlchemy, in one process, on one file, with the same plans."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from rows import Row, Sample, Work, interleaved

from . import clinic, django_peer, ours, plans, sqlalchemy_peer, sqlite3_peer

INSERTED = 10_000
BUILD_US_MAX = 3.0


@dataclass
class Case:
    """Works that are measured together, and the rows made of them: case, ours, the peer, the goal."""

    works: Mapping[str, Work]
    rows: Sequence[tuple[str, str, str, float | None]]
    runs: int = 15
    sample_s: float = 0.03

    def measure(self) -> Iterator[Row]:
        """Measures the works and gives the rows."""
        measured = interleaved(self.runs, list(self.works.values()), self.sample_s)
        samples = dict(zip(self.works, measured, strict=True))
        samples[f"{BUILD_US_MAX:g} µs"] = Sample(BUILD_US_MAX / 1e6)
        for case, our, peer, goal in self.rows:
            yield Row.of(f"Python: {case}", samples[our], samples[peer], goal, against=peer)


class Peers:
    """Everyone who works on the file."""

    def __init__(self) -> None:
        self.ours = ours.Peer(f"sqlite:{clinic.FILE}")
        self.sqlite3 = sqlite3_peer.Peer()
        self.django = django_peer.Peer()
        self.sqlalchemy = sqlalchemy_peer.Peer()

    def of(self, name: str) -> dict[str, Work]:
        """Everyone's work of this name."""
        return {
            "ours": Work(getattr(self.ours, name)),
            "sqlite3": Work(getattr(self.sqlite3, name)),
            django_peer.NAME: Work(getattr(self.django, name)),
            sqlalchemy_peer.NAME: Work(getattr(self.sqlalchemy, name)),
        }

    def plans(self, work: Callable[[Any], object]) -> dict[str, list[list[str]]]:
        """How the database runs what each library sends for a work."""
        libraries = {"ours": self.ours, django_peer.NAME: self.django, sqlalchemy_peer.NAME: self.sqlalchemy}
        return {
            name: plans.steps(peer.statements(lambda peer=peer: work(peer)))
            for name, peer in libraries.items()
        }


def with_keys(work: Work, wanted: Sequence[int]) -> Work:
    """A work on one key, called with one after another, for everyone in the same order."""
    call: Any = work.call
    in_turn = cycle(wanted)
    return Work(lambda: call(next(in_turn)))


def get(peers: Peers) -> Case:
    """A record by its key."""
    wanted = clinic.keys(4096)
    plans.require_same(
        "get",
        {
            "sqlite3": plans.steps([(sqlite3_peer.GET, (wanted[0],))]),
            **peers.plans(lambda peer: peer.get(wanted[0])),
        },
    )
    key = wanted[0]
    require_equal(
        "get",
        peers.sqlite3.get(key),
        ours.plain(peers.ours.get(key), "predictions"),
        django_peer.plain(peers.django.get(key)),
        sqlalchemy_peer.plain(peers.sqlalchemy.get(key)),
    )
    works = {name: with_keys(work, wanted) for name, work in peers.of("get").items()}
    works["touched"] = with_keys(Work(peers.ours.get_touched), wanted)
    return Case(
        works,
        [
            ("get by primary key", "ours", "sqlite3", 0.7),
            ("get by primary key, touched", "touched", "sqlite3", 0.7),
            ("get by primary key", "ours", django_peer.NAME, 1 / 25),
            ("get by primary key, touched", "touched", django_peer.NAME, 1 / 25),
            ("get by primary key, touched", "touched", sqlalchemy_peer.NAME, None),
        ],
    )


def across(prediction: Any, plain: Callable[[Any, str], tuple[Any, ...]]) -> tuple[Any, ...]:
    """What is stored of a prediction, its image, its patient and its user."""
    xray = prediction.xray
    patient = xray.patient
    return (
        *plain(prediction, "predictions"),
        *plain(xray, "xrays"),
        *plain(patient, "patients"),
        *plain(patient.user, "users"),
    )


def page(peers: Peers) -> Case:
    """The newest 25, with three joins."""
    plans.require_same(
        "page",
        {
            "sqlite3": plans.steps([(sqlite3_peer.PAGE, ("completed",))]),
            **peers.plans(lambda peer: peer.page()),
        },
    )
    require_equal(
        "page",
        peers.sqlite3.page(),
        [across(row, ours.plain) for row in peers.ours.page()],
        [tuple(map(ours.stored, row)) for row in peers.ours.page_tuples()],
        [across(row, lambda record, _: django_peer.plain(record)) for row in peers.django.page()],
        peers.django.page_values(),
        [across(row, lambda record, _: sqlalchemy_peer.plain(record)) for row in peers.sqlalchemy.page()],
        [tuple(row) for row in peers.sqlalchemy.page_values()],
    )
    require_equal("page as JSON", json.loads(peers.sqlite3.page_json()), json.loads(peers.ours.page_json()))
    works = {
        **peers.of("page"),
        "sqlite3, touched": Work(peers.sqlite3.page_touched),
        "touched": Work(peers.ours.page_touched),
        "built": Work(peers.ours.page_built),
        "tuples": Work(peers.ours.page_tuples),
        "JSON": Work(peers.ours.page_json),
        "sqlite3 + orjson": Work(peers.sqlite3.page_json),
        "sqlite3 + orjson, flat": Work(peers.sqlite3.page_json_flat),
        "Django values_list": Work(peers.django.page_values),
        "SQLAlchemy rows": Work(peers.sqlalchemy.page_values),
        "build": Work(peers.ours.build),
    }
    return Case(
        works,
        [
            ("page of 25, three joins", "ours", "sqlite3", 0.8),
            ("page of 25, touched", "touched", "sqlite3, touched", 0.8),
            ("page of 25 as tuples", "tuples", "sqlite3", None),
            ("page of 25, built anew", "built", django_peer.NAME, 1 / 18),
            ("page of 25, touched", "touched", django_peer.NAME, 1 / 18),
            ("page of 25 as tuples", "tuples", "Django values_list", None),
            ("page of 25, built anew", "built", sqlalchemy_peer.NAME, None),
            ("page of 25 as tuples", "tuples", "SQLAlchemy rows", None),
            ("page of 25 as JSON", "JSON", "sqlite3 + orjson", 0.6),
            ("page of 25 as JSON", "JSON", "sqlite3 + orjson, flat", None),
            ("build a query that is known", "build", f"{BUILD_US_MAX:g} µs", 1.0),
        ],
    )


def family(patients: Any, plain: Callable[[Any, str], tuple[Any, ...]]) -> list[Any]:
    """Patients, their images and their predictions, each in the order of their keys."""
    return [
        (
            plain(patient, "patients"),
            sorted(
                (plain(xray, "xrays"), sorted(plain(each, "predictions") for each in xray.predictions))
                for xray in patient.xrays
            ),
        )
        for patient in patients
    ]


class DjangoChildren:
    """A Django record whose children are read as attributes."""

    def __init__(self, record: Any) -> None:
        self.record = record

    @property
    def xrays(self) -> list[DjangoChildren]:
        """Images of a patient."""
        return [DjangoChildren(each) for each in self.record.xrays.all()]

    @property
    def predictions(self) -> list[DjangoChildren]:
        """Predictions of an image."""
        return [DjangoChildren(each) for each in self.record.predictions.all()]


def prefetch(peers: Peers) -> Case:
    """Children and their children, in three statements."""
    raw = [
        (sqlite3_peer.PATIENTS, (100,)),
        (sqlite3_peer.XRAYS, ("[1]",)),
        (sqlite3_peer.PREDICTIONS, ("[1]",)),
    ]
    plans.require_same("prefetch", {"sqlite3": plans.steps(raw), **peers.plans(lambda peer: peer.prefetch())})
    found = [
        (patient, sorted((xray, sorted(below)) for xray, below in xrays))
        for patient, xrays in peers.sqlite3.prefetch()
    ]
    require_equal(
        "prefetch",
        found,
        family(peers.ours.prefetch(), ours.plain),
        family(map(DjangoChildren, peers.django.prefetch()), lambda each, _: django_peer.plain(each.record)),
        family(peers.sqlalchemy.prefetch(), lambda each, _: sqlalchemy_peer.plain(each)),
    )
    works = {**peers.of("prefetch"), "walked": Work(peers.ours.prefetch_walked)}
    return Case(
        works,
        [
            ("prefetch 100 / 500 / 1000", "ours", django_peer.NAME, 1 / 25),
            ("prefetch 100 / 500 / 1000, walked", "walked", django_peer.NAME, 1 / 25),
            ("prefetch 100 / 500 / 1000, walked", "walked", sqlalchemy_peer.NAME, None),
            ("prefetch 100 / 500 / 1000, walked", "walked", "sqlite3", None),
        ],
        runs=11,
    )


def stream(peers: Peers) -> Case:
    """All predictions."""
    works = {
        **peers.of("stream"),
        "touched": Work(peers.ours.stream_touched),
        "Django values_list": Work(peers.django.stream_values),
        "SQLAlchemy rows": Work(peers.sqlalchemy.stream_values),
    }
    return Case(
        works,
        [
            ("stream 100,000", "ours", "sqlite3", 0.55),
            ("stream 100,000, touched", "touched", "sqlite3", None),
            ("stream 100,000", "ours", django_peer.NAME, 1 / 12),
            ("stream 100,000, touched", "touched", django_peer.NAME, None),
            ("stream 100,000", "ours", "Django values_list", None),
            ("stream 100,000", "ours", sqlalchemy_peer.NAME, None),
            ("stream 100,000", "ours", "SQLAlchemy rows", None),
        ],
        runs=7,
        sample_s=0,
    )


def arrow(peers: Peers) -> Case:
    """Five columns of all predictions as a table of pyarrow."""
    if not peers.sqlite3.arrow().equals(peers.ours.arrow()):
        raise RuntimeError("columns to Arrow: results differ")
    works = {"ours": Work(peers.ours.arrow), "sqlite3 + pyarrow": Work(peers.sqlite3.arrow)}
    return Case(
        works, [("columns of 100,000 to Arrow", "ours", "sqlite3 + pyarrow", 0.45)], runs=9, sample_s=0
    )


def insert(peers: Peers) -> Case:
    """10,000 rows in one transaction, committed; taken out again outside the measured time."""
    rows = [
        (1 + i, "completed", "Viral Pneumonia", i / (INSERTED + 1), 1_800_000_000_000_000 + i, 0, 0)
        for i in range(INSERTED)
    ]
    timed = [(*row[:4], in_utc(row[4]), in_utc(row[5]), False) for row in rows]

    def undo() -> None:
        peers.sqlite3.undo_insert(clinic.PREDICTIONS + 1)

    works = {
        "ours": Work(lambda: peers.ours.insert(timed), undo),
        "sqlite3": Work(lambda: peers.sqlite3.insert(rows), undo),
        django_peer.NAME: Work(lambda: peers.django.insert(rows), undo),
        sqlalchemy_peer.NAME: Work(lambda: peers.sqlalchemy.insert(rows), undo),
    }
    found = []
    for work in works.values():
        work.call()
        found.append(peers.sqlite3.after(clinic.PREDICTIONS))
        undo()
    require_equal("insert", *found)
    return Case(
        works,
        [
            ("insert 10,000, one transaction", "ours", django_peer.NAME, 1 / 11),
            ("insert 10,000, one transaction", "ours", sqlalchemy_peer.NAME, None),
            ("insert 10,000, one transaction", "ours", "sqlite3", None),
        ],
        runs=9,
    )


def in_utc(microseconds: int) -> datetime:
    """The time of a number as the tables have it."""
    return sqlite3_peer.EPOCH + timedelta(microseconds=microseconds)


def require_equal(case: str, *results: Any) -> None:
    """Refuses a case in which not everyone gave the same.

    Raises:
        RuntimeError: Names the case and the first that differs, by its place.
    """
    for place, result in enumerate(results[1:], start=1):
        if result != results[0]:
            raise RuntimeError(f"{case}: result {place} is not that of sqlite3")


def rows() -> Iterator[Row]:
    """The rows of all cases."""
    peers = Peers()
    gc.collect()
    gc.freeze()  # What is loaded weighs on nobody's collections.
    for case in (get, page, prefetch, stream, arrow, insert):
        yield from case(peers).measure()
