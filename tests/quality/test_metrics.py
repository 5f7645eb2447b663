"""Error measures where the answer is known."""

import dataclasses
import json

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.quality.metrics import CUT_PX, HISTOGRAM_STEP_DB, ErrorAccumulator, compare_levels


def _speckle_db(looks: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    return 10 * np.log10(np.random.default_rng(seed).gamma(looks, 1 / looks, shape)) + 40


def _all_valid(levels: np.ndarray) -> np.ndarray:
    return np.ones(levels.shape, dtype=bool)


def test_constant_offset_is_bias_error_and_maximum():
    original = _speckle_db(4.4, (96, 80), 1)
    summary = compare_levels(original, original + 0.25, _all_valid(original))
    for found in (summary.rmse_db, summary.bias_power_db, summary.mean_error_db, summary.max_abs_error_db):
        assert found == pytest.approx(0.25, abs=1e-9)
    assert summary.mse_db2 == pytest.approx(0.0625, abs=1e-9)
    assert summary.multilook_rmse_db == pytest.approx(0.25, abs=1e-9)
    assert summary.enl_ratio == pytest.approx(1, abs=1e-5)
    assert (summary.pixels, summary.invalid) == (96 * 80, 0)


def test_power_bias_differs_from_mean_error_where_power_does():
    original, decoded = np.array([[0.0, 10.0]]), np.array([[10.0, 0.0]])
    assert compare_levels(original, decoded, _all_valid(original)).bias_power_db == pytest.approx(0, abs=1e-12)
    loud = np.array([[0.0, 20.0]])
    summary = compare_levels(original, loud, _all_valid(original))
    assert summary.mean_error_db == pytest.approx(5)
    assert summary.bias_power_db == pytest.approx(10 * np.log10(101 / 11))


def test_multilook_error_of_independent_noise_is_an_eighth():
    rng = np.random.default_rng(2)
    original = np.full((256, 256), 40.0)
    summary = compare_levels(original, original + rng.normal(0, 0.1, original.shape), _all_valid(original))
    assert summary.rmse_db == pytest.approx(0.1, rel=0.02)
    assert summary.multilook_rmse_db == pytest.approx(0.1 / 8, rel=0.06)


def test_enl_and_correlation_of_independent_speckle():
    original, decoded = _speckle_db(4.4, (480, 480), 3), _speckle_db(9.0, (480, 480), 4)
    summary = compare_levels(original, decoded, _all_valid(original))
    assert summary.enl_windows == 900
    assert summary.enl_original == pytest.approx(4.4, rel=0.05)
    assert summary.enl_decoded == pytest.approx(9.0, rel=0.05)
    assert summary.enl_ratio == pytest.approx(9.0 / 4.4, rel=0.05)
    for name in ("across_original", "across_decoded", "along_original", "along_decoded"):
        assert abs(getattr(summary, f"correlation_{name}")) < 0.02


def test_correlation_tells_rows_from_columns():
    noise = np.random.default_rng(5).normal(0, 2, (320, 321))
    across = 40 + (noise[:, 1:] + noise[:, :-1]) / np.sqrt(2)
    summary = compare_levels(across, across.T, _all_valid(across))
    assert summary.correlation_across_original == pytest.approx(0.5, abs=0.03)
    assert summary.correlation_along_original == pytest.approx(0, abs=0.03)
    assert summary.correlation_along_decoded == pytest.approx(0.5, abs=0.03)


def test_windows_chosen_by_the_judged_image_make_perfect_speckle_look_bad():
    judged, fresh, other_band = (_speckle_db(4.4, (960, 960), seed) for seed in (6, 7, 8))
    fair = compare_levels(judged, fresh, _all_valid(judged), selection_db=other_band)
    unfair = compare_levels(judged, fresh, _all_valid(judged), selection_db=judged)
    assert fair.enl_windows == unfair.enl_windows == 360
    assert fair.enl_ratio == pytest.approx(1, abs=0.05)
    assert unfair.enl_ratio < 0.85


def test_selection_finds_the_homogeneous_part():
    rng = np.random.default_rng(9)
    town = np.where(rng.random((480, 480)) < 0.1, 20.0, 0.0)
    town[:, :96] = 0
    original, other = (_speckle_db(4.4, (480, 480), seed) + town for seed in (10, 11))
    valid = _all_valid(original)
    assert compare_levels(original, original, valid).enl_original < 1
    assert compare_levels(original, original, valid, selection_db=other).enl_original == pytest.approx(4.4, rel=0.1)


def test_flat_decode_has_a_high_finite_enl_and_no_correlation():
    original = _speckle_db(4.4, (64, 64), 12)
    summary = compare_levels(original, np.full_like(original, 40), _all_valid(original))
    assert summary.enl_decoded == pytest.approx(1e6, rel=1e-3)
    assert summary.correlation_along_decoded == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("filler", [np.nan, np.inf, -np.inf, 0.0, 1e30])
def test_invalid_pixels_count_for_nothing(filler):
    original = _speckle_db(4.4, (64, 64), 13)
    decoded = original + np.random.default_rng(14).normal(0, 1, original.shape)
    valid = np.zeros(original.shape, dtype=bool)
    valid[16:, 32:] = True
    part = compare_levels(original[16:, 32:], decoded[16:, 32:], valid[16:, 32:])
    original[~valid] = filler
    decoded[~valid] = -filler
    whole = compare_levels(original, decoded, valid)
    assert whole.invalid == 64 * 64 - 48 * 32
    _assert_same(dataclasses.replace(whole, invalid=0), part)


def test_one_invalid_pixel_takes_out_its_block_and_its_window():
    original = np.full((32, 32), 30.0)
    decoded, valid = original + 1, np.ones((32, 32), dtype=bool)
    valid[3, 3] = False
    decoded[:8, :8] += 5
    summary = compare_levels(original, decoded, valid)
    assert summary.multilook_rmse_db == pytest.approx(1)
    assert summary.enl_windows == 3


@pytest.mark.parametrize("selecting", [False, True])
def test_accumulation_equals_whole(selecting):
    shape = (200, 187)
    original, decoded, other = (_speckle_db(4.4, shape, seed) for seed in (15, 16, 17))
    valid = np.random.default_rng(18).random(shape) > 0.001
    selection = other if selecting else None
    whole = compare_levels(original, decoded, valid, selection)
    errors = ErrorAccumulator()
    cut = 4 * CUT_PX
    for row in reversed(range(0, shape[0], cut)):
        for col in range(0, shape[1], cut):
            part = slice(row, row + cut), slice(col, col + cut)
            chosen = None if selection is None else selection[part]
            errors.add(original[part], decoded[part], valid[part], chosen)
    _assert_same(errors.summary(), whole)


def test_percentile_is_that_of_numpy_to_its_resolution():
    error = np.random.default_rng(19).laplace(0, 0.7, (400, 500))
    summary = compare_levels(np.zeros_like(error), error, _all_valid(error))
    exact = np.quantile(np.abs(error), 0.999, method="inverted_cdf")
    assert exact <= summary.p999_abs_error_db <= exact + HISTOGRAM_STEP_DB
    assert summary.max_abs_error_db == pytest.approx(np.abs(error).max())


def test_percentile_of_errors_beyond_the_histogram_is_the_maximum():
    original = np.zeros((8, 8))
    assert compare_levels(original, original + 500, _all_valid(original)).p999_abs_error_db == 500


def test_equal_images_have_no_error():
    original = _speckle_db(1, (48, 48), 20).astype(np.float32)
    summary = compare_levels(original, original, _all_valid(original))
    assert summary.rmse_db == summary.max_abs_error_db == summary.p999_abs_error_db == summary.bias_power_db == 0
    assert summary.enl_ratio == 1


def test_small_image_has_no_block_figures_and_goes_into_json():
    original = np.full((7, 9), 12.0)
    summary = compare_levels(original, original + 1, _all_valid(original))
    assert summary.multilook_rmse_db is None and summary.enl_ratio is None and summary.enl_windows == 0
    assert json.loads(json.dumps(dataclasses.asdict(summary), allow_nan=False))["pixels"] == 63


def test_refusals_say_what_is_wrong():
    level = np.zeros((16, 16))
    valid = _all_valid(level)
    with pytest.raises(InvalidArgument, match="no valid pixel"):
        compare_levels(level, level, ~valid)
    with pytest.raises(InvalidArgument, match="shapes"):
        compare_levels(level, level[:8], valid)
    with pytest.raises(InvalidArgument, match="2 pixels of the decoded"):
        compare_levels(level, np.where(np.arange(256).reshape(16, 16) < 2, np.nan, 0), valid)
    with pytest.raises(InvalidArgument, match="selection of shape"):
        compare_levels(level, level, valid, selection_db=level[:8])
    errors = ErrorAccumulator()
    errors.add(level, level, valid)
    with pytest.raises(InvalidArgument, match="some windows only"):
        errors.add(level, level, valid, selection_db=level)


def _assert_same(found, expected):
    for field in dataclasses.fields(expected):
        value = getattr(expected, field.name)
        assert getattr(found, field.name) == pytest.approx(value, rel=1e-9, abs=1e-12), field.name
