"""Tables as classes, queries that compose, and records that are read where they lie.

```python
from consilia import data
from consilia.data import Column, Key, Reference

class Patient(data.Model, table="patients"):
    id: Key
    full_name: Column[str]

db = data.Database("sqlite:clinic.db")
db.create_tables(Patient)
ann = db.insert(Patient(full_name="Ann"))
[patient.full_name for patient in Patient.query().where(Patient.full_name.like("A%")).run(db)]
```
"""

from consilia._core.data import (
    Chunks,
    LeftOut,
    Listener,
    Migrations,
    MigrationStatus,
    MigrationStep,
    Notification,
    Query,
    ReadScope,
    Record,
    Row,
    Rows,
    Savepoint,
    Session,
    Table,
    Transaction,
    exists,
    in_query,
    related,
    scalar,
)

from ._annotations import Column, Json, Key, Reference
from ._database import (
    AsyncDatabase,
    AsyncListener,
    Database,
    LoggedStatement,
    QueryLog,
    RepeatedStatement,
    assert_no_repeats,
    assert_queries,
)
from ._described import History, Schema, reflect
from ._model import Model
from ._options import Index, column, reference
from ._queries import scopes

__all__ = [
    "AsyncDatabase",
    "AsyncListener",
    "Chunks",
    "Column",
    "Database",
    "History",
    "Index",
    "Json",
    "Key",
    "LeftOut",
    "Listener",
    "LoggedStatement",
    "MigrationStatus",
    "MigrationStep",
    "Migrations",
    "Model",
    "Notification",
    "Query",
    "QueryLog",
    "ReadScope",
    "Record",
    "Reference",
    "RepeatedStatement",
    "Row",
    "Rows",
    "Savepoint",
    "Schema",
    "Session",
    "Table",
    "Transaction",
    "assert_no_repeats",
    "assert_queries",
    "column",
    "exists",
    "in_query",
    "reference",
    "reflect",
    "related",
    "scalar",
    "scopes",
]
