"""What the annotations of a model say: `Column[date | None]`, `Reference["User | None"]`, `Key`."""

from __future__ import annotations

import builtins
import datetime
import enum
import types
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

T = typing.TypeVar("T")


class Column(typing.Generic[T]):
    """A column of a model: a Term on the class, a value of type T on a record."""


class Reference(typing.Generic[T]):
    """A reference to another model: a path on the class, a record on a record."""


class Key:
    """The primary key of a model: an int that the database gives."""


class Json:
    """The type of a column that holds any JSON value: `Column[Json]`."""


TYPES: dict[type, str] = {
    bool: "bool",
    int: "int64",
    float: "double",
    str: "text",
    bytes: "blob",
    datetime.date: "date",
    datetime.datetime: "timestamp",
    uuid.UUID: "uuid",
    dict: "json",
    list: "json",
    Json: "json",
}


@dataclass(frozen=True)
class ColumnKind:
    """A column as annotated."""

    stored_as: str
    nullable: bool
    enumeration: type[enum.Enum] | None = None


@dataclass(frozen=True)
class ReferenceKind:
    """A reference as annotated; the target is a class, or the name of one that is looked up when needed."""

    target: type | str
    nullable: bool


class KeyKind:
    """The primary key."""


class _Later:
    """A name that is not there yet: a model that is declared further down."""

    def __init__(self, name: str, nullable: bool = False) -> None:
        self.name = name
        self.nullable = nullable

    def __or__(self, other: None) -> _Later:
        if other is not None:
            raise TypeError(f"a reference is to one model, or to one with None, not to {other!r} as well")
        return _Later(self.name, True)

    __ror__ = __or__

    def __call__(self) -> None:
        """Makes `Reference[later]` legal."""


class _Names(Mapping[str, Any]):
    """The names of a module and of the function around a class; others are models to come."""

    def __init__(self, *scopes: Mapping[str, Any]) -> None:
        self._scopes = [*scopes, vars(builtins)]

    def __getitem__(self, name: str) -> Any:
        for scope in self._scopes:
            if name in scope:
                return scope[name]
        return _Later(name)

    def __iter__(self) -> typing.Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _alternatives(annotation: object) -> tuple[list[object], bool]:
    """The types of a union without None, and whether None was among them."""
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is types.UnionType:
        members = list(typing.get_args(annotation))
    else:
        members = [annotation]
    kept = [member for member in members if member is not None and member is not type(None)]
    return kept, len(kept) != len(members)


def _column(argument: object) -> ColumnKind:
    members, nullable = _alternatives(argument)
    if len(members) == 1:
        member = typing.get_origin(members[0]) or members[0]
        if isinstance(member, type):
            if member in TYPES:
                return ColumnKind(TYPES[member], nullable)
            if issubclass(member, enum.Enum) and all(isinstance(value.value, str) for value in member):
                return ColumnKind("text", nullable, member)
    known = ", ".join(sorted(kind.__name__ for kind in TYPES))
    raise TypeError(
        f"no column holds {argument!r}: wanted one of {known}, an Enum of texts, or one of these with None"
    )


def _reference(argument: object, names: Mapping[str, Any]) -> ReferenceKind:
    if isinstance(argument, typing.ForwardRef):
        argument = eval(argument.__forward_arg__, {}, names)  # The text of the programmer's own annotation.
    members, nullable = _alternatives(argument)
    if len(members) == 1:
        member = members[0]
        if isinstance(member, _Later):
            return ReferenceKind(member.name, member.nullable)
        if isinstance(member, type):
            return ReferenceKind(member, nullable)
    raise TypeError(f"a reference is to one model, or to one with None, not {argument!r}")


def kind_of(annotation: object, *scopes: Mapping[str, Any]) -> ColumnKind | ReferenceKind | KeyKind | None:
    """What an annotation declares; None for one that is no column."""
    names = _Names(*scopes)
    if isinstance(annotation, str):
        annotation = eval(annotation, {}, names)  # The text of the programmer's own annotation.
    if annotation is Key:
        return KeyKind()
    origin = typing.get_origin(annotation)
    if origin is Column:
        return _column(typing.get_args(annotation)[0])
    if origin is Reference:
        return _reference(typing.get_args(annotation)[0], names)
    return None
