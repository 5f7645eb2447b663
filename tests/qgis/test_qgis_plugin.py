"""The plugin in Debian's QGIS, with its real window on a screen that nobody sees (Xvfb: without any screen QGIS 3.22 crashes as it starts): a file is dropped, and its pixels are those of `decompress`."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from api.scenes import store
from cli.shell import ROOT, command, environment
from doors.scenes import CRS, points
from sarcodec.raster.geotiff import read_array
from sarcodec.simulate.product import simulate

QGIS, XVFB = shutil.which("qgis"), shutil.which("xvfb-run")
pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(QGIS is None or XVFB is None, reason="Debian's qgis, python3-qgis and xvfb are not installed"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """(what was said within QGIS, folder of its pictures)."""
    folder = tmp_path_factory.mktemp("qgis")
    simulate(folder / "plain.tif", 700, 1100, seed=0)
    about = {"descriptions": ("VV", "VH"), "nodata": (0.0, 0.0), "gcps": points(), "gcp_crs_wkt": CRS}
    path = folder / "a scene.sarc"
    sarcodec.compress(store(folder / "in.tif", read_array(folder / "plain.tif")[0], **about), path, threads=1)
    sarcodec.decompress(path, folder / "back.tif", threads=1)
    (folder / "bin").mkdir()
    program = folder / "bin" / "sarcodec"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{environment()["PYTHONPATH"]}" exec {" ".join(command())} "$@"\n')
    program.chmod(0o755)
    plugins = folder / "profiles" / "profiles" / "default" / "python" / "plugins"
    plugins.mkdir(parents=True)
    shutil.copytree(ROOT / "plugins" / "qgis" / "sarcodec", plugins / "sarcodec")
    around = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PROJ", "GDAL"))}
    around |= {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "SARCODEC_FILE": str(path), "SARCODEC_ORIGINAL": str(folder / "back.tif"), "SARCODEC_OUT": str(folder),
    }  # fmt: skip
    words = [XVFB, "-a", "-s", "-screen 0 1280x900x24", QGIS, "--nologo", "--noversioncheck"]
    words += ["--profiles-path", folder / "profiles", "--code", ROOT / "tests/qgis/inside.py"]
    done = subprocess.run(list(map(str, words)), env=around, capture_output=True, text=True, timeout=400)
    assert (folder / "said.json").exists(), done.stderr[-3000:]
    said = json.loads((folder / "said.json").read_text())
    assert "error" not in said, said["error"]
    return said, folder


def test_a_dropped_file_is_a_layer(seen):
    layer = seen[0]["layer"]
    assert seen[0]["loaded"] and layer["valid"]
    assert (layer["name"], layer["bands"], layer["crs"]) == ("a scene", 2, "EPSG:4326")
    assert min(layer["size"]) > 700  # warped by its control points: QGIS does that itself
    assert layer["source"].startswith("/vsicurl") and "127.0.0.1" in layer["source"]


def test_its_pixels_and_its_place_are_those_of_decompress(seen):
    said, _ = seen
    assert said["same"] == [True, True]
    assert said["extent"][0] == said["extent"][1]


def test_the_map_is_drawn(seen):
    import rasterio

    with rasterio.open(seen[1] / "map.png") as picture:
        pixels = picture.read()
    assert np.unique(pixels[0]).size > 50 and pixels[0].std() > 30


def test_a_project_finds_its_layers_again(seen):
    assert seen[0]["again"] == {"valid": True, "other port": True, "value": True}


def test_what_cannot_be_read_is_said(seen):
    assert seen[0]["refused"] and any("cannot be read" in words for words in seen[0]["messages"])


def test_no_server_is_left(seen):
    assert len(seen[0]["processes"]) == 1
    for pid in seen[0]["processes"]:
        end = time.monotonic() + 30
        while Path(f"/proc/{pid}/cmdline").exists() and b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < end, f"process {pid} goes on"
            time.sleep(0.1)


def test_the_plugin_has_the_version_of_the_package():
    assert f"\nversion={sarcodec.__version__}\n" in (ROOT / "plugins/qgis/sarcodec/metadata.txt").read_text()
