"""Policies, principals and decisions as Python sees them; the logic itself is tested in C++."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest
from policies import CLINIC, prediction

import consilia
from consilia import access
from consilia.access import Context, Delegation, Policy, Principal

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy(CLINIC)


ANN = Principal(7, "patient", "ann")
STAFF = Principal(1, ["staff"])
ADMIN = Principal(2, "admin")


def with_rules(*rules: dict[str, Any]) -> Policy:
    document = copy.deepcopy(CLINIC)
    document["rules"] += rules
    return Policy(document)


def test_a_decision_tells_whether_why_and_by_which_rule(policy: Policy) -> None:
    decision = policy.check(ANN, "read", "prediction", prediction(7))
    assert decision and decision.allowed
    assert (decision.reason, decision.rule) == ("allowed_by_rule", "own")
    assert decision.condition == "xray.patient.user_id = :principal_id"
    assert repr(decision) == "<Decision allowed: allowed_by_rule, rule 'own'>"
    denied = policy.check(STAFF, "review", "prediction", prediction(7))
    assert not denied
    assert (denied.reason, denied.rule) == ("denied_by_rule", "four eyes")
    assert policy.check(STAFF, "read", "prediction").condition is None


@pytest.mark.parametrize(
    ("principal", "action", "resource", "reason"),
    [
        (STAFF, "delete", "prediction", "no_rule"),
        (STAFF, "burn", "prediction", "unknown_permission"),
        (STAFF, "read", "nothing", "unknown_permission"),
        (Principal(1, "wizard"), "read", "prediction", "unknown_role"),
        (Principal(1, []), "read", "prediction", "no_rule"),
        (Principal(1, ["admin", "auditor"]), "read", "prediction", "separation_of_duties"),
    ],
)
def test_a_denial_is_an_answer(
    policy: Policy, principal: Principal, action: str, resource: str, reason: str
) -> None:
    decision = policy.check(principal, action, resource)
    assert not decision
    assert decision.reason == reason


def test_a_decision_is_one_immutable_object_of_its_policy(policy: Policy) -> None:
    one = policy.check(ANN, "read", "prediction", prediction(7))
    assert policy.check(ANN, "read", "prediction", prediction(7)) is one
    assert Policy(CLINIC).check(ANN, "read", "prediction", prediction(7)) == one
    assert len({one, policy.check(STAFF, "read", "prediction")}) == 2
    with pytest.raises(AttributeError):
        one.allowed = False  # type: ignore[misc]
    with pytest.raises(TypeError, match="made by a policy"):
        access.Decision()


def test_names_that_are_not_interned_are_found_as_well(policy: Policy) -> None:
    for _ in range(3):
        assert policy.check(STAFF, "".join(["re", "ad"]), "".join(["pred", "iction"]))


def test_two_policies_that_are_asked_in_turn_do_not_mix_up_a_principal() -> None:
    open_to_all = Policy(
        {
            "version": 1,
            "resources": {"prediction": ["read"]},
            "roles": [{"name": "other"}, {"name": "patient"}],
            "rules": [{"effect": "allow", "role": "patient", "permission": "prediction:read"}],
        }
    )
    closed = Policy(CLINIC)
    for _ in range(3):
        assert open_to_all.check(ANN, "read", "prediction")
        assert not closed.check(ANN, "read", "prediction", prediction(8))


def test_an_object_may_ask_the_policy_again_while_it_is_asked(policy: Policy) -> None:
    other = Policy(CLINIC)

    class Owner:
        @property
        def user_id(self) -> int:
            assert other.check(ANN, "read", "prediction", prediction(7))
            return 7

    for _ in range(3):
        assert policy.check(ANN, "read", "prediction", {"xray": {"patient": Owner()}})


def test_a_page_is_checked_in_one_call(policy: Policy) -> None:
    page = [prediction(7), prediction(8), prediction(None)]
    decisions = policy.check_many(ANN, "read", "prediction", page)
    assert [decision.allowed for decision in decisions] == [True, False, False]
    assert decisions == [policy.check(ANN, "read", "prediction", item) for item in page]
    assert policy.check_many(ANN, "read", "prediction", (item for item in page)) == decisions
    assert policy.check_many(ANN, "read", "prediction", []) == []
    with pytest.raises(TypeError, match="a sequence"):
        policy.check_many(ANN, "read", "prediction", 3)  # type: ignore[arg-type]


def test_allows_and_require_ask_the_same_question(policy: Policy) -> None:
    assert policy.allows(STAFF, "read", "prediction")
    policy.require(STAFF, "read", "prediction")
    with pytest.raises(consilia.PermissionDenied, match="patient") as caught:
        policy.require(ANN, "read", "prediction", prediction(8))
    assert caught.value.code == "access.denied"
    assert caught.value.http_status == 403
    assert caught.value.details["permission"] == "prediction:read"


def test_an_explanation_names_rules_and_values(policy: Policy) -> None:
    explanation = policy.explain(ANN, "read", "prediction", prediction(8))
    assert not explanation
    assert (explanation.rule, explanation.condition) == (None, None)
    assert [(rule.rule, rule.effect, rule.truth) for rule in explanation.rules] == [("own", "allow", False)]
    assert explanation.values == {"xray.patient.user_id": 8, ":principal_id": 7}
    assert "8" not in explanation.sentence
    assert json.loads(explanation.to_json())["allowed"] is False
    assert policy.explain(ANN, "read", "prediction", prediction(7)).rule == "own"


def test_circumstances_and_attributes_reach_conditions(policy: Policy) -> None:
    auditor = Principal(3, "auditor", attributes={"ward": "A"})
    context = Context(address="10.0.0.1", attributes={"purpose": "audit"})
    assert policy.check(auditor, "export", "report", context=context)
    assert not policy.check(auditor, "export", "report")
    elsewhere = Principal(3, "auditor", attributes={"ward": "B"})
    assert not policy.check(elsewhere, "export", "report", context=context)
    with pytest.raises(consilia.InvalidArgument, match="ward") as caught:
        policy.check(Principal(3, "auditor", attributes={"ward": 1}), "export", "report")
    assert caught.value.code == "access.attribute"


def test_a_delegation_counts_until_it_ends(policy: Policy) -> None:
    lent = Delegation(1, "staff", "prediction:review", ends_at=NOON)
    ben = Principal(9, "patient", delegations=[lent])
    before = Context(now=NOON - datetime.timedelta(seconds=1))
    subject = prediction(7, requested_by=5)
    assert policy.check(ben, "review", "prediction", subject, before).reason == "allowed_by_delegation"
    assert not policy.check(ben, "review", "prediction", subject, Context(now=NOON))
    assert ben.delegations[0].ends_at == NOON
    with pytest.raises(TypeError, match=r"`ends_at` is a datetime"):
        Delegation(1, "staff", "prediction:review", ends_at=datetime.date(2026, 1, 1))
    with pytest.raises(TypeError, match="wanted a Delegation"):
        Principal(9, "patient", delegations=[lent, "x"])  # type: ignore[list-item]


def test_fields_are_those_of_every_object_or_of_one(policy: Policy) -> None:
    always = ["id", "status", "xray.patient.full_name"]
    assert policy.fields(ANN, "read", "prediction") == always
    assert policy.fields(ANN, "read", "prediction", prediction(7)) == sorted([*always, "diagnosis"])
    assert policy.fields(ANN, "read", "prediction", prediction(7, "pending")) == always
    assert policy.possible_fields(ANN, "read", "prediction") == sorted([*always, "diagnosis"])
    policy.require_fields(STAFF, "review", "prediction", ["notes"])
    with pytest.raises(consilia.PermissionDenied) as caught:
        policy.require_fields(STAFF, "review", "prediction", ["notes", "status", "diagnosis"])
    assert caught.value.code == "access.fields"
    assert caught.value.details["fields"] == "status, diagnosis"
    with pytest.raises(TypeError, match="several names"):
        policy.require_fields(STAFF, "review", "prediction", "notes")


def test_redaction_keeps_what_the_principal_has(policy: Policy) -> None:
    seen = {"id": 1, "status": "completed", "diagnosis": "Normal", "xray": {"patient": {"full_name": "Ann"}}}
    given = prediction(7)
    assert policy.redact(ANN, "read", "prediction", given) == seen
    assert given == prediction(7)
    pending = policy.redact(ANN, "read", "prediction", [given, prediction(7, "pending")])
    assert "diagnosis" in pending[0] and "diagnosis" not in pending[1]
    assert policy.redact(ANN, "read", "prediction", {"id": 1, "xray": None, "notes": "x"}) == {
        "id": 1,
        "xray": None,
    }
    assert policy.redact(Principal(1, "auditor"), "read", "prediction", given) == {}
    with pytest.raises(TypeError, match="wanted a dict, a record"):
        policy.redact(ANN, "read", "prediction", 3)


def test_a_dict_is_redacted_as_its_json_is(policy: Policy) -> None:
    dated = with_dates()
    for given in [prediction(7), prediction(7, "pending"), {"created_at": "2026-01-01T00:00:00Z", "id": 4}]:
        for asked in (policy, dated):
            for principal in (ANN, STAFF):
                text = asked.redact(principal, "read", "prediction", json.dumps(given))
                assert json.loads(text) == asked.redact(principal, "read", "prediction", given)


def with_dates() -> Policy:
    document = copy.deepcopy(CLINIC)
    document["fields"].append(
        {
            "role": "patient",
            "permission": "prediction:read",
            "fields": ["created_at"],
            "condition": "created_at < :now",
        }
    )
    return Policy(document)


def test_it_tells_who_may_do_what(policy: Policy) -> None:
    assert [(grant.resource, grant.action) for grant in policy.permissions_of(ADMIN)] == [
        ("prediction", "delete"),
        ("prediction", "read"),
        ("prediction", "review"),
    ]
    own = policy.permissions_of(ANN)[0]
    assert str(own.condition) == "xray.patient.user_id = 7"
    assert own.fields == ["id", "status", "xray.patient.full_name"]
    assert [grant.role for grant in policy.who_can("read", "prediction")] == ["patient", "staff", "admin"]
    assert policy.who_can("read", "prediction", [ANN, STAFF, Principal(8, "patient")], prediction(8)) == [
        STAFF,
        Principal(8, "patient"),
    ]
    with pytest.raises(TypeError, match="needs `principals`"):
        policy.who_can("read", "prediction", object=prediction(8))
    assert policy.condition_fields("review", "prediction") == ["requested_by", "status"]
    assert policy.roles() == ["patient", "staff", "auditor", "admin"]
    assert policy.has_role("staff") and not policy.has_role("wizard")
    assert policy.has_permission("read", "prediction") and not policy.has_permission("burn", "prediction")


def test_a_scope_is_an_expression(policy: Policy) -> None:
    assert isinstance(policy.scope(ANN, "read", "prediction"), consilia.Expression)
    assert str(policy.scope(ANN, "read", "prediction")) == "xray.patient.user_id = 7"
    assert str(policy.scope(STAFF, "read", "prediction")) == "true"
    assert str(policy.scope(ANN, "delete", "prediction")) == "false"


def test_a_policy_is_read_from_text_a_dict_or_a_file(tmp_path: Path, policy: Policy) -> None:
    text = json.dumps(CLINIC)
    assert Policy(text).to_json() == policy.to_json()
    path = tmp_path / "policy.json"
    path.write_text(text, encoding="utf-8")
    assert Policy.from_file(path).to_json() == policy.to_json()
    assert Policy.from_file(str(path)).roles() == policy.roles()
    assert pickle.loads(pickle.dumps(policy)).to_json() == policy.to_json()
    assert json.loads(access.policy_schema())["required"] == ["version"]
    with pytest.raises(consilia.NotFound):
        Policy.from_file(tmp_path / "absent.json")
    with pytest.raises(TypeError, match="from a file with Policy"):
        Policy(path)  # type: ignore[arg-type]


def test_a_broken_policy_is_refused_with_the_name_of_what_is_wrong() -> None:
    with pytest.raises(consilia.ValidationError, match="wizard") as caught:
        with_rules({"effect": "allow", "role": "wizard", "permission": "prediction:read"})
    assert caught.value.code == "policy.unknown_role"
    assert caught.value.details == {"name": "wizard"}
    with pytest.raises(consilia.ValidationError) as caught:
        Policy("{")
    assert caught.value.code == "policy.syntax"


def test_a_principal_is_a_value() -> None:
    token = uuid.uuid4()
    assert Principal(token, ("a", "b"), name="x").roles == ("a", "b")
    assert Principal(token, ("a", "b")).role == "a"
    assert Principal(token, "a").user_id == token
    assert Principal("u-1", "a").user_id == "u-1"
    assert Principal(None, []).user_id is None and Principal(None, []).role == ""
    assert Principal(1, "a", attributes={"ward": "A"}).attributes == {"ward": "A"}
    assert Principal(1, "a") == Principal(1, ["a"]) != Principal(2, "a")
    assert hash(Principal(1, "a")) == hash(Principal(1, ["a"]))
    assert repr(Principal(1, "a")) == "Principal(user_id=1, roles=('a',))"
    with pytest.raises(AttributeError):
        Principal(1, "a").user_id = 2  # type: ignore[misc]


def test_a_principal_of_wrong_parts_is_refused_by_their_names() -> None:
    with pytest.raises(consilia.InvalidArgument, match="user_id") as caught:
        Principal(1.5, "a")  # type: ignore[arg-type]
    assert caught.value.code == "access.principal"
    with pytest.raises(TypeError, match="wanted a str"):
        Principal(1, [2])  # type: ignore[list-item]
    with pytest.raises(consilia.InvalidArgument, match="attribute `ward`"):
        Principal(1, "a", attributes={"ward": object()})
    with pytest.raises(TypeError, match="attributes are a dict"):
        Principal(1, "a", attributes=[])  # type: ignore[arg-type]


def test_wrong_arguments_are_refused(policy: Policy) -> None:
    with pytest.raises(TypeError, match="wanted a Principal, not `str`"):
        policy.check("ann", "read", "prediction")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="wanted a Context, not `dict`"):
        policy.check(ANN, "read", "prediction", None, {})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="misses the argument `resource`"):
        policy.check(ANN, "read")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no argument `thing`"):
        policy.check(ANN, "read", "prediction", thing={})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="wanted a str, not `int`"):
        policy.check(ANN, 1, "prediction")  # type: ignore[arg-type]


def test_the_screening_service_takes_the_same_principals() -> None:
    from consilia import screening

    assert screening.Principal is Principal
