"""A scene into payloads, whatever its bands are: each by its own encoder, masks and exact bands by the core. Knows no target.

In: an open raster, what its bands mean, what is asked; out: the work of some planes of a tile, then their payloads at any step index.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sarcodec.decoding.tile import TILE_PX
from sarcodec.encoding.border_targets import CodedBand
from sarcodec.encoding.bounded import BoundedEncoder
from sarcodec.encoding.learned import LearnedEncoder
from sarcodec.encoding.meanings import promised_field
from sarcodec.encoding.measured import Encoded, Measured
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.encoding.sampling import sample_band
from sarcodec.encoding.tile import TileEncoder
from sarcodec.encoding.tile_analysis import LearnedBand, TileData
from sarcodec.format.bands import EXACT, LEARNED, BandField
from sarcodec.format.bounded import LOSSLESS
from sarcodec.format.claims import BandClaims
from sarcodec.format.pixels import pack_pixels
from sarcodec.format.sections import PIXELS, Section, pack_tile
from sarcodec.format.tiling import TileGrid
from sarcodec.raster.meaning import BandMeaning

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels


Part: TypeAlias = tuple[int, range]
"""What is encoded at once: a tile, and planes of it in a row (bands, and masks behind them, from 0)."""


@dataclass(frozen=True, eq=False)
class TileWork:
    """Planes of one tile: what each has so far, `TileData` of learned bands, all of the others."""

    planes: tuple[TileData | Encoded, ...]


@dataclass(frozen=True, eq=False)
class CodedWork:
    """The same at a step: what each plane has, `CodedBand` of learned bands, all of the others."""

    planes: tuple[CodedBand | Encoded, ...]


class SceneEncoder:
    """Safe for threads where the reader is. fields: what the head says of the bands; exactly the learned ones need the codec."""

    def __init__(
        self,
        reader: PixelSource,
        meanings: tuple[BandMeaning, ...],
        codec: TileEncoder | None,
        together: bool = True,
        bound: int | None = None,
    ) -> None:
        """codec: for learned bands, or None with a bound in 1/1000 dB (0: exact) for those that are radar; together as in `LearnedEncoder`."""
        self.reader, self.info, self.codec, self.meanings = reader, reader.info, codec, meanings
        self.grid = TileGrid(self.info.rows, self.info.cols, TILE_PX)
        self._learned = self._learned_encoder(together) if bound is None else None
        self.fields = tuple(self._field(band, bound) for band in range(self.info.count))
        self._bounded = {
            band: BoundedEncoder(reader, band, field)
            for band, field in enumerate(self.fields)
            if field.kind not in (EXACT, LEARNED)
        }

    def _learned_encoder(self, together: bool) -> LearnedEncoder | None:
        bands = {
            band: LearnedBand.of(meaning.measure, meaning.hidden, sample_band(self.reader, band), meaning.searched)
            for band, meaning in enumerate(self.meanings)
            if meaning.kind != EXACT and meaning.measure is not None
        }
        if not bands:
            return None
        assert self.codec is not None, "learned bands need a codec"
        return LearnedEncoder(self.reader, bands, self.codec, together)

    @property
    def learned(self) -> LearnedEncoder:
        """The encoder of the learned bands; ask only where there are any."""
        assert self._learned is not None, "no band is learned"
        return self._learned

    def _field(self, band: int, bound: int | None) -> BandField:
        if self.meanings[band].kind == EXACT:
            return BandField(EXACT, None)
        if self._learned is not None:
            return self._learned.field(band)
        return promised_field(self.meanings[band], self.info.dtype, bound or LOSSLESS)

    @property
    def learned_bands(self) -> list[int]:
        """Bands, from 0, that the model codes."""
        return [band for band, field in enumerate(self.fields) if field.learned]

    def learned_places(self) -> list[tuple[int, int]]:
        """(tile, band) of all tiles of learned bands, in the order of the file."""
        return [(tile, band) for tile in range(self.grid.count) for band in self.learned_bands]

    def parts(self) -> list[Part]:
        """All that is to be encoded, in the order of the file: every tile, in runs of planes of which none leans on another run. A
        scene of many bands does not lie in memory with all of them."""
        count = self.info.count + self.info.mask_planes
        leans = [(band, field.reference) for band, field in enumerate(self.fields) if field.reference is not None]
        cuts = [plane for plane in range(count) if not any(first < plane <= band for band, first in leans)]
        runs = [range(*ends) for ends in itertools.pairwise((*cuts, count))]
        return [(tile, run) for tile in range(self.grid.count) for run in runs]

    def analyse(self, part: Part) -> TileWork:
        """All that can be done of some planes of a tile before the step is known."""
        tile, planes = part
        return TileWork(tuple(self._analyse(tile, plane) for plane in planes))

    def _analyse(self, tile: int, band: int) -> TileData | Encoded:
        if band >= self.info.count:
            return self._exact(self.reader.read_mask(band - self.info.count, self.grid.window(tile)))
        kind = self.fields[band].kind
        if kind == LEARNED:
            return self.learned.analysis.analyse(tile, band)
        if kind == EXACT:
            return self._exact(self.reader.read(band, self.grid.window(tile)))
        return self._bounded[band].encode(tile)

    @staticmethod
    def _exact(pixels: Pixels) -> Encoded:
        return Encoded(pack_tile([Section(PIXELS, pack_pixels(pixels))]))

    def code(self, work: TileWork, step: int) -> CodedWork:
        """Some planes of a tile at a step index, but for what depends on how its neighbours are coded."""
        tile = [plane for plane in work.planes if isinstance(plane, TileData)]
        coded = iter(self.learned.code(tile, step) if tile else ())
        return CodedWork(tuple(next(coded) if isinstance(plane, TileData) else plane for plane in work.planes))

    def encoded(self, tile: int, around: dict[int, CodedWork]) -> list[Encoded]:
        """Of some planes of a tile, from what is coded of the tiles around it, itself among them."""
        found = []
        for number, plane in enumerate(around[tile].planes):
            if isinstance(plane, Encoded):
                found.append(plane)
                continue
            beside = {other: coded.planes[number] for other, coded in around.items()}
            found.append(self.learned.encoded(tile, {n: p for n, p in beside.items() if isinstance(p, CodedBand)}))
        return found

    def claims(self, measured: list[Measured]) -> tuple[BandClaims, ...]:
        """Of each band, from what was measured of it; of exact bands nothing."""
        pixels = self.info.rows * self.info.cols
        return tuple(
            BandClaims() if field.kind == EXACT else found.claims(field, pixels)
            for field, found in zip(self.fields, measured, strict=True)
        )

    def promises(self) -> tuple[BandClaims, ...]:
        """Of each band, where nothing was measured."""
        return tuple(BandClaims(max_error_db=None if f.kind == EXACT else f.max_error_db) for f in self.fields)
