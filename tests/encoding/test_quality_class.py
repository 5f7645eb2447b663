"""Classes: what compress promises, evaluate finds in the decoded file; a coarser file is not of the class."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sarcodec
from api.scenes import amplitude, store
from format.taken_apart import resealed
from sarcodec.api.comparison import compare_scenes
from sarcodec.encoding import quality_class
from sarcodec.encoding.quality_class import MOST_TRIES, NEARLY, coarsest
from sarcodec.errors import InvalidArgument, TargetNotReached
from sarcodec.raster.geotiff import read_array
from sarcodec.simulate.product import simulate

ROWS, COLS = 360, 540


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two bands over two tiles, with a border of nodata."""
    path = tmp_path_factory.mktemp("class") / "in.tif"
    simulate(path, ROWS, COLS, seed=6, nodata_border=True)
    return path


def _verdicts(scene, packed, folder, name):
    decoded = folder / "back.tif"
    sarcodec.decompress(packed, decoded, threads=1, overwrite=True)
    found = compare_scenes(scene, decoded)
    return [v for band in found.bands for v in band.classes if v.quality_class == name]


@pytest.mark.parametrize("name", ["archive", "analysis"])
def test_the_decoded_file_is_of_the_class_and_one_step_coarser_is_not_or_nearly(scene, tmp_path, name):
    report = sarcodec.compress(scene, tmp_path / "out.sarc", quality_class=name, threads=1)
    assert report.quality_class == name and report.bytes == (tmp_path / "out.sarc").stat().st_size
    verdicts = _verdicts(scene, tmp_path / "out.sarc", tmp_path, name)
    assert len(verdicts) == 2 and all(v.passed for v in verdicts)
    if max(v.excess for v in verdicts) < 1 - 2 * NEARLY:
        coarser = sarcodec.compress(scene, tmp_path / "b.sarc", quality=report.quality - 10 / 64, threads=1)
        assert coarser.step == report.step + 1
        assert not all(v.passed for v in _verdicts(scene, tmp_path / "b.sarc", tmp_path, name))


def test_analysis_is_smaller_than_archive_and_both_are_what_their_quality_writes(scene, tmp_path):
    sizes = []
    for name in ("archive", "analysis"):
        report = sarcodec.compress(scene, tmp_path / f"{name}.sarc", quality_class=name, threads=1)
        sarcodec.compress(scene, tmp_path / "same.sarc", quality=report.quality, threads=1, overwrite=True)
        aimed, plain = (path.read_bytes() for path in (tmp_path / f"{name}.sarc", tmp_path / "same.sarc"))
        assert resealed(aimed, claims=b"") == resealed(plain, claims=b"")  # which say what was asked for
        sizes.append(report.bytes)
    assert sizes[1] < 0.8 * sizes[0]


