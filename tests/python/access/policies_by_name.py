"""What settings of Django name."""

from __future__ import annotations

from typing import Any

from consilia.access import Policy, PolicyStore, Principal

POLICY = Policy({"version": 1, "roles": [{"name": "guest"}]})
STORE = PolicyStore({"version": 1, "roles": [{"name": "guest"}]})


def guest(user: Any, policy: Policy) -> Principal:
    return Principal(None, "guest")
