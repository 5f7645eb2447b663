"""Files that promise something of every pixel: within a bound in dB, or exact. No model, no float network.

In: an open raster, out: payloads of tiles; and back, by the same methods as `SceneDecoder`. Tiles know nothing of each other.
"""

from decimal import ROUND_DOWN, Decimal

import numpy as np

from sarcodec.bitstream.bounded import LOSSLESS, pack_bounded, pack_exact, unpack_bounded, unpack_exact
from sarcodec.bitstream.container import BandField, Header
from sarcodec.bitstream.reader import FileReader
from sarcodec.bitstream.lossless import require_library
from sarcodec.bitstream.mask import pack_invalid, unpack_invalid
from sarcodec.bitstream.partition import BOUNDS, BOUNDS_A_DB, is_identity, within
from sarcodec.bitstream.sections import LEVELS, MASK, Section, pack_tile
from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, TargetNotReached, UnsupportedScene
from sarcodec.raster.geotiff import SceneReader
from sarcodec.raster.radiometry import nodata_pixel, resolve_domain, valid_mask
from sarcodec.raster.scene import pack_scene, unpack_scene
from sarcodec.raster.tiling import TileGrid
from sarcodec.tile import TILE_LOG2, TILE_PX

from .decoder import SceneDecoder
from .encoder import sample_tiles
from .texture import Reconstruction


def bound_of(max_error_db: float) -> int:
    """The bound of a file in 1/1000 dB, never more than was asked for. Raises InvalidArgument out of range."""
    bound = Decimal(repr(float(max_error_db))) * BOUNDS_A_DB
    if not bound.is_finite() or not BOUNDS.start <= bound < BOUNDS.stop:
        raise InvalidArgument(
            f"the largest error is {max_error_db} dB, expected {BOUNDS.start / BOUNDS_A_DB} to {BOUNDS[-1] / BOUNDS_A_DB}; "
            "for exact pixels ask for lossless"
        )
    return int(bound.to_integral_value(ROUND_DOWN))


class BoundedEncoder:
    """Tiles of a scene into payloads; safe for threads where the reader is. `bound` in 1/1000 dB, 0 for exact pixels.

    A bound under which every pixel of the dtype is a level of its own (8-bit DN below 0.034 dB) becomes 0: the file is exact.
    Raises InvalidArgument without imagecodecs, UnsupportedScene where the domain cannot be guessed and the bound needs one.
    """

    def __init__(self, reader: SceneReader, domain: str, bound: int):
        require_library()
        info = reader.info
        self.reader, self.info, self.grid = reader, info, TileGrid(info.rows, info.cols, TILE_PX)
        self.domain = self._domain(domain, bound)
        self.bound = LOSSLESS if bound and is_identity(info.dtype, self.domain, bound) else bound

    def _domain(self, domain: str, bound: int) -> str:
        sample = np.concatenate([sample_tiles(self.reader, self.grid, b) for b in range(self.info.count)])
        try:
            return resolve_domain(domain, sample, self.info.nodata[0], self.info.hints)
        except UnsupportedScene:
            if bound:
                raise
            return "amplitude"  # exact pixels need no unit

    def header(self) -> Header:
        """The head of the file."""
        info, bands = self.info, (BandField(0),) * self.info.count
        return Header(
            info.rows, info.cols, info.dtype, self.domain, TILE_LOG2, "", b"", 0, bands, pack_scene(info), self.bound
        )

    def places(self) -> list[tuple[int, int]]:
        """(tile, band) in the order of the file."""
        return [(t, b) for t in range(self.grid.count) for b in range(self.info.count)]

    def encode(self, place: tuple[int, int]) -> bytes:
        """The payload of one tile, read back and compared with its pixels. Raises TargetNotReached if they are not as promised."""
        tile, band = place
        pixels = np.ascontiguousarray(self.reader.read(band, self.grid.window(tile)))
        nodata = self.info.nodata[band]
        valid = valid_mask(pixels, self.domain, nodata)
        sections = self._exact(pixels, valid) if self.bound == LOSSLESS else self._bounded(pixels, valid, nodata)
        payload = pack_tile(sections)
        decoded = decode_sections({s.kind: s for s in sections}, pixels.shape, (self.info.dtype, self.domain, self.bound))
        if not keeps(pixels, decoded, valid, self.domain, self.bound).all():
            raise TargetNotReached(
                f"tile {tile}, band {band} does not come back as promised; JPEG XL is at fault here (imagecodecs), "
                "take another version of it"
            )
        return payload

    def _bounded(self, pixels: np.ndarray, valid: np.ndarray, nodata: float | None) -> list[Section]:
        wanted = nodata_pixel(pixels.dtype, nodata)
        contents, held = pack_bounded(pixels, valid, self.domain, self.bound, wanted)
        return _sections(pack_invalid(pixels, held), contents)

    def _exact(self, pixels: np.ndarray, valid: np.ndarray) -> list[Section]:
        """All pixels in the image, or the invalid ones in the mask: whichever is smaller."""
        forms = [_sections(b"", pack_exact(pixels, np.ones_like(valid)))]
        if not valid.all():
            forms.append(_sections(pack_invalid(pixels, valid), pack_exact(pixels, valid) if valid.any() else b""))
        return min(forms, key=lambda sections: len(pack_tile(sections)))


