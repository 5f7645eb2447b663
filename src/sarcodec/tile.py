"""One tile of one band, to bytes and back: analyse, quantise, choose tables, entropy-code; decode, dequantise, synthesise.

In: levels in dB less the band's offset with their halo, a step index, the latents of a band to lean on; out: a section; and back. The line between the two
kinds of numbers runs here: up to `decode` everything is whole numbers, after it float32. Knows no scene and no file.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sarcodec.bitstream import entropy
from sarcodec.bitstream.prior import (
    CHANNELS,
    FRACTION_BITS,
    GROUPS,
    HYPER_CELLS,
    HYPER_MAX,
    LATENT_TABLES,
    TileLatents,
)
from sarcodec.bitstream.sections import Section, check_symbols, pack_latents, unpack_latents
from sarcodec.bitstream.steps import OCTAVE, step_db
from sarcodec.bitstream.trellis import places
from sarcodec.engine import Engine
from sarcodec.lapped import BLOCK, Borders
from sarcodec.published import Model
from sarcodec.quantiser import Quantiser

CELL_PX = BLOCK
TILE_LOG2 = 9
TILE_PX = 1 << TILE_LOG2
TILE_CELLS = TILE_PX // CELL_PX
HALO_CELLS = 1
HALO_PX = HALO_CELLS * CELL_PX
EFFORTS = range(10)
SEARCHING = 1  # from this effort on symbols are searched along the trellis
BOTH_WAYS = 9  # from this effort on a band is also tried without the band that it leans on
DEFAULT_EFFORT = 6


def step_plane_value(step: int) -> np.float32:
    """What the networks are told of a step: log2(step in dB) / 4."""
    return np.float32(np.log2(step_db(step)) / 4)


class _Writing:
    """The encoder's port: chooses symbols, keeps table numbers and symbols in the order of reading."""

    def __init__(self, quantiser: Quantiser, hyper: np.ndarray, latents: np.ndarray, weight: np.ndarray):
        self.quantiser, self.hyper_symbols, self.values, self.weight = quantiser, hyper, latents, weight
        self.rows, self.symbols, self.state = [], [], 0

    def keep(self, rows, symbols):
        self.rows.append(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols.astype(np.int32).reshape(-1))

    def hyper(self, rows):
        self.keep(rows, self.hyper_symbols)
        return self.hyper_symbols

    def latents(self, rows, mean, cells, channels):
        residual = self.values[cells, channels] - mean * np.float32(2.0**-FRACTION_BITS)
        symbols, which, self.state = self.quantiser.choose(residual, rows, self.weight[channels], self.state)
        self.keep(rows + LATENT_TABLES * which, symbols)
        return places(symbols, which)


class _Reading:
    """The decoder's port."""

    def __init__(self, decoder: entropy.Decoder):
        self.decoder, self.symbols = decoder, []

    def hyper(self, rows):
        self.symbols.append(self.decoder.decode(rows.astype(np.uint16).reshape(-1)))
        return np.clip(self.symbols[-1].astype(np.int64), -HYPER_MAX, HYPER_MAX)

    def latents(self, rows, mean, cells, channels):
        symbols, which = self.decoder.decode_dependent(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols)
        return places(symbols, which).reshape(rows.shape)


@dataclass(frozen=True, eq=False)
class Known:
    """A tile as a decoder knows it: its latents, and the variances in dB^2 that the model expects to be lost of each, (cells, 1024)
    float32; None at effort 0."""

    latents: TileLatents
    lost: np.ndarray | None


