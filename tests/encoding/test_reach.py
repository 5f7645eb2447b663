"""Targets on real scenes: rates and errors are met, sizes never exceeded, and what cannot be met leaves nothing behind."""

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, speckle, store
from sarcodec.errors import InvalidArgument, TargetNotReached
from sarcodec.raster.geotiff import read_array
from sarcodec.simulate.product import simulate
from sarcodec.storage.spool import Spool

ROWS, COLS = 360, 540


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A simulated Sentinel-1 scene with a border of nodata: one band of 360 x 540 pixels, two tiles."""
    folder = tmp_path_factory.mktemp("reach")
    simulate(folder / "two.tif", ROWS, COLS, seed=4)
    pixels = read_array(folder / "two.tif")[0][0].copy()
    pixels[:, :20] = 0
    return store(folder / "in.tif", pixels)


@pytest.fixture(scope="module")
def harsh_scene(tmp_path_factory):
    """Speckle without correlation over two levels: takes twice the bits of a scene, and its curve is as steep as a cliff."""
    random = np.random.default_rng(21)
    level = np.where(np.add.outer(np.arange(ROWS), np.arange(COLS)) % 200 < 120, 80, 300)
    pixels = np.rint(level * np.sqrt(random.gamma(4, 0.25, (ROWS, COLS)))).clip(1).astype(np.uint16)
    return store(tmp_path_factory.mktemp("reach") / "harsh.tif", pixels)


@pytest.fixture(scope="module")
def power_scene(tmp_path_factory):
    return store(tmp_path_factory.mktemp("reach") / "power.tif", (0.05 * speckle(3, 1, 200, 230)).astype(np.float32))


@pytest.mark.parametrize("bpp", [0.2, 0.5, 1.0, 2.2, 4.0])
def test_a_rate_is_met_within_two_percent(scene, tmp_path, bpp):
    report = sarcodec.compress(scene, tmp_path / "out.sarc", target_bpp=bpp, threads=1)
    assert report.bytes == (tmp_path / "out.sarc").stat().st_size > 4000
    assert report.bits_per_pixel == pytest.approx(bpp, rel=0.02) and report.passes <= 4
    assert report.bits_per_pixel == pytest.approx(8 * report.bytes / (ROWS * COLS))
    assert sarcodec.verify(tmp_path / "out.sarc", against=scene, threads=1).passed


@pytest.mark.parametrize("size", [2000, 5000, 9999, 20_000, 47_001, 10_000_000])
@pytest.mark.parametrize("which", ["scene", "harsh_scene"])
def test_a_size_is_never_exceeded_and_nearly_used(which, request, tmp_path, size):
    source = request.getfixturevalue(which)
    report = sarcodec.compress(source, tmp_path / "out.sarc", target_size=size, threads=1)
    assert report.bytes == (tmp_path / "out.sarc").stat().st_size <= size
    assert report.bytes > (0.9 if which == "scene" else 0.7) * size or (size == 10_000_000 and report.quality == 100)
    assert sarcodec.info(tmp_path / "out.sarc").bytes == report.bytes


@pytest.mark.parametrize("rmse_db", [0.15, 0.4, 1.0, 1.4])
@pytest.mark.parametrize("which", ["scene", "power_scene"])
def test_an_error_is_met_within_two_percent(which, request, tmp_path, rmse_db):
    source = request.getfixturevalue(which)
    report = sarcodec.compress(source, tmp_path / "out.sarc", target_rmse_db=rmse_db, threads=1)
    found = sarcodec.verify(tmp_path / "out.sarc", against=source, threads=1).comparison.rmse_db
    assert found == pytest.approx(rmse_db, rel=0.02) and report.passes <= 4
    assert found == pytest.approx(report.rmse_db, rel=1e-3)


def test_a_target_writes_the_file_that_its_quality_writes(scene, tmp_path):
    report = sarcodec.compress(scene, tmp_path / "a.sarc", target_bpp=0.8, threads=1)
    sarcodec.compress(scene, tmp_path / "b.sarc", quality=report.quality, threads=1)
    assert (tmp_path / "a.sarc").read_bytes() == (tmp_path / "b.sarc").read_bytes()


def test_analysis_in_a_file_gives_the_same(scene, tmp_path, monkeypatch):
    sarcodec.compress(scene, tmp_path / "a.sarc", target_bpp=0.8, threads=1)
    spools, real = [], Spool.__init__

    def small(spool, room, folder, what):
        spools.append(spool)
        real(spool, 1000, folder, what)

    monkeypatch.setattr(Spool, "__init__", small)
    sarcodec.compress(scene, tmp_path / "b.sarc", target_bpp=0.8, threads=1)
    assert len(spools) == 1 and spools[0].in_file > 2 * ROWS * COLS
    assert (tmp_path / "a.sarc").read_bytes() == (tmp_path / "b.sarc").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sarc", "b.sarc"]


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 50, "target_bpp": 1},
        {"target_size": 9999, "target_rmse_db": 1},
        {"quality": 0, "target_size": 9999},
        {"target_bpp": 0},
        {"target_size": -5},
        {"target_rmse_db": float("nan")},
        {"target_bpp": float("inf")},
    ],
)
def test_two_targets_or_senseless_ones_are_refused(scene, tmp_path, options):
    with pytest.raises(InvalidArgument, match="target"):
        sarcodec.compress(scene, tmp_path / "out.sarc", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"target_size": 60}, {"target_size": 1}, {"target_rmse_db": 1e-4}])
def test_what_cannot_be_met_is_said_and_leaves_nothing(scene, tmp_path, options):
    with pytest.raises(TargetNotReached):
        sarcodec.compress(scene, tmp_path / "out.sarc", threads=1, **options)
    (tmp_path / "older.sarc").write_bytes(b"older")
    with pytest.raises(TargetNotReached):
        sarcodec.compress(scene, tmp_path / "older.sarc", threads=1, overwrite=True, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["older.sarc"] and (
        tmp_path / "older.sarc"
    ).read_bytes() == b"older"


@pytest.mark.parametrize("options", [{"target_bpp": 0.5}, {"target_size": 5000}, {"target_rmse_db": 0.5}, {}])
def test_scenes_without_a_valid_pixel_and_scenes_of_one(tmp_path, options):
    for pixels in (np.zeros((40, 50), np.uint16), np.full((1, 1), 77, np.uint16)):
        source = store(tmp_path / "in.tif", pixels)
        sarcodec.compress(source, tmp_path / "out.sarc", threads=1, overwrite=True, **options)
        sarcodec.decompress(tmp_path / "out.sarc", tmp_path / "out.tif", threads=1, overwrite=True)
        assert sarcodec.verify(tmp_path / "out.sarc", against=source, threads=1).passed
        np.testing.assert_allclose(read_array(tmp_path / "out.tif")[0], pixels[None], rtol=0.2)


def test_progress_ends_at_the_whole_and_never_goes_back(tmp_path):
    source = store(tmp_path / "in.tif", amplitude(1, 60, 600))
    for n, options in enumerate(({}, {"target_size": 4000}, {"target_rmse_db": 0.6})):
        seen = []
        sarcodec.compress(
            source, tmp_path / f"{n}.sarc", threads=1, progress=lambda done, total: seen.append(done / total), **options
        )
        assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 2
