# Made from the extension by `make stubs`; do not edit.
"""
The C++ library behind the package `consilia`.
"""
from __future__ import annotations
import collections.abc
import datetime
import enum
import os
import typing
from . import functions
from . import data
from . import access
from . import imaging
from . import uploads
from . import dicom
from . import forms
from . import inference
from . import screening
__all__: list[str] = ['Cancelled', 'Config', 'Conflict', 'Error', 'Expression', 'InferenceError', 'Internal', 'InvalidArgument', 'LogContext', 'LogFormat', 'LogLevel', 'NamedChoice', 'NotFound', 'PermissionDenied', 'PredictionSettings', 'ResourceExhausted', 'StorageError', 'Term', 'TimedOut', 'Unavailable', 'UploadRejected', 'UploadSettings', 'ValidationError', 'access', 'configure_logging', 'data', 'dicom', 'field', 'forms', 'functions', 'imaging', 'inference', 'log', 'log_security', 'lost_log_lines', 'parameter', 'parse_expression', 'screening', 'uploads']
class Error(Exception):
    """
    Base of every error of the library.

    `code` is stable and meant for programs (`upload.too_large`); the message is for
    people. `kind`, `http_status` and `details` (a dict) say the rest.
    """
    code: typing.ClassVar[str] = ''
    details: typing.ClassVar[dict] = {}
    http_status: typing.ClassVar[int] = 500
    kind: typing.ClassVar[str] = 'internal'
class InvalidArgument(Error, ValueError):
    """
    The caller asked for what has no meaning.
    """
    http_status: typing.ClassVar[int] = 400
    kind: typing.ClassVar[str] = 'invalid_argument'
class ValidationError(Error, ValueError):
    """
    Data from outside breaks its rules.
    """
    http_status: typing.ClassVar[int] = 400
    kind: typing.ClassVar[str] = 'validation'
class PermissionDenied(Error, PermissionError):
    """
    The principal may not do this.
    """
    http_status: typing.ClassVar[int] = 403
    kind: typing.ClassVar[str] = 'permission_denied'
class NotFound(Error, LookupError):
    """
    No such record, file or member.
    """
    http_status: typing.ClassVar[int] = 404
    kind: typing.ClassVar[str] = 'not_found'
class Conflict(Error):
    """
    The state does not allow it: a duplicate, a stale version.
    """
    http_status: typing.ClassVar[int] = 409
    kind: typing.ClassVar[str] = 'conflict'
class UploadRejected(Error, ValueError):
    """
    A file that may not come in.
    """
    http_status: typing.ClassVar[int] = 400
    kind: typing.ClassVar[str] = 'upload_rejected'
class Unavailable(Error):
    """
    Something needed is not there now.
    """
    http_status: typing.ClassVar[int] = 503
    kind: typing.ClassVar[str] = 'unavailable'
class ResourceExhausted(Error):
    """
    A stated bound would be passed.
    """
    http_status: typing.ClassVar[int] = 503
    kind: typing.ClassVar[str] = 'resource_exhausted'
class Cancelled(Error):
    """
    The caller withdrew the request.
    """
    http_status: typing.ClassVar[int] = 499
    kind: typing.ClassVar[str] = 'cancelled'
class TimedOut(Error, TimeoutError):
    """
    A deadline passed.
    """
    http_status: typing.ClassVar[int] = 504
    kind: typing.ClassVar[str] = 'timed_out'
class InferenceError(Error, RuntimeError):
    """
    A model could not be loaded or run.
    """
    http_status: typing.ClassVar[int] = 500
    kind: typing.ClassVar[str] = 'inference'
class StorageError(Error, OSError):
    """
    A database or a disk failed.
    """
    http_status: typing.ClassVar[int] = 500
    kind: typing.ClassVar[str] = 'storage'
class Internal(Error, RuntimeError):
    """
    A defect of the library.
    """
    http_status: typing.ClassVar[int] = 500
    kind: typing.ClassVar[str] = 'internal'
