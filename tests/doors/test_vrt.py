"""VRTs with a pixel function: in rasterio's GDAL and in Debian's they are the GeoTIFF of decompress; damage and other files are errors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

import sarcodec
import sarcodec.vrt
from api.scenes import amplitude
from doors.scenes import decompressed
from doors.test_rasterio import back, masked
from sarcodec.__main__ import main
from sarcodec.errors import InvalidArgument, NotSarcodec, OutputExists
from sarcodec.raster.comparing import differences
from sarcodec.raster.description import read_info
from sarcodec.raster.quiet import open_reader

pytestmark = pytest.mark.tools
TRUST = {"GDAL_VRT_ENABLE_PYTHON": "TRUSTED_MODULES", "GDAL_VRT_PYTHON_TRUSTED_MODULES": "sarcodec.vrt"}
SOURCE = Path(sarcodec.__file__).parents[1]


@pytest.fixture(autouse=True)
def trusted():
    with rasterio.Env(**TRUST):
        yield


@pytest.mark.parametrize("which", ["scene", "map_scene"])
def test_everything_is_that_of_decompress(request, which, tmp_path):
    path, pixels = request.getfixturevalue(which)
    target = tmp_path / "a ü.vrt"
    sarcodec.vrt.write(path, target)
    with open_reader(target) as found, open_reader(back(path)) as wanted:
        one, other = read_info(found), read_info(wanted)
        assert not differences(other, one) and not differences(one, other)
        assert found.tags() == wanted.tags() and found.tags(ns="SARCODEC") == wanted.tags(ns="SARCODEC") != {}
        np.testing.assert_array_equal(found.read(), pixels)
        np.testing.assert_array_equal(found.dataset_mask(), wanted.dataset_mask())
        np.testing.assert_array_equal(found.read(1, window=Window(30, 20, 60, 33)), pixels[0, 20:53, 30:90])


@pytest.mark.parametrize("mask,values", [("dataset", (0, 255)), ("dataset", (0, 100, 255)), ("bands", (0, 255))])
def test_masks_are_those_of_decompress(tmp_path, mask, values):
    path = masked(tmp_path, mask, values)
    pixels = decompressed(path)
    with rasterio.open(sarcodec.vrt.write(path)) as found, rasterio.open(back(path)) as wanted:
        assert found.mask_flag_enums == wanted.mask_flag_enums
        assert not wanted.read_masks().all()
        np.testing.assert_array_equal(found.read_masks(), wanted.read_masks())
        np.testing.assert_array_equal(found.read(), pixels)


def test_bands_that_are_chosen(scene, tmp_path):
    target = sarcodec.vrt.write(scene[0], tmp_path / "vh.vrt", indexes=2)
    with rasterio.open(target) as found:
        assert found.descriptions == ("VH",) and found.count == 1
        np.testing.assert_array_equal(found.read(1), scene[1][1])
    with rasterio.open(sarcodec.vrt.write(scene[0], tmp_path / "other.vrt", indexes=(2, 1))) as found:
        np.testing.assert_array_equal(found.read(), scene[1][::-1])


def test_options_are_those_of_open(scene, tmp_path):
    with rasterio.open(sarcodec.vrt.write(scene[0], tmp_path / "log.vrt", reconstruct="log")) as found:
        assert found.tags(ns="SARCODEC")["RECONSTRUCT"] == "log"
        np.testing.assert_array_equal(found.read(), sarcodec.open(scene[0], reconstruct="log").read())


def test_warps_by_its_control_points(scene, tmp_path):
    with (
        rasterio.open(sarcodec.vrt.write(scene[0], tmp_path / "a.vrt")) as found,
        rasterio.open(back(scene[0])) as other,
    ):
        warped, wanted = (WarpedVRT(d, crs="EPSG:32632") for d in (found, other))
        assert warped.transform == wanted.transform
        np.testing.assert_array_equal(warped.read(1), wanted.read(1))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "a.sarc"
    pixels = amplitude(5, 1700, 2600)
    pixels[:, :300, :500] = 0
    mask = np.where(pixels[0], 255, 0).astype("uint8")
    path.write_bytes(sarcodec.encode(pixels, quality=30, effort=0, domain="amplitude", mask=mask))
    return path, Path(sarcodec.vrt.write(path))


def test_overviews_are_the_reduced_pictures(large):
    with sarcodec.open(large[0]) as scene, rasterio.open(large[1]) as whole:
        assert whole.overviews(1) == [8, 16, 32]
        for level, side in enumerate((8, 16, 32)):
            with rasterio.open(large[1], overview_level=level) as found:
                np.testing.assert_array_equal(found.read(1), scene.read(1, reduce=side))
                np.testing.assert_array_equal(found.dataset_mask(), scene.dataset_mask(reduce=side))
                assert (found.dataset_mask() == 0).any()


def test_a_small_picture_decodes_no_whole_tile(large, monkeypatch, tmp_path):
    monkeypatch.setattr("sarcodec.decoding.scene.SceneDecoder.tile_pixels", None)
    plain = tmp_path / "no overviews.vrt"  # what GDAL does where a program asks past them
    text = large[1].read_text()
    plain.write_text(text[: text.index("<Overview>")] + text[text.rindex("</Overview>") + len("</Overview>") :])
    for path in (large[1], plain):
        with rasterio.open(path) as found:
            small = found.read(1, out_shape=(200, 300))
        assert small.shape == (200, 300) and small.std() > 0


def test_a_picture_between_is_of_the_nearest_pixels(large):
    with sarcodec.open(large[0]) as scene, rasterio.open(large[1]) as found:
        small = found.read(1, out_shape=(425, 650))
        np.testing.assert_array_equal(small, scene.read(1)[2::4, 2::4])


def test_paths_from_a_folder(scene, tmp_path, monkeypatch):
    target = tmp_path / "a.vrt"
    sarcodec.vrt.write(scene[0], target, relative_to=scene[0].parent.parent)
    relative = os.path.join(scene[0].parent.name, scene[0].name)
    assert f'path="{relative}"' in target.read_text("utf-8")
    monkeypatch.setenv("SARCODEC_VRT_ROOT", str(scene[0].parent.parent))
    with rasterio.open(target) as found:
        np.testing.assert_array_equal(found.read(), scene[1])
    monkeypatch.delenv("SARCODEC_VRT_ROOT")
    monkeypatch.chdir(scene[0].parent.parent)
    with rasterio.open(target) as found:
        np.testing.assert_array_equal(found.read(), scene[1])


def test_damage_is_an_error_and_never_pixels(scene, tmp_path):
    data = bytearray(scene[0].read_bytes())
    data[-200] ^= 255  # in a payload: head and index are whole
    (tmp_path / "bad.sarc").write_bytes(data)
    with rasterio.open(sarcodec.vrt.write(tmp_path / "bad.sarc")) as dataset, pytest.raises(RasterioIOError):
        dataset.read()


def test_another_file_under_the_name_is_an_error(scene, map_scene, tmp_path, capfd):
    path = tmp_path / "a.sarc"
    shutil.copy(scene[0], path)
    target = sarcodec.vrt.write(path)
    shutil.copy(map_scene[0], path)
    with rasterio.open(target) as dataset, pytest.raises(RasterioIOError):
        dataset.read(1)
    path.unlink()
    with rasterio.open(target) as dataset, pytest.raises(RasterioIOError):
        dataset.read(1)


def test_untrusted_it_gives_no_pixels(scene, tmp_path):
    target = sarcodec.vrt.write(scene[0], tmp_path / "a.vrt")
    with rasterio.Env(GDAL_VRT_ENABLE_PYTHON="NO"), rasterio.open(target) as found, pytest.raises(RasterioIOError):
        found.read(1)


def test_the_verb(scene, tmp_path, monkeypatch, capsys):
    path = tmp_path / "scene.sarc"
    shutil.copy(scene[0], path)
    monkeypatch.chdir(tmp_path)
    assert main(["vrt", "scene.sarc"]) == 0 and capsys.readouterr().out == "scene.sarc -> scene.sarc.vrt\n"
    assert main(["vrt", "scene.sarc"]) == OutputExists.exit_code and "is already there" in capsys.readouterr().err
    assert main(["vrt", "scene.sarc", "scene.tif"]) == 2
    assert main(["vrt", "scene.sarc", "scene.sarc", "--overwrite"]) == 2 and path.read_bytes() == scene[0].read_bytes()
    capsys.readouterr()
    assert main(["vrt", "scene.sarc", "-", "--indexes", "2"]) == 0
    assert capsys.readouterr().out.encode() == sarcodec.vrt.build("scene.sarc", indexes=2)
    (tmp_path / "text.sarc").write_bytes(b"text" * 99)
    assert main(["vrt", "text.sarc"]) == NotSarcodec.exit_code and not (tmp_path / "text.sarc.vrt").exists()


def test_what_has_no_path_is_refused(scene):
    with pytest.raises(InvalidArgument, match="path"):
        sarcodec.vrt.build(scene[0].read_bytes())
    with pytest.raises(InvalidArgument, match="name the VRT"):
        sarcodec.vrt.write("https://127.0.0.1:9/scene.sarc")


def test_the_pixel_function_loads_no_raster_library():
    code = "import sys, sarcodec.vrt; print(*(m for m in sys.modules if m.split('.')[0] in ('rasterio', 'xarray')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "", done.stderr


def debian():
    """What Debian's GDAL needs to find sarcodec and NumPy: its own Python has neither of the versions that sarcodec asks for."""
    import threadpoolctl

    folders = {str(Path(module.__file__).parent) for module in (threadpoolctl,)} | {str(Path(np.__file__).parents[1])}
    return {**os.environ, **TRUST, "PYTHONPATH": os.pathsep.join([str(SOURCE), *folders])}


