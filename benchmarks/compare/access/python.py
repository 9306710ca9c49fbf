"""Python: one decision beside the peers, a decision on an owned record, and a page of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from consilia.access import Policy, Principal
from rows import QUICK, Row, Sample, Work, interleaved

from . import peers

SIZES = (10, 1_000, 10_000)
RUNS, SAMPLE_S = 15, 0.02
OWNED = "xray.patient.user_id = :principal_id"


def document(rules: int) -> dict[str, object]:
    """The policy of all peers, and a rule with an ownership."""
    permissions: dict[str, list[str]] = {"prediction": ["read", "edit", "erase"]}
    for _, resource, action in peers.others(rules):
        permissions.setdefault(resource, []).append(action)
    lines = [("person", "prediction", "read"), *peers.others(rules)]
    return {
        "version": 1,
        "resources": permissions,
        "roles": [
            {"name": "person"},
            {"name": "staff", "inherits": ["person"]},
            {"name": "admin", "inherits": ["staff"]},
        ],
        "rules": [
            *(
                {"effect": "allow", "role": role, "permission": f"{resource}:{action}"}
                for role, resource, action in lines
            ),
            {"effect": "allow", "role": "person", "permission": "prediction:edit", "condition": OWNED},
        ],
    }


def checked(ask: peers.Ask, name: str) -> peers.Ask:
    """The peer, if it answers as everybody else."""
    if not ask("read") or ask("erase"):
        raise RuntimeError(f"{name} gives another answer")
    return ask


def times(ask: Callable[[], object], count: int) -> Work:
    """So many questions at once: the loop costs a few nanoseconds a question."""

    def call() -> None:
        for _ in range(count):
            ask()

    return Work(call)


def per_question(sample: Sample, count: int) -> Sample:
    return Sample(sample.median / count, sample.spread)


def rows() -> list[Row]:
    """The rows of all sizes."""
    made: list[Row] = []
    for size in SIZES:
        policy = Policy(document(size))
        principal = Principal(7, "admin", name="ada")
        checked(lambda action, p=policy, who=principal: bool(p.check(who, action, "prediction")), "ours")
        with tempfile.TemporaryDirectory() as folder:
            asked = {
                "pycasbin": peers.casbin(Path(folder), size, fast=False),
                "pycasbin FastEnforcer": peers.casbin(Path(folder), size, fast=True),
                "cedarpy": peers.cedar(size),
                "Django has_perm, cached": peers.django(size),
            }
        goals = {"pycasbin FastEnforcer": 1 / 150, "Django has_perm, cached": 1 / 8}
        works = [times(lambda p=policy, who=principal: p.check(who, "read", "prediction"), 1000)]
        counts = [1000]
        for name, ask in asked.items():
            checked(ask, name)
            counts.append(1 if name in ("pycasbin", "cedarpy") else 20)
            works.append(times(lambda ask=ask: ask("read"), counts[-1]))
        slow = QUICK or size == SIZES[-1]
        ours, *theirs = (
            per_question(sample, count)
            for sample, count in zip(interleaved(5 if slow else RUNS, works, SAMPLE_S), counts, strict=True)
        )
        for name, peer in zip(asked, theirs, strict=True):
            case = f"Python: a decision, {size:,} rules"
            made.append(Row.of(case, ours, peer, goals.get(name), against=name))
        promised = Sample(250e-9)
        case = f"Python: a decision, {size:,} rules"
        made.append(Row.of(case, ours, promised, 1.0, against="250 ns", unit="ns"))
        made += owned_rows(policy, principal, size)
    return made


def owned_rows(policy: Policy, principal: Principal, size: int) -> list[Row]:
    """Decisions that look at the record: one, and a page of 25 in one call."""
    record = {"id": 1, "xray": {"patient": {"user_id": 7}}}
    page = [{"id": i, "xray": {"patient": {"user_id": 7 + i % 2}}} for i in range(25)]
    answers = policy.check_many(principal, "edit", "prediction", page)
    if [bool(answer) for answer in answers] != [i % 2 == 0 for i in range(25)]:
        raise RuntimeError("ours gives another answer for a page")
    one, many = interleaved(
        RUNS,
        [
            times(lambda: policy.check(principal, "edit", "prediction", record), 1000),
            times(lambda: policy.check_many(principal, "edit", "prediction", page), 100),
        ],
        SAMPLE_S,
    )
    return [
        Row.of(
            f"Python: with ownership, {size:,} rules",
            per_question(one, 1000),
            Sample(250e-9),
            1.0,
            against="250 ns",
            unit="ns",
        ),
        Row.of(
            f"Python: 25 records with ownership, {size:,} rules",
            per_question(many, 100),
            Sample(2e-6),
            1.0,
            against="2 µs",
        ),
    ]
