"""The door to JPEG XL: one grey image of whole numbers or floats to bytes and back, bit for bit. Extra `bounded`.

Knows no meaning of the samples. The library is imagecodecs, which wraps libjxl.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile, InvalidArgument

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

_EFFORTS = {"uint8": (7, 9), "uint16": (7, 9), "float32": (7,)}  # whichever gives fewer bytes; docs/log.md


def pack_image(image: Pixels) -> bytes:
    """(rows, cols) of uint8, uint16 or float32 as a bare JPEG XL codestream. Raises InvalidArgument without imagecodecs."""
    library, image = _imagecodecs(), np.ascontiguousarray(image)
    streams: list[bytes] = [
        library.jpegxl_encode(image, lossless=True, effort=effort, photometric="gray", usecontainer=False, numthreads=1)
        for effort in _EFFORTS[image.dtype.name]
    ]
    return min(streams, key=len)


def unpack_image(data: bytes, shape: tuple[int, int], dtype: str) -> Pixels:
    """The image of `pack_image`. A stream of another size or type is CorruptFile before it takes memory."""
    library, image = _imagecodecs(), np.empty(shape, dtype)
    try:
        library.jpegxl_decode(data, numthreads=1, out=image)
    except (ValueError, RuntimeError, library.JpegxlError) as error:
        raise CorruptFile(
            f"an image of {shape[0]} x {shape[1]} {dtype} does not decode ({error}); the file is damaged"
        ) from error
    return image


def require_library() -> None:
    """InvalidArgument unless files of bounded error can be written and read here."""
    _imagecodecs()


def _imagecodecs() -> ModuleType:
    try:
        import imagecodecs
    except ImportError as error:
        raise InvalidArgument(
            "files of bounded error and lossless ones need imagecodecs (JPEG XL), which is not installed; "
            "install the extra: pip install 'sarcodec[bounded]', or '.[bounded]' in a copy of the repository"
        ) from error
    return imagecodecs
