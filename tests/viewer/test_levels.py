"""Tiles of levels are those of `decompress`, of the original, and of NumPy's word for what lies between them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from doors.scenes import decompressed, geocoded
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import read_array
from sarcodec.viewer.kept import Kept
from sarcodec.viewer.profile import MOST_SAMPLES, profile
from sarcodec.viewer.pyramid import LOCAL, TILE_CELLS, box_sums
from sarcodec.viewer.shown import Shown


@pytest.fixture(scope="module")
def shown(pair):
    with Shown(*pair) as found:
        yield found


def level(pixels):
    """Of DN, NaN for 0."""
    with np.errstate(divide="ignore"):
        found = 20 * np.log10(pixels.astype(np.float64))
    return np.where(pixels == 0, np.nan, found)


def pooled(levels, side):
    """Level of the mean power of what is valid, cell by cell."""
    ends = [(0, -size % side) for size in levels.shape]
    power = np.pad(10 ** (levels / 10), ends, constant_values=np.nan)
    cells = power.reshape(power.shape[0] // side, side, power.shape[1] // side, side)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 10 * np.log10(np.nansum(cells, axis=(1, 3)) / np.isfinite(cells).sum(axis=(1, 3)))


def whole(pyramid, kind, band, side, shape):
    """All tiles of a size of cells, put together."""
    rows, cols = (-(-size // side) for size in shape)
    found = np.empty((rows, cols))
    for y in range(-(-rows // TILE_CELLS)):
        for x in range(-(-cols // TILE_CELLS)):
            tile = pyramid.tile(kind, band, side, x, y)
            top, left = y * TILE_CELLS, x * TILE_CELLS
            found[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return found


@pytest.mark.parametrize("band", [0, 1])
@pytest.mark.parametrize("side", [1, 2, 4])
def test_tiles_are_the_levels_of_decompress_and_of_the_original(shown, pair, band, side):
    wanted = {"decoded": decompressed(pair[0]), "original": read_array(pair[1])[0]}
    for kind, pixels in wanted.items():
        found = whole(shown.pyramid, kind, band, side, pixels.shape[1:])
        np.testing.assert_allclose(found, pooled(level(pixels[band]), side), atol=2e-4)


def test_far_out_the_file_is_read_by_its_overviews_and_the_original_by_its_means(shown, pair):
    with sarcodec.open(pair[0]) as scene:
        overview = scene.read(1, reduce=8)
    shape = shown.about["rows"], shown.about["cols"]
    assert 8 in shown.pyramid.sides
    np.testing.assert_allclose(whole(shown.pyramid, "decoded", 0, 8, shape), level(overview), atol=2e-4)
    original = level(read_array(pair[1])[0][1])
    np.testing.assert_allclose(whole(shown.pyramid, "original", 1, 8, shape), pooled(original, 8), atol=2e-4)


@pytest.mark.parametrize("side", [1, 8])
def test_error_and_ratio_are_what_numpy_makes_of_both(shown, side):
    shape = shown.about["rows"], shown.about["cols"]
    decoded, original, error, ratio = (whole(shown.pyramid, kind, 0, side, shape) for kind in shown.pyramid.kinds)
    np.testing.assert_allclose(error, decoded - original, atol=1e-4)
    rng, edge = np.random.default_rng(1), LOCAL // 2
    for row, col in [(0, 0), (error.shape[0] - 1, error.shape[1] - 1), *rng.integers(0, error.shape, (200, 2))]:
        part = np.s_[max(row - edge, 0) : row + edge + 1, max(col - edge, 0) : col + edge + 1]
        both = np.isfinite(original[part]) & np.isfinite(decoded[part])
        if not np.isfinite(error[row, col]):
            assert np.isnan(ratio[row, col])
            continue
        sums = [np.sum(10 ** (levels[part][both] / 10)) for levels in (original, decoded)]
        assert ratio[row, col] == pytest.approx(10 * np.log10(sums[0] / sums[1]), abs=1e-3)


def test_box_sums():
    values = np.random.default_rng(2).random((9, 23))
    padded = np.pad(values, LOCAL // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (LOCAL, LOCAL))
    np.testing.assert_allclose(box_sums(values), windows.sum(axis=(2, 3)))


def test_what_is_not_there_is_none(shown):
    tile = shown.pyramid.tile
    assert tile("decoded", 0, 1, 0, 0) is not None
    for wrong in (("other", 0, 1, 0, 0), ("decoded", 2, 1, 0, 0), ("decoded", -1, 1, 0, 0), ("decoded", 0, 3, 0, 0), ("decoded", 0, 1, 5, 0), ("decoded", 0, 1, 0, 3)):  # fmt: skip
        assert tile(*wrong) is None, wrong


def test_without_an_original_there_is_one_kind(pair):
    with Shown(pair[0]) as alone:
        assert alone.pyramid.kinds == ("decoded",)
        assert alone.pyramid.tile("error", 0, 1, 0, 0) is None
        assert set(alone.values(300, 300)["bands"][0]) == {"decoded"}


def test_values_are_pixels(shown, pair):
    decoded, original = decompressed(pair[0]), read_array(pair[1])[0]
    for row, col in ((0, 0), (699, 1099), (123, 456)):
        for band, said in enumerate(shown.values(row, col)["bands"]):
            for name, pixels in (("decoded", decoded), ("original", original)):
                pixel = int(pixels[band, row, col])
                assert said[name]["pixel"] == pixel
                wanted = None if pixel == 0 else pytest.approx(20 * np.log10(pixel), abs=1e-3)
                assert said[name]["level"] == wanted


def test_a_profile_goes_from_end_to_end(shown, pair):
    found = profile(shown.pyramid, 1, (650, 20), (650, 320))
    assert (found.side, found.distance[0], found.distance[-1]) == (1, 0, 300)
    np.testing.assert_allclose(found.decoded, level(decompressed(pair[0])[1, 650, 20:321]), atol=1e-3)
    np.testing.assert_allclose(found.original, level(read_array(pair[1])[0][1, 650, 20:321]), atol=1e-3)
    long = profile(shown.pyramid, 0, (699, 1099), (0, 0))
    assert long.side == 4 and len(long.decoded) <= MOST_SAMPLES
    assert long.decoded[-1] is None  # the corner of nodata


def test_one_place_is_a_profile_too(shown):
    found = profile(shown.pyramid, 0, (400, 400), (400, 400))
    assert len(found.decoded) == 2 and found.decoded[0] == found.decoded[1]


def test_bands_of_other_kinds(tmp_path):
    """A bounded one has no overviews and is made small from its pixels; classes have no level, and show one of their values."""
    pixels = amplitude(5, 2300, 300, 2)
    pixels[1] = (np.arange(2300)[:, None] // 100) % 5
    source = store(tmp_path / "in.tif", pixels)
    sarcodec.compress(source, tmp_path / "out.sarc", max_error_db=0.5, exact_bands=(2,), threads=1)
    back = decompressed(tmp_path / "out.sarc")
    with Shown(tmp_path / "out.sarc", source) as found:
        assert [band["unit"] for band in found.about["bands"]] == ["dB", ""]
        np.testing.assert_allclose(
            whole(found.pyramid, "decoded", 0, 8, (2300, 300)), pooled(level(back[0]), 8), atol=2e-4
        )
        np.testing.assert_array_equal(whole(found.pyramid, "decoded", 1, 1, (2300, 300)), pixels[1])
        assert set(np.unique(whole(found.pyramid, "decoded", 1, 8, (2300, 300)))) <= set(range(5))
        assert np.abs(whole(found.pyramid, "error", 0, 1, (2300, 300))).max() <= 0.5 + 1e-4


def test_power_with_nan(tmp_path):
    path = geocoded(tmp_path)
    with Shown(path, path.with_suffix(".in.tif")) as found:
        pixels = decompressed(path)[0]
        np.testing.assert_allclose(
            whole(found.pyramid, "decoded", 0, 1, pixels.shape), 10 * np.log10(pixels.astype(float)), atol=2e-4
        )
        assert found.values(6, 10)["bands"][0]["decoded"] == {"pixel": None, "level": None}


def test_an_original_of_another_scene_is_refused(pair, tmp_path):
    other = store(tmp_path / "other.tif", amplitude(1, 700, 1100))
    with pytest.raises(InvalidArgument, match=r"1 bands of 700 x 1100 pixels, .* 2 of 700 x 1100"):
        Shown(pair[0], other)


def test_kept_arrays_are_made_once_and_the_oldest_go():
    kept, made = Kept(3 * 800), []

    def make(key):
        made.append(key)
        return np.full(100, key, np.float64)

    for key in (1, 2, 3, 1, 4, 2):
        assert kept.get(key, lambda key=key: make(key))[0] == key
    assert made == [1, 2, 3, 4, 2]  # 4 took the place of 2, which was asked for before 1
    with pytest.raises(OSError, match="gone"):
        kept.get(9, lambda: (_ for _ in ()).throw(OSError("gone")))
    assert kept.get(9, lambda: make(9))[0] == 9


def test_who_asks_for_what_is_being_made_waits():
    kept, begun, go, made = Kept(1 << 20), threading.Event(), threading.Event(), []

    def slow():
        made.append(1)
        begun.set()
        assert go.wait(30)
        return np.zeros(3)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(kept.get, "a", slow)
        assert begun.wait(30)
        others = [pool.submit(kept.get, "a", slow) for _ in range(2)]
        go.set()
        assert all(one.result(30) is first.result(30) for one in others)
    assert made == [1]
