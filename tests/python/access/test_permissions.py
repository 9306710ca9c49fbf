"""What the adapters share, without a framework."""

from __future__ import annotations

import json

import pytest
from policies import CLINIC, prediction

import consilia
from consilia.access import Context, Policy, PolicyStore, Principal
from consilia.permissions import (
    PermissionChecker,
    Unauthenticated,
    error_body,
    error_json,
    is_ajax,
    split_permission,
    wants_json,
)

PEOPLE = {"ann": Principal(7, "patient"), "sam": Principal(1, "staff"), "root": Principal(2, "admin")}


@pytest.fixture
def checker() -> PermissionChecker[str]:
    return PermissionChecker(Policy(CLINIC), PEOPLE.get)


def test_it_asks_for_names_and_for_principals(checker: PermissionChecker[str]) -> None:
    assert checker.check("ann", "read", "prediction", prediction(7))
    assert checker.check(PEOPLE["ann"], "read", "prediction", prediction(7))
    assert [d.allowed for d in checker.check_many("ann", "read", "prediction", [prediction(8)])] == [False]
    assert str(checker.scope("ann", "read", "prediction")) == "xray.patient.user_id = 7"
    assert "id" in checker.fields("ann", "read", "prediction")
    assert "notes" not in checker.redact("ann", "read", "prediction", prediction(7))
    with pytest.raises(consilia.PermissionDenied):
        checker.require("ann", "read", "prediction", prediction(8))
    with pytest.raises(consilia.PermissionDenied):
        checker.require_fields("ann", "read", "prediction", ["notes"])
    with pytest.raises(Unauthenticated) as caught:
        checker.check("eve", "read", "prediction")
    assert (caught.value.code, caught.value.http_status) == ("access.unauthenticated", 401)


def test_a_policy_that_changes_is_asked_as_it_is_now() -> None:
    now = Policy(CLINIC)
    checker = PermissionChecker[str](lambda: now, PEOPLE.get)
    checker.require_role("root", "staff")
    now = Policy({"version": 1, "roles": [{"name": "staff"}, {"name": "admin"}]})
    with pytest.raises(consilia.PermissionDenied, match="wanted the role `staff` or `patient`") as caught:
        checker.require_role("root", "staff", "patient")
    assert caught.value.code == "access.role"


def test_a_store_is_asked_for_the_policy_in_force() -> None:
    store = PolicyStore(CLINIC)
    checker = PermissionChecker[str](store, PEOPLE.get)
    assert checker.check("sam", "read", "prediction")
    store.replace({**CLINIC, "rules": [], "fields": []})
    assert not checker.check("sam", "read", "prediction")
    assert checker.policy is store.policy


def test_whom_the_policy_denies_everything_has_no_role(checker: PermissionChecker[str]) -> None:
    checker.require_role(Principal(1, "admin"), "admin")
    for roles in (["admin", "wizard"], ["admin", "auditor"], []):
        with pytest.raises(consilia.PermissionDenied):
            checker.require_role(Principal(1, roles), "admin")


def test_a_permission_is_had_if_some_object_may_be_allowed(checker: PermissionChecker[str]) -> None:
    checker.require_permission("ann", "prediction:read")
    checker.require_permission("root", "prediction:read", "prediction:delete")
    for permission in ("prediction:delete", "prediction:burn"):
        with pytest.raises(consilia.PermissionDenied) as caught:
            checker.require_permission("sam", "prediction:read", permission)
        assert caught.value.details["permission"] == permission


def test_an_object_is_hidden_from_who_may_not_read_it(checker: PermissionChecker[str]) -> None:
    checker.require_object("ann", "read", "prediction", prediction(7))
    with pytest.raises(consilia.PermissionDenied):
        checker.require_object("ann", "delete", "prediction", prediction(7))
    bodies = set()
    for action, found in (
        ("read", prediction(8)),
        ("delete", prediction(8)),
        ("read", None),
        ("delete", None),
    ):
        with pytest.raises(consilia.NotFound) as caught:
            checker.require_object("ann", action, "prediction", found)
        bodies.add(error_json(caught.value))
    assert len(bodies) == 1


def test_circumstances_come_with_what_asks() -> None:
    auditor = Principal(3, "auditor", attributes={"ward": "A"})
    checker = PermissionChecker[str](
        Policy(CLINIC),
        lambda address: auditor,
        context_of=lambda address: Context(address=address, attributes={"purpose": "audit"}),
    )
    assert checker.check("10.0.0.1", "export", "report")
    assert not checker.check("10.0.0.2", "export", "report")
    assert not checker.check(auditor, "export", "report")


def test_an_error_has_the_form_of_the_library() -> None:
    with pytest.raises(consilia.NotFound) as caught:
        Policy.from_file("absent.json")
    error = error_body(caught.value)["error"]
    assert list(error) == ["kind", "code", "message", "http_status", "details"]
    assert json.loads(error_json(caught.value))["error"]["code"] == "file.not_found"


def test_headers_tell_who_wants_json() -> None:
    assert is_ajax({"X-Requested-With": "xmlhttprequest"}) and not is_ajax({})
    assert wants_json({"X-Requested-With": "XMLHttpRequest"})
    assert wants_json({"Accept": "application/problem+json"})
    assert not wants_json({"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}) and not wants_json({})


@pytest.mark.parametrize("text", ["", "read", ":", "a:", ":b"])
def test_a_permission_has_two_parts(text: str) -> None:
    assert split_permission("prediction:read") == ("read", "prediction")
    with pytest.raises(consilia.InvalidArgument, match="`resource:action`"):
        split_permission(text)
