"""The X-ray screening service: who may submit a radiograph, what becomes of it, who may see the outcome."""

from consilia._core import screening as _screening
from consilia._core.access import Principal

default_policy = _screening.default_policy
Service = _screening.Service
Statistics = _screening.Statistics
Submission = _screening.Submission
WorkResult = _screening.WorkResult
WorkSummary = _screening.WorkSummary

__all__ = [
    "Principal",
    "Service",
    "Statistics",
    "Submission",
    "WorkResult",
    "WorkSummary",
    "default_policy",
]
