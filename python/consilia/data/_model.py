"""Models: classes that describe tables."""

from __future__ import annotations

import enum
import sys
import threading
from dataclasses import dataclass, field, replace
from typing import Any

from consilia._core import Expression
from consilia._core import field as field_term
from consilia._core.data import ColumnDescriptor, Query, Record, ReferenceDescriptor, Table, register_models

from ._annotations import ColumnKind, KeyKind, ReferenceKind, kind_of
from ._options import ColumnOptions, Index, ReferenceOptions
from ._queries import scopes

# By name with and without module, for references to classes that are declared later.
_classes: dict[str, type[Model]] = {}


Kind = ColumnKind | ReferenceKind | KeyKind


@dataclass
class Declared:
    """The columns and options of one class, its bases included."""

    table: str | None
    columns: dict[str, tuple[Kind, ColumnOptions | ReferenceOptions]]
    indexes: list[Index] = field(default_factory=list)
    checks: list[Expression | str] = field(default_factory=list)
    full_text: list[str] = field(default_factory=list)
    ignores_deleted: bool = False
    history: bool = False
    table_object: Table | None = None


class Path:
    """The way to a related row on a class: `Prediction.xray.patient`; its columns are terms."""

    def __init__(self, path: str, target: Any) -> None:
        self._path = path
        self._target = target

    def __getattr__(self, name: str) -> Any:
        model = _resolved(self._target)
        kind = declaration_of(model).columns.get(name, (None,))[0]
        path = f"{self._path}.{name}"
        found: Any
        if isinstance(kind, ReferenceKind):
            found = Path(path, kind.target)
        elif isinstance(model.__dict__.get(name), ColumnDescriptor):
            found = field_term(path)
        else:
            raise AttributeError(f"`{model.__name__}` has no column or reference `{name}`")
        self.__dict__[name] = found  # The next look-up does not come here.
        return found

    def __repr__(self) -> str:
        return f"<Path {self._path}>"


def _resolved(target: type | str) -> type[Model]:
    """The class that a reference leads to; of several with one name, that of the same module."""
    if isinstance(target, str):
        name = target.rpartition(".")[2]
        found = _classes.get(target) or _classes.get(name)
        if found is None:
            raise TypeError(f"a reference leads to `{name}`, and no model of this name is declared")
        return found
    return target


def declaration_of(model: type) -> Declared:
    """What a class declares."""
    declared = model.__dict__.get("_declared")
    if not isinstance(declared, Declared):
        raise TypeError(f"`{model.__name__}` is no model")
    return declared


_TIMESTAMPS = {"created_at": ColumnKind("timestamp", False), "updated_at": ColumnKind("timestamp", False)}
_AUDIT = {"created_by": ColumnKind("int64", True), "updated_by": ColumnKind("int64", True)}
_SOFT_DELETE = {
    "is_deleted": ColumnKind("bool", False),
    "deleted_at": ColumnKind("timestamp", True),
    "deleted_by": ColumnKind("int64", True),
}


