"""Querysets scoped by a policy: the library's SQL for the condition, over the columns that Django joins."""

from __future__ import annotations

import datetime
import re
import uuid
from typing import Any, TypeVar, cast

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.expressions import Combinable
from django.utils import timezone

from consilia import Expression, InvalidArgument
from consilia.permissions import PolicySource, made

from ._checker import checker

Q = TypeVar("Q", bound="models.QuerySet[Any]")

_TYPES = {
    "BooleanField": "bool",
    "FloatField": "double",
    "CharField": "text",
    "TextField": "text",
    "SlugField": "text",
    "FileField": "text",
    "BinaryField": "blob",
    "DateField": "date",
    "DateTimeField": "timestamp",
    "UUIDField": "uuid",
    "JSONField": "json",
}


def scope_queryset(
    queryset: Q, asker: Any, action: str, resource: str, policy: PolicySource | None = None
) -> Q:
    """The rows of a queryset to which the policy allows this: exactly those that `check` allows.

    Args:
        queryset: of the model that the resource is; the fields of conditions are its own, with dots across
            references: `xray.patient.user_id`.
        asker: a request, a user or a principal.
        action: what is to be done.
        resource: the policy's name of the model's rows.
        policy: in place of that of the settings.

    Returns:
        A queryset with one more filter, which can be refined further.

    Raises:
        Unauthenticated: `access.unauthenticated`.
        InvalidArgument: `access.missing_field` for a field that the model has not, `access.scope` for what
            Django's connection cannot ask: on SQLite the functions and `like` of expressions.
    """
    condition = checker(policy).scope(asker, action, resource)
    text = str(condition)
    if text == "true":
        return queryset
    if text == "false":
        return cast(Q, queryset.none())
    types = {path: _type_of(queryset.model, path) for path in condition.field_paths}
    return cast(Q, queryset.filter(_Scope(condition, types)))


def _type_of(model: type[models.Model], path: str) -> str:
    """The type of a field, as expressions name it; `null` for one that they do not have."""
    at: Any = model
    try:
        for part in path.split("."):
            field = at._meta.get_field(part)
            if field.many_to_many or field.one_to_many:
                message = f"field `{path}` leads to several rows: `{part}` of `{at.__name__}`"
                raise made(InvalidArgument, "access.scope", message, field=path)
            at = field.related_model
    except (FieldDoesNotExist, AttributeError):
        message = f"a condition asks for field `{path}`, and `{model.__name__}` has no such field"
        raise made(InvalidArgument, "access.missing_field", message, field=path) from None
    while field.is_relation:
        field = field.target_field
    kind = field.get_internal_type()
    return "int64" if "Integer" in kind or kind.endswith("AutoField") else _TYPES.get(kind, "null")


class _Scope(models.Expression):
    """A condition of the library as an expression of Django."""

    def __init__(self, condition: Expression, types: dict[str, str]) -> None:
        super().__init__(output_field=models.BooleanField())
        self.condition = condition
        self.types = types
        self.columns: list[Combinable] = [models.F(path.replace(".", "__")) for path in types]

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: list[Any]) -> None:
        self.columns = exprs

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """The text with Django's placeholders, and the values as Django stores such."""
        if connection.vendor not in ("sqlite", "postgresql"):
            message = f"a scope is compiled for sqlite and postgresql, not for {connection.vendor}"
            raise made(InvalidArgument, "access.scope", message)
        compiled = [compiler.compile(column) for column in self.columns]
        # A column stands as a mark in the text until the placeholders have become Django's.
        marks = {path: f"\0{at}\0" for at, path in enumerate(self.types)}
        text, values = self.condition.sql(marks, connection.vendor, self.types)
        if connection.vendor == "sqlite" and ("consilia_" in text or " LIKE " in text):
            message = f"SQLite, as Django opens it, cannot calculate all of `{self.condition}`"
            raise made(InvalidArgument, "access.scope", message)
        parts: list[str] = []
        bound: list[Any] = []
        taken = 0
        for piece in re.split(r"(\0\d+\0|\?|\$\d+)", text):
            if piece.startswith("\0"):
                column, parameters = compiled[int(piece.strip("\0"))]
                parts.append(column)
                bound += parameters
            elif piece == "?" or re.fullmatch(r"\$\d+", piece):
                value = values[taken if piece == "?" else int(piece[1:]) - 1]
                taken += 1
                parts.append("%s")
                bound.append(_stored(value, connection))
            else:
                parts.append(piece.replace("%", "%%"))
        return "".join(parts), bound


def _stored(value: Any, connection: Any) -> Any:
    """A value as Django stores it in this database."""
    if isinstance(value, datetime.datetime):
        from django.conf import settings

        local = value if settings.USE_TZ else timezone.make_naive(value)
        return connection.ops.adapt_datetimefield_value(local)
    if isinstance(value, datetime.date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
