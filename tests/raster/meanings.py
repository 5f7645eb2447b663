"""Bands of every kind, and what they are taken for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sarcodec.errors import UnsupportedScene
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.meaning import scene_meaning

DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
NAN = float("nan")
ROWS, COLS = 120, 200
LOWEST = float(np.finfo(np.float32).min)


def speckle(mean: float, seed: int = 1, looks: float = 4.4, rows: int = ROWS) -> np.ndarray:
    """Power (rows, cols) on three grounds 6 dB apart, float64."""
    ground = np.repeat([0.5, 1.0, 2.0], -(-COLS // 3))[:COLS]
    return np.random.default_rng(seed).gamma(looks, mean / looks, (rows, COLS)) * ground


def power(seed: int = 1) -> np.ndarray:
    return speckle(0.05, seed).astype(np.float32)


def db(seed: int = 1) -> np.ndarray:
    return (10 * np.log10(speckle(0.05, seed))).astype(np.float32)


def dn(seed: int = 1, dtype: str = "uint16", mean: float = 200) -> np.ndarray:
    return np.clip(np.rint(mean * np.sqrt(speckle(1, seed))), 1, np.iinfo(dtype).max).astype(dtype)


def scaled_db(dtype: str, scale: float, offset: float) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.clip(np.rint((db() - offset) / scale), limits.min, limits.max).astype(dtype)


def framed(pixels: np.ndarray, fill: float) -> np.ndarray:
    pixels = pixels.copy()
    pixels[:, :20] = fill
    return pixels


def angle(seed: int = 0) -> np.ndarray:
    return np.linspace(29.1, 45.9, COLS, dtype=np.float32)[None] + np.linspace(0, 0.3, ROWS, dtype=np.float32)[:, None]


def meaning_of(*bands: np.ndarray, domain: str = "auto", exact=None, masked=None, **facts):
    rows, cols = bands[0].shape
    info = SceneInfo(rows, cols, len(bands), bands[0].dtype.name, **facts)
    masks = [None if masked is None else masked.reshape(-1)] * len(bands)
    return scene_meaning(info, [band.reshape(-1) for band in bands], masks, domain, exact)


def domain_of(pixels: np.ndarray, **facts) -> str:
    (found,) = meaning_of(pixels, **facts)
    return found.measure.domain if found.measure else "exact"


@dataclass(frozen=True)
class Case:
    """Pixels of a known domain, and what may be answered beside a refusal."""

    name: str
    answers: set[str]
    pixels: np.ndarray
    facts: dict = field(default_factory=dict)


WORDS = (
    {"tags": (("", (("PRODUCT", "S1A_IW_GRDH_1SDV_20230115T170635_20230115T170700_046804_06DB77_1A2F"),)),)},
    {"tags": (("", (("TIFFTAG_IMAGEDESCRIPTION", "Sentinel-1 scene 4711, exported from the catalogue DB"),)),)},
    {"tags": (("", (("DESCRIPTION", "sigma0 (not in dB)"),)),)},
    {
        "tags": (
            (
                "",
                (("OUTPUT_BACKSCATTER_DECIBEL_CONVERSION_EQUATION", "backscatter_dB = 10*log10(backscatter_linear)"),),
            ),
        )
    },
    {"tags": (("", (("UNITS", "not dB"),)),)},
    {"descriptions": ("apply 10*log10(x) to get dB",)},
    {"descriptions": ("power",)},
    {"descriptions": ("VV_db",)},
    {"descriptions": ("Sigma0_VV",)},
    {"units": ("dB",)},
    {"units": ("amplitude",)},
    {"tags": (("", (("SCALE", "POWER"),)),)},
    {"tags": (("", (("SCALE", "DECIBEL"), ("RADIOMETRY", "GAMMA0"))),)},
)


SCALED = (
    ("uint16", 0.01, -50.0),
    ("int16", 0.01, 0.0),
    ("uint8", 0.2, -50.0),
    ("uint8", -0.2, 5.0),
    ("int32", 1e-4, 0.0),
)


def cases(amplitude: np.ndarray) -> Iterator[Case]:
    """Of amplitudes (rows, cols), 0 invalid: on every scale, with every fill and every word."""
    valid = amplitude > 0
    level = amplitude.astype(float) / np.median(amplitude[valid])
    linear = 0.05 * level**2
    with np.errstate(divide="ignore"):
        decibel = np.where(valid, 10 * np.log10(linear), NAN)
    for word in ({}, *WORDS):
        # Declared amplitude, in values that amplitudes of another calibration may have: that is what they are.
        said = {"amplitude"} if word.get("units") == ("amplitude",) else {"power"}
        yield Case("power", said, linear.astype(np.float32), word)
        yield Case("power in double", said, linear, word)
        yield Case("dB", {"db"}, decibel.astype(np.float32), word)
        yield Case("power less noise", said, np.where(valid, linear - 0.005, 0).astype(np.float32), word)
    for fill in (-1, -2, -30, -99, -999, -9999, -32768, LOWEST, 0, NAN):
        yield Case(f"power with {fill}", {"power"}, framed(linear.astype(np.float32), fill))
        yield Case(
            f"dB with {fill}", {"db"}, framed(decibel.astype(np.float32), fill if fill not in (-1, -2, -30) else 0)
        )
    yield Case("DN", {"amplitude"}, amplitude)
    yield Case("DN in float", {"amplitude"}, amplitude.astype(np.float32))
    yield Case("DN resampled", {"amplitude"}, (1.0137 * amplitude).astype(np.float32))
    yield Case("squares of DN", {"power"}, amplitude.astype(np.float32) ** 2)
    yield Case("DN in float, called dB", set(), amplitude.astype(np.float32) + np.float32(300), {"units": ("dB",)})
    yield Case("dB of DN", {"db"}, (20 * np.log10(np.maximum(amplitude, 1))).astype(np.float32))
    yield Case(
        "dB of DN, named",
        {"db"},
        (20 * np.log10(np.maximum(amplitude, 1))).astype(np.float32),
        {"units": ("amplitude_db",)},
    )
    for dtype, scale, offset in SCALED:
        limits = np.iinfo(dtype)
        pixels = np.clip(np.rint((np.nan_to_num(decibel, nan=-45) - offset) / scale), limits.min, limits.max).astype(
            dtype
        )
        declared = {"scales": (scale,), "offsets": (offset,)}
        yield Case(f"scaled {dtype}", {"db"}, pixels, declared | {"units": ("dB",)})
        yield Case(f"scaled {dtype}, no unit", {"db"}, pixels, declared)
        yield Case(f"scaled {dtype}, no scale", {"db"}, pixels, {"units": ("dB",)})


def outcome(case: Case) -> str:
    try:
        found = domain_of(case.pixels, **case.facts)
    except UnsupportedScene as error:
        assert "band 1" in str(error) and "--domain" in str(error), error
        return "refused"
    return "right" if found in case.answers else f"{case.name} with {case.facts} is taken for {found}"