class Expression:
    """
    An immutable condition with SQL's three-valued logic. Combine with `&`, `|` and `~`.
    """
    def __and__(self, arg0: typing.Any) -> Expression:
        ...
    def __bool__(self) -> bool:
        ...
    def __invert__(self) -> Expression:
        ...
    def __or__(self, arg0: typing.Any) -> Expression:
        ...
    def __repr__(self) -> str:
        ...
    def __str__(self) -> str:
        ...
    def bind(self, parameters: dict) -> Expression:
        """
        Replaces the parameters that are given by their values.
        """
    def evaluate(self, object: dict, parameters: dict = {}) -> typing.Any:
        """
        The value over a (nested) dict; None where it is unknown.
        """
    def matches(self, object: dict, parameters: dict = {}) -> bool:
        """
        True only if the expression is true.
        """
    def same_as(self, other: Expression) -> bool:
        """
        Same structure, names and values.
        """
    def sql(self, columns: collections.abc.Mapping[str, str], dialect: str = 'sqlite', types: collections.abc.Mapping[str, str] = {}) -> tuple:
        """
        As SQL text for another program's database, and the values for its placeholders.

        `columns` gives the SQL of each field's column, quoted; it must come from a schema, never from
        outside. `types` names their types, which PostgreSQL needs. SQLite's text has `?` and may call
        functions `consilia_*` that only the library's own connections have; PostgreSQL's has `$n`.
        """
    @property
    def field_paths(self) -> list[str]:
        ...
class Term:
    """
    A field, a parameter or a value inside an expression.
    """
    def __add__(self, arg0: typing.Any) -> Term:
        ...
    def __and__(self, arg0: typing.Any) -> Expression:
        ...
    def __bool__(self) -> bool:
        ...
    def __eq__(self, arg0: typing.Any) -> Expression:
        ...
    def __ge__(self, arg0: typing.Any) -> Expression:
        ...
    def __gt__(self, arg0: typing.Any) -> Expression:
        ...
    def __hash__(self) -> int:
        ...
    def __invert__(self) -> Expression:
        ...
    def __le__(self, arg0: typing.Any) -> Expression:
        ...
    def __lt__(self, arg0: typing.Any) -> Expression:
        ...
    def __mod__(self, arg0: typing.Any) -> Term:
        ...
    def __mul__(self, arg0: typing.Any) -> Term:
        ...
    def __ne__(self, arg0: typing.Any) -> Expression:
        ...
    def __neg__(self) -> Term:
        ...
    def __or__(self, arg0: typing.Any) -> Expression:
        ...
    def __radd__(self, arg0: typing.Any) -> Term:
        ...
    def __repr__(self) -> str:
        ...
    def __rmod__(self, arg0: typing.Any) -> Term:
        ...
    def __rmul__(self, arg0: typing.Any) -> Term:
        ...
    def __rsub__(self, arg0: typing.Any) -> Term:
        ...
    def __rtruediv__(self, arg0: typing.Any) -> Term:
        ...
    def __sub__(self, arg0: typing.Any) -> Term:
        ...
    def __truediv__(self, arg0: typing.Any) -> Term:
        """
        Integers are divided as integers, towards zero.
        """
    def asc(self) -> Expression:
        """
        For an order: the least first.
        """
    def between(self, low: typing.Any, high: typing.Any) -> Expression:
        """
        Both ends included.
        """
    def desc(self) -> Expression:
        """
        For an order: the greatest first.
        """
    def in_(self, values: collections.abc.Iterable) -> Expression:
        ...
    def is_not_null(self) -> Expression:
        ...
    def is_null(self) -> Expression:
        ...
    def like(self, pattern: typing.Any) -> Expression:
        """
        `%` any run, `_` one character, `\\` escapes; case-sensitive.
        """
    @property
    def expression(self) -> Expression:
        """
        As a condition: true where the field is true.
        """
