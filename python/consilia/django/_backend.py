"""Permissions of Django's kind, answered by the policy."""

from __future__ import annotations

from typing import Any

from ._checker import checker


class PolicyBackend:
    """An authentication backend for `user.has_perm`, templates and the admin.

    `has_perm("app.action_model", obj)` asks the policy for `model:action`; of Django's own actions `view` is
    `read` and `change` is `update` where the policy declares those and not Django's names. It
    authenticates nobody, and says nothing about what the policy does not declare.
    """

    _SYNONYMS = {"view": "read", "change": "update", "add": "create"}  # noqa: RUF012

    def authenticate(self, request: Any, **credentials: Any) -> None:
        """Nobody."""
        return None

    async def aauthenticate(self, request: Any, **credentials: Any) -> None:
        """Nobody."""
        return None

    def get_user(self, user_id: Any) -> None:
        """Nobody."""
        return None

    def has_perm(self, user: Any, permission: str, obj: Any = None) -> bool:
        """Whether the policy allows it: for this object, or without one for some object."""
        asked = checker()
        action, _, resource = permission.rpartition(".")[2].partition("_")
        if not asked.policy.has_permission(action, resource):
            action = self._SYNONYMS.get(action, action)
        principal = asked.principal_or_none(user)
        if principal is None or not asked.policy.has_permission(action, resource):
            return False
        if obj is None:
            return str(asked.scope(principal, action, resource)) != "false"
        return asked.policy.allows(principal, action, resource, obj)

    def has_module_perms(self, user: Any, app_label: str) -> bool:
        """Whether the policy allows anything to the user: it knows resources, not applications."""
        asked = checker()
        principal = asked.principal_or_none(user)
        return principal is not None and bool(asked.policy.permissions_of(principal))
