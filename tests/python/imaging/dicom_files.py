"""DICOM files for tests, written by pydicom: all patients are invented."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

SAMPLES = Path(__file__).resolve().parents[2] / "imaging" / "dicom"
CLASS = "1.2.840.10008.5.1.4.1.1.1.1"  # Digital X-ray image, for presentation


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.dcm").read_bytes()


def data_set(pixels: NDArray[np.integer], *, bits: int, signed: bool = False, **more: object) -> FileDataset:
    """A digital radiograph with these pixels; `more` are attributes by keyword."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CLASS
    meta.MediaStorageSOPInstanceUID = "1.2.3.4.5.6"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = CLASS
    data.SOPInstanceUID = "1.2.3.4.5.6"
    data.PatientName = "Doe^Jane"
    data.PatientID = "P-0001"
    data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.Rows, data.Columns = pixels.shape[:2]
    data.BitsAllocated = 8 if bits <= 8 else 16
    data.BitsStored = bits
    data.HighBit = bits - 1
    data.PixelRepresentation = int(signed)
    raw = pixels.astype(f"<{'i' if signed else 'u'}{data.BitsAllocated // 8}").tobytes()
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    data["PixelData"].VR = "OB" if bits <= 8 else "OW"
    for keyword, value in more.items():
        setattr(data, keyword, value)
    return data


def encoded(data: Dataset) -> bytes:
    target = io.BytesIO()
    data.save_as(target, enforce_file_format=True)
    return target.getvalue()


def read(file: bytes) -> FileDataset:
    return dcmread(io.BytesIO(file))