class ModelMeta(type):
    """Reads the annotations of a model and puts descriptors in their place."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        table: str | None = None,
        timestamps: bool = False,
        soft_delete: bool = False,
        audit: bool = False,
        history: bool = False,
    ) -> ModelMeta:
        namespace.setdefault("__slots__", ())
        frame = sys._getframe(1)
        scopes = [{name: _Self}, frame.f_locals, frame.f_globals]
        declared = _inherited(bases)
        declared.table = table
        declared.history = declared.history or history
        for column, annotation in namespace.get("__annotations__", {}).items():
            _declare(declared, namespace, column, kind_of(annotation, *scopes))
        if timestamps:
            declared.columns.update((key, (kind, ColumnOptions())) for key, kind in _TIMESTAMPS.items())
        if audit:
            declared.columns.update((key, (kind, ColumnOptions())) for key, kind in _AUDIT.items())
        if soft_delete:
            declared.ignores_deleted = True
            declared.columns.update((key, (kind, ColumnOptions())) for key, kind in _SOFT_DELETE.items())
            declared.columns["is_deleted"] = (_SOFT_DELETE["is_deleted"], ColumnOptions(default=False))
        declared.indexes += namespace.pop("indexes", [])
        declared.checks += namespace.pop("checks", [])
        declared.full_text += namespace.pop("full_text", [])
        namespace["_declared"] = declared
        if table is not None:
            _name_self(f"{namespace['__module__']}.{name}", declared)
        namespace.update(_descriptors(declared))
        made = super().__new__(cls, name, bases, namespace)
        if table is not None:
            for known in (name, f"{made.__module__}.{name}"):
                _classes[known] = made  # type: ignore[assignment]
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, namespace)

    def __repr__(cls) -> str:
        return f"<model {cls.__name__}>"


class _Self:
    """Stands for the class that is being declared."""


def _inherited(bases: tuple[type, ...]) -> Declared:
    declared = Declared(None, {})
    for base in reversed(bases):
        above = base.__dict__.get("_declared")
        if isinstance(above, Declared):
            if above.table is not None:
                raise TypeError(f"`{base.__name__}` has a table: derive from a model without one")
            declared.columns.update(above.columns)
            declared.indexes += above.indexes
            declared.checks += above.checks
            declared.full_text += above.full_text
            declared.ignores_deleted = declared.ignores_deleted or above.ignores_deleted
            declared.history = declared.history or above.history
    return declared


def refuse_taken(name: str) -> None:
    """Refuses a column that would hide what every record or model has."""
    if hasattr(Record, name) or name in {"query", "declare"}:
        raise TypeError(f"a column cannot be named `{name}`: records have that already")


def _declare(
    declared: Declared,
    namespace: dict[str, Any],
    name: str,
    kind: Kind | None,
) -> None:
    if kind is None:
        return
    refuse_taken(name)
    options = namespace.pop(name, None)
    if isinstance(kind, ReferenceKind):
        options = ReferenceOptions() if options is None else options
        if not isinstance(options, ReferenceOptions):
            raise TypeError(f"`{name}` is a reference: give it `reference(…)`")
        if isinstance(kind.target, str):
            kind = replace(kind, target=f"{namespace['__module__']}.{kind.target}")
    elif not isinstance(options, ColumnOptions):
        options = ColumnOptions(default=options)
    declared.columns[name] = (kind, options)


def _name_self(name: str, declared: Declared) -> None:
    """Gives references to the class itself its name; those of a mixin lead to the class that gets them."""
    for column, (kind, options) in declared.columns.items():
        if isinstance(kind, ReferenceKind) and kind.target is _Self:
            declared.columns[column] = (replace(kind, target=name), options)


def _descriptors(declared: Declared) -> dict[str, Any]:
    descriptors: dict[str, Any] = {}
    for column, (kind, _) in declared.columns.items():
        if not isinstance(kind, ReferenceKind):
            descriptors[column] = ColumnDescriptor(field_term(column))
            continue
        descriptors[f"{column}_id"] = ColumnDescriptor(field_term(f"{column}_id"))
        if kind.target is not _Self:
            descriptors[column] = ReferenceDescriptor(Path(column, kind.target))
    return descriptors


class Model(Record, metaclass=ModelMeta):
    """Base of the classes that describe tables.

    A class with `table=` is a table; one without it is a mixin, whose columns its subclasses get. A record is
    made with its values by name (`Prediction(status="pending", xray_id=1)`) and is equal to another with the
    same key.
    """

    query = scopes(Query)
    """All rows that are not soft-deleted; see `scopes` for steps of your own."""

    @classmethod
    def declare(cls) -> Table:
        """The description of the table; made when it is first needed, after the models it refers to."""
        declared = declaration_of(cls)
        if declared.table is None:
            raise TypeError(f"`{cls.__name__}` has no table: it is a mixin")
        if declared.table_object is None:
            with declaring:
                if declared.table_object is None:
                    related = reachable(cls)
                    _declare_tables([m for m in related if declaration_of(m).table_object is None])
        assert declared.table_object is not None
        return declared.table_object


declaring = threading.RLock()  # Two threads may need a model for the first time at once.


def reachable(model: type[Model], found: list[type[Model]] | None = None) -> list[type[Model]]:
    """The model and all that its references lead to, in circles too."""
    found = [] if found is None else found
    if model not in found:
        found.append(model)
        for kind, _ in declaration_of(model).columns.values():
            if isinstance(kind, ReferenceKind):
                reachable(_resolved(kind.target), found)
    return found


def _declare_tables(models: list[type[Model]]) -> None:
    """Describes tables that may refer to each other: columns first, then what leads from one to another."""
    tables: dict[type[Model], Table] = {model: _with_columns(declaration_of(model)) for model in models}
    descriptions = []
    for model, table in tables.items():
        declared = declaration_of(model)
        targets: list[type[Model]] = []
        for name, (kind, options) in declared.columns.items():
            if isinstance(options, ReferenceOptions):
                assert isinstance(kind, ReferenceKind)
                target = _resolved(kind.target)
                led_to = tables.get(target) or declaration_of(target).table_object
                table.add_reference(
                    name, f"{name}_id", None if target is model else led_to, options.on_delete
                )
                targets.append(target)
        _add_rules(table, declared)
        descriptions.append((table, model, targets, enumerations(declared)))
    register_models(descriptions)
    for model, table in tables.items():
        declaration_of(model).table_object = table


def _with_columns(declared: Declared) -> Table:
    assert declared.table is not None
    table = Table(declared.table)
    for name, (kind, options) in declared.columns.items():
        if isinstance(kind, ReferenceKind):
            table.add_column(f"{name}_id", "int64", nullable=kind.nullable, unique=options.unique)
        elif isinstance(kind, ColumnKind):
            assert isinstance(options, ColumnOptions)
            _add_column(table, name, kind, options)
        else:
            table.add_column(name, "int64", primary_key=True)
    return table


def enumerations(declared: Declared) -> dict[str, dict[str, enum.Enum]]:
    """By column: the members of its enum, by their texts."""
    return {
        name: {member.value: member for member in kind.enumeration}
        for name, (kind, _) in declared.columns.items()
        if isinstance(kind, ColumnKind) and kind.enumeration is not None
    }


def _add_column(table: Table, name: str, kind: ColumnKind, options: ColumnOptions) -> None:
    choices = list(options.choices)
    if kind.enumeration is not None and not choices:
        choices = [member.value for member in kind.enumeration]
    table.add_column(
        name,
        kind.stored_as,
        nullable=kind.nullable,
        unique=options.unique,
        default=options.default,
        defaults_to_now=options.now,
        length_max=options.max_length,
        choices=choices,
        check=options.check,
    )


def _add_rules(table: Table, declared: Declared) -> None:
    for name, (kind, options) in declared.columns.items():
        if options.index and not options.unique:
            table.add_index([f"{name}_id" if isinstance(kind, ReferenceKind) else name])
    for index in declared.indexes:
        table.add_index(
            list(index.columns), unique=index.unique, where=index.where, ignores_deleted=index.ignores_deleted
        )
    for check in declared.checks:
        table.add_check(check)
    if declared.full_text:
        table.set_full_text(declared.full_text)
    if declared.history:
        table.keep_history()
