"""Chunks of arrays as small compressed files: what the codecs of Zarr have in common. Knows no Zarr.

In: an array and settings; out: bytes of a file, and back. Of a chunk all axes before the last three have one entry, and the last three are bands,
rows and columns.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.api.arrays import encode
from sarcodec.api.scene import open as open_scene
from sarcodec.encoding.tile import DEFAULT_EFFORT
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.scene import DTYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sarcodec.api.choices import Domain, Effort, Reconstruct, Speckle


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What stands in the metadata of an array, as far as it is not the default.

    quality, max_error_db, lossless: which of them chunks are written with; without one of them an array can be read alone. domain: what pixels are,
    'amplitude', 'power' or 'db': it has to be said, as a chunk may be too dark to tell. effort: as in sarcodec.encode. reconstruct, speckle: as in
    sarcodec.open. Raises InvalidArgument for what has no meaning.
    """

    quality: float | None = None
    max_error_db: float | None = None
    lossless: bool = False
    domain: Domain | None = None
    effort: Effort = DEFAULT_EFFORT
    reconstruct: Reconstruct = "power"
    speckle: Speckle = "keep"

    def __post_init__(self) -> None:
        if self.asked > 1:
            raise InvalidArgument("quality, max_error_db and lossless exclude one another; give one of them")
        for name, known in _KNOWN.items():
            if getattr(self, name) not in known:
                listed = ", ".join(repr(one) for one in known if one is not None)
                raise InvalidArgument(f"{name} is {getattr(self, name)!r}; expected one of {listed}")
        if self.quality is not None and not (_is_number(self.quality) and 0 <= self.quality <= 100):
            raise InvalidArgument(f"quality is {self.quality!r}; expected a number from 0 to 100")
        if self.max_error_db is not None and not (_is_number(self.max_error_db) and self.max_error_db > 0):
            raise InvalidArgument(f"max_error_db is {self.max_error_db!r}; expected a number above 0")

    @property
    def asked(self) -> int:
        """How many ways of writing are named."""
        return (self.quality is not None) + (self.max_error_db is not None) + self.lossless

    @property
    def words(self) -> dict[str, Any]:
        """Those that are not the default, as JSON has them."""
        plain = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != plain[name]}


_KNOWN: dict[str, tuple[object, ...]] = {
    "domain": (None, "amplitude", "power", "db"),
    "lossless": (False, True),
    "effort": (0, 1, 2, 3),
    "reconstruct": ("power", "log"),
    "speckle": ("keep", "restore"),
}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def settings_of(words: dict[str, Any]) -> Settings:
    """Settings as they were read from metadata. Raises InvalidArgument for a word that is not known: of a newer version, or misspelt."""
    known = [field.name for field in fields(Settings)]
    if unknown := sorted(set(words) - set(known)):
        raise InvalidArgument(f"the codec sarcodec has no setting {', '.join(unknown)}; it has {', '.join(known)}")
    return Settings(**words)


def check_shape(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raises InvalidArgument for chunks that are no scene."""
    if len(shape) < 2 or any(size != 1 for size in shape[:-3]):
        raise InvalidArgument(
            f"chunks are of shape {shape}; expected rows and columns, or bands, rows and columns, as the last axes, and one entry of all axes before"
        )
    if dtype.name not in DTYPES:
        raise InvalidArgument(f"pixels are {dtype.name}; expected one of {', '.join(DTYPES)}")


def as_bands(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(bands, rows, cols) of a chunk."""
    return (shape[-3] if len(shape) > 2 else 1), shape[-2], shape[-1]


def encoded(array: NDArray[Any], settings: Settings, nodata: float | None = None) -> bytes:
    """A file of a chunk. nodata: pixels of that value are no pixels of the ground, and come back as they were. Raises InvalidArgument, and what
    sarcodec.encode raises."""
    check_shape(array.shape, array.dtype)
    if not settings.asked:
        raise InvalidArgument(
            "this array can be read alone: its codec names no quality; give SarcodecCodec one of quality, max_error_db and lossless"
        )
    if not settings.lossless and settings.domain is None:
        raise InvalidArgument(
            "the codec does not say what pixels are, and a chunk may be too dark to tell; give it domain='amplitude', 'power' or 'db'"
        )
    pixels = np.ascontiguousarray(array.reshape(as_bands(array.shape)), array.dtype.newbyteorder("="))
    return encode(
        pixels,
        nodata=nodata,
        quality=settings.quality,
        max_error_db=settings.max_error_db,
        lossless=settings.lossless,
        domain=settings.domain or "auto",
        effort=settings.effort,
        threads=1,
    )


def decoded(
    data: bytes, settings: Settings, shape: tuple[int, ...] | None, dtype: np.dtype[Any] | None
) -> NDArray[Any]:
    """All of a chunk. Raises FormatError's kin for damage; CorruptFile where the file is not of that shape and type (None: whatever it is)."""
    with open_scene(data, threads=1, reconstruct=settings.reconstruct, speckle=settings.speckle) as scene:
        if shape is not None and dtype is not None:
            check_chunk(scene.array_shape, scene.dtype, shape, dtype)
        found: NDArray[Any] = scene.read()
    return found if shape is None else found.reshape(shape)


def check_chunk(found: tuple[int, ...], kind: np.dtype[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Whether a file is the chunk that an array expects. Raises CorruptFile."""
    if found != as_bands(shape) or kind.name != dtype.name:
        raise CorruptFile(
            f"the chunk holds {kind.name} of shape {found}, its array says {dtype.name} of {as_bands(shape)}; it belongs to another array"
        )
