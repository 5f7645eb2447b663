"""Figures of many bands, gathered by place: mean, spread, bootstrap interval; and bits saved between two curves.

In: Records; out: frozen Spreads and Savings. A place counts once, however many bands and images it has, and the
bootstrap draws places: bands of one place are no independent witnesses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sarcodec_lab.figures.bootstrap import Figure, ratio
from sarcodec_lab.figures.bootstrap import compare as bootstrap
from sarcodec_lab.figures.curves import RateDistortion, bd_rate
from sarcodec_lab.study.comparing.records import Record

_NARROWEST = 1.02  # ratio of the ends of a window: less is no range to compare over


@dataclass(frozen=True)
class Spread:
    """Mean over places, standard deviation between them (None of one place), 95 % interval, number of places."""

    mean: float
    deviation: float | None
    low: float
    high: float
    places: int


@dataclass(frozen=True)
class Savings:
    """BD-rate of one curve against another: percent more (+) or fewer (-) bits, over `window_db` of RMSE (the ends are
    means over bands where each band has its own). `rate` is None if no band's curves overlap; `reach_db`: what the
    curves of `test` reach, ends averaged, None if there are none."""

    rate: Spread | None
    window_db: tuple[float, float] | None
    bands: int
    of_bands: int
    reach_db: tuple[float, float] | None


def spread(pairs: Iterable[tuple[str, float | None]]) -> Spread | None:
    """Of (place, value); None is left out, and comes back where nothing is left."""
    by_place = defaultdict(list)
    for place, value in pairs:
        if value is not None and np.isfinite(value):
            by_place[place].append(value)
    means = np.array([np.mean(values) for values in by_place.values()])
    if not means.size:
        return None
    # A mean as a ratio of sums, against nothing: the bootstrap that this package has.
    units = np.stack([means, np.ones_like(means)], axis=1)
    nothing = np.stack([np.zeros_like(means), np.ones_like(means)], axis=1)
    found = bootstrap(units, nothing, Figure("mean", ratio))
    deviation = float(means.std(ddof=1)) if means.size > 1 else None
    return Spread(float(means.mean()), deviation, found.low, found.high, means.size)


def savings(anchor: Sequence[Record], test: Sequence[Record], window_db: tuple[float, float] | None = None) -> Savings:
    """BD-rate of `test` against `anchor`, band by band, over `window_db` or else over what a band's two curves
    share."""
    curves = [_curves(records) for records in (anchor, test)]
    rates, windows, places = [], [], {record.key: record.place for record in test}
    for key in curves[1]:
        before, after = curves[0].get(key, ()), curves[1][key]
        window = shared_window(before, after) if window_db is None else _within(before, after, window_db)
        if window:
            rates.append((places[key], bd_rate(before, after, window)))
            windows.append(window)
    reaches = [(min(errors), max(errors)) for errors in ([p.rmse_db for p in curve] for curve in curves[1].values())]
    return Savings(spread(rates), _mean_ends(windows), len(rates), len(curves[1]), _mean_ends(reaches))


def _mean_ends(windows: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return tuple(float(end) for end in np.mean(windows, axis=0)) if windows else None


def shared_window(first: Sequence[RateDistortion], second: Sequence[RateDistortion]) -> tuple[float, float] | None:
    """RMSE in dB that both curves reach, from low to high; None where there is none to speak of."""
    if not first or not second:
        return None
    errors = [[point.rmse_db for point in curve] for curve in (first, second)]
    low, high = max(map(min, errors)), min(map(max, errors))
    return (low, high) if high > _NARROWEST * low else None


def _within(first, second, window_db: tuple[float, float]) -> tuple[float, float] | None:
    shared = shared_window(first, second)
    return window_db if shared and shared[0] <= window_db[0] and window_db[1] <= shared[1] else None


def _curves(records: Sequence[Record]) -> dict[str, list[RateDistortion]]:
    """Points of every band that get better as they get dearer: what costs more and errs more is no point of a curve."""
    by_band = defaultdict(list)
    for record in records:
        if record.measures.mse_db2 > 0:
            by_band[record.key].append(RateDistortion(record.bits_per_pixel, record.measures.mse_db2))
    return {key: _frontier(points) for key, points in by_band.items()}


def _frontier(points: Sequence[RateDistortion]) -> list[RateDistortion]:
    kept: list[RateDistortion] = []
    for point in sorted(points, key=lambda point: (point.bits_per_pixel, point.mse_db2)):
        if not kept or point.mse_db2 < kept[-1].mse_db2:
            kept.append(point)
    return kept
