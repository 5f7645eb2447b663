"""Which tiles are looked at before a scene is coded: nine that stand for all, and those where a fill hides that nobody declared."""

import numpy as np
import pytest

import sarcodec
from api.scenes import bits, speckle, store, walk
from sarcodec.encoding.array_source import ArraySource
from sarcodec.encoding.sampling import repeated, sample_tiles, telling_tiles
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


def test_declared_nodata_and_whole_numbers_need_no_second_look():
    pixels = holed(wide(), 7.0)
    for reader in (source(pixels, nodata=(7.0,)), source((pixels * 1000).astype(np.uint16))):
        assert telling_tiles(reader, 0) == sample_tiles(reader)
    scaled = source((pixels * 1000).astype(np.uint16), scales=(0.01,))
    assert unseen(scaled) in telling_tiles(scaled, 0)


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
