"""Debian's gdalwarp and gdalinfo over /vsicurl/, and over a VRT in rasterio: control points land within a pixel."""

import json
import os
import shutil
import subprocess
import threading

import pytest
import rasterio
from rasterio.vrt import WarpedVRT

import sarcodec.rasterio
import sarcodec.vrt
from doors.bent import off_px
from sarcodec.doors.server import Server

pytestmark = pytest.mark.tools
CURL = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif"}


@pytest.fixture
def url(bent, tmp_path):
    shutil.copy(bent[0], tmp_path / "bent.sarc")
    with Server(tmp_path, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"/vsicurl/{server.url}bent.tif"
        server.shutdown()
        thread.join()


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **CURL}, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("gdalwarp"), reason="gdalwarp (Debian's gdal-bin) is not installed")
def test_gdalwarp_over_vsicurl(bent, url, tmp_path):
    run("gdalwarp", "-q", "-tps", "-t_srs", "EPSG:4326", url, str(tmp_path / "warped.tif"))
    with rasterio.open(tmp_path / "warped.tif") as warped:
        assert off_px(warped, bent[1]).max() < 1


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo (Debian's gdal-bin) is not installed")
def test_gdalinfo_over_vsicurl(bent, url):
    said = json.loads(run("gdalinfo", "-json", url))
    found = [(p["line"], p["pixel"], p["x"], p["y"]) for p in said["gcps"]["gcpList"]]
    assert len(found) == len(bent[1])
    for point, (row, col, x, y) in zip(bent[1], found):
        assert (row, col) == (point.row, point.col) and abs(x - point.x) < 1e-12 and abs(y - point.y) < 1e-12


def test_a_warp_in_rasterio(bent, tmp_path):
    trust = {"GDAL_VRT_ENABLE_PYTHON": "TRUSTED_MODULES", "GDAL_VRT_PYTHON_TRUSTED_MODULES": "sarcodec.vrt"}
    target = sarcodec.vrt.write(bent[0], tmp_path / "a.vrt")
    with (
        rasterio.Env(**trust), rasterio.open(target) as dataset, WarpedVRT(dataset, crs="EPSG:4326", METHOD="GCP_TPS") as warped,
    ):  # fmt: skip
        assert off_px(warped, bent[1]).max() < 1
    with sarcodec.rasterio.open(bent[0]) as dataset, WarpedVRT(dataset, crs="EPSG:4326", METHOD="GCP_TPS") as warped:
        assert off_px(warped, bent[1]).max() < 1
