"""Files come in through Python as in C++: from what web frameworks give, within quotas, or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

import consilia
from consilia import data, uploads

PNG = (Path(__file__).parents[2] / "support" / "phantom.png").read_bytes()


class DjangoFile:
    """What Django's `UploadedFile` offers."""

    name, content_type = "front.png", "image/png"

    def chunks(self) -> Iterator[bytes]:
        yield PNG[:100]
        yield b""
        yield PNG[100:]


class StarletteFile:
    """What Starlette's `UploadFile` offers: its `read` is asynchronous, its `file` is not."""

    filename, content_type = "front.png", "image/png"

    def __init__(self) -> None:
        self.file = io.BytesIO(PNG)


class FileStorage:
    """What Werkzeug's `FileStorage` offers."""

    filename, content_type = "front.png", "image/png"

    def __init__(self) -> None:
        self.stream = io.BytesIO(PNG)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    folder = tmp_path / "stored"
    folder.mkdir()
    return folder


def test_types_are_told_by_the_first_bytes() -> None:
    assert uploads.detect_type(PNG) == "png"
    assert uploads.detect_type(memoryview(PNG)) == "png"
    assert uploads.detect_type(bytearray(b"PK\x03\x04")) == "zip"
    assert uploads.detect_type(b"plain") == "text"
    assert uploads.detect_type(b"\x00\x01\x02") is None
    assert uploads.detect_type(b"") is None
    assert uploads.media_type("jpeg") == "image/jpeg"
    assert uploads.extensions("jpeg")[0] == ".jpg"
    assert uploads.is_receivable("csv")
    assert not uploads.is_receivable("zip")
    with pytest.raises(TypeError):
        uploads.detect_type("text")  # type: ignore[arg-type]
    with pytest.raises(consilia.InvalidArgument):
        uploads.media_type("nothing")


@pytest.mark.parametrize(
    "source",
    [
        PNG,
        memoryview(PNG),
        io.BytesIO(PNG),
        [PNG[:7], PNG[7:]],
        (PNG[i : i + 1000] for i in range(0, len(PNG), 1000)),
        DjangoFile(),
        StarletteFile(),
        FileStorage(),
    ],
    ids=lambda source: type(source).__name__,
)
def test_any_source_gives_the_same_file(source: uploads.Source, stored: Path) -> None:
    with uploads.receive(source, stored, prefix="user_7", metadata="keep") as file:
        assert (file.type, file.media_type, file.size_bytes) == ("png", "image/png", len(PNG))
        assert file.received_sha256 == file.sha256
        path = file.commit()
    assert path.read_bytes() == PNG
    assert path.name == file.stored_name
    assert path.name.startswith("user_7_")


def test_names_and_types_of_web_frameworks_are_checked(stored: Path) -> None:
    assert uploads.receive(DjangoFile(), stored).client_name == "front.png"
    wrong = StarletteFile()
    wrong.filename = "front.jpg"
    with pytest.raises(consilia.UploadRejected) as refused:
        uploads.receive(wrong, stored)
    assert refused.value.code == "upload.extension_mismatch"
    wrong = StarletteFile()
    wrong.content_type = "image/jpeg"
    with pytest.raises(consilia.UploadRejected) as refused:
        uploads.receive(wrong, stored)
    assert refused.value.code == "upload.media_type_mismatch"


def test_without_a_commit_nothing_is_left(stored: Path) -> None:
    with uploads.receive(PNG, stored) as file:
        pass
    assert list(stored.iterdir()) == []
    with pytest.raises(consilia.InvalidArgument):
        file.commit()


def test_what_a_source_raises_is_raised(stored: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield PNG[:100]
        raise ConnectionError("lost")

    with pytest.raises(ConnectionError):
        uploads.receive(broken(), stored)
    with pytest.raises(consilia.InvalidArgument):
        uploads.receive(["text"], stored)  # type: ignore[list-item]
    assert list(stored.iterdir()) == []


def test_a_scanner_of_python_decides(stored: Path) -> None:
    seen: list[bytes] = []

    def clean(content: memoryview) -> None:
        seen.append(bytes(content))

    uploads.receive(PNG, stored, scanner=clean)
    assert seen == [PNG]
    with pytest.raises(consilia.UploadRejected) as refused:
        uploads.receive(PNG, stored, scanner=lambda _: "Eicar")
    assert (refused.value.code, refused.value.details["signature"]) == ("upload.infected", "Eicar")
    absent = uploads.ClamdScanner(f"unix:{stored}/absent")
    assert not absent.ping()
    with pytest.raises(consilia.Unavailable) as failed:
        uploads.receive(PNG, stored, scanner=absent)
    assert failed.value.code == "upload.scanner_unavailable"
    assert list(stored.iterdir()) == []


def test_a_store_keeps_quotas_duplicates_and_refused_files(stored: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    db = data.Database(f"sqlite:{tmp_path / 'test.db'}")
    uploads.create_upload_tables(db)
    options = uploads.QuarantineOptions(kept)
    store = uploads.UploadStore(db, stored, allowed=["text"], files_per_day_max=2, quarantine=options)
    first = store.receive(b"one", 7)
    assert store.receive(io.BytesIO(b"one"), 7).is_duplicate
    assert store.path_of(first.upload).read_bytes() == b"one"
    with pytest.raises(consilia.UploadRejected):
        store.receive(PNG, 7, client_name="a.png")
    (refused,) = store.list(7, status="quarantined")
    assert refused.code == "upload.unsupported_type"
    (entry,) = uploads.Quarantine(options).list()
    assert (entry.name, entry.size_bytes) == (refused.stored_name, len(PNG))
    store.receive(b"two", 7)
    with pytest.raises(consilia.ResourceExhausted) as exhausted:
        store.receive(b"three", 7)
    assert (exhausted.value.code, exhausted.value.http_status) == ("quota.files", 429)
    assert store.usage(7).files == 2
    assert store.remove(7, first.upload.id)
    assert store.find(first.upload.id) is None
    assert len(list(stored.iterdir())) == 1


class Scan(data.Model, table="scans"):
    id: data.Key
    upload_id: data.Column[int]


def test_what_belongs_to_an_upload_is_recorded_with_it(stored: Path, tmp_path: Path) -> None:
    db = data.Database(f"sqlite:{tmp_path / 'test.db'}")
    uploads.create_upload_tables(db)
    db.create_tables(Scan)
    store = uploads.UploadStore(db, stored, allowed=["text"])
    kept: list[data.Transaction] = []

    def record(transaction: data.Transaction, upload: uploads.StoredUpload) -> None:
        kept.append(transaction)
        transaction.insert(Scan(upload_id=upload.upload.id))

    first = store.receive(b"one", 7, record=record)
    assert store.receive(b"one", 7, record=record).is_duplicate
    assert [scan.upload_id for scan in Scan.query.run(db)] == [first.upload.id] * 2
    with pytest.raises(consilia.InvalidArgument, match="ended"):
        kept[0].insert(Scan(upload_id=1))

    def fail(transaction: data.Transaction, upload: uploads.StoredUpload) -> None:
        record(transaction, upload)
        raise KeyError("no")

    with pytest.raises(KeyError):
        store.receive(b"two", 7, record=fail)
    assert Scan.query.count(db) == 2
    assert [upload.id for upload in store.list(7)] == [first.upload.id]
    assert len(list(stored.iterdir())) == 1
