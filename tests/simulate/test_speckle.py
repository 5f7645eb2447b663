"""Speckle: the statistics that were promised, what points and edges become, and the simulator beside real chips."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.simulate import speckle, statistics
from sarcodec.simulate.speckle import GRDH, SINGLE_LOOK, observe, reflectivity_of, resimulate, speckle_intensity

DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.fixture(scope="module")
def multilooked() -> np.ndarray:
    return speckle_intensity(1024, 1024, rng())


def test_multilooked_statistics_are_those_of_grdh(multilooked):
    found = statistics.measure(multilooked)
    assert 4.4 <= found.enl <= 4.9
    assert 0.51 <= found.lag_across <= 0.62
    assert 0.39 <= found.lag_along <= 0.65
    assert multilooked.mean() == pytest.approx(1, abs=0.005)
    assert multilooked.dtype == np.float32 and (multilooked > 0).all()


def test_effective_looks_follow_from_the_overlap_of_the_looks():
    apart = replace(GRDH, range_bandwidth=0.375)
    assert statistics.measure(speckle_intensity(768, 768, rng(), apart)).enl == pytest.approx(5, abs=0.08)
    one = replace(GRDH, looks=1, look_spacing=0.0)
    assert statistics.measure(speckle_intensity(768, 768, rng(), one)).enl == pytest.approx(1, abs=0.03)


def test_single_look_is_exponential_and_correlated_as_slc_is():
    intensity = speckle_intensity(1024, 1024, rng(), SINGLE_LOOK)
    found = statistics.measure(intensity)
    assert found.enl == pytest.approx(1, abs=0.03)
    assert 0.18 <= found.lag_across <= 0.27 and 0.24 <= found.lag_along <= 0.30
    # Every fifth pixel is as good as independent; 1.63 / sqrt(n) is the 1 % point of Kolmogorov's test.
    apart = np.sort(intensity[::5, ::5].ravel().astype(float))
    steps = np.arange(apart.size + 1) / apart.size
    exact = 1 - np.exp(-apart)
    assert max(np.abs(exact - steps[1:]).max(), np.abs(exact - steps[:-1]).max()) < 1.63 / np.sqrt(apart.size)


def test_resolution_is_that_of_the_product():
    position = np.linspace(-2, 2, 4001)
    for bandwidth, window, low, high in ((0.5, 0.75, 19, 23), (0.468, 0.75, 20, 24)):
        power = speckle.impulse_response(position, bandwidth, window, GRDH.reach_px) ** 2
        width_m = 10 * 0.001 * (power > power.max() / 2).sum()
        assert low <= width_m <= high


def test_speckle_is_seeded_and_of_any_size():
    assert np.array_equal(speckle_intensity(70, 33, rng(4)), speckle_intensity(70, 33, rng(4)))
    assert not np.array_equal(speckle_intensity(70, 33, rng(4)), speckle_intensity(70, 33, rng(5)))
    for shape in ((1, 1), (64, 32), (65, 33), (3, 200)):
        assert speckle_intensity(*shape, rng()).shape == shape
        assert observe(np.ones(shape, np.float32), rng()).shape == shape


def test_blocks_leave_no_seams(multilooked):
    log = np.log(multilooked)
    steps_across, steps_down = (
        np.square(np.diff(log, axis=1)).mean(axis=0),
        np.square(np.diff(log, axis=0)).mean(axis=1),
    )
    assert steps_across[31::32].mean() == pytest.approx(steps_across.mean(), rel=0.03)
    assert steps_down[63::64].mean() == pytest.approx(steps_down.mean(), rel=0.03)


def test_detect_is_the_filter_bank_that_its_docstring_says():
    """One pixel of one block against plain sums over the taps, in complex double precision."""
    field = rng(2).standard_normal(speckle.field_shape(64, 32), dtype=np.float32)
    row, col, reach = 20, 11, GRDH.reach_px
    lag = np.arange(-reach, reach + 1)
    azimuth = speckle.impulse_response(lag, GRDH.azimuth_bandwidth, GRDH.azimuth_window, reach)
    azimuth /= np.sqrt((azimuth**2).sum())
    complex_field = (field[..., 0] + 1j * field[..., 1]).reshape(field.shape[0], -1)
    line = azimuth @ complex_field[row : row + 2 * reach + 1]
    across = (np.arange(line.size) - 0.5) / 2 - reach - col
    response = speckle.impulse_response(across, GRDH.range_bandwidth, GRDH.range_window, reach) * (
        np.abs(across) <= reach
    )
    response /= np.sqrt((response**2).sum())
    looks = [
        np.abs((line * response * np.exp(2j * np.pi * f * across)).sum()) ** 2 for f in (-0.75, -0.375, 0, 0.375, 0.75)
    ]
    assert speckle.detect(field)[row, col] == pytest.approx(np.mean(looks), rel=1e-4)


def test_a_level_is_kept_and_an_edge_is_blurred_by_the_system():
    step = np.full((512, 512), 1.0, np.float32)
    step[:, 256:] = 100.0
    seen = observe(step, rng()).mean(axis=0)
    assert seen[:240].mean() == pytest.approx(1, rel=0.02)
    assert seen[272:].mean() == pytest.approx(100, rel=0.02)
    assert 10 < seen[255] < seen[256] < 90
    # Sidelobes of the bright side: above the dark one close by, gone (below 1 %) beyond the reach.
    assert seen[250] > 1.05 and seen[256 - 2 * GRDH.reach_px] < 1.3
    assert seen[0:8].mean() == pytest.approx(1, rel=0.2)


def test_a_point_keeps_its_energy_and_spreads_over_the_resolution():
    points = np.zeros((960, 960), np.float32)
    points[20::40, 19::40] = 1e6
    seen = [observe(points, rng(seed)).reshape(24, 40, 24, 40) for seed in range(4)]
    mean = np.mean(seen, axis=(0, 1, 3))
    assert mean.sum() == pytest.approx(1e6, rel=0.07)
    assert np.unravel_index(mean.argmax(), mean.shape) == (20, 19)
    assert mean[20, 21] < 0.6 * mean[20, 19] and mean[22, 19] < 0.6 * mean[20, 19]
    assert 0 < mean[20, 24] < 0.02 * mean[20, 19]
    assert mean[:, 19 + GRDH.reach_px + 1 :].max() == 0


def test_reflectivity_of_a_real_image_loses_speckle_and_keeps_structure():
    truth = np.full((256, 256), 1e4, np.float32)
    truth[:, 128:] = 1e6
    truth[60, 60] = 3e8
    image = observe(truth, rng())
    found = reflectivity_of(image)
    flat = found[100:250, 10:110]
    assert flat.mean() == pytest.approx(1e4, rel=0.03)
    assert flat.mean() ** 2 / flat.var() > 20
    assert found[58:63, 58:63].max() > 0.5 * image[58:63, 58:63].max()
    again = resimulate(image, rng(9))
    assert again.mean() == pytest.approx(image.mean(), rel=0.05)
    assert statistics.measure(again[100:250, 10:110]).lag_across == pytest.approx(0.6, abs=0.05)


def test_reflectivity_of_survives_pixels_that_are_not_there():
    image = speckle_intensity(64, 64, rng())
    image[:8], image[20, 20], image[21, 21] = 0, np.nan, np.inf
    assert np.isfinite(reflectivity_of(image)).all() and (reflectivity_of(image) > 0).all()
    assert np.array_equal(reflectivity_of(np.zeros((9, 9), np.float32)), np.ones((9, 9), np.float32))


def test_impossible_sensors_and_fields_are_refused():
    with pytest.raises(InvalidArgument, match="2.500 cycles"):
        replace(GRDH, look_spacing=0.5)
    with pytest.raises(InvalidArgument, match="azimuth"):
        replace(GRDH, azimuth_bandwidth=1.2)
    with pytest.raises(InvalidArgument, match="pad it"):
        speckle.detect(np.zeros((80, 50, 2, 2), np.float32))


def _patches(kind: str, band: str) -> list[np.ndarray]:
    paths = sorted(DATA.glob(f"*/chips/{kind}-*{band}.npz"))
    if not paths:
        pytest.skip(f"no {kind} chips below {DATA}; set SARCODEC_DATA")
    archives = [np.load(path, allow_pickle=False) for path in paths]
    return statistics.homogeneous(
        statistics.chip_corners(archive[name] for archive in archives for name in archive.files)
    )


@pytest.mark.parametrize("band, along_off, distance", [("vv", 0.06, 0.04), ("vh", 0.16, 0.02)])
def test_grdh_histogram_lies_beside_that_of_real_chips(multilooked, band, along_off, distance):
    """VH over sea is mostly receiver noise, whiter in azimuth than what the antenna saw: hence its wider bound."""
    real, made = _patches("grdh", band), statistics.homogeneous(statistics.patches(multilooked))
    real_found, made_found = statistics.median_statistics(real), statistics.median_statistics(made)
    assert made_found.enl == pytest.approx(real_found.enl, rel=0.16)
    assert made_found.lag_across == pytest.approx(real_found.lag_across, abs=0.04)
    assert made_found.lag_along == pytest.approx(real_found.lag_along, abs=along_off)
    assert statistics.cdf_distance(statistics.normalised_log(real), statistics.normalised_log(made)) < distance


def test_single_look_histogram_lies_beside_that_of_real_chips():
    real = _patches("slc", "vv")
    made = statistics.homogeneous(statistics.patches(speckle_intensity(1024, 1024, rng(), SINGLE_LOOK)))
    assert statistics.cdf_distance(statistics.normalised_log(real), statistics.normalised_log(made)) < 0.03
