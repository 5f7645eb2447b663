"""Figures of texture where the answer is known: formulas on small images, and the simulator, which knows the true
reflectivity."""

from dataclasses import dataclass

import numpy as np
import pytest

from quality.levels import SIZE, add, db, everywhere, noise
from sarcodec.errors import InvalidArgument
from sarcodec.format.tiling import Window
from sarcodec.quality.brightness import BrightnessBias
from sarcodec.quality.edges import EdgePreservation, epi_cosine
from sarcodec.quality.ratio import RatioStatistics
from sarcodec.quality.texture import TextureAccumulator
from sarcodec.simulate.scene import SceneSimulator
from sarcodec.simulate.speckle import observe


@dataclass(frozen=True)
class Looks:
    """Levels in dB (rows, cols): the true reflectivity, and three observations of it under speckle of their own."""

    truth: np.ndarray
    first: np.ndarray
    second: np.ndarray
    other: np.ndarray


@pytest.fixture(scope="module")
def looks() -> Looks:
    """One land, seen by two radars (same polarisation, fresh speckle) and in the other polarisation."""
    window = Window(0, 0, SIZE, SIZE)
    scene = SceneSimulator(SIZE, SIZE, seed=11, preset="fields")
    truth = scene.reflectivity(window)
    pixels = scene.pixels(window).astype(float)
    fresh = observe(truth[0], np.random.default_rng(5)) * 500.0**2
    return Looks(*(db(image) for image in (truth[0] * 500.0**2, pixels[0] ** 2, fresh, pixels[1] ** 2)))


def test_bias_by_brightness_finds_a_bias_that_depends_on_it(looks):
    decoded = looks.first + 0.02 * (looks.truth - looks.truth.mean())
    bins = add(BrightnessBias(), looks.first, decoded, looks.truth).bins(8)
    assert len(bins) > 3 and sum(b.pixels for b in bins) == SIZE * SIZE
    for one in bins:
        middle = (one.low_db + one.high_db) / 2 - looks.truth.mean()
        assert one.bias_db == pytest.approx(0.02 * middle, abs=0.02 * (one.high_db - one.low_db) / 2 + 1e-3)
    assert [b.low_db for b in bins] == sorted(b.low_db for b in bins)


def test_a_second_look_at_the_same_ground_is_unbiased_unless_the_judged_image_chooses(looks):
    fair = add(BrightnessBias(), looks.first, looks.second, looks.truth).bins(6)
    unfair = add(BrightnessBias(), looks.first, looks.second, looks.first).bins(6)
    assert max(abs(b.bias_db) for b in fair) < 0.15
    assert unfair[0].bias_db > 1 and unfair[-1].bias_db < -1


def test_the_other_polarisation_is_a_fair_guide(looks):
    bins = add(BrightnessBias(), looks.first, looks.second, looks.other).bins(6)
    assert max(abs(b.bias_db) for b in bins) < 0.15


def test_smoothing_in_db_lowers_power_and_every_bin_says_so(looks):
    """Mean of the log of 4.6 looks: about 0.5 dB under the log of the mean."""
    smooth = looks.truth - 0.5
    assert [b.bias_db for b in add(BrightnessBias(), looks.truth, smooth, looks.truth).bins(5)] == pytest.approx(
        [-0.5] * 5
    )


def test_brightness_leaves_out_invalid_pixels_and_those_without_a_guide():
    level = noise(1, (32, 32))
    guide, valid = level.copy(), everywhere(level)
    guide[:8] = np.nan
    valid[:, :4] = False
    bias = add(BrightnessBias(), level, np.where(valid, level, np.nan), guide, valid=valid)
    assert sum(b.pixels for b in bias.bins(4)) == 24 * 28
    assert max(abs(b.bias_db) for b in bias.bins(4)) == 0
    assert BrightnessBias().bins() == ()
    with pytest.raises(InvalidArgument, match="at least 1"):
        bias.bins(0)


# --- ratio ------------------------------------------------------------------------------------------------------


def test_ratio_of_a_constant_factor():
    level = noise(2)
    found = add(RatioStatistics(), level, level - 3, level).summary()
    assert found.mean == pytest.approx(10**0.3) and found.variance == pytest.approx(0, abs=1e-9)
    assert (found.structure, found.correlation, found.correlation_of_spread) == (0, 0, 0)


def test_ratio_of_speckle_over_its_true_reflectivity_is_speckle_without_structure(looks):
    """A perfect despeckler: mean 1, no structure though the speckle is correlated."""
    found = add(RatioStatistics(), looks.first, looks.truth, looks.other).summary()
    assert found.mean == pytest.approx(1, abs=0.04)
    for figure in (found.structure, found.correlation, found.correlation_of_spread):
        assert abs(figure) < 0.06


def test_variance_of_the_ratio_over_flat_ground_is_that_of_its_looks():
    seen = db(1e4 * observe(np.ones((SIZE, SIZE), np.float32), np.random.default_rng(7)))
    found = add(RatioStatistics(), seen, np.full_like(seen, 40)).summary()
    assert found.variance == pytest.approx(1 / 4.83, rel=0.05) and abs(found.correlation) < 0.05


def test_ratio_of_independent_noise_has_no_structure():
    found = add(RatioStatistics(), noise(3), noise(4), noise(30)).summary()
    for figure in (found.structure, found.correlation, found.correlation_of_spread):
        assert abs(figure) < 0.05


