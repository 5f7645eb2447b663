"""Entropy tables and centroids of a model, from what its encoder makes of training patches.

In: a trained network, its integer prior and patches; out: frozen tables, and where in its cell each symbol stands.
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from sarcodec.encoding.quantiser import Quantiser
from sarcodec.entropy.prior import (
    CENTROIDS,
    ERROR_UNITS,
    ERRORS_MAX,
    FRACTION_BITS,
    GROUPS,
    HYPER_MAX,
    LATENT_TABLES,
    OCTAVE_CLASSES,
    SCALE_LEVELS,
    Prior,
    TileLatents,
)
from sarcodec.entropy.step_index import step_db
from sarcodec.entropy.tables import FrozenTables, from_weights, gaussian_weights
from sarcodec.entropy.trellis import HALF_STEP, places
from sarcodec.entropy.walk import walk
from sarcodec_lab.networks.dct_codec import DctCodec, drawn_in
from sarcodec_lab.networks.steps import interpolate, log2_step
from sarcodec_lab.train.patches import PatchSource

PSEUDO_COUNTS = 60.0
ERROR_PSEUDO_COUNTS = 10.0
HALF = HALF_STEP / 2**FRACTION_BITS
REACH = 127


@dataclass(frozen=True)
class TableShape:
    """What a table is before it is counted: the Gaussian it starts from, raw bits, radius; or that it codes 0 only."""

    sigma: float
    shift: int
    radius: int
    skipped: bool = False


def shape_of(sigma: float, skipped: bool = False) -> TableShape:
    """Raw low bits so that the coded part has a deviation of at most 8, and a radius of six deviations."""
    shift = max(0, int(np.ceil(np.log2(sigma))) - 3)
    return TableShape(sigma, shift, int(np.clip(np.ceil(6 * sigma / 2**shift) + 1, 1, REACH)), skipped)


def table_shapes(model: DctCodec) -> list[TableShape]:
    """Latent rows by quantiser, group and level (level 0 skipped: below 2^-4 step), then hyper rows by channel, octave.

    A symbol of either quantiser spans two half steps.
    """
    level = [shape_of(2.0 ** (-4 + (n - 0.5) / 4) / (2 * HALF), skipped=n == 0) for n in range(SCALE_LEVELS)]
    middle = torch.arange(OCTAVE_CLASSES) * 64 + 32
    scales = torch.exp2(interpolate(model.z_log2_scale.detach(), middle)).clamp(0.1, 64).T.reshape(-1)
    return level * (2 * len(GROUPS)) + [shape_of(max(1.0, float(s))) for s in scales]


@dataclass(frozen=True)
class Tally:
    """What was coded.

    counts (tables, 257): symbols, with escapes at both ends. seen, inwards (256, 8): how often a value had a place
    of that size, and the sum of how far inside of it the values lay, in steps. squares (256, 8): the sum of the squares of
    that; for place 0, of the values themselves, and where the table skips those in typical deviations instead of steps.
    """

    counts: np.ndarray
    seen: np.ndarray
    inwards: np.ndarray
    squares: np.ndarray


@dataclass(eq=False)
class _Counting:
    """A port that chooses symbols as the encoder does and keeps the tally.

    hyper: symbols (n,); values (cells, 1024) in channel steps; weight (1024,): (channel step / step)^2; ratio (1024,):
    channel step / typical deviation.
    """

    quantiser: Quantiser
    symbols: np.ndarray
    values: np.ndarray
    weight: np.ndarray
    ratio: np.ndarray
    tally: Tally
    state: list[int] = field(default_factory=lambda: [0, 0])  # of the trellis, in group 0 and in the others

    def count(self, rows: np.ndarray, symbols: np.ndarray) -> None:
        place = np.clip(symbols >> self.quantiser.tables.shift[rows], -REACH - 1, REACH + 1) + REACH + 1
        np.add.at(self.tally.counts, (rows.reshape(-1), place.reshape(-1)), 1)

    def hyper(self, rows: np.ndarray) -> np.ndarray:
        self.count(rows, self.symbols)
        return self.symbols

    def latents(self, rows: np.ndarray, mean: np.ndarray, cells: np.ndarray, channels: slice) -> np.ndarray:
        residual = self.values[cells, channels] - mean * np.float32(2.0**-FRACTION_BITS)
        stream = int(channels.start >= GROUPS[0])
        symbols, which, self.state[stream] = self.quantiser.choose(
            residual, rows, self.weight[channels], self.state[stream]
        )
        self.count(rows + LATENT_TABLES * which, symbols)
        stand = places(symbols, which)
        place = rows.reshape(-1), np.minimum(np.abs(stand), CENTROIDS - 1).reshape(-1)
        np.add.at(self.tally.seen, place, 1)
        np.add.at(self.tally.inwards, place, (np.abs(stand) * HALF - residual * np.sign(stand)).reshape(-1))
        off = np.where(stand == 0, residual, np.abs(stand) * HALF - residual * np.sign(stand))
        off = np.where(self.quantiser.tables.skip[rows], off * self.ratio[channels], off)
        np.add.at(self.tally.squares, place, np.square(off, dtype=np.float64).reshape(-1))
        return stand


@torch.no_grad()
def count_symbols(
    model: DctCodec,
    prior: Prior,
    source: PatchSource,
    shapes: list[TableShape],
    batches: int,
    tables: FrozenTables | None = None,
) -> Tally:
    """The tally of what an encoder with these tables (None: Gaussian ones) codes of training patches."""
    tally = Tally(
        np.zeros((len(shapes), 2 * REACH + 3)),
        *(np.zeros((LATENT_TABLES, CENTROIDS)) for _ in range(3)),
    )
    quantiser = Quantiser(tables or tables_from_counts(tally.counts, shapes), prior.centroids)
    deviation = model.deviation.view(1, -1, 1, 1)
    for _ in range(batches):
        batch = source.batch()
        y = model.transform(batch.levels, batch.inner)
        plane = (log2_step(batch.steps) / 4).float().view(-1, 1, 1, 1).expand(-1, 1, *y.shape[-2:])
        z = model.hyper_analysis(y / deviation, plane).round().clamp(-HYPER_MAX, HYPER_MAX)
        walked, half = [], len(y) // 2
        for number, (one, hyper, step) in enumerate(zip(y.numpy(), z.numpy(), batch.steps.tolist())):
            leans = number >= half and batch.paired[number - half] > 0
            rows, cols = one.shape[1:]
            steps = prior.steps.steps_db(step)
            values = one.transpose(1, 2, 0).reshape(rows * cols, -1) / steps
            weight, ratio = np.square(steps / np.float32(step_db(step))), steps / model.deviation.numpy()
            symbols = hyper.transpose(1, 2, 0).reshape(-1).astype(np.int64)
            port = _Counting(quantiser, symbols, values, weight, ratio, tally)
            latents = walk(prior, step, rows, cols, port, walked[number - half] if leans else None)
            walked.append(TileLatents(latents, step))
    return tally


def gaussian_centroids() -> np.ndarray:
    """Where the first fitting begins, (256, 8) in 1/32 step: places drawn in as Gaussian symbols of 1.3 steps are."""
    level = torch.arange(LATENT_TABLES) % SCALE_LEVELS
    place = torch.arange(CENTROIDS).float()[None].expand(LATENT_TABLES, -1)
    inwards = place - drawn_in(place, ((level - 0.5) / 4 - 4)[:, None])
    return np.rint(inwards.numpy() * HALF / 2 * 2**FRACTION_BITS).astype(np.uint8)


def fitted_centroids(tally: Tally, start: np.ndarray) -> np.ndarray:
    """Mean place of what was coded, with a few pseudo-counts of the start: (256, 8) in 1/32 step."""
    scale = 2**FRACTION_BITS
    mean = (tally.inwards * scale + PSEUDO_COUNTS * start) / (tally.seen + PSEUDO_COUNTS)
    mean[:, 0] = 0
    return np.clip(np.rint(mean), 0, scale).astype(np.uint8)


def expected_errors(tally: Tally, centroids: np.ndarray) -> np.ndarray:
    """Mean squared error of a latent by table and place, (256, 8) in 1/65536 step^2, where tables skip deviation^2.

    A few pseudo-counts hold what was hardly ever seen to a uniform error, for places other than 0, or the level's variance.
    """
    inwards = centroids / 2**FRACTION_BITS
    total = tally.squares - 2 * inwards * tally.inwards + inwards**2 * tally.seen
    start = np.full(total.shape, 1.3 / 12)
    level = np.arange(LATENT_TABLES) % SCALE_LEVELS
    start[:, 0] = np.where(level == 0, 1.0, np.minimum(np.exp2(2 * ((level - 0.5) / 4 - 4)), 1.3 / 12))
    mean = (total + ERROR_PSEUDO_COUNTS * start) / (tally.seen + ERROR_PSEUDO_COUNTS)
    return np.clip(np.rint(mean * ERROR_UNITS), 0, ERRORS_MAX).astype(np.int64)


def tables_from_counts(counts: np.ndarray, shapes: list[TableShape]) -> FrozenTables:
    """Frozen tables: counts (latents' made symmetric) plus a few pseudo-counts of the Gaussian that the level names."""
    weights = []
    for row, (count, shape) in enumerate(zip(counts, shapes)):
        if row < 2 * LATENT_TABLES and shape.shift == 0:
            count = (count + count[::-1]) / 2
        middle, radius = REACH + 1, shape.radius
        inside = count[middle - radius : middle + radius + 1]
        observed = np.append(inside, count.sum() - inside.sum())
        weights.append(observed + PSEUDO_COUNTS * gaussian_weights(shape.sigma, radius, shape.shift) + 1e-3)
    return from_weights(weights, np.array([s.shift for s in shapes]), np.array([s.skipped for s in shapes]))
