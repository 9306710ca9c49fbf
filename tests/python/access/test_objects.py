"""What a policy sees of the objects that Python programs have."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import sqlite3
import types
from pathlib import Path
from typing import Any

import pytest
from policies import CLINIC, prediction

import consilia
from consilia import data
from consilia.access import Policy, Principal
from consilia.data import Column, Key, Reference, column

ANN = Principal(7, "patient")


class Status(enum.StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"


class Patient(data.Model, table="patients"):
    id: Key
    user_id: Column[int | None]
    full_name: Column[str]


class Xray(data.Model, table="xrays"):
    id: Key
    patient: Reference[Patient | None]


class Prediction(data.Model, table="predictions"):
    id: Key
    status: Column[Status] = column(default="pending")
    requested_by: Column[int | None]
    created_at: Column[datetime.datetime | None]
    xray: Reference[Xray]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy(CLINIC)


@pytest.fixture
def db(tmp_path: Path) -> data.Database:
    database = data.Database(f"sqlite:{tmp_path / 'clinic.db'}")
    database.create_tables(Patient, Xray, Prediction)
    with database.begin() as tx:
        for owner in (7, 8, None):
            patient = tx.insert(Patient(full_name=f"of {owner}", user_id=owner))
            xray = tx.insert(Xray(patient=patient))
            for status in Status:
                tx.insert(Prediction(xray=xray, status=status, requested_by=owner))
        tx.insert(Prediction(xray=tx.insert(Xray()), status="completed"))
    return database


@dataclasses.dataclass
class Node:
    patient: Any = None
    user_id: Any = None


class Bag(collections.UserDict[str, Any]):
    pass


@pytest.mark.parametrize(
    "given",
    [
        prediction(7),
        {"xray.patient.user_id": 7},
        {"xray": {"patient.user_id": 0, "patient": {"user_id": 7}}},
        types.SimpleNamespace(xray=Node(patient=Node(user_id=7))),
        {"xray": Node(patient={"user_id": 7})},
        Bag(xray=Bag(patient=Bag(user_id=7))),
        Bag({"xray.patient.user_id": 7}),
        types.MappingProxyType({"xray": collections.OrderedDict(patient={"user_id": 7})}),
    ],
)
def test_a_path_leads_through_keys_and_attributes(policy: Policy, given: object) -> None:
    assert policy.check(ANN, "read", "prediction", given)
    assert not policy.check(Principal(8, "patient"), "read", "prediction", given)
    assert policy.check_many(ANN, "read", "prediction", [given, prediction(8)])[0]


@pytest.mark.parametrize(
    "given", [{"xray": None}, {"xray": {"patient": None}}, {"xray": Node()}, prediction(None)]
)
def test_none_on_the_way_is_null(policy: Policy, given: object) -> None:
    assert policy.check(ANN, "read", "prediction", given).reason == "no_rule"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "no key `xray`"),
        ({"xray": {}}, "no key `patient`"),
        (object(), "no attribute 'xray'"),
        ({"xray": [1]}, "no attribute 'patient'"),
        (Bag(), "no key `xray`"),
    ],
)
def test_a_missing_field_is_an_error_that_names_it(policy: Policy, given: object, reason: str) -> None:
    for ask in (policy.check, policy.explain):
        with pytest.raises(consilia.InvalidArgument, match=reason) as caught:
            ask(ANN, "read", "prediction", given)
        assert caught.value.code == "access.missing_field"
        assert caught.value.details == {"field": "xray.patient.user_id", "object": type(given).__name__}
    with pytest.raises(consilia.InvalidArgument, match=reason):
        policy.check_many(ANN, "read", "prediction", [prediction(7), given])


def test_fields_that_no_condition_asks_for_need_not_be_there(policy: Policy) -> None:
    assert policy.check(Principal(1, "staff"), "read", "prediction", {})


def test_what_is_no_value_is_refused_with_its_field(policy: Policy) -> None:
    with pytest.raises(
        consilia.InvalidArgument, match=r"field `xray.patient.user_id` of the object"
    ) as caught:
        policy.check(ANN, "read", "prediction", prediction(decimal.Decimal(7)))  # type: ignore[arg-type]
    assert caught.value.code == "value.type"
    with pytest.raises(consilia.InvalidArgument) as caught:
        policy.check(ANN, "read", "prediction", prediction("seven"))  # type: ignore[arg-type]
    assert caught.value.code == "expression.type"
    with pytest.raises(consilia.InvalidArgument, match="64 bits"):
        policy.check(ANN, "read", "prediction", prediction(2**70))


def test_what_an_object_raises_is_raised(policy: Policy) -> None:
    class Broken:
        @property
        def xray(self) -> None:
            raise RuntimeError("no connection")

        def __getitem__(self, key: str) -> None:
            raise RuntimeError("no connection")

        def keys(self) -> list[str]:
            return []

    with pytest.raises(RuntimeError, match="no connection"):
        policy.check(ANN, "read", "prediction", Broken())
    with pytest.raises(RuntimeError, match="no connection"):
        policy.check_many(ANN, "read", "prediction", [Broken()])


def test_a_relation_without_a_row_is_null(policy: Policy) -> None:
    class NoRowError(AttributeError):
        """As Django's, which has no row for a relation."""

    class Xray:
        @property
        def patient(self) -> None:
            raise NoRowError("Xray has no patient")

    assert policy.check(ANN, "read", "prediction", {"xray": Xray()}).reason == "no_rule"


