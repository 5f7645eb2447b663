"""rasterio and GDAL say nothing beside the answer, and the process's filters and options stay as they were."""

import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from sarcodec.errors import SarcodecError
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec.raster.quiet import environment, open_reader, open_writer

SOURCE = Path(__file__).resolve().parents[2] / "src"
PIXELS = np.arange(1, 49, dtype="uint8").reshape(6, 8)


def write(path, **options):
    with open_writer(path, driver="GTiff", width=8, height=6, count=1, dtype="uint8", **options) as dataset:
        dataset.write(PIXELS, 1)
    return path


@pytest.mark.filterwarnings("error")
def test_no_warning_of_a_missing_or_a_plain_transform(tmp_path):
    for number, options in enumerate(
        ({}, {"transform": rasterio.Affine.identity()}, {"transform": (1, 0, 0, 0, -1, 0)})
    ):
        with open_reader(write(tmp_path / f"{number}.tif", **options)) as dataset:
            np.testing.assert_array_equal(dataset.read(1), PIXELS)


def test_rasterio_itself_still_warns(tmp_path):
    """What is overridden is overridden for our datasets alone; and there is something to be quiet about."""
    path = write(tmp_path / "a.tif")
    with pytest.warns(NotGeoreferencedWarning):
        rasterio.open(path).close()


def test_filters_are_not_touched(tmp_path, monkeypatch):
    def touched(*_, **__):
        raise AssertionError("the filters of the whole process were changed")

    for name in ("catch_warnings", "simplefilter", "filterwarnings"):
        monkeypatch.setattr(warnings, name, touched)
    with open_reader(write(tmp_path / "a.tif")) as dataset:
        assert dataset.crs is None


def test_nothing_leaks_beside_a_thread_that_uses_filters(tmp_path):
    shown, stop, path = [], threading.Event(), tmp_path / "a.tif"

    def another():
        while not stop.is_set():
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                stop.wait(0.0003)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, category, *_, **__: shown.append(category)
        before, thread = list(warnings.filters), threading.Thread(target=another)
        thread.start()
        for _ in range(50):
            write_array(path, PIXELS[None], SceneInfo(6, 8, 1, "uint8"), overwrite=True)
            read_array(path)
        stop.set()
        thread.join()
        assert NotGeoreferencedWarning not in shown and warnings.filters == before


def test_datasets_are_as_rasterio_s(tmp_path):
    path = tmp_path / "a.tif"
    options = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 6e6), "nodata": 3}
    with open_writer(path, driver="GTiff", width=8, height=6, count=1, dtype="uint8", **options) as dataset:
        dataset.update_tags(ns="A", key="value")
        dataset.set_band_description(1, "VV")
        dataset.scales, dataset.offsets, dataset.units = (2.0,), (1.0,), ("dB",)
        dataset.colorinterp = [ColorInterp.gray]
        dataset.write_mask(np.full((6, 8), 255, "uint8"))
        dataset.write(PIXELS, 1)
    with open_reader(str(path)) as ours, rasterio.open(path) as theirs:
        for name in (
            "profile",
            "transform",
            "crs",
            "descriptions",
            "scales",
            "offsets",
            "units",
            "nodatavals",
            "files",
            "name",
            "mode",
        ):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.tags(ns="A") == {"key": "value"} and isinstance(ours, rasterio.DatasetReader)
        assert ours.tag_namespaces() == theirs.tag_namespaces()
    assert ours.closed
    with pytest.raises(RasterioIOError):
        open_reader(tmp_path / "none.tif")


@pytest.mark.parametrize("thread", [False, True])
def test_gdal_prints_nothing(tmp_path, thread, capfd):
    """Tags of the wrong type: GDAL complains of them when they are asked for, which may be long after opening."""
    path = odd_tiff(tmp_path / "odd.tif")
    read = [threading.Thread(target=read_array, args=(path,))] if thread else []
    for one in read:
        one.start()
        one.join()
    if not thread:
        read_array(path)
    said = capfd.readouterr()
    assert said.out == said.err == ""
    plain = "import rasterio, sys; d = rasterio.open(sys.argv[1]); d.tags(1), d.read(1), d.tag_namespaces(), d.files, d.close()"
    done = subprocess.run([sys.executable, "-c", plain, path], capture_output=True, text=True, timeout=60)
    assert "Incompatible type" in done.stderr, "GDAL has nothing to say of this file: the test is empty"


def odd_tiff(path: Path) -> Path:
    """A TIFF with text under GeoPixelScale (33550) and GeoKeyDirectory (34735)."""
    tags = {
        256: (3, 8),
        257: (3, 6),
        258: (3, 8),
        259: (3, 1),
        262: (3, 1),
        273: (4, 8),
        277: (3, 1),
        278: (3, 6),
        279: (4, 48),
    }
    number = lambda value, size: int(value).to_bytes(size, "little")
    fields = [number(tag, 2) + number(kind, 2) + number(1, 4) + number(value, 4) for tag, (kind, value) in tags.items()]
    fields += [number(tag, 2) + number(2, 2) + number(3, 4) + b"xx\0\0" for tag in (33550, 34735)]
    table = number(len(fields), 2) + b"".join(fields) + number(0, 4)
    path.write_bytes(b"II*\0" + number(8 + 48, 4) + PIXELS.tobytes() + table)
    return path


@pytest.mark.parametrize("thread", [False, True])
def test_options_of_gdal_are_put_back(tmp_path, thread):
    """Set by anybody in whatever way; after an error too."""
    get, put, gone = rasterio._env.get_gdal_config, rasterio._env.set_gdal_config, rasterio._env.del_gdal_config

    def use():
        write_array(tmp_path / "a.tif", PIXELS[None], SceneInfo(6, 8, 1, "uint8"), overwrite=True)
        read_array(tmp_path / "a.tif")
        with pytest.raises(SarcodecError):
            write_array(tmp_path / "a.tif", PIXELS[None], SceneInfo(6, 8, 1, "uint8"))
        with pytest.raises(KeyError), environment(GDAL_PAM_ENABLED=False):
            assert get("GDAL_PAM_ENABLED") is False
            raise KeyError

    names = ("GDAL_PAM_ENABLED", "GTIFF_POINT_GEO_IGNORE")
    try:
        for name in names:
            put(name, True)
        run(use, thread)
        assert all(get(name) is True for name in names)
    finally:
        for name in names:
            gone(name)
    run(use, thread)
    assert [get(name) for name in names] == [None, None]
    with rasterio.Env(GDAL_PAM_ENABLED=True):
        run(use, thread)
        assert get("GDAL_PAM_ENABLED") is True
    assert [get(name) for name in names] == [None, None] and not rasterio.env.hasenv()
    put("GDAL_PAM_ENABLED", True)
    with rasterio.Env():  # which restores what it knows, and not what was set before it
        run(use, thread)
        assert get("GDAL_PAM_ENABLED") is True
    gone("GDAL_PAM_ENABLED")


def run(work, thread: bool) -> None:
    if not thread:
        work()
        return
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
