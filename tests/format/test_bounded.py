"""Levels of a bound in bytes and back: whatever the type, domain and scale, what is held keeps the bound and means something."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.format.bounded import pack_bounded, unpack_bounded
from sarcodec.format.meaningless import meaningless_pixels
from sarcodec.format.measure import Measure
from sarcodec.format.partition import within
from sarcodec.signal.radiometry import valid_mask

pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")

LINEAR = [
    (dtype, Measure(d))
    for dtype in ("uint8", "int8", "uint16", "int32", "uint32", "float32", "float64")
    for d in ("amplitude", "power")
]
SCALED = [
    ("uint8", Measure("db", 0.2, -50.0)),
    ("int16", Measure("db", 0.01)),
    ("uint16", Measure("db", -0.01, 20.0)),
    ("int32", Measure("db", 1e-4)),
    ("int8", Measure("db")),
    ("float32", Measure("db", 0.01)),
    ("float64", Measure("db")),
]


def pixels_of(dtype: str, measure: Measure, random: np.random.Generator) -> np.ndarray:
    """(30, 40): levels that radar has, and a few of any bits."""
    level = random.normal(-12, 5, (30, 40)) if measure.domain == "db" else 10 ** random.normal(1, 0.4, (30, 40))
    values = (level - measure.offset) / measure.scale
    kind = np.dtype(dtype).kind
    pixels = (
        values.astype(dtype)
        if kind == "f"
        else np.clip(np.rint(values), np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
    )
    some = random.random(pixels.shape) < 0.05
    unsigned = np.dtype(f"u{pixels.itemsize}")
    pixels[some] = random.integers(0, np.iinfo(unsigned).max, int(some.sum()), unsigned, endpoint=True).view(dtype)
    return pixels


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(LINEAR + SCALED), st.sampled_from([10, 100, 500, 3000, 20_000]), st.integers(0, 2**32 - 1),
    st.sampled_from([None, 0.0, 18.0, 1e9]), st.sampled_from([(), (20.0, 21.0), (-12.0,)]),
)  # fmt: skip
def test_what_is_held_comes_back_within_the_bound(pair, bound, seed, nodata, fills):
    dtype, plain = pair
    measure = Measure(plain.domain, plain.scale, plain.offset, nodata, fills)
    pixels = pixels_of(dtype, measure, np.random.default_rng(seed))
    valid = valid_mask(pixels, measure)
    contents, held = pack_bounded(pixels, valid, measure, bound)
    assert not (held & ~valid).any() and held.any() == bool(contents)
    if not contents:
        return
    decoded = unpack_bounded(contents, pixels.shape, dtype, measure, bound)
    assert decoded.dtype == np.dtype(dtype) and within(pixels[held], decoded[held], measure, bound).all()
    assert not np.isin(decoded[held], meaningless_pixels(decoded.dtype, measure)).any()
    assert valid_mask(decoded, measure)[held].all()


@pytest.mark.parametrize("dtype, measure", LINEAR + SCALED)
def test_usual_levels_are_held(dtype, measure):
    random = np.random.default_rng(5)
    pixels = pixels_of(dtype, measure, random)
    level = pixels.astype(float) * measure.scale + measure.offset
    usual = (level > -40) & (level < 20) if measure.domain == "db" else (level > 1) & (level < 1000)
    _, held = pack_bounded(pixels, valid_mask(pixels, measure), measure, 500)
    assert held[usual].mean() > 0.99
