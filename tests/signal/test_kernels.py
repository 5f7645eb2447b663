"""libsarcodec and its twins in NumPy say the same, at every level that this processor has."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.models import published
from sarcodec.native import library
from sarcodec.signal.filling import fill_invalid, filled
from sarcodec.signal.lapped import NEIGHBOURS, Borders, Cells, LappedTransform, alone, facing
from sarcodec.signal.radiometry import Measure, normalise, normalised, restore, restored

HERE = library.LEVELS[: library.LEVELS.index(library.level()) + 1] if library.level() else ()
ROTATION = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 32)))[0].astype(np.float32)
TRANSFORMS = {"any": LappedTransform(ROTATION), "shipped": published.load().transform}


@pytest.fixture(autouse=True, params=[*HERE, "off"])
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    """Calls go to this level's functions."""
    before = os.environ.get("SARCODEC_NATIVE")
    os.environ["SARCODEC_NATIVE"] = request.param
    library.level.cache_clear()
    yield request.param
    if before is None:
        del os.environ["SARCODEC_NATIVE"]
    else:
        os.environ["SARCODEC_NATIVE"] = before
    library.level.cache_clear()


def test_the_level_is_the_one_that_was_asked_for(level):
    assert library.level() == (None if level == "off" else level)


def tile(rows: int, cols: int, rng: np.random.Generator) -> tuple[list[Cells | None], Borders, np.ndarray]:
    """Cells of every type and their neighbours, three of which are missing; borders by chance; all of it in dB."""
    around, whole = [], np.zeros((rows + 2, cols + 2, 1024), np.float32)
    for n, place in enumerate(NEIGHBOURS):
        if n in (0, 5, 7):
            around.append(None)
            continue
        values = rng.normal(0, 2000, (rows, cols, 1024)).astype(("int16", "int32", "float32")[n % 3])
        cells = Cells(facing(values, *place), np.exp(rng.normal(-5, 1, 1024)).astype(np.float32))
        places = [{-1: slice(0, 1), 0: slice(1, -1), 1: slice(-1, None)}[d] for d in place]
        whole[places[0], places[1]] = cells.values * cells.unit_db
        around.append(cells)
    return around, Borders(rng.random(rows + 1) < 0.8, rng.random(cols + 1) < 0.8), whole


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (16, 16), (17, 2)])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_synthesis(name, shape):
    around, borders, whole = tile(*shape, np.random.default_rng(shape[0]))
    levels, finite = TRANSFORMS[name].synthesise(around, borders, 7.5)
    expected = TRANSFORMS[name].synthesised(whole, borders) + np.float32(7.5)
    assert finite and levels.dtype == np.float32
    np.testing.assert_allclose(levels, expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (16, 16), (17, 2)])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_analysis(name, shape):
    rng = np.random.default_rng(shape[1])
    levels = rng.normal(0, 8, [32 * (n + 2) for n in shape]).astype(np.float32)
    borders = Borders(*(rng.random(n + 1) < 0.8 for n in shape))
    expected = TRANSFORMS[name].analysed(levels, borders)
    np.testing.assert_allclose(TRANSFORMS[name].analyse(levels, borders), expected, atol=2e-6 * np.abs(expected).max())


def test_latents_of_any_size_are_taken():
    values = np.full((1, 1, 1024), 1 << 40, np.int64)
    cells, borders = Cells(values, np.full(1024, 2.0**-40, np.float32)), Borders(*np.zeros((2, 2), bool))
    levels, finite = TRANSFORMS["any"].synthesise(alone(cells), borders, 0)
    assert finite
    np.testing.assert_allclose(
        levels, TRANSFORMS["any"].synthesised(np.pad(cells.in_db(), [(1, 1), (1, 1), (0, 0)]), borders), atol=1e-3
    )


def test_levels_that_are_not_finite_are_reported():
    values = np.full((2, 3, 1024), 30000, np.int16)
    borders = Borders(np.zeros(3, bool), np.zeros(4, bool))
    for unit, expected in ((1.0, True), (1e38, False)):
        with np.errstate(over="ignore", invalid="ignore"):
            cells = Cells(values, np.full(1024, unit, np.float32))
            assert TRANSFORMS["any"].synthesise(alone(cells), borders, 0)[1] == expected


