# Made from the extension by `make stubs`; do not edit.
"""
Images: decoding within limits, and pipelines.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
__all__: list[str] = ['ImageInfo', 'Pipeline', 'check_structure', 'decode', 'detect_format', 'encode_jpeg', 'encode_png', 'probe', 'reencode', 'strip_metadata', 'verify']
class ImageInfo:
    """
    What the header of a file says, read without decoding a pixel.
    """
    def __repr__(self) -> str:
        ...
    @property
    def bit_depth(self) -> int:
        """
        As stored.
        """
    @property
    def channels(self) -> int:
        """
        Of the decoded image: 1 (gray) or 3.
        """
    @property
    def file_extension(self) -> str:
        ...
    @property
    def format(self) -> str:
        ...
    @property
    def has_alpha(self) -> bool:
        ...
    @property
    def height(self) -> int:
        """
        Of the decoded image: with the orientation applied.
        """
    @property
    def interlaced(self) -> bool:
        """
        Progressive JPEG or Adam7 PNG.
        """
    @property
    def media_type(self) -> str:
        ...
    @property
    def orientation(self) -> int:
        """
        EXIF orientation of a JPEG, 1 to 8.
        """
    @property
    def scans(self) -> int:
        """
        JPEG: number of scans found.
        """
    @property
    def width(self) -> int:
        """
        Of the decoded image: with the orientation applied.
        """
class Pipeline:
    """
    How an image becomes a model's input: an immutable list of steps.
    """
    def __eq__(self, arg0: Pipeline) -> bool:
        ...
    def __getstate__(self) -> str:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, document: typing.Any) -> None:
        """
        Reads a document: JSON text, or what `json.dumps` makes text of.
        """
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: str) -> None:
        ...
    def apply(self, image: typing.Any) -> numpy.typing.NDArray[numpy.float32]:
        """
        All steps: a float32 array. An array of pixels is copied; bytes are not.
        """
    def apply_pixels(self, image: typing.Any) -> numpy.typing.NDArray[numpy.uint8]:
        """
        The steps before normalize: a uint8 array, what the model sees as a picture.
        """
    def to_json(self) -> str:
        """
        The canonical form.
        """
    @property
    def hash(self) -> str:
        """
        SHA-256 of the algorithm version and the canonical form.
        """
    @property
    def output_shape(self) -> typing.Annotated[list[int], "FixedSize(3)"] | None:
        """
        Shape of the tensor, or None if it follows the image.
        """
def check_structure(image: typing.Any, *, max_pixels: typing.SupportsInt | typing.SupportsIndex = 64000000, max_width: typing.SupportsInt | typing.SupportsIndex = 20000, max_height: typing.SupportsInt | typing.SupportsIndex = 20000, max_memory_bytes: typing.SupportsInt | typing.SupportsIndex = 805306368, max_scans: typing.SupportsInt | typing.SupportsIndex = 64, max_scan_pixels: typing.SupportsInt | typing.SupportsIndex = 500000000, max_segments: typing.SupportsInt | typing.SupportsIndex = 16384) -> ImageInfo:
    """
    Walks every segment or chunk to the end, and finds what follows it; decodes nothing.

    Raises:
        ValidationError: `image.unsupported_type`, `image.too_many_pixels`, `image.too_complex`, `image.damaged`
            or `image.trailing_data`.
    """
def decode(image: typing.Any, *, max_pixels: typing.SupportsInt | typing.SupportsIndex = 64000000, max_width: typing.SupportsInt | typing.SupportsIndex = 20000, max_height: typing.SupportsInt | typing.SupportsIndex = 20000, max_memory_bytes: typing.SupportsInt | typing.SupportsIndex = 805306368, max_scans: typing.SupportsInt | typing.SupportsIndex = 64, max_scan_pixels: typing.SupportsInt | typing.SupportsIndex = 500000000, max_segments: typing.SupportsInt | typing.SupportsIndex = 16384) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Decodes a JPEG or PNG (bytes or a path) to a uint8 array [H, W] or [H, W, 3], with the EXIF orientation applied.
    """
def detect_format(image: typing.Any) -> str | None:
    """
    `jpeg`, `png` or None, by the first bytes and nothing else.
    """
def encode_jpeg(pixels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], quality: typing.SupportsInt | typing.SupportsIndex = 90) -> bytes:
    """
    A baseline JPEG of a uint8 array [H, W] or [H, W, 3], which is copied: without metadata, colour at full resolution.

    Raises:
        InvalidArgument: `image.quality` if `quality` is not from 1 to 100.
    """
def encode_png(pixels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> bytes:
    """
    An 8-bit PNG of a uint8 array [H, W] or [H, W, 3], which is copied.
    """
def probe(image: typing.Any) -> ImageInfo:
    """
    Reads the header of a JPEG or PNG: bytes, which are not copied, or a path.
    """
def reencode(image: typing.Any, format: str, *, max_pixels: typing.SupportsInt | typing.SupportsIndex = 64000000, max_width: typing.SupportsInt | typing.SupportsIndex = 20000, max_height: typing.SupportsInt | typing.SupportsIndex = 20000, max_memory_bytes: typing.SupportsInt | typing.SupportsIndex = 805306368, max_scans: typing.SupportsInt | typing.SupportsIndex = 64, max_scan_pixels: typing.SupportsInt | typing.SupportsIndex = 500000000, max_segments: typing.SupportsInt | typing.SupportsIndex = 16384) -> bytes:
    """
    A file of the same pixels and of nothing else, as `jpeg` (quality 90) or `png`.

    Raises:
        ValidationError: as `decode`.
    """
def strip_metadata(image: typing.Any, *, max_pixels: typing.SupportsInt | typing.SupportsIndex = 64000000, max_width: typing.SupportsInt | typing.SupportsIndex = 20000, max_height: typing.SupportsInt | typing.SupportsIndex = 20000, max_memory_bytes: typing.SupportsInt | typing.SupportsIndex = 805306368, max_scans: typing.SupportsInt | typing.SupportsIndex = 64, max_scan_pixels: typing.SupportsInt | typing.SupportsIndex = 500000000, max_segments: typing.SupportsInt | typing.SupportsIndex = 16384) -> bytes:
    """
    The same image without metadata, bit for bit: places, names, times, comments, profiles and second pictures go, the orientation stays.

    Raises:
        ValidationError: as `check_structure`.
    """
def verify(image: typing.Any, *, max_pixels: typing.SupportsInt | typing.SupportsIndex = 64000000, max_width: typing.SupportsInt | typing.SupportsIndex = 20000, max_height: typing.SupportsInt | typing.SupportsIndex = 20000, max_memory_bytes: typing.SupportsInt | typing.SupportsIndex = 805306368, max_scans: typing.SupportsInt | typing.SupportsIndex = 64, max_scan_pixels: typing.SupportsInt | typing.SupportsIndex = 500000000, max_segments: typing.SupportsInt | typing.SupportsIndex = 16384) -> ImageInfo:
    """
    What lets a file in: checks the structure, and decodes to the end without keeping a pixel.

    Memory does not grow with the image, but for a JPEG of several scans: two bytes a sample, within the limits.

    Raises:
        ValidationError: as `check_structure` and `decode`.
    """
