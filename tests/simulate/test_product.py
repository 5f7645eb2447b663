"""The simulated file: its pixels are the scene's, it is georeferenced as a GRD is, and it takes bounded memory."""

import tracemalloc

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import read_array
from sarcodec.simulate import land, product
from sarcodec.simulate.scene import SceneSimulator


def test_file_and_truth_hold_what_the_simulator_says(tmp_path, monkeypatch):
    monkeypatch.setattr(product, "TILE_PX", 128)
    path, truth_path = tmp_path / "scene.tif", tmp_path / "truth.tif"
    said = product.simulate(path, 200, 300, seed=4, truth_path=truth_path, nodata_border=True)
    scene, window = SceneSimulator(200, 300, seed=4, nodata_border=True), Window(0, 0, 200, 300)
    pixels, info = read_array(path)
    assert np.array_equal(pixels, scene.pixels(window))
    assert info.descriptions == ("VV", "VH") and info.nodata == (0.0, 0.0) and info.dtype == said.dtype == "uint16"
    truth, truth_info = read_array(truth_path)
    valid = scene.valid(window)
    assert np.array_equal(truth[:, valid], scene.reflectivity(window)[:, valid]) and (truth[:, ~valid] == 0).all()
    assert truth_info.dtype == "float32" and "power" in truth_info.units[0]
    assert sorted(tmp_path.iterdir()) == [path, truth_path]


def test_georeferencing_is_a_grid_of_points_with_heights_and_no_transform(tmp_path):
    product.simulate(tmp_path / "a.tif", 90, 120, ("VV",), preset="sea")
    info = read_array(tmp_path / "a.tif")[1]
    assert info.transform is None and len(info.gcps) == 10 * 21 and "4326" in info.gcp_crs_wkt
    assert len({point.z for point in info.gcps}) > 100
    assert {point.row for point in info.gcps} >= {0.0, 90.0} and {point.col for point in info.gcps} >= {0.0, 120.0}
    tags = dict(dict(info.tags)[""])
    assert tags["SIMULATOR_PRESET"] == "sea" and tags["SIMULATED"].startswith("yes")


def test_pixels_are_ten_metres_on_the_ground():
    points = product.control_points(1000, 2000)
    corners = {(point.row, point.col): np.array([point.x * np.cos(np.deg2rad(47)), point.y]) for point in points}
    down = np.linalg.norm(corners[1000, 0] - corners[0, 0]) * 111_320
    across = np.linalg.norm(corners[0, 2000] - corners[0, 0]) * 111_320
    assert down == pytest.approx(10_000, rel=0.01) and across == pytest.approx(20_000, rel=0.01)


def test_tiny_scenes_have_each_point_once():
    points = product.control_points(1, 1)
    assert len({(point.row, point.col) for point in points}) == len(points) == 4


def test_nothing_is_overwritten_unasked_and_two_outputs_need_two_names(tmp_path):
    path = tmp_path / "a.tif"
    product.simulate(path, 40, 40, seed=1)
    before = path.read_bytes()
    with pytest.raises(OutputExists):
        product.simulate(path, 40, 40, seed=2)
    assert path.read_bytes() == before
    product.simulate(path, 40, 40, seed=2, overwrite=True)
    assert path.read_bytes() != before
    with pytest.raises(InvalidArgument, match="two names"):
        product.simulate(tmp_path / "b.tif", 40, 40, truth_path=tmp_path / "b.tif")
    with pytest.raises(InvalidArgument, match="moon"):
        product.simulate(tmp_path / "b.tif", 40, 40, preset="moon")
    assert sorted(tmp_path.iterdir()) == [path]


def test_memory_does_not_grow_with_the_scene(tmp_path, monkeypatch):
    """15 times the rows; the noise alone of the whole scene would take 16 bytes a pixel, 63 MB."""
    monkeypatch.setattr(product, "TILE_PX", 256)
    monkeypatch.setattr(land, "CACHED_CELLS", 16)
    peaks = []
    for rows in (512, 512 * 15):
        tracemalloc.start()
        product.simulate(tmp_path / f"{rows}.tif", rows, 512, ("VV",), preset="homogeneous")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 20e6