def extremes(dtype: str) -> np.ndarray:
    """All pixels of 8 and 16 bits; float32 of every exponent, subnormal, not numbers; (1, n)."""
    if dtype != "float32":
        limits = np.iinfo(dtype)
        return np.arange(limits.min, limits.max + 1).astype(dtype)[None]
    bits = np.random.default_rng(1).integers(0, 1 << 32, 100_000, np.uint32)
    special = np.array([0, 1, 2, 0x80000000, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000], np.uint32)
    return np.concatenate([special, bits]).view(np.float32)[None]


@pytest.mark.parametrize("domain", ["amplitude", "power", "db"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
def test_levels_of_pixels(dtype, domain):
    pixels = extremes(dtype)
    for measure in (Measure(domain), Measure(domain, nodata=77.0, fills=(3.0, 120.0)), Measure(domain, 0.5, 3.0)):
        levels, valid = normalise(pixels, measure)
        expected, expected_valid = normalised(pixels, measure)
        np.testing.assert_array_equal(valid, expected_valid)
        np.testing.assert_allclose(levels, expected, rtol=2.5e-7, atol=4e-6)
        assert levels.dtype == np.float32 and valid.dtype == bool


@pytest.mark.parametrize("domain", ["amplitude", "power"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_whole_pixels_of_levels(dtype, domain):
    """A pixel may differ where its exact value lies within a millionth of the middle of two."""
    levels = np.random.default_rng(2).uniform(-20, 110, (300, 1001)).astype(np.float32)
    for measure in (Measure(domain), Measure(domain, nodata=7.0, fills=(8.0, 100.0))):
        pixels, expected = restore(levels, measure, dtype), restored(levels, measure, np.dtype(dtype))
        exact = 10 ** (levels.astype(float) / (20 if domain == "amplitude" else 10))
        near = np.abs(exact % 1 - 0.5) < 2e-6 * exact
        np.testing.assert_array_equal(pixels[~near], expected[~near])
        assert np.abs(pixels.astype(int) - expected).max() <= 1 or measure.fills


@pytest.mark.parametrize("domain", ["amplitude", "power"])
def test_floats_of_levels(domain):
    decade = 20 if domain == "amplitude" else 10
    levels = np.random.default_rng(3).uniform(-50 * decade, 40 * decade, (1, 200_000)).astype(np.float32)
    levels[0, :4] = np.inf, -np.inf, 1e30, -1e30
    pixels, tiny = restore(levels, Measure(domain), "float32"), np.finfo(np.float32).tiny
    with np.errstate(over="ignore"):
        exact = np.clip(10 ** (levels.astype(float) / decade), 2.0**-149, float(np.finfo(np.float32).max))
    normal = exact > tiny
    np.testing.assert_allclose(pixels[normal], exact[normal], rtol=4e-7)
    np.testing.assert_allclose(pixels[~normal], exact[~normal], rtol=4e-7, atol=2.0**-149)
    assert (pixels > 0).all() and np.isfinite(pixels).all()
    avoided = pixels[0, 5]
    assert not (restore(levels, Measure(domain, nodata=float(avoided)), "float32") == avoided).any()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_levels_that_are_no_numbers_are_refused(dtype):
    levels = np.zeros((70, 90), np.float32)
    levels[69, 3] = np.nan
    with pytest.raises(InvalidArgument, match="NaN"):
        restore(levels, Measure("amplitude"), dtype)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (33, 1), (45, 31), (64, 64), (100, 203)])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.97])
def test_fills(shape, share):
    rng = np.random.default_rng(5)
    levels, valid = rng.normal(0, 8, shape).astype(np.float32), rng.random(shape) < share
    valid[: shape[0] // 3] = False
    found = fill_invalid(levels, valid)
    np.testing.assert_allclose(found, filled(levels, valid), rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(found[valid], levels[valid])
    largest = np.full(shape, np.finfo(np.float32).max)
    assert np.isfinite(fill_invalid(largest, valid)).all()
