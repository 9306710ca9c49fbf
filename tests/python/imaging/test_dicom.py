"""DICOM against pydicom: values, windows, colours, compressed frames, tags."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_files import SAMPLES, data_set, encoded, read, sample
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ImplicitVRLittleEndian

import consilia
from consilia import dicom, imaging

RNG = np.random.default_rng(11)
INVERTED = {"MONOCHROME1"}


def random_pixels(bits: int, signed: bool, shape: tuple[int, ...] = (13, 10)) -> NDArray[np.int64]:
    low = -(2 ** (bits - 1)) if signed else 0
    return RNG.integers(low, low + 2**bits, shape)


def shades_of_pydicom(file: bytes) -> NDArray[np.float64]:
    """What pydicom shows, from 0 to 255: its own range is that of the stored or of the table's values."""
    data = read(file)
    values = apply_modality_lut(data.pixel_array, data)
    shown = np.asarray(apply_voi_lut(values, data), dtype=np.float64)
    if "VOILUTSequence" in data:
        low, high = 0.0, 2.0 ** data.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        signed = data.PixelRepresentation == 1
        low = -(2.0 ** (data.BitsStored - 1)) if signed else 0.0
        high = low + 2.0**data.BitsStored - 1
        slope, intercept = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
        low, high = low * slope + intercept, high * slope + intercept
    shades = (shown - low) / (high - low) * 255
    return 255 - shades if data.PhotometricInterpretation in INVERTED else shades


def assert_shown_as_by_pydicom(file: bytes) -> None:
    np.testing.assert_allclose(dicom.decode(file), shades_of_pydicom(file), atol=0.5001)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 7, 8, 10, 12, 15, 16])
def test_values_are_those_of_pydicom(bits: int, signed: bool) -> None:
    for slope, intercept in [(1, 0), (1, -1024), (0.25, 3.5), (-2, 17)]:
        data = data_set(random_pixels(bits, signed), bits=bits, signed=signed)
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
        file = encoded(data)
        expected = apply_modality_lut(read(file).pixel_array, read(file))
        np.testing.assert_array_equal(dicom.values(file), expected.astype(np.float32))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (16, True)])
def test_windows_are_those_of_pydicom(bits: int, signed: bool, function: str) -> None:
    for _ in range(8):
        data = data_set(random_pixels(bits, signed), bits=bits, signed=signed)
        data.RescaleSlope, data.RescaleIntercept = 0.5, -100
        data.WindowCenter = [float(np.round(RNG.uniform(-300, 2**bits / 2), 2)), 7]
        data.WindowWidth = [float(np.round(RNG.uniform(1, 2**bits), 2)), 9]
        data.VOILUTFunction = function
        assert_shown_as_by_pydicom(encoded(data))


def test_a_window_of_width_one_is_a_threshold() -> None:
    pixels = np.array([[98, 99, 100, 101]])
    file = encoded(data_set(pixels, bits=8, WindowCenter=100, WindowWidth=1))
    assert dicom.decode(file).tolist() == [[0, 0, 255, 255]]


def test_a_window_without_width_is_refused() -> None:
    file = encoded(data_set(random_pixels(8, False), bits=8, WindowCenter=100, WindowWidth=0))
    with pytest.raises(consilia.ValidationError) as caught:
        dicom.decode(file)
    assert caught.value.code == "image.damaged"
    with pytest.raises(consilia.InvalidArgument) as wrong:
        dicom.decode(file, window=(10, 0))
    assert wrong.value.code == "dicom.window"


def lut(entries: list[int], first: int, bits: int, vr: str = "US") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", vr, [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.array(entries, dtype="<u2").tobytes())
    return item


def test_modality_tables_are_those_of_pydicom() -> None:
    item = lut(sorted(RNG.integers(0, 65536, 50).tolist()), 20, 16)
    item.ModalityLUTType = "US"
    file = encoded(data_set(random_pixels(8, False), bits=8, ModalityLUTSequence=[item]))
    expected = apply_modality_lut(read(file).pixel_array, read(file))
    np.testing.assert_array_equal(dicom.values(file), expected)


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_tables_of_values_of_interest_are_those_of_pydicom(bits: int) -> None:
    item = lut(sorted(RNG.integers(0, 2**bits, 200).tolist()), 30, bits)
    data = data_set(random_pixels(8, False), bits=8, VOILUTSequence=[item])
    data.WindowCenter, data.WindowWidth = 5, 6  # the table goes before
    assert_shown_as_by_pydicom(encoded(data))


