"""Images: verified and decoded within limits, stripped of metadata, encoded; pipelines to tensors."""

from consilia._core import imaging as _imaging

ImageInfo = _imaging.ImageInfo
Pipeline = _imaging.Pipeline
check_structure = _imaging.check_structure
decode = _imaging.decode
detect_format = _imaging.detect_format
encode_jpeg = _imaging.encode_jpeg
encode_png = _imaging.encode_png
probe = _imaging.probe
reencode = _imaging.reencode
strip_metadata = _imaging.strip_metadata
verify = _imaging.verify

__all__ = [
    "ImageInfo",
    "Pipeline",
    "check_structure",
    "decode",
    "detect_format",
    "encode_jpeg",
    "encode_png",
    "probe",
    "reencode",
    "strip_metadata",
    "verify",
]
