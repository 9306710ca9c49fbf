"""Models that nobody declared: of a live database's tables, and of the versions of a model's rows."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from consilia._core import data as _native
from consilia._core import field as field_term
from consilia._core.data import ColumnDescriptor, LeftOut, ReferenceDescriptor, Table

from ._annotations import ColumnKind, KeyKind, ReferenceKind
from ._model import Model, ModelMeta, Path, declaration_of, declaring, enumerations, refuse_taken
from ._options import ColumnOptions, ReferenceOptions


def _class_of(name: str, table: Table) -> type[Model]:
    """A class with the columns of a table; it is a model once it is registered."""
    model: Any = ModelMeta(name, (Model,), {"__module__": __name__, "__doc__": f"Table `{table.name}`."})
    declared = declaration_of(model)
    declared.table, declared.table_object = table.name, table
    for column, stored_as, nullable, is_key in table.layout:
        refuse_taken(column)
        kind = KeyKind() if is_key else ColumnKind(stored_as, nullable)
        declared.columns[column] = (kind, ColumnOptions())
        setattr(model, column, ColumnDescriptor(field_term(column)))
    return model  # type: ignore[no-any-return]


class Schema:
    """The tables of a live database as models: `reflect(db)["patients"].query().run(db)`.

    A model is made when it is asked for, with those that it refers to, and stays for the life of the process:
    reflect once. Its columns are known when the program runs, so that a type checker knows nothing of them.
    """

    def __init__(self, session: _native.Session) -> None:
        self._schema = _native.reflect(session)
        self._models: dict[str, type[Model]] = {}

    @property
    def tables(self) -> list[str]:
        """The names of the tables, in their order."""
        return self._schema.tables

    @property
    def left_out(self) -> list[LeftOut]:
        """What could not be described, and why."""
        return self._schema.left_out

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __contains__(self, table: object) -> bool:
        return table in self.tables

    def __getitem__(self, table: str) -> type[Model]:
        """The model of a table.

        Raises:
            NotFound: There is no such table (`schema.unknown_table`).
            InvalidArgument: The table has no single integer for its primary key (`model.key`).
            TypeError: A column is named like what every model has.
        """
        with declaring:
            if table not in self._models:
                self._models.update(self._describe(table))
        return self._models[table]

    def _describe(self, table: str) -> dict[str, type[Model]]:
        made: dict[str, type[Model]] = {}
        waiting = [table]
        while waiting:
            name = waiting.pop()
            if name not in made and name not in self._models:
                described = self._schema.require(name)
                made[name] = _class_of("".join(part.capitalize() for part in name.split("_")), described)
                waiting += [target for _, _, target in described.references]
        known = self._models | made
        _native.register_models([self._description(model, known) for model in made.values()])
        return made

    def _description(self, model: type[Model], known: dict[str, type[Model]]) -> tuple[Any, ...]:
        declared = declaration_of(model)
        assert declared.table_object is not None
        targets = []
        for relation, column, table in declared.table_object.references:
            refuse_taken(relation)
            target = known[table]
            nullable = getattr(declared.columns[column][0], "nullable", False)
            declared.columns[relation] = (ReferenceKind(target, nullable), ReferenceOptions())
            setattr(model, relation, ReferenceDescriptor(Path(relation, target)))
            targets.append(target)
        return declared.table_object, model, targets, {}


def reflect(session: _native.Session) -> Schema:
    """Reads the tables of a database, whoever made them; of the first schema in PostgreSQL's search path."""
    return Schema(session)


_versions: dict[type[Model], type[Model]] = {}


def _version_class(model: type[Model]) -> type[Model]:
    """A model of the table in which triggers keep the versions; made once."""
    if model not in _versions:
        described = model.declare()
        table = Table(f"{described.name}_history")
        table.add_column("history_id", "int64", primary_key=True)
        table.add_column("history_action", "text")
        table.add_column("history_at", "timestamp")
        table.add_column("history_by", "int64", nullable=True)
        for column, stored_as, _, _ in described.layout:
            table.add_column(column, stored_as, nullable=True)
        made = _class_of(f"{model.__name__}Version", table)
        enums: dict[str, dict[str, enum.Enum]] = enumerations(declaration_of(model))
        _native.register_models([(table, made, [], enums)])
        _versions[model] = made
    return _versions[model]


class History(_native.History):
    """The versions of the rows of a model with `history=True`: which there were, and the way back.

    ```python
    history = data.History(Visit)
    for version in history.versions(visit.id).run(db):
        print(version.history_at, version.history_action, version.history_by, version.status)
    history.restore(db, version.history_id)
    ```

    Raises:
        InvalidArgument: The model keeps no history (`record.no_history`).
    """

    def __init__(self, model: type[Model]) -> None:
        super().__init__(model)
        with declaring:
            self._version = _version_class(model)
        self._key = next(name for name, _, _, is_key in model.declare().layout if is_key)

    def versions(self, key: int) -> Any:
        """A query over the versions of one row, oldest first.

        A version has the columns of the row, and `history_id`, `history_action` (`insert`, `update`,
        `delete`, or `baseline` for what was there before), `history_at` and `history_by`.
        """
        return self._version.query.where(field_term(self._key) == key).order_by("history_id")
