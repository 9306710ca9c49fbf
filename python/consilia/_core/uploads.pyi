# Made from the extension by `make stubs`; do not edit.
"""
Files that come in: types, checks, scanners, quarantine, quotas.
"""
from __future__ import annotations
import os
import pathlib
import typing
__all__: list[str] = ['ClamdScanner', 'Quarantine', 'QuarantineEntry', 'QuarantineOptions', 'ReceivedFile', 'StoredUpload', 'Upload', 'UploadStore', 'UploadUsage', 'content_disposition', 'create_upload_tables', 'detect_type', 'discard', 'download_headers', 'extensions', 'is_receivable', 'media_type', 'receive']
class ClamdScanner:
    """
    ClamAV's daemon, asked over its socket. Fails closed: what it did not call clean does not come in.
    """
    def __call__(self, data: typing.Any) -> str | None:
        """
        None for clean bytes, or the name of the signature that was found.

        Raises:
            Unavailable: `upload.scanner_unavailable`.
        """
    def __init__(self, address: str = 'unix:/run/clamav/clamd.ctl', *, connect_timeout_ms: typing.SupportsInt | typing.SupportsIndex = 2000, read_timeout_ms: typing.SupportsInt | typing.SupportsIndex = 30000) -> None:
        """
        `address` is `unix:/path` or `tcp:host:port`.
        """
    def ping(self) -> bool:
        """
        Whether the daemon answers.
        """
    def version(self) -> str:
        """
        Version of the daemon and of its signatures.
        """
