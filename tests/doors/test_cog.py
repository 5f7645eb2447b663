"""COGs by the rules of others: rio-cogeo's validation, what Debian's GDAL says of their layout, and what it reads of their overviews."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import rasterio

import sarcodec
from api.scenes import amplitude
from api.test_cog import cog_of

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module", params=["nodata", "mask", "power"])
def cog(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("cog") / "a.sarc"
    pixels = amplitude(5, 1100, 2100, 2)
    pixels[:, :300, :500] = 0
    about = {
        "nodata": {"nodata": 0},
        "mask": {"mask": np.where(pixels[0], 255, 0).astype("uint8")},
        "power": {"nodata": 0},
    }
    if request.param == "power":
        pixels = (pixels / np.float32(300)).astype("float32") ** 2
    domain = "power" if request.param == "power" else "amplitude"
    path.write_bytes(sarcodec.encode(pixels, quality=30, effort=0, domain=domain, **about[request.param]))
    return path, cog_of(path)[0]


def test_it_is_valid(cog):
    validate = pytest.importorskip("rio_cogeo.cogeo", reason="rio-cogeo is not installed").cog_validate
    valid, errors, warnings = validate(cog[1], strict=True)
    assert valid and not errors and not warnings


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo (Debian's gdal-bin) is not installed")
def test_debians_gdal(cog, tmp_path):
    done = subprocess.run(["gdalinfo", "-json", cog[1]], capture_output=True, text=True, timeout=60, check=True)
    said = json.loads(done.stdout)
    assert said["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG" and not done.stderr
    assert [o["size"] for o in said["bands"][0]["overviews"]] == [[1050, 550], [525, 275], [263, 138]]
    for number, side in ((0, None), (2, 8)):
        level = [] if side is None else ["-oo", f"OVERVIEW_LEVEL={number}"]
        out = tmp_path / f"{number}.tif"
        subprocess.run(["gdal_translate", "-q", *level, cog[1], out], timeout=60, check=True)
        with rasterio.open(out) as found, sarcodec.open(cog[0]) as scene:
            np.testing.assert_array_equal(found.read(), scene.read() if side is None else scene.read(reduce=side))
