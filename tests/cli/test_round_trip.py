"""Verbs that do what they promise: files, georeferencing, windows, bands, reports."""

import json

import numpy as np
import pytest

from cli.conftest import COLS, ROWS
from cli.shell import invoke
from sarcodec.raster.geotiff import read_array
from sarcodec.raster.quiet import open_writer


def strict_json(text: str) -> dict:
    """JSON as its standard has it: no NaN, no Infinity."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_pixels_come_back_within_the_step_and_invalid_ones_bit_by_bit(scene, decoded):
    done = invoke("evaluate", scene, decoded, "--json")
    found = strict_json(done.stdout)
    assert (done.code, done.stderr) == (0, "")
    assert found["passed"] and found["invalid_identical"] and found["valid_lost"] == 0
    assert found["invalid"] > 0 and found["pixels"] + found["invalid"] == 2 * ROWS * COLS
    assert 0 < found["rmse_db"] < 1  # quality 60 is a step of 1 dB
    assert [band["band"] for band in found["bands"]] == [1, 2]


def test_everything_that_the_file_says_comes_back(scene, decoded):
    before, after = read_array(scene)[1], read_array(decoded)[1]
    assert after.gcps == before.gcps and after.gcp_crs_wkt == before.gcp_crs_wkt and after.transform is None
    assert (after.nodata, after.dtype, after.descriptions) == (before.nodata, before.dtype, before.descriptions)
    tags = next(dict(items) for namespace, items in after.tags if namespace == "")
    assert dict(before.tags[0][1]).items() <= tags.items()


def test_compress_reports_the_size_on_disk(scene, tmp_path):
    target = tmp_path / "out.sarc"
    done = invoke("compress", scene, target, "--quality", "30", "--json", "--progress", "--threads", "1")
    report = strict_json(done.stdout)
    assert done.code == 0
    assert report["bytes"] == target.stat().st_size and report["quality"] == pytest.approx(30)
    assert report["bits_per_pixel"] == pytest.approx(8 * report["bytes"] / (2 * ROWS * COLS))
    assert "compress: 100 %" in done.stderr.splitlines()


def test_target_size_is_not_exceeded(scene, tmp_path):
    target = tmp_path / "out.sarc"
    done = invoke("compress", scene, target, "--target-size", "20000")
    assert done.code == 0, done.stderr
    assert 10_000 < target.stat().st_size <= 20_000


def test_window_is_the_same_pixels_of_the_whole(packed, decoded, tmp_path):
    target = tmp_path / "window.tif"
    done = invoke("decompress", packed, target, "--window", 490, 20, 70, 100, "--quiet")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    pixels, info = read_array(target)
    np.testing.assert_array_equal(pixels, read_array(decoded)[0][:, 20:120, 490:560])
    first, whole = info.gcps[0], read_array(decoded)[1].gcps[0]
    assert (first.row, first.col, first.x) == (whole.row - 20, whole.col - 490, whole.x)


def test_band_counts_from_one(packed, decoded, tmp_path):
    target = tmp_path / "band.tif"
    assert invoke("decompress", packed, target, "--indexes", 2).code == 0
    pixels, info = read_array(target)
    assert info.descriptions == ("VH",)
    np.testing.assert_array_equal(pixels, read_array(decoded)[0][1:])


def test_info_is_json_for_programs_and_lines_for_people(packed):
    done = invoke("info", packed, "--json")
    assert (done.code, done.stderr) == (0, "")
    found = strict_json(done.stdout)
    assert (found["rows"], found["cols"], found["bands"]) == (ROWS, COLS, 2)
    assert (found["dtype"], found["domain"], found["quality"]) == ("uint16", "amplitude", 60)
    assert found["bytes"] == packed.stat().st_size and found["ground_control_points"] > 0
    people = invoke("info", packed)
    assert people.code == 0 and "uint16" in people.stdout and "{" not in people.stdout.splitlines()[0]


def test_verify_sound_file_against_its_original_and_another(scene, packed, tmp_path):
    done = invoke("verify", packed, "--against", scene, "--json")
    assert (done.code, done.stderr) == (0, "")
    assert strict_json(done.stdout)["passed"] is True
    other = tmp_path / "other.tif"
    assert invoke("simulate", other, "--size", COLS, ROWS, "--seed", 4).code == 0
    done = invoke("verify", packed, "--against", other, "--json")
    assert done.code == 1
    assert strict_json(done.stdout)["passed"] is False


def test_simulate_writes_what_was_asked_for(tmp_path):
    target, truth = tmp_path / "scene.tif", tmp_path / "truth.tif"
    options = ["--seed", 5, "--preset", "sea", "--bands", "VH", "--truth", truth, "--nodata-border"]
    done = invoke("simulate", target, "--size", 90, 70, "--quiet", *options)
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    pixels, info = read_array(target)
    assert pixels.shape == (1, 70, 90) and info.descriptions == ("VH",) and (pixels == 0).any()
    assert read_array(truth)[1].dtype == "float32"
    assert invoke("simulate", target, "--size", 70, "--overwrite").code == 0
    assert read_array(target)[0].shape == (2, 70, 70)


def test_models_list_has_one_default():
    done = invoke("models", "list", "--json")
    models = strict_json(done.stdout)["models"]
    assert (done.code, done.stderr) == (0, "")
    assert [model["default"] for model in models].count(True) == 1
    assert all(len(model["digest_hex"]) == 64 and model["bytes"] > 0 for model in models)
    assert models[0]["id"] in invoke("models", "list").stdout


def test_units_of_length_that_proj_looks_up_make_no_noise(tmp_path):
    source, packed, back = tmp_path / "in.tif", tmp_path / "x.sarc", tmp_path / "back.tif"
    with open_writer(
        source, driver="GTiff", height=9, width=8, count=1, dtype="uint16", crs="+proj=utm +zone=33 +datum=WGS84 +units=km",
        transform=(1, 0, 500, 0, -1, 6000),
    ) as dataset:  # fmt: skip
        dataset.write(np.arange(1, 73, dtype=np.uint16).reshape(1, 9, 8))
    for words in (("compress", source, packed), ("decompress", packed, back), ("evaluate", source, back)):
        done = invoke(*words)
        assert (done.code, done.stderr) == (0, "")
