"""Who may do what: a policy, compiled once, that checks objects in memory and scopes queries alike.

```python
from consilia import access

policy = access.Policy.from_file("policy.json")
ann = access.Principal(7, "patient")
if policy.check(ann, "read", "prediction", {"owner_id": 7}):
    ...
mine = Prediction.query().where(policy.scope(ann, "read", "prediction"))
```
"""

from consilia._core.access import (
    AccessExample,
    Assignments,
    AuditAnchor,
    AuditArchive,
    AuditEntry,
    AuditEvent,
    AuditLog,
    AuditReport,
    AuditTrail,
    Context,
    Decision,
    Delegation,
    Explanation,
    Finding,
    Guard,
    ImportedPolicy,
    LentPermission,
    NeverResult,
    PermissionGrant,
    Policy,
    PolicyChange,
    PolicyStore,
    Principal,
    RoleAssignment,
    RoleGrant,
    RuleTrace,
    create_assignment_tables,
    create_policy_tables,
    diff,
    fields_of,
    find_violations,
    import_casbin,
    import_cedar,
    lint,
    load_policy,
    policy_schema,
    save_policy,
    verify_audit_file,
)

__all__ = [
    "AccessExample",
    "Assignments",
    "AuditAnchor",
    "AuditArchive",
    "AuditEntry",
    "AuditEvent",
    "AuditLog",
    "AuditReport",
    "AuditTrail",
    "Context",
    "Decision",
    "Delegation",
    "Explanation",
    "Finding",
    "Guard",
    "ImportedPolicy",
    "LentPermission",
    "NeverResult",
    "PermissionGrant",
    "Policy",
    "PolicyChange",
    "PolicyStore",
    "Principal",
    "RoleAssignment",
    "RoleGrant",
    "RuleTrace",
    "create_assignment_tables",
    "create_policy_tables",
    "diff",
    "fields_of",
    "find_violations",
    "import_casbin",
    "import_cedar",
    "lint",
    "load_policy",
    "policy_schema",
    "save_policy",
    "verify_audit_file",
]
