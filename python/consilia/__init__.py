"""Records, access rules, checked uploads and a panel of models, embedded.

Importing the package loads nothing else: names are looked up when they are first used. The extension
`consilia._core` is loaded then; torch only when a model is run, and never through Python.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "Config",
    "Conflict",
    "Error",
    "Expression",
    "InferenceError",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "ResourceExhausted",
    "StorageError",
    "Term",
    "TimedOut",
    "Unavailable",
    "UploadRejected",
    "ValidationError",
    "__version__",
    "field",
    "imaging",
    "inference",
    "parameter",
    "parse_expression",
    "screening",
]

_SUBMODULES = {"imaging", "inference", "screening"}

if TYPE_CHECKING:
    from consilia import imaging, inference, screening
    from consilia._core import (
        Cancelled,
        Config,
        Conflict,
        Error,
        Expression,
        InferenceError,
        Internal,
        InvalidArgument,
        NotFound,
        PermissionDenied,
        ResourceExhausted,
        StorageError,
        Term,
        TimedOut,
        Unavailable,
        UploadRejected,
        ValidationError,
        field,
        parameter,
        parse_expression,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'consilia' has no attribute {name!r}")
    if name in _SUBMODULES:
        return import_module(f"consilia.{name}")  # Importing it also sets the attribute.
    value = getattr(import_module("consilia._core"), name)
    globals()[name] = value  # The next look-up does not come here.
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
