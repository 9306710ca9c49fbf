"""Records, access rules, checked uploads and a panel of models, embedded.

Importing the package loads nothing else: names are looked up when they are first used. The extension
`consilia._core` is loaded then; torch only when a model is run, and never through Python.
"""

from __future__ import annotations

TYPE_CHECKING = False  # As type checkers read it; importing `typing` costs more than all the rest.

__version__ = "0.1.0"

__all__ = [
    "AuditAnchor",
    "AuditArchive",
    "AuditEntry",
    "AuditEvent",
    "AuditLog",
    "AuditReport",
    "Cancelled",
    "Config",
    "Conflict",
    "Error",
    "Expression",
    "InferenceError",
    "Internal",
    "InvalidArgument",
    "LogContext",
    "LogFormat",
    "LogLevel",
    "NamedChoice",
    "NotFound",
    "PermissionDenied",
    "PredictionSettings",
    "ResourceExhausted",
    "StorageError",
    "Term",
    "TimedOut",
    "Unavailable",
    "UploadRejected",
    "UploadSettings",
    "ValidationError",
    "__version__",
    "access",
    "configure_logging",
    "data",
    "dicom",
    "field",
    "forms",
    "functions",
    "imaging",
    "inference",
    "log",
    "log_security",
    "lost_log_lines",
    "parameter",
    "parse_expression",
    "screening",
    "uploads",
    "verify_audit_file",
]

_SUBMODULES = {
    "access",
    "data",
    "dicom",
    "forms",
    "functions",
    "imaging",
    "inference",
    "screening",
    "uploads",
}
_AUDIT = {name for name in __all__ if name.startswith("Audit")} | {"verify_audit_file"}

if TYPE_CHECKING:
    from typing import Any

    from consilia import access, data, dicom, forms, functions, imaging, inference, screening, uploads
    from consilia._core import (
        Cancelled,
        Config,
        Conflict,
        Error,
        Expression,
        InferenceError,
        Internal,
        InvalidArgument,
        LogContext,
        LogFormat,
        LogLevel,
        NamedChoice,
        NotFound,
        PermissionDenied,
        PredictionSettings,
        ResourceExhausted,
        StorageError,
        Term,
        TimedOut,
        Unavailable,
        UploadRejected,
        UploadSettings,
        ValidationError,
        configure_logging,
        field,
        log,
        log_security,
        lost_log_lines,
        parameter,
        parse_expression,
    )
    from consilia._core.access import (
        AuditAnchor,
        AuditArchive,
        AuditEntry,
        AuditEvent,
        AuditLog,
        AuditReport,
        verify_audit_file,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'consilia' has no attribute {name!r}")
    from importlib import import_module

    if name in _SUBMODULES:
        return import_module(f"consilia.{name}")  # Importing it also sets the attribute.
    value = getattr(import_module("consilia._core.access" if name in _AUDIT else "consilia._core"), name)
    globals()[name] = value  # The next look-up does not come here.
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
