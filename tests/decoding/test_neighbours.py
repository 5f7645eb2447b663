"""Which tiles are decoded for a window: of least error only those that have a say in its pixels."""

import numpy as np
import pytest

import sarcodec
from sarcodec.decoding.learned import LearnedDecoder


@pytest.fixture
def decoded(monkeypatch):
    """Tiles that were decoded."""
    found, decode = [], LearnedDecoder._decode
    monkeypatch.setattr(LearnedDecoder, "_decode", lambda self, *place: found.append(place) or decode(self, *place))
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Four by four tiles with targets."""
    rng = np.random.default_rng(3)
    pixels = rng.gamma(5, 40, (1, 2000, 2000)).astype(np.uint16)
    pixels[0][tuple(rng.integers(0, 2000, (2, 400)))] = 20_000
    path = tmp_path_factory.mktemp("large") / "a.sarc"
    path.write_bytes(sarcodec.encode(pixels, domain="amplitude", effort=0, quality=40))
    return path


@pytest.mark.parametrize(
    "window, tiles",
    [
        (((700, 900), (700, 900)), 1),
        (((800, 1200), (800, 1200)), 4),
        (((600, 900), (530, 900)), 2),
        (((520, 900), (530, 900)), 4),
        (((512, 1024), (512, 1024)), 9),
    ],
)
def test_a_window_of_least_error_decodes_only_the_neighbours_that_have_a_say(large, decoded, window, tiles):
    with sarcodec.open(large, reconstruct="log") as scene, sarcodec.open(large, reconstruct="log") as other:
        found = scene.read(1, window=window)
        assert len(decoded) == tiles
        np.testing.assert_array_equal(found, other.read(1)[tuple(slice(*side) for side in window)])


def test_windows_of_least_error_are_those_of_the_whole(large):
    rng = np.random.default_rng(4)
    with sarcodec.open(large, reconstruct="log") as scene:
        whole = scene.read(1)
    for _ in range(40):
        row, col = rng.integers(0, 1900, 2)
        rows, cols = rng.integers(1, 600, 2)
        window = (slice(row, min(row + rows, 2000)), slice(col, min(col + cols, 2000)))
        with sarcodec.open(large, reconstruct="log") as scene:
            np.testing.assert_array_equal(scene.read(1, window=window), whole[window])


def test_a_window_of_unbiased_power_decodes_all_neighbours(large, decoded):
    """Its knots are quantiles of the whole tile."""
    with sarcodec.open(large) as scene:
        scene.read(1, window=((700, 900), (700, 900)))
    assert len(decoded) == 9
