"""Roles and delegations in tables as Python sees them, on both databases."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

import consilia
from consilia import access, data
from consilia.access import Assignments, Policy, Principal

ANN, BOB, EVE = 1, 2, 3
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "resources": {"report": ["read", "sign"]},
    "roles": [{"name": "staff"}, {"name": "admin"}, {"name": "auditor"}],
    "rules": [{"effect": "allow", "role": "staff", "permission": "report:*"}],
    "separations": [{"name": "apart", "roles": ["admin", "auditor"], "at_most": 1}],
    "delegable": ["report:sign"],
}
POLICY = Policy(DOCUMENT)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> data.Database:
    if request.param == "sqlite":
        database = data.Database(f"sqlite:{tmp_path / 'roles.db'}")
    else:
        database = data.Database(request.getfixturevalue("postgres").create_database())
    access.create_assignment_tables(database)
    return database


def in_hours(hours: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)


def test_roles_are_given_listed_and_taken(db: data.Database) -> None:
    assignments = Assignments(db)
    end = in_hours(1)
    given = assignments.assign(db, POLICY, ANN, "staff", granted_by=EVE, ends_at=end)
    assert (given.user_id, given.role, given.granted_by, given.ends_at) == (ANN, "staff", EVE, end)
    assert repr(given) == "<RoleAssignment: staff of 1>"
    assignments.assign(db, POLICY, BOB, "staff", starts_at=in_hours(1))
    assert assignments.roles_of(db, ANN) == ["staff"]
    assert assignments.roles_of(db, BOB) == []
    [later] = assignments.assignments_of(db, BOB)
    assert later.ends_at is None and later.granted_by is None
    assert assignments.users_with(db, "staff") == [ANN]
    assert assignments.users_with(db, "staff", after=ANN, limit=10) == []
    assert assignments.revoke(db, ANN, "staff")
    assert not assignments.revoke(db, ANN, "staff")
    assert assignments.roles_of(db, ANN) == []


@pytest.mark.parametrize(
    ("role", "period", "kind", "code"),
    [
        ("surgeon", {}, consilia.ValidationError, "access.unknown_role"),
        ("staff", {"ends_at": in_hours(-1)}, consilia.ValidationError, "access.period"),
        ("auditor", {}, consilia.Conflict, "access.separation"),
    ],
)
def test_what_may_not_be_assigned_is_named(
    db: data.Database, role: str, period: dict[str, Any], kind: type[consilia.Error], code: str
) -> None:
    assignments = Assignments(db)
    assignments.assign(db, POLICY, ANN, "admin")
    with pytest.raises(kind) as error:
        assignments.assign(db, POLICY, ANN, role, **period)
    assert error.value.code == code


def test_changes_are_part_of_the_transaction(db: data.Database) -> None:
    assignments = Assignments(db)
    with pytest.raises(RuntimeError, match="rolled back"), db.begin() as tx:
        assignments.assign(tx, POLICY, ANN, "staff")
        assert assignments.roles_of(tx, ANN) == ["staff"]
        raise RuntimeError("rolled back")
    assert assignments.roles_of(db, ANN) == []


def test_a_permission_is_lent_until_the_lender_loses_it(db: data.Database) -> None:
    assignments = Assignments(db)
    assignments.assign(db, POLICY, ANN, "staff")
    ann = assignments.principal(db, ANN, "ann")
    assert (ann.user_id, ann.roles, ann.name) == (ANN, ("staff",), "ann")
    lent = assignments.delegate(db, POLICY, ann, BOB, "report:sign", ends_at=in_hours(1))
    assert (lent.lender_id, lent.lender_name, lent.borrower_id) == (ANN, "ann", BOB)
    assert [each.id for each in assignments.lent_by(db, ANN)] == [lent.id]
    assert [each.permission for each in assignments.lent_to(db, BOB)] == ["report:sign"]

    bob = assignments.principal(db, BOB)
    assert POLICY.check(bob, "sign", "report").reason == "allowed_by_delegation"
    assert not POLICY.check(bob, "read", "report")
    assert bob.delegations[0].from_roles == ["staff"]
    assignments.revoke(db, ANN, "staff")
    assert not POLICY.check(assignments.principal(db, BOB), "sign", "report")


def test_only_the_lender_takes_back(db: data.Database) -> None:
    assignments = Assignments(db)
    lent = assignments.delegate(db, POLICY, Principal(ANN, "staff"), BOB, "report:sign", ends_at=in_hours(1))
    assert not assignments.take_back(db, lent.id, lender_id=BOB)
    assert assignments.take_back(db, lent.id, lender_id=ANN)
    assert assignments.lent_by(db, ANN) == []


@pytest.mark.parametrize(
    ("lender", "borrower", "permission", "hours", "kind", "code"),
    [
        (Principal(ANN, "staff"), BOB, "report:read", 1, consilia.PermissionDenied, "access.delegation"),
        (Principal(ANN, "admin"), BOB, "report:sign", 1, consilia.PermissionDenied, "access.delegation"),
        (
            Principal(ANN, "staff"),
            BOB,
            "report:burn",
            1,
            consilia.ValidationError,
            "access.unknown_permission",
        ),
        (Principal(ANN, "staff"), BOB, "report:sign", -1, consilia.ValidationError, "access.period"),
        (Principal(ANN, "staff"), BOB, "report:sign", 367 * 24, consilia.ValidationError, "access.period"),
        (Principal(ANN, "staff"), ANN, "report:sign", 1, consilia.ValidationError, "access.borrower"),
        (Principal("ann", "staff"), BOB, "report:sign", 1, consilia.InvalidArgument, "access.lender"),
    ],
)
def test_what_may_not_be_lent_is_named(
    db: data.Database,
    lender: Principal,
    borrower: int,
    permission: str,
    hours: float,
    kind: type[consilia.Error],
    code: str,
) -> None:
    with pytest.raises(kind) as error:
        Assignments(db).delegate(db, POLICY, lender, borrower, permission, ends_at=in_hours(hours))
    assert error.value.code == code
