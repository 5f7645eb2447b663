"""Which tiles are looked at before a scene is coded: nine that stand for all, and those where a fill hides that nobody declared."""

import numpy as np
import pytest

import sarcodec
from api.scenes import bits, speckle, store, walk
from sarcodec.api import request
from sarcodec.encoding.array_source import ArraySource
from sarcodec.encoding.sampling import (
    fill_lies_near,
    may_hide_fill,
    repeated,
    sample_tiles,
    stands_out,
    telling_tiles,
)
from sarcodec.errors import UnsupportedScene
from sarcodec.format.scene import SceneInfo


def source(pixels, **facts):
    return ArraySource(
        SceneInfo(*pixels.shape, 1, pixels.dtype.name, **facts), pixels[None], np.empty((0, 0, 0), np.uint8)
    )


def wide(rows: int = 2 * 512, cols: int = 6 * 512) -> np.ndarray:
    """Linear power of 12 tiles, of which nine are samples: (rows, cols) float32."""
    return np.random.default_rng(3).gamma(4.4, 0.05 / 4.4, (rows, cols)).astype(np.float32)


def unseen(reader) -> int:
    return min(set(range(12)) - set(sample_tiles(reader)))


def holed(pixels: np.ndarray, fill: float, size: int = 60) -> np.ndarray:
    """With a hole of `fill` in a tile that is no sample."""
    tile = unseen(source(pixels))
    row, col = divmod(tile, 6)
    pixels = pixels.copy()
    pixels[row * 512 + 100 : row * 512 + 100 + size, col * 512 + 200 : col * 512 + 200 + size] = fill
    return pixels


def test_nine_tiles_are_looked_at_and_those_with_repeated_values():
    plain = source(wide())
    assert telling_tiles(plain, 0) == sample_tiles(plain) and len(sample_tiles(plain)) == 9
    found = telling_tiles(source(holed(wide(), 7.0)), 0)
    assert set(found) == {*sample_tiles(plain), unseen(plain)} and found == sorted(found)
    assert telling_tiles(source(holed(wide(), 7.0)), 0, mapped=lambda work, items: map(work, list(items))) == found


@pytest.mark.parametrize(
    "facts, dtype, hides, near",
    [
        ({}, np.float32, True, True),
        ({"nodata": (7.0,)}, np.float32, False, True),
        ({"scales": (0.01,)}, np.uint16, True, True),
        ({}, np.uint16, True, False),
    ],
    ids=["float", "declared", "scaled", "whole"],
)
def test_where_a_fill_may_hide(facts, dtype, hides, near):
    reader = source(holed(1000 * wide(), 7000.0).astype(dtype), **facts)
    assert (may_hide_fill(reader, 0), fill_lies_near(reader, 0)) == (hides, near)
    assert unseen(reader) in telling_tiles(reader, 0)


def test_a_plateau_far_above_all_stands_out_and_a_ship_does_not():
    pixels = np.full((50, 60), 300, np.uint16)
    valid = np.ones(pixels.shape, bool)
    pixels[10, 10:26], pixels[30, 30] = 4000, 65535
    assert not stands_out(pixels, valid, 2000) and not stands_out(pixels, valid, 300)
    pixels[30, 30] = 300
    assert stands_out(pixels, valid, 1999) is False and stands_out(pixels, valid, 300) is False  # 15 neighbours
    pixels[11, 10:26] = 4000
    assert stands_out(pixels, valid, 1999) and not stands_out(pixels, valid, 2000)
    valid[10:12] = False
    assert not stands_out(pixels, valid, 300)


TOPS = {"uint16": 65535, "int16": 32767, "uint32": 4294967295, "int32": 2147483647}


