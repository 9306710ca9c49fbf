"""Python on PostgreSQL: ours beside psycopg 3, both prepared and in binary, over one socket to one server."""

from __future__ import annotations

from collections.abc import Iterator

from rows import Row, Work

from . import clinic, ours, psycopg_peer
from .python import INSERTED, Case, across, in_utc, require_equal, with_keys

GOAL = 0.8


class Peers:
    """Both, on one server."""

    def __init__(self, url: str) -> None:
        self.ours = ours.Peer(url)
        self.psycopg = psycopg_peer.Peer(url)

    def of(self, name: str) -> dict[str, Work]:
        """Their work of this name."""
        return {
            "ours": Work(getattr(self.ours, name)),
            psycopg_peer.NAME: Work(getattr(self.psycopg, name)),
        }


def cases(peers: Peers) -> Iterator[Case]:
    """Get, page, stream and insert."""
    peer = psycopg_peer.NAME
    wanted = clinic.keys(4096)
    works = {name: with_keys(work, wanted) for name, work in peers.of("get").items()}
    works["touched"] = with_keys(Work(peers.ours.get_touched), wanted)
    yield Case(
        works,
        [
            ("PostgreSQL get by primary key", "ours", peer, GOAL),
            ("PostgreSQL get by primary key, touched", "touched", peer, GOAL),
        ],
    )
    require_equal(
        "PostgreSQL page",
        [tuple(map(ours.stored, row)) for row in peers.psycopg.page()],
        [across(row, ours.plain) for row in peers.ours.page()],
    )
    yield Case(
        {**peers.of("page"), "touched": Work(peers.ours.page_touched)},
        [
            ("PostgreSQL page of 25, three joins", "ours", peer, GOAL),
            ("PostgreSQL page of 25, touched", "touched", peer, GOAL),
        ],
    )
    yield Case(
        {**peers.of("stream"), "touched": Work(peers.ours.stream_touched)},
        [
            ("PostgreSQL stream 100,000", "ours", peer, GOAL),
            ("PostgreSQL stream 100,000, touched", "touched", peer, None),
        ],
        runs=7,
        sample_s=0,
    )
    rows = [
        (1 + i, "completed", "Viral Pneumonia", i / (INSERTED + 1), in_utc(i), in_utc(i), False)
        for i in range(INSERTED)
    ]

    def undo() -> None:
        peers.psycopg.undo_insert(clinic.PREDICTIONS + 1)

    yield Case(
        {name: Work(lambda work=work: work.call(rows), undo) for name, work in peers.of("insert").items()},
        [("PostgreSQL insert 10,000 (COPY)", "ours", peer, GOAL)],
        runs=9,
    )


def rows(url: str) -> Iterator[Row]:
    """The rows of all cases."""
    peers = Peers(url)
    for case in cases(peers):
        yield from case.measure()
    peers.psycopg.close()
