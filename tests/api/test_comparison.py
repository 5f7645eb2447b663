"""Two scenes compared: figures, lost and changed pixels, bounded windows."""

from pathlib import Path

import numpy as np
import pytest

from sarcodec.api import comparison
from sarcodec.api.comparison import compare_scenes
from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import write_array


def _write(path: Path, pixels: np.ndarray, **facts: object) -> Path:
    bands, rows, cols = pixels.shape
    write_array(path, pixels, SceneInfo(rows, cols, bands, pixels.dtype.name, **facts))
    return path


def _levels(bands: int = 2, rows: int = 70, cols: int = 90) -> np.ndarray:
    rng = np.random.default_rng(8)
    return rng.normal(-12, 3, (bands, rows, cols)).astype(np.float32)


def test_known_error_in_db(tmp_path):
    level = _levels()
    before = _write(tmp_path / "a.tif", level)
    after = _write(tmp_path / "b.tif", level + np.array([[[0.5]], [[-0.25]]], np.float32))
    found = compare_scenes(before, after)
    assert found.domain == "db" and found.passed and found.invalid == 0 and found.pixels == level.size
    assert [band.errors.mean_error_db for band in found.bands] == pytest.approx([0.5, -0.25], abs=1e-5)
    assert [band.errors.bias_power_db for band in found.bands] == pytest.approx([0.5, -0.25], abs=1e-5)
    assert found.rmse_db == pytest.approx(np.sqrt((0.25 + 0.0625) / 2), abs=1e-5)
    assert found.max_abs_error_db == pytest.approx(0.5, abs=1e-5)


def test_lost_and_changed_pixels_are_counted_and_left_out_of_the_errors(tmp_path):
    level = _levels()
    level[0, 0, :5] = np.nan
    decoded = level.copy()
    decoded[0, 0, 0] = -3  # an invalid pixel became valid
    decoded[1, 3, 3:6] = np.nan
    found = compare_scenes(_write(tmp_path / "a.tif", level), _write(tmp_path / "b.tif", decoded))
    assert (found.passed, found.invalid_identical, found.valid_lost, found.invalid) == (False, False, 3, 5)
    assert [(band.valid_lost, band.invalid_changed) for band in found.bands] == [(0, 1), (3, 0)]
    assert found.pixels == level.size - 8 and found.rmse_db == 0


def test_kind_of_an_invalid_pixel_counts(tmp_path):
    level = _levels(1)
    level[0, 0, :2] = np.nan, np.inf
    decoded = level.copy()
    decoded[0, 0, 1] = -np.inf
    found = compare_scenes(_write(tmp_path / "a.tif", level), _write(tmp_path / "b.tif", decoded))
    assert (found.invalid_identical, found.bands[0].invalid_changed) == (False, 1)


def test_nodata_of_the_original_counts_and_an_empty_band_has_no_errors(tmp_path):
    pixels = np.full((2, 40, 40), 9, np.uint16)
    pixels[0] += np.arange(40, dtype=np.uint16)
    before = _write(tmp_path / "a.tif", pixels, nodata=(9.0, 9.0))
    found = compare_scenes(before, _write(tmp_path / "b.tif", pixels))
    assert found.passed and found.invalid == 40 + 1600
    assert found.bands[0].errors.pixels == 1560 and found.bands[1].errors is None


def test_windows_do_not_change_the_figures(tmp_path, monkeypatch):
    level = _levels(2, 100, 130)
    before = _write(tmp_path / "a.tif", level)
    after = _write(tmp_path / "b.tif", level + np.random.default_rng(1).normal(0, 0.4, level.shape).astype(np.float32))
    whole = compare_scenes(before, after)
    monkeypatch.setattr(comparison, "WINDOW_PX", 64)
    cut = compare_scenes(before, after)
    assert cut.rmse_db == pytest.approx(whole.rmse_db, rel=1e-9)
    for one, other in zip(whole.bands, cut.bands, strict=True):
        assert other.errors.max_abs_error_db == one.errors.max_abs_error_db
        assert other.errors.p999_abs_error_db == one.errors.p999_abs_error_db
        assert other.errors.mean_error_db == pytest.approx(one.errors.mean_error_db, rel=1e-9)
        assert other.errors.multilook_rmse_db == pytest.approx(one.errors.multilook_rmse_db, rel=1e-9)


@pytest.mark.parametrize("other", [_levels(1), _levels(2, 70, 91), _levels().astype(np.float32).astype(np.int16) + 99])
def test_two_scenes_of_other_shape_or_dtype_are_refused(tmp_path, other):
    before = _write(tmp_path / "a.tif", _levels())
    with pytest.raises(InvalidArgument, match="one scene"):
        compare_scenes(before, _write(tmp_path / "b.tif", other))


def test_an_exact_band_beside_radar_is_judged_bit_by_bit(tmp_path):
    level = np.concatenate([_levels(), np.broadcast_to(np.linspace(30, 45, 90, dtype=np.float32), (1, 70, 90))])
    named = {"descriptions": ("VV", "VH", "angle")}
    before = _write(tmp_path / "a.tif", level, **named)
    found = compare_scenes(before, _write(tmp_path / "b.tif", level + np.float32([[[0.5]], [[0.5]], [[0]]]), **named))
    assert found.passed and found.domain == "db" and found.bands[2].measure is None and found.bands[2].errors is None
    assert found.rmse_db == pytest.approx(0.5, abs=1e-5) and "angle" in found.bands[2].why
    changed = compare_scenes(before, _write(tmp_path / "c.tif", level + np.float32(0.001), **named))
    assert not changed.passed and changed.bands[2].invalid_changed == 70 * 90


def test_errors_of_scaled_db_are_in_its_unit(tmp_path):
    pixels = np.rint(100 * _levels(1)).astype(np.int16)
    about = {"scales": (0.01,), "offsets": (0.0,), "units": ("dB",)}
    before = _write(tmp_path / "a.tif", pixels, **about)
    found = compare_scenes(before, _write(tmp_path / "b.tif", pixels + np.int16(50), **about))
    assert found.domain == "db" and found.max_abs_error_db == pytest.approx(0.5, abs=1e-5)
