"""Files in and out: verified, stripped of metadata, encoded anew. Pillow writes and reads them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from consilia import ValidationError, imaging

MARKER = "GPS 51.4778N Pat One"
LATITUDE = (51.0, 28.0, 40.12)


def phantom(channels: int | None = 3) -> Image.Image:
    shape = (30, 44) if channels is None else (30, 44, channels)
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))


def exif_with_place(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = MARKER  # description
    exif[0x8298] = MARKER  # copyright
    exif.get_ifd(0x8825).update({1: "N", 2: LATITUDE, 3: "W", 4: LATITUDE, 29: "2026:01:02"})
    return exif


def jpeg_with_everything(orientation: int, **options: object) -> bytes:
    buffer = io.BytesIO()
    phantom().save(
        buffer,
        "JPEG",
        exif=exif_with_place(orientation),
        icc_profile=MARKER.encode(),
        comment=MARKER,
        xmp=f"<x:xmpmeta>{MARKER}</x:xmpmeta>".encode(),
        dpi=(300, 300),
        **options,
    )
    return buffer.getvalue()


def png_with_everything() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", MARKER)
    info.add_text("Packed", MARKER, zip=True)
    info.add_itxt("XML:com.adobe.xmp", MARKER)
    info.add(b"prIv", MARKER.encode())
    buffer = io.BytesIO()
    phantom().save(
        buffer,
        "PNG",
        pnginfo=info,
        exif=exif_with_place(1),
        icc_profile=MARKER.encode(),
        dpi=(300, 300),
        transparency=(1, 2, 3),
    )
    return buffer.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "baseline": lambda: jpeg_with_everything(1),
    "turned": lambda: jpeg_with_everything(6),
    "progressive": lambda: jpeg_with_everything(3, progressive=True),
    "png": png_with_everything,
}


@pytest.mark.parametrize("kind", FILES)
def test_stripping_leaves_the_pixels_and_nothing_that_tells(kind: str) -> None:
    data = FILES[kind]()
    assert MARKER.encode() in data
    stripped = imaging.strip_metadata(data)
    assert MARKER.encode() not in stripped
    assert struct.pack("<I", 4012) not in stripped and struct.pack(">I", 4012) not in stripped
    assert np.array_equal(imaging.decode(stripped), imaging.decode(data))
    assert imaging.strip_metadata(stripped) == stripped
    assert imaging.verify(stripped).orientation == imaging.probe(data).orientation
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(stripped)) as after:
        assert np.array_equal(np.asarray(after), np.asarray(before)), "for another reader, too"
        assert dict(after.getexif()) in ({}, {0x0112: before.getexif().get(0x0112)})
        assert not after.getexif().get_ifd(0x8825)
        assert set(after.info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "dpi",
            "exif",
            "progressive",
            "progression",
            "transparency",
        }
        assert after.info["dpi"] == pytest.approx(before.info["dpi"])


def test_what_cannot_be_read_is_not_stripped() -> None:
    data = FILES["png"]()
    with pytest.raises(ValidationError) as caught:
        imaging.strip_metadata(data + b"PK\x03\x04")
    assert caught.value.code == "image.trailing_data"
    with pytest.raises(ValidationError) as caught:
        imaging.strip_metadata(data, max_pixels=44 * 30 - 1)
    assert caught.value.code == "image.too_many_pixels"


def test_verifying_says_what_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    path.write_bytes(FILES["turned"]())
    info = imaging.verify(path)
    assert (info.format, info.width, info.height, info.orientation) == ("jpeg", 30, 44, 6)
    assert (info.media_type, info.file_extension) == ("image/jpeg", ".jpg")
    assert imaging.detect_format(path) == "jpeg"
    assert imaging.detect_format(b"GIF89a") is None
    assert imaging.check_structure(path.read_bytes()).width == 30


def test_verifying_finds_what_the_structure_does_not_show() -> None:
    data = bytearray(FILES["baseline"]())
    start = data.rindex(b"\xff\xda") + 20
    data[start : start + 40] = bytes(40)
    assert imaging.check_structure(data).format == "jpeg"
    with pytest.raises(ValidationError) as caught:
        imaging.verify(data)
    assert caught.value.code == "image.damaged"
    assert caught.value.details["scan"] == 1


def test_every_limit_is_held() -> None:
    baseline, progressive = FILES["baseline"](), FILES["progressive"]()
    for data, limits in [
        (baseline, {"max_pixels": 44 * 30 - 1}),
        (baseline, {"max_width": 43}),
        (baseline, {"max_height": 29}),
        (baseline, {"max_memory_bytes": 44 * 30}),
        (baseline, {"max_segments": 3}),
        (progressive, {"max_scans": 2}),
        (progressive, {"max_scan_pixels": 44 * 30}),
    ]:
        for read in (imaging.check_structure, imaging.verify, imaging.decode, imaging.strip_metadata):
            with pytest.raises(ValidationError) as caught:
                read(data, **limits)
            assert caught.value.code in ("image.too_many_pixels", "image.too_complex")


@pytest.mark.parametrize("kind", FILES)
def test_encoding_again_keeps_only_what_is_seen(kind: str) -> None:
    data = FILES[kind]()
    seen = imaging.decode(data)
    png, jpeg = imaging.reencode(data, "png"), imaging.reencode(data, "jpeg")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), seen)
    assert jpeg == imaging.encode_jpeg(seen)
    for made in (png, jpeg):
        assert MARKER.encode() not in made
        assert imaging.verify(made).orientation == 1
    with pytest.raises(ValueError, match="jpeg"):
        imaging.reencode(data, "gif")


def test_a_jpeg_is_as_near_as_its_quality() -> None:
    y, x = np.mgrid[0:60, 0:80]
    smooth = np.stack([x * 3, y * 4, x + y], axis=-1).astype(np.uint8)
    far = np.abs(imaging.decode(imaging.encode_jpeg(smooth, quality=10)).astype(int) - smooth).mean()
    near = np.abs(imaging.decode(imaging.encode_jpeg(smooth)).astype(int) - smooth).mean()
    assert near < 1.5 < far
    with Image.open(io.BytesIO(imaging.encode_jpeg(smooth))) as other:
        assert (other.size, other.mode) == ((80, 60), "RGB")
        assert np.abs(np.asarray(other).astype(int) - smooth).mean() < 1.5
    with pytest.raises(ValueError, match="quality"):
        imaging.encode_jpeg(smooth, quality=0)