class QuarantineEntry:
    """
    What is known of a file in quarantine.
    """
    def __repr__(self) -> str:
        ...
    @property
    def client_name(self) -> str:
        """
        Sanitised, for display only.
        """
    @property
    def code(self) -> str:
        """
        Why it was refused: `upload.damaged`.
        """
    @property
    def details_json(self) -> str:
        ...
    @property
    def message(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def refused_at(self) -> typing.Any:
        ...
    @property
    def sha256(self) -> str:
        ...
    @property
    def size_bytes(self) -> int:
        ...
class QuarantineOptions:
    """
    Where refused files are kept, and how many.
    """
    def __init__(self, directory: os.PathLike | str | bytes, *, max_files: typing.SupportsInt | typing.SupportsIndex = 1000, max_bytes: typing.SupportsInt | typing.SupportsIndex = 1073741824) -> None:
        ...
    @property
    def directory(self) -> pathlib.Path:
        ...
    @property
    def max_bytes(self) -> int:
        ...
    @property
    def max_files(self) -> int:
        ...
class Quarantine:
    """
    A directory of refused files, each under a random name with what is known of it.
    """
    def __init__(self, options: QuarantineOptions) -> None:
        ...
    def get(self, name: str) -> QuarantineEntry:
        """
        Raises:
            NotFound: `quarantine.not_found`.
        """
    def list(self) -> list[QuarantineEntry]:
        """
        The oldest first.
        """
    def release(self, name: str, directory: os.PathLike | str | bytes, file_name: str) -> pathlib.Path:
        """
        Moves a file out, for one that was refused wrongly; tells its new path.
        """
    def remove(self, name: str) -> bool:
        """
        Removes a file and what is known of it; whether it was there.
        """
class ReceivedFile:
    """
    A checked file that has no name yet: `commit` gives it one, and without that nothing of it is left.
    """
    def __enter__(self) -> typing.Any:
        ...
    def __exit__(self, *args) -> None:
        ...
    def close(self) -> None:
        """
        Lets go of a file that is not committed.
        """
    def commit(self) -> pathlib.Path:
        """
        Syncs the file, gives it its stored name, and tells its path. Call it inside the transaction that records the file, before that commits.
        """
    @property
    def client_name(self) -> str:
        """
        Sanitised, for display only.
        """
    @property
    def height(self) -> int:
        """
        Of an image; otherwise 0.
        """
    @property
    def media_type(self) -> str:
        ...
    @property
    def received_bytes(self) -> int:
        """
        Of what came in.
        """
    @property
    def received_sha256(self) -> str:
        """
        Of what came in.
        """
    @property
    def sha256(self) -> str:
        """
        Of what is stored.
        """
    @property
    def size_bytes(self) -> int:
        """
        Of what is stored.
        """
    @property
    def stored_name(self) -> str:
        ...
    @property
    def type(self) -> str:
        ...
    @property
    def width(self) -> int:
        """
        Of an image; otherwise 0.
        """
class Upload:
    """
    A row of `consilia_uploads`.
    """
    def __repr__(self) -> str:
        ...
    @property
    def client_name(self) -> str:
        """
        Sanitised, for display only.
        """
    @property
    def code(self) -> str | None:
        """
        Why it was refused; None if it was not.
        """
    @property
    def created_at(self) -> typing.Any:
        ...
    @property
    def height(self) -> int:
        ...
    @property
    def id(self) -> int:
        ...
    @property
    def media_type(self) -> str:
        ...
    @property
    def owner_id(self) -> int:
        ...
    @property
    def reason(self) -> str | None:
        ...
    @property
    def received_bytes(self) -> int:
        ...
    @property
    def received_sha256(self) -> str:
        """
        Of what came in.
        """
    @property
    def sha256(self) -> str:
        """
        Of what is stored.
        """
    @property
    def size_bytes(self) -> int:
        ...
    @property
    def status(self) -> str:
        ...
    @property
    def stored_name(self) -> str:
        ...
    @property
    def width(self) -> int:
        ...
class StoredUpload:
    """
    What became of an upload.
    """
    @property
    def is_duplicate(self) -> bool:
        """
        The upload is an older one with the same bytes; nothing was stored.
        """
    @property
    def upload(self) -> Upload:
        ...
class UploadUsage:
    """
    What an owner has used of this UTC day.
    """
    @property
    def bytes(self) -> int:
        ...
    @property
    def files(self) -> int:
        ...
    @property
    def resets_at(self) -> typing.Any:
        ...
class UploadStore:
    """
    Stored files and their rows, which appear together or not at all, within quotas.
    """
    def __init__(self, database: typing.Any, directory: os.PathLike | str | bytes, *, files_per_day_max: typing.SupportsInt | typing.SupportsIndex = 0, bytes_per_day_max: typing.SupportsInt | typing.SupportsIndex = 0, duplicates: str = 'owner', **kwargs) -> None:
        """
        Further options are those of `receive`: `allowed`, `max_bytes`, `metadata`, `scanner`,
        `quarantine`. A maximum of 0 is no limit.
        """
    def find(self, id: typing.SupportsInt | typing.SupportsIndex) -> Upload | None:
        ...
    def list(self, owner_id: typing.SupportsInt | typing.SupportsIndex, *, status: str = 'stored', before: typing.SupportsInt | typing.SupportsIndex = 0, limit: typing.SupportsInt | typing.SupportsIndex = 100) -> list[Upload]:
        """
        The newest first, with ids below `before` unless that is 0.
        """
    def path_of(self, upload: Upload) -> pathlib.Path:
        ...
    def receive(self, source: typing.Any, owner_id: typing.SupportsInt | typing.SupportsIndex, *, client_name: str | None = None, client_type: str | None = None, field: str = 'file', record: typing.Any = None) -> StoredUpload:
        """
        Receives a path, bytes, or what a function `read(size)` gives, and records it.
        `record(transaction, stored)` writes what else belongs to it.

        Raises:
            ResourceExhausted: `quota.files`, `quota.bytes` (HTTP 429).
            UploadRejected: as `consilia.uploads.receive`.
        """
    def remove(self, owner_id: typing.SupportsInt | typing.SupportsIndex, id: typing.SupportsInt | typing.SupportsIndex) -> bool:
        """
        Deletes an upload of this owner and its file; whether it was there.
        """
    def sweep_orphans(self, *, older_than_s: typing.SupportsInt | typing.SupportsIndex = 86400) -> int:
        """
        Removes files that no row names, which a crash can leave; how many.
        """
    def usage(self, owner_id: typing.SupportsInt | typing.SupportsIndex) -> UploadUsage:
        ...
def content_disposition(name: str, *, is_inline: bool = False) -> str:
    """
    The value of `Content-Disposition` for a name that a client once sent: sanitised, in ASCII, and in
    UTF-8 where it has more. Nothing in it ends the field or the quotes.
    """
def create_upload_tables(database: typing.Any) -> None:
    """
    Creates what is missing of the table `consilia_uploads`.
    """
def detect_type(data: bytes | bytearray | memoryview) -> str | None:
    """
    The type of a file by its first bytes (32,774 are enough): `jpeg`, `zip`, `text`; None if unknown.
    A container is named as such: an office document is a `zip`.
    """
def discard(path: os.PathLike | str | bytes) -> None:
    """
    Removes a committed file whose transaction failed; one that is gone already is no error.
    """
def download_headers(name: str, *, media_type: str = 'application/octet-stream', is_inline: bool = False) -> dict[str, str]:
    """
    The fields of a response that keep a browser from taking a file for something else: type,
    disposition, `nosniff`, a policy that runs nothing, same origin, and no store.

    Raises:
        InvalidArgument: `download.media_type`.
    """
def extensions(type: str) -> list[str]:
    """
    The extensions that files of this type have, the usual one first.
    """
def is_receivable(type: str) -> bool:
    """
    Whether files of this type can be received: those that are checked to their end.
    """
def media_type(type: str) -> str:
    """
    `image/jpeg` for `jpeg`.
    """
def receive(source: typing.Any, directory: os.PathLike | str | bytes, *, prefix: str = 'file', client_name: str | None = None, client_type: str | None = None, field: str = 'file', **kwargs) -> ReceivedFile:
    """
    Receives a path, bytes, or what a function `read(size)` gives. See `consilia.uploads.receive`.
    """
