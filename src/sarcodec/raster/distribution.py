"""How the pixels of a band are distributed: fill values that nobody declared, quantiles, and how neighbours differ.

In: one row of pixels of a band; out: frozen figures. Knows nothing of words and decides no domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.format.meaningless import nodata_pixel

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers, Pixels

MOST_SAMPLES = 1 << 18
FILL_SHARE, FILL_SHARE_FLOAT = 0.005, 0.0005  # a float that occurs again and again among others was put there
FILL_TIMES = 20  # a fill is so many times as frequent as the next lower and the next higher value
# At an end of all values a fill is farther off than this share of them, or so many, reach, and a step or two: values next to
# clipped ones are near.
FILL_TAIL, FILL_GAP, FILL_QUANTA, FILL_GAPS = 0.01, 8, 2, 9
LEAST_FILLED, LEAST_DISTINCT, LEAST_OTHERS = 20, 16, 64
GROWTH_RUN, LEAST_CONTRAST = 16, 1.3
USUAL_FILLS = (
    -9999.0, -999.0, -99.0, -99999.0, -32768.0, -32767.0, 9999.0, 65535.0, 32767.0, 2147483647.0, -2147483648.0,
    4294967295.0, -3.4028234663852886e38, 3.4028234663852886e38, -3.4028230607370965e38, 1e20, -1e20, 1e30, -1e30, -1.7976931348623157e308,
)  # fmt: skip


@dataclass(frozen=True)
class Distribution:
    """Figures of some pixels after scale and offset. whole: all whole numbers; squares: all whole squares.

    step: median difference of neighbours; equal: the share of neighbours that are equal. growth: the power of the local mean
    with which differences grow, 1 where speckle multiplies amplitudes or power, 0 in dB; None where the scene is too even to
    tell. bend: median second difference by median first one: 1.7 in noise, little where values are a surface. count 0: all are 0.
    """

    count: int
    distinct: int = 0
    low: float = 0.0
    q001: float = 0.0
    q05: float = 0.0
    median: float = 0.0
    q95: float = 0.0
    q999: float = 0.0
    high: float = 0.0
    negative: float = 0.0
    whole: bool = False
    squares: bool = False
    step: float = 0.0
    equal: float = 0.0
    growth: float | None = None
    bend: float | None = None

    def __str__(self) -> str:
        return f"values from {self.low:.4g} to {self.high:.4g}, median {self.median:.4g}, {self.negative:.0%} below 0"


@np.errstate(over="ignore", invalid="ignore")
def describe(pixels: Pixels, valid: Bools, scale: float = 1.0, offset: float = 0.0) -> Distribution:
    """Figures of the valid ones of some pixels (n,), neighbours next to each other."""
    values = np.sort(thinned(pixels[valid])).astype(np.float64) * scale + offset  # whole numbers are quickly sorted
    if not values.size:
        return Distribution(0)
    rising = values if values[0] <= values[-1] else values[::-1]
    places = np.rint((values.size - 1) * np.array((0, 0.001, 0.05, 0.5, 0.95, 0.999, 1)))
    levels = rising[places.astype(np.int64)]
    middle = slice(max(0, pixels.size // 2 - MOST_SAMPLES // 2), pixels.size // 2 + MOST_SAMPLES // 2 + 1)
    known = valid[middle]
    some = np.where(known, pixels[middle], 0)
    some = some.astype(np.int32 if some.dtype.kind in "iu" and some.itemsize < 4 else np.float64)  # quicker
    steps = np.abs(np.diff(some))[known[1:] & known[:-1]]
    whole = bool((values == np.rint(values)).all())
    low, q001, q05, median, q95, q999, high = (float(level) for level in levels)
    return Distribution(
        count=values.size,
        distinct=1 + int(np.count_nonzero(np.diff(values))),
        low=low,
        q001=q001,
        q05=q05,
        median=median,
        q95=q95,
        q999=q999,
        high=high,
        negative=float(np.mean(values < 0)),
        whole=whole,
        squares=whole and pixels.dtype.kind == "f" and _are_squares(values, pixels.dtype),
        step=float(np.median(steps)) * abs(scale) if steps.size else 0.0,
        equal=float(np.mean(steps == 0)) if steps.size else 0.0,
        growth=_growth(some, known),
        bend=_bend(some, known),
    )


def _bend(values: Pixels, valid: Bools) -> float | None:
    first = np.diff(values)
    whole = valid[1:] & valid[:-1]
    once, twice = np.abs(first[whole]), np.abs(np.diff(first)[whole[1:] & whole[:-1]])
    middle = float(np.median(once)) if twice.size else 0.0
    return float(np.median(twice)) / middle if middle > 0 else None


def _are_squares(values: Pixels, dtype: np.dtype) -> bool:
    """Whether values (float64) are squares of whole numbers, as near as their type can hold them."""
    roots = np.rint(np.sqrt(np.abs(values)))
    return bool((values >= 0).all()) and bool(((roots**2).astype(dtype).astype(np.float64) == values).all())


def _growth(values: Pixels, valid: Bools) -> float | None:
    size = values.size // GROWTH_RUN * GROWTH_RUN
    runs = values[:size].reshape(-1, GROWTH_RUN)[valid[:size].reshape(-1, GROWTH_RUN).all(axis=1)]
    if len(runs) < 4 * GROWTH_RUN:
        return None
    middles, spreads = np.median(runs, axis=1), np.abs(np.diff(runs, axis=1)).mean(axis=1)
    ends = np.quantile(middles, (0.25, 0.75))
    (low, small), (high, large) = (
        (np.median(middles[part]), np.median(spreads[part])) for part in (middles <= ends[0], middles >= ends[1])
    )
    if min(low, small, large) <= 0 or high < LEAST_CONTRAST * low:
        return None
    return float(np.log(large / small) / np.log(high / low))


def thinned(values: Pixels) -> Pixels:
    """At most MOST_SAMPLES of some values, evenly taken."""
    return values[:: max(1, -(-values.size // MOST_SAMPLES))]


def find_fills(values: Pixels) -> tuple[float, ...]:
    """Values that mean nothing among finite pixels (n,): usual fills far from all others, and isolated spikes of the histogram."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    near = [value for value in USUAL_FILLS if low * (1 + 1e-6) <= value <= high or low <= value <= high * (1 + 1e-6)]
    pixels = (nodata_pixel(values.dtype, value) for value in near if _is_usual(value, values))
    usual = [pixel for pixel in pixels if pixel is not None]
    for pixel in usual:
        values = values[values != pixel]
    return tuple(sorted({*map(float, usual), *_spikes(thinned(values))}))