def test_a_table_for_signed_values_begins_below_zero() -> None:
    item = lut(list(range(0, 2000, 10)), -100, 16, vr="SS")
    pixels = RNG.integers(-200, 200, (13, 10))
    file = encoded(data_set(pixels, bits=16, signed=True, VOILUTSequence=[item]))
    assert_shown_as_by_pydicom(file)


def test_without_a_window_the_values_fill_the_shades() -> None:
    pixels = np.array([[1000, 1100, 1200]])
    assert dicom.decode(encoded(data_set(pixels, bits=16))).tolist() == [[0, 128, 255]]
    inverted = data_set(pixels, bits=16, PhotometricInterpretation="MONOCHROME1")
    assert dicom.decode(encoded(inverted)).tolist() == [[255, 127, 0]]
    assert dicom.values(encoded(inverted)).tolist() == [[1000, 1100, 1200]]
    flat = data_set(np.full((4, 4), 77), bits=8)
    assert not dicom.decode(encoded(flat)).any()


def test_padding_does_not_count_for_the_range() -> None:
    pixels = np.array([[-2000, -100, 0, 100]])
    data = data_set(pixels, bits=16, signed=True)
    data.add_new("PixelPaddingValue", "SS", -2000)
    assert dicom.decode(encoded(data)).tolist() == [[0, 0, 128, 255]]
    data.add_new("PixelPaddingRangeLimit", "SS", -100)
    assert dicom.decode(encoded(data)).tolist() == [[0, 0, 0, 255]]


def test_the_caller_chooses_window_and_range() -> None:
    file = sample("signed_16_implicit")
    values = dicom.values(file)
    assert [(w.center, w.width, w.explanation) for w in dicom.info(file).windows] == [
        (40, 400, "SOFT"),
        (-600, 1500, "LUNG"),
    ]
    np.testing.assert_array_equal(dicom.decode(file), dicom.decode(file, window=(40, 400)))
    np.testing.assert_array_equal(dicom.decode(file, index=1), dicom.decode(file, window=(-600, 1500)))
    full = dicom.decode(file, full_range=True)
    np.testing.assert_allclose(full, (values - values.min()) / np.ptp(values) * 255, atol=0.5001)
    with pytest.raises(consilia.InvalidArgument) as caught:
        dicom.decode(file, index=2)
    assert caught.value.code == "dicom.window"


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_in_pixels_and_in_planes(planar: int) -> None:
    pixels = random_pixels(8, False, (6, 5, 3))
    data = data_set(pixels, bits=8)
    data.PlanarConfiguration = planar
    if planar:
        data.PixelData = pixels.transpose(2, 0, 1).astype("u1").tobytes()
    np.testing.assert_array_equal(dicom.decode(encoded(data)), pixels)


def test_ybr_becomes_rgb_as_in_pydicom() -> None:
    from pydicom.pixels import convert_color_space

    pixels = random_pixels(8, False, (8, 8, 3)).astype(np.uint8)
    data = data_set(pixels, bits=8, PhotometricInterpretation="YBR_FULL")
    expected = convert_color_space(pixels, "YBR_FULL", "RGB").astype(int)
    np.testing.assert_allclose(dicom.decode(encoded(data)), expected, atol=1)

    data.PhotometricInterpretation = "YBR_FULL_422"
    pairs = pixels.copy()
    pairs[:, 1::2, 1:] = pairs[:, ::2, 1:]
    raw = np.stack([pairs[:, ::2, 0], pairs[:, 1::2, 0], pairs[:, ::2, 1], pairs[:, ::2, 2]], axis=-1)
    data.PixelData = raw.tobytes()
    expected = convert_color_space(pairs, "YBR_FULL", "RGB").astype(int)
    np.testing.assert_allclose(dicom.decode(encoded(data)), expected, atol=1)


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("gray_12_big_endian", "gray_12"),
        ("gray_12_deflated", "gray_12"),
        ("gray_12_rle", "gray_12"),
        ("gray_12_jpeg_lossless", "gray_12"),
        ("gray_12_jpeg_ls", "gray_12"),
        ("gray_16_jpeg_lossless_sv1", "gray_16"),
        ("signed_16_jpeg_lossless_sv1", "signed_16_implicit"),
        ("rgb_8_rle", "rgb_8"),
        ("rgb_8_jpeg_ls", "rgb_8"),
    ],
)
def test_lossless_transfer_syntaxes_lose_nothing(name: str, original: str) -> None:
    np.testing.assert_array_equal(dicom.decode(sample(name)), dicom.decode(sample(original)))
    if not name.startswith("rgb"):
        expected = apply_modality_lut(read(sample(original)).pixel_array, read(sample(original)))
        np.testing.assert_array_equal(dicom.values(sample(name)), expected)


