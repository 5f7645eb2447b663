"""GeoTIFFs read, written and read again say the same; failures are clear and leave no file."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from sarcodec.errors import InvalidArgument, OutputExists, SarcodecError, UnreadableScene, UnsupportedScene
from sarcodec.format.scene import DTYPES, GroundControlPoint, SceneInfo, pack_scene, unpack_scene
from sarcodec.format.tiling import TileGrid, Window
from sarcodec.raster.geotiff import SceneWriter, open_scene, read_array, write_array

NAN = float("nan")
WGS84 = rasterio.CRS.from_epsg(4326).to_wkt()
UTM = rasterio.CRS.from_epsg(32631).to_wkt()
TRANSFORM = (10.0, 0.0, 500000.0 + 1 / 3, 0.0, -10.0, 4649776.22)
DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = pytest.mark.filterwarnings("error")


def pixels_of(info, seed=0):
    values = np.random.default_rng(seed).gamma(4.4, 20, (info.count, info.rows, info.cols))
    return values.astype(info.dtype)


def control_points(count=12):
    return tuple(
        GroundControlPoint(i * 83.0 / 3, i * 64.02249, 78 + i / 7, 10 - i / 11, 255.3009 + i / 13, str(i + 1))
        for i in range(count)
    )


def full_info(**changes):
    info = SceneInfo(
        rows=130, cols=70, count=2, dtype="float32", crs_wkt=UTM, transform=TRANSFORM, nodata=(-9999.0,) * 2,
        tags=(("", (("POLARISATION", "VV é\n=x"), ("TIFFTAG_SOFTWARE", "Sentinel-1 IPF 002.91"))),
              ("ESA", (("MODE", "IW"), ("PASS", "ascending"))),
              ("xml:ANNOTATION", (("xml:ANNOTATION", "<a b='1=2'><c/></a>"),))),
        band_tags=((("", (("K", "1"),)),), (("NS", (("K", "2"),)),)), descriptions=("VV", None), units=(None, "dB"),
        scales=(0.5, 2.0), offsets=(1.0, -3.25),
    )  # fmt: skip
    return replace(info, **changes)


def same(first, second):
    """Equal, with NaN equal to NaN."""
    return repr(first) == repr(second)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (40, 700), (600, 520)])
def test_pixels_and_georeferencing_come_back(tmp_path, dtype, shape):
    info = SceneInfo(*shape, 2, dtype, crs_wkt=UTM, transform=TRANSFORM, nodata=(0.0, 0.0))
    pixels = pixels_of(info)
    write_array(tmp_path / "a.tif", pixels, info)
    again, found = read_array(tmp_path / "a.tif")
    assert np.array_equal(again, pixels) and again.dtype == dtype
    assert found == info
    assert os.listdir(tmp_path) == ["a.tif"]


ODD_NODATA = [None, 0.0, -9999.0, float(np.float32(1e-7)), NAN, float("inf"), -3.4028234663852886e38]


@pytest.mark.parametrize("nodata", ODD_NODATA)
def test_every_word_comes_back(tmp_path, nodata):
    info = full_info(nodata=(nodata,) * 2)
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    found = read_array(tmp_path / "a.tif")[1]
    assert same(found, info)
    assert same(unpack_scene(pack_scene(found), 130, 70, 2, "float32"), info)
    assert os.listdir(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("point", [False, True])
def test_control_points_with_heights_come_back_and_no_transform_is_invented(tmp_path, point):
    tags = (("", (("AREA_OR_POINT", "Point"),)),) if point else ()
    info = SceneInfo(100, 90, 1, "uint16", gcps=control_points(), gcp_crs_wkt=WGS84, tags=tags)
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    found = read_array(tmp_path / "a.tif")[1]
    assert found.transform is None and found.crs_wkt is None
    assert replace(found, gcps=info.gcps) == info
    for ours, theirs in zip(info.gcps, found.gcps, strict=True):
        assert (ours.x, ours.y, ours.z, ours.id) == (theirs.x, theirs.y, theirs.z, theirs.id)
        assert (theirs.row, theirs.col) == pytest.approx((ours.row, ours.col), abs=1e-9 if point else 0)
    assert os.listdir(tmp_path) == ["a.tif"]


def test_point_rasters_keep_their_transform(tmp_path):
    info = full_info(tags=(("", (("AREA_OR_POINT", "Point"),)),), transform=(10.0, 0.0, 500.0, 0.0, -10.0, 900.0))
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    assert read_array(tmp_path / "a.tif")[1] == info


def test_rational_polynomials_come_back(tmp_path):
    names = ("LINE_OFF", "SAMP_OFF", "LAT_OFF", "LONG_OFF", "HEIGHT_OFF")
    scales = ("LINE_SCALE", "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE")
    series = ("LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF", "SAMP_DEN_COEFF")
    items = {"ERR_BIAS": "-1", "ERR_RAND": "-1"} | dict.fromkeys(names + scales, "12.5")
    items |= dict.fromkeys(series, " ".join(["0.25"] * 20))
    info = SceneInfo(20, 30, 1, "uint16", tags=(("RPC", tuple(sorted(items.items()))),))
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    assert read_array(tmp_path / "a.tif")[1] == info
    assert os.listdir(tmp_path) == ["a.tif"]


def test_statistics_and_layout_are_left_out(tmp_path):
    info = SceneInfo(20, 30, 1, "uint16", band_tags=((("", (("STATISTICS_MEAN", "5"), ("kept", "1"))),),))
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    found = read_array(tmp_path / "a.tif")[1]
    assert found.band_tags == ((("", (("kept", "1"),)),),) and found.tags == ()


def test_nothing_said_is_nothing_found(tmp_path):
    info = SceneInfo(20, 30, 3, "uint8")
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    assert pack_scene(read_array(tmp_path / "a.tif")[1]) == b""


def test_colours_come_back(tmp_path):
    info = SceneInfo(20, 30, 3, "uint8", colorinterp=("red", "green", "blue"))
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    assert read_array(tmp_path / "a.tif")[1] == info


def test_tile_by_tile_and_window_by_window(tmp_path):
    info = SceneInfo(1100, 700, 2, "float32")
    pixels, grid = pixels_of(info), TileGrid(1100, 700, 512)
    with SceneWriter(tmp_path / "a.tif", info, threads=2) as writer:
        for tile in map(grid.window, range(grid.count)):
            for band in (0, 1):
                writer.write(band, tile, pixels[band][tile.slices])
        assert not (tmp_path / "a.tif").exists()
    with open_scene(tmp_path / "a.tif") as scene:
        window = Window(500, 3, 300, 690)
        assert np.array_equal(scene.read(1, window), pixels[1][window.slices])
        with pytest.raises(InvalidArgument, match="bands 0..1"):
            scene.read(2, window)
        with pytest.raises(InvalidArgument, match="1100 rows and 700 columns"):
            scene.read(0, Window(1099, 0, 2, 1))
    with warnings.catch_warnings(action="ignore"), rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.block_shapes == [(512, 512)] * 2


def test_failure_leaves_no_file_and_keeps_the_old_one(tmp_path):
    info = SceneInfo(20, 30, 1, "uint16")
    old = pixels_of(info)
    write_array(tmp_path / "a.tif", old, info)
    for name in ("a.tif", "b.tif"):
        with pytest.raises(ZeroDivisionError), SceneWriter(tmp_path / name, info, overwrite=True) as writer:
            writer.write(0, Window(0, 0, 20, 30), old[0] + 1)
            raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["a.tif"] and np.array_equal(read_array(tmp_path / "a.tif")[0], old)


def test_existing_output_is_kept_unless_asked(tmp_path):
    info = SceneInfo(20, 30, 1, "uint16")
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset><SRS>stale</SRS></PAMDataset>")
    with pytest.raises(OutputExists, match="a.tif is already there"):
        write_array(tmp_path / "a.tif", pixels_of(info, 1), info)
    write_array(tmp_path / "a.tif", pixels_of(info, 1), info, overwrite=True)
    assert np.array_equal(read_array(tmp_path / "a.tif")[0], pixels_of(info, 1))
    assert os.listdir(tmp_path) == ["a.tif"]


def test_output_that_appears_meanwhile_is_kept(tmp_path):
    info = SceneInfo(20, 30, 1, "uint16")
    with pytest.raises(OutputExists), SceneWriter(tmp_path / "a.tif", info) as writer:
        writer.write(0, Window(0, 0, 20, 30), pixels_of(info)[0])
        (tmp_path / "a.tif").write_text("another's")
    assert os.listdir(tmp_path) == ["a.tif"] and (tmp_path / "a.tif").read_text() == "another's"


def test_wrong_arguments_of_the_writer(tmp_path):
    info = SceneInfo(20, 30, 1, "uint16")
    with pytest.raises(InvalidArgument, match="folder"):
        SceneWriter(tmp_path / "no" / "a.tif", info)
    with pytest.raises(UnsupportedScene, match="int64"):
        SceneWriter(tmp_path / "a.tif", replace(info, dtype="int64"))
    with pytest.raises(InvalidArgument, match="uint8 of shape"), SceneWriter(tmp_path / "a.tif", info) as writer:
        writer.write(0, Window(0, 0, 20, 30), np.zeros((20, 30), np.uint8))
    with pytest.raises(InvalidArgument, match="pixels have shape"):
        write_array(tmp_path / "a.tif", np.zeros((2, 20, 30), np.uint16), info)
    with pytest.raises(SarcodecError, match="cannot write.*WKT.*a GeoTIFF cannot hold"):
        SceneWriter(tmp_path / "a.tif", replace(info, crs_wkt="no wkt"))
    assert os.listdir(tmp_path) == []


FULL_DISK = """
import resource, sys
import numpy as np
from sarcodec.errors import SarcodecError
from sarcodec.raster.geotiff import write_array
from sarcodec.format.scene import SceneInfo
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
side = int(sys.argv[3])
pixels = np.random.default_rng(0).integers(1, 65535, (1, side, side)).astype(np.uint16)
try:
    write_array(sys.argv[1], pixels, SceneInfo(side, side, 1, "uint16"))