def _is_usual(value: float, values: Pixels) -> bool:
    """Whether `value` occurs, and lies beyond all other values by more than their whole range."""
    wanted = nodata_pixel(values.dtype, value)
    if wanted is None or not (values == wanted).any():
        return False
    others = values
    for fill in USUAL_FILLS:
        if (pixel := nodata_pixel(values.dtype, fill)) is not None:
            others = others[others != pixel]
    if not others.size:
        return value < 0  # a band of nothing but fill
    low, high = float(others.min()), float(others.max())
    reach = max(high - low, abs(low) / 2, abs(high) / 2)
    return value < low - reach or value > high + reach


@np.errstate(over="ignore", invalid="ignore")
def _spikes(values: Pixels) -> list[float]:
    distinct, counts = np.unique(values, return_counts=True)
    around = np.concatenate([[0], counts, [0]])
    most = np.maximum(around[:-2], around[2:])
    share = FILL_SHARE_FLOAT if values.dtype.kind == "f" else FILL_SHARE
    found = (counts >= max(share * values.size, LEAST_FILLED)) & (counts >= FILL_TIMES * most)
    rest, reached = distinct[~found].astype(np.float64), np.cumsum(counts[~found])
    if rest.size < LEAST_DISTINCT or reached[-1] < LEAST_OTHERS:
        return []
    lowest, highest = _reach(rest, reached)
    spikes = (float(value) for value in distinct[found])
    return [v for v in spikes if rest[0] < v < rest[-1] or v < lowest or v > highest]


def _reach(rest: Floats, reached: Integers) -> tuple[float, float]:
    """How far beyond the other values (ascending; counts, summed) one may lie and still be clipped."""
    tails = rest[np.searchsorted(reached, (FILL_TAIL * reached[-1], (1 - FILL_TAIL) * reached[-1]))]
    ends = rest[np.searchsorted(reached, (FILL_GAP, reached[-1] - FILL_GAP))]
    near, far = float(min(tails[0], ends[0])), float(max(tails[1], ends[1]))
    # Whole numbers that were stretched have gaps, also next to the saturated one.
    below, above = (FILL_QUANTA * float(np.median(np.diff(end))) for end in (rest[:FILL_GAPS], rest[-FILL_GAPS:]))
    lowest, highest = 2 * float(rest[0]) - near - below, 2 * float(rest[-1]) - far + above
    if rest[0] > 0:  # 1e-10 below all others is far in dB, where an error counts
        lowest = max(lowest, float(rest[0]) * (float(rest[0]) / near) / FILL_QUANTA)
    return lowest, highest


def zero_is_fill(values: Pixels) -> bool:
    """Whether exact zeros among float levels in dB (n,) are fill: more than chance puts there."""
    zeros = int(np.count_nonzero(values == 0))
    if zeros < 3 or zeros == values.size:
        return False
    others = values[values != 0]
    below, above = others[others < 0], others[others > 0]
    nearest = [
        np.count_nonzero(others == v)
        for v in (*((below.max(),) if below.size else ()), *((above.min(),) if above.size else ()))
    ]
    return bool(zeros >= FILL_TIMES * max(nearest))


def hidden_values(pixels: Pixels, masked: Bools) -> tuple[float, ...]:
    """Values of pixels (n,) that a mask hides, if few values (at most four) make up nearly all of them; NaN is one of them."""
    values = thinned(pixels[masked])
    if not values.size:
        return ()
    distinct, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts)[:4]
    chosen = order[counts[order] >= 0.05 * values.size]
    return tuple(float(v) for v in distinct[chosen]) if counts[chosen].sum() >= 0.8 * values.size else ()
