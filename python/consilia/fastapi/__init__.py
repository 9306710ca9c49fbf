"""Access for FastAPI: dependencies that give the principal, or refuse the request.

```python
from consilia.fastapi import Access

access = Access(Policy.from_file("policy.json"), current_principal)  # Any dependency that gives a principal.
access.install(app)
Staff = Annotated[Principal, Depends(access.role_required("staff"))]

@app.get("/predictions")
def predictions(principal: Staff) -> list[dict]:
    return rows_of(Prediction.query().where(access.scope(principal, "read", "prediction")))
```
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

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

Dependency = Callable[..., Any]
_PAGES = ("application/x-www-form-urlencoded", "multipart/form-data")


def error_response(request: Request, error: Exception) -> Response:
    """The response for an error of the library: its JSON form with its status."""
    assert isinstance(error, Error)
    return Response(error_json(error), error.http_status, media_type="application/json")


def ajax_required(request: Request) -> None:
    """A dependency that lets requests of scripts through: others get 400 (`request.ajax`)."""
    require_ajax(request.headers)


async def check_request(request: Request, form: Form, **options: Any) -> Report:
    """Checks what a request brings: the query of a GET, else a page's fields or JSON.

    JSON is read no further than the form takes it. A form that looks into the database is checked on a
    thread.

    Args:
        request: the request.
        form: its rules.
        **options: those of `Form.check`.
    """
    if request.method in ("GET", "HEAD"):
        data: Any = request.query_params
    elif request.headers.get("content-type", "").startswith(_PAGES):
        data = await request.form()
    else:
        data = b""
        async for chunk in request.stream():
            data += chunk
            if len(data) > form.json_bytes_max:
                break
    if form.needs_database:
        report: Report = await run_in_threadpool(form.check, data, **options)
        return report
    return form.check(data, **options)


def validated(form: Form, *, session: Any = None, **options: Any) -> Dependency:
    """A dependency that gives the clean values of a request, or raises ValidationError with every error.

    `Access.install`, or `app.add_exception_handler(Error, error_response)`, answers that with 400.

    Args:
        form: the rules.
        session: where `unique` and `exists` look.
        **options: the others of `Form.check`.
    """

    async def values(request: Request) -> dict[str, Any]:
        return (await check_request(request, form, session=session, **options)).require()

    return values


def _address_of(request: Request) -> Context:
    return Context(address=request.client.host if request.client else "")


class Access(PermissionChecker[Principal]):
    """A policy for an application; its methods take the principals that its dependencies give.

    Threading: safe.
    """

    def __init__(
        self,
        policy: PolicySource,
        principal_of: Dependency,
        *,
        context_of: Callable[[Request], Context] = _address_of,
    ) -> None:
        """Takes a policy and what tells of whom a request is.

        Args:
            policy: a policy, or a store or a function that gives the present one.
            principal_of: a dependency that gives the principal of a request, or None.
            context_of: the circumstances of a request: its client's address, unless it is said.
        """
        super().__init__(policy, lambda principal: principal)
        self.principal_of = principal_of
        self._circumstances_of = context_of
        self._present: ContextVar[Context | None] = ContextVar("consilia_context", default=None)

    def context(self, asker: Principal) -> Context | None:
        """The circumstances of the present request, once one of the dependencies here has run for it."""
        return self._present.get()

    def install(self, app: FastAPI) -> None:
        """Lets the application answer errors of the library in their JSON form."""
        app.add_exception_handler(Error, error_response)

    def authenticated(self) -> Dependency:
        """A dependency that gives the principal; 401 for somebody unknown."""
        return self._requiring(lambda principal: None)

    def role_required(self, *roles: str) -> Dependency:
        """A dependency that gives a principal with one of these roles, or one that inherits from it."""
        return self._requiring(lambda principal: self.require_role(principal, *roles))

    def admin_required(self) -> Dependency:
        """`role_required("admin")`."""
        return self.role_required("admin")

    def staff_required(self) -> Dependency:
        """`role_required("staff")`."""
        return self.role_required("staff")

    def patient_required(self) -> Dependency:
        """`role_required("patient")`."""
        return self.role_required("patient")

    def permission_required(self, *permissions: str) -> Dependency:
        """A dependency that gives a principal with all of these (`resource:action`) for some object.

        Raises:
            InvalidArgument: `access.permission`, for what is no permission.
        """
        for permission in permissions:
            split_permission(permission)
        return self._requiring(lambda principal: self.require_permission(principal, *permissions))

    def object_owner_required(self, get_object: Dependency, permission: str) -> Dependency:
        """A dependency that gives the object of a request, if the principal may do this to it.

        Who may not even read it gets the same 404 as for an object that does not exist.

        Args:
            get_object: a dependency that gives the object, or None.
            permission: `resource:action`.

        Raises:
            InvalidArgument: `access.permission`, for what is no permission.
        """
        action, resource = split_permission(permission)

        # Who is unknown is refused before the object is looked for.
        def owned(
            principal: Any = Depends(self.authenticated()),  # noqa: B008
            found: Any = Depends(get_object),  # noqa: B008
        ) -> Any:
            self.require_object(principal, action, resource, found)
            return found

        return owned

    def _requiring(self, requirement: Callable[[Principal], None]) -> Dependency:
        # Awaited, not put on a thread: what it sets is seen by the rest of the request.
        async def required(request: Request, principal: Any = Depends(self.principal_of)) -> Any:  # noqa: B008
            self._present.set(self._circumstances_of(request))
            known = self.principal(principal)
            requirement(known)
            return known

        return required
