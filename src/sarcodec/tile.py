"""One tile of one band, to bytes and back: analyse, quantise, choose tables, entropy-code; decode, dequantise, synthesise.

In: levels in dB less the band's offset with their halo, a step index; out: a latents section; and back. The line between the two
kinds of numbers runs here: up to `decode` everything is whole numbers, after it float32. Knows no scene and no file.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sarcodec.bitstream import entropy
from sarcodec.bitstream.container import Section, check_symbols, pack_latents, unpack_latents
from sarcodec.bitstream.prior import CHANNELS, FRACTION_BITS, GROUPS, HYPER_CELLS, HYPER_MAX, LATENT_TABLES
from sarcodec.bitstream.steps import OCTAVE, step_db
from sarcodec.bitstream.trellis import places
from sarcodec.engine import Engine
from sarcodec.published import Model
from sarcodec.quantiser import Quantiser

CELL_PX = 32
TILE_LOG2 = 9
TILE_PX = 1 << TILE_LOG2
TILE_CELLS = TILE_PX // CELL_PX
ANALYSIS_HALO_PX = 32
SYNTHESIS_HALO_CELLS = 2
LEVEL_SCALE_DB = np.float32(10)


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
    """A tile as a decoder knows it: latents in dB, and the variances in dB^2 that the model expects to be lost of each, both
    (rows, cols, 1024) float32."""

    latents: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True, eq=False)
class TileCodec:
    """The codec of tiles for one published model on one engine. Safe for threads."""

    model: Model
    engine: Engine

    @cached_property
    def _analysis(self):
        return self.engine.open(self.model.graphs["analysis"])

    @cached_property
    def _hyper_analysis(self):
        return self.engine.open(self.model.graphs["hyper_analysis"])

    @cached_property
    def _synthesis(self):
        return self.engine.open(self.model.graphs["synthesis"])

    @cached_property
    def _quantiser(self) -> Quantiser:
        return Quantiser(self.model.tables, self.model.prior.centroids)

    @cached_property
    def _deviation(self) -> np.ndarray:
        return np.exp2(self.model.prior.steps.deviation / OCTAVE).astype(np.float32)

    def analyse(self, levels_db: np.ndarray) -> np.ndarray:
        """Levels (576, 576) float32: a tile with 32 px around, 0 outside the scene -> latents (16, 16, 1024) in dB."""
        branch = self._analysis((levels_db / LEVEL_SCALE_DB)[None, None])[0]
        inner = levels_db[ANALYSIS_HALO_PX:-ANALYSIS_HALO_PX, ANALYSIS_HALO_PX:-ANALYSIS_HALO_PX]
        blocks = inner.reshape(TILE_CELLS, CELL_PX, TILE_CELLS, CELL_PX).transpose(0, 2, 1, 3).reshape(-1, CHANNELS)
        linear = (blocks @ self.model.linear_analysis.T).reshape(TILE_CELLS, TILE_CELLS, CHANNELS)
        return linear + branch.transpose(1, 2, 0) * self._deviation

    def encode(self, latents_db: np.ndarray, step: int) -> Section:
        """Latents (rows, cols, 1024) in dB -> their section at a step index."""
        return self.encode_known(latents_db, step)[0]

    def encode_known(self, latents_db: np.ndarray, step: int) -> tuple[Section, Known]:
        """As `encode`, and what a decoder will know of the tile."""
        rows, cols, _ = latents_db.shape
        steps = self.model.prior.steps.steps_db(step)
        weight = np.square(steps / np.float32(step_db(step)))
        port = _Writing(
            self._quantiser, self._hyper_symbols(latents_db, step), latents_db.reshape(-1, CHANNELS) / steps, weight
        )
        lost = np.zeros((rows * cols, CHANNELS), np.float32)
        latents = self.model.prior.walk(step, rows, cols, port, lost)
        symbols = np.concatenate(port.symbols)
        section = pack_latents(symbols, entropy.encode(self.model.tables, np.concatenate(port.rows), symbols))
        return section, self._known(latents, lost, steps, rows, cols)

    @staticmethod
    def _known(latents: np.ndarray, lost: np.ndarray, steps: np.ndarray, rows: int, cols: int) -> Known:
        """Latents in 1/32 step and lost variances in step^2 -> both in dB."""
        values = latents.astype(np.float32) * np.float32(2.0**-FRACTION_BITS)
        return Known((values * steps).reshape(rows, cols, CHANNELS), (lost * np.square(steps)).reshape(rows, cols, CHANNELS))

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

    def decode(self, section: Section, step: int, rows: int, cols: int) -> np.ndarray:
        """A latents section of a tile of rows x cols cells -> latents (rows, cols, 1024) float32 in dB.

        Raises CorruptFile when the stream or the checksum of its symbols does not hold.
        """
        return self.decode_known(section, step, rows, cols).latents

    def decode_known(self, section: Section, step: int, rows: int, cols: int) -> Known:
        """As `decode`, with the lost variances."""
        lost = np.zeros((rows * cols, CHANNELS), np.float32)
        latents = _read(self.model, section, step, rows, cols, lost)[1]
        return self._known(latents, lost, self.model.prior.steps.steps_db(step), rows, cols)

    def synthesise(self, latents_db: np.ndarray, step_plane: np.ndarray) -> np.ndarray:
        """Latents (20, 20, 1024) of a tile and 2 cells around, 0 outside the scene, and the step plane (20, 20) -> (512, 512) dB."""
        scaled = np.concatenate([latents_db / self._deviation, step_plane[..., None]], 2)
        branch = self._synthesis(np.ascontiguousarray(scaled.transpose(2, 0, 1))[None])[0, 0]
        return self.linear(latents_db) + branch * LEVEL_SCALE_DB

    def linear(self, latents_db: np.ndarray) -> np.ndarray:
        """The linear part of the synthesis alone, (20, 20, 1024) -> (512, 512) dB: all but a few hundredths of a dB."""
        halo = SYNTHESIS_HALO_CELLS
        inner = latents_db[halo:-halo, halo:-halo].reshape(-1, CHANNELS)
        blocks = (inner @ self.model.linear_synthesis.T).reshape(TILE_CELLS, TILE_CELLS, CELL_PX, CELL_PX)
        return blocks.transpose(0, 2, 1, 3).reshape(TILE_PX, TILE_PX)


def symbols_of(model: Model, section: Section, step: int, rows: int, cols: int) -> np.ndarray:
    """All symbols of a section in coded order (n,) int32, their checksum tried: what must be the same everywhere."""
    return _read(model, section, step, rows, cols)[0]


def _read(model: Model, section: Section, step: int, rows: int, cols: int, lost=None) -> tuple[np.ndarray, np.ndarray]:
    """Symbols (n,) int32 and latents (rows * cols, 1024) int64 in 1/32 step of a section, its checksum tried.

    lost: as in `Prior.walk`.
    """
    checksum, stream = unpack_latents(section)
    decoder = entropy.Decoder(model.tables, stream)
    port = _Reading(decoder)
    latents = model.prior.walk(step, rows, cols, port, lost)
    decoder.finish()
    symbols = np.concatenate(port.symbols)
    check_symbols(symbols, checksum)
    return symbols, latents
