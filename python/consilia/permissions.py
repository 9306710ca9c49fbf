"""What the adapters to web frameworks share: a policy that is asked on behalf of whoever sent a request.

An adapter gives a `PermissionChecker` its principals and turns the errors into responses; the rest is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from consilia import Error, Expression, InvalidArgument, NotFound, PermissionDenied
from consilia.access import Context, Decision, Policy, PolicyStore, Principal

R = TypeVar("R", contravariant=True)
E = TypeVar("E", bound=Error)

PolicySource = Policy | PolicyStore | Callable[[], Policy]
"""A policy, or what gives the present one."""


class Unauthenticated(PermissionDenied):
    """Nobody is known to have sent the request: `access.unauthenticated`, HTTP 401."""

    code = "access.unauthenticated"
    http_status = 401

    def __init__(self, message: str = "authentication is required") -> None:
        super().__init__(message)


class Headers(Protocol):
    """The headers of a request, whatever the case of their names."""

    def get(self, name: str, /) -> str | None:
        """The value of a header, or None."""


def made(kind: type[E], code: str, message: str, **details: Any) -> E:
    """An error as the library raises it."""
    error = kind(message)
    vars(error).update(code=code, details=details)
    return error


def error_body(error: Error) -> dict[str, Any]:
    """The one form in which the library tells errors: `{"error": {"kind", "code", "message", …}}`."""
    return {
        "error": {
            "kind": error.kind,
            "code": error.code,
            "message": str(error),
            "http_status": error.http_status,
            "details": error.details,
        }
    }


def error_json(error: Error) -> str:
    """`error_body` as JSON text."""
    return json.dumps(error_body(error), default=str)


def is_ajax(headers: Headers) -> bool:
    """Whether a script sent the request: `X-Requested-With: XMLHttpRequest`."""
    return (headers.get("X-Requested-With") or "").lower() == "xmlhttprequest"


def wants_json(headers: Headers) -> bool:
    """Whether an answer should be JSON: a script sent the request, or it names a JSON type in `Accept`."""
    return is_ajax(headers) or "json" in (headers.get("Accept") or "").lower()


def require_ajax(headers: Headers) -> None:
    """Refuses a request that no script sent.

    Raises:
        InvalidArgument: `request.ajax`.
    """
    if not is_ajax(headers):
        raise made(InvalidArgument, "request.ajax", "wanted the header `X-Requested-With: XMLHttpRequest`")


def split_permission(permission: str) -> tuple[str, str]:
    """The action and the resource of `resource:action`.

    Raises:
        InvalidArgument: `access.permission`.
    """
    resource, colon, action = permission.partition(":")
    if not (resource and colon and action):
        message = f"a permission is `resource:action`, not `{permission}`"
        raise made(InvalidArgument, "access.permission", message, permission=permission)
    return action, resource


def refuse_unseen(resource: str) -> NoReturn:
    """Answers as for an object that does not exist.

    Raises:
        NotFound: `<resource>.not_found`, the same whether it is hidden or missing.
    """
    raise made(NotFound, f"{resource}.not_found", f"no such {resource}")


class PermissionChecker(Generic[R]):
    """Asks a policy on behalf of `R`: a request, a user, or whatever `principal_of` takes.

    Every method also takes a Principal in its place. Threading: safe, as far as the two functions are.
    """

    def __init__(
        self,
        policy: PolicySource,
        principal_of: Callable[[R], Principal | None],
        *,
        context_of: Callable[[R], Context | None] | None = None,
    ) -> None:
        """Takes a policy and what tells of whom a request is.

        Args:
            policy: a policy, or a store or a function that gives the present one.
            principal_of: the principal; None for somebody unknown.
            context_of: the circumstances; without it there are none but the time.
        """
        self._policy = policy
        self._principal_of = principal_of
        self._context_of = context_of
        self._roles: tuple[Policy, Mapping[str, frozenset[str]]] | None = None

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        if isinstance(self._policy, Policy):
            return self._policy
        return self._policy.policy if isinstance(self._policy, PolicyStore) else self._policy()

    def principal_or_none(self, asker: R | Principal) -> Principal | None:
        """Who asks; None for somebody unknown."""
        return asker if isinstance(asker, Principal) else self._principal_of(asker)

    def principal(self, asker: R | Principal) -> Principal:
        """Who asks.

        Raises:
            Unauthenticated: `access.unauthenticated`.
        """
        principal = self.principal_or_none(asker)
        if principal is None:
            raise Unauthenticated
        return principal

    def context(self, asker: R | Principal) -> Context | None:
        """The circumstances in which it is asked."""
        if self._context_of is None or isinstance(asker, Principal):
            return None
        return self._context_of(asker)

    def check(self, asker: R | Principal, action: str, resource: str, object: object = None) -> Decision:
        """As `Policy.check`."""
        return self.policy.check(self.principal(asker), action, resource, object, self.context(asker))

    def check_many(
        self, asker: R | Principal, action: str, resource: str, objects: Iterable[object]
    ) -> list[Decision]:
        """As `Policy.check_many`."""
        return self.policy.check_many(self.principal(asker), action, resource, objects, self.context(asker))

    def require(self, asker: R | Principal, action: str, resource: str, object: object = None) -> None:
        """As `Policy.require`: a denial is PermissionDenied, HTTP 403."""
        self.policy.require(self.principal(asker), action, resource, object, self.context(asker))

    def require_object(self, asker: R | Principal, action: str, resource: str, object: object) -> None:
        """Refuses an object, without telling whether it exists to those who may not read it.

        Args:
            asker: on whose behalf.
            action: what is to be done.
            resource: what the object is.
            object: None for one that does not exist.

        Raises:
            NotFound: `<resource>.not_found`, unless the object exists and may be read.
            PermissionDenied: `access.denied`, if it may be read but the action is denied.
        """
        policy, principal, context = self.policy, self.principal(asker), self.context(asker)
        if object is None:
            refuse_unseen(resource)
        if policy.allows(principal, action, resource, object, context):
            return
        if action == "read" or not policy.allows(principal, "read", resource, object, context):
            refuse_unseen(resource)
        policy.require(principal, action, resource, object, context)

    def scope(self, asker: R | Principal, action: str, resource: str) -> Expression:
        """As `Policy.scope`."""
        return self.policy.scope(self.principal(asker), action, resource, self.context(asker))

    def fields(self, asker: R | Principal, action: str, resource: str, object: object = None) -> list[str]:
        """As `Policy.fields`."""
        return self.policy.fields(self.principal(asker), action, resource, object, self.context(asker))

    def require_fields(
        self,
        asker: R | Principal,
        action: str,
        resource: str,
        names: Iterable[str],
        object: object = None,
    ) -> None:
        """As `Policy.require_fields`."""
        context = self.context(asker)
        self.policy.require_fields(self.principal(asker), action, resource, names, object, context)

    def redact(self, asker: R | Principal, action: str, resource: str, object: Any) -> Any:
        """As `Policy.redact`."""
        return self.policy.redact(self.principal(asker), action, resource, object, self.context(asker))

    def require_role(self, asker: R | Principal, *roles: str) -> None:
        """Refuses who has none of these roles; one that inherits from a role counts as it.

        Raises:
            PermissionDenied: `access.role`.
        """
        policy, principal = self.policy, self.principal(asker)
        implied = self._implied_roles(policy)
        # Whom the policy denies everything has no role either.
        is_refused = policy.check(principal, "", "").reason in ("unknown_role", "separation_of_duties")
        held = set().union(*(implied.get(role, frozenset()) for role in principal.roles))
        if is_refused or held.isdisjoint(roles):
            wanted = " or ".join(f"`{role}`" for role in roles)
            message = f"wanted the role {wanted}"
            raise made(PermissionDenied, "access.role", message, roles=", ".join(roles))

    def require_permission(self, asker: R | Principal, *permissions: str) -> None:
        """Refuses who lacks one of these (`resource:action`) for every object.

        A condition may still deny it for a certain object: that is asked with the object.

        Raises:
            PermissionDenied: `access.denied`.
        """
        for permission in permissions:
            action, resource = split_permission(permission)
            if str(self.scope(asker, action, resource)) == "false":
                self.require(asker, action, resource)

    def _implied_roles(self, policy: Policy) -> Mapping[str, frozenset[str]]:
        """By role: itself and all that it inherits from."""
        if self._roles is None or self._roles[0] is not policy:
            parents = {
                role["name"]: role.get("inherits", []) for role in json.loads(policy.to_json())["roles"]
            }
            implied: dict[str, frozenset[str]] = {}
            for role in parents:
                reached, open_roles = set[str](), [role]
                while open_roles:
                    if (name := open_roles.pop()) not in reached:
                        reached.add(name)
                        open_roles += parents[name]
                implied[role] = frozenset(reached)
            self._roles = (policy, implied)
        return self._roles[1]
