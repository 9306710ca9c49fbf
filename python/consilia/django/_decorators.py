"""Decorators for views: functions, coroutines and classes; also through `method_decorator`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator

from consilia import Error, NotFound, PermissionDenied
from consilia.permissions import (
    PolicySource,
    Unauthenticated,
    error_body,
    refuse_unseen,
    require_ajax,
    split_permission,
    wants_json,
)

from ._checker import checker

V = TypeVar("V", bound=Callable[..., Any])
Requirement = Callable[..., dict[str, Any] | None]
"""Takes the request and the view's arguments, raises or gives more arguments for the view."""


def error_response(request: HttpRequest, error: Error) -> HttpResponse:
    """The response for an error: JSON to who asks for it, else what Django does.

    To others an unauthenticated request leads to the login page if `LOGIN_URL` is set; a denial and a missing
    object are raised as Django's own, for its handlers of 403 and 404.
    """
    if not wants_json(request.headers):
        if isinstance(error, Unauthenticated) and settings.is_overridden("LOGIN_URL"):
            return redirect_to_login(request.get_full_path())
        if isinstance(error, NotFound):
            raise Http404(str(error))
        if isinstance(error, PermissionDenied) and not isinstance(error, Unauthenticated):
            raise DjangoPermissionDenied(str(error))
    return JsonResponse(error_body(error), status=error.http_status)


def _is_async(view: Any) -> bool:
    """Whether a view gives what is awaited: a coroutine, or the `dispatch` of a class of coroutines."""
    instance = getattr(getattr(view, "func", view), "__self__", None)  # As `method_decorator` binds it.
    return inspect.iscoroutinefunction(view) or getattr(instance, "view_is_async", False)


def _requiring(requirement: Requirement) -> Callable[[V], V]:
    """Makes a decorator of what a request must meet."""

    def refusal(request: HttpRequest, kwargs: dict[str, Any], *args: Any) -> HttpResponse | None:
        try:
            kwargs.update(requirement(request, *args, **kwargs) or {})
        except Error as error:
            return error_response(request, error)
        return None

    def decorate(view: V) -> V:
        if isinstance(view, type):
            return cast(V, method_decorator(decorate, name="dispatch")(view))

        @functools.wraps(view)
        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # Users and groups are read from the database, which has no place in an event loop.
            refused = await sync_to_async(refusal)(request, kwargs, *args)
            return await view(request, *args, **kwargs) if refused is None else refused

        @functools.wraps(view)
        def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refused = refusal(request, kwargs, *args)
            return view(request, *args, **kwargs) if refused is None else refused

        return cast(V, async_view if _is_async(view) else sync_view)

    return decorate


def role_required(*roles: str, policy: PolicySource | None = None) -> Callable[[V], V]:
    """Lets those through who have one of these roles, or one that inherits from it.

    Others get 401 or 403; see `error_response`. `policy` stands in for that of the settings, here and below.
    """

    def requirement(request: HttpRequest, *_: Any, **__: Any) -> None:
        checker(policy).require_role(request, *roles)

    return _requiring(requirement)


def permission_required(*permissions: str, policy: PolicySource | None = None) -> Callable[[V], V]:
    """Lets those through who have all of these permissions (`resource:action`) for some object.

    Which objects: `scope_queryset`, `object_owner_required`, or `checker().require` in the view.

    Raises:
        InvalidArgument: `access.permission`, for what is no permission.
    """
    for permission in permissions:
        split_permission(permission)

    def requirement(request: HttpRequest, *_: Any, **__: Any) -> None:
        checker(policy).require_permission(request, *permissions)

    return _requiring(requirement)


def object_owner_required(
    get_object: Callable[..., Any],
    permission: str,
    *,
    into: str | None = None,
    policy: PolicySource | None = None,
) -> Callable[[V], V]:
    """Lets those through who may do this to the object that the view is about.

    Who may not even read it gets the same 404 as for an object that does not exist.

    Args:
        get_object: takes what the view takes and gives the object, or a coroutine of it; None, or an
            exception `DoesNotExist` or `Http404`, if there is none.
        permission: `resource:action`.
        into: the name of the view's argument that takes the object; None: it takes none.
        policy: in place of that of the settings.

    Raises:
        InvalidArgument: `access.permission`, for what is no permission.
    """
    action, resource = split_permission(permission)
    get = async_to_sync(get_object) if inspect.iscoroutinefunction(get_object) else get_object

    def requirement(request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        asked = checker(policy)
        asked.principal(request)  # Who is unknown is refused before the object is looked for.
        try:
            found = get(request, *args, **kwargs)
        except (Http404, ObjectDoesNotExist):
            refuse_unseen(resource)
        asked.require_object(request, action, resource, found)
        return None if into is None else {into: found}

    return _requiring(requirement)


def _named(role: str) -> Callable[..., Any]:
    @overload
    def decorator(view: V) -> V: ...
    @overload
    def decorator(*, policy: PolicySource | None = None) -> Callable[[V], V]: ...
    def decorator(view: Any = None, *, policy: PolicySource | None = None) -> Any:
        decorate: Callable[[Any], Any] = role_required(role, policy=policy)
        return decorate if view is None else decorate(view)

    decorator.__name__ = f"{role}_required"
    decorator.__doc__ = f"`role_required({role!r})`, with or without parentheses."
    return decorator


admin_required = _named("admin")
staff_required = _named("staff")
patient_required = _named("patient")


def ajax_required(view: V) -> V:
    """Lets requests of scripts through: others get 400 (`request.ajax`)."""

    def requirement(request: HttpRequest, *_: Any, **__: Any) -> None:
        require_ajax(request.headers)

    return _requiring(requirement)(view)
