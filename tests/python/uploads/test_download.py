"""What came in is handed out with header fields that keep a browser from taking it for something else."""

from __future__ import annotations

import pytest

import consilia
from consilia import uploads


def test_a_name_ends_neither_the_field_nor_the_quotes() -> None:
    value = uploads.content_disposition('a"b\r\nSet-Cookie: c.png')
    assert value.startswith("attachment")
    assert "\r" not in value
    assert "\n" not in value
    assert value.count('"') == 2


def test_a_name_beyond_ascii_is_there_in_utf8_too() -> None:
    value = uploads.content_disposition("röntgen.png", is_inline=True)
    assert value.startswith("inline")
    assert "filename*=UTF-8''r%C3%B6ntgen.png" in value
    assert value.isascii()


def test_headers_keep_a_browser_from_guessing() -> None:
    headers = uploads.download_headers("scan.png", media_type="image/png")
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"] == uploads.content_disposition("scan.png")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-store"
    assert uploads.download_headers("scan.png")["Content-Type"] == "application/octet-stream"


def test_a_media_type_that_is_none_is_refused() -> None:
    with pytest.raises(consilia.InvalidArgument) as raised:
        uploads.download_headers("scan.png", media_type="image/png\r\nSet-Cookie: a")
    assert raised.value.code == "download.media_type"
