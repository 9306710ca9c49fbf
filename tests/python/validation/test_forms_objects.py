"""Whatever objects a form is given, it answers: a report whose parts can be read and written."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import random
import uuid
from collections.abc import Callable
from typing import Any

from consilia import forms

KINDS = [
    *("boolean", "integer", "number", "text", "email", "phone", "person_name", "url"),
    *("date", "timestamp", "uuid", "json"),
]
OBJECT = forms.Form([forms.field(kind, kind, required=False, nullable=len(kind) > 4) for kind in KINDS])
FORM = forms.Form(
    [
        *(forms.field(kind, kind, required=False) for kind in KINDS),
        forms.object("object", OBJECT, required=False),
        forms.list("many", forms.json("each"), required=False, unique_items=True),
        forms.list("objects", forms.object("each", OBJECT), required=False),
        forms.list("lists", forms.list("each", forms.integer("i")), required=False),
    ],
    unknown="ignore",
)


class Word(str):
    __slots__ = ()


class Page(dict[str, Any]):
    """As Django has it."""

    def getlist(self, key: str) -> list[Any]:
        return [self[key], self[key]]


class Choice(enum.Enum):
    A = "a"
    ONE = 1


class Unwilling:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, key: object) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        raise NotImplementedError


def random_value(rng: random.Random, depth: int = 0) -> Any:
    single: list[Callable[[], Any]] = [
        lambda: rng.choice([None, True, False, Choice.A, Choice.ONE, Unwilling(), {1, 2}, (1, "a")]),
        lambda: rng.choice([rng.randrange(-(10**25), 10**25), 1 << rng.randrange(70), -(2**63), 150]),
        lambda: rng.choice([rng.random() * 1e3, float("nan"), decimal.Decimal("1.5"), 12.0, 1e300]),
        lambda: rng.choice(["", " ", "a" * rng.randrange(5), "ü\ud800", Word("x@y.org"), "2020-01-01", "7"]),
        lambda: rng.choice([b"xyz", bytearray(b"q"), memoryview(b"m"), uuid.UUID(int=5)]),
        lambda: datetime.datetime(2020, 1, 1, tzinfo=rng.choice([None, datetime.UTC])),
        lambda: datetime.date(2020, 1, rng.randrange(1, 32)),
    ]
    nested: list[Callable[[], Any]] = [
        lambda: [random_value(rng, depth + 1) for _ in range(rng.randrange(4))],
        lambda: {name: random_value(rng, depth + 1) for name in rng.sample(KINDS, rng.randrange(4))},
        lambda: {5: random_value(rng, depth + 1)},
        lambda: Page(a=random_value(rng, depth + 1)),
    ]
    return rng.choice(single + (nested if depth < 4 else []))()


def test_any_objects_are_answered() -> None:
    rng = random.Random(3)
    names = [field.name for field in FORM.fields] + ["unknown"]
    valid = 0
    for _ in range(4000):
        given = {name: random_value(rng) for name in names if rng.random() < 0.12}
        page = Page(given) if rng.random() < 0.1 else given
        report = FORM.check(page, mode=rng.choice(["strict", "coerce"]))
        assert report.valid == (not json.loads(report.errors_json()))
        assert all(error.message and isinstance(error.params, dict) for error in report.errors)
        if report.valid:
            valid += 1
            assert set(json.loads(report.values_json())) == set(report.values)
    assert 200 < valid < 3800