def test_blurred_details_show_in_the_ratio(looks):
    """The mean of 17 x 17 pixels against the exact reflectivity; the other polarisation tells, and more so the
    truth."""
    power = np.pad(10 ** (looks.truth / 10), 8, mode="edge")
    blurred = db(np.lib.stride_tricks.sliding_window_view(power, (17, 17)).mean((2, 3)))
    by_other, by_truth = (
        add(RatioStatistics(), looks.first, blurred, guide).summary().structure for guide in (looks.other, looks.truth)
    )
    assert by_other > 0.2 and by_truth > 0.4
    assert add(RatioStatistics(), looks.first, blurred).summary().structure is None


def test_areas_that_became_darker_show_in_the_correlation():
    level = noise(5)
    darker = noise(6) - 2.0 * (np.arange(SIZE) // 64 % 2)
    assert add(RatioStatistics(), level, darker).summary().correlation > 0.5


def test_speckle_kept_here_and_smoothed_there_shows_in_the_spread():
    first, second = noise(5), noise(6)
    second[:, 192:] = first[:, 192:] + 0.1 * (second[:, 192:] - first[:, 192:])
    found = add(RatioStatistics(), first, second).summary()
    assert found.correlation_of_spread > 0.8 and abs(found.correlation) < 0.1


def test_ratio_figures_of_too_small_or_empty_images():
    level = noise(7, (7, 9))
    small = add(RatioStatistics(), level, level).summary()
    assert small.mean == 1 and small.correlation is None
    assert add(RatioStatistics(), level, level, valid=~everywhere(level)).summary() is None


# --- edges ------------------------------------------------------------------------------------------------------


def test_edges_of_independent_noise_are_not_preserved_though_the_cosine_says_so():
    assert abs(add(EdgePreservation(), noise(8), noise(9)).index()) < 0.03
    assert epi_cosine(noise(8), noise(9)) == pytest.approx(0.79, abs=0.02)


def test_edges_of_the_image_itself_its_opposite_and_nothing():
    level = noise(10, (80, 90))
    assert add(EdgePreservation(), level, level).index() == pytest.approx(1)
    assert add(EdgePreservation(), level, level + 7).index() == pytest.approx(1)
    assert add(EdgePreservation(), level, np.full_like(level, 30)).index() == 0
    flat = np.zeros((40, 40))
    assert add(EdgePreservation(), flat, flat).index() == 1
    assert add(EdgePreservation(), flat[:6], flat[:6]).index() is None
    step = np.where(np.arange(64) < 32, 0.0, 10.0)[None] * np.ones((64, 1))
    assert add(EdgePreservation(), step, 10 - step).index() == pytest.approx(
        -1, abs=0.15
    )  # a border between power means is no mirror
    assert add(EdgePreservation(), step, step.T).index() == pytest.approx(0, abs=0.02)


def test_a_fresh_look_keeps_the_edges_that_the_truth_has(looks):
    guided = add(EdgePreservation(), looks.first, looks.second, looks.truth).index()
    blind = add(EdgePreservation(), looks.first, looks.second).index()
    assert guided > 0.6 > blind
    moved = np.roll(looks.second, 12, axis=1)
    assert add(EdgePreservation(), looks.first, moved, looks.truth).index() < 0.2


def test_places_near_an_invalid_pixel_count_for_no_edge():
    level, valid = noise(11, (64, 64)), np.ones((64, 64), bool)
    valid[20:24, 30:40] = False
    decoded = np.where(valid, level, np.nan)
    decoded[17:20, 27:43] = 90  # every place that sees these sees invalid pixels too, or their rows above
    decoded[:17] = level[:17]
    decoded[24:] = level[24:]
    assert add(EdgePreservation(), level, decoded, valid=valid).index() < 1
    decoded = np.where(valid, level, np.nan)
    found = add(EdgePreservation(), np.where(valid, level, np.inf), decoded, valid=valid)
    assert found.index() == pytest.approx(1)
    assert found._places == 2 * (58 * 58 - 10 * 16)


# --- similarity -------------------------------------------------------------------------------------------------


# --- histograms -------------------------------------------------------------------------------------------------


# --- all of them ------------------------------------------------------------------------------------------------


def test_windows_of_a_band_add_up(looks):
    whole = add(TextureAccumulator(), looks.first, looks.second, looks.truth).summary()
    cut = TextureAccumulator()
    for row in range(0, SIZE, 256):
        for col in range(0, SIZE, 256):
            part = np.s_[row : row + 256, col : col + 256]
            cut.add(looks.first[part], looks.second[part], np.ones((256, 256), bool), looks.truth[part])
    found = cut.summary()
    assert [b.pixels for b in found.brightness] == [b.pixels for b in whole.brightness]
    assert [b.bias_db for b in found.brightness] == pytest.approx([b.bias_db for b in whole.brightness])
    assert found.histograms == whole.histograms
    assert found.ratio.mean == pytest.approx(whole.ratio.mean) and found.ratio.variance == pytest.approx(
        whole.ratio.variance
    )
    for name in ("structure", "correlation", "correlation_of_spread"):
        assert getattr(found.ratio, name) == pytest.approx(getattr(whole.ratio, name), abs=0.02)
    assert found.similarity.ssim == pytest.approx(whole.similarity.ssim, abs=0.01)
    assert found.edge_preservation == pytest.approx(whole.edge_preservation, abs=0.05)


def test_without_a_guide_there_is_no_bias_by_brightness():
    level = noise(21, (64, 64))
    found = add(TextureAccumulator(), level, level).summary()
    assert found.brightness == () and found.edge_preservation == pytest.approx(1)