def test_lossy_transfer_syntaxes_lose_little() -> None:
    near = dicom.values(sample("gray_12_jpeg_ls_near"))
    np.testing.assert_allclose(near, dicom.values(sample("gray_12")), atol=2)
    extended = dicom.values(sample("gray_12_jpeg_extended"))  # the writer moved the least value to zero
    gray = dicom.values(sample("gray_12"))
    np.testing.assert_allclose(extended - extended.mean(), gray - gray.mean(), atol=60)
    baseline = sample("gray_8_jpeg_baseline")
    np.testing.assert_allclose(dicom.values(baseline), read(baseline).pixel_array, atol=1)
    color = sample("rgb_8_jpeg_ybr_422")
    assert dicom.info(color).photometric_interpretation == "YBR_FULL_422"
    difference = dicom.decode(color).astype(int) - dicom.decode(sample("rgb_8"))
    assert np.abs(difference).mean() < 12


@pytest.mark.parametrize("bits", [8, 16])
def test_implicit_pixels_are_those_of_pydicom(bits: int) -> None:
    for shape in ((5, 7), (4, 6)):
        data = data_set(random_pixels(bits, False, shape), bits=bits)
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        file = encoded(data)
        np.testing.assert_array_equal(dicom.values(file), read(file).pixel_array)


def test_frames_are_chosen_or_refused() -> None:
    frames = random_pixels(12, False, (3, 6, 5))
    data = data_set(frames[0], bits=12, NumberOfFrames=3)
    data.PixelData = frames.astype("<u2").tobytes()
    file = encoded(data)
    for refuse in (imaging.probe, imaging.decode, dicom.decode, dicom.values):
        with pytest.raises(consilia.ValidationError) as caught:
            refuse(file)
        assert caught.value.code == "image.unsupported_type"
    assert dicom.info(file).frames == 3
    for index in range(3):
        np.testing.assert_array_equal(dicom.values(file, frame=index), frames[index])
    with pytest.raises(consilia.InvalidArgument) as wrong:
        dicom.values(file, frame=3)
    assert wrong.value.code == "dicom.frame"
    data.compress("1.2.840.10008.1.2.5")
    for index in range(3):
        np.testing.assert_array_equal(dicom.values(encoded(data), frame=index), frames[index])


def with_transfer_syntax(file: bytes, uid: str) -> bytes:
    """The file as it is, but for what its header says of it."""
    old = read(file).file_meta.TransferSyntaxUID.encode()
    old += b"\0" * (len(old) % 2)
    new = uid.encode() + b"\0" * (len(uid) % 2)
    changed = file.replace(
        b"UI" + len(old).to_bytes(2, "little") + old, b"UI" + len(new).to_bytes(2, "little") + new, 1
    )
    at = changed.index(b"\x02\x00\x00\x00UL\x04\x00") + 8
    length = int.from_bytes(changed[at : at + 4], "little") + len(new) - len(old)
    return changed[:at] + length.to_bytes(4, "little") + changed[at + 4 :]


