"""evaluate --report: the page of two files, beside the compressed one; what is refused leaves nothing behind."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

import sarcodec
from cli.shell import invoke
from quality.test_page import read_page
from sarcodec.decoding.tile_sizes import tile_sizes
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array


def test_the_page_says_what_evaluate_says(scene, packed, decoded, tmp_path):
    page = tmp_path / "out.html"
    done = invoke("evaluate", scene, decoded, "--report", page, "--compressed", packed, "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
    reader = read_page(page.read_text(encoding="utf-8"))
    words = " ".join(reader.text)
    assert f"{packed.stat().st_size:,} bytes" in words and "Band 2, VH" in words
    for band in found["bands"]:
        assert f"{band['errors']['rmse_db']:.4f}" in words and f"{band['texture']['ratio']['mean']:.4f}" in words
        verdict = {v["quality_class"]: v["passed"] for v in band["classes"]}
        assert set(verdict) == {"archive", "analysis"}
        checks = {c["name"]: c for v in band["classes"] for c in v["checks"] if v["quality_class"] == "analysis"}
        assert checks["bias dB"]["value"] == band["errors"]["bias_power_db"]
        assert checks["bias dB"]["passed"] == (abs(band["errors"]["bias_power_db"]) <= 0.05)
    for words_of_head in ("Compression ratio", "60 of 100", "lapped32", datetime.now(UTC).strftime("%Y-%m-%d")):
        assert words_of_head in words
    raw = 150 * 610 * 2 * 2
    assert f"{raw / packed.stat().st_size:.1f} to 1" in words
    assert len(reader.sources) == 14  # two bands of seven pictures: the scene has two tiles


def test_lines_for_people_name_what_failed(scene, decoded):
    done = invoke("evaluate", scene, decoded)
    assert done.code == 0 and "archive: failed: " in done.stdout and "excess" not in done.stdout


@pytest.mark.parametrize("case", ["there", "no folder", "no page", "other scene"])
def test_what_is_refused_leaves_nothing(case, scene, packed, decoded, tmp_path):
    page, options, code = tmp_path / "out.html", ["--compressed", packed], 2
    if case == "there":
        page.write_text("mine")
        code = 6
    if case == "no folder":
        page = tmp_path / "none" / "out.html"
    if case == "other scene":
        pixels, info = read_array(scene)
        write_array(tmp_path / "cut.tif", np.ascontiguousarray(pixels[:1]), type(info)(*pixels.shape[1:], 1, "uint16"))
        scene = decoded = tmp_path / "cut.tif"
    words = [] if case == "no page" else ["--report", page]
    done = invoke("evaluate", scene, decoded, *words, *options)
    assert done.code == code and done.stderr.count("\n") == 1
    left = {path.name for path in tmp_path.iterdir()} - {"cut.tif"}
    assert left == ({"out.html"} if case == "there" else set())
    assert case != "there" or page.read_text() == "mine"


def test_a_page_is_replaced_when_asked(scene, decoded, tmp_path):
    page = tmp_path / "out.html"
    page.write_text("old")
    done = invoke("evaluate", scene, decoded, "--report", page, "--overwrite")
    assert done.code == 0 and page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_does_not_hide_a_broken_mask(scene, decoded, tmp_path):
    pixels, info = read_array(decoded)
    pixels[0, 75, 300] = 0
    write_array(tmp_path / "lost.tif", pixels, info)
    done = invoke("evaluate", scene, tmp_path / "lost.tif", "--report", tmp_path / "out.html")
    words = " ".join(read_page((tmp_path / "out.html").read_text(encoding="utf-8")).text)
    assert done.code == 1 and "1 valid pixels were lost" in words and "changed" in words


def test_tile_sizes_add_up_to_the_payload(packed):
    sizes = tile_sizes(packed)
    assert sizes.bytes.shape == (2, 1, 2) and sizes.pixels.tolist() == [[150 * 512, 150 * 98]]
    told = sarcodec.info(packed)
    assert (sizes.bytes.sum(), sizes.file_bytes) == (told.payload_bytes, told.bytes)
    assert sizes.bits_per_pixel[1, 0, 1] == 8 * sizes.bytes[1, 0, 1] / (150 * 98)


def test_without_the_compressed_file_the_page_says_how_to_name_it(scene, decoded, tmp_path):
    invoke("evaluate", scene, decoded, "--report", tmp_path / "out.html")
    words = " ".join(read_page((tmp_path / "out.html").read_text(encoding="utf-8")).text)
    assert "--compressed" in words and "Compression ratio" not in words and "Error of a pixel" in words


def test_a_band_that_is_no_radar_is_said_to_be_one(tmp_path):
    pixels = np.ones((2, 40, 50), np.uint16)
    pixels[0] = np.random.default_rng(1).integers(100, 900, (40, 50))
    pixels[1] = np.arange(50) // 10
    info = SceneInfo(40, 50, 2, "uint16", descriptions=("VV", "classes"))
    for name in ("a.tif", "b.tif"):
        write_array(tmp_path / name, pixels, info)
    done = invoke("evaluate", tmp_path / "a.tif", tmp_path / "b.tif", "--report", tmp_path / "out.html")
    assert done.code == 0, done.stderr
    words = " ".join(read_page((tmp_path / "out.html").read_text(encoding="utf-8")).text)
    assert "is no radar image" in words and "every pixel did" in words and "not measured" in words