class BoundedDecoder:
    """Pixels of such a file by tile. Safe for threads. Raises NewerVersion for tiles of another size."""

    def __init__(self, file: FileReader):
        header = file.header
        if header.tile_log2 != TILE_LOG2:
            raise NewerVersion("the file uses tiles of another size; it needs a newer sarcodec")
        require_library()
        self.file, self.header = file, header
        self.info = unpack_scene(header.metadata, header.rows, header.cols, len(header.bands), header.dtype)
        self.grid = TileGrid(header.rows, header.cols, TILE_PX)

    def symbols(self, tile: int, band: int) -> np.ndarray:
        """All that is coded of a tile and band, checked: its pixels in one row."""
        return self.tile_pixels(tile, band).reshape(-1)

    def tile_pixels(self, tile: int, band: int) -> np.ndarray:
        """Pixels of a tile (rows, cols) in the scene's dtype."""
        header = self.header
        sections = {s.kind: s for s in self.file.sections(tile, band)}
        return decode_sections(
            sections, self.grid.window(tile).shape, (header.dtype, header.domain, header.bound)
        )

    def keeps(self, original: np.ndarray, decoded: np.ndarray, band: int) -> bool:
        """Whether decoded pixels are what the file promises of their originals."""
        valid = valid_mask(original, self.header.domain, self.info.nodata[band])
        return bool(keeps(original, decoded, valid, self.header.domain, self.header.bound).all())


def decoder_of(
    file: FileReader, threads: int = 1, wanted: Reconstruction = Reconstruction()
) -> "SceneDecoder | BoundedDecoder":
    """The decoder that a file needs. InvalidArgument where speckle is to be restored in a file that keeps a promise."""
    if not file.header.bounded:
        return SceneDecoder(file, threads, wanted)
    if wanted.speckle == "restore":
        raise InvalidArgument(
            "this file keeps a bound on the error of every pixel (or is lossless): restored speckle would break it; "
            "decompress it with --speckle keep"
        )
    return BoundedDecoder(file)


def decode_sections(sections: dict[int, Section], shape: tuple[int, int], fields: tuple[str, str, int]) -> np.ndarray:
    """Pixels (shape) of a tile; fields: dtype, domain, bound. Raises CorruptFile where a pixel is in no section."""
    dtype, domain, bound = fields
    apart, kept = unpack_invalid(sections[MASK].payload if MASK in sections else b"", shape, dtype)
    if LEVELS not in sections:
        if apart.any():
            raise CorruptFile("a tile has pixels without levels; the file is damaged")
        return kept
    contents = sections[LEVELS].payload
    if bound == LOSSLESS:
        pixels = unpack_exact(contents, shape, dtype)
    else:
        pixels = unpack_bounded(contents, shape, dtype, domain, bound)
    bits = f"u{pixels.itemsize}"
    pixels.view(bits)[~apart] = kept.view(bits)[~apart]
    return pixels


def keeps(original: np.ndarray, decoded: np.ndarray, valid: np.ndarray, domain: str, bound: int) -> np.ndarray:
    """Which pixels came back as promised: within the bound where valid in the original, the same bits elsewhere."""
    bits = f"u{original.itemsize}"
    same = original.view(bits) == decoded.view(bits)
    return same if bound == LOSSLESS else same | valid & within(original, decoded, domain, bound)


def _sections(mask: bytes, levels: bytes) -> list[Section]:
    return [Section(kind, contents) for kind, contents in ((MASK, mask), (LEVELS, levels)) if contents]
