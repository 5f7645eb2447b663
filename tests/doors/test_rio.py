"""`rio sarcodec`: the verbs themselves, with their options, messages and exit codes; loaded cheaply."""

import json
import subprocess
import sys

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from sarcodec.raster.geotiff import read_array

pytestmark = pytest.mark.tools
testing = pytest.importorskip("click.testing")


def rio(*words):
    from sarcodec.rio import sarcodec as group

    return testing.CliRunner().invoke(group, [str(word) for word in words])


def test_there_and_back(tmp_path):
    source = store(tmp_path / "in.tif", amplitude(2, 40, 50))
    assert rio("compress", source, tmp_path / "a.sarc", "--quality", "80").exit_code == 0
    assert rio("decompress", tmp_path / "a.sarc", tmp_path / "back.tif").exit_code == 0
    with sarcodec.open(tmp_path / "a.sarc") as scene:
        np.testing.assert_array_equal(read_array(tmp_path / "back.tif")[0], scene.read())
    told = rio("info", tmp_path / "a.sarc", "--json")
    assert json.loads(told.output)["quality"] == pytest.approx(80, abs=0.5)


def test_exit_codes_and_help_are_the_verbs_own(tmp_path):
    assert rio("info", tmp_path / "absent.sarc").exit_code == 2
    assert "no option --qualty" in rio("compress", "--qualty", "3").output
    assert "usage: sarcodec compress" in rio("compress", "--help").output
    assert {"compress", "decompress", "info"} <= set(rio("--help").output.split())


def test_the_plugin_loads_no_codec():
    code = "import sys, sarcodec.rio; print(*(m for m in sys.modules if m.split('.')[0] in ('numpy', 'rasterio') or 'sarcodec.api' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
