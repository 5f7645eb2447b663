"""Levels in dB, and figures of them."""

import numpy as np

SIZE = 512


def db(power):
    return 10 * np.log10(np.maximum(power, 1.0))


def noise(seed, shape=(SIZE, SIZE)):
    return db(1e4 * np.random.default_rng(seed).gamma(4.4, 1 / 4.4, shape))


def everywhere(level):
    return np.ones(level.shape, bool)


def add(part, *levels, valid=None):
    part.add(levels[0], levels[1], everywhere(levels[0]) if valid is None else valid, *levels[2:])
    return part


# --- brightness -------------------------------------------------------------------------------------------------
