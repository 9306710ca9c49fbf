"""A scoped queryset gives exactly the rows that `check` allows, whatever the policy and the nulls."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Iterator
from typing import Any

import django_site as site
import pytest
from django.db import connections
from django.db.models import Q
from django.test import override_settings
from django.utils import timezone

from consilia.access import Policy, Principal
from consilia.django import scope_queryset
from consilia.django._querysets import _stored
from postgres_server import PostgresServer

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
TOKENS = [uuid.UUID(int=number << 64 | 7) for number in range(3)]
ROUNDS = 300
SQLITE = ["compare", "compare", "null", "in", "between", "not in"]
FORMS = {"sqlite": SQLITE, "postgresql": [*SQLITE, "like", "function"]}
LIKE = ["'p%'", "'100\\%%'", "'_ending'"]

# What a field may hold, with the text of the same in a condition.
FIELDS: dict[str, list[tuple[Any, str]]] = {
    "status": [
        ("completed", "'completed'"),
        ("pending", "'pending'"),
        ("Pending", "'Pending'"),
        ("100%", "'100%'"),
    ],
    "requested_by": [(number, str(number)) for number in (1, 2, 7)],
    "confidence": [(0.25, "0.25"), (0.5, "0.5"), (1.0, "1.0")],
    "is_urgent": [(True, "true"), (False, "false")],
    "created_at": [
        (
            NOON + datetime.timedelta(microseconds=500_000 * number),
            f"timestamp '2026-03-01T12:00:0{number / 2}Z'",
        )
        for number in range(3)
    ],
    "taken_on": [(datetime.date(2026, 1, day), f"date '2026-01-0{day}'") for day in (1, 2, 3)],
    "token": [(token, f"uuid '{token}'") for token in TOKENS],
    "xray.patient.user_id": [(number, str(number)) for number in (1, 2, 7)],
}


@pytest.fixture(scope="module", autouse=True)
def rows() -> Iterator[None]:
    site.create_tables()
    draw = random.Random(1)

    def some(name: str) -> Any:
        return None if draw.random() < 0.3 else draw.choice(FIELDS[name])[0]

    patients = [site.Patient.objects.create(full_name="x", user_id=owner) for owner in (1, 2, 7, None)]
    xrays = [site.Xray.objects.create(patient=patient) for patient in [*patients, None]]
    columns = [name for name in FIELDS if "." not in name]
    site.Prediction.objects.bulk_create(
        site.Prediction(xray=draw.choice(xrays), **{name: some(name) for name in columns}) for _ in range(120)
    )
    yield
    connections.close_all()


def condition(draw: random.Random, forms: list[str], depth: int = 3) -> str:
    kind = draw.choice(["and", "or", "not", *["leaf"] * 3]) if depth else "leaf"
    if kind == "not":
        return f"not ({condition(draw, forms, depth - 1)})"
    if kind != "leaf":
        count = draw.randint(2, 3)
        return f" {kind} ".join(f"({condition(draw, forms, depth - 1)})" for _ in range(count))
    name = draw.choice(list(FIELDS))
    texts = [text for _, text in FIELDS[name]]
    if name in ("requested_by", "xray.patient.user_id"):
        texts.append(":principal_id")
    if name == "created_at":
        texts.append(":now")
    form = draw.choice(forms)
    if form == "like":
        return f"status {draw.choice(['', 'not '])}like {draw.choice(LIKE)}"
    if form == "function":
        return draw.choice(["lower(status) = 'pending'", "day(created_at) = 1", "length(status) > 5"])
    if form == "null":
        return f"{name} is {draw.choice(['', 'not '])}null"
    if form == "between":
        return f"{name} between {draw.choice(texts)} and {draw.choice(texts)}"
    if form in ("in", "not in"):
        listed = ", ".join([*draw.sample(texts, 2), *draw.choice([[], ["null"]])])
        return f"{name} {form} ({listed})"
    return f"{name} {draw.choice(['=', '<>', '<', '<=', '>', '>='])} {draw.choice(texts)}"


def random_policy(draw: random.Random, forms: list[str]) -> Policy:
    rules = [
        {
            "effect": draw.choice(["allow", "allow", "deny"]),
            "role": "reader",
            "permission": "prediction:read",
            "condition": condition(draw, forms),
        }
        for _ in range(draw.randint(1, 4))
    ]
    return Policy(
        {"version": 1, "resources": {"prediction": ["read"]}, "roles": [{"name": "reader"}], "rules": rules}
    )


def everything(database: str = "default") -> Any:
    rows = site.Prediction.objects.using(database)
    return rows.select_related("xray__patient").order_by("pk")


@pytest.fixture
def server(postgres: PostgresServer) -> str:
    """The same rows on PostgreSQL."""
    folder = postgres.url.partition("host=")[2]
    connections.databases["server"] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "consilia",
        "HOST": folder,
    }
    with connections["server"].schema_editor() as editor:
        for model in site.MODELS:
            editor.create_model(model)
    for model in site.MODELS:
        model.objects.using("server").bulk_create(model.objects.all())
    return "server"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_scoped_queryset_gives_what_check_allows(kind: str, request: pytest.FixtureRequest) -> None:
    database = "default" if kind == "sqlite" else request.getfixturevalue("server")
    objects = list(everything(database))
    given = set()
    for seed in range(ROUNDS):
        draw = random.Random(seed)
        policy = random_policy(draw, FORMS[kind])
        principal = Principal(draw.choice([1, 2, None]), "reader")
        decisions = policy.check_many(principal, "read", "prediction", objects)
        allowed = [row.pk for row, decision in zip(objects, decisions, strict=True) if decision]
        scoped = scope_queryset(everything(database), principal, "read", "prediction", policy)
        assert list(scoped.values_list("pk", flat=True)) == allowed, f"seed {seed}: {policy.to_json()}"
        given.add(len(allowed))
    assert len(given) > 20  # Not all or nothing.


def test_a_scope_stays_with_what_the_queryset_does_next() -> None:
    policy = Policy(
        {
            "version": 1,
            "resources": {"prediction": ["read"]},
            "roles": [{"name": "reader"}],
            "rules": [
                {
                    "effect": "allow",
                    "role": "reader",
                    "permission": "prediction:read",
                    "condition": "xray.patient.user_id = :principal_id or xray.patient.user_id is null",
                }
            ],
        }
    )
    me = Principal(7, "reader")
    scoped = scope_queryset(site.Prediction.objects.all(), me, "read", "prediction", policy)
    mine = {row.pk for row in everything() if policy.check(me, "read", "prediction", row)}
    assert scoped.count() == len(mine) > 0
    assert set(scoped.filter(status="completed").values_list("pk", flat=True)) < mine
    assert set(scoped.exclude(xray__patient__user_id=7).values_list("pk", flat=True)) < mine
    nested = site.Prediction.objects.filter(Q(pk__in=scoped) & Q(xray__isnull=False))
    assert set(nested.values_list("pk", flat=True)) == mine
    assert scoped.exists() and scoped.order_by("-pk").first().pk == max(mine)
    assert set((scoped | site.Prediction.objects.none()).values_list("pk", flat=True)) == mine


def test_times_are_stored_as_django_stores_them() -> None:
    local = _stored(NOON, connections["default"])
    assert str(local) == "2026-03-01 12:00:00"
    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Berlin"), timezone.override("Europe/Berlin"):
        assert str(_stored(NOON, connections["default"])) == "2026-03-01 13:00:00"
    assert _stored(TOKENS[1], connections["default"]) == TOKENS[1].hex
