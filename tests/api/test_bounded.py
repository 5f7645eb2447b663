"""Files of bounded error and lossless ones: what they promise is kept for every pixel, or refused."""

import builtins
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sarcodec
from api.fuzzed import fuzzed_scene
from api.scenes import amplitude, bits, store, walk
from sarcodec.decoding import bounded
from sarcodec.encoding.bounded import bound_of
from sarcodec.errors import InvalidArgument, TargetNotReached
from sarcodec.format.partition import within
from sarcodec.raster.geotiff import read_array
from sarcodec.signal.radiometry import valid_mask

pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")


@settings(max_examples=70, deadline=None)
@given(st.integers(0, 1 << 30))
def test_no_pixel_of_any_scene_breaks_the_promise(seed):
    scene = fuzzed_scene(seed)
    options = {"lossless": True} if scene.bound == 0 else {"max_error_db": scene.bound / 1000}
    bands = scene.pixels.shape[0]
    walked = walk(scene.pixels, {"nodata": (scene.nodata,) * bands}, domain=scene.domain, **options)
    assert scene.violations(walked.after, valid_mask, within) == 0
    assert walked.check.passed


def test_fuzzed_scenes_are_not_all_alike():
    """The count can see a violation: other pixels than those of the scene have many."""
    scenes = [fuzzed_scene(seed) for seed in range(60)]
    broken = [s.violations(np.ascontiguousarray(s.pixels[:, ::-1, ::-1]), valid_mask, within) for s in scenes]
    assert sum(count > 0 for count in broken) > 15
    assert {s.bound == 0 for s in scenes} == {True, False} and len({s.domain for s in scenes}) == 3


@pytest.mark.parametrize("bound_db", [0.5, 1.0])
def test_dn_are_within_the_bound_and_the_file_says_so(bound_db):
    pixels = amplitude(3, 70, 530, 2)
    pixels[0, :20, 400:] = 0
    pixels[1, :, 512:] = 0
    walked = walk(pixels, max_error_db=bound_db)
    valid = pixels > 0
    error = 20 * np.abs(np.log10(walked.after[valid].astype(float)) - np.log10(pixels[valid].astype(float)))
    assert 0.8 * bound_db < error.max() <= bound_db + 1e-12
    assert not walked.after[~valid].any()
    assert (walked.report.mode, walked.report.max_error_db, walked.report.model) == ("bounded", bound_db, None)
    tags = dict(next(items for name, items in walked.info_after.tags if name == "SARCODEC"))
    claimed = json.loads(tags.pop("CLAIMS"))
    assert tags == {"MODE": "bounded", "MAX_ERROR_DB": f"{bound_db:g}"}
    assert [band["max_error_db"] for band in claimed["bands"]] == [bound_db, bound_db]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_lossless_is_every_bit(dtype):
    pixels = amplitude(5, 60, 80)
    pixels = np.minimum(pixels, 255 if dtype == "uint8" else 32767).astype(dtype)
    pixels[:, 10:20, 3:50] = 0
    if dtype == "float32":
        pixels *= np.float32(0.37)
        pixels.view(np.uint32)[0, 30, 4:7] = (0x7FC12345, 0xFF800001, 0x80000000)
    walked = walk(pixels, lossless=True)
    assert np.array_equal(bits(walked.after), bits(pixels)) and walked.report.mode == "lossless"
    assert 8 * pixels.itemsize > walked.report.bits_per_pixel
    tags = dict(next(items for name, items in walked.info_after.tags if name == "SARCODEC"))
    claimed = json.loads(tags.pop("CLAIMS"))
    assert tags == {"MODE": "lossless", "MAX_ERROR_DB": "0"} and claimed["bands"][0]["max_error_db"] == 0


def test_int16_that_is_no_amplitude_is_taken_lossless():
    pixels = np.random.default_rng(1).integers(-3000, 100, (1, 40, 50)).astype(np.int16)
    assert np.array_equal(walk(pixels, lossless=True).after, pixels)


def test_few_patterns_of_floats_are_cheap():
    """Whole numbers stored as floats take what whole numbers take."""
    pixels = amplitude(8, 200, 200)
    as_floats = walk(np.sqrt(pixels.astype(np.float32)), lossless=True).report.bits_per_pixel
    assert as_floats < walk(pixels, lossless=True).report.bits_per_pixel + 2


def test_windows_equal_the_whole(tmp_path):
    source = store(tmp_path / "in.tif", amplitude(4, 530, 600, 2))
    sarcodec.compress(source, tmp_path / "a.sarc", max_error_db=0.7, threads=2)
    sarcodec.compress(source, tmp_path / "b.sarc", max_error_db=0.7, threads=1)
    assert (tmp_path / "a.sarc").read_bytes() == (tmp_path / "b.sarc").read_bytes()
    with sarcodec.open(tmp_path / "a.sarc", threads=1) as scene:
        whole = scene.read()
        for row, col, rows, cols in ((500, 490, 30, 60), (0, 0, 1, 1), (529, 0, 1, 600)):
            window = slice(row, row + rows), slice(col, col + cols)
            assert np.array_equal(scene.read(2, window=window), whole[1][window])
    sarcodec.decompress(tmp_path / "a.sarc", tmp_path / "out.tif", window=((500, 530), (490, 550)), indexes=2)
    assert np.array_equal(read_array(tmp_path / "out.tif")[0][0], whole[1, 500:530, 490:550])


