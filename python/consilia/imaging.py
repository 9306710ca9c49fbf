"""Images: decoding within limits, pipelines that turn pixels into tensors, PNG output."""

from consilia._core import imaging as _imaging

ImageInfo = _imaging.ImageInfo
Pipeline = _imaging.Pipeline
decode = _imaging.decode
encode_png = _imaging.encode_png
probe = _imaging.probe

__all__ = ["ImageInfo", "Pipeline", "decode", "encode_png", "probe"]
