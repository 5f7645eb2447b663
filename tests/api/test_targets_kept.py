"""Targets keep their energy: alone, beside borders between tiles, as single pixels, with restored speckle; windows agree; masks hold."""

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import TARGETS

ROWS, COLS = 600, 640  # two by two tiles
PLACES = [(100, 100), (60, 300), (300, 200), (511, 130), (515, 400), (250, 512), (520, 509), (590, 600)]
SINGLE = (180, 420)
HALF_POWER_PX = 2.0


def with_targets(peak: float) -> np.ndarray:
    rng = np.random.default_rng(7)
    pixels = amplitude(3, ROWS, COLS)[0] + np.uint16(50)
    field = pixels * np.exp(2j * np.pi * rng.random(pixels.shape))
    for row, col in PLACES:
        rows, cols = np.arange(ROWS) - row - 0.2, np.arange(COLS) - col + 0.3
        down, right = (np.exp(-2 * np.log(2) * np.square(u / HALF_POWER_PX)) for u in (rows, cols))
        field += peak * down[:, None] * right
    out = np.rint(np.abs(field)).clip(1, 65535).astype(np.uint16)
    out[SINGLE] = 60000
    return out


def energy_db(pixels: np.ndarray, place: tuple[int, int]) -> float:
    row, col = place
    return 10 * np.log10(np.square(pixels[row - 2 : row + 3, col - 2 : col + 3].astype(float)).sum())


def errors_db(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.array([energy_db(after, place) - energy_db(before, place) for place in (*PLACES, SINGLE)])


@pytest.fixture(scope="module", params=[5000.0, 40000.0])
def scene(request) -> np.ndarray:
    return with_targets(request.param)


@pytest.fixture(scope="module")
def packed(scene) -> bytes:
    return sarcodec.encode(scene, quality=30, domain="amplitude", threads=1)


def test_energies_come_back(scene, packed):
    errors = np.abs(errors_db(scene, sarcodec.decode(packed, threads=1)))
    assert np.median(errors) < 0.3 and errors.max() < 1.5, errors


def test_restored_speckle_leaves_targets_alone(scene, packed):
    kept, restored = (sarcodec.decode(packed, threads=1, speckle=how) for how in ("keep", "restore"))
    assert np.abs(errors_db(kept, restored)).max() < 0.5
    assert np.abs(errors_db(scene, restored)).max() < 1.5


def test_least_error_levels_have_the_targets_too(scene, packed):
    assert np.abs(errors_db(scene, sarcodec.decode(packed, threads=1, reconstruct="log"))).max() < 2.5


@pytest.mark.parametrize("how", [{}, {"reconstruct": "log"}, {"speckle": "restore"}], ids=["power", "log", "restore"])
def test_a_window_is_the_same_pixels_of_the_whole(packed, how):
    whole = sarcodec.decode(packed, threads=1, **how)
    for rows, cols in (
        ((505, 525), (120, 140)),
        ((240, 260), (500, 512)),
        ((240, 260), (512, 530)),
        ((0, 600), (511, 513)),
    ):
        window = sarcodec.decode(packed, threads=1, window=(rows, cols), **how)
        np.testing.assert_array_equal(window, whole[slice(*rows), slice(*cols)])


def test_threads_do_not_change_the_file(scene, packed):
    assert sarcodec.encode(scene, quality=30, domain="amplitude", threads=2) == packed


def test_ground_without_targets_has_no_section():
    data = sarcodec.encode(
        np.rint(300 * np.random.default_rng(5).gamma(200, 1 / 200, (300, 300))).astype(np.uint16),
        quality=40,
        domain="amplitude",
        threads=1,
    )
    with FileReader(data) as file:
        assert TARGETS not in [section.kind for section in file.sections(0, 0)]


def test_targets_beside_invalid_pixels(scene):
    masked = scene.copy()
    masked[:, 110:130] = 0
    masked[95:98, 95:99] = 0
    after = sarcodec.decode(sarcodec.encode(masked, quality=30, domain="amplitude", nodata=0, threads=1), threads=1)
    np.testing.assert_array_equal(after == 0, masked == 0)
    assert abs(energy_db(after, PLACES[0]) - energy_db(masked, PLACES[0])) < 1.5


def test_floats_of_power(scene):
    power = np.square(scene.astype(np.float32)) * np.float32(1e-6)
    after = sarcodec.decode(sarcodec.encode(power, quality=30, domain="power", threads=1), threads=1)
    errors = np.abs(errors_db(np.sqrt(power), np.sqrt(after)))
    assert np.median(errors) < 0.3 and errors.max() < 1.5, errors


def looks(pixels: np.ndarray) -> float:
    """Equivalent number of looks, the median of windows of 15 x 15."""
    views = np.lib.stride_tricks.sliding_window_view(np.square(pixels.astype(float)), (15, 15))
    windows = views[::16, ::16].reshape(-1, 225)
    return 1 / np.median(windows.var(1) / np.square(windows.mean(1)))


def test_speckle_of_one_look_comes_back_beside_targets():
    """Of one look, a pixel far above its surroundings is speckle still, and gets its texture."""
    pixels = np.sqrt(np.random.default_rng(2).gamma(1, 200**2, (320, 320))).astype(np.uint16)
    pixels[40::80, 40::80] = 20000
    data = sarcodec.encode(pixels, quality=30, domain="amplitude", threads=1)
    restored, kept = (sarcodec.decode(data, speckle=speckle, threads=1) for speckle in ("restore", "keep"))
    assert looks(kept) < 0.93 * looks(pixels)
    assert 0.96 < looks(restored) / looks(pixels) < 1.05
    assert float(restored[40, 40]) == pytest.approx(20000, rel=0.1)
