# Made from the extension by `make stubs`; do not edit.
"""
Images: decoding within limits, and pipelines.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
__all__: list[str] = ['ImageInfo', 'Pipeline', 'decode', 'encode_png', 'probe']
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
def decode(image: typing.Any, *, max_pixels: typing.SupportsInt | typing.SupportsIndex = 64000000, max_width: typing.SupportsInt | typing.SupportsIndex = 20000, max_height: typing.SupportsInt | typing.SupportsIndex = 20000, max_memory_bytes: typing.SupportsInt | typing.SupportsIndex = 805306368) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Decodes a JPEG or PNG (bytes or a path) to a uint8 array [H, W] or [H, W, 3], with the EXIF orientation applied.
    """
def encode_png(pixels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> bytes:
    """
    An 8-bit PNG of a uint8 array [H, W] or [H, W, 3], which is copied.
    """
def probe(image: typing.Any) -> ImageInfo:
    """
    Reads the header of a JPEG or PNG: bytes, which are not copied, or a path.
    """
