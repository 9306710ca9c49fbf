"""Each kind of error is one class with the built-in base that Python code catches."""

from __future__ import annotations

import pytest

import consilia


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("InvalidArgument", ValueError),
        ("ValidationError", ValueError),
        ("UploadRejected", ValueError),
        ("NotFound", LookupError),
        ("PermissionDenied", PermissionError),
        ("TimedOut", TimeoutError),
        ("StorageError", OSError),
        ("InferenceError", RuntimeError),
    ],
)
def test_an_error_is_caught_as_its_built_in_base(name: str, base: type[Exception]) -> None:
    made = getattr(consilia, name)
    assert issubclass(made, base)
    assert issubclass(made, consilia.Error)
    assert made.__module__ == "consilia"


def test_an_error_carries_code_kind_status_and_details() -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        consilia.parse_expression("status = ")
    error = caught.value
    assert (error.code, error.kind, error.http_status) == ("expression.syntax", "invalid_argument", 400)
    assert error.details["offset"] == 9
    assert "byte 9" in str(error)