def test_info_says_what_is_promised(tmp_path):
    source, packed = store(tmp_path / "in.tif", amplitude(4, 30, 30)), tmp_path / "x.sarc"
    sarcodec.compress(source, packed, max_error_db=1.2345)
    found = sarcodec.info(packed)
    assert (found.mode, found.max_error_db, found.model, found.quality) == ("bounded", 1.234, None, None)
    sarcodec.compress(source, packed, lossless=True, overwrite=True)
    assert (sarcodec.info(packed).mode, sarcodec.info(packed).max_error_db) == ("lossless", 0)
    sarcodec.compress(source, packed, overwrite=True)
    assert (sarcodec.info(packed).mode, sarcodec.info(packed).max_error_db) == ("learned", None)


def test_a_bound_that_leaves_no_choice_is_lossless():
    pixels = np.minimum(amplitude(2, 20, 20), 255).astype(np.uint8)
    report = walk(pixels, max_error_db=0.016).report
    assert (report.mode, report.max_error_db) == ("lossless", 0)
    assert walk(pixels, max_error_db=0.04).report.mode == "bounded"


@pytest.mark.parametrize("value", [0, -1, 0.0009, 20.001, float("nan"), float("inf")])
def test_bounds_out_of_range_are_refused(tmp_path, value):
    source = store(tmp_path / "in.tif", amplitude(1, 8, 8))
    with pytest.raises(InvalidArgument):
        sarcodec.compress(source, tmp_path / "x.sarc", max_error_db=value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_recorded_bounds_are_never_wider_than_asked_for():
    assert (bound_of(0.5), bound_of(1.001), bound_of(0.0019), bound_of(20)) == (500, 1001, 1, 20000)


def test_other_targets_and_models_do_not_go_with_it(tmp_path):
    source = store(tmp_path / "in.tif", amplitude(1, 8, 8))
    for options in ({"quality": 50}, {"lossless": True}, {"target_bpp": 1}, {"model": "dct32"}):
        with pytest.raises(InvalidArgument):
            sarcodec.compress(source, tmp_path / "x.sarc", max_error_db=1, **options)


def test_a_coder_that_is_wrong_is_found_out(tmp_path, monkeypatch):
    """The encoder reads back what it wrote: nothing appears when a pixel is not as promised."""
    source = store(tmp_path / "in.tif", amplitude(1, 40, 40))
    true = bounded.unpack_bounded

    def wrong(*arguments):
        pixels = true(*arguments)
        pixels[3, 4] *= 2
        return pixels

    monkeypatch.setattr(bounded, "unpack_bounded", wrong)
    with pytest.raises(TargetNotReached):
        sarcodec.compress(source, tmp_path / "x.sarc", max_error_db=1)
    assert not (tmp_path / "x.sarc").exists()


def test_verify_finds_another_original(tmp_path):
    pixels = amplitude(1, 40, 40)
    source, packed = store(tmp_path / "in.tif", pixels), tmp_path / "x.sarc"
    sarcodec.compress(source, packed, max_error_db=0.5)
    assert sarcodec.verify(packed, against=source).passed
    pixels[0, 7, 7] = pixels[0, 7, 7] * 3 // 2
    assert not sarcodec.verify(packed, against=store(tmp_path / "other.tif", pixels)).passed


def test_without_the_library_it_is_said_what_to_install(tmp_path, monkeypatch):
    source, packed = store(tmp_path / "in.tif", amplitude(1, 40, 40)), tmp_path / "x.sarc"
    sarcodec.compress(source, packed, lossless=True)
    true = builtins.__import__

    def without(name, *arguments, **options):
        if name == "imagecodecs":
            raise ImportError(name)
        return true(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for act in (
        lambda: sarcodec.compress(source, tmp_path / "y.sarc", max_error_db=1),
        lambda: sarcodec.decompress(packed, tmp_path / "out.tif"),
        lambda: sarcodec.verify(packed),
    ):
        with pytest.raises(InvalidArgument, match=r"sarcodec\[bounded\]"):
            act()
    assert sarcodec.info(packed).mode == "lossless"
    assert not (tmp_path / "y.sarc").exists() and not (tmp_path / "out.tif").exists()


def test_one_tile_can_be_written_in_any_folder():
    """Paths are not assumed to be relative to anything."""
    with tempfile.TemporaryDirectory() as name:
        source = store(Path(name) / "in.tif", amplitude(1, 9, 9))
        assert sarcodec.compress(str(source), str(Path(name) / "x.sarc"), lossless=True).bytes < 300
