"""Two bands in one file: the second leans on the first, less often than it costs; efforts; what a neighbour's filling must not break."""

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store, walk
from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import LATENTS, LEANING
from sarcodec.simulate.product import simulate


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Structure that both polarisations share."""
    path = tmp_path_factory.mktemp("bands") / "city.tif"
    simulate(path, 300, 560, seed=4, preset="city")
    return path


def kinds(path) -> list[set[int]]:
    """Section kinds of every (tile, band)."""
    with FileReader(path) as file:
        bands = len(file.header.bands)
        return [{s.kind for s in file.sections(n // bands, n % bands)} for n in range(file.header.entry_count)]


def test_the_second_band_leans_and_takes_fewer_bytes(city, tmp_path):
    together = sarcodec.compress(city, tmp_path / "a.sarc", quality=35, threads=1)
    apart = sarcodec.compress(city, tmp_path / "b.sarc", quality=35, threads=1, independent_bands=True)
    assert together.bytes < 0.99 * apart.bytes
    assert [LEANING in k for k in kinds(tmp_path / "a.sarc")] == [False, True] * 2
    assert all(LATENTS in k and LEANING not in k for k in kinds(tmp_path / "b.sarc"))
    with sarcodec.open(tmp_path / "a.sarc", threads=1) as scene:
        both = scene.read()
        np.testing.assert_array_equal(scene.read(2), both[1])
    with sarcodec.open(tmp_path / "a.sarc", threads=1) as scene:  # the second band first
        np.testing.assert_array_equal(scene.read(2), both[1])


def test_bands_lean_in_pairs_and_a_band_without_valid_pixels_is_not_leaned_on(tmp_path):
    pixels = amplitude(2, 64, 600, 5)
    pixels[2, :, :590] = 0
    store(tmp_path / "in.tif", pixels)
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "in.sarc", quality=50, threads=1)
    with FileReader(tmp_path / "in.sarc") as file:
        assert [b.reference for b in file.header.bands] == [None, 0, None, 2, None]
    found = kinds(tmp_path / "in.sarc")
    assert not {LATENTS, LEANING} & found[2] and LATENTS in found[3]  # tile 0: band 2 has nothing
    assert LEANING in found[8]


def test_efforts_go_from_fast_to_small(city, tmp_path):
    reports = {
        e: sarcodec.compress(city, tmp_path / f"{e}.sarc", quality=40, effort=e, threads=1) for e in (0, 1, 2, 3)
    }
    errors = {e: sarcodec.verify(tmp_path / f"{e}.sarc", against=city, threads=1).comparison.rmse_db for e in reports}
    sizes = {e: sarcodec.info(tmp_path / f"{e}.sarc").payload_bytes for e in reports}
    # Effort 2 weighs bits and errors together, and the layer of targets follows what is left.
    assert sizes[2] <= 1.003 * sizes[1] and sizes[1] < 1.03 * sizes[0]
    assert errors[1] == pytest.approx(errors[2], rel=0.01) and errors[1] < 0.97 * errors[0]
    for effort in (-1, 4, 6, 9, 1.5):
        with pytest.raises(InvalidArgument, match="effort"):
            sarcodec.compress(city, tmp_path / "x.sarc", effort=effort)


@pytest.mark.parametrize("seed", range(3))
def test_valid_pixels_beside_invalid_ones_across_a_tile_border_keep_their_error(seed):
    """Both tiles fill what lies across their border, and each sees other pixels beyond."""
    rng = np.random.default_rng(seed)
    pixels = amplitude(seed, 600, 600)
    rows, cols = np.mgrid[:600, :600]
    for _ in range(12):  # discs of nodata, many across the borders at 512
        row, col = rng.integers(440, 590, 2)
        pixels[:, (rows - row) ** 2 + (cols - col) ** 2 < rng.integers(4, 30) ** 2] = 0
    pixels[:, :512, 520:] = 0
    walked = walk(pixels, quality=60)
    valid = pixels > 0
    square = np.square(20 * np.log10(walked.after[valid] / walked.before[valid].astype(float)))
    near = (np.minimum(abs(rows - 512), abs(cols - 512)) < 20)[None][np.broadcast_to(valid, pixels.shape)]
    assert near.sum() > 0 and np.sqrt(square[near].mean()) < 1.25 * np.sqrt(square[~near].mean())
    assert np.sqrt(square.max()) < 10
