"""The policy that the tests of access share: a clinic's, small."""

from __future__ import annotations

from typing import Any

CLINIC: dict[str, Any] = {
    "version": 1,
    "resources": {
        "prediction": {
            "actions": ["read", "review", "delete"],
            "fields": {
                "id": "int64",
                "status": "text",
                "diagnosis": "text",
                "notes": "text",
                "created_at": "timestamp",
                "requested_by": "int64",
                "xray.patient.user_id": "int64",
                "xray.patient.full_name": "text",
            },
        },
        "report": ["export"],
    },
    "roles": [
        {"name": "patient"},
        {"name": "staff"},
        {"name": "auditor"},
        {"name": "admin", "inherits": ["staff"]},
    ],
    "rules": [
        {
            "name": "own",
            "effect": "allow",
            "role": "patient",
            "permission": "prediction:read",
            "condition": "xray.patient.user_id = :principal_id",
        },
        {"name": "staff read", "effect": "allow", "role": "staff", "permission": "prediction:read"},
        {
            "name": "review",
            "effect": "allow",
            "role": "staff",
            "permission": "prediction:review",
            "condition": "status = 'completed'",
        },
        {
            "name": "four eyes",
            "effect": "deny",
            "role": "*",
            "permission": "prediction:review",
            "condition": "requested_by = :principal_id",
        },
        {"name": "admins delete", "effect": "allow", "role": "admin", "permission": "prediction:delete"},
        {
            "name": "export at night",
            "effect": "allow",
            "role": "auditor",
            "permission": "report:export",
            "condition": ":address = '10.0.0.1' and :context_purpose = 'audit' and :principal_ward = 'A'",
        },
    ],
    "fields": [
        {"role": "staff", "permission": "prediction:read", "fields": ["*"]},
        {
            "role": "patient",
            "permission": "prediction:read",
            "fields": ["id", "status", "xray.patient.full_name"],
        },
        {
            "role": "patient",
            "permission": "prediction:read",
            "fields": ["diagnosis"],
            "condition": "status = 'completed'",
        },
        {"role": "staff", "permission": "prediction:review", "fields": ["notes"]},
    ],
    "separations": [{"name": "no self audit", "roles": ["auditor", "admin"]}],
    "delegable": ["prediction:review"],
    "attributes": {"principal": {"ward": "text"}, "context": {"purpose": "text"}},
}
"""As a document; `with_rules` and tests copy it."""


def prediction(owner: int | None, status: str = "completed", **more: Any) -> dict[str, Any]:
    """A prediction as nested dicts."""
    return {
        "id": 1,
        "status": status,
        "requested_by": 1,
        "diagnosis": "Normal",
        "notes": "none",
        "xray": {"id": 5, "patient": {"user_id": owner, "full_name": "Ann", "phone": "1"}},
        **more,
    }