@pytest.mark.parametrize("dtype, options", [*((dtype, {}) for dtype in TOPS), ("uint16", {"target_bpp": 0.5})])
def test_fill_of_whole_numbers_anywhere_comes_back(dtype, options):
    pixels = holed(500 * np.sqrt(wide().astype(np.float64)) + 1, TOPS[dtype]).astype(dtype)
    walked = walk(pixels[None], {}, domain="amplitude", effort=0, **options)
    there = pixels == TOPS[dtype]
    assert there.sum() == 3600
    np.testing.assert_array_equal(walked.after[0] == TOPS[dtype], there)
    near = 20 * np.log10(walked.after[0][~there].astype(float) / pixels[~there])
    assert np.sqrt(np.mean(near**2)) < 3.5
    assert "taken for fill" in walked.report.band_kinds[0].why


def test_a_scene_is_begun_anew_once_alone(monkeypatch):
    pixels = np.rint(500 * np.sqrt(wide()) + 1).astype(np.uint16)
    rng = np.random.default_rng(4)
    for _ in range(3):  # saturated houses of a city that no sampled tile shows, each as bright as another
        tile = unseen(source(pixels))
        row, col = tile // 6 * 512 + rng.integers(500), tile % 6 * 512 + rng.integers(500)
        pixels[row : row + 6, col : col + 6] = 20_000
    calls = []
    looked = request.meanings_of
    monkeypatch.setattr(request, "meanings_of", lambda *a: calls.append(a[-1]) or looked(*a))
    walked = walk(pixels[None], {}, domain="amplitude", effort=0)
    assert calls == [False, True]
    error = 20 * np.log10(walked.after[0] / pixels.astype(float))
    assert np.sqrt(np.mean(error**2)) < 1.5


def test_values_that_are_repeated():
    pixels = np.arange(10_000, dtype=np.float32).reshape(100, 100)
    assert repeated(pixels) == []
    pixels[:30, :30], pixels[50:, 50:], pixels[40:45] = 5, -9999, np.nan
    assert [value for value, _ in repeated(pixels)] == [-9999.0, 5.0]
    assert dict(repeated(pixels))[5.0] == 30 * 29
    assert repeated(np.full((300, 300), 3, np.int16)) and repeated(np.zeros((5, 1), np.float32)) == []


@pytest.mark.parametrize("fill", [-9999, -99, 0, 65535, 1e20])
@pytest.mark.parametrize("options", [{"effort": 0}, {"max_error_db": 0.5}], ids=["learned", "bounded"])
def test_fill_of_db_anywhere_comes_back(fill, options):
    if "max_error_db" in options:
        pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    levels = holed((10 * np.log10(wide())).astype(np.float32), fill)
    walked = walk(levels[None], {}, **options)
    there = levels == np.float32(fill)
    assert there.sum() == 3600 and np.array_equal(bits(walked.after[0][there]), bits(levels[there]))
    assert f"{fill:g} taken for fill" in walked.report.band_kinds[0].why


@pytest.mark.parametrize("fill", [65535, -9999, 3e38])
@pytest.mark.parametrize("options", [{"effort": 0}, {"max_error_db": 0.5}], ids=["learned", "bounded"])
def test_a_single_level_beyond_physics_is_refused_in_every_mode(tmp_path, fill, options):
    """Too few to be told from a measurement, and no measurement: nothing may end in a traceback."""
    if "max_error_db" in options:
        pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    levels = (10 * np.log10(wide())).astype(np.float32)
    tile = unseen(source(levels))
    levels[tile // 6 * 512 + 7, tile % 6 * 512 + 7] = fill
    with pytest.raises(UnsupportedScene, match="expected at most 1000 dB; declare them as nodata"):
        sarcodec.compress(store(tmp_path / "in.tif", levels[None]), tmp_path / "x.sarc", **options)
    assert not (tmp_path / "x.sarc").exists()


@pytest.mark.parametrize("factor", [1e305, 1e-305])
def test_extreme_float64_is_kept_within_a_bound(factor):
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    pixels = speckle(3, 1, 40, 50).clip(1e-3, 100).astype(np.float64) * factor
    walked = walk(pixels, {}, max_error_db=0.5, domain="power")
    assert np.abs(10 * np.log10(walked.after / walked.before)).max() <= 0.5 + 1e-6