def test_every_band_must_pass(tmp_path):
    """A band that is easy beside one of few DN, where rounding alone is an error of a dB."""
    pixels = amplitude(3, 300, 300, 2)
    pixels[1] = np.maximum(pixels[1] // 15, 1)
    source = store(tmp_path / "in.tif", pixels, descriptions=("VV", "VH"))
    report = sarcodec.compress(source, tmp_path / "out.sarc", quality_class="analysis", threads=1)
    alone = store(tmp_path / "one.tif", pixels[0])
    easy = sarcodec.compress(alone, tmp_path / "one.sarc", quality_class="analysis", threads=1)
    assert all(v.passed for v in _verdicts(source, tmp_path / "out.sarc", tmp_path, "analysis"))
    assert report.step < easy.step


def test_a_class_that_no_file_reaches_is_refused_and_leaves_nothing(tmp_path, scene, monkeypatch):
    from sarcodec.quality import classes

    monkeypatch.setitem(classes.CLASSES, "archive", classes.QualityClass("archive", 1.0, 1e-9, 0.5, 1.5))
    with pytest.raises(TargetNotReached, match="band 1: .*expected under 1e-09"):
        sarcodec.compress(scene, tmp_path / "out.sarc", quality_class="archive", threads=1)
    assert not list(tmp_path.iterdir())


def test_what_has_no_meaning_is_refused(scene, tmp_path):
    for options in ({"quality_class": "best"}, {"quality_class": "archive", "quality": 50}):
        with pytest.raises(InvalidArgument, match="class"):
            sarcodec.compress(scene, tmp_path / "out.sarc", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pixels", [np.zeros((40, 50), np.uint16), np.full((1, 1), 77, np.uint16)])
def test_scenes_without_a_valid_pixel_and_scenes_of_one(tmp_path, pixels):
    source = store(tmp_path / "in.tif", pixels)
    sarcodec.compress(source, tmp_path / "out.sarc", threads=1, quality_class="archive")
    sarcodec.decompress(tmp_path / "out.sarc", tmp_path / "out.tif", threads=1)
    assert abs(20 * np.log10(np.maximum(read_array(tmp_path / "out.tif")[0], 1) / np.maximum(pixels, 1))).max() <= 0.02


@settings(max_examples=300, deadline=None)
@given(st.floats(0.005, 0.03), st.integers(-200, 900), st.integers(0, 639))
def test_monotone_curves_end_at_the_last_step_that_passes(slope, bound, first):
    asked = []

    def judged(step):
        asked.append(step)
        excess = math.exp(slope * (step - bound - 0.5))
        return excess < 1, excess

    tries = coarsest(judged, first)
    passing = [step for step, passed in tries.items() if passed]
    assert list(tries) == asked and len(asked) <= MOST_TRIES
    if bound < 0:
        assert not passing and 0 in asked
    else:
        best = min(bound, 639)
        assert best - NEARLY / slope - 1 <= max(passing) <= best


def test_a_verdict_that_scatters_costs_few_steps():
    """Half of the steps within the smooth figures' bound pass by chance: the answer is one of them, mostly near it."""
    lost = []
    for seed in range(100):
        lucky = np.random.default_rng(seed).random(640) < 0.5
        tries = coarsest(
            lambda step: (bool(step <= 300 and lucky[step]), math.exp(0.015 * (step - 300.5))), 37 * seed % 640
        )
        best = max(step for step, passed in tries.items() if passed)
        assert len(tries) <= MOST_TRIES and lucky[best] and best <= 300
        lost.append(300 - best)
    assert np.quantile(lost, 0.9) <= 12 and np.median(lost) <= 2


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 639))
def test_any_curve_ends_and_what_is_called_passing_passed(seed, first):
    excess = np.exp(np.random.default_rng(seed).normal(0, 2, 640))
    tries = coarsest(lambda step: (bool(excess[step] < 1), float(excess[step])), first)
    assert 1 <= len(tries) <= MOST_TRIES
    assert all(passed == (excess[step] < 1) for step, passed in tries.items())


@pytest.mark.parametrize("seed, size, preset, name", [(2, 200, "fields", "analysis"), (4, 256, "city", "archive")])
def test_no_coarser_step_passes(tmp_path, monkeypatch, seed, size, preset, name):
    """Every coarser step until 8 x 8 errors are a fifth over their bound: in these two scenes figures scatter around it."""
    simulate(tmp_path / "in.tif", size, size, bands=("VV",), seed=seed, preset=preset)

    def scanned(judged, first, scatter):
        tries = coarsest(judged, first, scatter)
        best = max(step for step, passed in tries.items() if passed)
        assert len(tries) < MOST_TRIES
        for step in range(best + 1, 640):
            passed, used = judged(step)
            assert not passed, f"step {step} passes, {best} was taken"
            if used > 1.2:
                return tries
        return tries

    monkeypatch.setattr(quality_class, "coarsest", scanned)
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "out.sarc", quality_class=name, threads=1)


def test_a_step_that_was_left_out_is_found():
    """Steps 200 to 230 fail but for one in their middle, and 199 passes."""
    for lucky in range(200, 231):
        tries = coarsest(lambda step: (step < 200 or step == lucky, math.exp(0.015 * (step - 230.5))), 287)
        assert max(step for step, passed in tries.items() if passed) == lucky and len(tries) <= MOST_TRIES