class NamedChoice:
    """
    A stored name and what people read for it.
    """
    def __repr__(self) -> str:
        ...
    @property
    def display_name(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
class UploadSettings:
    """
    What may come in.
    """
    @property
    def limit_bytes(self) -> int:
        """
        Longest file that is accepted.
        """
    @property
    def types(self) -> list[str]:
        """
        Accepted types, by content.
        """
class PredictionSettings:
    """
    How predictions are made and kept.
    """
    @property
    def batch_max(self) -> int:
        """
        Images in one batch.
        """
    @property
    def confidence_threshold(self) -> float:
        """
        Below it a prediction is flagged for review.
        """
    @property
    def is_model_cache_enabled(self) -> bool:
        ...
    @property
    def per_user_and_day_max(self) -> int:
        """
        Submissions of one user in one UTC day.
        """
class Config:
    """
    Settings with defaults, then a JSON document, then the environment, the later over the earlier.

    Immutable: `with_json` and `with_environment` give a new one.
    """
    @staticmethod
    def from_json(document: str) -> Config:
        ...
    def __eq__(self, arg0: typing.Any) -> bool:
        ...
    def __getstate__(self) -> str:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self) -> None:
        ...
    def __setstate__(self, arg0: str) -> None:
        ...
    def is_enabled(self, feature: str) -> bool:
        """
        Whether a feature flag is on.
        """
    def to_dict(self) -> typing.Any:
        """
        Every setting as plain Python values.
        """
    def to_json(self) -> str:
        ...
    @typing.overload
    def with_environment(self) -> Config:
        """
        This configuration with the process's `CONSILIA_` variables over it.
        """
    @typing.overload
    def with_environment(self, variables: collections.abc.Mapping[str, str]) -> Config:
        ...
    def with_json(self, document: str, source: str = 'document') -> Config:
        """
        This configuration with the settings of a JSON object over it; `source` names it in errors.
        """
    @property
    def diagnoses(self) -> list[str]:
        ...
    @property
    def features(self) -> dict:
        """
        A copy.
        """
    @property
    def prediction_statuses(self) -> list[NamedChoice]:
        ...
    @property
    def predictions(self) -> PredictionSettings:
        ...
    @property
    def reports_kept(self) -> datetime.timedelta:
        ...
    @property
    def roles(self) -> list[NamedChoice]:
        ...
    @property
    def session_timeout(self) -> datetime.timedelta:
        ...
    @property
    def uploads(self) -> UploadSettings:
        ...
class LogLevel(enum.Enum):
    """
    How much a line matters.
    """
    DEBUG: typing.ClassVar[LogLevel]
    ERROR: typing.ClassVar[LogLevel]
    INFO: typing.ClassVar[LogLevel]
    WARNING: typing.ClassVar[LogLevel]
    @classmethod
    def __new__(cls, value):
        ...
class LogFormat(enum.Enum):
    """
    How a line looks.
    """
    JSON: typing.ClassVar[LogFormat]
    SIMPLE: typing.ClassVar[LogFormat]
    VERBOSE: typing.ClassVar[LogFormat]
    @classmethod
    def __new__(cls, value):
        ...
class LogContext:
    """
    Fields for the lines of a `with` block: `with LogContext(request="r1"): ...`.

    They belong to the thread: a coroutine must not wait inside.
    """
    def __enter__(self) -> LogContext:
        ...
    def __exit__(self, *args) -> None:
        ...
    def __init__(self, **kwargs) -> None:
        ...
def configure_logging(*, level: LogLevel = ..., format: LogFormat = ..., to_stderr: bool = False, file: os.PathLike | str | bytes | None = None, security_file: os.PathLike | str | bytes | None = None, rotate_bytes: typing.SupportsInt | typing.SupportsIndex = 10485760, rotate_files: typing.SupportsInt | typing.SupportsIndex = 10) -> None:
    """
    Says where the library's lines go; before it nothing is written. Files belong to one process.
    """
def field(path: str) -> Term:
    """
    A field by its dotted path.
    """
def log(level: LogLevel, logger: str, message: str, **kwargs) -> None:
    """
    Writes one line with the fields given as keywords. Never raises because of where it is written.
    """
def log_security(event: str, **kwargs) -> None:
    """
    Writes a line to the security log, whatever the level.
    """
def lost_log_lines() -> int:
    """
    Lines that could not be written since the start.
    """
def parameter(name: str) -> Term:
    """
    A parameter: `:name` in text.
    """
def parse_expression(text: str) -> Expression:
    """
    Reads the text form: `status = 'completed' and xray.patient.user_id = :me`.
    """
__version__: str = '0.1.0'
