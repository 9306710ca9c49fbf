"""Writes the samples of this folder; needs pydicom and the command line tools of DCMTK.

They are committed because compressing needs tools that building and testing do not. No patient is real.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ImplicitVRLittleEndian

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python" / "imaging"))

from dicom_files import CLASS, data_set  # noqa: E402

ROWS, COLUMNS = 20, 28


def phantom(low: int, high: int) -> np.ndarray:
    """A gradient, a bright disc and some noise, from low to high."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    shade = 0.5 * x / COLUMNS + 0.3 * y / ROWS + 0.15 * ((x - 14) ** 2 + (y - 10) ** 2 < 36)
    shade += np.random.default_rng(7).uniform(0, 0.05, shade.shape)
    return np.rint(low + shade * (high - low)).astype(np.int64)


def file_of(pixels: np.ndarray, *, bits: int, signed: bool = False, **more: object) -> FileDataset:
    """A digital radiograph of an invented patient."""
    data = data_set(
        pixels,
        bits=bits,
        signed=signed,
        SpecificCharacterSet="ISO_IR 100",
        StudyDate="20240229",
        StudyTime="101530",
        Modality="DX",
        Manufacturer="Nobody",
        PatientName="Müller^Änne",
        PatientBirthDate="19700101",
        PatientSex="F",
        BodyPartExamined="CHEST",
        ViewPosition="PA",
        StudyInstanceUID="1.2.3.4.5",
        SeriesInstanceUID="1.2.3.4.5.1",
        **more,
    )
    data.file_meta.ImplementationClassUID = "1.2.3.4"
    return data


def save(name: str, data: FileDataset) -> None:
    """Writes one sample."""
    data.save_as(HERE / f"{name}.dcm", enforce_file_format=True)


def run(tool: str, *arguments: str, source: str, target: str) -> None:
    """One tool of DCMTK, from sample to sample."""
    subprocess.run([tool, *arguments, HERE / f"{source}.dcm", HERE / f"{target}.dcm"], check=True)


def main() -> int:
    """Writes all of them."""
    twelve = {"WindowCenter": 2048.5, "WindowWidth": 4096}
    save("gray_12", file_of(phantom(100, 4000), bits=12, **twelve))
    save("gray_8", file_of(phantom(5, 250), bits=8))
    save("gray_16", file_of(phantom(0, 65535), bits=16))
    ct = file_of(phantom(-1000, 1500), bits=16, signed=True, RescaleSlope=1, RescaleIntercept=-24)
    ct.WindowCenter, ct.WindowWidth = [40, -600], [400, 1500]
    ct.WindowCenterWidthExplanation = ["SOFT", "LUNG"]
    ct.ReferencedImageSequence = [Dataset()]
    ct.ReferencedImageSequence[0].ReferencedSOPClassUID = CLASS
    ct.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3.4.5.7"
    ct.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    save("signed_16_implicit", ct)
    save("inverted_8", file_of(phantom(5, 250), bits=8, PhotometricInterpretation="MONOCHROME1"))
    color = np.stack([phantom(0, 255), phantom(50, 200), phantom(255, 0)], axis=-1)
    save("rgb_8", file_of(color, bits=8))
    run("dcmconv", "+tb", source="gray_12", target="gray_12_big_endian")
    run("dcmconv", "+td", source="gray_12", target="gray_12_deflated")
    run("dcmcrle", source="gray_12", target="gray_12_rle")
    run("dcmcrle", source="rgb_8", target="rgb_8_rle")
    run("dcmcjpeg", "+eb", "+un", source="gray_8", target="gray_8_jpeg_baseline")
    run("dcmcjpeg", "+ee", "+un", source="gray_12", target="gray_12_jpeg_extended")
    run("dcmcjpeg", "+el", "+un", source="gray_12", target="gray_12_jpeg_lossless")
    run("dcmcjpeg", "+e1", "+un", source="gray_16", target="gray_16_jpeg_lossless_sv1")
    run("dcmcjpeg", "+e1", "+un", source="signed_16_implicit", target="signed_16_jpeg_lossless_sv1")
    run("dcmcjpeg", "+eb", "+un", "+cy", "+s2", source="rgb_8", target="rgb_8_jpeg_ybr_422")
    run("dcmcjpls", "+el", "+un", source="gray_12", target="gray_12_jpeg_ls")
    run("dcmcjpls", "+en", "+un", source="gray_12", target="gray_12_jpeg_ls_near")
    run("dcmcjpls", "+el", "+un", source="rgb_8", target="rgb_8_jpeg_ls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
