# Made from the extension by `make stubs`; do not edit.
"""
Tables, queries and records.
"""
from __future__ import annotations
import collections.abc
import consilia._core
import os
import pathlib
import typing
__all__: list[str] = ['Chunks', 'ColumnDescriptor', 'Database', 'History', 'LeftOut', 'Listener', 'MigrationStatus', 'MigrationStep', 'Migrations', 'Notification', 'Query', 'ReadScope', 'Record', 'ReferenceDescriptor', 'Row', 'Rows', 'RowsIterator', 'Savepoint', 'Schema', 'Session', 'StatementWatch', 'Table', 'Transaction', 'create_full_text', 'exists', 'in_query', 'reflect', 'register_models', 'related', 'scalar', 'watch_statements']
class Record:
    """
    A row of a table; the base of Model.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __eq__(self, value):
        """
        Return self==value.
        """
    def __ge__(self, value):
        """
        Return self>=value.
        """
    def __getattribute__(self, name):
        """
        Return getattr(self, name).
        """
    def __gt__(self, value):
        """
        Return self>value.
        """
    def __hash__(self):
        """
        Return hash(self).
        """
    def __le__(self, value):
        """
        Return self<=value.
        """
    def __lt__(self, value):
        """
        Return self<value.
        """
    def __ne__(self, value):
        """
        Return self!=value.
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    def to_dict(self):
        """
        The values that are loaded, by name; included records as dicts.
        """
class Row(Record):
    """
    A row of a result without a model: values by position and by name.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __getitem__(self, key):
        """
        Return self[key].
        """
    def __len__(self):
        """
        Return len(self).
        """
class ColumnDescriptor:
    """
    A column: on the class a Term, on a record its value.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __delete__(self, instance):
        """
        Delete an attribute of instance.
        """
    def __get__(self, instance, owner = None):
        """
        Return an attribute of instance, which is of type owner.
        """
    def __set__(self, instance, value):
        """
        Set an attribute of instance to value.
        """