def same_python():
    if not shutil.which("gdal_translate") or not Path("/usr/bin/python3").exists():
        return False
    said = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    )
    return said.stdout.strip() == str(sys.version_info[:2])


@pytest.mark.skipif(not same_python(), reason="needs Debian's gdal-bin, and its Python in the version of this one")
@pytest.mark.parametrize("which", ["scene", "map_scene"])
def test_debians_gdal_translate(request, which, tmp_path):
    path, pixels = request.getfixturevalue(which)
    target = sarcodec.vrt.write(path, tmp_path / "a ü.vrt")
    environment = {**debian(), "PATH": "/usr/bin:/bin"}
    for command in (
        ["gdal_translate", "-q", target, str(tmp_path / "whole.tif")],
        ["gdal_translate", "-q", "-srcwin", "20", "10", "50", "40", target, str(tmp_path / "part.tif")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == 0 and not done.stderr, done.stderr
    with rasterio.open(tmp_path / "whole.tif") as found, rasterio.open(back(path)) as wanted:
        np.testing.assert_array_equal(found.read(), pixels)
        assert [(g.row, g.col, g.x, g.y) for g in found.gcps[0]] == [(g.row, g.col, g.x, g.y) for g in wanted.gcps[0]]
        assert found.descriptions == wanted.descriptions and repr(found.nodatavals) == repr(wanted.nodatavals)
    with rasterio.open(tmp_path / "part.tif") as found:
        np.testing.assert_array_equal(found.read(), pixels[:, 10:50, 20:70])
