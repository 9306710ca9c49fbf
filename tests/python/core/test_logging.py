"""Logging from Python: one line a call, nothing before it is configured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import consilia
from consilia import LogContext, LogFormat, LogLevel, _core, configure_logging, log, log_security


@pytest.fixture(autouse=True)
def _silent_afterwards() -> Iterator[None]:
    yield
    configure_logging(level=LogLevel.ERROR)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_carries_its_fields_and_those_of_the_context(tmp_path: Path) -> None:
    file = tmp_path / "main.log"
    configure_logging(file=file, format=LogFormat.JSON)
    with LogContext(request="r1"):
        log(LogLevel.INFO, "shop", "sold\nout", count=3)
    log(LogLevel.DEBUG, "shop", "too quiet")
    (line,) = lines(file)
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "shop", "sold\nout")
    assert line["fields"] == {"request": "r1", "count": 3}


def test_the_context_ends_when_its_block_fails(tmp_path: Path) -> None:
    configure_logging(file=tmp_path / "main.log", format=LogFormat.JSON)
    with pytest.raises(RuntimeError), LogContext(request="r1"):
        raise RuntimeError
    log(LogLevel.INFO, "x", "after")
    assert lines(tmp_path / "main.log")[0]["fields"] == {}


def test_security_has_a_file_of_its_own(tmp_path: Path) -> None:
    configure_logging(level=LogLevel.ERROR, format=LogFormat.JSON, security_file=tmp_path / "security.log")
    log_security("login refused", user="eve", password="hunter2")
    (line,) = lines(tmp_path / "security.log")
    assert line["fields"] == {"user": "eve", "password": "[redacted]"}


def test_a_folder_that_cannot_be_made_is_an_error_that_names_itself(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(consilia.StorageError) as caught:
        configure_logging(file=tmp_path / "plain" / "main.log")
    assert caught.value.code == "log.open"


def test_nothing_is_printed_before_it_is_configured() -> None:
    program = (
        "from consilia._core import *; from consilia import _core; "
        "_core.log(_core.LogLevel.ERROR, 'x', 'silent'); _core.log_security('silent')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert _core.lost_log_lines() >= 0
