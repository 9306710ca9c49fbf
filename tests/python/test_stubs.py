"""The committed stubs say what the extension offers."""

from pathlib import Path

from consilia import _stubs


def test_the_stubs_are_those_that_the_extension_gives(tmp_path: Path) -> None:
    assert _stubs.differences(_stubs.generate(tmp_path)) == [], "run `make stubs`"
