"""Access for Flask: decorators for views, plain and async.

```python
from consilia.flask import Access

access = Access(app, policy=Policy.from_file("policy.json"), principal_of=lambda: g.get("principal"))

@app.get("/predictions")
@access.staff_required
def predictions(): ...

@app.get("/predictions/<int:key>")
@access.object_owner_required(lambda key: find(key), "prediction:read", into="prediction")
def prediction(key, prediction): ...
```
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, request

from consilia import Error
from consilia.access import Context, Principal
from consilia.forms import Form, Report
from consilia.permissions import (
    PermissionChecker,
    PolicySource,
    error_json,
    require_ajax,
    split_permission,
)

__all__ = ["Access", "ajax_required", "check_request", "error_response", "validated"]

V = TypeVar("V", bound=Callable[..., Any])


def error_response(error: Error) -> Response:
    """The response for an error of the library: its JSON form with its status."""
    return Response(error_json(error), error.http_status, mimetype="application/json")


def check_request(form: Form, **options: Any) -> Report:
    """Checks what the present request brings: the query of a GET, else a page's fields or JSON.

    JSON is read no further than the form takes it.

    Args:
        form: its rules.
        **options: those of `Form.check`.
    """
    if request.method in ("GET", "HEAD"):
        return form.check(request.args, **options)
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return form.check(request.form, **options)
    return form.check(request.stream.read(form.json_bytes_max + 1), **options)


def validated(form: Form, **options: Any) -> dict[str, Any]:
    """The clean values of the present request; arguments as `check_request`.

    Raises:
        ValidationError: `form.invalid`, which `Access.init_app` answers with 400 and every error.
    """
    return check_request(form, **options).require()


def _requiring(requirement: Callable[..., dict[str, Any] | None]) -> Callable[[V], V]:
    """Makes a decorator of what a request must meet; errors are answered by the application's handler."""

    def decorate(view: V) -> V:
        @functools.wraps(view)
        def required(*args: Any, **kwargs: Any) -> Any:
            kwargs.update(requirement(*args, **kwargs) or {})
            return current_app.ensure_sync(view)(*args, **kwargs)

        return cast(V, required)

    return decorate


def ajax_required(view: V) -> V:
    """Lets requests of scripts through: others get 400 (`request.ajax`)."""
    return _requiring(lambda *_, **__: require_ajax(request.headers))(view)


class Access(PermissionChecker[None]):
    """A policy for an application; its methods take None for the principal of the present request.

    Threading: safe.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        policy: PolicySource,
        principal_of: Callable[[], Principal | None],
    ) -> None:
        """Takes a policy, and what gives the principal of the present request, or None."""
        super().__init__(
            policy,
            lambda _: principal_of(),
            context_of=lambda _: Context(address=request.remote_addr or ""),
        )
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Lets the application answer errors of the library in their JSON form."""
        app.register_error_handler(Error, error_response)
        app.extensions["consilia"] = self

    def role_required(self, *roles: str) -> Callable[[V], V]:
        """Lets those through who have one of these roles, or one that inherits from it."""
        return _requiring(lambda *_, **__: self.require_role(None, *roles))

    def admin_required(self, view: V) -> V:
        """`role_required("admin")`."""
        return self.role_required("admin")(view)

    def staff_required(self, view: V) -> V:
        """`role_required("staff")`."""
        return self.role_required("staff")(view)

    def patient_required(self, view: V) -> V:
        """`role_required("patient")`."""
        return self.role_required("patient")(view)

    def permission_required(self, *permissions: str) -> Callable[[V], V]:
        """Lets those through who have all of these permissions (`resource:action`) for some object.

        Raises:
            InvalidArgument: `access.permission`, for what is no permission.
        """
        for permission in permissions:
            split_permission(permission)
        return _requiring(lambda *_, **__: self.require_permission(None, *permissions))

    def object_owner_required(
        self, get_object: Callable[..., Any], permission: str, *, into: str | None = None
    ) -> Callable[[V], V]:
        """Lets those through who may do this to the object that the view is about.

        Who may not even read it gets the same 404 as for an object that does not exist.

        Args:
            get_object: takes what the view takes and gives the object, or None.
            permission: `resource:action`.
            into: the name of the view's argument that takes the object; None: it takes none.

        Raises:
            InvalidArgument: `access.permission`, for what is no permission.
        """
        action, resource = split_permission(permission)

        def requirement(*args: Any, **kwargs: Any) -> dict[str, Any] | None:
            self.principal(None)  # Who is unknown is refused before the object is looked for.
            found = current_app.ensure_sync(get_object)(*args, **kwargs)
            self.require_object(None, action, resource, found)
            return None if into is None else {into: found}

        return _requiring(requirement)
