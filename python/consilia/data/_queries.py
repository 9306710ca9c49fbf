"""What `Model.query` is: all rows of a model, as a query that may have steps of its own."""

from __future__ import annotations

import typing
from typing import Any

from consilia._core.data import Query


class Scopes:
    """Gives each model its query; made once, because a query is never changed."""

    def __init__(self, kind: type[Query]) -> None:
        self._kind = kind
        self._made: dict[type, Query] = {}

    def __get__(self, record: object, model: Any) -> Any:
        if record is not None:
            raise AttributeError("a record has no `query`: its class has")
        query = self._made.get(model)
        if query is None:
            if model._declared.table is None:
                return self  # Nothing to ask yet, and nothing that a look at the class should fail on.
            query = self._made[model] = self._kind(model)
        return query

    def __call__(self) -> Query:
        raise TypeError("a mixin has no table, and no query")


def scopes(kind: type[Query]) -> Any:
    """Gives a model's query the steps of a class derived from Query, which chain with all others.

    ```python
    class VisitQuery(data.Query["Visit"]):
        def paid(self) -> Self:
            return self.where(Visit.status == "paid")

        def with_patient(self) -> Self:
            return self.include(Visit.patient)


    class Visit(data.Model, table="visits"):
        id: Key
        status: Column[str]
        patient: Reference[Patient]
        query = data.scopes(VisitQuery)


    Visit.query.paid().with_patient().limit(5).run(db)
    ```
    """
    made = typing.get_origin(kind) or kind  # Of `DatedQuery["Visit"]`, a class that several models share.
    if not (isinstance(made, type) and issubclass(made, Query)):
        raise TypeError("`scopes` takes a class derived from Query")
    return Scopes(made)
