"""Random scenes with everything that a bound must survive, and the count of pixels that break a promise."""

from dataclasses import dataclass

import numpy as np

from sarcodec.measure import Measure

KINDS = (
    ("uint8", "amplitude"),
    ("uint16", "amplitude"),
    ("int16", "amplitude"),
    ("uint16", "power"),
    ("float32", "amplitude"),
    ("float32", "power"),
    ("float32", "db"),
)
BOUNDS = (0, 10, 34, 100, 500, 1000, 3000, 20000)
SHAPES = ((1, 1), (1, 9), (7, 1), (5, 6), (33, 40), (64, 64))


@dataclass(frozen=True, eq=False)
class FuzzedScene:
    """Pixels (bands, rows, cols) of a domain, their nodata, and the bound to keep in 1/1000 dB (0: lossless)."""

    pixels: np.ndarray
    domain: str
    nodata: float | None
    bound: int

    def violations(self, decoded: np.ndarray, valid_mask, within) -> int:
        """How many pixels did not come back as promised: valid ones within the bound and valid, the others bit for bit."""
        before = self.pixels
        same = before.view(f"u{before.itemsize}") == decoded.view(f"u{before.itemsize}")
        if self.bound:
            measure = Measure(self.domain, nodata=self.nodata)
            valid = valid_mask(before, measure) & valid_mask(decoded, measure)
            same |= valid & within(before, decoded, measure, self.bound)
        return int((~same).sum())


def fuzzed_scene(seed: int) -> FuzzedScene:
    """The scene of a number: speckle, a constant, any bits, or extremes, with invalid pixels of all kinds or nothing else."""
    random = np.random.default_rng(seed)
    dtype, domain = KINDS[seed % len(KINDS)]
    shape = (int(random.integers(1, 3)), *SHAPES[random.integers(len(SHAPES))])
    nodata = random.choice(_nodata(dtype, domain))
    pixels = _pixels(random, dtype, domain, shape)
    share = random.choice([0, 0, 0.02, 0.5, 1])
    marks = np.array(_invalid(dtype, domain, nodata), dtype)
    if marks.size:
        where = random.random(shape) < share
        pixels[where] = random.choice(marks, int(where.sum()))
    return FuzzedScene(pixels, domain, nodata, int(random.choice(BOUNDS)))


def _nodata(dtype: str, domain: str) -> list:
    if dtype == "float32":
        return [None, np.nan, -9999.0, 0.0, 1.0]
    return [None, 0.0, 18.0, float(np.iinfo(dtype).max)]


def _pixels(random: np.random.Generator, dtype: str, domain: str, shape: tuple) -> np.ndarray:
    """Mostly valid pixels."""
    unsigned = f"u{np.dtype(dtype).itemsize}"
    kind = random.integers(4)
    if kind == 0:
        return random.integers(0, np.iinfo(unsigned).max, shape, unsigned, endpoint=True).view(dtype)
    speckle = random.gamma(4, 10.0 ** random.uniform(-2, 4), shape)
    speckle = 10 * np.log10(speckle + 1e-9) if domain == "db" else speckle
    limits = np.finfo(dtype) if dtype == "float32" else np.iinfo(dtype)
    pixels = np.clip(speckle, -1000 if domain == "db" else 1e-30, limits.max).astype(dtype)
    if dtype != "float32":
        pixels = np.maximum(pixels, 1)
    if kind == 1:
        pixels[...] = pixels.flat[0]
    if kind == 2:
        extremes = [1, limits.max, limits.max - 1 if dtype != "float32" else 2.0**-149]
        where = random.random(shape) < 0.2
        pixels[where] = random.choice(np.array(extremes, dtype), int(where.sum()))
    return pixels


def _invalid(dtype: str, domain: str, nodata: float | None) -> list:
    marks = [] if nodata is None else [nodata]
    if dtype == "float32":
        marks += [np.nan, np.inf, -np.inf] + ([] if domain == "db" else [0.0, -0.0, -3.5])
    else:
        marks += [0] + ([-5, -32768] if dtype == "int16" else [])
    return marks