class ReferenceDescriptor:
    """
    A reference: on the class a path, on a record the related record.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __delete__(self, instance):
        """
        Delete an attribute of instance.
        """
    def __get__(self, instance, owner = None):
        """
        Return an attribute of instance, which is of type owner.
        """
    def __set__(self, instance, value):
        """
        Set an attribute of instance to value.
        """
class Rows:
    """
    The rows of a result. Records are made when they are reached.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __arrow_c_array__(self, requested_schema = None):
        """
        Arrow's PyCapsule interface; buffers are shared.
        """
    def __arrow_c_stream__(self, requested_schema = None):
        """
        Arrow's PyCapsule interface; buffers are shared.
        """
    def __getitem__(self, key):
        """
        Return self[key].
        """
    def __iter__(self):
        """
        Implement iter(self).
        """
    def __len__(self):
        """
        Return len(self).
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    def column(self, name):
        """
        A column as a numpy array: without a copy where it holds integers, numbers,
        timestamps (datetime64[us]) or dates (datetime64[D]) and nothing is missing. A missing number
        is NaN, a missing time NaT; a column of integers or bools with missing values is a masked array.
        """
    def dicts(self):
        """
        The rows as a list of dicts.
        """
    def json(self):
        """
        The rows as the bytes of a JSON array of objects.
        """
    def tuples(self):
        """
        The rows as a list of tuples.
        """
    def values(self, name):
        """
        A column as a list of Python values.
        """
class RowsIterator:
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __iter__(self):
        """
        Implement iter(self).
        """
    def __next__(self):
        """
        Implement next(self).
        """
class Query:
    """
    Rows of a model, narrowed, ordered and calculated. Immutable: each step gives a new query.
    """
    @staticmethod
    def __class_getitem__(*args, **kwargs):
        """
        Query[Model], for annotations.
        """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    @staticmethod
    def after(*args, **kwargs):
        """
        What follows the row with this key; see `key`.
        """
    @staticmethod
    def aggregate(*args, **kwargs):
        """
        One row of aggregates over all rows, given by name.
        """
    @staticmethod
    def annotate(*args, **kwargs):
        """
        Adds calculated columns, given by name.
        """
    @staticmethod
    def apply(*args, **kwargs):
        """
        What a function makes of the query: `apply(step, *args, **values)` is `step(query, …)`.
        """
    @staticmethod
    def count(*args, **kwargs):
        """
        The number of rows, without limit and offset.
        """
    @staticmethod
    def defer(*args, **kwargs):
        """
        All columns but these.
        """
    @staticmethod
    def delete(*args, **kwargs):
        """
        Deletes the matching rows and gives their number.
        """
    @staticmethod
    def distinct(*args, **kwargs):
        """
        Each different row once.
        """
    @staticmethod
    def exclude(*args, **kwargs):
        """
        Keeps the rows for which each condition is false.
        """
    @staticmethod
    def exists(*args, **kwargs):
        """
        Whether there is a row.
        """
    @staticmethod
    def explain(*args, **kwargs):
        """
        How the database runs it: the text, and the tables read whole.
        """
    @staticmethod
    def first(*args, **kwargs):
        """
        The first row, or None; by primary key if there is no order.
        """
    @staticmethod
    def get(*args, **kwargs):
        """
        The only row. NotFound without one, Conflict with several.
        """
    @staticmethod
    def get_or_none(*args, **kwargs):
        """
        The only row, or None. Conflict with several.
        """
    @staticmethod
    def group_by(*args, **kwargs):
        """
        One row for each combination of these values, with the annotations, which may be aggregates.
        """
    @staticmethod
    def having(*args, **kwargs):
        """
        Keeps the groups for which every condition is true.
        """
    @staticmethod
    def include(*args, **kwargs):
        """
        Loads the rows that these references lead to, and those on the way, in the same statement.
        """
    @staticmethod
    def limit(*args, **kwargs):
        """
        At most this many rows.
        """
    @staticmethod
    def offset(*args, **kwargs):
        """
        Leaves out the first rows.
        """
    @staticmethod
    def only_deleted(*args, **kwargs):
        """
        Shows soft-deleted rows alone.
        """
    @staticmethod
    def order_by(*args, **kwargs):
        """
        Appends orders: columns, `-path` or `.desc()` for descending, or calculated values.
        `nulls`: "first" or "last"; by default first ascending and last descending.
        """
    @staticmethod
    def rows(*args, **kwargs):
        """
        A query over the rows of this one, as over a table.
        """
    @staticmethod
    def select(*args, **kwargs):
        """
        The columns of the result, and no others.
        """
    @staticmethod
    def sql(*args, **kwargs):
        """
        The statement; values are placeholders.
        """
    @staticmethod
    def union_all(*args, **kwargs):
        """
        The rows of both.
        """
    @staticmethod
    def union_distinct(*args, **kwargs):
        """
        The rows of both, each different one once.
        """
    @staticmethod
    def unordered(*args, **kwargs):
        """
        Forgets the orders given so far.
        """
    @staticmethod
    def update(*args, **kwargs):
        """
        Changes the matching rows and gives their number.
        """
    @staticmethod
    def update_returning(*args, **kwargs):
        """
        As `update`, and gives these columns of the changed rows as they are now; without columns
        all of them.
        """
    @staticmethod
    def where(*args, **kwargs):
        """
        Keeps the rows for which every condition is true. A condition is an Expression, a Term
        that holds a truth value, or text; parameters of the text are given by name.
        """
    @staticmethod
    def with_ancestors(*args, **kwargs):
        """
        These rows, those that they refer to by this reference, and so on.
        """
    @staticmethod
    def with_deleted(*args, **kwargs):
        """
        Shows soft-deleted rows too.
        """
    @staticmethod
    def with_descendants(*args, **kwargs):
        """
        These rows, those that refer to them by this reference, and so on.
        """
    def __call__(self, *args, **kwargs):
        """
        Call self as a function.
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    def chunks(self, session, rows):
        """
        All rows in results of this many, each where the last one ended.
        """
    def count_by(self, session, path):
        """
        A row for each value, with `count`, most frequent first.
        """
    def for_update(self, skip_locked = False):
        """
        Locks the rows until the transaction ends.
        """
    def json(self, session):
        """
        The rows as JSON bytes, no object between.
        """
    def key(self, record):
        """
        Where a record of the result stands in the order.
        """
    def page(self, number, size):
        """
        Page `number`, from 1, of `size` rows.
        """
    def prefetch(self, name, query, relation):
        """
        Loads with each row those of `query` whose reference `relation` leads to it.
        """
    def run(self, session):
        """
        The rows.
        """
    def search(self, text, rank_as = None):
        """
        Keeps rows that hold every word of the text.
        """
class Chunks:
    """
    The rows of a query, chunk by chunk.
    """
    def __iter__(self):
        """
        Implement iter(self).
        """
    def __next__(self):
        """
        Implement next(self).
        """
