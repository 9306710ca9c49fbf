"""Forms of the library for views of Django."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from consilia.forms import Form, Report

_TOKEN = "csrfmiddlewaretoken"


def check_request(request: HttpRequest, form: Form, **options: Any) -> Report:
    """Checks what a request brings: the query of a GET, else a page's fields or JSON.

    The token of Django's protection against forged requests is left out. How much is read is bounded by
    `DATA_UPLOAD_MAX_MEMORY_SIZE`.

    Args:
        request: the request.
        form: its rules.
        **options: those of `Form.check`.
    """
    if request.method in ("GET", "HEAD"):
        return form.check(request.GET, **options)
    if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return form.check(request.body, **options)
    data = request.POST
    if _TOKEN in data:
        data = data.copy()
        del data[_TOKEN]
    return form.check(data, **options)


def validated(request: HttpRequest, form: Form, **options: Any) -> dict[str, Any]:
    """The clean values of a request; arguments as `check_request`.

    Raises:
        ValidationError: `form.invalid`, which `error_response` answers with 400 and every error.
    """
    return check_request(request, form, **options).require()


def add_messages(request: HttpRequest, report: Report) -> None:
    """Tells each error on the next page, by the framework of messages; its tags are path and code."""
    for error in report.errors:
        text = f"{error.path}: {error.message}" if error.path else error.message
        messages.error(request, text, extra_tags=f"{error.path} {error.code}".strip())
