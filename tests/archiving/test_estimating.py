"""What an archive would take, told from a few tiles."""

import pytest

import sarcodec
from api.scenes import amplitude, store
from archiving.scenes import folder_of_scenes
from sarcodec.errors import InvalidArgument

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Four scenes of several tiles."""
    folder = tmp_path_factory.mktemp("scenes")
    for number, size in enumerate([(600, 900), (700, 700), (1100, 520), (600, 600)]):
        store(folder / f"{number}.tif", amplitude(number, *size, 2), descriptions=("VV", "VH"))
    return folder


@pytest.mark.parametrize(
    "options", [{}, {"target_bpp": 1.0, "effort": 0}, {"target_size": 100_000, "effort": 0}, {"max_error_db": 1.0}]
)
def test_bytes_are_near_those_of_the_archive(scenes, tmp_path, options):
    report = sarcodec.estimate_archive(scenes, workers=2, **options)
    assert (report.scenes, report.sampled, report.refused) == (4, 4, 0)
    made = sarcodec.archive(scenes, tmp_path / "out", workers=2, **options)
    assert report.bytes_in == made.bytes_in
    assert report.bytes_out == pytest.approx(made.bytes_out, rel=0.1)
    assert report.hours == pytest.approx(report.core_hours / 2) and 0 < report.core_hours < 0.1
    after = sarcodec.estimate_archive(scenes, tmp_path / "out", **options)
    assert (after.scenes, after.there, after.bytes_out, after.hours) == (0, 4, None, None)


def test_a_sample_of_many(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 9, bad=(0, 1, 2, 3))
    report = sarcodec.estimate_archive(source, sample=5, seed=2)
    assert report.scenes == 9 and report.sampled == 5 and 0 < report.refused < 5 and report.bytes_out > 1000


def test_options_are_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="2 targets"):
        sarcodec.estimate_archive(folder_of_scenes(tmp_path / "in", 1), quality=5, lossless=True)