class Session:
    """
    What statements run on: a Database, a Transaction or a ReadScope.
    """
    def bulk_insert(self, model, rows, columns = None):
        """
        Stores records, dicts, tuples (with `columns`) or anything with `__arrow_c_stream__`
        (pandas, polars, pyarrow). Gives their number.
        """
    def delete(self, record):
        """
        Deletes a row for good.
        """
    def execute(self, sql, values = None):
        """
        Runs trusted SQL; gives the number of changed rows.
        """
    def get(self, model, key):
        """
        The record with this key. NotFound without one.
        """
    def get_or_none(self, model, key):
        """
        The record with this key, or None.
        """
    def insert(self, record):
        """
        Stores a new record, and gives it its key and times. Returns it.
        """
    def notify(self, channel, payload = ''):
        """
        Sends a message to all listeners, in a transaction when it commits. PostgreSQL only.
        """
    def query(self, sql, values = None):
        """
        The rows of trusted SQL.
        """
    def query_all(self, statements):
        """
        The rows of several reads of trusted SQL, each a text or (text, values): one round trip
        on PostgreSQL.
        """
    def restore(self, record):
        """
        Shows a soft-deleted row again.
        """
    def soft_delete(self, record, by = None):
        """
        Hides a row: marks it with the time and with who did it.
        """
    def update(self, record):
        """
        Stores what was assigned to a record. Conflict (`record.stale`) if somebody changed
        the row since it was read. Returns the record.
        """
    def upsert(self, model, rows, conflict, update = None, columns = None):
        """
        As `bulk_insert`; a row that is there by the columns `conflict` gets the new
        values of the columns `update`.
        """
class Database(Session):
    """
    A database, SQLite or PostgreSQL. Each call is a transaction of its own.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    @staticmethod
    def create_tables(*args, **kwargs):
        """
        Creates tables and indexes that are missing, of tables in any order.
        """
    def begin(self, isolation = 'read committed'):
        """
        A writing transaction, for `with`: commits unless the block fails.
        """
    def read(self):
        """
        One snapshot for several reads, for `with`.
        """
    def transact(self, body, attempts_max = 5, isolation = 'read committed'):
        """
        Runs `body(transaction)` in a transaction and commits it; again where the database asks
        for it.
        """
class Transaction(Session):
    """
    A writing transaction; `with` commits it unless the block fails.
    """
    @staticmethod
    def __enter__(*args, **kwargs):
        ...
    @staticmethod
    def __exit__(*args, **kwargs):
        ...
    def act_as(self, actor):
        """
        Says who acts from here on, for models with `audit` or `history`.
        """
    def commit(self):
        """
        Makes all changes permanent.
        """
    def on_commit(self, action):
        """
        Calls `action` after a successful commit.
        """
    def rollback(self):
        """
        Undoes all changes.
        """
    def savepoint(self):
        """
        For `with`: what changes in a block that fails is undone, and the rest stays.
        """
class Savepoint:
    @staticmethod
    def __enter__(*args, **kwargs):
        ...
    @staticmethod
    def __exit__(*args, **kwargs):
        ...
class ReadScope(Session):
    """
    One snapshot for any number of reads.
    """
    @staticmethod
    def __enter__(*args, **kwargs):
        ...
    @staticmethod
    def __exit__(*args, **kwargs):
        ...
class Table:
    """
    The description of a table.
    """
    def __init__(self, name: str) -> None:
        ...
    def add_check(self, condition: typing.Any) -> None:
        ...
    def add_column(self, name: str, type: str, *, nullable: bool = False, unique: bool = False, primary_key: bool = False, default: typing.Any = None, defaults_to_now: bool = False, length_max: typing.SupportsInt | typing.SupportsIndex = 0, choices: collections.abc.Sequence[str] = [], check: typing.Any = None) -> None:
        ...
    def add_index(self, columns: collections.abc.Sequence[str], *, unique: bool = False, where: typing.Any = None, ignores_deleted: bool = False) -> None:
        ...
    def add_reference(self, relation: str, column: str, target: Table | None, on_delete: str = 'restrict') -> None:
        """
        None as target: the table itself.
        """
    def keep_history(self) -> None:
        ...
    def set_full_text(self, columns: collections.abc.Sequence[str]) -> None:
        ...
    @property
    def columns(self) -> list:
        ...
    @property
    def layout(self) -> list:
        """
        (name, type, whether it may be null, whether it is the primary key) of each column.
        """
    @property
    def name(self) -> str:
        ...
    @property
    def references(self) -> list:
        """
        (relation, column, table that it leads to) of each reference.
        """
class StatementWatch:
    """
    Calls an action after each statement until it is closed.
    """
    def close(self) -> None:
        ...
class MigrationStep:
    """
    One change that a migration makes.
    """
    @property
    def loses_data(self) -> bool:
        ...
    @property
    def migration(self) -> str:
        ...
    @property
    def notes(self) -> list[str]:
        """
        What changes, for people.
        """
    @property
    def sql(self) -> list[str]:
        """
        What the database runs, in order.
        """
class MigrationStatus:
    """
    Whether a migration was applied.
    """
    @property
    def applied_at(self) -> typing.Any:
        """
        None: not yet.
        """
    @property
    def duration_ms(self) -> int:
        ...
    @property
    def name(self) -> str:
        ...
class Migrations:
    """
    Numbered files that bring a database from one form of the models to the next, and back.
    """
    def __init__(self, database: typing.Any, models: collections.abc.Iterable, directory: os.PathLike | str | bytes) -> None:
        ...
    def adopt(self, to: str = '') -> list[str]:
        """
        Marks migrations as applied, for tables that are there already.
        """
    def make(self, title: str, *, renames: collections.abc.Sequence[tuple[str, str, str]] = [], allows_data_loss: bool = False) -> pathlib.Path | None:
        """
        Writes the next file; None if the models are what the files give. `renames`: (table, column as it was or "", new name).
        """
    def migrate(self, to: str = '') -> list[str]:
        """
        Applies what has not been applied; gives the names.
        """
    def plan(self, to: str = '') -> list[MigrationStep]:
        """
        What `migrate` would do; nothing is changed.
        """
    def plan_rollback(self, to: str) -> list[MigrationStep]:
        """
        What `rollback` would do; nothing is changed.
        """
    def rollback(self, to: str, *, allows_data_loss: bool = False) -> list[str]:
        """
        Undoes the newest migrations until `to` is the newest; empty: all.
        """
    def status(self) -> list[MigrationStatus]:
        """
        All migrations in their order.
        """
class LeftOut:
    """
    What reflection could not describe, and why.
    """
    @property
    def part(self) -> str:
        """
        A column, an index or a reference; empty: the table.
        """
    @property
    def reason(self) -> str:
        ...
    @property
    def table(self) -> str:
        ...
class Schema:
    """
    The tables that were found in a database.
    """
    def require(self, table: str) -> Table:
        """
        The description of a table. NotFound without one.
        """
    @property
    def left_out(self) -> list[LeftOut]:
        ...
    @property
    def tables(self) -> list[str]:
        ...
class History:
    """
    The versions of a model's rows, as triggers keep them.
    """
    def __init__(self, model: typing.Any) -> None:
        ...
    def as_of(self, session: typing.Any, at: typing.Any) -> typing.Any:
        """
        All rows as they were at an instant, by key.
        """
    def restore(self, session: typing.Any, history_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Gives a row the values of one of its versions; a deleted row is there again.
        """
