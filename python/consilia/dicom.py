"""DICOM: headers, pixels in shades or modality units, tags, and files without their patients."""

from consilia._core import dicom as _dicom

DicomInfo = _dicom.DicomInfo
Window = _dicom.Window
decode = _dicom.decode
deidentify = _dicom.deidentify
info = _dicom.info
tags = _dicom.tags
values = _dicom.values

__all__ = ["DicomInfo", "Window", "decode", "deidentify", "info", "tags", "values"]
