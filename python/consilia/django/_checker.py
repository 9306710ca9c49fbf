"""The policy of the settings, and the principals of Django's users."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string

from consilia.access import Context, Policy, PolicyStore, Principal
from consilia.permissions import PermissionChecker, PolicySource

DjangoChecker = PermissionChecker[Any]
"""Takes requests and users."""


def principal_from_user(user: Any, policy: Policy) -> Principal | None:
    """The principal that a user of Django is; None for an anonymous or inactive one.

    Its roles are the user's attribute `role`, if there is one; `settings.CONSILIA_ADMIN_ROLE` for a
    superuser; and the groups whose names the policy declares as roles. They are looked up once for each user
    object, as Django does with permissions.
    """
    if not getattr(user, "is_authenticated", False) or not getattr(user, "is_active", True):
        return None
    known: tuple[Policy, Principal] | None = getattr(user, "_consilia_principal", None)
    if known is not None and known[0] is policy:
        return known[1]
    admin = getattr(settings, "CONSILIA_ADMIN_ROLE", "admin")
    own = getattr(user, "role", None)
    roles = [str(own)] if own else []
    if admin and getattr(user, "is_superuser", False):
        roles.append(admin)
    if hasattr(user, "groups"):
        names = user.groups.order_by("name").values_list("name", flat=True)
        roles += [name for name in names if policy.has_role(name)]
    principal = Principal(user.pk, list(dict.fromkeys(roles)), str(user.get_username()))
    user._consilia_principal = (policy, principal)
    return principal


def checker(policy: PolicySource | None = None) -> DjangoChecker:
    """What asks `policy`, or that of the settings, on behalf of requests and users.

    Raises:
        ImproperlyConfigured: without a policy.
        NotFound: `file.not_found`, for a path.
        ValidationError: for a policy that cannot be compiled.
    """
    given = getattr(settings, "CONSILIA_POLICY", None) if policy is None else policy
    if given is None:
        raise ImproperlyConfigured("CONSILIA_POLICY is not set: a path, a policy or a dotted name")
    return _checker(given, getattr(settings, "CONSILIA_PRINCIPAL", None))


@functools.lru_cache(maxsize=64)
def _checker(given: Any, principal: str | None) -> DjangoChecker:
    return _make(_source(given), import_string(principal) if principal else principal_from_user)


def _source(given: Any) -> PolicySource:
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.endswith(".json")):
        return Policy.from_file(given)
    if isinstance(given, str):
        return _source(import_string(given))
    if isinstance(given, Policy | PolicyStore) or callable(given):
        return cast(PolicySource, given)
    raise ImproperlyConfigured(
        f"CONSILIA_POLICY is a path, a policy, a store or a dotted name, not {given!r}"
    )


def _make(source: PolicySource, principal_of: Callable[[Any, Policy], Principal | None]) -> DjangoChecker:
    def principal(asker: Any) -> Principal | None:
        user = getattr(asker, "user", None) if isinstance(asker, HttpRequest) else asker
        return principal_of(user, made.policy)

    def context(asker: Any) -> Context | None:
        if not isinstance(asker, HttpRequest):
            return None
        return Context(address=asker.META.get("REMOTE_ADDR", ""))

    made = DjangoChecker(source, principal, context_of=context)
    return made
