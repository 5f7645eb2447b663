"""The walk over a tile's symbols once more, in int64 alone and without a trick: slow, and what the fast one must equal.

Reads the weights of a `Prior` and nothing else of it: sums, shifts, neighbourhoods and the order of passes are written anew.
"""

import numpy as np

GROUPS = ((0, 16), (16, 96), (96, 384), (384, 1024))
POOLS = (1, 1, 2, 16)
POOL_SHIFTS = (0, 0, 4, 7)


def whole(array: np.ndarray) -> np.ndarray:
    """float32 whole numbers as int64."""
    return np.asarray(array).astype(np.int64)


def shifted(total: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """floor(total / 2^k + 1/2) by an arithmetic shift."""
    k = whole(exponent)
    return (total + (1 << k - 1)) >> k


def layer(found, x: np.ndarray) -> np.ndarray:
    """A layer's activations, 0..255."""
    return np.clip(shifted(x @ whole(found.weight) + whole(found.bias), found.exponent), 0, 255)


def around(x: np.ndarray) -> np.ndarray:
    """(rows, cols, c) -> (rows, cols, 9 c): each cell's 3x3 neighbourhood, row by row, 0 outside."""
    rows, cols, _ = x.shape
    grown = np.zeros((rows + 2, cols + 2, x.shape[2]), np.int64)
    grown[1:-1, 1:-1] = x
    return np.concatenate([grown[i : i + rows, j : j + cols] for i in range(3) for j in range(3)], 2)


def knots(table: np.ndarray, step: int) -> np.ndarray:
    """Linear between knots 64 steps apart, rounded down."""
    low, part = step // 64, step % 64
    table = whole(table)
    return (table[..., low] * (64 - part) + table[..., low + 1] * part) // 64


def side_features(prior, z: np.ndarray) -> np.ndarray:
    """Hyper symbols (rows, cols, 24) -> (2 rows, 2 cols, 128)."""
    x = layer(prior.hyper.first, z)
    rows, cols, channels = x.shape
    up = np.zeros((2 * rows, 2 * cols, channels // 4), np.int64)
    for place in range(4):
        up[place // 2 :: 2, place % 2 :: 2] = x[:, :, place::4]
    return layer(prior.hyper.third, layer(prior.hyper.second, around(up)))


def power(prior, exponent: int, bits: int) -> int:
    """floor of the table's 2 ** (exponent / 1024 + bits); Python integers of any size."""
    mantissa, shift = int(prior.steps.powers[exponent % 1024]), exponent // 1024 + bits - 20
    return mantissa << shift if shift >= 0 else mantissa >> -shift


class Factors:
    """What a step changes: one number a channel each."""

    def __init__(self, prior, step: int):
        ratio = whole(prior.steps.deviation) - (16 * step - 4096 + knots(prior.steps.offsets, step))
        self.ratio = ratio
        self.mean = np.array([power(prior, int(r), 15) for r in ratio], np.int64)
        self.feature = np.array([power(prior, -int(r), 18) for r in ratio], np.int64)


def features(prior, factors: Factors, latents: np.ndarray, group: int) -> np.ndarray:
    """Features (rows, cols, c) of one group's latents."""
    begin, end = GROUPS[group]
    magnitude = np.abs(latents) * factors.feature[begin:end] // 65536
    size = whole(prior.companding)[np.minimum(magnitude, len(prior.companding) - 1)]
    if group < 2:
        return np.concatenate([np.sign(latents) * np.minimum((20 * magnitude + 64) // 128, 127), size], 2)
    pooled = size.reshape(*size.shape[:2], -1, POOLS[group]).sum(3)
    return 10 * pooled // (1 << POOL_SHIFTS[group])


class Leaning:
    """What a reference adds: `totals` (rows, cols, width) to the sums, of its first group and of all, and its `latents` in this band's steps."""

    def __init__(self, prior, step: int, rows: int, cols: int, reference):
        theirs = np.clip(whole(reference.values), -(1 << 30), 1 << 30).reshape(rows, cols, 1024)
        factors, self.totals = Factors(prior, reference.step), [0]
        for group, (begin, end) in enumerate(GROUPS):
            seen = features(prior, factors, theirs[:, :, begin:end], group)
            said = (around(seen) if group < 2 else seen) @ whole(prior.accumulator.references[group])
            self.totals.append(self.totals[-1] + said)
        log_ratio = Factors(prior, step).ratio - factors.ratio
        ratio = [power(prior, int(r), 16) for r in log_ratio]
        scaled = np.array(
            [[int(y) * f >> 16 for y, f in zip(cell, ratio)] for cell in theirs.reshape(-1, 1024)], object
        )
        self.latents = np.clip(scaled, -(1 << 30), 1 << 30).astype(np.int64)


def walk(prior, step: int, rows: int, cols: int, port, reference=None) -> np.ndarray:
    """As `sarcodec.entropy.walk.walk`: (rows * cols, 1024) in 1/32 step."""
    grid = (rows + 1) // 2, (cols + 1) // 2
    tables = np.array(
        [512 + 10 * channel + min(step // 64, 9) for _ in range(grid[0] * grid[1]) for channel in range(24)]
    )
    side = side_features(prior, whole(port.hyper(tables)).reshape(*grid, 24))[:rows, :cols]
    weights = prior.accumulator
    from_side, from_groups = side @ whole(weights.side), np.zeros((rows, cols, len(weights.exponent)), np.int64)
    factors, latents = Factors(prior, step), np.zeros((rows, cols, 1024), np.int64)
    leaning = None if reference is None else Leaning(prior, step, rows, cols, reference)
    colour = np.add.outer(np.arange(rows), np.arange(cols)) % 2
    for group, (begin, end) in enumerate(GROUPS):
        for half in range(2):
            chosen = colour == half
            if not chosen.any():
                continue
            part = around(features(prior, factors, latents[:, :, begin:end], group))[chosen]
            leant = 0 if leaning is None else leaning.totals[1 if group == 0 else -1]
            seen = (from_side + from_groups + leant)[chosen] + part @ whole(weights.groups[group])
            number = 2 * group + half
            x = np.clip(shifted(seen + knots(weights.bias[number], step), weights.exponent), 0, 255)
            cells = np.flatnonzero(chosen.reshape(-1))
            latents[chosen, begin:end] = _pass(prior, factors, group, number, x, cells, port, leaning)
        if group < 3:
            from_groups += around(features(prior, factors, latents[:, :, begin:end], group)) @ whole(
                weights.groups[group]
            )
    return latents.reshape(rows * cols, 1024)


def _pass(prior, factors: Factors, group: int, number: int, x, cells: np.ndarray, port, leaning) -> np.ndarray:
    begin, end = GROUPS[group]
    hidden = layer(prior.hidden[number], x)
    said = lambda found: shifted(hidden @ whole(found.weight) + whole(found.bias), found.exponent)
    out = said(prior.head[number])
    mean = (out[:, : end - begin] * factors.mean[begin:end] + 32768) // 65536
    if leaning is not None:
        mean += (said(prior.gain[number]) * leaning.latents[cells, begin:end] + 32) // 64
    mean = np.clip(mean, -(1 << 30), 1 << 30)
    level = (out[:, end - begin :] + factors.ratio[begin:end] // 16 + 256) // 16
    tables = np.clip(level + 1, 0, 63) + 64 * group
    places = whole(port.latents(tables, mean, cells, slice(begin, end)))
    inwards = whole(prior.centroids)[tables, np.minimum(np.abs(places), 7)]
    return np.clip(21 * places - np.sign(places) * inwards + mean, -(1 << 30), 1 << 30)