def test_enums_and_times_are_compared_by_value() -> None:
    policy = Policy(
        {
            "version": 1,
            "resources": {"prediction": ["read"]},
            "roles": [{"name": "patient"}],
            "rules": [
                {
                    "effect": "allow",
                    "role": "patient",
                    "permission": "prediction:read",
                    "condition": "status = 'completed' and created_at <= :now",
                }
            ],
        }
    )
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    for made in (past, past.astimezone(datetime.UTC)):
        assert policy.check(ANN, "read", "prediction", {"status": Status.COMPLETED, "created_at": made})
    with pytest.raises(consilia.InvalidArgument, match="field `created_at`"):
        naive = datetime.datetime(2020, 1, 1)
        policy.check(ANN, "read", "prediction", {"status": "completed", "created_at": naive})


def test_rows_of_sqlite3_are_mappings(policy: Policy) -> None:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row = connection.execute('select 7 as "xray.patient.user_id", 1 as status').fetchone()
    connection.close()
    assert policy.check(ANN, "read", "prediction", row)


def test_records_are_read_where_they_lie(policy: Policy, db: data.Database) -> None:
    rows = Prediction.query().include("xray.patient").order_by("id").run(db)
    decisions = policy.check_many(ANN, "read", "prediction", rows)
    assert [decision.allowed for decision in decisions] == [True, True, False, False, False, False, False]
    assert [policy.check(ANN, "read", "prediction", row) for row in rows] == decisions
    assert policy.check_many(ANN, "read", "prediction", list(rows)) == decisions
    assert policy.check_many(ANN, "read", "prediction", rows[1:3]) == decisions[1:3]
    reviews = policy.check_many(Principal(8, "staff"), "review", "prediction", rows)
    assert [decision.allowed for decision in reviews] == [False, True, False, False, False, False, False]


def test_an_assigned_value_counts(policy: Policy, db: data.Database) -> None:
    row = Prediction.query().include("xray.patient").order_by("id").run(db)[1]
    staff = Principal(1, "staff")
    assert policy.check(staff, "review", "prediction", row)
    row.requested_by = 1
    assert not policy.check(staff, "review", "prediction", row)
    fresh = Prediction(status="completed", requested_by=2)
    assert policy.check(staff, "review", "prediction", fresh)


def test_a_record_without_the_field_is_refused(policy: Policy, db: data.Database) -> None:
    with pytest.raises(consilia.InvalidArgument, match="include it in the query") as caught:
        policy.check_many(ANN, "read", "prediction", Prediction.query().run(db))
    assert caught.value.code == "access.missing_field"
    with pytest.raises(consilia.InvalidArgument, match="was not selected"):
        policy.check(
            Principal(1, "staff"), "review", "prediction", Prediction.query().select("id").run(db)[0]
        )


def test_rows_of_plain_sql_have_their_columns(policy: Policy, db: data.Database) -> None:
    rows = db.query('select 7 as "xray.patient.user_id" union all select 8')
    assert [d.allowed for d in policy.check_many(ANN, "read", "prediction", rows)] == [True, False]


@pytest.mark.parametrize(
    "principal", [ANN, Principal(8, "staff"), Principal(2, "admin"), Principal(None, "patient")]
)
@pytest.mark.parametrize("action", ["read", "review", "delete"])
def test_a_scoped_query_gives_what_check_allows(
    policy: Policy, db: data.Database, principal: Principal, action: str
) -> None:
    query = Prediction.query().include("xray.patient").order_by("id")
    rows = query.run(db)
    allowed = [
        row.id
        for row, decision in zip(rows, policy.check_many(principal, action, "prediction", rows), strict=True)
        if decision
    ]
    scoped = query.where(policy.scope(principal, action, "prediction")).run(db)
    assert [row.id for row in scoped] == allowed


def test_records_are_redacted_to_dicts(policy: Policy, db: data.Database) -> None:
    rows = Prediction.query().include("xray.patient").order_by("id").run(db)
    kept = policy.redact(ANN, "read", "prediction", rows)
    assert kept[0] == {"id": 1, "status": "pending", "xray": {"patient": {"full_name": "of 7"}}}
    assert policy.redact(ANN, "read", "prediction", rows[0]) == kept[0]
    assert [row["xray"] for row in kept][-1] == {"patient": None}
