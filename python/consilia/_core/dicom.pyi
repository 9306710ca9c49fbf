# Made from the extension by `make stubs`; do not edit.
"""
DICOM: headers, pixels, tags, files without their patients.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
__all__: list[str] = ['DicomInfo', 'Window', 'decode', 'deidentify', 'info', 'tags', 'values']
class Window:
    """
    A window that a file has, in modality units.
    """
    def __repr__(self) -> str:
        ...
    @property
    def center(self) -> float:
        ...
    @property
    def explanation(self) -> str:
        """
        What the file calls it; empty if it does not.
        """
    @property
    def function(self) -> str:
        ...
    @property
    def width(self) -> float:
        ...
class DicomInfo:
    """
    What a file says of its image.
    """
    def __repr__(self) -> str:
        ...
    @property
    def bits_allocated(self) -> int:
        ...
    @property
    def bits_stored(self) -> int:
        ...
    @property
    def channels(self) -> int:
        ...
    @property
    def frames(self) -> int:
        ...
    @property
    def has_burned_in_annotation(self) -> bool:
        """
        The file says that its pixels show text about the patient.
        """
    @property
    def has_foreign_preamble(self) -> bool:
        """
        The 128 bytes before the magic number are not all zero.
        """
    @property
    def has_modality_lut(self) -> bool:
        ...
    @property
    def has_voi_lut(self) -> bool:
        ...
    @property
    def height(self) -> int:
        ...
    @property
    def is_signed(self) -> bool:
        ...
    @property
    def photometric_interpretation(self) -> str:
        ...
    @property
    def rescale_intercept(self) -> float:
        ...
    @property
    def rescale_slope(self) -> float:
        ...
    @property
    def transfer_syntax(self) -> str:
        """
        The UID of how it is written.
        """
    @property
    def transfer_syntax_name(self) -> str:
        ...
    @property
    def width(self) -> int:
        ...
    @property
    def windows(self) -> list[Window]:
        ...
def decode(image: typing.Any, *, frame: typing.SupportsInt | typing.SupportsIndex | None = None, window: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] | None = None, function: str = 'linear', index: typing.SupportsInt | typing.SupportsIndex = 0, full_range: bool = False) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Decodes one frame to a uint8 array [H, W] or [H, W, 3].

    Gray goes through the modality LUT or rescale and through `window` (center and width, with `function` linear, linear_exact or sigmoid), or with `full_range` from the least to the greatest value, or as the file says: by its VOI LUT or window number `index`. More is brighter, whatever the file. `frame` counts from 0 and is needed where there are several.
    """
def deidentify(image: typing.Any, *, key: bytes = b'', dates: str = 'remove', allow_burned_in: bool = False) -> bytes:
    """
    The file without what identifies the patient, by the basic profile of PS3.15; pixel data stay byte for byte.

    `key`: secret of at least 16 bytes that UIDs and the shift of dates are derived from; without it nothing links the result to other files. `dates`: remove, or shift by a number of days of each patient. `allow_burned_in`: take files that say that their pixels show text.
    """
def info(image: typing.Any) -> DicomInfo:
    """
    Reads the header of a DICOM image: bytes, which are not copied, or a path.
    """
def tags(image: typing.Any) -> dict:
    """
    Attributes of patient, study, series, equipment and image by keyword, as text. This is patient data: do not log it.
    """
def values(image: typing.Any, *, frame: typing.SupportsInt | typing.SupportsIndex | None = None) -> numpy.typing.NDArray[numpy.float32]:
    """
    A gray frame in modality units, not windowed: a float32 array [H, W].
    """