except SarcodecError as error:
    print(error)
"""


@pytest.mark.parametrize("limit, side", [(100_000, 1024), (100_000, 512), (2_000, 64), (100, 64)])
def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path, limit, side):
    pytest.importorskip("resource")
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "a.tif"), str(limit), str(side)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout, done
    assert os.listdir(tmp_path) == []


def foreign(path, dtype, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        profile = {"driver": "GTiff", "height": 8, "width": 8, "count": 1, "dtype": dtype} | changes
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(np.ones((dataset.count, 8, 8), "complex64" if "complex" in dtype else dtype))
    return path


@pytest.mark.parametrize(
    "dtype, words",
    [
        ("complex_int16", "complex pixels .complex_int16.*detected.*GRD"),
        ("complex64", "complex pixels .complex64"),
        ("int64", "int64 pixels.*gdal_translate -ot Float64"),
        ("uint64", "uint64 pixels"),
    ],
)
def test_other_pixels_are_refused_with_advice(tmp_path, dtype, words):
    with pytest.raises(UnsupportedScene, match=words):
        open_scene(foreign(tmp_path / "a.tif", dtype))


def test_unreadable_files(tmp_path):
    with pytest.raises(InvalidArgument, match="none.tif is not there"):
        open_scene(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(UnreadableScene, match="text.tif"):
        open_scene(tmp_path / "text.tif")


def test_every_truncation_is_unreadable_and_never_wrong_pixels(tmp_path):
    info = full_info(count=1, dtype="uint16", rows=64, cols=64, nodata=(0.0,), band_tags=(), descriptions=(),
                     units=(), scales=(), offsets=(), colorinterp=(), masked_bands=(), colormaps=(), categories=(),
                     attribute_tables=())  # fmt: skip
    write_array(tmp_path / "a.tif", pixels_of(info), info)
    data = (tmp_path / "a.tif").read_bytes()
    refused = 0
    for length in range(0, len(data), 37):
        (tmp_path / "b.tif").write_bytes(data[:length])
        try:
            assert np.array_equal(read_array(tmp_path / "b.tif")[0], pixels_of(info))
        except UnreadableScene:
            refused += 1
    assert refused > 0.8 * len(range(0, len(data), 37))


def product(pattern):
    found = sorted((DATA / "products").glob(pattern))
    if not found:
        pytest.skip(f"no {pattern} under {DATA / 'products'}; set SARCODEC_DATA to the folder of the data")
    return found[0]


@pytest.mark.parametrize("pattern", ["ghana*.tif", "nigeria*.tif", "grdh*.tiff"])
def test_real_products_come_back(tmp_path, pattern):
    pixels, info = read_array(product(pattern))
    kept = unpack_scene(pack_scene(info), info.rows, info.cols, info.count, info.dtype)
    write_array(tmp_path / "a.tif", pixels, kept)
    again, found = read_array(tmp_path / "a.tif")
    assert np.array_equal(again.view("u1"), pixels.view("u1")) and same(found, info)
    assert os.listdir(tmp_path) == ["a.tif"]


def test_real_grdh_has_its_control_points():
    info = read_array(product("grdh*.tiff"))[1]
    assert len(info.gcps) == 210 and info.transform is None and info.gcp_crs_wkt == WGS84
    assert all(point.z != 0 for point in info.gcps) and len(pack_scene(info)) < 5000