@pytest.mark.parametrize(
    ("uid", "reason"),
    [
        ("1.2.840.10008.1.2.4.90", "JPEG 2000 lossless"),
        ("1.2.840.10008.1.2.4.202", "HTJ2K"),
        ("1.2.840.10008.1.2.4.100", "transfer syntax"),
    ],
)
def test_other_transfer_syntaxes_are_refused_by_name(uid: str, reason: str) -> None:
    file = with_transfer_syntax(sample("gray_12_rle"), uid)
    with pytest.raises(consilia.ValidationError, match=reason) as caught:
        dicom.decode(file)
    assert caught.value.code == "image.unsupported_type"
    if uid != "1.2.840.10008.1.2.4.100":
        assert dicom.tags(file)["PatientID"] == "P-0001"
        assert b"P-0001" not in dicom.deidentify(file)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "palette"),
        ({"PhotometricInterpretation": "HSV"}, "photometric"),
        ({"BitsAllocated": 32}, "allocated"),
        ({"HighBit": 6}, "high bit"),
    ],
)
def test_other_pixels_are_refused_by_name(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(consilia.ValidationError, match=reason) as caught:
        dicom.decode(encoded(data_set(random_pixels(8, False), bits=8, **changes)))
    assert caught.value.code == "image.unsupported_type"


def test_images_and_pipelines_take_dicom_too() -> None:
    path = SAMPLES / "gray_12.dcm"
    info = imaging.probe(path)
    assert (info.format, info.media_type) == ("dicom", "application/dicom")
    assert (info.width, info.height, info.channels, info.bit_depth) == (28, 20, 1, 12)
    np.testing.assert_array_equal(imaging.decode(path), dicom.decode(path))
    pipeline = imaging.Pipeline(
        {"version": 1, "steps": [{"op": "resize", "width": 8, "height": 8}, {"op": "tensor"}]}
    )
    assert pipeline.apply(path.read_bytes()).shape == (3, 8, 8)


def test_dcmtk_is_loaded_only_for_compressed_frames() -> None:
    program = f"""
from pathlib import Path
from consilia import dicom, imaging

samples = Path({str(SAMPLES)!r})
def is_loaded():
    return "libdcm" in Path("/proc/self/maps").read_text()
for name in ("gray_12", "gray_12_rle", "gray_12_deflated", "signed_16_implicit"):
    dicom.decode(samples / f"{{name}}.dcm")
    dicom.tags(samples / f"{{name}}.dcm")
dicom.deidentify(samples / "gray_12_jpeg_ls.dcm")
assert not is_loaded()
dicom.decode(samples / "gray_12_jpeg_ls.dcm")
assert is_loaded()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


CHARACTER_SETS = [
    ("ISO_IR 100", "Äneas^Rüdiger"),
    ("ISO_IR 101", "Wałęsa"),
    ("ISO_IR 144", "Люкceмбypг"),
    ("ISO_IR 126", "Διονυσιος"),
    ("ISO_IR 127", "قباني^لنزار"),
    ("ISO_IR 138", "שרון^דבורה"),
    ("ISO_IR 192", "山田^太郎=やまだ"),
    ("GB18030", "王^小东"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
]


@pytest.mark.parametrize(("sets", "name"), CHARACTER_SETS, ids=[name for _, name in CHARACTER_SETS])
def test_names_in_every_script_are_those_of_pydicom(sets: str | list[str], name: str) -> None:
    data = data_set(random_pixels(8, False), bits=8)
    data.SpecificCharacterSet = sets
    data.PatientName = name
    file = encoded(data)
    assert dicom.tags(file)["PatientName"] == str(read(file).PatientName) == name


def test_tags_are_those_of_pydicom() -> None:
    file = sample("gray_12")
    tags, data = dicom.tags(file), read(file)
    assert tags["PatientName"] == "Müller^Änne"
    assert tags["Rows"] == "20"
    for keyword, text in tags.items():
        value = data[keyword].value
        shown = value.original_string if data[keyword].VR in ("DS", "IS") else str(value)
        assert text == shown, keyword
    assert {"ViewPosition", "BodyPartExamined", "StudyInstanceUID", "Modality"} <= tags.keys()
    assert list(tags) == sorted(tags, key=lambda keyword: data[keyword].tag)


def test_text_that_is_too_long_is_cut_at_a_character() -> None:
    data = data_set(random_pixels(8, False), bits=8, ImageComments="é" * 3000)
    data.SpecificCharacterSet = "ISO_IR 192"
    assert dicom.tags(encoded(data))["ImageComments"] == "é" * 512


def test_what_is_no_dicom_file_is_refused() -> None:
    for call in (dicom.info, dicom.decode, dicom.values, dicom.tags, dicom.deidentify):
        for file in (b"", b"\0" * 128 + b"DICN", b"\xff\xd8\xff" + b"\0" * 200):
            with pytest.raises(consilia.ValidationError) as caught:
                call(file)
            assert caught.value.code == "image.unsupported_type"


def test_a_codec_that_cannot_be_loaded_is_unavailable(tmp_path: Path) -> None:
    codec = tmp_path / "libconsilia_dicom_codec.so"
    codec.write_text("no library")
    program = (
        "import sys, consilia\n"
        "from consilia import dicom\n"
        "for file in sys.argv[1:]:\n"
        "    try:\n"
        "        print(dicom.decode(file).shape)\n"
        "    except consilia.Unavailable as error:\n"
        "        print(error.code, error.details['file'])\n"
    )
    files = [SAMPLES / "gray_12.dcm", SAMPLES / "gray_12_jpeg_lossless.dcm"]
    done = subprocess.run(
        [sys.executable, "-c", program, *files],
        env={**os.environ, "CONSILIA_BACKEND_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"(20, 28)\nimage.dicom_unavailable {codec}\n"
