"""Files that come in: typed by content, checked to their end, stored whole or not at all.

```python
from consilia import uploads

with uploads.receive(request.FILES["image"], "files", prefix=f"user_{user.pk}") as file:
    path = file.commit()
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from consilia._core import uploads as _uploads

if TYPE_CHECKING:
    from consilia.data import Database, Transaction

ClamdScanner = _uploads.ClamdScanner
Quarantine = _uploads.Quarantine
QuarantineEntry = _uploads.QuarantineEntry
QuarantineOptions = _uploads.QuarantineOptions
ReceivedFile = _uploads.ReceivedFile
StoredUpload = _uploads.StoredUpload
Upload = _uploads.Upload
UploadUsage = _uploads.UploadUsage
content_disposition = _uploads.content_disposition
create_upload_tables = _uploads.create_upload_tables
detect_type = _uploads.detect_type
discard = _uploads.discard
download_headers = _uploads.download_headers
extensions = _uploads.extensions
is_receivable = _uploads.is_receivable
media_type = _uploads.media_type

__all__ = [
    "ClamdScanner",
    "Quarantine",
    "QuarantineEntry",
    "QuarantineOptions",
    "ReceivedFile",
    "StoredUpload",
    "Upload",
    "UploadStore",
    "UploadUsage",
    "content_disposition",
    "create_upload_tables",
    "detect_type",
    "discard",
    "download_headers",
    "extensions",
    "is_receivable",
    "media_type",
    "receive",
]

Bytes: TypeAlias = bytes | bytearray | memoryview
Metadata: TypeAlias = Literal["strip", "keep", "reencode"]


@runtime_checkable
class Readable(Protocol):
    """What gives bytes: an open file, the body of a request."""

    def read(self, size: int, /) -> Bytes:
        """At most `size` bytes, and none at the end."""
        ...


Source: TypeAlias = str | PathLike[str] | Bytes | Readable | Iterable[Bytes]
"""A path, bytes, something to read from, pieces of bytes, or what a web framework has of an upload: Django's
`UploadedFile`, Starlette's and FastAPI's `UploadFile`, Werkzeug's and Flask's `FileStorage`."""
Scanner: TypeAlias = ClamdScanner | Callable[[memoryview], str | None]
"""Gives the name of what it found in the bytes, or None. What it raises keeps the file out too."""


def receive(
    source: Source,
    directory: str | PathLike[str],
    *,
    prefix: str = "file",
    client_name: str | None = None,
    client_type: str | None = None,
    field: str = "file",
    max_bytes: int = 10 << 20,
    allowed: Iterable[str] = ("jpeg", "png"),
    metadata: Metadata = "strip",
    scanner: Scanner | None = None,
    quarantine: QuarantineOptions | None = None,
    max_pixels: int = 64_000_000,
) -> ReceivedFile:
    """Reads one file within the limit, and refuses it unless name, type, structure and content are sound.

    The GIL is held only while a Python source is read or a Python scanner looks; from asynchronous code call
    it in a thread (`await asyncio.to_thread(receive, ...)`).

    Args:
        source: What to read; see `Source`. Of an upload of a web framework the name and the media type that
            the client gave are taken over, unless they are given here.
        directory: An existing directory for the stored files.
        prefix: How the stored name begins, by convention `user_{id}`: `{prefix}_{random}.png`.
        client_name: The name that the client gave, checked and never stored.
        client_type: The media type that the client declared, which must agree with the content.
        field: Name of the form field, for errors.
        max_bytes: Longest file that passes.
        allowed: Names of types, of those for which `is_receivable` holds.
        metadata: `strip` removes it from images without touching a pixel, `reencode` leaves only pixels.
        scanner: Asked last, about the file as it came.
        quarantine: Where refused files are kept.
        max_pixels: Most pixels of an image.

    Returns:
        A file without a name: commit it inside the transaction that records it.

    Raises:
        UploadRejected: With a `code` that says why, such as `upload.too_large` (HTTP 413).
        Unavailable: `upload.scanner_unavailable`.
        StorageError: The disk failed.
    """
    given, name, declared = _opened(source)
    return _uploads.receive(
        given,
        directory,
        prefix=prefix,
        client_name=client_name if client_name is not None else name,
        client_type=client_type if client_type is not None else declared,
        field=field,
        max_bytes=max_bytes,
        allowed=allowed,
        metadata=metadata,
        scanner=scanner,
        quarantine=quarantine,
        max_pixels=max_pixels,
    )


class UploadStore(_uploads.UploadStore):
    """Stored files and their rows (`consilia_uploads`), together or not at all, within quotas."""

    def __init__(
        self,
        database: Database,
        directory: str | PathLike[str],
        *,
        files_per_day_max: int = 0,
        bytes_per_day_max: int = 0,
        duplicates: Literal["owner", "global", "none"] = "owner",
        max_bytes: int = 10 << 20,
        allowed: Iterable[str] = ("jpeg", "png"),
        metadata: Metadata = "strip",
        scanner: Scanner | None = None,
        quarantine: QuarantineOptions | None = None,
        max_pixels: int = 64_000_000,
    ) -> None:
        """Opens a store; its directory belongs to it alone, and `create_upload_tables` has made its table.

        Args:
            database: Where uploads are recorded.
            directory: An existing directory for the stored files.
            files_per_day_max: Of one owner on one UTC day; 0 is no limit.
            bytes_per_day_max: Of one owner on one UTC day; 0 is no limit.
            duplicates: Among whose uploads the same bytes are looked for.
            max_bytes: As for `receive`, like all that follow.
            allowed: Names of types.
            metadata: What becomes of it.
            scanner: Asked last.
            quarantine: Where refused files are kept; each has a row with the reason.
            max_pixels: Most pixels of an image.
        """
        super().__init__(
            database,
            directory,
            files_per_day_max=files_per_day_max,
            bytes_per_day_max=bytes_per_day_max,
            duplicates=duplicates,
            max_bytes=max_bytes,
            allowed=allowed,
            metadata=metadata,
            scanner=scanner,
            quarantine=quarantine,
            max_pixels=max_pixels,
        )

    def receive(  # type: ignore[override]  # The extension takes whatever has an index.
        self,
        source: Source,
        owner_id: int,
        *,
        client_name: str | None = None,
        client_type: str | None = None,
        field: str = "file",
        record: Callable[[Transaction, StoredUpload], object] | None = None,
    ) -> StoredUpload:
        """Receives a file as `receive` does and records it; one that is there already is given instead.

        Args:
            source: What to read; see `Source`.
            owner_id: Whose quota it counts in; part of the stored name.
            client_name: The name that the client gave.
            client_type: The media type that the client declared.
            field: Name of the form field, for errors.
            record: What else is written in the transaction that records the upload, also of one that is
                there already; what it raises undoes everything.

        Returns:
            The upload, and whether it is an older one with the same bytes.

        Raises:
            ResourceExhausted: `quota.files`, `quota.bytes` (HTTP 429).
            UploadRejected: As `receive`.
        """
        given, name, declared = _opened(source)
        return super().receive(
            given,
            owner_id,
            client_name=client_name if client_name is not None else name,
            client_type=client_type if client_type is not None else declared,
            field=field,
            record=record,
        )


def _opened(source: Source) -> tuple[object, str | None, str | None]:
    """What the extension reads, and the name and the media type that a web framework knows of it."""
    if isinstance(source, (str, PathLike, bytes, bytearray, memoryview)):
        return source, None, None
    # `filename`: Starlette, Werkzeug; `name`: Django. Of an open file `name` is a path of ours, or a number.
    declared = _text(source, "content_type")
    if hasattr(source, "filename"):
        name = _text(source, "filename")
        inner = getattr(source, "file", None) or getattr(source, "stream", None) or source
        return getattr(inner, "read"), name, declared  # noqa: B009 - it is told by its attributes
    chunks = getattr(source, "chunks", None)
    if callable(chunks):
        return _reader(chunks()), _text(source, "name"), declared
    if isinstance(source, Readable):
        return source.read, None, declared
    return _reader(iter(source)), None, None


def _text(source: object, name: str) -> str | None:
    value = getattr(source, name, None)
    return value if isinstance(value, str) and value else None


def _reader(pieces: Iterator[Bytes]) -> Callable[[int], Bytes]:
    def read(_size: int) -> Bytes:
        # An empty piece is not the end.
        return next((piece for piece in pieces if len(piece) > 0), b"")

    return read