@dataclass(frozen=True, eq=False)
class TileCodec:
    """The codec of tiles for one published model, at an effort of 0 to 9 (docs/format.md, 9.9). Safe for threads.

    engine: runs the hyper analysis; only encoding needs one.
    """

    model: Model
    engine: Engine | None = None
    effort: int = DEFAULT_EFFORT

    @cached_property
    def _hyper_analysis(self):
        return self.engine.open(self.model.graphs["hyper_analysis"])

    @cached_property
    def _quantiser(self) -> Quantiser:
        return Quantiser(self.model.tables, self.model.prior.centroids, greedy=self.effort < SEARCHING)

    @cached_property
    def _deviation(self) -> np.ndarray:
        return np.exp2(self.model.prior.steps.deviation / OCTAVE).astype(np.float32)

    def analyse(self, levels_db: np.ndarray, borders: Borders) -> np.ndarray:
        """Levels (576, 576) float32: a tile with 32 px around, 0 outside the scene -> latents (16, 16, 1024) in dB."""
        return self.model.transform.analyse(levels_db, borders)

    def encode(self, latents_db: np.ndarray, step: int, reference: TileLatents | None = None) -> tuple[Section, Known]:
        """Latents (rows, cols, 1024) in dB -> their section at a step index, and what a decoder will know of the tile.

        reference: the same tile of the band that this one may lean on, as it is decoded.
        """
        hyper = self._hyper_symbols(latents_db, step)
        coded = self._encode(latents_db, step, hyper, reference)
        if reference is None or self.effort < BOTH_WAYS:
            return coded
        alone = self._encode(latents_db, step, hyper, None)
        return min(coded, alone, key=lambda pair: len(pair[0].payload))

    def _encode(self, latents_db, step, hyper, reference) -> tuple[Section, Known]:
        rows, cols, _ = latents_db.shape
        steps = self.model.prior.steps.steps_db(step)
        weight = np.square(steps / np.float32(step_db(step)))
        port = _Writing(self._quantiser, hyper, latents_db.reshape(-1, CHANNELS) / steps, weight)
        lost = np.zeros((rows * cols, CHANNELS), np.float32) if self.effort >= SEARCHING else None
        latents = self.model.prior.walk(step, rows, cols, port, reference, lost)
        symbols = np.concatenate(port.symbols)
        stream = entropy.encode(self.model.tables, np.concatenate(port.rows), symbols)
        return pack_latents(symbols, stream, reference is not None), self._known(latents, lost, step)

    def _known(self, latents: np.ndarray, lost: np.ndarray | None, step: int) -> Known:
        """lost in step^2 of the channels."""
        if lost is not None:
            lost *= np.square(self.model.prior.steps.steps_db(step))
        return Known(TileLatents(_narrowed(latents), step), lost)

    def _hyper_symbols(self, latents_db: np.ndarray, step: int) -> np.ndarray:
        """Hyper symbols (n,) int64 of a tile: hyper analysis, rounded. The encoder alone runs it."""
        rows, cols, _ = latents_db.shape
        u = latents_db / self._deviation
        plane = np.full((rows, cols, 1), step_plane_value(step))
        features = np.concatenate([np.log2(1 + 4 * np.abs(u)), np.clip(u[..., : GROUPS[0]], -8, 8), plane], 2)
        grow = [(0, -n % HYPER_CELLS) for n in (rows, cols)]
        features = np.pad(features.transpose(2, 0, 1), [(0, 0), *grow]).astype(np.float32)
        z = self._hyper_analysis(features[None])[0]
        return np.clip(np.rint(z.transpose(1, 2, 0).reshape(-1)), -HYPER_MAX, HYPER_MAX).astype(np.int64)

    def decode(
        self, section: Section, step: int, rows: int, cols: int, reference: TileLatents | None = None
    ) -> TileLatents:
        """The latents of a section of a tile of rows x cols cells; reference: of the band that the section leans on.

        Raises CorruptFile when the stream or the checksum of its symbols does not hold.
        """
        return TileLatents(_narrowed(_read(self.model, section, step, rows, cols, reference)[1]), step)

    def decode_known(
        self, section: Section, step: int, rows: int, cols: int, reference: TileLatents | None = None
    ) -> Known:
        """As `decode`, with the lost variances."""
        lost = np.zeros((rows * cols, CHANNELS), np.float32)
        return self._known(_read(self.model, section, step, rows, cols, reference, lost)[1], lost, step)

    def dequantise(self, latents: TileLatents, rows: int, cols: int) -> np.ndarray:
        """Decoded latents of a tile of rows x cols cells -> (rows, cols, 1024) float32 in dB."""
        values = latents.values.astype(np.float32) * np.float32(2.0**-FRACTION_BITS)
        return (values * self.model.prior.steps.steps_db(latents.step)).reshape(rows, cols, CHANNELS)

    def synthesise(self, latents_db: np.ndarray, borders: Borders) -> np.ndarray:
        """Latents (18, 18, 1024) in dB of a tile and a cell around, 0 outside the scene -> levels (512, 512) in dB."""
        return self.model.transform.synthesise(latents_db, borders)


def _narrowed(latents: np.ndarray) -> np.ndarray:
    """The same whole numbers in 32 bits where they fit, as they do in every file that is not made up to be odd."""
    fits = np.abs(latents).max(initial=0) < 1 << 31
    return latents.astype(np.int32) if fits else latents


def symbols_of(
    model: Model, section: Section, step: int, rows: int, cols: int, reference: TileLatents | None = None
) -> np.ndarray:
    """All symbols of a section in coded order (n,) int32, their checksum tried: what must be the same everywhere."""
    return _read(model, section, step, rows, cols, reference)[0]


def _read(
    model: Model, section: Section, step: int, rows: int, cols: int, reference, lost=None
) -> tuple[np.ndarray, np.ndarray]:
    """Symbols (n,) int32 and latents (rows * cols, 1024) int64 in 1/32 step of a section, its checksum tried.

    lost: as in `Prior.walk`.
    """
    checksum, stream = unpack_latents(section)
    decoder = entropy.Decoder(model.tables, stream)
    port = _Reading(decoder)
    latents = model.prior.walk(step, rows, cols, port, reference, lost)
    decoder.finish()
    symbols = np.concatenate(port.symbols)
    check_symbols(symbols, checksum)
    return symbols, latents