class Notification:
    """
    A message of another program.
    """
    @property
    def channel(self) -> str:
        ...
    @property
    def payload(self) -> str:
        ...
    @property
    def process(self) -> int:
        """
        Of the server, for who sent it.
        """
class Listener:
    """
    Waits for messages on channels of a PostgreSQL database, on a connection of its own.
    """
    def __enter__(self) -> typing.Any:
        ...
    def __exit__(self, *args) -> None:
        ...
    def __init__(self, database: typing.Any, *args) -> None:
        ...
    def __iter__(self) -> typing.Any:
        ...
    def __next__(self) -> Notification:
        """
        The next message; ends when it is interrupted.
        """
    def close(self) -> None:
        """
        Stops listening.
        """
    def interrupt(self) -> None:
        """
        Makes the wait that runs, or the next one, return None.
        """
    def wait(self, timeout_s: typing.SupportsFloat | typing.SupportsIndex | None = None) -> Notification | None:
        """
        The next message; None after the timeout or an interruption.
        """
def create_full_text(database: typing.Any, model: typing.Any) -> None:
    """
    Creates and fills the full-text index of a model.
    """
def exists(query: typing.Any) -> consilia._core.Expression:
    """
    Whether the query has a row; in it `outer(path)` is a field of the query around.
    """
def in_query(value: consilia._core.Term, query: typing.Any) -> consilia._core.Expression:
    """
    Whether the value is among those of the query's only column.
    """
def reflect(session: typing.Any) -> Schema:
    """
    Reads the tables of a database.
    """
def register_models(descriptions: list) -> None:
    """
    Ties classes to their tables: (table, class, classes of its references, enums by column).
    """
def related(query: typing.Any, relation: typing.Any) -> typing.Any:
    """
    The rows of `query` whose reference `relation` leads to the row of the query around.
    """
def scalar(query: typing.Any, aggregate: typing.Any = None) -> consilia._core.Term:
    """
    The value of the query's only column in its first row, or an aggregate over its rows.
    """
def watch_statements(database: typing.Any, action: collections.abc.Callable) -> StatementWatch:
    """
    Calls `action(sql, nanoseconds, rows, error_code)` after each statement, on its thread.
    """
