"""What a type checker must understand of access; checked by `test_access_types.py`, never run."""

from __future__ import annotations

from typing import Any, assert_type

from consilia import Expression
from consilia.access import Decision, Explanation, PermissionGrant, Policy, Principal
from consilia.permissions import PermissionChecker

policy = Policy({"version": 1})
ann = Principal(7, ["patient"], name="ann", attributes={"ward": "A"})

assert_type(policy, Policy)
assert_type(ann.roles, tuple[str, ...])
assert_type(policy.check(ann, "read", "prediction", {"id": 1}), Decision)
assert_type(policy.check(ann, "read", "prediction").rule, str | None)
assert_type(policy.check_many(ann, "read", "prediction", [{}]), list[Decision])
assert_type(policy.allows(ann, "read", "prediction"), bool)
assert_type(policy.explain(ann, "read", "prediction"), Explanation)
assert_type(policy.scope(ann, "read", "prediction"), Expression)
assert_type(policy.permissions_of(ann), list[PermissionGrant])
assert_type(Policy.from_file("policy.json"), Policy)


def principal_of(request: dict[str, Any]) -> Principal | None:
    return None


checker = PermissionChecker(lambda: policy, principal_of)
assert_type(checker, PermissionChecker[dict[str, Any]])
assert_type(checker.principal({}), Principal)

policy.check("ann", "read", "prediction")  # type: ignore[arg-type]
policy.check(ann, "read")  # type: ignore[call-arg]
Principal(1.5, "patient")  # type: ignore[arg-type]
ann.user_id = 8  # type: ignore[misc]
