"""`sarcodec mount`, really mounted: files are those of the virtual GeoTIFF, damage is an error of reading, and it goes away when it is told to."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError

from doors.test_rasterio import back, masked
from sarcodec.__main__ import main
from sarcodec.doors.virtual_geotiff import VirtualGeotiff
from sarcodec.raster.comparing import differences
from sarcodec.raster.description import read_info
from sarcodec.raster.quiet import open_reader

pytestmark = pytest.mark.tools
pytest.importorskip(
    "mfusepy", reason="mfusepy (extra mount) or the system's FUSE is not installed", exc_type=(ImportError, OSError)
)


@contextlib.contextmanager
def mounted(folder, where):
    """The verb in a process of its own, until the end of the with."""
    where.mkdir()
    words = [sys.executable, "-m", "sarcodec", "mount", str(folder), str(where)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while not os.path.ismount(where):
            if process.poll() is not None or time.monotonic() > end:
                said = process.stderr.read() if process.poll() is not None else "it takes longer than a minute"
                pytest.skip(f"this machine does not mount: {said}")
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert not os.path.ismount(where)


@pytest.fixture(scope="module")
def place(scene, map_scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mounted")
    root = folder / "scenes"
    (root / "below").mkdir(parents=True)
    shutil.copy(scene[0], root / "a scene ü.sarc")
    shutil.copy(map_scene[0], root / "below" / "map.sarc")
    shutil.copy(scene[0], folder / "secret.sarc")
    (root / "link.sarc").symlink_to(folder / "secret.sarc")
    (root / ".hidden.sarc").write_bytes(scene[0].read_bytes())
    (root / "notes.txt").write_text("private")
    data = bytearray(scene[0].read_bytes())
    data[-200] ^= 255  # in a payload: head and index are whole
    (root / "bad.sarc").write_bytes(data)
    (root / "text.sarc").write_bytes(b"text" * 99)
    with mounted(root, folder / "where"):
        yield folder / "where"


def test_names(place):
    assert sorted(os.listdir(place)) == ["a scene ü.tif", "bad.tif", "below", "text.tif"]
    assert os.listdir(place / "below") == ["map.tif"]
    for name in (
        "secret.tif",
        "link.tif",
        ".hidden.tif",
        "notes.txt",
        "../secret.tif",
        "below/other.tif",
        "a scene ü.tif.msk",
    ):
        with pytest.raises(FileNotFoundError):
            os.stat(place / name if ".." not in name else f"{place}/below/{name}")


def test_bytes_are_those_of_the_virtual_geotiff(place, scene):
    with VirtualGeotiff(scene[0]) as tiff:
        data = (place / "a scene ü.tif").read_bytes()
        assert len(data) == tiff.size == (place / "a scene ü.tif").stat().st_size
        assert data == tiff.read(0, tiff.size)


@pytest.mark.parametrize("name, which", [("a scene ü.tif", "scene"), ("below/map.tif", "map_scene")])
def test_everything_is_that_of_decompress(request, place, name, which):
    path, pixels = request.getfixturevalue(which)
    with open_reader(place / name) as found, open_reader(back(path)) as wanted:
        one, other = read_info(found), read_info(wanted)
        assert not differences(other, one) and not differences(one, other)
        np.testing.assert_array_equal(found.read(), pixels)


def test_debians_gdal(place, scene, tmp_path):
    if not shutil.which("gdal_translate"):
        pytest.skip("gdal_translate (Debian's gdal-bin) is not installed")
    words = ["gdal_translate", "-q", str(place / "a scene ü.tif"), str(tmp_path / "out.tif")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with rasterio.open(tmp_path / "out.tif") as found:
        np.testing.assert_array_equal(found.read(), scene[1])


def test_nothing_can_be_written(place):
    with pytest.raises(OSError, match="Read-only"):
        (place / "new.tif").write_text("x")
    with pytest.raises(OSError, match="Read-only"):
        (place / "a scene ü.tif").open("r+b")
    with pytest.raises(OSError, match="Read-only"):
        (place / "bad.tif").unlink()


def test_damage_is_an_error_and_never_bytes(place):
    with rasterio.open(place / "bad.tif") as dataset, pytest.raises(RasterioIOError):
        dataset.read()
    with pytest.raises(OSError, match="Input/output"):
        (place / "bad.tif").read_bytes()
    with pytest.raises(OSError, match="Input/output"):
        (place / "text.tif").stat()


def test_masks_of_single_bands(tmp_path):
    path = masked(tmp_path, "bands")
    (tmp_path / "root").mkdir()
    shutil.move(path, tmp_path / "root" / "masked.sarc")
    with (
        mounted(tmp_path / "root", tmp_path / "where"),
        VirtualGeotiff(tmp_path / "root" / "masked.sarc", masks=True) as tiff,
    ):
        assert (tmp_path / "where" / "masked.tif.msk").stat().st_size == tiff.size
        with rasterio.open(tmp_path / "where" / "masked.tif") as found, rasterio.open(tmp_path / "in.tif") as wanted:
            np.testing.assert_array_equal(found.read_masks(), wanted.read_masks())


@pytest.mark.parametrize("umount", [False, True])
def test_it_says_where_and_ends_without_an_error(tmp_path, scene, umount):
    (tmp_path / "root").mkdir(), (tmp_path / "where").mkdir()
    shutil.copy(scene[0], tmp_path / "root")
    words = [sys.executable, "-m", "sarcodec", "mount", str(tmp_path / "root"), str(tmp_path / "where")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said = process.stdout.readline()  # it comes once the folder is mounted, or is empty where the process has ended
        if not said:
            pytest.skip(f"this machine does not mount: {process.stderr.read()}")
        assert "is shown at" in said and os.path.ismount(tmp_path / "where")
        if umount:
            subprocess.run(["umount", str(tmp_path / "where")], check=True, timeout=60)
        else:
            process.send_signal(signal.SIGINT)
        found = process.wait(60), process.stderr.read()
    assert found == ((0, "") if umount else (130, "sarcodec: interrupted\n"))


def test_what_cannot_be_mounted(tmp_path, capsys):
    (tmp_path / "full").mkdir(), (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    for words, said in [
        ((str(tmp_path / "absent"), str(tmp_path / "empty")), "is no folder"), ((str(tmp_path / "empty"), str(tmp_path / "full")), "is not empty"),
        ((str(tmp_path), str(tmp_path / "empty")), "lies in"),
    ]:  # fmt: skip
        assert main(["mount", *words]) == 2 and said in capsys.readouterr().err


def test_without_the_package_the_extra_is_named(tmp_path):
    code = "import sys; sys.modules['mfusepy'] = None; from sarcodec.__main__ import main; sys.exit(main(['mount', '.', '.']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=Path(tmp_path))
    assert done.returncode == 2 and "sarcodec[mount]" in done.stderr and len(done.stderr.splitlines()) == 1
