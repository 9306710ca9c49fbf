"""Decoding and pipelines from Python: the same pixels as Pillow and numpy, without needless copies."""

from __future__ import annotations

import io
import json
import pickle
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from consilia import imaging

DOCUMENT = {
    "version": 1,
    "steps": [
        {"op": "grayscale"},
        {"op": "clahe", "clip_limit": 2.0, "tiles": [8, 8]},
        {"op": "resize", "width": 48, "height": 32},
        {"op": "normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        {"op": "tensor", "layout": "CHW", "channels": 3},
    ],
}


def phantom(height: int, width: int, channels: int | None = None) -> np.ndarray:
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_decoding_agrees_with_pillow(kind: str, channels: int | None) -> None:
    data = encoded(phantom(37, 61, channels), kind)
    ours = imaging.decode(data)
    peer = np.asarray(Image.open(io.BytesIO(data)))
    assert ours.dtype == np.uint8
    assert ours.shape == peer.shape
    if kind == "PNG":
        assert np.array_equal(ours, peer)
    else:  # another libjpeg may round another way
        assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 3


def test_probe_reads_the_header_only() -> None:
    info = imaging.probe(encoded(phantom(30, 40, 3), "JPEG", progressive=True)[:700])
    assert (info.format, info.media_type) == ("jpeg", "image/jpeg")
    assert (info.width, info.height, info.channels, info.bit_depth) == (40, 30, 3, 8)
    assert info.interlaced


def test_bytes_paths_and_arrays_give_the_same_tensor(tmp_path: Path) -> None:
    pipeline = imaging.Pipeline(DOCUMENT)
    pixels = phantom(70, 90, 3)
    data = encoded(pixels, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    tensor = pipeline.apply(pixels)
    assert tensor.dtype == np.float32
    assert tensor.shape == (3, 32, 48) == tuple(pipeline.output_shape)
    for source in (data, bytearray(data), memoryview(data), path, str(path), np.asfortranarray(pixels)):
        assert np.array_equal(pipeline.apply(source), tensor)


def test_the_tensor_is_the_normalised_picture() -> None:
    pipeline = imaging.Pipeline(DOCUMENT)
    pixels = phantom(70, 90)
    picture = pipeline.apply_pixels(pixels)
    assert picture.dtype == np.uint8
    assert picture.shape == (32, 48)
    mean = np.array([0.485, 0.456, 0.406])[:, None, None]
    deviation = np.array([0.229, 0.224, 0.225])[:, None, None]
    np.testing.assert_allclose(pipeline.apply(pixels), (picture / 255 - mean) / deviation, rtol=1e-6)


def test_results_own_their_memory_without_a_copy() -> None:
    tensor = imaging.Pipeline(DOCUMENT).apply(phantom(70, 90))
    assert tensor.base is not None
    assert tensor.flags.c_contiguous
    assert tensor.flags.writeable
    before = tensor.copy()
    for _ in range(50):
        imaging.Pipeline(DOCUMENT).apply(phantom(70, 90)).fill(0)
    assert np.array_equal(tensor, before)


def test_encode_png_is_read_back_by_pillow() -> None:
    for pixels in (phantom(9, 7), phantom(9, 7, 3)):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(imaging.encode_png(pixels)))), pixels)


def test_a_pipeline_is_a_value() -> None:
    pipeline = imaging.Pipeline(json.dumps(DOCUMENT))
    same = imaging.Pipeline(DOCUMENT)
    assert pipeline == same
    assert pipeline != imaging.Pipeline({"version": 1, "steps": [{"op": "tensor"}]})
    assert {pipeline: 1}[same] == 1
    assert len(pipeline.hash) == 64
    assert imaging.Pipeline(pipeline.to_json()).hash == pipeline.hash
    assert pickle.loads(pickle.dumps(pipeline)) == pipeline


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "image.unsupported_type"),
        (b"just text", "image.unsupported_type"),
        (7, "image.source"),
        (np.zeros((4, 4), np.float32), "image.array"),
        (np.zeros((4, 4, 2), np.uint8), "image.array"),
        (np.zeros((0, 4), np.uint8), "image.shape"),
    ],
)
def test_what_is_no_image_is_refused_with_its_code(source: object, code: str) -> None:
    with pytest.raises(Exception) as caught:
        imaging.Pipeline(DOCUMENT).apply(source)
    assert caught.value.code == code


def test_damage_and_limits_have_their_codes() -> None:
    data = encoded(phantom(30, 40), "PNG")
    with pytest.raises(Exception) as caught:
        imaging.decode(data[:-20])
    assert caught.value.code == "image.damaged"
    with pytest.raises(Exception) as caught:
        imaging.decode(data, max_pixels=1199)
    assert caught.value.code == "image.too_many_pixels"
    assert caught.value.details["found"] == 1200
    assert imaging.decode(data, max_pixels=1200).shape == (30, 40)


def test_an_error_in_a_document_names_step_and_key() -> None:
    with pytest.raises(Exception) as caught:
        imaging.Pipeline(
            {"version": 1, "steps": [{"op": "resize", "width": 0, "height": 1}, {"op": "tensor"}]}
        )
    assert caught.value.code == "pipeline.step"
    assert caught.value.details == {"step": 0, "key": "width"}


def test_the_lock_of_the_interpreter_is_released_while_decoding() -> None:
    """Another thread counts on meanwhile; with the lock held it could for two switch intervals at most."""
    data = encoded(phantom(2500, 2500, 3), "PNG", compress_level=1)
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1

    thread = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    thread.start()
    try:
        before = counted
        imaging.decode(data)
        during = counted - before
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert during > 20_000
